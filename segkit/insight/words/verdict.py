"""The verdict in words: one headline, the evidence with what follows from it, and why this number of segments.

The headline says whether there are groups at all before anybody reads about them. Evidence is a silhouette beside what
chance gives, as it stands in the evidence table, and the customers near the border. Whether segments come back in
repeated samples is not measured yet, so no sentence claims it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from segkit.insight.words.numbers import Numbers
from segkit.segments.verdict import Verdict

ENGLISH = Numbers()


def headline(verdict: Verdict, numbers: Numbers = ENGLISH) -> str:
    """Say in one sentence whether there are groups, and never agree in silence with a number that was asked for."""
    k = numbers.cardinal(verdict.segments)
    plain = {
        "none": "These customers do not fall into groups.",
        "weak": f"{k} groups of customers hold up, but the line between them is soft.",
        "clear": f"{k} groups of customers are there, and they are well apart.",
    }[verdict.level]
    if verdict.reason == "too_few":
        plain = "There are too few customers to tell."
    if not verdict.asked:
        return plain
    asked = f"You asked for {verdict.asked} segment{'s' * (verdict.asked != 1)}"
    if verdict.supported or verdict.reason == "too_few":
        return f"{asked}; {plain[:1].lower()}{plain[1:]}"
    return f"{asked}; the data support {'none' if verdict.segments < 2 else verdict.segments}."


def evidence(
    verdict: Verdict,
    evidence: pd.DataFrame,
    sizes: pd.DataFrame | None = None,
    numbers: Numbers = ENGLISH,
    *,
    column: str = "",
) -> str:
    """Say what the verdict rests on, and what follows.

    Parameters
    ----------
    verdict, evidence
        From `segkit.segments.verdict.judge`.
    sizes : DataFrame, optional
        With ``near_border`` and ``customers``, for the share of customers near the border.
    column : str
        Label of a column to sort customers by when there are no groups.
    """
    if verdict.reason == "too_few":
        rows, needed = numbers.count(verdict.rows_used), numbers.count(verdict.needed)
        return f"{rows} customers; at least {needed} are needed. Leave out columns or add customers."
    row = _row(verdict, evidence)
    if verdict.asked and not verdict.supported:
        return (
            f"{numbers.cardinal(verdict.asked)} segments{_against(row, numbers)}. They are shown as you asked, marked "
            "as not supported by the data, and nothing is advised for them."
        )
    if verdict.level == "none":
        tried = numbers.range(verdict.smallest, verdict.largest, numbers.count)
        such = f" such as {column}" if column else ""
        return (
            f"No number from {tried} does clearly better than chance{_brackets(row, numbers)}. "
            f"Treat them as one group, or sort them by a single column{such}."
        )
    doubt = "" if verdict.level == "clear" else " Take the line between them as a guide and test what you plan on a few."
    return f"They{_against(row, numbers)}.{_border(sizes, numbers)}{doubt}"


def choice(verdict: Verdict, evidence: pd.DataFrame, numbers: Numbers = ENGLISH) -> str:
    """Say in one sentence why this many segments are shown."""
    supported = numbers.cardinal(verdict.segments).lower() if verdict.segments > 1 else "none"
    if verdict.asked and not verdict.supported:
        return f"{numbers.cardinal(verdict.asked)}, as you asked; the data support {supported}."
    if verdict.reason == "too_few":
        return "One: there are too few customers to look for more."
    tried = numbers.range(verdict.smallest, verdict.largest, numbers.count)
    if verdict.segments < 2:
        return f"One: no number from {tried} stands clear of chance."
    k, row = numbers.cardinal(verdict.segments), _row(verdict, evidence)
    rivals = evidence[(evidence.segments > 1) & (evidence.segments != verdict.segments)].dropna(subset=["silhouette"])
    if not row or rivals.empty:
        return f"{k}{', as you asked' if verdict.asked else ''}."
    best = rivals.loc[rivals.silhouette.idxmax()]
    here, next_best = numbers.index(row["silhouette"], 3), numbers.index(best.silhouette, 3)
    if row["silhouette"] >= best.silhouette:
        return f"{k}: of {tried} it sets segments furthest apart (silhouette {here}; next best {best.segments}, {next_best})."
    return (
        f"{k}: of {tried} it stands furthest above chance, although {best.segments} has the larger silhouette "
        f"({next_best} against {here})."
    )


def _row(verdict: Verdict, evidence: pd.DataFrame) -> Mapping[Any, Any]:
    """The row of the evidence that the verdict speaks of: the segments shown, else the best attempt."""
    tried = evidence[(evidence.segments > 1) & evidence.silhouette.notna()]
    shown = tried[tried.segments == verdict.shown]
    if shown.empty and len(tried):
        by = "z" if tried["z"].notna().any() else "silhouette"
        shown = tried.loc[[tried[by].idxmax()]]
    return shown.to_dict("records")[0] if len(shown) else {}


def _known(row: Mapping[Any, Any], *names: str) -> bool:
    return all(name in row and pd.notna(row[name]) for name in names)


def _brackets(row: Mapping[Any, Any], numbers: Numbers) -> str:
    if not _known(row, "silhouette", "chance_low", "chance_high"):
        return ""
    chance = numbers.range(row["chance_low"], row["chance_high"])
    return f" ({numbers.index(row['silhouette'])} against {chance})"


def _against(row: Mapping[Any, Any], numbers: Numbers) -> str:
    """A silhouette beside chance, as the rest of a sentence."""
    if not _known(row, "silhouette", "chance_low", "chance_high"):
        return " were not compared with chance"
    chance = numbers.range(row["chance_low"], row["chance_high"])
    above = row["silhouette"] > row["chance_high"]
    far = "further apart than chance would give" if above else "no further apart than chance would give"
    return f" stand {far}: {numbers.index(row['silhouette'])} against {chance}"


def _border(sizes: pd.DataFrame | None, numbers: Numbers) -> str:
    """How many customers sit near the border, as a natural frequency with its counts."""
    if sizes is None or "near_border" not in sizes:
        return ""
    near, every = int(sizes.near_border.sum()), int(sizes.customers.sum())
    if not near:
        return " No customer sits near the border."
    who = numbers.one_in(near / every)
    many = who.startswith(("two", "three", "four", "five", "six", "seven", "eight", "nine"))
    verb = "sit" if many else "sits"
    counts = f"({numbers.count(near)} of {numbers.count(every)})"
    return f" {who[:1].upper()}{who[1:]} {verb} near the border {counts}."
