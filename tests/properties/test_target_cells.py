"""Random entries: one that the catalog accepts runs, by both renderers alike, to rows that hold every value.

A value is held by a target cell that gives the raw text back, or by the raw text kept beside it, or its row is set aside.
What this file takes for given back is written down here, row by row in plain Python.
"""

from __future__ import annotations

import json
import struct
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from pipeline.core import frame, keys, outputs, tenancy, transform
from pipeline.core.clock import transitions_frame
from pipeline.core.quality import AS_OF, Kind, verdicts
from pipeline.core.sql import compare, expected, judged, relations
from pipeline.stores.arrow import to_arrow
from pipeline.stores.parity import ParityDatabase, RawFiles
from schemas.catalog import Catalog, MatchKey, load_catalog
from schemas.conversions import CONVERSIONS
from schemas.files import CatalogProblem
from schemas.model import Cell, Entity
from tests.properties.entries import Drawn, entries
from tests.support.fleet import INSTALLATION, tenant_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = str(tenant_id(1))
SCHOOL = """
[School]
source = "district"
key = ["Id"]
target = "schools"
[School.columns]
Id = { type = "int" }
"""
PARENT = MatchKey(("Id",))
#: Keys of the schools that live.
LIVING = ("1", "7")


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParityDatabase]:
    with ParityDatabase(tmp_path_factory.mktemp("parity"), transitions_frame(["UTC"])) as database:
        yield database


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("services")
    (made / "configuration.toml").write_text(SCHOOL, encoding="utf-8")
    return made


@dataclass(frozen=True)
class Result:
    """What became of an entry's rows: by legacy key, but target rows by id."""

    raw: Mapping[str, Mapping[str, str | None]]
    targets: Mapping[str, Mapping[str, Any]]
    kept: frozenset[tuple[str, str, str]]
    rejected: Mapping[str, Mapping[str, str | None]]


def test_an_accepted_entry_holds_every_value(directory: Path, duck: ParityDatabase) -> None:
    fates: Counter[str] = Counter()

    @given(drawn=entries())
    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def every(drawn: Drawn) -> None:
        fates[fate(directory, duck, drawn)] += 1

    every()
    assert min(fates["refused"], fates["accepted"]) >= 5, fates


def fate(directory: Path, duck: ParityDatabase, drawn: Drawn) -> str:
    """See an entry refused, or its values held."""
    (directory / "student.toml").write_text(drawn.toml(), encoding="utf-8")
    try:
        catalog = load_catalog(directory)
    except CatalogProblem as refusal:
        assert str(refusal).startswith("student.toml: Pupil."), "a refusal names file, entity and key"
        assert not drawn.is_sound, refusal
        return "refused"
    entity = catalog["student.Pupil"]
    result = run(directory, duck, catalog, entity, drawn)
    for key, row in result.raw.items():
        if key in result.rejected:
            assert result.rejected[key] == row
            continue
        for cell in entity.cells:
            check(entity, cell, key, row[cell.source], result)
        for name in entity.references:
            raw = row[name]
            held = raw in LIVING or (key, name, raw) in result.kept
            assert raw is None or held, f"{name}: {raw!r}"
    return "accepted"


def run(directory: Path, duck: ParityDatabase, catalog: Catalog, entity: Entity, drawn: Drawn) -> Result:
    """Transform the rows, and derive the same again."""
    rows = {str(n): {"Id": str(n), **dict(zip(drawn.columns, r, strict=True))} for n, r in enumerate(drawn.rows)}
    raw = pl.DataFrame(
        [{n: r[n] for n in entity.raw_columns} for r in rows.values()],
        schema=dict.fromkeys(entity.raw_columns, pl.String()),
    )
    raw = raw.with_columns(pl.lit(None, pl.String).alias(frame.UNFIT))
    raw.write_parquet(directory / "raw.parquet")
    tagged = tenancy.tag(
        keys.with_key(raw.lazy(), entity), entity, source_tenant=pl.lit(TENANT), routes={}, catalog=catalog
    )
    school = catalog["configuration.School"]
    found = {frame.FOUND: [row_id(school, f"[{k}]") for k in LIVING], frame.MATCH: [f"[{k}]" for k in LIVING]}
    living = pl.DataFrame(found).with_columns(pl.lit(TENANT).alias(frame.TENANT), pl.lit(False).alias(frame.AMBIGUOUS))
    made_of = {(school.id, PARENT): living.lazy()}
    context = transform.Context("UTC", "UTC", NOW)
    prepared = transform.prepare(tagged, entity, catalog=catalog, parents=made_of, context=context).collect()
    held = {v.flag for v in verdicts(entity) if prepared[v.flag].any()}
    placed = prepared.lazy().with_columns(pl.lit(0, pl.Int32).alias(frame.BATCH))
    made = outputs.outputs(placed, entity, catalog, held=held)
    targets = {table: lf.drop(frame.BATCH).collect() for table, lf in made.targets.items()}
    notes = made.raw_values.collect()
    rejects = dict(made.rejects.select("legacy_key", "row").collect().rows())

    files = [RawFiles([directory / "raw.parquet"], "a", TENANT, "UTC", "UTC")]
    duck.raw_view(entity.id, files, dict.fromkeys((*entity.raw_columns, frame.UNFIT), "VARCHAR"))
    duck.fill(relations.live(school.id, 0), living.to_arrow())
    duck.execute(expected.tagged(entity, catalog))
    duck.execute(judged.judged(entity, catalog, tenants=[TENANT], as_of=NOW))
    receipts = expected.expected_receipts(entity, run_id="run", entry_hash="")
    duck.execute(f"CREATE OR REPLACE TABLE {relations.EXPECTED_RECEIPT} AS {receipts}")
    duck.execute(compare.DIFFERING_TABLE)
    for table, df in targets.items():
        of_table = [(n, t) for n, t in enumerate(entity.targets) if t.table == table]
        columns = of_table[0][1].columns
        union = " UNION ALL BY NAME ".join(expected.expected_rows(entity, t, n) for n, t in of_table)
        duck.execute(f"CREATE OR REPLACE TABLE {relations.expected('student', table)} AS {union}")
        duck.fill(relations.actual("student", table), to_arrow(df, columns))
        duck.execute(compare.rows("student", table, columns, stored=columns))
    assert duck.rows(f"SELECT * FROM {relations.DIFFERING}") == []
    again = " UNION ".join(expected.expected_notes(entity, Kind.RAW, held))
    found = duck.rows(f"SELECT legacy_key, column_name, label, raw FROM ({again})") if again else []
    assert {tuple(x.values()) for x in found} == set(notes.select("legacy_key", "column", "rule", "raw").rows())
    derived = duck.rows(f'SELECT legacy_key, "row" FROM ({expected.expected_rejects(entity)})')
    assert {x["legacy_key"]: x["row"] for x in derived} == rejects
    return Result(
        {f"[{key}]": {n: row[n] for n in entity.raw_columns} for key, row in rows.items()},
        {row["id"]: row for df in targets.values() for row in df.iter_rows(named=True)},
        frozenset((k, c, r.decode()) for k, c, r in notes.select("legacy_key", "column", "raw").rows()),
        {key: json.loads(row) for key, row in rejects.items()},
    )


def row_id(entity: Entity, key: str, piece: str = "") -> str:
    return str(uuid.uuid5(INSTALLATION.namespace, f"{TENANT}/{entity.path}/{key}{piece}"))


def check(entity: Entity, cell: Cell, key: str, raw: str | None, result: Result) -> None:
    """Hold a cell's value against its raw text."""
    place = cell.place
    piece = f"#{place.table}/{place.part}" if place.part else ""
    target = result.targets.get(row_id(entity, key, piece))
    if target is None:
        # A part is there only if one of its columns is filled, which a flag that is off does not do.
        assert place.part and entity.splits[place.table].rows == "present"
        assert raw is None or (key, cell.source, raw) in result.kept
        return
    is_kept = (key, cell.source, raw) in result.kept
    value = written_in(target, cell)
    if raw is None:
        assert value is None, f"{cell.name}: made of nothing"
    elif not CONVERSIONS[cell.converter].is_beside:
        assert gives_back(cell, value, raw) or is_kept, f"{cell.name}: {raw!r} became {value!r}"


def written_in(target: Mapping[str, Any], cell: Cell) -> Any:
    """Read a cell's value; a moment that the migration filled by itself is none."""
    if cell.column.json_to is not None:
        return json.loads(target[cell.column.json_to], parse_float=Decimal, parse_int=Decimal)[cell.source]
    value = target[cell.place.column]
    basis = target.get(f"{cell.place.column}_basis", cell.source)
    assert basis is None or basis in (cell.source, AS_OF) or basis[0] in "ABC"
    return value if basis == cell.source else None


def gives_back(cell: Cell, value: Any, raw: str) -> bool:
    """Say whether a reader of the target, who knows the legacy type, could write the raw text down again."""
    if value is None:
        return False
    is_text = cell.family == "text"
    match cell.converter:
        case "text":
            return bool(value == raw)
        case "integer":
            return str(value) == raw
        case "decimal":
            scale = int(cell.pg_type.rstrip(")").split(",")[1])
            return f"{Decimal(value):.{scale}f}" == raw if is_text else Decimal(value) == Decimal(raw)
        case "boolean":
            return str(int(value)) == raw
        case "uuid":
            return bool(value == (raw if is_text else raw.lower()))
        case "binary":
            return bool(value.hex() == (raw if is_text else raw.lower()))
        case "float":
            return _float_gives_back(cell, value, raw)
        case "date" | "day":
            day, clock = str(value), raw[10:]
            return day == raw[:10] and (not clock or (not is_text and not clock.strip(" 0:.")))
        case "clock":
            return f"{value}" == raw if is_text else _clock(str(value)) == _clock(raw)
        case "time_of_day":
            return False
    return _instant_gives_back(cell, value, raw)


def _float_gives_back(cell: Cell, value: float, raw: str) -> bool:
    narrow = struct.pack("f", value) == struct.pack("f", float(raw)) if cell.pg_type == "real" else False
    if cell.family == "float":
        return repr(value) == repr(float(raw)) or narrow
    shortest = next(t for n in range(1, 18) if float(t := f"{value:.{n}g}") == value or (n == 6 and narrow))
    plain = f"{Decimal(shortest):f}"
    return plain == raw if cell.family == "text" and "n" not in plain.lower() else Decimal(shortest) == Decimal(raw)


def _clock(text: str) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0')}"


def _instant_gives_back(cell: Cell, value: datetime, raw: str) -> bool:
    naive = value.replace(tzinfo=None)
    if cell.family == "text":
        shown = str(naive).rstrip("0") if naive.microsecond else str(naive)
        return raw == (f"{shown}+00" if cell.converter == "instant" else shown)
    day, _, rest = raw.partition(" ")
    clock, _, offset = rest.partition(" ")
    whole, _, fraction = (clock or "00:00:00").partition(".")
    read = datetime.fromisoformat(f"{day} {whole}") + timedelta(microseconds=int(fraction.ljust(6, "0")[:6] or 0))
    return naive == read and not fraction[6:].strip("0") and offset in ("", "+00:00")
