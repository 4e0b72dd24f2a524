"""The dashboard: one study on nine tabs, for people who do not write code.

Above all tabs stands the answer; beside them the controls; a tab is made, and drawn, when it is looked at, so
that the first picture does not wait for the others. The first study is made beside the page while the browser
still loads it, and shown once the page says that it is there. What a tab says comes from `panels`; without
controls (a report) the same panels follow one another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import ipywidgets as widgets

from segkit.panels.panel import Markup, joined, tag
from segkit.params import Params
from segkit.safe import filename
from segkit.widgets import late
from segkit.widgets.address import UPLOAD
from segkit.widgets.figure import PanelBox, part
from segkit.widgets.files import EXPORTS, Batch, Exports
from segkit.widgets.form import STATIC as FOLDER
from segkit.widgets.form import Shown, classed
from segkit.widgets.transfer import Download
from segkit.widgets.view import View, display, offer_columns

if TYPE_CHECKING:
    from segkit.kinds import Made
    from segkit.study import Study

MARK = Markup((FOLDER / "mark.svg").read_text(encoding="utf-8"))
STATIC = (
    "verdict", "facts", "segments", "sizes", "profiles", "choice", "map", "drivers", "rules", "quality",
    "method", "parameters",
)  # fmt: skip

WHY = "The message beside the settings says why."
HEADINGS = {"method": "Method and limits", "glossary": "Glossary", "parameters": "Parameters and provenance"}


class Part(Protocol):
    """Something on a tab that shows a study."""

    def follow(self, study: Study, *, dark: bool = False) -> None:
        """Show this study."""


class Tab(NamedTuple):
    """What is on a tab: the boxes as they stand, and those of their parts that follow the study."""

    boxes: Sequence[widgets.Widget]
    parts: Sequence[Any]


def dashboard(params: Params, interactive: bool = True) -> Dashboard:  # noqa: FBT001, FBT002 - as in `controls`
    """Return the dashboard of a study; as the last line of a cell it shows itself.

    Parameters
    ----------
    params
        The parameters to start from.
    interactive
        Controls and tabs; otherwise the main panels one after the other, as in a report.

    Raises
    ------
    SegkitError
        When the study cannot be made and there are no controls to mend it with.

    Examples
    --------
    >>> page = dashboard(Params(segments=5), interactive=False)
    >>> page.study.verdict.shown
    5
    """
    return Dashboard(params, interactive=interactive)


class Dashboard(View):
    """One study on nine tabs; see `View` for its parameters."""

    def _start(self, params: Any) -> None:
        self._there, self._dark, self._stale = False, False, set[int]()
        self._made: dict[int, Tab] = {}
        self._exports, self._batch = Exports(), Batch()
        guard = self.work.guard
        self._crumb, self._told, self._foot = Shown(), Shown(), Shown()
        self._pages = [classed(widgets.VBox(), "sk-tabpage") for _ in TABS]
        self._tabs = widgets.Tab(self._pages, titles=tuple(TABS), selected_index=0)
        self._tabs.observe(guard(lambda change: self._look(change["new"])), names="selected_index")
        self._theme, self._reporter = (
            widgets.Button(description="Dark"),
            widgets.Button(description="Run report"),
        )
        self._theme.on_click(guard(self._switch))
        self._reporter.on_click(guard(lambda _: self.report()))
        self._reported = classed(widgets.VBox(), "sk-reported")
        self._body = classed(widgets.VBox([self._reported, self._tabs]), "sk-content")
        self.root = self._lay_out()
        self.work.on_failed = self._failed
        self._loading()
        self._request(params, pause=0)

    def _lay_out(self) -> widgets.VBox:
        form = self._form
        look, session = form.box.children[0], form.box.children[-1]
        reporter = classed(self._reporter, "sk-only-wide")  # narrow pages have it on the last tab
        tools = classed(widgets.HBox([form.unfold, self._theme, reporter]), "sk-tools")
        topbar = classed(widgets.HBox([self._crumb, tools]), "sk-topbar")
        head = classed(widgets.VBox([topbar, self._told]), "sk-head")
        state = classed(widgets.VBox([form.status, form.message]), "sk-only-small", "sk-state-small")
        content = classed(widgets.VBox([state, self._body]), "sk-main")
        body = classed(widgets.Box([classed(form.side, "sk-form"), content]), "sk-body")
        form.box = classed(widgets.VBox([look, head, body, self._foot, session]), "sk", "sk-app", "sk-dash")
        return form.box

    def _ipython_display_(self) -> None:
        if self.form:
            display(self.root)
        else:
            for name in STATIC:
                self._show(name)

    def save(self) -> None:
        """Write the data files where `output` says; a live page offers them on its last tab."""
        if not self.form:
            super().save()

    # -------------------------------------------------------------------------------------- what it shows
    def _arrive(self, query: str) -> None:
        """The page is there: what was said before it came is said again, and what was made is shown."""
        self._there = True
        for told in (self._form.status, self._form.message, self._form.cancel, self._form.update):
            told.send_state()
        super()._arrive(query)
        if self._study is not None:
            self._refresh()

    def _take(self, study: Made) -> None:
        with self._drawing:
            self._study = study
            if self._there:
                self._refresh()

    def _refresh(self) -> None:
        """Show the study: what stands above, and the tab that is looked at; the others when they are."""
        with self._drawing:
            study = self._shown_study()
            self._form.found(map(str, study.columns["column"]))
            self._head(study)
            self._stale = set(range(len(TABS)))
            self._look(self._tabs.selected_index)

    def _look(self, position: int | None) -> None:
        with self._drawing:
            if position is None or self._study is None or position not in self._stale:
                return
            try:
                if position not in self._made:
                    self._made[position] = list(TABS.values())[position](self)
                for own in self._made[position].parts:
                    own.follow(self._shown_study(), dark=self._dark)
            except Exception:
                self._empty(self._pages[position], "This cannot be shown", WHY)
                raise
            self._pages[position].children = tuple(self._made[position].boxes)
            self._stale.discard(position)

    @staticmethod
    def _empty(page: widgets.VBox, title: str, text: str) -> None:
        page.children = (Shown(tag("div", tag("b", title), text, class_="sk-empty")),)

    def _shown_study(self) -> Study:
        study: Any = self.study
        return study  # type: ignore[no-any-return]

    def _head(self, study: Study) -> None:
        n, where = study.numbers, self._sources.get(self._params.source, study.reading.source)
        told = tag(
            "span",
            tag("b", where),
            tag("span", f" · {n.count(len(study.assignments))} customers"),
            class_="sk-crumb",
        )
        self._crumb.value = tag("div", tag("span", MARK, "segkit", class_="sk-mark"), told, class_="sk-name")
        self._told.value = joined(
            part(name, "body", late.panel(study, name).body_html) for name in ("verdict", "facts")
        )
        origin = study.provenance
        said = f"seed {origin['seed']} · {study.model.algorithm} · {n.count(study.reading.rows)} rows read, "
        said += f"{n.count(study.reading.refused)} refused · segkit {origin['segkit']}"
        self._foot.value = tag("p", said, class_="sk-foot-page")

    def _loading(self) -> None:
        self._crumb.value = tag("div", tag("span", MARK, "segkit", class_="sk-mark"), class_="sk-name")
        bar = partial(tag, "div", class_="sk-skeleton")
        said = tag("span", "The first result is on its way.", class_="sk-sr", role="status")
        lines = bar(style="height:34px;max-width:34em"), bar(style="height:72px")
        self._told.value = tag("div", said, *lines, class_="sk-loading")
        card = tag("div", bar(style="height:28px"), bar(style="height:160px"), class_="sk-card")
        for page in self._pages:
            page.children = (Shown(tag("div", card, card, class_="sk-cards")),)

    def _failed(self) -> None:
        """Say where the reason stands, where there is no study to show."""
        if self._study is not None:
            return
        self._told.value = Markup("")
        for page in self._pages:
            self._empty(page, "No result yet", f"{WHY} Change them, or choose another source.")

    def _switch(self, _: Any) -> None:
        self._dark = not self._dark
        (self.root.add_class if self._dark else self.root.remove_class)("sk-dark")
        self._theme.description = "Light" if self._dark else "Dark"
        if self._study is not None:
            self._refresh()

    def clear(self) -> None:
        """Let go of everything that came from the reader or was made of it."""
        self._exports.clear()
        self._batch.stop()
        self._batch = Batch()
        self._made.clear()
        self._reported.children = ()
        self._loading()
        super().clear()

    # -------------------------------------------------------------------------------------- files
    def download(self, name: str) -> widgets.Widget:
        """Return a row that offers one export."""
        words = Shown(tag("div", tag("b", name), tag("span", EXPORTS[name][1])))
        button = Download(partial(self._export, name), f"Download {name}", "", self.work.guard)
        return classed(widgets.HBox([words, button]), "sk-file")

    def _export(self, name: str) -> tuple[str, str, bytes]:
        return self._exports.content(self.study, name)

    def report(self) -> None:
        """Make the report beside the page."""
        self.work.beside(self._run_report)

    def _run_report(self) -> None:
        """Make the report of the study on the page, and offer it."""
        params, file = self._params, None
        if params.source.startswith(UPLOAD):
            file = self._file
        name = filename(Path(self._sources.get(params.source, params.source)).stem)
        self._reporter.disabled = True
        self._reported.children = (
            Shown(
                _note(
                    "info",
                    "Making the report. It takes about as long as this page did, and some seconds more.",
                )
            ),
        )
        try:
            out = "" if self.dashboard else "reports"
            folder = self._batch.run(
                params.but(source=self._base.source) if file else params, file, name=name, out=out
            )
        except Exception:
            self._reported.children = ()
            raise
        finally:
            self._reporter.disabled = False
        content = (folder / "report.html").read_bytes()
        words = (
            f"The report is ready: {folder.name}"
            if self.dashboard
            else f"The report is ready: reports/{folder.name}/report.html"
        )
        give = Download(
            lambda: (f"{folder.name}.html", "text/html", content),
            "Download the report",
            "One file; opens without a network",
            self.work.guard,
        )
        self._reported.children = (Shown(_note("ok", words)), give)


def _note(state: str, text: str) -> Markup:
    sign = {"ok": "✓", "info": "i"}[state]
    return tag("div", tag("span", sign), tag("span", text), class_=f"sk-msg sk-{state}", role="status")


# ---------------------------------------------------------------------------------------- what is on the tabs
def _grid(*pairs: tuple[widgets.Widget, str]) -> widgets.Widget:
    return classed(widgets.Box([classed(part, width) for part, width in pairs]), "sk-grid")


def _stack(*names: str) -> Tab:
    parts = [PanelBox(name) for name in names]
    return Tab([box for part in parts for box in _headed(part)], parts)


def _headed(part: PanelBox) -> list[widgets.Widget]:
    """Return a panel below its heading, where it has no finding for a title."""
    return [Shown(tag("h2", HEADINGS[part.name])), part] if part.name in HEADINGS else [part]


def _overview(_: Dashboard) -> Tab:
    parts = [PanelBox(name) for name in ("cards", "sizes", "drivers", "profiles")]
    left = classed(widgets.VBox(parts[1:3]), "sk-stack")
    return Tab([parts[0], _grid((left, "sk-w5"), (parts[3], "sk-w7"))], parts)


def _map(board: Dashboard) -> Tab:
    from segkit.widgets.customers import MapBox  # noqa: PLC0415 - as in `late`

    places, unusual = MapBox(board.work.guard), PanelBox("unusual")
    return Tab([places, unusual], [places, unusual])


def _profiles(board: Dashboard) -> Tab:
    parts = [PanelBox("profiles"), ColumnBox(board)]
    return Tab(parts, parts)


def _customers(board: Dashboard) -> Tab:
    from segkit.widgets.customers import Grid  # noqa: PLC0415

    grid = Grid(board.work.guard)
    return Tab([grid], [grid])


def _change(board: Dashboard) -> Tab:
    from segkit.widgets.change import Change  # noqa: PLC0415

    change = Change(board.work.guard, dashboard=board.dashboard)
    return Tab([change], [change])


def _download(board: Dashboard) -> Tab:
    report = widgets.Button(description="Run report")
    report.on_click(board.work.guard(lambda _: board.report()))
    words = tag(
        "div", tag("b", "report.html"), tag("span", "All of this to read, print and send, in one file")
    )
    rows = [classed(widgets.HBox([Shown(words), report]), "sk-file"), *map(board.download, EXPORTS)]
    files = classed(widgets.VBox(rows), "sk", "sk-app", "sk-panel", "sk-files")
    parameters = PanelBox("parameters")
    return Tab([files, *_headed(parameters)], [parameters])


class ColumnBox(widgets.VBox):
    """One column by segment; the reader chooses which."""

    def __init__(self, board: Dashboard) -> None:
        self._study: Study | None = None
        self._dark, self._choice = (
            False,
            widgets.Dropdown(description="Column", options=[("The strongest difference", "")]),
        )
        self._panel = PanelBox("distribution", self._choice)
        self._choice.observe(board.work.guard(lambda _: self._fill()), names="value")
        super().__init__([self._panel])
        classed(self, "sk-app")

    def follow(self, study: Study, *, dark: bool = False) -> None:
        """Offer the columns of a study and show the one chosen, if it is still one."""
        self._study, self._dark = None, dark
        offer_columns(self._choice, study)
        self._study = study
        self._fill()

    def _fill(self) -> None:
        if self._study is not None:
            shown = late.panel(self._study, "distribution", column=self._choice.value, dark=self._dark)
            self._panel.show(shown)


TABS: Mapping[str, Callable[[Dashboard], Tab]] = {
    "Overview": _overview,
    "How many": lambda _: _stack("choice", "existing", "separation", "method", "glossary"),
    "Map": _map,
    "Profiles": _profiles,
    "Drivers": lambda _: _stack("drivers", "rules", "unused", "fairness"),
    "Customers": _customers,
    "Quality": lambda _: _stack("quality", "missing", "correlation", "columns"),
    "Change": _change,
    "Download": _download,
}
