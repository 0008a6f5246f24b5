"""What may be shown: a sign that would steer a terminal, or turn the direction of a line, is written as an escape.

Names and keys come from databases that others fill. Invariant: what `visible` gives is printed as it reads.
"""

from __future__ import annotations

import re
from typing import Final

#: Control characters, marks of direction, separators of lines, what takes no room, and halves of pairs.
_UNSEEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)


def visible(text: str, *, lines: bool = False) -> str:
    r"""Write what is not seen as escapes of JSON, such as `\u202e`; with `lines`, line breaks stay."""
    return _UNSEEN.sub(lambda m: m[0] if lines and m[0] == "\n" else _escape(m[0]), text)


def visible_json(text: str) -> str:
    """Write what is not seen in JSON as escapes; between its strings are only blanks and line breaks."""
    return visible(text, lines=True)


def _escape(sign: str) -> str:
    units = sign.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
