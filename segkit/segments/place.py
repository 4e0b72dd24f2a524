"""The one formula that places customers, at fit and ever after.

Squared distances to the centres in float64, summed over the columns from the left; the nearest centre wins,
the lower number breaks ties. A frame in memory goes through numpy, block by block, a lazy one through
expressions of its engine: the same sums, in the same order. Nothing is learnt here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from segkit.segments.frames import Frame
from segkit.segments.metric import Metric
from segkit.segments.prepare import Preparation

Floats = NDArray[np.float64]

BLOCK = 8_192  # rows whose distances stay in the processor's cache


def place(
    preparation: Preparation,
    centers: Floats,
    cutoffs: Sequence[float],
    frame: Any,
    metric: Metric | None = None,
    *,
    owners: Sequence[int] = (),
    rows: Any = None,
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
    rows
        ``preparation.matrix(frame, pushed=True)``, where it is at hand.
    keep
        A column of a lazy frame that is passed on, as `kept`.

    Returns
    -------
    narwhals.DataFrame
        `segment` (from 1; 0 = not usable), `confidence` (the next centre's distance over the sum of both; 1
        with one segment, 0.5 between equal centres), `distance` and `outlier`; without a segment the middle
        two are missing. In the library of the frame; lazy if that is.
    """
    numbers = list(owners) or list(range(1, len(centers) + 1))
    if isinstance(frame, nw.LazyFrame):
        measured = _pushed(preparation, centers, frame, metric, keep=keep)
        return _by_expressions(measured, cutoffs, metric, numbers=numbers, keep=keep)
    data, _ = preparation.opened(frame)
    X = preparation.matrix(frame, pushed=True) if rows is None else rows
    usable = preparation.usable(frame)
    placed = _by_blocks(X, centers, np.asarray(cutoffs), metric, np.array(numbers))
    placed["segment"] *= usable
    placed["outlier"] &= usable
    told = nw.from_dict(placed, backend=data.implementation)
    inside = nw.when(nw.col("segment") > 0)
    return told.with_columns(*[inside.then(nw.col(name)).alias(name) for name in ("confidence", "distance")])


def _by_blocks(
    X: Any, centers: Floats, cutoffs: Floats, metric: Metric | None, owners: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Place rows of a matrix, dense or sparse, a block at a time."""
    n = X.shape[0]
    segment, outlier = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)
    fit, distance = np.ones(n), np.zeros(n)
    alone = len(set(owners.tolist())) == 1
    for start in range(0, n, BLOCK):
        at = slice(start, start + BLOCK)
        block = X[at]
        columns = list(np.ascontiguousarray((block.toarray() if hasattr(block, "toarray") else block).T))
        squares = np.array(_squares(columns, centers, metric))
        centre = squares.argmin(axis=0)
        least = np.take_along_axis(squares, centre[None, :], axis=0)[0]
        segment[at] = owners[centre]
        squares[owners[:, None] == segment[at]] = np.inf
        following = squares.min(axis=0)
        if metric is None:
            own = np.sqrt(least)
            both = own + np.sqrt(following)
            if not alone:
                fit[at] = np.divide(np.sqrt(following), both, out=np.full(len(own), 0.5), where=both > 0)
        else:
            own = np.sqrt(np.maximum(least - np.array(metric.offsets)[centre], 0.0))
            fit[at] = 1.0 / (1.0 + np.exp((least - following) / 2.0))
        distance[at], outlier[at] = own, own > cutoffs[centre]
    return {"segment": segment, "confidence": fit, "distance": distance, "outlier": outlier}


def _by_expressions(
    measured: Frame, cutoffs: Sequence[float], metric: Metric | None, *, numbers: Sequence[int], keep: str
) -> Frame:
    """Place the rows of a lazy frame, `usable` and their squared distances d0, d1, ..., where they are."""
    usable, squares = nw.col("usable"), [nw.col(f"d{j}") for j in range(len(numbers))]
    measured = measured.with_columns(least=_least(squares))
    every = range(1, len(squares) + 1)
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
