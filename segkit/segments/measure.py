"""What is measured before anything is decided: the sample against chance, clouds, dips, other shapes.

Nothing here knows how many segments were asked for, or by what algorithm; what follows from the measurements
`verdict` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from segkit.segments import shape as shape_room
from segkit.segments import strength, validity
from segkit.segments import sweep as sweep_room
from segkit.segments.algorithms import mixture
from segkit.segments.chance import ENOUGH, Chance, compare, dips
from segkit.segments.choose import needed as rows_needed
from segkit.segments.prepare import Preparation
from segkit.segments.shape import Shape
from segkit.segments.validity import Floats, Labels, Matrix

SAMPLE_ROWS = 1_000
DIP_ROWS = 3_000
LARGEST = mixture.LARGEST
DIPPED, AGREED = 0.001, 0.05  # p of a dip that speaks alone, and where normal clouds are seen as well
WIDEST = 60  # prepared columns up to which normal clouds are fitted


class Measured(NamedTuple):
    """What `measure` found; None and nothing where there were too few rows to tell.

    `sample` has prepared rows in the seeded order, `places` where they stand; `likelihood` bic and icl per
    number of components, and `likely` is the number that they and the valleys support. `shape` is what serves
    better than normal clouds, if anything does.
    """

    chance: Chance | None
    dips: pd.Series
    likelihood: dict[int, tuple[float, float]]
    likely: int
    rows: int
    needed: int
    largest: int
    distinct: int
    sample: Floats
    places: Labels
    shape: Shape | None = None

    @property
    def exists(self) -> bool:
        """Whether anything stands out: the sample above chance, or a dip in one margin.

        Of 2,460 tables of one population none had a dip of p under .05, and few had several clouds.
        """
        dipped = self.dip < (AGREED if self.likely > 1 else DIPPED)
        return bool(self.chance and (self.chance.z > ENOUGH or dipped))

    @property
    def dip(self) -> float:
        """The smallest p of a margin, NaN without one."""
        return float(self.dips.iloc[0]) if len(self.dips) else np.nan

    @property
    def algorithm(self) -> str:
        """What `auto` takes: a `shape`, or the mixture where it sees more than one cloud, or else k-means."""
        if self.shape:
            return self.shape.algorithm
        return "mixture" if self.exists and self.likely > 1 else "kmeans"


def measure(
    frame: nw.DataFrame[Any],
    X: Matrix,
    preparation: Preparation,
    *,
    max_segments: int = 12,
    seed: int = 0,
    known: tuple[Labels, int, Chance | None] | None = None,
) -> Measured:
    """Hold customers (raw and prepared, row by row) against chance and look for clouds and dips in them.

    `known` is what `choose` found on the way: order, different rows, and the sample held against chance.
    """
    order, distinct, chance = known or (*sweep_room.canonical_order(X, seed=seed), None)
    needed = rows_needed(preparation)
    largest = min(LARGEST, max_segments, distinct)
    at = order[: mixture.ROWS]
    sample = X[at].toarray() if validity.is_sparse(X) else X[at]
    if len(order) < needed or largest < 2:
        nothing = pd.Series(dtype=float)
        return Measured(None, nothing, {}, 1, len(order), needed, largest, distinct, sample, at)
    if chance is None:
        chance = compare(frame[order[:SAMPLE_ROWS]], preparation, largest=largest, seed=seed)
    chance = chance.up_to(largest)
    split = dips(frame[order[:DIP_ROWS]], preparation, seed=seed)
    clouds: dict[int, mixture.Mixture] = {}
    if sample.shape[1] <= WIDEST:
        clouds = mixture.kept_paths(sample, seed=seed)  # as the sweep asks
        clouds = {k: each for k, each in clouds.items() if k <= min(max_segments, distinct)}
    told = {k: (each.bic, each.icl) for k, each in clouds.items()}
    joined = _joined(sample, clouds)
    likely = int(joined.max()) + 1
    found = Measured(chance, split, told, likely, len(order), needed, largest, distinct, sample, at)
    if not found.exists or not all(each.numeric for each in preparation.columns):
        return found
    seen = shape_room.shape(sample, joined, most=min(max_segments, distinct), seed=seed)
    return found._replace(shape=seen, likely=seen.segments if seen else likely)


def _joined(sample: Floats, clouds: Mapping[int, mixture.Mixture]) -> Labels:
    """Return the segments that the mixture of best ICL stands for: its components, joined."""
    best = min(clouds, key=lambda k: clouds[k].icl, default=1)
    if best == 1:
        return np.zeros(len(sample), dtype=np.intp)
    return strength.merged(sample, clouds[best].posterior.argmax(axis=1))
