"""A few thousand weighted rows that stand for all of them when means are fitted.

The lightweight coreset of Bachem, Lucic and Krause (2018, Scalable k-means clustering via lightweight
coresets): a row is drawn with a chance q that is half even and half in proportion to its squared distance
from the mean, and weighs 1/q, so that sums over the sample are in expectation those over all rows. It is
drawn without replacement by priorities q/u (Duffield, Lund and Thorup 2007), where u, even in 0..1, follows
from the values of a row and the seed and never from its place: one pass, and the same rows in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segkit.segments.passes import Blocks, Moments
from segkit.segments.validity import Floats

CELLS = 1 << 16  # along each of three seeded axes; far coarser than rounding, so the last digits do not count
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class Coreset(NamedTuple):
    """Rows with what each stands for, and an even sample besides; both in a seeded order of their values."""

    rows: Floats  # (m, p)
    weights: Floats  # (m,)
    even: Floats  # (e, p): every row of the table had the same chance


class _Best:
    """Of all rows seen, those with the largest scores."""

    def __init__(self, size: int) -> None:
        self.size, self.limit = size, -np.inf
        self.kept: list[tuple[Floats, Floats, Floats]] = []
        self.waiting = 0

    def add(self, score: Floats, u: Floats, rows: Floats) -> None:
        at = np.flatnonzero(score > self.limit)
        self.kept.append((score[at], u[at], rows[at]))
        self.waiting += len(at)
        if self.waiting > 4 * self.size:
            self.prune()

    def prune(self) -> tuple[Floats, Floats, Floats]:
        """Drop all but the best and one more, whose score is the limit."""
        score, u, rows = (np.concatenate(each) for each in zip(*self.kept, strict=True))
        if len(score) > self.size:
            at = np.argpartition(-score, self.size)[: self.size + 1]
            score, u, rows = score[at], u[at], rows[at]
            self.limit = float(score.min())
        self.kept, self.waiting = [(score, u, rows)], len(score)
        return score, u, rows


def draw(
    blocks: Blocks, chance: Callable[[int, Floats], Floats], total: Moments, *, size: int, even: int = 0
) -> Coreset:
    """Draw a coreset and an even sample in one pass.

    Parameters
    ----------
    chance
        Returns u, (rows,), of a block, given the place of its first row and the block.
    size, even
        How many rows of each; all of them when there are no more.

    Examples
    --------
    >>> from segkit.segments.passes import moments, slices
    >>> X = np.random.default_rng(0).normal(size=(20_000, 2))
    >>> total, chances = moments(slices(X)), Chances(X.mean(axis=0), 1.0, seed=0)
    >>> found = draw(slices(X), lambda start, block: chances.of(block), total, size=2_000, even=100)
    >>> found.rows.shape, found.even.shape, bool(abs(found.weights.sum() / 20_000 - 1) < 0.03)
    ((2000, 2), (100, 2), True)
    """
    best, first, start = _Best(size), _Best(even), 0
    spread = max(total.squares / total.rows, 1e-300)
    for block in blocks():
        gaps = block - total.mean
        q = 0.5 + np.einsum("ij,ij->i", gaps, gaps) / (2 * spread)
        u = np.maximum(chance(start, block), 1e-18)
        best.add(q / u, u, block)
        first.add(1 / u, u, block)
        start += len(block)
    score, u, rows = best.prune()
    limit = best.limit if len(score) > size else 0.0
    drawn = np.flatnonzero(score > limit)
    order = drawn[np.argsort(u[drawn], kind="stable")]
    weights = np.maximum(1.0, limit / (score * u)[order])
    _, u, sample = first.prune()
    return Coreset(rows[order], weights, sample[np.argsort(u, kind="stable")[:even]])


class Chances:
    """An even number in 0..1 for each row, from its values and the seed; equal rows in a block differ.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])
    >>> u = Chances(X.mean(axis=0), 1.0, seed=0).of(X)
    >>> v = Chances(X.mean(axis=0), 1.0, seed=0).of(X[[1, 2, 0]])
    >>> bool(u[0] != u[2]), bool((np.sort(u) == np.sort(v)).all())
    (True, True)
    """

    def __init__(self, mean: Floats, spread: float, *, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.mean = mean
        self.axes = draw.standard_normal((len(mean), 3)) * (CELLS / 64 / max(spread, 1e-300))
        self.shift, self.salt = draw.random(3), np.uint64(draw.integers(1 << 62))

    def of(self, block: Floats) -> Floats:
        """Return u of the rows of a block, (rows,)."""
        cells = np.floor((block - self.mean) @ self.axes + self.shift).astype(np.int64).astype(np.uint64)
        key = np.full(len(block), self.salt)
        for column in cells.T:
            key = _mixed(key + column)
        return np.asarray(_mixed(key + _turn(key)) >> np.uint64(11)) / 2.0**53


def _mixed(key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all (Steele, Lea and Flood 2014, SplitMix64)."""
    key = key + np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * _MIX[0]
    key = (key ^ (key >> np.uint64(27))) * _MIX[1]
    return key ^ (key >> np.uint64(31))


def _turn(key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Count from 0 how many equal keys stand before each."""
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(key[order]) != 0))
    turn = np.empty(len(key), dtype=np.uint64)
    turn[order] = np.arange(len(key)) - np.repeat(first, np.diff(np.append(first, len(key))))
    return turn
