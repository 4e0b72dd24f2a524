"""HDBSCAN: segments are dense places of any shape, with thinner ones between; who stands in none is noise.

It finds how many there are by itself, so it is asked with several least sizes, and of each number the
solution of best density-based validity is kept. It is fitted on at most 5,000 rows (the first in the sweep's
seeded order). How far a row is from a segment is its distance to the tenth nearest of its rows. What is
called noise goes to the segment of the nearest row that has one, where it is no further from that than the
segment's own rows are from the segment, and so do the rows beyond the sample; the rest stays noise. New rows
are not placed.

Sources: Campello, Moulavi and Sander (2013), Density-based clustering based on hierarchical density
estimates; Moulavi et al. (2014), Density-based clustering validation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn import cluster
from sklearn.neighbors import NearestNeighbors

from segkit.segments import density, validity
from segkit.segments.algorithms.kmeans import threads
from segkit.segments.validity import Floats, Labels, Matrix

ROWS = 5_000
LEAST = (5, 10, 20, 40, 80, 160, 320)  # least sizes of a segment that are tried, in rows of the sample
NEIGHBOURS = 10
NOISE = -1


class Dense(NamedTuple):
    """One solution: labels (n,) with -1 for noise, distances of rows to segments (n, k), and its DBCV."""

    labels: Labels
    apart: Floats
    validity: float


class Hdbscan:
    """Hierarchical density-based clustering.

    Examples
    --------
    >>> X = np.concatenate([np.random.default_rng(0).normal(m, 1, (100, 2)) for m in (0, 12)])
    >>> found = Hdbscan().found(X)
    >>> sorted(found), np.bincount(found[2].labels).tolist()
    ([2], [100, 100])
    """

    name = "hdbscan"

    def fit(self, X: Matrix, segments: int, *, seed: int, quick: bool = False) -> tuple[Labels, Floats]:
        """Return labels (n,), -1 for noise, and means (segments, p); all noise where none are found.

        `segments` says how small one may be: half of what each would have if all were of one size.
        """
        del seed, quick
        labels = cut(X, max(2, X.shape[0] // (2 * segments)))
        return labels, np.array([X[labels == j].mean(axis=0) for j in range(labels.max() + 1)])

    def found(self, X: Matrix, most: int = 20) -> dict[int, Dense]:
        """Return for each number of segments found, 2 to `most`, the solution of largest DBCV."""
        dense = np.asarray(X.toarray() if validity.is_sparse(X) else X, dtype=np.float64)
        sample, best = dense[:ROWS], dict[int, tuple[float, Labels]]()
        with threads(1):
            for least in LEAST:
                labels = cut(sample, least) if least <= len(sample) // 4 else np.full(len(sample), NOISE)
                k = int(labels.max()) + 1
                if not 1 < k <= most:
                    continue
                valid = density.dbcv(sample, labels)
                if k not in best or valid > best[k][0]:
                    best[k] = (valid, labels)
            return {k: Dense(*reached(dense, sample, labels), valid) for k, (valid, labels) in best.items()}


def cut(X: Floats, least: int) -> Labels:
    """Return labels for one least size of a segment, -1 for noise."""
    near = min(NEIGHBOURS, len(X) - 1)
    found = cluster.HDBSCAN(min_samples=near, min_cluster_size=least, copy=True).fit(X)
    return np.asarray(found.labels_, dtype=np.intp)


def reached(X: Floats, sample: Floats, known: Labels) -> tuple[Labels, Floats]:
    """Return labels of all rows, and their distances to the segments of a sample, (n, k).

    Rows of the sample keep their segment; the others go where the nearest row with a segment is, if that is
    in reach: no further away than the loneliest of the segment's own rows is from the segment.
    """
    parts = [sample[known == j] for j in range(known.max() + 1)]
    first, tenth = (np.column_stack(each) for each in zip(*(_away(X, part) for part in parts), strict=True))
    reach = np.array([_away(part, part)[1].max() for part in parts])
    nearest = first.argmin(axis=1)
    labels = np.where(first.min(axis=1) <= reach[nearest], nearest, NOISE)
    labels[: len(sample)] = np.where(known >= 0, known, labels[: len(sample)])
    return labels, tenth


def again(drawn: Floats, X: Floats, sizes: Labels) -> Labels:
    """Label X by what is found in resampled rows, each once; a segment may be half of the smallest."""
    drawn = np.unique(drawn, axis=0)
    with threads(1):
        labels = cut(drawn, max(2, int(sizes.min()) // 2))
        if labels.max() < 0:
            return np.full(len(X), NOISE)
        return reached(np.vstack([drawn, X]), drawn, labels)[0][len(drawn) :]


def _away(X: Floats, part: Floats) -> tuple[Floats, Floats]:
    """Return how far rows are from the nearest of a part, and from the tenth nearest besides themselves."""
    near = min(NEIGHBOURS + 1, len(part))
    apart = NearestNeighbors(n_neighbors=near).fit(part).kneighbors(X)[0]
    return apart[:, 0], apart[:, -1]
