"""Work beside the page: the newest request wins, and whatever goes wrong becomes one sentence.

A page shows and logs nothing by itself when a callback fails. So every callback goes through `Work.guard`,
and long work through `Work.ask`: off the page's own thread, after a short pause in which newer requests
replace it, and with results dropped that something newer has overtaken. What the work is about is not known
here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from threading import Event, RLock, Thread, Timer
from time import perf_counter
from typing import Any, Protocol, TypeVar

from segkit import logs
from segkit.errors import SegkitError

PAUSE = 0.15  # seconds without another request before work begins
AGAIN = (
    "That did not work. Your settings are kept. Try again; if it happens twice, "
    "tell the person who runs this page: error"
)
CANCELLED = "Cancelled. The last result is still shown."
Result = TypeVar("Result")


class Stopped(Exception):  # noqa: N818 - nothing went wrong
    """The work is not wanted any more."""


class Teller(Protocol):
    """Where a page says how the work is going."""

    def say(self, text: str, *, busy: bool = False) -> None:
        """Write the status line; while something is busy, it can be cancelled."""

    def complain(self, text: str) -> None:
        """Write what is wrong; an empty text takes it away."""


class Work:
    """Runs one thing at a time, and only the newest.

    Parameters
    ----------
    teller
        Gives the place to report to; asked late, because controls and work need each other.
    """

    def __init__(self, teller: Callable[[], Teller]) -> None:
        self._teller, self._turn = teller, RLock()
        self._newest, self._running = 0, 0
        self._timer, self._idle = Timer(0, int), Event()
        self._idle.set()
        self.on_failed: Callable[[], None] = lambda: None

    def guard(self, call: Callable[..., None]) -> Callable[..., None]:
        """Return `call` so that a failure becomes a sentence on the page and a trace in the log."""

        @wraps(call)
        def guarded(*args: Any) -> None:
            try:
                call(*args)
            except Exception as error:  # noqa: BLE001 - this is the one place where errors of a page end
                self._teller().complain(sentence(error))

        return guarded

    def ask(
        self,
        make: Callable[[], Result],
        then: Callable[[Result], None],
        *,
        at_once: bool = False,
        pause: float | None = None,
    ) -> None:
        """Let `make` run, then `then` with what it made, unless a newer request comes between.

        `at_once` does it now and in this thread: a notebook's cells run one after the other.
        """
        self._timer.cancel()
        self._newest += 1
        self._idle.clear()
        self._teller().complain("")
        if at_once:
            self._run(self._newest, make, then)
            return
        self._timer = Timer(PAUSE if pause is None else pause, self._run, (self._newest, make, then))
        self._timer.daemon = True
        self._timer.start()

    def step(self, text: str) -> None:
        """Say how far the work is; called by what `make` does. Work that is not wanted ends here.

        Raises
        ------
        Stopped
            When something newer was asked for, or the reader cancelled.
        """
        if self._running != self._newest:
            raise Stopped
        self._teller().say(text, busy=True)

    def cancel(self) -> None:
        """Let go of what is being done; the last result stays."""
        self._timer.cancel()
        self._newest += 1
        self._idle.set()
        self._teller().say(CANCELLED)

    def beside(self, call: Callable[[], None]) -> None:
        """Do something in a thread of its own, whatever else goes on; failures end as in `guard`."""
        Thread(target=self.guard(call), daemon=True).start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is left to do; return whether that happened in time."""
        return self._idle.wait(timeout)

    def _run(self, mine: int, make: Callable[[], Any], then: Callable[[Any], None]) -> None:
        with self._turn:
            if mine != self._newest:
                return
            self._running = mine
            self._teller().say("Working on it.", busy=True)
            start = perf_counter()
            try:
                made = make()
                if mine == self._newest:
                    then(made)
                    self._teller().say(f"Up to date. Took {perf_counter() - start:.1f} s.")
            except Stopped:
                return
            except Exception as error:  # noqa: BLE001 - as in guard
                self._failed(mine, error)
            if mine == self._newest:
                self._idle.set()

    def _failed(self, mine: int, error: Exception) -> None:
        if mine == self._newest:
            self._teller().complain(sentence(error))
            self._teller().say("Not updated.")
            self.on_failed()


def sentence(error: BaseException, said: str = AGAIN) -> str:
    """Return what a page says of an error: segkit's own words, or a number under which the log has the trace.

    The number comes after what is `said` of errors nobody foresaw.

    Examples
    --------
    >>> sentence(SegkitError("Segments must be 0 or 2 to 20; got 1."))
    'Segments must be 0 or 2 to 20; got 1.'
    """
    if isinstance(error, SegkitError):
        return str(error)
    number = re.search(r"error ([0-9A-F]{4}-[0-9A-F]{2})", logs.unforeseen(logs.trace(error)))
    return f"{said} {number[1] if number else type(error).__name__}."
