"""From a category to its recipe: which levels are told apart, and what stands for the others.

The frame is asked once per category, for the customers of each level. A rare level and one never seen share
"(other)"; nothing here looks at numbers or scales anything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import narwhals as nw

from segkit.segments.encode import (
    OTHER,
    Coded,
    Level,
    OneHot,
    Pick,
    finite,
    is_number,
    level_text,
    text,
    tidy,
)

Frame = nw.DataFrame[Any]

RARE = 0.01  # a level held by a smaller share of the customers joins "(other)"
LEVELS = {"onehot": 20, "ordinal": 100, "frequency": 100}


class Group(NamedTuple):
    """A level and its customers."""

    level: Level
    customers: int


def category(data: Frame, pick: Pick, column: str, *, impute: str, encode: str) -> OneHot | Coded:
    """Learn which levels of a category are told apart, and what stands for the others."""
    numeric = is_number(data.schema[column])
    groups = groups_of(data.select(value=(finite if numeric else text)(pick(column))))
    missing = len(data) - sum(group.customers for group in groups)
    own = missing > 0 and (impute in {"median", "mean"} or not groups)
    if own:
        groups = sorted([*groups, Group(None, missing)], key=_customers)
    else:
        groups[0] = Group(groups[0].level, groups[0].customers + missing)
    least = RARE * len(data) if encode == "onehot" else 0.0
    kept = [group for group in groups[: LEVELS[encode]] if group.customers >= least]
    rare = groups[len(kept) :]
    return (OneHot if encode == "onehot" else Coded).model_validate({
        "column": column,
        "numeric": numeric,
        "missing": missing,
        "impute": "own level" if own else "most_frequent",
        "fill": None if own else groups[0].level,
        "why": _told_apart(groups, rare),
        **(_onehot(_in_order(kept), rare) if encode == "onehot" else _codes(_in_order(kept), rare, encode)),
    })  # fmt: skip


def groups_of(data: Frame) -> list[Group]:
    """Return the levels of `value`, most customers first, ties in order; what is missing is none of them."""
    rows = data.drop_nulls().group_by("value").agg(customers=nw.len()).rows()
    return sorted(_in_order([Group(level, int(n)) for level, n in rows]), key=_customers)


def _customers(group: Group) -> int:
    return -group.customers


def _in_order(groups: Sequence[Group]) -> list[Group]:
    """Sort by number where every level is one, otherwise by text; missing last."""
    try:
        sizes = [math.inf if group.level is None else float(group.level) for group in groups]
    except ValueError:
        sizes = [0.0] * len(groups)
    placed = sorted(
        zip(sizes, groups, strict=True), key=lambda pair: (pair[1].level is None, pair[0], str(pair[1].level))
    )
    return [group for _, group in placed]


def _onehot(kept: Sequence[Group], rare: Sequence[Group]) -> dict[str, Any]:
    """Weigh the columns: of two groups the larger one needs none; one group alone tells nothing."""
    sizes = [group.customers for group in kept] + [sum(group.customers for group in rare)] * bool(rare)
    return {
        "levels": [group.level for group in kept],
        "other": bool(rare),
        "weight": {1: 0.0, 2: math.sqrt(2)}.get(len(sizes), 1.0),
        "base": sizes.index(max(sizes)) if len(sizes) == 2 else -1,
    }


def _codes(kept: Sequence[Group], rare: Sequence[Group], encode: str) -> dict[str, Any]:
    """Count 0, 1, 2, ..., or take shares of the customers; levels without a code get the mean one."""
    everybody = sum(group.customers for group in [*kept, *rare])
    if encode == "frequency":
        rest = sum(group.customers for group in rare) / everybody / max(len(rare), 1)
        codes = [group.customers / everybody for group in kept]
    else:
        ranks = [(i, group.customers) for i, group in enumerate(kept) if group.level is not None]
        rest = sum(i * n for i, n in ranks) / max(sum(n for _, n in ranks), 1)
        codes = [rest if group.level is None else float(i) for i, group in enumerate(kept)]
    levels = [group.level for group in kept]
    return {"encode": encode, "levels": levels, "codes": [tidy(code) for code in codes], "rest": tidy(rest)}


def _told_apart(groups: Sequence[Group], rare: Sequence[Group]) -> str:
    if len(groups) == 1:
        return f"one level only ({level_text(groups[0].level)}), says nothing"
    return f"{len(groups)} levels" + (f", {len(rare)} of them rare, as {OTHER}" if rare else "")
