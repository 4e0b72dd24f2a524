"""Columns that say again what another says, and are no numbers: codes beside names, classes cut from numbers.

Rank correlation (`quality.correlation`) finds numbers that are monotone copies of each other. Here two
categories are the same when each tells the other, and a category is made from a number when the number tells
it: an age group beside an age, a flag beside the score that a model gave. Such a column counts twice, and a
flag made from an outcome lets the outcome in. Looked at are 20,000 rows at even places.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from . import traps

TOLD = 0.95  # share of a category's entropy (Theil's U) from which another column says the same
FEWEST = 50  # rows below which any two columns may agree by chance
_IN_A_BIN = 20  # rows in each bin of a number

Codes = NDArray[np.int64]


def find(table: nw.DataFrame[Any], used: pd.DataFrame) -> list[str]:
    """Return pairs of columns that say the same, in words; `used` are columns as `describe` has them.

    Examples
    --------
    >>> from segkit.data.columns import describe
    >>> age = np.arange(20, 80).repeat(2)
    >>> frame = pd.DataFrame({"age": age, "life": np.where(age < 40, "young", "old"), "sex": list("fm") * 60})
    >>> find(nw.from_native(frame, eager_only=True), describe(frame))
    ['Life from Age']
    """
    texts = used[used["role"].isin(["category", "yes/no"])].head(traps.WIDEST)
    numbers = used[used["role"].isin(["number", "money"])].head(traps.WIDEST)
    step = max(1, -(-len(table) // traps.ROWS))
    rows = table.select([*texts["column"], *numbers["column"]]).gather_every(step)
    if len(rows) < FEWEST or texts.empty:
        return []
    levels = {label: _levels(rows[name]) for name, label in zip(texts["column"], texts["label"], strict=True)}
    bins = {label: _bins(rows[name]) for name, label in zip(numbers["column"], numbers["label"], strict=True)}
    same = [f"{a} and {b}" for a, b in combinations(levels, 2)
            if told(levels[a], levels[b]) >= TOLD and told(levels[b], levels[a]) >= TOLD]  # fmt: skip
    cut = [f"{a} from {b}" for a, b in product(levels, bins) if told(levels[a], bins[b]) >= TOLD]
    return same + cut


def told(what: Codes, by: Codes) -> float:
    """Return the share of the entropy of one column that another takes away, from codes; -1 is missing.

    Notes
    -----
    Theil's uncertainty coefficient (Economic forecasts and policy, 1970), entropies corrected for few rows
    by Miller (Information theory in psychology, 1955): half a bit of a level that is there for each row.

    Examples
    --------
    >>> a, b = np.arange(100) % 4, np.arange(100) % 2
    >>> round(told(b, a), 2), round(told(a, b), 2)
    (1.0, 0.5)
    """
    there = (what >= 0) & (by >= 0)
    what, by = what[there], by[there]
    if len(what) < FEWEST or 2 * len(what) < len(there):
        return 0.0
    whole = _entropy(what)
    left = _entropy(what * (by.max() + 1) + by) - _entropy(by)
    return min(1.0, 1 - left / whole) if whole > 0 and len(np.unique(what)) > 1 else 0.0


def _entropy(codes: Codes) -> float:
    counts = np.unique(codes, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum() + (len(counts) - 1) / (2 * len(codes)))


def _levels(column: nw.Series[Any]) -> Codes:
    return np.asarray(pd.factorize(column.cast(nw.String).to_pandas())[0], dtype=np.int64)


def _bins(column: nw.Series[Any]) -> Codes:
    """Return the bin of each value: the values themselves where they are few, else about equal ones."""
    values = column.cast(nw.Float64).to_numpy()
    there = np.isfinite(values)
    shares = np.linspace(0, 1, max(2, there.sum() // _IN_A_BIN) + 1)[1:-1]
    edges = np.unique(np.quantile(values[there], shares)) if there.any() else np.array([])
    return np.where(there, np.searchsorted(edges, values, side="right"), -1).astype(np.int64)
