"""Servers for the tests that look at real pages."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from segkit.study import Study, segment
from tests.browser.live import panels_of
from tests.conftest import Spawned

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01-segment-customers.ipynb"
TOKEN = "a-token-for-tests"


@pytest.fixture(scope="session")
def panels() -> tuple[str, ...]:
    """Return the names of the panels in the notebook, in order."""
    return panels_of(json.loads(NOTEBOOK.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def study() -> Callable[..., Study]:
    """Return a function that makes the study of the sample for some fields, once each."""
    made: dict[str, Study] = {}

    def make(source: str = "sample:retail", **fields: Any) -> Study:
        key = json.dumps([source, fields], sort_keys=True)
        made[key] = made.get(key) or segment(source, **fields)
        return made[key]

    return make


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[str]:
    """Serve the first notebook or the one asked for, once for the tests of a file; return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    book = getattr(request, "param", NOTEBOOK.stem)
    start = f"from segkit.serve import serve; serve(port={port}, notebook={book!r})"
    command = [sys.executable, "-c", start]
    env = {**os.environ, "SEGKIT_TOKEN": TOKEN, "SEGKIT_UPLOAD_LIMIT_MB": "3"}
    server = Spawned(command, tmp_path_factory.mktemp("dashboard") / "serve.log", env=env)
    try:
        server.wait_until(re.compile(r"segkit is at (\S+)"), 120)
        yield str(server.match[1])
    finally:
        server.stop()


@pytest.fixture
def patient(page: Any) -> Any:
    """Return a page that waits as long as a busy machine needs."""
    page.set_default_timeout(90_000)
    page.set_default_navigation_timeout(240_000)
    return page
