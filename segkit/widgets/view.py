"""The live page: controls whose changes replace the study, and panels that follow it.

A notebook's cells each show one panel of ``view.study`` and keep no copy of it: when the study is replaced,
every picture, table and sentence on the page is. Without controls the same calls show the same panels,
once. Fields that name files are for the owner of the notebook; a dashboard's visitor has samples and an
upload. Nothing is computed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import parse_qs

import ipywidgets as widgets
from IPython import display as ipython

from segkit import export, places, runs, settings
from segkit.data import samples
from segkit.errors import ParameterError
from segkit.panels import builders
from segkit.panels.panel import Panel, tag
from segkit.params import Params, RfmParams
from segkit.purchases import Purchases, carry_out
from segkit.study import Study
from segkit.widgets.figure import PanelBox, part, plain
from segkit.widgets.form import Form, classed
from segkit.widgets.transfer import Download, Upload
from segkit.widgets.work import Work

FILES = {
    "segments.csv": ("text/csv", "one row per customer"),
    "model.json": ("application/json", "scores new customers"),
    "summary.json": ("application/json", "everything on this page, as data"),
}
Kinds = Params | RfmParams
Made = Study | Purchases
PLOTLY = "application/vnd.plotly.v1+json"
display: Callable[..., None] = ipython.display
STRONGEST = "The strongest difference"
UPLOAD = "upload:"  # a source of this page only: the file its reader sent


def controls(params: Kinds, interactive: bool = True) -> View:  # noqa: FBT001, FBT002 - as a notebook writes it
    """Return the page of a notebook: its controls, and its study as panels.

    Parameters
    ----------
    params
        The parameters to start from.
    interactive
        Show controls and let every panel follow them; otherwise panels are shown once, as in a report.

    Returns
    -------
    View
        As the last line of a cell it shows the controls; ``view.sizes()`` and so on show panels.

    Raises
    ------
    SegkitError
        When the study cannot be made and there are no controls to mend it with.

    Examples
    --------
    >>> view = controls(Params(segments=5), interactive=False)
    >>> view.study.verdict.shown
    5
    """
    return View(params, interactive=interactive)


class View:
    """One study on one page.

    Parameters
    ----------
    params, interactive
        As for `controls`.
    environ
        Where to look whether this page is a dashboard, and for its address.
    """

    def __init__(
        self, params: Kinds, *, interactive: bool = True, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.dashboard = places.in_dashboard(environ)
        self.form: Form | None = None
        self._params = params
        self._study: Made | None = None
        self._file: Path | None = None
        self._boxes: list[tuple[PanelBox, Callable[[], str]]] = []
        self._drawing = RLock()  # a reader picks a column in one thread while a study arrives in another
        self.work = Work(lambda: self._form)
        if interactive:
            self._open(params, environ.get("QUERY_STRING", ""))
        else:
            self.study = carry_out(None, params)

    # -------------------------------------------------------------------------------------- what is shown
    @property
    def study(self) -> Made:
        """The study on the page; setting it replaces everything shown."""
        if self._study is None:
            raise ParameterError("There is no study yet. The page says beside its controls what is missing.")
        return self._study

    @study.setter
    def study(self, study: Made) -> None:
        self._study = study
        if self.form:
            self.form.found(map(str, study.columns["column"]))
        for box, column in self._boxes:
            self._fill(box, column)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Return what shows a panel: ``view.sizes()`` shows the panel ``sizes``."""
        known = builders.names(self.__dict__.get("_params", Params()))
        if name not in known:
            raise AttributeError(f"There is no panel {name!r}. Choose one of: {', '.join(known)}.")
        return partial(self._show, name)

    def __dir__(self) -> list[str]:
        """List the panels too."""
        return [*super().__dir__(), *builders.names(self._params)]

    def _ipython_display_(self) -> None:
        if self.form:
            display(self.form.box)

    def distribution(self, column: str = "") -> None:
        """Show one column by segment; on a live page its reader chooses which."""
        if not self.form:
            _show_once(builders.build(self.study, "distribution", column=column))
            return
        choice = widgets.Dropdown(description="Column", options=[(column or STRONGEST, column)])
        box = classed(PanelBox("distribution", choice), "sk-app")
        self._add(box, lambda: _choose(choice, self.study))
        choice.observe(self.work.guard(lambda _: self._fill(box, lambda: choice.value)), names="value")

    def save(self) -> None:
        """Write the data files where `output` says, and on a live page offer them for download."""
        if self._params.output and not self.dashboard:
            folder = runs.save(self.study, self._params.output)
            written = ", ".join(name for name in runs.DATA if (folder / name).is_file())
            _print("saved", tag("p", f"Wrote {written}.", class_="sk-foot"))
        if self.form:
            known = [name for name in FILES if name != "model.json" or isinstance(self._params, Params)]
            made = [self._download(name, FILES[name][1]) for name in known]
            display(classed(widgets.HBox(made), "sk", "sk-app", "sk-downloads"))

    def _download(self, name: str, hint: str) -> Download:
        return Download(partial(self._content, name), f"Download {name}", hint, self.work.guard)

    def _show(self, name: str) -> None:
        if self.form:
            self._add(PanelBox(name), str)
        else:
            _show_once(builders.build(self.study, name))

    def _add(self, box: PanelBox, column: Callable[[], str]) -> None:
        self._boxes.append((box, column))
        self._fill(box, column)
        display(box)

    def _fill(self, box: PanelBox, column: Callable[[], str]) -> None:
        with self._drawing:
            if self._study:
                box.show(builders.build(self._study, box.name, column=column()))

    def _content(self, name: str) -> tuple[str, str, bytes]:
        with tempfile.TemporaryDirectory() as folder:
            export.write(self.study, Path(folder))
            return name, FILES[name][0], (Path(folder) / name).read_bytes()

    # -------------------------------------------------------------------------------------- what changes it
    @property
    def _form(self) -> Form:
        if self.form is None:
            raise ParameterError("This page has no controls: interactive is off.")
        return self.form

    def _open(self, params: Kinds, query: str) -> None:
        """Make the controls and the first study; what is wrong with either is said on the page."""
        fault = ""
        try:
            params = from_address(query, params) if self.dashboard else params
        except ParameterError as error:
            fault = f"The address was not used. {error}"
        named = {f"sample:{name}": f"Sample: {name}" for name in samples.NAMES}
        self._sources = {params.source: Path(params.source).name, **named}
        limit = settings.load().upload_limit_mb * 1_000_000
        self.form = Form(
            params,
            sources=self._sources,
            closed=self.dashboard,
            on_change=self._change,
            wrap=self.work.guard,
            more=[Upload(self._receive, limit, self.work.guard)],
        )
        self._request(params, at_once=True)
        if fault:
            self.form.complain(fault)

    def _change(self) -> None:
        self._request(self._params.but(**self._form.values))

    def _receive(self, file: Path) -> None:
        """Offer a file that has arrived as the source."""
        self._file = file
        kept = {value: label for value, label in self._sources.items() if not value.startswith(UPLOAD)}
        self._sources = {**kept, UPLOAD + file.name: file.name}
        self._form.offer(self._sources, UPLOAD + file.name)

    def _request(self, params: Kinds, *, at_once: bool = False) -> None:
        if self.dashboard and params.source not in self._sources:
            raise ParameterError("This page reads its samples and the file you upload, nothing else.")
        self._params = params
        self.work.ask(partial(_study, params, self._file), self._take, at_once=at_once)

    def _take(self, study: Made) -> None:
        self.study = study


def from_address(query: str, params: Kinds) -> Kinds:
    """Return `params` with what an address such as ``segments=4&scale=robust`` changes.

    Raises
    ------
    ParameterError
        When a name or value does not fit, or names a file, address or directory: those are not for visitors.

    Examples
    --------
    >>> from_address("segments=4", Params()).segments
    4
    """
    given = parse_qs(query, keep_blank_values=True).items()
    texts = {name: found[0] if len(found) == 1 else found for name, found in given if name != "token"}
    closed = [
        field.name for field in params.fields() if field.name in texts and (field.operator or field.run)
    ]
    if closed:
        raise ParameterError(f"An address cannot set {' or '.join(closed)}.")
    return type(params).from_text(texts, base=params)  # type: ignore[arg-type]


def _study(params: Kinds, file: Path | None) -> Made:
    """Make the study; an uploaded file is known by its name, never by where it lies."""
    if not params.source.startswith(UPLOAD) or file is None:
        return carry_out(None, params)
    study = carry_out(str(file), params)
    told: Any = study.params.but(source=file.name)
    return replace(study, params=told)


def _choose(choice: widgets.Dropdown, study: Made) -> str:
    """Offer the columns of a study, keep the choice where it is still one, and return it."""
    used = study.columns[study.columns["use"] == "feature"]
    options = ((STRONGEST, ""), *zip(used["label"], used["column"], strict=True))
    if tuple(choice.options) != options:
        kept = choice.value if choice.value in set(used["column"]) else ""
        choice.options = options
        choice.value = kept
    return str(choice.value)


def _show_once(panel: Panel) -> None:
    """Show a panel as plain outputs of a cell: head, picture, foot, or its body where there is no picture."""
    if panel.figure is None:
        _print(panel.name, panel.body_html, "body")
        return
    _print(panel.name, panel.head_html(), "head")
    display({PLOTLY: plain(panel.figure)}, raw=True)
    _print(panel.name, panel.foot_html(), "foot")


def _print(name: str, inner: str, kind: str = "body") -> None:
    display({"text/html": part(name, kind, inner, "sk")}, raw=True)
