"""From the change between two studies to its panels: one short function per panel, as in `builders`.

Words come from `insight.words.change`, pictures from `plots.change`, tables from the study.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from segkit.change import Changed
from segkit.insight.compare import BORDER, SURE
from segkit.insight.words import captions
from segkit.insight.words import change as words
from segkit.insight.words.numbers import Numbers
from segkit.panels import cards, scoring, tables
from segkit.panels.panel import Panel, badge
from segkit.panels.tables import _col as column
from segkit.panels.tables import _view as view
from segkit.panels.tables import captioned
from segkit.plots import change as plots
from segkit.segments.refit import REFITS

REASONS = {
    "behaviour": "The customer's own figures changed", "boundary": "The line between segments moved",
    "noise": "No more than chance gives", "unknown": "Not known: the data are gone",
}  # fmt: skip
LIMITS = (
    "Segments are matched so that most customers stay in theirs (Hungarian method).",
    "Where nobody is in both, they are matched by where the earlier model puts the later customers.",
    "A table that is no run yet is made a study with the parameters and number of segments of the earlier.",
    f"A move is behaviour when the earlier study, refitted to {REFITS} resamples, sees it in {SURE:.0%}.",
    "It is a moved boundary when refits of the later study differ from those in as many, and else noise.",
    f"Near the border means a fit below {BORDER:.0%}; a step from near it to near it is noise.",
    "A column has shifted when its index is above 0.10 and beyond chance in 95 of 100 batches.",
    "Two points in time are compared; a trend takes more.",
)


def _answer(study: Changed, style: dict[str, Any]) -> Panel:  # noqa: ARG001 - one signature for all
    return tables.answer(*(study.text[part] for part in ("headline", "evidence", "segments", "action")))


def _facts(study: Changed, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    found, shifted = study.compared, int((study.drift["state"] != "none").sum())
    told = study.causes.set_index("cause")["customers"]
    items = [
        (
            "In both studies",
            n.count(found.shared),
            f"{n.count(found.only_after)} are new, {n.count(found.only_before)} left",
        ),
        ("Moved", n.count(len(found.moves)), f"{n.count(told.get('behaviour', 0))} behave differently"),
        ("Columns shifted", n.count(shifted), f"of {n.count(len(study.drift))} in use"),
    ]
    return Panel("facts", "", body=cards.facts(items))


def _flows(study: Changed, style: dict[str, Any]) -> Panel:
    n, found = style["numbers"], study.compared
    total = int(found.migration.to_numpy().sum())
    few = max(map(len, (found.migration.index, found.migration.columns))) <= plots.FLOWS
    near = int(study.causes["near_border"].sum())
    gone = int(study.migration["withheld"].sum())
    told: dict[str, Any] = {"withheld": gone, "least": study.params.min_cell}
    caption = words.flows(total, len(found.moves), near, n, drawn=few, **told)
    aside = " or not placed" if found.shared > total else ""
    if not total:
        return captioned("flows", caption, None)
    held = study.migration.astype({"customers": float})
    counts = held.pivot_table(
        index="before", columns="after", values="customers", aggfunc="sum", fill_value=0
    )
    hidden = held.pivot_table(
        index="before", columns="after", values="withheld", aggfunc="any", fill_value=False
    )
    order = {axis: [*sorted(set(axis_of) - {0}), *([0] if 0 in axis_of else [])]
             for axis, axis_of in (("before", counts.index), ("after", counts.columns))}  # fmt: skip
    counts = counts.loc[order["before"], order["after"]].astype(int)
    totals = {axis: study.assignments[name].value_counts().reindex(order[axis])
              for axis, name in (("before", "segment_before"), ("after", "segment"))}  # fmt: skip
    names = {
        "before": [_called(study, "before", "name_before", i) or f"New{aside}" for i in counts.index],
        "after": [_called(study, "after", "name", j) or f"Left{aside}" for j in counts.columns],
    }
    pairs = study.segments[study.segments[["before", "after"]].min(axis=1) > 0]
    kin = set(zip(pairs["before"].tolist(), pairs["after"].tolist(), strict=True))
    figure = plots.flows(counts, names, kin, totals=[*totals["before"], *totals["after"]], **style)
    table = view(
        "Customers by segment earlier and now",
        counts.mask(hidden).assign(name=names["before"], total=totals["before"]),
        column("Earlier", "name"),
        *(column(f"{j} now" if j else "Left", str(j), n.count) for j in counts.columns),
        column("Total", "total", n.count),
    )  # fmt: skip
    old = captions.records(study.segments.drop_duplicates("before").query("before > 0"))
    key = tuple(badge(row["before"], row["name_before"]) for row in old)
    return replace(captioned("flows", caption, figure, table), key=key)


def _called(study: Changed, number: str, name: str, which: Any) -> str:
    rows = study.segments.loc[study.segments[number] == which, name]
    return f"{which} {rows.iloc[0]}".strip() if which and len(rows) else str(which or "")


def _fates(study: Changed, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    table = view(
        "Each segment earlier and now", study.segments,
        ("Earlier", lambda row: badge(row["before"], row["name_before"]) if row["before"] else "-"),
        ("Now", lambda row: badge(row["after"], row["name"]) if row["after"] else "-"),
        column("What became of it", "fate", words.FATES.__getitem__),
        column("Customers earlier", "customers_before", n.count),
        column("Customers now", "customers", n.count), column("In both", "shared", n.count),
        column("Overlap", "jaccard", n.index), words=(1, 2),
    )  # fmt: skip
    return captioned("fates", words.fates(study.segments, n), None, table)


def _causes(study: Changed, style: dict[str, Any]) -> Panel:
    n: Numbers = style["numbers"]
    caption = words.causes(study.causes, study.flips, study.why_not, n)
    table = view(
        "Moves by cause", study.causes, column("Cause", "cause", REASONS.__getitem__),
        column("Customers", "customers", n.count), column("Share of the moves", "share", n.share),
        column("Near a border", "near_border", n.count),
    )  # fmt: skip
    return captioned("causes", caption, None, *([] if caption.empty else [table]))


def _drift(study: Changed, style: dict[str, Any]) -> Panel:
    return scoring.drift(study, style, study.labels[0])


def _method(study: Changed, style: dict[str, Any]) -> Panel:  # noqa: ARG001
    return Panel("method", "", body=cards.listing(LIMITS))


def _parameters(study: Changed, style: dict[str, Any]) -> Panel:  # noqa: ARG001
    shown = (tables.parameters(study.params), tables.provenance(study.provenance))
    return Panel("parameters", "", tables=shown)


BUILDERS: dict[str, Callable[[Changed, dict[str, Any]], Panel]] = {
    "answer": _answer, "facts": _facts, "flows": _flows, "fates": _fates, "causes": _causes, "drift": _drift,
    "method": _method, "parameters": _parameters,
}  # fmt: skip
