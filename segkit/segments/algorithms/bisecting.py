"""Bisecting k-means: the segment with the largest sum of squares is split in two, again and again.

Segments nest, so five segments are four with one of them split: easy to explain, a little less tight.
"""

from __future__ import annotations

import numpy as np
from sklearn.cluster import BisectingKMeans as SklearnBisectingKMeans

from segkit.segments import validity
from segkit.segments.algorithms.kmeans import threads
from segkit.segments.validity import Floats, Labels, Matrix


class BisectingKMeans:
    """Bisecting k-means. Source: Steinbach, Karypis and Kumar (2000), A comparison of document clustering.

    Examples
    --------
    >>> labels, centers = BisectingKMeans().fit(np.array([[0.0], [1.0], [9.0], [10.0]]), 2, seed=0)
    >>> sorted(centers[:, 0].tolist())
    [0.5, 9.5]
    """

    name = "bisecting"

    def fit(self, X: Matrix, segments: int, *, seed: int, quick: bool = False) -> tuple[Labels, Floats]:
        """Return labels (n,) and centres (segments, p), each row at its nearest centre."""
        with threads(1):
            model = SklearnBisectingKMeans(segments, n_init=1 if quick else 5, random_state=seed).fit(X)
        centers = np.asarray(model.cluster_centers_, dtype=np.float64)
        return validity.nearest(X, centers), centers
