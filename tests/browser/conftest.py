"""Servers for the tests that look at real pages."""

from __future__ import annotations

import json
import os
import re
import shutil
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
QUIET = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell stands in the page, to be read
}


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
    """Serve the first notebook or the one asked for, once for the tests of a file; return its address.

    A number after its name is the limit of uploads, in megabytes.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    book, _, limit = getattr(request, "param", NOTEBOOK.stem).partition(" ")
    start = f"from segkit.serve import serve; serve(port={port}, notebook={book!r})"
    command = [sys.executable, "-c", start]
    env = {**os.environ, "SEGKIT_TOKEN": TOKEN, "SEGKIT_UPLOAD_LIMIT_MB": limit or "3"}
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


@pytest.fixture
def lab(spawn: Callable[..., Any], free_port: int, tmp_path: Path) -> str:
    """Start JupyterLab in a folder with the notebook; return the address that opens it."""
    home = tmp_path / "home"
    shutil.copy(NOTEBOOK, tmp_path / NOTEBOOK.name)
    for name, settings in QUIET.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        f"--port={free_port}",
        "--ServerApp.port_retries=0",
    ]
    command += [
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        f"--ServerApp.root_dir={tmp_path}",
    ]
    env = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    spawn(command, ready=f"http://127.0.0.1:{free_port}/api/status", timeout=120, env=env)
    return f"http://127.0.0.1:{free_port}/lab/tree/{NOTEBOOK.name}"
