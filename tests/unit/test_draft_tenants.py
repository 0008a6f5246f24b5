"""How the rows of a drafted database that all tenants share find theirs: by foreign keys, and never by a guess."""

from __future__ import annotations

from pipeline.core.draft.tenants import Home, tenant_rules
from pipeline.core.sql.source import ForeignKey

HOME = Home("directory", is_shared=True, registry="s.Clinic")


def key(child: str, column: str, parent: str, by: str = "Id") -> ForeignKey:
    return ForeignKey("fk", ("dbo", child), (column,), ("dbo", parent), (by,) if by else ())


def rules(
    *foreign_keys: ForeignKey, home: Home = HOME, tables: str = "Clinic Account Session Log"
) -> dict[str, object]:
    entities = {("dbo", t): f"s.{t}" for t in tables.split()}
    found = tenant_rules(home, entities, dict.fromkeys(entities, ("Id",)), foreign_keys)
    return {place[1]: fields["tenant"] for place, fields in found.items()}


def test_the_registry_is_its_own_tenants() -> None:
    assert rules() == {"Clinic": {"column": "Id"}}


def test_rows_that_hold_the_tenants_key_say_it_themselves() -> None:
    assert rules(key("Account", "ClinicId", "Clinic"))["Account"] == {"column": "ClinicId"}
    assert rules(key("Account", "ClinicId", "Clinic", by=""))["Account"] == {"column": "ClinicId"}


def test_others_go_through_those() -> None:
    found = rules(key("Session", "AccountId", "Account"), key("Account", "ClinicId", "Clinic"))
    assert found["Session"] == {"columns": ["AccountId"], "through": "s.Account", "by": "Id"}


def test_the_registry_goes_before_another_way() -> None:
    found = rules(
        key("Session", "AccountId", "Account"), key("Account", "ClinicId", "Clinic"), key("Session", "At", "Clinic")
    )
    assert found["Session"] == {"column": "At"}


def test_a_table_that_nothing_leads_from_is_left_out() -> None:
    assert "Log" not in rules(key("Account", "ClinicId", "Clinic"), key("Clinic", "LogId", "Log"))
    assert rules(key("Account", "ParentId", "Account"), key("Session", "N", "Clinic", by="Number")).keys() == {"Clinic"}


def test_without_a_registry_nothing_is_known() -> None:
    assert rules(key("Account", "ClinicId", "Clinic"), home=Home("directory", is_shared=True)) == {}


def test_entries_that_are_there_lead_on_and_get_no_rule() -> None:
    home = Home("directory", is_shared=True, registry="s.Clinic", known=("s.Clinic", "s.Account"))
    found = rules(key("Session", "AccountId", "Account"), home=home)
    assert found == {"Session": {"columns": ["AccountId"], "through": "s.Account", "by": "Id"}}
