"""migrate.toml: what is accepted, and every refusal by file, place and name."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.connection import Dsn
from pipeline.errors import ConfigError
from pipeline.settings import Settings, Source, load_settings
from tests.support.fleet import SERVICES

TARGET = '[target]\ndsn = "postgresql://postgres:s3cret@localhost/{service}"\n'
ZONES = 'tenant_zone = "America/Chicago"\nhost_zone = "UTC"\nconsistency = "snapshot"\n'
LOGIN = f'[sources.login]\nkind = "login"\nname = "Logins"\ndsn = "sqlite://legacy/login.sqlite"\n{ZONES}'


def district(name: str = "district_a", *, tenant: int = 1, file: str = "a") -> str:
    return server(f"sqlite://legacy/{file}.sqlite", name=name, tenant=tenant)


def server(dsn: str, *more: str, name: str = "district_a", tenant: int = 1) -> str:
    return (
        "\n".join(
            (
                f"[sources.{name}]",
                'kind = "district"',
                f"tenant = {tenant}",
                'name = "District A"',
                f'dsn = "{dsn}"',
                *more,
            )
        )
        + f"\n{ZONES}"
    )


WHOLE = TARGET + LOGIN + district()
MSSQL = "mssql://sa:s3cret@h:1433/NorthStar"
ENCRYPTED = f"{MSSQL}?encrypt=true"


def load(folder: Path, text: str) -> Settings:
    path = folder / "migrate.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def test_everything_is_read(tmp_path: Path) -> None:
    settings = load(tmp_path, "[run]\nbatch_rows = 500\nparallel = 3\n" + WHOLE)
    assert (settings.run.batch_rows, settings.run.parallel) == (500, 3)
    assert settings.run.staging == tmp_path / "staging"
    assert [source.id for source in settings.sources] == ["login", "district_a"]
    assert settings.directory is settings.source("login")
    assert [source.id for source in settings.own_sources] == ["district_a"]
    source = settings.source("district_a")
    assert (source.kind, source.tenant, source.title) == ("district", "1", "District A")
    assert (source.tenant_zone, source.host_zone) == ("America/Chicago", "UTC")
    assert source.consistency == "snapshot"
    assert source.path == tmp_path / "legacy" / "a.sqlite"


def test_run_has_defaults(tmp_path: Path) -> None:
    run = load(tmp_path, WHOLE).run
    assert (run.batch_rows, run.parallel, run.staging) == (10_000, 2, tmp_path / "staging")
    assert (run.max_value_bytes, run.catalog) == (64 * 2**20, tmp_path / "catalog")


def test_a_source_has_defaults(tmp_path: Path) -> None:
    source = load(tmp_path, WHOLE).source("district_a")
    assert (source.reader, source.connections, source.statement_timeout) == ("connectorx", 2, 3600)
    assert not source.allow_plaintext


def test_limits_of_a_run_and_of_a_source_are_read(tmp_path: Path) -> None:
    more = ("connections = 5", "statement_timeout = 60", 'reader = "mssql-python"')
    settings = load(tmp_path, f'{TARGET}[run]\nmax_value_bytes = 7\ncatalog = "entries"\n' + server(ENCRYPTED, *more))
    assert (settings.run.max_value_bytes, settings.run.catalog) == (7, tmp_path / "entries")
    source = settings.source("district_a")
    assert (source.connections, source.statement_timeout, source.reader) == (5, 60, "mssql-python")


SERVERS = {
    ENCRYPTED: ("mssql", "mssql://h:1433/northstar"),
    "mssql://sa:s3cret@h/NorthStar?encrypt=True&trust_server_certificate=true": ("mssql", "mssql://h:1433/northstar"),
    "mysql://u:s3cret@h:3306/legacy": ("mysql", "mysql://h:3306/legacy"),
    "mariadb://u:s3c%40ret@h/legacy": ("mysql", "mysql://h:3306/legacy"),
    "postgresql://u:s3cret@h:5432/legacy?sslmode=require": ("postgresql", "postgresql://h:5432/legacy"),
    "postgres://u@h/legacy": ("postgresql", "postgresql://h:5432/legacy"),
}


@pytest.mark.parametrize(("dsn", "expected"), SERVERS.items())
def test_a_server_is_a_source_of_its_engine(tmp_path: Path, dsn: str, expected: tuple[str, str]) -> None:
    settings = load(tmp_path, TARGET + LOGIN + server(dsn))
    source = settings.source("district_a")
    assert (source.engine, source.place) == expected
    assert source.dsn == Dsn(dsn)
    assert "s3c" not in repr(settings) + str(settings) + settings.model_dump_json() + source.place


#: Measured on the wire with ConnectorX: with these the login is not encrypted, whatever they look like.
PLAIN = (
    "",
    "?encrypt=false",
    "?encrypt=true&encrypt=false",
    "?trust_server_certificate=true",
    "?encrypt=yes",
    "?Encrypt=true",
    "?ENCRYPT=TRUE",
)


@pytest.mark.parametrize("options", PLAIN)
def test_a_login_crosses_the_network_in_plain_text_only_where_that_is_said(tmp_path: Path, options: str) -> None:
    with pytest.raises(ConfigError, match=r"sources\.district_a: without \?encrypt=true .* allow_plaintext") as caught:
        load(tmp_path, TARGET + LOGIN + server(MSSQL + options))
    assert "s3cret" not in str(caught.value) + repr(caught.value)
    settings = load(tmp_path, TARGET + LOGIN + server(MSSQL + options, "allow_plaintext = true"))
    assert settings.source("district_a").allow_plaintext


@pytest.mark.parametrize("consistency", ["snapshot", "frozen", "live"])
@pytest.mark.parametrize("dsn", ["sqlite://legacy/a.sqlite", ENCRYPTED, "mysql://u:s3cret@h/d"])
def test_a_source_says_whether_it_changes(tmp_path: Path, dsn: str, consistency: str) -> None:
    settings = load(tmp_path, TARGET + server(dsn).replace("snapshot", consistency))
    assert settings.source("district_a").consistency == consistency


def test_databases_of_one_server_are_sources_of_their_own(tmp_path: Path) -> None:
    two = server(ENCRYPTED) + server(ENCRYPTED.replace("NorthStar", "SouthStar"), name="b", tenant=2)
    assert len(load(tmp_path, TARGET + two).own_sources) == 2


def test_databases_of_one_name_on_one_host_differ_by_their_engine(tmp_path: Path) -> None:
    two = server("mysql://u:s3cret@h/legacy") + server("postgresql://u:s3cret@h/legacy", name="b", tenant=2)
    assert len(load(tmp_path, TARGET + two).own_sources) == 2


def test_paths_do_not_follow_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "migrate.toml").write_text(WHOLE + f'[run]\nstaging = "{tmp_path}/elsewhere"\n')
    settings = load_settings(Path("conf/migrate.toml"))
    assert settings.source("login").path == tmp_path / "conf" / "legacy" / "login.sqlite"
    assert settings.run.staging == tmp_path / "elsewhere"


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_its_database(tmp_path: Path, service: str) -> None:
    own = '[target.services]\nstudent = "postgresql://other/pupils?sslmode=require"\n'
    expected = "postgresql://other/pupils?sslmode=require"
    if service != "student":
        expected = f"postgresql://postgres:s3cret@localhost/{service}"
    assert load(tmp_path, TARGET + own + LOGIN).target_dsn(service) == Dsn(expected)


def test_a_service_without_database_is_named(tmp_path: Path) -> None:
    settings = load(tmp_path, '[target.services]\nstaff = "postgresql://localhost/staff"\n' + LOGIN)
    with pytest.raises(ConfigError, match="service student"):
        settings.target_dsn("student")
    with pytest.raises(ConfigError, match="'studnet'; near it: student"):
        settings.target_dsn("studnet")
    with pytest.raises(ConfigError, match="no source 'logn'; near it: login"):
        settings.source("logn")


def test_variables_are_interpolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_PASSWORD", "p${HOME}w")
    monkeypatch.setenv("DISTRICT", "7")
    text = TARGET.replace("s3cret", "${PG_PASSWORD}") + district().replace("tenant = 1", 'tenant = "${DISTRICT}"')
    settings = load(tmp_path, text)
    assert settings.target_dsn("staff") == Dsn("postgresql://postgres:p${HOME}w@localhost/staff")
    assert settings.source("district_a").tenant == "7"


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    settings = load(tmp_path, WHOLE)
    assert "s3cret" not in repr(settings) + str(settings) + settings.model_dump_json()


REFUSED = {
    "unset variable": (WHOLE.replace("s3cret", "${NO_SUCH_VAR}"), "target.dsn: .* NO_SUCH_VAR is not set"),
    "unclosed variable": (WHOLE.replace("s3cret", "${HOME"), "target.dsn: .* must open the name"),
    "nameless variable": (WHOLE.replace("s3cret", "${}"), "target.dsn: .* must open the name"),
    "not TOML": ("[target", "is not TOML"),
    "unknown table": (WHOLE + "[runs]\n", "the file has an unknown key 'runs'; near it: run"),
    "unknown key": (
        WHOLE + "[run]\nbatch_row = 1\n",
        r"\[run\] has an unknown key 'batch_row'; near it: batch_rows",
    ),
    "unknown key of a source": (
        WHOLE + 'tennant_zone = "UTC"\n',
        r"\[sources.district_a\] has an unknown key 'tennant_zone'; near it: tenant_zone",
    ),
    "far off key": (
        WHOLE + "[run]\nxyz = 1\n",
        "'xyz'; known: batch_rows, bundle_rows, catalog, max_value_bytes, parallel, staging, wave_rows, wave_sources",
    ),
    "id in a source": (WHOLE + 'id = "x"\n', "unknown key 'id'"),
    "no target": (LOGIN, "target: is missing"),
    "empty target": ("[target]\n" + LOGIN, "target: needs dsn"),
    "one database for all": (WHOLE.replace("{service}", "all"), r"target.dsn: needs \{service\}"),
    "foreign target": (WHOLE.replace("postgresql", "mysql"), "mysql:// is not supported as a target"),
    "unknown service": (
        TARGET + '[target.services]\nstudents = "postgresql://h/x"\n' + LOGIN,
        "no service 'students'; near it: student",
    ),
    "no sources": (TARGET, "sources: is missing"),
    "no source in sources": (TARGET + "[sources]\n", "sources: "),
    "source that is no table": (TARGET + "[sources]\nlogin = 1\n", r"\[sources.login\]"),
    "two logins": (
        WHOLE + LOGIN.replace(".login]", ".other]").replace("login.sq", "o.sq"),
        "at most one login",
    ),
    "same tenant": (WHOLE + district("b", file="b"), "district_a and b have the tenant 1"),
    "same file": (WHOLE + district("b", tenant=2, file="../legacy/a"), "district_a and b read the database"),
    "upper case name": (WHOLE.replace("district_a", "DistrictA"), "sources.DistrictA: a source's name"),
    "name with a slash": (WHOLE.replace("district_a", '"a/../b"'), "a source's name is made of a-z"),
    "name with a line break": (WHOLE.replace("district_a", '"a\\n"'), "a source's name is made of a-z"),
    "district without tenant": (WHOLE.replace("tenant = 1\n", ""), "sources.district_a: a district needs"),
    "login with tenant": (
        WHOLE.replace('kind = "login"', 'kind = "login"\ntenant = 3'),
        "serves all tenants",
    ),
    "tenant of another form": (WHOLE.replace("tenant = 1", "tenant = 1.5"), "district_a.tenant: .* whole number"),
    "tenant of two spellings": (WHOLE.replace("tenant = 1", 'tenant = "01"'), "district_a.tenant: .* whole number"),
    "no tenant zone": (
        TARGET + district().replace('tenant_zone = "America/Chicago"\n', ""),
        "tenant_zone: is missing",
    ),
    "no host zone": (TARGET + district().replace('host_zone = "UTC"\n', ""), "host_zone: is missing"),
    "no such zone": (
        WHOLE.replace("America/Chicago", "America/Chikago"),
        "'America/Chikago'; near it: America/Chicago",
    ),
    "zone in wrong case": (WHOLE.replace("America/Chicago", "america/chicago"), "near it: America/Chicago"),
    "abbreviation": (WHOLE.replace("America/Chicago", "CST"), "no time zone 'CST'"),
    "unknown kind": (WHOLE.replace('"district"', '"distrikt"'), "no kind of database 'distrikt'; near it: district"),
    "unknown consistency": (
        WHOLE.replace("snapshot", "lively"),
        "district_a.consistency: .*'snapshot', 'frozen' or 'live'",
    ),
    "unknown engine": (
        TARGET + server("oracle://u:s3cret@h/x"),
        "district_a.dsn: oracle:// is not supported as a source; known: .*mssql.*sqlite",
    ),
    "misspelt engine": (TARGET + server("msql://u:s3cret@h/x"), "msql:// is not supported as a source; near it: m"),
    "server without database": (
        TARGET + server("mysql://u:s3cret@h:3306"),
        r"district_a.dsn: write mysql://<?user>?:<?password>?@<?host",
    ),
    "server without host": (
        TARGET + server("postgresql:///x?password=s3cret"),
        r"dsn: write postgresql://<?user>?:<?password>?@<?host",
    ),
    "port that is no number": (
        TARGET + server("mysql://u:s3cret@h:s3cret/x"),
        "dsn: cannot be read as an address; percent-encode",
    ),
    "password with a slash": (TARGET + server("mysql://u:s3cret/s3cret@h/x"), "percent-encode user and password"),
    "same server database": (
        TARGET + server(ENCRYPTED) + server(f"{ENCRYPTED}&x=s3cret", name="b", tenant=2),
        "sources: district_a and b read the database .*h:1433/northstar$",
    ),
    "same server database by another login and spelling": (
        TARGET + server(ENCRYPTED) + server("mssql://reader:s3cret@H:1433/NORTHSTAR?encrypt=true", name="b", tenant=2),
        "district_a and b read the database",
    ),
    "same server database by two names of its engine": (
        TARGET + server("mysql://u:s3cret@h/x") + server("mariadb://v:s3cret@h/x", name="b", tenant=2),
        "district_a and b read the database",
    ),
    "same server database with and without the usual port": (
        TARGET + server(ENCRYPTED) + server(ENCRYPTED.replace(":1433", ""), name="b", tenant=2),
        "district_a and b read the database",
    ),
    "same server database with and without a last slash": (
        TARGET + server("mysql://u:s3cret@h/x") + server("mysql://u:s3cret@h/x/", name="b", tenant=2),
        "district_a and b read the database",
    ),
    "unknown reader": (TARGET + server(ENCRYPTED, 'reader = "odbc"'), "district_a.reader: .*'mssql-python'"),
    "reader of another engine": (
        TARGET + server("mysql://u:s3cret@h/x", 'reader = "mssql-python"'),
        "sources.district_a: reader 'mssql-python' reads only mssql:// sources",
    ),
    "reader of a file": (
        TARGET + server("sqlite://a.sqlite", 'reader = "mssql-python"'),
        "reads only mssql:// sources",
    ),
    "plain text to another engine": (
        TARGET + server("postgresql://u:s3cret@h/x", "allow_plaintext = true"),
        "district_a: allow_plaintext is for mssql:// sources only",
    ),
    "no connections": (TARGET + server(ENCRYPTED, "connections = 0"), "district_a.connections: .*greater than"),
    "too many connections": (TARGET + server(ENCRYPTED, "connections = 65"), "district_a.connections: .*less than"),
    "no time": (TARGET + server(ENCRYPTED, "statement_timeout = 0"), "statement_timeout: .*greater than"),
    "no value fits": (WHOLE + "[run]\nmax_value_bytes = 0\n", "run.max_value_bytes: .*greater than"),
    "source without scheme": (WHOLE.replace("sqlite://legacy/a", "legacy/a"), "dsn: is not of the form"),
    "source with options": (WHOLE.replace("a.sqlite", "a.sqlite?mode=ro"), "without options"),
    "source without file": (WHOLE.replace("legacy/a.sqlite", ""), "district_a.dsn: write sqlite://<file>"),
    "batch of nothing": (WHOLE + "[run]\nbatch_rows = 0\n", "run.batch_rows: "),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        load(tmp_path, text)
    assert caught.value.where == str(tmp_path / "migrate.toml")
    assert "s3cret" not in str(caught.value)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="2 mistakes") as caught:
        load(tmp_path, WHOLE.replace("snapshot", "lively"))
    assert "sources.login.consistency" in str(caught.value)
    assert "sources.district_a.consistency" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: cannot be read: No such file"):
        load_settings(tmp_path / "no.toml")


def test_a_source_can_be_made_without_a_file(tmp_path: Path) -> None:
    source = Source(
        id="a",
        kind="district",
        tenant=1,
        title="A",
        dsn=Dsn(f"sqlite://{tmp_path}/a b#%20.sqlite"),
        tenant_zone="America/Chicago",
        host_zone="UTC",
        consistency="frozen",
    )
    assert source.path == tmp_path / "a b#%20.sqlite"


REDACTED = {
    "postgresql://postgres:s3cret@localhost:5432/student?sslmode=require": "postgresql://localhost:5432/student",
    "postgresql://u:s3cr/et@s3cret@h1,h2/db": "postgresql://h1,h2/db",
    "postgresql://localhost/student": "postgresql://localhost/student",
    "postgresql://localhost/student?user=u&password=s3cret": "postgresql://localhost/student",
    "mssql://sa:s3cret@h:1433/NorthStar;encrypt=true": "mssql://h:1433/NorthStar",
    "sqlite:///srv/a.sqlite": "sqlite:///srv/a.sqlite",
    "host=h port=5432 user=u password='s3cret x' dbname=d": "host=h port=5432 dbname=d",
    "s3cret": "(hidden)",
}


@pytest.mark.parametrize(("dsn", "expected"), REDACTED.items())
def test_only_place_and_database_may_be_written_down(dsn: str, expected: str) -> None:
    assert str(Dsn(dsn)) == expected
    assert repr(Dsn(dsn)) == f"Dsn({expected})"
    assert str(Dsn(dsn, schema="tenant_42")) == f"{expected}, schema tenant_42"


def test_a_connection_string_has_parts() -> None:
    dsn = Dsn("mariadb://u:p%40ss@[fd00::1]/a%20b?ssl-mode=REQUIRED", schema=None)
    assert (dsn.engine, dsn.host, dsn.port, dsn.database) == ("mysql", "fd00::1", 3306, "a b")
    assert dsn.options == {"ssl-mode": "REQUIRED"}
    assert dsn.filled("a%20b", "c/d?e").place == "mysql://fd00::1:3306/c/d?e"
