"""The controls, made from the description of the parameters, and the one way markup reaches a live page.

Bounds make a slider, choices a dropdown, true or false a checkbox, a list a multi-select of the columns
found; a field's label and help go along. Nothing is validated, read or computed here: a form says which
values stand in its controls and calls back, at once or, for the source and the columns, on *Update*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets as t

from segkit.fields import Field
from segkit.panels.panel import Markup, markup, tag
from segkit.params import Kind

STATIC = Path(__file__).parent.parent / "static"
SLIDER = 100  # a wider range than this is typed, not slid
PATIENT = ("Data", "Columns")  # groups whose changes wait for Update, and so do
READ = ("sheet", "query", "dates", "decimal")
OPEN = ("Data", "Segments")  # groups that are never folded away
FILES = "Keep these settings"
HINTS = {
    "segment_names": "Regulars; newcomers; …",
    "merge": "2+4",
    "hide": "3; 5",
}  # what stands in a field that is empty
NAMED = {
    "customer_id": (("Find it", "auto"), ("None", "")),
    "value": (("None", ""),),
    "by": (("None", ""),),
    "labels": (("None", ""),),
    **dict.fromkeys(
        ("date", "amount", "quantity", "price", "order_id", "product"), (("Find it", "auto"), ("None", ""))
    ),
}  # these name one column
Wrap = Callable[[Callable[..., None]], Callable[..., None]]


class Shown(widgets.HTML):
    """Markup on a live page: a plain string put here is escaped, only `Markup` is believed."""

    @t.validate("value")
    def _escape(self, proposal: Any) -> Markup:
        return markup(proposal["value"])


class Look(anywidget.AnyWidget):
    """The style sheets, once on a page, and what its sliders say to those who hear it."""

    _esm = STATIC / "widgets" / "look.js"
    _css = "\n".join(
        (STATIC / name).read_text(encoding="utf-8") for name in ("tokens.css", "segkit.css", "widgets.css")
    )


class Form:
    """The controls of one kind of study.

    Parameters
    ----------
    params
        The values to start from.
    sources
        Sources to pick from, each with its label; `closed` allows no other.
    on_change
        Called after a change that runs at once, and after *Update* or *Reset*.
    wrap
        Goes around every callback: the page's one way to deal with errors.
    more
        Further widgets below the source, such as the upload.
    files
        Widgets of a last group: the parameters as a file.
    """

    def __init__(
        self,
        params: Kind,
        *,
        sources: Mapping[str, str],
        closed: bool,
        on_change: Callable[[], None],
        wrap: Wrap,
        more: Sequence[widgets.Widget] = (),
        files: Sequence[widgets.Widget] = (),
    ) -> None:
        self._start, self._sources, self._closed = params, sources, closed
        self._on_change, self._wrap = on_change, wrap
        self._quiet, self._columns = False, list[str]()
        self.on_cancel: Callable[[], None] = lambda: None
        self.fields = {field.name: field for field in params.fields() if self._shows(field)}
        self.controls = {name: self._control(field) for name, field in self.fields.items()}
        self._applied = self._read()
        self.message, self.status = Shown(), Shown()
        self.update = self._button("Update", self._apply, primary=True)
        self.reset = self._button("Reset", self._restore)
        self.cancel = self._button("Cancel", lambda _: self.on_cancel())
        self.box = self._layout(more, files)
        self.say("")
        for name, control in self.controls.items():
            control.observe(self._wrap(self._changed), names="value")
            control.add_class(f"sk-field-{name}")

    @property
    def values(self) -> dict[str, Any]:
        """What the controls say; source and columns as of the last *Update*."""
        return {**self._read(), **{name: self._applied[name] for name in self._patient}}

    @property
    def _naming(self) -> list[Field]:
        return [field for field in self.fields.values() if field.name in NAMED or field.type == "list[str]"]

    @property
    def _patient(self) -> list[str]:
        return [name for name, field in self.fields.items() if field.group in PATIENT or name in READ]

    def show(self, values: dict[str, Any]) -> None:
        """Put values into the controls without calling back."""
        with self._silence():
            for name in values.keys() & self.controls.keys():
                self._put(name, values[name])
        self._applied = self._read()
        self.update.disabled = True
        self.mark()

    def mark(self) -> None:
        """Mark the controls that differ from where *Reset* leads."""
        for name, value in self._read().items():
            changed = value != getattr(self._start, name)
            (self.controls[name].add_class if changed else self.controls[name].remove_class)("sk-is-changed")

    def found(self, columns: Iterable[str]) -> None:
        """Offer these columns wherever a parameter names columns."""
        before, self._columns = self._columns, list(columns)
        if self._columns != before:
            with self._silence():
                for field in self._naming:
                    self._put(field.name, self._read()[field.name])

    def forget(self) -> None:
        """Let go of every column named: names belong to the source they were found in."""
        self.show({**self._read(), **{field.name: field.default for field in self._naming}})

    def offer(self, sources: Mapping[str, str], chosen: str) -> None:
        """Replace the sources to pick from, and pick one; it waits for *Update* like any other."""
        with self._silence():
            _fill(self.controls["source"], sources)
            self.controls["source"].value = chosen
        self.pending()

    def pending(self) -> None:
        """Show that something waits for *Update*."""
        self.update.disabled = False
        self.say("Press Update to use what you chose.")

    def say(self, text: str, *, busy: bool = False) -> None:
        """Write the status line; what is busy can be cancelled."""
        self.status.value = tag("p", text, class_="sk-status sk-busy" if busy else "sk-status", role="status")
        self.cancel.layout.visibility = "visible" if busy else "hidden"

    def complain(self, text: str) -> None:
        """Write what is wrong, beside the control it is about where it names one; no text takes it away."""
        body = tag("div", tag("span", "!"), tag("span", text), class_="sk-msg sk-error", role="alert")
        self.message.value = body if text else Markup("")
        self._place(text.partition(" ")[0])

    def _place(self, name: str) -> None:
        """Put the message below the control of this name, in sight; below all of them for any other."""
        for box, children in [*self._groups.values(), (self._end, self._end_children)]:
            if self.message in box.children:
                box.children = children
        field = self.fields.get(name)
        if field is None:
            self._end.children = (self.message, *self._end_children)
            return
        box, children = self._groups[field.group]
        after = children.index(self.controls[name]) + 1
        box.children = (*children[:after], self.message, *children[after:])
        if field.group not in OPEN:
            self._folded.selected_index = self._folded.titles.index(field.group)

    def _put(self, name: str, value: Any) -> None:
        _offer(self.controls[name], name, self._columns, value)
        self.controls[name].value = tuple(value) if isinstance(value, list) else value

    def _read(self) -> dict[str, Any]:
        return {
            name: list(control.value) if isinstance(control.value, tuple) else control.value
            for name, control in self.controls.items()
        }

    def _changed(self, change: Any) -> None:
        if self._quiet:
            return
        name = next(name for name, control in self.controls.items() if control is change["owner"])
        self.mark()
        if name in self._patient:
            self.pending()
        else:
            self._on_change()

    def _apply(self, _: Any) -> None:
        if self.controls["source"].value != self._applied["source"]:
            self.forget()
        self._applied = self._read()
        self.update.disabled = True
        self._on_change()

    def _restore(self, _: Any) -> None:
        self.show(self._start.study_dump())
        self._on_change()

    @contextmanager
    def _silence(self) -> Iterator[None]:
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _shows(self, field: Field) -> bool:
        """Tell whether a field has a control: files other than the source are not for visitors."""
        return not field.run and (field.name == "source" or not (field.operator and self._closed))

    def _control(self, field: Field) -> widgets.Widget:
        value = getattr(self._start, field.name)
        if field.name == "source":
            return _source(field, value, self._sources, closed=self._closed)
        return control(field, value)

    def _button(self, label: str, action: Callable[[Any], None], *, primary: bool = False) -> widgets.Button:
        style = "primary" if primary else ""
        button = widgets.Button(description=label, button_style=style, disabled=primary)
        button.on_click(self._wrap(action))
        return button

    def _layout(self, more: Sequence[widgets.Widget], files: Sequence[widgets.Widget]) -> widgets.VBox:
        groups: dict[str, list[widgets.Widget]] = {}
        for name, field in self.fields.items():
            groups.setdefault(field.group, []).append(self.controls[name])
        after = groups["Data"].index(self.controls["source"]) + 1
        groups["Data"][after:after] = more
        if files:
            groups[FILES] = list(files)
        boxes = {name: classed(widgets.VBox(inner), "sk-group") for name, inner in groups.items()}
        self._groups = {name: (box, box.children) for name, box in boxes.items()}
        shown = [
            classed(widgets.VBox([Shown(tag("h3", name)), boxes.pop(name)]), "sk-open")
            for name in OPEN if name in boxes
        ]  # fmt: skip
        self._folded = widgets.Accordion(list(boxes.values()), titles=tuple(boxes), selected_index=None)
        buttons = classed(widgets.HBox([self.update, self.reset]), "sk-actions")
        state = classed(widgets.HBox([self.status, self.cancel]), "sk-state")
        self._end = classed(widgets.VBox([self.message, buttons, state]), "sk-end")
        self._end_children = (buttons, state)
        self.side = classed(widgets.VBox([*shown, self._folded, self._end]), "sk-side")
        self.unfold = classed(self._button("Settings", self._unfold), "sk-only-small")
        return classed(widgets.VBox([Look(), self.unfold, self.side]), "sk", "sk-app", "sk-form", "sk-beside")

    def _unfold(self, _: Any) -> None:
        """Open or close the controls where the page is too narrow to have them beside it."""
        is_open = "sk-unfolded" in self.box._dom_classes  # noqa: SLF001 - ipywidgets has no other way to ask
        (self.box.remove_class if is_open else self.box.add_class)("sk-unfolded")


def control(field: Field, value: Any) -> widgets.Widget:
    """Return the control of one field, set to `value`."""
    about = {"description": field.label, "tooltip": _sentence(field.help)}
    if field.name in NAMED or field.type == "list[str]":
        made = widgets.Dropdown(**about) if field.type == "str" else widgets.SelectMultiple(rows=5, **about)
        _offer(made, field.name, [], value)
        made.value = tuple(value) if field.type == "list[str]" else value
        return made
    if field.choices:
        return widgets.Dropdown(options=field.choices, value=value, **about)
    if field.type == "bool":
        return widgets.Checkbox(value=value, indent=False, **about)
    if field.type == "int":
        return _number(field, value, about)
    if field.type in {"float", "list[float]"}:
        return _decimals(field, value, about)
    return widgets.Text(value=value, continuous_update=False, placeholder=HINTS.get(field.name, ""), **about)


def _decimals(field: Field, value: Any, about: dict[str, str]) -> widgets.Widget:
    if field.type == "float":
        return widgets.BoundedFloatText(value=value, min=field.low, max=field.high, step=0.05, **about)
    return widgets.FloatsInput(value=value, **about)


def _number(field: Field, value: int, about: dict[str, str]) -> widgets.Widget:
    low, high = field.low or 0, field.high if field.high is not None else 2**31
    if field.default == 0 and high <= SLIDER:
        options = [("Auto", 0), *((str(n), n) for n in range(max(2, low), high + 1))]
        return widgets.SelectionSlider(options=options, value=value, **about)
    if high - low <= SLIDER:
        return widgets.IntSlider(value=value, min=low, max=high, **about)
    return widgets.BoundedIntText(value=value, min=low, max=high, **about)


def _source(field: Field, value: str, sources: Mapping[str, str], *, closed: bool) -> widgets.Widget:
    about = {"description": field.label, "tooltip": _sentence(field.help)}
    made = widgets.Dropdown(**about) if closed else widgets.Combobox(continuous_update=False, **about)
    _fill(made, sources)
    made.value = value
    return made


def _fill(source: widgets.Widget, sources: Mapping[str, str]) -> None:
    closed = isinstance(source, widgets.Dropdown)
    source.options = [(label, value) for value, label in sources.items()] if closed else list(sources)


def _offer(made: widgets.Widget, name: str, columns: Sequence[str], value: Any) -> None:
    """Give a control that names columns those to choose from, the ones it names already included."""
    if name in NAMED:
        heads = dict(NAMED[name])
        more = (column for column in [*columns, value] if column not in heads.values())
        made.options = [*heads.items(), *((column, column) for column in dict.fromkeys(more))]
    elif isinstance(made, widgets.SelectMultiple):
        made.options = list(dict.fromkeys([*columns, *value]))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def classed(box: widgets.Widget, *names: str) -> widgets.Widget:
    """Return the box with these classes added."""
    for name in names:
        box.add_class(name)
    return box
