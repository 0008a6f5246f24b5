"""migrate.toml: what is accepted, and every refusal by file, place and name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.connection import redacted
from pipeline.errors import ConfigError
from pipeline.settings import Settings, Source, load_settings
from schemas.catalog import SERVICES

TARGET = '[target]\ndsn = "postgresql://postgres:s3cret@localhost/{service}"\n'
ZONES = 'tenant_zone = "America/Chicago"\nhost_zone = "UTC"\nconsistency = "snapshot"\n'
LOGIN = f'[sources.login]\nkind = "login"\nname = "Logins"\ndsn = "sqlite://legacy/login.sqlite"\n{ZONES}'


def district(name: str = "district_a", *, tenant: int = 1, file: str = "a") -> str:
    return (
        f'[sources.{name}]\nkind = "district"\ntenant = {tenant}\nname = "District A"\n'
        f'dsn = "sqlite://legacy/{file}.sqlite"\n{ZONES}'
    )


WHOLE = TARGET + LOGIN + district()


def load(folder: Path, text: str) -> Settings:
    path = folder / "migrate.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


def test_everything_is_read(tmp_path: Path) -> None:
    settings = load(tmp_path, "[run]\nbatch_rows = 500\nparallel = 3\n" + WHOLE)
    assert (settings.run.batch_rows, settings.run.parallel) == (500, 3)
    assert settings.run.staging == tmp_path / "staging"
    assert [source.id for source in settings.sources] == ["login", "district_a"]
    assert settings.login is settings.source("login")
    assert [source.id for source in settings.districts] == ["district_a"]
    source = settings.source("district_a")
    assert (source.kind, source.tenant, source.title) == ("district", 1, "District A")
    assert (source.tenant_zone, source.host_zone) == ("America/Chicago", "UTC")
    assert source.consistency == "snapshot"
    assert source.path == tmp_path / "legacy" / "a.sqlite"


def test_run_has_defaults(tmp_path: Path) -> None:
    run = load(tmp_path, WHOLE).run
    assert (run.batch_rows, run.parallel, run.staging) == (10_000, 2, tmp_path / "staging")


def test_paths_do_not_follow_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "migrate.toml").write_text(WHOLE + f'[run]\nstaging = "{tmp_path}/elsewhere"\n')
    settings = load_settings(Path("conf/migrate.toml"))
    assert settings.source("login").path == tmp_path / "conf" / "legacy" / "login.sqlite"
    assert settings.run.staging == tmp_path / "elsewhere"


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_its_database(tmp_path: Path, service: str) -> None:
    own = '[target.services]\nstudent = "postgresql://other/pupils"\n'
    expected = "postgresql://other/pupils"
    if service != "student":
        expected = f"postgresql://postgres:s3cret@localhost/{service}"
    assert load(tmp_path, TARGET + own + LOGIN).target_dsn(service) == expected


def test_a_service_without_database_is_named(tmp_path: Path) -> None:
    settings = load(tmp_path, '[target.services]\nstaff = "postgresql://h/staff"\n' + LOGIN)
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
    assert settings.target_dsn("staff") == "postgresql://postgres:p${HOME}w@localhost/staff"
    assert settings.source("district_a").tenant == 7


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
        "'xyz'; known: batch_rows, catalog, max_value_bytes, parallel, staging",
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
    "tenant zero": (WHOLE.replace("tenant = 1", "tenant = 0"), "district_a.tenant: .*greater than or equal"),
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
    "unknown kind": (WHOLE.replace('"district"', '"distrikt"'), "district_a.kind: .*'district' or 'login'"),
    "live": (WHOLE.replace("snapshot", "live"), "consistency: .*'snapshot' or 'frozen'"),
    "server source": (
        WHOLE.replace("sqlite://legacy/a.sqlite", "mssql://sa:s3cret@h/x"),
        "district_a.dsn: mssql:// is not supported yet",
    ),
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
        load(tmp_path, WHOLE.replace("snapshot", "live"))
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
        dsn=SecretStr(f"sqlite://{tmp_path}/a b#%20.sqlite"),
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
    assert redacted(dsn) == expected
