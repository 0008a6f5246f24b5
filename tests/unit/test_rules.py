"""Every rule's cases, each run in Polars and in DuckDB against the same literal expectation."""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl
import pytest

from pipeline.core.rules import RULES
from schemas.parts import RowRule


def rule(name: str, **args: Any) -> RowRule:
    return RowRule(rule=name, action="flag", because="a test", hazard="H0", column="a", **args)


NOT_BEFORE = rule("not_before", other="b")
STATE = rule("pattern", pattern="^[A-Z]{2}$")
UNANCHORED = rule("pattern", pattern="x.y")
PRESENT = rule("present")
ONE_OF = rule("one_of", values=("P", "K", "O'x", ""))

# rule, column a, column b; is it broken?
CASES: list[tuple[RowRule, str | None, str | None, bool]] = [
    (NOT_BEFORE, "2017-01-02", "2017-01-01", False),
    (NOT_BEFORE, "2017-01-01", "2017-01-02", True),
    (NOT_BEFORE, "2017-01-01 00:00:00.000", "2017-01-01", False),
    (NOT_BEFORE, "2017-01-01T00:00:00.003", "2017-01-01 00:00:00.007", True),
    (NOT_BEFORE, None, "2017-01-02", False),
    (NOT_BEFORE, "2017-01-01", None, False),
    (NOT_BEFORE, "2017-02-30", "2017-03-01", False),
    (NOT_BEFORE, "", "2017-03-01", False),
    (STATE, "MN", None, False),
    (STATE, "mn", None, True),
    (STATE, "MN\n", None, True),
    (STATE, "", None, True),
    (STATE, None, None, False),
    (UNANCHORED, "..x-y..", None, False),
    (UNANCHORED, "x\ny", None, True),
    (UNANCHORED, "xéy", None, False),
    (PRESENT, "x", None, False),
    (PRESENT, "0", None, False),
    (PRESENT, "", None, True),
    (PRESENT, " \t\r\n\u00a0\u3000", None, True),
    (PRESENT, "\u200b", None, False),
    (PRESENT, None, None, True),
    (ONE_OF, "K", None, False),
    (ONE_OF, "O'x", None, False),
    (ONE_OF, "", None, False),
    (ONE_OF, "k", None, True),
    (ONE_OF, " K", None, True),
    (ONE_OF, None, None, False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].rule}-{case[1]!r}-{case[2]!r}")
def test_a_rule_judges_alike_in_both(case: tuple[RowRule, str | None, str | None, bool]) -> None:
    args, a, b, broken = case
    df = pl.DataFrame({"a": [a], "b": [b]}, schema={"a": pl.String(), "b": pl.String()})
    expr = RULES[args.rule].polars({"a": pl.col("a"), "b": pl.col("b")}, args)
    assert df.lazy().select(broken=expr).collect().item() is broken
    with duckdb.connect() as duck:
        duck.register("rows", df)
        sql = RULES[args.rule].sql({"a": "r.a", "b": "r.b"}, args)
        assert duck.execute(f"SELECT {sql} FROM rows r").fetchall() == [(broken,)]


def test_every_rule_has_cases() -> None:
    assert {args.rule for args, *_ in CASES} == set(RULES)


@pytest.mark.parametrize("name", ["not_before", "pattern", "one_of"])
def test_a_rule_names_the_argument_it_lacks(name: str) -> None:
    with pytest.raises(ValueError, match=r"needs `(other|pattern|values)`"):
        rule(name)


@pytest.mark.parametrize("pattern", [r"^\d+$", r"\bK\b", "(?=x)", "(?<!x)", r"(x)\1", "[a-z&&[^x]]", "[a[b]]"])
def test_a_pattern_that_is_not_portable_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="means one thing"):
        rule("pattern", pattern=pattern)


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        rule("pattern", pattern="(x")


@pytest.mark.parametrize("pattern", ["^[0-9]+$", "(?i)mn", "[[:alpha:]]", r"\.", "a|b", "(?:x)", r"[^\]]"])
def test_a_portable_pattern_is_taken(pattern: str) -> None:
    RULES["pattern"].polars({"a": pl.col("a")}, rule("pattern", pattern=pattern))
