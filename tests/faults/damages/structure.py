"""Damage to what is no row: row security, policies, and what else of a table decides who sees or changes a row."""

from __future__ import annotations

from tests.faults.damages.form import Damage, Difference, Seen, statements


def _opened(name: str, table: str, *sql: str, what: str, policy: str = "", writes: bool = True) -> Damage:
    """Let each tenant see other rows of a table than its own; nothing else may touch that table."""
    service = table.partition(".")[0]
    kinds = ("the application can change", "the application can delete", "the application can write") * writes
    named = (
        Difference(service, "the application sees ...", table, None, "", ""),
        Difference(service, f"structure: {what}", table, "", "", policy),
        *(Difference(service, f"{kind} rows of another tenant", table, None, "", "") for kind in kinds),
        *([Difference(service, "the application can give rows to another tenant", table, None, "", "")] * writes),
    )
    return statements(name, Seen.ACCESS, *sql, named=named)


#: Each on a table that nothing else touches, and seen by every tenant.
OPENED = (
    _opened(
        "a policy dropped",
        "student.attribute_types",
        "DROP POLICY tenant_isolation ON student.attribute_types",
        what="policy is gone",
        policy="tenant_isolation",
        writes=False,
    ),
    _opened(
        "row security switched off",
        "configuration.schools",
        "ALTER TABLE configuration.schools DISABLE ROW LEVEL SECURITY",
        what="row-level security is off",
    ),
    _opened(
        "a second policy that shows everything",
        "section.sections",
        "CREATE POLICY everything ON section.sections USING (true)",
        what="a policy for ALL opens more than a tenant's own rows",
        policy="everything",
    ),
)
#: The columns of a run that are the auditor's to see, and one more, which holds keys.
_SEEN = "run_id, started_at, purged_at, record ->> 'as_of' AS as_of, " + ", ".join(
    f"record -> '{name}' AS {name}" for name in ("selection", "sources", "target", "tenants", "entities", "counts")
)
DAMAGES = (
    *OPENED,
    statements(
        "the auditor's view of runs made to show keys",
        Seen.OPENED,
        f"CREATE OR REPLACE VIEW migration.audit_run AS SELECT {_SEEN}, record FROM migration.run",
        named=(Difference("student", "structure: view was altered", "migration.audit_run"),),
    ),
)
