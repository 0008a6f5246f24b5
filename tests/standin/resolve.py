"""The SQL Server type of every expression of a query, from what its columns are declared as.

Owns name resolution and type derivation over sqlglot's trees; changes nothing in them, except that whoever
replaces a node says what type the new one has. Invariant: a type is what SQL Server would derive, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from pysqlbridge.tds.result import QueryError
from sqlglot import exp

from tests.standin.database import Described
from tests.standin.declared import MAX, SqlType
from tests.standin.errors import no_object

_ORDERED: Final = (
    "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table"
    " expressions, unless TOP, OFFSET or FOR XML is also specified."
)
INT: Final = SqlType.parse("int")
BIGINT: Final = SqlType.parse("bigint")
NVARCHAR: Final = SqlType.parse("nvarchar(4000)")
_WIDTHS: Final = ("bit", "tinyint", "smallint", "int", "bigint")
_OF_OPERAND: Final = (exp.Paren, exp.Alias, exp.Min, exp.Max, exp.Nullif, exp.Neg, exp.Window, exp.Collate)
_TEXT: Final = (exp.Lower, exp.Upper, exp.Trim, exp.Substring, exp.Left, exp.Right, exp.Replace, exp.Concat)
_FUNCTIONS: Final[dict[str, SqlType]] = {
    "datalength": INT,
    "checksum_agg": INT,
    "binary_checksum": INT,
    "db_name": SqlType.parse("nvarchar(128)"),
    "object_name": SqlType.parse("nvarchar(128)"),
    "type_name": SqlType.parse("nvarchar(128)"),
    "nchar": SqlType.parse("nchar(1)"),
    "schema_id": INT,
    "serverproperty": SqlType.parse("sql_variant"),
    "sql_variant_property": SqlType.parse("sql_variant"),
    "switchoffset": SqlType.parse("datetimeoffset(7)"),
}
_HASHES: Final = {exp.MD5: 16, exp.SHA: 20, exp.SHA2: 32}


@dataclass(frozen=True, slots=True)
class Output:
    """A column of a query's result; `bare` where it is a table's column and nothing else."""

    name: str
    sql_type: SqlType | None
    nullable: bool = True
    bare: bool = False


class Types:
    """The types of one statement's expressions; `lookup` describes a table (schema, name)."""

    def __init__(self, lookup: Callable[[str, str], tuple[Described, ...] | None]) -> None:
        self._lookup = lookup
        # By identity; the node is kept with its type, so that no identity is used twice.
        self._types: dict[int, tuple[exp.Expression, SqlType | None]] = {}
        self._sources: dict[int, tuple[exp.Expression, dict[str, list[Output]]]] = {}

    def note(self, node: exp.Expression, sql_type: SqlType | None) -> None:
        """Record the type of a node that replaces another."""
        self._types[id(node)] = node, sql_type

    def type_of(self, node: exp.Expression | None) -> SqlType | None:
        """Give the type of an expression, None where it cannot be told."""
        if node is None:
            return None
        if id(node) not in self._types:
            self.note(node, self._derive(node))
        return self._types[id(node)][1]

    def outputs(self, query: exp.Expression) -> list[Output]:
        """Give the columns of a query's result.

        Raises QueryError 208 on a table that is not there.
        """
        match query:
            case exp.Subquery() | exp.CTE():
                return self._named(query)
            case exp.SetOperation():
                left, right = self.outputs(query.left), self.outputs(query.right)
                return [
                    Output(one.name, _common([one.sql_type, two.sql_type]))
                    for one, two in zip(left, right, strict=False)
                ]
            case exp.Select():
                return [output for item in query.expressions for output in self._outputs_of(item, query)]
        return []

    def _named(self, query: exp.Subquery | exp.CTE) -> list[Output]:
        inner, outputs = query.this, self.outputs(query.this)
        alias = query.args.get("alias")
        if alias is not None and alias.columns:
            outputs = [replace(output, name=n.name) for output, n in zip(outputs, alias.columns, strict=True)]
        if inner.args.get("order") and not inner.args.get("limit") and not inner.args.get("offset"):
            raise QueryError(_ORDERED, number=1033)
        if isinstance(query, exp.Subquery) and inner.args.get("with_"):
            raise QueryError("Incorrect syntax near the keyword 'WITH'.", number=156)
        if query.alias:
            seen: set[str] = set()
            for i, output in enumerate(outputs, 1):
                if not output.name:
                    what = f"No column name was specified for column {i} of '{query.alias}'."
                    raise QueryError(what, number=8155)
                if output.name.lower() in seen:
                    what = f"The column '{output.name}' was specified multiple times for '{query.alias}'."
                    raise QueryError(what, number=8156)
                seen.add(output.name.lower())
        return outputs

    def sources(self, select: exp.Select) -> dict[str, list[Output]]:
        """Give what a SELECT reads from: lower-case alias or name, and the columns."""
        if id(select) not in self._sources:
            self._sources[id(select)] = select, dict(self._read(select))
        return self._sources[id(select)][1]

    def _read(self, select: exp.Select) -> Iterator[tuple[str, list[Output]]]:
        joins = select.args.get("joins") or []
        outer = any(join.side for join in joins)
        items = [select.args.get("from_"), *joins]
        for item in (item.this for item in items if item is not None):
            source = item.this if isinstance(item, exp.Lateral) else item
            outputs = self._table(source) if isinstance(source, exp.Table) else self.outputs(source)
            if outer:
                outputs = [replace(output, nullable=True) for output in outputs]
            yield item.alias_or_name.lower(), outputs

    def _table(self, table: exp.Table) -> list[Output]:
        if not table.db:
            scope: exp.Expression | None = table
            while (scope := scope.parent) is not None:
                for cte in scope.ctes if isinstance(scope, exp.Query) else ():
                    if cte.alias.lower() == table.name.lower():
                        return self.outputs(cte)
        columns = self._lookup(table.db or "dbo", table.name)
        if columns is None:
            raise no_object(".".join(part for part in (table.catalog, table.db, table.name) if part))
        return [Output(column.name, column.sql_type, column.nullable, bare=True) for column in columns]

    def _outputs_of(self, item: exp.Expression, select: exp.Select) -> list[Output]:
        if item.is_star:
            sources = self.sources(select)
            of = item.args.get("table")
            chosen = sources.values() if of is None else [sources.get(of.name.lower(), [])]
            return [output for outputs in chosen for output in outputs]
        inner = item.unalias()
        if isinstance(inner, exp.Column):
            found = self._find(inner)
            if found is not None:
                return [replace(found, name=item.alias) if item.alias else found]
        nullable = not isinstance(inner, exp.Literal | exp.National)
        return [Output(item.alias, self.type_of(inner), nullable)]

    def _find(self, column: exp.Column) -> Output | None:
        scope: exp.Expression | None = column
        name, of = column.name.lower(), column.table.lower()
        while (scope := scope.find_ancestor(exp.Select)) is not None:
            sources = self.sources(scope)
            for alias, outputs in sources.items():
                for output in outputs:
                    if of in {"", alias} and output.name.lower() == name:
                        return output
        return None

    def _derive(self, node: exp.Expression) -> SqlType | None:
        match node:
            case exp.Column():
                return self._column(node)
            case exp.Convert():
                return declared(node.this)
            case exp.Cast():
                return declared(node.args["to"])
            case exp.Literal() | exp.National() | exp.HexString():
                return _of_literal(node)
            case exp.Case() | exp.Coalesce() | exp.If():
                return _common(self.type_of(value) for value in _values(node))
            case exp.Count():
                return BIGINT if node.args.get("big_int") else INT
            case exp.RowNumber() | exp.Rank() | exp.DenseRank():
                return BIGINT
            case exp.Length() | exp.ObjectId():
                return INT
            case exp.Sum() | exp.Avg():
                return _summed(self.type_of(node.this))
            case exp.Subquery():
                outputs = self.outputs(node)
                return outputs[0].sql_type if outputs else None
            case exp.Anonymous():
                return _FUNCTIONS.get(node.name.lower())
            case exp.CurrentSchema() | exp.Parameter():
                return NVARCHAR
            case exp.Add() | exp.Sub() | exp.Mul() | exp.Div() | exp.Mod():
                return _calculated(node, self.type_of(node.left), self.type_of(node.right))
            case exp.SHA2():
                return SqlType("varbinary", int(node.args["length"].name) // 8)
        if type(node) in _HASHES:
            return SqlType("varbinary", _HASHES[type(node)])
        if isinstance(node, _OF_OPERAND):
            return self.type_of(node.this)
        if isinstance(node, _TEXT):
            return self.type_of(node.this) or NVARCHAR
        return None

    def _column(self, column: exp.Column) -> SqlType | None:
        if (found := self._find(column)) is not None:
            return found.sql_type
        select = column.find_ancestor(exp.Select)
        if select is None or isinstance(column.parent, exp.TableAlias) or column.find_ancestor(exp.Values):
            return None
        if column.find_ancestor(exp.Ordered) is not None:
            for item in select.expressions:
                if item.alias.lower() == column.name.lower():
                    return self.type_of(item.unalias())
        if column.table:
            what = f'The multi-part identifier "{column.table}.{column.name}" could not be bound.'
            raise QueryError(what, number=4104)
        raise QueryError(f"Invalid column name '{column.name}'.", number=207)


def declared(data_type: exp.Expression) -> SqlType:
    """Read the type of a cast: 30 characters where a length is left out, as CAST and CONVERT have it."""
    text = data_type.sql("tsql")
    try:
        sql_type = SqlType.parse(text)
    except ValueError as error:
        raise QueryError(f"Type {text} is not a defined system type.", number=243) from error
    if "(" not in text and sql_type.base in {"char", "varchar", "nchar", "nvarchar", "binary", "varbinary"}:
        return replace(sql_type, length=30)
    return sql_type


def _values(node: exp.Expression) -> Iterable[exp.Expression | None]:
    match node:
        case exp.Case():
            return [*(one.args["true"] for one in node.args["ifs"]), node.args.get("default")]
        case exp.If():
            return [node.args["true"], node.args.get("false")]
    return [node.this, *node.expressions]


def _of_literal(node: exp.Expression) -> SqlType:
    if isinstance(node, exp.HexString):
        return SqlType("varbinary", max(1, len(node.name) // 2))
    if isinstance(node, exp.National) or node.is_string:
        return SqlType("nvarchar" if isinstance(node, exp.National) else "varchar", max(1, len(node.name)))
    if node.is_int:
        return INT if abs(int(node.name)) < 2**31 else BIGINT
    if "e" in node.name.lower():
        return SqlType.parse("float")
    whole, _, fraction = node.name.partition(".")
    return SqlType("decimal", 0, len(whole) + len(fraction), len(fraction))


def _common(types: Iterable[SqlType | None]) -> SqlType | None:
    known = [one for one in types if one is not None]
    if not known:
        return None
    if all(one.base in _WIDTHS for one in known):
        return max(known, key=lambda one: _WIDTHS.index(one.base))
    if all(one.family == "text" and one.is_collated for one in known) and len(set(known)) > 1:
        base = "nvarchar" if any(one.is_wide for one in known) else "varchar"
        lengths = {one.length or MAX for one in known}
        return SqlType(base, MAX if MAX in lengths else max(lengths))
    # Text is what the others are converted from: SQL Server ranks it last.
    return next((one for one in known if one.family != "text"), known[0])


def _summed(sql_type: SqlType | None) -> SqlType | None:
    if sql_type is None:
        return None
    match sql_type.family:
        case "integer":
            return BIGINT if sql_type.base == "bigint" else INT
        case "decimal":
            return SqlType(sql_type.base, 0, 38, sql_type.scale)
        case "money":
            return SqlType.parse("money")
        case "float":
            return SqlType.parse("float")
    return None


def _calculated(node: exp.Expression, left: SqlType | None, right: SqlType | None) -> SqlType | None:
    if left is None or right is None:
        return None
    if left.family == right.family == "integer":
        return _common([left, right])
    if isinstance(node, exp.Add) and left.family == right.family == "text":
        return SqlType("nvarchar" if left.is_wide or right.is_wide else "varchar", MAX)
    return None
