"""One panel: finding, what is drawn, picture, note and table, ready for any page.

A panel knows no study and no widget. It holds text as text and turns it into markup at the last moment, in
one place, through `segkit.safe`; the only strings believed to be markup already are those of type `Markup`,
and only this room makes them. The page around a panel (a cell, a dashboard, a report) is somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segkit.safe import html as escape

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = 12


class Markup(str):
    """HTML made in this room from escaped text; plain `str` is text and is escaped when it is shown."""

    __slots__ = ()


def markup(text: object) -> Markup:
    """Return `text` escaped, unless it is markup of our own already.

    Examples
    --------
    >>> markup("<b>"), markup(Markup("<b>"))
    ('&lt;b&gt;', '<b>')
    """
    return text if isinstance(text, Markup) else Markup(escape(text))


def tag(name: str, *inner: object, **attributes: object) -> Markup:
    """Return one element; `class_` is written `class`, underscores become hyphens.

    Examples
    --------
    >>> tag("p", "a < b", class_="sk-sub")
    '<p class="sk-sub">a &lt; b</p>'
    """
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    written = "".join(f' {key}="{escape(value)}"' for key, value in pairs if value != "")
    return Markup(f"<{name}{written}>{''.join(map(markup, inner))}</{name}>")


def joined(parts: Iterable[object]) -> Markup:
    """Return the parts, escaped where they are text, one after the other."""
    return Markup("".join(map(markup, parts)))


def segment_class(segment: int) -> str:
    """Return the class that sets the colours of a segment; beyond 12 they start again."""
    return f"sk-s{(segment - 1) % COLOURS + 1}"


def badge(segment: int, name: str = "") -> Markup:
    """Return the number of a segment in its colour, and its name beside it."""
    number = tag("span", segment, class_=f"sk-badge {segment_class(segment)}")
    return joined((number, " ", name)) if name else number


def pill(state: str, text: str) -> Markup:
    """Return a small label; `state` is ok, warn, error or info and never the only sign."""
    return tag("span", text, class_=f"sk-pill sk-{state}")


@dataclass(frozen=True)
class TableView:
    """A small table as it is read: every cell is a string, formatted already.

    Parameters
    ----------
    caption, header, rows
        Text (escaped when shown) or `Markup`.
    chosen
        Position of the row that is set in bold, or None.
    words
        Positions of the columns aligned left besides the first, which always is.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    chosen: int | None = None
    words: tuple[int, ...] = ()

    def html(self) -> Markup:
        """Return the table, scrolling sideways inside its own box where the page is narrow."""
        names = (self._cell("th", i, text, scope="col") for i, text in enumerate(self.header))
        head = tag("thead", tag("tr", *names))
        body = tag("tbody", *(self._row(i, row) for i, row in enumerate(self.rows)))
        table = tag("table", tag("caption", self.caption), head, body, class_="sk-table")
        return tag("div", table, class_="sk-tablewrap", tabindex="0", role="region", aria_label=self.caption)

    def _row(self, position: int, row: tuple[str, ...]) -> Markup:
        cells = (self._cell("td" if i else "th", i, x, scope="" if i else "row") for i, x in enumerate(row))
        return tag("tr", *cells, class_="sk-chosen" if position == self.chosen else "")

    def _cell(self, name: str, position: int, text: str, *, scope: str) -> Markup:
        return tag(name, text, scope=scope, class_="sk-l" if position == 0 or position in self.words else "")


@dataclass(frozen=True)
class Panel:
    """What one panel says and shows.

    Parameters
    ----------
    name
        One of `panels.NAMES`.
    title, subtitle, note
        The finding, what is drawn in which unit, what was left out. Text, not markup.
    figure
        The picture without any title, or None.
    alt
        One to three sentences that stand for the picture; also in `figure.layout.meta["alt"]`.
    empty
        A bold line and a sentence shown instead of the picture, or None.
    tables
        The numbers under the picture.
    mark
        A warning that holds for the whole panel ("Not supported by the data"), shown as a pill.
    key
        Which colour is which, shown above the picture; empty where the marks say it themselves.
    body
        Markup of panels that are neither picture nor table (verdict, facts, cards).
    """

    name: str
    title: str
    subtitle: str = ""
    figure: go.Figure | None = None
    note: str = ""
    alt: str = ""
    empty: tuple[str, str] | None = None
    tables: tuple[TableView, ...] = ()
    mark: str = ""
    key: tuple[str, ...] = ()
    body: str = ""

    def head_html(self) -> str:
        """Return what stands above the picture: finding, subtitle, mark and key."""
        if not self.title:
            return ""
        lines = [tag("h3", self.title)]
        lines += [tag("span", self.subtitle, class_="sk-sub")] if self.subtitle else []
        lines += [tag("span", pill("warn", f"! {self.mark}"))] if self.mark else []
        lines += [tag("ul", *(tag("li", item) for item in self.key), class_="sk-key")] if self.key else []
        return tag("figcaption", *lines)

    def foot_html(self, open: bool = True) -> str:  # noqa: A002, FBT001, FBT002 - the word HTML itself uses
        """Return what stands below the picture: note and tables, folded away unless `open`."""
        note = tag("p", self.note, class_="sk-foot") if self.note else Markup("")
        tables = joined(table.html() for table in self.tables)
        if tables and not open:
            tables = tag("details", tag("summary", "Show the numbers"), tables)
        return joined((note, tables))

    @property
    def body_html(self) -> str:
        """The whole panel where there is no picture to draw between head and foot."""
        empty = tag("div", tag("b", self.empty[0]), self.empty[1], class_="sk-empty") if self.empty else ""
        return joined(map(Markup, (self.head_html(), empty, self.body, self.foot_html())))
