"""What tells the segments apart: per column, per segment, between segments, and within one.

Drivers say how much of a column's variation goes with the split, never why. Differences rank a profile. Separation
and unusual customers are measured in the space the customers were segmented in. No p-values: the columns that made
the segments differ between them by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoDataFrame

from segkit.insight.profile import known, level_text, segmented

VERY = 3.0  # robust deviations from the middle of the segment
ROBUST = 1.4826  # makes the median absolute deviation of a normal variable its standard deviation


def drivers(
    customers: IntoDataFrame | nw.DataFrame[Any],
    *,
    by: str = "segment",
    numbers: Sequence[str] = (),
    categories: Sequence[str] = (),
) -> pd.DataFrame:
    """Share of each column's variation that the segments explain, strongest first.

    For numbers eta squared, between / total sum of squares. For categories Goodman and Kruskal's tau (1954, JASA
    49, eq. 9a): the same ratio with Gini variation 1 - sum p**2, which equals eta squared, and Cramer's V squared,
    for two levels. Skewed columns are fairer judged as they were prepared: pass a frame that holds them so.

    Returns
    -------
    DataFrame with ``column kind explained`` (0 to 1; constant columns have 0)

    Examples
    --------
    >>> frame = pd.DataFrame({"segment": [1, 1, 2, 2], "spend": [1.0, 3.0, 5.0, 7.0], "city": list("aabb")})
    >>> drivers(frame, numbers=["spend"], categories=["city"]).values.tolist()
    [['city', 'category', 1.0], ['spend', 'number', 0.8]]
    """
    frame = segmented(customers, by)
    rows = [(column, "number", _eta_squared(frame, by, column)) for column in numbers]
    rows += [(column, "category", _tau(frame, by, column)) for column in categories]
    table = pd.DataFrame(rows, columns=["column", "kind", "explained"])
    return table.sort_values("explained", ascending=False, kind="stable", ignore_index=True)


def differences(profile: pd.DataFrame, *, top: int = 5) -> pd.DataFrame:
    """The `top` columns in which each segment differs most from all customers, by absolute effect.

    A category appears once, with its most telling level; of two that say the same, the one there is more of.

    Returns
    -------
    DataFrame with ``segment rank column level here all index index_of effect``
    """
    table = profile.dropna(subset=["effect"]).copy()
    table = table[table.effect.abs() > 1e-12]
    table["here"], table["all"] = figures(table)
    table["size"] = table.effect.abs().round(9)
    table = table.sort_values(["segment", "size", "effect"], ascending=[True, False, False], kind="stable")
    table = table.drop_duplicates(["segment", "column"]).groupby("segment", sort=False).head(top)
    table["rank"] = table.groupby("segment").cumcount() + 1
    columns = ["segment", "rank", "column", "level", "here", "all", "index", "index_of", "effect"]
    return table[columns].reset_index(drop=True)


def figures(profile: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The figure that ``index`` compares, here and among all: a median, a mean or a share."""
    of = profile.index_of
    here = profile["median"].where(of == "median", profile["mean"].where(of == "mean", profile.share))
    every = profile.all_median.where(of == "median", profile.all_mean.where(of == "mean", profile.all_share))
    return here, every


def separation(centers: np.ndarray, X: Any, labels: np.ndarray) -> pd.DataFrame:
    """How far each segment lies from its nearest neighbour, relative to the spread between the two.

    Parameters
    ----------
    centers : (k, p) array
    X : (n, p) array or CSR matrix, the prepared customers
    labels : (n,) array of int, 0-based

    Returns
    -------
    DataFrame with ``segment nearest distance spread ratio``, segments from 1; empty for one segment
        ``spread`` is the pooled standard deviation of both along the line through their centres; a `ratio` of
        2.65 is what halving one normal population gives, 4 and more leaves a gap.
    """
    rows = []
    far = np.linalg.norm(centers[:, None, :] - centers[None, :, :], axis=2)
    np.fill_diagonal(far, np.inf)
    for own in range(len(centers) if len(centers) > 1 else 0):
        other = int(far[own].argmin())
        line = (centers[other] - centers[own]) / far[own, other]
        along = np.asarray(X @ line).ravel()
        inside = [along[labels == s] - along[labels == s].mean() for s in (own, other) if (labels == s).any()]
        spread = float(np.sqrt(np.mean(np.concatenate(inside) ** 2)))
        ratio = far[own, other] / spread if spread > 0 else np.nan
        rows.append((own + 1, other + 1, far[own, other], spread, ratio))
    return pd.DataFrame(rows, columns=["segment", "nearest", "distance", "spread", "ratio"])


def unusual(
    customers: IntoDataFrame | nw.DataFrame[Any],
    *,
    by: str = "segment",
    numbers: Sequence[str] = (),
    id_column: str = "",
    prepared: IntoDataFrame | nw.DataFrame[Any] | None = None,
    top: int = 10,
) -> pd.DataFrame:
    """The customers that lie furthest out in their segment, and the column that says why.

    Parameters
    ----------
    customers : eager frame with `by`, ``distance``, ``outlier`` and the `numbers` in their own units
    id_column : str
        Name of the column with ids; empty: the row number from 1.
    prepared : eager frame, same rows, optional
        The `numbers` as they were segmented; deviations are measured in it, values shown are the original ones.

    Returns
    -------
    DataFrame with ``id segment distance column direction value typical deviation``, furthest first
        `direction` is ``very high`` or ``very low`` beyond 3 robust deviations from the median of the segment
        (`typical`), else ``high`` or ``low`` beyond 2, else `column` is empty: no single column explains it.
    """
    native = nw.from_native(customers, eager_only=True, pass_through=False)
    inside, distance = native["outlier"].to_numpy().astype(bool), native["distance"].to_numpy()
    segment = native[by].to_numpy()
    ids = native[id_column].to_list() if id_column else list(range(1, len(native) + 1))
    own = native.select(*[known(c).alias(c) for c in numbers]).to_numpy() if numbers else np.empty((len(native), 0))
    scored = own
    if prepared is not None and numbers:
        ready = nw.from_native(prepared, eager_only=True, pass_through=False)
        scored = ready.select(*[known(c).alias(c) for c in numbers]).to_numpy()
    chosen = np.flatnonzero(inside & (segment > 0))
    chosen = chosen[np.lexsort((chosen, -distance[chosen]))][:top]
    rows = [
        (ids[i], int(segment[i]), float(distance[i]), *_why(own, scored, segment == segment[i], int(i), numbers))
        for i in chosen
    ]
    columns = ["id", "segment", "distance", "column", "direction", "value", "typical", "deviation"]
    return pd.DataFrame(rows, columns=columns)


def _why(
    own: np.ndarray, scored: np.ndarray, mates: np.ndarray, row: int, numbers: Sequence[str]
) -> tuple[str, str, float, float, float]:
    """The number in which one customer lies furthest from its segment's middle."""
    nothing = ("", "", np.nan, np.nan, np.nan)
    if not numbers:
        return nothing
    with np.errstate(all="ignore"):
        middle = np.nanmedian(scored[mates], axis=0)
        spread = ROBUST * np.nanmedian(np.abs(scored[mates] - middle), axis=0)
        spread = np.where(spread > 0, spread, np.nanstd(scored[mates], axis=0))  # over half share one value
        deviation = np.where(spread > 0, (scored[row] - middle) / spread, 0.0)
    j = int(np.argmax(np.nan_to_num(np.abs(deviation))))
    size = abs(np.nan_to_num(deviation[j]))
    if size <= 2:
        return nothing
    direction = ("very " if size > VERY else "") + ("high" if deviation[j] > 0 else "low")
    return numbers[j], direction, float(own[row, j]), float(np.nanmedian(own[mates, j])), float(deviation[j])


def _eta_squared(frame: nw.DataFrame[Any], by: str, column: str) -> float:
    x = known(column)
    every = frame.select(n=x.count(), mean=x.mean(), var=x.var(ddof=0)).rows(named=True)[0]
    if not every["n"] or not every["var"]:
        return 0.0
    groups = frame.select(nw.col(by).alias("by"), x.alias("x")).group_by("by").agg(n=nw.col("x").count(), m=nw.col("x").mean())
    between = sum(n * (m - every["mean"]) ** 2 for _, n, m in groups.iter_rows() if n)
    return float(min(1.0, between / (every["n"] * every["var"])))


def _tau(frame: nw.DataFrame[Any], by: str, column: str) -> float:
    counts = frame.group_by(nw.col(by).alias("by"), nw.col(column).alias("level")).agg(n=nw.len())
    rows = [(s, level_text(v), n) for s, v, n in counts.iter_rows() if v is not None and v == v]
    if not rows:
        return 0.0
    cells = pd.DataFrame(rows, columns=["by", "level", "n"]).pivot_table(
        index="by", columns="level", values="n", aggfunc="sum", fill_value=0
    ).to_numpy(dtype=float)  # fmt: skip
    p = cells / cells.sum()
    gini = 1 - (p.sum(axis=0) ** 2).sum()
    within = (p**2 / p.sum(axis=1, keepdims=True)).sum()
    return float((within - (p.sum(axis=0) ** 2).sum()) / gini) if gini > 1e-12 else 0.0
