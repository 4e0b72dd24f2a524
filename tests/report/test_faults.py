"""A run is complete or absent, whatever happens while it is made: faults at every step, in a loop."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from segkit import runs
from segkit.cli import main
from segkit.errors import OUT_OF_MEMORY
from segkit.index import Index
from segkit.report import page, runner
from tests import faults, stub

CALL = ["run", "sample:retail", "--out"]
HARMLESS = {"run.log", "manifest.json"}  # the one holds times, the other their digests
SENTENCE = re.compile(r"(?!.*did not foresee).*\.$")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """What a run that nothing befell leaves, and how many steps it took."""
    place = tmp_path_factory.mktemp("unbroken")
    assert attempt(place, "SIGKILL", 10**6) == 0
    return contents(place), (place / "steps").stat().st_size


def executed(source, values, *_, **__):
    """Stand in for papermill: the data files, and a notebook with a panel."""
    stub.fill(values["output"], {key: value for key, value in values.items() if key not in RUN_FIELDS})
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title\n\nWords.", id="a")])


RUN_FIELDS = {"output", "interactive"}


def attempt(place: Path, fault: str, at: int, *, limit: int = 0) -> int:
    """Make a run in a child in which `fault` happens at its `at`-th step; return the exit code."""
    work = place / "work"
    work.mkdir(exist_ok=True)

    def call() -> int:
        os.environ["SEGKIT_INDEX"] = f"sqlite:///{work / 'runs.sqlite'}"
        runner._execute = executed  # only in this child
        page.render(nbformat.v4.new_notebook(cells=[]), "x", stub.summary())  # its templates are read once
        if limit:
            faults.small_files(limit)
        elif fault:
            faults.arm(fault, at, work, place / "steps")
        return main([*CALL, str(work / "out")])

    return faults.in_child(call, place / "said")


def contents(place: Path) -> dict[str, str]:
    """Return the files of the runs below a place, those that hold times without them."""
    return {
        str(file.relative_to(place)): page.normalise(file.read_text())
        for file in sorted((place / "work" / "out").rglob("*"))
        if file.is_file() and file.name not in HARMLESS
    }


def judge(place: Path, code: int, allowed: set[int], unbroken: dict[str, str]) -> None:
    """Hold what a fault left against the promise: complete or absent, one sentence, mended by a rerun."""
    said = (place / "said").read_text().splitlines()
    assert code in allowed, said
    seen = [run for run in sorted((place / "work").glob("out/*")) if not run.name.startswith(".")]
    assert [runs.verify(run) for run in seen] == [[]] * len(seen)
    assert len(seen) == 1 or code != 0
    if code > 0:
        assert SENTENCE.match(said[-1]), said
        assert [line for line in said[:-1] if not line.startswith("segkit: the run goes on without")] == []
    if (place / "work" / "runs.sqlite").exists():
        entries = Index(f"sqlite:///{place / 'work' / 'runs.sqlite'}").find()
        assert {entry.status for entry in entries} <= {"complete", "failed", "interrupted"}
    assert attempt(place, "", 0) == 0, (place / "said").read_text()
    assert contents(place) == unbroken
    assert not list((place / "work" / "out").glob(".*"))


EVERY = pytest.mark.parametrize("every", [10, pytest.param(1, marks=pytest.mark.slow)])


@EVERY
@pytest.mark.parametrize("fault", [*faults.ENDS, *faults.ERRORS])
@pytest.mark.parametrize("there", [False, True], ids=["first", "again"])
def test_a_fault_at_any_step_leaves_a_complete_run_or_none(tmp_path, unbroken, fault, there, every):
    wanted, steps = unbroken
    assert steps > 20
    allowed = {0, faults.ENDS[fault]} if fault in faults.ENDS else {0, 1, 2}
    for at in range(1 + (5 * there) % every, steps + 1, every):
        place = tmp_path / str(at)
        place.mkdir()
        if there:
            assert attempt(place, "", 0) == 0
        code = attempt(place, fault, at)
        assert (place / "steps").stat().st_size >= at  # it did befall the run
        judge(place, code, allowed, wanted)
        shutil.rmtree(place)


@pytest.mark.parametrize("limit", [1, 900, 4_000, 300_000])
def test_a_disk_that_takes_no_more_leaves_nothing_and_says_so(tmp_path, unbroken, limit):
    code = attempt(tmp_path, "", 0, limit=limit)
    assert "cannot be written" in (tmp_path / "said").read_text()
    judge(tmp_path, code, {1, 2}, unbroken[0])


BEFORE, IN_KERNEL, AFTER = "before the kernel", "in the kernel", "after the kernel"
POINTS = [("SIGKILL", BEFORE), ("SIGKILL", IN_KERNEL), ("SIGTERM", AFTER), ("SIGINT", IN_KERNEL)]
SLOW = [(fault, when) for fault in faults.ENDS for when in (BEFORE, IN_KERNEL, AFTER)]


@pytest.mark.parametrize(
    ("fault", "when"),
    [*POINTS, *(pytest.param(*point, marks=pytest.mark.slow) for point in SLOW if point not in POINTS)],
)
def test_a_run_with_a_kernel_that_ends_anywhere_leaves_nothing_behind(tmp_path, spawn, root, fault, when):
    work, mark = tmp_path / "work", tmp_path / "mark"
    work.mkdir()
    wait = f"import time; open({str(mark)!r}, 'w').close(); time.sleep(60 * {when == IN_KERNEL})"
    book = stub.notebook(tmp_path / "book.ipynb", wait, stub.SAVE)
    arm = f"faults.arm({fault!r}, {3 if when == BEFORE else 16}, Path({str(work)!r}), Path({str(mark)!r}))"
    code = f"""
import sys
from pathlib import Path
from segkit.cli import main
from tests import faults
{"" if when == IN_KERNEL else arm}
sys.exit(main([*{CALL!r}, {str(work / "out")!r}, "--notebook", {str(book)!r}]))
"""
    environment = {**os.environ, "PYTHONPATH": str(root), "SEGKIT_INDEX": f"sqlite:///{work / 'runs.sqlite'}"}
    run = spawn([sys.executable, "-c", code], cwd=tmp_path, env=environment)
    family = [run.process.pid]
    while run.process.poll() is None:
        family += [child.pid for child in psutil.Process(run.process.pid).children(recursive=True)]
        if when == IN_KERNEL and mark.exists():
            run.process.send_signal(getattr(signal, fault))
            break
        time.sleep(0.01)
    assert run.process.wait(30) == faults.ENDS[fault], run.text
    assert fault == "SIGKILL" or run.text == "Stopped. Nothing unfinished was kept.\n"
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in {*family} if psutil.pid_exists(pid)], 5)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    with runs.begin(work / "out", "next"):  # the next start sweeps what a kill had to leave
        assert [run.name for run in (work / "out").iterdir() if not run.name.startswith(".next")] == []
    assert {entry.status for entry in Index(environment["SEGKIT_INDEX"]).find()} <= {"interrupted"}


@pytest.mark.parametrize("name", ["model.json", "summary.json", "manifest.json", "segments.parquet"])
def test_a_flipped_bit_or_a_lost_end_is_noticed(tmp_path, unbroken, name):
    """50 faults in each of four files."""
    assert attempt(tmp_path, "", 0) == 0
    (folder,) = (tmp_path / "work" / "out").iterdir()
    file = folder / name
    whole = file.read_bytes()
    choose = random.Random(20261124)
    for turn in range(50):
        place = choose.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 1 << choose.randrange(8)]) + whole[place + 1 :]
        file.write_bytes(flipped if turn % 2 else whole[:place])
        assert runs.verify(folder) != [], (turn, place)
    file.write_bytes(whole)
    assert runs.verify(folder) == []


@pytest.mark.parametrize(
    "megabytes",
    [350, 1200, *(pytest.param(round(300 + 195 * i), marks=pytest.mark.slow) for i in range(20))],
)
def test_whatever_memory_there_is_a_run_is_complete_or_refused(tmp_path, spawn, root, megabytes):
    """The real notebook on the sample, in an address space of 0.3 to 4 GB."""
    code = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({megabytes} * 10**6,) * 2)
from segkit.cli import main
sys.exit(main([*{CALL!r}, "out"]))
"""
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "SEGKIT_INDEX": f"sqlite:///{tmp_path / 'i.sqlite'}",
    }
    run = spawn([sys.executable, "-c", code], cwd=tmp_path, env=environment)
    code = run.process.wait(300)
    said = [line for line in run.text.splitlines() if not line.startswith("segkit: the run goes on without")]
    made = list(tmp_path.glob("out/*"))
    assert [runs.verify(folder) for folder in made] == [[]] * len(made)
    assert len(made) == (code == 0)
    assert code == 0 or [OUT_OF_MEMORY in line for line in said] == [True], run.text
