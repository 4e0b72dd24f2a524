"""Stand-ins for tests of runs and reports: data files without a study, notebooks of a few cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from segkit.params import Params

SETUP = "from segkit.params import Params\nparams = Params.of(globals())"
SAVE = "import tests.stub\ntests.stub.fill(params.output, params.study_dump())"
PANEL = '<div class="sk" data-sk-panel="{}" data-sk-part="{}">{}</div>'


def summary(
    parameters: dict[str, Any] | None = None, made: str = "2026-11-23T12:00:00+00:00"
) -> dict[str, Any]:
    """The parts of a summary that runs and reports read."""
    return {
        "verdict": {"level": "weak", "shown": 2},
        "text": {"headline": "Two groups of customers hold up."},
        "reading": {"source": "shop.csv", "sha256": "c3d0" * 16},
        "parameters": parameters or Params().study_dump(),
        "provenance": {"segkit": "0.1.0", "input_sha256": "c3d0" * 16},
        "run": {"made": made, "versions": {}},
    }


def fill(folder: str | Path, parameters: dict[str, Any] | None = None) -> None:
    """Write what a notebook's last cell would."""
    place = Path(folder)
    (place / "summary.json").write_text(json.dumps(summary(parameters)), encoding="utf-8")
    for name in ("segments.csv", "segments.parquet", "model.json"):
        (place / name).write_text(f"{name}\n" * 50, encoding="utf-8")


def notebook(path: Path, *cells: str) -> Path:
    """Write a notebook with a parameters cell and these cells; one that begins with # is Markdown."""
    made = [new_markdown_cell(cell) if cell.startswith("#") else new_code_cell(cell) for cell in cells]
    parameters = new_code_cell(Params.cell(), metadata={"tags": ["parameters"]})
    nbformat.write(new_notebook(cells=[parameters, new_code_cell(SETUP), *made]), path)
    return path


def shows(**data: Any) -> str:
    """A cell that shows one output; `html` and `plotly` are short for their types."""
    names = {"html": "text/html", "plotly": "application/vnd.plotly.v1+json", "text": "text/plain"}
    bundle = {names.get(kind, kind): value for kind, value in data.items()}
    show = f"display(json.loads({json.dumps(bundle)!r}), raw=True)"
    return f"import json\nfrom IPython.display import display\n{show}"
