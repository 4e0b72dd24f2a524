"""The picture on a live page: one plotly figure as a small anywidget, and panels made of one.

plotly.js reaches a page once, from the server's folder or from here; a figure then costs only its own data
(a `FigureWidget` sends 5 MB each). Its width follows the panel, its alternative text is read aloud, and
what a reader selects comes back as a trait. What a picture shows is decided elsewhere.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import anywidget
import ipywidgets as widgets
import traitlets as t

from segkit.panels.panel import Markup, Panel, tag
from segkit.widgets import late
from segkit.widgets.form import STATIC, Shown

if TYPE_CHECKING:
    import plotly.graph_objects as go

PIECE = 512_000  # bytes; well below every websocket limit


class Figure(anywidget.AnyWidget):
    """One plotly figure that is as wide as its panel.

    Attributes
    ----------
    figure
        `data` and `layout` as plain JSON values.
    alt
        One to three sentences that stand for the picture.
    selected
        What the reader clicked or drew around: the last value of each `customdata`, or the position.
    """

    _esm = STATIC / "widgets" / "figure.js"
    figure = t.Dict().tag(sync=True)
    alt = t.Unicode().tag(sync=True)
    selected: t.List[Any] = t.List().tag(sync=True)

    def __init__(self, figure: go.Figure, alt: str = "") -> None:
        super().__init__(figure=plain(figure), alt=alt)
        self.on_msg(self._serve)

    def show(self, figure: go.Figure, alt: str = "") -> None:
        """Draw another figure in the same place."""
        with self.hold_sync():
            self.figure, self.alt, self.selected = plain(figure), alt, []

    def _serve(self, _: Any, message: Any, __: Any) -> None:
        """Send one piece of plotly.js to a page that has no other source for it."""
        pieces, wanted = _script(), message.get("piece") if isinstance(message, dict) else None
        if isinstance(wanted, int) and 0 <= wanted < len(pieces):
            answer = {"kind": "plotly", "piece": wanted, "pieces": len(pieces)}
            self.send(answer, buffers=[pieces[wanted]])


class PanelBox(widgets.VBox):
    """One panel: what stands above the picture, the picture, what stands below it."""

    def __init__(self, name: str, *above: widgets.Widget) -> None:
        self.name, self._above, self._head, self._foot = name, above, Shown(), Shown()
        self._figure: Figure | None = None
        self._on_select: Callable[[list[Any]], None] | None = None
        super().__init__([*above, self._head])
        for word in ("sk", "sk-panel", f"sk-panel-{name}"):
            self.add_class(word)

    def follow(self, study: Any, *, dark: bool = False) -> None:
        """Show what the panel says of a study."""
        self.show(late.panel(study, self.name, dark=dark))

    def show(self, panel: Panel) -> None:
        """Replace everything the panel says and shows."""
        if panel.figure is None:
            self._head.value = part(self.name, "body", panel.body_html)
            self.children = [*self._above, self._head]
            return
        if self._on_select:
            panel.figure.update_layout(dragmode="lasso")
        if self._figure is None:
            self._figure = Figure(panel.figure, panel.alt)
            if self._on_select:
                self._figure.observe(self._selected, names="selected")
        else:
            self._figure.show(panel.figure, panel.alt)
        self._head.value = part(self.name, "head", panel.head_html())
        self._foot.value = part(self.name, "foot", panel.foot_html(open=False))
        self.children = [*self._above, self._head, self._figure, self._foot]

    def on_select(self, call: Callable[[list[Any]], None]) -> None:
        """Call with the rows that the reader draws around."""
        self._on_select = call

    def _selected(self, change: Any) -> None:
        if self._on_select:
            self._on_select(list(change["new"]))


def part(panel: str, kind: str, inner: str, class_: str = "sk-fig") -> Markup:
    """Return the head, foot or body of a panel, marked for style sheets, reports and tests."""
    return tag("div", inner, class_=class_, data_sk_panel=panel, data_sk_part=kind)


def plain(figure: go.Figure) -> dict[str, Any]:
    """Return a figure as plain JSON values, arrays packed as plotly.js reads them."""
    values: dict[str, Any] = json.loads(figure.to_json())
    return values


@cache
def _script() -> list[bytes]:
    packed = gzip.compress(late.plotly_js().encode())
    return [packed[start : start + PIECE] for start in range(0, len(packed), PIECE)]
