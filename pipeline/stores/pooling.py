"""Whether a pooler stands between us and the server that gives its connections to others meanwhile."""

from __future__ import annotations

from pipeline.stores.target import TargetDatabase, pooled

#: A pooler that deals connections out in turn needs a few rounds to show.
_ROUNDS = 3


def refuse_pooled(one: TargetDatabase, other: TargetDatabase) -> None:
    """Refuse two connections, open at once, that do not have a process of the server each and keep it.

    They are to work as the login itself: behind such a pooler a role would stay with whoever comes next.

    Raises:
        TargetPooled: a pooler shares its connections out, by transactions or statements.
    """
    seen: tuple[set[int], set[int]] = (set(), set())
    for _ in range(_ROUNDS):
        for database, processes in zip((one, other), seen, strict=True):
            processes.add(database.query("SELECT pg_backend_pid() AS p").to_pylist()[0]["p"])
            database.commit()
    if len(seen[0]) == len(seen[1]) == 1 and seen[0] != seen[1]:
        return
    for database in (one, other):
        # Nor shall a setting of ours stay.
        database.execute("RESET ALL")
        database.commit()
    raise pooled(one.service)
