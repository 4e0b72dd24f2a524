"""One target after the other, or several at once, each to a complete run or to one sentence why not.

A target is a parameter file, or a source that needs none. An `Outcome` is what became of it, for the
terminal or as JSON. Several at once are processes of their own, one thread a fit: many small fits with many
threads each slow one another down. Reading the command line and printing belong to `cli`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from segkit import index, logs, runs
from segkit import params as kinds
from segkit.errors import ParameterError, SegkitError
from segkit.params import Kind, Params, Recipe
from segkit.safe import filename

from . import runner

log = logging.getLogger(__name__)

GRACE = 4  # seconds stopped processes get to clean up, all together
PARENT, LOOK_SECONDS = "SEGKIT_BATCH_PID", 0.5  # who started this process, and how often it is looked for
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
RECIPES = (".yml", ".yaml")
Task = tuple[str, "Order"]


@dataclass(frozen=True)
class Outcome:
    """What became of a target."""

    target: str
    status: str  # complete, skipped, failed (it was read), refused (nothing could start)
    exit_code: int = 0
    directory: str = ""
    message: str = ""
    verdict: str = ""
    segments: int = 0
    seconds: float = 0.0

    @property
    def line(self) -> str:
        """One line for a person; of a finished run it ends with the path of the report."""
        if self.exit_code:
            return f"{Path(self.target).name}: {self.message}"
        took = "already complete" if self.status == "skipped" else f"{self.seconds:.1f} s"
        return f"{self.message} ({took}) {self.directory}/report.html"

    @property
    def json(self) -> str:
        """The outcome as one line for programs."""
        return json.dumps(asdict(self), ensure_ascii=False)


@dataclass(frozen=True)
class Order:
    """How the runs of one call are to be made; `flags` are parameters as they were typed."""

    out: str = "reports"
    notebook: str = ""
    timeout: float = 0
    skip_complete: bool = False
    progress: bool = False
    level: str = "info"
    index: str = ""
    flags: Mapping[str, str] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """Return the order as the command line takes it."""
        own = {"out": self.out, "notebook": self.notebook, "timeout": self.timeout, **self.flags}
        given = [f"--{name.replace('_', '-')}={value}" for name, value in own.items()]
        debug = ["--log-level=debug"] if self.level == "debug" else []
        return [*given, *debug, *(["--skip-complete"] if self.skip_complete else [])]


def one(target: str, order: Order) -> Outcome:
    """Carry out one target; every error becomes an outcome."""
    began = time.monotonic()
    try:
        recipe = _recipe(target, order)
        known = _complete(recipe, order) if order.skip_complete else None
        folder = known or _recorded(recipe, order)
        return _done(target, folder, "skipped" if known else "complete", time.monotonic() - began)
    except SegkitError as error:
        status = "refused" if error.exit_code == 2 else "failed"
        return Outcome(target, status, error.exit_code, message=str(error))
    except Exception as error:  # noqa: BLE001 - the promise of this function
        return Outcome(target, "failed", 1, message=logs.unforeseen(error))


def _recorded(recipe: Recipe, order: Order) -> Path:
    """Make a run, and tell the index."""
    study = recipe.params.study_dump()
    about = {"name": filename(recipe.name), "notebook": recipe.notebook}
    changed = {name: study[name] for name in recipe.params.changed()}
    about["source"] = _shown(str(study.get("source", "")))
    with index.Recording(order.index, parameters=changed, **about) as finished:
        folder = runner.run(
            recipe.params,
            out=order.out,
            notebook=recipe.notebook,
            name=recipe.name,
            timeout=order.timeout,
            progress=order.progress,
            level=order.level,
        )
        finished(folder)
    return folder


def carry_out(targets: Sequence[str], order: Order, jobs: int) -> Iterator[Outcome]:
    """Carry out targets, `jobs` at once, those with `by` group by group; yield what became of each."""
    if parent := os.environ.pop(PARENT, ""):
        threading.Thread(target=_follow, args=(int(parent),), daemon=True).start()
    tasks = [task for target in targets for task in _tasks(target, order)]
    if jobs > 1 and len(tasks) > 1:
        yield from several(tasks, jobs)
    else:
        yield from (one(*task) for task in tasks)


def _follow(parent: int) -> None:
    """End this process as a stop would when the one that started it is gone, however that ended."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _tasks(target: str, order: Order) -> list[Task]:
    """Return a target as one task, or one for each group; what is wrong with it is said when it is run."""
    try:
        study = _recipe(target, order).params
        if not isinstance(study, Params) or not study.by or study.group:
            return [(target, order)]
        from segkit.checks import groups  # noqa: PLC0415 - only this needs to read data before a kernel starts

        found = list(groups(study))
    except Exception:  # noqa: BLE001 - `one` meets the same fault and makes an outcome of it
        return [(target, order)]
    return [(target, replace(order, flags={**order.flags, "group": group})) for group in found]


def several(tasks: Sequence[Task], jobs: int) -> Iterator[Outcome]:
    """Carry out tasks in processes, `jobs` at once, each a call of the command line; yield as they end."""
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), PARENT: str(os.getpid())}
    running: list[subprocess.Popen[str]] = []

    def carry_out(target: str, order: Order, key: str) -> Outcome:
        command = [
            sys.executable,
            "-P",
            "-m",
            "segkit.cli",
            "run",
            "--json",
            *order.arguments(),
            "--",
            target,
        ]
        child = subprocess.Popen(  # noqa: S603 - our own interpreter
            command,
            env=environment | {index.KEY: key},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running.append(child)
        said = child.communicate()[0].strip()
        return (
            Outcome(**json.loads(said)) if said else Outcome(target, "failed", 1, message="It was stopped.")
        )

    pool = ThreadPoolExecutor(jobs)
    with index.queued(tasks[0][1].index, [_shown(target) for target, _ in tasks]) as keys:
        try:
            work = [pool.submit(carry_out, *task, key) for task, key in zip(tasks, keys, strict=True)]
            for done in as_completed(work):
                yield done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            _stop(running)


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """Return 0 when all are complete, 2 when none could start, else 1.

    Examples
    --------
    >>> exit_code([Outcome("a", "complete"), Outcome("b", "refused", 2)])
    1
    """
    codes = {outcome.exit_code for outcome in outcomes}
    return codes.pop() if len(codes) == 1 else 1


def total(outcomes: Sequence[Outcome]) -> str:
    """Say in one line what became of several.

    Examples
    --------
    >>> total([Outcome("a", "complete"), Outcome("b", "complete"), Outcome("c", "refused", 2)])
    '2 complete, 1 refused.'
    """
    counts = Counter(outcome.status for outcome in outcomes)
    order = ("complete", "skipped", "failed", "refused")
    return ", ".join(f"{counts[status]} {status}" for status in order if counts[status]) + "."


def _recipe(target: str, order: Order) -> Recipe:
    """Return what a target asks for: a parameter file and flags over it, or a source and flags."""
    flags = dict(order.flags)
    if Path(target).suffix.lower() in RECIPES:
        read = kinds.read(target)
        study = type(read.params).from_text(flags, base=read.params)
        return Recipe(read.file, order.notebook or read.notebook, _called(read.name, study), study)
    kind: type[Kind] = kinds.KINDS.get(order.notebook, Params)
    if "source" in flags:
        message = f"The source is named twice: {target} and --source {flags['source']}. Name it once."
        raise ParameterError(message)
    study = kind.from_text({"source": target, **flags})
    return Recipe("", order.notebook or kind.notebook, _called(runner.stem(target), study), study)


def _called(name: str, study: Kind) -> str:
    """Return the name of a run; that of one group says which."""
    group = study.dump().get("group", "")
    return f"{name}-{group}" if group else name


def _shown(source: str) -> str:
    """Return a source as the index shows it: no directory, no password."""
    return source if source.startswith("sample:") else Path(source).name


def _complete(recipe: Recipe, order: Order) -> Path | None:
    """Return the run that is there already: same notebook, parameters, version and bytes of the input."""
    study = recipe.params.study_dump()
    if any(study.get(name) for name in ("model", "before", "like", "names", "playbook")):
        return None  # another run or file goes in as well, and may have changed
    known = {"notebook": recipe.notebook, "parameters": study, "version": version("segkit")}
    for folder, record in runs.find(order.out, recipe.name, **known):
        if record["input"]["sha256"] == _fingerprint(study["source"]) or study["source"].startswith(
            "sample:"
        ):
            return folder
    return None


def _fingerprint(source: str) -> str:
    try:
        with Path(source).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _done(target: str, folder: Path, status: str, seconds: float) -> Outcome:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_bytes())
    verdict = summary.get("verdict", {})
    return Outcome(
        target,
        status,
        directory=_short(folder),
        message=summary["text"]["headline"],
        verdict=verdict.get("level", ""),
        segments=verdict["shown"] if "shown" in verdict else len(summary.get("sizes", [])),
        seconds=round(seconds, 1),
    )


def _short(folder: Path) -> str:
    """Return the path as a person in this directory would write it."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def _stop(children: Sequence[subprocess.Popen[str]]) -> None:
    """Ask those that still run to end, and after a while end them."""
    end, left = time.monotonic() + GRACE, [child for child in children if child.poll() is None]
    for child in left:
        child.terminate()
    for child in left:
        try:
            child.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
