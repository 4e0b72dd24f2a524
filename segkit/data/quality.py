"""The quality report: gates that pass, warn or fail, and which numbers move together.

Gates read the table that `columns.describe` made; the rows themselves are looked at twice only, for repeated rows and
for ranks. A gate says what was found and why it matters; what follows from a failing gate is decided in `study`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.stats import rankdata

_FEW_ROWS = 50  # below this a segment of a tenth has five customers
_GAPS = 0.2  # share of missing values from which filling them in makes up a good part of a column
_SAME = 0.95  # rank correlation from which two columns say the same
_SKEW = 2.0  # beyond it a few large values decide every mean and distance
_LEVELS = 50  # categories with more levels are mostly "other"


def check(frame: Any, columns: pd.DataFrame, ranks: pd.DataFrame | None = None) -> pd.DataFrame:
    """Judge a table before anything is made of it.

    Parameters
    ----------
    frame : pandas, polars or pyarrow frame
        One row per customer.
    columns : DataFrame
        What `segkit.data.columns.describe` said about it.
    ranks : DataFrame, optional
        The result of `correlation` for the columns of numbers in use, when it is known already.

    Returns
    -------
    DataFrame
        One row per gate: ``check, found, status ("pass", "warn" or "fail"), reason``.

    Examples
    --------
    >>> from segkit.data.columns import describe
    >>> table = pd.DataFrame({"spend": [1.0, 2.0, None], "plan": ["a", "b", "a"]})
    >>> gates = check(table, describe(table))
    >>> gates[gates["check"] == "Missing values"].iloc[0].to_list()
    ['Missing values', '1 of 6 values, most in Spend (33.3 %)', 'warn', 'over 20 % of a column would be filled in']
    """
    table = nw.from_native(frame, eager_only=True, pass_through=False)
    used = columns[columns["use"] == "feature"]
    if ranks is None:
        ranks = correlation(frame, used.loc[used["role"].isin(["number", "money"]), "column"].to_list())
    gates = [
        _rows(len(table)), _usable(used), _repeated(table, columns), _ids(columns), _missing(used), _constant(columns), _skew(used),
        _far_out(used), _levels(used), _same(ranks, columns), _left_out(columns),
    ]  # fmt: skip
    return pd.DataFrame(gates, columns=["check", "found", "status", "reason"])


def correlation(frame: Any, numbers: Sequence[str]) -> pd.DataFrame:
    """Return Spearman's rank correlation of columns of numbers.

    Each column is ranked over its own values (ties share their mean rank) and each pair is correlated over the rows where both are
    there. A constant column goes with nothing: 0.

    Parameters
    ----------
    frame : pandas, polars or pyarrow frame
        One row per customer.
    numbers : sequence of str
        The columns; none give an empty table.

    Returns
    -------
    DataFrame
        Square, index and columns as `numbers`, values from -1 to 1.

    Examples
    --------
    >>> correlation(pd.DataFrame({"a": [1, 2, 3], "b": [1, 10, 100], "c": [5, 4, 3]}), ["a", "b", "c"]).loc["a"].to_list()
    [1.0, 1.0, -1.0]
    """
    names = list(numbers)
    if not names:
        return pd.DataFrame(dtype="float64")
    table = nw.from_native(frame, eager_only=True, pass_through=False).select(nw.col(*names).cast(nw.Float64))
    values = np.column_stack([table[name].to_numpy() for name in names])
    seen = (~np.isnan(values)).astype("float64")
    centred = np.zeros_like(values)
    for at in range(len(names)):
        there = seen[:, at] > 0
        centred[there, at] = rankdata(values[there, at]) - (there.sum() + 1) / 2  # ranks less their mean
    pairs, sums, squares = seen.T @ seen, centred.T @ seen, (centred**2).T @ seen
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (squares - sums**2 / pairs) * (squares - sums**2 / pairs).T
        matrix = (centred.T @ centred - sums * sums.T / pairs) / np.sqrt(spread)
    matrix = np.clip(np.nan_to_num(matrix, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    return pd.DataFrame(matrix, index=names, columns=names)


_Gate = tuple[str, str, str, str]


def _gate(check: str, found: str, status: str, reason: str = "") -> _Gate:
    return check, found, status, reason if status != "pass" else ""


def _rows(rows: int) -> _Gate:
    status = "fail" if rows < 2 else "warn" if rows < _FEW_ROWS else "pass"
    return _gate(
        "Rows",
        f"{rows:,}",
        status,
        f"under {_FEW_ROWS} customers hardly any grouping can be told from chance",
    )


def _usable(used: pd.DataFrame) -> _Gate:
    found = f"{len(used):,} ({used['role'].isin(['number', 'money']).sum():,} of numbers)"
    return _gate(
        "Columns in use", found, "pass" if len(used) else "fail", "no column is left to tell customers apart"
    )


def _repeated(table: nw.DataFrame[Any], columns: pd.DataFrame) -> _Gate:
    """Count rows that say nothing new; without an id equal rows may well be different customers."""
    hashable = columns.loc[columns["role"] != "empty", "column"].to_list()
    repeated = len(table) - len(table.select(hashable).unique(maintain_order=False)) if hashable else 0
    has_id = bool((columns["use"] == "id").any())
    status = "warn" if repeated > (0 if has_id else 0.1 * len(table)) else "pass"
    return _gate(
        "Repeated rows",
        _share(repeated, len(table)),
        status,
        "the same row again, id included" if has_id else "many rows are equal",
    )


def _ids(columns: pd.DataFrame) -> _Gate:
    ids = columns[columns["use"] == "id"]
    if ids.empty:
        return _gate("Customer id", "none; rows are counted from 1", "pass")
    row = ids.iloc[0]
    again = int(row["rows"] - row["missing"] - row["distinct"])
    faults = [
        f"{count:,} {fault}" for count, fault in ((again, "repeated"), (row["missing"], "missing")) if count
    ]
    found = f"{row['column']}: {' and '.join(faults) or 'every one is different'}"
    return _gate(
        "Customer id",
        found,
        "warn" if faults else "pass",
        "one row per customer is expected; a log of orders must be summed first",
    )


def _missing(used: pd.DataFrame) -> _Gate:
    missing, cells = int(used["missing"].sum()), int(used["rows"].sum())
    if not missing:
        return _gate("Missing values", "none", "pass")
    most = used.loc[used["missing_share"].idxmax()]
    found = f"{missing:,} of {cells:,} values, most in {most['label']} ({_percent(most['missing_share'])})"
    return _gate(
        "Missing values",
        found,
        "warn" if most["missing_share"] > _GAPS else "pass",
        f"over {_GAPS:.0%} of a column would be filled in".replace("%", " %"),
    )


def _constant(columns: pd.DataFrame) -> _Gate:
    names = columns.loc[columns["role"].isin(["constant", "empty"]), "label"].to_list()
    return _gate(
        "Constant columns",
        _names(names),
        "warn" if names else "pass",
        "they tell no customers apart and are left out",
    )


def _skew(used: pd.DataFrame) -> _Gate:
    skewed = used[used["role"].isin(["number", "money"]) & (used["skew"].abs() > _SKEW)]
    if skewed.empty:
        return _gate("Skew", f"no column beyond {_SKEW:g}", "pass")
    most = skewed.loc[skewed["skew"].abs().idxmax()]
    found = f"{len(skewed):,} columns beyond {_SKEW:g}, most {most['label']} ({most['skew']:.1f})"
    return _gate("Skew", found, "warn", "a few large values would decide; a transform is advised")


def _far_out(used: pd.DataFrame) -> _Gate:
    numbers = used[used["outliers"].notna() & (used["outliers"] > 0)]
    if numbers.empty:
        return _gate("Far-out values", "none", "pass")
    share = numbers["outliers"] / (numbers["rows"] - numbers["missing"])
    most = numbers.loc[share.idxmax()]
    found = f"in {len(numbers):,} columns, most in {most['label']} ({_percent(share.max())})"
    return _gate(
        "Far-out values",
        found,
        "warn" if share.max() > 0.05 else "pass",
        "over 5 % of a column lies far outside its middle half",
    )


def _levels(used: pd.DataFrame) -> _Gate:
    many = used[(used["role"] == "category") & (used["distinct"] > _LEVELS)]
    names = [f"{row.label} ({row.distinct:,})" for row in many.itertuples()]
    return _gate(
        "Categories with many levels",
        _names(names),
        "warn" if names else "pass",
        "rare levels are taken together",
    )


def _same(ranks: pd.DataFrame, columns: pd.DataFrame) -> _Gate:
    labels = dict(zip(columns["column"], columns["label"], strict=True))
    values = np.triu(np.abs(ranks.to_numpy(dtype="float64")), 1) if len(ranks) else np.empty((0, 0))
    pairs = [
        f"{labels[ranks.index[a]]} and {labels[ranks.columns[b]]}"
        for a, b in zip(*np.nonzero(values >= _SAME), strict=True)
    ]
    return _gate(
        "Columns that say the same",
        _names(pairs),
        "warn" if pairs else "pass",
        "what both say counts twice; one of them could go",
    )


def _left_out(columns: pd.DataFrame) -> _Gate:
    return _gate(
        "Columns left out", _names(columns.loc[columns["use"] == "left out", "label"].to_list()), "pass"
    )


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more if names else "none"


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({_percent(part / whole)})" if part else "none"


def _percent(share: float) -> str:
    return "under 0.1 %" if share < 0.0005 else f"{100 * share:.1f} %"
