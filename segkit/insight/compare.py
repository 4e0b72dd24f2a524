"""Two segmentations of the same customers, at two times: who moved, and what became of each segment.

Segments are matched by the customers they share (Hungarian method, Kuhn 1955); a pair that shares next to
nobody is none. A segment without a partner is born or gone, or, where a third of it comes from or goes to one
other, a split or a merge. A move is put down to behaviour, to a moved boundary, or to noise with the help of
refits of both studies. Nothing is fitted here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from segkit.errors import SourceError

Numbers = NDArray[np.intp]
Refits = Callable[[pd.Index], tuple[Numbers, Numbers, Numbers]]

PART = 1 / 3  # of a segment that passes on, for a split or a merge to be called one
BORDER = 0.55  # "near the border": fit below this
SURE = 0.9  # share of refits from which a move does not hang on who was among the customers
CAUSES = ("behaviour", "boundary", "noise", "unknown")


class Comparison(NamedTuple):
    """What two runs have in common, and what changed.

    Attributes
    ----------
    shared, only_before, only_after
        Customers in both runs, and in one only.
    migration
        Customers by segment before (rows) and after (columns).
    segments
        ``before after fate shared jaccard``: fate is same, split, merged, born or gone; 0 for none.
    moves
        ``id before after cause``, who did not go on with their segment; the cause is
        behaviour, boundary, noise, or unknown without refits.
    """

    shared: int
    only_before: int
    only_after: int
    migration: pd.DataFrame
    segments: pd.DataFrame
    moves: pd.DataFrame

    @property
    def partner(self) -> dict[int, int]:
        """The segment after for each one before that goes on."""
        rows = self.segments[self.segments["fate"] == "same"]
        return dict(zip(rows["before"].astype(int), rows["after"].astype(int), strict=True))


def compare(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    refits: Refits | None = None,
    matched: pd.DataFrame | None = None,
) -> Comparison:
    """Compare two tables of assignments, id first, with `segment` and `confidence`.

    Parameters
    ----------
    refits
        For some ids, where refits put these customers, each (refits, ids): the earlier study as they were,
        the earlier study as they are, the later study as they are. A move is behaviour if in nine of ten
        refits the earlier study itself sees the customer move, else a moved boundary if in nine of ten the
        later study puts the customer elsewhere than the earlier; else noise, and so is a step across a border
        that the customer was and stays near to.
    matched
        Customers by segment before and after to match segments by, where no customer is in both tables.

    Raises
    ------
    SourceError
        An id stands twice in a table.

    Examples
    --------
    >>> old = pd.DataFrame({"id": range(6), "segment": [1, 1, 1, 2, 2, 2], "confidence": 0.9})
    >>> new = old.assign(segment=[2, 2, 2, 1, 1, 2])
    >>> compare(old, new).partner, compare(old, new).moves["id"].tolist()
    ({1: 2, 2: 1}, [5])
    """
    tables = [_tidy(table, name) for table, name in ((before, "before"), (after, "after"))]
    both = tables[0].add_suffix("_before").join(tables[1].add_suffix("_after"), how="inner")
    inside = both[(both["segment_before"] > 0) & (both["segment_after"] > 0)]
    migration = pd.crosstab(inside["segment_before"], inside["segment_after"])
    segments = fates(migration if matched is None else matched)
    # who goes with a part of a segment has not moved: the segment has
    old, new = _families(segments)
    moved = inside[
        inside["segment_before"].map(old).to_numpy() != inside["segment_after"].map(new).to_numpy()
    ]
    moves = pd.DataFrame({
        "id": moved.index, "before": moved["segment_before"].to_numpy(),
        "after": moved["segment_after"].to_numpy(), "cause": _causes(moved, refits, old, new),
    })  # fmt: skip
    gone, come = len(tables[0]) - len(both), len(tables[1]) - len(both)
    return Comparison(len(both), gone, come, migration, segments, moves)


def _families(segments: pd.DataFrame) -> tuple[dict[int, int], dict[int, int]]:
    """Number what goes together: segments before and after that are the same, split or merged."""
    old: dict[int, int] = {}
    new: dict[int, int] = {}
    for number, row in enumerate(segments.itertuples(), start=1):
        before, after = int(row.before), int(row.after)  # type: ignore[arg-type]
        own = old.get(before) or new.get(after) or number
        old |= {before: own} if before else {}
        new |= {after: own} if after else {}
    return old, new


def _tidy(table: pd.DataFrame, name: str) -> pd.DataFrame:
    own = table.set_index(table.columns[0])[["segment", "confidence"]]
    if own.index.has_duplicates:
        raise SourceError(f"The run {name} has the same customer twice, so nobody can be followed.")
    return own


def fates(migration: pd.DataFrame) -> pd.DataFrame:
    """Match segments so that most customers stay, and tell what became of those without a partner.

    Parameters
    ----------
    migration
        Customers by segment before (rows) and after (columns).

    Returns
    -------
    DataFrame
        ``before after fate shared jaccard``, see `Comparison`.
    """
    counts = migration.to_numpy()
    old, new = counts.sum(axis=1), counts.sum(axis=0)
    told: list[tuple[Any, ...]] = []

    def jaccard(i: int, j: int) -> float:
        return float(counts[i, j] / max(1, old[i] + new[j] - counts[i, j]))

    def tell(i: int, j: int, fate: str) -> None:
        pair = (int(migration.index[i]), int(migration.columns[j]))
        told.append((*pair, fate, int(counts[i, j]), jaccard(i, j)))

    found = zip(*(each.tolist() for each in linear_sum_assignment(-counts)), strict=True)
    pairs = [(i, j) for i, j in found if jaccard(i, j) >= PART * PART]
    for i, j in pairs:
        tell(i, j, "same")
    for j in sorted(set(range(len(new))) - {j for _, j in pairs}):
        i = int(counts[:, j].argmax()) if len(old) else 0
        if len(old) and counts[i, j] >= PART * new[j] and counts[i, j] >= PART * PART * old[i]:
            tell(i, j, "split")
        else:
            told.append((0, int(migration.columns[j]), "born", 0, 0.0))
    for i in sorted(set(range(len(old))) - {i for i, _ in pairs}):
        if any(row[0] == int(migration.index[i]) for row in told):
            continue
        j = int(counts[i].argmax()) if len(new) else 0
        if len(new) and counts[i, j] >= PART * old[i]:
            tell(i, j, "merged")
        else:
            told.append((int(migration.index[i]), 0, "gone", 0, 0.0))
    return pd.DataFrame(told, columns=["before", "after", "fate", "shared", "jaccard"])


def _causes(
    moved: pd.DataFrame, refits: Refits | None, old: dict[int, int], new: dict[int, int]
) -> list[str]:
    if refits is None or moved.empty:
        return ["unknown"] * len(moved)
    was, now, later = refits(moved.index)
    one, other = (
        np.array([known.get(i, -i) for i in range(1 + max(known, default=0))]) for known in (old, new)
    )
    behaved = (one[was] != one[now]).mean(axis=0) >= SURE
    shifted = (one[now] != other[later]).mean(axis=0) >= SURE
    border = (moved["confidence_before"] < BORDER) & (moved["confidence_after"] < BORDER)
    return list(np.select([behaved & ~border, shifted & ~behaved], ["behaviour", "boundary"], "noise"))
