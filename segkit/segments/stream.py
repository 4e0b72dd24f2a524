"""The sweep over rows that do not fit into memory: blocks come by five times, and only sums and samples stay.

The same steps as in `sweep`, fed by anything that gives blocks again and again, such as the batches of a
Parquet file (`data.batches`). Columns are put on one scale by mean and standard deviation on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from segkit.errors import SourceError
from segkit.segments import coreset, estimate, passes, sweep, validity
from segkit.segments.algorithms.kmeans import KMeans, threads
from segkit.segments.passes import Blocks
from segkit.segments.validity import Floats, Labels

ROUNDING = 1e-12  # of the mean; a standard deviation below is none


class Streamed(NamedTuple):
    """The table of the sweep, what it proposes, and how to place rows: z-scores, then the nearest centre."""

    table: pd.DataFrame
    proposed: int
    why: str
    centers: Floats  # (k, p), on the scale of z-scores
    mean: Floats
    sd: Floats

    def place(self, block: Floats) -> Labels:
        """Return the segment of each row of a block, from 0."""
        return validity.nearest((block - self.mean) / self.sd, self.centers)


def sweep_blocks(blocks: Blocks, *, max_segments: int = 12, seed: int = 0) -> Streamed:
    """Sweep 2..max_segments over blocks of finite numbers, each (rows, p).

    Raises
    ------
    SourceError
        When the rows hold fewer different values than numbers are tried; load such a table instead.

    Examples
    --------
    >>> X = np.repeat([[0.0], [50.0]], 500, axis=0) + np.random.default_rng(0).normal(size=(1000, 1))
    >>> found = sweep_blocks(passes.slices(X), max_segments=4)
    >>> found.proposed, bool(found.place(X)[0] != found.place(X)[-1])
    (2, True)
    """
    raw = passes.moments(blocks)
    sd = np.sqrt(raw.each / raw.rows)
    varies = sd > ROUNDING * np.abs(raw.mean)
    sd = np.where(varies, sd, 1.0)
    total = passes.Moments(raw.rows, np.zeros(len(sd)), raw.rows * varies.astype(np.float64))

    def scaled() -> Iterator[Any]:
        return ((block - raw.mean) / sd for block in blocks())

    with threads(1):
        chances = coreset.Chances(total.mean, np.sqrt(total.squares / total.rows), seed=seed)
        drawn = coreset.draw(
            scaled, lambda _, some: chances.of(some), total, size=sweep.CORESET_ROWS, even=estimate.ROWS
        )
        if len(np.unique(drawn.rows[:1_000], axis=0)) <= max_segments:
            raise SourceError("Too few rows differ for a sweep by blocks; load the table as a whole.")
        chained = KMeans().chain(drawn.rows, drawn.weights, [*range(2, max_segments + 1)], seed=seed)
        parts = passes.assign(scaled, list(chained.values()), total)
        labellings = [validity.nearest(drawn.even, each) for each in chained.values()]
        table = sweep.tabled(drawn.even, labellings, parts, total.rows)
        proposed, why = sweep.propose(table, max_segments, sweep.MOST + 1)
        centers = chained[proposed]
        for _ in range(2):
            [found] = passes.assign(scaled, [centers], total, precise=True)
            centers = found.means
    by_size = np.lexsort((*np.round(centers.T[::-1], 9), -found.counts))
    return Streamed(table, proposed, why, centers[by_size], raw.mean, sd)
