"""What PostgreSQL said of a failure, without what it quotes of a row.

Its message is one line; details, hints, the context and our own statement, which follow, may hold values. What a
function or a trigger of the target says is in words of its own, whatever its error code: none of them is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.errors import scrub_quoted, scrub_secrets

#: In every language that the server speaks.
_FUNCTION = re.compile(r"\bPL/|\bSQL|\bfunction ")
_NAME = re.compile(r"function (?P<name>[^\s(]+\([^)]*\))")
#: Begins the code of what functions raise; of data that a type cannot hold, whose message quotes them.
_RAISED, _DATA = "P0", "22"
#: Where the driver gives no single fields: what may follow the message.
_FURTHER = re.compile(r"\s*(DETAIL|CONTEXT|Detail|Context):.*", re.DOTALL)
_QUOTED = re.compile(r'(: )"[^"]*"$')


def said(text: str, state: str, details: Iterable[tuple[str | bytes, str | bytes]]) -> str:
    """Give the server's message as it may be shown.

    Args:
        text: all that the driver says.
        state: the SQLSTATE.
        details: the message in single fields, where the driver has them.
    """
    fields = {_text(name): _text(value) for name, value in details}
    message, context = fields.get("PG_DIAG_MESSAGE_PRIMARY"), fields.get("PG_DIAG_CONTEXT", "")
    if message is None:
        return _QUOTED.sub(r"\1(a value)", scrub_secrets(_FURTHER.sub("", text).strip()))
    if state.startswith(_RAISED) or _FUNCTION.search(context):
        named = _NAME.search(context)
        return (
            f"the function {named['name'] if named else 'or trigger'} of the target raised an error; "
            "its words are not shown, for they may hold a row's values"
        )
    line = scrub_secrets(message.partition("\n")[0])
    return scrub_quoted(line) if state.startswith(_DATA) else line


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
