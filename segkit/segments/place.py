"""The one formula that places customers, at fit and ever after.

Squared distances to the centres in float64, summed over the columns from the left; the nearest centre wins,
the lower number breaks ties. Small models are narwhals expressions from end to end; in large ones the same
sums, in the same order and so with the same digits, run over numpy blocks. Nothing is learnt here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial, reduce
from operator import add
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from segkit.segments.frames import Frame, table
from segkit.segments.metric import Metric
from segkit.segments.prepare import Preparation

Floats = NDArray[np.float64]

TERMS = 256  # columns x segments from which blocks are faster than expressions
BLOCK = 8_192


def place(
    preparation: Preparation,
    centers: Floats,
    cutoffs: Sequence[float],
    frame: Any,
    metric: Metric | None = None,
    *,
    owners: Sequence[int] = (),
    keep: str = "",
) -> Frame:
    """Return where each row belongs.

    Parameters
    ----------
    centers
        (k, p), in the order of `preparation.names`.
    cutoffs
        (k,), the distances to each centre beyond which a customer is unusual.
    metric
        What assigns instead of plain distance; `confidence` is then the posterior against the next segment.
    owners
        The segment, from 1, of each centre; without, centre j is that of segment j.
    keep
        A column of a lazy frame that is passed on, as `kept`.

    Returns
    -------
    narwhals.DataFrame
        `segment` (from 1; 0 = not usable), `confidence` (the next centre's distance over the sum of both; 1
        with one segment, 0.5 between equal centres), `distance` and `outlier`; without a segment the middle
        two are missing.
    """
    terms = centers.size + (len(metric.turn) ** 2 if metric else 0)
    pushed = terms <= TERMS or isinstance(frame, nw.LazyFrame)
    measure, usable = (partial(_pushed, keep=keep) if pushed else _blocked), nw.col("usable")
    squares = [nw.col(f"d{j}") for j in range(len(centers))]
    measured = measure(preparation, centers, frame, metric).with_columns(least=_least(squares))
    numbers, every = list(owners) or list(range(1, len(squares) + 1)), range(1, len(squares) + 1)
    nearest = _choose([square == nw.col("least") for square in squares], every)
    placed = measured.with_columns(centre=nw.when(usable).then(nearest).otherwise(nw.lit(0)).cast(nw.Int64))
    inside = [nw.col("centre") == number for number in every]
    segment = nw.when(usable).then(_choose(inside, numbers)).otherwise(nw.lit(0)).cast(nw.Int64)
    placed = placed.with_columns(segment=segment)
    others = [
        nw.when(nw.col("segment") == number).then(nw.lit(np.inf)).otherwise(square)
        for number, square in zip(numbers, squares, strict=True)
    ]
    least, following = nw.col("least"), _least(others)
    if metric is None:
        own, fit = least.sqrt(), _confidence(least.sqrt(), following.sqrt(), len(set(numbers)))
    else:
        own = (least - _choose(inside, metric.offsets)).clip(lower_bound=0.0).sqrt()
        fit = 1.0 / (1.0 + ((least - following) / 2.0).exp())
    return placed.select(
        "segment",
        confidence=nw.when(usable).then(fit),
        distance=nw.when(usable).then(own),
        outlier=usable & (own > _choose(inside, cutoffs)),
        **({"kept": nw.col("kept")} if keep else {}),
    )


def _pushed(
    preparation: Preparation, centers: Floats, frame: Any, metric: Metric | None, *, keep: str
) -> Frame:
    """Return `usable` and the squared distances d0, d1, ..., by expressions."""
    data, pick = preparation.opened(frame)
    outputs = [output.alias(f"x{i}") for i, output in enumerate(preparation.expressions(pick))]
    kept = [pick(keep).alias("kept")] if keep else []
    prepared = data.select(preparation.complete(pick).alias("usable"), *outputs, *kept)
    columns = [nw.col(f"x{i}") for i in range(len(outputs))]
    every = [each.alias(f"d{j}") for j, each in enumerate(_squares(columns, centers, metric))]
    return prepared.select("usable", *every, *(["kept"] if keep else []))


def _blocked(preparation: Preparation, centers: Floats, frame: Any, metric: Metric | None) -> Frame:
    """Return the same, summed over blocks of rows that stay in the processor's cache."""
    X = preparation.matrix(frame, pushed=True)
    squares = np.empty((len(centers), X.shape[0]))
    for start in range(0, X.shape[0], BLOCK):
        rows = X[start : start + BLOCK]
        columns = list(np.ascontiguousarray((rows.toarray() if hasattr(rows, "toarray") else rows).T))
        squares[:, start : start + BLOCK] = _squares(columns, centers, metric)
    found = {f"d{j}": each for j, each in enumerate(squares)}
    return table(pd.DataFrame({"usable": preparation.usable(frame)} | found))


def _squares(columns: Sequence[Any], centers: Floats, metric: Metric | None) -> list[Any]:
    if metric is None:
        return [squared_distance(columns, center) for center in centers]
    columns = metric.turned(columns)
    return [
        metric.squares(columns, center, j) + metric.offsets[j] for j, center in enumerate(centers.tolist())
    ]


def squared_distance(columns: Sequence[Any], center: Floats) -> Any:
    """Sum (x - c)^2 over columns, from the left; of expressions or of arrays, with the same digits."""
    differences = [column - value for column, value in zip(columns, center.tolist(), strict=True)]
    return reduce(add, [difference * difference for difference in differences])


def _least(values: Sequence[nw.Expr]) -> nw.Expr:
    return values[0] if len(values) == 1 else nw.min_horizontal(*values)


def _choose(tests: Sequence[nw.Expr], values: Sequence[float]) -> nw.Expr:
    """Return the value of the first test that holds, the last one where none does."""
    chosen: nw.Expr = nw.lit(values[-1])
    for test, value in zip(tests[-2::-1], values[-2::-1], strict=True):
        chosen = nw.when(test).then(nw.lit(value)).otherwise(chosen)
    return chosen


def _confidence(own: nw.Expr, following: nw.Expr, segments: int) -> nw.Expr:
    if segments == 1:
        return own * 0.0 + 1.0
    return nw.when(own + following > 0).then(following / (own + following)).otherwise(nw.lit(0.5))
