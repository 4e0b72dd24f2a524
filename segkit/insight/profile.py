"""What each segment looks like: one long table of figures against all customers, and one of sizes.

Numbers are described in their own units (mean, median, quantiles, share above zero), categories by the share
of each level. Missing values are left out of every figure, so a share is a share of the customers whose
value is known. Segment 0 (not scorable) is left out. No sentence, no ranking and no test lives here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from narwhals.typing import IntoDataFrame

LEVELS = 20  # a column with more levels shows its most frequent ones
BORDER = 0.55  # "near the border": fit below this
STANDS_STILL = 0.2  # a segment whose mean lies this many sd away, yet whose median does not move

PROFILE = [
    "segment", "column", "kind", "level", "n", "mean", "median", "q05", "q25", "q75", "q95", "share",
    "all_mean", "all_median", "all_share", "index", "index_of", "effect", "total_share",
]  # fmt: skip
OWN = ("mean", "median", "q05", "q25", "q75", "q95", "share", "index", "effect", "total_share", "v_test")
QUANTILES = {"q05": 0.05, "q25": 0.25, "q75": 0.75, "q95": 0.95}

Customers = IntoDataFrame | nw.DataFrame[Any]


def profile(
    customers: Customers, *, by: str = "segment", numbers: Sequence[str] = (), categories: Sequence[str] = ()
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
        ``n`` counts known values. ``index`` is the ratio to all customers of what ``index_of`` names: the
        median; the share above zero where the median of all is zero; the mean where medians are negative, or
        stand still although a segment differs. ``effect`` is (mean - all_mean) / all_sd, for a level (share
        - all_share) / sqrt(all_share (1 - all_share)). ``total_share`` is the part of the column's sum that
        the segment holds (columns without negative values), or of the customers with the level.

    Examples
    --------
    >>> frame = pd.DataFrame({"segment": [1, 1, 2, 2], "spend": [1.0, 3.0, 5.0, 7.0]})
    >>> profile(frame, numbers=["spend"])[["median", "all_median", "index"]].values.tolist()
    [[2.0, 4.0, 0.5], [6.0, 4.0, 1.5]]
    """
    frame = segmented(customers, by)
    segments = sorted(frame[by].unique().to_list())
    parts = [_of_numbers(frame, by, segments, numbers)] if numbers else []
    parts += [_of_levels(frame, by, segments, column) for column in categories]
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=PROFILE)
    table = pd.concat([part.reindex(columns=PROFILE) for part in parts], ignore_index=True)
    return table.sort_values("segment", kind="stable", ignore_index=True)


def sizes(
    customers: Customers, *, by: str = "segment", value: str = "", names: Sequence[str] = ()
) -> pd.DataFrame:
    """Count the customers of each segment, and what they are worth where `value` names a column.

    Returns
    -------
    DataFrame, one row per segment
        ``segment name customers share``, with `value` also ``value_sum value_share value_median``;
        ``near_border`` and ``outliers`` where the frame has the columns ``confidence`` and ``outlier``.

    Examples
    --------
    >>> frame = pd.DataFrame({"segment": [1, 1, 1, 2], "spend": [1, 2, 3, 6]})
    >>> sizes(frame, value="spend").value_share.tolist()
    [0.5, 0.5]
    """
    frame = segmented(customers, by)
    segments, own = np.unique(frame[by].to_numpy().astype(int), return_inverse=True)
    counts = np.bincount(own, minlength=len(segments))
    table = pd.DataFrame({"segment": segments, "name": list(names) or [""] * len(segments)})
    table = table.assign(customers=counts, share=counts / counts.sum())
    if value:
        worth = pd.Series(floats(frame, [value])[0]).groupby(own)
        total = worth.sum().sum()
        table["value_sum"] = worth.sum().to_numpy()
        table["value_share"] = table["value_sum"] / total if total > 0 else np.nan
        table["value_median"] = worth.median().to_numpy()
    for told, column in (("near_border", "confidence"), ("outliers", "outlier")):
        if column in frame.columns:
            x = floats(frame, [column])[0]
            marked = x < BORDER if column == "confidence" else x > 0
            table[told] = np.bincount(own, weights=marked, minlength=len(segments)).astype(int)
    return table


def withheld(profile: pd.DataFrame, least: int) -> pd.DataFrame:
    """Take out of a profile what rests on fewer than `least` customers, so that it can be published.

    Of a level that few in a segment have, and of a number that few in a segment have, only that it is
    withheld is said; nobody having a level is no secret. Where one cell could be told from the total and the
    others, the smallest other goes too (complementary suppression: Hundepool et al. 2012, Statistical
    Disclosure Control, chapter 4).

    Examples
    --------
    >>> counts = [[40, 30, 30], [50, 3, 47], [20, 60, 20]]
    >>> rows = [(s + 1, "abc"[j]) for s in range(3) for j in range(3) for _ in range(counts[s][j])]
    >>> made = profile(pd.DataFrame(rows, columns=["segment", "plan"]), categories=["plan"])
    >>> withheld(made, 10).pivot(index="segment", columns="level", values="share").values.tolist()
    [[0.4, nan, nan], [0.5, nan, nan], [0.2, 0.6, 0.2]]
    """
    if least < 2 or profile.empty:
        return profile.assign(withheld=False)
    level = (profile["kind"] == "category").to_numpy()
    held = np.where(level, np.rint((profile["share"] * profile["n"]).to_numpy(dtype=float)), profile["n"])
    told = profile.assign(held=held, withheld=(held > 0) & (held < least))
    for _, column in told[told["column"].isin(told.loc[told["withheld"], "column"])].groupby("column"):
        cells = column.pivot_table(index="segment", columns="level", values="held")
        rows = column.assign(row=column.index).pivot_table(index="segment", columns="level", values="row")
        told.loc[rows.to_numpy()[suppressed(cells.to_numpy(), least)], "withheld"] = True
    told.loc[told["withheld"], list(OWN)] = np.nan
    return told.drop(columns="held")


def guarded(sizes: pd.DataFrame, least: int) -> pd.DataFrame:
    """Take out of `sizes` what a segment of fewer than `least` customers is worth, and what would tell it."""
    hidden = suppressed(sizes["customers"].to_numpy()[:, None], least)[:, 0]
    worth = [name for name in map(str, sizes) if name.startswith("value_")]
    return sizes.assign(**{name: sizes[name].astype(float).mask(hidden) for name in worth})


def counts_withheld(table: pd.DataFrame, row: str, column: str, least: int) -> pd.DataFrame:
    """Take counts under `least` out of a table of `row`, `column` and ``customers``, as `withheld` does."""
    if table.empty:
        return table.assign(withheld=False)
    cells = table.pivot_table(index=row, columns=column, values="customers", fill_value=0)
    hidden = pd.DataFrame(suppressed(cells.to_numpy(), least), index=cells.index, columns=cells.columns)
    gone = np.array([hidden.loc[pair] for pair in zip(table[row], table[column], strict=True)], dtype=bool)
    told = table.assign(withheld=gone, customers=table["customers"].astype("Int64").mask(gone))
    return told.assign(share=table["share"].astype(float).mask(gone)) if "share" in table else told


def suppressed(counts: np.ndarray, least: int) -> np.ndarray:
    """Return which cells, (segments, levels), to hide: those under `least`, and what would tell them.

    No line is left with just one hidden cell: what serves two lines goes first, then what is small.
    """
    hidden = (counts > 0) & (counts < least)
    while True:
        lone = [(axis, int(i)) for axis in (0, 1) for i in np.flatnonzero(hidden.sum(axis=1 - axis) == 1)]
        lone = [(axis, i) for axis, i in lone if hidden.shape[1 - axis] > 1]
        if not lone:
            return hidden
        axis, i = lone[0]
        line, crossing = (hidden[i], hidden.sum(axis=0)) if axis == 0 else (hidden[:, i], hidden.sum(axis=1))
        size = counts[i] if axis == 0 else counts[:, i]
        best = min(
            np.flatnonzero(~line), key=lambda j: (crossing[j] != 1, crossing[j] == 0, size[j] == 0, size[j])
        )
        line[best] = True


def figures(profile: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the figure that ``index`` compares, here and among all: a median, a mean or a share."""
    of = profile.index_of
    here = profile["median"].where(of == "median", profile["mean"].where(of == "mean", profile.share))
    every = profile.all_median.where(of == "median", profile.all_mean.where(of == "mean", profile.all_share))
    return here, every


def segmented(customers: Customers, by: str) -> nw.DataFrame[Any]:
    """Return the customers that have a segment, as a narwhals frame."""
    frame = nw.from_native(customers, eager_only=True, pass_through=False)
    return frame.filter(nw.col(by) > 0)


def known(column: str) -> nw.Expr:
    """Return the column as floats in which NaN is missing on every backend."""
    number = nw.col(column).cast(nw.Float64)
    return nw.when(~number.is_nan()).then(number)


def level_counts(frame: nw.DataFrame[Any], by: str, column: str) -> pd.DataFrame:
    """Count the customers of each segment (rows) with each level (columns); 1.0 reads ``1``."""
    codes, values = pd.factorize(frame[column].to_pandas())
    levels = [_text(value) for value in np.asarray(values, dtype=object)]
    here = codes >= 0
    segments, own = np.unique(frame[by].to_numpy()[here], return_inverse=True)
    counts = np.bincount(own * len(levels) + codes[here], minlength=len(segments) * len(levels))
    index = pd.Index(segments.astype(int), name="segment")
    table = pd.DataFrame(
        counts.reshape(len(segments), len(levels)).T, index=pd.Index(levels, name="level"), columns=index
    )
    return table.groupby(level=0).sum().T


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def floats(frame: nw.DataFrame[Any], columns: Sequence[str]) -> list[np.ndarray]:
    """Return columns as floats, NaN where a value is missing."""
    return [frame[column].cast(nw.Float64).to_numpy().astype(float) for column in columns]


def _statistics(values: Sequence[np.ndarray], numbers: Sequence[str]) -> pd.DataFrame:
    """Describe arrays of known values: one row per column."""
    rows = []
    for x in values:
        n = len(x)
        at = np.quantile(x, [0.5, *QUANTILES.values()]) if n else np.full(5, np.nan)
        middle = (x.mean(), x.std(ddof=1) if n > 1 else np.nan, x.min()) if n else [np.nan] * 3
        rows.append((n, *middle, (x > 0).sum() / n if n else np.nan, *at))
    names = ["n", "mean", "sd", "min", "share", "median", *QUANTILES]
    return pd.DataFrame(rows, columns=names).assign(column=list(numbers)).set_index("column", drop=False)


def _of_numbers(
    frame: nw.DataFrame[Any], by: str, segments: Sequence[int], numbers: Sequence[str]
) -> pd.DataFrame:
    own, values = frame[by].to_numpy(), floats(frame, numbers)
    here = [~np.isnan(x) for x in values]
    every, parts = _statistics([x[k] for x, k in zip(values, here, strict=True)], numbers), []
    total = (every.n * every["mean"]).where((every["min"] >= 0) & (every["mean"] > 0))
    for segment in segments:
        inside = own == segment
        part = _statistics([x[k & inside] for x, k in zip(values, here, strict=True)], numbers)
        part["effect"] = ((part["mean"] - every["mean"]) / every.sd).where(every.sd > 0, 0.0)
        part["total_share"] = part.n * part["mean"] / total
        part[["all_mean", "all_median", "all_share"]] = every[["mean", "median", "share"]]
        parts.append(part.assign(segment=int(segment), kind="number", level=""))
    table = pd.concat(parts, ignore_index=True)
    still = (table["median"] == table.all_median) & (table.effect.abs() >= STANDS_STILL)
    mean = (still & (table.all_median > 0)) | (table["median"] < 0) | (table.all_median < 0)
    mean = mean.groupby(table.column).transform("any")
    table["index_of"] = np.select([mean, table.all_median == 0], ["mean", "share above zero"], "median")
    typical, all_typical = figures(table)
    table["index"] = (typical / all_typical).where((all_typical > 0) & (typical >= 0))
    return table


def _of_levels(frame: nw.DataFrame[Any], by: str, segments: Sequence[int], column: str) -> pd.DataFrame:
    counts = level_counts(frame, by, column).reindex([int(s) for s in segments], fill_value=0)
    if counts.empty:
        return counts
    levels = counts.sum().sort_values(ascending=False, kind="stable").index[:LEVELS]
    known_here, every = counts.sum(axis=1), counts.sum() / counts.to_numpy().sum()
    table = (
        counts[levels].rename_axis("segment").melt(var_name="level", value_name="held", ignore_index=False)
    )
    table = table.reset_index().assign(kind="category", column=column, index_of="share")
    table["n"] = table.segment.map(known_here)
    table["share"], table["all_share"] = table.held / table.n, table.level.map(every)
    table["index"] = table.share / table.all_share
    sd = np.sqrt(table.all_share * (1 - table.all_share))
    table["effect"] = ((table.share - table.all_share) / sd).where(sd > 0, 0.0)
    table["total_share"] = table.held / table.level.map(counts.sum())
    return table
