"""Every name that the work gives to a column of its own: the frames of Polars, the relations of DuckDB, staged rows.

A name of the work begins with one `#`. Where the name of a legacy or target column itself begins so, the frame holds
that column with one `#` more in front. So no column of a source can collide with one of the work, whatever it is
called, in Polars or in DuckDB, which tells names apart by all but the case of ASCII letters.
"""

from __future__ import annotations

from typing import Final

# -- what is read of a source ------------------------------------------------------------------------------------------

#: Says which values cannot be taken: too long to be fetched, stored as what their column is not, or no text at all.
UNFIT: Final = "#unfit"
#: The number of the table that a row is from, where those of several are read as one table's.
NUMBER: Final = "#number"
TENANT: Final = "#tenant"
KEY: Final = "#key"
#: Of a row whose key other rows of its source have as well, its number among those that are written alike; else 0.
ORDINAL: Final = "#ordinal"
SOURCE: Final = "#source"
SOURCE_TENANT: Final = "#source_tenant"
HOST_ZONE: Final = "#host_zone"
TENANT_ZONE: Final = "#tenant_zone"
#: Whether the rows by which a row finds its tenant lead to several, of which one was picked.
CONTESTED: Final = "#contested"
#: The staged file that a row is read from, the number of its batch, and its place in that.
FILE: Final = "#file"
BATCH: Final = "#batch"
ROW: Final = "#row"
#: The receipt of the batch that a row is in.
BATCH_ID: Final = "#batch_id"
#: What was read of a row, and its number among rows that were read alike.
HASH: Final = "#hash"
COPY: Final = "#copy"

# -- what a row becomes -------------------------------------------------------------------------------------------

ENTITY: Final = "#entity"
ID: Final = "#id"
#: The id that stands for the row in the target: its own, or that of the shared row that it is mapped to.
NEW_ID: Final = "#new_id"
#: The shared row that it equals in every compared column, and the one that has its name.
SHARED: Final = "#shared"
NAMESAKE: Final = "#namesake"
REJECTED: Final = "#rejected"
SOURCE_HASH: Final = "#source_hash"
TARGET_HASH: Final = "#target_hash"

# -- what children join with --------------------------------------------------------------------------------------

#: The text by which a row is found, the id of the row that is found by it, and whether there are several.
MATCH: Final = "#match"
FOUND: Final = "#found"
AMBIGUOUS: Final = "#ambiguous"


def column(name: str) -> str:
    """Name the column that holds what a source, an entry or a target calls by this name."""
    return f"#{name}" if name.startswith("#") else name


def storage(name: str) -> str:
    """Name the storage class of a key column's value in SQLite."""
    return f"#storage:{name}"


def scrubbed(name: str) -> str:
    """Name the companion of a scrubbed raw column: "1" where the scrub changed something."""
    return f"#scrubbed:{name}"


def read(step: str, name: str) -> str:
    """Name the first step of conversions, taken once for each raw column."""
    return f"#read/{step}:{name}"


def value(cell: str) -> str:
    """Name what a conversion makes of a cell."""
    return f"#value:{cell}"


def unreadable(cell: str) -> str:
    """Name whether no value can be made of a cell's raw text."""
    return f"#unreadable:{cell}"


def altered(cell: str) -> str:
    """Name whether a cell's value cannot give its raw text back."""
    return f"#altered:{cell}"


def noteworthy(cell: str) -> str:
    """Name whether a conversion is worth a finding."""
    return f"#noteworthy:{cell}"


def finer(cell: str) -> str:
    """Name whether a moment was cut to a microsecond."""
    return f"#finer:{cell}"


def odd(cell: str, oddity: str) -> str:
    """Name whether any of the fields that a cell holds is odd in a way."""
    return f"#odd/{oddity}:{cell}"


def given(reference: str) -> str:
    """Name whether a row refers to anything by a reference."""
    return f"#given:{reference}"


def parent(reference: str) -> str:
    """Name the id that a reference resolves to."""
    return f"#parent:{reference}"


def parent_entity(reference: str) -> str:
    """Name the entity that a reference resolves to."""
    return f"#parent_entity:{reference}"


def ambiguous(reference: str) -> str:
    """Name whether several parents carry the key of a reference."""
    return f"#ambiguous:{reference}"


def candidate(number: int, reference: str) -> str:
    """Name the id that one of the entities gives that a reference may lead to."""
    return f"#candidate/{number}:{reference}"


def candidate_ambiguous(number: int, reference: str) -> str:
    """Name whether several rows of one of those entities carry the key."""
    return f"#candidate_ambiguous/{number}:{reference}"


def derived(column_name: str) -> str:
    """Name the id of the derived row that a row belongs to."""
    return f"#derived:{column_name}"


def same(compared: str) -> str:
    """Name the shared row that has a row's name and the same in a compared column."""
    return f"#same:{compared}"


def repeated(rule: int) -> str:
    """Name whether other rows of the tenant hold what a rule asks to be unique; rules are numbered as in the entry."""
    return f"#repeated:{rule}"


def agreeing(rule: int) -> str:
    """Name whether a row's parent holds what a rule asks, or nothing."""
    return f"#agreeing:{rule}"


def present(table: str, part: int) -> str:
    """Name whether a part of a split has a row."""
    return f"#present:{table}/{part}"


def match(index: int) -> str:
    """Name the text by which others find a row: 0 for its own key, and on for the alternate ones."""
    return f"#match:{index}"


def flag(kind: str, test: str, place: str) -> str:
    """Name whether a verdict holds."""
    return f"#{kind}/{test}:{place}"


def laid_out(target: int, column_name: str) -> str:
    """Name a column of an entity's n-th target."""
    return f"#target/{target}:{column_name}"
