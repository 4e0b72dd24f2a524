"""The words of a page that belong to no figure: key figures, axes of the map, method, and why there are no segments."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from segkit.insight.words.captions import Labels, listed, plural, words_for
from segkit.insight.words.numbers import Numbers
from segkit.params import Params
from segkit.segments.verdict import Verdict


def facts(
    verdict: Verdict, sizes: pd.DataFrame, assignments: pd.DataFrame, quality: pd.DataFrame, value: str,
    numbers: Numbers,
) -> list[tuple[str, str, str]]:  # fmt: skip
    """Return the key figures, each with its yardstick: what, how much, note."""
    left = int((assignments["segment"] == 0).sum())
    used = "all rows used" if not left else f"{numbers.count(left)} more could not be placed"
    items = [("Customers", numbers.count(sizes["customers"].sum()), used)]
    items += [("Segments", numbers.count(verdict.shown), _chosen(verdict))]
    if value:
        items += [(f"Total {value[:1].lower()}{value[1:]}", numbers.money(sizes["value_sum"].sum(), short=True), "all segments")]
    if pd.notna(verdict.silhouette):
        yardstick = f"chance gives {numbers.range(verdict.chance_low, verdict.chance_high)}" if pd.notna(verdict.chance_low) else "silhouette"
        items += [("Separation", numbers.index(verdict.silhouette), yardstick)]
    if len(sizes) > 1 and "near_border" in sizes:
        near = sizes["near_border"].sum()
        items += [("Near the border", numbers.count(near), f"{numbers.share(near / sizes['customers'].sum())} of customers")]
    return [*items, ("Data quality", *_quality(quality, numbers))]


def _chosen(verdict: Verdict) -> str:
    if verdict.reason == "too_few":
        return "too few customers to tell"
    if verdict.asked:
        return "asked for" if verdict.supported else f"asked for; the data support {verdict.segments}"
    if verdict.level == "none":
        return f"none of {verdict.smallest} to {verdict.largest} beats chance"
    return f"chosen from {verdict.smallest} to {verdict.largest}"


def _quality(quality: pd.DataFrame, numbers: Numbers) -> tuple[str, str]:
    fails, warns = (int((quality["status"] == status).sum()) for status in ("fail", "warn"))
    if fails:
        return "Fail", f"{numbers.count(fails)} of {numbers.count(len(quality))} checks failed"
    return "Pass", f"{numbers.count(warns)} {plural(warns, 'note')}" if warns else f"{numbers.count(len(quality))} checks"


def axes(strongest: Sequence[Sequence[str]], explained: Sequence[float], labels: Labels, numbers: Numbers) -> list[str]:
    """Return what increases along each axis of the map, with the variation it keeps."""
    return [_axis(columns, share, labels, numbers) for columns, share in zip(strongest, explained, strict=False)]


def _axis(columns: Sequence[str], share: float, labels: Labels, numbers: Numbers) -> str:
    named = ", ".join(words_for(column, labels) for column in columns[:3])
    return f"More {named} → ({numbers.percent(share)})" if named else f"({numbers.percent(share)})"


def no_segments(verdict: Verdict) -> tuple[str, str]:
    """Return why nobody gets a name or an action."""
    if verdict.reason == "too_few":
        return "No segments to describe", "There are too few customers to tell, so nobody gets a name or an action."
    return "No segments to describe", "These customers do not fall into groups, so nobody gets a name or an action."


def method(
    params: Params, columns: pd.DataFrame, steps: pd.DataFrame, verdict: Verdict, numbers: Numbers
) -> list[str]:
    """Return how the study was made and what it cannot say, in the order of the steps."""
    used = columns[columns["use"] == "feature"]
    changed = steps["transform"].value_counts() if "transform" in steps else pd.Series(dtype=int)
    named = [f"{name} on {numbers.count(count)}" for name, count in changed.items() if name not in ("", "none")]
    ways = f" Transformed against skew: {listed(named)} {plural(int(changed.sum()), 'column')}." if named else ""
    return [
        f"{numbers.count(len(used))} {plural(len(used), 'column')} used. Missing values: {params.impute}; "
        f"categories: {params.encode}; scale: {params.scale}.{ways}",
        f"k-means, tried for {verdict.smallest} to {verdict.largest} segments, seed {params.seed}. "
        "Segments are numbered by size.",
        "Chance is tables drawn from one population with the same columns, spread and correlations but no groups. "
        "Segments count when their silhouette stands more than four standard deviations above what those give.",
        "Typical means the median. Near the border: the next segment fits almost as well (fit below 55 %). "
        "Unusual: beyond three robust deviations from the middle of the segment.",
        "Drivers say what goes with the split, not why. The columns that made the segments differ between them by "
        "construction.",
        "Segments describe; they do not say why. Test an action on a sample before you roll it out.",
    ]  # fmt: skip
