"""What tells the segments apart: per column, per segment, between segments, and within one.

Drivers say how much of a column's variation goes with the split, never why. Differences rank a profile.
Separation and unusual customers are measured in the space the customers were segmented in. No p-values: the
columns that made the segments differ between them by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from segkit.insight.profile import Customers, figures, floats, level_counts, segmented

HIGH, VERY_HIGH = 2.0, 3.0  # robust deviations from the middle of the segment
ROBUST = 1.4826  # makes the median absolute deviation of a normal variable its standard deviation
UNUSUAL = ["id", "segment", "distance", "column", "direction", "value", "typical", "deviation"]


def drivers(
    customers: Customers, *, by: str = "segment", numbers: Sequence[str] = (), categories: Sequence[str] = ()
) -> pd.DataFrame:
    """Measure the share of each column's variation that the segments explain, strongest first.

    For numbers eta squared, between / total sum of squares. For categories tau of Goodman and Kruskal (1954,
    JASA 49, 732-764): the same ratio with the variation 1 - sum(p**2) of Gini; for two levels it equals eta
    squared and Cramer's V squared. Skewed columns are fairer judged as they were prepared: pass a frame that
    holds them so.

    Returns
    -------
    DataFrame with ``column kind explained`` (0 to 1; a constant column has 0)

    Examples
    --------
    >>> frame = pd.DataFrame({"segment": [1, 1, 2, 2], "spend": [1.0, 3.0, 5.0, 7.0], "city": list("aabb")})
    >>> drivers(frame, numbers=["spend"], categories=["city"]).values.tolist()
    [['city', 'category', 1.0], ['spend', 'number', 0.8]]
    """
    frame = segmented(customers, by)
    own, values = np.unique(frame[by].to_numpy(), return_inverse=True)[1], floats(frame, numbers)
    rows = [(column, "number", _eta_squared(own, x)) for column, x in zip(numbers, values, strict=True)]
    rows += [(column, "category", _tau(level_counts(frame, by, column))) for column in categories]
    table = pd.DataFrame(rows, columns=["column", "kind", "explained"])
    return table.sort_values("explained", ascending=False, kind="stable", ignore_index=True)


def differences(profile: pd.DataFrame, *, top: int = 5) -> pd.DataFrame:
    """Rank the `top` columns in which each segment differs most from all customers, by absolute effect.

    A category appears once, with its most telling level; of two that say the same, the one there is more of.

    Returns
    -------
    DataFrame with ``segment rank column level here all index index_of effect``

    Examples
    --------
    >>> from segkit.insight.profile import profile
    >>> frame = pd.DataFrame({"segment": [1, 1, 2, 2], "spend": [1.0, 3.0, 5.0, 7.0], "city": list("aabb")})
    >>> table = differences(profile(frame, numbers=["spend"], categories=["city"]), top=1)
    >>> table[["column", "level", "here", "all"]].values.tolist()
    [['city', 'a', 1.0, 0.5], ['city', 'b', 1.0, 0.5]]
    """
    here, every = figures(profile)
    table = profile.assign(here=here, all=every, size=profile.effect.astype(float).abs().round(9))
    table = table[table["size"] > 0]
    table = table.sort_values(["segment", "size", "effect"], ascending=[True, False, False], kind="stable")
    table = table.drop_duplicates(["segment", "column"]).groupby("segment", sort=False).head(top)
    table["rank"] = table.groupby("segment").cumcount() + 1
    columns = ["segment", "rank", "column", "level", "here", "all", "index", "index_of", "effect"]
    return table[columns].reset_index(drop=True)


def separation(centers: np.ndarray, X: Any, labels: np.ndarray) -> pd.DataFrame:
    """Measure how far each segment lies from its nearest neighbour, relative to the spread between the two.

    Parameters
    ----------
    centers : (k, p) array
    X : (n, p) array or CSR matrix, the prepared customers
    labels : (n,) array of int, 0-based

    Returns
    -------
    DataFrame with ``segment nearest distance spread ratio``, segments from 1; no rows for one segment
        ``spread`` is the pooled standard deviation of both along the line through their centres. Halving one
        normal population gives a `ratio` of 2.65 (2 m / sqrt(1 - m**2), m = sqrt(2 / pi)); 4 and more leave
        a gap.
    """
    rows = []
    far = np.linalg.norm(centers[:, None, :] - centers[None, :, :], axis=2)
    np.fill_diagonal(far, np.inf)
    for own in range(len(centers) if len(centers) > 1 else 0):
        other = int(far[own].argmin())
        along = np.asarray(X @ (centers[other] - centers[own])).ravel() / far[own, other]
        parts = [along[labels == s] for s in (own, other)]
        inside = np.concatenate([part - part.mean() for part in parts if len(part)] or [np.zeros(1)])
        spread = float(np.sqrt(np.mean(inside**2)))
        rows.append(
            (own + 1, other + 1, far[own, other], spread, far[own, other] / spread if spread else np.nan)
        )
    return pd.DataFrame(rows, columns=["segment", "nearest", "distance", "spread", "ratio"])


def unusual(
    customers: Customers,
    *,
    by: str = "segment",
    numbers: Sequence[str] = (),
    id_column: str = "",
    prepared: Customers | None = None,
    top: int = 10,
) -> pd.DataFrame:
    """List the customers that lie furthest out in their segment, and the column that says why.

    Parameters
    ----------
    customers : eager frame with `by`, ``distance``, ``outlier`` and the `numbers` in their own units
    id_column : str
        Name of the column with ids; empty: the number of the row, from 1.
    prepared : eager frame, same rows, optional
        The `numbers` as they were segmented: deviations are measured in it, the values shown are the
        original ones.

    Returns
    -------
    DataFrame with ``id segment distance column direction value typical deviation``, furthest first
        `direction` is ``very high`` or ``very low`` beyond 3 robust deviations from the median of the segment
        (`typical`), ``high`` or ``low`` beyond 2. Below that `column` is empty: no single column explains it.
    """
    frame = nw.from_native(customers, eager_only=True, pass_through=False)
    segment, distance = frame[by].to_numpy(), frame["distance"].to_numpy()
    own = _matrix(frame, numbers)
    ready = own if prepared is None else _matrix(nw.from_native(prepared, eager_only=True), numbers)
    chosen = np.flatnonzero(frame["outlier"].to_numpy().astype(bool) & (segment > 0))
    chosen = chosen[np.lexsort((chosen, -distance[chosen]))][:top]
    mates = {s: np.flatnonzero(segment == s) for s in {int(segment[i]) for i in chosen}}
    middles = {s: _middle(ready[at]) for s, at in mates.items()}
    rows = []
    for i in chosen.tolist():
        s, name = int(segment[i]), frame[id_column][i] if id_column else i + 1
        middle, spread = middles[s]
        deviation = np.nan_to_num((ready[i] - middle) / spread)
        rows.append((name, s, float(distance[i]), *_why(deviation, own, i, mates[s], numbers)))
    return pd.DataFrame(rows, columns=UNUSUAL)


def _matrix(frame: nw.DataFrame[Any], numbers: Sequence[str]) -> np.ndarray:
    parts = floats(frame, numbers)
    return np.column_stack(parts) if parts else np.empty((len(frame), 0))


def _middle(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the median of each column, and its robust deviation; infinite where nothing can be said."""
    middle = pd.DataFrame(X).median().to_numpy()
    spread = ROBUST * pd.DataFrame(np.abs(X - middle)).median().to_numpy()
    spread = np.where(spread > 0, spread, pd.DataFrame(X).std().to_numpy())  # over half share one value
    return middle, np.where(spread > 0, spread, np.inf)


def _why(
    deviation: np.ndarray, own: np.ndarray, row: int, mates: np.ndarray, numbers: Sequence[str]
) -> tuple[str, str, float, float, float]:
    """Name the number in which a customer lies furthest from the middle of its segment."""
    j = int(np.abs(deviation).argmax()) if len(deviation) else -1
    if j < 0 or abs(deviation[j]) <= HIGH:
        return "", "", np.nan, np.nan, np.nan
    direction = ("very " if abs(deviation[j]) > VERY_HIGH else "") + ("high" if deviation[j] > 0 else "low")
    return numbers[j], direction, float(own[row, j]), float(np.nanmedian(own[mates, j])), float(deviation[j])


def _eta_squared(segment: np.ndarray, x: np.ndarray) -> float:
    here = ~np.isnan(x)
    if not here.all():
        segment, x = segment[here], x[here]
    variance = x.var() if len(x) else 0.0
    if not variance:
        return 0.0
    n = np.bincount(segment)
    means = np.bincount(segment, weights=x) / np.maximum(n, 1)
    between = (n * (means - x.mean()) ** 2).sum()
    return float(min(1.0, between / (len(x) * variance)))


def _tau(counts: pd.DataFrame) -> float:
    p = counts.to_numpy(dtype=float) / max(1, counts.to_numpy().sum())
    of_all, within = (p.sum(axis=0) ** 2).sum(), (p**2 / p.sum(axis=1, keepdims=True)).sum()
    return float((within - of_all) / (1 - of_all)) if p.size and 1 - of_all > 1e-12 else 0.0
