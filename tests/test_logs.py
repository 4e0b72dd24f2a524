"""Logs say where and what kind, never what a row holds, and their files are closed."""

from __future__ import annotations

import logging
import re

import pytest

from segkit import logs
from segkit.errors import SourceError

ALICE = "alice@example.org"
log = logging.getLogger("segkit.somewhere")


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error from cause
    return caught.value


def test_a_trace_has_places_and_kinds_but_no_words():
    found = logs.trace(raised(KeyError(ALICE), raised(ValueError(ALICE))))
    lines = found.splitlines()
    assert [line for line in lines if not line.startswith("  ")] == [
        "ValueError",
        "which led to:",
        "KeyError",
    ]
    assert re.search(r"test_logs\.py:\d+ in raised", found)
    assert ALICE not in found


def test_what_segkit_itself_said_is_kept():
    assert logs.trace(raised(SourceError("shop.csv is empty."))).endswith("SourceError: shop.csv is empty.")


def test_a_file_gets_what_is_logged_while_it_is_open_and_no_words_of_exceptions(tmp_path):
    file = tmp_path / "run.log"
    with logs.to_file(file):
        log.debug("too much")
        log.info("step %s", "read")
        log.warning("careful: %d", 3)
        log.error("failed", exc_info=raised(ValueError(ALICE)))
    log.info("too late")
    text = file.read_text()
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} INFO segkit\.somewhere: step read\n", text)
    assert text.endswith("in raised\nValueError\n")
    assert not re.search(f"{ALICE}|too much|too late", text)
    assert list(logs.warnings(file)) == ["careful: 3"]
    assert logging.getLogger("segkit").handlers == []


def test_a_child_logs_into_the_same_file(tmp_path, monkeypatch):
    for name, value in logs.for_child(tmp_path / "run.log", "debug").items():
        monkeypatch.setenv(name, value)
    logs.from_environment()
    try:
        log.debug("from the child")
        assert "DEBUG segkit.somewhere: from the child" in (tmp_path / "run.log").read_text()
    finally:
        for handler in logging.getLogger("segkit").handlers:
            handler.close()
        logging.getLogger("segkit").handlers.clear()


def test_warnings_reach_the_terminal_and_no_more(capsys):
    with logs.to_terminal():
        log.info("quiet")
        log.warning("loud")
    assert capsys.readouterr().err == "segkit: loud\n"


def test_the_unforeseen_is_kept_under_the_id_that_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    said = logs.unforeseen(raised(ValueError(ALICE)))
    number = re.search(r"error ([0-9A-F]{4}-[0-9A-F]{2})\.", said)[1]
    kept = (tmp_path / "segkit" / "errors.log").read_text()
    assert f"error {number}\n" in kept
    assert ALICE not in said + kept


def test_without_a_place_to_keep_it_the_kind_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert logs.unforeseen(ValueError(ALICE)).endswith(". ValueError.")
