"""Whether there are segments at all, how many, and which of them hold. The sweep proposes; this decides.

Three questions, each with its own evidence. Is there anything? The sample stands far above chance, or one
margin has two peaks (`chance`). How many? The Gaussian mixture of best integrated likelihood, its components
joined where no valley lies between them; where it sees one cloud only, the number that stands highest above
chance. Does it hold? Every segment is looked for again in bootstrap samples and must have a valley around it
(`strength`). Sources and what each threshold was measured on: docs/scorecard.md.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from segkit.segments import density, strength, validity
from segkit.segments import sweep as sweep_room
from segkit.segments.algorithms import hdbscan, mixture, registry
from segkit.segments.algorithms.hdbscan import Hdbscan
from segkit.segments.chance import ENOUGH, Chance
from segkit.segments.given import Given
from segkit.segments.measure import SAMPLE_ROWS, Measured, measure
from segkit.segments.prepare import Preparation
from segkit.segments.sweep import Solution, Sweep
from segkit.segments.validity import Floats, Labels, Matrix

TELLING = 1.3
FAILED = ("does not hold", "far out")
LEAST_CHANCE = 0.02

EVIDENCE = (
    *("segments", "inertia", "silhouette", "davies_bouldin", "calinski_harabasz", "dbcv", "bic", "icl"),
    *("agreement", "tested"),
    *("chance_mean", "chance_low", "chance_high", "z", "chosen", "asked", "reading"),
)


@dataclass(frozen=True)
class Verdict:
    """The answer and what it rests on.

    Attributes
    ----------
    level
        "none"; "weak": something stands out; or "clear": besides, most customers are in segments that come
        back in repeated samples and have a valley around them.
    segments
        The number the data support; 1 when the level is none.
    shown
        The number whose labels are shown: the one asked for, otherwise `segments`.
    asked
        The number asked for, 0 when the data were to decide.
    supported
        Whether what is shown is what the data support. Always true when nothing was asked for.
    reason
        "stands_out", "one_column" (only `column` has two peaks), "chance" (no better than one population
        gives), "too_few" (rows to tell), "same" (no two customers differ) or "too_small" (something stands
        out, and every number of segments has one smaller than allowed).
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
    column, dip
        The number with the deepest dip, and the bound of its p-value times the numbers tried; NaN if none.
    algorithm, why
        What found the segments, and why it was taken.
    held
        How many of the segments shown hold for certain; 0 where nothing stands out.
    failed
        The segments shown that do not hold, or are made of far-out rows, where something stands out.
    dbcv
        The density-based validity of the number shown, where HDBSCAN found it; otherwise NaN.
    found
        The number of segments before some were joined; `shown` where none were, 0 where that is not known.
    labels
        The column whose segments are shown, where they existed already; then `segments` is what the data
        support beside them.
    tested, tested_at
        The silhouette that is held against `chance_low` and `chance_high`, and its number of segments: those
        shown, unless customers stand out at another number only. It is that of k-means in the sample where
        another algorithm made the segments, because chance's are.
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
    column: str = ""
    dip: float = np.nan
    algorithm: str = "kmeans"
    why: str = ""
    held: int = 0
    failed: tuple[int, ...] = ()
    dbcv: float = np.nan
    found: int = 0
    labels: str = ""
    tested: float = np.nan
    tested_at: int = 0

    @property
    def pieces(self) -> int:
        """The number of segments before some were joined."""
        return self.found or self.shown


def judge(
    frame: Any,
    preparation: Preparation,
    *,
    algorithm: str = "auto",
    segments: int = 0,
    max_segments: int = 12,
    seed: int = 0,
    least: float = 0.0,
) -> tuple[Verdict, pd.DataFrame, pd.DataFrame, Sweep]:
    """Decide whether the customers fall into segments, into how many, and which of them hold.

    Parameters
    ----------
    frame
        The raw customers, any eager frame; rows that the preparation cannot use are left out.
    preparation
        What was learnt from them; the draws of chance go through it too.
    algorithm
        "auto", or the one whose solutions are judged.
    segments
        The number asked for, 0 to let the data decide. It is shown whatever the verdict, and supported only
        when the data support exactly that number.
    max_segments
        Numbers from 2 to this one, at most 9, are held against chance.
    seed
        Same seed, same verdict, whatever the order of the rows.
    least
        The share of the customers that the smallest segment must have.

    Returns
    -------
    Verdict
        The decision.
    DataFrame
        The evidence, one row per number of segments from 1: the sweep's indices; BIC and ICL; `agreement` of
        fits from other seeds (mean adjusted Rand index); what chance gives (mean, and low to high in nine of
        ten draws; NaN where it was not computed); z; chosen; asked;
        reading, in words.
    DataFrame
        The strength of each segment shown, see `segkit.segments.strength.table`; empty for one segment.
    Sweep
        The solutions that were judged.

    Examples
    --------
    >>> from segkit.segments.prepare import learn
    >>> frame = pd.DataFrame({"spend": np.random.default_rng(0).normal(size=400)})
    >>> verdict, evidence, strength, found = judge(frame, learn(frame, numbers=["spend"], categories=[]))
    >>> verdict.level, verdict.segments, verdict.reason
    ('none', 1, 'chance')
    """
    data = nw.from_native(frame, eager_only=True, pass_through=False)
    usable = preparation.usable(data)
    data = data if usable.all() else data.filter(usable.tolist())
    X = preparation.matrix(data)
    measured = measure(data, X, preparation, max_segments=max_segments, seed=seed)
    how: dict[str, Any] = {"segments": segments, "max_segments": max_segments, "seed": seed}
    return settle(X, measured, algorithm=algorithm, **how, least=least)


def settle(
    X: Matrix,
    measured: Measured,
    *,
    algorithm: str = "auto",
    segments: int = 0,
    max_segments: int = 12,
    seed: int = 0,
    least: float = 0.0,
) -> tuple[Verdict, pd.DataFrame, pd.DataFrame, Sweep]:
    """Sweep with the algorithm that was asked for, or that the measurements speak for, and decide."""
    method = measured.algorithm if algorithm == "auto" else algorithm
    beyond = segments if segments > max_segments else 0
    found = sweep_room.sweep(X, segments=beyond, max_segments=max_segments, algorithm=method, seed=seed)
    auto = algorithm == "auto"
    decided = decide(found, measured, segments=segments, auto=auto, seed=seed, least=least)
    return (*decided[:3], found)


def decide(
    sweep: Sweep,
    measured: Measured,
    *,
    segments: int = 0,
    auto: bool = True,
    seed: int = 0,
    least: float = 0.0,
    given: Given | None = None,
    merge: Sequence[Sequence[int]] = (),
) -> tuple[Verdict, pd.DataFrame, pd.DataFrame, Solution, pd.Series]:
    """Turn what was measured into verdict, evidence and strength, for one number asked for; see `judge`.

    `given` are segments that exist already: they are shown, and judged like those that the data give. `merge`
    joins some of those shown. Returned besides are the segments shown, and how often some customers, by their
    place among the rows, keep theirs in repeated samples.
    """
    decided = _decided(sweep, measured, least)
    evidence = _evidence(sweep, measured, decided, segments)
    shown = sweep.nearest(segments) if segments else decided
    solution = given.solution if given else sweep.solutions[shown]
    pieces = solution.segments
    if merge:
        solution = sweep_room.join(solution, merge)
    shown = solution.segments
    held, stays = NO_STRENGTH.copy(), pd.Series(dtype=float)
    if shown > 1 and measured.chance:
        held, stays = _strength(solution, sweep.algorithm, measured, seed)
    told = evidence[evidence["segments"] == (pieces if pieces > 1 else sweep.proposed)].to_dict("records")
    row = told[0] if told else {}
    stands = bool(measured.chance and measured.chance.z > ENOUGH)
    wanted = decided > 1 and (bool(given) or pieces == decided)
    failed = tuple(held.loc[held["status"].isin(FAILED), "segment"].astype(int)) if decided > 1 else ()
    supported = wanted and len(failed) < shown if given else not segments or pieces == decided
    against = _held_against(evidence, row) if supported and decided > 1 else row
    found = "stands_out" if stands else "one_column"
    verdict = Verdict(
        level="none" if decided == 1 else "clear" if wanted and strength.clear(held) else "weak",
        segments=decided,
        shown=shown,
        asked=segments,
        supported=supported,
        reason=found if decided > 1 else _why_not(measured),
        z=measured.chance.z if measured.chance else np.nan,
        silhouette=given.silhouette if given else float(row["silhouette"]),
        tested=given.silhouette if given else float(against.get("tested", np.nan)),
        tested_at=int(against.get("segments", 1)),
        chance_low=float(against.get("chance_low", np.nan)),
        chance_high=float(against.get("chance_high", np.nan)),
        smallest=2,
        largest=measured.largest,
        rows_used=min(measured.rows, SAMPLE_ROWS) if measured.chance else 0,
        needed=measured.needed,
        column=str(measured.dips.index[0]) if len(measured.dips) else "",
        dip=measured.dip,
        algorithm=sweep.algorithm,
        why=_why(sweep.algorithm, measured) if auto else f"{sweep.algorithm} asked for",
        failed=failed,
        found=pieces,
        dbcv=np.nan if given else float(row["dbcv"]),
        held=int((held["status"] == "holds").sum()) if decided > 1 else 0,
        labels=given.column if given else "",
    )
    held = held if decided > 1 else held.assign(status="does not hold")
    return verdict, evidence, held, solution, stays


NO_STRENGTH = pd.DataFrame(columns=strength.TABLE)


def _strength(
    solution: Solution, algorithm: str, measured: Measured, seed: int
) -> tuple[pd.DataFrame, pd.Series]:
    """Look for the segments shown again in bootstrap samples of at most 1,000 of their rows."""
    labels = solution.labels[measured.places]
    inside = np.flatnonzero(labels >= 0)[:SAMPLE_ROWS]
    rows, (present, packed) = measured.sample[inside], np.unique(labels[inside], return_inverse=True)
    method, deep = registry.get(algorithm), None
    dense = isinstance(method, Hdbscan) and solution.fit is not None
    count, joined = len(present), solution.owners is not None
    if dense:
        deep = density.hollows(rows, packed)
    if solution.owners is not None:
        nearest = solution.metric.nearest if solution.metric else validity.nearest
        own, at = np.unique(nearest(rows, solution.centers), return_inverse=True)
        count, owners = len(own), np.searchsorted(present, solution.owners[own])
        deep = strength.around(rows, at, owners)

    def again(drawn: Floats, b: int) -> Labels:
        if solution.metric:
            return mixture.refit(drawn, rows, count, solution.metric, seed=seed + b)
        if dense:
            return hdbscan.again(drawn, rows, np.bincount(packed))
        plain = method if not isinstance(method, Hdbscan) else registry.get("kmeans")
        return validity.nearest(rows, plain.fit(drawn, count, seed=seed + b, quick=True)[1])

    found, stays = strength.table(rows, packed, again, seed=seed, deep=deep, joined=joined)
    every = (
        found.assign(segment=present + 1)
        .set_index("segment")
        .reindex(range(1, solution.segments + 1))
        .reset_index()
    )
    every = every.fillna({"share": 0.0, "jaccard": 0.0, "status": "does not hold"})
    return every, pd.Series(stays, index=measured.places[inside])


def _decided(sweep: Sweep, measured: Measured, least: float) -> int:
    """Return the number of segments the data support, 1 when nothing stands out or all are too small."""
    found = sweep.table[sweep.table["smallest"] >= least].set_index("segments")["silhouette"]
    if not measured.exists or measured.chance is None or found.empty:
        return 1
    if sweep.algorithm == "hdbscan":
        return sweep.proposed if sweep.proposed in found.index else 1
    if measured.likely > 1:
        wanted = measured.likely if measured.likely in sweep.solutions else max(sweep.solutions)
        return int(max((k for k in found.index if k <= wanted), default=1))
    tried = range(2, len(measured.chance.real) + 2)
    return most_above(measured.chance, found.reindex(tried, fill_value=-1.0).to_numpy(dtype=np.float64))


def most_above(chance: Chance, silhouettes: Floats) -> int:
    """Return the number of segments whose silhouette is the largest multiple of what chance gives.

    Where no number reaches 1.3 times chance the leads are too small to tell numbers apart, and the best
    silhouette decides.
    """
    multiple = silhouettes / np.maximum(chance.mean, LEAST_CHANCE)
    return int((multiple if multiple.max() >= TELLING else silhouettes).argmax()) + 2


def _why_not(measured: Measured) -> str:
    if measured.distinct < 2:
        return "same"
    if measured.exists:
        return "too_small"
    return "too_few" if measured.rows < measured.needed else "chance"


def _why(algorithm: str, measured: Measured) -> str:
    """Say why `auto` took what it took."""
    if measured.shape:
        return measured.shape.why
    if algorithm == "mixture":
        alone, best = measured.likelihood[1][1], min(icl for _, icl in measured.likelihood.values())
        gain = f"{(alone - best) / len(measured.sample):.2f}"
        return f"several normal clouds explain the customers better than one (ICL lower by {gain} a customer)"
    if not measured.exists:
        return "nothing stands out, so the simplest was taken"
    if not measured.likelihood:
        return "there are too many columns to fit normal clouds"
    return "one normal cloud explains the customers as well as several, so the simplest was taken"


def _evidence(sweep: Sweep, measured: Measured, decided: int, asked: int) -> pd.DataFrame:
    """Return the sweep's table, with a first row for one segment, and beside it likelihood and chance."""
    alone = {"segments": 1, "inertia": sweep.solutions[1].inertia}
    table = pd.DataFrame([alone, *sweep.table.to_dict("records")]).reindex(columns=EVIDENCE)
    numbers, chance = table["segments"], measured.chance
    for place, name in enumerate(("bic", "icl")):
        table[name] = numbers.map({k: each[place] for k, each in measured.likelihood.items()}).astype(float)
    table["agreement"] = numbers.map(sweep.agreement).astype(float)
    table["tested"] = table["silhouette"]
    if chance and sweep.algorithm != "kmeans":  # like with like: chance has the silhouettes of k-means
        table["tested"] = numbers.map(dict(enumerate(chance.real, start=2))).astype(float)
    if chance:
        low, high = np.quantile(chance.drawn, [0.05, 0.95], axis=0)
        columns = {"chance_mean": chance.mean, "chance_low": low, "chance_high": high, "z": chance.each_z}
        for name, values in columns.items():
            table[name] = numbers.map(dict(enumerate(values, start=2)))
    table["chosen"] = numbers == decided
    table["asked"] = numbers == asked
    table["reading"] = [_reading(row) for row in table.to_dict("records")]
    return table


def _held_against(evidence: pd.DataFrame, row: dict[Hashable, Any]) -> dict[Hashable, Any]:
    """Return the row whose silhouette tells how customers stand against chance.

    That of the number shown, unless it is no better than chance and the customers stand out at another.
    """
    best = evidence[evidence["z"] > ENOUGH].nlargest(1, "z").to_dict("records")
    shown_tells = not np.isnan(row.get("tested", np.nan)) and row["tested"] > row["chance_high"]
    return row if shown_tells or not best else best[0]


def _reading(row: dict[Hashable, Any]) -> str:
    """Say what a row of the evidence means."""
    if row["segments"] == 1:
        return "one group: nothing to compare"
    if not np.isnan(row["dbcv"]):
        return "apart by density" if row["dbcv"] > 0 else "hardly apart by density"
    if np.isnan(row["z"]):
        return "not held against chance"
    if row["tested"] <= row["chance_high"]:
        return "no better than chance"
    return "a little better than chance" if row["z"] <= ENOUGH else "better than chance"
