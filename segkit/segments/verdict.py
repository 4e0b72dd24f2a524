"""Whether there are segments at all, and how many the data support. The sweep proposes; this decides.

The best silhouette over k on a seeded sample is held against the same sweep on draws of one population
without segments (`null`): how far, in standard deviations, does it lie above what chance gives? Up to 4 the
answer is none, beyond it weak. This first verdict has no stability and no valleys, so it never says clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from segkit.segments import null, validity
from segkit.segments.algorithms import registry
from segkit.segments.algorithms.kmeans import threads
from segkit.segments.prepare import Preparation
from segkit.segments.sweep import Sweep
from segkit.segments.validity import Floats, Matrix

SAMPLE_ROWS = 2_000
DRAWS = 16
LARGEST = 9
NEEDED_Z = 4.0
ROWS_PER_COLUMN = 20
FEWEST_ROWS = 50
NARROWEST = (
    0.002  # least standard deviation of a chance silhouette: a tighter band would call trifles structure
)
NARROWEST_Z = 0.5

EVIDENCE = [
    "segments", "inertia", "silhouette", "davies_bouldin", "calinski_harabasz",
    "chance_mean", "chance_low", "chance_high", "z", "chosen", "asked", "reading",
]  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """The answer, and what it rests on.

    Attributes
    ----------
    level
        "none", "weak" or "clear"; this version never says clear.
    segments
        The number the data support; 1 when the level is none.
    shown
        The number whose labels are shown: the one asked for, otherwise `segments`.
    asked
        The number asked for, 0 when the data were to decide.
    supported
        Whether what is shown is what the data support. Always true when nothing was asked for.
    reason
        "stands_out", "chance" (no better than one population gives), "too_few" (rows) or "same" (no two customers differ).
    z
        How far the best silhouette stands above chance, in standard deviations; NaN when it was not compared.
    silhouette
        Silhouette (all rows) of the number shown, or of the best number when one segment is shown; NaN when
        there is none.
    chance_low, chance_high
        What chance gives for that number, in nine of ten draws; NaN when it was not compared.
    smallest, largest
        The range of numbers compared with chance.
    rows_used
        Rows of the sample the comparison rests on, 0 when there was none.
    needed
        Rows needed to tell: 20 per column, at least 50.
    """

    level: str
    segments: int
    shown: int
    asked: int
    supported: bool
    reason: str
    z: float
    silhouette: float
    chance_low: float
    chance_high: float
    smallest: int
    largest: int
    rows_used: int
    needed: int


@dataclass(frozen=True, eq=False)
class Chance:
    """Silhouettes of the sample (k,) and of the draws (draws, k), k from 2."""

    real: Floats
    drawn: Floats

    @property
    def each_z(self) -> Floats:
        """How far the sample's silhouette lies above the draws' mean, per k."""
        return np.asarray((self.real - self.drawn.mean(axis=0)) / self.spread)

    @property
    def spread(self) -> Floats:
        """Standard deviation of the draws, per k."""
        return np.maximum(self.drawn.std(axis=0, ddof=1), NARROWEST)

    @property
    def decided(self) -> int:
        """The number of segments that leads chance by most."""
        return int((self.real - self.drawn.mean(axis=0)).argmax()) + 2

    @property
    def z(self) -> float:
        """How far the largest `each_z` lies above what the draws' own largest are."""
        best = ((self.drawn - self.drawn.mean(axis=0)) / self.spread).max(axis=1)
        return float((self.each_z.max() - best.mean()) / max(best.std(ddof=1), NARROWEST_Z))


def judge(
    frame: Any,
    preparation: Preparation,
    sweep: Sweep,
    *,
    segments: int = 0,
    max_segments: int = 12,
    seed: int = 0,
) -> tuple[Verdict, pd.DataFrame]:
    """Decide whether the customers fall into segments, and into how many.

    Parameters
    ----------
    frame
        The raw customers, any eager frame; the rows that the preparation can use are the ones that were
        swept.
    preparation
        What was learnt from them; the draws of chance go through it too.
    sweep
        The solutions to judge.
    segments
        The number asked for, 0 to let the data decide. It is shown whatever the verdict, and supported only
        when the data support exactly that number.
    max_segments
        Numbers from 2 to this one, at most 9, are compared with chance.
    seed
        Same seed, same verdict, whatever the order of the rows.

    Returns
    -------
    Verdict
        See there.
    DataFrame
        The evidence, one row per number of segments from 1: the sweep's indices, what chance gives (mean, and
        low to high in nine of ten draws; NaN where it was not computed), z, whether chosen, whether asked
        for, reading in words.
    """
    data = nw.from_native(frame, eager_only=True, pass_through=False)
    rows = _swept_rows(data, preparation, sweep)
    columns = len(preparation.columns)
    needed = max(FEWEST_ROWS, ROWS_PER_COLUMN * columns)
    largest = min(LARGEST, max_segments, sweep.distinct)
    chance = None
    if len(rows) >= needed and largest >= 2:
        chance = compare(data[rows[:SAMPLE_ROWS]], preparation, sweep.algorithm, largest=largest, seed=seed)
    binding = min(chance, key=lambda each: each.z) if chance else None
    level = "weak" if binding and binding.z > NEEDED_Z else "none"
    decided = binding.decided if binding and level != "none" else 1
    reason = "stands_out" if level != "none" else _why_not(sweep, len(rows), needed)
    shown = min(segments, max(sweep.solutions)) if segments else decided
    evidence = _evidence(sweep, binding, decided, segments)
    told = evidence.set_index("segments").loc[_told(evidence, shown)]
    verdict = Verdict(
        level=level,
        segments=decided,
        shown=shown,
        asked=segments,
        supported=not segments or shown == decided,
        reason=reason,
        z=binding.z if binding else np.nan,
        silhouette=float(told["silhouette"]),
        chance_low=float(told["chance_low"]),
        chance_high=float(told["chance_high"]),
        smallest=2,
        largest=largest,
        rows_used=min(len(rows), SAMPLE_ROWS) if binding else 0,
        needed=needed,
    )
    return verdict, evidence


def compare(
    sample: nw.DataFrame[Any], preparation: Preparation, algorithm: str, *, largest: int, seed: int
) -> list[Chance]:
    """Return the sample's silhouettes beside those of 16 draws of one population, for both copulas."""
    numbers = [each.column for each in preparation.columns if each.kind == "number"]
    categories = [each.column for each in preparation.columns if each.kind == "category"]
    population = null.learn(sample, numbers=numbers, categories=categories, seed=seed)
    real = profile(preparation.matrix(sample), algorithm, largest, seed)
    both = []
    for elliptical in (False, True):
        X = preparation.matrix(population.draw(DRAWS, elliptical=elliptical, seed=seed + elliptical))
        tables = [X[at : at + len(sample)] for at in range(0, X.shape[0], len(sample))]
        both.append(Chance(real, np.array([profile(table, algorithm, largest, seed) for table in tables])))
    return both


def profile(X: Matrix, algorithm: str, largest: int, seed: int) -> Floats:
    """Return the silhouettes of a quick sweep from 2 to `largest`."""
    method = registry.get(algorithm)
    labellings = [method.fit(X, k, seed=seed, quick=True)[0] for k in range(2, largest + 1)]
    with threads(1):
        return np.array(validity.silhouettes(X, labellings))


def _swept_rows(data: nw.DataFrame[Any], preparation: Preparation, sweep: Sweep) -> validity.Labels:
    """Return positions in the frame of the rows that were swept, in the sweep's seeded order of values."""
    usable = preparation.usable(data)
    if len(sweep.order) == len(data):
        return sweep.order[usable[sweep.order]]
    return np.flatnonzero(usable)[sweep.order]


def _why_not(sweep: Sweep, rows: int, needed: int) -> str:
    if sweep.distinct < 2:
        return "same"
    return "too_few" if rows < needed else "chance"


def _evidence(sweep: Sweep, chance: Chance | None, decided: int, asked: int) -> pd.DataFrame:
    """Return the sweep's table with a first row for one segment and what chance gives beside it."""
    alone = pd.DataFrame({"segments": [1], "inertia": [sweep.solutions[1].inertia]})
    table = pd.concat([alone, sweep.table], ignore_index=True).reindex(columns=EVIDENCE)
    if chance:
        at = table.index[table["segments"].between(2, len(chance.real) + 1)]
        which = table.loc[at, "segments"].to_numpy() - 2
        table.loc[at, "chance_mean"] = chance.drawn.mean(axis=0)[which]
        table.loc[at, ["chance_low", "chance_high"]] = np.quantile(chance.drawn, [0.05, 0.95], axis=0).T[
            which
        ]
        table.loc[at, "z"] = chance.each_z[which]
    table["chosen"] = table["segments"] == decided
    table["asked"] = table["segments"] == asked
    table["reading"] = [_reading(*row) for row in table[["segments", "z"]].itertuples(index=False)]
    return table


def _reading(segments: int, z: float) -> str:
    """Say what a row of the evidence means."""
    if segments == 1:
        return "one group, nothing to compare"
    if np.isnan(z):
        return "not compared with chance"
    if z <= 2:
        return "no better than chance"
    return "a little better than chance" if z <= NEEDED_Z else "better than chance"


def _told(evidence: pd.DataFrame, shown: int) -> int:
    """Return the number whose silhouette is told: the one shown, or the best one where one segment is shown."""
    return (
        shown
        if shown > 1 or evidence["silhouette"].isna().all()
        else int(evidence.loc[evidence["silhouette"].idxmax(), "segments"])
    )
