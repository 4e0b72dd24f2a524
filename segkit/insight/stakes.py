"""What is at stake in a segment, and how many customers a test of an action needs.

Money is what was observed, with a bootstrap interval: never what an action would bring. A test compares two
proportions; the size of its groups comes from the arcsine approximation.
"""

from __future__ import annotations

from math import asin, ceil, sqrt

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

from segkit.insight.profile import Customers, floats, segmented

RESAMPLES, DRAWN = 1_000, 5_000  # the interval of a larger segment comes from so many of its customers
INSIDE = 0.9
ERROR, POWER = 0.05, 0.8
CHANGE = 0.05  # the change that a test is sized for: five points


def stakes(customers: Customers, value: str, *, by: str = "segment", seed: int = 0) -> pd.DataFrame:
    """Give the sum of a column in each segment an interval: nine in ten resamples of its customers.

    Above 5,000 customers, m = 5,000 are resampled and the spread of the mean is taken times sqrt(m / n)
    (Bickel, Goetze and van Zwet 1997, Statistica Sinica 7).

    Returns
    -------
    DataFrame with ``segment value_low value_high``

    Examples
    --------
    >>> frame = pd.DataFrame({"segment": [1] * 40, "spend": [5.0] * 40})
    >>> stakes(frame, "spend").values.tolist()
    [[1.0, 200.0, 200.0]]
    """
    frame = segmented(customers, by)
    segment, amounts = frame[by].to_numpy(), floats(frame, [value])[0]
    rows = []
    for number in np.unique(segment):
        own = amounts[(segment == number) & np.isfinite(amounts)]
        rows.append((int(number), *_interval(own, np.random.default_rng([seed, int(number)]))))
    return pd.DataFrame(rows, columns=["segment", "value_low", "value_high"])


def _interval(own: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    if not len(own):
        return float("nan"), float("nan")
    drawn = own if len(own) <= DRAWN else rng.choice(own, DRAWN, replace=False)
    means = np.array([drawn[rng.integers(0, len(drawn), len(drawn))].mean() for _ in range(RESAMPLES)])
    away = (means - drawn.mean()) * sqrt(len(drawn) / len(own))
    low, high = np.quantile(away, [(1 - INSIDE) / 2, (1 + INSIDE) / 2])
    return float(own.sum() + len(own) * low), float(own.sum() + len(own) * high)


def group_size(base: float, changed: float, *, error: float = ERROR, power: float = POWER) -> float:
    """Return how many customers each of two equal groups needs for the difference of two proportions to show.

    Two-sided, by Cohen's h = 2 asin(sqrt(p1)) - 2 asin(sqrt(p2)) (Cohen 1988, Statistical Power Analysis,
    ch. 6), both tails counted, as in ``statsmodels.stats.power.NormalIndPower``.

    Examples
    --------
    >>> ceil(group_size(0.5, 0.55))
    1565
    """
    h, critical = abs(2 * asin(sqrt(base)) - 2 * asin(sqrt(changed))), norm.isf(error / 2)

    def short(n: float) -> float:
        shift = h * sqrt(n / 2)
        return float(norm.sf(critical - shift) + norm.cdf(-critical - shift)) - power

    middle = 2 * ((critical + norm.isf(1 - power)) / h) ** 2
    return float(brentq(short, middle / 2, middle * 2, xtol=1e-10, rtol=1e-14))


def holdout(customers: int, base: float) -> tuple[int, float]:
    """Return the size of the group to hold back, and the smallest change from `base` that will then show.

    Five points where the segment has customers for it; otherwise half of them, and the change that shows
    with those.
    """
    side = -1 if base > 1 - 2 * CHANGE else 1
    needed = ceil(group_size(base, base + side * CHANGE))
    half = customers // 2
    if needed <= half:
        return needed, CHANGE
    room = (base if side < 0 else 1 - base) - 1e-9
    if group_size(base, base + side * room) > half:
        return half, float("nan")
    return half, float(brentq(lambda c: group_size(base, base + side * c) - half, CHANGE / 2, room))
