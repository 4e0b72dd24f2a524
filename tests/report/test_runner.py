"""Real kernels: what a notebook does comes out as a complete run or as one sentence, and nothing is left."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import nbformat
import psutil
import pytest

from segkit import errors, runs
from segkit.params import Params
from segkit.report import page, runner
from tests import stub

ALICE = "alice@example.org"


def kernels() -> list[str]:
    children = psutil.Process().children(recursive=True)
    return [line for child in children if "ipykernel" in (line := " ".join(child.cmdline()))]


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch, root):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(root))  # the stub's last cell imports tests.stub
    yield
    assert kernels() == []


def test_a_notebook_becomes_a_complete_run(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    for name in ("numpy", "types", "segkit"):  # what lies among the data is not imported
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not me')")
    book = stub.notebook(
        tmp_path / "own {book}.ipynb",
        "# Which customers?",
        stub.shows(html=stub.PANEL.format("facts", "body", "<dl></dl>"), text="facts"),
        "import ipywidgets\nipywidgets.IntSlider()",
        "import logging\nlogging.getLogger('segkit.x').warning('from the kernel')",
        "import os, sys\nprint(sys.executable, os.getcwd())",
        stub.SAVE,
    )
    params = Params(source="My shop.csv", value='"; raise SystemExit #', features=["a'b\\", "{c}", "d\n=1"])
    folder = runner.run(params, out=tmp_path / "{out}", notebook=str(book))
    assert runs.verify(folder) == []
    assert {file.name for file in folder.iterdir()} == set(runs.FILES)
    assert folder.name.startswith("my-shop-")
    record = runs.manifest(folder)
    assert record["parameters"] == params.study_dump()  # hostile values arrived as what they are
    assert record["run"] == folder.name
    done = nbformat.read(folder / "report.ipynb", as_version=4)
    assert "widgets" not in done.metadata
    assert "papermill" not in json.dumps(done.metadata) + json.dumps([cell.metadata for cell in done.cells])
    printed = [
        one.text for cell in done.cells for one in cell.get("outputs", []) if one.output_type == "stream"
    ]
    assert printed == [f"{sys.executable} {Path.cwd()}\n"]
    injected = next(cell for cell in done.cells if "injected-parameters" in cell.metadata.tags)
    assert 'output = ""' in injected.source
    assert "interactive = False" in injected.source
    log = (folder / "run.log").read_text()
    assert "WARNING segkit.x: from the kernel" in log
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "from the kernel"
    ]
    assert str(tmp_path) not in (folder / "summary.json").read_text()


def test_a_run_is_the_same_when_repeated(tmp_path):
    book = stub.notebook(tmp_path / "book.ipynb", "# Title", stub.shows(text="words"), stub.SAVE)
    files = {}
    for out in ("a", "b"):
        folder = runner.run(Params(), out=tmp_path / out, notebook=str(book))
        files[out] = {file.name: page.normalise(file.read_text()) for file in folder.iterdir()}
    for name in {*runs.FILES} - {"run.log", "manifest.json"}:
        assert files["a"][name] == files["b"][name]


def test_the_kernel_is_this_python_whatever_the_machine_calls_python3(tmp_path, monkeypatch):
    elsewhere = tmp_path / "kernels" / "python3"
    elsewhere.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "Python 3", "language": "python"}
    (elsewhere / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    book = stub.notebook(tmp_path / "book.ipynb", stub.SAVE)
    assert runs.verify(runner.run(Params(), out=tmp_path / "out", notebook=str(book))) == []


FAILURES = {
    "foreseen, refused": (
        "from segkit.errors import SourceError\nraise SourceError('The file is empty.')",
        errors.SourceError,
        r"^The file is empty\.$",
    ),
    "foreseen, failed": (
        "from segkit.errors import GateError\nraise GateError('Only 3 rows; \"20\" are needed.')",
        errors.GateError,
        r'^Only 3 rows; "20" are needed\.$',
    ),
    "unforeseen": (
        f"def f(text):\n    return float(text)\nf('{ALICE}')",
        errors.StepError,
        r"did not foresee it: error [0-9A-F]{4}-[0-9A-F]{2}\. The trace, without data, is in ",
    ),
    "no results": ("1 + 1", errors.StepError, r"saved no results\. Its last cell must be view\.save\(\)"),
    "killed": (
        "import os\nos.kill(os.getpid(), 9)",
        errors.StepError,
        "got no more memory",
    ),
    "no memory": ("raise MemoryError", errors.StepError, "got no more memory"),
    "left": ("import os\nos._exit(0)", errors.StepError, "was ended from outside"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_one_sentence_and_leaves_nothing(tmp_path, name):
    cell, kind, words = FAILURES[name]
    book = stub.notebook(tmp_path / "book.ipynb", cell)
    with pytest.raises(kind, match=words) as caught:
        runner.run(Params(), out=tmp_path / "out", notebook=str(book))
    assert type(caught.value) is kind
    assert not (tmp_path / "out").exists()
    if name == "unforeseen":
        trace = (tmp_path / "state" / "segkit" / "errors.log").read_text()
        assert "in f(text)" in trace
        assert trace.endswith("ValueError\n")
        assert "could not convert" not in trace


def test_one_time_limit_holds_for_all_cells_together(tmp_path):
    book = stub.notebook(tmp_path / "book.ipynb", *["import time\ntime.sleep(2)"] * 20, stub.SAVE)
    with pytest.raises(errors.StepError, match=r"Not finished after 4 seconds, so it was stopped"):
        runner.run(Params(), out=tmp_path / "out", notebook=str(book), timeout=4)
    assert not (tmp_path / "out").exists()


def test_a_wrong_notebook_or_place_is_named_before_anything_starts(tmp_path):
    with pytest.raises(
        errors.ParameterError, match=r'no notebook "01-segment"; there are: .*Did you mean "01-'
    ):
        runner.run(Params(), out=tmp_path / "out", notebook="01-segment")
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.OutputError, match=r"written to .*: File exists"):
        runner.run(Params(), out=tmp_path / "file")


def test_a_kernel_whose_start_is_interrupted_is_gone_at_once(tmp_path, monkeypatch):
    def interrupted(_):
        assert len(kernels()) == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(runner.PapermillNotebookClient, "start_new_kernel_client", interrupted)
    book = stub.notebook(tmp_path / "book.ipynb", stub.SAVE)
    with pytest.raises(KeyboardInterrupt):
        runner.run(Params(), out=tmp_path / "out", notebook=str(book))
    assert kernels() == []
    assert not (tmp_path / "out").exists()


def test_a_signal_waits_while_a_process_is_started():
    heard, order = [], []

    def stop(number, _):
        heard.append(number)
        raise KeyboardInterrupt

    def start():
        with runner._undisturbed():
            signal.raise_signal(signal.SIGTERM)
            order.append(list(heard))

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            start()
        assert (order, heard) == ([[]], [signal.SIGTERM])
        assert signal.getsignal(signal.SIGTERM) is stop
    finally:
        signal.signal(signal.SIGTERM, before)
