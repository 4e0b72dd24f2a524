"""What to do about each segment, and the numbers that say so.

A playbook (`segkit/tables/playbook.yml`, or your own) maps conditions on the profile to an action, its
channel and what to measure. Nothing is advised for segments that the data do not support or that are too
small, a weak verdict makes every action a test, and no effect is promised: the data describe, they do not
tell what an action will bring.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Any

import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

from segkit.errors import ParameterError
from segkit.insight.profile import figures
from segkit.insight.stakes import holdout
from segkit.insight.words import rules as words_room
from segkit.insight.words.names import EXPLAINED, Labels, words_of
from segkit.insight.words.numbers import Numbers
from segkit.insight.words.summary import customers, difference
from segkit.plain import read
from segkit.segments.verdict import Verdict

PLAYBOOK = Path(__file__).parents[1] / "tables" / "playbook.yml"
LEAST, LEAST_SHARE = 30, 0.02  # customers and share of all below which nothing is advised
NAN = float("nan")
OPPOSED = 0.2  # an effect that speaks against a rule when it points the other way
TEST = "Try {offer} on a sample first, and measure it against customers who get nothing."
WORDS = {
    "column", "goods", "level", "difference", "share", "customers", "value", "value_share", "total_share",
}  # fmt: skip
ACTIONS = [
    "segment", "action", "channel", "measure", "evidence", "rule",
    "stake", "proof", "base", "holdout", "change",
]  # fmt: skip


def _fillable(text: str) -> str:
    """Check that a text of the playbook uses only the words that can be filled in."""
    unknown = {name for _, name, _, _ in Formatter().parse(text) if name is not None} - WORDS
    if unknown:
        found = ", ".join(sorted("{" + name + "}" for name in unknown))
        raise ValueError(f"uses {found}; allowed are {', '.join(sorted(WORDS))}")
    return text


Text = Annotated[str, AfterValidator(_fillable)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(_Strict):
    """A closed range with one or two ends; a missing number lies outside."""

    at_least: float = float("-inf")
    at_most: float = float("inf")

    def hold(self, x: float) -> bool:
        """Return whether `x` lies inside."""
        return bool(self.at_least <= x <= self.at_most)


class Column(_Strict):
    """Which column of the profile a rule is about."""

    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    bought: bool = False
    level: tuple[str, ...] = ()
    share: Bounds = Bounds()
    index: Bounds = Bounds()
    effect: Bounds = Bounds()
    total_ratio: Bounds | None = None

    @model_validator(mode="after")
    def _means_columns(self) -> Column:
        if not self.words and not self.bought:
            raise ValueError("needs `words` of the label, or `bought: true`")
        return self

    def find(self, rows: list[dict[Any, Any]], labels: Labels) -> dict[Any, Any] | None:
        """Return the first row that keeps the bounds, unless another column meant says the opposite."""
        meant = [row for row in rows if self._means(row, labels)]
        found = next((row for row in meant if self._holds(row)), None)
        if found is None or self.bought or self.level:
            return found
        opposed = (row["effect"] * found["effect"] < 0 and abs(row["effect"]) >= OPPOSED for row in meant)
        return None if any(opposed) else found

    def _means(self, row: Mapping[Any, Any], labels: Labels) -> bool:
        title, level = words_of(labels.title(row["column"])), str(row["level"]).lower()
        if self.level:
            right = level in self.level or labels.answer(row["column"], level) in self.level
        else:
            right = row["kind"] == "number"
        named = any(words_of(phrase) <= title for phrase in self.words) and title.isdisjoint(self.without)
        return right and labels.is_bought(row["column"]) == self.bought and (named or self.bought)

    def _holds(self, row: Mapping[Any, Any]) -> bool:
        total = self.total_ratio is None or self.total_ratio.hold(row["total_ratio"])
        return total and all(getattr(self, name).hold(row[name]) for name in ("share", "index", "effect"))


class When(_Strict):
    """Conditions that must all hold."""

    value_ratio: Bounds | None = None
    share: Bounds = Bounds()
    column: Column | None = None


class Entry(_Strict):
    """One rule of the playbook."""

    id: str
    when: When
    offer: Text
    action: Text
    channel: Text
    measure: Text
    evidence: Text

    def fits(
        self, size: Mapping[Any, Any], rows: list[dict[Any, Any]], labels: Labels
    ) -> dict[Any, Any] | None:
        """Return the row of the profile the rule is about ({} if it needs none), else None."""
        ratio = size.get("value_share", float("nan")) / size["share"]
        worth = self.when.value_ratio is None or self.when.value_ratio.hold(ratio)
        if not worth or not self.when.share.hold(size["share"]):
            return None
        return self.when.column.find(rows, labels) if self.when.column else {}


class Playbook(_Strict):
    """The rules, in the order in which they are tried."""

    playbook: tuple[Entry, ...]


@cache
def read_playbook(path: Path = PLAYBOOK) -> Playbook:
    """Read and check a playbook.

    Raises
    ------
    ParameterError
        Names every entry that cannot be used, and why.

    Examples
    --------
    >>> [entry.id for entry in read_playbook().playbook][:3]
    ['stop-leaving', 'win-back', 'protect']
    """
    try:
        return Playbook.model_validate(read(path))
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        raise ParameterError(f"The playbook {path.name} cannot be used. {'; '.join(faults)}.") from None


def recommend(
    sizes: pd.DataFrame,
    profile: pd.DataFrame,
    drivers: pd.DataFrame,
    verdict: Verdict,
    *,
    value: str = "",
    numbers: Numbers | None = None,
    columns: pd.DataFrame | None = None,
    holds: Mapping[int, bool] | None = None,
    playbook: Path = PLAYBOOK,
) -> pd.DataFrame:
    """Advise on each segment, or say why not.

    Parameters
    ----------
    sizes, profile, drivers : DataFrame
        The tables of `segkit.insight`; columns that the split hardly explains carry no advice. Where `sizes`
        has ``value_low value_high``, the money at stake is told.
    verdict : Verdict
        Decides whether anything is advised, and whether as an order or as a test.
    value : str
        The column with what a customer is worth, as given to `sizes`.
    columns : DataFrame, optional
        ``column label role``.
    holds : mapping, optional
        Whether each segment holds by itself; all of them where the verdict does not say.

    Returns
    -------
    DataFrame with ``segment action channel measure evidence rule stake proof base holdout change``
        `action` and `rule` are empty where nothing is advised, and `evidence` says why. `stake` and `proof`
        are sentences; a test holds back `holdout` customers and shows a `change` of a share from `base`: the
        segment's own where the rule is about a share, else one half, where most are needed. No rows where
        the verdict is *none* and no number of segments was asked for.
    """
    if verdict.level == "none" and not verdict.asked:
        return pd.DataFrame(columns=ACTIONS)
    labels, numbers, book = Labels.of(columns), numbers or Numbers(), read_playbook(playbook)
    here, every = figures(profile)
    rows = profile.assign(here=here, all=every, size=-profile.effect.abs()).dropna(subset=["effect"])
    telling = drivers.column[drivers.explained >= EXPLAINED]
    rows = rows[rows.column.isin(telling)].sort_values("size", kind="stable")
    made = []
    for size in sizes.to_dict("records"):
        own = rows[rows.segment == size["segment"]]
        ranked = own.assign(total_ratio=own.total_share / size["share"]).to_dict("records")
        why = _refused(size, verdict, numbers, held=(holds or {}).get(int(size["segment"]), True))
        fits = ((entry, entry.fits(size, ranked, labels)) for entry in book.playbook if not why)
        entry, row = next(((entry, row) for entry, row in fits if row is not None), (None, {}))
        words = _words(size, row or {}, labels, numbers, value)
        why = why or "No rule of the playbook fits what sets this segment apart."
        advice = _advice(entry, words, verdict) if entry else ["", "", "", why, ""]
        test = _test(size, row or {}, numbers, labels.inline(value)) if entry else ["", "", NAN, 0, NAN]
        made.append([int(size["segment"]), *advice, *test])
    return pd.DataFrame(made, columns=ACTIONS)


def _refused(size: Mapping[Any, Any], verdict: Verdict, numbers: Numbers, *, held: bool) -> str:
    """Say why nothing may be advised for a segment; nothing if something may."""
    if verdict.level == "none" or not verdict.supported:
        return "These segments are not supported by the data, so we advise nothing for them."
    if not held:
        return "This segment does not hold by itself, so we advise nothing for it."
    if size["customers"] >= LEAST and size["share"] >= LEAST_SHARE:
        return ""
    found = f"{customers(size['customers'], numbers)} ({numbers.share(size['share'])})"
    needed = f"{numbers.count(LEAST)} customers and {numbers.percent(LEAST_SHARE)} of all"
    return f"{found}: too few to advise on; at least {needed} are needed."


def _test(size: Mapping[Any, Any], row: Mapping[Any, Any], numbers: Numbers, value: str) -> list[Any]:
    """Tell what is at stake and how a test proves the action; the numbers behind it."""
    shares = row.get("level") or row.get("index_of") == "share above zero"
    base = float(row["share"]) if shares and 0 < row["share"] < 1 else 0.5
    held, change = holdout(int(size["customers"]), base)
    told = words_room.stake(size, value, numbers), words_room.proof(held, change, numbers)
    return [*told, base, held, change]


def _words(
    size: Mapping[Any, Any], row: Mapping[Any, Any], labels: Labels, numbers: Numbers, value: str
) -> dict[str, str]:
    """Make the words and numbers that texts of the playbook are filled with."""
    about_column = {
        "column": labels.inline(row["column"]),
        "goods": labels.noun(row["column"]),
        "level": str(row["level"]),
        "difference": difference(row, labels, numbers),
        "total_share": numbers.share(row["total_share"]),
    } if row else {}  # fmt: skip
    return dict.fromkeys(WORDS, "") | about_column | {
        "share": numbers.share(size["share"]),
        "customers": customers(size["customers"], numbers),
        "value": labels.inline(value),
        "value_share": numbers.share(size.get("value_share")),
    }  # fmt: skip


def _advice(entry: Entry, words: Mapping[str, str], verdict: Verdict) -> list[str]:
    """Fill in the texts of an entry; under a weak verdict the action is a test."""
    action = TEST.replace("{offer}", entry.offer) if verdict.level == "weak" else entry.action
    texts = [text.format_map(words) for text in (action, entry.channel, entry.measure, entry.evidence)]
    return [*(text[:1].upper() + text[1:] for text in texts), entry.id]
