"""The verdict in words: a headline, the evidence with what follows from it, and why this number of segments.

The headline says whether there are groups at all before anybody reads about them. Evidence is a silhouette
beside what chance gives, as it stands in the evidence table, how far segments come back in repeated samples,
as it stands in the table of strength, and the customers near the border.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

import pandas as pd

from segkit.insight.words.numbers import Numbers
from segkit.segments.verdict import Verdict

ENGLISH = Numbers()
FEW = 0.005  # of the customers, not worth a figure


def headline(verdict: Verdict, numbers: Numbers = ENGLISH) -> str:
    """Say in one sentence whether there are groups, and never agree in silence with a number asked for."""
    k = numbers.cardinal(verdict.segments)
    plain = {
        "none": "These customers do not fall into groups.",
        "weak": f"{k} groups of customers hold up, but the line between them is soft.",
        "clear": f"{k} groups of customers are there, and they are well apart.",
    }[verdict.level]
    if verdict.failed and verdict.level != "none" and verdict.supported:
        kept, k = verdict.shown - len(verdict.failed), numbers.cardinal(verdict.shown)
        rest = numbers.cardinal(len(verdict.failed)).lower()
        does = "does" if len(verdict.failed) == 1 else "do"
        plain = f"{numbers.cardinal(kept)} of {k.lower()} segments hold; the other {rest} {does} not."
        if not kept:
            plain = f"{k} segments stand out together, but none of them holds by itself."
    if verdict.reason == "too_few":
        plain = "There are too few customers to tell."
    if verdict.reason == "too_small":
        plain = "These customers do not fall into groups as large as you ask for."
    if not verdict.asked:
        return f"{plain}{_joined(verdict, numbers)}"
    asked = f"You asked for {verdict.asked} segment{'s' * (verdict.asked != 1)}"
    if verdict.supported or verdict.reason == "too_few":
        return f"{asked}; {plain[:1].lower()}{plain[1:]}{_joined(verdict, numbers)}"
    return f"{asked}; the data support {verdict.segments if verdict.segments > 1 else 'none'}."


def _joined(verdict: Verdict, numbers: Numbers) -> str:
    """Say that some were joined, as another sentence; nothing where none were."""
    if verdict.shown == verdict.pieces:
        return ""
    return (
        f" You joined some of {numbers.count(verdict.pieces)}, so {numbers.count(verdict.shown)} are shown."
    )


def evidence(
    verdict: Verdict,
    evidence: pd.DataFrame,
    sizes: pd.DataFrame,
    numbers: Numbers = ENGLISH,
    *,
    column: str = "",
    bands: tuple[str, str] | None = None,
    strength: pd.DataFrame | None = None,
) -> str:
    """Say what the verdict rests on, and what follows.

    Parameters
    ----------
    verdict, evidence
        From `segkit.segments.verdict.judge`.
    sizes : DataFrame
        With ``customers`` and ``near_border``.
    column : str
        Label of a column to sort customers by when there are no groups.
    bands : tuple of str, optional
        The lower and the upper quartile of that column, as they are written.
    strength : DataFrame, optional
        From `segkit.segments.verdict.judge`: ``segment``, ``share``, ``jaccard``, ``unsure``.
    """
    if verdict.reason == "too_few":
        rows, needed = numbers.count(sizes.customers.sum()), numbers.count(verdict.needed)
        return f"{rows} customers; at least {needed} are needed. Leave out columns or add customers."
    if verdict.reason == "same":
        return "No two customers differ in the columns used. Choose other columns."
    if verdict.reason == "too_small" and not verdict.asked:
        return (
            "They stand further apart than chance, yet every number of groups has one that is smaller than"
            " you allow. Allow smaller segments, or treat them as one group."
        )
    stand = _stand(verdict, evidence, numbers)
    if verdict.asked and not verdict.supported:
        asked = f"{numbers.cardinal(verdict.asked)} segments {stand}. They are shown as you asked"
        return f"{asked}; the data support {supported(verdict, numbers)}, so we advise nothing."
    if verdict.level == "none":
        tried = numbers.range(verdict.smallest, verdict.largest, numbers.count)
        such = f" such as {column}" if column else ""
        none = _none(tried, _row(verdict, evidence), numbers)
        if bands:
            such += f": a quarter have {bands[0]} or less, a quarter {bands[1]} or more"
        return (
            f"{none} Treat them as one group, or sort them by a single column{such}."
            " Other columns may tell groups apart."
        )
    follows = "Test what you plan on a sample first." if verdict.level == "weak" else ""
    back = _back(verdict, strength, numbers)
    they = f"They {stand}."
    if verdict.reason == "one_column":
        they = f"It rests on {verdict.column} alone, which has two peaks; as a whole they {stand}."
    elif verdict.tested_at not in {0, verdict.pieces}:
        they = f"Split in {numbers.cardinal(verdict.tested_at).lower()} by k-means, they {stand}."
    near = f"{border(sizes, numbers)}{_unsure(strength, numbers)}"
    return f"{back}{they} {near} {follows}".strip()


def _back(verdict: Verdict, strength: pd.DataFrame | None, numbers: Numbers) -> str:
    """Say whether segments come back in repeated samples, and what follows for those that do not hold."""
    if strength is None or strength.empty:
        return ""
    if verdict.failed:
        return failed(verdict, numbers)
    least = numbers.percent(float(strength["jaccard"].min()))
    return f"All come back in repeated samples (the least overlap is {least} on average). "


def _unsure(strength: pd.DataFrame | None, numbers: Numbers) -> str:
    """Say how many customers change segment in repeated samples, as another sentence; nothing for few."""
    if strength is None or strength.empty:
        return ""
    share = float((strength["share"] * strength["unsure"]).sum())
    if share < FEW:
        return " Nearly all keep their segment in repeated samples."
    who = numbers.one_in(share)
    change = "change" if "customers" in who else "changes"
    return f" {who[:1].upper()}{who[1:]} {change} segment in over a fifth of repeated samples."


def failed(verdict: Verdict, numbers: Numbers) -> str:
    """Say which segments do not hold, and what follows for them; nothing where all do."""
    *first, last = ("", *map(numbers.count, verdict.failed))
    some = f"{', '.join(first[1:])} and {last}" if first[1:] else last
    if not some:
        return ""
    one = len(verdict.failed) == 1
    said = f"Segment {some} does" if one else f"Segments {some} do"
    return f"{said} not hold: shown, and nothing is advised for {'it' if one else 'them'}. "


def choice(verdict: Verdict, evidence: pd.DataFrame, numbers: Numbers = ENGLISH) -> str:
    """Say in one sentence why this many segments are shown."""
    k = numbers.cardinal(verdict.shown)
    if verdict.shown != verdict.pieces:
        return f"{k}, because you joined some of {numbers.count(verdict.pieces)}."
    if verdict.asked and not verdict.supported:
        return f"{k}, as you asked; the data support {supported(verdict, numbers)}."
    if verdict.segments < 2:
        tried = numbers.range(verdict.smallest, verdict.largest, numbers.count)
        why = {
            "too_few": "there are too few customers to look for more",
            "same": "no two customers differ in the columns used",
            "too_small": f"every number from {tried} has a segment smaller than you allow",
        }.get(verdict.reason, f"no number from {tried} stands clear of chance")
        return f"One: {why}."
    return f"{k}{_against_others(verdict, evidence, numbers)}."


def _against_others(verdict: Verdict, evidence: pd.DataFrame, numbers: Numbers) -> str:
    """Say why this number and no other, after its name."""
    others = evidence[(evidence.segments > 1) & (evidence.segments != verdict.segments)]
    rival = others.dropna(subset=["silhouette"]).nlargest(1, "silhouette").to_dict("records")
    here = _row(verdict, evidence)
    if not isnan(verdict.dbcv) and not verdict.asked:
        return (
            f": of the numbers found it has the best density-based validity ({numbers.index(verdict.dbcv)})"
        )
    if not rival or not here or not isnan(verdict.dbcv):
        return ", as you asked" if verdict.asked else ""
    if verdict.algorithm != "kmeans":
        return ", as you asked" if verdict.asked else f": {verdict.why}"
    own, best, other = here["silhouette"], rival[0]["silhouette"], numbers.count(rival[0]["segments"])
    figures = f"{numbers.index(own, 3)} against {numbers.index(best, 3)} for {other}"
    if own >= best:
        return f": it sets customers further apart than any other number tried (silhouette {figures})"
    return f": it stands furthest above chance, although {other} has the larger silhouette ({figures})"


def _row(verdict: Verdict, evidence: pd.DataFrame) -> Mapping[Any, Any]:
    """Find the row that the verdict speaks of: the number shown, or the one with the largest silhouette."""
    tried = evidence[(evidence.segments > 1) & evidence.silhouette.notna()]
    shown = tried[tried.segments == verdict.pieces]
    row = shown if len(shown) else tried.nlargest(1, "silhouette")
    return next(iter(row.to_dict("records")), {})


def supported(verdict: Verdict, numbers: Numbers) -> str:
    """Say how many segments the data support."""
    return numbers.cardinal(verdict.segments).lower() if verdict.segments > 1 else "none"


def _stand(verdict: Verdict, evidence: pd.DataFrame, numbers: Numbers) -> str:
    """Hold a silhouette beside chance, as the rest of a sentence."""
    tested = evidence[evidence["segments"] == verdict.tested_at].to_dict("records")
    row = tested[0] if tested else _row(verdict, evidence)
    if not isnan(verdict.dbcv):
        valid = numbers.index(verdict.dbcv)
        return f"are dense places with thinner ones between (density-based validity {valid})"
    if not row or pd.isna(row["chance_low"]) or pd.isna(row["chance_high"]):
        return "could not be compared with chance"
    further = "further" if row["tested"] > row["chance_high"] else "no further"
    chance = numbers.range(row["chance_low"], row["chance_high"])
    return f"stand {further} apart than chance would give: {numbers.index(row['tested'])} against {chance}"


def _none(tried: str, row: Mapping[Any, Any], numbers: Numbers) -> str:
    """Say that no number of segments does, and how near the best one came."""
    if not row or pd.isna(row["chance_low"]) or pd.isna(row["chance_high"]):
        return f"No number from {tried} could be compared with chance."
    here, chance = numbers.index(row["tested"]), numbers.range(row["chance_low"], row["chance_high"])
    if row["tested"] <= row["chance_high"]:
        return f"No number from {tried} does better than chance ({here} against {chance})."
    best = f"the best, {numbers.count(row['segments'])}, gives {here} where chance gives {chance}"
    return f"No number from {tried} stands clear of chance: {best}."


def border(sizes: pd.DataFrame, numbers: Numbers) -> str:
    """Say how many customers sit near the border, as a natural frequency with its counts."""
    near, every = int(sizes.near_border.sum()), int(sizes.customers.sum())
    if not near:
        return "No customer sits near the border."
    who = numbers.one_in(near / every)
    sit = "sit" if "customers" in who else "sits"
    counts = f"({numbers.count(near)} of {numbers.count(every)})"
    return f"{who[:1].upper()}{who[1:]} {sit} near the border {counts}."
