"""A plane on which customers can be drawn: the two directions in which the prepared columns vary most.

Principal components of all rows (Pearson 1901), from the covariance matrix, so that a sparse matrix stays
sparse; the sign of a component makes its largest loading positive. The plane is computed on everybody, and a
seeded draw within each segment says which rows to show. Nothing here draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

BORDER = 0.55  # a fit below this is "near the border"
STRONG = 0.5  # a column names an axis when its loading is at least this part of the largest
MOST = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Map:
    """Customers in the plane.

    Attributes
    ----------
    table
        Rows to draw: index `row` (position in the data, from 0), x, y, segment, border, outlier.
    explained
        Share of the variance along each axis, 0 to 1.
    axes
        The input columns that grow along each axis, strongest first; empty for an axis without variance.
    total
        Customers the plane is computed on.
    """

    table: pd.DataFrame
    explained: tuple[float, float]
    axes: tuple[tuple[str, ...], tuple[str, ...]]
    total: int


def project(
    X: Any,
    labels: Any,
    confidence: Any,
    outlier: Any,
    names_in: Sequence[str],
    *,
    draw: int = 20_000,
    seed: int = 0,
) -> Map:
    """Place customers in the plane of the first two principal components.

    Parameters
    ----------
    X
        Prepared customers, (n, p), ndarray or scipy CSR.
    labels
        Segments from 1, (n,); rows with 0 (not scorable) are left out.
    confidence, outlier
        Fit 0 to 1 and "unusual", (n,), as `Model.score` gives them.
    names_in
        The input column behind each column of X, (p,).
    draw
        At most so many rows are in the table, each segment by its share.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
    >>> plane = project(X, [1, 1, 2], [0.9, 0.5, 0.9], [False] * 3, ["spend", "visits"])
    >>> plane.explained, plane.axes
    ((1.0, 0.0), (('spend',), ()))
    >>> plane.table["x"].tolist()
    [-2.0, 0.0, 2.0]
    """
    segment = np.asarray(labels, dtype=np.int64)
    used = np.flatnonzero(segment > 0)
    inside = X if len(used) == len(segment) else X[used]
    mean, loadings, explained = _components(inside)
    rows = used[_draw(segment[used], draw, seed)]
    chosen = X[rows]
    chosen = chosen.toarray() if hasattr(chosen, "toarray") else chosen
    places = (chosen - mean) @ loadings
    fit = np.asarray(confidence, dtype=np.float64)[rows]
    columns = {
        "x": places[:, 0], "y": places[:, 1], "segment": segment[rows], "border": fit < BORDER,
        "outlier": np.asarray(outlier, dtype=bool)[rows],
    }  # fmt: skip
    axes = (_axis(loadings[:, 0], names_in), _axis(loadings[:, 1], names_in))
    return Map(pd.DataFrame(columns, index=pd.Index(rows, name="row")), explained, axes, len(used))


def _components(X: Any) -> tuple[Floats, Floats, tuple[float, float]]:
    """Mean (p,), loadings (p, 2) and shares of variance; a component without variance is all 0."""
    mean, covariance = _covariance(X)
    values, vectors = np.linalg.eigh(covariance)
    total = float(np.trace(covariance))
    loadings, shares = np.zeros((len(mean), 2)), [0.0, 0.0]
    for axis, place in enumerate(range(len(mean) - 1, max(len(mean) - 3, -1), -1)):
        if values[place] > 1e-12 * max(total, 1e-300):
            vector = vectors[:, place]
            loadings[:, axis] = vector * np.sign(vector[np.argmax(np.abs(vector).round(9))])
            shares[axis] = float(values[place] / total)
    return mean, loadings, (shares[0], shares[1])


def _covariance(X: Any) -> tuple[Floats, Floats]:
    mean = np.asarray(X.mean(axis=0), dtype=np.float64).ravel()
    thin = bool(sparse.issparse(X))
    if thin:
        return mean, (X.T @ X).toarray() / X.shape[0] - np.outer(mean, mean)
    centred = X - mean
    return mean, centred.T @ centred / len(X)


def _axis(loading: Floats, names_in: Sequence[str]) -> tuple[str, ...]:
    """Name the input columns whose loading is positive and at least half the largest, at most three."""
    order = np.argsort(-loading.round(9), kind="stable")
    strong = [names_in[i] for i in order if loading[i] > 0 and loading[i] >= STRONG * loading.max()]
    return tuple(dict.fromkeys(strong))[:MOST]


def _draw(segment: NDArray[np.int64], draw: int, seed: int) -> NDArray[np.intp]:
    """Positions of at most `draw` rows, from each segment in proportion and at least one, in order of row."""
    if len(segment) <= draw:
        return np.arange(len(segment))
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(segment == one) for one in np.unique(segment)]
    parts = [rng.choice(g, max(1, int(draw * len(g) / len(segment))), replace=False) for g in groups]
    return np.sort(np.concatenate(parts))[:draw]
