"""The audit log: one JSON line for every batch that passes a stage, and lines about the command itself.

Owns the form of a line and the file it is appended to. Holds counts, ids, keys and checksums, never another value of a
row. Nothing reads it back to decide anything: what happened is known from staged files and receipts.
Invariant: a line is whole or, after a crash, the last one and cut short; the next line starts on its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Literal, Self

from pipeline.disk import using
from pipeline.errors import MigrationError, places
from pipeline.shown import visible_json


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """What one stage did with one batch; None where a stage has none of it."""

    batch_id: str | None
    run_id: str
    #: Service and entity, as in `student.Student`.
    entity_type: str | None
    tenant_id: str | None
    stage: str
    #: Rows that the stage passed on.
    count: int
    #: Rows that it did not.
    rejected: int = 0
    #: Seconds.
    duration: float
    checksum: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditNote:
    """What concerns a command as a whole: how it began, what it found, how it failed."""

    kind: Literal["command", "verdict", "difference", "not moved", "purge", "error"]
    run_id: str
    content: Mapping[str, object]


def _now() -> datetime:
    return datetime.now(UTC)


class AuditLog:
    """Append events to a file that only its owner can read. Threads may share one."""

    def __init__(self, path: Path, *, now: Callable[[], datetime] = _now) -> None:
        """Open the file, with its folder, or continue it."""
        self._now = now
        self._lock = Lock()
        self.path = path
        with using(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            os.fchmod(self._descriptor, 0o600)  # an older file may be open to more
            size = os.fstat(self._descriptor).st_size
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                os.write(self._descriptor, b"\n")

    def append(self, event: AuditEvent | AuditNote) -> None:
        """Write an event as one line, with the time; it is with the operating system on return."""
        line = {"time": self._now().astimezone(UTC).isoformat(timespec="microseconds"), **_content(event)}
        text = visible_json(json.dumps(line, ensure_ascii=False, allow_nan=False))
        data = text.encode() + b"\n"
        with self._lock:
            if self._descriptor is None:
                raise ValueError("the audit log is closed")
            with using(self.path):
                while data:
                    data = data[os.write(self._descriptor, data) :]

    def close(self) -> None:
        """Close the file; again does nothing."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def audited(log: AuditLog, run_id: str, command: Mapping[str, object]) -> Iterator[None]:
    """Write that a command works on a run, and the error that ends it, if one does; the error says where the log is."""
    log.append(AuditNote(kind="command", run_id=run_id, content=command))
    try:
        yield
    except BaseException as error:
        content = {
            "error": type(error).__qualname__,
            # Another's words may quote a value of a row.
            "what": str(error) if isinstance(error, MigrationError) else None,
            "places": places(error),
        }
        with suppress(MigrationError):  # the log's own disk may be what failed
            log.append(AuditNote(kind="error", run_id=run_id, content=content))
        error.add_note(f"log:      {log.path}")
        raise


def _content(event: AuditEvent | AuditNote) -> dict[str, object]:
    if isinstance(event, AuditNote):
        return {"kind": event.kind, "run_id": event.run_id, **event.content}
    return {
        "kind": "batch",
        "batch_id": event.batch_id,
        "run_id": event.run_id,
        "entity_type": event.entity_type,
        "tenant_id": event.tenant_id,
        "stage": event.stage,
        "count": event.count,
        "rejected": event.rejected,
        "duration": round(event.duration, 6),
        "checksum": event.checksum,
    }
