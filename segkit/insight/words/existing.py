"""A segmentation that exists, in words: whether its segments hold, and what the data would give instead."""

from __future__ import annotations

from typing import Any

import pandas as pd

from segkit.insight.words.captions import ALIKE, Caption
from segkit.insight.words.numbers import Numbers
from segkit.insight.words.verdict import border, failed, supported
from segkit.segments.verdict import Verdict


def headline(verdict: Verdict, numbers: Numbers, label: str) -> str:
    """Say in one sentence whether the segments that exist hold."""
    k = numbers.cardinal(verdict.shown).lower()
    if verdict.reason == "too_few":
        return f"There are too few customers to tell whether the {k} segments of {label} hold."
    if verdict.level == "none":
        return f"These customers do not fall into groups; {label} divides them into {k} all the same."
    kept, lost = verdict.shown - len(verdict.failed), len(verdict.failed)
    if not lost:
        return f"All {k} segments of {label} hold." if kept > 2 else f"Both segments of {label} hold."
    if not kept:
        return f"None of the {k} segments of {label} holds."
    rest = f"the other {numbers.cardinal(lost).lower()} do not" if lost > 1 else "the other one does not"
    hold = "hold" if kept > 1 else "holds"
    return f"{numbers.cardinal(kept)} of the {k} segments of {label} {hold}; {rest}."


def evidence(
    verdict: Verdict, existing: pd.DataFrame, sizes: pd.DataFrame, numbers: Numbers, label: str
) -> str:
    """Say what that rests on, beside what the data give by themselves."""
    if verdict.reason == "too_few":
        rows, needed = numbers.count(sizes.customers.sum()), numbers.count(verdict.needed)
        return f"{rows} customers; at least {needed} are needed. Leave out columns or add customers."
    here = _row(existing, "existing")
    stands = f"The segments of {label} have a silhouette of {numbers.index(here['silhouette'])}"
    if verdict.level == "none":
        tried = numbers.range(verdict.smallest, verdict.largest, numbers.count)
        return f"{stands}; no number of segments from {tried} stands clear of chance. Nothing is advised."
    return (
        f"{failed(verdict, numbers)}{stands}; {_other(verdict, existing, numbers)}. {border(sizes, numbers)}"
    )


def _other(verdict: Verdict, existing: pd.DataFrame, numbers: Numbers) -> str:
    other = _row(existing, "proposed")
    if not other:
        return "the data by themselves give one group"
    given = f"the data by themselves give {supported(verdict, numbers)}"
    apart, agree = numbers.index(other["silhouette"]), numbers.index(other["agreement"])
    return f"{given}, with {apart}, and the two agree to {agree} (1 is the same, 0 is chance)"


def choice(verdict: Verdict, numbers: Numbers, label: str) -> str:
    """Say in one sentence why this many segments are shown."""
    return (
        f"{numbers.cardinal(verdict.shown)}, as {label} says; the data support {supported(verdict, numbers)}."
    )


def caption(existing: pd.DataFrame, verdict: Verdict, numbers: Numbers, label: str) -> Caption:
    """Caption what exists beside what the data give."""
    subtitle = "Customers by the segments that exist and by those the data give"
    if not verdict.labels:
        return Caption("No segments that existed were named", subtitle,
                       empty=("Nothing to compare", "Name their column with labels."))  # fmt: skip
    other = _row(existing, "proposed")
    if not other:
        return Caption(f"The data give no segments to hold {label} against", subtitle)
    agreement = other["agreement"]
    much = (
        "nearly the same"
        if agreement >= ALIKE
        else "partly the same"
        if agreement >= 0.2
        else "something else"
    )
    title = f"{label} and the data say {much}"
    said = (
        f"{title}: an adjusted Rand index of {numbers.index(agreement)}; 1 is the same, 0 what chance gives"
    )
    return Caption(title[:1].upper() + title[1:], subtitle, f"{said[:1].upper()}{said[1:]}.")


def _row(existing: pd.DataFrame, which: str) -> dict[str, Any]:
    rows = existing[existing["segmentation"] == which].to_dict("records")
    return {str(key): value for key, value in rows[0].items()} if rows else {}
