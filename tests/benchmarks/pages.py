"""Time the dashboard in a real browser beside a bare Voila page with one plotly widget, in the same run.

First picture: from the request of the page to the first drawn figure; cold starts a kernel for it, preheated
finds one ready. Slider: from the key press to the status line, cards and figures of the new number, the pause
included that waits for further presses. Weight: bytes of answers as they came, and of websockets. Each figure
is the median of some visits.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conftest import Spawned, chromium

BOOK = Path(__file__).resolve().parents[2] / "notebooks" / "05-dashboard.ipynb"
BARE = """
import plotly.graph_objects as go
go.FigureWidget(go.Bar(x=list(range(10)), y=list(range(10))))
"""
DRAWN = ".js-plotly-plot .main-svg"
WAIT = 600_000
REDRAWN = """(k) => document.querySelectorAll(".sk-cards > article").length === k
  && document.querySelector(".sk-panel-sizes .js-plotly-plot")?.data.length === k
  && [...document.querySelectorAll("[role=status]")].some((one) => /^Up to date/.test(one.textContent))"""


@contextmanager
def served(command: list[str], folder: Path, ready: str, **env: str) -> Iterator[Spawned]:
    """Run a server until the block ends."""
    server = Spawned([sys.executable, *command], folder / "server.log", env=os.environ | env)
    try:
        server.wait_until(ready, 120)
        yield server
    finally:
        server.stop()


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ours(folder: Path, *, preheat: int, book: Path = BOOK) -> Any:
    """Serve our dashboard; its address stands in its log."""
    port = free()
    code = f"from segkit.serve import serve; serve(port={port}, notebook={str(book)!r}, token='')"
    return port, served(
        ["-c", code], folder, r"segkit is at", SEGKIT_PREHEAT=str(preheat), SEGKIT_MAX_KERNELS="20"
    )


def bare(folder: Path, *, preheat: int) -> Any:
    """Serve one widget as anybody would."""
    cell = nbformat.v4.new_code_cell(BARE)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    place = folder / "bare.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": spec}), place)
    port = free()
    command = [
        "-m",
        "voila",
        str(place),
        f"--port={port}",
        "--no-browser",
        f"--preheat_kernel={bool(preheat)}",
    ]
    return port, served(command, folder, f"http://127.0.0.1:{port}/voila/static/voila.js")


def visit(browser: Browser, port: int) -> tuple[float, Page]:
    """Return the seconds to the first picture, and the page."""
    page = browser.new_context(viewport={"width": 1440, "height": 1400}).new_page()
    page.route(lambda address: "127.0.0.1" not in address, lambda route: route.abort())
    page.set_default_timeout(WAIT)
    begun = time.perf_counter()
    page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
    page.locator(DRAWN).first.wait_for(state="attached")
    return time.perf_counter() - begun, page


def first_picture(browser: Browser, folder: Path, visits: int) -> None:
    for words, preheat in (("cold", 0), ("preheated", 1)):
        found = {}
        for name, serve in (("dashboard", ours), ("bare", bare)):
            port, server = serve(folder, preheat=preheat)
            with server:
                times = []
                for _ in range(visits):
                    time.sleep(25 if preheat else 2)  # until the next kernel is ready
                    seconds, page = visit(browser, port)
                    times.append(seconds)
                    page.context.close()
                found[name] = statistics.median(times)
        ratio = found["dashboard"] / found["bare"]
        print(f"first picture, {words:10} {found['dashboard']:6.2f} s {ratio:6.2f} x bare Voila "
              f"({found['bare']:.2f} s)", flush=True)  # fmt: skip


def slider(browser: Browser, folder: Path, rows: int, visits: int) -> None:
    from segkit.data import samples

    book = folder / BOOK.name
    shutil.copy(BOOK, book)
    if rows != 10_000:
        samples.retail(rows, seed=0).to_parquet(folder / "customers.parquet")
        text = BOOK.read_text(encoding="utf-8").replace("sample:retail", str(folder / "customers.parquet"))
        book.write_text(text, encoding="utf-8")
    port, server = ours(folder, preheat=0, book=book)
    with server:
        _, page = visit(browser, port)
        page.get_by_role("status").get_by_text("Up to date").first.wait_for()
        handle = page.get_by_role("slider", name="Segments").first
        times = []
        for k in range(2, 3 + visits):
            begun = time.perf_counter()
            handle.press("ArrowRight")
            page.wait_for_function(REDRAWN, arg=k)
            times.append(time.perf_counter() - begun)
        print(f"slider, {rows:,} customers: {statistics.median(times[1:]):.2f} s "
              f"(first {times[0]:.2f} s, worst {max(times):.2f} s)", flush=True)  # fmt: skip


def weight(browser: Browser, folder: Path) -> None:
    port, server = ours(folder, preheat=0)
    with server:
        page = browser.new_context().new_page()
        page.set_default_timeout(WAIT)
        client = page.context.new_cdp_session(page)
        client.send("Network.enable")
        came: dict[str, list[Any]] = {"bytes": [], "frames": [], "asked": []}
        client.on("Network.loadingFinished", lambda told: came["bytes"].append(told["encodedDataLength"]))
        client.on(
            "Network.webSocketFrameReceived",
            lambda told: came["frames"].append(len(told["response"]["payloadData"])),
        )
        page.on("request", lambda request: came["asked"].append(request.url))
        page.goto(f"http://127.0.0.1:{port}/")
        page.locator(DRAWN).first.wait_for(state="attached")
        page.get_by_role("status").get_by_text("Up to date").first.wait_for()
        page.wait_for_timeout(3_000)
        scripts = sum("plotly" in address for address in came["asked"])
        answers, frames = sum(came["bytes"]) / 1e6, sum(came["frames"]) / 1e6
        print(
            f"weight {answers + frames:.2f} MB, {frames:.2f} MB of it messages; plotly.js {scripts} x",
            flush=True,
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--visits", type=int, default=3)
    options.add_argument("--rows", type=int, nargs="*", default=[10_000, 1_000_000])
    asked = options.parse_args()
    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[nowhere, "--no-proxy-server"])
        weight(browser, Path(folder))
        first_picture(browser, Path(folder), asked.visits)
        for rows in asked.rows:
            slider(browser, Path(folder), rows, asked.visits)
        browser.close()


if __name__ == "__main__":
    main()
