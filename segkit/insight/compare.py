"""Two segmentations of the same customers, at two times: who moved, and what became of each segment.

Segments are matched by the customers they share (Hungarian method, Kuhn 1955); a segment that has no partner
is born or gone, or, where a third of it comes from or goes to one other, a split or a merge. A move is put
down to behaviour, to a moved boundary, or to noise with the help of the old model. Nothing is fitted here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from segkit.errors import SourceError

PART = 1 / 3  # of a segment that passes on, for a split or a merge to be called one
BORDER = 0.55  # "near the border": fit below this


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
        behaviour, boundary, noise, or unknown without the old model.
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
        return _partners(self.segments, {"same"})


def compare(before: pd.DataFrame, after: pd.DataFrame, *, crossed: pd.DataFrame | None = None) -> Comparison:
    """Compare two tables of assignments, id first, with `segment` and `confidence`.

    Parameters
    ----------
    crossed : DataFrame, optional
        ``id old_model``: where the old model puts each customer as it is now. With it, a move is behaviour
        if the old model moves the customer too, else a moved boundary; near a border in both it is noise.

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
    segments = _fates(migration)
    # who goes with a part of a segment has not moved: the segment has
    follows = np.zeros(len(inside), dtype=bool)
    for fate in ("same", "split", "merged"):
        went = inside["segment_before"].map(_partners(segments, {fate}))
        follows |= (went == inside["segment_after"]).to_numpy()
    moved = inside[~follows]
    moves = pd.DataFrame({
        "id": moved.index, "before": moved["segment_before"].to_numpy(),
        "after": moved["segment_after"].to_numpy(), "cause": _causes(moved, crossed),
    })  # fmt: skip
    gone, come = len(tables[0]) - len(both), len(tables[1]) - len(both)
    return Comparison(len(both), gone, come, migration, segments, moves)


def _partners(segments: pd.DataFrame, fates: set[str]) -> dict[int, int]:
    rows = segments[segments["fate"].isin(fates)]
    return dict(zip(rows["before"].astype(int), rows["after"].astype(int), strict=True))


def _tidy(table: pd.DataFrame, name: str) -> pd.DataFrame:
    own = table.set_index(table.columns[0])[["segment", "confidence"]]
    if own.index.has_duplicates:
        raise SourceError(f"The run {name} has the same customer twice, so nobody can be followed.")
    return own


def _fates(migration: pd.DataFrame) -> pd.DataFrame:
    """Match segments so that most customers stay, and tell what became of those without a partner."""
    counts = migration.to_numpy()
    rows, columns = (found.tolist() for found in linear_sum_assignment(-counts))
    old, new = counts.sum(axis=1), counts.sum(axis=0)
    told: list[tuple[Any, ...]] = []

    def tell(i: Any, j: Any, fate: str) -> None:
        both, pair = int(counts[i, j]), (int(migration.index[i]), int(migration.columns[j]))
        told.append((*pair, fate, both, both / (old[i] + new[j] - both)))

    for i, j in zip(rows, columns, strict=True):
        tell(i, j, "same")
    for j in sorted(set(range(len(new))) - set(columns)):
        i = int(counts[:, j].argmax())
        if counts[i, j] >= PART * new[j] and counts[i, j] >= PART * PART * old[i]:
            tell(i, j, "split")
        else:
            told.append((0, int(migration.columns[j]), "born", 0, 0.0))
    for i in sorted(set(range(len(old))) - set(rows)):
        j = int(counts[i].argmax())
        if counts[i, j] >= PART * old[i]:
            tell(i, j, "merged")
        else:
            told.append((int(migration.index[i]), 0, "gone", 0, 0.0))
    return pd.DataFrame(told, columns=["before", "after", "fate", "shared", "jaccard"])


def _causes(moved: pd.DataFrame, crossed: pd.DataFrame | None) -> list[str]:
    if crossed is None:
        return ["unknown"] * len(moved)
    old_model = crossed.set_index(crossed.columns[0])["old_model"].reindex(moved.index)
    border = (moved["confidence_before"] < BORDER) & (moved["confidence_after"] < BORDER)
    same = old_model.to_numpy() == moved["segment_before"].to_numpy()
    return list(np.select([border, same], ["noise", "boundary"], "behaviour"))
