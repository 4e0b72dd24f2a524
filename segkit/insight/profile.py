"""What each segment looks like: one long table of numbers against all customers, and one of sizes.

Numbers are described in their own units (mean, median, quantiles, share above zero), categories by the share of each
level. Missing values are left out of every figure, so a share is a share of the customers whose value is known.
Segment 0 (not scorable) is left out. No sentence, no ranking and no test lives here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoDataFrame

LEVELS = 20  # a column with more levels shows its most frequent ones
BORDER = 0.55  # "near the border": fit below this
STANDS_STILL = 0.2  # a segment whose mean lies this many sd away, yet whose median does not move

PROFILE = (
    "segment column kind level n mean median q05 q25 q75 q95 share all_mean all_median all_share "
    "index index_of effect total_share"
).split()
QUANTILES = {"q05": 0.05, "q25": 0.25, "q75": 0.75, "q95": 0.95}


def profile(
    customers: IntoDataFrame | nw.DataFrame[Any],
    *,
    by: str = "segment",
    numbers: Sequence[str] = (),
    categories: Sequence[str] = (),
) -> pd.DataFrame:
    """Describe every segment, column by column, against all customers.

    Parameters
    ----------
    customers : eager frame
        One row per customer, with the column `by`: 1..k, or 0 for customers that have no segment.
    numbers, categories : sequence of str
        The columns to describe, in their own units.

    Returns
    -------
    DataFrame, one row per segment and number, or segment, category and level
        ``n`` counts known values. ``index`` is the ratio to all customers of what ``index_of`` names: the median;
        the share above zero where the median of all is zero; the mean where the median stands still although the
        segment differs, or is not positive. ``effect`` is (mean - all_mean) / all_sd, for a level
        (share - all_share) / sqrt(all_share (1 - all_share)). ``total_share`` is the part of the column's sum
        that the segment holds (columns without negative values).

    Examples
    --------
    >>> frame = pd.DataFrame({"segment": [1, 1, 2, 2], "spend": [1.0, 3.0, 5.0, 7.0]})
    >>> profile(frame, numbers=["spend"])[["segment", "median", "all_median", "index"]].values.tolist()
    [[1.0, 2.0, 4.0, 0.5], [2.0, 6.0, 4.0, 1.5]]
    """
    frame = segmented(customers, by)
    segments = sorted(frame[by].unique().to_list())
    parts = [_profile_numbers(frame, by, segments, numbers)]
    parts += [_profile_levels(frame, by, segments, column) for column in categories]
    table = pd.concat([p for p in parts if len(p)] or parts, ignore_index=True).reindex(columns=PROFILE)
    order = {column: i for i, column in enumerate([*numbers, *categories])}
    keys = table.column.map(order)
    return table.iloc[np.lexsort((np.arange(len(table)), keys, table.segment))].reset_index(drop=True)


def sizes(
    customers: IntoDataFrame | nw.DataFrame[Any],
    *,
    by: str = "segment",
    value: str = "",
    names: Sequence[str] = (),
) -> pd.DataFrame:
    """Count the customers of each segment, and what they are worth where `value` names a column.

    Returns
    -------
    DataFrame, one row per segment
        ``segment name customers share``, with `value` also ``value_sum value_share value_median``; ``near_border``
        and ``outliers`` where the frame has the columns ``confidence`` and ``outlier``.
    """
    frame = segmented(customers, by)
    wanted = {"customers": nw.len()}
    if value:
        wanted |= {"value_sum": known(value).sum(), "value_median": known(value).median()}
    if "confidence" in frame.columns:
        wanted["near_border"] = (nw.col("confidence") < BORDER).cast(nw.Int64).sum()
    if "outlier" in frame.columns:
        wanted["outliers"] = nw.col("outlier").cast(nw.Int64).sum()
    segments = sorted(frame[by].unique().to_list())
    rows = [frame.filter(nw.col(by) == s).select(**wanted).rows(named=True)[0] for s in segments]
    table = pd.DataFrame(rows)
    table.insert(0, "segment", [int(s) for s in segments])
    table.insert(1, "name", list(names) or [""] * len(segments))
    table.insert(3, "share", table.customers / table.customers.sum())
    if value:
        total = table.value_sum.sum()
        table.insert(5, "value_share", table.value_sum / total if total > 0 else np.nan)
    return table


def segmented(customers: IntoDataFrame | nw.DataFrame[Any], by: str) -> nw.DataFrame[Any]:
    """The customers that have a segment, as a narwhals frame."""
    frame = nw.from_native(customers, eager_only=True, pass_through=False)
    return frame.filter(nw.col(by) > 0)


def known(column: str) -> nw.Expr:
    """The column as floats in which NaN is missing on every backend."""
    number = nw.col(column).cast(nw.Float64)
    return nw.when(~number.is_nan()).then(number)


def level_text(value: object) -> str:
    """A level as text: 1.0 in a column of codes reads ``1``."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _statistics(frame: nw.DataFrame[Any], numbers: Sequence[str]) -> pd.DataFrame:
    """One row per column, from one select of aggregates."""
    wanted: dict[str, nw.Expr] = {}
    for i, column in enumerate(numbers):
        x = known(column)
        wanted |= {f"{i} n": x.count(), f"{i} mean": x.mean(), f"{i} median": x.median(), f"{i} sd": x.std()}
        wanted |= {f"{i} min": x.min(), f"{i} above": (x > 0).cast(nw.Int64).sum()}
        wanted |= {f"{i} {q}": x.quantile(at, interpolation="linear") for q, at in QUANTILES.items()}
    found = frame.select(**wanted).rows(named=True)[0]
    rows = [
        {key.split()[1]: found[key] for key in found if key.startswith(f"{i} ")} for i in range(len(numbers))
    ]
    table = pd.DataFrame(rows, index=list(numbers)).astype(float)
    table["share"] = table.above / table.n
    return table


def _profile_numbers(
    frame: nw.DataFrame[Any], by: str, segments: Sequence[int], numbers: Sequence[str]
) -> pd.DataFrame:
    if not numbers:
        return pd.DataFrame(columns=PROFILE)
    every = _statistics(frame, numbers)
    parts = []
    for segment in segments:
        part = _statistics(frame.filter(nw.col(by) == segment), numbers)
        part["effect"] = ((part["mean"] - every["mean"]) / every.sd).where(every.sd > 0, 0.0)
        total = (every.n * every["mean"]).where((every["min"] >= 0) & (every["mean"] > 0))
        part["total_share"] = part.n * part["mean"] / total
        parts.append(part.assign(segment=int(segment), kind="number", level="", column=list(numbers)))
    table = pd.concat(parts)
    for name in ("mean", "median", "share"):
        table[f"all_{name}"] = every[name].reindex(table.index).to_numpy()
    return _with_index(table.astype({"n": "int64"}).reset_index(drop=True))


def _with_index(table: pd.DataFrame) -> pd.DataFrame:
    """Ratio to all customers, of the one figure that fits the column in every segment."""
    stuck = (table["median"] == table.all_median) & (table.effect.abs() >= STANDS_STILL)
    for column, rows in table.groupby("column", sort=False):
        middle = rows.all_median.iloc[0]
        of = "median" if middle > 0 else "share above zero" if middle == 0 else "mean"
        if (of == "median" and stuck[rows.index].any()) or (rows["median"] < 0).any():
            of = "mean"
        table.loc[table.column == column, "index_of"] = of
    names = table.index_of.replace({"share above zero": "share"})
    here = [row[name] for (_, row), name in zip(table.iterrows(), names, strict=True)]
    every = np.array([row[f"all_{name}"] for (_, row), name in zip(table.iterrows(), names, strict=True)])
    fair = (every > 0) & (np.asarray(here) >= 0)
    table["index"] = np.where(fair, np.asarray(here) / np.where(fair, every, 1.0), np.nan)
    return table


def _profile_levels(
    frame: nw.DataFrame[Any], by: str, segments: Sequence[int], column: str
) -> pd.DataFrame:
    """Share of each level of one column, in each segment and in all."""
    counts = frame.group_by(nw.col(by).alias("segment"), nw.col(column).alias("level")).agg(n=nw.len())
    rows = [row for row in counts.iter_rows() if row[1] is not None and row[1] == row[1]]
    found = pd.DataFrame([(int(s), level_text(level), n) for s, level, n in rows], columns=["segment", "level", "n"])
    cells = found.pivot_table(index="segment", columns="level", values="n", aggfunc="sum", fill_value=0)
    cells = cells.reindex([int(s) for s in segments], fill_value=0)
    top = cells.sum().sort_values(ascending=False, kind="stable").index[:LEVELS]
    return pd.DataFrame(_level_rows(cells, list(top), column), columns=PROFILE)


def _level_rows(cells: pd.DataFrame, levels: list[str], column: str) -> Iterator[dict[str, Any]]:
    n, every = cells.sum(axis=1), cells.to_numpy().sum()
    for segment in cells.index:
        for level in levels:
            all_share = cells[level].sum() / every
            share = cells.at[segment, level] / n[segment] if n[segment] else np.nan
            sd = np.sqrt(all_share * (1 - all_share))
            yield {
                "segment": segment, "column": column, "kind": "category", "level": level, "n": int(n[segment]),
                "share": share, "all_share": all_share, "index": share / all_share, "index_of": "share",
                "effect": (share - all_share) / sd if sd > 0 else 0.0,
                "total_share": cells.at[segment, level] / cells[level].sum(),
            }  # fmt: skip
