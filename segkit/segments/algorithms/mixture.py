"""Gaussian mixture: segments as overlapping normal clouds, every number of them from one search.

Expectation-maximisation stops at the nearest hill, so each number of components is reached from several
sides: from k-means, from Ward's tree, and from a few components more downwards, each time merging the pair
whose customers overlap most. The best BIC of each number and shape is kept. A thin uniform component takes
rows far from everything; components under 2 % of the rows are barred. Nothing here decides how many there
are; up to nine are looked for, and up to twenty where nine explain the rows best.

Sources: Banfield and Raftery (1993), Model-based Gaussian and non-Gaussian clustering; Fraley and Raftery
(2002), Model-based clustering; Biernacki, Celeux and Govaert (2000), integrated completed likelihood; Hennig
(2010), Methods for merging Gaussian mixture components.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.cluster import hierarchy
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.exceptions import ConvergenceWarning

from segkit.segments.algorithms.kmeans import KMeans, threads
from segkit.segments.metric import Metric
from segkit.segments.validity import Floats, Labels, Matrix, nearest

ROWS = 2_000
WARD_ROWS = 1_000
LARGEST, FURTHER = 9, 20  # always the same search, whatever is asked for
MORE = 4  # components above the largest where the way down starts
FEWEST_SHARE = 0.02
NOISE_SHARE = 0.03  # at most this share of the rows is taken for far out
SHAPES = ("shared", "diagonal", "tied")
FLOOR = 1e-3  # least variance of a component, in parts of the column's own
PASSES = 60
ENOUGH = 1e-4  # a pass that gains less, per row, is the last


@dataclass(frozen=True, eq=False)
class Mixture:
    """One fitted mixture.

    Attributes
    ----------
    shape
        "shared": one diagonal covariance for all components; "diagonal": one each; "tied": one full for all.
    weights, means, variances
        (k,), (k, p), and the covariances: (k, p), or (p, p) when tied.
    posterior
        (n, k), the share of each row in each component, without the far-out one.
    bic, icl
        -2 log likelihood + parameters x log n, and the same + 2 x the entropy of `posterior`; small is good.
    """

    shape: str
    weights: Floats
    means: Floats
    variances: Floats
    posterior: Floats
    bic: float
    icl: float

    @property
    def metric(self) -> Metric:
        """What assigns a row to the component of largest posterior."""
        k, p = self.means.shape
        offsets = -2 * np.log(self.weights)
        widths, turn = np.ones((k, p)), np.empty((0, p))
        if self.shape == "tied":
            turn = linalg.solve_triangular(linalg.cholesky(self.variances, lower=True), np.eye(p), lower=True)
        else:
            widths, offsets = np.sqrt(self.variances), offsets + np.log(self.variances).sum(axis=1)
        return Metric.model_validate(
            {
                "widths": widths.tolist(),
                "offsets": (offsets - offsets.min()).tolist(),
                "turn": turn.tolist(),
            }
        )


class Data(NamedTuple):
    """What every fit needs of a table: rows, their squares, least variances, and a uniform's log density."""

    X: Floats
    squares: Floats
    least: Floats
    far: float


class GaussianMixture:
    """Segments as normal clouds with their own widths; a customer belongs where the posterior is largest.

    Examples
    --------
    >>> X = np.concatenate([np.random.default_rng(0).normal(m, 1, (100, 2)) for m in (0, 9)])
    >>> labels, centers = GaussianMixture().fit(X, 2, seed=0)
    >>> np.bincount(labels).tolist()
    [100, 100]
    """

    name = "mixture"

    def fit(self, X: Matrix, segments: int, *, seed: int, quick: bool = False) -> tuple[Labels, Floats]:
        """Return labels (n,) and centres (segments, p); see `solutions` for what assigns new rows.

        `quick` starts from k-means only, and takes its answer where the mixture has a component under 2 %.
        """
        if not quick:
            labels, centers, _ = self.solutions(X, [segments], seed=seed)[0]
            return labels, centers
        dense = _dense(X)
        labels, centers = KMeans().fit(dense[:ROWS], segments, seed=seed, quick=True)
        with threads(1):
            data = _data(dense[:ROWS])
            found = [_fitted(data, np.eye(segments)[labels], shape) for shape in SHAPES]
        found = [each for each in found if each.weights.min() >= FEWEST_SHARE]
        if found:
            centers = min(found, key=attrgetter("bic")).means
        return nearest(dense, centers), centers

    def solutions(
        self, X: Matrix, numbers: Sequence[int], *, seed: int
    ) -> list[tuple[Labels, Floats, Metric | None]]:
        """Return labels, centres and metric of every number, found on the first 2,000 rows, in one search.

        A number beyond the search, or one that it bars (a component under 2 %), is answered by k-means, which
        assigns by plain distance.
        """
        dense = _dense(X)
        found = kept_paths(dense[:ROWS], seed=seed)
        answers: list[tuple[Labels, Floats, Metric | None]] = []
        for k in numbers:
            if k in found:
                metric, centers = found[k].metric, found[k].means
                answers.append((metric.nearest(dense, centers), centers, metric))
            else:
                answers.append((*KMeans().fit(X, k, seed=seed), None))
        return answers


_kept: OrderedDict[str, dict[int, Mixture]] = OrderedDict()


def kept_paths(X: Floats, *, seed: int) -> dict[int, Mixture]:
    """Return `paths`, remembered for the last few tables: the verdict and the sweep ask the same."""
    key = hashlib.sha256(np.ascontiguousarray(X).tobytes() + f"{seed}".encode()).hexdigest()
    if key not in _kept:
        with threads(1):
            found = paths(X, LARGEST, seed=seed)
            edge = min(found, key=lambda k: found[k].icl) == LARGEST
            _kept[key] = paths(X, FURTHER, seed=seed) if edge else found
        while len(_kept) > 4:
            _kept.popitem(last=False)
    return _kept[key]


def paths(X: Floats, largest: int, *, seed: int) -> dict[int, Mixture]:
    """Return the mixture of best BIC for each number of components from 1 to `largest`.

    Parameters
    ----------
    X
        (n, p), a few thousand rows; more cost time in proportion.

    Examples
    --------
    >>> X = np.concatenate([np.random.default_rng(0).normal(m, 1, (100, 2)) for m in (0, 9)])
    >>> found = paths(X, 4, seed=0)
    >>> min(found, key=lambda k: found[k].bic)
    2
    """
    data, most = _data(X), min(largest + MORE, len(X) // 20)
    starts = _starts(X, most, seed)
    best: dict[int, Mixture] = {}
    for shape in SHAPES:
        found = [_fitted(data, start, shape) for start in starts]
        found += _downwards(data, max(found, key=lambda each: len(each.weights)))
        for each in found:
            k = len(each.weights)
            barred = k > 1 and each.weights.min() < FEWEST_SHARE
            if k <= largest and not barred and (k not in best or each.bic < best[k].bic):
                best[k] = each
    return best


def refit(drawn: Floats, rows: Floats, segments: int, like: Metric, *, seed: int) -> Labels:
    """Fit a mixture of the same shape to resampled rows, from one k-means start, and label `rows` by it."""
    same = len(set(like.widths)) == 1
    shape = "tied" if like.turn else "shared" if same else "diagonal"
    with threads(1):
        start = SklearnKMeans(segments, n_init=2, random_state=seed).fit(drawn).labels_
        found = _fitted(_data(drawn), np.eye(segments)[start], shape)
        return found.metric.nearest(rows, found.means)


def _dense(X: Matrix) -> Floats:
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)


def _data(X: Floats) -> Data:
    """Columns of few values get a least variance of their grid, or a component would sit on one value."""
    values = np.array([len(np.unique(column)) for column in X.T])
    grid = (np.ptp(X, axis=0) / np.maximum(values - 1, 1)) ** 2 / 6
    least = np.maximum(FLOOR * X.var(axis=0), grid) + 1e-12
    spans = np.maximum(np.ptp(X, axis=0), 1e-6)
    return Data(X, X**2, least, -float(np.log(spans).sum()))


def _starts(X: Floats, most: int, seed: int) -> list[Floats]:
    """Return memberships (n, k) to start from: k-means and Ward for every number of components."""
    with threads(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different rows than components
        fits = [SklearnKMeans(k, n_init=2, random_state=seed).fit(X).labels_ for k in range(1, most + 1)]
    some = np.arange(len(X))[:WARD_ROWS]
    tree = hierarchy.linkage(X[some], method="ward")
    for k in range(2, most + 1):
        cut = hierarchy.fcluster(tree, k, criterion="maxclust") - 1
        centers = np.array([X[some][cut == j].mean(axis=0) for j in np.unique(cut)])
        apart = (X**2).sum(axis=1)[:, None] - 2 * X @ centers.T + (centers**2).sum(axis=1)
        fits.append(apart.argmin(axis=1))
    return [np.eye(int(labels.max()) + 1)[labels] for labels in fits]


def _downwards(data: Data, mixture: Mixture) -> list[Mixture]:
    """Merge the two components that share most customers, fit again, and so on down to two."""
    found = []
    while len(mixture.weights) > 2:
        shared = mixture.posterior.T @ mixture.posterior
        sizes = mixture.posterior.sum(axis=0)
        overlap = shared / np.maximum(np.minimum.outer(sizes, sizes), 1e-12)
        np.fill_diagonal(overlap, -1.0)
        small = int(sizes.argmin())
        if sizes[small] < FEWEST_SHARE * len(data.X):
            one, other = small, int(overlap[small].argmax())
        else:
            one, other = divmod(int(overlap.argmax()), len(overlap))
        merged = mixture.posterior.copy()
        merged[:, one] += merged[:, other]
        mixture = _fitted(data, np.delete(merged, other, axis=1), mixture.shape)
        found.append(mixture)
    return found


def _fitted(data: Data, member: Floats, shape: str) -> Mixture:
    """Run expectation-maximisation from memberships (n, k)."""
    rows, last = len(data.X), -np.inf
    far = 0.5 * NOISE_SHARE
    for _ in range(PASSES):
        sizes = member.sum(axis=0) + 1e-9
        means = member.T @ data.X / sizes[:, None]
        variances = _variances(data, member, sizes, means, shape)
        weights = sizes / rows
        logs = np.log(weights) + _log_density(data, means, variances, shape)
        noise = np.log(far) + data.far
        top = np.maximum(logs.max(axis=1), noise)
        member = np.exp(logs - top[:, None])
        thrown = np.exp(noise - top)
        total = member.sum(axis=1) + thrown
        member /= total[:, None]
        far = float(np.clip((thrown / total).mean(), 1e-6, NOISE_SHARE))
        score = float((np.log(total) + top).mean())
        if score - last < ENOUGH:
            break
        last = score
    k, p = means.shape
    free = {"shared": p, "diagonal": k * p, "tied": p * (p + 1) // 2}[shape] + k * p + k
    bic = -2 * score * rows + free * np.log(rows)
    inside = member / np.maximum(member.sum(axis=1, keepdims=True), 1e-300)
    entropy = -float((inside * np.log(np.maximum(inside, 1e-300))).sum())
    return Mixture(shape, weights, means, variances, inside, bic, bic + 2 * entropy)


def _variances(data: Data, member: Floats, sizes: Floats, means: Floats, shape: str) -> Floats:
    if shape == "tied":
        inside = member.sum(axis=1)
        full = (data.X * inside[:, None]).T @ data.X - (means * sizes[:, None]).T @ means
        return np.asarray(full / sizes.sum() + np.diag(data.least))
    own = np.maximum(member.T @ data.squares / sizes[:, None] - means**2, data.least)
    return own if shape == "diagonal" else np.broadcast_to(sizes @ own / sizes.sum(), own.shape)


def _log_density(data: Data, means: Floats, variances: Floats, shape: str) -> Floats:
    p = means.shape[1]
    if shape == "tied":
        root = linalg.cholesky(variances, lower=True)
        X, means = (linalg.solve_triangular(root, each.T, lower=True).T for each in (data.X, means))
        apart = (X**2).sum(axis=1)[:, None] - 2 * X @ means.T + (means**2).sum(axis=1)
        return np.asarray(-0.5 * (apart + p * np.log(2 * np.pi)) - np.log(root.diagonal()).sum())
    inverse = 1 / variances
    apart = data.squares @ inverse.T - 2 * data.X @ (means * inverse).T + (means**2 * inverse).sum(axis=1)
    return np.asarray(-0.5 * (apart + p * np.log(2 * np.pi) + np.log(variances).sum(axis=1)))
