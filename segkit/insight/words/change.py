"""What is said of the change between two studies: who stayed, who moved and why, what became of segments.

A move that chance could give is said to be no news. Every figure stands in a table of the study.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from segkit.insight.words import captions
from segkit.insight.words.captions import Caption, counted, fit, listed, records
from segkit.insight.words.numbers import Numbers
from segkit.insight.words.scoring import shifted

CAUSES = {
    "behaviour": "behave differently",
    "boundary": "stand where a boundary moved",
    "noise": "moved no further than chance gives",
    "unknown": "cannot be put down to anything",
}
FATES = {"same": "Goes on", "split": "Split off", "merged": "Merged", "born": "New", "gone": "Gone"}
FLOWS = "Customers by segment earlier (left) and now (right); strong flows moved, pale ones stayed"


def tell(
    found: Any, segments: pd.DataFrame, causes: pd.DataFrame, drift: pd.DataFrame, numbers: Numbers, *,
    labels: tuple[str, str], flips: float, why_not: str, supported: int,
) -> dict[str, str]:  # fmt: skip
    """Return the headline, the evidence, what became of the segments, and what to do."""
    n, total, moved = numbers, int(found.migration.to_numpy().sum()), len(found.moves)
    if not total:
        headline = f"No customer of {labels[1]} is in {labels[0]}: segments and columns can be compared."
    else:
        headline = (
            f"{n.percent((total - moved) / total)} of the {counted(total, n, 'customer')} in both stayed "
            f"where they were; {n.count(found.only_after)} are new, {n.count(found.only_before)} left."
        )
    parts = [moves(causes, n)] if moved else ["Nobody moved."] if total else []
    if unplaced := found.shared - total:
        parts.append(f"{n.count(unplaced)} more could not be placed in one of the two.")
    if not math.isnan(flips):
        parts.append(f"The earlier study made again of a resample places {n.share(flips)} otherwise.")
    if len(drift):
        parts.append(f"{shifted(drift, n)}.")
    if supported:
        parts.append(f"By themselves the later data support {counted(supported, n, 'segment')}.")
    return {
        "headline": headline,
        "evidence": " ".join([*parts, why_not]).strip(),
        "segments": f"{became(segments, n)}.",
        "action": advice(causes, segments, n),
    }


def moves(causes: pd.DataFrame, numbers: Numbers) -> str:
    """Say how many moved, and what their moves are put down to."""
    said = [f"{numbers.count(row['customers'])} {CAUSES[row['cause']]}" for row in records(causes)]
    return f"{counted(causes['customers'].sum(), numbers, 'customer')} moved: {listed(said)}."


def became(segments: pd.DataFrame, numbers: Numbers) -> str:
    """Say what became of the segments, without a full stop.

    Examples
    --------
    >>> became(pd.DataFrame({"before": [1, 2], "after": [1, 0], "fate": ["same", "gone"]}), Numbers())
    'Segment 1 goes on; 2 is gone'
    """
    same = [row for row in records(segments) if row["fate"] == "same"]
    others = [_fate(row) for row in records(segments) if row["fate"] != "same"]
    kept = listed([str(row["before"]) for row in same])
    start = f"Segment {kept} goes on" if len(same) == 1 else f"Segments {kept} go on"
    if not others and len(same) > 1:
        return f"All {counted(len(same), numbers, 'segment')} go on"
    return "; ".join([*([start] if same else []), *others])


def _fate(row: dict[str, Any]) -> str:
    before, after = row["before"], row["after"]
    return {
        "split": f"{after} split off from {before}", "merged": f"{before} merged into {after}",
        "born": f"{after} is new", "gone": f"{before} is gone",
    }[row["fate"]]  # fmt: skip


def advice(causes: pd.DataFrame, segments: pd.DataFrame, numbers: Numbers) -> str:
    """Say what to do with the change."""
    told = dict(zip(causes["cause"], causes["customers"], strict=True))
    if (segments["fate"] != "same").any():
        return "Tell everybody who works with these segments what became of them before you use the new ones."
    if told.get("behaviour"):
        who = counted(told["behaviour"], numbers, "customer")
        return f"Look first at the {who} who behave differently, and treat them as their new segment."
    return "Go on with the segments as they are."


def flows(
    total: int,
    moved: int,
    near: int,
    numbers: Numbers,
    *,
    drawn: bool = True,
    withheld: int = 0,
    least: int = 0,
) -> Caption:
    """Caption where customers went, as flows or, not `drawn`, as a matrix, and what is withheld of it."""
    what = (
        FLOWS
        if drawn
        else "Customers by segment earlier (rows) and now (columns), shaded by share of the row"
    )
    if not total:
        return Caption("Nobody can be followed", what, empty=("No customer is in both", "Nobody to follow."))
    title = f"{numbers.percent((total - moved) / total)} of returning customers stayed where they were"
    note = f"{numbers.count(near)} of {counted(moved, numbers, 'move')} start or end near a border."
    said = note if moved else "Nobody moved."
    aside = captions.withheld(withheld, least, numbers)
    return Caption(title, what, f"{note if moved else ''} {aside}".strip(), f"{title}. {said}")


def fates(segments: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption what became of each segment."""
    same = int((segments["fate"] == "same").sum())
    old = segments.loc[segments["before"] > 0, "before"].nunique()
    said = f"{numbers.count(same)} of {counted(old, numbers, 'segment')} go on"
    note = "A third of a segment that comes from, or goes to, one other makes a split or a merge."
    return Caption(fit(became(segments, numbers), said), "Each segment earlier and now", note)


def causes(causes: pd.DataFrame, flips: float, why_not: str, numbers: Numbers) -> Caption:
    """Caption what the moves are put down to."""
    what = "Customers who moved, by what their move is put down to"
    if causes.empty or not causes["customers"].sum():
        return Caption("Nobody moved", what, empty=("None", "Nobody who is in both studies moved."))
    row = records(causes.sort_values("customers", ascending=False, kind="stable"))[0]
    title = f"{numbers.percent(row['share'])} of the moves: customers who {CAUSES[row['cause']]}"
    if why_not:
        return Caption("What the moves come from cannot be told", what, why_not)
    note = f"The earlier study made again of a resample places {numbers.share(flips)} otherwise."
    return Caption(fit(title), what, note)
