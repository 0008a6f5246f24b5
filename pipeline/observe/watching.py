"""How far the waves of a run are, seen again and again: beside what is done, how fast it goes and the time left.

Knows what it has seen before, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from time import monotonic

from rich.table import Table

from pipeline.core.state import Share, WaveState
from pipeline.observe.report import table

_STAGES: Mapping[str, Callable[[WaveState], Share]] = {
    "extract": lambda wave: wave.extracted,
    "transform": lambda wave: wave.transformed,
    "load": lambda wave: wave.loaded,
    "verify": lambda wave: wave.verified,
}


class Watch:
    """What is seen of one run."""

    def __init__(self, run_id: str, clock: Callable[[], float] = monotonic) -> None:
        """Begin to look; `clock` gives seconds."""
        self._run_id, self._clock = run_id, clock
        #: Stage -> when it was first seen to have moved, and how far it was before.
        self._since: dict[str, tuple[float, int]] = {}
        self._before: dict[str, int] = {}
        self._looked = clock()

    def look(self, waves: Sequence[WaveState]) -> Table:
        """Show each wave, and of each stage how fast it goes and when it will be done with what is known of it."""
        now = self._clock()
        shares = {stage: Share.sum(map(of, waves)) for stage, of in _STAGES.items()}
        for stage, share in shares.items():
            before = self._before.setdefault(stage, share.done)
            if share.done > before and stage not in self._since:
                self._since[stage] = self._looked, before
            self._before[stage] = share.done
        self._looked = now
        rows = [(_name(w), *(_shown(of(w)) for of in _STAGES.values()), f"{w.legacy_rows:,}") for w in waves]
        rows += [("all", *map(_shown, shares.values()), f"{sum(w.legacy_rows for w in waves):,}")]
        rows += [("a second", *(self._rate(s, share, now) for s, share in shares.items()), "")]
        rows += [("time left", *(self._left(s, share, now) for s, share in shares.items()), "")]
        title = f"Run {self._run_id}: batches, parts of them that are loaded, tenants by service"
        return table(title, ("wave", *_STAGES, "rows"), rows, numbers=5)

    def _pace(self, stage: str, share: Share, now: float) -> float:
        began, before = self._since.get(stage, (now, share.done))
        return (share.done - before) / max(now - began, 1e-9)

    def _rate(self, stage: str, share: Share, now: float) -> str:
        pace = self._pace(stage, share, now)
        return f"{pace:,.1f}" if pace and not _is_done(share) else ""

    def _left(self, stage: str, share: Share, now: float) -> str:
        pace = self._pace(stage, share, now)
        if not pace or share.due is None or _is_done(share):
            return ""
        return str(timedelta(seconds=round((share.due - share.done) / pace)))


def is_done(waves: Sequence[WaveState]) -> bool:
    """Say whether there is nothing more to be seen: all is staged, loaded and verified."""
    return all(_is_done(of(wave)) for wave in waves for of in _STAGES.values())


def _is_done(share: Share) -> bool:
    return share.done == share.due


def _name(wave: WaveState) -> str:
    first, *others = wave.sources
    return f"{first} and {len(others)} more" if others else first


def _shown(share: Share) -> str:
    return f"{share.done:,}/{share.due:,}"
