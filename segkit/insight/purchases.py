"""What RFM segments are worth: their sizes, what they did in the next period, and whether clusters agree.

Segments made before a day are held against what customers bought after it: beside random choice and beside
ranking by one measure alone, with bootstrap intervals, so that nobody trusts a name more than it earned.
Scores and names come from `data`; nothing is fitted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

TOP = 0.2  # the share of customers that the classical rule speaks of
DRAWS = 200  # bootstrap draws: the ends of a 90 % interval are stable to about a tenth of its width
_ENDS = (0.05, 0.95)


def sizes(customers: pd.DataFrame, order: Mapping[str, str]) -> pd.DataFrame:
    """Count customers and money by segment name.

    Parameters
    ----------
    customers : DataFrame
        One row per customer: ``segment_name recency_days frequency monetary_total return_share``.
    order : mapping
        Every name in its order, and what it means; names that nobody has are left out.

    Returns
    -------
    DataFrame
        One row per name: ``segment`` (from 1), ``name, meaning, customers, share, value_sum, value_share``
        and the medians of recency, frequency and monetary total.
    """
    made = customers.groupby("segment_name").agg(
        customers=("frequency", "size"), value_sum=("monetary_total", "sum"),
        recency_days=("recency_days", "median"), frequency=("frequency", "median"),
        monetary_total=("monetary_total", "median"), return_share=("return_share", "mean"),
    )  # fmt: skip
    made = made.reindex([name for name in order if name in made.index]).reset_index(names="name")
    total = made["value_sum"].sum()
    made.insert(0, "segment", np.arange(1, len(made) + 1))
    made.insert(2, "meaning", made["name"].map(order))
    made.insert(4, "share", made["customers"] / made["customers"].sum())
    made.insert(6, "value_share", made["value_sum"] / total if total > 0 else np.nan)
    return made


def rankings(
    scores: Mapping[str, np.ndarray], later: np.ndarray, *, top: float = TOP, seed: int = 0
) -> pd.DataFrame:
    """Return the share of later revenue that the top customers of each ranking bring.

    Customers with the same score are taken in equal parts where the line runs through them, so that their
    order never matters. Random choice brings `top` on average; its interval is of one random choice.

    Parameters
    ----------
    scores : mapping of name to array (customers,)
        The higher the better.
    later : array (customers,)
        Revenue in the next period, 0 for who bought nothing.
    top : float
        Share of customers that counts as top.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        ``ranking, share, low, high`` (90 % bootstrap interval over customers, percentile method of Efron and
        Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13), "random" last.

    Examples
    --------
    >>> table = rankings({"best": np.array([5, 4, 3, 2, 1])}, np.array([10.0, 0, 0, 0, 0]))
    >>> table[["ranking", "share"]].to_numpy().tolist()
    [['best', 1.0], ['random', 0.2]]
    """
    ranked = {name: _groups(values) for name, values in scores.items()}
    once = np.ones(len(later))
    found = {name: _held(groups, once, later, top) for name, groups in ranked.items()}
    drawn: dict[str, list[float]] = {name: [] for name in (*ranked, "random")}
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        weight = np.bincount(rng.integers(len(later), size=len(later)), minlength=len(later)).astype(float)
        for name, groups in ranked.items():
            drawn[name].append(_held(groups, weight, later, top))
        drawn["random"].append(_held(_groups(rng.random(len(later))), weight, later, top))
    rows = [(name, found.get(name, top), *_ends(drawn[name])) for name in drawn]
    return pd.DataFrame(rows, columns=["ranking", "share", "low", "high"])


def afterwards(
    names: pd.Series[Any], later: pd.DataFrame, order: Mapping[str, str], *, seed: int = 0
) -> pd.DataFrame:
    """Return what each segment did in the next period.

    Parameters
    ----------
    names : Series
        The segment of each customer, made before.
    later : DataFrame
        ``revenue`` and ``bought`` (whether at all), in the same rows.
    order : mapping
        Every name in its order.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        ``name, customers, revenue, revenue_share``, ``mean`` (revenue per customer) and ``came_back`` (share
        that bought again), these two each with ``_low`` and ``_high`` (90 % bootstrap interval).
    """
    known = [name for name in order if (names == name).any()]
    at = pd.Categorical(names, categories=known).codes.astype("int64")
    values = {"mean": later["revenue"].to_numpy(float), "came_back": later["bought"].to_numpy(float)}
    count = np.bincount(at, minlength=len(known))
    revenue = np.bincount(at, values["mean"], len(known))
    share = revenue / revenue.sum() if revenue.sum() > 0 else np.full(len(known), np.nan)
    made = pd.DataFrame({"name": known, "customers": count, "revenue": revenue, "revenue_share": share})
    drawn: dict[str, list[np.ndarray]] = {what: [] for what in values}
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        weight = np.bincount(rng.integers(len(at), size=len(at)), minlength=len(at))
        seen = np.maximum(np.bincount(at, weight, len(known)), 1)
        for what, each in values.items():
            drawn[what].append(np.bincount(at, weight * each, len(known)) / seen)
    for what, each in values.items():
        made[what] = np.bincount(at, each, len(known)) / count
        made[f"{what}_low"], made[f"{what}_high"] = np.quantile(drawn[what], _ENDS, axis=0)
    return made


def against(
    names: pd.Series[Any], segments: np.ndarray, order: Mapping[str, str]
) -> tuple[pd.DataFrame, float]:
    """Return how names and clusters meet, and their adjusted Rand index (Hubert and Arabie, 1985).

    Examples
    --------
    >>> table, agreement = against(pd.Series(["a", "a", "b"]), np.array([1, 1, 2]), {"a": "", "b": ""})
    >>> table.to_numpy().tolist(), agreement
    ([['a', 2, 0], ['b', 0, 1]], 1.0)
    """
    counts = pd.crosstab(names.to_numpy(), segments)
    counts = counts.reindex([name for name in order if name in counts.index])
    table = counts.rename(columns=str).reset_index(names="name").rename_axis(columns=None)
    return table, float(adjusted_rand_score(names, segments))


def _groups(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of customers, best first, and where each group of equals starts."""
    order = np.argsort(-values, kind="stable")
    ranked = values[order]
    return order, np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))


def _held(groups: tuple[np.ndarray, np.ndarray], weight: np.ndarray, later: np.ndarray, top: float) -> float:
    """Return the share of revenue up to the line; a group it runs through counts in proportion."""
    order, starts = groups
    counts = np.cumsum(np.append(0, np.add.reduceat(weight[order], starts)))
    money = np.cumsum(np.append(0, np.add.reduceat((weight * later)[order], starts)))
    return float(np.interp(top * counts[-1], counts, money) / money[-1]) if money[-1] > 0 else float("nan")


def _ends(drawn: list[float]) -> tuple[float, float]:
    low, high = np.quantile(drawn, _ENDS)
    return float(low), float(high)
