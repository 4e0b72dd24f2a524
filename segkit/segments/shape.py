"""What shape segments have, where customers have one to three columns and shapes can be seen.

The Gaussian mixture cuts what is curved into pieces, and joins small round segments that stand close. So its
answer is held beside that of k-means and that of HDBSCAN. k-means is taken where it finds more segments, most
with a valley around them and fewer of them linked through dense places; HDBSCAN where the pieces of the
mixture are linked and its own segments are apart by density. In more columns density tells nothing. The
thresholds were set on the 36 labelled sets that docs/scorecard.md tells of, so expect less on others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from segkit.segments import density, strength
from segkit.segments import sweep as sweep_room
from segkit.segments.algorithms.hdbscan import Hdbscan
from segkit.segments.validity import Floats, Labels

COLUMNS = 3
DIFFERENT = 0.9  # share of rows that differ from one another: between equal ones nothing is thin
DEEP, MOST = 0.75, 0.7  # a valley, and the share of rows whose segment has one around it
LINKED, FREE = 0.4, 0.05
APART, GAIN = 0.25, 0.05  # of density-based validity, by itself and over that of the mixture


class Shape(NamedTuple):
    """The algorithm to take, the number of segments it gives, and why."""

    algorithm: str
    segments: int
    why: str


def shape(X: Floats, labels: Labels, *, most: int, seed: int) -> Shape | None:
    """Return what serves better than the mixture, None where that is good or nothing can be told.

    Parameters
    ----------
    X
        A sample of prepared customers, (n, p), of numbers only.
    labels
        The mixture's, components joined, from 0.
    most
        The largest number of segments.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> turn = rng.uniform(0, 2 * np.pi, 600)
    >>> rings = np.repeat([1.0, 4.0], 300)[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    >>> cut = (turn * 3 / np.pi).astype(int) + 6 * np.repeat([0, 1], 300)
    >>> shape(rings, cut, most=16, seed=0)[:2]
    ('hdbscan', 2)
    """
    if X.shape[1] > COLUMNS or len(np.unique(X, axis=0)) < DIFFERENT * len(X):
        return None
    cut, pieces = density.linked(X, labels) if labels.max() else 1.0, int(labels.max()) + 1
    swept = sweep_room.sweep(X, algorithm="kmeans", max_segments=max(2, most), seed=seed)
    round_ = swept.solutions[swept.proposed].labels
    if (
        swept.proposed > pieces > 1
        and _deep(X, round_) >= MOST
        and density.linked(X, round_) < max(cut, FREE)
    ):
        why = "there are more round segments with valleys between them than normal clouds tell apart"
        return Shape("kmeans", swept.proposed, why)
    found = Hdbscan().found(X, most) if cut >= LINKED else {}
    if not found:
        return None
    k = max(found, key=lambda k: found[k].validity)
    dense, normal = density.dbcv(X, found[k].labels), density.dbcv(X, labels)
    if dense <= APART and dense <= max(0.0, normal) + GAIN:
        return None
    return Shape("hdbscan", k, "dense places of any shape are further apart than normal clouds")


def _deep(X: Floats, labels: Labels) -> float:
    """Return the share of rows whose segment has a valley around it."""
    return float((np.nanmax(strength.valleys(X, labels), axis=1) < DEEP)[labels].mean())
