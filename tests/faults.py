"""Faults at the n-th step of a run: the process dies or is told to end there, or the disk says no.

A step is everything that Python asks of the file system to write below one folder (an audit hook sees it:
files opened to write, folders, renames, removals), every ``fsync`` and every statement to the index. Nothing
of this is in segkit itself: what runs under test is what runs at night. What native code writes on its own is
met by a limit on the size of files (`small_files`).
"""

from __future__ import annotations

import errno
import itertools
import os
import resource
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

ENDS = {"SIGKILL": -9, "SIGTERM": 143, "SIGINT": 130}
KERNEL = ("kernel killed", "timeout")  # what ends the kernel and not the run's own process
ERRORS = ("ENOSPC", "EIO", "EACCES")
NAMED = {
    "open": 0,
    "os.mkdir": 0,
    "os.rename": 1,
    "os.remove": 0,
    "os.rmdir": 0,
}  # which argument is the path
IN_KERNEL = "SEGKIT_TEST_FAULT"
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def arm(fault: str | Callable[[], None], at: int, root: Path, log: Path) -> None:
    """Let `fault` happen at step `at` below `root`, in this process; each step adds a byte to `log`.

    A fault is one of `ENDS` or `ERRORS`, or is called. Only for a process that ends soon: an audit hook
    cannot be taken away.
    """
    main, count = threading.main_thread(), itertools.count(1)
    diary = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    happen = fault if callable(fault) else lambda: os.kill(os.getpid(), getattr(signal, fault))

    def step(error: Callable[[int], Exception]) -> None:
        if threading.current_thread() is not main:  # the heartbeat of the index comes when it wants
            return
        os.write(diary, b".")
        if next(count) != at:
            return
        if fault in ERRORS:
            raise error(getattr(errno, fault))
        happen()

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in NAMED and isinstance(args[NAMED[event]], (str, os.PathLike)):
            path = os.path.abspath(args[NAMED[event]])  # noqa: PTH100 - a hook must not open anything
            writes = event != "open" or args[2] & WRITES
            if writes and path.startswith(f"{root}{os.sep}") and not path.endswith((".pyc", str(diary))):
                step(lambda number: OSError(number, os.strerror(number)))

    def fsync(descriptor: Any, real: Callable[[Any], None] = os.fsync) -> None:
        step(lambda number: OSError(number, os.strerror(number)))
        real(descriptor)

    def statement(*_: Any) -> None:
        step(lambda number: sqlite3.OperationalError(os.strerror(number)))

    os.fsync = fsync
    sa.event.listen(sa.Engine, "do_execute", statement)
    sys.addaudithook(hook)


def arm_kernel(folder: str) -> None:
    """Let the fault that `IN_KERNEL` names happen at its step, in a kernel."""
    fault, at, log = os.environ[IN_KERNEL].split(":", 2)

    def happen() -> None:
        if fault == "kernel killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == "timeout":
            time.sleep(600)  # the run's own limit comes first
        else:
            os.kill(os.getppid(), getattr(signal, fault))

    arm(happen, int(at), Path(folder), Path(log))


def later(fault: str, seconds: float) -> None:
    """Let `fault` happen to this process, or to its kernel if there is one, after so many seconds."""

    def happen() -> None:
        if fault == "kernel killed":
            for child in psutil.Process().children():
                child.kill()
        else:
            os.kill(os.getpid(), getattr(signal, fault))

    timer = threading.Timer(seconds, happen)
    timer.daemon = True
    timer.start()


def small_files(limit: int) -> None:
    """Let every write, native ones too, fail that would make a file larger than `limit` bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


def in_child(work: Callable[[], int], said: Path) -> int:
    """Do `work` in a fork; return its exit code, -9 when it was killed, and its output in the file `said`."""
    sys.stdout.flush()
    sys.stderr.flush()
    source, sink = os.pipe()  # not a file: its size may be limited
    pid = os.fork()
    if pid:
        os.close(sink)
        with os.fdopen(source, "rb") as stream:
            said.write_bytes(stream.read())
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 99
    try:
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        code = work()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
