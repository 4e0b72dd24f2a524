"""How good a segmentation is: four indices, each with its definition and source.

Every function takes the matrix that was clustered (rows of customers, dense or scipy CSR) and labels 0..k-1
without gaps, and gives the figure scikit-learn gives. What differs is the cost: distances are made once, in
blocks, and serve many labellings, so memory stays flat and a whole range of k costs little more than one.
Nothing here fits or decides anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics.pairwise import euclidean_distances

Matrix: TypeAlias = Any  # float64 ndarray (n, p), or scipy CSR of the same shape
Floats: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.intp]

EXACT_ROWS = 20_000
ESTIMATE_ROWS = 5_000
_BLOCK = 4_000_000  # entries of one block of distances: 32 MB


def is_sparse(X: Matrix) -> bool:
    """Return whether a matrix is a scipy sparse one."""
    return bool(sparse.issparse(X))


@dataclass(frozen=True)
class Within:
    """One pass over the rows, enough for three indices: everything is per segment."""

    centers: Floats  # (k, p) means
    counts: Labels  # (k,) rows
    squares: Floats  # (k,) sums of squared distances to the mean
    spread: Floats  # (k,) mean distances to the mean

    @property
    def inertia(self) -> float:
        """Within-segment sum of squares."""
        return float(self.squares.sum())

    @property
    def calinski_harabasz(self) -> float:
        """See `calinski_harabasz`."""
        rows, segments = int(self.counts.sum()), len(self.counts)
        gaps = self.centers - self.counts @ self.centers / rows
        between = float(self.counts @ (gaps**2).sum(axis=1))
        return between * (rows - segments) / (self.inertia * (segments - 1)) if self.inertia > 0 else 1.0

    @property
    def davies_bouldin(self) -> float:
        """See `davies_bouldin`."""
        apart = euclidean_distances(self.centers)
        if np.allclose(self.spread, 0) or np.allclose(apart, 0):
            return 0.0
        np.fill_diagonal(apart, np.inf)
        apart[apart == 0] = np.inf
        return float(((self.spread[:, None] + self.spread) / apart).max(axis=1).mean())


def within(X: Matrix, labels: Labels) -> Within:
    """Return segment means, sizes and spreads; threads cannot change them, for sums go row by row."""
    counts: Labels = np.bincount(labels).astype(np.intp)
    member: Matrix = sparse.csr_array((np.ones(len(labels)), (labels, np.arange(len(labels)))))
    sums = member @ X
    centers = (sums.toarray() if is_sparse(sums) else sums) / np.maximum(counts, 1)[:, None]
    squared = own_distances(X, centers, labels)
    squares = np.bincount(labels, weights=squared).astype(np.float64)
    spread = np.bincount(labels, weights=np.sqrt(squared)) / np.maximum(counts, 1)
    return Within(centers, counts, squares, spread)


def own_distances(X: Matrix, centers: Floats, labels: Labels) -> Floats:
    """Return the squared distance of every row to the centre of its label, shape (n,)."""
    squared = np.empty(X.shape[0])
    step = max(1, _BLOCK // max(X.shape[1], 1))
    for start in range(0, X.shape[0], step):
        rows = slice(start, start + step)
        if is_sparse(X):
            every = euclidean_distances(X[rows], centers, squared=True)
            squared[rows] = np.take_along_axis(every, labels[rows, None], axis=1)[:, 0]
        else:
            gaps = X[rows] - centers[labels[rows]]
            squared[rows] = np.einsum("ij,ij->i", gaps, gaps)
    return squared


def nearest(X: Matrix, centers: Floats) -> Labels:
    """Return each row's nearest centre, the smallest number on a tie (to twelve digits)."""
    labels = np.empty(X.shape[0], dtype=np.intp)
    step = max(1, _BLOCK // max(len(centers), X.shape[1]))
    middle = np.zeros(X.shape[1]) if is_sparse(X) else centers.mean(axis=0)
    for start in range(0, X.shape[0], step):
        rows = X[start : start + step]
        apart = euclidean_distances(rows if is_sparse(X) else rows - middle, centers - middle, squared=True)
        close = apart.min(axis=1, keepdims=True) + 1e-12 * apart.max(axis=1, keepdims=True)
        labels[start : start + step] = (apart <= close).argmax(axis=1)
    return labels


def inertia(X: Matrix, labels: Labels) -> float:
    """Return the sum of squared distances to the segment means (within-segment sum of squares).

    Examples
    --------
    >>> inertia(np.array([[0.0], [2.0], [9.0]]), np.array([0, 0, 1]))
    2.0
    """
    return within(X, labels).inertia


def calinski_harabasz(X: Matrix, labels: Labels) -> float:
    """Return the variance between over the variance within segments, each over its degrees of freedom.

    (B / (k - 1)) / (W / (n - k)); 1.0 when W is zero, as in scikit-learn. Larger is better. Source: Calinski
    and Harabasz (1974), A dendrite method for cluster analysis.

    Examples
    --------
    >>> calinski_harabasz(np.array([[0.0], [2.0], [9.0], [11.0]]), np.array([0, 0, 1, 1]))
    40.5
    """
    return within(X, labels).calinski_harabasz


def davies_bouldin(X: Matrix, labels: Labels) -> float:
    """Return the mean over segments of the worst (own spread + other's) / distance between the centres.

    Spread is the mean distance to the centre. Smaller is better; 0.0 when no segment has spread. Source:
    Davies and Bouldin (1979), A cluster separation measure.

    Examples
    --------
    >>> round(davies_bouldin(np.array([[0.0], [2.0], [9.0], [11.0]]), np.array([0, 0, 1, 1])), 4)
    0.2222
    """
    return within(X, labels).davies_bouldin


def silhouette(X: Matrix, labels: Labels, *, seed: int = 0) -> float:
    """Return the mean silhouette: exact up to 20,000 rows, beyond that `silhouette_estimate`.

    For a row, a is the mean distance to the rest of its segment and b the smallest mean distance to another
    segment; its silhouette is (b - a) / max(a, b), and 0 in a segment of one. Source: Rousseeuw (1987),
    Silhouettes.

    Examples
    --------
    >>> round(silhouette(np.array([[0.0], [1.0], [9.0], [10.0]]), np.array([0, 0, 1, 1])), 3)
    0.889
    """
    if X.shape[0] > EXACT_ROWS:
        return silhouette_estimate(X, labels, seed=seed)
    return silhouettes(X, [labels])[0]


def silhouette_estimate(X: Matrix, labels: Labels, *, rows: int = ESTIMATE_ROWS, seed: int = 0) -> float:
    """Return the silhouette of a seeded sample with every segment in proportion (at least two rows of each).

    Examples
    --------
    >>> X = np.repeat([[0.0], [1.0]], 50, axis=0)
    >>> silhouette_estimate(X, np.repeat([0, 1], 50), rows=10)
    1.0
    """
    drawn = stratified(labels, rows, seed=seed)
    return silhouettes(X[drawn], [labels[drawn]])[0]


def stratified(labels: Labels, rows: int, *, seed: int) -> Labels:
    """Return sorted positions of about `rows` rows, every label in proportion, none with fewer than two."""
    if len(labels) <= rows:
        return np.arange(len(labels))
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_label = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    wanted = np.minimum(counts, np.maximum(2, np.rint(rows * counts / len(labels)).astype(np.intp)))
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(by_label[rank < np.repeat(wanted, counts)])


def silhouettes(X: Matrix, labellings: Sequence[Labels]) -> list[float]:
    """Return the exact silhouette of each labelling, all from one pass; time grows with the rows squared.

    The distances of a block of rows are multiplied with the stacked one-hot labels: one matrix product for
    every k.
    """
    if not labellings:
        return []
    X = X if is_sparse(X) else X - X.mean(axis=0)  # centred: no digits are lost far from the origin
    norms = euclidean_distances(X, np.zeros((1, X.shape[1])), squared=True)
    onehot = np.hstack([np.eye(int(labels.max()) + 1)[labels] for labels in labellings])
    totals = np.zeros(len(labellings))
    step = max(1, _BLOCK // X.shape[0])
    for start in range(0, X.shape[0], step):
        rows = np.arange(start, min(start + step, X.shape[0]))
        apart = euclidean_distances(X[rows], X, X_norm_squared=norms[rows], Y_norm_squared=norms.T)
        apart[np.arange(len(rows)), rows] = 0.0
        totals += _block_totals(apart @ onehot, rows, labellings)
    return [float(total / X.shape[0]) for total in totals]


def _block_totals(sums: Floats, rows: Labels, labellings: Sequence[Labels]) -> Floats:
    """Return the summed silhouettes of a block, from its rows' summed distances to every segment."""
    totals, first = np.empty(len(labellings)), 0
    for at, labels in enumerate(labellings):
        counts = np.bincount(labels)
        mine = sums[:, first : first + len(counts)]
        totals[at] = _rows_silhouette(mine, labels[rows], counts).sum()
        first += len(counts)
    return totals


def _rows_silhouette(sums: Floats, own: Labels, counts: NDArray[np.intp]) -> Floats:
    """Return each row's silhouette from its summed distances to the segments, shape (rows, k)."""
    here = np.arange(len(own))
    inside = sums[here, own] / np.maximum(counts[own] - 1, 1)
    means = np.divide(sums, counts, out=np.full_like(sums, np.inf), where=counts > 0)
    means[here, own] = np.inf
    outside = means.min(axis=1)
    larger = np.maximum(inside, outside)
    usable = (counts[own] > 1) & (larger > 0) & np.isfinite(outside)
    return np.where(usable, (outside - inside) / np.where(usable, larger, 1.0), 0.0)
