"""Write the list of damages for readers: docs/damages.md, and its summary in docs/verification.md.

Run `python -m tests.faults.damages.written` after the list has changed; a test holds the documents to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.faults.damages import DAMAGES
from tests.faults.damages.form import Seen

DOCS = Path(__file__).resolve().parents[3] / "docs"
#: The table in docs/verification.md that is written here.
SUMMARY = re.compile(r"(?<=\n)\| what is done \|.*?\n(?=\n)", re.DOTALL)


def summary() -> str:
    """Give the table of what is seen: how many kinds of damage were tried, and how each is named."""
    rows = []
    for seen in Seen:
        group = [d for d in DAMAGES if d.seen is seen]
        # One kind for all types that a column may have, and for all that a table is made of.
        kinds = dict.fromkeys(
            re.sub(r"(?<=another type: )[^,]*,.*|(?<=^structure: ).*", "...", k) for d in group for k in d.kinds
        )
        rows.append((seen.value, str(len(group)), ", ".join(_shown(k) for k in kinds)))
    return _table(("what is done", "tried", "named in the report as"), rows)


def damages() -> str:
    """Give docs/damages.md."""
    parts = [
        f"""# Damages

{len(DAMAGES)} kinds of damage that the tests do to a finished migration, and how `migrate verify` names each. The list
is written from the tests themselves; [verification.md](verification.md) sums it up. A name that ends in `...` goes on
with what was found.
"""
    ]
    for seen in Seen:
        rows = [(d.name, ", ".join(_shown(k) for k in d.kinds)) for d in DAMAGES if d.seen is seen]
        parts += [f"\n## {seen.value[0].upper()}{seen.value[1:]}\n\n", _table(("what is done", "named as"), rows)]
    return "".join(parts)


def _shown(kind: str) -> str:
    return kind if kind.startswith("refused") else f"`{kind}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Write both documents."""
    (DOCS / "damages.md").write_text(damages(), encoding="utf-8")
    page = DOCS / "verification.md"
    page.write_text(SUMMARY.sub(lambda _: summary(), page.read_text(encoding="utf-8"), count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
