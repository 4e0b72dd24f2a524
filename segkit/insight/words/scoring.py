"""What is said of customers placed by a model: how many, where, and whether the model still fits them.

A shift that chance could give is not one. A model without a summary of its own data is said to have none.
"""

from __future__ import annotations

import pandas as pd

from segkit.insight.words.captions import Caption, counted, fit, listed, records
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers

WHAT = "Population stability index of each column; dotted lines: watch from 0.10, act from 0.25"
NO_SUMMARY = "The model holds no summary of its own data, so neither shift nor unseen values can be told."


def tell(
    placed: pd.DataFrame, sizes: pd.DataFrame, drift: pd.DataFrame, numbers: Numbers, called: str, *,
    known: bool, supported: bool,
) -> dict[str, str]:  # fmt: skip
    """Return the headline, the evidence and what to do."""
    n, inside = numbers, placed[placed["segment"] > 0]
    where = counted(len(sizes), n, "segment")
    headline = f"{counted(len(inside), n, 'customer')} placed in the {where} of {called}."
    if len(inside) < len(placed):
        headline += (
            f" {n.count(len(placed) - len(inside))} could not be placed: a value they need is missing."
        )
    strange = int((placed["outside"] != "").sum())
    parts = [NO_SUMMARY if not known else f"{shifted(drift, n)}."]
    if known:
        parts.append(
            f"{counted(strange, n, 'customer')} {'lies' if strange == 1 else 'lie'} outside what the model"
            " has seen." if strange else "Nobody lies outside what the model has seen."
        )  # fmt: skip
    if not supported:
        parts.append("The number of segments was asked for and is not supported by the data they came from.")
    return {
        "headline": headline,
        "evidence": " ".join(parts),
        "action": advice(drift, strange, len(placed), n),
    }


def called(counts: pd.DataFrame, columns: pd.DataFrame, *, inline: bool = True) -> pd.DataFrame:
    """Return a table of columns with what people call each, as in a sentence or as it stands in a table."""
    labels = Labels.of(columns)
    return counts.assign(column=counts["column"].map(labels.inline if inline else labels.title))


def shifted(drift: pd.DataFrame, numbers: Numbers) -> str:
    """Say which columns have shifted, the strongest first."""
    act = [str(name) for name in drift.loc[drift["state"] == "act", "column"]]
    watch = [str(name) for name in drift.loc[drift["state"] == "watch", "column"]]
    if not act and not watch:
        return "No column has shifted enough to matter"
    names = act or watch
    shown = names if len(names) <= 3 else [*names[:2], f"{numbers.count(len(names) - 2)} more"]
    said = f"{listed(shown)} {'has' if len(names) == 1 else 'have'} shifted {'a lot' if act else 'somewhat'}"
    return said[:1].upper() + said[1:]


def advice(drift: pd.DataFrame, strange: int, rows: int, numbers: Numbers) -> str:
    """Say what to do: use the segments, look first, or make the study again."""
    if (drift["state"] == "act").any():
        return "Make the study again before you act on them: these are not the customers it was made of."
    if rows and strange / rows > 0.05:
        return f"Look first at the {numbers.percent(strange / rows)} outside what the model has seen."
    if (drift["state"] == "watch").any():
        return "Use the segments, and look at the columns that shifted before the next batch."
    return "Use the segments as they are."


def sizes(sizes: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the shares of the segments in the batch beside those of the model's own data."""
    apart = (sizes["share"] - sizes["share_before"]).abs()
    what = "Share of the customers in this batch and, in the pale bar, where the model was learnt"
    if apart.isna().all():
        return Caption(f"{counted(len(sizes), numbers, 'segment')} in this batch", what)
    row = records(sizes)[int(apart.to_numpy().argmax())]
    here, before = numbers.percent(row["share"]), numbers.percent(row["share_before"])
    title = fit(f"Segment {row['segment']} changed most: {here} of this batch, {before} before")
    if here == before:
        title = "Every segment has the share it had before, to a per cent"
    said = (f"{r['segment']}: {numbers.percent(r['share'])}, {numbers.percent(r['share_before'])} before"
            for r in records(sizes))  # fmt: skip
    return Caption(title, what, "", f"{title}. {'; '.join(said)}.")


def drift(drift: pd.DataFrame, numbers: Numbers, against: str = "the model's own data") -> Caption:
    """Caption the shift of each column."""
    if not len(drift):
        return Caption("Shift cannot be told", WHAT, empty=("Not computed", NO_SUMMARY))
    top = records(drift)[0]
    said = shifted(drift, numbers)
    title = fit(said, f"{(drift['state'] == 'act').sum()} columns have shifted a lot")
    note = (
        f"Against {against}. A shift that chance gives for this many rows counts as none. The table gives the"
        " distance of the numbers too, in standard deviations: watch from 0.2, act from 0.5."
    )
    return Caption(title, WHAT, note, f"{title}. Largest: {top['column']}, {numbers.index(top['psi'])}.")


def outside(counts: pd.DataFrame, rows: int, numbers: Numbers) -> Caption:
    """Caption the customers outside what the model has seen, by column."""
    what = "Customers whose value in a column lies beyond nearly all of the model's own data, by column"
    if not len(counts):
        line = "Nobody lies outside what the model has seen."
        return Caption("Nobody lies outside what the model has seen", what, empty=("None", line))
    total = int(counts["customers"].sum())
    verb = "lies" if total == 1 else "lie"
    title = (
        f"{counted(total, numbers, 'customer')} ({numbers.share(total / rows)}) {verb} outside what was seen"
    )
    note = "They are placed all the same, in the nearest segment; look at them before you act."
    return Caption(fit(title), what, note)
