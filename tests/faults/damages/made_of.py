"""Changes to what a finished target is made of: each with its undoing, and what a verification says of it.

They are done to a small migration of one table, for what they do to roles concerns a whole server.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.damages.form import Damage, Difference, Seen
from tests.support.site import Site

TABLE = "student.pupils"
OWN = "tenant_id = NULLIF(current_setting('app.current_tenant', true), '')::uuid"
_FUNCTION = "CREATE FUNCTION student.touched() RETURNS trigger LANGUAGE plpgsql {more} AS $$ BEGIN RETURN new; END $$"
_AT_LOGIN = "CREATE FUNCTION public.enters() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {does} END $$"


@dataclass(frozen=True)
class Change:
    """Something done to a finished target, its undoing, and what a verification says of it."""

    name: str
    do: tuple[str, ...]
    undo: tuple[str, ...]
    what: str
    named: str = ""
    place: str = TABLE


def _policy(name: str, text: str, what: str) -> Change:
    return Change(
        name, (f"CREATE POLICY more ON {TABLE} {text}",), (f"DROP POLICY more ON {TABLE}",), what, "more"
    )  # fmt: skip


def _opens(command: str) -> str:
    return f"a policy for {command} opens more than a tenant's own rows"


def _altered(name: str, text: str) -> Change:
    undo = f"ALTER POLICY tenant_isolation ON {TABLE} TO PUBLIC USING ({OWN}) WITH CHECK ({OWN})"
    return Change(
        name, (f"ALTER POLICY tenant_isolation ON {TABLE} {text}",), (undo,), _opens("ALL"), "tenant_isolation"
    )  # fmt: skip


def _granted(name: str, privileges: str, role: str, what: str) -> Change:
    on = f"{privileges} ON {TABLE}"
    return Change(name, (f"GRANT {on} TO {role}",), (f"REVOKE {on} FROM {role}",), what, role)


def _role(name: str, do: str, undo: str, what: str, role: str = "app") -> Change:
    return Change(name, (do,), (undo,), what, role, "student")


_TO = "ALTER TABLE student.pupils"
_DEFAULT = "ALTER COLUMN name"
DIFFERENCES = [
    _policy("a second policy that lets every row be deleted", "FOR DELETE USING (true)", _opens("DELETE")),
    _policy("a second policy that shows every row to the application", "FOR SELECT TO app USING (true)", _opens("SELECT")),
    _policy("a second policy that lets a row of any tenant be written", "FOR INSERT WITH CHECK (true)", _opens("INSERT")),
    _policy("a second policy that lets every row be changed", "FOR UPDATE USING (true)", _opens("UPDATE")),
    _policy("a second policy that shows some rows of every tenant", "FOR SELECT USING (name = 'x')", _opens("SELECT")),
    _policy("a policy that shows rows of no tenant, in a table that has none", "FOR SELECT USING (tenant_id IS NULL)", _opens("SELECT")),
    _policy("a second policy by another setting than the tenant's", "USING (tenant_id::text = current_setting('app.tenant', true))", _opens("ALL")),
    _policy("a policy that shows every row to who only reads", "FOR SELECT TO data_reader USING (true)", _opens("SELECT")),
    _policy("a policy that hides rows", "AS RESTRICTIVE USING (name IS NOT NULL)", "policy is new"),
    _altered("the policy's USING loosened", "USING (true)"),
    _altered("the policy's WITH CHECK loosened", "WITH CHECK (true)"),
    _altered("the policy's USING loosened by an alternative", f"USING ({OWN} OR name IS NULL)"),
    Change(
        "the policy bound to fewer roles", (f"ALTER POLICY tenant_isolation ON {TABLE} TO app",),
        (f"ALTER POLICY tenant_isolation ON {TABLE} TO PUBLIC",), "policy was altered", "tenant_isolation",
    ),
    Change(
        "the policy dropped", (f"DROP POLICY tenant_isolation ON {TABLE}",),
        (f"CREATE POLICY tenant_isolation ON {TABLE} USING ({OWN}) WITH CHECK ({OWN})",), "policy is gone", "tenant_isolation",
    ),
    Change(
        "row security taken off", (f"{_TO} DISABLE ROW LEVEL SECURITY",), (f"{_TO} ENABLE ROW LEVEL SECURITY",),
        "row-level security is off",
    ),
    Change("the table made unlogged", (f"{_TO} SET UNLOGGED",), (f"{_TO} SET LOGGED",), "not an ordinary table: unlogged table"),
    Change(
        "a view in place of the table",
        (f"{_TO} RENAME TO real_pupils", f"CREATE VIEW {TABLE} AS SELECT * FROM student.real_pupils"),
        (f"DROP VIEW {TABLE}", "ALTER TABLE student.real_pupils RENAME TO pupils"), "not an ordinary table: view",
    ),
    Change("a default for a column", (f"{_TO} {_DEFAULT} SET DEFAULT 'x'",), (f"{_TO} {_DEFAULT} DROP DEFAULT",), "default is new", "name"),
    Change(
        "a default for another column, beside a column more", (f"{_TO} ADD n int", f"{_TO} ALTER born SET DEFAULT '2020-01-01'"),
        (f"{_TO} DROP n", f"{_TO} ALTER born DROP DEFAULT"), "default is new", "born",
    ),
    Change(
        "a trigger on the table",
        (_FUNCTION.format(more=""), f"CREATE TRIGGER touch BEFORE UPDATE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION student.touched()"),
        ("DROP FUNCTION student.touched CASCADE",), "trigger is new", "touch",
    ),
    Change(
        "a trigger on the ledger",
        (_FUNCTION.format(more=""), "CREATE TRIGGER touch BEFORE INSERT ON migration.receipt FOR EACH ROW EXECUTE FUNCTION student.touched()"),
        ("DROP FUNCTION student.touched CASCADE",), "trigger is new", "touch", "migration.receipt",
    ),
    Change(
        "a rule on the table", (f"CREATE RULE quiet AS ON DELETE TO {TABLE} DO INSTEAD NOTHING",), (f"DROP RULE quiet ON {TABLE}",),
        "rule is new", "quiet",
    ),
    Change("the primary key dropped", (f"{_TO} DROP CONSTRAINT pupils_pkey",), (f"{_TO} ADD PRIMARY KEY (id)",), "primary key is gone", "PRIMARY KEY (id)"),
    Change("the index by tenant dropped", ("DROP INDEX student.pupils_tenant",), (f"CREATE INDEX pupils_tenant ON {TABLE} (tenant_id)",), "index is gone", "btree (tenant_id)"),
    Change("NOT NULL taken off the tenant", (f"{_TO} ALTER tenant_id DROP NOT NULL",), (f"{_TO} ALTER tenant_id SET NOT NULL",), "not null is gone", "tenant_id"),
    Change("a table that inherits from the table", (f"CREATE TABLE student.more () INHERITS ({TABLE})",), ("DROP TABLE student.more",), "child is new", "student.more"),
    Change("a view of the table for the application", (f"CREATE VIEW student.all_pupils AS SELECT * FROM {TABLE}", "GRANT SELECT ON student.all_pupils TO app"), ("DROP VIEW student.all_pupils",), "a view shows its rows past row-level security to app", "student.all_pupils"),
    Change("a view of a view of the table, for everyone", (f"CREATE VIEW public.one AS SELECT * FROM {TABLE}", "CREATE VIEW public.two AS SELECT * FROM public.one", "GRANT SELECT ON public.two TO PUBLIC"), ("DROP VIEW public.one CASCADE",), "a view shows its rows past row-level security to PUBLIC", "public.two"),
    Change("a function with its owner's rights", (_FUNCTION.format(more="SECURITY DEFINER"),), ("DROP FUNCTION student.touched",), "definer function is new", "student.touched()", "student"),
    Change("a column of a view of the table for the application", (f"CREATE VIEW student.all_pupils AS SELECT * FROM {TABLE}", "GRANT SELECT (name) ON student.all_pupils TO app"), ("DROP VIEW student.all_pupils",), "a view shows its rows past row-level security to app", "student.all_pupils"),
    Change("a rule elsewhere that deletes rows", ("CREATE TABLE public.trap (x int)", f"CREATE RULE quiet AS ON INSERT TO public.trap DO ALSO DELETE FROM {TABLE}", "GRANT INSERT ON public.trap TO app"), ("DROP TABLE public.trap CASCADE",), "rule elsewhere is new", "quiet on public.trap"),
    Change("a rule on a view that has its reader's rights", (f"CREATE VIEW student.mine WITH (security_invoker) AS SELECT * FROM {TABLE}", f"CREATE RULE quiet AS ON INSERT TO student.mine DO INSTEAD DELETE FROM {TABLE}"), ("DROP VIEW student.mine",), "rule elsewhere is new", "quiet on student.mine"),
    Change("a trigger at login", (_AT_LOGIN.format(does=""), "CREATE EVENT TRIGGER enters ON login EXECUTE FUNCTION public.enters()"), ("DROP FUNCTION public.enters CASCADE",), "login trigger is new", "enters", "student"),
    Change("a tenant set for whoever enters", (_AT_LOGIN.format(does="PERFORM set_config('app.current_tenant', '11111111-1111-4111-8111-111111111111', false);"), "CREATE EVENT TRIGGER enters ON login EXECUTE FUNCTION public.enters()"), ("DROP FUNCTION public.enters CASCADE",), "a tenant is set by default for whoever connects", "whoever connects", "student"),
    Change("a view of the ledger for the auditor granted to everyone", ("GRANT SELECT ON migration.audit_count TO PUBLIC",), ("REVOKE SELECT ON migration.audit_count FROM PUBLIC",), "PUBLIC may SELECT", "PUBLIC", "migration.audit_count"),
    _granted("a grant to PUBLIC", "SELECT", "PUBLIC", "PUBLIC may SELECT"),
    _granted("TRUNCATE granted to the application", "TRUNCATE", "app", "app may TRUNCATE"),
    _granted("the table granted to the auditor", "SELECT", "auditor", "auditor may SELECT"),
    _granted("DELETE granted to who only reads", "DELETE", "data_reader", "data_reader may DELETE"),
    _granted("a column granted to the auditor", "SELECT (name)", "auditor", "auditor may SELECT (name)"),
    Change("the rejects granted to the auditor", ("GRANT SELECT ON migration.quarantine TO auditor",), ("REVOKE SELECT ON migration.quarantine FROM auditor",), "auditor may SELECT", "auditor", "migration.quarantine"),
    Change("a grant taken from the application", (f"REVOKE DELETE ON {TABLE} FROM app",), (f"GRANT DELETE ON {TABLE} TO app",), "grant was altered: DELETE, INSERT, SELECT, UPDATE became INSERT, SELECT, UPDATE", "app"),
    _role("the application's role given BYPASSRLS", "ALTER ROLE app BYPASSRLS", "ALTER ROLE app NOBYPASSRLS", "app has BYPASSRLS"),
    _role("the application's role made a superuser", "ALTER ROLE app SUPERUSER", "ALTER ROLE app NOSUPERUSER", "app is a superuser"),
    _role("the application's role made a member of the migrator's", "GRANT migrator TO app", "REVOKE migrator FROM app", "app may act as migrator"),
    _role("the application's role let write all data", "GRANT pg_write_all_data TO app", "REVOKE pg_write_all_data FROM app", "app may act as pg_write_all_data"),
    _role("the auditor's role made a member of the migrator's", "GRANT migrator TO auditor", "REVOKE migrator FROM auditor", "auditor may act as migrator", "auditor"),
    Change("the application's role made the table's owner", ("GRANT CREATE ON SCHEMA student TO app", f"{_TO} OWNER TO app"), (f"{_TO} OWNER TO CURRENT_USER", "REVOKE CREATE ON SCHEMA student FROM app", f"GRANT SELECT, INSERT, UPDATE, DELETE ON {TABLE} TO app"), "app owns tables", "app", "student"),
    Change("another role made a member of the migrator's", ("CREATE ROLE stranger", "GRANT migrator TO stranger"), ("DROP ROLE stranger",), "power (may act as migrator) is new", "stranger", "student"),
    Change("another superuser made", ("CREATE ROLE stranger SUPERUSER",), ("DROP ROLE stranger",), "power (is a superuser) is new", "stranger", "student"),
    Change("a grant that may be passed on", (f"GRANT SELECT ON {TABLE} TO app WITH GRANT OPTION",), (f"REVOKE GRANT OPTION FOR SELECT ON {TABLE} FROM app",), "app may SELECT WITH GRANT OPTION", "app"),
    Change("a foreign key that deletes", ("CREATE TABLE student.houses (name text PRIMARY KEY)", f"{_TO} ADD CONSTRAINT housed FOREIGN KEY (name) REFERENCES student.houses ON DELETE CASCADE NOT VALID"), ("DROP TABLE student.houses CASCADE",), "acting foreign key is new", "housed"),
    Change("the table made to inherit", (f"CREATE TABLE student.all_pupils (LIKE {TABLE})", f"{_TO} INHERIT student.all_pupils"), (f"{_TO} NO INHERIT student.all_pupils", "DROP TABLE student.all_pupils"), "parent is new", "student.all_pupils"),
    Change("a tenant set by default", ("ALTER ROLE app SET app.current_tenant = '11111111-1111-4111-8111-111111111111'",), ("ALTER ROLE app RESET app.current_tenant",), "a tenant is set by default for app", "app", "student"),
    Change("the application made the schema's owner", ("ALTER SCHEMA student OWNER TO app",), ("ALTER SCHEMA student OWNER TO CURRENT_USER", "GRANT USAGE ON SCHEMA student TO app"), "app owns the schema student", "app", "student"),
    Change("the application let make roles", ("ALTER ROLE app CREATEROLE",), ("ALTER ROLE app NOCREATEROLE",), "app has CREATEROLE", "app", "student"),
    Change("another role that may replicate", ("CREATE ROLE stranger REPLICATION",), ("DROP ROLE stranger",), "power (has REPLICATION) is new", "stranger", "student"),
    Change("the primary key of the id map dropped", ("ALTER TABLE migration.id_map DROP CONSTRAINT id_map_pkey",), ("ALTER TABLE migration.id_map ADD PRIMARY KEY (tenant_id, entity, legacy_key)",), "primary key is gone", "PRIMARY KEY (tenant_id, entity, legacy_key)", "migration.id_map"),
    Change("the ledger made unlogged", ("ALTER TABLE migration.finding SET UNLOGGED",), ("ALTER TABLE migration.finding SET LOGGED",), "not an ordinary table: unlogged table", "", "migration.finding"),
    Change("the ledger granted to the application", ("GRANT INSERT ON migration.receipt TO app",), ("REVOKE INSERT ON migration.receipt FROM app",), "app may INSERT", "app", "migration.receipt"),
    Change("a view of the ledger for everyone", ("CREATE VIEW public.keys AS SELECT legacy_key FROM migration.id_map", "GRANT SELECT ON public.keys TO PUBLIC"), ("DROP VIEW public.keys",), "a view shows its rows past row-level security to PUBLIC", "public.keys", "migration.id_map"),
    Change("a function with its owner's rights, in another schema", ("CREATE FUNCTION public.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM student.pupils $$",), ("DROP FUNCTION public.peek",), "definer function is new", "public.peek()", "student"),
]  # fmt: skip
HARMLESS = [
    Change("login", ("ALTER ROLE app LOGIN",), ("ALTER ROLE app NOLOGIN",), ""),
    Change("user of the application", ("CREATE ROLE web LOGIN IN ROLE app",), ("DROP ROLE web",), ""),
    Change("role that bypasses what it cannot reach", ("CREATE ROLE web BYPASSRLS",), ("DROP ROLE web",), ""),
    Change("VACUUM FULL", (f"CLUSTER {TABLE} USING pupils_pkey",), (), ""),
    Change("REINDEX", (f"REINDEX TABLE {TABLE}",), (), ""),
    Change("another owner", ("CREATE ROLE keeper", "GRANT ALL ON SCHEMA student TO keeper", f"{_TO} OWNER TO keeper"), (f"{_TO} OWNER TO CURRENT_USER", "DROP OWNED BY keeper", "DROP ROLE keeper"), ""),
    Change("index more", (f"CREATE INDEX by_name ON {TABLE} (name)",), ("DROP INDEX student.by_name",), "index is new", "btree (name)"),
    Change("constraint more", (f"{_TO} ADD CONSTRAINT c CHECK (name <> '')",), (f"{_TO} DROP CONSTRAINT c",), "constraint is new", "c"),
    Change("comment", (f"COMMENT ON TABLE {TABLE} IS 'x'",), (f"COMMENT ON TABLE {TABLE} IS NULL",), "comment is new"),
    Change("storage", (f"{_TO} SET (fillfactor = 70)",), (f"{_TO} RESET (fillfactor)",), "storage is new"),
    Change("storage of an index", ("ALTER INDEX student.pupils_tenant SET (fillfactor = 70)",), ("ALTER INDEX student.pupils_tenant RESET (fillfactor)",), ""),
    Change("force", (f"{_TO} FORCE ROW LEVEL SECURITY",), (f"{_TO} NO FORCE ROW LEVEL SECURITY",), "force is new"),
    Change("a column that no entry names", (f"{_TO} ADD house text DEFAULT 'x'",), (f"{_TO} DROP house",), "default of a column that no entry names", "house"),
    Change("a view with its reader's rights", (f"CREATE VIEW student.mine WITH (security_invoker) AS SELECT * FROM {TABLE}", "GRANT SELECT ON student.mine TO app"), ("DROP VIEW student.mine",), "view is new", "student.mine"),
    Change("a foreign key that only refuses", ("CREATE TABLE student.houses (name text PRIMARY KEY)", f"{_TO} ADD CONSTRAINT housed FOREIGN KEY (name) REFERENCES student.houses NOT VALID"), ("DROP TABLE student.houses CASCADE",), "constraint is new", "housed"),
    Change("statistics", (f"CREATE STATISTICS student.s ON name, born FROM {TABLE}",), ("DROP STATISTICS student.s",), ""),
    Change("index renamed", ("ALTER INDEX student.pupils_tenant RENAME TO other",), ("ALTER INDEX student.other RENAME TO pupils_tenant",), ""),
    Change("a role of the service's own", ("CREATE ROLE web LOGIN IN ROLE data_reader",), ("DROP ROLE web",), ""),
]  # fmt: skip


def _inflict(change: Change) -> Callable[[Site, set[str]], list[Difference]]:
    def inflict(site: Site, _taken: set[str]) -> list[Difference]:
        site.execute("student", *change.do)
        return [Difference("student", f"structure: {change.what}", change.place, "", "", change.named)]

    return inflict


_OPENS = (
    "opens",
    "may",
    "shows",
    "row-level",
    "app ",
    "auditor ",
    "power",
    "policy",
    "definer",
    "rule elsewhere",
    "login",
    "a tenant is set",
)
DAMAGES = tuple(
    Damage(
        c.name, Seen.OPENED if any(word in c.what for word in _OPENS) else Seen.MADE, (f"structure: {c.what}",),
        _inflict(c), apart="small",
    )
    for c in DIFFERENCES
)  # fmt: skip
