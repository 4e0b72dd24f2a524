"""Whether there are segments at all, and how many the data support. The sweep proposes; this decides.

A quick sweep of a seeded sample is held against the same quick sweep of draws of one population without
segments (`null`). How far does its best silhouette lie above what chance gives, in standard deviations? Up to
4 the answer is none, beyond it weak. This first verdict knows no stability and no valleys, so it never says
clear.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from segkit.segments import null, validity
from segkit.segments.algorithms import registry
from segkit.segments.algorithms.kmeans import threads
from segkit.segments.prepare import Preparation
from segkit.segments.sweep import Sweep
from segkit.segments.validity import Floats, Labels, Matrix

SAMPLE_ROWS = 1_000
DRAWS = 16
LARGEST = 9
ENOUGH = 4.0
ROWS_PER_COLUMN = 20
FEWEST_ROWS = 50
LEAST_SPREAD = 0.002  # a tighter band of chance would call trifles structure
LEAST_SPREAD_Z = 0.5
LEAST_CHANCE = 0.02
TELLING = 1.3

EVIDENCE = (
    *("segments", "inertia", "silhouette", "davies_bouldin", "calinski_harabasz"),
    *("chance_mean", "chance_low", "chance_high", "z", "chosen", "asked", "reading"),
)


@dataclass(frozen=True)
class Verdict:
    """The answer and what it rests on.

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
        "stands_out", "chance" (no better than one population gives), "too_few" (rows to tell) or "same" (no
        two customers differ).
    z
        How far the best silhouette stands above chance, in standard deviations; NaN when it was not compared.
    silhouette
        Of all rows at the number shown, or at the best number when one segment is shown; NaN when there is
        none.
    chance_low, chance_high
        What chance gives at that number in nine of ten draws; NaN when it was not compared.
    smallest, largest
        The range of numbers held against chance.
    rows_used
        Rows of the sample that was held against chance; 0 when none was.
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
    """Silhouettes of the sample, shape (k,), beside those of the draws, shape (draws, k); k counts from 2."""

    real: Floats
    drawn: Floats

    @property
    def mean(self) -> Floats:
        """What chance gives, per k."""
        return np.asarray(self.drawn.mean(axis=0))

    @property
    def spread(self) -> Floats:
        """Standard deviation of the draws, per k."""
        return np.asarray(np.maximum(self.drawn.std(axis=0, ddof=1), LEAST_SPREAD))

    @property
    def each_z(self) -> Floats:
        """How many standard deviations the sample lies above chance, per k."""
        return np.asarray((self.real - self.mean) / self.spread)

    @property
    def z(self) -> float:
        """How far the largest `each_z` lies above the draws' own largest."""
        largest = ((self.drawn - self.mean) / self.spread).max(axis=1)
        return float((self.each_z.max() - largest.mean()) / max(largest.std(ddof=1), LEAST_SPREAD_Z))

    def decide(self, silhouettes: Floats) -> int:
        """Return the number of segments whose silhouette is the largest multiple of what chance gives.

        Where no number reaches 1.3 times chance the leads are too small to tell numbers apart, and the best
        silhouette decides. Measured on 56 planted tables, 3 to 6 standard deviations apart: right in 36, 64,
        79 and 64 %, the best silhouette alone in 0, 21, 29 and 29 %.
        """
        multiple = silhouettes / np.maximum(self.mean, LEAST_CHANCE)
        return int((multiple if multiple.max() >= TELLING else silhouettes).argmax()) + 2


class Measured(NamedTuple):
    """What `measure` found: chance (None where it was not asked), rows, rows needed, largest number held."""

    chance: Chance | None
    rows: int
    needed: int
    largest: int


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
        The raw customers, any eager frame; the rows that the preparation can use are those that were swept.
    preparation
        What was learnt from them; the draws of chance go through it too.
    sweep
        The solutions to judge.
    segments
        The number asked for, 0 to let the data decide. It is shown whatever the verdict, and supported only
        when the data support exactly that number.
    max_segments
        Numbers from 2 to this one, at most 9, are held against chance.
    seed
        Same seed, same verdict, whatever the order of the rows.

    Returns
    -------
    Verdict
        The decision.
    DataFrame
        The evidence, one row per number of segments from 1: the sweep's indices; what chance gives (mean, and
        low to high in nine of ten draws; NaN where it was not computed); z; chosen; asked; reading, in words.

    Examples
    --------
    >>> from segkit.segments.prepare import learn
    >>> from segkit.segments.sweep import sweep
    >>> frame = pd.DataFrame({"spend": np.random.default_rng(0).normal(size=400)})
    >>> preparation = learn(frame, numbers=["spend"], categories=[])
    >>> verdict, evidence = judge(frame, preparation, sweep(preparation.matrix(frame)))
    >>> verdict.level, verdict.segments, verdict.reason
    ('none', 1, 'chance')
    """
    how = {"max_segments": max_segments, "seed": seed}
    return decide(sweep, measure(frame, preparation, sweep, **how), segments=segments)


def measure(
    frame: Any, preparation: Preparation, sweep: Sweep, *, max_segments: int = 12, seed: int = 0
) -> Measured:
    """Hold the sweep's rows against chance, where there are enough of them; the slow half of `judge`."""
    data = nw.from_native(frame, eager_only=True, pass_through=False)
    rows = _swept_rows(data, preparation, sweep)
    needed = max(FEWEST_ROWS, ROWS_PER_COLUMN * len(preparation.columns))
    largest = min(LARGEST, max_segments, sweep.distinct)
    chance = None
    if len(rows) >= needed and largest >= 2:
        sample = data[rows[:SAMPLE_ROWS]]
        chance = compare(sample, preparation, sweep.algorithm, largest=largest, seed=seed)
    return Measured(chance, len(rows), needed, largest)


def decide(sweep: Sweep, measured: Measured, *, segments: int = 0) -> tuple[Verdict, pd.DataFrame]:
    """Turn what was measured into the verdict and its evidence, for one number asked for; see `judge`."""
    chance, rows, needed, largest = measured
    decided = _decided(sweep, chance)
    evidence = _evidence(sweep, chance, decided, segments)
    shown = max(k for k in sweep.solutions if k <= segments) if segments else decided
    told = evidence[evidence["segments"] == (shown if shown > 1 else sweep.proposed)]
    verdict = Verdict(
        level="weak" if decided > 1 else "none",
        segments=decided,
        shown=shown,
        asked=segments,
        supported=not segments or shown == decided,
        reason="stands_out" if decided > 1 else _why_not(sweep.distinct, rows, needed),
        z=chance.z if chance else np.nan,
        silhouette=float(told["silhouette"].iloc[0]),
        chance_low=float(told["chance_low"].iloc[0]),
        chance_high=float(told["chance_high"].iloc[0]),
        smallest=2,
        largest=largest,
        rows_used=min(rows, SAMPLE_ROWS) if chance else 0,
        needed=needed,
    )
    return verdict, evidence


def compare(
    sample: nw.DataFrame[Any], preparation: Preparation, algorithm: str, *, largest: int, seed: int
) -> Chance:
    """Hold a sample against 16 draws of each of two one-population laws; return the better explanation."""
    categories = [each.column for each in preparation.columns if each.kind == "category"]
    prepared = preparation.apply(sample)
    outputs = {column: name for name, column in preparation.origin.items() if column not in categories}
    numbers = {column: prepared[name].to_numpy() for column, name in outputs.items()}
    population = null.learn(sample, numbers=numbers, categories=categories, seed=seed)
    real = profile(preparation.matrix(sample), algorithm, largest, seed)
    both = []
    for elliptical in (False, True):
        X = preparation.matrix(population.draw(DRAWS, elliptical=elliptical, seed=seed))
        tables = [X[start : start + len(sample)] for start in range(0, X.shape[0], len(sample))]
        both.append(Chance(real, np.array([profile(table, algorithm, largest, seed) for table in tables])))
    return min(both, key=lambda chance: chance.z)


def profile(X: Matrix, algorithm: str, largest: int, seed: int) -> Floats:
    """Return the silhouettes of a quick sweep from 2 to `largest`."""
    method = registry.get(algorithm)
    labellings = [method.fit(X, k, seed=seed, quick=True)[0] for k in range(2, largest + 1)]
    with threads(1):
        return np.array(validity.silhouettes(X, labellings))


def _swept_rows(data: nw.DataFrame[Any], preparation: Preparation, sweep: Sweep) -> Labels:
    """Return positions in the frame of the rows that were swept, in the sweep's seeded order of values."""
    usable = preparation.usable(data)
    if len(sweep.order) == len(data):
        return np.asarray(sweep.order[usable[sweep.order]])
    return np.asarray(np.flatnonzero(usable)[sweep.order])


def _decided(sweep: Sweep, chance: Chance | None) -> int:
    """Return the number of segments the data support, 1 when none stands out."""
    if chance is None or chance.z <= ENOUGH:
        return 1
    found = sweep.table.set_index("segments")["silhouette"]
    tried = range(2, len(chance.real) + 2)
    return chance.decide(found.reindex(tried, fill_value=-1.0).to_numpy(dtype=np.float64))


def _why_not(distinct: int, rows: int, needed: int) -> str:
    if distinct < 2:
        return "same"
    return "too_few" if rows < needed else "chance"


def _evidence(sweep: Sweep, chance: Chance | None, decided: int, asked: int) -> pd.DataFrame:
    """Return the sweep's table, with a first row for one segment, and beside it what chance gives."""
    alone = {"segments": 1, "inertia": sweep.solutions[1].inertia}
    table = pd.DataFrame([alone, *sweep.table.to_dict("records")]).reindex(columns=EVIDENCE)
    numbers = table["segments"]
    if chance:
        low, high = np.quantile(chance.drawn, [0.05, 0.95], axis=0)
        columns = {"chance_mean": chance.mean, "chance_low": low, "chance_high": high, "z": chance.each_z}
        for name, values in columns.items():
            table[name] = numbers.map(dict(enumerate(values, start=2)))
    table["chosen"] = numbers == decided
    table["asked"] = numbers == asked
    table["reading"] = [_reading(row) for row in table.to_dict("records")]
    return table


def _reading(row: dict[Hashable, Any]) -> str:
    """Say what a row of the evidence means."""
    if row["segments"] == 1:
        return "one group: nothing to compare"
    if np.isnan(row["z"]):
        return "not held against chance"
    if row["silhouette"] <= row["chance_high"]:
        return "no better than chance"
    return "a little better than chance" if row["z"] <= ENOUGH else "better than chance"
