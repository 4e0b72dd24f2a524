"""How far a later table has moved away from an earlier one, column by column.

What is kept of the earlier table is small and names nobody: for a number the edges of ten equally full bins,
the share in each and twenty quantiles, for a category the shares of its levels. Shift is the population
stability index and, for numbers, the Wasserstein distance; neither is ever zero, so each comes with what
chance alone gives for this many rows; only a shift beyond that counts. Nothing here knows a segment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

Floats = NDArray[np.float64]

BINS, LEVELS, FEWEST = (
    10,
    1_000,
    10,
)  # rows that a level needs to be kept by name: nobody is told by a rare value
WATCH, ACT = 0.10, 0.25  # Siddiqi, Credit Risk Scorecards (2006), section 8
# Of a plain shift the distance in standard deviations is Cohen's d: small from .2, medium from .5 (Cohen,
# Statistical Power Analysis, 1988, 2.2.3). The index of a normal column is then d squared: both act at .5.
FAR_WATCH, FAR_ACT = 0.2, 0.5
ENDS = (0.001, 0.999)  # nearly all rows; the very ends are persons
TABLE = ("column", "kind", "psi", "chance", "moved", "before", "after", "distance", "far", "far_chance",
         "missing_before", "missing_after", "state")  # fmt: skip


def reference(frame: Any, *, numbers: Sequence[str], categories: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what is kept of a table: by column ``kind rows missing`` and how its values lie, all plain.

    Examples
    --------
    >>> reference({"a": [1.0, 2.0, 3.0, None]}, numbers=["a"], categories=[])["a"]["missing"]
    0.25
    """
    known: dict[str, dict[str, Any]] = {}
    for name in numbers:
        values = _numbers(frame, name)
        known[name] = {"kind": "number", **_rows(values), **_spread(values[~np.isnan(values)])}
    for name in categories:
        texts = _texts(frame, name)
        counts = texts.value_counts()
        kept = counts[counts >= FEWEST].head(LEVELS).sort_index()
        shares = {str(level): float(count / max(1, counts.sum())) for level, count in kept.items()}
        known[name] = {"kind": "category", **_rows(texts), "levels": shares}
    return known


def drift(known: Mapping[str, Mapping[str, Any]], frame: Any) -> pd.DataFrame:
    """Return the shift of each column of a table since what `reference` kept, the largest first.

    Returns
    -------
    DataFrame
        ``column kind psi chance moved before after distance far far_chance missing_before missing_after
        state``: the index over the bins (missing is one of them), the value that chance stays under in 95 of
        100 batches of this size, whether it lies beyond, medians, the Wasserstein distance in the column's
        unit and in standard deviations, and its value that chance stays under in 99 of 100 (these five NaN
        for categories, the last two for numbers of few values, which the index judges alone), and "none",
        "watch" or "act", the worse that index and distance say.

    Notes
    -----
    PSI = sum over bins of (q - p) ln(q / p). Without a shift it is close to (1/n + 1/m) chi-square(bins - 1)
    (Yurdakul and Naranjo, Statistical properties of the population stability index, 2020). The distance times
    sqrt(n m / (n + m)) is then close to the integral of a Brownian bridge's size over the quantiles (del
    Barrio, Gine and Matran, Annals of Probability 27(2), 1999); the deviation is that of the quantiles kept.

    Examples
    --------
    >>> import numpy as np
    >>> old, new = {"a": np.arange(1000.0)}, {"a": np.arange(1000.0) + 400}
    >>> drift(reference(old, numbers=["a"], categories=[]), new)["state"].tolist()
    ['act']
    """
    rows = [_row(name, kept, frame) for name, kept in known.items()]
    return pd.DataFrame(rows, columns=list(TABLE)).sort_values("psi", ascending=False, kind="stable",
                                                               ignore_index=True)  # fmt: skip


def outside(known: Mapping[str, Mapping[str, Any]], frame: Any) -> pd.Series:
    """Return for each row the first column whose value the earlier table gives no ground for, or "".

    That is a number beyond the range of nearly all its rows by more than a tenth of it, or a category that
    fewer than ten of its rows have.
    """
    found = np.array([], dtype=object)
    for name, kept in known.items():
        if kept["kind"] == "number":
            values, span = _numbers(frame, name), (kept["high"] - kept["low"]) / 10
            strange = (values < kept["low"] - span) | (values > kept["high"] + span)
        else:
            texts = _texts(frame, name)
            strange = (texts.notna() & ~texts.isin(list(kept["levels"]))).to_numpy()
        found = found if len(found) else np.full(len(strange), "", dtype=object)
        found[strange & (found == "")] = name
    return pd.Series(found, name="outside", dtype=object)


def _row(name: str, kept: Mapping[str, Any], frame: Any) -> dict[str, Any]:
    nan = float("nan")
    row: dict[str, Any] = {"column": name, "kind": kept["kind"], "before": nan, "after": nan, "distance": nan,
                           "far": nan, "far_chance": nan, "missing_before": kept["missing"]}  # fmt: skip
    if kept["kind"] == "number":
        values = _numbers(frame, name)
        inside = values[~np.isnan(values)]
        rows = len(values)
        if len(kept["edges"]):
            counts = np.bincount(np.searchsorted(kept["edges"], inside, side="right"),
                                 minlength=len(kept["shares"]))  # fmt: skip
        else:
            counts = np.array([len(inside)])
        shares = kept["shares"]
        row |= {"before": kept["median"], "after": float(np.median(inside)) if len(inside) else nan,
                **_wasserstein(np.asarray(kept["quantiles"]), inside, kept["rows"] * (1 - kept["missing"])),
                "missing_after": 1 - len(inside) / max(1, rows)}  # fmt: skip
    else:
        texts = _texts(frame, name)
        rows, levels = len(texts), kept["levels"]
        named = texts.value_counts()
        counts = np.array([*(int(named.get(level, 0)) for level in levels), 0])
        counts[-1] = int(named.sum()) - counts.sum()
        shares = [*levels.values(), max(0.0, 1 - sum(levels.values()))]
        row["missing_after"] = float(texts.isna().mean())
    before = np.append(np.asarray(shares) * (1 - kept["missing"]), kept["missing"])
    after = np.append(counts, rows - counts.sum()) / max(1, rows)
    psi, used = _psi(before, after, kept["rows"], rows)
    chance = float(chi2.ppf(0.95, max(1, used - 1)) * (1 / max(1, kept["rows"]) + 1 / max(1, rows)))
    beyond, far = psi > chance, row["far"] > row["far_chance"]
    act = (beyond and psi >= ACT) or (far and row["far"] >= FAR_ACT)
    watch = (beyond and psi >= WATCH) or (far and row["far"] >= FAR_WATCH)
    state = "act" if act else "watch" if watch else "none"
    return row | {"psi": psi, "chance": chance, "moved": beyond, "state": state}


def _psi(before: Floats, after: Floats, n: int, m: int) -> tuple[float, int]:
    """Return the index and the bins it is over; an empty bin counts as half a row."""
    used = (before > 0) | (after > 0)
    p, q = np.maximum(before[used], 0.5 / max(1, n)), np.maximum(after[used], 0.5 / max(1, m))
    return float(((q - p) * np.log(q / p)).sum()), int(used.sum())


def _spread(values: Floats) -> dict[str, Any]:
    if not len(values):
        return {"edges": [], "shares": [1.0], "low": 0.0, "high": 0.0, "median": 0.0, "quantiles": []}
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    low, high = np.quantile(values, ENDS)
    return {
        "edges": edges.tolist(), "shares": (counts / len(values)).tolist(),
        "low": float(low), "high": float(high),
        "median": float(np.median(values)),
        "quantiles": np.quantile(values, (np.arange(BINS * 2) + 0.5) / (BINS * 2)).tolist(),
    }  # fmt: skip


def _wasserstein(quantiles: Floats, values: Floats, rows: float) -> dict[str, float]:
    """Return the mean difference between quantiles: the distance in one dimension, on a grid of twenty."""
    if not len(quantiles) or not len(values):
        return {}
    grid, deviation = (np.arange(len(quantiles)) + 0.5) / len(quantiles), quantiles.std()
    distance = float(np.abs(np.quantile(values, grid) - quantiles).mean())
    if len(np.unique(quantiles)) <= BINS:  # of few values a share that passes a quantile looks like a leap
        return {"distance": distance}
    steps = np.abs(_bridges()) @ np.gradient(quantiles, grid) / len(grid)
    chance = float(np.quantile(steps, 0.99)) * math.sqrt(1 / max(1, rows) + 1 / len(values))
    return {"distance": distance, "far": distance / deviation, "far_chance": chance / deviation}


@cache
def _bridges() -> Floats:
    """Return Brownian bridges at the quantiles kept: what chance does to a distribution function."""
    grid = (np.arange(BINS * 2) + 0.5) / (BINS * 2)
    spread = np.linalg.cholesky(np.minimum.outer(grid, grid) - np.outer(grid, grid))
    return np.asarray(np.random.default_rng(0).standard_normal((4_000, len(grid))) @ spread.T)


def _rows(values: Any) -> dict[str, Any]:
    return {"rows": len(values), "missing": float(pd.isna(values).mean()) if len(values) else 0.0}


def _column(frame: Any, name: str) -> pd.Series:
    if isinstance(frame, Mapping):
        return pd.Series(frame[name])
    series = nw.from_native(frame, eager_only=True, pass_through=False)[name].to_pandas()
    return pd.Series(series.reset_index(drop=True))


def _numbers(frame: Any, name: str) -> Floats:
    values = pd.to_numeric(_column(frame, name), errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    return np.where(np.isinf(values), np.nan, values)


def _texts(frame: Any, name: str) -> pd.Series:
    values = _column(frame, name)
    return values.astype("string").where(values.notna())
