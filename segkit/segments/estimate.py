"""The silhouette of many segmentations from one even sample, each with its standard error.

All rows of the sample are held against each other once: one matrix product of their distances with the
stacked one-hot labels serves every segmentation. Segments count by their true sizes. The error is that of
drawing other rows, to first order: a row matters by its own silhouette and by the mean distances of others
that it is part of (the influence of a row, Hampel 1974). Exact silhouettes are in `validity`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segkit.segments.validity import Floats, Labels

ROWS = 5_000
_BLOCK = 500


class Estimate(NamedTuple):
    """A mean silhouette and its standard error."""

    value: float
    error: float


class _Part(NamedTuple):
    """One segmentation of the sample: own segments, their rows here, and their shares of all customers."""

    labels: Labels
    counts: Floats
    shares: Floats
    columns: slice


def silhouettes(
    rows: Floats, labellings: Sequence[Labels], sizes: Sequence[Floats], *, seen: float = 0.0
) -> list[Estimate]:
    """Estimate the mean silhouette of all customers for each segmentation.

    Parameters
    ----------
    rows
        (m, p), an even sample of the customers.
    labellings
        Segments of the sample's rows, each (m,), from 0.
    sizes
        For each segmentation how many customers each segment has, (k,).
    seen
        The sample's share of all customers, which narrows the error.

    Examples
    --------
    >>> rows = np.array([[0.0], [1.0], [9.0], [10.0], [10.5]])
    >>> [found] = silhouettes(rows, [np.array([0, 0, 1, 1, 1])], [np.array([400, 600])])
    >>> round(found.value, 2), found.error < 0.05
    (0.89, True)
    """
    parts, at = [], 0
    for labels, size in zip(labellings, sizes, strict=True):
        counts = np.bincount(labels, minlength=len(size)).astype(np.float64)
        held = np.where(counts > 0, size, 0)
        parts.append(_Part(labels, counts, held / max(held.sum(), 1), slice(at, at + len(size))))
        at += len(size)
    onehot = np.hstack([np.eye(len(part.counts), dtype=np.float32)[part.labels] for part in parts])
    own, pull = np.empty((len(parts), len(rows))), np.zeros(onehot.shape, dtype=np.float32)
    for block, apart in _distances(rows):
        sums = (apart @ onehot).astype(np.float64)
        for i, part in enumerate(parts):
            own[i, block], pull[block, part.columns] = _measured(sums[:, part.columns], part, block)
    drift = np.zeros(own.shape)
    for block, apart in _distances(rows):
        pulled = apart @ pull
        for i, part in enumerate(parts):
            drift[i, block] = np.take_along_axis(pulled[:, part.columns], part.labels[block, None], 1)[:, 0]
    return [_estimate(*each, seen) for each in zip(parts, own, drift, strict=True)]


def _distances(rows: Floats) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Give the distances of a few rows to all, block by block; exactly 0 to themselves."""
    fast = (rows - rows.mean(axis=0)).astype(np.float32)
    norms = np.einsum("ij,ij->i", fast, fast)
    for start in range(0, len(fast), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(fast)))
        apart = fast[block] @ fast.T
        apart *= -2
        apart += norms
        apart += norms[block, None]
        apart[np.arange(block.stop - start), np.arange(start, block.stop)] = 0
        yield block, np.sqrt(np.maximum(apart, 0, out=apart), out=apart)


def _measured(sums: Floats, part: _Part, block: slice) -> tuple[Floats, Floats]:
    """Return silhouettes of a block, and how the estimate moves with each row's mean distances, (rows, k)."""
    labels, here = part.labels[block], np.arange(len(sums))
    means = np.where(part.counts > 0, sums / np.maximum(part.counts, 1), np.inf)
    inside = sums[here, labels] / np.maximum(part.counts[labels] - 1, 1)
    means[here, labels] = np.inf
    other = means.argmin(axis=1)
    outside = means[here, other]
    larger = np.maximum(inside, outside)
    known = (part.counts[labels] > 1) & np.isfinite(outside) & (larger > 0)
    safe, near, far = np.where(known, larger, 1.0), np.where(known, inside, 0), np.where(known, outside, 0)
    weight = known * part.shares[labels] / part.counts[labels]
    pull = np.zeros(sums.shape)
    pull[here, labels] -= weight * np.where(near < far, 1 / safe, far / safe**2)
    pull[here, other] += weight * np.where(near < far, near / safe**2, 1 / safe)
    return (far - near) / safe, pull


def _estimate(part: _Part, own: Floats, drift: Floats, seen: float) -> Estimate:
    """Add up over segments: the mean by their shares, the error by the spread of influences inside each."""
    counts, labels = np.maximum(part.counts, 1), part.labels
    influence = part.shares[labels] * own + drift
    middle = np.bincount(labels, weights=influence, minlength=len(counts)) / counts
    squares = np.bincount(labels, weights=(influence - middle[labels]) ** 2, minlength=len(counts))
    variance = (squares / np.maximum(counts - 1, 1) / counts).sum() * max(0.0, 1 - seen)
    value = part.shares @ (np.bincount(labels, weights=own, minlength=len(counts)) / counts)
    return Estimate(float(value), float(np.sqrt(variance)))
