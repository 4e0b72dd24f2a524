"""A sample held against chance: whether it falls apart further than one population does.

A quick sweep of the sample (a chain of k-means from one segment upwards, the silhouette of each number) is
held against the same quick sweep of draws of two one-population laws (`null`). How far does the best
silhouette lie above what chance gives, in standard deviations? The law that explains the sample better
counts. Beside it stands the dip of every margin, for what lies in one column is diluted in the silhouette.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from segkit.segments import null, validity
from segkit.segments.algorithms.kmeans import threads
from segkit.segments.encode import Number
from segkit.segments.prepare import Preparation
from segkit.segments.validity import Floats, Labels

DRAWS = 16  # of 1,000 rows; of fewer rows up to three times as many, which cost no more
ENOUGH = 4.0  # standard deviations above chance from which something stands out
FULL_ROWS = 1_000
CANDIDATES = 8
PASSES = 10
LEAST_SPREAD = 0.002  # a tighter band of chance would call trifles structure
LEAST_SPREAD_Z = 0.5
FEW_VALUES = 10
ATOM = 0.05
FENCE = 2.0
SPIKE = 3.0


@dataclass(frozen=True, eq=False)
class Chance:
    """Silhouettes of the sample, shape (k,), beside those of the draws, shape (draws, k); k counts from 2."""

    real: Floats
    drawn: Floats

    def up_to(self, largest: int) -> Chance:
        """Return the same for numbers of segments up to `largest`."""
        return Chance(self.real[: largest - 1], self.drawn[:, : largest - 1])

    @property
    def mean(self) -> Floats:
        """What chance gives, per k."""
        return np.asarray(self.drawn.mean(axis=0))

    @property
    def spread(self) -> Floats:
        """Standard deviation of the draws, per k."""
        return np.asarray(np.maximum(self.drawn.std(axis=0, ddof=1), LEAST_SPREAD))

    @property
    def each_z(self) -> Floats:
        """How many standard deviations the sample lies above chance, per k."""
        return np.asarray((self.real - self.mean) / self.spread)

    @property
    def z(self) -> float:
        """How far the largest `each_z` lies above the draws' own largest."""
        largest = ((self.drawn - self.mean) / self.spread).max(axis=1)
        return float((self.each_z.max() - largest.mean()) / max(largest.std(ddof=1), LEAST_SPREAD_Z))


def compare(
    sample: nw.DataFrame[Any], preparation: Preparation, *, largest: int, seed: int, draws: int = DRAWS
) -> Chance:
    """Hold a sample against draws of each of two one-population laws; return the better explanation."""
    categories = [each.column for each in preparation.columns if each.kind == "category"]
    population = null.learn(sample, numbers=_numbers(sample, preparation), categories=categories, seed=seed)
    draws = int(draws * min(3.0, max(1.0, FULL_ROWS / len(sample))))
    blocks = preparation.blocks(sample)
    real, both = profile(np.hstack([*blocks.values()]), largest, seed), []
    for elliptical in (False, True):
        drawn = population.draw(draws, elliptical=elliptical, seed=seed)
        tables = _prepared(preparation, blocks, drawn, len(sample))
        both.append(Chance(real, np.array([profile(table, largest, seed) for table in tables])))
    return min(both, key=lambda chance: chance.z)


def _prepared(
    preparation: Preparation, blocks: Mapping[str, Floats], drawn: Mapping[str, Any], size: int
) -> Iterator[Floats]:
    """Yield the tables of a draw, prepared, from what the rows of the sample are as `blocks`."""
    for start in range(0, len(next(iter(drawn.values()))), size):
        told = {name: values[start : start + size] for name, values in drawn.items()}
        yield np.hstack([
            recipe.array(told[recipe.column])[:, None]
            if isinstance(recipe, Number) and told[recipe.column].dtype == np.float64
            else blocks[recipe.column][told[recipe.column]]
            for recipe in preparation.columns
        ])  # fmt: skip


def _numbers(sample: nw.DataFrame[Any], preparation: Preparation) -> dict[str, Floats]:
    prepared = preparation.numbers_as_prepared(sample)
    return {name: prepared[name].to_numpy() for name in prepared.columns}


def profile(X: Floats, largest: int, seed: int) -> Floats:
    """Return the silhouettes of a quick sweep from 2 to `largest`, shape (largest - 1,)."""
    low, high = np.quantile(X, [0.25, 0.75], axis=0)
    room = np.where(high > low, FENCE * (high - low), np.inf)
    near = np.clip(X, low - room, high + room)  # one far row must not make a segment of its own
    with threads(1):
        return np.array(validity.silhouettes(near, chain(near, largest, seed)))


def chain(X: Floats, largest: int, seed: int) -> list[Labels]:
    """Return labels for 2, 3, ... segments: each solution is the one before, and the best of eight rows.

    A row is a candidate with a chance that grows with its squared distance to the nearest centre. Source:
    Arthur and Vassilvitskii (2007), greedy k-means++; then Lloyd's passes, ten at most.
    """
    rng, X = np.random.default_rng(seed), X - X.mean(axis=0)
    norms = np.einsum("ij,ij->i", X, X)
    centers, nearest, found = np.zeros((1, X.shape[1])), norms, []
    for _ in range(2, largest + 1):
        chances = np.maximum(nearest, 0).cumsum()
        rows = np.minimum(np.searchsorted(chances, rng.random(CANDIDATES) * chances[-1]), len(X) - 1)
        apart = np.minimum(nearest[:, None], norms[:, None] - 2 * X @ X[rows].T + norms[rows])
        centers = np.vstack([centers, X[rows[apart.sum(axis=0).argmin()]]])
        labels, centers, nearest = _lloyd(X, norms, centers)
        found.append(np.unique(labels, return_inverse=True)[1])
    return found


def _lloyd(X: Floats, norms: Floats, centers: Floats) -> tuple[Labels, Floats, Floats]:
    rows, labels = np.arange(len(X)), np.full(len(X), -1)
    for _ in range(PASSES):
        apart = (centers**2).sum(axis=1) - 2 * X @ centers.T
        before, labels = labels, apart.argmin(axis=1)
        if (labels == before).all():
            break
        member = np.zeros(apart.shape)
        member[rows, labels] = 1.0
        counts = member.sum(axis=0)[:, None]
        centers = np.where(counts > 0, member.T @ X / np.maximum(counts, 1), centers)
    return labels, centers, apart[rows, labels] + norms


# ---------------------------------------------------------------------------------------------------- dips


def dips(sample: nw.DataFrame[Any], preparation: Preparation, *, seed: int) -> pd.Series:
    """Return how likely one peak gives such a dip as each number has (p, times the numbers), smallest first.

    Only numbers with more than ten values count, without spikes that 5 % of the rows share (no spend at
    all is a fact about buyers, not a dip) and with every value spread half-way to its neighbours.
    """
    rng, found = np.random.default_rng(seed), {}
    for name, values in _numbers(sample, preparation).items():
        points, place, counts = np.unique(values, return_inverse=True, return_counts=True)
        around = np.convolve(
            np.pad(counts, 1, mode="reflect" if len(counts) > 1 else "edge"), [0.5, 0, 0.5], "valid"
        )
        atom = (counts >= ATOM * len(values)) & (counts > SPIKE * around)
        some = values[~atom[place]]
        points, place = np.unique(some, return_inverse=True)
        if len(points) > FEW_VALUES:
            middle = (points[1:] + points[:-1]) / 2
            low, high = np.append(points[0], middle), np.append(middle, points[-1])
            found[name] = dip(low[place] + (high - low)[place] * rng.random(len(some)))
    return (pd.Series(found, dtype=float) * len(found)).clip(upper=1.0).sort_values(kind="stable")


def dip(values: Floats) -> float:
    """Return an upper bound of the p-value of the dip test: small where the values have two peaks.

    The dip is the least largest distance between the distribution function of the values and any unimodal
    one; the bound leaves the straight piece between its two halves out. sqrt(n) x dip of 50,000 uniform
    samples (n = 2,000) exceeded .6262 in 1 %, .7268 in .1 % and .8335 in .01 %, which
    p = .01 exp(14 (.392 - n dip^2)) follows from above.
    Source: Hartigan and Hartigan (1985), The dip test of unimodality.

    Examples
    --------
    >>> draw = np.random.default_rng(0).normal(size=400)
    >>> dip(draw) > 0.01, dip(draw + 8 * (np.arange(400) % 2)) < 0.001
    (True, True)
    """
    points, counts = np.unique(values, return_counts=True)
    upper = np.cumsum(counts) / counts.sum()
    lower, hull = np.append(0.0, upper[:-1]), null.unimodal_shares(points, counts)
    gap = max(float((lower - hull).max()), float((hull - upper).max()))
    size = (gap + 1 / len(values)) / 2
    return min(1.0, float(0.01 * np.exp(14 * (0.392 - len(values) * size**2))))
