"""The quality report: gates that pass, warn or fail, and which numbers move together.

Gates read the table that `columns.describe` made; the rows themselves are looked at for repeated rows, for
ranks and for `traps` only. A gate says what was found and why it matters; what follows from a failing gate is
decided in `study`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.stats import rankdata

from segkit.data import copies, roles, traps

_FEW_ROWS = 50  # below this a segment of a tenth has five customers
_GAPS = 0.2  # share of missing values from which filling them in makes up a good part of a column
_FAR = 0.05  # share of far-out values from which they are no accident
_SAME = 0.95  # rank correlation from which two columns say the same
_SKEW = 2.0  # beyond it a few large values decide every mean and distance
_NEARLY = 0.99  # share of one value from which a column says next to nothing
# Words of columns that a model made, or that are what one would predict.
_ANSWERS = {
    "predicted", "prediction", "predict", "probability", "proba", "propensity", "churn", "churned",
    "attrition", "target", "label", "outcome", "response", "responded", "cluster", "segment", "clv", "ltv",
}  # fmt: skip
_LEVELS = 50  # categories with more levels are mostly "other"

_Gate = tuple[str, str, str, str]


def check(
    frame: Any, columns: pd.DataFrame, ranks: pd.DataFrame | None = None, *, min_rows: int = 2,
    max_missing_warn: float = _GAPS, max_missing_fail: float = 1.0, max_duplicate_ids_fail: float = 1.0,
) -> pd.DataFrame:  # fmt: skip
    """Judge a table before anything is made of it.

    Parameters
    ----------
    frame : pandas, polars or pyarrow frame
        One row per customer.
    columns : DataFrame
        What `segkit.data.columns.describe` said about it.
    ranks : DataFrame, optional
        The result of `correlation` for the columns of numbers in use, when it is known already.
    min_rows : int
        Fewer rows fail.
    max_missing_warn, max_missing_fail : float
        Share of missing values (0 to 1) of the worst column in use beyond which it is noted, or fails.
    max_duplicate_ids_fail : float
        Share of the rows (0 to 1) whose id stands in an earlier row beyond which the table fails.

    Returns
    -------
    DataFrame
        One row per gate: ``check, found, status ("pass", "warn" or "fail"), reason``.

    Examples
    --------
    >>> from segkit.data.columns import describe
    >>> table = pd.DataFrame({"spend": [1.0, 2.0, None], "plan": ["a", "b", "a"]})
    >>> gates = check(table, describe(table)).set_index("check")
    >>> gates.loc["Missing values", ["found", "status"]].to_list()
    ['1 of 6 values, most in Spend (33.3 %)', 'warn']
    """
    table = nw.from_native(frame, eager_only=True, pass_through=False)
    used = columns[columns["use"] == "feature"]
    numbers = used[used["role"].isin(["number", "money"])]
    if ranks is None:
        ranks = correlation(frame, numbers["column"].to_list())
    gates = [
        _rows(len(table), min_rows), _usable(used, numbers), _repeated(table, columns),
        _ids(columns, max_duplicate_ids_fail),
        _missing(used, max_missing_warn, max_missing_fail),
        _constant(columns), _skew(numbers), _far_out(numbers), _levels(used),
        _same(ranks, columns, copies.find(table, used)),
        *(_gate(name, found, reason, warn=warn) for name, found, reason, warn in traps.find(table, numbers)),
        _nearly_constant(used), _answers(used), _personal(columns), _left_out(columns),
    ]  # fmt: skip
    return pd.DataFrame(gates, columns=["check", "found", "status", "reason"])


def correlation(frame: Any, numbers: Sequence[str]) -> pd.DataFrame:
    """Return Spearman's rank correlation of columns of numbers.

    Each column is ranked over its own values (ties share their mean rank) and each pair is correlated over
    the rows where both are there. A constant column goes with nothing: 0.

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
    >>> table = pd.DataFrame({"a": [1, 2, 3], "b": [1, 10, 100], "c": [5, 4, 3]})
    >>> correlation(table, ["a", "b", "c"]).loc["a"].to_list()
    [1.0, 1.0, -1.0]
    """
    names = list(numbers)
    if not names:
        return pd.DataFrame(dtype="float64")
    table = nw.from_native(frame, eager_only=True, pass_through=False)
    values = np.column_stack([table[name].cast(nw.Float64).to_numpy() for name in names])
    seen = (~np.isnan(values)).astype("float64")
    centred = np.zeros_like(values)
    for at in range(len(names)):
        there = seen[:, at] > 0
        centred[there, at] = rankdata(values[there, at]) - (there.sum() + 1) / 2  # ranks less their mean
    pairs, sums, squares = seen.T @ seen, centred.T @ seen, (centred**2).T @ seen
    with np.errstate(divide="ignore", invalid="ignore"):
        around = squares - sums**2 / pairs
        matrix = (centred.T @ centred - sums * sums.T / pairs) / np.sqrt(around * around.T)
    matrix = np.clip(np.nan_to_num(matrix, nan=0.0, posinf=0.0, neginf=0.0), -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    return pd.DataFrame(matrix, index=names, columns=names)


def _gate(check: str, found: str, reason: str, *, warn: bool, fail: bool = False) -> _Gate:
    status = "fail" if fail else "warn" if warn else "pass"
    return check, found, status, reason if status != "pass" else ""


def _rows(rows: int, least: int) -> _Gate:
    reason = (
        f"at least {least:,} are asked for"
        if rows < least
        else f"under {_FEW_ROWS} customers hardly any grouping can be told from chance"
    )
    return _gate("Rows", f"{rows:,}", reason, warn=rows < _FEW_ROWS, fail=rows < least)


def _usable(used: pd.DataFrame, numbers: pd.DataFrame) -> _Gate:
    found = f"{len(used):,} ({len(numbers):,} of numbers)"
    return _gate(
        "Columns in use", found, "no column is left to tell customers apart", warn=False, fail=used.empty
    )


def _repeated(table: nw.DataFrame[Any], columns: pd.DataFrame) -> _Gate:
    """Count rows that say nothing new; without an id equal rows may well be different customers."""
    filled = columns.loc[columns["role"] != "empty", "column"].to_list()
    repeated = len(table) - len(table.select(filled).unique(maintain_order=False)) if filled else 0
    has_id = bool((columns["use"] == "id").any())
    reason = "the same row again, id included" if has_id else "many rows are equal"
    return _gate(
        "Repeated rows",
        _share(repeated, len(table)),
        reason,
        warn=repeated > (0 if has_id else len(table) / 10),
    )


def _ids(columns: pd.DataFrame, fail: float) -> _Gate:
    ids = columns[columns["use"] == "id"]
    if ids.empty:
        return _gate("Customer id", "none; rows are counted from 1", "", warn=False)
    row = ids.iloc[0]
    again = int(row["rows"] - row["missing"] - row["distinct"])
    faults = [
        f"{count:,} {fault}" for count, fault in ((again, "repeated"), (row["missing"], "missing")) if count
    ]
    reason = "one row per customer is expected; a log of orders must be summed first"
    found = f"{row['column']}: {', '.join(faults) or 'no two alike'}"
    return _gate("Customer id", found, reason, warn=bool(faults), fail=again > fail * row["rows"])


def _missing(used: pd.DataFrame, warn: float, fail: float) -> _Gate:
    missing, cells = int(used["missing"].sum()), int(used["rows"].sum())
    if not missing:
        return _gate("Missing values", "none", "", warn=False)
    most, share = _most(used, used["missing_share"])
    found = f"{missing:,} of {cells:,} values, most in {most} ({_percent(share)})"
    reason = f"over {_percent(fail if share > fail else warn)} of a column would be filled in"
    return _gate("Missing values", found, reason, warn=share > warn, fail=share > fail)


def _constant(columns: pd.DataFrame) -> _Gate:
    names = columns.loc[columns["role"].isin(["constant", "empty"]), "label"].to_list()
    return _gate(
        "Constant columns", _names(names), "they tell no customers apart and are left out", warn=bool(names)
    )


def _skew(numbers: pd.DataFrame) -> _Gate:
    skewed = numbers[numbers["skew"].abs() > _SKEW]
    if skewed.empty:
        return _gate("Skew", f"no column beyond {_SKEW:g}", "", warn=False)
    most, skew = _most(skewed, skewed["skew"].abs())
    found = f"{_columns(len(skewed))} beyond {_SKEW:g}, most in {most} ({skew:.1f} away from 0)"
    return _gate("Skew", found, "a few large values would decide; a transform is advised", warn=True)


def _far_out(numbers: pd.DataFrame) -> _Gate:
    far = numbers[numbers["outliers"] > 0]
    if far.empty:
        return _gate("Far-out values", "none", "", warn=False)
    most, share = _most(far, far["outliers"] / (far["rows"] - far["missing"]))
    found = f"in {_columns(len(far))}, most in {most} ({_percent(share)})"
    reason = f"over {_percent(_FAR)} of a column lies far outside its middle half"
    return _gate("Far-out values", found, reason, warn=share > _FAR)


def _levels(used: pd.DataFrame) -> _Gate:
    many = used[(used["role"] == "category") & (used["distinct"] > _LEVELS)]
    names = [f"{label} ({levels:,})" for label, levels in zip(many["label"], many["distinct"], strict=True)]
    return _gate(
        "Categories with many levels", _names(names), "rare levels are taken together", warn=bool(names)
    )


def _same(ranks: pd.DataFrame, columns: pd.DataFrame, others: list[str]) -> _Gate:
    labels = columns.set_index("column").loc[ranks.index.to_list(), "label"].to_list()
    values = np.triu(np.abs(ranks.to_numpy(dtype="float64")), 1)
    pairs = [f"{labels[a]} and {labels[b]}" for a, b in zip(*np.nonzero(values >= _SAME), strict=True)]
    pairs += others
    return _gate("Columns that say the same", _names(pairs), "what both say counts twice", warn=bool(pairs))


def _nearly_constant(used: pd.DataFrame) -> _Gate:
    names = used.loc[used["top_share"] >= _NEARLY, "label"].to_list()
    reason = f"one value holds {_percent(_NEARLY)} of the rows or more"
    return _gate("Nearly constant columns", _names(names), reason, warn=bool(names))


def _answers(used: pd.DataFrame) -> _Gate:
    asked = [not _ANSWERS.isdisjoint(roles.words(name)) for name in used["column"]]
    names = used.loc[asked, "label"].to_list()
    reason = "the name says that a model made it, or that it is what one would predict; exclude it then"
    return _gate("Columns that may be an answer", _names(names), reason, warn=bool(names))


def _personal(columns: pd.DataFrame) -> _Gate:
    found = columns[(columns["role"] == "personal") & (columns["use"] == "left out")]
    reason = "they tell who somebody is: kept out of segments, tables and files unless asked for"
    return _gate("Personal data", _names(found["label"].to_list()), reason, warn=not found.empty)


def _left_out(columns: pd.DataFrame) -> _Gate:
    names = columns.loc[columns["use"] == "left out", "label"].to_list()
    return _gate("Columns left out", _names(names), "", warn=False)


def _most(columns: pd.DataFrame, values: pd.Series[Any]) -> tuple[str, float]:
    at = int(values.to_numpy().argmax())
    return str(columns["label"].iloc[at]), float(values.iloc[at])


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more if names else "none"


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count:,} columns"


def _share(part: int, whole: int) -> str:
    return f"{part:,} ({_percent(part / whole)})" if part else "none"


def _percent(share: float) -> str:
    return "under 0.1 %" if share < 0.0005 else f"{100 * share:.1f} %"
