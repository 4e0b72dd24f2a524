"""A run is complete or absent, whatever happens while it is made: faults at every step, in a loop."""

from __future__ import annotations

import os
import random
import re
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from segkit import runs
from segkit.cli import main
from segkit.errors import OUT_OF_MEMORY
from segkit.index import Index
from segkit.report import page, runner
from tests import faults, stub

CALL = ["run", "sample:retail", "--out"]
HARMLESS = {"run.log", "manifest.json"}  # the one holds times, the other their digests
ROOT = Path(__file__).parents[2]
SENTENCE = re.compile(r"(?!.*did not foresee).*\.$")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """What a run that nothing befell leaves, and how many steps it took."""
    place = tmp_path_factory.mktemp("unbroken")
    assert attempt(place, "SIGKILL", 10**6) == 0
    return contents(place), (place / "steps").stat().st_size


def executed(*_, parameters, arm=str, **__):
    """Stand in for papermill: the data files, and a notebook with a panel."""
    arm(Path(parameters["output"]))
    stub.fill(
        parameters["output"], {key: value for key, value in parameters.items() if key not in RUN_FIELDS}
    )
    (Path(parameters["output"]) / ".last").touch()  # a step after the last file, for what ends a kernel
    (Path(parameters["output"]) / ".last").unlink()
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title\n\nWords.", id="a")])


RUN_FIELDS = {"output", "interactive"}
SAID = {"kernel killed": DeadKernelError("Kernel died"), "timeout": CellTimeoutError("Too slow")}


def attempt(place: Path, fault: str, at: int, *, limit: int = 0) -> int:
    """Make a run in a child in which `fault` happens at its `at`-th step; return the exit code."""
    work = place / "work"
    work.mkdir(exist_ok=True)

    def happen() -> None:
        raise SAID[fault]

    def call() -> int:
        os.environ["SEGKIT_INDEX"] = f"sqlite:///{work / 'runs.sqlite'}"
        arm = lambda folder: faults.arm(happen, at, folder, place / "steps")  # noqa: E731
        papermill = partial(executed, arm=arm) if fault in SAID else executed
        runner.papermill.execute_notebook = papermill  # only in this child
        page.render(nbformat.v4.new_notebook(cells=[]), "x", stub.summary())  # its templates are read once
        if limit:
            faults.small_files(limit)
        elif fault and fault not in SAID:
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
    assert code not in {130, 143} or not list((place / "work").glob("out/.*"))
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


@pytest.mark.parametrize("fault", SAID)
@pytest.mark.parametrize("there", [False, True], ids=["first", "again"])
def test_a_kernel_that_ends_at_any_step_leaves_a_complete_run_or_none(tmp_path, unbroken, fault, there):
    for at in range(1, 7):  # four files, and one that comes and goes
        place = tmp_path / str(at)
        place.mkdir()
        if there:
            assert attempt(place, "", 0) == 0
        code = attempt(place, fault, at)
        assert (place / "steps").stat().st_size >= at  # it did befall the run; then it was cleaned up
        judge(place, code, {1}, unbroken[0])


@pytest.mark.parametrize("limit", [1, 900, 4_000, 300_000])
def test_a_disk_that_takes_no_more_leaves_nothing_and_says_so(tmp_path, unbroken, limit):
    code = attempt(tmp_path, "", 0, limit=limit)
    assert "cannot be written" in (tmp_path / "said").read_text()
    judge(tmp_path, code, {1, 2}, unbroken[0])


# ------------------------------------------------------------------------------------------- real kernels
COUNT = int(os.environ.get("SEGKIT_KILL_POINTS", "1000"))
CHAIN = 10  # faults in one place, one after the other, before a run in it is let go well
LIMIT = 5  # seconds; a kernel takes one or two to start
CELLS = ("from tests import faults\nfaults.arm_kernel(params.output)", stub.SAVE)


def attempt_with_kernel(place: Path, fault: str, where: str, at: float) -> int:
    """Make a run with a kernel in a child, in which `fault` happens there and then; return the code."""
    (place / "work").mkdir(exist_ok=True)
    limit = at if (where, fault) == ("moment", "timeout") else LIMIT if fault == "timeout" else 0

    def call() -> int:
        os.environ |= {"SEGKIT_INDEX": f"sqlite:///{place / 'work' / 'runs.sqlite'}", "PYTHONPATH": str(ROOT)}
        in_kernel = f"{fault}:{at}" if where == "kernel" else "timeout:1000000"
        os.environ[faults.IN_KERNEL] = f"{in_kernel}:{place / 'kernel-steps'}"
        tempfile.tempdir = os.environ["TMPDIR"] = str(place / "t")
        if where == "run":
            faults.arm(fault, at, place / "work", place / "steps")
        elif where == "moment" and fault != "timeout":
            faults.later(fault, at)
        book = str(place / "book.ipynb")
        return main([*CALL, str(place / "work" / "out"), "--notebook", book, "--timeout", str(limit)])

    for log in (place / "steps", place / "kernel-steps"):
        log.unlink(missing_ok=True)
    for left in (place / "t").iterdir():  # by the process before, if that was killed
        shutil.rmtree(left)
    return faults.in_child(call, place / "said")


@pytest.fixture
def place():
    """Return a folder with a short name: sockets lie in it, and their addresses have 107 letters."""
    with tempfile.TemporaryDirectory(prefix="k") as folder:
        (Path(folder) / "t").mkdir()
        stub.notebook(Path(folder) / "book.ipynb", *CELLS)
        yield Path(folder)


def processes(place: Path) -> list[psutil.Process]:
    """Return the kernels that were started for a place."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any(str(place) in word for word in process.cmdline()):
                found.append(process)
    return found


def state(place: Path) -> tuple[dict[str, str], set[Path]]:
    """Return what the index says became of each run, and what is hidden beside the runs."""
    address = f"sqlite:///{place / 'work' / 'runs.sqlite'}"
    return (
        {entry.key: entry.status for entry in Index(address).find()},
        set((place / "work").glob("out/.*")),
    )


REASONS = {"kernel killed": "ended from outside", "timeout": "so it was stopped. Allow more with --timeout."}


def judge_with_kernel(
    place: Path, fault: str, where: str, code: int, before: tuple[dict[str, str], set[Path]]
) -> None:
    """Hold what is left against the promise, and against the state before."""
    said = (place / "said").read_text().splitlines()
    expected = faults.ENDS.get(fault, 1)
    assert code in ({expected, 0} if where == "moment" else {expected}), said
    end = time.monotonic() + 5
    while (left := processes(place)) and time.monotonic() < end:
        time.sleep(0.05)
    assert left == []
    seen = [run for run in sorted((place / "work").glob("out/*")) if not run.name.startswith(".")]
    assert [runs.verify(run) for run in seen] == [[]] * len(seen)
    assert len(seen) == 1 or code != 0
    (known, lay), (now, lies) = before, state(place)
    assert set(now.values()) <= {"complete", "failed", "interrupted"}
    ended = {key: status for key, status in known.items() if status != "complete"}
    assert ended.items() <= now.items()
    if code == -9:
        return
    assert not list((place / "t").iterdir())
    assert lies <= lay  # sweeping what a kill left can be stopped too
    if code > 0:
        assert SENTENCE.match(said[-1]), said
        assert said[:-1] == []
        assert REASONS.get(fault, "Stopped. Nothing unfinished was kept.") in said[-1]


def chain(place: Path, points: list[tuple[str, str, float]], wanted: dict[str, str]) -> None:
    """Let faults befall runs in one place; then one run is left alone, and gives what it always gives."""
    (place / "work").mkdir()
    for fault, where, at in points:
        before = state(place)
        code = attempt_with_kernel(place, fault, where, at)
        try:
            judge_with_kernel(place, fault, where, code, before)
        except AssertionError as error:
            error.add_note(f"{fault} at {where} {at} left {code}: {(place / 'said').read_text()}")
            raise
    assert attempt_with_kernel(place, "", "", 0) == 0, (place / "said").read_text()
    assert contents(place) == wanted
    assert not list((place / "work" / "out").glob(".*"))


def test_a_run_with_a_kernel_that_ends_leaves_a_complete_run_or_none(place):
    assert attempt_with_kernel(place, "", "", 0) == 0, (place / "said").read_text()
    wanted = contents(place)
    shutil.rmtree(place / "work")
    points = [
        ("SIGKILL", "run", 3),
        ("SIGKILL", "kernel", 2),
        ("kernel killed", "kernel", 3),
        ("SIGINT", "kernel", 1),
        ("timeout", "kernel", 4),
        ("SIGTERM", "run", 16),
    ]
    chain(place, points, wanted)


@pytest.mark.slow
def test_a_thousand_ends_of_runs_with_a_kernel(place):
    """Every end at every step of the run and of its kernel, the others at any moment; ten a place."""
    began = time.monotonic()
    assert attempt_with_kernel(place, "SIGTERM", "run", 10**6) == 0, (place / "said").read_text()
    seconds, steps = time.monotonic() - began, (place / "steps").stat().st_size
    inside, wanted = (place / "kernel-steps").stat().st_size, contents(place)
    assert steps > 20
    assert inside >= 4
    choose = random.Random(20261129)
    kinds = [*faults.ENDS, *faults.KERNEL]
    points: list[tuple[str, str, float]] = [
        *((fault, "run", at) for fault in faults.ENDS for at in range(1, steps + 1)),
        *((fault, "kernel", at) for fault in kinds for at in range(1, inside + 1)),
    ]
    while len(points) < COUNT:
        points.append((choose.choice(kinds), "moment", round(choose.uniform(0.05, seconds * 1.1), 3)))
    choose.shuffle(points)
    for start in range(0, COUNT, CHAIN):
        shutil.rmtree(place / "work")
        chain(place, points[start : min(start + CHAIN, COUNT)], wanted)


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
