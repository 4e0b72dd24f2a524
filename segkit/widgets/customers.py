"""The customers on a live page: a grid with sorting, filter and pages, and those drawn around on the map.

The grid is DataTables through `itables`, whose script lies in the package and reaches a page when the tab is
first opened; text is escaped there. A page gets a part of a large table; which part is chosen here, by
segment and by how the id begins, so that every customer can be looked up.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

from segkit import export
from segkit.insight.words.captions import counted
from segkit.insight.words.numbers import Numbers
from segkit.panels import customers as room
from segkit.panels.panel import TableView, badge, tag
from segkit.study import Study
from segkit.widgets.figure import PanelBox
from segkit.widgets.form import Shown, Wrap, classed
from segkit.widgets.transfer import Download

CELLS = 150_000  # sent to a page at once: about a megabyte
PAGE = 15
HOW = "Sort by a heading, filter by any word; Fit is how well a customer fits its segment"
HIDDEN = "Columns that may name a person are not shown; all customers are in the files under Download."
GRID: dict[str, Any] = {
    "showIndex": False, "maxBytes": 0, "maxColumns": 0, "allow_html": False, "lengthMenu": [15, 50, 100],
    "pageLength": PAGE, "classes": "sk-table", "order": [], "scrollX": True, "style": "width:100%;margin:0",
    "language": {
        "search": "Filter", "lengthMenu": "_MENU_ a page", "info": "_START_ to _END_ of _TOTAL_ customers",
        "infoFiltered": "(filtered from _MAX_)", "infoEmpty": "No customer", "emptyTable": "No customer",
        "zeroRecords": "No customer fits the filter",
    },
}  # fmt: skip


class Grid(widgets.VBox):
    """Every customer, to sort, filter and leaf through."""

    def __init__(self, wrap: Wrap) -> None:
        self._study: Study | None = None
        self._table: Any = None
        self._segment = widgets.Dropdown(description="Segment", options=[("All segments", 0)])
        self._begins = widgets.Text(description="Id begins with", continuous_update=False)
        self._note = Shown()
        for control in (self._segment, self._begins):
            control.observe(wrap(lambda _: self._fill()), names="value")
        self._filters = classed(widgets.HBox([self._segment, self._begins]), "sk-filters")
        self._head = Shown(tag("figcaption", tag("h3", "The customers"), tag("span", "", class_="sk-sub")))
        super().__init__([self._head, self._filters, self._note])
        classed(self, "sk", "sk-app", "sk-panel", "sk-grid-panel")

    def follow(self, study: Study, *, dark: bool = False) -> None:  # noqa: ARG002 - its colours are the page's
        """Show the customers of a study."""
        self._study = None
        names = [(f"{n} {name}".strip(), int(n)) for n, name in study.sizes[["segment", "name"]].to_numpy()]
        self._segment.options = [("All segments", 0), *names]
        self._segment.value = 0
        self._study = study
        self._fill()

    def _fill(self) -> None:
        """Send the part that is asked for."""
        if self._study is None:
            return
        from itables.widget import ITable  # noqa: PLC0415 - a page without this tab need not wait for it

        study, n = self._study, self._study.numbers
        asked = room.customers(study, segment=self._segment.value, begins=self._begins.value.strip())
        part = asked.head(max(PAGE, CELLS // asked.shape[1]))
        title = tag("h3", counted(len(asked), n, "customer"))
        self._head.value = tag("figcaption", title, tag("span", HOW, class_="sk-sub"))
        rest = (
            f"The first {n.count(len(part))} are listed; a segment or the beginning of an id shows others. "
        )
        self._note.value = tag("p", (rest if len(part) < len(asked) else "") + HIDDEN, class_="sk-foot")
        if self._table is None:
            self._table = ITable(part, **GRID)
            self.children = (self._head, self._filters, self._table, self._note)
        else:
            self._table.update(part, **GRID)


class MapBox(widgets.Box):
    """The map, and beside it the customers that its reader draws around."""

    def __init__(self, wrap: Wrap) -> None:
        self._study: Study | None = None
        self._rows: pd.Index = pd.Index([])
        self._map, self._list = PanelBox("map"), Shown()
        self._map.on_select(wrap(self._pick))
        clear = widgets.Button(description="Clear")
        clear.on_click(wrap(lambda _: self._pick([])))
        self._download = Download(self._file, "Download these", "", wrap)
        self._actions = classed(widgets.HBox([clear, self._download]), "sk-actions")
        side = classed(widgets.VBox([self._list, self._actions]), "sk", "sk-app", "sk-panel", "sk-w4")
        super().__init__([classed(self._map, "sk-w8"), side])
        classed(self, "sk-grid")

    def follow(self, study: Study, *, dark: bool = False) -> None:
        """Draw a study; nobody is selected."""
        self._study = study
        self._map.follow(study, dark=dark)
        self._pick([])

    def _pick(self, chosen: list[Any]) -> None:
        if self._study is None:
            return
        known = self._study.assignments.index
        rows = pd.Index([int(row) for row in chosen if isinstance(row, int | float)])
        self._rows = rows[rows.isin(known)]
        shown = self._rows if len(self._rows) else room.nearest_to_a_border(self._study)
        self._list.value = _chosen(self._study, shown, selected=len(self._rows))
        self._actions.layout.display = "" if len(self._rows) else "none"

    def _file(self) -> tuple[str, str, bytes]:
        if self._study is None:
            return "customers.csv", "text/csv", b""
        return "customers.csv", "text/csv", _csv(room.take(self._study, self._rows))


def _chosen(study: Study, rows: pd.Index, *, selected: int) -> str:
    """Return the first customers of a selection as a small table, or those nearest to a border."""
    n: Numbers = study.numbers
    people = study.assignments.loc[rows[: room.NEAR]]
    cells = tuple(
        (str(row[0]), badge(int(row[1])) if row[1] else "none", n.percent(row[2]))
        for row in people[[people.columns[0], "segment", "confidence"]].itertuples(index=False, name=None)
    )
    title = f"{n.count(selected)} selected" if selected else "Nobody selected"
    more = f"The first {room.NEAR} of them" if selected > room.NEAR else "The customers you chose"
    caption = more if selected else "Customers nearest to a border"
    table = TableView(caption, ("Customer", "Segment", "Fit"), cells).html()
    hint = "Click one or draw around several to see them here; Customers lists all, for the keyboard too."
    head = tag("figcaption", tag("h3", title), tag("span", hint, class_="sk-sub"), role="status")
    return tag("div", head, table, class_="sk-fig")


def _csv(table: pd.DataFrame) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return export.to_csv(table, Path(folder) / "customers.csv").read_bytes()
