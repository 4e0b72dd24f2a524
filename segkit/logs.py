"""Logging through the standard library: into a file beside the results, warnings to the terminal.

No row value is logged. Messages of segkit hold counts, names of columns and of steps. An exception's own
message may quote a customer ("could not convert 'alice@example.org'"), so a trace keeps where it happened
and what kind it was; only a `SegkitError`, whose text segkit wrote, keeps its words.
"""

from __future__ import annotations

import logging
import os
import secrets
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path

from . import places
from .errors import OUT_OF_MEMORY, SegkitError, lacks_memory

LEVELS = ("debug", "info", "warning", "error")
FILE, LEVEL = "SEGKIT_LOG_FILE", "SEGKIT_LOG_LEVEL"


class Discreet(logging.Formatter):
    """Writes a line per record; of an exception, the places and the kind without its words."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S%z")

    def formatException(self, ei: object) -> str:  # noqa: N802 - the standard library's name
        """Return the trace of an exception without row values."""
        error = ei[1] if isinstance(ei, tuple) else None
        return trace(error) if isinstance(error, BaseException) else ""


def trace(error: BaseException) -> str:
    """Return where an exception came from, innermost last, and its kind; never its words.

    Examples
    --------
    >>> trace(ValueError("could not convert 'alice@example.org'"))
    'ValueError'
    """
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = [trace(cause), "which led to:"] if cause else []
    frames = [f"  {f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    words = f": {error}" if isinstance(error, SegkitError) else ""
    return "\n".join([*before, *frames, type(error).__name__ + words])


@contextmanager
def to_terminal(level: str = "warning") -> Iterator[None]:
    """Send what segkit logs from `level` up to the terminal while the block runs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("segkit: %(message)s"))
    with _attached(handler, level):
        yield


@contextmanager
def to_file(path: Path, level: str = "info") -> Iterator[None]:
    """Send what segkit logs to a file while the block runs; the file is closed afterwards."""
    with _attached(_file(path), level):
        yield


def warnings(path: Path) -> Iterator[str]:
    """Yield the words of the warnings in a log file."""
    for line in path.read_text(encoding="utf-8").splitlines():
        _, _, rest = line.partition(" WARNING ")
        if rest:
            yield rest.partition(": ")[2]


def for_child(path: Path, level: str = "info") -> dict[str, str]:
    """Return the environment that makes a child process log into the same file; see `from_environment`."""
    return {FILE: str(path), LEVEL: level}


def from_environment() -> None:
    """Send what this process logs to the file its parent named; a kernel calls this first of all."""
    _attach(_file(Path(os.environ[FILE])), os.environ[LEVEL])


def unforeseen(error: BaseException | str) -> str:
    """Keep the trace of an exception nobody foresaw; return the sentence to show instead of it.

    A lack of memory can come anywhere and is no defect: it is said as what it is.
    """
    if lacks_memory(error):
        return OUT_OF_MEMORY
    where = error if isinstance(error, str) else trace(error)
    name = f"{secrets.token_hex(2)}-{secrets.token_hex(1)}".upper()
    said = f"That did not work, and segkit did not foresee it: error {name}."
    file = places.state_dir() / "errors.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = _Quiet(file, maxBytes=1_000_000, backupCount=1, encoding="utf-8")
    except OSError:
        return f"{said} {where.splitlines()[-1]}."
    handler.setFormatter(Discreet())
    handler.handle(logging.LogRecord("segkit", logging.ERROR, "", 0, f"error {name}\n{where}", (), None))
    handler.close()
    return f"{said} The trace, without data, is in {file}."


def _file(path: Path) -> logging.Handler:
    handler = _Quiet(path, encoding="utf-8")
    handler.setFormatter(Discreet())
    return handler


class _Quiet(RotatingFileHandler):
    """A log that cannot be written says nothing to the terminal: what it is the log of fails for itself."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Leave the line out."""


@contextmanager
def _attached(handler: logging.Handler, level: str) -> Iterator[None]:
    _attach(handler, level)
    try:
        yield
    finally:
        logging.getLogger("segkit").removeHandler(handler)
        handler.close()


def _attach(handler: logging.Handler, level: str) -> None:
    handler.setLevel(level.upper())
    logger = logging.getLogger("segkit")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
