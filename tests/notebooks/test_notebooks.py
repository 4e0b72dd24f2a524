"""The product's notebooks as people read them, and as papermill runs them without our command."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from segkit import export, params
from segkit.panels import builders
from segkit.study import segment

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.ipynb"))
MARK = "# NBVAL_CHECK_OUTPUT"


def cells(path, kind):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [
        {**cell, "source": "".join(cell["source"])} for cell in notebook["cells"] if cell["cell_type"] == kind
    ]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return request.param


def test_parameters_cell_is_the_one_that_segkit_prints(notebook):
    (cell,) = [cell for cell in cells(notebook, "code") if "parameters" in cell["metadata"].get("tags", ())]
    assert cell["source"] == params.KINDS[notebook.stem].cell()


def test_cells_are_short_and_hold_no_program(notebook):
    for cell in cells(notebook, "code"):
        tree = ast.parse(cell["source"])
        forbidden = ast.FunctionDef | ast.ClassDef | ast.For | ast.While | ast.Try | ast.With | ast.Lambda
        assert not [node for node in ast.walk(tree) if isinstance(node, forbidden)], cell["id"]
        if "parameters" not in cell["metadata"].get("tags", ()):
            assert len(cell["source"].splitlines()) <= 5, cell["id"]


def test_a_kernel_without_segkit_is_a_sentence(notebook, capsys, monkeypatch):
    """What IPython shows of the cell before the first that needs segkit."""
    from IPython.core.interactiveshell import InteractiveShell

    code = [cell["source"] for cell in cells(notebook, "code")]
    before = code[next(i for i, source in enumerate(code) if "import segkit" in source) - 1]
    shell = InteractiveShell()
    assert shell.run_cell(before).success
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)  # noqa: ARG005
    with pytest.warns(UserWarning, match="To exit"):
        assert not shell.run_cell(before).success
    said = "".join(capsys.readouterr())
    assert "This kernel has no segkit. Choose another under Kernel" in said
    assert "Traceback" not in said


def test_it_opens_with_a_question_and_who_it_is_for(notebook):
    first = cells(notebook, "markdown")[0]["source"]
    assert re.match(r"# .*\?\n\nFor ", first)


def test_headings_are_followed_by_one_sentence_without_a_number(notebook):
    for cell in cells(notebook, "markdown")[1:]:
        heading, _, sentence = cell["source"].partition("\n\n")
        assert heading.startswith("## ")
        assert re.fullmatch(r"[^.]*\.", sentence), sentence
        assert not re.search(r"\d", sentence), "numbers come from tables, not from whoever wrote the notebook"


def test_cell_ids_are_words_and_the_kernel_is_everybodys(notebook):
    stored = json.loads(notebook.read_text(encoding="utf-8"))
    ids = [cell["id"] for cell in stored["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in ids)
    assert stored["metadata"]["kernelspec"]["name"] == "python3"


def test_links_lead_to_files(notebook):
    for cell in cells(notebook, "markdown"):
        for link in re.findall(r"\]\(([^)#:]+)\)", cell["source"]):
            assert (notebook.parent / link).exists(), link


def test_every_panel_is_shown_once():
    code = "\n".join(
        cell["source"] for cell in cells(ROOT / "notebooks" / "01-segment-customers.ipynb", "code")
    )
    shown = [name for name in re.findall(r"view\.(\w+)\(", code) if name in builders.NAMES]
    assert sorted(shown) == sorted(set(builders.NAMES) - {"cards"})  # the same as "segments", for dashboards


# ------------------------------------------------------------------------------------------------- papermill
def papermill(out, *more):
    command = [sys.executable, "-m", "papermill", ROOT / "notebooks" / "01-segment-customers.ipynb", out]
    command += ["-f", ROOT / "parameters" / "retail.yml", "--cwd", out.parent, *more]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(out.read_text(encoding="utf-8"))


def test_plain_papermill_writes_what_python_says(tmp_path):
    target = tmp_path / "files"
    ran = papermill(tmp_path / "out.ipynb", "-p", "interactive", "False", "-p", "output", target)
    written = json.loads((target / "summary.json").read_text(encoding="utf-8"))
    read = params.Params.read(ROOT / "parameters" / "retail.yml")
    said = json.loads(export.to_json(export.summary(segment(params=read))))
    assert {**written, "run": None} == {**said, "run": None}

    outputs = [output for cell in ran["cells"] for output in cell.get("outputs", ())]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert kinds == {"text/html", "application/vnd.plotly.v1+json"}
    assert not [output for output in outputs if output["output_type"] in {"error", "stream"}]
    drawn = [
        output["data"][kind]["layout"]["meta"]["panel"]
        for output in outputs
        for kind in output["data"]
        if "plotly" in kind
    ]
    assert len(drawn) == len(set(drawn)) >= 8


@pytest.mark.slow
def test_plain_papermill_with_controls_runs_too(tmp_path):
    ran = papermill(tmp_path / "out.ipynb")
    outputs = [output for cell in ran["cells"] for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert "application/vnd.jupyter.widget-view+json" in {
        kind for output in outputs for kind in output["data"]
    }


# ------------------------------------------------------------------------------------------------- golden
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_notebook_has_outputs_to_compare(path):
    """Nbval passes on a stripped notebook without comparing anything."""
    marked = [cell for cell in cells(path, "code") if cell["source"].startswith(MARK)]
    assert len(marked) >= 4
    for cell in marked:
        texts = ["".join(output.get("text", "")) for output in cell["outputs"]]
        assert len("".join(texts)) > 20, cell["id"]
        assert all(output["output_type"] == "stream" for output in cell["outputs"])


def test_there_is_a_golden_notebook():
    assert GOLDEN
