"""What each column is and what it is used for.

Two narwhals `select`s of aggregates describe all columns, the second what depends on the first; `roles`
reads a role off those numbers, and what the reader asked for comes before any guess. Quality judges what is
found here; preparing starts from it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals as nw
import pandas as pd

from segkit.errors import ParameterError, nearest

from . import personal, roles
from .roles import Facts

# Tuples, not sets: narwhals finds a kind such as Datetime("us") by comparison, not by hash.
_DATES, _TEXTS = (nw.Date, nw.Datetime), (nw.String, nw.Categorical, nw.Enum)
_NUMBERS = ("zeros", "negatives", "outliers", "mean", "sd", "min", "q25", "median", "q75", "max", "skew")
FEW = 10  # rows below which a value that they share tells who they are
_NO_FEATURE = {"id", "free text", "near-unique", "personal"}  # by themselves; they can be asked for


def describe(
    frame: Any,
    *,
    customer_id: str = "auto",
    features: Sequence[str] = (),
    exclude: Sequence[str] = (),
    categories: Sequence[str] = (),
    numbers: Sequence[str] = (),
    value: str = "",
) -> pd.DataFrame:
    """Describe every column of a table and decide what it is used for.

    Parameters
    ----------
    frame : pandas, polars or pyarrow frame
        One row per customer.
    customer_id : str
        The column that names the customer; "auto" finds it, "" says there is none.
    features, exclude : sequence of str
        Columns that make the segments (empty: all that can), and columns that must not.
    categories, numbers : sequence of str
        Columns to treat as such, whatever was guessed.
    value : str
        The column with what a customer is worth.

    Returns
    -------
    DataFrame
        One row per column: ``column, label, dtype, role, use, reason, rows, missing, missing_share,
        distinct, zeros, negatives, outliers, mean, sd, min, q25, median, q75, max, skew, top, top_share``.
        `use` is "id", "feature", "value" (of worth, no feature) or "left out". `outliers` counts values
        more than three times the interquartile range beyond the quartiles (Tukey's "far out", 1977), none
        where the middle half is one value; `sd` divides by n - 1; `skew` is the third standardised moment;
        `top` is the most frequent text or whole number (the first in order of those; empty where fewer than
        ten rows share it, for then it names somebody), `top_share` its share
        of the values that are there.

    Raises
    ------
    ParameterError
        When a name is no column of the table, or a column cannot be what it is asked to be.

    Examples
    --------
    >>> table = pd.DataFrame({"ID": [1, 2, 3], "spend": [2.5, 3.5, 10.0], "plan": ["a", "b", "a"]})
    >>> print(describe(table)[["column", "role", "use"]].to_string(index=False, header=False))
    ID     id      id
    spend  money feature
    plan category feature
    """
    table = nw.from_native(frame, eager_only=True, pass_through=False)
    asked = {"features": features, "exclude": exclude, "categories": categories, "numbers": numbers}
    asked |= {
        "value": [value] if value else [],
        "customer_id": [] if customer_id in {"auto", ""} else [customer_id],
    }
    _check_names(table.columns, asked)
    facts = _facts(table)
    found = [_role(each, categories, numbers) for each in facts]
    person = _person(facts, found) if customer_id == "auto" else customer_id
    rows = []
    for fact, (role, reason), label in zip(facts, found, roles.labels(table.columns), strict=True):
        role, use, reason = _use(fact, role, reason, person, asked)  # noqa: PLW2901 - the last word on all three
        head = {
            "column": fact.name,
            "label": label,
            "dtype": str(table.schema[fact.name]).split("(", maxsplit=1)[0],
        }
        told = _numbers(fact, hidden=role == "personal")
        rows.append(head | {"role": role, "use": use, "reason": reason} | told)
    return pd.DataFrame(rows)


def _facts(table: nw.DataFrame[Any]) -> list[Facts]:
    """Ask the table everything about all columns in two selects."""
    asked = list(table.schema.items())
    found = _answers(table, [_aggregates(name, dtype) for name, dtype in asked])
    more = _answers(table, [_counts(*column, stats) for column, stats in zip(asked, found, strict=True)])
    rows, facts = len(table), []
    for (name, dtype), first, second in zip(asked, found, more, strict=True):
        stats = {"outliers": 0} | first | second
        filled = int(stats["filled"] or 0)
        distinct = int(stats.get("levels") or 0) - (
            filled < rows and "levels" in stats
        )  # missing counts as a level
        facts.append(Facts(name, _holds(dtype), rows, filled, distinct, stats))
    return facts


def _answers(table: nw.DataFrame[Any], plans: Sequence[Mapping[str, nw.Expr]]) -> list[dict[str, Any]]:
    """Return what aggregates give, per plan; what is not finite is None."""
    flat = [expr.alias(f"{at}|{key}") for at, plan in enumerate(plans) for key, expr in plan.items()]
    values = iter(table.select(*flat).row(0) if flat else ())
    return [{key: _plain(next(values)) for key in plan} for plan in plans]


def _holds(dtype: Any) -> str:
    if dtype.is_numeric() or dtype == nw.Boolean:
        return "number"
    return "text" if dtype in _TEXTS else "date" if dtype in _DATES else "other"


def _value(name: str, dtype: Any) -> nw.Expr:
    value = nw.col(name)
    if dtype.is_float():
        return nw.when(~value.is_nan()).then(value)  # missing is missing, whoever wrote it
    if dtype == nw.Boolean:
        return value.cast(nw.Int8)
    return value.cast(nw.String) if dtype in _TEXTS[1:] else value


def _aggregates(name: str, dtype: Any) -> dict[str, nw.Expr]:
    value = _value(name, dtype)
    holds, plan = _holds(dtype), {"filled": value.count()}
    if holds == "other":
        return plan
    plan |= {"levels": value.n_unique(), "min": value.min(), "max": value.max()}
    if holds == "text":
        length = value.str.len_chars()
        plan |= {
            "first": plan.pop("min"),
            "last": plan.pop("max"),
            "length": length.mean(),
            "longest": length.max(),
        }
        plan |= {"spaced": value.str.contains(" ", literal=True).sum()}
        plan |= {"personal": value.str.contains(personal.PATTERN).sum()}
    if holds == "text" or dtype.is_integer() or dtype == nw.Boolean:
        plan |= {"top": value.drop_nulls().mode(keep="all").min()}
    return plan | (_moments(value) if holds == "number" else {})


def _counts(name: str, dtype: Any, stats: Mapping[str, Any]) -> dict[str, nw.Expr]:
    """Return the aggregates of a column that need to know others of it."""
    value, plan = _value(name, dtype), {}
    low, high = stats.get("q25"), stats.get("q75")
    if stats.get("top") is not None:
        plan["tops"] = (value == stats["top"]).sum()
    if low is not None and high is not None and low < high:
        low, high = float(low), float(high)
        plan["outliers"] = ((value < low - 3 * (high - low)) | (value > high + 3 * (high - low))).sum()
    return plan


def _moments(value: nw.Expr) -> dict[str, nw.Expr]:
    low, high = value.quantile(0.25, "linear"), value.quantile(0.75, "linear")
    return {
        "zeros": (value == 0).sum(), "negatives": (value < 0).sum(),
        "mean": value.mean(), "sd": value.std(ddof=1), "q25": low, "median": value.median(), "q75": high,
        "skew": value.skew(), "parts": (value != value.round(0)).sum(),
    }  # fmt: skip


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _numbers(facts: Facts, *, hidden: bool) -> dict[str, Any]:
    """Return the counts and statistics of a column as they stand in the table; hidden ones show no value."""
    stats, missing = facts.stats, facts.rows - facts.filled
    counts = {
        "rows": facts.rows,
        "missing": missing,
        "missing_share": missing / max(facts.rows, 1),
        "distinct": facts.distinct,
    }
    known = {key: stats.get(key) if facts.holds == "number" and not hidden else None for key in _NUMBERS}
    moments = {key: math.nan if number is None else float(number) for key, number in known.items()}
    shared = (stats.get("tops") or 0) >= FEW and not hidden
    top = roles.shown(stats["top"]) if shared and stats.get("top") is not None else ""
    return counts | moments | {"top": top, "top_share": (stats.get("tops") or 0) / max(facts.filled, 1)}


def _role(facts: Facts, categories: Sequence[str], numbers: Sequence[str]) -> tuple[str, str]:
    """Return role and reason: what was asked for, else what the values and the name say."""
    if facts.name in numbers and facts.holds != "number":
        raise ParameterError(f'numbers: column "{facts.name}" holds no numbers but {facts.holds}.')
    role, reason = roles.guess(facts)
    if role in {"empty", "constant"}:
        return role, reason
    if facts.name in categories:
        return "category", "asked for as a category"
    return (roles.amount(facts)[0], "asked for as a number") if facts.name in numbers else (role, reason)


def _person(facts: Iterable[Facts], found: Iterable[tuple[str, str]]) -> str:
    """Return the column that names the customer, if any: the id that speaks of customers, else the first."""
    ids = [fact for fact, (role, _) in zip(facts, found, strict=True) if role == "id"]
    ids.sort(key=lambda fact: (not roles.is_customer(fact.name), not fact.named_id, not fact.unique))
    return ids[0].name if ids else ""


def _use(
    facts: Facts, role: str, reason: str, person: str, asked: Mapping[str, Sequence[str]]
) -> tuple[str, str, str]:
    """Return role, use and reason of a column, now that the customer's id is known."""
    name = facts.name
    if name in asked["value"] and facts.holds != "number":
        raise ParameterError(f'value: column "{name}" holds no numbers. Choose a column of numbers.')
    if name in asked["features"] and role == "date":
        raise ParameterError(f'features: column "{name}" holds dates. Turn it into a number of days first.')
    if name == person:
        return "id", "id", reason if role == "id" else "asked for as the id"
    spare = "value" if name in asked["value"] else "left out"
    if name in asked["exclude"]:
        return role, spare, f"excluded; {reason}"
    if asked["features"] and name not in asked["features"]:
        return role, spare, f"not asked for; {reason}"
    if role in {"constant", "empty", "date"} or (role in _NO_FEATURE and name not in asked["features"]):
        return role, spare, reason
    if role in _NO_FEATURE:
        return roles.amount(facts)[0] if facts.holds == "number" else "category", "feature", "asked for"
    return role, "feature", reason


def _check_names(names: Sequence[str], asked: Mapping[str, Sequence[str]]) -> None:
    faults = [
        f'{field}: there is no column "{name}".{nearest(name, names)}'
        for field, wanted in asked.items()
        for name in wanted
        if name not in names
    ]
    both = sorted(set(asked["numbers"]) & set(asked["categories"]))
    faults += [f'column "{name}" is asked for both as a number and as a category.' for name in both]
    if faults:
        more = f" and {len(names) - 20} more" if len(names) > 20 else ""
        raise ParameterError(" ".join([*faults, f"The columns are: {', '.join(names[:20])}{more}."]))
