"""What a finished migration holds, against files: a count and a checksum for each table, entity, tenant and column.

Whatever moves in the code, these stay as they are. Left out is what names a run or a moment: runs, batches, receipts,
hashes of entries. After a change that is meant: `GOLDEN_WRITE=1 pytest tests/golden/test_contents.py`, and say why.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.commands import app
from pipeline.settings import load_settings
from pipeline.stores.target import TargetDatabase
from tests.support.site import AS_OF, USED, Site

HERE = Path(__file__).parent
#: A service and a query -> rows.
Ask = Callable[[str, str], Sequence[Mapping[str, object]]]
#: Of the ledger: what a row belongs to, and what it says; findings and raw values a row each key.
_LEDGER = {
    "id_map": "SELECT tenant_id, entity, '' AS part, legacy_key, new_id, source_hash, target_hash FROM migration.id_map",
    "quarantine": "SELECT tenant_id, entity, '' AS part, legacy_key, reasons, \"row\"::text, source_hash "
    "FROM migration.quarantine",
    "finding": "SELECT r.tenant_id, r.entity, f.column_name || ' ' || f.hazard AS part, unnest(f.keys) AS legacy_key "
    "FROM migration.finding f JOIN migration.receipt r USING (batch_id)",
    "raw_value": "SELECT r.tenant_id, r.entity, f.column_name || ' ' || f.rule AS part, unnest(f.keys) AS legacy_key, "
    "unnest(f.raws) AS raw FROM migration.raw_value f JOIN migration.receipt r USING (batch_id)",
}


def lines(ask: Ask) -> Iterator[str]:
    """Sum up everything, a line for each group: where, what, rows, checksum."""
    for service in USED:
        tables = ask(
            service,
            "SELECT table_name::text AS name FROM information_schema.tables "
            f"WHERE table_schema = '{service}' AND table_type = 'BASE TABLE' ORDER BY 1",
        )
        selects = {
            f"{service}.{t['name']}": f"SELECT *, '' AS entity, '' AS part FROM {service}.\"{t['name']}\""
            for t in tables
        }
        selects |= {f"{service}:{name}": sql for name, sql in _LEDGER.items()}
        for name, sql in selects.items():
            for row in ask(
                service,
                "SELECT coalesce(tenant_id::text, 'shared') AS tenant, entity, part, count(*)::text AS rows, "
                "sum(('x' || left(md5(to_json(x)::text), 12))::bit(48)::bigint)::text AS checksum "
                f"FROM ({sql}) x GROUP BY 1, 2, 3 ORDER BY 2, 3, 1",
            ):
                yield " | ".join(str(v) for v in (name, *row.values()) if v != "")


def compared(found: str, name: str) -> None:
    """Hold what was found against a golden file, or write it anew."""
    golden = HERE / name
    if os.environ.get("GOLDEN_WRITE"):
        golden.write_text(found, encoding="utf-8")
    wanted, got = golden.read_text(encoding="utf-8").splitlines(), found.splitlines()
    assert sorted(set(got) - set(wanted)) == []
    assert sorted(set(wanted) - set(got)) == []


def test_the_small_estate_is_loaded_as_ever(finished: Site) -> None:
    compared("".join(f"{line}\n" for line in lines(finished.rows)), "contents_small.txt")


WAYS = {
    "each batch and source by itself": "batch_rows = 100\nbundle_rows = 1\nwave_sources = 1\nparallel = 4\nworkers = 4",
    "bundles of some batches": "batch_rows = 100\nbundle_rows = 1000\nwave_rows = 1000\nparallel = 1\nworkers = 1",
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_another_way_gives_the_same_content(fresh: Site, way: str) -> None:
    text = fresh.config.read_text(encoding="utf-8")
    fresh.config.write_text(text.replace("batch_rows = 10000\nparallel = 2", way), encoding="utf-8")
    fresh.migrate("run", "--as-of", AS_OF)
    [record] = (fresh.directory / "staging").glob("*/run.json")
    assert len(json.loads(record.read_bytes())["waves"]) == 3
    compared("".join(f"{line}\n" for line in lines(fresh.rows)), "contents_small.txt")


@pytest.mark.slow
def test_the_demo_is_loaded_as_ever(tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    done = CliRunner().invoke(app, ["demo", "--directory", str(demo)])
    try:
        assert done.exit_code == 0, done.output
        settings = load_settings(demo / "migrate.toml")

        def ask(service: str, sql: str) -> Sequence[Mapping[str, object]]:
            with TargetDatabase(service, settings.target_dsn(service), role=None) as database:
                return database.query(sql).to_pylist()

        compared("".join(f"{line}\n" for line in lines(ask)), "contents_demo.txt")
    finally:
        CliRunner().invoke(app, ["demo", "--directory", str(demo), "--stop"])
