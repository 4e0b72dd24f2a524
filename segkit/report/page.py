"""From an executed notebook to one HTML file that opens from a disk with no network.

Headings make the contents, panels become figures, plotly outputs are drawn by plotly.js, which is in the
file once. Only three things are taken as markup: Markdown cells of the notebook, panels marked as ours, and
plotly figures as data; everything else a cell printed is shown as text. A policy in the page allows exactly
the scripts it names by their hash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import mistune
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbformat import NotebookNode
from plotly.offline import get_plotlyjs

from segkit.insight.words.numbers import Numbers
from segkit.places import static_dir
from segkit.safe import filename, html, script

PLOTLY = "application/vnd.plotly.v1+json"
_OURS = re.compile(
    r'<div class="sk[^"]*" data-sk-panel="([\w-]+)" data-sk-part="(?:head|body|foot)">(.*)</div>', re.DOTALL
)
_PICTURES = ("image/png", "image/jpeg", "image/svg+xml")


@dataclass
class Section:
    """A heading and what stands under it; the first one, without a heading, is the top of the page."""

    heading: str
    id: str
    parts: list[str] = field(default_factory=list)

    @property
    def html(self) -> Markup:
        """The section's content."""
        return Markup("\n".join(self.parts))  # noqa: S704 - made below, from trusted or escaped parts only


@dataclass
class Page:
    """The page while the notebook is read from top to bottom."""

    title: str = "Report"
    lead: str = ""
    sections: list[Section] = field(default_factory=lambda: [Section("", "top")])
    figures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, part: str) -> None:
        """Put a part at the end of the last section."""
        if part.strip():
            self.sections[-1].parts.append(part)

    def open(self, heading: str) -> None:
        """Start a section."""
        taken = {section.id for section in self.sections}
        name = filename(heading)
        self.sections.append(Section(heading, name if name not in taken else f"{name}-{len(taken)}"))


def render(notebook: NotebookNode, name: str, summary: Mapping[str, Any]) -> str:
    """Return the page of an executed notebook.

    Parameters
    ----------
    notebook
        As papermill left it.
    name
        Name of the run, printed at the foot of each sheet of paper.
    summary
        Its summary; the page takes source, day and number format from it.
    """
    read = Page()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            _markdown(read, cell.source)
        elif cell.cell_type == "code":
            _outputs(read, cell.outputs)
    figures = script(json.dumps(read.figures, allow_nan=False, separators=(",", ":")))
    scripts = [_plotly(), static("report/draw.js")]
    made = datetime.fromisoformat(summary["run"]["made"])
    page = template("page.html.j2").render(
        title=read.title,
        lead=Markup(read.lead),  # noqa: S704 - from a Markdown cell of the notebook
        sections=read.sections,
        figures=Markup(figures),  # noqa: S704 - no "<" is left in it
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - our own files
        policy=policy(scripts),
        css=Markup("\n".join(map(static, ("tokens.css", "segkit.css", "report.css")))),  # noqa: S704
        source=summary["reading"]["source"],
        made=made.date().isoformat(),
        date=Numbers(summary["parameters"]["locale"], "").date(made.date()),
        name=name,
        version=summary["provenance"]["segkit"],
    )
    return str(page)


def policy(scripts: list[str]) -> str:
    """Return the security policy of a page: these scripts, styles of its own, and nothing from elsewhere."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def normalise(text: str) -> str:
    """Remove from a report what differs between two runs of the same study: the day it was made."""
    return re.sub(r"<time[^>]*>.*?</time>", "", text)


def _markdown(page: Page, source: str) -> None:
    """Read a Markdown cell: its first-level heading is the title, each second-level one opens a section."""
    for number, part in enumerate(re.split(r"(?m)^## +", source)):
        heading, _, text = part.partition("\n") if number else ("", "", part)
        if number:
            page.open(heading.strip())
        title = re.match(r"\s*# +(.+)\n?", text)
        if title and page.sections[-1].id == "top":
            page.title = title[1].strip()
            page.lead = _rendered(text[title.end() :]).replace("<p>", '<p class="r-for">', 1)
        else:
            page.add(_rendered(text))


def _outputs(page: Page, outputs: list[NotebookNode]) -> None:
    """Read the outputs of a cell; head, picture and foot of one panel become one figure."""
    panel = ""
    parts: list[str] = []
    for name, part in _parts(page, outputs):
        if parts and name != panel:
            page.add(_figure(page, panel, parts))
            parts = []
        panel = name
        parts.append(part)
    page.add(_figure(page, panel, parts))


def _parts(page: Page, outputs: list[NotebookNode]) -> Iterator[tuple[str, str]]:
    """Yield each output as the panel it belongs to and its markup."""
    for output in outputs:
        data = output.get("data", {})
        ours = _OURS.fullmatch(data.get("text/html", "").strip())
        if ours:
            yield ours[1], ours[2]
        elif PLOTLY in data:
            yield _plot(page, data[PLOTLY])
        else:
            yield "", _shown(output, data)


def _plot(page: Page, figure: Mapping[str, Any]) -> tuple[str, str]:
    """Keep a figure's data and return the place where it is drawn."""
    layout = figure.get("layout", {})
    meta = layout.get("meta", {})
    page.figures.append({"data": figure["data"], "layout": layout})
    name, alt = html(meta.get("panel", "")), html(meta.get("alt", ""))
    role = "group" if name == "map" else "img"  # the map has buttons, and nothing can be pressed in an image
    return name, (
        f'<div class="sk-scrolls"><div class="sk-plot" data-figure="{len(page.figures) - 1}" '
        f'data-panel="{name}" role="{role}" aria-label="{alt}" '
        f'style="min-height:{int(layout.get("height", 450))}px"></div></div>'
    )


def _figure(page: Page, panel: str, parts: list[str]) -> str:
    """Join the parts of a panel; pictures are numbered through the page."""
    inner = "\n".join(parts)
    if panel in {"verdict", "answer"}:
        return f'<div class="r-verdict">{inner}</div>'
    if "<figcaption>" not in inner and "sk-plot" not in inner:
        return inner
    if "sk-plot" in inner:
        inner = inner.replace("<h3>", f"<h3>Figure {len(page.figures)}. ", 1)
    return f'<figure class="sk-fig">{inner}</figure>'


def _shown(output: NotebookNode, data: Mapping[str, Any]) -> str:
    """Return an output that is not ours: a picture as a picture, all else as text."""
    for kind in _PICTURES:
        if kind in data:
            raw = kind.endswith("+xml")
            content = base64.b64encode(data[kind].encode()).decode() if raw else "".join(data[kind].split())
            return f'<p><img alt="" src="data:{kind};base64,{html(content)}"></p>'
    text = data.get("text/plain") or (output.get("text") if output.get("name") == "stdout" else "")
    return f'<pre class="r-mono">{html(text)}</pre>' if text else ""


def _rendered(source: str) -> str:
    return str(_reader()(source)).replace("<ul>", '<ul class="r-list">')


@cache
def _reader() -> mistune.Markdown:
    return mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])


@cache
def template(name: str) -> Any:
    """Return a template of the report room; it escapes whatever is not marked as markup."""
    loader = FileSystemLoader(static_dir() / "report")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template(name)


@cache
def static(name: str) -> str:
    """Return a static file's text."""
    return (static_dir() / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    return str(get_plotlyjs())
