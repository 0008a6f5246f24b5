"""A run record says of which form it is; another is refused by name, whoever wrote it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.plan import FORMAT, Held, RunRecord
from pipeline.errors import RunVersion, StagedFileDamaged
from pipeline.stores.staging import Staging, parsed_record

RECORD = RunRecord(
    run_id="20260101T000000.000-0000",
    as_of=datetime(2026, 1, 1, tzinfo=UTC),
    batch_rows=10,
    bundle_rows=100,
    waves=(),
    max_value_bytes=10,
    sources={},
    target={},
    selection={"tenant": ("a",)},
    tenants=(),
    entities=(),
    key_entities=(),
    ranges={Held("a", "student.Student"): (("1",),)},
    lacking={},
    counts={},
)


def written(**changes: Any) -> str:
    return json.dumps({k: v for k, v in {**RECORD.model_dump(mode="json"), **changes}.items() if v is not None})


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    staging = Staging(tmp_path, RECORD.run_id)
    staging.write_record(RECORD)
    assert staging.read_record() == RECORD
    on_disk = json.loads((tmp_path / RECORD.run_id / "run.json").read_text())
    assert (on_disk["version"], on_disk["ranges"]) == (FORMAT, {"a/student.Student": [["1"]]})


@pytest.mark.parametrize(
    ("version", "got", "remedy"),
    [
        (None, "format 1", "with the version of this program that began it"),
        (1, "format 1", "with the version of this program that began it"),
        (FORMAT + 1, f"format {FORMAT + 1}", "with the newer version of this program"),
    ],
)
def test_a_record_of_another_form_is_refused_by_name(version: int | None, got: str, remedy: str) -> None:
    # Other forms have other fields: they are not looked at.
    text = written(version=version, counts="of another form", added={})
    with pytest.raises(RunVersion, match="here: The run was begun by a version") as caught:
        parsed_record(text, "here")
    assert (caught.value.got, caught.value.expected) == (got, f"format {FORMAT}")
    assert remedy in (caught.value.remedy or "")


@pytest.mark.parametrize("text", ["", "[]", "{", written(counts="none"), written(added=1)])
def test_what_is_no_record_is_damaged(text: str) -> None:
    with pytest.raises(StagedFileDamaged):
        parsed_record(text, "here")
