"""Counters of what has been done, as Prometheus reads them: in a file, or on a port.

They advance only once a stage has what it speaks of: a file in place, a commit. Owns their names, which
docs/metrics.md lists. Invariant: no label is a value of a row.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from threading import Lock
from time import monotonic, time

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server, write_to_textfile

from pipeline.disk import using
from pipeline.errors import ConfigError
from pipeline.observe.log import AuditEvent

_LABELS = ("stage", "service", "tenant")
#: Seconds between two writings of the file.
_PAUSE = 1.0


class Metrics:
    """What stages have done since the command began. Threads may share one."""

    def __init__(self, path: Path | None = None, port: int | None = None) -> None:
        """Write to a file, answer on a port of the loopback address, or both.

        Raises:
            ConfigError: the port is taken.
        """
        self._path, self._lock, self._written = path, Lock(), float("-inf")
        self.registry = CollectorRegistry()
        self._rows = Counter("migrate_rows", "Rows that a stage passed on.", _LABELS, registry=self.registry)
        self._rejected = Counter("migrate_rejected_rows", "Rows set aside.", _LABELS, registry=self.registry)
        self._batches = Counter("migrate_batches", "Parts of batches, one a tenant.", _LABELS, registry=self.registry)
        self._seconds = Counter("migrate_seconds", "Seconds of work, side by side.", _LABELS, registry=self.registry)
        self._bytes = Counter("migrate_bytes", "Bytes of what a stage passed on.", _LABELS, registry=self.registry)
        self._due = Gauge("migrate_rows_due", "Rows that a stage has to do.", ["stage"], registry=self.registry)
        self._left = Gauge("migrate_seconds_left", "Seconds until a stage is done.", ["stage"], registry=self.registry)
        told = "When a stage was last done with a batch."
        self._last = Gauge("migrate_last_done_timestamp_seconds", told, ["stage"], registry=self.registry)
        if port is not None:
            try:
                start_http_server(port, addr="127.0.0.1", registry=self.registry)
            except OSError as error:
                raise ConfigError(
                    "nothing can be served there",
                    where=f"--metrics-port {port}",
                    got=error.strerror or type(error).__name__,
                    remedy="name a free port",
                ) from None

    def pace(self, stage: str, *, due: int, seconds_left: float | None) -> None:
        """Say how much a stage has to do, and in how many seconds it will be done, where that can be told."""
        self._due.labels(stage).set(due)
        if seconds_left is not None:
            self._left.labels(stage).set(round(seconds_left))

    def count(self, event: AuditEvent, tenant: str, size: int = 0) -> None:
        """Count what a stage has done; write the file, where it is due.

        Args:
            event: what it did.
            tenant: whose rows they are, by the name of the source.
            size: the rows' bytes, as Arrow holds them.
        """
        labels = (event.stage, (event.entity_type or "").partition(".")[0], tenant)
        self._rows.labels(*labels).inc(event.count)
        self._rejected.labels(*labels).inc(event.rejected)
        self._batches.labels(*labels).inc()
        self._seconds.labels(*labels).inc(event.duration)
        self._bytes.labels(*labels).inc(size)
        self._last.labels(event.stage).set(time())
        with self._lock:
            if monotonic() - self._written < _PAUSE:
                return
            self._written = monotonic()
        with suppress(OSError):  # whoever watches sees older figures; the work goes on
            self._write()

    def close(self) -> None:
        """Write the last figures.

        Raises:
            DiskError: the file cannot be written.
        """
        if self._path is not None:
            with using(self._path):
                self._write()

    def _write(self) -> None:
        if self._path is not None:
            write_to_textfile(str(self._path), self.registry)  # beside it, and renamed
