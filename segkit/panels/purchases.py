"""From an RFM study to its panels: one short function per panel, as in `builders`.

Words come from `insight.words.purchases`, pictures from `plots.purchases`, tables from the study.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from segkit.insight.words import captions
from segkit.insight.words import purchases as words
from segkit.insight.words.captions import Caption
from segkit.insight.words.numbers import Numbers
from segkit.panels import cards, tables
from segkit.panels.panel import Panel, badge
from segkit.panels.tables import _col as column
from segkit.panels.tables import _view as view
from segkit.panels.tables import captioned as _panel
from segkit.plots import purchases as plots
from segkit.purchases import Purchases

MEASURES = {
    "recency_days": "Days since the last purchase", "frequency": "Purchase days",
    "monetary_total": "Spent, all in all", "monetary_mean": "Spent per purchase day",
    "days_since_first": "Days since the first purchase", "tenure_days": "Days from first to last purchase",
    "days_between": "Days between purchases", "returns": "Rows returned", "return_share": "Share returned",
    "active_months": "Months with a purchase", "products": "Different products",
}  # fmt: skip
LIMITS = (
    "Recency counts days from the last purchase to the day named above; the clock is never read.",
    "Frequency counts days with a purchase: two orders on one day are one.",
    "Scores are thresholds, so equal values never part; a name is a cell of recency and purchase score.",
    "Names describe the past. What they are worth is what the check against the next period says.",
    "Segments found by clustering are shown beside the names and never replace them.",
)


def _answer(study: Purchases, style: dict[str, Any]) -> Panel:  # noqa: ARG001 - one signature for all
    return tables.answer(study.text["headline"], study.text["evidence"])


def _facts(study: Purchases, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    people = study.assignments
    items = [
        ("Customers", n.count(len(people)), study.text["rules"]),
        ("Spent", n.money(people["monetary_total"].sum(), short=True), "less what was given back"),
        ("Bought on one day only", n.share((people["frequency"] == 1).mean()), "of the customers"),
        ("Counted to", n.date(study.as_of), "the last day of recency"),
    ]
    return Panel("facts", "", body=cards.facts(items))


def _named(study: Purchases, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    table = view(
        "Segments by name", study.sizes,
        ("Segment", lambda row: badge(int(row["segment"]), row["name"])),
        column("What they did", "meaning"), column("Customers", "customers", n.count),
        column("Share", "share", n.share), column("Spent", "value_sum", n.money),
        column("Share of it", "value_share", n.share), column("Median days since", "recency_days", n.value),
        column("Median purchase days", "frequency", n.value),
        column("Median spent", "monetary_total", n.money), column("Returned", "return_share", n.share),
        words=(1,),
    )  # fmt: skip
    return _panel("named", words.sizes(study.sizes, n), plots.shares(study.sizes, **style), table)


def _grid(study: Purchases, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    people = study.assignments
    both = (people["frequency_score"] + people["monetary_score"] + 1) // 2
    counts = people.assign(r=people["recency_score"], p=both).groupby(["r", "p"], as_index=False)
    found = counts.agg(customers=("rfm", "size"), name=("segment_name", "first"))
    found = found.assign(share=found["customers"] / len(people))
    table = view(
        "Customers by score", found.sort_values(["r", "p"], ascending=False), column("Recency", "r"),
        column("Purchases", "p"), column("Name", "name"), column("Customers", "customers", n.count),
        column("Share", "share", n.share), words=(2,),
    )  # fmt: skip
    return _panel("grid", words.grid(found, n), plots.grid(found, study.params.bins, **style), table)


def _thresholds(study: Purchases, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    table = view(
        "Thresholds", study.thresholds, ("Measure", lambda row: str(row["measure"]).capitalize()),
        column("Score", "score"), column("From", "low", n.value), column("To", "high", n.value),
        column("Customers", "customers", n.count), column("Share", "share", n.share),
    )  # fmt: skip
    return _panel("thresholds", words.thresholds(study.notes, study.params.bins), None, table)


def _measures(study: Purchases, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    known = {name: said for name, said in MEASURES.items() if name in study.assignments}
    spread = study.assignments[list(known)].quantile([0, 0.25, 0.5, 0.75, 1]).T.reset_index(names="measure")
    spread["measure"] = spread["measure"].map(known)
    heads = ("Least", "Lower quarter", "Median", "Upper quarter", "Most")
    spread.columns = pd.Index(["measure", *heads])
    shown = (column(head, head, n.value) for head in heads)
    caption = Caption("What was summed up for each customer", "Spread of each measure over all customers")
    return _panel("measures", caption, None, view("Measures", spread, column("Measure", "measure"), *shown))


def _rules(study: Purchases, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    table = view(
        "Rules", study.rules, ("Rule", lambda row: str(row["rule"]).capitalize()),
        column("Found", "rows", n.count), column("What was done", "done"), words=(2,),
    )  # fmt: skip
    caption = Caption(
        study.text["rules"].removesuffix("."), "What every rule found, and what was done with it"
    )
    return _panel("rules", caption, None, table)


def _next_period(study: Purchases, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    caption, later = words.next_period(study.next_period, study.why_not, n), study.next_period
    if later is None:
        return _panel("next_period", caption, None)
    ranked = later.rankings.rename(columns={"ranking": "name", "share": "value"})
    table = view(
        "Share of later revenue that the top fifth brought", ranked, column("Ranking", "name"),
        column("Share", "value", n.share),
        ("Nine of ten resamples", lambda row: n.range(row["low"], row["high"], n.share)),
    )  # fmt: skip
    return _panel("next_period", caption, plots.intervals(ranked, "Share of later revenue", **style), table)


def _afterwards(study: Purchases, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    caption, later = words.afterwards(study.next_period, study.why_not, n), study.next_period
    if later is None:
        return _panel("afterwards", caption, None)
    new = {"came_back": "value", "came_back_low": "low", "came_back_high": "high"}
    drawn = later.segments.rename(columns=new)
    table = view(
        "What each segment did afterwards", drawn, column("Segment, as named then", "name"),
        column("Customers", "customers", n.count), column("Bought again", "value", n.share),
        ("Nine of ten", lambda row: n.range(row["low"], row["high"], n.share)),
        column("Revenue", "revenue", n.money), column("Share", "revenue_share", n.share),
        column("Per customer", "mean", n.money),
        ("Nine of ten", lambda row: n.range(row["mean_low"], row["mean_high"], n.money)),
    )  # fmt: skip
    return _panel("afterwards", caption, plots.intervals(drawn, "Bought again", **style), table)


def _comparison(study: Purchases, style: dict[str, Any]) -> Panel:
    n, table = style["numbers"], study.clusters.table
    shown = (column(f"Cluster {k}", k, n.count) for k in table.columns[1:])
    counts = view("Customers by name and cluster", table, column("Name", "name"), *shown)
    return _panel("comparison", words.comparison(study.clusters, n), None, counts)


def _method(study: Purchases, style: dict[str, Any]) -> Panel:  # noqa: ARG001
    found = captions.records(study.columns)
    named = ", ".join(f"{row['use']} {row['column']}" for row in found if row["use"])
    return Panel("method", "", body=cards.listing((f"Columns used: {named}.", *LIMITS)))


def _parameters(study: Purchases, style: dict[str, Any]) -> Panel:  # noqa: ARG001
    shown = (tables.parameters(study.params), tables.provenance(study.provenance))
    return Panel("parameters", "", tables=shown)


BUILDERS: dict[str, Callable[[Purchases, dict[str, Any]], Panel]] = {
    "answer": _answer, "facts": _facts, "named": _named, "grid": _grid, "thresholds": _thresholds,
    "measures": _measures, "rules": _rules, "next_period": _next_period, "afterwards": _afterwards,
    "comparison": _comparison, "method": _method, "parameters": _parameters,
}  # fmt: skip
