"""A target on another host is reached encrypted, or the configuration says that it need not be."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.connection import Dsn
from pipeline.errors import ConfigError
from tests.unit.test_settings import LOGIN, load

#: Connection strings of targets -> whether nobody on the way can read along.
WAYS = {
    "postgresql://u:s3cret@db.example.org/{service}": False,
    "postgresql://u:s3cret@db.example.org/{service}?sslmode=prefer": False,
    "postgresql://u:s3cret@db.example.org/{service}?sslmode=disable": False,
    "postgresql://u:s3cret@db.example.org/{service}?sslmode=require": True,
    "postgresql://u:s3cret@db.example.org/{service}?sslmode=verify-ca": True,
    "postgresql://u:s3cret@db.example.org/{service}?connect_timeout=3&sslmode=verify-full": True,
    "postgresql://u:s3cret@db.example.org/{service}?gssencmode=require": True,
    "postgresql://u:s3cret@10.0.0.7:5433/{service}": False,
    "postgresql://u:s3cret@[fd00::1]:5433/{service}": False,
    "postgresql://u:s3cret@localhost,db.example.org/{service}": False,
    "postgresql://u:s3cret@localhost/{service}?host=db.example.org": False,
    "postgresql://u:s3cret@localhost/{service}?hostaddr=10.0.0.7": False,
    "postgresql://localhost?@db.example.org/{service}": False,
    "postgresql://localhost.example.org/{service}": False,
    "postgresql:///{service}?service=elsewhere": False,
    "postgresql://u:s3cret@localhost/{service}": True,
    "postgresql://u:s3cret@127.0.0.2:5433/{service}": True,
    "postgresql://u:s3cret@[::1]/{service}": True,
    "postgresql:///{service}": True,
    "postgresql://u@%2Fvar%2Frun/{service}": True,
    "postgresql:///{service}?host=/var/run": True,
}


@pytest.mark.parametrize("dsn", WAYS)
def test_a_plain_connection_to_another_host_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dsn: str
) -> None:
    for name in ("PGHOST", "PGHOSTADDR"):
        monkeypatch.delenv(name, raising=False)
    target = f'[target]\ndsn = "{dsn}"\n'
    if WAYS[dsn]:
        assert load(tmp_path, target + LOGIN).target_dsn("student") == Dsn(dsn.replace("{service}", "student"))
        return
    with pytest.raises(ConfigError, match=r"target: dsn: without \?sslmode=verify-full") as refused:
        load(tmp_path, target + LOGIN)
    assert "s3cret" not in str(refused.value)
    assert load(tmp_path, f"{target}allow_plaintext = true\n{LOGIN}").target_dsn("student")


def test_a_host_of_the_environment_is_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.org")
    with pytest.raises(ConfigError, match="sslmode"):
        load(tmp_path, f'[target]\ndsn = "postgresql:///{{service}}"\n{LOGIN}')


def test_one_plain_service_among_others_is_named(tmp_path: Path) -> None:
    services = '[target.services]\nstaff = "postgresql://localhost/s"\nstudent = "postgresql://h/s"\n'
    with pytest.raises(ConfigError, match=r"services\.student: without"):
        load(tmp_path, services + LOGIN)
