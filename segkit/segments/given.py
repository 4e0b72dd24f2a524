"""A segmentation that exists already: read from a column, and made a solution that is judged like any other.

The segments are what the column says, whatever the other columns say; a customer may lie nearer to the centre
of another one. Nothing is fitted here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from segkit.errors import ParameterError, nearest
from segkit.segments import sweep as sweep_room
from segkit.segments import validity
from segkit.segments.sweep import MOST, Solution
from segkit.segments.validity import Floats, Labels, Matrix

TABLE = ["segmentation", *sweep_room.TABLE, "agreement"]
CROSSED = ["segment", "proposed", "customers", "share"]


class Given(NamedTuple):
    """A segmentation that exists: the column, what its segments are called, and what they are.

    `table` has the indices of the customers that have a label, as `segkit.segments.sweep.sweep` gives them.
    """

    column: str
    names: list[str]
    solution: Solution
    table: pd.DataFrame

    @property
    def silhouette(self) -> float:
        """How far its segments stand apart."""
        return float(self.table["silhouette"].iloc[0])


def read(frame: nw.DataFrame[Any], X: Matrix, column: str, order: Labels) -> Given:
    """Return the segmentation that a column holds, numbered by size, ties by name.

    Parameters
    ----------
    frame, X
        Customers, as they are and prepared, row by row.
    column
        Names the segment of each customer; who has none is in none.
    order
        Row positions in the seeded order of values.

    Raises
    ------
    ParameterError
        There is no such column, or it holds fewer than 2 or more than 20 different values.

    Examples
    --------
    >>> frame = nw.from_native(pd.DataFrame({"tier": ["b", "a", "a", None]}), eager_only=True)
    >>> found = read(frame, np.array([[9.0], [0.0], [1.0], [2.0]]), "tier", np.arange(4))
    >>> found.names, found.solution.labels.tolist(), found.solution.centers.tolist()
    (['a', 'b'], [1, 0, 0, -1], [[0.5], [9.0]])
    """
    if column not in frame.columns:
        raise ParameterError(f'labels: there is no column "{column}".{nearest(column, frame.columns)}')
    values = frame[column].to_pandas().reset_index(drop=True)
    counts = values.value_counts()
    if not 2 <= len(counts) <= MOST:
        raise ParameterError(
            f'labels: "{column}" must hold 2 to {MOST} different values, one for each segment, '
            f"among the customers that can be placed; it holds {len(counts)}."
        )
    known = sorted(counts.index, key=lambda value: (-counts[value], str(value)))
    labels = pd.Categorical(values, categories=known).codes.astype(np.intp)
    inside = labels >= 0
    centers = validity.within(X[inside], labels[inside]).centers
    own = validity.own_distances(X[inside], centers, labels[inside])
    names = [_called(value, column) for value in known]
    kept = order[labels[order] >= 0]
    table, _ = sweep_room.indices(X[kept], [labels[kept]])
    return Given(column, names, Solution(len(known), labels, centers, float(own.sum()), follows=False), table)


def _called(value: Any, column: str) -> str:
    """Name a segment by its value; a bare number is no name."""
    if isinstance(value, bool | np.bool_):
        return f"{column}: {'yes' if value else 'no'}"
    if isinstance(value, int | float | np.number):
        return f"{column} {value:g}"
    return str(value).strip() or f"{column}: empty"


def placed(X: Matrix, solution: Solution) -> pd.DataFrame:
    """Return `segment` (from 1; 0 is none), `confidence` and `distance` of rows whose segments are known.

    `confidence` is the distance to the nearest other centre over the sum of it and the distance to the own
    one: below .5 for a customer who is nearer to another segment. A solution that says both itself is taken
    at its word.
    """
    segment = solution.labels + 1
    if solution.fit is not None and solution.away is not None:
        return _placed(segment, solution.fit, solution.away)
    apart = np.sqrt(np.column_stack([_squares(X, center) for center in solution.centers]))
    rows = np.arange(len(segment))
    own = apart[rows, solution.labels]
    apart[rows, solution.labels] = np.inf
    other = apart.min(axis=1)
    with np.errstate(invalid="ignore"):
        fit = np.where(own + other > 0, other / (own + other), 0.5)
    return _placed(segment, fit, own)


def _placed(segment: Labels, fit: Floats, own: Floats) -> pd.DataFrame:
    known = segment > 0
    fit, own = (np.where(known, values, np.nan) for values in (fit, own))
    return pd.DataFrame({"segment": segment, "confidence": fit, "distance": own})


def _squares(X: Matrix, center: Floats) -> Floats:
    return validity.own_distances(X, center[None, :], np.zeros(X.shape[0], dtype=np.intp))


def beside(X: Matrix, given: Given, proposed: Solution, order: Labels) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold a segmentation that exists beside the one the data give.

    Parameters
    ----------
    X
        Prepared customers, (n, p).
    proposed
        What the data give; one segment where they give none.
    order
        Row positions in the seeded order of values.

    Returns
    -------
    DataFrame
        One row for each of the two: the indices of `segkit.segments.sweep.sweep`, and `agreement`, the
        adjusted Rand index of the two (NaN where the data give one group). Customers without a label are
        left out of both.
    DataFrame
        ``segment proposed customers share``: customers by the two, and the share of the own segment.
    """
    inside = order[given.solution.labels[order] >= 0]
    mine, theirs = given.solution.labels[inside], np.unique(proposed.labels[inside], return_inverse=True)[1]
    table, several = given.table.assign(segmentation="existing"), theirs.max(initial=0) > 0
    if several:
        other = sweep_room.indices(X[inside], [theirs])[0].assign(segmentation="proposed")
        table = pd.concat([table, other], ignore_index=True)
    table["agreement"] = float(adjusted_rand_score(mine, theirs)) if several else np.nan
    crossed = pd.DataFrame({"segment": mine + 1, "proposed": proposed.labels[inside] + 1})
    counts = crossed.value_counts().sort_index().rename("customers").reset_index()
    counts["share"] = counts["customers"] / counts.groupby("segment")["customers"].transform("sum")
    return table[TABLE], counts[CROSSED] if several else counts[CROSSED][:0]
