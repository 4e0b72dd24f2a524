"""From a study to its panels: one short function per panel that joins words, picture and tables.

Words come from `insight.words`, pictures from `plots`, tables from the study; nothing is computed here but which rows
to draw where there are too many. Pages call `build`; the names are `NAMES`, in the order of a report.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from segkit.errors import ParameterError
from segkit.insight.words import captions, method
from segkit.insight.words.captions import Caption
from segkit.insight.words.glossary import GLOSSARY
from segkit.panels import cards, tables
from segkit.panels.panel import Markup, Panel, TableView, badge, joined, tag
from segkit.plots import columns as column_plots
from segkit.plots import spread as spread_plots
from segkit.plots import segments as segment_plots
from segkit.study import Study

STRIP = 400  # customers drawn in each strip of the unusual ones, and as many crosses


class _View:
    """What every builder needs of a study: labels, numbers, words for the value column, light or dark."""

    def __init__(self, study: Study, *, dark: bool, column: str) -> None:
        self.study, self.dark, self.column = study, dark, column
        self.numbers = study.numbers
        self.labels = {str(c): str(w) for c, w in zip(study.columns["column"], study.columns["label"], strict=True)}
        self.order = [str(column) for column in study.drivers["column"]]
        named = study.params.value
        self.value = self.labels.get(named, named) if "value_sum" in study.sizes else ""
        self.mark = "" if study.verdict.supported else cards.UNSUPPORTED
        self.alone = len(study.sizes) < 2

    def panel(self, name: str, caption: Caption, *shown: TableView, figure: go.Figure | None = None, **more: Any) -> Panel:
        """Return the panel of a caption; a figure learns its name and its alternative text."""
        figure = None if caption.empty else figure
        if figure is not None:
            figure.update_layout(meta={"alt": caption.alt, "panel": name})
        words = (caption.title, caption.subtitle)
        return Panel(name, *words, figure, caption.note, caption.alt, caption.empty, shown, **more)

    def key(self) -> tuple[Markup, ...]:
        """Return which colour is which segment, where segments have names."""
        rows = zip(self.study.sizes["segment"], self.study.sizes["name"], strict=True)
        return () if self.alone else tuple(badge(int(n), name or f"Segment {n}") for n, name in rows)


def _verdict(view: _View) -> Panel:
    text = view.study.text
    return Panel("verdict", "", body=cards.verdict(view.study.verdict, text.headline, text.evidence))


def _facts(view: _View) -> Panel:
    study = view.study
    items = method.facts(study.verdict, study.sizes, study.assignments, study.quality, view.value, view.numbers)
    return Panel("facts", "", body=cards.facts(items))


def _sizes(view: _View) -> Panel:
    study, n = view.study, view.numbers
    value = view.value if segment_plots.has_value(study.sizes) else ""
    caption = captions.sizes(study.sizes, n, value=value, supported=study.verdict.supported)
    figure = None if view.alone else segment_plots.sizes(study.sizes, value=value, dark=view.dark, numbers=n)
    return view.panel("sizes", caption, tables.sizes(study.sizes, view.value, n), figure=figure, mark=view.mark)


def _segments(view: _View) -> Panel:
    study = view.study
    if view.alone:
        return Panel("segments", "", empty=method.no_segments(study.verdict), body=tag("p", study.text.summaries.get(1, "")))
    body = cards.blocks(study.sizes, study.text.summaries, study.actions, supported=study.verdict.supported)
    return Panel("segments", "", body=body)


def _cards(view: _View) -> Panel:
    study = view.study
    if view.alone:
        return _segments(view)
    body = cards.cards(
        study.sizes, study.differences, study.actions, view.labels, view.numbers, value=view.value, verdict=study.verdict
    )
    return Panel("cards", "", body=body)


def _choice(view: _View) -> Panel:
    evidence, n = view.study.evidence, view.numbers
    caption = captions.choice(evidence, view.study.verdict, n)
    figure = None if caption.empty else segment_plots.choice(evidence, dark=view.dark, numbers=n)
    return view.panel("choice", caption, tables.choice(evidence, n), figure=figure, mark=view.mark)


def _map(view: _View) -> Panel:
    study, made = view.study, view.study.map
    rows = study.assignments.iloc[made.table["row"].to_numpy()]
    fit = (rows["confidence"].to_numpy() * 100).round().astype(int)
    drawn = made.table.assign(id=[segment_plots.text(x) for x in rows.iloc[:, 0]], fit=fit)
    caption = captions.customer_map(drawn, explained=made.explained, total=made.total, numbers=view.numbers)
    axes = method.axes(made.axes, made.explained, view.labels, view.numbers)
    names = list(study.sizes["name"])
    figure = segment_plots.customer_map(drawn, axes, names=names, dark=view.dark, numbers=view.numbers)
    key = view.key() if len(names) > 3 else ()
    return view.panel("map", caption, tables.sizes(study.sizes, "", view.numbers), figure=figure, mark=view.mark, key=key)


def _profiles(view: _View) -> Panel:
    profile, n = view.study.profile, view.numbers
    left = profile.groupby(["column", "level"]).ngroups - len(column_plots.profile_rows(profile, view.order))
    caption = captions.profiles(profile, view.study.drivers, view.labels, n, left=left)
    if view.alone:
        return view.panel("profiles", caption, tables.medians(profile, view.labels, n))
    figure = column_plots.profiles(profile, order=view.order, labels=view.labels, dark=view.dark, numbers=n)
    table = tables.profiles(profile, view.order, view.labels, n)
    return view.panel("profiles", caption, table, figure=figure, mark=view.mark, key=view.key())


def _distribution(view: _View) -> Panel:
    profile = view.study.profile
    known = [column for column in view.order if column in set(profile["column"])] or list(profile["column"].unique())
    column = view.column or known[0]
    if column not in known:
        raise ParameterError(f"There is no column {column!r} to draw. Choose one of: {', '.join(known)}.")
    part = profile[profile["column"] == column]
    draw = _composition if (part["kind"] == "category").all() else _spread
    return draw(view, column, part)


def _composition(view: _View, column: str, part: pd.DataFrame) -> Panel:
    label = view.labels.get(column, column)
    figure = spread_plots.composition(part, dark=view.dark, numbers=view.numbers)
    levels = spread_plots.main_levels(part)
    rest = ["other"] if len(levels) < part["level"].nunique() else []
    swatches = [tag("i", class_="sk-swatch", style=f"background:var(--sk-seq-{6 - i})") for i in range(len(levels))]
    swatches += [tag("i", class_="sk-swatch")] * len(rest)
    key = tuple(joined((s, level)) for s, level in zip(swatches, [*levels, *rest], strict=True))
    table = tables.profiles(part, [], view.labels, view.numbers, f"Share of each value of {label}")
    return view.panel("distribution", captions.composition(part, label, view.numbers), table, figure=figure, mark=view.mark, key=key)


def _spread(view: _View, column: str, part: pd.DataFrame) -> Panel:
    study, label, n = view.study, view.labels.get(column, column), view.numbers
    described = study.columns.set_index("column").loc[column]
    log = bool(described["skew"] > 2 and described["min"] > 0)
    every = pd.DataFrame({"segment": study.assignments["segment"].to_numpy(), "value": study.values(column).to_numpy(dtype=float, na_value=np.nan)})
    every = every[(every["segment"] > 0) & np.isfinite(every["value"])]
    low, high = every["value"].quantile([0.005, 0.995])
    inside = every[every["value"].between(low, high)]
    drawn = _some(inside, spread_plots.DRAWN, study.params.seed)
    shown = len(drawn) if len(drawn) < len(inside) else 0
    caption = captions.distribution(part, label, n, outside=len(every) - len(inside), drawn=shown)
    title = f"{label} (log scale)" if log else label
    figure = None if caption.empty else spread_plots.distribution(drawn, part, title=title, log=log, dark=view.dark, numbers=n)
    return view.panel("distribution", caption, tables.distribution(part, label, n), figure=figure, mark=view.mark, key=view.key())


def _some(rows: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Return at most so many rows of each segment, the same ones for the same seed, in their old order."""
    mixed = rows.iloc[np.random.default_rng(seed).permutation(len(rows))]
    return mixed.groupby("segment", sort=False).head(most).sort_index()


def _drivers(view: _View) -> Panel:
    study, n = view.study, view.numbers
    caption = captions.drivers(study.drivers, view.labels, n, segments=len(study.sizes))
    if caption.empty:
        return view.panel("drivers", caption)
    figure = column_plots.drivers(study.drivers, labels=view.labels, dark=view.dark, numbers=n)
    table = tables.drivers(study.drivers, study.profile, view.labels, n)
    return view.panel("drivers", caption, table, figure=figure, mark=view.mark)


def _separation(view: _View) -> Panel:
    caption = captions.separation(view.study.separation, view.numbers)
    shown = () if caption.empty else (tables.separation(view.study.separation, view.numbers),)
    return view.panel("separation", caption, *shown, mark=view.mark)


def _correlation(view: _View) -> Panel:
    matrix, n = view.study.correlation, view.numbers
    pairs = column_plots.pairs(matrix)
    caption = captions.correlation(pairs, view.labels, n, columns=len(matrix))
    if caption.empty:
        return view.panel("correlation", caption)
    figure = column_plots.correlation(matrix, labels=view.labels, dark=view.dark, numbers=n)
    return view.panel("correlation", caption, tables.pairs(pairs, view.labels, n), figure=figure)


def _missing(view: _View) -> Panel:
    columns, n = view.study.columns, view.numbers
    caption = captions.missing(columns, n)
    if caption.empty:
        return view.panel("missing", caption)
    figure = column_plots.missing(columns, dark=view.dark, numbers=n)
    return view.panel("missing", caption, tables.missing(columns, n), figure=figure)


def _quality(view: _View) -> Panel:
    quality = view.study.quality
    return view.panel("quality", captions.quality(quality, view.numbers), tables.quality(quality))


def _columns(view: _View) -> Panel:
    columns = view.study.columns
    return view.panel("columns", captions.columns(columns, view.numbers), tables.columns(columns, view.numbers))


def _unusual(view: _View) -> Panel:
    study, n = view.study, view.numbers
    rows = study.assignments[study.assignments["segment"] > 0]
    rows = rows.assign(id=rows.iloc[:, 0], outlier=rows["outlier"].astype(bool))
    drawn = pd.concat([_some(rows[rows["outlier"] == far], STRIP, study.params.seed) for far in (False, True)])
    caption = captions.unusual(rows, n, drawn=len(drawn))
    if caption.empty:
        return view.panel("unusual", caption)
    figure = segment_plots.unusual(drawn, list(study.model.cutoffs), dark=view.dark, numbers=n)
    return view.panel("unusual", caption, tables.unusual(study.unusual, view.labels, n), figure=figure, mark=view.mark)


def _method(view: _View) -> Panel:
    study = view.study
    body = cards.listing(method.method(study.params, study.columns, study.prepared.steps, study.verdict, view.numbers))
    return Panel("method", "", body=body)


def _parameters(view: _View) -> Panel:
    shown = (tables.parameters(view.study.params), tables.provenance(view.study.provenance))
    return Panel("parameters", "", tables=shown)


def _glossary(view: _View) -> Panel:  # noqa: ARG001 - one signature for all
    return Panel("glossary", "", body=cards.terms(GLOSSARY))


BUILDERS: dict[str, Callable[[_View], Panel]] = {
    "verdict": _verdict, "facts": _facts, "sizes": _sizes, "segments": _segments, "cards": _cards, "choice": _choice,
    "map": _map, "profiles": _profiles, "distribution": _distribution, "drivers": _drivers,
    "separation": _separation, "correlation": _correlation, "missing": _missing, "quality": _quality,
    "columns": _columns, "unusual": _unusual, "method": _method, "parameters": _parameters, "glossary": _glossary,
}  # fmt: skip
NAMES = tuple(BUILDERS)


def build(study: Study, name: str, *, dark: bool = False, column: str = "") -> Panel:
    """Build one panel of a study.

    Parameters
    ----------
    study
        A finished study; nothing of it is changed.
    name
        One of `NAMES`. ``segments`` is for reading, ``cards`` shows the same side by side on a dashboard.
    dark
        Colours of the picture; HTML follows the page.
    column
        Column for ``distribution``; empty for the strongest driver.

    Raises
    ------
    ParameterError
        When there is no such panel or column.

    Examples
    --------
    >>> build(study, "sizes").figure.layout.meta["panel"]  # doctest: +SKIP
    'sizes'
    """
    if name not in BUILDERS:
        raise ParameterError(f"There is no panel {name!r}. Choose one of: {', '.join(NAMES)}.")
    return BUILDERS[name](_View(study, dark=dark, column=column))
