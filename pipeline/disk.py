"""What the file system refuses, said in a sentence: a full disk, a read-only one, one that is not there.

Invariant: whatever it refuses is an error of ours, so that no failure of the surroundings looks like a fault in the
data.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipeline.errors import DiskError

_FREE: Final = "free space there, or name another directory as `staging` under [run]; the same command goes on"
_CAUSES: Final = {
    errno.ENOSPC: ("the disk is full", _FREE),
    errno.EDQUOT: ("the quota of the disk is used up", _FREE),
    errno.EFBIG: (
        "a file would be longer than is allowed",
        "allow longer files (`ulimit -f`); the same command goes on",
    ),
    errno.EROFS: ("the disk is read-only", "mount it for writing; the same command goes on"),
    errno.EACCES: ("it may not be used by this user", "grant this user the access that lacks"),
    errno.EPERM: ("it may not be used by this user", "grant this user the access that lacks"),
    errno.ENOENT: ("it is not there", "is its disk mounted?"),
    errno.ENOTDIR: ("a part of its path is no directory", "name a directory"),
    errno.ENAMETOOLONG: ("a name in its path is too long for the disk", "use a directory of a shorter path"),
    errno.EMFILE: ("too many files are open", "allow more (`ulimit -n`), or lower `parallel` under [run]"),
    errno.EIO: ("the disk does not answer as it should", "look after the disk; the same command goes on"),
}


@contextmanager
def using(path: Path) -> Iterator[None]:
    """Turn what the file system refuses of a path into an error that says so.

    Raises:
        DiskError: it refused.
    """
    try:
        yield
    except OSError as error:
        raise refused(path, error) from None


def refused(path: Path, error: OSError) -> DiskError:
    """Say what the file system refused of a path, and what to do."""
    what, remedy = _CAUSES.get(error.errno or 0, (f"it cannot be used: {error.strerror or type(error).__name__}", None))
    return DiskError(what, where=str(path), remedy=remedy)


def is_of_the_disk(error: Exception) -> bool:
    """Say whether an error is the disk's, and says nothing of what a file holds."""
    return isinstance(error, OSError) and error.errno in _CAUSES and error.errno != errno.ENOENT
