"""The newest request wins, and no failure reaches the page with a value in it."""

from __future__ import annotations

import threading

import pytest

from segkit.errors import SourceError
from segkit.widgets import work as room
from segkit.widgets.work import Work, sentence


class Page:
    def __init__(self):
        self.said, self.wrong = [], []

    def say(self, text, *, busy=False):
        self.said.append(text)

    def complain(self, text):
        self.wrong.append(text)


@pytest.fixture
def page(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(room, "PAUSE", 0.05)
    page = Page()
    page.work = Work(lambda: page)
    return page


def test_result_is_taken_and_reported(page):
    taken = []
    page.work.ask(lambda: 7, taken.append)
    assert page.work.wait(5)
    assert taken == [7]
    assert page.said[0] == "Working on it."
    assert page.said[-1].startswith("Up to date. Took")


def test_only_the_last_of_quick_changes_is_worked_on(page):
    made, taken = [], []
    for number in range(10):
        page.work.ask(lambda number=number: made.append(number) or number, taken.append)
    assert page.work.wait(5)
    assert made == taken == [9]


def test_a_stale_result_never_replaces_a_newer_one(page):
    started, go_on, taken = threading.Event(), threading.Event(), []

    def slow():
        started.set()
        go_on.wait(5)
        return "old"

    page.work.ask(slow, taken.append)
    assert started.wait(5)
    page.work.ask(lambda: "new", taken.append)
    go_on.set()
    assert page.work.wait(5)
    assert taken == ["new"]


def test_a_stale_failure_is_not_shown(page):
    started, go_on = threading.Event(), threading.Event()

    def slow():
        started.set()
        go_on.wait(5)
        raise SourceError("old trouble")

    page.work.ask(slow, lambda _: None)
    assert started.wait(5)
    page.work.ask(lambda: 1, lambda _: None)
    go_on.set()
    assert page.work.wait(5)
    assert "old trouble" not in page.wrong


def test_at_once_runs_here(page):
    threads = []
    page.work.ask(lambda: threads.append(threading.current_thread()), lambda _: None, at_once=True)
    assert threads == [threading.current_thread()]


def test_own_errors_keep_their_words(page):
    def fail():
        raise SourceError("There is no column spent.")

    page.work.ask(fail, lambda _: None, at_once=True)
    assert page.wrong[-1] == "There is no column spent."
    assert page.said[-1] == "Not updated."
    assert page.work.wait(0)


def test_a_request_takes_the_old_complaint_away(page):
    page.work.ask(lambda: 1, lambda _: None, at_once=True)
    assert page.wrong == [""]


@pytest.mark.parametrize("way", ["guard", "ask", "then"])
def test_a_surprise_becomes_a_number_on_the_page_and_a_trace_in_the_log(way, page, tmp_path):
    def fail(*_):
        raise ValueError("could not convert 'alice@example.org' in /secret/path")

    if way == "guard":
        page.work.guard(fail)(1)
    else:
        make, then = (fail, lambda _: None) if way == "ask" else (lambda: 1, fail)
        page.work.ask(make, then, at_once=True)
    number = page.wrong[-1].rsplit(" ", 1)[1].rstrip(".")
    log = (tmp_path / "segkit" / "errors.log").read_text()
    assert number in log
    assert "ValueError" in log
    assert "test_work.py" in log
    for secret in ("alice", "/secret"):
        assert secret not in page.wrong[-1]
        assert secret not in log


def test_sentence_says_what_to_do():
    assert "Try again" in sentence(KeyError("x"))
