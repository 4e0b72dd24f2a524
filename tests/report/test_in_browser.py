"""The page of a report, opened from a disk without a network: all is drawn, nothing is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from segkit import export
from segkit.data import samples
from segkit.params import Params
from segkit.report import page as report_page
from segkit.study import segment
from segkit.widgets import view as view_room
from tests.browser import live

pytestmark = pytest.mark.browser

PANELS = (
    "verdict", "facts", "sizes", "segments", "profiles", "choice", "map", "unusual", "drivers",
    "distribution", "separation", "quality", "missing", "correlation", "columns", "method", "parameters",
    "glossary",
)  # fmt: skip
EVIL = "<img src=x onerror=document.title='hacked'><script>document.title='hacked'</script>"


def retail(*, hostile: bool):
    frame = samples.retail(600)
    if hostile:
        frame = frame.rename(columns={"age": EVIL, "channel": f"</script>{EVIL}"})
        frame[f"</script>{EVIL}"] = frame[f"</script>{EVIL}"] + EVIL
    return frame


@pytest.fixture(scope="module", params=["plain", "hostile"])
def report(request, tmp_path_factory) -> Path:
    """A report made from the notebook's own outputs, without a kernel."""
    shown: list[dict[str, object]] = []
    study = segment(retail(hostile=request.param == "hostile"), value="annual_spend", segments=3)
    cells = [new_markdown_cell("# Which customers?\n\nFor readers.")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(view_room.late, "study", lambda *_, **__: study)
        patch.setattr(view_room, "display", lambda data, **_: shown.append(data))
        view = view_room.controls(Params(), interactive=False)
        for name in PANELS:
            shown.clear()
            getattr(view, name)()
            outputs = [new_output("display_data", data=data) for data in shown]
            cells += [new_markdown_cell(f"## {name}"), new_code_cell(f"view.{name}()", outputs=outputs)]
    file = tmp_path_factory.mktemp("report") / "report.html"
    text = report_page.render(new_notebook(cells=cells), "shop-0123456789", export.summary(study))
    file.write_text(text, encoding="utf-8")
    return file


def opened(page, report: Path, width: int) -> list[dict[str, float]]:
    """Open the report and return where each figure is."""
    page.set_viewport_size({"width": width, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    page.wait_for_function(
        "[...document.querySelectorAll('.sk-plot')].every((plot) => plot.querySelector('.main-svg'))",
        timeout=30_000,
    )
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [report.as_uri()]
    return page.evaluate(
        "[...document.querySelectorAll('.sk-plot')].map((plot) => ({"
        "traces: plot._fullData.length, width: plot.clientWidth,"
        "label: plot.getAttribute('aria-label').length,"
        "right: plot.closest('.sk-scrolls').getBoundingClientRect().right}))"
    )


@pytest.mark.parametrize("width", [1440, 390])
def test_every_figure_is_drawn_and_nothing_is_asked_for(page, report, width):
    figures = opened(page, report, width)
    assert len(figures) >= 8
    for figure in figures:
        assert figure["traces"] > 0
        assert figure["width"] > 300
        assert figure["right"] <= width
        assert figure["label"] > 20
    assert page.errors == []  # a script that the policy stopped would be one
    assert page.title() == "Which customers?"
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("script:not([type])").count() == 2


@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.slow)])
def test_nothing_grave_is_found_by_axe(page, report, width):
    opened(page, report, width)
    assert not live.findings(page)


def test_the_contents_lead_to_every_section_and_only_on_wide_screens(page, report):
    opened(page, report, 1440)
    links = page.locator(".r-toc a")
    assert links.all_inner_texts() == list(PANELS)
    links.nth(5).click()
    assert page.evaluate("location.hash") == "#choice"
    page.set_viewport_size({"width": 390, "height": 900})
    assert not page.locator(".r-toc").is_visible()


def test_it_prints_all_of_it_without_the_contents(page, report):
    opened(page, report, 1440)
    page.emulate_media(media="print")
    assert not page.locator(".r-toc").is_visible()
    assert page.pdf(format="A4")[:5] == b"%PDF-"
    assert page.errors == []


def test_it_is_small_enough_to_send(report):
    assert report.stat().st_size < 7_000_000


def test_without_scripts_the_words_and_numbers_stay(browser, report):
    context = browser.new_context(java_script_enabled=False)
    quiet = context.new_page()
    quiet.goto(report.as_uri())
    assert quiet.locator("noscript").inner_text().startswith("The pictures are drawn by a script")
    assert quiet.locator("table.sk-table").count() >= 8
    context.close()
