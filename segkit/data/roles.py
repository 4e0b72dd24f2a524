"""What a column is, told from its statistics and its name, with the reason in words.

No value is looked at here: the numbers of `columns.describe` and the words in the name are all there is, so
that every guess can be explained in one phrase. Where the two disagree the safe side wins: ids and free
text never become features, and a whole number is a code only if its name says so, or starts at 1 and counts
nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import personal

# Vocabularies: words that column names are made of.
_MONEY = (
    "spend spent spending mnt revenue amount amt income price prices charge charges cost costs sales"
    " salary fee fees turnover monetary payment payments cash usd eur gbp chf dollar dollars euro euros"
    " credit deposit wage budget"
)
_PERHAPS_MONEY = "purchases purchase balance value total profit margin limit"  # when there are cents
_NOT_MONEY = (
    "score index rate rating frequency share percent pct prc ratio count num number trx transactions n"
    " days months rank level items qty quantity visits type category method"
)
_CODE = (
    "channel region code type class group segment cluster category status education occupation gender sex"
    " marital settlement zone area country state city plan tier branch store product contract"
)
_COUNT = (
    "num number no count n qty quantity visits orders items transactions trx trans days day weeks months"
    " month years year age tenure children kids kidhome teenhome kid teen household family persons members"
    " size score rating satisfaction points miles recency frequency purchases returns calls logins"
    " sessions previous campaign duration rank level stars"
)
_YES_NO = ("yes no", "y n", "true false", "t f", "ja nein", "oui non", "si no", "0 1")
_LONG = {
    "amt": "amount", "cust": "customer", "dt": "date", "id": "ID", "id#": "ID#", "mnt": "spend on",
    "num": "number of", "pct": "percent", "prc": "percent", "qty": "quantity", "trans": "transactions",
    "trx": "transactions",
}  # fmt: skip
_PERSON = "customer|client|cust|user|member|account"
_ID = re.compile(rf"(^|[ _.-])(id|ids|uuid|guid|key)$|({_PERSON}) ?(id|no|nr|num|number|code|key)$")


@dataclass(frozen=True)
class Facts:
    """What is known about a column: its name, what it holds, and its aggregates (keys as in `columns`)."""

    name: str
    holds: str  # "number", "text", "date" or "other"
    rows: int
    filled: int
    distinct: int
    stats: dict[str, Any]

    @property
    def unique(self) -> bool:
        """Tell whether every value is different."""
        return self.distinct == self.filled > 1

    @property
    def named_id(self) -> bool:
        """Tell whether the name says that this is an id."""
        return _ID.search(" ".join(words(self.name))) is not None

    def says(self, vocabulary: str) -> bool:
        """Tell whether one of these words is in the name."""
        return not set(vocabulary.split()).isdisjoint(words(self.name))


def guess(facts: Facts) -> tuple[str, str]:
    """Return the role of a column and the reason for it.

    Examples
    --------
    >>> counts = {"min": 1, "max": 3, "parts": 0}
    >>> guess(Facts("Region", "number", 440, 440, 3, counts))
    ('category', 'whole numbers from 1 to 3, read as codes')
    >>> guess(Facts("Household size", "number", 440, 440, 3, counts))
    ('number', 'whole numbers')
    """
    if not facts.filled:
        return "empty", "no value at all"
    if facts.distinct == 1:
        only = facts.stats.get("top")
        return "constant", f"always {shown(facts.stats['min'] if only is None else only)}"
    if whose := _whose(facts):
        return "personal", f"looks like {whose}, so it is kept out"
    if facts.holds == "number":
        return _number(facts)
    if facts.holds == "text":
        return _text(facts)
    return ("date", "dates") if facts.holds == "date" else ("free text", "values that cannot be compared")


def amount(facts: Facts) -> tuple[str, str]:
    """Return the role of a column of numbers that is no id and no code: money or number."""
    sure = facts.says(_MONEY) or any(sign in facts.name for sign in "$€£")
    if (sure or (facts.says(_PERHAPS_MONEY) and facts.stats["parts"])) and not facts.says(_NOT_MONEY):
        return "money", "numbers, and the name says money"
    return "number", "numbers" if facts.stats["parts"] else "whole numbers"


def is_customer(name: str) -> bool:
    """Tell whether a name speaks of a customer."""
    return re.search(_PERSON, name.lower()) is not None


def _whose(facts: Facts) -> str:
    """Return what a column seems to hold of a person; a few values that many share tell nobody apart."""
    if facts.distinct <= personal.MANY and not facts.unique:
        return ""
    spoken = " ".join(words(facts.name))
    if facts.named_id and not personal.by_name(spoken):
        return ""
    if facts.holds == "number":
        return "" if facts.stats["parts"] else personal.number(spoken, facts.stats["min"])
    if facts.holds == "text":
        alike = facts.stats.get("personal", 0) >= personal.MOST * facts.filled
        ends = (personal.by_value(str(facts.stats[end])) for end in ("first", "last"))
        return next(filter(None, ends), "personal data") if alike else personal.by_name(spoken)
    return "a date of birth" if personal.by_name(spoken) == "a date of birth" else ""


def _number(facts: Facts) -> tuple[str, str]:
    low, high, whole = facts.stats["min"], facts.stats["max"], not facts.stats["parts"]
    if (low, high, facts.distinct) == (0, 1, 2):
        return "yes/no", "only 0 and 1"
    if whole and facts.named_id and (facts.unique or facts.distinct > 20):
        return "id", "the name says id"
    if whole and facts.unique and facts.filled >= 20 and high - low + 1 == facts.rows:
        return "id", "counts the rows"
    few = 2 <= facts.distinct <= 10 and facts.distinct == high - low + 1
    says_code = low in {0, 1} and (facts.says(_CODE) or facts.named_id)
    if whole and few and (says_code or (low == 1 and not facts.says(f"{_COUNT} {_MONEY} {_PERHAPS_MONEY}"))):
        return "category", f"whole numbers from {low:.0f} to {high:.0f}, read as codes"
    return amount(facts)


def _text(facts: Facts) -> tuple[str, str]:
    stats, distinct = facts.stats, f"{facts.distinct:,} different values"
    ends = {str(stats["first"]).lower(), str(stats["last"]).lower()}
    if facts.distinct == 2 and ends in [set(pair.split()) for pair in _YES_NO]:
        return "yes/no", f"only {stats['last']} and {stats['first']}"
    if facts.named_id and (facts.unique or facts.distinct > 20):
        return "id", "the name says id"
    if (
        facts.unique
        and facts.filled >= 20
        and stats["spaced"] < 0.01 * facts.filled
        and stats["length"] <= 40
    ):
        return "id", "every value is different"
    varied = facts.distinct > max(20, 0.5 * facts.filled)
    if stats["longest"] > 200 or (varied and stats["length"] > 30 and stats["spaced"] > 0.5 * facts.filled):
        return "free text", f"sentences, {distinct}"
    return "near-unique" if varied or facts.unique else "category", distinct


def words(name: str) -> list[str]:
    """Split a column name into lower-case words.

    Examples
    --------
    >>> words("MntWines"), words("CASH_ADVANCE_TRX"), words("Annual Income (k$)")
    (['mnt', 'wines'], ['cash', 'advance', 'trx'], ['annual', 'income', 'k'])
    """
    return [word.lower() for word in re.findall(r"[^\W_]+", _split(name))]


def labels(names: Sequence[str]) -> list[str]:
    """Return words for people for each column name, the name itself where two would get the same.

    Examples
    --------
    >>> labels(["Detergents_Paper", "MonthlyCharges", "NumWebVisits", "a_b", "aB"])
    ['Detergents paper', 'Monthly charges', 'Number of web visits', 'a_b', 'aB']
    """
    made = [_label(name.strip()) for name in names]
    taken = Counter(label.lower() for label in made)
    return [label if taken[label.lower()] == 1 else name for label, name in zip(made, names, strict=True)]


def _label(name: str) -> str:
    if " " in name:
        return name
    acronyms = (
        [] if name.isupper() else [word for word in _split(name).split() if len(word) < 5 and word.isupper()]
    )
    text = " ".join(
        word if word in acronyms else _LONG.get(word.lower(), word.lower()) for word in _split(name).split()
    )
    return text[:1].upper() + text[1:] or name


def _split(name: str) -> str:
    return re.sub(r"([a-z0-9])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])", r"\1\2 ", name).replace("_", " ")


def shown(value: Any) -> str:
    """Return a value as a person would write it.

    Examples
    --------
    >>> shown(3.0), shown("a")
    ('3', 'a')
    """
    return f"{value:.15g}" if isinstance(value, float) else str(value)
