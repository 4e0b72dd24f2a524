"""The algorithms a study can name. Adding one is a class in a file of its own and a line here.

An algorithm has a `name` (a choice of the parameter `algorithm`) and `fit(X, segments, seed=..., quick=...)`,
which returns labels and centres. It sees the rows in the sweep's seeded order and need not care about
numbering: the sweep does.
"""

from __future__ import annotations

from typing import Protocol

from segkit.errors import ParameterError, nearest
from segkit.segments.algorithms.kmeans import KMeans
from segkit.segments.validity import Floats, Labels, Matrix


class Algorithm(Protocol):
    """What the sweep asks of an algorithm."""

    name: str

    def fit(self, X: Matrix, segments: int, *, seed: int, quick: bool = False) -> tuple[Labels, Floats]:
        """Return labels (n,) and centres (segments, p)."""


ALGORITHMS: dict[str, Algorithm] = {algorithm.name: algorithm for algorithm in (KMeans(),)}
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
