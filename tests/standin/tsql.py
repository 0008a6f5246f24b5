"""T-SQL to DuckDB's SQL, with the columns that the result has.

Owns everything about a query but its execution. Invariant: what is translated gives SQL Server's answer on the
stored forms; whatever is not known to do so is refused by `errors.not_supported` or by DuckDB itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import sqlglot
from pysqlbridge.tds.result import QueryError
from sqlglot import exp
from sqlglot.dialects.tsql import TSQL
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

from tests.standin.casts import call, convert, duckdb_cast, length_of, literal, narrowed
from tests.standin.database import Database
from tests.standin.declared import SqlType
from tests.standin.errors import not_supported
from tests.standin.resolve import Output, Types, declared

VERSION: Final = "Microsoft SQL Server 2022 (RTM) - 16.0.1000.6 (X64) \n\tStand-in for tests on DuckDB"
_PROPERTIES: Final = {
    "productversion": "16.0.1000.6",
    "productmajorversion": "16",
    "productlevel": "RTM",
    "edition": "Developer Edition (64-bit)",
    "engineedition": "3",
    "servername": "standin",
}
_GLOBALS: Final[dict[str, exp.Expression]] = {
    "VERSION": exp.Literal.string(VERSION),
    "SERVERNAME": exp.Literal.string("standin"),
    "TRANCOUNT": exp.Literal.number(0),
    "SPID": exp.Literal.number(51),
}
#: Statements that set up a session and return nothing.
_SESSION: Final = re.compile(
    r"\s*(?:SET\s+TRANSACTION\s+ISOLATION\s+LEVEL\s+(?:READ\s+(?:UN)?COMMITTED|REPEATABLE\s+READ|SNAPSHOT|SERIALIZABLE)"
    r"|SET\s+\w+\s+(?:ON|OFF|-?\d+|\w+)|USE\s+\[?\w+\]?|IF\s+@@TRANCOUNT\s*>\s*0\s+(?:COMMIT|ROLLBACK)(?:\s+TRAN\w*)?"
    r"|(?:BEGIN|COMMIT|ROLLBACK|SAVE)(?:\s+TRAN\w*)?)(?:\s+|$)",
    re.IGNORECASE,
)
#: What the parser takes from every dialect, and SQL Server does not.
_OTHER_DIALECTS: Final = frozenset({TokenType.LIMIT, TokenType.DPIPE, TokenType.DCOLON})
_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)
#: Under this a rewritten COLLATE remembers the collation that it names.
_COLLATION: Final = "collation"
_CONVERTED_FOR: Final = frozenset({"moment", "time", "offset", "date", "guid"})


@dataclass(frozen=True, slots=True)
class Translated:
    """A statement in DuckDB's SQL, and the columns of its result."""

    sql: str
    outputs: tuple[Output, ...]


def split(batch: str) -> list[str]:
    """Cut a batch into its statements, without those that only set up the session."""
    ends = [token.start for token in TSQL().tokenize(batch) if token.token_type is TokenType.SEMICOLON]
    starts = [0, *(end + 1 for end in ends)]
    statements = []
    for start, end in zip(starts, [*ends, len(batch)], strict=True):
        statement = batch[start:end]
        while found := _SESSION.match(statement):
            statement = statement[found.end() :]
        if statement.strip():
            statements.append(statement)
    return statements


def translate(statement: str, database: Database, name: str, parameters: Mapping[str, object]) -> Translated:
    """Translate a statement for the database of a name.

    Raises QueryError with SQL Server's number where SQL Server would refuse it.
    """
    for token in TSQL().tokenize(statement):
        if token.token_type in _OTHER_DIALECTS:
            raise QueryError(f"Incorrect syntax near '{token.text}'.", number=102)
    try:
        tree = sqlglot.parse_one(statement, read="tsql")
    except SqlglotError as error:
        raise QueryError(f"Incorrect syntax. {str(error).splitlines()[0]}", number=102) from None
    if not isinstance(tree, exp.Query):
        raise not_supported(f"the statement {statement.strip().split()[0]}")
    types = Types(database.columns)
    outputs = tuple(types.outputs(tree))
    nodes = list(tree.walk(bfs=True))
    for node in nodes:
        if isinstance(node, exp.Expression):
            types.type_of(node)
    translation = _Translation(database, name, parameters, types)
    # Children come after their parents in this order, so reversed they are done first.
    for node in reversed(nodes):
        replaced = translation.rewrite(node)
        if replaced is not node:
            types.note(replaced, types.type_of(node))
            if node is tree:
                tree = replaced
            else:
                node.replace(replaced)
    return Translated(tree.sql("duckdb"), outputs)


class _Translation:
    """The rewriting of one statement's nodes, each after its children."""

    def __init__(self, database: Database, name: str, parameters: Mapping[str, object], types: Types) -> None:
        self._database = database
        self._name = name
        self._parameters = {key.lstrip("@").lower(): value for key, value in parameters.items()}
        self._types = types
        self._functions: Mapping[str, Callable[[exp.Anonymous], exp.Expression]] = {
            "datalength": lambda node: length_of(node.expressions[0], types.type_of(node.expressions[0])),
            "db_name": lambda _: exp.Literal.string(name),
            "serverproperty": self._property,
            "sql_variant_property": self._variant_property,
            "checksum_agg": lambda node: call("bit_xor", *node.expressions),
            "binary_checksum": self._checksum,
            "switchoffset": self._switch_offset,
            "object_name": lambda node: _chosen("sys.tables", "object_id", node.expressions[0]),
            "type_name": lambda node: _chosen("sys.types", "user_type_id", node.expressions[0]),
            "nchar": lambda node: call("chr", *node.expressions),
            "schema_id": self._schema_id,
        }

    def rewrite(self, node: exp.Expression) -> exp.Expression:
        match node:
            case exp.Table():
                node.set("hints", None)
                if node.catalog and node.catalog.lower() != self._name.lower():
                    raise not_supported("names of other databases")
                node.set("catalog", None)
            case exp.National():
                return exp.Literal.string(node.name)
            case exp.Convert():
                style = node.args.get("style")
                return self._convert(node.expression, declared(node.this), style, safe=bool(node.args.get("safe")))
            case exp.Cast() if isinstance(node.parent, exp.Length):
                return node.this  # the parser's own
            case exp.Cast():
                return self._convert(node.this, declared(node.args["to"]), None, safe=isinstance(node, exp.TryCast))
            case exp.Parameter():
                return self._parameter(node)
            case exp.Length():
                return call("tsql_len", node.this)
            case exp.CurrentSchema():
                return _chosen("sys.schemas", "schema_id", node.this)
            case exp.ObjectId():
                return self._object_id(node)
            case exp.MD5() | exp.SHA() | exp.SHA2():
                return self._hash(node)
            case exp.Collate():
                return _collated(node)
            case exp.Like() if "[" in node.expression.name:
                return call("regexp_matches", node.this, exp.Literal.string(_pattern(node.expression.name)))
            case exp.Add() if self._is_text(node):
                return exp.DPipe(this=node.left, expression=node.right)
            case exp.Div() if self._is_integer(node):
                return exp.IntDiv(this=node.left, expression=node.right)
            case exp.Anonymous() if node.name.lower() in self._functions:
                return self._functions[node.name.lower()](node)
            case _ if isinstance(node, _COMPARISONS):
                self._compare(node)
        return node

    def _convert(
        self, value: exp.Expression, target: SqlType, style: exp.Expression | None, *, safe: bool
    ) -> exp.Expression:
        number = None if style is None else int(style.name)
        source = self._types.type_of(value)
        text = value.this if isinstance(value, exp.Collate) else value
        if source is not None and source.is_wide and target.base in {"char", "varchar"} and text.is_string:
            value = exp.Literal.string(narrowed(text.name, value.meta.get(_COLLATION, self._database.collation)))
        return convert(value, source, target, number, safe=safe)

    def _is_text(self, node: exp.Expression) -> bool:
        sql_type = self._types.type_of(node)
        return sql_type is not None and sql_type.family == "text"

    def _is_integer(self, node: exp.Expression) -> bool:
        sql_type = self._types.type_of(node)
        return sql_type is not None and sql_type.family == "integer"

    def _compare(self, node: exp.Expression) -> None:
        sides = [node.this, *(node.args.get(part) for part in ("expression", "low", "high")), *node.expressions]
        values = [side for side in sides if isinstance(side, exp.Expression)]
        known = [one for side in values if (one := self._types.type_of(side)) is not None]
        special = {one.family: one for one in known if one.family in _CONVERTED_FOR}
        if not special:
            return
        if "offset" in special and len(special) > 1:
            raise not_supported("a comparison of datetimeoffset with another type")
        sql_type = special.get("moment") or next(iter(special.values()))
        for side in values:
            if side.is_string and side.name != "":
                # GUIDs are stored as text, so one that is converted already must not be again.
                if self._types.type_of(side) not in special.values():
                    side.replace(literal(sql_type, side.name))
            elif sql_type.family == "moment" and (found := self._types.type_of(side)) and found.family == "date":
                side.replace(call("tsql_date_ticks", side.copy()))

    def _parameter(self, node: exp.Parameter) -> exp.Expression:
        if isinstance(node.this, exp.Parameter):
            if node.this.name.upper() not in _GLOBALS:
                raise not_supported(f"@@{node.this.name}")
            return _GLOBALS[node.this.name.upper()].copy()
        if isinstance(node.parent, exp.Parameter):
            return node
        if node.name.lower() not in self._parameters:
            raise QueryError(f'Must declare the scalar variable "@{node.name}".', number=137)
        value = exp.convert(self._parameters[node.name.lower()])
        self._types.note(value, self._types.type_of(value))
        return value

    def _property(self, node: exp.Anonymous) -> exp.Expression:
        # An unknown property is NULL, as Microsoft documents.
        known = {**_PROPERTIES, "collation": self._database.collation}
        if (found := known.get(node.expressions[0].name.lower())) is None:
            return duckdb_cast(exp.Null(), "VARCHAR")
        return call("tsql_variant", exp.Literal.string("nvarchar"), exp.Literal.string(found))

    def _variant_property(self, node: exp.Anonymous) -> exp.Expression:
        value, wanted = node.expressions
        if wanted.name.lower() != "basetype":
            raise not_supported(f"SQL_VARIANT_PROPERTY {wanted.name}")
        return call("tsql_variant", exp.Literal.string("nvarchar"), call("tsql_variant_base", value))

    def _checksum(self, node: exp.Anonymous) -> exp.Expression:
        if not isinstance(node.expressions[0], exp.Star):
            return call("tsql_checksum", exp.Tuple(expressions=node.expressions))
        select = node.find_ancestor(exp.Select)
        sources = list(self._types.sources(select)) if select is not None else []
        if len(sources) != 1:
            raise not_supported("BINARY_CHECKSUM(*) of a join")
        return call("tsql_checksum", exp.column(exp.to_identifier(sources[0], quoted=True)))

    def _hash(self, node: exp.Expression) -> exp.Expression:
        source = self._types.type_of(node.this)
        if source is None:
            raise not_supported("HASHBYTES of an expression of a type it cannot tell")
        value = convert(node.this, source, SqlType("varbinary", -1), None, safe=False)
        name = {exp.MD5: "md5", exp.SHA: "sha1", exp.SHA2: "sha256"}[type(node)]
        return call("unhex", call(name, value))

    def _switch_offset(self, node: exp.Anonymous) -> exp.Expression:
        value, offset = node.expressions
        if not re.fullmatch(r"[+-]\d\d:\d\d", offset.name):
            raise not_supported("SWITCHOFFSET to anything but a literal offset")
        minutes = (int(offset.name[1:3]) * 60 + int(offset.name[4:6])) * (-1 if offset.name[0] == "-" else 1)
        instant = exp.Mul(
            this=exp.IntDiv(this=value, expression=exp.Literal.number(4096)), expression=exp.convert(4096)
        )
        return exp.Paren(this=exp.Add(this=instant, expression=exp.convert(2048 + minutes)))

    def _object_id(self, node: exp.ObjectId) -> exp.Expression:
        if not node.this.is_string:
            raise not_supported("OBJECT_ID of anything but a literal")
        name = exp.to_table(node.this.name, dialect="tsql")
        found = self._database.object_id(name.db or "dbo", name.name)
        return duckdb_cast(exp.Null(), "INTEGER") if found is None else exp.Literal.number(found)

    def _schema_id(self, node: exp.Anonymous) -> exp.Expression:
        wanted = node.expressions[0] if node.expressions else exp.Literal.string("dbo")
        return _chosen("sys.schemas", "name", wanted, "schema_id")


def _chosen(table: str, column: str, value: exp.Expression, wanted: str = "name") -> exp.Expression:
    # Qualified by a name of its own, so that the value's column is the outer query's.
    query = (
        exp.select(f"looked.{wanted}")
        .from_(f"{table} AS looked")
        .where(exp.EQ(this=exp.column(column, "looked"), expression=value))
    )
    return query.subquery()


def _pattern(like: str) -> str:
    """Write a pattern of LIKE that has classes of characters, which are compared by code points, for RE2."""
    parts = re.split(r"(\[[^\]]*\]|[%_])", like)
    words = {"%": "(?s:.*)", "_": "(?s:.)"}
    return "^" + "".join(p if p.startswith("[") else words.get(p, re.escape(p)) for p in parts if p) + "$"


def _collated(node: exp.Collate) -> exp.Expression:
    name = node.expression.name.upper()
    if name == "DATABASE_DEFAULT":
        return node.this
    by = exp.to_identifier("binary", quoted=True) if "_BIN" in name or "_CS_" in name else exp.Var(this="NOCASE")
    made = exp.Collate(this=node.this, expression=by)
    made.meta[_COLLATION] = name
    return made
