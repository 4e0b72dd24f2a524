"""A short name for every segment: two to five words, true, and no two alike.

A name is told from the columns in which a segment differs most, what it does more of before what it does
less of. A phrase is only used where the numbers carry it (a typical customer above the middle for "high", a
majority for a level), so no segment at the median is called a high spender. The words stand in
`segkit/tables/words.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations, dropwhile
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from segkit.insight.profile import figures
from segkit.plain import read

LONGEST = 5  # words
EXPLAINED = 0.02  # a column that the split explains less of names nothing
MORE, LESS = 0.4, 0.6  # what a segment does more of is told before what it does less of
MAJORITY = 0.55


@cache
def vocabulary() -> Mapping[str, Any]:
    """Return the words that names are made with."""
    return read(Path(__file__).parents[2] / "tables" / "words.yml")


def among(words: frozenset[str], kind: str) -> bool:
    """Return whether one of the words is of a kind of the vocabulary."""
    return not words.isdisjoint(vocabulary()[kind])


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text, small and without signs."""
    return frozenset(re.findall(r"[^\W_]+", text.lower()))


@dataclass(frozen=True)
class Labels:
    """What people call each column, and what role it has."""

    label: Mapping[str, str] = field(default_factory=dict)
    role: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: pd.DataFrame | None) -> Labels:
        """Take them from the table of columns; without one, names stand with spaces for underscores."""
        if columns is None:
            return cls()
        names = columns["column"].tolist()
        roles = columns.get("role", [""] * len(names))
        return cls(dict(zip(names, columns.label, strict=True)), dict(zip(names, roles, strict=True)))

    def title(self, column: str) -> str:
        """Return the label as it stands: ``Annual income (k$)``."""
        return str(self.label.get(column, column.replace("_", " ")))

    def inline(self, column: str) -> str:
        """Return the label as in a sentence: ``annual income (k$)``; short forms in capitals stay."""
        if self.is_bought(column) and self.role.get(column) == "money":
            return f"{self.noun(column)} spend"
        return _small(self.title(column))

    def noun(self, column: str) -> str:
        """Return the label as in a name: at most three words, without brackets and counting words."""
        words = re.sub(r"\(.*?\)|\[.*?\]|[?!:;,]", " ", _small(self.title(column))).split()
        goods = [w for w in words if w.lower() != "spend"] if self.is_bought(column) else words
        kept = list(dropwhile(lambda w: w.lower() in vocabulary()["noise"], goods)) or words
        return " ".join(vocabulary()["short"].get(w.lower(), w) for w in kept[:3])

    def is_bought(self, column: str) -> bool:
        """Return whether the column is what is spent on, or bought of, one kind of goods."""
        goods = words_of(self.title(column)) - {"spend", *vocabulary()["noise"]}
        if self.role.get(column) == "money":
            return bool(goods) and not among(goods, "amounts")
        known = goods <= {*vocabulary()["goods"]}
        return self.role.get(column) == "number" and bool(goods) and known

    def answer(self, column: str, level: str) -> str:
        """Return ``yes`` or ``no`` for a level that means it; 1 does only in a column of yes and no."""
        level, sure = level.lower(), self.role.get(column) == "yes/no"
        return next((w for w in ("yes", "no") if level == w or (sure and level in vocabulary()[w])), "")


@dataclass(frozen=True)
class Phrase:
    """One true thing about a segment, and how telling it is."""

    adjective: str
    noun: str
    told: tuple[str, str]
    score: float
    bought: bool = False
    money: bool = False

    def __str__(self) -> str:
        if not self.bought:
            return f"{self.adjective} {self.noun}".strip()
        return (
            f"{self.goods} buyers" if self.adjective == "High" else f"low {self.goods}{' spend' * self.money}"
        )

    @property
    def goods(self) -> str:
        """What is bought, in one word: "Detergents paper" is "detergents"."""
        return self.noun if " and " in self.noun else self.noun.split()[0]


class Name(NamedTuple):
    """A possible name, how telling it is, and the columns (with their level) it is told from."""

    score: float
    text: str
    told: tuple[tuple[str, str], ...] = ()


def name_segments(
    profile: pd.DataFrame, drivers: pd.DataFrame, sizes: pd.DataFrame, columns: pd.DataFrame | None = None
) -> list[str]:
    """Name every segment of a profile.

    Parameters
    ----------
    profile, drivers, sizes : DataFrame
        The tables of `segkit.insight`; columns that the split hardly explains name nothing.
    columns : DataFrame, optional
        With ``column label role``; without it names of columns are used as they are.

    Returns
    -------
    list of str, in the order of `sizes`; ``[""]`` for one segment

    Examples
    --------
    >>> from segkit.insight.drivers import drivers
    >>> from segkit.insight.profile import profile, sizes
    >>> f = pd.DataFrame({"segment": [1, 1, 2, 2], "income": [20, 22, 60, 70], "visits": [9, 8, 2, 1]})
    >>> args = {"numbers": ["income", "visits"]}
    >>> name_segments(profile(f, **args), drivers(f, **args), sizes(f))
    ['Many visits, low income', 'High income, few visits']
    """
    return [name.text for name in names_told(profile, drivers, sizes, columns)]


def names_told(
    profile: pd.DataFrame, drivers: pd.DataFrame, sizes: pd.DataFrame, columns: pd.DataFrame | None = None
) -> list[Name]:
    """Return the names of `name_segments`, each with what it is told from."""
    segments, labels = sizes.segment.tolist(), Labels.of(columns)
    if len(segments) < 2:
        return [Name(0.0, "")] * len(segments)
    here, every = figures(profile)
    profile = profile.assign(here=here, all=every)
    telling = profile[profile.column.isin(drivers.column[drivers.explained >= EXPLAINED])]
    ranked = {s: _candidates(telling[telling.segment == s], labels) for s in segments}
    spare = [Name(0.0, "Close to the average" + f", {i}" * (i > 1)) for i in range(1, len(segments) + 1)]
    taken: dict[int, Name] = {}
    for s in sorted(segments, key=lambda s: (-max([n.score for n in ranked[s]], default=0.0), s)):
        used = {name.text.lower() for name in taken.values()}
        taken[s] = next(name for name in ranked[s] + spare if name.text.lower() not in used)
    return [taken[s] for s in segments]


def _candidates(rows: pd.DataFrame, labels: Labels) -> list[Name]:
    """List all names that would be true of one segment, best first."""
    phrases = sorted(_phrases(rows, labels), key=lambda p: -p.score)[:8]
    names = [Name(0.9 * p.score, _single(p), (p.told,)) for p in phrases]
    for one, two in combinations(phrases, 2):
        if words_of(one.noun).isdisjoint(words_of(two.noun)) or (one.bought and two.bought):
            names.append(Name(one.score + 0.5 * two.score, _pair(one, two), (one.told, two.told)))
    bought = rows[[labels.is_bought(c) for c in rows.column]]
    if len(bought) >= 3 and (bought["index"] < 0.95).mean() >= 0.8 and (bought.effect < 0.1).all():
        names.append(
            Name(10.0, "Small buyers", tuple((c, "") for c in bought.sort_values("effect").column[:2]))
        )
    fitting = [n for n in names if 2 <= len(n.text.split()) <= LONGEST]
    return sorted(fitting, key=lambda name: -name.score)


def _phrases(rows: pd.DataFrame, labels: Labels) -> Iterator[Phrase]:
    for row in rows.dropna(subset=["effect"]).to_dict("records"):
        phrase = (_level_phrase if row["kind"] == "category" else _number_phrase)(row, labels)
        if phrase is not None:
            personal = among(words_of(labels.title(row["column"])), "personal")
            yield replace(phrase, score=phrase.score / 2) if personal else phrase


def _number_phrase(row: Mapping[Any, Any], labels: Labels) -> Phrase | None:
    """Say more or less of a number, if that is true of the typical customer and not only of the mean."""
    column, effect = row["column"], row["effect"]
    bought, noun, words = labels.is_bought(column), labels.noun(column), words_of(labels.title(column))
    here, every = row["here"], row["all"]
    ratio = row["index"] if pd.notna(row["index"]) else 1 + effect
    more = here > every and effect >= (0.1 if bought else 0.25) and ratio >= 1.1
    if not more and not (here < every and effect <= -0.25 and ratio <= 0.9):
        return None
    said = [pair for word, pair in vocabulary()["adjectives"].items() if word in words]
    counted = among(words, "counted") and labels.role.get(column) != "money"
    pair = said[0] if said else ("Many", "Few") if counted else ("High", "Low")
    if row["index_of"] == "share above zero" and not bought and not said:
        pair = ("With" if here >= MAJORITY else pair[0], "Without" if here <= 1 - MAJORITY else pair[1])
    score = MORE + effect if more else LESS * -effect
    noun, money = "" if among(words, "without_noun") else noun, labels.role.get(column) == "money"
    return Phrase(pair[not more], noun, (column, ""), score, bought, money)


def _level_phrase(row: Mapping[Any, Any], labels: Labels) -> Phrase | None:
    """Name a level that most of the segment has, and clearly more of it than all have."""
    level, noun, words = row["level"].strip(), labels.noun(row["column"]), vocabulary()
    rare = row["share"] < MAJORITY or row["share"] - row["all_share"] < 0.1
    if rare or level.lower() in words["no_level"]:
        return None
    answer = labels.answer(row["column"], level)
    told = f"{re.sub(r'[(].*?[)]', '', level).strip()} {noun}"
    if answer:
        told = noun if answer == "yes" else f"No {noun}"
    elif level.isdigit():
        told = f"{noun} {level}"
    elif level.lower().startswith("no ") or among(words_of(noun), "level_alone"):
        told = level
    return Phrase(told, "", (row["column"], row["level"]), MORE + row["effect"])


def _single(phrase: Phrase) -> str:
    """Write one phrase as a whole name: "Older customers", "High income"."""
    text = str(phrase)
    return _capital(text if " " in text else f"{text} customers")


def _pair(one: Phrase, two: Phrase) -> str:
    """Write two phrases as a name: goods first, and one adjective for both where that cannot be misread."""
    if two.bought and not one.bought:
        one, two = two, one
    alike = one.adjective == two.adjective and one.bought == two.bought and bool(one.noun and two.noun)
    if alike and one.bought:
        return _capital(str(replace(one, noun=f"{one.goods} and {two.goods}")))
    longer = len(two.noun.split()) > len(one.noun.split())
    if alike and not (longer and among(words_of(two.noun), "properties")):
        return _capital(f"{one} and {two.noun}")
    text = str(two)
    return _capital(f"{one}, {text[:1].lower() if text[1:] == text[1:].lower() else text[:1]}{text[1:]}")


def _small(label: str) -> str:
    """Write a label without its capital letters, but for short forms: "annual income (k$)", "TV hours"."""
    return re.sub(r"(?<!\w)[A-Z](?=[a-z]|\b)(?!\w*[A-Z])", lambda m: m.group().lower(), label)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
