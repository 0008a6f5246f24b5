"""Rows that change while they are read: what a run promises of a snapshot, a frozen and a living source."""

from __future__ import annotations

import pytest
from tenacity import wait_none

from pipeline import attempts
from pipeline.errors import SourceChanged, SourceUnreachable, StagingError
from tests.support.changing import CHANGES, Bench, Legacy, disturbed, extract, finish, once

# -- frozen -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["UPDATE {t}Parent SET Name = 'changed' WHERE Id = 3", "DELETE FROM {t}Child"])
def test_frozen_source_that_changes_is_refused_by_name(
    bench: Bench, legacy: Legacy, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "frozen")
    with (
        disturbed(monkeypatch, once(legacy, change)) as readings,
        pytest.raises(SourceChanged, match="source a: the database changed while it was read"),
    ):
        extract(workspace)
    assert len(readings.done) == 6


def test_what_changes_in_a_frozen_source_since_the_run_is_named(bench: Bench, legacy: Legacy) -> None:
    workspace = bench.begin(legacy, "frozen")
    extract(workspace)
    legacy.change(*CHANGES[:4])
    verdict = finish(workspace)
    assert not verdict.parity
    assert {(d.kind, d.entity.rpartition(".")[2], d.legacy_key) for d in verdict.differences} == {
        ("changed since the run", "Parent", "[3]"),
        ("changed since the run", "Parent", "[100]"),
        ("changed since the run", "Child", "[25]"),
        ("changed since the run", "Child", "[12]"),
    }


def test_frozen_source_that_holds_still_is_at_parity(bench: Bench, legacy: Legacy) -> None:
    workspace = bench.begin(legacy, "frozen")
    extract(workspace)
    assert finish(workspace).parity
    assert bench.target() == legacy.rows()


# -- snapshot -----------------------------------------------------------------------------------------


def test_snapshot_knows_nothing_of_the_original_s_changes(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, before = legacy.copy(), legacy.rows()
    workspace = bench.begin(snapshot, "snapshot")
    with disturbed(monkeypatch, once(legacy, *CHANGES)):
        extract(workspace)
    assert finish(workspace).parity
    assert legacy.rows() != before
    assert bench.target() == before == snapshot.rows()


def test_snapshot_that_loses_rows_was_none(bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = bench.begin(legacy, "snapshot")
    with (
        disturbed(monkeypatch, once(legacy, "DELETE FROM {t}Child WHERE Id = 12")),
        pytest.raises(SourceChanged, match="source a"),
    ):
        extract(workspace)


# -- live ---------------------------------------------------------------------------------------------


def test_live_source_is_read_again_where_it_changed(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "live")
    with disturbed(monkeypatch, once(legacy, *CHANGES)) as readings:
        extract(workspace)
    # Parents 3 and 0 are in the first batch, which was read; the second is as it was; all else was read afterwards.
    assert workspace.staging.note("settled") == {"changed_batches_by_pass": [1, 0]}
    assert len(readings.done) == 6 * 3
    verdict = finish(workspace)
    assert verdict.parity
    assert not verdict.moved
    parents, children = legacy.rows()
    assert {"a [0]", "a [100]"} <= parents.keys()
    assert "a [29]" not in parents
    assert children["a [-5]"] == ("a [100]", "child of the late")
    assert bench.target() == (parents, children)


def test_parent_that_appears_after_all_was_read_brings_its_children(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "live")
    # After the last batch of the first reading: every one of these rows is seen only in a later pass.
    with disturbed(monkeypatch, once(legacy, *CHANGES, after=6)):
        extract(workspace)
    # Parents 0 and 3 in their first batch; 29 and 100 in the last; a child in each.
    assert workspace.staging.note("settled") == {"changed_batches_by_pass": [5, 0]}
    assert finish(workspace).parity
    assert bench.target() == legacy.rows()


def test_child_read_before_its_parent_appears_is_not_rejected(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "live")
    # The parents are read; then a child comes with a parent, which only the second pass can see.
    arriving = ["INSERT INTO {t}Parent VALUES (100, 'late')", "INSERT INTO {t}Child VALUES (100, 100, 'of the late')"]
    with disturbed(monkeypatch, once(legacy, *arriving, after=3)):
        extract(workspace)
    assert workspace.staging.note("settled") == {"changed_batches_by_pass": [1, 0]}
    verdict = finish(workspace)
    assert verdict.parity
    assert sum(e.rejected for e in verdict.entities) == 0
    assert bench.target() == legacy.rows()


def test_parent_of_which_only_the_key_is_read_may_appear_too(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "live", "student.Child")
    assert workspace.record.key_entities == ("student.Parent",)
    # After the parents' keys and two of the three batches of children.
    with disturbed(monkeypatch, once(legacy, *CHANGES, after=3)) as readings:
        extract(workspace)
    assert readings.done[0].lower() == "parent"
    # The first two batches of children, and the keys.
    assert workspace.staging.note("settled") == {"changed_batches_by_pass": [3, 0]}
    verdict = finish(workspace)
    assert verdict.parity
    assert sum(e.rejected for e in verdict.entities) == 0
    _, children = legacy.rows()
    found = bench.small.table("student", "children", "name")
    assert {key: row["name"] for key, row in found.items()} == {key: name for key, (_, name) in children.items()}


def test_live_source_is_not_transformed_before_it_was_read_again(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_in_first_pass(number: int) -> None:
        if number >= 8:  # however often it is tried again
            raise SourceUnreachable

    monkeypatch.setattr(attempts, "WAIT", wait_none())
    workspace = bench.begin(legacy, "live")
    with disturbed(monkeypatch, fail_in_first_pass), pytest.raises(SourceUnreachable):
        extract(workspace)
    with pytest.raises(StagingError, match="a live source has not been read to its end"):
        finish(workspace)
    legacy.change(*CHANGES)
    extract(workspace)
    assert finish(workspace).parity
    assert bench.target() == legacy.rows()


def test_source_that_never_holds_still_is_left_after_three_passes(
    bench: Bench, legacy: Legacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = bench.begin(legacy, "live")

    def stir(number: int) -> None:
        legacy.change(f"UPDATE {{t}}Parent SET Name = 'stirred {number}' WHERE Id = 3")

    with disturbed(monkeypatch, stir) as readings:
        extract(workspace)
        assert len(readings.done) == 6 * 4
        # The one batch was changed by every reading since it was read itself.
        assert workspace.staging.note("settled") == {"changed_batches_by_pass": [1, 1, 1]}
        # A settled run is not read again by the next command.
        assert extract(workspace) == 0
        assert len(readings.done) == 6 * 4
    verdict = finish(workspace)
    assert verdict.moved == {("student.Parent", "a"): 1}
    assert verdict.as_read
    assert not verdict.parity
    assert verdict.differences == ()
    parents, children = bench.target()
    assert parents.pop("a [3]") == "stirred 18"  # as the last pass read it first
    stirred, same = legacy.rows()
    assert stirred.pop("a [3]") == "stirred 24"
    assert (parents, children) == (stirred, same)


def test_rows_changed_after_the_last_pass_are_neither_lost_nor_parity(bench: Bench, legacy: Legacy) -> None:
    workspace = bench.begin(legacy, "live")
    extract(workspace)
    legacy.change(*CHANGES)
    verdict = finish(workspace)
    # Parents 3, 29 (gone), 0 and 100 (new); children 12 (gone), 25 and 29 (changed) and -5 (new).
    assert verdict.moved == {("student.Parent", "a"): 4, ("student.Child", "a"): 4}
    assert verdict.differences == ()

    for command in ("verify", "run"):
        done = bench.small.site.migrate(command, check=3)
        assert "student.Parent, source a, 4 rows: changed in the source since they were read" in done.stdout
        assert "NO FULL PARITY" in done.stdout
        assert "lost" not in done.stdout
        assert "Differences" not in done.stdout
