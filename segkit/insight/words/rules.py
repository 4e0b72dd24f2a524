"""Rules, tests and money in words: what a condition asks, how well a rule fits, what a test needs.

Every figure comes from a table of `insight.rules`, `evidence`, `stakes` or `fairness`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from segkit.insight.rules import Condition, Rule, Rules
from segkit.insight.words.captions import Caption, counted, fit
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import NBSP, Numbers


def condition(asked: Condition, labels: Labels, numbers: Numbers) -> str:
    """Write a condition: "visits 4 or more", "plan is gold".

    Examples
    --------
    >>> condition(Condition("visits", low=4, high=9), Labels(), Numbers())
    'visits 4 to under 9'
    """
    name = labels.inline(asked.column)
    if asked.level is not None:
        level = f"{asked.level:g}" if isinstance(asked.level, float) else asked.level
        level = labels.answer(asked.column, level) or level
        return f"{name} is {'not ' * asked.negated}{level}"
    low, high = numbers.exact(asked.low), numbers.exact(asked.high)
    if asked.high == float("inf"):
        return f"{name} {low} or more"
    return f"{name} under {high}" if asked.low == float("-inf") else f"{name} {low} to under {high}"


def rule(told: Rule, labels: Labels, numbers: Numbers) -> str:
    """Write the conditions of a rule: "visits 4 or more and plan is gold"."""
    text = _joined(told, labels, numbers)
    return text[:1].upper() + text[1:]


def _joined(told: Rule, labels: Labels, numbers: Numbers) -> str:
    return " and ".join(condition(each, labels, numbers) for each in told.conditions)


def sentences(rules: Rules, labels: Labels, numbers: Numbers) -> dict[int, str]:
    """Tell the rule of each segment and how well it fits."""
    rows = rules.table.to_dict("records")
    return {
        told.segment: f"In short: {_joined(told, labels, numbers)}. That fits "
        f"{numbers.percent(row['coverage'])} of them, and {numbers.percent(row['precision'])} of all whom it "
        "fits are in this segment."
        for told, row in zip(rules.rules, rows, strict=True)
    }


def rules_caption(rules: Rules, numbers: Numbers) -> Caption:
    """Caption the table of rules."""
    subtitle = "At most three conditions per segment, measured on all customers"
    if not rules.rules:
        nothing = ("There is one group", "So there is nothing that a rule could tell apart.")
        return Caption("What a rule would ask", subtitle, empty=nothing)
    share = numbers.percent(rules.fidelity)
    count = f"{numbers.cardinal(len(rules.rules))} short rule{'s put' if len(rules.rules) > 1 else ' puts'}"
    title = f"{count} {share} of customers in their segment"
    note = "Read from the top: the first rule that fits decides, and who fits none is in segment "
    note += f"{rules.otherwise}. Lift is how many times more often the segment is met among those who fit."
    if not rules.faithful:
        title = f"Short rules do not describe these segments: {share} put right"
        note += f" Under 80{NBSP}%, use the model and not the rules."
    return Caption(fit(title), subtitle, note)


def unused_caption(unused: pd.DataFrame, labels: Labels, numbers: Numbers) -> Caption:
    """Caption the table of columns that did not make the segments."""
    subtitle = "Columns that had no part in making the segments, so a test of them is fair"
    if unused.empty:
        none = (
            "Every usable column made the segments",
            "Leave some out to see whether segments differ there.",
        )
        return Caption("What else differs", subtitle, empty=none)
    columns, found = unused["column"].nunique(), unused[unused["differs"]]
    differing = list(dict.fromkeys(found["column"]))
    title = f"Not one of {counted(columns, numbers, 'other column')} differs between the segments"
    if differing:
        lead = f"{numbers.cardinal(len(differing))} of {counted(columns, numbers, 'other column')}"
        lead += " differs too" if len(differing) == 1 else " differ too"
        title = fit(f"{lead}, {labels.inline(differing[0])} most surely", lead)
    note = f"Differs: at most 5{NBSP}% of these findings are expected to be chance, whatever their number "
    note += "(Benjamini and Yekutieli). The test value counts standard deviations of chance."
    return Caption(title, subtitle, note)


def fairness_caption(fairness: pd.DataFrame, labels: Labels, numbers: Numbers) -> Caption:
    """Caption the table of sensitive columns."""
    subtitle = "How much a customer’s segment tells about columns that had no part in making it"
    if fairness.empty:
        none = (
            "No sensitive column is named",
            "Name them with the parameter sensitive to have them checked.",
        )
        return Caption("Do segments stand in for a sensitive column?", subtitle, empty=none)
    found = fairness[fairness["stands_in"]]
    title = f"Segments stand in for none of {counted(len(fairness), numbers, 'sensitive column')}"
    if len(found):
        lead = labels.inline(found["column"].iloc[0])
        title = fit(
            f"Segments stand in for {lead}: whoever treats one treats the other",
            f"Segments stand in for {lead}",
        )
    note = "Warned from a V of 0.30 or an AUC of 0.70 (0.50 tells nothing, 1.00 everything). "
    note += "No warning does not make a use of the segments fair."
    return Caption(title, subtitle, note)


def stake(row: Mapping[Any, Any], value: str, numbers: Numbers) -> str:
    """Tell the money observed in a segment, with its interval; nothing without a value column."""
    if not value or pd.isna(row.get("value_low")):
        return ""
    short = row["value_low"] >= 1_000_000  # all three or none: "974,863 to 1.0 M" is hard to read
    between = numbers.range(row["value_low"], row["value_high"], lambda x: numbers.money(x, short=short))
    observed = numbers.money(row["value_sum"], short=short)
    return f"At stake: {observed} of {value}, observed ({between} in nine of ten resamples)."


def proof(held: int, change: float, numbers: Numbers) -> str:
    """Tell how many customers a test of an action holds back, and the change that it can then show."""
    if pd.isna(change):
        return "There are too few customers to prove that it works."
    back = f"To prove it, hold back {counted(held, numbers, 'customer')} and treat as many"
    points = numbers.value(round(100 * change, 1))
    return f"{back}: a difference of {points} points in the share that answers then shows four times in five."
