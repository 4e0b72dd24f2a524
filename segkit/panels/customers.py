"""The customers themselves as a table to look things up in: id, segment, fit, and the columns by their names.

Columns that may name or reach a person stay out of it, as they stay out of the segments; only the id that the
study is about is shown. Nothing is computed but which rows are asked for.
"""

from __future__ import annotations

import pandas as pd

from segkit.insight.words.names import Labels
from segkit.study import Study

SHOWN = ("feature", "value")
NEAR = 12


def customers(study: Study, *, segment: int = 0, begins: str = "", most: int = 0) -> pd.DataFrame:
    """Return customers with their segment and columns, those of one segment or whose id begins so.

    Parameters
    ----------
    study
        A finished study.
    segment, begins
        Which customers; 0 and "" for all.
    most
        At most so many rows, the first ones; 0 for all.

    Returns
    -------
    DataFrame
        One row per customer: id, ``Segment``, ``Name``, ``Fit`` and ``Stays`` (0 to 1), ``Unusual``, then the
        columns used.
    """
    own = study.assignments
    keep = own["segment"] >= 0
    if segment:
        keep &= own["segment"] == segment
    if begins:
        keep &= own.iloc[:, 0].astype(str).str.startswith(begins)
    rows = own.index[keep][: most or None]
    return take(study, rows)


def take(study: Study, rows: pd.Index) -> pd.DataFrame:
    """Return these rows of the study as a table to read; see `customers`."""
    own, labels = study.assignments.loc[rows], Labels.of(study.columns)
    used = study.columns[study.columns["use"].isin(SHOWN)]["column"]
    who = labels.title(str(own.columns[0])) if own.columns[0] != "row" else "Row"
    table = {who: own.iloc[:, 0], "Segment": own["segment"], "Name": own["segment_name"],
             "Fit": own["confidence"].astype(float).round(2), "Stays": own["stays"].round(2),
             "Unusual": own["outlier"].map({True: "yes"}).fillna("no")}  # fmt: skip
    for column in used:
        label = labels.title(column)
        values = study.values(column).iloc[rows]
        table[label if label not in table else f"{label} ({column})"] = _whole(values)
    found = pd.DataFrame(table).reset_index(drop=True)
    return found.astype({name: object for name in found if found[name].isna().any()}).fillna("")


def _whole(values: pd.Series) -> pd.Series:
    """Return whole numbers as such: one that is missing makes a column of them decimal."""
    known = values.dropna()
    is_whole = pd.api.types.is_float_dtype(values) and bool((known % 1 == 0).all())
    return values.astype("Int64") if is_whole else values


def nearest_to_a_border(study: Study, most: int = NEAR) -> pd.Index:
    """Return the rows of the customers that fit their segment least."""
    placed = study.assignments[study.assignments["segment"] > 0]
    return placed["confidence"].astype(float).sort_values(kind="stable").index[:most]
