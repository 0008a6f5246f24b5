"""A disk, a terminal or a library that fails ends the command with code 2 and a sentence, never with "the data differ".

The disks are real: small file systems in memory, mounted where only the command sees them.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cli import commands
from pipeline.cli.ending import ended
from pipeline.demo.server import Server
from pipeline.errors import SourceError
from tests.support.small import Small, named, small

ENTRIES = named("Pupil", name="nvarchar(max)")
ROWS = ", ".join(f"({n}, '{n * 7919:0500d}')" for n in range(400))
LEGACY = f'CREATE TABLE Pupil (Id int PRIMARY KEY, Name "nvarchar(max)"); INSERT INTO Pupil VALUES {ROWS};'


@pytest.fixture
def made(postgres: Server, tmp_path: Path) -> Iterator[Small]:
    with small(postgres, tmp_path, {"media": ENTRIES}, {"a": LEGACY}) as site:
        yield site


def _shell(made: Small, script: str, *before: str) -> subprocess.CompletedProcess[str]:
    """Run a script in which `migrate` is the command line; `before` is what runs the shell."""
    command = f'migrate() {{ c=$1; shift; {shlex.quote(sys.executable)} -m pipeline.cli "$c" -c migrate.toml "$@"; }}'
    return subprocess.run(
        [*before, "bash", "-c", f"{command}\n{script}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=made.site.directory,
        timeout=300,
        env={**os.environ},
    )


MOUNTED = ("unshare", "--mount")


def _demand_mounting() -> None:
    tried = subprocess.run(
        [*MOUNTED, "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip("no file system can be mounted here: needs root and a private mount namespace")


def test_a_full_disk_is_said_and_the_same_command_goes_on(made: Small) -> None:
    _demand_mounting()
    done = _shell(
        made,
        "mkdir -m 700 staging && mount -t tmpfs -o mode=700,size=32k none staging\n"
        "migrate run; echo code $?\n"
        "mount -o remount,size=64m staging\n"
        "migrate run; echo code $?",
        *MOUNTED,
    )
    assert "the disk is full" in done.stderr
    assert "the same command goes on" in done.stderr
    assert "Traceback" not in done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("code")] == ["code 2", "code 0"], done
    assert "PARITY" in done.stdout


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_moment_is_said(made: Small) -> None:
    _demand_mounting()
    done = _shell(
        made,
        "mkdir -m 700 staging && mount -t tmpfs -o mode=700,size=4k none staging\n"
        "for size in $(seq 8 8 800); do\n"
        "  migrate run 2>said; code=$?; echo code $code; cat said >&2\n"
        "  [ $code = 0 ] && break; grep -q 'disk is full' said || { echo not said at $size; break; }\n"
        "  mount -o remount,size=${size}k staging\n"
        "done",
        *MOUNTED,
    )
    codes = [line for line in done.stdout.splitlines() if line.startswith(("code", "not"))]
    assert codes == ["code 2"] * (len(codes) - 1) + ["code 0"], done
    assert len(codes) > 6
    assert "Traceback" not in done.stderr


def test_a_file_that_may_not_grow_is_said(made: Small) -> None:
    done = _shell(made, "ulimit -f 2; migrate extract; echo code $?")
    assert "code 2" in done.stdout, done
    assert "a file would be longer than is allowed" in done.stderr
    assert "ulimit -f" in done.stderr


@pytest.mark.slow
def test_a_read_only_disk_is_said(made: Small) -> None:
    _demand_mounting()
    script = "mkdir -m 700 staging && mount -t tmpfs -o mode=700,ro none staging\n"
    done = _shell(made, f"{script}migrate run; echo code $?; migrate plan; echo code $?; migrate status", *MOUNTED)
    assert done.stdout.count("code 2") == 2, done
    assert done.stderr.count("read-only") == 2
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_disk_that_turns_read_only_is_said(made: Small) -> None:
    _demand_mounting()
    done = _shell(
        made,
        "mkdir -m 700 staging && mount -t tmpfs -o mode=700 none staging && migrate extract || exit\n"
        "mount -o remount,ro staging\n"
        "for c in run extract transform load verify; do migrate $c; echo code $?; done",
        *MOUNTED,
    )
    assert done.stdout.count("code 2") == 5, done
    assert done.stderr.count("the disk is read-only") == 5


def test_a_disk_that_is_not_there_is_said_and_no_run_is_begun_elsewhere(made: Small) -> None:
    made.configure('"staging"', '"disk/staging"')
    for command in ("plan", "run"):
        done = made.site.migrate_apart(command, check=2)
        assert "is its disk mounted?" in done.stderr
    assert not (made.site.directory / "disk").exists()


#: (what is done to the staging directory, what must be said)
FORBIDDEN = {
    "may not be written": ("chmod -R a-w staging", "may not"),
    "may not be entered": ("chmod 0 staging", "may not"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("change", "word"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_a_directory_of_which_the_rights_lack_is_said(change: str, word: str, made: Small) -> None:
    # Root is stopped by no mode until it gives that power up.
    before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    if before and subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("root cannot give up its power over modes here: needs setpriv and CAP_SETPCAP")
    done = _shell(
        made, f"migrate extract || exit; {change}; migrate run; echo code $?; chmod -R u+rwx staging", *before
    )
    assert "code 2" in done.stdout, done
    assert word in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_result_that_cannot_be_written_is_no_difference(made: Small) -> None:
    made.site.migrate_apart("run")
    done = _shell(made, "migrate verify --json >/dev/full; echo code $?; migrate status >/dev/full; echo code $?")
    assert done.stdout.count("code 2") == 2, done
    assert done.stderr.count("No space left") == 2
    done = _shell(
        made, "set -o pipefail; migrate verify --json | true; echo code $?; migrate status | true; echo code $?"
    )
    assert done.stdout.count("code 2") == 2, done
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_closed_or_full_standard_error_changes_nothing(made: Small) -> None:
    done = _shell(
        made,
        "migrate run 2>&-; echo code $?; migrate verify 2>/dev/full; echo code $?; migrate verify 0<&- >&-; echo code $?",
    )
    assert done.stdout.count("code 0") == 3, done


class Panic(BaseException):
    """As native code raises it: no Exception."""


#: Error -> what must be said of it.
FAULTS: dict[str, tuple[BaseException, tuple[str, ...]]] = {
    "a fault": (KeyError("zq-value-zq"), ("KeyError", "test_surroundings.py:", "the same command goes on")),
    "a panic": (Panic("zq-value-zq"), ("Panic", "test_surroundings.py:")),
    "no memory": (MemoryError("zq-value-zq"), ("not enough memory", "bundle_rows")),
    "a file": (FileNotFoundError(2, "No such file or directory", "/x/y"), ("/x/y: No such file",)),
    "an exit of a library": (SystemExit(1), ("standard output was closed",)),
    "our own": (SourceError(where="source a"), ("source a",)),
}


@pytest.mark.parametrize(("error", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_whatever_is_raised_ends_with_code_2_its_name_and_its_place(
    error: BaseException, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        error.add_note("log: staging/x/audit.jsonl")
        raise error

    assert ended(fail) == 2
    said = capsys.readouterr().err
    for word in (*words, "log: staging/x/audit.jsonl"):
        assert word in said
    assert "zq-value-zq" not in said


@pytest.mark.parametrize("raised", [KeyError("x"), Panic(), OSError(5, "x")], ids=lambda e: type(e).__name__)
def test_no_command_leaves_with_a_traceback(
    raised: BaseException, made: Small, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("pipeline.runs.plan.make_plan", fail)
    monkeypatch.setattr("pipeline.runs.beginning.make_plan", fail)
    monkeypatch.setattr(sys, "argv", ["migrate", "run", "--config", str(made.site.config)])
    with pytest.raises(SystemExit) as exit_:
        commands.run()
    assert exit_.value.code == 2
    assert "Traceback" not in capfd.readouterr().err
