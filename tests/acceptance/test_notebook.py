"""Guests of the staged files: the notebook runs from first cell to last and stores nothing, and the snippets work."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.site import ROOT, Site

NOTEBOOK = ROOT / "notebooks" / "staged_parquet.ipynb"


def read() -> nbformat.NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    return notebook


def contents(directory: Path) -> dict[str, str]:
    files = (p for p in directory.rglob("*") if p.is_file())
    return {str(p.relative_to(directory)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert [o for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []
    return "\n".join(o.text if o.output_type == "stream" else o.data["text/plain"] for o in outputs)


def executed(staging: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> nbformat.NotebookNode:
    """Run it in a kernel of this interpreter whose own warnings are errors; the kernel's files go to `directory`."""
    monkeypatch.setenv("MIGRATE_STAGING", str(staging))
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, str(directory / name.lower()))
    notebook = read()
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source = f"import warnings\nwarnings.simplefilter('error')\n{first.source}"
    place = {"metadata": {"path": str(directory)}}
    return NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()


def test_it_reads_staged_files_and_changes_none(
    finished: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = finished.directory / "staging"
    before = contents(staging)
    shown = printed(executed(staging, tmp_path, monkeypatch))
    assert contents(staging) == before
    for expected in ("student.Student", "parent: StudentID", "H40", "mean_score", "extract_hash", "entry_hash"):
        assert expected in shown


def test_the_snippets_beside_the_staged_files_run(finished: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (run,) = (p.parent for p in (finished.directory / "staging").glob("*/run.json"))
    text = (ROOT / "staging" / "README.md").read_text(encoding="utf-8")
    snippets = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(snippets) == 3
    for snippet in snippets:
        assert "RUN" in snippet
        exec(compile(snippet.replace("RUN", str(run)), "staging/README.md", "exec"), {})
    assert "date_of_birth" in capsys.readouterr().out


def test_its_outputs_are_not_stored() -> None:
    cells = [cell for cell in read().cells if cell.cell_type == "code"]
    assert cells
    assert [cell.id for cell in cells if cell.outputs or cell.execution_count is not None] == []
