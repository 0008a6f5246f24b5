"""The file `migrate.toml`, and the list of sources that it names: read, `${VAR}` filled in, every mistake named.

Reads the environment here and nowhere else; opens no database. Invariant: what was filled in is in no message.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.settings.listed import NAME, read_listed
from pipeline.settings.model import Run, Settings, SourcesClashError, Target
from pipeline.settings.source import NO_DATABASE, Source
from pipeline.settings.table import Table, near
from schemas.files import CatalogProblem
from schemas.installation import Installation, load_installation

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}?")
#: A password before the last @ of an address, or as an option of it.
_PASSWORD: Final = re.compile(r"://[^:/?#\s]*:[^\s]+@|[?&;]\w*(?:password|passwd|pwd)=[^&;\s]", re.IGNORECASE)
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


#: Keys that each source has for itself, and `[defaults]` has not.
OWN: Final = ("id", "tenant", "name")


@dataclass(frozen=True, slots=True)
class _Written:
    """A source as it is written: what it says itself, and where."""

    name: str
    own: Mapping[str, object]
    #: File and line, if it stands in the list of sources.
    line: str | None = None

    def place(self, key: str | None = None) -> str:
        """Say where it stands, or a key of it."""
        if self.line is not None:
            return self.line if key is None else f"{self.line}, column {key}"
        return f"sources.{self.name}" if key is None else f"sources.{self.name}.{key}"


def load_settings(path: Path) -> Settings:
    """Read and check `migrate.toml`. Relative paths in it are relative to it.

    Raises:
        ConfigError: the file, every place in it that is wrong, and why.

    """
    document = _document(path)
    _refuse_readable(path, document)
    problems: list[str] = []
    written = _written(path, document, problems)
    unfilled: dict[str, list[str]] = {}
    filled = {key: _interpolated(value, key, unfilled) for key, value in document.items() if key != "sources"}
    defaults = {key: value for key, value in _table(filled.pop("defaults", None)).items() if key not in OWN}
    if filled.pop("sources_file", None) is not None or "sources" in document:
        filled["sources"] = _merged(document.get("sources", {}), written, defaults, unfilled)
    problems += chain.from_iterable(unfilled.values())
    context = {"folder": path.parent.resolve(), "installation": _installation(path, filled, problems)}
    if written or not problems:
        try:
            settings = Settings.model_validate(filled, context=context)
        except ValidationError as error:
            told = _problems(error, written, defaults)
            problems += dict.fromkeys(sentence for place, sentence in told if place not in unfilled)
        else:
            if not problems:
                return settings
    what = problems[0] if len(problems) == 1 else "\n  - ".join((f"{len(problems)} mistakes:", *problems))
    # Not chained: the original error would show what was interpolated.
    raise ConfigError(what, where=str(path)) from None


def _document(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}",
            where=str(path),
            remedy="name the configuration file, or write one (see the README)",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", where=str(path)) from None


def _installation(path: Path, filled: Mapping[str, object], problems: list[str]) -> Installation | None:
    """Read what is particular to the fleet from beside the catalog that the file names."""
    named = _table(filled.get("run")).get("catalog", Run.model_fields["catalog"].default)
    if not isinstance(named, str | Path):
        return None  # told when the settings are checked
    try:
        return load_installation(path.parent / named)
    except CatalogProblem as error:
        problems += (f"{named}/{line}" for line in str(error).splitlines())
        return None


def _written(path: Path, document: Mapping[str, object], problems: list[str]) -> list[_Written]:
    """Give every source, those of tables before those of the list, and name what is wrong with the list's form."""
    tables = _table(document.get("sources"))
    written = [_Written(name, table) for name, table in tables.items() if isinstance(table, dict)]
    defaults = document.get("defaults", {})
    if not isinstance(defaults, dict):
        problems.append("defaults: is a table: [defaults]")
        return []
    problems += (f"[defaults] has the key {key!r}, which each source has for itself" for key in OWN if key in defaults)
    name = document.get("sources_file")
    if name is None:
        return written
    if not isinstance(name, str):
        problems.append("sources_file: names a file, beside this one or with its path")
        return written
    file = path.parent / name
    listed = read_listed(file, name)
    _refuse_readable(file, [list(line.cells.values()) for line in listed.lines])
    problems += listed.problems
    places = {w.name: w.place() for w in written}
    for line in listed.lines:
        source = _Written(
            line.cells[NAME], {k: v for k, v in line.cells.items() if k != NAME}, f"{name}, line {line.number}"
        )
        if source.name in places:
            problems.append(f"{source.place(NAME)}: {source.name} is there already: {places[source.name]}")
        else:
            places[source.name] = source.place()
            written.append(source)
    return written


def _merged(
    tables: object, written: Iterable[_Written], defaults: Mapping[str, object], unfilled: dict[str, list[str]]
) -> object:
    """Give each source what it says itself, and what all have in common besides."""
    merged = dict(tables) if isinstance(tables, dict) else {}
    for source in written:
        own = {key: _interpolated(value, source.place(key), unfilled) for key, value in source.own.items()}
        merged[source.name] = {**defaults, **own}
    return merged if isinstance(tables, dict) else tables


def _refuse_readable(path: Path, document: object) -> None:
    """Check that nobody else may read a password that is written out in the file."""
    if not any(map(_holds_password, _texts(document))):
        return
    mode = path.stat().st_mode
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        raise ConfigError(
            "holds a password, and others may read it",
            where=str(path),
            got=f"mode {stat.S_IMODE(mode):04o}",
            expected="a file that its owner alone may read, or passwords from the environment, as ${PGPASSWORD}",
            remedy=f"chmod 600 {path}",
        )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)


def _holds_password(text: str) -> bool:
    written = _VARIABLE.sub("", text)
    return bool(_PASSWORD.search(written))


def _interpolated(value: object, place: str, unfilled: dict[str, list[str]]) -> object:
    """Fill in the environment's variables; `unfilled` gets the place of each that cannot be, and why."""
    if isinstance(value, dict):
        return {key: _interpolated(item, f"{place}.{key}", unfilled) for key, item in value.items()}
    if isinstance(value, list):
        return [_interpolated(item, place, unfilled) for item in value]
    if not isinstance(value, str):
        return value

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if not match[0].endswith("}") or not _VARIABLE_NAME.fullmatch(name):
            unfilled.setdefault(place, []).append(
                f"{place}: '${{' must open the name of an environment variable and '}}' close it"
            )
        elif name not in os.environ:
            unfilled.setdefault(place, []).append(f"{place}: the environment variable {name} is not set")
        return os.environ.get(name, "")

    return _VARIABLE.sub(replaced, value)


def _problems(
    error: ValidationError, written: Sequence[_Written], defaults: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    """Give each mistake: the place where it is written, and the sentence that says what is wrong there."""
    for detail in error.errors(include_url=False, include_input=False):
        location = detail["loc"]
        if detail["type"] == NO_DATABASE:
            location = (*location[:-1], "database")
        source = written[location[1]] if len(location) > 1 and isinstance(location[1], int) else None
        key = str(location[-1]) if len(location) > (0 if source is None else 2) else None
        place = _place(location, source, defaults)
        match detail["type"]:
            case "extra_forbidden":
                table, _, _ = place.rpartition(".")
                message = f"unknown key {key!r}{near(str(key), _keys(location[:-1]))}"
                yield place, f"{f'[{table}]' if table else 'the file'} has an {message}"
                continue
            case "missing":
                message = "is missing"
            case "string_pattern_mismatch":
                message = "a source's name is made of a-z, 0-9 and _ only: it names directories"
            case "value_error":
                if isinstance(cause := detail["ctx"]["error"], SourcesClashError):
                    yield from _clashes(cause, written)
                    continue
                message = str(cause)
            case _:
                message = detail["msg"][0].lower() + detail["msg"][1:]
        yield place, f"{place}: {message}{_got(source, key, message)}"


def _place(location: tuple[int | str, ...], source: _Written | None, defaults: Mapping[str, object]) -> str:
    if source is None:
        return ".".join(map(str, location))
    key = str(location[2]) if len(location) > 2 else None
    if key == "id":
        return source.place(NAME if source.line is not None else None)
    return f"defaults.{key}" if key in defaults and key not in source.own else source.place(key)


def _got(source: _Written | None, key: str | None, message: str) -> str:
    """Quote the cell of a list as it stands there, unless the message does or it may be a secret."""
    if source is None or source.line is None:
        return ""
    cell = source.name if key == "id" else source.own.get(key or "")
    is_shown = isinstance(cell, str) and "://" not in cell and repr(cell) not in message
    return f"; got {cell!r}" if is_shown else ""


def _clashes(found: SourcesClashError, written: Iterable[_Written]) -> Iterator[tuple[str, str]]:
    """Say which sources clash, and where those stand that a list names."""
    called = {w.name: w.name if w.line is None else f"{w.name} ({w.line})" for w in written}
    for clash in found.clashes:
        yield "sources", f"sources: {' and '.join(called[name] for name in clash.sources)} {clash.what}"


def _keys(place: tuple[str | int, ...]) -> tuple[str, ...]:
    """Name the keys that the table at a place may have."""
    models: Mapping[str, type[Table]] = {"target": Target, "run": Run, "sources": Source}
    if place:
        return tuple(key for key in models[str(place[0])].names() if key != "id")
    return (*Settings.names(), "defaults", "sources_file")


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
