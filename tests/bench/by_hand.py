"""The same job as people do it by hand: the rows of `by_hand.sql`, beside ours.

It is an equal: the same rows, from the same file, into equal tables with equal indexes, and a map of keys with those of
ours; every cell but the ids must come out as ours do. It has no proof, no hashes, no rejects and no way on after a kill.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from pipeline.connection import Dsn
from pipeline.demo import server
from pipeline.stores.target import TargetDatabase
from tests.bench.cells import differing
from tests.bench.ground import AS_OF, SERVICE, TENANT, Ground
from tests.bench.measuring import Ended, measured

#: What the results refer to, by the database in which its map of ids is.
PARENTS = {
    "student.Student": "student",
    "section.Section": "section",
    "staff.Staff": "staff",
    "assessment.TestDueDate": SERVICE,
}
_SCRIPT = """
set -o pipefail
sqlite3 -csv "$0" 'SELECT * FROM AssessmentFP' | "$1" -q -X -v tenant="$2" -v as_of="$3" -f "$4"
"""
#: An id of a result's assignment is random; which one it is says its key.
_CELLS = """
    SELECT r.legacy_id, r.tenant_id::text, r.storage_table, r.assessment_id::text, a.legacy_id AS assignment,
        a.student_id::text AS assigned_to, a.test_window_id::text AS assigned_for, r.student_id::text,
        r.section_id::text, r.recorded_by::text, r.test_window_id::text, r.completed_date::text, r.is_copied::text,
        r.field_scores::text, r.total_score::text, r.created_at::text, r.created_at_basis, r.updated_at::text,
        r.deleted_at::text
    FROM assessment.assessment_results r LEFT JOIN assessment.assessment_assignments a ON a.id = r.assignment_id"""


class ByHand:
    """The job by hand, as one of the ways to do it."""

    title = "the same job by hand in SQL, without proof"
    install = "apt install sqlite3"
    aim = "ratio 0.8 or less"

    @property
    def is_installed(self) -> bool:
        """Say whether SQLite's own program is there."""
        return shutil.which("sqlite3") is not None

    def turn(self, ground: Ground) -> tuple[Ended, int]:
        """Do the job, and count the cells in which it differs from the results of our run."""
        with _with_map(ground) as database:
            arguments = (ground.source, server.program("psql"), str(TENANT), f"{AS_OF} 00:00+00")
            command = ("bash", "-c", _SCRIPT, *arguments, Path(__file__).with_suffix(".sql"))
            ended = measured(command, ground.server, env=environment(ground.server, database))
            expected, found = _cells(ground, SERVICE), _cells(ground, database)
            return ended, differing(expected, found, dict.fromkeys(expected.column_names, "VARCHAR"), key="legacy_id")


@contextmanager
def _with_map(ground: Ground) -> Iterator[str]:
    """Give a database with a map of the parents' ids, as whoever migrated them by hand would have it."""
    with ground.cloned("by_hand") as name:
        with TargetDatabase(SERVICE, Dsn(ground.server.dsn(name)), role=None) as database:
            database.execute("CREATE SCHEMA hand")
            database.execute(
                "CREATE TABLE hand.map (tenant_id uuid NOT NULL, entity text NOT NULL, legacy_id integer NOT NULL, "
                "new_id uuid NOT NULL, PRIMARY KEY (tenant_id, entity, legacy_id))"
            )
            database.execute("CREATE INDEX map_new_id ON hand.map (new_id)")
            for entity, service in PARENTS.items():
                with TargetDatabase(service, Dsn(ground.server.dsn(service)), role=None) as parents:
                    known = parents.query(
                        "SELECT tenant_id, entity, trim(BOTH '[]' FROM legacy_key)::integer AS legacy_id, new_id "
                        f"FROM migration.id_map WHERE entity = '{entity}'"
                    )
                database.ingest("hand", "map", known)
            database.commit()
            database.execute("ANALYZE")
            database.commit()
        yield name


def environment(running: server.Server, database: str) -> Mapping[str, str]:
    """Give the variables by which psql finds a database; a password on a command line is there for all to see."""
    return {
        "PGHOST": server.HOST,
        "PGPORT": str(running.port),
        "PGUSER": server.SUPERUSER,
        "PGPASSWORD": running.password,
        "PGDATABASE": database,
    }


def _cells(ground: Ground, database: str) -> pa.Table:
    with TargetDatabase(SERVICE, Dsn(ground.server.dsn(database)), role=None) as connection:
        return connection.query(_CELLS)
