"""Two classical ways to choose a number of segments, for those who want them beside the verdict.

Both fit k-means many times, cost five times what the verdict costs, and decide worse (docs/scorecard.md has
the verdict's rates); nothing here is part of it. Rows beyond a few thousand are better sampled first.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist

from segkit.segments import validity
from segkit.segments.algorithms.kmeans import KMeans
from segkit.segments.validity import Floats, Labels


def gap(X: Floats, largest: int = 8, *, draws: int = 50, seed: int = 0) -> tuple[int, pd.DataFrame]:
    """Return the number of segments by the gap statistic, and `segments`, `gap` and `error` from 1 on.

    gap(k) = mean log W of draws from the box around the principal axes - log W of X, where W adds up, over
    segments, the distances of all pairs over twice the rows. The number is the smallest k with gap(k) >=
    gap(k + 1) - error(k + 1), error being the draws' standard deviation times sqrt(1 + 1 / draws). Source:
    Tibshirani, Walther and Hastie (2001), Estimating the number of clusters; distances are not squared, as in
    R's cluster::clusGap.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(120, 2)) + np.repeat([[0], [9]], 60, axis=0)
    >>> gap(X, 4, draws=10)[0]
    2
    """
    rng, X = np.random.default_rng(seed), X - X.mean(axis=0)
    turn = np.linalg.svd(X, full_matrices=False)[2]
    low, high = (X @ turn.T).min(axis=0), (X @ turn.T).max(axis=0)
    boxes = [rng.uniform(low, high, (len(X), len(turn))) for _ in range(draws)]
    drawn = np.array([_log_within(box, largest, seed) for box in boxes])
    gaps = drawn.mean(axis=0) - _log_within(X, largest, seed)
    errors = drawn.std(axis=0) * np.sqrt(1 + 1 / draws)
    enough = np.append(gaps[:-1] >= gaps[1:] - errors[1:], True)
    numbers = np.arange(1, largest + 1)
    return int(numbers[enough.argmax()]), pd.DataFrame({"segments": numbers, "gap": gaps, "error": errors})


def _log_within(X: Floats, largest: int, seed: int) -> Floats:
    found = []
    for k in range(1, largest + 1):
        labels = KMeans().fit(X, k, seed=seed, quick=True)[0]
        parts = [X[labels == j] for j in range(k)]
        found.append(np.log(sum(pdist(part).sum() / len(part) for part in parts if len(part))))
    return np.array(found)


def prediction_strength(
    X: Floats, largest: int = 8, *, splits: int = 25, enough: float = 0.8, seed: int = 0
) -> tuple[int, pd.DataFrame]:
    """Return the largest number whose strength is `enough`, and `segments` and `strength` from 1 on.

    Rows are split in halves and each is segmented. Of the pairs that share a segment in one half, which part
    is put together by the centres of the other? The worst segment counts; the mean is over both halves and
    all splits. Source: Tibshirani and Walther (2005), Cluster validation by prediction strength.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(120, 2)) + np.repeat([[0], [9]], 60, axis=0)
    >>> prediction_strength(X, 4, splits=5)[0]
    2
    """
    rng, found = np.random.default_rng(seed), np.ones((splits, largest))
    for row in found:
        mixed = rng.permutation(len(X))
        halves = X[mixed[: len(X) // 2]], X[mixed[len(X) // 2 :]]
        for k in range(2, largest + 1):
            fits = [KMeans().fit(half, k, seed=seed, quick=True) for half in halves]
            row[k - 1] = np.mean([
                _worst(fits[here][0], validity.nearest(halves[here], fits[1 - here][1])) for here in (0, 1)
            ])  # fmt: skip
    strengths, numbers = found.mean(axis=0), np.arange(1, largest + 1)
    table = pd.DataFrame({"segments": numbers, "strength": strengths})
    return int(numbers[strengths >= enough].max()), table


def _worst(labels: Labels, theirs: Labels) -> float:
    """Return the least share of pairs of a segment that the other half's centres put together."""
    counts = np.zeros((int(labels.max()) + 1, int(theirs.max()) + 1))
    np.add.at(counts, (labels, theirs), 1)
    sizes = counts.sum(axis=1)
    some = sizes > 1
    pairs = (counts * (counts - 1)).sum(axis=1)[some] / (sizes * (sizes - 1))[some]
    return float(pairs.min(initial=1.0))
