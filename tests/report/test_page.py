"""A page is one file: it asks for nothing, runs our two scripts only, and shows what data say as text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from segkit.report import page
from tests import stub

EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'


def shown(*outputs: object, text: str = "# Which customers?\n\nFor readers.\n\n## Who?") -> str:
    cells = [new_markdown_cell(text), new_code_cell("1", outputs=list(outputs))]
    return page.render(new_notebook(cells=cells), "shop-0123456789", stub.summary())


def data(**bundle: object) -> nbformat.NotebookNode:
    return new_output("display_data", data=bundle)


def ours(name: str, part: str, inner: str) -> nbformat.NotebookNode:
    return data(**{"text/html": stub.PANEL.format(name, part, inner)})


def figure(panel: str = "sizes", **layout: object) -> nbformat.NotebookNode:
    meta = {"alt": f"Bars {EVIL}", "panel": panel}
    drawn = {"data": [{"type": "bar", "x": [1, 2], "y": [EVIL, "b"]}], "layout": {"meta": meta, **layout}}
    return data(**{page.PLOTLY: drawn})


class Scripts(HTMLParser):
    """The elements of a page, and the attributes that could load or run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def without_plotly(text: str) -> str:
    return text.replace(page._plotly(), "PLOTLY")


def test_title_lead_and_contents_come_from_the_markdown_cells():
    top = "# Which **customers**?\n\nFor readers.\n\nMore.\n\n"
    html = without_plotly(shown(text=top + "## Who?\n\n- one\n\n## Who?\n\n## Méthode & <limits>"))
    assert '<p class="r-for">For readers.</p>\n<p>More.</p>' in html
    assert re.findall(r'<li><a href="#([\w-]+)">', html) == ["who", "who-2", "m-thode-limits"]
    assert re.findall(r'<section class="r-sec" id="([\w-]+)">', html) == ["who", "who-2", "m-thode-limits"]
    assert "<h2>Méthode &amp; &lt;limits&gt;</h2>" in html
    assert '<ul class="r-list">' in html


def test_head_picture_and_foot_of_a_panel_become_one_numbered_figure():
    head = "<figcaption><h3>43 %</h3></figcaption>"
    parts = [ours("sizes", "head", head), figure(height=150), ours("sizes", "foot", "<p>note</p>")]
    html = without_plotly(shown(*parts, ours("map", "head", head), figure("map")))
    first, second = re.findall(r'<figure class="sk-fig">(.*?)</figure>', html, re.DOTALL)
    assert first.startswith("<figcaption><h3>Figure 1. 43 %</h3></figcaption>")
    assert 'data-figure="0" data-panel="sizes" role="img"' in first
    assert "min-height:150px" in first
    assert first.endswith("<p>note</p>")
    assert "Figure 2. 43 %" in second


def test_panels_without_a_picture_keep_their_markup_and_are_not_numbered():
    verdict, facts = (
        ours("verdict", "body", "<b>Two</b>"),
        ours("facts", "body", '<dl class="sk-facts"></dl>'),
    )
    empty = ours("missing", "body", "<figcaption><h3>Nothing is missing</h3></figcaption>")
    html = without_plotly(shown(verdict, facts, empty))
    assert '<div class="r-verdict"><b>Two</b></div>' in html
    assert '\n<dl class="sk-facts"></dl>\n' in html
    assert '<figure class="sk-fig"><figcaption><h3>Nothing is missing</h3></figcaption></figure>' in html


@pytest.mark.parametrize(
    "output",
    [
        data(**{"text/html": f"<b>{EVIL}</b>", "text/plain": EVIL}),
        data(**{"text/html": stub.PANEL.format("sizes", "head", "x") + EVIL, "text/plain": EVIL}),
        data(**{"text/html": stub.PANEL.format("sizes", "elsewhere", EVIL), "text/plain": EVIL}),
        data(**{"text/markdown": EVIL, "text/plain": EVIL}),
        data(**{"application/javascript": "alert(1)", "text/plain": EVIL}),
        data(**{"image/svg+xml": f"<svg onload='alert(1)'>{EVIL}</svg>"}),
        data(**{"image/png": f"AAAA{EVIL}"}),
        new_output("stream", name="stdout", text=EVIL),
        new_output("stream", name="stderr", text=EVIL),
        figure(),
    ],
)
def test_what_is_not_ours_is_shown_as_text_and_cannot_run(output):
    html = without_plotly(shown(output))
    assert "<script>alert" not in html
    found = Scripts(html).found
    assert [tag for tag, _ in found].count("script") == 3  # the figures as data, plotly.js and our own
    assert not [name for _, attributes in found for name in attributes if name.startswith("on")]
    sources = [attributes["src"] for tag, attributes in found if "src" in attributes]
    assert all(source.startswith("data:image/") for source in sources)


def test_a_page_names_no_address_to_load_from():
    links = [
        attributes for tag, attributes in Scripts(without_plotly(shown(figure()))).found if tag == "link"
    ]
    assert links == [{"rel": "icon", "href": "data:,"}]
    for name in ("tokens.css", "segkit.css", "report.css"):
        assert "url(" not in page.static(name)
        assert "@import" not in page.static(name)


def test_the_policy_allows_the_scripts_in_the_page_and_nothing_else():
    html = shown(figure())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[1].replace(
        "&#39;", "'"
    )
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert policy == page.policy(scripts)
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in re.search(r"script-src ([^;]+)", policy)[1]
    assert "unsafe-eval" not in policy
    assert html.count("* plotly.js v") == 1
    assert policy != page.policy([*scripts, "alert(1)"])


def test_figures_are_kept_as_json_that_no_text_can_end():
    html = shown(figure())
    kept = re.search(r'<script type="application/json" id="sk-figures">(.*?)</script>', html, re.DOTALL)[1]
    assert "<" not in kept
    assert json.loads(kept)[0]["data"][0]["y"][0] == EVIL


def test_the_run_and_the_day_are_on_the_page_and_the_day_is_all_that_is_normalised():
    cells = [new_markdown_cell("# Title")]
    one, other = (
        page.render(new_notebook(cells=cells), "shop-0123456789", stub.summary(made=made))
        for made in ("2026-11-23T12:00:00+00:00", "2027-01-02T03:04:05+00:00")
    )
    assert '<time datetime="2026-11-23">23 November 2026</time>' in one
    assert 'content: "segkit report · shop-0123456789"' in one
    assert one != other
    assert page.normalise(one) == page.normalise(other)
