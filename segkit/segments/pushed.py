"""Fitting where the data live: a sample, and Lloyd passes of which only sums come back.

Expressions only, so the same lines run on pandas, polars (eager or lazy), pyarrow, DuckDB relations and
Spark. One pass is one query: rows go to the nearest centre by the formula of `place`, and each group's sums
and count return. Rows in this process are better served by `passes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import narwhals as nw
import numpy as np

from segkit.segments.place import squared_distance
from segkit.segments.validity import Floats

FINE = float(1 << 16)


def lloyd(frame: Any, columns: Sequence[str], centers: Floats, *, passes: int = 2) -> Floats:
    """Return the centres (k, p) after some Lloyd passes over all rows of a frame, eager or lazy.

    The columns are those of a prepared frame, finite and in the order of the centres. A centre that no row is
    nearest to stays. Source: Lloyd (1982), Least squares quantization in PCM.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"x": [0.0, 1.0, 9.0, 10.0]})
    >>> lloyd(frame, ["x"], np.array([[0.0], [1.0]])).ravel().tolist()
    [0.5, 9.5]
    """
    centers = np.array(centers, dtype=np.float64)
    data = nw.from_native(frame, pass_through=False).lazy().select(nw.col(*columns).cast(nw.Float64))
    for _ in range(passes):
        sums = [nw.col(column).sum().alias(f"sum{i}") for i, column in enumerate(columns)]
        groups = _nearest(data, columns, centers).group_by("nearest").agg(nw.len().alias("rows"), *sums)
        for row in groups.collect().rows():
            centers[int(row[0])] = np.array(row[2:], dtype=np.float64) / row[1]
    return centers


def _nearest(data: nw.LazyFrame[Any], columns: Sequence[str], centers: Floats) -> nw.LazyFrame[Any]:
    """Add `nearest`, the number of the nearest centre from 0, the lower one on a tie."""
    picked = [nw.col(column) for column in columns]
    squares = [squared_distance(picked, center).alias(f"d{j}") for j, center in enumerate(centers)]
    names = [f"d{j}" for j in range(len(centers))]
    measured = data.with_columns(*squares).with_columns(least=nw.min_horizontal(*names))
    chosen: Any = nw.lit(len(names) - 1)
    for j in range(len(names) - 2, -1, -1):
        chosen = nw.when(nw.col(names[j]) == nw.col("least")).then(nw.lit(j)).otherwise(chosen)
    return measured.with_columns(nearest=chosen)


def sample(frame: Any, columns: Sequence[str], share: float, *, seed: int = 0) -> nw.LazyFrame[Any]:
    """Keep about a share of the rows, chosen by their values and the seed: lazy frames cannot draw at random.

    The fraction of a fine seeded projection is as good as random where rows differ; equal rows stay together.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=10_000)})
    >>> 900 < len(sample(frame, ["x"], 0.1).collect()) < 1100
    True
    """
    axis = np.random.default_rng(seed).uniform(0.5, 1.5, len(columns)) * FINE
    key = reduce(add, [nw.col(c).cast(nw.Float64) * a for c, a in zip(columns, axis.tolist(), strict=True)])
    data: nw.LazyFrame[Any] = nw.from_native(frame, pass_through=False).lazy()
    return data.filter(key.abs() % 1.0 < share)
