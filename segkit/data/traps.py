"""Columns that fool every method of segmentation: codes among numbers, sums of other columns, zeros, scales.

A code such as -1 or 999 for "unknown" lies far from everything and makes a segment of its own. A total counts
its parts twice. Many zeros split a column into buyers and others, and few steps look like groups. Each is
found in at most 20,000 rows at even places, and said before anything rests on it; nothing is changed here.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROWS = 20_000
FEW = 10  # rows below which a value that they share tells who they are
CODES = (-1, -9, -99, -999, -9_999, 9, 99, 999, 9_999, 99_999, 999_999)
CODED = 0.01  # share of a column from which a code is no accident
APART = 0.5  # of the range of all other values, at least, between a positive code and the next value
SUM = 0.99  # R2 from which the other columns say what a column says
PART = 0.02  # standardised coefficient from which a column is part of a sum
WIDEST = 60
ZEROS = 0.3
STEPS = 10


def values(table: nw.DataFrame[Any], columns: list[str]) -> Floats:
    """Return columns of numbers as (rows, columns), NaN where missing."""
    step = max(1, -(-len(table) // ROWS))
    return np.column_stack([table[name].gather_every(step).cast(nw.Float64).to_numpy() for name in columns])


def code(column: Floats) -> tuple[float, float] | None:
    """Return the value that looks like a code for "unknown", and the share that has it, or None.

    Examples
    --------
    >>> code(np.append(np.arange(200.0), np.full(30, 999.0)))
    (999.0, 0.13043478260869565)
    >>> code(np.arange(1000.0)) is None
    True
    """
    known, counts = np.unique(column[np.isfinite(column)], return_counts=True)
    for at in (0, -1) if len(known) > 2 else ():
        value, others = known[at], known[1:] if at == 0 else known[:-1]
        frequent = counts[at] >= max(FEW, CODED * counts.sum())
        apart = others[0] >= 0 if at == 0 else value - others[-1] >= APART * np.ptp(others)
        if frequent and apart and value in CODES and (value < 0) == (at == 0):
            return float(value), float(counts[at] / counts.sum())
    return None


def sums(X: Floats) -> list[tuple[int, list[int]]]:
    """Return columns that two or more others add up to (R2 above .99), each with its parts, by position.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(100, 4))
    >>> sums(np.column_stack([X, X[:, 1] + 2 * X[:, 3]]))
    [(4, [1, 3])]
    """
    X = X[np.isfinite(X).all(axis=1)]
    if len(X) < FEW:
        return []
    spread = X.std(axis=0)
    left, found = [j for j in np.argsort(-spread, kind="stable") if spread[j] > 0], []
    if not 2 * len(left) < len(X) or len(left) > WIDEST:
        return []
    Z = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    for j in list(left):  # the widest first: a total is wider than its parts
        others = [k for k in left if k != j]
        weights = np.linalg.lstsq(Z[:, others], Z[:, j], rcond=1e-10)[0]
        parts = [k for k, weight in zip(others, weights, strict=True) if abs(weight) > PART]
        if len(parts) > 1 and np.var(Z[:, j] - Z[:, others] @ weights) < 1 - SUM:
            left = others
            found.append((int(j), sorted(map(int, parts))))
    return found


def find(table: nw.DataFrame[Any], numbers: pd.DataFrame) -> list[tuple[str, str, str, bool]]:
    """Return ``check, found, reason, warn`` of each trap, for columns of numbers as `describe` has them."""
    names, labels = numbers["column"].to_list(), numbers["label"].to_list()
    X = values(table, names) if names else np.empty((0, 0))
    coded = [
        f"{label}: {each[0]:g} in {100 * each[1]:.0f} %"
        for label, each in zip(labels, map(code, X.T), strict=True)
        if each
    ]
    added = [f"{labels[j]} from {', '.join(labels[k] for k in parts)}" for j, parts in sums(X)]
    shares = (numbers["zeros"] / (numbers["rows"] - numbers["missing"]).clip(lower=1)).to_list()
    zeros = [
        f"{label} ({100 * share:.0f} %)"
        for label, share in zip(labels, shares, strict=True)
        if share >= ZEROS
    ]
    steps = [label for label, many in zip(labels, numbers["distinct"], strict=True) if many <= STEPS]
    return [
        ("Codes among numbers", _listed(coded), "a code for unknown may make a segment", bool(coded)),
        ("Sums of other columns", _listed(added), "what their parts say counts twice", bool(added)),
        ("Many zeros", _listed(zeros), "", False),
        (
            *("Scales of few steps", _listed(steps), "steps look like groups where there are none"),
            len(steps) > len(names) / 2,
        ),
    ]  # fmt: skip


def _listed(found: list[str]) -> str:
    more = f"; and {len(found) - 5:,} more" if len(found) > 5 else ""
    return "; ".join(found[:5]) + more if found else "none"
