"""RFM scores and the names they lead to.

A score is how many thresholds a value lies above, so equal values always share one and the order of the rows
never matters. Thresholds are quantiles that occur in the data, or one's own. Where ties leave a score to
nobody that is said, and the others keep their meaning. Names come from a table that people edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from segkit import plain
from segkit.errors import ParameterError, nearest
from segkit.places import PACKAGE

MEASURES = ("recency", "frequency", "monetary")
TABLE = PACKAGE / "tables" / "rfm.yml"
Cell = tuple[int, int, int]


@dataclass(frozen=True)
class Scores:
    """Scores of customers and how they came about.

    Attributes
    ----------
    table : DataFrame
        ``recency_score, frequency_score, monetary_score`` (1 to `bins`, the highest is the best), in the rows
        of the customers.
    thresholds : DataFrame
        One row per measure and score: ``measure, score, low, high, customers, share``; low and high are the
        least and the greatest value with that score, missing where nobody has it.
    cuts : dict
        For each measure the values that divide scores; a value equal to one belongs below it.
    notes : tuple of str
        One sentence for each measure whose ties leave a score to nobody.
    """

    table: pd.DataFrame
    thresholds: pd.DataFrame
    cuts: dict[str, list[float]]
    notes: tuple[str, ...]


def score(
    customers: pd.DataFrame, *, bins: int = 5, monetary: str = "total", recency_cuts: Sequence[float] = (),
    frequency_cuts: Sequence[float] = (), monetary_cuts: Sequence[float] = (),
) -> Scores:  # fmt: skip
    """Score recency, frequency and monetary value from 1 to `bins`.

    Parameters
    ----------
    customers : DataFrame
        With ``recency_days``, ``frequency`` and ``monetary_total`` or ``monetary_mean``, as `rfm` makes them.
    bins : int
        3 to 5.
    monetary : {"total", "mean"}
        Whether all that was spent counts, or what was spent per purchase day.
    recency_cuts, frequency_cuts, monetary_cuts : sequence of float
        Own thresholds, `bins` - 1 of them, rising; empty for quantiles (the inverse of the empirical
        distribution: type 1 of Hyndman and Fan, American Statistician 50(4), 1996).

    Raises
    ------
    ParameterError
        When own thresholds do not rise, or are too few or too many.

    Examples
    --------
    >>> people = pd.DataFrame({"recency_days": [1, 5, 9, 30], "frequency": [7, 1, 1, 1],
    ...     "monetary_total": [50.0, 10.0, 10.0, 20.0]})
    >>> made = score(people, bins=3)
    >>> made.table.to_numpy().tolist()
    [[3, 3, 3], [3, 1, 1], [2, 1, 1], [1, 1, 2]]
    >>> made.notes[0]
    'Nobody has the frequency score 2: 75.0 % of the customers share the value 1.'
    """
    values = dict(zip(MEASURES, ("recency_days", "frequency", f"monetary_{monetary}"), strict=True))
    own = dict(zip(MEASURES, (recency_cuts, frequency_cuts, monetary_cuts), strict=True))
    _check(own, bins)
    scores, cuts, parts, notes = {}, {}, [], []
    for measure, column in values.items():
        found = customers[column].to_numpy(dtype=float)
        edges = [float(cut) for cut in own[measure]] or _quantiles(found, bins)
        given = 1 + np.searchsorted(edges, found, side="left")
        if measure == "recency":  # few days are good
            given = bins + 1 - given
        scores[f"{measure}_score"], cuts[measure] = given, edges
        parts.append(_thresholds(measure, found, given, bins))
        notes += _empty(measure, found, parts[-1])
    table, thresholds = pd.DataFrame(scores, index=customers.index), pd.concat(parts, ignore_index=True)
    return Scores(table, thresholds, cuts, tuple(notes))


def cells(bins: int, names: str | Path = "") -> dict[Cell, str]:
    """Return the name of every cell of recency, frequency and monetary score.

    Parameters
    ----------
    bins : int
        3 to 5.
    names : path
        An edited copy of ``segkit/tables/rfm.yml``; empty for that table itself.

    Raises
    ------
    ParameterError
        When the table does not give every cell one of its names; all faults at once.

    Examples
    --------
    >>> made = cells(5)
    >>> len(made), made[5, 5, 5], made[1, 1, 1]
    (125, 'Champions', 'Lost')
    """
    known, grids = _table(names)
    grid = grids.get(bins, grids.get(str(bins)))
    _check_grid(grid, bins, known, Path(names or TABLE).name)
    scores = range(1, bins + 1)
    return {(r, f, m): grid[bins - r][(f + m + 1) // 2 - 1] for r, f, m in product(scores, scores, scores)}


def meanings(names: str | Path = "") -> dict[str, str]:
    """Return every name of the table, in its order, and what it means.

    Examples
    --------
    >>> list(meanings())[0]
    'Champions'
    """
    return _table(names)[0]


def name(scores: pd.DataFrame, bins: int, names: str | Path = "") -> pd.Series[str]:
    """Return the name of each customer's segment.

    Examples
    --------
    >>> name(pd.DataFrame({"r": [3, 1], "f": [1, 3], "m": [1, 2]}), 3).to_list()
    ['New customers', 'Cannot lose them']
    """
    flat = np.array(list(cells(bins, names).values()), dtype=str)  # cells come in the order of their scores
    at = np.ravel_multi_index((scores.to_numpy().T - 1).tolist(), (bins, bins, bins))
    return pd.Series(flat[at], index=scores.index, dtype="str", name="segment_name")


def _quantiles(values: np.ndarray, bins: int) -> list[float]:
    shares = np.arange(1, bins) / bins
    return [float(cut) for cut in np.quantile(values, shares, method="inverted_cdf")]


def _check(own: Mapping[str, Sequence[float]], bins: int) -> None:
    faults = [
        f"{measure}_cuts must be {bins - 1} rising numbers for {bins} bins, got {list(cuts)}."
        for measure, cuts in own.items()
        if len(cuts) and (len(cuts) != bins - 1 or any(a >= b for a, b in pairwise(cuts)))
    ]
    if faults:
        raise ParameterError(" ".join(faults))


def _thresholds(measure: str, values: np.ndarray, given: np.ndarray, bins: int) -> pd.DataFrame:
    grouped = pd.DataFrame({"score": given, "value": values}).groupby("score")["value"]
    made = grouped.agg(["min", "max", "size"]).reindex(range(1, bins + 1))
    counts = made["size"].fillna(0).astype("int64").to_numpy()
    return pd.DataFrame({
        "measure": measure, "score": made.index.to_numpy(), "low": made["min"].to_numpy(),
        "high": made["max"].to_numpy(), "customers": counts, "share": counts / len(values),
    })  # fmt: skip


def _empty(measure: str, values: np.ndarray, thresholds: pd.DataFrame) -> list[str]:
    """Say which scores nobody has, and the value that most customers share."""
    none = thresholds.loc[thresholds["customers"] == 0, "score"].astype(str).to_list()
    if not none:
        return []
    each, counts = np.unique(values, return_counts=True)
    top, share = each[counts.argmax()], counts.max() / len(values)
    plural = "score" if len(none) == 1 else "scores"
    lead = f"Nobody has the {measure} {plural} {' or '.join(none)}"
    return [f"{lead}: {100 * share:.1f} % of the customers share the value {top:g}."]


def _table(names: str | Path) -> tuple[dict[str, str], Mapping[Any, Any]]:
    file = Path(names or TABLE)
    read = plain.read(file)
    known, grids = read.get("names"), read.get("grids")
    if not isinstance(known, dict) or not isinstance(grids, dict):
        raise ParameterError(f"{file.name} must hold names and grids, as segkit/tables/rfm.yml does.")
    return {str(key): str(text) for key, text in known.items()}, grids


def _check_grid(grid: Any, bins: int, known: Mapping[str, str], file: str) -> None:
    rows = [row for row in grid if isinstance(row, list)] if isinstance(grid, list) else []
    if [len(row) for row in rows] != [bins] * bins:
        raise ParameterError(f"{file}: the grid for {bins} bins must have {bins} rows of {bins} names.")
    used = dict.fromkeys(str(word) for row in rows for word in row)
    faults = [f'names lacks "{word}".{nearest(word, known)}' for word in used if word not in known]
    if faults:
        raise ParameterError(f"{file}: {' '.join(faults)}")
