"""From a study to its panels: one short function per panel that joins words, picture and tables.

Words come from `insight.words`, pictures from `plots`, tables from the study; nothing is computed here but
which rows to draw where there are too many. Pages call `build`; the names are `NAMES`, in the order of a
report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from segkit.errors import ParameterError
from segkit.insight.words import captions, method
from segkit.insight.words import existing as existing_words
from segkit.insight.words import rules as rule_words
from segkit.insight.words.captions import Caption
from segkit.insight.words.glossary import GLOSSARY
from segkit.insight.words.names import Labels
from segkit.kinds import Made
from segkit.panels import cards, change, purchases, scoring, tables
from segkit.panels.panel import Markup, Panel, TableView, badge, joined, tag
from segkit.params import CompareParams, Kind, RfmParams, ScoreParams
from segkit.plots import columns as column_plots
from segkit.plots import segments as segment_plots
from segkit.plots import spread as spread_plots
from segkit.safe import plotly as safe_text
from segkit.study import Study

STRIP = 400  # customers drawn in each strip of the unusual ones, and as many crosses
VALUES = 2_000  # values of a segment behind the outline of its spread


class _View:
    """What every builder needs of a study: labels, numbers, words for the value column, light or dark."""

    def __init__(self, study: Study, *, dark: bool, column: str) -> None:
        self.study, self.column, self.numbers = study, column, study.numbers
        self.labels = Labels.of(study.columns)
        self.style: dict[str, Any] = {"dark": dark, "numbers": self.numbers}
        self.order = [str(name) for name in study.drivers["column"]]
        self.value = self.labels.inline(study.params.value) if "value_sum" in study.sizes else ""
        self.alone = len(study.sizes) < 2

    @cached_property
    def key(self) -> tuple[Markup, ...]:
        """Which colour is which segment, by name."""
        rows = captions.records(self.study.told)
        return (
            ()
            if self.alone
            else tuple(badge(row["segment"], row["name"] or f"Segment {row['segment']}") for row in rows)
        )

    def panel(
        self, name: str, caption: Caption, figure: go.Figure | None, *shown: TableView, **more: Any
    ) -> Panel:
        """Return the panel of a caption; a figure learns its name and its alternative text."""
        mark = "" if self.study.verdict.supported or name in BEFORE else cards.UNSUPPORTED
        if figure is not None:
            told = {"alt": caption.alt, "panel": name}
            figure.update_layout(meta=(figure.layout.meta or {}) | told)
        words = {key: getattr(caption, key) for key in ("title", "subtitle", "note", "alt", "empty")}
        return Panel(name, figure=figure, tables=shown, mark=mark, **words, **more)


def _verdict(view: _View) -> Panel:
    text = view.study.text
    return Panel("verdict", "", body=cards.verdict(view.study.verdict, text.headline, text.evidence))


def _facts(view: _View) -> Panel:
    study = view.study
    left = int((study.assignments["segment"] == 0).sum())
    items = method.facts(study.verdict, study.sizes, study.quality, view.numbers, left=left, value=view.value)
    return Panel("facts", "", body=cards.facts(items))


def _sizes(view: _View) -> Panel:
    study, n = view.study, view.numbers
    drawn = view.value if segment_plots.has_value(study.sizes) else ""
    about: dict[str, Any] = {"value": drawn, "hidden": sorted(study.hidden_segments)}
    caption = captions.sizes(study.sizes, n, supported=study.verdict.supported, **about)
    title = view.labels.title(study.params.value) if drawn else ""
    figure = None if view.alone else segment_plots.sizes(study.sizes, value=title, **view.style)
    return view.panel("sizes", caption, figure, tables.sizes(study.sizes, n, view.value))


def _segments(view: _View) -> Panel:
    return _told(view, "segments", cards.Segments.blocks)


def _cards(view: _View) -> Panel:
    return _told(view, "cards", cards.Segments.cards)


def _told(view: _View, name: str, form: Callable[[cards.Segments], Markup]) -> Panel:
    study, told = view.study, view.study.verdict
    if view.alone:
        words = tag("p", study.text.summaries.get(1, ""))
        return Panel(name, "", empty=method.no_segments(told), body=words)
    status = dict(zip(study.strength["segment"], study.strength["status"], strict=True))
    body = form(cards.Segments(
        study.told, study.differences, study.actions, study.text.summaries, view.labels, view.numbers,
        view.value, told.supported, status,
        rule_words.sentences(study.rules, view.labels, view.numbers) if study.rules.faithful else {},
    ))  # fmt: skip
    return Panel(name, "", body=body)


def _choice(view: _View) -> Panel:
    evidence = view.study.evidence
    caption = captions.choice(evidence, view.study.verdict, view.numbers)
    figure = None if caption.empty else segment_plots.choice(evidence, **view.style)
    return view.panel("choice", caption, figure, tables.choice(evidence, view.numbers))


def _preparations(view: _View) -> Panel:
    compared, n = view.study.preparations, view.numbers
    caption = captions.preparations(compared, n)
    shown = [] if caption.empty else [tables.preparations(compared, n)]
    return view.panel("preparations", caption, None, *shown)


def _existing(view: _View) -> Panel:
    study, n = view.study, view.numbers
    named = study.verdict.labels
    label = view.labels.inline(named) if named else ""
    caption = existing_words.caption(study.existing, study.verdict, n, label)
    if len(study.crossed):
        held = captions.withheld(int(study.crossed["withheld"].sum()), study.params.min_cell, n)
        caption = replace(caption, note=f"{caption.note} {held}".strip())
    shown = [] if caption.empty else [
        tables.existing(study.existing, label, n), tables.crossed(study.crossed, study.sizes, n),
    ]  # fmt: skip
    return view.panel("existing", caption, None, *(table for table in shown if table.rows))


def _map(view: _View) -> Panel:
    study, made = view.study, view.study.map
    rows = study.assignments.iloc[made.table.index]
    fit = (rows["confidence"].to_numpy(dtype=float) * 100).round()
    drawn = made.table.assign(id=[safe_text(who) for who in rows.iloc[:, 0]], fit=fit)
    drawn["row"] = made.table.index
    drawn = drawn[~drawn["segment"].isin(study.hidden_segments)]
    caption = captions.customer_map(drawn, explained=made.explained, total=made.total, numbers=view.numbers)
    axes = method.axes(made.axes, made.explained, view.labels, view.numbers)
    names = list(study.sizes["name"])
    figure = segment_plots.customer_map(drawn, axes, names=names, **view.style)
    key = view.key if len(names) > 3 else ()
    return view.panel("map", caption, figure, tables.sizes(study.sizes, view.numbers), key=key)


def _profiles(view: _View) -> Panel:
    profile, n = view.study.profile, view.numbers
    left = profile.groupby(["column", "level"]).ngroups - len(column_plots.profile_rows(profile, view.order))
    least = view.study.params.min_cell
    caption = captions.profiles(profile, view.study.drivers, view.labels, n, left=left, least=least)
    if view.alone:
        return view.panel("profiles", caption, None, tables.medians(profile, view.labels, n))
    figure = column_plots.profiles(profile, order=view.order, labels=view.labels, **view.style)
    return view.panel(
        "profiles", caption, figure, tables.profiles(profile, view.order, view.labels, n), key=view.key
    )


def _distribution(view: _View) -> Panel:
    profile = view.study.profile
    known = [*view.order, *(set(profile["column"]) - set(view.order))]
    column = view.column or known[0]
    if column not in known:
        raise ParameterError(f"There is no column {column!r} to draw. Choose one of: {', '.join(known)}.")
    part = profile[profile["column"] == column]
    return (_composition if (part["kind"] == "category").all() else _spread)(view, column, part)


def _composition(view: _View, column: str, part: pd.DataFrame) -> Panel:
    label = view.labels.title(column)
    levels = spread_plots.main_levels(part)
    words = [*levels, "other"] if len(levels) < part["level"].nunique() else levels
    shades = [f"background:var(--sk-seq-{6 - i})" for i in range(len(levels))] + [
        "background:var(--sk-surface)"
    ]
    key = tuple(
        joined((tag("i", class_="sk-swatch", style=s), w)) for s, w in zip(shades, words, strict=False)
    )
    figure = spread_plots.composition(part, **view.style)
    table = tables.profiles(part, [], view.labels, view.numbers, f"Share of each value of {label}")
    return view.panel("distribution", captions.composition(part, label, view.numbers), figure, table, key=key)


def _spread(view: _View, column: str, part: pd.DataFrame) -> Panel:
    study, label, n = view.study, view.labels.title(column), view.numbers
    values = pd.to_numeric(study.values(column)).to_numpy(dtype=float, na_value=np.nan)
    every = pd.DataFrame({"segment": study.assignments["segment"].to_numpy(), "value": values})
    every = every[every["segment"].isin(study.told["segment"]) & np.isfinite(every["value"])]
    inside = every[every["value"].between(*every["value"].quantile([0.005, 0.995]))]
    drawn = _some(inside, VALUES, study.params.seed)
    shown = len(drawn) if len(drawn) < len(inside) else 0
    caption = captions.distribution(part, label, n, outside=len(every) - len(inside), drawn=shown)
    table = tables.distribution(part, label, n)
    if caption.empty:
        return view.panel("distribution", caption, None, table)
    described = study.columns.set_index("column").loc[column]
    log = bool(described["skew"] > 2 and described["min"] > 0)
    title = f"{label} (log scale)" if log else label
    figure = spread_plots.distribution(drawn, part, title=title, log=log, **view.style)
    return view.panel("distribution", caption, figure, table, key=view.key)


def _some(rows: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """Return at most so many rows of each segment, the same ones for the same seed, in their old order."""
    mixed = rows.iloc[np.random.default_rng(seed).permutation(len(rows))]
    return mixed.groupby("segment", sort=False).head(most).sort_index()


def _drivers(view: _View) -> Panel:
    study, n = view.study, view.numbers
    caption = captions.drivers(study.drivers, view.labels, n, segments=len(study.sizes))
    if caption.empty:
        return view.panel("drivers", caption, None)
    figure = column_plots.drivers(study.drivers, labels=view.labels, **view.style)
    return view.panel(
        "drivers", caption, figure, tables.drivers(study.drivers, study.profile, view.labels, n)
    )


def _rules(view: _View) -> Panel:
    study, n = view.study, view.numbers
    caption = rule_words.rules_caption(study.rules, n)
    shown = [] if caption.empty else [tables.rules(study.rules, study.told, view.labels, n)]
    return view.panel("rules", caption, None, *shown)


def _unused(view: _View) -> Panel:
    unused, n = view.study.unused, view.numbers
    caption = rule_words.unused_caption(unused, view.labels, n)
    return view.panel(
        "unused", caption, None, *([] if caption.empty else [tables.unused(unused, view.labels, n)])
    )


def _fairness(view: _View) -> Panel:
    told, n = view.study.fairness, view.numbers
    caption = rule_words.fairness_caption(told, view.labels, n)
    return view.panel(
        "fairness", caption, None, *([] if caption.empty else [tables.fairness(told, view.labels, n)])
    )


def _separation(view: _View) -> Panel:
    separation, n = view.study.separation, view.numbers
    caption = captions.separation(separation, n)
    return view.panel(
        "separation", caption, None, *([] if caption.empty else [tables.separation(separation, n)])
    )


def _correlation(view: _View) -> Panel:
    matrix, n = view.study.correlation, view.numbers
    pairs = column_plots.pairs(matrix)
    caption = captions.correlation(pairs, view.labels, n, columns=len(matrix))
    if caption.empty:
        return view.panel("correlation", caption, None)
    figure = column_plots.correlation(matrix, labels=view.labels, **view.style)
    return view.panel("correlation", caption, figure, tables.pairs(pairs, view.labels, n))


def _missing(view: _View) -> Panel:
    columns, n = view.study.columns, view.numbers
    caption = captions.missing(columns, n)
    if caption.empty:
        return view.panel("missing", caption, None)
    return view.panel(
        "missing", caption, column_plots.missing(columns, **view.style), tables.missing(columns, n)
    )


def _quality(view: _View) -> Panel:
    quality = view.study.quality
    return view.panel("quality", captions.quality(quality, view.numbers), None, tables.quality(quality))


def _columns(view: _View) -> Panel:
    columns, n = view.study.columns, view.numbers
    return view.panel("columns", captions.columns(columns, n), None, tables.columns(columns, n))


def _unusual(view: _View) -> Panel:
    study, n = view.study, view.numbers
    rows = study.assignments[study.assignments["segment"].isin(study.told["segment"])]
    rows = rows.assign(id=rows.iloc[:, 0], outlier=rows["outlier"].astype(bool))
    drawn = pd.concat(
        [_some(rows[rows["outlier"] == far], STRIP, study.params.seed) for far in (False, True)]
    )
    caption = captions.unusual(rows, n, drawn=len(drawn))
    if caption.empty:
        return view.panel("unusual", caption, None)
    figure = segment_plots.unusual(drawn, study.model.cutoffs, **view.style)
    return view.panel("unusual", caption, figure, tables.unusual(study.unusual, view.labels, n))


def _method(view: _View) -> Panel:
    study = view.study
    lines = method.method(study.params, study.columns, study.prepared.steps, study.verdict, view.numbers)
    return Panel("method", "", body=cards.listing(lines))


def _parameters(view: _View) -> Panel:
    return Panel(
        "parameters",
        "",
        tables=(tables.parameters(view.study.params), tables.provenance(view.study.provenance)),
    )


def _glossary(view: _View) -> Panel:  # noqa: ARG001 - one signature for all
    return Panel("glossary", "", body=cards.terms(GLOSSARY))


BEFORE = {
    "choice",
    "existing",
    "preparations",
    "correlation",
    "missing",
    "quality",
    "columns",
}  # not about these segments: no mark
BUILDERS: dict[str, Callable[[_View], Panel]] = {
    "verdict": _verdict, "facts": _facts, "sizes": _sizes, "segments": _segments, "cards": _cards,
    "choice": _choice, "existing": _existing, "preparations": _preparations, "map": _map,
    "profiles": _profiles, "distribution": _distribution, "drivers": _drivers, "rules": _rules,
    "unused": _unused, "fairness": _fairness, "separation": _separation, "correlation": _correlation,
    "missing": _missing,
    "quality": _quality, "columns": _columns, "unusual": _unusual, "method": _method,
    "parameters": _parameters, "glossary": _glossary,
}  # fmt: skip
NAMES = tuple(BUILDERS)
OTHERS: dict[type[Kind], Mapping[str, Callable[[Any, dict[str, Any]], Panel]]] = {
    RfmParams: purchases.BUILDERS, CompareParams: change.BUILDERS, ScoreParams: scoring.BUILDERS,
}  # fmt: skip


def names(params: Kind) -> tuple[str, ...]:
    """Return the panels of the kind of study that these parameters describe."""
    return tuple(OTHERS.get(type(params), BUILDERS))


def build(study: Made, name: str, *, dark: bool = False, column: str = "") -> Panel:
    """Build one panel of a study.

    Parameters
    ----------
    study
        A finished study; nothing of it is changed.
    name
        One of `names`. ``segments`` is for reading, ``cards`` shows the same side by side on a dashboard.
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
    if name not in names(study.params):
        raise ParameterError(f"There is no panel {name!r}. Choose one of: {', '.join(names(study.params))}.")
    if others := OTHERS.get(type(study.params)):
        return others[name](study, {"dark": dark, "numbers": study.numbers})
    return BUILDERS[name](_View(cast("Study", study), dark=dark, column=column))
