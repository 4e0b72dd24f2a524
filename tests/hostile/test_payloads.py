"""Sixty scripts as names of files and columns, as values and as ids: in no output does one run or link out.

The report and the page over the runs are opened in Chromium as they lie on the disk, the Markdown as a reader
renders it; the workbook is read back.
"""

from __future__ import annotations

import json
import subprocess
import sys

import mistune
import numpy as np
import openpyxl
import pandas as pd
import pytest

from segkit.delivery import deliver

pytestmark = pytest.mark.browser

RUNS = (
    "window.hit=1", "parent.hit=1", "document.title='hit'", "location='http://203.0.113.9/'",
    "fetch('http://203.0.113.9/')",
)  # fmt: skip
SHAPES = (
    "<script>{}</script>", "</script><script>{}</script>", "<img src=x onerror={}>", "<svg onload={}>",
    '"><svg/onload={}>', "'><img src=x onerror={}>", '<a href="javascript:{}">x</a>', "[x](javascript:{})",
    "![x](http://203.0.113.9/x.png)<!--{}-->", "</style><script>{}</script>", "{{{{constructor('{}')()}}}}",
    '<iframe srcdoc="<script>{}</script>">',
)  # fmt: skip
PAYLOADS = [shape.format(run) for shape in SHAPES for run in RUNS]
LINKS = """[...document.querySelectorAll('[href],[src],[action]')].map((each) =>
    each.getAttribute('href') || each.getAttribute('src') || each.getAttribute('action'))"""
NAMES = [text for text in PAYLOADS if "/" not in text][:2]  # what a file can be called


def table() -> pd.DataFrame:
    """Return customers in two groups with a script wherever text can stand."""
    rng = np.random.default_rng(0)
    home = np.arange(600) % 2
    made = {f"{text} id": [f"{PAYLOADS[i % 60]} {i}" for i in range(600)] for text in PAYLOADS[:1]}
    made |= {text: rng.normal(9 * home, 1, 600) for text in PAYLOADS[1:6]}
    for k, text in enumerate(PAYLOADS[6:12]):
        own = [*PAYLOADS[k * 10 : k * 10 + 10]]
        made[text] = np.where(home == 0, rng.choice(own[:5], 600), rng.choice(own[5:], 600))
    return pd.DataFrame(made)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The runs of two files, made by the command, with every file that can be delivered of them."""
    place = tmp_path_factory.mktemp("hostile")
    for name in NAMES:
        table().to_csv(place / f"{name}.csv", index=False)
    files = [f"{name}.csv" for name in NAMES]
    ids = ["--customer-id", f"{PAYLOADS[0]} id"]
    done = subprocess.run(
        [sys.executable, "-m", "segkit.cli", "run", *files, "--out", "out", *ids, "--jobs", "2"],
        check=False, cwd=place, capture_output=True, text=True, timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for i, run in enumerate(sorted(path.parent for path in (place / "out").rglob("manifest.json"))):
        for kind in ("md", "xlsx"):
            deliver(run, str(place / f"{i}.{kind}"))
    return place


def test_there_are_sixty_and_all_are_in_the_summary(folder):
    assert len(set(PAYLOADS)) == 60
    said = "".join(
        json.loads(path.read_text())["provenance"]["input_sha256"] for path in folder.rglob("summary.json")
    )
    assert len(said) == 64 * len(NAMES)
    text = json.dumps(
        [json.loads(path.read_text()) for path in folder.rglob("summary.json")], ensure_ascii=False
    )
    missing = [each for each in PAYLOADS if json.dumps(each, ensure_ascii=False)[1:-1] not in text]
    assert len(missing) <= 30  # a profile shows the most frequent levels and the report the first customers


def opened(page, address: str) -> None:
    """Open a page, let it finish, and find nothing that ran, asked or leads out."""
    asked, dialogs = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(address)
    page.wait_for_timeout(1_500)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    page.wait_for_timeout(500)
    assert page.url == address
    assert page.evaluate("window.hit") is None
    assert page.title() != "hit"
    assert not dialogs
    assert [url for url in asked if not url.startswith(("data:", "blob:", address))] == []
    links = page.evaluate(LINKS)
    assert [
        link for link in links if "203.0.113.9" in link or link.strip().lower().startswith("javascript")
    ] == []
    assert page.locator("iframe").count() == 0


def test_no_script_runs_in_a_report(folder, page):
    reports = sorted(folder.rglob("report.html"))
    assert len(reports) == len(NAMES)
    for report in reports:
        opened(page, report.as_uri())


def test_no_script_runs_in_the_page_over_the_runs(folder, page):
    [overview] = (folder / "out").glob("*.html")
    opened(page, overview.as_uri())


def test_no_script_runs_in_rendered_markdown(folder, page):
    for file in sorted(folder.glob("*.md")):
        html = folder / f"{file.stem}.rendered.html"
        html.write_text(
            f"<meta charset=utf-8>{mistune.html(file.read_text(encoding='utf-8'))}", encoding="utf-8"
        )
        opened(page, html.as_uri())


def test_a_workbook_has_no_formula_and_no_link(folder):
    books = sorted(folder.glob("*.xlsx"))
    assert len(books) == len(NAMES)
    for file in books:
        book = openpyxl.load_workbook(file)
        cells = [
            cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None
        ]
        assert any("hit" in str(cell.value) for cell in cells)  # else this test could not fail
        assert not [cell.value for cell in cells if cell.data_type == "f" or cell.hyperlink]
