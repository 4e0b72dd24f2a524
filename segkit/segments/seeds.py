"""How much segments depend on the seed: one sample, fitted from several seeds.

Fits that start elsewhere and end in other segments say that the number of segments is not the data's own.
Nothing is decided here.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import combinations

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from segkit.segments import validity
from segkit.segments.algorithms import mixture
from segkit.segments.algorithms.registry import Algorithm
from segkit.segments.metric import Metric
from segkit.segments.validity import Labels, Matrix

SEEDS = 4
ROWS = 1_000


def agreement(X: Matrix, method: Algorithm, metrics: Mapping[int, Metric | None]) -> dict[int, float]:
    """Return the mean adjusted Rand index between fits from four seeds, for each number of segments.

    1: the same segments each time; 0: no more alike than by chance. Source: Hubert and Arabie (1985),
    Comparing partitions.

    Parameters
    ----------
    X
        A sample of prepared customers, (n, p).
    metrics
        The numbers of segments, and what assigns rows where that is not plain distance.

    Examples
    --------
    >>> from segkit.segments.algorithms.kmeans import KMeans
    >>> agreement(np.array([[0.0], [1.0], [9.0], [10.0]]), KMeans(), {2: None})
    {2: 1.0}
    """
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than segments
        for k, metric in metrics.items():
            fits = [_labels(X, method, k, metric, seed) for seed in range(SEEDS)]
            alike = [adjusted_rand_score(one, other) for one, other in combinations(fits, 2)]
            found[k] = float(np.mean(alike))
    return found


def _labels(X: Matrix, method: Algorithm, k: int, metric: Metric | None, seed: int) -> Labels:
    if metric is None:
        return method.fit(X, k, seed=seed, quick=True)[0]
    rows = X.toarray() if validity.is_sparse(X) else X
    return mixture.refit(rows, rows, k, metric, seed=seed)
