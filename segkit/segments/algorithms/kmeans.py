"""k-means on scikit-learn's public estimator.

The sweep fits all numbers at once, each helping its neighbours: `chain`, on a weighted sample of many rows,
and on all rows up to 2,000, where single rows are moved besides (`polish`). `fit` is for one number alone.
Only public calls are made, so an accelerated drop-in for `sklearn.cluster.KMeans` (`cuml.accel` on a GPU,
say) is taken as it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import ThreadpoolController

from segkit.segments.metric import Metric
from segkit.segments.validity import Floats, Labels, Matrix, is_sparse, nearest

POLISH_ROWS = 2_000
POLISH_ALL_ROWS = 500
SAMPLE_ROWS = 4_000
STARTS = 10
QUICK_ROWS = 2_000  # rows times starts of a quick fit
FEW_ROWS = 50_000  # up to here one thread: more cost up to 50x on a busy machine
MOST_PASSES = 300
MANY_ROWS_PASSES = 30  # what later passes gain is below .01 % of the inertia
FEW_STARTS = 4  # of the chain where all rows are fitted
CHAIN_STARTS, START_ROWS, CHAIN_ROWS = 3, 5_000, 10_000  # fresh fits, their rows, those of all the rest
CANDIDATES = 8

_Reals = NDArray[np.float32] | NDArray[np.float64]


class KMeans:
    """k-means: every customer belongs to the nearest of k means.

    Sources: Lloyd (1982), Least squares quantization in PCM; Arthur and Vassilvitskii (2007), k-means++.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [9.0], [10.0]])
    >>> labels, centers = KMeans().fit(X, 2, seed=0)
    >>> sorted(centers[:, 0].tolist())
    [0.5, 9.5]
    """

    name = "kmeans"

    def fit(self, X: Matrix, segments: int, *, seed: int, quick: bool = False) -> tuple[Labels, Floats]:
        """Return labels (n,) in no special order and centres (segments, p).

        `quick` is for comparing many small tables with each other: a good fit of each, not the best.
        """
        few = X.shape[0] <= FEW_ROWS
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # fewer different rows than k: the sweep looks
            with threads(1):
                if quick:
                    quick_starts = min(STARTS, max(2, QUICK_ROWS // X.shape[0]))
                    return _parts(SklearnKMeans(segments, n_init=quick_starts, random_state=seed).fit(X))
                polished = X.shape[0] <= POLISH_ROWS and not is_sparse(X)
                centers = (_best_polished if polished else _best_on_sample)(X, segments, seed)
            with threads(1 if few else None):
                passes = MOST_PASSES if few else MANY_ROWS_PASSES
                return _settled(X, centers, passes)

    def solutions(
        self, X: Matrix, numbers: Sequence[int], *, seed: int
    ) -> list[tuple[Labels, Floats, Metric | None]]:
        """Return labels (n,) and centres (k, p) of every number, in their order; the metric is None."""
        if X.shape[0] > POLISH_ROWS or is_sparse(X):
            return [(*self.fit(X, k, seed=seed), None) for k in numbers]
        chained = self.chain(X, np.ones(len(X)), sorted(numbers), seed=seed)
        middle = X.mean(axis=0)  # far from the origin squared distances would lose digits
        found: list[tuple[Labels, Floats, Metric | None]] = []
        with warnings.catch_warnings(), threads(1):
            warnings.simplefilter("ignore", ConvergenceWarning)
            for k in numbers:
                polished, _ = polish(X - middle, nearest(X, chained[k]), chained[k] - middle)
                found.append((*_settled(X, polished + middle, MOST_PASSES), None))
        return found

    def chain(self, X: Floats, weights: Floats, wanted: list[int], *, seed: int) -> dict[int, Floats]:
        """Return centres, (k, p), for every k wanted, in rising order, fitted on one weighted sample.

        Each k starts afresh on some rows, from the solution of k - 1 with one centre more (the best of a few
        drawn as in k-means++), and on the way back from that of k + 1 without the centre that is missed
        least. The best of the three is kept, so a good find at one number serves its neighbours. All of this
        looks at half of the sample; only what was kept is fitted to the whole.

        Examples
        --------
        >>> X = np.array([[0.0], [1.0], [9.0], [10.0], [30.0]])
        >>> found = KMeans().chain(X, np.ones(5), [2, 3], seed=0)
        >>> sorted(found[2].round(2).ravel().tolist()), sorted(found[3].round(2).ravel().tolist())
        ([5.0, 30.0], [0.5, 9.5, 30.0])
        """
        middle = np.average(X, axis=0, weights=weights)
        few = len(X) <= POLISH_ROWS
        starts = FEW_STARTS if few else CHAIN_STARTS
        kind: Any = np.float64 if few else np.float32
        whole = _Sample((X - middle).astype(kind), (weights / weights.mean()).astype(kind), seed)
        sample = _Sample(whole.X[:CHAIN_ROWS], whole.weights[:CHAIN_ROWS], seed)
        checked = config_context(assume_finite=True, skip_parameter_validation=True)
        with warnings.catch_warnings(), threads(1), checked:
            warnings.simplefilter("ignore", ConvergenceWarning)
            best: dict[int, tuple[float, Floats]] = {}
            for k in wanted:
                drawn = [sample.fresh(k, starts), *([sample.split(best[k - 1][1])] if k - 1 in best else [])]
                best[k] = min((sample.refine(each) for each in drawn), key=itemgetter(0))
            for k in wanted[-2::-1]:
                if k + 1 in best:
                    merged = sample.refine(sample.merge(best[k + 1][1]))
                    best[k] = min(best[k], merged, key=itemgetter(0))
            if len(X) > CHAIN_ROWS:
                best = {k: whole.refine(centers) for k, (_, centers) in best.items()}
        return {k: np.asarray(centers, dtype=np.float64) + middle for k, (_, centers) in best.items()}


class _Sample:
    """Weighted rows, centred, and what the chain does with them."""

    def __init__(self, X: _Reals, weights: _Reals, seed: int) -> None:
        self.X, self.weights, self.draw = X, weights, np.random.RandomState(seed)
        self.norms = np.einsum("ij,ij->i", X, X)[:, None]

    def fresh(self, segments: int, starts: int) -> Floats:
        model = SklearnKMeans(segments, n_init=starts, random_state=self.draw)
        model.fit(self.X[:START_ROWS], sample_weight=self.weights[:START_ROWS])
        return np.asarray(model.cluster_centers_)

    def refine(self, centers: Floats) -> tuple[float, Floats]:
        model = SklearnKMeans(len(centers), init=centers, n_init=1).fit(self.X, sample_weight=self.weights)
        return float(model.inertia_), np.asarray(model.cluster_centers_)

    def split(self, centers: Floats) -> Floats:
        """Add the best of a few candidates, drawn in proportion to their squared distance."""
        near = self._apart(centers).min(axis=1)
        chance = np.asarray(near * self.weights, dtype=np.float64) + 1e-300
        drawn = self.X[self.draw.choice(len(self.X), CANDIDATES, p=chance / chance.sum())]
        gain = self.weights @ np.maximum(near[:, None] - self._apart(drawn), 0)
        return np.vstack([centers, drawn[gain.argmax()]])

    def merge(self, centers: Floats) -> Floats:
        """Leave out the centre whose rows lose least by going to the next one."""
        apart = self._apart(centers)
        two, own = np.partition(apart, 1, axis=1)[:, :2], apart.argmin(axis=1)
        lost = np.bincount(own, weights=self.weights * (two[:, 1] - two[:, 0]), minlength=len(centers))
        return np.delete(centers, lost.argmin(), axis=0)

    def _apart(self, centers: _Reals) -> Floats:
        apart = self.norms - 2 * self.X @ centers.T + np.einsum("ij,ij->i", centers, centers)
        return np.asarray(np.maximum(apart, 0))


def _settled(X: Matrix, centers: Floats, passes: int) -> tuple[Labels, Floats]:
    """Go on from some centres until no row moves."""
    return _parts(SklearnKMeans(len(centers), init=centers, n_init=1, max_iter=passes, tol=0).fit(X))


def _parts(model: SklearnKMeans) -> tuple[Labels, Floats]:
    return model.labels_.astype(np.intp), np.asarray(model.cluster_centers_, dtype=np.float64)


def _best_on_sample(X: Matrix, segments: int, seed: int) -> Floats:
    """Return the centres of the best of ten fits on the first rows."""
    model = SklearnKMeans(segments, n_init=STARTS, random_state=seed).fit(X[:SAMPLE_ROWS])
    return np.asarray(model.cluster_centers_, dtype=np.float64)


def _best_polished(X: Floats, segments: int, seed: int) -> Floats:
    """Return the centres of the best of ten fits, all polished where that is cheap, else the best three."""
    draw, middle = np.random.RandomState(seed), X.mean(axis=0)
    X = X - middle  # far from the origin squared distances would lose digits
    fits = [SklearnKMeans(segments, n_init=1, random_state=draw).fit(X) for _ in range(STARTS)]
    if len(X) > POLISH_ALL_ROWS:
        fits = sorted(fits, key=attrgetter("inertia_"))[:3]
    polished = [polish(X, each.labels_, each.cluster_centers_) for each in fits]
    lowest = min(inertia for _, inertia in polished)
    best = next(centers for centers, inertia in polished if inertia <= lowest * (1 + 1e-9))
    return np.asarray(middle + best)


def polish(X: Floats, labels: Labels, centers: Floats) -> tuple[Floats, float]:
    """Move single rows, the best move first, until none lowers the inertia; return centres and inertia.

    Lloyd's passes stop where every row is nearest to its own mean. A move pays already when n/(n-1) times the
    squared distance to the own mean exceeds m/(m+1) times that to another, because both means follow the row.
    Ten polished starts find what fifty plain ones miss. Source: Hartigan and Wong (1979), Algorithm AS 136.
    """
    counts = np.bincount(labels, minlength=len(centers)).astype(np.float64)
    centers, labels, rows = centers.copy(), labels.copy(), np.arange(len(X))
    norms = np.einsum("ij,ij->i", X, X)[:, None]
    apart = norms - 2 * X @ centers.T + np.einsum("ij,ij->i", centers, centers)
    for _ in range(len(X)):
        leaving = apart[rows, labels] * (counts / np.maximum(counts - 1, 1))[labels]
        joining = apart * (counts / (counts + 1))
        joining[rows, labels] = np.inf
        target = joining.argmin(axis=1)
        gain = leaving - joining[rows, target]
        row = int(gain.argmax())
        if gain[row] <= 1e-9 * apart[row].max() or counts[labels[row]] == 1:
            break
        pair = [labels[row], target[row]]
        centers[pair] += (X[row] - centers[pair]) * ([[-1.0], [1.0]] / (counts[pair, None] + [[-1.0], [1.0]]))
        counts[pair] += [-1.0, 1.0]
        apart[:, pair] = norms - 2 * X @ centers[pair].T + np.einsum("ij,ij->i", centers[pair], centers[pair])
        labels[row] = target[row]
    return centers, max(0.0, float(apart[rows, labels].sum()))


def threads(limit: int | None) -> AbstractContextManager[object]:
    """Return a context in which numerical libraries use `limit` threads; None leaves them alone."""
    context: AbstractContextManager[object] = _controller().limit(limits=limit) if limit else nullcontext()
    return context


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
