"""The notebook in a real JupyterLab."""

from __future__ import annotations

import json
import os
import shutil
import sys

import pytest

from tests.browser import live
from tests.browser.conftest import NOTEBOOK
from tests.browser.live import EMPTY, STEADY

pytestmark = pytest.mark.browser
QUIET = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell stands in the page, to be read
}


@pytest.fixture
def lab(spawn, free_port, tmp_path):
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


def run_all(page):
    """Run every cell; the menu is deaf until the kernel has been idle for a while, so look and ask again."""
    page.locator(".jp-Notebook").wait_for()
    for _ in range(10):
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        page.wait_for_timeout(1_500)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_timeout(3_000)
        if page.locator(".jp-InputPrompt").filter(has_text="[*]").count() or page.locator(".sk-form").count():
            return
    pytest.fail("JupyterLab does not run the cells")


def test_moving_k_in_jupyterlab_changes_everything(patient, lab, panels, study):
    patient.goto(lab)
    run_all(patient)
    before = live.wait_for(patient, study(), panels)
    live.slide(patient, 4)
    after = live.wait_for(patient, study(segments=4), panels)
    live.settled(patient)
    follows = [
        name for name in panels if live.expected(study(), name) != live.expected(study(segments=4), name)
    ]
    assert [name for name in panels if before[name] != after[name]] == follows
    assert set(panels) - set(follows) <= STEADY | EMPTY
    assert patient.evaluate("document.querySelectorAll('script[src^=blob]').length") <= 1
    too_wide = "(box) => box.scrollWidth > box.clientWidth + 2"
    assert not patient.evaluate(f"[...document.querySelectorAll('.sk-plot')].some({too_wide})")
