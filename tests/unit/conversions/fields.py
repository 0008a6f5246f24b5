"""The fields of a family's row: their text, and what object it becomes."""

from __future__ import annotations

from pipeline.core.converters import Setting
from pipeline.core.fields import head
from tests.unit.conversions.case import ALTERED, cases

ODD, ABSENT, DATED, LISTED = ((ALTERED, oddity) for oddity in ("unreadable_field", "absent", "dated", "listed"))


def _of(kind: str, *values: tuple[object, ...]) -> list[tuple[object, ...]]:
    """Give values of a field X of a kind, and how they stand in the object."""
    return [(f"X:{kind}:{raw}", f'{{"X": {text}}}', *told) for raw, text, *told in values]


_OF_KINDS = [
    *_of("text", ("as it stands", '"as it stands"'), ("", '""'), ('é"\n', '"é\\"\\n"'), ("a:b~1c~0n", '"a:b|c~n"')),
    *_of("text", ("~n", "null"), ("~b00ff", "null", *ODD), ("a\0b", "null", *ODD)),
    *_of("integer", ("12", "12"), ("-5", "-5"), ("99999999999999999999", "99999999999999999999"), ("~n", "null")),
    *_of("integer", ("007", "7", ALTERED), ("-0", "0", ALTERED), ("12.00", "12", ALTERED), ("-05", "-5", ALTERED)),
    *_of("integer", ("x", "null", *ODD), ("", "null", *ODD), ("1.5", "null", *ODD), ("1e2", "null", *ODD)),
    *_of("decimal", ("97.50", "97.50"), ("0.5", "0.5"), ("-1.0", "-1.0"), ("12", "12")),
    *_of("decimal", ("-0.00", "0.00", ALTERED), ("007.10", "7.10", ALTERED), (".5", "null", *ODD)),
    *_of("boolean", ("0", "false"), ("1", "true"), ("2", "null", *ODD), ("true", "null", *ODD)),
    *_of("date", ("2017-05-12", '"2017-05-12"'), ("2017-05-12 00:00:00.000", '"2017-05-12"')),
    *_of("date", ("2017-05-12T10:20:30.123", '"2017-05-12"', *DATED), ("2017-05-12 10:20", '"2017-05-12"', *DATED)),
    *_of("date", ("1900-01-01 00:00:00.000", "null", *ABSENT), ("1900-01-01 10:00", "null", *ABSENT)),
    *_of("date", ("2017-02-30", "null", *ODD), ("5/12/2017", "null", *ODD), ("0000-01-01", "null", *ODD)),
    *_of("date", ("2017-05-12 24:00", "null", *ODD)),
    *_of("list", ("3,4", "[3, 4]"), ("", "[]"), ("7", "[7]"), ("-1,0", "[-1, 0]")),
    *_of("list", (" 3, 4", "[3, 4]", *LISTED), ("3,,4", "[3, 4]", *LISTED), ("1,", "[1]", *LISTED)),
    *_of("list", ("03,-0", "[3, 0]", *LISTED), (",", "[]", *LISTED), ("a,b", "null", *ODD), ("1-2", "null", *ODD)),
    *_of("none of them", ("x", "null", *ODD)),
]
CASES = cases(
    "fields",
    Setting("jsonb", "text", absent=("1900-01-01",)),
    *_OF_KINDS,
    (None, None),
    ("", "{}"),
    ("A:integer:1|Long:text:~n|Other:boolean:1", '{"A": 1, "Long": null, "Other": true}'),
    ("A:integer:x|B:list:1,|C:date:1900-01-01", '{"A": null, "B": [1], "C": null}', *ODD, *LISTED, *ABSENT),
    (f"{head('a:b|c~d', 'text')}x", '{"a:b|c~d": "x"}'),
)
