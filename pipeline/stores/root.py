"""The staging root: the directory under which every run keeps its rows, and who may touch it.

What others can write, others can change between two stages, so it is refused. Writes nothing.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pipeline.disk import using
from pipeline.errors import DiskError

_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def check_root(root: Path, *, writing: bool = False) -> None:
    """Check that a staging root, where there is one, is this user's own; with `writing`, that it can be filled.

    Raises:
        DiskError: it is not, or the directory that would hold it is missing.
    """
    where = str(root)
    with using(root):
        try:
            found = root.stat()
        except FileNotFoundError:
            if not root.parent.is_dir():
                raise DiskError(
                    "the staging directory is not there, nor the one that would hold it",
                    where=where,
                    remedy="is its disk mounted? If so, make the directory; else correct `staging` under [run]",
                ) from None
            if writing:
                _demand_writing(root.parent)
            return
    if not stat.S_ISDIR(found.st_mode):
        raise DiskError("the staging directory is a file", where=where, remedy="correct `staging` under [run]")
    if found.st_uid != os.geteuid():
        raise DiskError(
            "the staging directory belongs to another user, who could change what is staged",
            where=where,
            got=f"user {found.st_uid}",
            expected=f"user {os.geteuid()}, who runs this",
            remedy=f"chown {os.geteuid()} {where}, or name another directory as `staging` under [run]",
        )
    if found.st_mode & _OTHERS:
        raise DiskError(
            "others can write to the staging directory, and change what is staged",
            where=where,
            got=f"mode {stat.S_IMODE(found.st_mode):04o}",
            expected="no right to write but its owner's",
            remedy=f"chmod go-w {where}",
        )
    if writing:
        _demand_writing(root)


def _demand_writing(directory: Path) -> None:
    if os.statvfs(directory).f_flag & os.ST_RDONLY:
        raise DiskError(
            "the disk of the staging directory is read-only",
            where=str(directory),
            remedy="mount it for writing, or name another directory as `staging` under [run]",
        )
    if not os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
        raise DiskError(
            "this user may not write to the staging directory",
            where=str(directory),
            remedy=f"chmod u+rwx {directory}, or name another directory as `staging` under [run]",
        )
