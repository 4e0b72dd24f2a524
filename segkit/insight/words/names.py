"""A short name for every segment: two to five words, true, and no two alike.

A name is told from the columns in which a segment differs most, what it does more of before what it does less of. A
phrase is only used where the numbers carry it (a typical customer above the middle for "high", a majority for a level),
so no segment at the median is called a high spender. Names never judge, and a split into one segment has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, NamedTuple

import pandas as pd

from segkit.insight.drivers import figures

LONGEST = 5  # words
EXPLAINED = 0.02  # a column that the split explains less of names nothing
MORE, LESS = 0.4, 0.6  # what a segment does more of is told before what it does less of
NOISE = frozenset(
    "num number no of count mnt amt amount avg average mean nr spent on in the per prc pct annual yearly".split()
)
SHORT = {"trx": "transactions", "trans": "transactions", "prods": "products", "qty": "quantity"}
COUNTED = frozenset(
    "num number count nr trx transactions visits orders trips calls items kids children visit kidhome teenhome".split()
)
AMOUNTS = frozenset(  # amounts of money that are not spent on a kind of goods
    "income salary balance limit charge charges payment payments credit price revenue fee fees loan debt wage cost "
    "budget score total advance purchase purchases spending value sales turnover tariff bill worth order orders "
    "basket ticket discount discounts return returns refund refunds profit margin savings deposit month year last".split()
)
ADJECTIVES = {  # a word of the label: more, less
    "age": ("Older", "Younger"),
    "birth": ("Born later", "Born earlier"),
    "tenure": ("Long", "Short"),
    "duration": ("Long", "Short"),
    "size": ("Large", "Small"),
    "distance": ("Long", "Short"),
}
WITHOUT_NOUN = frozenset({"age", "birth"})
YES, NO = frozenset("yes y true t 1".split()), frozenset("no n false f 0".split())
LEVEL_ALONE = frozenset(
    "gender sex marital education job occupation settlement region city country month".split()
)
NO_LEVEL = frozenset(["unknown", "none", "nan", "n/a", "na", "missing", "other", "not available", "?", ""])
PERSONAL = frozenset("gender sex age birth".split())  # used where little else tells segments apart


@dataclass(frozen=True)
class Labels:
    """What people call each column, and what role it has."""

    label: Mapping[str, str] = field(default_factory=dict)
    role: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: pd.DataFrame | None) -> Labels:
        """From the table of columns; without one, names with spaces for underscores."""
        if columns is None or not len(columns):
            return cls()
        names = columns["column"].tolist()
        return cls(dict(zip(names, columns.label, strict=True)), dict(zip(names, columns.role, strict=True)))

    def title(self, column: str) -> str:
        """The label as it stands: ``Annual income (k$)``."""
        return str(self.label.get(column, column.replace("_", " ")))

    def inline(self, column: str) -> str:
        """The label inside a sentence: ``annual income (k$)``; short forms in capitals stay."""
        text = self.title(column)
        first = text.split(" ", 1)[0]
        return text if len(first) > 1 and first[1:] != first[1:].lower() else text[:1].lower() + text[1:]

    def noun(self, column: str) -> str:
        """The label as part of a name: at most three words, without brackets and counting words."""
        words = re.sub(r"\(.*?\)|\[.*?\]|[?!:;,]", " ", self.inline(column)).split()
        kept = [SHORT.get(w.lower(), w) for w in words if w.lower() not in NOISE] or words
        return " ".join(" ".join(kept).split()[:3])

    def is_bought(self, column: str) -> bool:
        """Whether the column is money spent on one kind of goods, so that its customers are its buyers."""
        goods = words_of(self.title(column)) - NOISE - {"spend"}
        return self.role.get(column) == "money" and bool(goods) and not goods & AMOUNTS


@dataclass(frozen=True)
class Phrase:
    """One true thing about a segment, and how telling it is."""

    adjective: str
    noun: str
    column: str
    score: float
    bought: bool = False


class Name(NamedTuple):
    """A possible name, how telling it is, and the columns it is told from."""

    score: float
    text: str
    columns: tuple[str, ...]


def name_segments(
    profile: pd.DataFrame,
    drivers: pd.DataFrame,
    sizes: pd.DataFrame,
    columns: pd.DataFrame | None = None,
) -> list[str]:
    """Name every segment of a profile.

    Parameters
    ----------
    profile, drivers, sizes : DataFrame
        The tables of `segkit.insight`; columns that the split hardly explains count less.
    columns : DataFrame, optional
        With ``column label role``; names of columns are used as they are without it.

    Returns
    -------
    list of str, in the order of `sizes`; ``[""]`` for one segment

    Examples
    --------
    >>> from segkit.insight.profile import profile, sizes
    >>> from segkit.insight.drivers import drivers
    >>> f = pd.DataFrame({"segment": [1, 1, 1, 2, 2], "income": [20, 22, 24, 60, 70], "visits": [9, 8, 9, 2, 1]})
    >>> args = {"numbers": ["income", "visits"]}
    >>> name_segments(profile(f, **args), drivers(f, **args), sizes(f))
    ['Many visits, low income', 'High income, few visits']
    """
    segments = sizes.segment.tolist()
    return [name.text for name in names_with_columns(profile, drivers, sizes, columns)]


def names_with_columns(
    profile: pd.DataFrame, drivers: pd.DataFrame, sizes: pd.DataFrame, columns: pd.DataFrame | None = None
) -> list[Name]:
    """The names of `name_segments`, each with the columns that it is told from."""
    segments, labels = sizes.segment.tolist(), Labels.of(columns)
    if len(segments) < 2:
        return [Name(0.0, "", ())] * len(segments)
    explained = dict(zip(drivers.column, drivers.explained, strict=True))
    ranked = {s: _candidates(profile[profile.segment == s], labels, explained) for s in segments}
    taken: dict[int, Name] = {}
    for s in sorted(segments, key=lambda s: (-ranked[s][0].score if ranked[s] else 0.0, s)):
        used = {name.text.lower() for name in taken.values()}
        taken[s] = next((name for name in ranked[s] + _spare(len(segments)) if name.text.lower() not in used))
    return [taken[s] for s in segments]


def _spare(segments: int) -> list[Name]:
    """What is left for segments that nothing sets apart."""
    texts = ["Close to the average", *(f"Close to the average, {i}" for i in range(2, segments + 1))]
    return [Name(0.0, text, ()) for text in texts]


def _candidates(rows: pd.DataFrame, labels: Labels, explained: Mapping[str, float]) -> list[Name]:
    """All names that would be true of one segment, best first."""
    phrases = sorted(_phrases(rows, labels, explained), key=lambda p: -p.score)[:8]
    names = [Name(0.9 * p.score, _render(p), (p.column,)) for p in phrases]
    for first, second in combinations(phrases, 2):
        if not (words_of(first.noun) & words_of(second.noun)) or (first.bought and second.bought):
            score = first.score + 0.5 * second.score
            names.append(Name(score, _render(first, second), (first.column, second.column)))
    bought = rows[[labels.is_bought(c) for c in rows.column]]
    if len(bought) >= 3 and (bought["index"] < 0.95).mean() >= 0.8 and (bought.effect < 0.1).all():
        names.append(Name(10.0, "Small buyers", tuple(bought.sort_values("effect").column[:2])))
    fitting = [name for name in names if 2 <= len(name.text.split()) <= LONGEST]
    return sorted(fitting, key=lambda name: -name.score)


def _phrases(rows: pd.DataFrame, labels: Labels, explained: Mapping[str, float]) -> Iterator[Phrase]:
    """Everything worth saying about one segment."""
    for row in rows.dropna(subset=["effect"]).to_dict("records"):
        make = _level_phrase if row["kind"] == "category" else _number_phrase
        phrase = make(row, labels) if explained.get(row["column"], 1.0) >= EXPLAINED else None
        if phrase is not None:
            personal = words_of(labels.title(row["column"])) & PERSONAL
            yield replace(phrase, score=phrase.score / 2) if personal else phrase


def _number_phrase(row: Mapping[Any, Any], labels: Labels) -> Phrase | None:
    """More or less of a number, if that is true of the typical customer and not only of the mean."""
    column, effect, index = row["column"], row["effect"], row["index"]
    bought, noun = labels.is_bought(column), labels.noun(column)
    ratio = index if index == index else 1 + effect
    here, every = figures(pd.DataFrame([row]))
    more = here.item() > every.item() and effect >= (0.1 if bought else 0.25) and ratio >= 1.1
    less = here.item() < every.item() and effect <= -0.25 and ratio <= 0.9
    if not (more or less):
        return None
    known = [ADJECTIVES[w] for w in re.findall(r"[a-z]+", labels.title(column).lower()) if w in ADJECTIVES]
    counted = words_of(labels.title(column)) & COUNTED and labels.role.get(column) != "money"
    pair = known[0] if known else ("Many", "Few") if counted else ("High", "Low")
    noun = "" if words_of(labels.title(column)) & WITHOUT_NOUN else noun
    score = MORE + effect if more else LESS * -effect
    return Phrase(pair[0] if more else pair[1], noun, column, score, bought)


def _level_phrase(row: Mapping[Any, Any], labels: Labels) -> Phrase | None:
    """A level that most of the segment has, and clearly more of it than all have."""
    told = row["level"].strip().lower() not in NO_LEVEL
    if not told or row["share"] < 0.55 or row["share"] - row["all_share"] < 0.1:
        return None
    noun, level = labels.noun(row["column"]), re.sub(r"\(.*?\)", "", row["level"]).strip()
    if level.lower() in YES:
        adjective = _capital(noun)
    elif level.lower() in NO:
        adjective = f"No {noun}"
    elif level.lower().startswith("no ") or words_of(noun) & LEVEL_ALONE:
        adjective = level
    else:
        adjective = f"{level} {noun}"
    return Phrase(adjective, "", row["column"], MORE + row["effect"])


def _render(first: Phrase, second: Phrase | None = None) -> str:
    """One or two phrases as a name: goods first, one adjective for both where that cannot be misread."""
    if second is None:
        text = _told(first)
        return _capital(text if " " in text else f"{text} customers")
    if second.bought and not first.bought:
        first, second = second, first
    alike = first.adjective == second.adjective
    if first.bought and second.bought and alike:
        return _capital(_told(replace(first, noun=f"{_goods(first)} and {_goods(second)}")))
    if alike and first.noun and not first.bought and len(second.noun.split()) <= len(first.noun.split()):
        return _capital(f"{_told(first)} and {second.noun}")
    other = _told(second)
    return _capital(f"{_told(first)}, {other[:1].lower() if other[1:] == other[1:].lower() else other[:1]}{other[1:]}")


def _told(phrase: Phrase) -> str:
    """One phrase: "High income", "wine buyers", "low wine spend"."""
    if not phrase.bought:
        return f"{phrase.adjective} {phrase.noun}".strip()
    goods = phrase.noun if " and " in phrase.noun else _goods(phrase)
    return f"{goods} buyers" if phrase.adjective == "High" else f"low {goods} spend"


def _goods(phrase: Phrase) -> str:
    """What is bought, in one word where the label has more: "Detergents paper" -> "detergents"."""
    words = phrase.noun.split()
    return next((word for word in words if word.lower() != "spend"), words[0])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def words_of(text: str) -> frozenset[str]:
    """The words of a text, small and without signs."""
    return frozenset(re.findall(r"[^\W_]+", text.lower()))
