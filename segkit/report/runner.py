"""A notebook run without a reader: parameters in, a complete run out.

papermill executes the notebook in a kernel of this very Python; the notebook's last cell saves the data
files; here they become a run with ``report.ipynb`` and ``report.html``. How a page is put together is in
`page`; what a run is, in `runs`. Every way an execution can fail becomes one sentence, and leaves nothing
behind.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from segkit import errors, logs, places, runs
from segkit.errors import OUT_OF_MEMORY, SegkitError, StepError, lacks_memory
from segkit.params import Kind
from segkit.safe import filename

from . import page

log = logging.getLogger(__name__)
logging.getLogger("papermill").addHandler(logging.NullHandler())  # what it has to say is raised

START_SECONDS = 120
_FRAME = re.compile(r"\s*(?:File |Cell In|-+> ?\d)")


def run(
    params: Kind,
    *,
    out: str | Path = "reports",
    notebook: str = "",
    name: str = "",
    timeout: float = 0,
    progress: bool = False,
    level: str = "info",
) -> Path:
    """Run a notebook with these parameters to a complete run; return its directory.

    Parameters
    ----------
    params
        A validated study; only its plain JSON values reach the notebook.
    out
        Directory of the runs.
    notebook, name
        By default the notebook of this kind of study, and the stem of the source.
    timeout
        Seconds after which to give up; 0 for never.
    progress
        Show a bar of the cells on the terminal.
    level
        What goes into ``run.log``.

    Raises
    ------
    SegkitError
        What the notebook raised, in its own words, or that it was stopped. Nothing is left behind.
    """
    notebook = notebook or params.notebook
    source = places.notebook(notebook)
    name = filename(name or stem(params.dump()["source"]))
    with runs.begin(out, name) as made:
        with logs.to_file(made.path / "run.log", level):
            log.info("segkit %s runs %s", version("segkit"), notebook)
            began = time.monotonic()
            values = params.but(output=str(made.path), interactive=False).dump()
            environment = os.environ | logs.for_child(made.path / "run.log", level)
            done = _execute(source, values, timeout, environment, progress=progress)
            summary = _summary(made.path)
            name = f"{name}-{identity(notebook, summary)}"
            _write(done, made.path, name, summary)
            log.info("done in %.1f s", time.monotonic() - began)
        for words in logs.warnings(made.path / "run.log"):
            log.warning(words)
        return made.publish(name, notebook=notebook)


def stem(source: str) -> str:
    """Return the name of a run when none is given.

    Examples
    --------
    >>> stem("data/Wholesale customers data.csv"), stem("sample:retail")
    ('Wholesale customers data', 'retail')
    """
    return Path(source.removeprefix("sample:")).stem


def identity(notebook: str, summary: Mapping[str, Any]) -> str:
    """Return the id of the run that a summary came from."""
    return runs.identity(
        notebook,
        summary["parameters"],
        summary["provenance"]["input_sha256"],
        summary["provenance"]["segkit"],
    )


class _ThisPython(AsyncKernelManager):
    """A kernel of the interpreter that runs segkit, whatever kernels the machine knows by name."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """Return how to start the kernel; before anything else it logs where we log."""
        first = "--IPKernelApp.exec_lines=__import__('segkit.logs').logs.from_environment()"
        safe = "--IPKernelApp.ignore_cwd=True"  # a numpy.py that lies among the data is not imported
        argv = [sys.executable, "-P", "-m", "ipykernel", "-f", "{connection_file}", first, safe]
        return KernelSpec(argv=argv, display_name="segkit", language="python")

    async def start_kernel(self, **options: Any) -> Any:  # type: ignore[override]  # typed as synchronous
        """Start it; whatever stops this process waits meanwhile, or it would not know what it started."""
        with _undisturbed():
            return await super().start_kernel(**options)

    def end(self) -> None:
        """Kill the kernel if it still lives: nbclient leaves one alone whose start was interrupted."""
        process = getattr(self.provisioner, "process", None)
        if process and process.poll() is None:
            process.kill()
            process.wait()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals that stop this process wait until the block is done."""
    came: list[int] = []
    ours = threading.current_thread() is threading.main_thread()  # no other hears signals
    numbers = (signal.SIGINT, signal.SIGTERM) if ours else ()
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for each in came:
            signal.raise_signal(each)


class _Engine(Engine):  # type: ignore[misc]
    """papermill's way of running cells, on our kernel, with one time limit for all of them together."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:  # noqa: ARG003
        """Run every cell; the kernel is gone afterwards, whatever happened."""
        limit = options["limit"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with TemporaryDirectory(prefix="segkit-") as private:  # sockets nobody else on the machine can open
            kernel = _ThisPython(transport="ipc", ip=f"{private}/s", connection_file=f"{private}/kernel.json")
            client = PapermillNotebookClient(
                nb_man,
                km=kernel,
                timeout_func=_countdown(limit) if limit else None,
                startup_timeout=START_SECONDS,
                shutdown_kernel="immediate",
                store_widget_state=False,
                record_timing=False,
                log=logging.getLogger("papermill"),
            )
            try:
                client.execute(cleanup_kc=True, env=options["environment"], **quiet)
            finally:
                kernel.end()


papermill_engines.register("segkit", _Engine)


def _countdown(limit: float) -> Callable[[object], float]:
    deadline = time.monotonic() + limit
    return lambda _cell: max(deadline - time.monotonic(), 0.01)


def _execute(
    source: Path, values: dict[str, Any], limit: float, environment: dict[str, str], *, progress: bool
) -> nbformat.NotebookNode:
    """Execute a notebook; turn every way it can fail into one sentence."""
    try:
        done = papermill.execute_notebook(
            str(source).replace("{", "{{").replace("}", "}}"),
            None,
            parameters=values,
            engine_name="segkit",
            kernel_name="python3",
            language="python",
            progress_bar=progress,
            limit=limit,
            environment=environment,
        )
    except PapermillExecutionError as error:
        raise _from_cell(error) from None
    except CellTimeoutError:
        message = f"Not finished after {limit:g} seconds, so it was stopped. Allow more with --timeout."
        raise StepError(message) from None
    except (DeadKernelError, MemoryError):
        raise StepError(OUT_OF_MEMORY) from None
    except RuntimeError as error:
        if "Kernel died" in str(error):  # before it said a word
            raise StepError(OUT_OF_MEMORY) from None
        raise
    return done  # type: ignore[no-any-return]


def _from_cell(error: PapermillExecutionError) -> SegkitError:
    """Return what a cell raised as an error of ours; of an unforeseen one the places are kept."""
    kind = getattr(errors, error.ename, None)
    if isinstance(kind, type) and issubclass(kind, SegkitError):
        return kind(error.evalue)
    whole = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(error.traceback))
    if (
        not whole or error.ename == "MemoryError" or lacks_memory(whole)
    ):  # too little even to say what is wrong
        return StepError(OUT_OF_MEMORY)
    lines = whole.splitlines()
    trace = "\n".join([*(line for line in lines if _FRAME.match(line)), error.ename])
    return StepError(logs.unforeseen(trace))


def _summary(folder: Path) -> dict[str, Any]:
    try:
        summary: dict[str, Any] = json.loads((folder / "summary.json").read_bytes())
    except OSError:
        raise StepError("The notebook saved no results. Its last cell must be view.save().") from None
    return summary


def _write(done: nbformat.NotebookNode, folder: Path, name: str, summary: Mapping[str, Any]) -> None:
    """Write the executed notebook and its page."""
    _clean(done)
    nbformat.write(done, folder / "report.ipynb")
    (folder / "report.html").write_text(page.render(done, name, summary), encoding="utf-8")


def _clean(done: nbformat.NotebookNode) -> None:
    """Leave in an executed notebook what every run gives: no times, no temporary paths, no widgets."""
    for part in (done, *done.cells):
        for key in ("papermill", "widgets", "execution"):
            part.metadata.pop(key, None)
    for cell in done.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
            cell.source = re.sub(r"(?m)^output = .*$", 'output = ""', cell.source)
