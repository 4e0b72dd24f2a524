"""The scikit-learn estimator: numbers in, segments out.

`Segmenter` clusters a matrix and takes what the sweep proposes; it prepares nothing and judges nothing (a
study does both). It stays a good citizen: clone, pipelines, grid search and `set_output` work as with any
estimator.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from segkit.errors import ParameterError
from segkit.segments import validity
from segkit.segments.algorithms import registry
from segkit.segments.sweep import Sweep, check, repeated, solve, sweep
from segkit.segments.validity import Floats, Labels, Matrix

HALF = 0.5


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
        "auto" (k-means), "kmeans", "mixture", "ward", "bisecting" or "hdbscan", which finds how many there
        are by itself, calls rows in no segment -1, and places no new rows.
    seed : int, default=0
        The same seed gives the same segments.
    feature_weights : sequence of float, default=None
        How much each column counts: a column of weight 2 like two equal columns, one of weight 0 not at all.
    min_segment_size : float, default=0.0
        The share of rows, 0 to 0.5, that the smallest segment must have for a number to be taken; where no
        number has it there is one segment. Unused when `segments` is given.

    Attributes
    ----------
    labels_ : ndarray of shape (n,)
        Segment of each row, from 0, by size.
    n_segments_ : int
        How many segments there are; fewer than asked for when fewer rows differ.
    cluster_centers_ : ndarray of shape ``(n_segments_, n_features)``
        The mean of each segment, in the units of X.
    inertia_ : float
        Sum of squared distances to the own centre, columns and rows by their weights.
    choice_ : DataFrame
        One row per number tried: segments, smallest (share of the smallest segment), inertia, silhouette
        and silhouette_error (its standard error, 0 where it is exact), davies_bouldin, calinski_harabasz.
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
        self,
        segments: int = 0,
        max_segments: int = 12,
        algorithm: str = "auto",
        seed: int = 0,
        *,
        feature_weights: Sequence[float] | None = None,
        min_segment_size: float = 0.0,
    ) -> None:
        self.segments = segments
        self.max_segments = max_segments
        self.algorithm = algorithm
        self.seed = seed
        self.feature_weights = feature_weights
        self.min_segment_size = min_segment_size

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the segments of X, shape (n, n_features), dense or sparse, without missing values.

        A row of weight 2 counts as two equal rows (see `segkit.segments.sweep.repeated` for large sums and
        fractions), one of weight 0 is only placed.

        Raises
        ------
        ParameterError
            When a parameter is out of bounds; it is a ValueError too.
        ValueError
            When X is no matrix of finite numbers with at least two rows, or weights are no weights.
        """
        del y
        self._check_parameters()
        raw = validate_data(self, X, accept_sparse="csr", dtype=np.float64, ensure_min_samples=2)
        X = self._weighed(raw)
        weights = sample_weight
        if weights is not None and self.algorithm == "hdbscan":
            raise SegmenterError("hdbscan takes no sample_weight. Repeat rows, or name another algorithm.")
        if weights is not None:
            weights = _check_sample_weight(weights, X, dtype=np.float64, ensure_non_negative=True)
        found = self._sweep(X if weights is None else X[repeated(X, weights, seed=self.seed)])
        chosen = found.solutions[found.proposed]
        self.n_segments_, self._centers, self._metric = chosen.segments, chosen.centers, chosen.metric
        self.labels_, self.inertia_ = chosen.labels, chosen.inertia
        if weights is not None:
            self.labels_ = self._nearest(X)
            self.inertia_ = float(weights @ validity.own_distances(X, self._centers, self.labels_))
        self.cluster_centers_ = chosen.centers
        if self.feature_weights is not None:
            root = np.sqrt(np.asarray(self.feature_weights))
            means = validity.within(raw, self.labels_).centers  # of columns that do not count
            self.cluster_centers_ = np.where(root > 0, chosen.centers / np.where(root > 0, root, 1), means)
        self.choice_ = found.table
        self._n_features_out = chosen.segments
        return self

    def predict(self, X: Any) -> Labels:
        """Return the segment each row belongs to, shape (n,)."""
        return self._nearest(self._checked(X, placing=True))

    def transform(self, X: Any) -> Floats:
        """Return the distance to each centre, shape ``(n, n_segments_)``."""
        return np.asarray(euclidean_distances(self._checked(X, placing=True), self._centers))

    def _nearest(self, X: Matrix) -> Labels:
        if self._metric is not None:
            return self._metric.nearest(X, self._centers)
        return validity.nearest(X, self._centers)

    def _sweep(self, X: Matrix) -> Sweep:
        if self.segments:
            return solve(X, [self.segments], algorithm=self.algorithm, seed=self.seed)
        how: dict[str, Any] = {"max_segments": self.max_segments, "algorithm": self.algorithm}
        return sweep(X, **how, seed=self.seed, least=self.min_segment_size)

    def _checked(self, X: Any, *, placing: bool = False) -> Matrix:
        check_is_fitted(self)
        if placing and self.algorithm == "hdbscan":
            raise SegmenterError(
                "hdbscan places no new rows; labels_ has the segments of those it was fitted to."
            )
        return self._weighed(validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False))

    def _weighed(self, X: Matrix) -> Matrix:
        """Return X with each column times the root of its weight, so that squared distances carry it."""
        if self.feature_weights is None:
            return X
        weights = np.asarray(self.feature_weights, dtype=np.float64)
        fine = weights.shape == (X.shape[1],) and np.isfinite(weights).all() and (weights >= 0).all()
        if not fine or not weights.any():
            raise SegmenterError(
                f"feature_weights must be {X.shape[1]} numbers, 0 or more and not all 0; "
                f"got {list(self.feature_weights)!r:.80}."
            )
        return X.multiply(np.sqrt(weights)).tocsr() if validity.is_sparse(X) else X * np.sqrt(weights)

    def _check_parameters(self) -> None:
        for name in ("segments", "max_segments", "seed"):
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not whole or value < 0:
                raise SegmenterError(f"{name} must be a whole number, 0 or more; got {value!r}.")
        if not 0 <= self.min_segment_size <= HALF:
            raise SegmenterError(f"min_segment_size must be 0 to {HALF}; got {self.min_segment_size!r}.")
        try:
            check(self.segments, self.max_segments)
            registry.get(self.algorithm)
        except ParameterError as error:
            raise SegmenterError(str(error)) from None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
