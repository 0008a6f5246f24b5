"""Many sources in a few lines: `[defaults]`, `{database}`, and the file that lists sources."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.settings import Settings, Source, load_settings

HEAD = 'sources_file = "districts.csv"\n[target]\ndsn = "postgresql://postgres:s3cret@localhost/{service}"\n'
DEFAULTS = """
[defaults]
kind = "district"
dsn = "mssql://reader:${MSSQL_PASSWORD}@sql.example:1433/{database}?encrypt=true"
tenant_zone = "America/Chicago"
host_zone = "UTC"
consistency = "snapshot"
"""
LOGIN = """
[sources.login]
kind = "login"
name = "Logins"
database = "Login"
tenant_zone = "UTC"
"""
LIST = """source,name,tenant,database,tenant_zone
north,North,1,NorthStar,
south,"South, the ""old"" one",2,South Star?x=1,America/Denver

"""


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSSQL_PASSWORD", "s3cret")


def load(folder: Path, listed: str | bytes = LIST, text: str = HEAD + DEFAULTS + LOGIN) -> Settings:
    (folder / "districts.csv").write_bytes(listed if isinstance(listed, bytes) else listed.encode())
    (folder / "migrate.toml").write_text(text, encoding="utf-8")
    (folder / "migrate.toml").chmod(0o600)
    return load_settings(folder / "migrate.toml")


def mistakes(folder: Path, listed: str | bytes, text: str = HEAD + DEFAULTS + LOGIN) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, listed, text)
    assert caught.value.where == str(folder / "migrate.toml")
    assert "s3cret" not in str(caught.value)
    first, *others = caught.value.what.split("\n  - ")
    assert not others or first == f"{len(others)} mistakes:"
    return others or [first]


@pytest.mark.parametrize(
    "listed",
    [
        LIST.encode(),
        codecs.BOM_UTF8 + LIST.replace("\n", "\r\n").encode(),
        LIST.replace("North,", " North , ").encode(),
    ],
    ids=["plain", "of a spreadsheet", "with blanks"],
)
def test_sources_are_listed(tmp_path: Path, listed: bytes) -> None:
    settings = load(tmp_path, listed)
    assert [(s.id, s.kind, s.title, s.tenant, s.tenant_zone) for s in settings.sources] == [
        ("login", "login", "Logins", None, "UTC"),
        ("north", "district", "North", "1", "America/Chicago"),
        ("south", "district", 'South, the "old" one', "2", "America/Denver"),
    ]
    assert {s.consistency for s in settings.sources} == {"snapshot"}
    assert [s.place for s in settings.own_sources] == [
        "mssql://sql.example:1433/northstar",
        "mssql://sql.example:1433/south star?x=1",
    ]


def test_a_list_is_all_that_is_needed(tmp_path: Path) -> None:
    assert [s.id for s in load(tmp_path, text=HEAD + DEFAULTS).sources] == ["north", "south"]


def test_defaults_serve_tables_too(tmp_path: Path) -> None:
    text = HEAD.replace('sources_file = "districts.csv"\n', "") + DEFAULTS + LOGIN
    more = '[sources.a]\nname = "A"\ntenant = 7\ndatabase = "A"\nconsistency = "live"\n'
    login, a = load(tmp_path, text=text + more).sources
    assert (login.kind, a.kind, login.consistency, a.consistency) == ("login", "district", "snapshot", "live")


def test_three_hundred_sources(tmp_path: Path) -> None:
    lines = [f"d{n},District {n},{n},db{n}" for n in range(1, 301)]
    assert len(load(tmp_path, "\n".join(("source,name,tenant,database", *lines))).own_sources) == 300


def test_files_of_a_directory(tmp_path: Path) -> None:
    text = HEAD + DEFAULTS.replace(
        "mssql://reader:${MSSQL_PASSWORD}@sql.example:1433/{database}?encrypt=true", "sqlite://copies/{database}.sqlite"
    )
    assert (
        load(tmp_path, LIST.replace("?x=1", ""), text).source("south").path == tmp_path / "copies" / "South Star.sqlite"
    )


def test_every_wrong_line_is_told(tmp_path: Path) -> None:
    listed = """source,name,tenant,database,tenant_zone,connections
north,North,one,N,,2
south,South,2,S,America/Denvr,
South,South,3,S3,,99

west,West,4
east,East,,E,,
,Nowhere,6,X,,
north,North again,7,N7,,
far,Far,8,,,
more,More,2,M,,
"""
    assert mistakes(tmp_path, listed) == [
        "districts.csv, line 6: got 3 cells, expected 6, as in line 1",
        "districts.csv, line 8, column source: is missing",
        "districts.csv, line 9, column source: north is there already: districts.csv, line 2",
        "districts.csv, line 2, column tenant: a tenant's key is a whole number here, such as 42; got 'one'",
        "districts.csv, line 3, column tenant_zone: there is no time zone 'America/Denvr'; near it: America/Denver,"
        " America/Detroit, America/Virgin",
        "districts.csv, line 4, column source: a source's name is made of a-z, 0-9 and _ only: it names directories;"
        " got 'South'",
        "districts.csv, line 4, column connections: input should be less than or equal to 64; got '99'",
        "districts.csv, line 7: a district needs its tenant, by the key that the legacy has for it",
        "districts.csv, line 10, column database: is missing: dsn has {database} where it would stand",
    ]


def test_sources_that_clash_are_told_with_their_lines(tmp_path: Path) -> None:
    listed = "source,name,tenant,database\nnorth,North,1,N\nsouth,South,1,S\neast,East,3,n\n"
    assert mistakes(tmp_path, listed) == [
        "sources: north (districts.csv, line 2) and south (districts.csv, line 3) have the tenant 1",
        "sources: north (districts.csv, line 2) and east (districts.csv, line 4) read the database"
        " mssql://sql.example:1433/n",
    ]


@pytest.mark.parametrize(
    ("listed", "expected"),
    {
        "empty": ("", ["districts.csv, line 1: got nothing, expected the names of columns, among them source"]),
        "semicolons": (
            "source;name\na;A\n",
            ["districts.csv, line 1: got semicolons, expected commas between the columns"],
        ),
        "unknown column": (
            "source,name,tennant,dsn,dsn\n",
            [
                "districts.csv, line 1, column 3: there is no column 'tennant'; near it: tenant, tenant_zone",
                "districts.csv, line 1, column 5: dsn is there twice",
            ],
        ),
        "no name": ("name,tenant\nA,1\n", ["districts.csv, line 1: got no column source, which names each source"]),
        "no CSV": (
            'source,name,tenant,database\na,"A" b,1,A\n',
            ["districts.csv, line 2: is not CSV: ',' expected after '\"'"],
        ),
        "open quote": ('source,name\n\na,"A\n', ["districts.csv, line 3: is not CSV: unexpected end of data"]),
        "no UTF-8": (
            "source,name\na,Gr\xfc\n".encode("latin-1"),
            ["districts.csv: is not UTF-8: save it as CSV UTF-8"],
        ),
    }.values(),
)
def test_a_list_of_another_form_is_refused(tmp_path: Path, listed: str | bytes, expected: list[str]) -> None:
    assert mistakes(tmp_path, listed) == expected


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert mistakes(tmp_path, LIST, HEAD.replace("districts.csv", "distrikts.csv") + DEFAULTS) == [
        "distrikts.csv: cannot be read: No such file or directory"
    ]


def test_a_secret_of_a_line_is_not_shown(tmp_path: Path) -> None:
    listed = "source,name,tenant,dsn\na,A,1,mssql://u:${MSSQL_PASSWORD}@h/\nb,B,2,${NO_SUCH_VAR}\n"
    assert mistakes(tmp_path, listed, HEAD + DEFAULTS) == [
        "districts.csv, line 3, column dsn: the environment variable NO_SUCH_VAR is not set",
        "districts.csv, line 2, column dsn: write mssql://<user>:<password>@<host>:<port>/<database>",
    ]


def test_a_list_with_a_password_is_for_its_owner_alone(tmp_path: Path) -> None:
    listed = "source,name,tenant,dsn\na,A,1,mssql://u:s3cret@h/x?encrypt=true\n"
    (tmp_path / "districts.csv").touch()
    (tmp_path / "districts.csv").chmod(0o644)
    with pytest.raises(ConfigError, match="holds a password, and others may read it") as caught:
        load(tmp_path, listed, HEAD + DEFAULTS)
    assert caught.value.where == str(tmp_path / "districts.csv")
    (tmp_path / "districts.csv").chmod(0o600)
    assert load_settings(tmp_path / "migrate.toml").source("a").tenant == "1"


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "unknown default": (
            HEAD + DEFAULTS + 'host_zon = "UTC"\n' + LOGIN,
            ["[defaults] has an unknown key 'host_zon'; near it: host_zone"],
        ),
        "wrong default": (
            HEAD + DEFAULTS.replace('"UTC"', '"UCT+1"') + LOGIN,
            ["defaults.host_zone: there is no time zone 'UCT+1'"],
        ),
        "a default of one": (
            HEAD + DEFAULTS + "tenant = 1\n" + LOGIN,
            ["[defaults] has the key 'tenant', which each source has for itself"],
        ),
        "no table": ("defaults = 1\n" + HEAD + LOGIN, ["defaults: is a table: [defaults]"]),
        "unset": (
            HEAD + DEFAULTS.replace("MSSQL_", "NO_SUCH_"),
            ["defaults.dsn: the environment variable NO_SUCH_PASSWORD is not set"],
        ),
        "no file": (
            HEAD.replace('"districts.csv"', "1") + DEFAULTS + LOGIN,
            ["sources_file: names a file, beside this one or with its path"],
        ),
        "nowhere to put it": (
            HEAD + DEFAULTS.replace("{database}", "x"),
            ["defaults.dsn: has no {database}, where the name given as `database` would stand"],
        ),
    }.values(),
)
def test_wrong_defaults_are_told_once(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert [m[: len(e)] for m, e in zip(mistakes(tmp_path, LIST, text), expected, strict=True)] == expected


def test_the_documented_example_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    page = (Path(__file__).resolve().parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
    section = page[page.index("## Many sources") : page.index("## Keys that are doubled")]
    text, listed = (section.split(f"```{language}\n")[1].split("```")[0] for language in ("toml", "csv"))
    assert [s.id for s in load(tmp_path, listed, text).sources] == ["login", "north", "south"]
    keys = page[page.index("## Keys of `[sources.<name>]`") : page.index("A value longer than")]
    rows = [line.strip("|").split(" | ") for line in keys.splitlines() if line.startswith("| `")]
    described = zip(Source.names(), Source.model_fields.values(), strict=True)
    meanings = {name: " ".join((field.description or "").split()) for name, field in described if name != "id"}
    assert {row[0].strip("` "): row[2].strip() for row in rows} == meanings
