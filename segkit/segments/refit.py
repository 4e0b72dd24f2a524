"""How far segments depend on who happened to be among the customers: its centres refitted to resamples.

Each refit starts at the centres themselves and takes the difference that a resample makes to a few steps of
Lloyd's; widths and numbers of segments stay, so that segment 3 is segment 3 in every refit. What a customer's
place does across refits is what chance gives; nothing is decided here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segkit.segments.metric import Metric
from segkit.segments.validity import Floats, nearest

Numbers = NDArray[np.intp]
REFITS = 20
ROWS = 20_000  # rows that refits are made from; their noise is scaled to that of all rows
STEPS = 3


def refits(
    X: Floats, centers: Floats, metric: Metric | None = None, *, rows: int = 0, seed: int = 0
) -> Floats:
    """Return the centres under resamples, (refits, k, p).

    Parameters
    ----------
    X
        Prepared customers, (n, p), or an even sample of them.
    rows
        How many customers the centres rest on, when `X` is a sample of them.

    Notes
    -----
    Bootstrap of Efron (1979); a sample of m of n rows gives differences that are sqrt(n / m) too large.

    Examples
    --------
    >>> X = np.r_[np.zeros((50, 1)), np.full((50, 1), 9.0)] + np.linspace(-1, 1, 100)[:, None]
    >>> made = refits(X, np.array([[0.0], [9.0]]))
    >>> made.shape, bool(abs(made - [[0.0], [9.0]]).max() < 0.5)
    ((20, 2, 1), True)
    """
    rng, n = np.random.default_rng(seed), len(X)
    own = _settled(X, centers, metric, np.ones(n))
    scale = np.sqrt(n / max(n, rows))
    drawn = (rng.multinomial(n, np.full(n, 1 / n)).astype(float) for _ in range(REFITS))
    return np.array([centers + scale * (_settled(X, centers, metric, each) - own) for each in drawn])


def places(X: Floats, refitted: Floats, metric: Metric | None = None) -> Numbers:
    """Return where each refit puts each row, (refits, n), from 1; 0 for rows with a missing value."""
    known = ~np.isnan(X).any(axis=1)
    return np.array([np.where(known, _labels(np.nan_to_num(X), each, metric) + 1, 0) for each in refitted])


def _labels(X: Floats, centers: Floats, metric: Metric | None) -> Numbers:
    return metric.nearest(X, centers) if metric else np.asarray(nearest(X, centers), dtype=np.intp)


def _settled(X: Floats, centers: Floats, metric: Metric | None, weights: Floats) -> Floats:
    """Return the weighted means after a few steps; a segment that loses its rows stays where it was."""
    for _ in range(STEPS):
        member = np.eye(len(centers))[_labels(X, centers, metric)] * weights[:, None]
        total = member.sum(axis=0)
        means = member.T @ X / np.maximum(total, 1e-300)[:, None]
        centers = np.where(total[:, None] > 0, means, centers)
    return centers
