"""Damage to what is no row: row security, policies, and what else of a table decides who sees or changes a row."""

from __future__ import annotations

from tests.faults.damages.form import Damage, Difference, Seen, statements


def _opened(name: str, table: str, *sql: str) -> Damage:
    """Let each tenant see other rows of a table than its own; nothing else may touch that table."""
    named = Difference(table.partition(".")[0], "the application sees ...", table, None, "", "")
    return statements(name, Seen.ACCESS, *sql, named=(named,))


#: Each on a table that nothing else touches, and seen by every tenant.
OPENED = (
    _opened("a policy dropped", "student.attribute_types", "DROP POLICY tenant_isolation ON student.attribute_types"),
    _opened(
        "row security switched off",
        "configuration.schools",
        "ALTER TABLE configuration.schools DISABLE ROW LEVEL SECURITY",
    ),
    _opened(
        "a second policy that shows everything",
        "section.sections",
        "CREATE POLICY everything ON section.sections USING (true)",
    ),
)
DAMAGES = OPENED
