"""Transform, load and verify again and again what was extracted once, each time with something broken in Polars.

Nothing is broken in the SQL of the verification, nor in the catalog that both work from.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from pipeline import runner, runs
from pipeline.core import fingerprint, frame, ids, keys, tenancy, transform
from pipeline.core.converters import CONVERTERS, Converter, Made, Setting
from pipeline.core.verdict import Verdict
from pipeline.observe.progress import Progress
from pipeline.settings import load_settings
from pipeline.workspace import Workspace
from schemas.catalog import Catalog
from schemas.model import Entity
from tests.support.fleet import INSTALLATION, tenant_id
from tests.support.site import Site

Entities = tuple[str, ...]
Break = Callable[[pytest.MonkeyPatch], None]
GRADES: Entities = ("configuration.Grade", "configuration.NSGrade")
STUDENT: Entities = ("student.Student", *GRADES)
ENROLLMENT: Entities = ("student.StudentSchool", *STUDENT)
SECTION: Entities = ("section.Section", *GRADES)
USERS: Entities = ("identity.AspNetUsers", "staff.StaffDistrict")
ROLES: Entities = ("identity.AspNetUserRoles", "identity.AspNetRoles", *USERS)


@dataclass
class Lab:
    """A site whose extraction is kept for each set of entities."""

    site: Site
    catalog: Catalog
    workspaces: dict[Entities, Workspace] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)

    def verdict(self, entities: Entities) -> Verdict:
        """Transform, load and verify the entities into empty tables."""
        quiet = Progress(quiet=True)
        self._empty()
        if entities not in self.workspaces:
            settings = load_settings(self.site.config)
            record = runs.new_run(settings, self.catalog, runs.Selection(entities=entities))
            self.workspaces[entities] = runs.open_run(settings, self.catalog, record)
            runner.run_extract(self.workspaces[entities], quiet)
        workspace = self.workspaces[entities]
        shutil.rmtree(workspace.staging.run / "out", ignore_errors=True)
        self.filled.update(workspace.services())
        runner.run_transform(workspace, quiet)
        runner.run_load(workspace, quiet)
        return runner.run_verify(workspace, quiet)

    def _empty(self) -> None:
        for service in self.filled:
            tables = self.site.rows(
                service,
                "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
                f"WHERE schemaname IN ('{service}', 'migration') AND tablename <> 'version'",
            )
            self.site.execute(service, f"TRUNCATE {', '.join(str(t['name']) for t in tables)} CASCADE")
        self.filled.clear()


# -- converters -------------------------------------------------------------------------------------


def _value(change: Callable[[pl.Expr], pl.Expr]) -> Callable[[Made], Made]:
    return lambda made: replace(made, value=change(made.value))


#: What a slightly wrong converter would make of a value.
SHIFTED: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "text": lambda value: value.str.strip_chars(),
    "integer": lambda value: value + 1,
    "decimal": lambda value: value.cast(pl.Decimal(38, 2)) + pl.lit("0.01").cast(pl.Decimal(38, 2)),
    "boolean": lambda value: ~value,
    "search_key": lambda value: value.str.to_uppercase(),
    "email": lambda value: value.str.to_uppercase(),
    "date": lambda value: value.dt.offset_by("1d"),
    "time_of_day": lambda value: (value.cast(pl.Int64) + 1_000).cast(pl.Time),
    "instant_local": lambda value: value.dt.offset_by("1us"),
    "instant_utc": lambda value: value.dt.offset_by("1us"),
    "moment": lambda value: value.dt.offset_by("1us"),
    "instant": lambda value: value.dt.offset_by("1us"),
    "day": lambda value: value.dt.offset_by("1d"),
    "clock": lambda value: (value.cast(pl.Int64) + 1_000).cast(pl.Time),
    "float": lambda value: value + 1,
    "binary": lambda value: (value.bin.encode("hex") + "00").str.decode("hex"),
    "uuid": lambda value: value.str.head(35) + "0",
    "fields": lambda value: value.str.replace("}", ', "zzzzzzzz": 1}', literal=True),
}
CHANGES: Mapping[str, Callable[[Made], Made]] = {
    "nullified": _value(lambda value: pl.when(pl.lit(value=False)).then(value)),
    "altered-dropped": lambda made: replace(made, altered=None),
    "finding-dropped": lambda made: replace(made, finding=None),
    "finer-dropped": lambda made: replace(made, finer=pl.lit(value=False)),
    "unreadable-dropped": lambda made: replace(made, unreadable=pl.lit(value=False)),
}


def broken_converter(name: str, how: str) -> Break:
    """Break the Polars side of one converter."""
    whole = CONVERTERS[name]
    change = CHANGES.get(how) or _value(SHIFTED[name])

    def wrong(raw: pl.Expr, setting: Setting) -> Made:
        made = whole.polars(raw, setting)
        changed = change(made)
        typed = {"decimal": setting.pg_type} if name == "decimal" and how == "shifted" else {}
        return replace(changed, value=_scaled(changed.value, typed["decimal"])) if typed else changed

    wrong_one: Converter = replace(whole, polars=wrong)
    return lambda patch: patch.setattr(transform, "CONVERTERS", {**CONVERTERS, name: wrong_one})


def _scaled(value: pl.Expr, pg_type: str) -> pl.Expr:
    precision, scale = pg_type.removeprefix("numeric(").removesuffix(")").split(",")
    return value.cast(pl.Decimal(int(precision), int(scale)))


# -- everything else ----------------------------------------------------------------------------------


def broken_parents(change: Callable[[str, pl.LazyFrame], pl.LazyFrame]) -> Break:
    """Break what references are resolved with: the living rows of each parent."""
    whole = transform.prepare

    def wrong(tagged: pl.LazyFrame, entity: Entity, *, parents: keys.Parents, **rest: Any) -> pl.LazyFrame:
        changed = {key: change(key[0], found) for key, found in parents.items()}
        return whole(tagged, entity, parents=changed, **rest)

    return lambda patch: patch.setattr(transform, "prepare", wrong)


def broken_context(**changes: Any) -> Break:
    """Break what a batch is told of its source and run."""
    whole = transform.prepare

    def wrong(tagged: pl.LazyFrame, entity: Entity, *, context: transform.Context, **rest: Any) -> pl.LazyFrame:
        changed = {name: change(getattr(context, name)) for name, change in changes.items()}
        return whole(tagged, entity, context=replace(context, **changed), **rest)

    return lambda patch: patch.setattr(transform, "prepare", wrong)


def _student_of(tenant: pl.Expr) -> pl.Expr:
    return ids.uuid5(INSTALLATION.namespace, pl.concat_str(tenant, pl.lit("/district.dbo.Student/"), frame.MATCH))


def with_dead_student(parent: str, found: pl.LazyFrame) -> pl.LazyFrame:
    """Let a student that does not live be found."""
    if parent != "student.Student":
        return found
    ghost = found.select(keys.TENANT).unique().with_columns(pl.lit("[987654]").alias(frame.MATCH))
    own = _student_of(pl.col(keys.TENANT)).alias(frame.FOUND)
    ghost = ghost.with_columns(own, pl.lit(value=False).alias(frame.AMBIGUOUS))
    return pl.concat([found, ghost.select(found.collect_schema().names())])


def with_students_of_the_other_tenant(parent: str, found: pl.LazyFrame) -> pl.LazyFrame:
    """Let each tenant find the other's students."""
    a, b = str(tenant_id(1)), str(tenant_id(2))
    other = pl.col(keys.TENANT).replace({a: b, b: a})
    return found.with_columns(_student_of(other).alias(frame.FOUND)) if parent == "student.Student" else found


def nothing_of(parent: str) -> Callable[[str, pl.LazyFrame], pl.LazyFrame]:
    """Let no row of a parent be found."""
    return lambda entity, found: found.clear() if entity == parent else found


def to_a_default_tenant(patch: pytest.MonkeyPatch) -> None:
    """Give rows whose tenant cannot be told to the first district."""
    whole = tenancy.tag

    def wrong(*args: Any, **named: Any) -> pl.LazyFrame:
        tenant = pl.col(keys.TENANT).replace({str(ids.UNRESOLVED): str(tenant_id(1))})
        return whole(*args, **named).with_columns(tenant)

    patch.setattr(tenancy, "tag", wrong)


def to_one_tenant_only(patch: pytest.MonkeyPatch) -> None:
    """Give rows of several districts to one of them."""
    whole = tenancy.tag

    def wrong(*args: Any, **named: Any) -> pl.LazyFrame:
        return whole(*args, **named).sort(keys.TENANT).unique(keys.KEY, keep="first", maintain_order=True)

    patch.setattr(tenancy, "tag", wrong)


def _row_id(change: Callable[..., pl.Expr]) -> Break:
    return lambda patch: patch.setattr(transform, "row_id", change)


def _named(path: str, piece: str) -> pl.Expr:
    return ids.uuid5(INSTALLATION.namespace, ids.row_name(pl.col(keys.TENANT), path, pl.col(keys.KEY), piece=piece))


def _id_of_another_piece(entity: Entity, piece: str = "") -> pl.Expr:
    return _named(entity.path, piece.replace("/", "."))


def _id_of_another_table(entity: Entity, piece: str = "") -> pl.Expr:
    return _named(entity.table, piece)


def _hashed(change: Callable[[list[pl.Expr]], list[pl.Expr]]) -> Break:
    whole = fingerprint.row_hash
    return lambda patch: patch.setattr(fingerprint, "row_hash", lambda cells: whole(change(list(cells))))


def _unfolded(name: str) -> Break:
    return lambda patch: patch.setattr(ids, name, lambda expr, *_: expr)


@dataclass(frozen=True)
class Case:
    """Something broken, the entities that it is tried with, and one difference that it must lead to."""

    name: str
    entities: Entities
    breaking: Break
    kind: str
    entity: str
    column: str


def others() -> Iterator[Case]:
    """List what is broken beside the converters."""
    pieces = _row_id(_id_of_another_piece)
    tables = _row_id(_id_of_another_table)
    yield Case("ids-of-pieces", STUDENT, pieces, "extra row", "student.student_contacts", "student_contacts")
    yield Case(
        "ids-by-another-name",
        ("configuration.School",),
        tables,
        "different in id map",
        "configuration.School",
        "new_id",
    )
    yield Case(
        "hash-of-fewer-cells",
        STUDENT,
        _hashed(lambda c: c[:-1] or c),
        "different in id map",
        "student.Student",
        "source_hash",
    )
    yield Case(
        "hash-in-another-order",
        ("configuration.School",),
        _hashed(lambda c: c[::-1]),
        "different receipt",
        "configuration.School",
        "checksum",
    )
    yield Case(
        "routing-to-a-default-tenant", USERS, to_a_default_tenant, "missing in quarantine", "identity.AspNetUsers", ""
    )
    yield Case("routing-to-one-tenant-only", USERS, to_one_tenant_only, "missing row", "identity.AspNetUsers", "users")
    yield Case(
        "liveness",
        ENROLLMENT,
        broken_parents(with_dead_student),
        "orphan",
        "student.student_enrollments",
        "student_id",
    )
    yield Case(
        "liveness-too-strict",
        ENROLLMENT,
        broken_parents(nothing_of("configuration.School")),
        "missing row",
        "student.StudentSchool",
        "student_enrollments",
    )
    yield Case(
        "references-across-tenants",
        ENROLLMENT,
        broken_parents(with_students_of_the_other_tenant),
        "reference into another tenant",
        "student.student_enrollments",
        "student_id",
    )
    yield Case(
        "shared-rows-not-found",
        GRADES,
        broken_parents(nothing_of("configuration.NSGrade")),
        "different in id map",
        "configuration.Grade",
        "new_id",
    )
    yield Case("fold-of-keys", ROLES, _unfolded("fold"), "missing row", "identity.AspNetUserRoles", "user_roles")
    yield Case("fold-of-addresses", USERS, _unfolded("fold_email"), "missing row", "identity.AspNetUsers", "users")
    yield Case(
        "instant-of-the-run",
        STUDENT,
        broken_context(as_of=lambda t: t + timedelta(seconds=1)),
        "different cell",
        "student.Student",
        "created_at",
    )
    yield Case(
        "zone-of-the-host",
        STUDENT,
        broken_context(host_zone=lambda _: "Etc/GMT+6"),
        "different cell",
        "student.Student",
        "updated_at",
    )
    yield Case(
        "zone-of-the-tenant",
        SECTION,
        broken_context(tenant_zone=lambda _: "Etc/UTC"),
        "different cell",
        "section.Section",
        "start_time",
    )
