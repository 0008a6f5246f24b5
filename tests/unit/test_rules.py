"""Every rule's cases, each run in Polars and in DuckDB against the same literal expectation."""

from __future__ import annotations

from datetime import date
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

SCORE = rule("between", low="0", high="10.5")
BORN = rule("between", low="25 years ago", high="2 years ago")
SINCE = rule("between", low="2000-01-01")
RECENT = rule("between", low="3 days ago", high="today")
ASCENDING = rule("ascending", other=("b",))
AGREES = rule("agrees", other=("b",))
TODAY = date(2024, 2, 29)

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
    (SCORE, "0", None, False),
    (SCORE, "-0.5", None, True),
    (SCORE, "10.50", None, False),
    (SCORE, "1.1e1", None, True),
    (SCORE, "10.5.", None, False),
    (SCORE, "", None, False),
    (SCORE, "1e999", None, False),
    (SCORE, None, None, False),
    (BORN, "1999-02-27", None, True),
    (BORN, "1999-02-28 00:00:00.000", None, False),
    (BORN, "2022-02-28 23:59:59", None, False),
    (BORN, "2022-03-01", None, True),
    (BORN, "2022-02-30", None, False),
    (BORN, None, None, False),
    (SINCE, "1999-12-31 23:59:59.997", None, True),
    (SINCE, "9999-12-31", None, False),
    (RECENT, "2024-02-26", None, False),
    (RECENT, "2024-02-25", None, True),
    (RECENT, "2024-02-29 12:00", None, False),
    (RECENT, "2024-03-01", None, True),
    (ASCENDING, "1", "2", False),
    (ASCENDING, "10", "9", True),
    (ASCENDING, "2", "2.0", False),
    (ASCENDING, "2", None, False),
    (ASCENDING, None, "2", False),
    (ASCENDING, "x", "2", False),
    (AGREES, "a", "a", False),
    (AGREES, "a", "b", True),
    (AGREES, None, "b", False),
    (AGREES, "a", None, False),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].rule}-{case[1]!r}-{case[2]!r}")
def test_a_rule_judges_alike_in_both(case: tuple[RowRule, str | None, str | None, bool]) -> None:
    args, a, b, broken = case
    df = pl.DataFrame({"a": [a], "b": [b]}, schema={"a": pl.String(), "b": pl.String()})
    expr = RULES[args.rule].polars({"a": pl.col("a"), "b": pl.col("b")}, args, TODAY)
    assert df.lazy().select(broken=expr).collect().item() is broken
    with duckdb.connect() as duck:
        duck.register("rows", df)
        sql = RULES[args.rule].sql({"a": "r.a", "b": "r.b"}, args, TODAY)
        assert duck.execute(f"SELECT {sql} FROM rows r").fetchall() == [(broken,)]


def test_every_rule_has_cases() -> None:
    assert {args.rule for args, *_ in CASES} == set(RULES)


@pytest.mark.parametrize("name", ["not_before", "pattern", "one_of", "between", "ascending", "agrees"])
def test_a_rule_names_the_argument_it_lacks(name: str) -> None:
    with pytest.raises(ValueError, match=r"needs `(other|pattern|values|low` or `high)`"):
        rule(name)


@pytest.mark.parametrize(
    ("name", "args", "why"),
    [
        ("present", {"other": "b"}, "takes no `other`"),
        ("between", {"low": "1", "alike": "email"}, "takes no `alike`"),
        ("between", {"low": "many"}, "neither a number nor a day"),
        ("between", {"low": "2023-02-29"}, "neither a number nor a day"),
        ("between", {"low": "1", "high": "today"}, "one is a number and the other a day"),
        ("agrees", {"other": ("b", "c")}, "is compared with one column"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(name: str, args: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        rule(name, **args)


def test_an_order_is_that_of_all_that_are_filled() -> None:
    args = rule("ascending", other=("b", "c", "d"))
    rows = [("1", "2", None, "3"), ("1", None, "0", None), ("3", "x", None, "2"), (None, "2", "1", None)]
    df = pl.DataFrame(rows, schema=dict.fromkeys("abcd", pl.String()), orient="row")
    expr = RULES["ascending"].polars({c: pl.col(c) for c in "abcd"}, args, TODAY)
    assert df.select(expr).to_series().to_list() == [False, True, True, True]
    with duckdb.connect() as duck:
        duck.register("rows", df)
        sql = RULES["ascending"].sql({c: c for c in "abcd"}, args, TODAY)
        assert [broken for (broken,) in duck.execute(f"SELECT {sql} FROM rows").fetchall()] == [False, True, True, True]


@pytest.mark.parametrize("pattern", [r"^\d+$", r"\bK\b", "(?=x)", "(?<!x)", r"(x)\1", "[a-z&&[^x]]", "[a[b]]"])
def test_a_pattern_that_is_not_portable_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="means one thing"):
        rule("pattern", pattern=pattern)


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no regular expression"):
        rule("pattern", pattern="(x")


@pytest.mark.parametrize("pattern", ["^[0-9]+$", "(?i)mn", "[[:alpha:]]", r"\.", "a|b", "(?:x)", r"[^\]]"])
def test_a_portable_pattern_is_taken(pattern: str) -> None:
    RULES["pattern"].polars({"a": pl.col("a")}, rule("pattern", pattern=pattern), TODAY)
