"""What to do about each segment, and the numbers that say so.

A playbook (`segkit/tables/playbook.yml`, or your own) maps conditions on the profile to an action, its channel and what
to measure. Nothing is advised for segments that the data do not support or that are too small, a weak verdict makes
every action a test, and no effect is promised: the data describe, they do not tell what an action will bring.
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
from segkit.insight.drivers import figures
from segkit.insight.words.names import EXPLAINED, NO, YES, Labels, words_of
from segkit.insight.words.numbers import Numbers
from segkit.insight.words.summary import customers, difference
from segkit.plain import read
from segkit.segments.verdict import Verdict

PLAYBOOK = Path(__file__).parents[1] / "tables" / "playbook.yml"
LEAST, LEAST_SHARE = 30, 0.02  # customers and share of all below which nothing is advised
WORDS = frozenset("column level difference share customers value value_share total_share".split())
ACTIONS = ["segment", "action", "channel", "measure", "evidence", "rule"]


def _fillable(text: str) -> str:
    """A text of the playbook uses only the words that can be filled in."""
    unknown = {name for _, name, _, _ in Formatter().parse(text) if name is not None} - WORDS
    if unknown:
        found = ", ".join(sorted("{" + name + "}" for name in unknown))
        raise ValueError(f"uses {found}; allowed are {', '.join(sorted(WORDS))}")
    return text


Text = Annotated[str, AfterValidator(_fillable)]


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Bounds(_Plain):
    """A closed range with one or two ends."""

    at_least: float = float("-inf")
    at_most: float = float("inf")

    def hold(self, x: float) -> bool:
        """Whether `x` lies inside; a missing number lies nowhere."""
        return bool(self.at_least <= x <= self.at_most)


class Column(_Plain):
    """Which column of the profile a rule is about."""

    words: tuple[str, ...] = ()
    bought: bool = False
    level: tuple[str, ...] = ()
    share: Bounds | None = None
    index: Bounds | None = None
    effect: Bounds | None = None
    total_ratio: Bounds | None = None

    @model_validator(mode="after")
    def _names_columns(self) -> Column:
        if not self.words and not self.bought:
            raise ValueError("needs `words` of the label, or `bought: true`")
        return self

    def fits(self, row: Mapping[Any, Any], labels: Labels) -> bool:
        """Whether one row of the profile is such a column and keeps the bounds."""
        if (row["kind"] == "category") != bool(self.level) or not self._is_meant(row, labels):
            return False
        bounds = {name: getattr(self, name) for name in ("share", "index", "effect", "total_ratio")}
        return all(bound is None or bound.hold(row[name]) for name, bound in bounds.items())

    def _is_meant(self, row: Mapping[Any, Any], labels: Labels) -> bool:
        title = labels.title(row["column"])
        named = any(words_of(phrase) <= words_of(title) for phrase in self.words)
        level = str(row["level"]).lower()
        alike = {level} | (YES if level in YES else NO if level in NO else frozenset())
        return (labels.is_bought(row["column"]) if self.bought else named) and (
            not self.level or bool(alike & set(self.level))
        )


class When(_Plain):
    """Conditions that must all hold."""

    value_ratio: Bounds | None = None
    share: Bounds | None = None
    column: Column | None = None


class Entry(_Plain):
    """One rule of the playbook."""

    id: str
    when: When
    offer: Text
    action: Text
    channel: Text
    measure: Text
    evidence: Text


class Playbook(_Plain):
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
        faults = (f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors())
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
    playbook: Path = PLAYBOOK,
) -> pd.DataFrame:
    """Advise on each segment, or say why not.

    Parameters
    ----------
    sizes, profile, drivers : DataFrame
        The tables of `segkit.insight`; columns that the split hardly explains carry no advice.
    verdict : Verdict
        Decides whether anything is advised, and whether as an order or as a test.
    value : str
        The column with what a customer is worth, as given to `sizes`.
    columns : DataFrame, optional
        ``column label role``.

    Returns
    -------
    DataFrame with ``segment action channel measure evidence rule``
        `action` and `rule` are empty where nothing is advised, and `evidence` says why. No rows where the verdict
        is *none* and no number of segments was asked for.
    """
    if verdict.level == "none" and not verdict.asked:
        return pd.DataFrame(columns=ACTIONS)
    labels, numbers, book = Labels.of(columns), numbers or Numbers(), read_playbook(playbook)
    telling = set(drivers.column[drivers.explained >= EXPLAINED])
    here, every = figures(profile)
    rows = profile.assign(here=here, all=every)[profile.column.isin(telling) & profile.effect.notna()]
    made = []
    for size in sizes.to_dict("records"):
        own = rows[rows.segment == size["segment"]]
        own = own.assign(total_ratio=own.total_share / size["share"])
        ranked = own.iloc[(-own.effect.abs()).argsort(kind="stable")].to_dict("records")
        refused = _refused(size, verdict, numbers)
        found = None if refused else _first(book, size, ranked, labels)
        why = refused or "No rule of the playbook fits what sets this segment apart."
        advice = _written(*found, size, verdict, labels, numbers, value) if found else ["", "", "", why, ""]
        made.append([int(size["segment"]), *advice])
    return pd.DataFrame(made, columns=ACTIONS)


def _refused(size: Mapping[Any, Any], verdict: Verdict, numbers: Numbers) -> str:
    """Why nothing may be advised for a segment; empty if something may."""
    if verdict.level == "none" or not verdict.supported:
        return "These segments are not supported by the data, so we advise nothing for them."
    if size["customers"] >= LEAST and size["share"] >= LEAST_SHARE:
        return ""
    held = f"{customers(size['customers'], numbers)} ({numbers.share(size['share'])})"
    needed = f"{numbers.count(LEAST)} customers and {numbers.percent(LEAST_SHARE)} of all"
    return f"{held} are too few to advise on; at least {needed} are needed."


def _first(
    book: Playbook, size: Mapping[Any, Any], rows: list[dict[Any, Any]], labels: Labels
) -> tuple[Entry, Mapping[Any, Any]] | None:
    """The first entry whose conditions all hold, with the row of the profile it is about."""
    ratio = size.get("value_share", float("nan")) / size["share"]
    for entry in book.playbook:
        when = entry.when
        if when.value_ratio and not when.value_ratio.hold(ratio):
            continue
        if when.share and not when.share.hold(size["share"]):
            continue
        row = next((r for r in rows if when.column.fits(r, labels)), None) if when.column else {}
        if row is not None:
            return entry, row
    return None


def _written(
    entry: Entry,
    row: Mapping[Any, Any],
    size: Mapping[Any, Any],
    verdict: Verdict,
    labels: Labels,
    numbers: Numbers,
    value: str,
) -> list[str]:
    """The texts of an entry with their words and numbers filled in."""
    words = {
        "column": labels.inline(row["column"]) if row else "",
        "level": str(row.get("level", "")),
        "difference": difference(row, labels, numbers) if row else "",
        "total_share": numbers.share(row.get("total_share")),
        "share": numbers.share(size["share"]),
        "customers": customers(size["customers"], numbers),
        "value": labels.inline(value),
        "value_share": numbers.share(size.get("value_share")),
    }
    test = f"Try {entry.offer} on a sample first, and measure it against customers who get nothing."
    action = test if verdict.level == "weak" else entry.action
    texts = [text.format_map(words) for text in (action, entry.channel, entry.measure, entry.evidence)]
    texts[3] = texts[3][:1].upper() + texts[3][1:]
    return [*texts, entry.id]
