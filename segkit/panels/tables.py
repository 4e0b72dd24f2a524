"""The tables of a study as they are read: chosen columns, words for headers, numbers written for the reader.

Each function takes the tables it shows and returns a `TableView`. Nothing is computed here; what a cell says
stands in a table of the study.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from segkit.insight.rules import Rules
from segkit.insight.words import rules as rule_words
from segkit.insight.words.captions import Caption, records
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from segkit.panels.panel import Panel, TableView, badge, joined, pill, tag
from segkit.params import Kind

Row = dict[str, Any]
Column = tuple[str, Callable[[Row], str]]  # header, and how its cell is written
MOST = 40  # rows of a table on a page; the files hold all of them
STANDS_IN = {True: ("warn", "! Yes"), False: ("ok", "✓ No")}
PILLS = {"pass": ("ok", "✓ Pass"), "warn": ("warn", "! Note"), "fail": ("error", "✕ Fail")}


def _col(header: str, name: str, said: Callable[[Any], str] = str) -> Column:
    """Return a column that writes one column of the table."""
    return header, lambda row: said(row[name])


def _view(caption: str, table: pd.DataFrame, *columns: Column, **more: Any) -> TableView:
    rows = [tuple(write(row) for _, write in columns) for row in records(table.head(MOST))]
    return _shown(caption, len(table), tuple(header for header, _ in columns), rows, **more)


def _shown(
    caption: str, total: int, header: Iterable[str], rows: Iterable[tuple[str, ...]], **more: Any
) -> TableView:
    cut = f"{caption} (the first {MOST} of {total})" if total > MOST else caption
    return TableView(cut, tuple(header), tuple(rows), **more)


def captioned(name: str, caption: Caption, figure: go.Figure | None, *shown: TableView) -> Panel:
    """Return the panel of a caption; a figure learns its name and its alternative text."""
    if figure is not None:
        figure.update_layout(meta={"alt": caption.alt, "panel": name})
    said = {key: getattr(caption, key) for key in ("title", "subtitle", "note", "alt", "empty")}
    return Panel(name, figure=figure, tables=shown, **said)


def answer(*told: str) -> Panel:
    """Return what a study says first: the headline, then what it rests on."""
    lines = (tag("h2", told[0], class_="sk-verdict-line"), *(tag("p", line) for line in told[1:] if line))
    return Panel("answer", "", body=tag("div", tag("div", *lines), class_="sk-verdict"))


def _segment(row: Row) -> str:
    return badge(int(row["segment"]), row.get("name") or "")


def choice(evidence: pd.DataFrame, numbers: Numbers) -> TableView:
    """Return every number of segments tried, with all indices and how to read them."""
    return _view(
        "Evidence for each number of segments", evidence, _col("Segments", "segments", numbers.count),
        _col("Inertia", "inertia", partial(numbers.index, digits=1)),
        _col("Silhouette", "silhouette", partial(numbers.index, digits=3)),
        _col("Held against chance", "tested", partial(numbers.index, digits=3)),
        ("Chance", lambda row: numbers.range(row["chance_low"], row["chance_high"])),
        _col("Davies–Bouldin", "davies_bouldin", numbers.index),
        _col("Calinski–Harabasz", "calinski_harabasz", partial(numbers.index, digits=1)),
        _col("Seeds agree", "agreement", numbers.index), _col("Reading", "reading"),
        chosen=next((i for i, chosen in enumerate(evidence["chosen"]) if chosen), None), words=(8,),
    )  # fmt: skip


def existing(existing: pd.DataFrame, label: str, numbers: Numbers) -> TableView:
    """Return the indices of the segments that existed and of those that the data give."""
    said = {"existing": label[:1].upper() + label[1:], "proposed": "What the data give"}
    return _view(
        "Indices of the two", existing, _col("Segments of", "segmentation", lambda name: said[name]),
        _col("Segments", "segments", numbers.count), _col("Smallest", "smallest", numbers.share),
        _col("Silhouette", "silhouette", partial(numbers.index, digits=3)),
        _col("Davies–Bouldin", "davies_bouldin", numbers.index),
        _col("Calinski–Harabasz", "calinski_harabasz", partial(numbers.index, digits=1)),
    )  # fmt: skip


def crossed(crossed: pd.DataFrame, sizes: pd.DataFrame, numbers: Numbers) -> TableView:
    """Return how many customers of each segment that existed are in each of those that the data give."""
    names = dict(zip(sizes["segment"], sizes["name"], strict=True))
    named = crossed.assign(name=crossed["segment"].map(names))
    return _view(
        "Customers by the two", named, ("Segment", _segment),
        _col("Of the data", "proposed", numbers.count), _col("Customers", "customers", numbers.count),
        _col("Share of the segment", "share", numbers.share),
    )  # fmt: skip


def preparations(preparations: pd.DataFrame, numbers: Numbers) -> TableView:
    """Return what each preparation says about a sample."""
    chosen = next((i for i, each in enumerate(preparations["chosen"]) if each), None)
    return _view(
        "Answers under other preparations", preparations, _col("Preparation", "preparation"),
        _col("z", "z", partial(numbers.index, digits=1)), _col("Segments", "segments", numbers.count),
        _col("Sizes in the sample", "sizes"), _col("Of far-out customers", "far_out", numbers.count),
        _col("Silhouette", "silhouette", numbers.index), _col("Agreement", "agreement", numbers.index),
        chosen=chosen, words=(3,),
    )  # fmt: skip


def sizes(sizes: pd.DataFrame, numbers: Numbers, value: str = "") -> TableView:
    """Return size and value of each segment; `value` is the words for the value column, empty for none."""
    money = [
        _col(value[:1].upper() + value[1:], "value_sum", numbers.money),
        _col("Share", "value_share", numbers.share), _col(f"Median {value}", "value_median", numbers.money),
    ]  # fmt: skip
    counts = {"near_border": "Near the border", "outliers": "Unusual"}
    return _view(
        "Size and value" if value else "Size", sizes, ("Segment", _segment),
        _col("Customers", "customers", numbers.count),
        _col("Share", "share", numbers.share), *(money if value else []),
        *(_col(words, name, numbers.count) for name, words in counts.items() if name in sizes),
    )  # fmt: skip


def _figure(row: Row, numbers: Numbers, start: str = "") -> str:
    """Write the number that a row of the profile compares: a share, a mean or a median."""
    what = str(row["index_of"])
    return numbers.share(row[f"{start}share"]) if "share" in what else numbers.value(row[f"{start}{what}"])


def _named(row: Row, labels: Labels) -> str:
    words = labels.title(row["column"])
    if row["level"]:
        return f"{words}: {row['level']}"
    return words if row["index_of"] in {"median", None} else f"{words} ({row['index_of']})"


def profiles(
    profile: pd.DataFrame, order: Sequence[str], labels: Labels, numbers: Numbers, caption: str = ""
) -> TableView:
    """Return every column and level, segments beside all customers; ratios too while there are at most 4."""
    segments = sorted(profile["segment"].unique())
    ratios = segments if 1 < len(segments) <= 4 else []
    place = {column: i for i, column in enumerate(order)}
    sorted_ = profile.assign(place=profile["column"].map(place).fillna(len(place))).sort_values(
        "place", kind="stable"
    )
    rows = []
    for _, part in sorted_.groupby(["place", "column", "level"], sort=False):
        mine = {row["segment"]: row for row in records(part)}
        first = next(iter(mine.values()))
        here = [_figure(mine[n], numbers) if n in mine else "-" for n in segments]
        against = [numbers.multiple(mine[n]["index"]) if n in mine else "-" for n in ratios]
        rows.append((_named(first, labels), *here, _figure(first, numbers, "all_"), *against))
    header = ["Column", *(f"Segment {n}" for n in segments), "All", *(f"{n} against all" for n in ratios)]
    return _shown(caption or "Medians of numbers, shares of categories", len(rows), header, rows[:MOST])


def medians(profile: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """Return what one group of customers looks like: medians, quarters and shares."""
    shown = profile.assign(index_of=np.where(profile["level"] == "", "median", "share"))
    quarters = (("Lower quarter", "q25"), ("Upper quarter", "q75"), ("Mean", "mean"))
    return _view(
        "All customers", shown, ("Column", lambda row: _named(row, labels)),
        ("Median or share", lambda row: _figure(row, numbers)),
        *(_col(words, name, numbers.value) for words, name in quarters),
    )  # fmt: skip


def distribution(profile: pd.DataFrame, label: str, numbers: Numbers) -> TableView:
    """Return quantiles of one column by segment."""
    quantiles = {
        "5 %": "q05",
        "Lower quarter": "q25",
        "Median": "median",
        "Upper quarter": "q75",
        "95 %": "q95",
    }
    shown = (_col(words, name, numbers.value) for words, name in (quantiles | {"Mean": "mean"}).items())
    return _view(label, profile, ("Segment", _segment), _col("Customers", "n", numbers.count), *shown)


def drivers(drivers: pd.DataFrame, profile: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """Return variation explained by the split, and how far each segment's mean lies from that of all."""
    effects = profile[profile["level"] == ""].pivot_table(index="column", columns="segment", values="effect")
    table = drivers.join(effects, on="column").rename(columns=str)
    segments = [str(n) for n in effects.columns[:8]]
    caption = (
        "Drivers; segments: distance from the mean of all, in standard deviations" if segments else "Drivers"
    )
    return _view(
        caption, table, _col("Column", "column", labels.title),
        _col("Variation explained", "explained", numbers.share),
        *([_col("Would move", "importance", numbers.share)] if "importance" in table else []),
        *(_col(f"Segment {n}", n, numbers.signed) for n in segments),
    )  # fmt: skip


def pairs(pairs: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """Return the strongest pairs of columns."""
    named = (_col("Column", "first", labels.title), _col("Goes with", "second", labels.title))
    return _view(
        "Strongest pairs", pairs.head(15), *named, _col("Rank correlation", "r", numbers.signed), words=(1,)
    )


def missing(columns: pd.DataFrame, numbers: Numbers) -> TableView:
    """Return columns with gaps, largest first."""
    gaps = columns[columns["missing"] > 0].sort_values("missing_share", ascending=False, kind="stable")
    counts = (_col("Missing", "missing", numbers.count), _col("Share", "missing_share", numbers.share))
    return _view("Missing values", gaps, _col("Column", "label"), *counts)


def rules(rules: Rules, sizes: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """Return one rule per segment, in the order in which they are read, and how well each fits."""
    told = [rule_words.rule(each, labels, numbers) for each in rules.rules]
    table = rules.table.assign(told=told).merge(sizes[["segment", "name"]], on="segment")
    return _view(
        "Rules, read from the top", table, ("Segment", _segment), _col("Customers who fit", "told"),
        _col("Customers", "customers", numbers.count), _col("In the segment", "precision", numbers.share),
        _col("Of the segment", "coverage", numbers.share), _col("Lift", "lift", numbers.multiple), words=(1,),
    )  # fmt: skip


def fairness(fairness: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """Return how much the segments tell about each sensitive column."""
    return _view(
        "What the segments tell about sensitive columns", fairness, _col("Column", "column", labels.title),
        ("Segments stand in for it", lambda row: pill(*STANDS_IN[bool(row["stands_in"])])),
        _col("Cramér’s V", "cramers_v", numbers.index), _col("AUC", "auc", numbers.index),
        _col("Told best", "level"),
        ("Most in segment", lambda row: badge(row["segment"]) if row["segment"] else "-"),
        _col("Share there", "share", numbers.share), _col("Share of all", "all_share", numbers.share),
        words=(1, 4),
    )  # fmt: skip


def unused(unused: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """Return the columns that did not make the segments, with their tests."""
    return _view(
        "Columns that did not make the segments", unused,
        ("Column", lambda row: labels.title(row["column"]) + (f": {row['level']}" if row["level"] else "")),
        ("Segment", _segment), _col("Difference in standard deviations", "effect", numbers.signed),
        _col("Test value", "v_test", partial(numbers.signed, digits=1)),
        ("Differs", lambda row: "yes" if row["differs"] else "no"),
    )  # fmt: skip


def separation(separation: pd.DataFrame, numbers: Numbers) -> TableView:
    """Return the distance of each segment to its nearest neighbour."""
    return _view(
        "Distance to the nearest segment", separation, ("Segment", _segment),
        ("Nearest", lambda row: badge(int(row["nearest"]))),
        *(_col(name.capitalize(), name, numbers.index) for name in ("distance", "spread", "ratio")),
        words=(1,),
    )  # fmt: skip


def unusual(unusual: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """Return the most unusual customers, with the reason in words."""
    return _view(
        "The most unusual customers", unusual, _col("Customer", "id"), ("Segment", _segment),
        _col("Distance", "distance", partial(numbers.index, digits=1)),
        ("Why", lambda row: f"{labels.title(row['column'])} {row['direction']}" if row["column"] else "-"),
        _col("Here", "value", numbers.value), _col("Typical", "typical", numbers.value), words=(3,),
    )  # fmt: skip


def quality(quality: pd.DataFrame) -> TableView:
    """Return checks on the data, with result and meaning."""
    result = ("Result", lambda row: pill(*PILLS[row["status"]]))
    shown = (_col("Check", "check"), _col("Found", "found"), result, _col("What it means", "reason"))
    return _view("Quality checks", quality, *shown, words=(1, 2, 3))


def columns(columns: pd.DataFrame, numbers: Numbers) -> TableView:
    """Return every column: what it was taken for, why, and its range."""
    words = {"label": "Column", "role": "Read as", "use": "Use", "reason": "Why"}
    counts = {"missing": "Missing", "distinct": "Distinct"}
    values = {"min": "Least", "median": "Median", "max": "Most"}
    return _view(
        "Columns", columns, *(_col(said, name) for name, said in words.items()),
        *(_col(said, name, numbers.count) for name, said in counts.items()),
        *(_col(said, name, numbers.value) for name, said in values.items()), words=(1, 2, 3),
    )  # fmt: skip


def parameters(params: Kind) -> TableView:
    """Return every parameter of the study; those that differ from the default are marked."""
    changed, mark = set(params.changed()), tag("span", "differs from default", class_="sk-changed")
    rows = (
        (tag("span", name, class_="r-mono"), joined((_plain(value), mark if name in changed else "")))
        for name, value in params.study_dump().items()
    )
    return _shown("Parameters", 0, ("Parameter", "Value"), rows, words=(1,))


def provenance(provenance: Mapping[str, Any]) -> TableView:
    """Return where the study comes from: input, versions, seed."""
    rows = ((name.replace("_", " ").capitalize(), _plain(value)) for name, value in provenance.items())
    return _shown("Provenance", 0, ("Record", "Value"), rows, words=(1,))


def _plain(value: Any) -> str:
    """Write a value of a parameter or a record as people read it."""
    if isinstance(value, Mapping):
        value = [f"{key} {_plain(inner)}" for key, inner in value.items()]
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return (
        ("yes" if value else "no")
        if isinstance(value, bool)
        else "none"
        if value in {"", None}
        else str(value)
    )
