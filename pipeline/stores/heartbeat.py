"""Whether the server still works on a statement that takes long: asked on a connection of its own.

A connection whose packets are swallowed is silent, and so is one whose statement takes an hour. The server tells the
two apart: it knows the session, and what it does or waits for.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Final, TypeAlias

from pipeline.errors import MigrationError, TargetUnreachable

#: Seconds after which a statement is looked at, and between two looks.
_EVERY: Final = 20.0
#: Seconds that the server has for its answer.
_ANSWER: Final = 15.0
#: Looks that have shown nothing, one after another, before hope is given up.
_LOOKS: Final = 2

#: What a session does: state, what it waits for, bytes copied; None where there is no such session.
Session: TypeAlias = tuple[str, str, int] | None


class Heartbeat:
    """Looks at one statement; a callable as `underway` takes it."""

    def __init__(self, where: str, look: Callable[[], Session]) -> None:
        """Prepare to look.

        Args:
            where: whose statement it is, for the message.
            look: asks the server what the session does; it may raise, and it may block.
        """
        self._where, self._look = where, look
        self._due, self._silent, self._copied = _EVERY, 0, -1

    def __call__(self, seconds: float) -> MigrationError | None:
        """Look, if it is time to; say why no answer is to be hoped for."""
        if seconds < self._due:
            return None
        self._silent = 0 if self._is_alive() else self._silent + 1
        self._due = seconds + _EVERY
        if self._silent < _LOOKS:
            return None
        return TargetUnreachable(
            "the connection to the server is dead",
            where=self._where,
            got=f"a statement of {seconds:.0f} seconds, which the server does not work on or cannot be asked about",
            remedy="look at what stands between; the same command goes on from here",
        )

    def _is_alive(self) -> bool:
        """Ask within a time; a server that waits for us while we wait for it has no connection to us."""
        found: list[Session] = []
        # Left alone where it does not come back: the connection that it asks on may be as dead.
        asking = Thread(target=self._ask, args=(found,), daemon=True)
        asking.start()
        asking.join(_ANSWER)
        if not found or found[0] is None:
            return False
        state, waits_for, copied = found[0]
        before, self._copied = self._copied, copied
        return state == "active" and (waits_for != "Client" or copied != before)

    def _ask(self, found: list[Session]) -> None:
        try:
            found.append(self._look())
        except MigrationError:
            found.append(None)
