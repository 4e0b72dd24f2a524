"""Passes over all customers in blocks, for many numbers of segments at once, with flat memory.

A block is a slice of a matrix or a batch of a file; what gives blocks can be passed over. Inside, rows are
float32 about a common middle, so that one matrix product serves every number of segments, and sums go on in
float64. The arithmetic is matrix products, a maximum and a comparison, in calls that any array library has.
Nothing here chooses a number of segments or draws a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

from segkit.segments.validity import Floats, Labels

Blocks: TypeAlias = Callable[[], Iterator[Any]]  # each call starts over: (rows, p) arrays of floats

BLOCK = 4_096  # rows that stay in the processor's cache beside their products with all centres


@dataclass(frozen=True, eq=False)
class Moments:
    """All rows together: how many, their mean (p,) and the sums of squared distances to it by column (p,)."""

    rows: int
    mean: Floats
    each: Floats

    @property
    def squares(self) -> float:
        """Sum of squared distances to the mean."""
        return float(self.each.sum())


@dataclass(frozen=True, eq=False)
class Assigned:
    """Rows at the nearest of k centres: how many (k,), their means (k, p), and how far they are spread.

    `inertia` is about the means; `spread` (k,) the mean distance to the centre that took the row.
    """

    counts: Floats
    means: Floats
    inertia: float
    spread: Floats
    total: Moments

    @property
    def calinski_harabasz(self) -> float:
        """See `validity.calinski_harabasz`."""
        rows, segments = self.total.rows, len(self.counts)
        between = max(self.total.squares - self.inertia, 0.0)
        return between * (rows - segments) / (self.inertia * (segments - 1)) if self.inertia > 0 else 1.0

    @property
    def davies_bouldin(self) -> float:
        """See `validity.davies_bouldin`; the spread is about the centres before the pass."""
        apart = euclidean_distances(self.means)
        np.fill_diagonal(apart, np.inf)
        apart[apart == 0] = np.inf
        return float(((self.spread[:, None] + self.spread) / apart).max(axis=1).mean())


def slices(X: Any, order: Labels | None = None) -> Blocks:
    """Return the blocks of a matrix, as its rows come or in the order given."""
    starts = range(0, X.shape[0], BLOCK)
    if order is None:
        return lambda: (X[start : start + BLOCK] for start in starts)
    return lambda: (X[order[start : start + BLOCK]] for start in starts)


def moments(blocks: Blocks) -> Moments:
    """Return rows, mean and sums of squares in one pass; sums are about the first block's mean.

    Examples
    --------
    >>> found = moments(slices(np.array([[0.0], [2.0], [4.0]])))
    >>> found.rows, found.mean.tolist(), found.squares
    (3, [2.0], 8.0)
    """
    rows, middle, sums, each = 0, None, 0.0, 0.0
    for block in blocks():
        middle = block.mean(axis=0) if middle is None else middle
        gaps = block - middle
        rows += len(gaps)
        sums, each = sums + gaps.sum(axis=0), each + np.einsum("ij,ij->j", gaps, gaps)
    shift = np.asarray(sums / max(rows, 1))
    return Moments(rows, np.asarray(middle + shift), np.maximum(each - rows * shift**2, 0.0))


def assign(
    blocks: Blocks, every: Sequence[Floats], total: Moments, *, precise: bool = False
) -> list[Assigned]:
    """Put all rows at the nearest centre of each set of centres, in one pass: one Lloyd pass for each set.

    Parameters
    ----------
    every
        Sets of centres, each (k, p).
    total
        What `moments` found.
    precise
        Whether to reckon in float64 throughout, as the last passes must.

    Examples
    --------
    >>> rows = slices(np.array([[0.0], [1.0], [9.0], [10.0]]))
    >>> one, two = assign(rows, [np.array([[0.0], [10.0]]), np.array([[0.0], [1.0], [9.0]])], moments(rows))
    >>> one.means.tolist(), one.inertia, two.counts.tolist()
    ([[0.5], [9.5]], 1.0, [1.0, 1.0, 2.0])
    """
    centers = np.vstack(every) - total.mean
    ends = np.cumsum([len(each) for each in every])
    parts = [slice(end - len(each), end) for end, each in zip(ends, every, strict=True)]
    fast = centers if precise else centers.astype(np.float32)
    half = np.einsum("ij,ij->i", fast, fast)[:, None] / 2
    counts, spread, sums = np.zeros(len(fast)), np.zeros(len(fast)), np.zeros(fast.shape)
    for block in blocks():
        rows = (block - total.mean).astype(fast.dtype, copy=False)
        norms = np.einsum("ij,ij->i", rows, rows)
        near = fast @ rows.T - half  # the largest is the nearest; it becomes 1, all others 0
        for part in parts:
            best = near[part].max(axis=0)
            np.equal(near[part], best, out=near[part])
            if near[part].sum() > len(rows):  # ties are shared
                near[part] /= near[part].sum(axis=0)
            spread[part] += near[part] @ np.sqrt(np.maximum(norms - 2 * best, 0))
        counts += near.sum(axis=1)
        sums += near @ rows
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centers)
    between = counts * np.einsum("ij,ij->i", means, means)
    return [
        Assigned(
            counts[part],
            means[part] + total.mean,
            max(0.0, total.squares - float(between[part].sum())),
            spread[part] / np.maximum(counts[part], 1),
            total,
        )
        for part in parts
    ]
