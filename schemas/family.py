"""Tables that are made at run time, one a form or a product: described once, and found in each source's own registry.

An entry says which table of a source lists them, which other one their fields, and what kinds of fields there are. What
a source has of them is worked out in pipeline/core/family.py. Values in, values out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import field_validator, model_validator

from schemas.files import Entry
from schemas.parts import Names

#: What a field's value is read as; of `none` there is no column.
Kind = Literal["text", "integer", "decimal", "boolean", "date", "list", "none"]
#: What can be odd about a field's value.
Oddity = Literal["unreadable", "absent", "dated", "listed"]
#: The converter of the column that holds a row's fields.
FIELDS: Final = "fields"
#: The word under which an oddity is filed, where the entry names no hazard.
ODDITIES: Final[Mapping[Oddity, str]] = {
    "unreadable": "a field that cannot be read",
    "absent": "a field that means nothing is here",
    "dated": "a day with a time",
    "listed": "a list that is not written as one",
}


class Family(Entry):
    """Tables that rows of another table name, and what their columns hold."""

    registry: str
    """The entity whose rows name the tables."""
    tables: Mapping[str, str]
    """Its columns that name one, each with the word for such a part; empty where there is one."""
    fields: str | None = None
    """The entity whose rows name the tables' columns. Without one, and of columns that no row names, all is text."""
    of: str | None = None
    """Its column that holds the key of the registry's row."""
    column: str | None = None
    """Its column that names the table's column; blank where there is none."""
    kind: str | None = None
    """Its column that says what kind of field it is. Blanks around and case are no matter."""
    kinds: Mapping[Kind, Names] = {}
    """How values are read, and the kinds of fields that are; any other is text."""
    place: str | None = None
    """Its column that tells of a field in which of several tables it is."""
    places: Mapping[str, str] = {}
    """Part -> regular expression: a field is in the first part in whose expression `place` is found, else in the first
    of all. Where a row of the registry names no table of that part, it is in the first, too."""
    like: Names = ()
    """A table that no row names is one of them, too, if it has all of these columns."""
    hazards: Mapping[Oddity, str] = {}
    """The numbers under which oddities of fields are filed."""

    @field_validator("places")
    @classmethod
    def _expressions(cls, places: Mapping[str, str]) -> Mapping[str, str]:
        for part, pattern in places.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{part}: no regular expression: {error}") from None
        return places

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Family:
        if not self.tables:
            raise ValueError("tables: names no column of the registry")
        of_fields = {"of": self.of, "column": self.column, "kind": self.kind, "place": self.place}
        if self.fields is None and (said := [name for name, value in of_fields.items() if value is not None]):
            raise ValueError(f"{said[0]} is a column of `fields`, which is not said")
        if self.fields is not None and (self.of is None or self.column is None):
            raise ValueError("fields needs `of` and `column`, the columns that name the registry's row and the column")
        if (self.kinds and self.kind is None) or (self.places and self.place is None):
            raise ValueError("kinds need `kind`, and places need `place`")
        if unknown := sorted(set(self.places) - set(self.tables.values())):
            raise ValueError(f"places: no table is called {unknown[0]!r} in `tables`")
        return self

    def hazard(self, oddity: Oddity) -> str:
        """Say under what an oddity of a field is filed."""
        return self.hazards.get(oddity, ODDITIES[oddity])

    def kind_of(self, text: str | None) -> Kind:
        """Read what a field says of its kind."""
        said = (text or "").strip().casefold()
        return next((kind for kind, names in self.kinds.items() if said in map(str.casefold, names)), "text")

    def part_of(self, text: str | None) -> str | None:
        """Tell in which of several tables a field is, by what its `place` says; None is the first."""
        said = (text or "").strip()
        return next((part for part, pattern in self.places.items() if re.search(pattern, said)), None)


def completed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Give an entry of a family what follows from its being one: a source may have none of its tables."""
    columns = {
        name: {"case_sensitive": True, "pads": False, **column}
        if isinstance(column, Mapping) and column.get("family") == "table"
        else column
        for name, column in entry.get("columns", {}).items()
    }
    return {"optional": True, **entry, "columns": columns}
