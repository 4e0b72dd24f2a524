"""The tables of a study as they are read: chosen columns, words for headers, numbers written for the reader.

Each function takes the tables it shows and returns a `TableView`. Nothing is computed here; what a cell says stands
in a table of the study.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from segkit.insight.words.numbers import Numbers
from segkit.panels.panel import TableView, badge, joined, pill, tag
from segkit.params import Params

Labels = Mapping[str, str]
MEDIANS = "Medians of numbers, shares of categories"
MOST = 40  # rows of a table on a page; the files hold all of them
PILLS = {"pass": ("ok", "✓ Pass"), "warn": ("warn", "! Note"), "fail": ("error", "✕ Fail")}  # fmt: skip


def _view(caption: str, header: Sequence[str], rows: Iterable[Iterable[str]], **more: Any) -> TableView:
    shown = tuple(tuple(row) for row in rows)
    if len(shown) > MOST:
        caption = f"{caption} (the first {MOST} of {len(shown)})"
    return TableView(caption, tuple(header), shown[:MOST], **more)


def choice(evidence: pd.DataFrame, numbers: Numbers) -> TableView:
    """Every number of segments tried, with all indices and how to read them."""
    header = ("Segments", "Inertia", "Silhouette", "Chance", "Davies–Bouldin", "Calinski–Harabasz", "Reading")
    rows = (
        (
            numbers.count(row["segments"]), numbers.index(row["inertia"], 1), numbers.index(row["silhouette"], 3),
            numbers.range(row["chance_low"], row["chance_high"]), numbers.index(row["davies_bouldin"]),
            numbers.index(row["calinski_harabasz"], 1), str(row["reading"]),
        )
        for _, row in evidence.iterrows()
    )  # fmt: skip
    chosen = evidence["chosen"].tolist().index(True) if evidence["chosen"].any() else None
    return _view("Evidence for each number of segments", header, rows, chosen=chosen, words=(6,))


def sizes(sizes: pd.DataFrame, value: str, numbers: Numbers) -> TableView:
    """Size and value of each segment; `value` is the words for the value column, empty for none."""
    header, columns = ["Segment", "Customers", "Share"], [("customers", numbers.count), ("share", numbers.share)]
    if value:
        header += [value, "Share", f"Median {value[:1].lower()}{value[1:]}"]
        columns += [("value_sum", numbers.money), ("value_share", numbers.share), ("value_median", numbers.money)]
    for name, words in (("near_border", "Near the border"), ("outliers", "Unusual")):
        header, columns = (header + [words], columns + [(name, numbers.count)]) if name in sizes else (header, columns)
    rows = (
        (badge(int(row["segment"]), row["name"] or "All customers"), *(said(row[name]) for name, said in columns))
        for _, row in sizes.iterrows()
    )
    return _view("Size and value" if value else "Size", header, rows)


def figure_of(row: pd.Series, numbers: Numbers, *, everyone: bool = False) -> str:
    """Write the number that a row of the profile compares: a share, a mean or a median."""
    what, start = str(row["index_of"]), "all_" if everyone else ""
    return numbers.share(row[f"{start}share"]) if "share" in what else numbers.value(row[f"{start}{what}"])


def profiles(
    profile: pd.DataFrame, order: Sequence[str], labels: Labels, numbers: Numbers, caption: str = MEDIANS
) -> TableView:
    """Every column and level, each segment beside all customers; ratios too while there are at most 4 segments."""
    segments = sorted(profile["segment"].unique())
    ratios = segments if 1 < len(segments) <= 4 else []
    header = ["Column", *(f"Segment {n}" for n in segments), "All", *(f"{n} against all" for n in ratios)]
    place = {column: i for i, column in enumerate(order)}
    rows = []
    for (column, level), part in sorted(
        profile.groupby(["column", "level"], sort=False), key=lambda item: place.get(str(item[0][0]), len(place))
    ):
        mine = part.drop_duplicates("segment").set_index("segment").reindex(segments)
        first = part.iloc[0]
        here = [figure_of(row, numbers) if pd.notna(row["index_of"]) else "-" for _, row in mine.iterrows()]
        against = [numbers.multiple(mine.at[n, "index"]) for n in ratios]
        name = _named(str(column), labels, str(level), str(first["index_of"]))
        rows.append((name, *here, figure_of(first, numbers, everyone=True), *against))
    return _view(caption, header, rows)


def _named(column: str, labels: Labels, level: str, what: str) -> str:
    words = labels.get(column) or column
    return f"{words}: {level}" if level else words if what == "median" else f"{words} ({what})"


def medians(profile: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """One group of customers: medians and quarters of numbers, shares of categories."""
    rows = (
        (_named(row["column"], labels, row["level"], "median"),
         numbers.share(row["share"]) if row["level"] else numbers.value(row["median"]),
         *(numbers.value(row[q]) for q in ("q25", "q75", "mean")))
        for _, row in profile.iterrows()
    )  # fmt: skip
    return _view("All customers", ("Column", "Median or share", "Lower quarter", "Upper quarter", "Mean"), rows)


def distribution(profile: pd.DataFrame, label: str, numbers: Numbers) -> TableView:
    """Quantiles of one column by segment."""
    header = ("Segment", "Customers", "5 %", "Lower quarter", "Median", "Upper quarter", "95 %", "Mean")
    rows = (
        (badge(int(row["segment"])), numbers.count(row["n"]),
         *(numbers.value(row[q]) for q in ("q05", "q25", "median", "q75", "q95", "mean")))
        for _, row in profile.iterrows()
    )  # fmt: skip
    return _view(label, header, rows)


def drivers(drivers: pd.DataFrame, profile: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """Variation explained by the split, and how far each segment's mean lies from that of all."""
    effects = profile[profile["level"] == ""].pivot_table(index="column", columns="segment", values="effect")
    segments = list(effects.columns)[:8]
    rows = (
        (labels.get(row["column"]) or row["column"], numbers.share(row["explained"]),
         *(numbers.signed(effects[n].get(row["column"])) for n in segments))
        for _, row in drivers.iterrows()
    )  # fmt: skip
    header = ("Column", "Variation explained", *(f"Segment {n}" for n in segments))
    caption = "Drivers; the segments’ columns are distances from the mean of all, in standard deviations"
    return _view(caption if segments else "Drivers", header, rows)


def pairs(pairs: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """The strongest pairs of columns."""
    rows = (
        (labels.get(row["first"]) or row["first"], labels.get(row["second"]) or row["second"], numbers.signed(row["r"]))
        for _, row in pairs.head(15).iterrows()
    )
    return _view("Strongest pairs", ("Column", "Goes with", "Rank correlation"), rows, words=(1,))


def missing(columns: pd.DataFrame, numbers: Numbers) -> TableView:
    """Columns with gaps, largest first."""
    gaps = columns[columns["missing"] > 0].sort_values("missing_share", ascending=False, kind="stable")
    rows = ((r["label"], numbers.count(r["missing"]), numbers.share(r["missing_share"])) for _, r in gaps.iterrows())
    return _view("Missing values", ("Column", "Missing", "Share"), rows)


def separation(separation: pd.DataFrame, numbers: Numbers) -> TableView:
    """Distance of each segment to its nearest neighbour."""
    rows = (
        (badge(int(row["segment"])), badge(int(row["nearest"])), numbers.index(row["distance"]),
         numbers.index(row["spread"]), numbers.index(row["ratio"], 1))
        for _, row in separation.iterrows()
    )  # fmt: skip
    return _view("Distance to the nearest segment", ("Segment", "Nearest", "Distance", "Spread", "Ratio"), rows, words=(1,))


def unusual(unusual: pd.DataFrame, labels: Labels, numbers: Numbers) -> TableView:
    """The most unusual customers, with the reason in words."""
    header = ("Customer", "Segment", "Distance", "Why", "Here", "Typical")
    rows = (
        (str(row["id"]), badge(int(row["segment"])), numbers.index(row["distance"], 1), _why(row, labels),
         numbers.value(row.get("value")), numbers.value(row.get("typical")))
        for _, row in unusual.iterrows()
    )  # fmt: skip
    return _view("The most unusual customers", header, rows, words=(3,))


def _why(row: pd.Series, labels: Labels) -> str:
    column = row["column"] if isinstance(row["column"], str) else ""
    return f"{labels.get(column) or column} {row['direction']}" if column else "no single column"


def quality(quality: pd.DataFrame) -> TableView:
    """Checks on the data, with result and meaning."""
    rows = (
        (str(row["check"]), str(row["found"]), pill(*PILLS.get(row["status"], ("info", str(row["status"])))), str(row["reason"]))
        for _, row in quality.iterrows()
    )  # fmt: skip
    return _view("Quality checks", ("Check", "Found", "Result", "What it means"), rows, words=(2, 3))


def columns(columns: pd.DataFrame, numbers: Numbers) -> TableView:
    """Every column: what it was taken for, why, and its range."""
    header = ("Column", "Read as", "Use", "Why", "Missing", "Distinct", "Least", "Median", "Most")
    rows = (
        (row["label"], row["role"], row["use"], str(row["reason"] or ""), numbers.count(row["missing"]),
         numbers.count(row["distinct"]), *(numbers.value(row[x]) for x in ("min", "median", "max")))
        for _, row in columns.iterrows()
    )  # fmt: skip
    return _view("Columns", header, rows, words=(1, 2, 3))


def parameters(params: Params) -> TableView:
    """Every parameter of the study; those that differ from the default are marked."""
    changed = set(params.changed())
    mark = tag("span", "differs from default", class_="sk-changed")
    rows = (
        (tag("span", name, class_="r-mono"), joined((_plain(value), mark)) if name in changed else _plain(value))
        for name, value in params.study_dump().items()
    )
    return _view("Parameters", ("Parameter", "Value"), rows, words=(1,))


def provenance(provenance: Mapping[str, Any]) -> TableView:
    """Where the study comes from: input, versions, seed."""
    rows = ((name.replace("_", " ").capitalize(), _plain(value)) for name, value in provenance.items())
    return _view("Provenance", ("Record", "Value"), rows, words=(1,))


def _plain(value: Any) -> str:
    """Write a value of a parameter or record as people read it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return {True: "yes", False: "no", None: "none", "": "none"}.get(value, str(value)) if not _is_zero_or_one(value) else str(value)


def _is_zero_or_one(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
