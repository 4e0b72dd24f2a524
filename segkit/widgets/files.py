"""What a page hands out: every export of the study on it, made when asked for, and the report of a batch run.

Exports are those of `delivery`, from a run that is saved once per study into a directory nobody else can
enter; it goes with this process. A report is made by a process of its own, as `segkit run` makes it: nothing
of this page is in it but the parameters.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from segkit import runs
from segkit.errors import StepError
from segkit.params import Kind
from segkit.widgets import late

if TYPE_CHECKING:
    from segkit.kinds import Made

CSV, PARQUET, JSON = "text/csv", "application/vnd.apache.parquet", "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EXPORTS = {
    "segments.csv": (CSV, "One row per customer, for any spreadsheet"),
    "segments.parquet": (PARQUET, "The same, with types, for programs"),
    "study.xlsx": (XLSX, "A workbook: summary, segments, profile, drivers, actions, rules, customers"),
    "study.md": ("text/markdown", "The answer in words"),
    "summary.json": (JSON, "Everything on this page, as data"),
    "model.json": (JSON, "Scores new customers, readable"),
    "model.sql": ("text/plain", "The same model as a query"),
}
OWN = runs.DATA  # files of the run itself; the others are written from it
GRACE = 10


class Exports:
    """The files of one study, each made when it is asked for."""

    def __init__(self) -> None:
        self._lock, self._study = Lock(), None  # type: Lock, Made | None
        self._home: tempfile.TemporaryDirectory[str] | None = None

    def content(self, study: Made, name: str) -> tuple[str, str, bytes]:
        """Return a file's name, media type and bytes."""
        with self._lock:
            run = self._run(study)
            if name not in OWN:
                late.deliver(run, run.parent / name)
            file = run / name if name in OWN else run.parent / name
            return name, EXPORTS[name][0], file.read_bytes()

    def clear(self) -> None:
        """Remove what was made."""
        with self._lock:
            if self._home:
                self._home.cleanup()
            self._home = self._study = None

    def _run(self, study: Made) -> Path:
        self._home = self._home or tempfile.TemporaryDirectory(prefix="segkit-", ignore_cleanup_errors=True)
        folder = Path(self._home.name) / "run"
        if self._study is not study:
            runs.save(study, folder)
            self._study = study
        return folder


class Batch:
    """One report at a time, by a process of its own."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None
        self._home = tempfile.TemporaryDirectory(prefix="segkit-", ignore_cleanup_errors=True)

    def run(self, params: Kind, file: Path | None, *, name: str, out: str = "") -> Path:
        """Make a report and return its directory; `file` is where the source lies when it was uploaded.

        Raises
        ------
        StepError
            In the words of the run, when there is no report.
        """
        self.stop()
        recipe = Path(self._home.name) / f"{name}.yml"
        recipe.write_text(
            params.but(**({"source": str(file)} if file else {})).to_yaml(name=name), encoding="utf-8"
        )
        out = out or str(Path(self._home.name) / "reports")
        command = [sys.executable, "-P", "-m", "segkit.cli", "run", "--json", "--out", out, str(recipe)]
        self._child = child = subprocess.Popen(  # noqa: S603 - our own interpreter
            command, env=unmarked(os.environ), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip
        said = child.communicate()[0].strip()
        if not said:
            raise StepError("The report was stopped. Nothing of it is kept.")
        told = json.loads(said.splitlines()[-1])
        if told["exit_code"]:
            raise StepError(told["message"])
        return Path(told["directory"]).resolve()

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()


def unmarked(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what marks a dashboard: the report is this page's own, and writes files.

    Examples
    --------
    >>> unmarked({"PATH": "/bin", "SEGKIT_FACE": "dashboard", "VOILA_BASE_URL": "/", "QUERY_STRING": "a=1"})
    {'PATH': '/bin'}
    """
    marks = ("SEGKIT_FACE", "SERVER_SOFTWARE", "QUERY_STRING")
    return {name: environ[name] for name in environ if name not in marks and not name.startswith("VOILA_")}
