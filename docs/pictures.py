"""Take the README's pictures from a real run of the sample. Run by ``make pictures``; needs Chromium."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SEGKIT = Path(sys.executable).with_name("segkit")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def report(browser: Browser, folder: Path) -> None:
    """Run the main job and take the top of its report."""
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([SEGKIT, "run", ROOT / "parameters/retail.yml", "--out", out], check=True)
        (file,) = Path(out).glob("*/report.html")
        page = browser.new_page(viewport={"width": 1280, "height": 1250})
        page.goto(file.as_uri())
        page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length > 3")
        page.screenshot(path=folder / "report.png")


def dashboard(browser: Browser, folder: Path) -> None:
    """Serve the dashboard on a free port and take it once its figures are drawn."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [SEGKIT, "serve", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            page = browser.new_page(viewport={"width": 1440, "height": 1100})
            page.goto(address(server), timeout=120_000)
            page.goto(page.url.partition("?")[0] + "open/05-dashboard", timeout=120_000)
            page.wait_for_selector(".js-plotly-plot", timeout=120_000)
            page.wait_for_timeout(3_000)
            page.screenshot(path=folder / "dashboard.png")
        finally:
            server.terminate()


def lab(browser: Browser, folder: Path) -> None:
    """Run the notebook in JupyterLab, settings of its own, and take what a data scientist sees."""
    with tempfile.TemporaryDirectory() as place:
        shutil.copy(ROOT / "notebooks" / "01-segment-customers.ipynb", place)
        quiet = Path(place, "settings", "@jupyterlab", "apputils-extension")
        quiet.mkdir(parents=True)
        (quiet / "notification.jupyterlab-settings").write_text(
            '{"fetchNews": "false", "checkForUpdates": false}'
        )
        names = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        }
        env = os.environ | {name: str(Path(place, where)) for name, where in names.items()}
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--allow-root",
                   f"--ServerApp.root_dir={place}"]  # fmt: skip
        with subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as server:
            try:
                page = browser.new_page(viewport={"width": 1440, "height": 1000})
                found = address(server)
                page.goto(found.replace("/lab?", "/lab/tree/01-segment-customers.ipynb?"), timeout=120_000)
                page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=120_000)
                while not page.locator(".js-plotly-plot").count():
                    page.get_by_role("menuitem", name="Run", exact=True).click()
                    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
                    page.wait_for_timeout(30_000)
                page.locator(".sk-form").first.evaluate("(part) => part.scrollIntoView()")
                page.wait_for_timeout(2_000)
                page.screenshot(path=folder / "lab.png")
            finally:
                server.terminate()


def address(server: Any) -> str:
    """Return the first address a server prints."""
    for line in server.stdout:
        if found := re.search(r"https?://\S+", line):
            return found[0]
    return sys.exit("the server ended without printing an address")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, (os.environ.get("SEGKIT_CHROMIUM", ""), *BROWSERS))), None)
    if not path:
        sys.exit("no Chromium: run `apt-get install chromium`, or set SEGKIT_CHROMIUM to one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        report(browser, folder)
        dashboard(browser, folder)
        lab(browser, folder)
        browser.close()
    print(f"written: {', '.join(sorted(file.name for file in folder.glob('*.png')))}")


if __name__ == "__main__":
    main()
