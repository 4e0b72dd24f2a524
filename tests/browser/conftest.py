"""Servers for the tests that look at real pages."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segkit.study import Study, segment

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01-segment-customers.ipynb"
TOKEN = "a-token-for-tests"


@pytest.fixture(scope="session")
def panels() -> tuple[str, ...]:
    """Return the names of the panels in the notebook, in order."""
    from tests.browser.live import wait_cells

    return wait_cells(json.loads(NOTEBOOK.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def study() -> Callable[..., Study]:
    """Return a function that makes the study of the sample for some fields, once each."""
    made: dict[str, Study] = {}

    def make(source: str = "sample:retail", **fields: Any) -> Study:
        key = json.dumps([source, fields], sort_keys=True)
        made[key] = made.get(key) or segment(source, **fields)
        return made[key]

    return make


@pytest.fixture
def dashboard(spawn: Any, free_port: int) -> str:
    """Start `segkit serve`; return the address it prints."""
    command = [sys.executable, "-m", "segkit.cli", "serve", "--port", free_port]
    env = {**os.environ, "SEGKIT_TOKEN": TOKEN, "SEGKIT_UPLOAD_LIMIT_MB": "3"}
    server = spawn(list(map(str, command)), ready=re.compile(r"segkit is at (\S+)"), timeout=120, env=env)
    return str(server.match[1])


@pytest.fixture
def patient(page: Any) -> Any:
    """Return a page that waits as long as a busy machine needs."""
    page.set_default_timeout(90_000)
    page.set_default_navigation_timeout(240_000)
    return page
