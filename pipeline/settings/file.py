"""The file `migrate.toml`: read, its `${VAR}` filled in, and every mistake in it named.

Reads the environment here and nowhere else; opens no database. Invariant: what was filled in is in no message.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.settings.model import Run, Settings, Source, Table, Target, near

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}?")
#: A password before the last @ of an address, or as an option of it.
_PASSWORD: Final = re.compile(r"://[^:/?#\s]*:[^\s]+@|[?&;]\w*(?:password|passwd|pwd)=[^&;\s]", re.IGNORECASE)
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def load_settings(path: Path) -> Settings:
    """Read and check `migrate.toml`. Relative paths in it are relative to it.

    Raises:
        ConfigError: the file, every place in it that is wrong, and why.

    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}",
            where=str(path),
            remedy="name the configuration file, or write one (see the README)",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"is not TOML: {error}", where=str(path)) from None
    _refuse_readable(path, document)
    problems: list[str] = []
    document = {key: _interpolated(value, key, problems) for key, value in document.items()}
    if not problems:
        try:
            return Settings.model_validate(document, context={"folder": path.parent.resolve()})
        except ValidationError as error:
            problems.extend(_problems(error, list(_table(document.get("sources")))))
    what = problems[0] if len(problems) == 1 else "\n  - ".join((f"{len(problems)} mistakes:", *problems))
    # Not chained: the original error would show what was interpolated.
    raise ConfigError(what, where=str(path)) from None


def _refuse_readable(path: Path, document: object) -> None:
    """Check that nobody else may read a password that is written out in the file."""
    mode = path.stat().st_mode
    if mode & (stat.S_IRGRP | stat.S_IROTH) and any(map(_holds_password, _texts(document))):
        raise ConfigError(
            "holds a password, and others may read it", where=str(path), got=f"mode {stat.S_IMODE(mode):04o}",
            expected="a file that its owner alone may read, or passwords from the environment, as ${PGPASSWORD}",
            remedy=f"chmod 600 {path}",
        )  # fmt: skip


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)


def _holds_password(text: str) -> bool:
    written = _VARIABLE.sub("", text)
    return bool(_PASSWORD.search(written))


def _interpolated(value: object, place: str, problems: list[str]) -> object:
    if isinstance(value, dict):
        return {key: _interpolated(item, f"{place}.{key}", problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_interpolated(item, place, problems) for item in value]
    if not isinstance(value, str):
        return value

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if not match[0].endswith("}") or not _VARIABLE_NAME.fullmatch(name):
            problems.append(f"{place}: '${{' must open the name of an environment variable and '}}' close it")
        elif name not in os.environ:
            problems.append(f"{place}: the environment variable {name} is not set")
        return os.environ.get(name, "")

    return _VARIABLE.sub(replaced, value)


def _problems(error: ValidationError, source_names: list[str]) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_input=False):
        place = list(detail["loc"])
        if place[:1] == ["sources"] and len(place) > 1 and isinstance(place[1], int):
            place[1] = source_names[place[1]]
        key = str(place[-1]) if place else ""
        match detail["type"]:
            case "extra_forbidden":
                *parents, _ = place
                table = f"[{'.'.join(map(str, parents))}]" if parents else "the file"
                yield f"{table} has an unknown key {key!r}{near(key, _keys(detail['loc'][:-1]))}"
                continue
            case "missing":
                message = "is missing"
            case "string_pattern_mismatch":
                message = "a source's name is made of a-z, 0-9 and _ only: it names directories"
                place = place[:-1]
            case "value_error":
                message = str(detail["ctx"]["error"])
            case _:
                message = detail["msg"][0].lower() + detail["msg"][1:]
        yield f"{'.'.join(map(str, place))}: {message}"


def _keys(place: tuple[str | int, ...]) -> list[str]:
    """Name the keys that the table at a place may have."""
    models: Mapping[str, type[Table]] = {"target": Target, "run": Run, "sources": Source}
    model = models[str(place[0])] if place else Settings
    return [str(field.validation_alias or name) for name, field in model.model_fields.items() if name != "id"]


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
