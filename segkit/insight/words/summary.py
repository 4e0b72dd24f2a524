"""The paragraph on each segment's card, and one phrase per difference.

Every figure is one cell of `sizes` or `profile`, written by `Numbers`: nothing is computed here, so that a
reader can find each number in a table. The columns that a segment is named from are told first. A missing
figure takes its whole sentence with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from segkit.insight.drivers import differences
from segkit.insight.profile import figures
from segkit.insight.words.names import Labels, names_told
from segkit.insight.words.numbers import TIMES, Numbers

MUCH, LITTLE = 1.5, 0.67  # ratios worth saying as a ratio


def summarise(
    sizes: pd.DataFrame,
    profile: pd.DataFrame,
    drivers: pd.DataFrame,
    columns: pd.DataFrame | None = None,
    *,
    numbers: Numbers | None = None,
    value: str = "",
    top: int = 3,
) -> dict[int, str]:
    r"""Tell each segment in two to four sentences.

    Parameters
    ----------
    sizes, profile, drivers : DataFrame
        The tables of `segkit.insight`.
    columns : DataFrame, optional
        ``column label role``: what to call the columns and which of them are money.
    value : str
        The column with what a customer is worth, as given to `sizes`.
    top : int
        Differences told per segment.

    Returns
    -------
    dict, segment to plain text

    Examples
    --------
    >>> from segkit.insight.profile import profile, sizes
    >>> from segkit.insight.drivers import drivers
    >>> f = pd.DataFrame({"segment": [1, 1, 1, 2], "visits": [2, 3, 4, 9]})
    >>> tables = sizes(f), profile(f, numbers=["visits"]), drivers(f, numbers=["visits"])
    >>> print(summarise(*tables)[2].replace("\xa0", " "))
    1 customer (25.0 %). Compared with all customers: 2.6 times the typical visits (9 against 3.5).
    """
    labels, numbers = Labels.of(columns), numbers or Numbers()
    here, every = figures(profile)
    named = profile.assign(here=here, all=every).set_index(["segment", "column", "level"], drop=False)
    ranked = differences(profile, top=len(profile))
    texts = {}
    for row, name in zip(sizes.to_dict("records"), names_told(profile, drivers, sizes, columns), strict=True):
        first = named.loc[[(row["segment"], *told) for told in name.told]]
        rows = pd.concat([first, ranked[ranked.segment == row["segment"]]])
        sentences = [*_size(row, labels, numbers, value)]
        if len(sizes) > 1:
            sentences.append(_differences(rows[rows.column != value], labels, numbers, top))
        texts[int(row["segment"])] = " ".join(sentences)
    return texts


def difference(row: Mapping[Any, Any], labels: Labels, numbers: Numbers) -> str:
    """Write one row of `differences` as a phrase: "2.4 times the typical grocery (11,527 against 4,756)"."""
    name = labels.inline(row["column"])
    if row["level"]:
        level = labels.answer(row["column"], row["level"]) or row["level"]
        held = f"{name} is {level} for {_part(row['here'], numbers)}"
        return f"{held}, against {numbers.share(row['all'])} of all"
    if row["index_of"] == "share above zero":
        return (
            f"{name} above zero for {_part(row['here'], numbers)}, against {numbers.share(row['all'])} of all"
        )
    here, every = (amount(row["column"], row[key], labels, numbers) for key in ("here", "all"))
    kind = "typical" if row["index_of"] == "median" else "average"
    if row["here"] == 0:
        return f"{kind} {name} of {here} against {every}"
    if pd.notna(row["index"]) and not LITTLE <= row["index"] < MUCH:
        return f"{times(row['index'], numbers)} the {kind} {name} ({here} against {every})"
    return f"{'higher' if row['here'] > row['all'] else 'lower'} {kind} {name} ({here} against {every})"


def amount(column: str, x: float, labels: Labels, numbers: Numbers) -> str:
    """Write a figure of a column in its own units; a label with a unit in brackets keeps it."""
    own_unit = "(" in labels.title(column)
    return numbers.money(x) if labels.role.get(column) == "money" and not own_unit else numbers.value(x)


def times(index: float, numbers: Numbers) -> str:
    """Write a ratio inside a sentence: "2.4 times"."""
    return numbers.multiple(index).replace(TIMES, " times")


def customers(count: int, numbers: Numbers) -> str:
    """Write how many customers: "1 customer", "252 customers"."""
    return f"{numbers.count(count)} customer{'s' * (count != 1)}"


def _size(row: Mapping[Any, Any], labels: Labels, numbers: Numbers, value: str) -> list[str]:
    who = f"{customers(row['customers'], numbers)} ({numbers.share(row['share'])})"
    share, middle = row.get("value_share", float("nan")), row.get("value_median", float("nan"))
    if not value or pd.isna(share) or pd.isna(middle):
        return [f"{who}."]
    name = labels.inline(value)
    bring = f"{who} with {numbers.share(share)} of all {name}."
    half = "At least half of them have no" if middle == 0 else "Half of them have"
    return [bring, f"{half} {name}{f' over {numbers.money(middle)}' if middle else ''}."]


def _differences(rows: pd.DataFrame, labels: Labels, numbers: Numbers, top: int) -> str:
    """Tell the first differences; of several with the same figures, or from one column, only the first."""
    rows = rows.drop_duplicates("column").drop_duplicates(["here", "all"]).head(top)
    told = [difference(row, labels, numbers) for row in rows.to_dict("records")]
    return f"Compared with all customers: {'; '.join(told)}." if told else "No column sets them apart."


def _part(share: float, numbers: Numbers) -> str:
    """Write a share of the segment: "78.2 %", "all of them", "none of them"."""
    return "none of them" if share == 0 else "all of them" if share == 1 else numbers.share(share)
