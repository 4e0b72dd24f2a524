"""From a batch of placed customers to its panels: one short function per panel, as in `builders`.

Words come from `insight.words.scoring`, pictures from `plots`, tables from the study.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from segkit.insight.words import scoring as words
from segkit.insight.words.numbers import Numbers
from segkit.panels import cards, tables
from segkit.panels.panel import Panel, TableView, badge
from segkit.panels.tables import _col as column
from segkit.panels.tables import _view as view
from segkit.panels.tables import captioned
from segkit.plots import change as change_plots
from segkit.plots import purchases as plots
from segkit.scoring import BORDER, Scored

STATES = {"act": "Act", "watch": "Watch", "none": "No shift"}
LIMITS = (
    "A customer gets the nearest segment of the model, by the one formula that placed its own customers.",
    f"Near the border means a fit below {BORDER:.0%}: the next segment fits almost as well.",
    "Unusual is beyond three robust deviations from the middle of the segment, learnt with the model.",
    "Outside what the model has seen: over a tenth beyond the range of 99.8 % of its rows, or a rare level.",
    "A column has shifted when its index is above 0.10 and beyond chance in 95 of 100 batches.",
)


def _answer(study: Scored, style: dict[str, Any]) -> Panel:  # noqa: ARG001 - one signature for all
    return tables.answer(study.text["headline"], study.text["evidence"], study.text["action"])


def _facts(study: Scored, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    placed = study.assignments
    inside = placed[placed["segment"] > 0]
    strange, moved = int((placed["outside"] != "").sum()), int((study.drift["state"] != "none").sum())
    items = [
        ("Customers placed", n.count(len(inside)), f"of {n.count(len(placed))} read"),
        ("Outside what was seen", n.count(strange), "of the customers of this batch"),
        ("Columns shifted", n.count(moved), f"of {n.count(len(study.drift))} the model uses"),
    ]
    return Panel("facts", "", body=cards.facts(items))


def _placed(study: Scored, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    table = view(
        "Segments in this batch", study.sizes,
        ("Segment", lambda row: badge(int(row["segment"]), row["name"])),
        column("Customers", "customers", n.count), column("Share", "share", n.share),
        column("Share before", "share_before", n.share), column("Near the border", "near_border", n.count),
        column("Unusual", "outliers", n.count), column("Outside", "outside", n.count),
    )  # fmt: skip
    drawn = study.sizes.assign(value_share=study.sizes["share_before"].fillna(0.0))
    named = [
        name or f"Segment {number}" for number, name in zip(drawn["segment"], drawn["name"], strict=True)
    ]
    figure = plots.shares(drawn.assign(name=named), pale="the model's own data", **style)
    return captioned("placed", words.sizes(study.sizes, n), figure, table)


def _shift(table: Any, n: Numbers) -> TableView:
    """Return the shift of each column, with what chance gives and the medians then and now."""
    exact = partial(n.index, digits=3)
    return view(
        "Shift of each column", table, column("Column", "column"), column("Shift", "psi", exact),
        column("Chance gives up to", "chance", exact), column("Distance", "far", exact),
        column("Chance gives up to", "far_chance", exact), column("Median then", "before", n.value),
        column("Median now", "after", n.value), column("Missing then", "missing_before", n.share),
        column("Missing now", "missing_after", n.share), column("Reading", "state", STATES.__getitem__),
        words=(9,),
    )  # fmt: skip


def drift(study: Any, style: dict[str, Any], *against: str) -> Panel:
    """Return the panel of what has shifted, against the data named."""
    n: Numbers = style["numbers"]
    caption = words.drift(words.called(study.drift, study.columns), n, *against)
    if not len(study.drift):
        return captioned("drift", caption, None)
    shown = words.called(study.drift, study.columns, inline=False)
    return captioned("drift", caption, change_plots.drift(shown, **style), _shift(shown, n))


def _outside(study: Scored, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    counts = words.called(study.outside, study.columns, inline=False)
    table = view("Customers outside what the model has seen", counts, column("Column", "column"),
                 column("Customers", "customers", n.count), column("Share", "share", n.share))  # fmt: skip
    caption = words.outside(counts, len(study.assignments), n)
    return captioned("outside", caption, None, *([table] if len(counts) else []))


def _method(study: Scored, style: dict[str, Any]) -> Panel:  # noqa: ARG001
    return Panel("method", "", body=cards.listing(LIMITS))


def _parameters(study: Scored, style: dict[str, Any]) -> Panel:  # noqa: ARG001
    shown = (tables.parameters(study.params), tables.provenance(study.provenance))
    return Panel("parameters", "", tables=shown)


BUILDERS: dict[str, Callable[[Scored, dict[str, Any]], Panel]] = {
    "answer": _answer, "facts": _facts, "placed": _placed, "drift": drift, "outside": _outside,
    "method": _method, "parameters": _parameters,
}  # fmt: skip
