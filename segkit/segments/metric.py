"""How far a row is from a segment, where segments have their own widths: what a Gaussian mixture assigns by.

For row x and centre c of segment j: the sum over columns of ((T x - T c) / width_j)^2, plus offset_j, which
holds what a wide or a rare segment loses. It is -2 log of weight x normal density, less a constant, so the
smallest wins where the posterior is largest. T is a turn of the columns (none: they stay as they are). The
same sums run on arrays and on expressions. Nothing is fitted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, FiniteFloat

Floats = NDArray[np.float64]
Labels = NDArray[np.intp]


class Metric(BaseModel):
    """Widths (k, p), offsets (k,), and a turn (p, p) or nothing.

    Examples
    --------
    >>> wide = Metric(widths=((1.0,), (3.0,)), offsets=(0.0, 2.0))
    >>> wide.nearest(np.array([[1.0], [3.0], [-9.0]]), np.array([[0.0], [4.0]])).tolist()
    [0, 1, 1]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    widths: tuple[tuple[FiniteFloat, ...], ...]
    offsets: tuple[FiniteFloat, ...]
    turn: tuple[tuple[FiniteFloat, ...], ...] = ()

    def turned(self, columns: Sequence[Any]) -> list[Any]:
        """Return the columns that distances are measured on, arrays or expressions."""
        if not self.turn:
            return list(columns)
        return [
            reduce(add, [column * part for column, part in zip(columns, row, strict=True) if part])
            for row in self.turn
        ]

    def squares(self, columns: Sequence[Any], center: Sequence[float], segment: int) -> Any:
        """Return the squared distance of turned columns to a centre, the offset not yet added."""
        here = self.turned(list(center))
        widths = self.widths[segment]
        gaps = [(column - value) / width for column, value, width in zip(columns, here, widths, strict=True)]
        return reduce(add, [gap * gap for gap in gaps])

    def nearest(self, X: Floats, centers: Floats) -> Labels:
        """Return the segment of smallest distance with its offset, shape (n,)."""
        columns = self.turned(list(np.ascontiguousarray(X.T)))
        every = [
            self.squares(columns, center, j) + self.offsets[j] for j, center in enumerate(centers.tolist())
        ]
        return np.asarray(np.argmin(every, axis=0), dtype=np.intp)

    def reordered(self, order: Sequence[int]) -> Self:
        """Return the metric of the same segments in another order; segments left out go."""
        return self.model_copy(
            update={
                "widths": tuple(self.widths[j] for j in order),
                "offsets": tuple(self.offsets[j] for j in order),
            }
        )
