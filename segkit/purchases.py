"""The other kind of study: from a log of purchases to RFM segments, their names, and what they proved worth.

Only the order of the steps lives here, as in `study`: read, find the columns, sum up by customer, score,
name, cluster the same numbers for comparison, and hold segments made before a day against what was bought
after it. Nothing here computes, draws or writes.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from .checks import hidden, provenance, read
from .data import rfm as rfm_room
from .data import scores as scores_room
from .data.rfm import Rfm
from .data.scores import Scores
from .data.source import Reading
from .errors import ParameterError, SegkitError
from .insight import purchases as worth_room
from .insight.words import purchases as words_room
from .insight.words.numbers import Numbers
from .params import RfmParams
from .segments.verdict import Verdict
from .study import segment

COLUMNS = ("customer_id", "date", "amount", "quantity", "price", "order_id", "product")
RULES = ("returns", "cancelled", "cancelled_prefix", "zeros", "duplicates", "missing_id", "time_zone")
SCORED = ("bins", "monetary", "recency_cuts", "frequency_cuts", "monetary_cuts")
SHORTEST = 28  # days after the split; in less than four weeks few customers could have come back


@dataclass(frozen=True)
class Clusters:
    """Segments found in the same numbers, beside the names: how they meet and how far they agree."""

    verdict: Verdict
    headline: str
    table: pd.DataFrame
    agreement: float


@dataclass(frozen=True)
class NextPeriod:
    """What segments made up to a day did after it."""

    until: dt.date
    days: int
    rankings: pd.DataFrame
    segments: pd.DataFrame


@dataclass(frozen=True)
class Purchases:
    """Everything known about the customers of a log, as tables and small objects.

    Attributes
    ----------
    assignments : DataFrame
        One row per customer: id, measures, scores, ``rfm`` (such as "555"), ``segment`` (its place in
        `sizes`) and ``segment_name``.
    """

    params: RfmParams
    reading: Reading
    columns: pd.DataFrame
    rules: pd.DataFrame
    as_of: dt.date
    assignments: pd.DataFrame
    thresholds: pd.DataFrame
    notes: tuple[str, ...]
    sizes: pd.DataFrame
    clusters: Clusters
    next_period: NextPeriod | None
    why_not: str
    text: dict[str, str]
    provenance: dict[str, Any]

    @cached_property
    def numbers(self) -> Numbers:
        """How this study writes numbers."""
        return Numbers(self.params.locale, self.params.currency)


def value(source: Any = None, params: RfmParams | None = None, **fields: Any) -> Purchases:
    """Make RFM segments of a log of purchases.

    Parameters
    ----------
    source
        A path, ``"sample:NAME"``, or a pandas, polars or pyarrow frame; by default what `params` names.
    params
        Parameters of the study; `fields` change them.

    Raises
    ------
    ParameterError, SourceError, GateError

    Examples
    --------
    >>> study = value("sample:retail_transactions")
    >>> len(study.assignments), study.sizes["name"].iloc[0]
    (10000, 'Champions')
    """
    params = (params or RfmParams()).but(**fields)
    if isinstance(source, str):
        params = params.but(source=source)
    frame, reading = read(params.source if source is None else source, params)
    if source is not None and not isinstance(source, str):
        params = params.but(source=reading.source)
    named = rfm_room.find(frame.schema, {key: getattr(params, key) for key in COLUMNS})
    made = _summed(frame, named, params, params.as_of)
    scored = _scored(made, params)
    order = scores_room.meanings(params.names)
    people = hidden(_named(made, scored, params), params)
    sizes = worth_room.sizes(people, order)
    people["segment"] = people["segment_name"].map(dict(zip(sizes["name"], sizes["segment"], strict=True)))
    clusters = _clusters(people, params, order)
    later, why_not = _next(frame, named, made, params, order)
    words: dict[str, Any] = {"clusters": clusters, "later": later, "why_not": why_not}
    told = words_room.tell(sizes, made.rules, Numbers(params.locale, params.currency), **words)
    columns = [{"column": name, "use": next((key for key in COLUMNS if named[key] == name), "")}
               for name in frame.columns]  # fmt: skip
    return Purchases(
        params, reading, pd.DataFrame(columns), made.rules, made.as_of, people, scored.thresholds,
        scored.notes, sizes, clusters, later, why_not, told, provenance(params, reading),
    )  # fmt: skip


def _summed(frame: Any, named: dict[str, str], params: RfmParams, as_of: str | dt.date) -> Rfm:
    rules: dict[str, Any] = {key: getattr(params, key) for key in RULES}
    return rfm_room.rfm(frame, **named, **rules, as_of=as_of)


def _scored(made: Rfm, params: RfmParams) -> Scores:
    how: dict[str, Any] = {key: getattr(params, key) for key in SCORED}
    return scores_room.score(made.customers, **how)


def _named(made: Rfm, scored: Scores, params: RfmParams) -> pd.DataFrame:
    """Put scores, cell and name beside the measures."""
    cell = scored.table.astype(str).agg("".join, axis=1).rename("rfm")
    name = scores_room.name(scored.table, params.bins, params.names)
    return pd.concat([made.customers, scored.table, cell, name], axis=1)


def _clusters(people: pd.DataFrame, params: RfmParams, order: dict[str, str]) -> Clusters:
    """Cluster the measures that were scored, and compare."""
    measures = ["recency_days", "frequency", f"monetary_{params.monetary}"]
    study = segment(
        people[[people.columns[0], *measures]], customer_id=str(people.columns[0]), numbers=measures,
        segments=params.segments, max_segments=params.max_segments, seed=params.seed,
        locale=params.locale, currency=params.currency,
    )  # fmt: skip
    segments = study.assignments["segment"].to_numpy()
    table, agreement = worth_room.against(people["segment_name"], segments, order)
    return Clusters(study.verdict, study.text.headline, table, agreement)


def _next(
    frame: nw.DataFrame[Any], named: dict[str, str], made: Rfm, params: RfmParams, order: dict[str, str]
) -> tuple[NextPeriod | None, str]:
    """Make segments again from what was known at a day, and hold them against what came after."""
    first = made.customers["first_purchase"].min().date()
    split = _split(params.validate_after, first, made.as_of)
    if isinstance(split, str):
        return None, split
    day = nw.col(named["date"]).cast(nw.Date)
    after = frame.filter((day > nw.lit(split)) & (day <= nw.lit(made.as_of)))
    try:
        before, came = _summed(frame, named, params, split), _summed(after, named, params, made.as_of)
    except SegkitError:
        return None, f"There is no purchase before or after {split}."
    scored = _scored(before, params)
    key = str(before.customers.columns[0])
    later = before.customers[[key]].merge(came.customers[[key, "monetary_total"]], on=key, how="left")
    later = pd.DataFrame({"revenue": later["monetary_total"].fillna(0.0),
                          "bought": later["monetary_total"].notna()})  # fmt: skip
    ranked = {"RFM score": scored.table.sum(axis=1).to_numpy(), **_alone(before, params)}
    names = scores_room.name(scored.table, params.bins, params.names)
    seed = {"seed": params.seed}
    rankings = worth_room.rankings(ranked, later["revenue"].to_numpy(), **seed)
    segments = worth_room.afterwards(names, later, order, **seed)
    return NextPeriod(split, (made.as_of - split).days, rankings, segments), ""


def _alone(before: Rfm, params: RfmParams) -> dict[str, np.ndarray]:
    people = before.customers
    return {
        "recency alone": -people["recency_days"].to_numpy(),
        "frequency alone": people["frequency"].to_numpy(),
        "monetary value alone": people[f"monetary_{params.monetary}"].to_numpy(),
    }


def _split(asked: str, first: dt.date, last: dt.date) -> dt.date | str:
    """Return the day to split at, or why there is none."""
    if not asked:
        return "Checking against the next period was switched off."
    if asked != "auto":
        try:
            return dt.date.fromisoformat(asked)
        except ValueError:
            raise ParameterError(
                f"validate_after must be auto, empty or a day such as 2011-09-30, got {asked!r}."
            ) from None
    days = (last - first).days // 4
    if days < SHORTEST:
        return f"The log covers {(last - first).days} days; at least {4 * SHORTEST} are needed."
    return last - dt.timedelta(days=days)
