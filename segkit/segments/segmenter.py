"""The scikit-learn estimator: numbers in, segments out.

`Segmenter` clusters a matrix and takes what the sweep proposes; it prepares nothing and judges nothing (a
study does both). It stays a good citizen: clone, pipelines, grid search and `set_output` work as with any
estimator.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils.validation import check_is_fitted, validate_data

from segkit.errors import ParameterError
from segkit.segments import validity
from segkit.segments.algorithms import registry
from segkit.segments.sweep import Sweep, check, solve, sweep
from segkit.segments.validity import Floats, Labels, Matrix


class SegmenterError(ParameterError, ValueError):
    """A parameter or a matrix that `Segmenter` cannot use; also a ValueError, as scikit-learn expects."""


class Segmenter(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Segment rows of numbers, with the number of segments chosen from the data or given.

    With ``segments=0`` every number from 2 to `max_segments` is fitted and the one with the best silhouette
    is taken. Segments are numbered by size and keep their numbers whatever the order of the rows and the
    number of threads. Columns should be comparable already (standardised, say): nothing is scaled here.

    Parameters
    ----------
    segments : int, default=0
        How many; 0 lets the data decide, otherwise 2 to 20.
    max_segments : int, default=12
        The largest number that is tried, 2 to 20. Unused when `segments` is given.
    algorithm : str, default="auto"
        "auto" (k-means), "kmeans", "mixture", "ward" or "bisecting".
    seed : int, default=0
        The same seed gives the same segments.

    Attributes
    ----------
    labels_ : ndarray of shape (n,)
        Segment of each row, from 0, by size.
    n_segments_ : int
        How many segments there are; fewer than asked for when fewer rows differ.
    cluster_centers_ : ndarray of shape ``(n_segments_, n_features)``
        The mean of each segment.
    inertia_ : float
        Sum of squared distances to the own centre.
    choice_ : DataFrame
        One row per number tried: segments, inertia, silhouette and silhouette_error (its standard error,
        0 where it is exact), davies_bouldin, calinski_harabasz.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape ``(n_features_in_,)``
        Their names, when `fit` saw a frame with text names.

    Examples
    --------
    >>> import numpy as np
    >>> from segkit.segments.segmenter import Segmenter
    >>> X = np.array([[0.0, 1.0], [0.2, 0.9], [0.1, 1.1], [5.0, 5.0], [5.2, 4.9]])
    >>> model = Segmenter(max_segments=3).fit(X)
    >>> model.n_segments_, model.labels_.tolist()
    (2, [0, 0, 0, 1, 1])
    >>> model.predict([[4.0, 4.0]]).tolist()
    [1]
    """

    def __init__(
        self, segments: int = 0, max_segments: int = 12, algorithm: str = "auto", seed: int = 0
    ) -> None:
        self.segments = segments
        self.max_segments = max_segments
        self.algorithm = algorithm
        self.seed = seed

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the segments of X, shape (n, n_features), dense or sparse, without missing values.

        Raises
        ------
        ParameterError
            When a parameter is out of bounds; it is a ValueError too.
        ValueError
            When X is no matrix of finite numbers with at least two rows.
        """
        del y
        self._check_parameters()
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, ensure_min_samples=2)
        found = self._sweep(X)
        chosen = found.solutions[found.proposed]
        self.labels_ = chosen.labels
        self.n_segments_ = chosen.segments
        self.cluster_centers_ = chosen.centers
        self.inertia_ = chosen.inertia
        self._metric = chosen.metric
        self.choice_ = found.table
        self._n_features_out = chosen.segments
        return self

    def predict(self, X: Any) -> Labels:
        """Return the segment each row belongs to, shape (n,)."""
        X = self._checked(X)
        if self._metric is not None:
            return self._metric.nearest(X, self.cluster_centers_)
        return validity.nearest(X, self.cluster_centers_)

    def transform(self, X: Any) -> Floats:
        """Return the distance to each centre, shape ``(n, n_segments_)``."""
        return np.asarray(euclidean_distances(self._checked(X), self.cluster_centers_))

    def _sweep(self, X: Matrix) -> Sweep:
        if self.segments:
            return solve(X, [self.segments], algorithm=self.algorithm, seed=self.seed)
        return sweep(X, max_segments=self.max_segments, algorithm=self.algorithm, seed=self.seed)

    def _checked(self, X: Any) -> Matrix:
        check_is_fitted(self)
        return validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)

    def _check_parameters(self) -> None:
        for name in ("segments", "max_segments", "seed"):
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not whole or value < 0:
                raise SegmenterError(f"{name} must be a whole number, 0 or more; got {value!r}.")
        try:
            check(self.segments, self.max_segments)
            registry.get(self.algorithm)
        except ParameterError as error:
            raise SegmenterError(str(error)) from None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
