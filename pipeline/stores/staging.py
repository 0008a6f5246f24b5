"""The one door to every staged file: paths, atomic writing, reading that notices damage.

A file appears whole or not at all (temporary name, sync, rename), and its manifest is its own Parquet footer,
so that file and manifest are one. A transformed bundle is a directory that is renamed into place. Pages carry
checksums, which every read verifies. Directories are 0700 and files 0600: they hold children's records.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.plan import FORMAT, Batch, Bundle, RunRecord
from pipeline.disk import is_of_the_disk, refused, using
from pipeline.errors import MigrationError, RunVersion, StagedFileDamaged, StagingError
from pipeline.stores.removal import remove

_MANIFEST = b"migration.manifest"
_RAW: Mapping[str, Any] = {"compression": "zstd"}
#: The output whose footer speaks for the whole bundle: it is written last.
ID_MAP = "id_map"
#: The note that all there is to transform has been; until it is there, what is staged may be a part.
TRANSFORMED = "transformed"
#: The note that live sources have been read until they held still.
SETTLED = "settled"
#: The note of the tenants whose rows were removed while those of others stayed.
PURGED_TENANTS = "purged_tenants"


@dataclass(frozen=True, slots=True)
class PurgedTenant:
    """A tenant whose staged rows were removed from a run."""

    #: The source's name.
    name: str
    #: When the last of them was gone; None from when the first goes until then.
    at: str | None


class Staging:
    """The staged files of one run."""

    def __init__(self, root: Path, run_id: str) -> None:
        self.root = root
        self.run = root / run_id

    # -- run record ---------------------------------------------------------------------------------

    def write_record(self, record: RunRecord) -> None:
        """Write the run record, synced, before the first row moves."""
        _write_bytes(self.run / "run.json", record.model_dump_json(indent=1).encode())

    def read_record(self) -> RunRecord:
        """Read the run record.

        Raises:
            StagingError: there is no such run, or its record cannot be read.
            RunVersion: it was begun by a version that wrote other forms.
        """
        path = self.run / "run.json"
        content = _read_bytes(path)
        if content is None:
            raise StagingError(
                "no such run",
                where=str(path),
                got="no run record",
                expected="run.json of a run",
                remedy="see `migrate status` for the runs there are",
            )
        return parsed_record(content, str(path))

    def mark(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a small JSON note beside the run record (such as the purge's)."""
        _write_bytes(self.run / f"{name}.json", json.dumps(content, indent=1).encode())

    def note(self, name: str) -> dict[str, Any] | None:
        """Read a note back, None where there is none."""
        path = self.run / f"{name}.json"
        content = _read_bytes(path)
        if content is None:
            return None
        try:
            found: dict[str, Any] = json.loads(content)
            return found
        except ValueError as error:
            raise StagedFileDamaged(where=str(path), got=str(error).splitlines()[0]) from None

    def purged_tenants(self) -> dict[str, PurgedTenant]:
        """Give the tenants whose rows were removed while those of others stayed, by their ids."""
        return {tenant: PurgedTenant(**said) for tenant, said in (self.note(PURGED_TENANTS) or {}).items()}

    # -- raw rows -----------------------------------------------------------------------------------

    def raw_path(self, batch: Batch) -> Path:
        """Where a batch of raw rows is."""
        return self.run / "raw" / batch.source / batch.entity / f"{batch.number:05}.parquet"

    def keys_path(self, source: str, entity: str) -> Path:
        """Where the keys of an entity are of which nothing else is read."""
        return self.run / "keys" / source / f"{entity}.parquet"

    def write_table(self, path: Path, table: pa.Table, manifest: Mapping[str, Any]) -> None:
        """Write a file atomically, its manifest in the footer."""
        with _appearing(path) as temporary:
            _write_parquet(temporary, table, manifest)

    def read_table(self, path: Path, columns: list[str] | None = None) -> pa.Table:
        """Read a file, verifying every page's checksum.

        Raises:
            StagedFileDamaged: the file is missing, cut or altered.
        """
        with _checked(path) as file:
            return file.read(columns=columns)

    def check(self, path: Path) -> dict[str, Any]:
        """Read a file for the checksums of its pages alone, and give its manifest; raises as `read_table` does."""
        with _checked(path) as file:
            file.read()
            return _manifest_of(file.metadata)

    def manifest(self, path: Path) -> dict[str, Any] | None:
        """Read a file's manifest, None where there is no whole file."""
        if not path.exists():
            return None
        try:
            return _manifest_of(pq.read_metadata(path))
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise _unreadable(path, error) from None

    # -- transformed bundles ------------------------------------------------------------------------

    def output_directory(self, bundle: Bundle) -> Path:
        """Where the outputs of a transformed bundle are."""
        return self.run / "out" / f"{bundle.wave:03}" / bundle.entity / f"{bundle.number:05}"

    def output_path(self, bundle: Bundle, name: str) -> Path:
        """Where one output of a bundle is: a target table, id_map, rejects, findings or raw_values."""
        return self.output_directory(bundle) / f"{name}.parquet"

    def output_manifest(self, bundle: Bundle) -> dict[str, Any] | None:
        """Read a transformed bundle's manifest, None where the bundle is not whole."""
        return self.manifest(self.output_path(bundle, ID_MAP))

    def write_outputs(self, bundle: Bundle, tables: Mapping[str, pa.Table], manifest: Mapping[str, Any]) -> None:
        """Write all outputs of a bundle; they appear together."""
        final = self.output_directory(bundle)
        with _appearing(final) as temporary:
            _make_private(temporary)
            for name, table in tables.items():
                _write_parquet(temporary / f"{name}.parquet", table, manifest if name == ID_MAP else {}, _form(table))
            _sync_directory(temporary)
            if final.exists():  # of an entry that has changed since: remade from this stage on
                shutil.rmtree(final)

    def outputs(self, entity: str) -> Iterator[tuple[Bundle, dict[str, Any]]]:
        """List the transformed bundles of an entity that are staged, in order, with their manifests."""
        base = self.run / "out"
        for directory in sorted(base.glob(f"*/{entity}/[0-9]*")):
            manifest = self.manifest(directory / f"{ID_MAP}.parquet")
            if manifest is not None:
                own = tuple(Batch(b["source"], entity, b["number"]) for b in manifest["batches"])
                yield Bundle(int(directory.parent.parent.name), entity, int(directory.name), own), manifest

    def output_files(self, wave: int) -> list[Path]:
        """List the files of a wave's bundles, of each bundle last what speaks for it."""
        found = (self.run / "out" / f"{wave:03}").glob("*/[0-9]*/*.parquet")
        return sorted(found, key=lambda path: (path.parent, path.stem == ID_MAP, path.name))

    # -- the run's directory ------------------------------------------------------------------------

    def scratch(self) -> Path:
        """Give a private directory for verification's own files; it may be emptied at any time."""
        path = self.run / "scratch"
        with using(path):
            _make_private(path)
        return path

    def audit_path(self) -> Path:
        """Where the audit log of the run is."""
        with using(self.run):
            _make_private(self.run)
        return self.run / "audit.jsonl"

    def purge(self) -> int:
        """Remove the run's rows (raw, keys, outputs, scratch) and keep its record and audit log; look again.

        Returns:
            Bytes removed.

        Raises:
            DiskError: something could not be removed, and is still there; the next purge goes on.
        """
        removed = remove(self.run / name for name in ("raw", "keys", "out", "scratch"))
        with using(self.run):
            _sync_directory(self.run)
        return removed

    def purge_of(self, sources: Iterable[str], waves: Iterable[int]) -> int:
        """Remove the rows that sources and waves have to themselves, and whatever no file is whole of.

        Returns:
            Bytes removed.

        Raises:
            DiskError: something could not be removed, and is still there; the next purge goes on.
        """
        raw, keys, out = places = [self.run / name for name in ("raw", "keys", "out")]
        own = [place / source for source in sources for place in (raw, keys)] + [out / f"{n:03}" for n in waves]
        unfinished = [path for place in places for path in place.rglob(".*")]
        removed = remove([*own, *unfinished, self.run / "scratch"])
        with using(self.run):
            for place in filter(Path.exists, (*places, self.run)):
                _sync_directory(place)
        return removed

    def drop_outputs(self) -> None:
        """Remove what is transformed; it follows from the raw rows.

        Raises:
            DiskError: something could not be removed.
        """
        note = self.run / f"{TRANSFORMED}.json"
        with using(note):
            note.unlink(missing_ok=True)
        remove([self.run / "out"])


def parsed_record(text: bytes | str, where: str) -> RunRecord:
    """Read a run record, wherever it was kept.

    Raises:
        RunVersion: it was begun by a version that wrote other forms.
        StagedFileDamaged: it is none.
    """
    try:
        said = json.loads(text)
        version = said.get("version", 1) if isinstance(said, dict) else FORMAT
        if version != FORMAT:
            newer = isinstance(version, int) and version > FORMAT
            raise RunVersion(
                where=where,
                got=f"format {version}",
                expected=f"format {FORMAT}",
                remedy="continue it with the newer version of this program that began it"
                if newer
                else "finish or verify it with the version of this program that began it; of a run that has loaded "
                "nothing, remove the directory and begin another",
            )
        return RunRecord.model_validate(said)
    except ValueError as error:
        raise StagedFileDamaged(where=where, got=str(error).splitlines()[0]) from None


def run_ids(root: Path) -> list[str]:
    """Name the runs that have a record, the newest first."""
    with using(root):
        try:
            return sorted((p.name for p in root.iterdir() if (p / "run.json").exists()), reverse=True)
        except FileNotFoundError:
            return []


def _form(output: pa.Table) -> Mapping[str, Any]:
    """Say how an output, which is read whole, is held: no statistics, no dictionary of ids, hashes not compressed."""
    hashes = {"id", "new_id", "source_hash", "target_hash"}
    repeated = [c for c in output.column_names if c not in hashes | {"legacy_id", "legacy_key"}]
    compression = {c: "none" if c in hashes else "zstd" for c in output.column_names}
    return {"use_dictionary": repeated, "compression": compression, "write_statistics": False}


def _write_parquet(path: Path, table: pa.Table, manifest: Mapping[str, Any], form: Mapping[str, Any] = _RAW) -> None:
    metadata = {**(table.schema.metadata or {}), _MANIFEST: json.dumps(manifest).encode()}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        pq.write_table(table.replace_schema_metadata(metadata), file, write_page_checksum=True, **form)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _checked(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file to read it, with what is wrong with it told as that."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise _unreadable(path, error) from None


def _manifest_of(metadata: pq.FileMetaData) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((metadata.metadata or {})[_MANIFEST])
    return found


def _write_bytes(path: Path, content: bytes) -> None:
    with _appearing(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _read_bytes(path: Path) -> bytes | None:
    with using(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


@contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """Give a name beside the final one; what was written there takes the final one's place, or is gone."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with using(path):
        try:
            _make_private(path.parent)
            yield temporary
            temporary.replace(path)
            _sync_directory(path.parent)
        except BaseException:
            with suppress(OSError):  # left behind, it would fill a full disk even more
                shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink()
            raise


def _make_private(path: Path) -> None:
    missing = [p for p in (path, *path.parents) if not p.exists()]
    for directory in reversed(missing):
        directory.mkdir(mode=0o700, exist_ok=True)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unreadable(path: Path, error: Exception) -> MigrationError:
    if isinstance(error, OSError) and is_of_the_disk(error):
        return refused(path, error)
    return StagedFileDamaged(
        where=str(path),
        got=str(error).splitlines()[0] if str(error) else type(error).__name__,
        expected="a whole Parquet file with its manifest, every page as it was written",
        remedy="remove the file (for outputs: its directory) and run the same command again; it is made anew",
    )
