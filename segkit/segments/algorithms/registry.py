"""The algorithms a study can name. Adding one is a class in a file of its own and a line here.

An algorithm has a `name` (a choice of the parameter `algorithm`) and `fit(X, segments, seed=..., quick=...)`,
which returns labels and centres. One that finds all numbers in one search, or assigns by its own metric, has
`solutions` as well; one that finds what numbers there are has `found`. It sees the rows in the sweep's seeded
order and need not care about numbering: the sweep does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from segkit.errors import ParameterError, nearest
from segkit.segments.algorithms.bisecting import BisectingKMeans
from segkit.segments.algorithms.hdbscan import Hdbscan
from segkit.segments.algorithms.kmeans import KMeans
from segkit.segments.algorithms.mixture import GaussianMixture
from segkit.segments.algorithms.ward import Ward
from segkit.segments.metric import Metric
from segkit.segments.validity import Floats, Labels, Matrix


class Algorithm(Protocol):
    """What the sweep asks of an algorithm."""

    name: str

    def fit(self, X: Matrix, segments: int, *, seed: int, quick: bool = False) -> tuple[Labels, Floats]:
        """Return labels (n,) and centres (segments, p)."""


ALGORITHMS: dict[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (KMeans(), GaussianMixture(), Ward(), BisectingKMeans(), Hdbscan())
}
AUTO = "kmeans"


def get(name: str) -> Algorithm:
    """Return the algorithm called `name`; "auto" chooses.

    Raises
    ------
    ParameterError
        When there is no such algorithm.

    Examples
    --------
    >>> get("auto").name
    'kmeans'
    """
    found = ALGORITHMS.get(AUTO if name == "auto" else name)
    if found is None:
        known = ["auto", *ALGORITHMS]
        raise ParameterError(
            f'algorithm must be one of {", ".join(known)}; got "{name}".{nearest(str(name), known)}'
        )
    return found


def solutions(
    method: Algorithm, X: Matrix, numbers: Sequence[int], *, seed: int
) -> list[tuple[Labels, Floats, Metric | None]]:
    """Return labels, centres and metric (None: plain distance) of every number."""
    if isinstance(method, (KMeans, GaussianMixture)):
        return method.solutions(X, numbers, seed=seed) if numbers else []
    return [(*method.fit(X, k, seed=seed), None) for k in numbers]
