"""The words of a page that belong to no figure: key figures, axes of the map, method, why nobody is named.

Like all words they take tables and small objects, compute nothing and escape nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import pandas as pd

from segkit.insight.words.captions import counted, listed
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from segkit.params import Params
from segkit.segments.verdict import Verdict

Fact = tuple[str, str, str]


def facts(
    verdict: Verdict,
    sizes: pd.DataFrame,
    quality: pd.DataFrame,
    numbers: Numbers,
    *,
    left: int = 0,
    value: str = "",
) -> list[Fact]:
    """Return the key figures, each with its yardstick: what, how much, note.

    `left` counts customers that could not be placed; `value` is the words for the value column, empty for
    none.
    """
    n = numbers
    everyone = sizes["customers"].sum()
    apart = "stand in no segment" if verdict.algorithm == "hdbscan" else "could not be placed"
    used = "all rows used" if not left else f"{n.count(left)} more {apart}"
    items = [("Customers", n.count(everyone), used), ("Segments", n.count(verdict.shown), _chosen(verdict))]
    if value:
        items.append((f"Total {value}", n.money(sizes["value_sum"].sum(), short=True), "all segments"))
    if isfinite(verdict.dbcv):
        items.append(("Density validity", n.index(verdict.dbcv), "of \N{MINUS SIGN}1 to 1; over 0 is apart"))
    elif isfinite(verdict.tested):
        chance = n.range(verdict.chance_low, verdict.chance_high)
        held = f"chance gives {chance}" if isfinite(verdict.chance_low) else "not held against chance"
        items.append(("Separation", n.index(verdict.tested), held))
    if len(sizes) > 1 and "near_border" in sizes:
        near = sizes["near_border"].sum()
        items.append(("Near the border", n.count(near), f"{n.share(near / everyone)} of customers"))
    return [*items, _quality(quality, n)]


def _chosen(verdict: Verdict) -> str:
    tried = f"{verdict.smallest} to {verdict.largest}"
    if verdict.labels:
        return f"as {verdict.labels} divides them"
    if verdict.shown != verdict.pieces:
        return f"joined of {verdict.pieces}"
    if verdict.reason in {"too_few", "same"}:
        return "too few customers to tell" if verdict.reason == "too_few" else "all customers are alike"
    if verdict.asked:
        return (
            "asked for"
            if verdict.supported
            else f"asked for; the data support {verdict.segments if verdict.segments > 1 else 'none'}"
        )
    return f"none of {tried} beats chance" if verdict.level == "none" else f"chosen from {tried}"


def _quality(quality: pd.DataFrame, numbers: Numbers) -> Fact:
    fails, warns = (int((quality["status"] == status).sum()) for status in ("fail", "warn"))
    checks = counted(len(quality), numbers, "check")
    if fails:
        return "Data quality", "Fail", f"{numbers.count(fails)} of {checks} failed"
    return "Data quality", "Pass", counted(warns, numbers, "note") if warns else checks


def axes(
    strongest: Sequence[Sequence[str]], explained: Sequence[float], labels: Labels, numbers: Numbers
) -> list[str]:
    """Return what increases along each axis of the map, and the variation the axis keeps."""
    named = (listed([labels.inline(column)[:30] for column in columns]) for columns in strongest)
    shares = (f"({numbers.percent(share)})" for share in explained)
    return [f"More {words} → {kept}" if words else kept for words, kept in zip(named, shares, strict=True)]


def no_segments(verdict: Verdict) -> tuple[str, str]:
    """Return why nobody gets a name or an action."""
    few = verdict.reason == "too_few"
    why = "There are too few customers to tell" if few else "These customers do not fall into groups"
    return "No segments to describe", f"{why}, so nobody gets a name or an action."


FINDS = {
    "kmeans": "k-means", "mixture": "Gaussian mixture", "ward": "Ward's tree",
    "bisecting": "Bisecting k-means", "hdbscan": "HDBSCAN",
}  # fmt: skip


def _found(params: Params, verdict: Verdict) -> str:
    """Say what found the segments."""
    tried = (
        f"{FINDS[verdict.algorithm]}, {verdict.smallest} to {verdict.largest} segments, seed {params.seed}"
    )
    if verdict.labels:
        return f"The segments are those of {verdict.labels}; beside them {tried}."
    return f"{tried}; 1 is the largest."


def method(
    params: Params, columns: pd.DataFrame, steps: pd.DataFrame, verdict: Verdict, numbers: Numbers
) -> list[str]:
    """Return how the study was made and what it cannot say, in the order of the steps."""
    used = counted(int((columns["use"] == "feature").sum()), numbers, "column")
    counts = (
        steps.loc[steps["kind"] == "number", "transform"]
        .value_counts()
        .drop(labels=["", "none"], errors="ignore")
    )
    against = listed([f"{name} of {counted(count, numbers, 'column')}" for name, count in counts.items()])
    prepared = f"Missing values: {params.impute}; categories: {params.encode}; scale: {params.scale}."
    return [
        f"{used} make the segments. {prepared}" + (f" Against skew: {against}." if against else ""),
        _found(params, verdict),
        "Chance is tables of one population with the same columns, spread and correlations but no groups.",
        "Segments count when their silhouette stands over four standard deviations above what those give.",
        "Typical is the median. Near the border: another segment fits nearly as well (fit under 55\u00a0%).",
        "Unusual: beyond three robust deviations from the middle of the segment.",
        "The columns that made the segments differ by construction, so no test of that is given.",
        "Segments describe; they do not say why. Test an action on a sample before you roll it out.",
    ]
