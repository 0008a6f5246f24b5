"""Whether a row-level security policy isolates tenants, told from its expressions as PostgreSQL writes them.

Only what is proved counts: an expression isolates if it compares the row's tenant with the application's setting, or
demands that among other things, or says false. Anything else opens more, for all that can be told. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

Node = str | list["Node"]

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|::|[A-Za-z_][\w$]*|\d[\d.]*|[()\[\],]|[^\s\w'\"()\[\],]+)")
_SETTING = "current_setting('app.current_tenant'{})"
_SET = tuple(_SETTING.format(more) for more in ("", ",true", ",false"))
#: What may stand beside the row's tenant: the setting, an empty one taken for none.
_TENANT_SET = frozenset((*_SET, *(f"nullif({setting},'')" for setting in _SET)))
#: Casts that lose nothing of a tenant.
_CASTS = (("::", "text"), ("::", "uuid"), ("::", "character", "varying"))


def isolates(expression: str, *, shared: bool = False) -> bool:
    """Say whether a policy's expression is true of rows of the tenant that is set alone.

    Args:
        expression: as `pg_get_expr` gives it with nothing but pg_catalog in the search path.
        shared: whether it may also be true of rows of no tenant.
    """
    if _TOKEN.sub("", expression).strip():
        return False
    tree = _nested(match[1] for match in _TOKEN.finditer(expression))
    return tree is not None and _isolates(tree, shared=shared)


def _nested(tokens: Iterator[str], *, inside: bool = False) -> list[Node] | None:
    """Nest what stands in parentheses; None where they do not match."""
    made: list[Node] = []
    for word in tokens:
        if word == ")":
            return made if inside else None
        if word == "(":
            inner = _nested(tokens, inside=True)
            if inner is None:
                return None
            made.append(inner)
        else:
            made.append(word)
    return None if inside else made


def _isolates(tree: Sequence[Node], *, shared: bool) -> bool:
    while len(tree) == 1 and isinstance(tree[0], list):
        tree = tree[0]
    if tree[:1] == ["SELECT"]:
        return False
    either = _split(tree, "OR")
    if len(either) > 1:
        return all(_isolates(part, shared=shared) for part in either)
    both = _split(tree, "AND")
    if len(both) > 1:
        return any(_isolates(part, shared=shared) for part in both)
    if list(tree) == ["false"] or (shared and list(tree) == ["tenant_id", "IS", "NULL"]):
        return True
    sides = [_written(side) for side in _split(tree, "=")]
    return len(sides) == 2 and "tenant_id" in sides and bool(_TENANT_SET & set(sides))


def _split(tree: Sequence[Node], word: str) -> list[list[Node]]:
    parts: list[list[Node]] = [[]]
    for node in tree:
        if node == word:
            parts.append([])
        else:
            parts[-1].append(node)
    return parts


def _written(tree: Sequence[Node]) -> str:
    """Write an operand without blanks, casts, needless parentheses and the SELECT around a single value."""
    nodes = _without_casts(tree)
    while len(nodes) == 1 and isinstance(nodes[0], list):
        nodes = _without_casts(nodes[0])
    if len(nodes) > 3 and nodes[0] == "SELECT" and nodes[-2] == "AS":
        return _written(nodes[1:-2])
    written = ""
    for n, node in enumerate(nodes):
        if isinstance(node, str):
            written += node.lower() if node.isalpha() or "_" in node else node
        elif n and isinstance(nodes[n - 1], str) and str(nodes[n - 1]).replace("_", "").isalpha():
            written += f"({','.join(_written(part) for part in _split(node, ','))})"
        else:
            written += f"({_written(node)})"
    return written


def _without_casts(tree: Sequence[Node]) -> list[Node]:
    nodes = list(tree)
    for cast in sorted(_CASTS, key=len, reverse=True):
        for n in range(len(nodes) - len(cast), -1, -1):
            if nodes[n : n + len(cast)] == list(cast):
                del nodes[n : n + len(cast)]
    return nodes
