"""Ward's tree on a sample; every customer belongs to the nearest mean of its branches.

The tree joins the two groups that raise the within-segment sum of squares least. It needs all pairs, so it is
grown on at most 3,000 rows (the first in the sweep's seeded order).
"""

from __future__ import annotations

import numpy as np
from scipy.cluster import hierarchy

from segkit.segments import validity
from segkit.segments.validity import Floats, Labels, Matrix

ROWS = 3_000


class Ward:
    """Ward's minimum variance method. Source: Ward (1963), Hierarchical grouping.

    Examples
    --------
    >>> labels, centers = Ward().fit(np.array([[0.0], [1.0], [9.0], [10.0]]), 2, seed=0)
    >>> sorted(centers[:, 0].tolist())
    [0.5, 9.5]
    """

    name = "ward"

    def fit(self, X: Matrix, segments: int, *, seed: int, quick: bool = False) -> tuple[Labels, Floats]:
        """Return labels (n,) and centres (segments, p); nothing is drawn, so `seed` changes nothing."""
        del seed, quick
        some = X[:ROWS].toarray() if validity.is_sparse(X) else np.asarray(X[:ROWS])
        tree = hierarchy.linkage(some, method="ward")
        branch = hierarchy.fcluster(tree, segments, criterion="maxclust")
        centers = np.array([some[branch == each].mean(axis=0) for each in np.unique(branch)])
        return validity.nearest(X, centers), centers
