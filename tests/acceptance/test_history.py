"""The audit trail in PostgreSQL: compared cell by cell, and there to stay for applications."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.demo.server import Server
from pipeline.errors import TargetError
from tests.behaviours.test_history import PUPIL
from tests.support.small import Small, small, told, verified_again

ROWS = """
CREATE TABLE "Pupil" ("Id" "int" NOT NULL PRIMARY KEY, "Name" "nvarchar(max)", "ModifiedDate" "datetime",
    "ModifiedBy" "nvarchar(max)", "Ip" "nvarchar(max)");
INSERT INTO "Pupil" VALUES (1, 'Ada', '2020-01-02 08:00:00.003', 'ann@x.org', NULL), (2, 'Bo', NULL, NULL, NULL);
"""


@pytest.fixture
def moved(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"student": PUPIL}, {"a": ROWS}) as made:
        yield made


def test_applications_add_records_and_change_or_delete_none(moved: Small) -> None:
    moved.run()
    (tenant,) = {row["tenant_id"] for row in moved.site.rows("student", "SELECT tenant_id FROM student.audit_records")}
    as_app = ("SET ROLE app", f"SET app.current_tenant = '{tenant}'")
    added = "INSERT INTO student.audit_records SELECT gen_random_uuid(), tenant_id, legacy_id, entity_id, now(), 'bo', "
    moved.site.execute("student", *as_app, f"{added}NULL, entity_type, 'read', now() FROM student.audit_records")
    for statement in ("UPDATE student.audit_records SET action = 'none'", "DELETE FROM student.audit_records"):
        with pytest.raises(TargetError, match="permission denied"):
            moved.site.execute("student", *as_app, statement)


def test_a_record_that_was_changed_is_named(moved: Small) -> None:
    workspace, verdict = moved.run()
    assert told(verdict) == set()
    moved.site.execute("student", "UPDATE student.audit_records SET user_name = 'eve'")
    assert told(verified_again(workspace)) == {("different cell", "student.Pupil", "[1]", "user_name")}
