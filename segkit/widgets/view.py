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
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from IPython import display as ipython
from IPython import get_ipython

from segkit import places, runs, settings
from segkit.errors import ParameterError
from segkit.fields import SAMPLES
from segkit.panels.panel import Panel, tag
from segkit.params import Kind, Params
from segkit.safe import filename
from segkit.widgets import cells, late
from segkit.widgets.address import UPLOAD, bare, called, from_address, told
from segkit.widgets.figure import PanelBox, part, plain
from segkit.widgets.form import Form, classed
from segkit.widgets.session import Session
from segkit.widgets.transfer import Download, Upload
from segkit.widgets.work import Work

if TYPE_CHECKING:
    from segkit.kinds import Made

FILES = {
    "segments.csv": ("text/csv", "one row per customer"),
    "model.json": ("application/json", "scores new customers"),
    "summary.json": ("application/json", "everything on this page, as data"),
}
PLOTLY = "application/vnd.plotly.v1+json"
display: Callable[..., None] = ipython.display
STRONGEST = "The strongest difference"
RECIPE = 100_000  # bytes of a parameter file
WORKING = "Working on it."
STEPS = {
    "read": "Reading the data. Step 1 of 6.",
    "describe": "Looking at the columns. Step 2 of 6.",
    "prepare": "Preparing the columns. Step 3 of 6.",
    "verdict": "Holding the data against chance. Step 4 of 6.",
    "sweep": "Trying every number of segments. Step 5 of 6.",
    "describe segments": "Describing the segments. Step 6 of 6.",
}


def controls(params: Kind, interactive: bool = True) -> View:  # noqa: FBT001, FBT002 - as a notebook writes it
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
        self, params: Kind, *, interactive: bool = True, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.dashboard = places.in_dashboard(environ)
        self.form: Form | None = None
        self._params = self._base = params
        self._study: Made | None = None
        self._file: Path | None = None
        self._boxes: list[tuple[PanelBox, Callable[[], str]]] = []
        self._drawing = RLock()  # a reader picks a column in one thread while a study arrives in another
        self.work = Work(lambda: self._form)
        if self.dashboard and (shell := get_ipython()):
            cells.load_ipython_extension(shell)
        if interactive:
            self._open(params, environ.get("QUERY_STRING", ""))
        else:
            self.study = late.study(None, params)

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
        known = late.panels(self.__dict__.get("_params", Params()))
        if name not in known:
            raise AttributeError(f"There is no panel {name!r}. Choose one of: {', '.join(known)}.")
        return partial(self._show, name)

    def __dir__(self) -> list[str]:
        """List the panels too."""
        return [*super().__dir__(), *late.panels(self._params)]

    def _ipython_display_(self) -> None:
        if self.form:
            display(self.form.box)

    def distribution(self, column: str = "") -> None:
        """Show one column by segment; on a live page its reader chooses which."""
        if not self.form:
            _show_once(late.panel(self.study, "distribution", column=column))
            return
        choice = widgets.Dropdown(description="Column", options=[(column or STRONGEST, column)])
        box = classed(PanelBox("distribution", choice), "sk-app")
        self._add(box, lambda: offer_columns(choice, self.study))
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
            _show_once(late.panel(self.study, name))

    def _add(self, box: PanelBox, column: Callable[[], str]) -> None:
        self._boxes.append((box, column))
        self.work.guard(self._fill)(box, column)  # one that fails leaves the cells after it alone
        display(box)

    def _fill(self, box: PanelBox, column: Callable[[], str]) -> None:
        with self._drawing:
            if self._study:
                box.show(late.panel(self._study, box.name, column=column()))

    def _content(self, name: str) -> tuple[str, str, bytes]:
        with tempfile.TemporaryDirectory() as folder:
            late.write(self.study, Path(folder))
            return name, FILES[name][0], (Path(folder) / name).read_bytes()

    # -------------------------------------------------------------------------------------- what changes it
    @property
    def _form(self) -> Form:
        if self.form is None:
            raise ParameterError("This page has no controls: interactive is off.")
        return self.form

    def _open(self, params: Kind, query: str) -> None:
        """Make the controls and ask for the first study; what is wrong with either is said on the page."""
        named = {f"sample:{name}": f"Sample: {name}" for name in SAMPLES}
        self._sources = {params.source: called(params.source), **named}
        limit = settings.load().upload_limit_mb * 1_000_000
        guard = self.work.guard
        self._upload = Upload(self._receive, limit, guard)
        self.form = Form(
            params,
            sources=self._sources,
            closed=self.dashboard,
            on_change=self._change,
            wrap=guard,
            more=[self._upload],
            files=self._files(),
        )
        self.form.on_cancel = self.work.cancel
        open_fields = [field.name for field in params.fields() if field.name in self.form.controls]
        self.session = Session(self._arrive, open_fields, guard)
        self.form.box.children = (*self.form.box.children, self.session)
        params, fault = self._addressed(query)
        self._start(params)
        if fault:
            self.form.complain(fault)

    def _files(self) -> list[widgets.Widget]:
        """Return what takes the parameters out and in again, and all that came from the reader away."""
        known: dict[str, Any] = {
            "label": "Load parameters",
            "kinds": "A parameter file (YAML)",
            "types": (".yml", ".yaml"),
        }
        clear = widgets.Button(description="Clear my data now")
        clear.on_click(self.work.guard(lambda _: self.clear()))
        return [
            Download(
                self._yaml, "Save as parameters", "What differs from the defaults, as YAML", self.work.guard
            ),
            Upload(self._load, RECIPE, self.work.guard, **known),
            clear,
        ]

    def _start(self, params: Kind) -> None:
        self._request(params, at_once=True)

    def _addressed(self, query: str) -> tuple[Kind, str]:
        """Return the notebook's parameters with what a dashboard's address changes, and what is wrong."""
        self._query, fault, params = query, "", self._base
        try:
            params = from_address(query, params, self._sources) if self.dashboard else params
        except ParameterError as error:
            fault = f"The address was not used. {error}"
        self._form.show(params.study_dump())
        return params, fault

    def _arrive(self, query: str) -> None:
        """The page is there; a kernel that was started before it learns its address only now."""
        if not query or query == self._query or bare(query) == bare(self._query):
            return
        params, fault = self._addressed(query)
        if params != self._params:
            self._request(params)
        if fault:
            self._form.complain(fault)

    def _change(self) -> None:
        self._request(self._params.but(**self._form.values))

    def _receive(self, file: Path) -> None:
        """Offer a file that has arrived as the source."""
        self._file = file
        self._sources = {**self._lasting, UPLOAD + file.name: file.name}
        self._form.offer(self._sources, UPLOAD + file.name)

    @property
    def _lasting(self) -> dict[str, str]:
        """The sources that are not the reader's own file."""
        return {value: label for value, label in self._sources.items() if not value.startswith(UPLOAD)}

    def _yaml(self) -> tuple[str, str, bytes]:
        params = told(self._params)
        if self.dashboard:
            params = params.but(source=Path(params.source).name)
        name = filename(Path(params.source).stem.removeprefix("sample:"))
        return f"{name}.yml", "application/yaml", params.to_yaml(name=name).encode()

    def _load(self, file: Path) -> None:
        """Use a parameter file; a visitor's may name no file, address or directory."""
        asked, base, own = type(self._base).read(file), self._base, self._form.controls
        params = asked.but(**{field.name: getattr(base, field.name) for field in asked.fields() if field.run})
        known = {Path(value.removeprefix(UPLOAD)).name: value for value in self._sources}
        params = params.but(source=known.get(params.source, params.source))
        closed = [field.name for field in params.fields() if field.operator and field.name not in own]
        if self.dashboard and any(getattr(params, name) != getattr(base, name) for name in closed):
            raise ParameterError(f"A parameter file loaded here cannot set {' or '.join(closed)}.")
        self._request(params)
        self._form.show(params.study_dump())

    def clear(self) -> None:
        """Let go of all that came from the reader, and of every result kept; begin again."""
        self.work.cancel()
        self._upload.clear()
        late.forget()
        self._file, self._study = None, None
        self._sources = {
            value: label for value, label in self._sources.items() if not value.startswith(UPLOAD)
        }
        self._form.offer(self._sources, self._base.source)
        self._form.show(self._base.study_dump())
        self._request(self._base)

    def _request(self, params: Kind, *, at_once: bool = False, pause: float | None = None) -> None:
        if self.dashboard and params.source not in self._sources:
            raise ParameterError("This page reads its samples and the file you upload, nothing else.")
        self._params = params
        self.session.keep(
            params if not params.source.startswith(UPLOAD) else told(params, self._base.source), self._base
        )
        self.work.ask(
            partial(self._study_of, params, self.work.step), self._take, at_once=at_once, pause=pause
        )

    def _study_of(self, params: Kind, say: Callable[[str], object]) -> Made:
        """Make the study; to visitors a file is known by its name, never by where it lies."""
        file = self._file if params.source.startswith(UPLOAD) else None
        study = late.study(str(file) if file else None, params, lambda step: say(STEPS.get(step, WORKING)))
        if file is None and not self.dashboard:
            return study
        named: Any = study.params.but(source=Path(file or study.params.source).name)
        return replace(study, params=named)

    def _take(self, study: Made) -> None:
        self.study = study


def offer_columns(choice: widgets.Dropdown, study: Made) -> str:
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
