"""What is particular to a fleet: its file, the keys of its tenants, and the ids that are made of them."""

from __future__ import annotations

from pathlib import Path
from uuid import NAMESPACE_DNS, UUID, uuid5

import duckdb
import polars as pl
import pytest

from pipeline.core import ids
from schemas.catalog import load_catalog
from schemas.files import CatalogProblem
from schemas.installation import Installation, load_installation, namespace_of

FLEET = """\
name = "Example clinics"
namespace = "aea0f6bd-8d9f-5b4f-8b7a-5d7b6c3f5f10"
services = ["patients", "billing"]
[tenants]
kind = "clinic"
key = "text"
[directory]
registry = "patients.Clinic"
"""
CLINIC = """\
[Clinic]
source = "directory"
key = ["Id"]
target = "clinics"
tenant = { column = "Id" }
[Clinic.columns]
Id = { type = "nvarchar(20)" }
Name = { to = "name" }
"""


def fleet(form: str) -> Installation:
    return Installation.model_validate(
        {"name": "x", "namespace": namespace_of("x"), "services": ["s"], "tenants": {"key": form}}
    )


def test_the_namespace_is_made_of_the_name() -> None:
    packaged = load_installation()
    assert packaged.namespace == namespace_of(packaged.name) == UUID("ee610ba7-36c2-5baf-b624-1c76988ebd4e")


#: Form, the key as it may be given, as it is written, and the name that its id is made of.
KEYS = (
    ("integer", 7, "7", "tenant/7"),
    ("integer", "7", "7", "tenant/7"),
    ("integer", 0, "0", "tenant/0"),
    ("integer", "-12345678901234567890", "-12345678901234567890", "tenant/-12345678901234567890"),
    ("text", "7", "7", 'tenant/"7"'),
    ("text", "Nørth ", "Nørth ", 'tenant/"Nørth "'),
    ("text", 'a"b\\c\t\x1f', 'a"b\\c\t\x1f', 'tenant/"a\\"b\\\\c\\t\\u001f"'),
    (
        "guid",
        "9B2F1C54-3A0E-4B7D-8F65-0D6A1E7C2B31",
        "9b2f1c54-3a0e-4b7d-8f65-0d6a1e7c2b31",
        'tenant/"9b2f1c54-3a0e-4b7d-8f65-0d6a1e7c2b31"',
    ),
)


@pytest.mark.parametrize(("form", "given", "written", "name"), KEYS)
def test_a_tenant_is_the_same_in_every_language(form: str, given: object, written: str, name: str) -> None:
    installation = fleet(form)
    expected = uuid5(uuid5(NAMESPACE_DNS, "x"), name)
    assert installation.tenant_key(given) == written
    assert installation.tenant_id(written) == expected
    assert pl.select(ids.tenant(installation, pl.lit(written))).item() == str(expected)
    with duckdb.connect() as connection:
        connection.execute(ids.MACROS_SQL)
        sql = f"SELECT {ids.tenant_sql(installation, '$1')}"
        assert connection.execute(sql, [written]).fetchall() == [(expected,)]


@pytest.mark.parametrize(
    ("form", "given"),
    [
        *(("integer", v) for v in ("01", "1_0", " 1", "+1", "", "1.0", 1.0, True, "١", None)),
        *(("text", v) for v in ("", 7, "a\0", None)),
        *(("guid", v) for v in ("9b2f1c543a0e4b7d8f650d6a1e7c2b31", "{9b2f1c54-3a0e-4b7d-8f65-0d6a1e7c2b31}", "x", 7)),
    ],
)
def test_a_key_of_another_form_is_refused(form: str, given: object) -> None:
    with pytest.raises(ValueError, match="a tenant's key is a"):
        fleet(form).tenant_key(given)


def written(directory: Path, text: str, entries: str = CLINIC) -> Path:
    (directory / "installation.toml").write_text(text, encoding="utf-8")
    (directory / "patients.toml").write_text(entries, encoding="utf-8")
    return directory


def test_a_catalog_is_of_its_installation(tmp_path: Path) -> None:
    catalog = load_catalog(written(tmp_path, FLEET))
    assert catalog.installation.kinds == ("directory", "clinic")
    assert catalog.registry is catalog["patients.Clinic"]
    assert catalog["patients.Clinic"].path == "directory.dbo.Clinic"
    assert str(catalog["patients.Clinic"].namespace) == "aea0f6bd-8d9f-5b4f-8b7a-5d7b6c3f5f10"


def test_a_table_is_of_the_tenants_own_databases_unless_said_otherwise(tmp_path: Path) -> None:
    entries = CLINIC + '[Patient]\nkey = ["Id"]\ntarget = "patients"\n[Patient.columns]\nId = { type = "int" }\n'
    assert load_catalog(written(tmp_path, FLEET, entries))["patients.Patient"].source == "clinic"


def test_a_fleet_without_a_directory_has_no_registry(tmp_path: Path) -> None:
    entries = '[Patient]\nkey = ["Id"]\ntarget = "patients"\n[Patient.columns]\nId = { type = "int" }\n'
    catalog = load_catalog(written(tmp_path, FLEET.partition("[directory]")[0], entries))
    assert (catalog.registry_id, catalog.registry, catalog.installation.kinds) == (None, None, ("clinic",))


NO_REGISTRY = FLEET.replace('registry = "patients.Clinic"', "")
WRONG = {
    "unknown key": (
        FLEET + "registri = 1\n",
        CLINIC,
        "installation.toml: directory.registri: unknown key; did you mean",
    ),
    "no name": (FLEET.partition("\n")[2], CLINIC, "installation.toml: name: Field required"),
    "a form there is not": (
        FLEET.replace('"text"', '"float"'),
        CLINIC,
        "installation.toml: tenants.key: Input should be",
    ),
    "a service twice": (FLEET.replace('"billing"', '"patients"'), CLINIC, "services: 'patients' is there twice"),
    "a service of the ledger's name": (FLEET.replace("billing", "migration"), CLINIC, "no service can be called"),
    "a service of a key word's name": (FLEET.replace("billing", "order"), CLINIC, "'order', a key word of PostgreSQL"),
    "a kind twice": (FLEET.replace('"clinic"', '"directory"'), CLINIC, "are both of the kind 'directory'"),
    "a kind that rows have": (FLEET.replace('"clinic"', '"derived"'), CLINIC, "no kind can be called 'derived'"),
    "a phase of a service that is not": (
        'phases = [["patients"], ["biling"]]\n' + FLEET,
        CLINIC,
        "installation.toml: phases: 'biling' is none of the services; did you mean billing?",
    ),
    "a service in two phases": (
        'phases = [["patients"], ["billing", "patients"]]\n' + FLEET,
        CLINIC,
        "installation.toml: phases: 'patients' is there twice",
    ),
    "a phase of nothing": (
        'phases = [["patients"], []]\n' + FLEET,
        CLINIC,
        "installation.toml: phases: phase 2 names no service",
    ),
    "no TOML": (FLEET + "[", CLINIC, "installation.toml: not valid TOML"),
    "a kind that is not": (
        FLEET,
        CLINIC.replace('"directory"', '"directori"'),
        "patients.toml: Clinic.source: installation.toml names no kind of database 'directori'; did you mean directory?",
    ),
    "a service that is not": (
        FLEET.replace('"patients", ', ""),
        CLINIC,
        "patients.toml: installation.toml names no such service",
    ),
    "a rule without a registry": (
        NO_REGISTRY,
        CLINIC,
        "patients.toml: Clinic.tenant: leads to the registry of tenants",
    ),
    "a registry of another form": (
        FLEET.replace('"text"', '"integer"'),
        CLINIC,
        "has the key Id nvarchar(20), expected one column of the form",
    ),
    "a registry of two columns": (
        FLEET,
        CLINIC.replace('["Id"]', '["Id", "Name"]'),
        "has the key Id nvarchar(20), Name nvarchar(max), expected one",
    ),
    "a registry in every clinic": (
        FLEET,
        CLINIC.replace('source = "directory"\n', "").replace('{ column = "Id" }', '"source"'),
        "is a table of every clinic; the registry is one of the directory",
    ),
}


@pytest.mark.parametrize(("text", "entries", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_by_file_and_key(tmp_path: Path, text: str, entries: str, message: str) -> None:
    with pytest.raises(CatalogProblem) as caught:
        load_catalog(written(tmp_path, text, entries))
    assert message in str(caught.value)


LOOKUP = """
[Kind]
key = ["Id"]
target = "kinds"
shared = { with = "billing.Common", on = ["Code"], compare = [] }
[Kind.columns]
Id = { type = "int" }
Code = { to = "code" }
[Common]
source = "directory"
key = ["Id"]
target = "commons"
tenant = "shared"
[Common.columns]
Id = { type = "int" }
Code = { to = "code" }
"""
NAMED = CLINIC + 'Kind = { type = "int", to = "kind_id", references = "billing.Kind" }\n'


def test_ids_that_are_not_known_before_are_of_no_later_phase(tmp_path: Path) -> None:
    """Whether a row stands for itself or is the shared one, nobody knows before it is loaded."""
    (tmp_path / "billing.toml").write_text(LOOKUP, encoding="utf-8")
    phased = 'phases = [["{}"], ["{}"]]\n' + FLEET
    assert load_catalog(written(tmp_path, FLEET, NAMED)).installation.phase_of("billing") is None
    catalog = load_catalog(written(tmp_path, phased.format("billing", "patients"), NAMED))
    assert [catalog.installation.phase_of(s) for s in ("billing", "patients", "x")] == [1, 2, None]
    with pytest.raises(CatalogProblem, match=r"patients\.Clinic is of phase 1 and refers to billing\.Kind of phase 2"):
        load_catalog(written(tmp_path, phased.format("patients", "billing"), NAMED))
