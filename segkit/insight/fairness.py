"""Whether segments stand in for an attribute that nobody should be sorted by.

Two figures per sensitive column: Cramer's V between segments and levels (numbers in five equal parts), and
the AUC with which the segment alone tells who has a level. Neither says that a use of the segments is fair.
"""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.stats.contingency import association

from segkit.insight.profile import Customers, known, level_counts, segmented

STRONG, TELLING = 0.3, 0.7  # V of Cohen's medium effect (1988, ch. 7); AUC at which a stand-in is usable
LEAST = 30  # customers that a level needs to be judged
FAIRNESS = ["column", "cramers_v", "auc", "level", "segment", "share", "all_share", "stands_in"]


def fairness(
    customers: Customers, *, by: str = "segment", numbers: Sequence[str] = (), categories: Sequence[str] = (),
    least: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """Measure how much segments tell about each column; a share told rests on `least` customers.

    Returns
    -------
    DataFrame with ``column cramers_v auc level segment share all_share stands_in``
        `level` is the one that segments tell best, `segment` where its `share` is largest, and `stands_in`
        warns from a V of 0.3 or an AUC of 0.7. Levels under 30 customers are not judged.

    Examples
    --------
    >>> frame = pd.DataFrame({"segment": [1] * 50 + [2] * 50, "gender": ["f"] * 50 + ["m"] * 50})
    >>> fairness(frame, categories=["gender"])[["cramers_v", "auc", "stands_in"]].values.tolist()
    [[1.0, 1.0, True]]
    """
    frame = segmented(customers, by)
    rows = []
    for column in numbers:
        own = frame.select(segment=by, x=known(column)).to_pandas().dropna()
        fifths = pd.qcut(own["x"], 5, duplicates="drop")
        parts = own.assign(x=fifths.map(lambda part: f"{part.left:g} to {part.right:g}").astype(object))
        rows.append(
            (column, *_told(level_counts(nw.from_native(parts, eager_only=True), "segment", "x"), least))
        )
    rows += [(column, *_told(level_counts(frame, by, column), least)) for column in categories]
    return pd.DataFrame(rows, columns=FAIRNESS)


def _told(counts: pd.DataFrame, least: int) -> tuple[float, float, str, int, float, float, bool]:
    """Return V, and of the level told best its AUC, where it is most, and its shares."""
    counts = counts.loc[:, counts.sum() >= LEAST]
    cells = counts.to_numpy(dtype=float)
    if min(cells.shape) < 2:
        return 0.0, 0.5, "", 0, np.nan, np.nan, False
    cells = cells[cells.sum(axis=1) > 0]
    v = float(association(cells.astype(int), method="cramer"))
    shares = cells / cells.sum(axis=1, keepdims=True)
    areas = [_area(cells[:, j], cells.sum(axis=1) - cells[:, j], shares[:, j]) for j in range(cells.shape[1])]
    j = int(np.argmax(areas))
    told = np.where(cells[:, j] >= least, shares[:, j], -1.0)
    i = int(told.argmax())
    every = float(cells[:, j].sum() / cells.sum())
    best = float(areas[j])
    where, share = (int(counts.index[i]), float(told[i])) if told[i] >= 0 else (0, np.nan)
    return v, best, str(counts.columns[j]), where, share, every, v >= STRONG or best >= TELLING


def _area(has: np.ndarray, lacks: np.ndarray, score: np.ndarray) -> float:
    """Return the chance that one who has the level is in a segment with more of it than one who lacks it."""
    above = score[:, None] > score[None, :]
    same = score[:, None] == score[None, :]
    pairs = has[:, None] * lacks[None, :] * (above + 0.5 * same)
    return float(pairs.sum() / max(1.0, has.sum() * lacks.sum()))
