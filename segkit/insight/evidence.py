"""How surely a segment differs, without double dipping: test values, columns not used, importance.

A test value (v-test) says how many standard deviations of chance a segment's mean or share lies from that of
all customers, as FactoMineR's ``catdes`` defines it. On columns that made the segments it ranks what
describes them and is no test: the segments were made to differ there. So a p-value is given only for columns
that had no part in making them, corrected for their number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, hypergeom, norm

from segkit.insight.profile import Customers, profile, withheld

SAMPLE = 5_000  # customers whose columns are shuffled
LEVEL = 0.05
UNUSED = ["column", "level", "segment", "n", "effect", "v_test", "p", "p_adjusted", "differs"]


def with_tests(profile: pd.DataFrame) -> pd.DataFrame:
    r"""Add `v_test` to a profile: positive where the segment is above, or has more of a level than, all.

    A number: ``(mean - all_mean) / sqrt(s2 / n * (N - n) / (N - 1))``, s2 with divisor N, for n of N
    customers drawn without replacement. A level: the normal quantile of the hypergeometric two-sided mid-p,
    ``2 min(P(X >= x), P(X <= x)) - P(X = x)``, signed. Source: Le, Josse and Husson (2008), FactoMineR,
    J. Stat. Softw. 25(1), ``catdes``; Morineau (1984), Note sur la caracterisation statistique d'une classe.

    Examples
    --------
    >>> from segkit.insight.profile import profile
    >>> frame = pd.DataFrame({"segment": [1, 1, 2, 2], "spend": [1.0, 3.0, 5.0, 7.0]})
    >>> with_tests(profile(frame, numbers=["spend"])).v_test.round(3).tolist()
    [-1.549, 1.549]
    """
    n = profile["n"].to_numpy(dtype=float)
    everyone = profile.groupby(["column", "level"])["n"].transform("sum").to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = profile["effect"].to_numpy(dtype=float) * np.sqrt(n * everyone / (everyone - n))
    levels = (profile["kind"] == "category").to_numpy()
    if levels.any():
        share, every = (profile.loc[levels, name].to_numpy(dtype=float) for name in ("share", "all_share"))
        here, total = n[levels], everyone[levels]
        value[levels] = _of_levels(np.rint(share * here), np.rint(every * total), here, total)
    return profile.assign(v_test=np.where(np.isfinite(value) & (n < everyone), value, 0.0))


def _of_levels(held: Any, level: Any, segment: Any, everyone: Any) -> np.ndarray:
    chance = hypergeom(everyone.astype(int), level.astype(int), segment.astype(int))
    above, below = chance.sf(held - 1), chance.cdf(held)
    p = np.clip(2 * np.minimum(above, below) - chance.pmf(held), 0, 1)
    return np.asarray(np.sign(held / segment - level / everyone) * norm.isf(p / 2).clip(0, 38))


def unused(customers: Customers, *, by: str = "segment", least: int = 0, **columns: Any) -> pd.DataFrame:
    """Test whether segments differ in columns that did not make them; `columns` as for `profile`.

    Cells that rest on fewer than `least` customers are left out, see `segkit.insight.profile.withheld`.

    Returns
    -------
    DataFrame with ``column level segment n effect v_test p p_adjusted differs``, the surest first
        `p_adjusted` controls the share of false findings among all that are called different (Benjamini and
        Yekutieli 2001, Annals of Statistics 29), whatever the columns have to do with one another.
    """
    table = withheld(with_tests(profile(customers, by=by, **columns)), least)
    table = table[~table["withheld"]].drop(columns="withheld")
    if table.empty or table["segment"].nunique() < 2:
        return pd.DataFrame(columns=UNUSED)
    levels = table.groupby("column")["level"].transform("nunique")
    table = table[(levels != 2) | (table["all_share"] <= 0.5)].reset_index(drop=True)  # of two, one tells all
    p = 2 * norm.sf(table["v_test"].abs())
    adjusted = false_discovery_control(p, method="by")
    table = table.assign(p=p, p_adjusted=adjusted, differs=adjusted <= LEVEL)
    return table.sort_values(["p", "segment"], kind="stable", ignore_index=True)[UNUSED]


def importance(
    X: Any, origin: Mapping[str, str], place: Callable[[np.ndarray], np.ndarray], *, seed: int = 0
) -> dict[str, float]:
    """Measure the share of customers that change segment when one column's values are shuffled.

    Permutation importance (Breiman 2001, Machine Learning 45, 5-32) of the assignment itself.

    Parameters
    ----------
    X : (n, p) array or CSR matrix of prepared customers
    origin : the input column of each of the p columns, in order
    place : function from rows of X to their segments

    Examples
    --------
    >>> X = np.array([[0.0, 5.0], [1.0, 6.0], [0.0, 7.0], [1.0, 8.0]])
    >>> importance(X, {"a": "a", "b": "b"}, lambda rows: rows[:, 0])["b"]
    0.0
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(X.shape[0])[:SAMPLE])
    drawn = X[rows].toarray() if hasattr(X, "toarray") else np.array(X[rows])
    before, names = place(drawn), np.array(list(origin.values()))
    found = {}
    for column in dict.fromkeys(names):
        mixed, own = drawn.copy(), np.flatnonzero(names == column)
        mixed[:, own] = drawn[rng.permutation(len(drawn))][:, own]
        found[str(column)] = float(np.mean(place(mixed) != before)) if len(drawn) else 0.0
    return found
