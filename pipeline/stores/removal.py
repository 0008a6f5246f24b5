"""What is removed for good, as far as may be; what is left is told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import DiskError


def remove(paths: Iterable[Path]) -> int:
    """Remove files, and directories with all they hold; what is not there is removed already.

    Returns:
        Bytes removed.

    Raises:
        DiskError: something could not be removed; whatever could is gone.
    """
    removed, left = 0, list[tuple[Path, OSError]]()
    for path in paths:
        removed += _remove(path, left)
    if left:
        path, error = left[0]
        raise DiskError(
            f"{len(left):,} files or directories of the run could not be removed; rows of children are still there",
            where=str(path),
            got=error.strerror or type(error).__name__,
            remedy="let this user write to the directory that holds it; the same command goes on",
        )
    return removed


def _remove(path: Path, left: list[tuple[Path, OSError]]) -> int:
    """Remove as far as may be; note what is left, and give the bytes removed."""
    try:
        if path.is_symlink() or not path.is_dir():
            size = path.lstat().st_size
            path.unlink()
            return size
        entries = list(path.iterdir())
    except FileNotFoundError:
        return 0
    except OSError as error:
        left.append((path, error))
        return 0
    removed = sum(_remove(entry, left) for entry in entries)
    try:
        path.rmdir()
    except OSError as error:
        if not any(kept.is_relative_to(path) for kept, _ in left):
            left.append((path, error))
    return removed
