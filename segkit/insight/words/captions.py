"""The words around each figure: a finding as title, what is drawn, what is left out, the picture aloud.

One function per figure, named after it, from the table the figure is drawn from to a `Caption`. Every number
comes from that table through `Numbers`; what the table does not say is not said. Titles stay within 80
characters: of several ways to say a finding the first that fits is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd

from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from segkit.segments.verdict import Verdict

LONGEST = 80
DRAWN = 15  # rows of a figure at most; the table has the rest
SHOWN = 12  # segments in a figure at most: of more, the 11 largest are drawn

ALIKE = 0.8  # adjusted Rand index from which two answers are nearly the same


@dataclass(frozen=True)
class Caption:
    """Words for one figure; `empty` (bold line, sentence) stands in for a picture that would show nothing."""

    title: str
    subtitle: str
    note: str = ""
    alt: str = ""
    empty: tuple[str, str] | None = None


def fit(*titles: str) -> str:
    """Return the first title of at most 80 characters, with a capital; cut the last where none fits.

    Examples
    --------
    >>> fit("a" * 81, "short enough")
    'Short enough'
    """
    title = next((title for title in titles if len(title) <= LONGEST), f"{titles[-1][: LONGEST - 1]}…")
    return title[:1].upper() + title[1:]


def listed(words: Sequence[str]) -> str:
    """Return the words as a list in a sentence.

    Examples
    --------
    >>> listed(["milk", "fresh", "frozen"])
    'milk, fresh and frozen'
    """
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as mappings from column to value."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def counted(count: float, numbers: Numbers, one: str, many: str = "") -> str:
    """Return a number of things, the noun in the form that goes with it."""
    return f"{numbers.count(count)} {one if count == 1 else many or f'{one}s'}"


def choice(evidence: pd.DataFrame, verdict: Verdict, numbers: Numbers) -> Caption:
    """Caption the three indices over the number of segments."""
    tried = evidence[evidence["segments"] >= 2]
    subtitle = (
        "Three indices for each number of segments; grey is what chance gives in nine of ten tries, "
        "dotted what is needed"
    )
    if verdict.algorithm != "kmeans" and isnan(verdict.dbcv):
        subtitle += "; silhouettes are those of k-means in a sample, as chance's are"
    title = f"{numbers.cardinal(verdict.segments)} segments stand further apart than chance gives"
    if verdict.tested_at not in {0, verdict.pieces}:
        title = f"Customers stand further apart than chance gives, most clearly in {verdict.tested_at}"
    if verdict.reason == "one_column":
        title = f"{numbers.cardinal(verdict.segments)} segments rest on one column that has two peaks"
    if not isnan(verdict.dbcv):
        title = f"{numbers.cardinal(verdict.shown)} segments are dense places with thinner ones between"
    if verdict.level == "none":
        title = "No number of segments does better than chance"
    if verdict.reason == "too_few":
        title = "There are too few customers to tell how many segments there are"
    if tried.empty:
        alike = f"{counted(verdict.rows_used, numbers, 'customer')}, too few or too alike to try any number."
        return Caption(title, subtitle, empty=("Nothing to choose from", alike))
    best = (
        tried[tried["segments"] == verdict.pieces] if verdict.pieces > 1 else tried.nlargest(1, "silhouette")
    )
    asked = (
        f"The dashed frame marks the {verdict.asked} segments you asked for; the data do not support them."
    )
    aloud = " ".join(
        f"With {row['segments']} segments the silhouette is {numbers.index(row['tested'])}; "
        f"chance gives {numbers.range(row['chance_low'], row['chance_high'])}."
        for row in records(best)
    )
    note = asked if verdict.asked and not verdict.supported else ""
    return Caption(title, subtitle, note, f"{title}. {aloud}")


def preparations(preparations: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the answers under other preparations."""
    subtitle = "z: how far a sample stands above chance, in standard deviations; over 4 something stands out"
    if preparations.empty:
        few = ("Nothing to compare", "There are too few customers to compare preparations.")
        return Caption("What other preparations would say", subtitle, empty=few)
    mine = records(preparations[preparations["chosen"]])[0]
    others = preparations[~preparations["chosen"]]
    alike = int((others["agreement"] >= ALIKE).sum())
    said = f"{numbers.cardinal(alike)} of {numbers.count(len(others))} other preparations"
    title = f"{said} give nearly the same segments as {mine['preparation']}"
    note = "Agreement is the adjusted Rand index with the one used: 1 is the same, 0 what chance gives."
    far = [str(name) for name in preparations.loc[preparations["far_out"] > 0, "preparation"]]
    if far:
        note += f" Under {listed(far)} some segments are only a few far-out customers."
    return Caption(title, subtitle, note)


def withheld(cells: int, least: int, numbers: Numbers) -> str:
    """Say how many cells of a table are withheld, and why; nothing where none is."""
    if not cells:
        return ""
    few = counted(cells, numbers, "cell")
    return f"Withheld: {few}, so that none can be told that rests on fewer than {least} customers."


def sizes(
    sizes: pd.DataFrame, numbers: Numbers, *, value: str = "", supported: bool = True,
    hidden: Sequence[int] = (),
) -> Caption:  # fmt: skip
    """Caption the shares of customers and of value.

    `value` is the words for the value column, if drawn; of the segments `hidden` nothing else is told.
    """
    title = f"All {counted(sizes['customers'].sum(), numbers, 'customer')} are one group"
    if len(sizes) > 1:
        title = _telling_share(sizes, numbers, value)
    subtitle = f"Share of customers and of {value} by segment" if value else "Share of customers by segment"
    subtitle += f"; the pale bar is the share of {value}" if value and len(sizes) > 6 else ""
    note = "" if value else "No value column is chosen, so shares of value are left out."
    note += "" if supported else " The data do not support this number of segments."
    if hidden:
        which = f"Segment{'s' * (len(hidden) > 1)} {listed([str(each) for each in hidden])}"
        note += f" {which} {'are' if len(hidden) > 1 else 'is'} hidden: nothing but the size is told."
    aloud = (
        f"Segment {row['segment']} is {numbers.share(row['share'])} of customers"
        + (f" and {numbers.share(row['value_share'])} of {value}" if value else "")
        for row in records(sizes)
    )
    return Caption(title, subtitle, note.strip(), f"{'; '.join(aloud)}.")


def _telling_share(sizes: pd.DataFrame, numbers: Numbers, value: str) -> str:
    """Name the segment whose share of value differs most from its share of customers, or the largest."""
    if not value:
        top = records(sizes)[int(sizes["customers"].to_numpy().argmax())]
        return f"Segment {top['segment']} holds {numbers.percent(top['share'])} of the customers"
    row = records(sizes)[int((sizes["value_share"] - sizes["share"]).abs().fillna(0.0).to_numpy().argmax())]
    few, much = numbers.percent(row["share"]), numbers.percent(row["value_share"])
    lead = f"Segment {row['segment']}: {few} of the customers"
    return fit(f"{lead} bring {much} of the {value}", f"{lead}, {much} of the value")


def customer_map(drawn: pd.DataFrame, *, explained: Sequence[float], total: int, numbers: Numbers) -> Caption:
    """Caption the map; `drawn` is its table, `explained` what its two axes keep, `total` all customers."""
    segments, border = drawn["segment"].nunique(), int(drawn["border"].sum())
    near = numbers.percent(border / max(len(drawn), 1))
    touch = "touch" if border > 0.02 * len(drawn) else "hardly touch"
    groups = f"The {numbers.cardinal(segments).lower()} groups {touch}"
    title = (
        f"{groups}: {near} of customers are near a border" if segments > 1 else "The customers form one cloud"
    )
    note = f"All {counted(total, numbers, 'customer')} are drawn."
    if len(drawn) < total:
        note = f"{numbers.count(len(drawn))} of {numbers.count(total)} customers are drawn; "
        note += "every number is computed on all of them."
    note += f" The two directions keep {numbers.share(sum(explained))} of the variation of the columns used."
    if sum(explained) < 0.5:
        note += " Much of the difference between customers is not visible here."
    subtitle = "Each mark is a customer; similar customers are close together"
    subtitle += "; hollow marks sit near the border" if segments > 1 else ""
    scatter = f"Scatter of {counted(len(drawn), numbers, 'customer')}, {numbers.count(border)} near a border."
    return Caption(title, subtitle, note, f"{title}. {scatter}")


def profiles(
    profile: pd.DataFrame,
    drivers: pd.DataFrame,
    labels: Labels,
    numbers: Numbers,
    *,
    left: int,
    least: int = 0,
) -> Caption:
    """Caption the profile; `left` rows stand in the table only, and a cell needs `least` customers."""
    if profile["segment"].nunique() < 2:
        what = "Medians of numbers and shares of categories; there is one group, so nothing is compared"
        return Caption("What these customers look like", what)
    telling = [labels.inline(column) for column in drivers["column"]]
    strongest = f"{listed(telling[:3])} {'tell' if len(telling) > 1 else 'tells'} the groups apart"
    weak = len(telling) > 3 and drivers["explained"].iloc[-1] < 0.05
    last = (f"{strongest}; {telling[-1]} hardly does",) if weak else ()
    title = fit(
        *last,
        strongest,
        f"{telling[0]} tells the groups apart most",
        "One column tells the groups apart most",
    )
    form = "Petrol is above, rust is below" if profile["segment"].nunique() > 4 else "Strongest driver first"
    note = "1× is the median of all customers, or the mean or the share above zero where the table says so; "
    note += "for categories it is the share of all customers."
    note += f" {counted(left, numbers, 'more row')} in the table only." if left else ""
    gone = int(profile["withheld"].sum()) if "withheld" in profile else 0
    note += f" {withheld(gone, least, numbers)}" * (gone > 0) + _beyond(profile)
    best = profile.dropna(subset=["index"]).nlargest(6, "effect").to_dict("records")
    aloud = (
        f"segment {r['segment']}, {labels.inline(r['column'])} {r['level']} {numbers.multiple(r['index'])}"
        for r in best
    )
    return Caption(
        title,
        f"Each segment against all customers. {form}",
        note,
        f"{title}. Most above all: {'; '.join(aloud)}.",
    )


def distribution(
    profile: pd.DataFrame, label: str, numbers: Numbers, *, outside: int = 0, drawn: int = 0
) -> Caption:
    """Caption the spread of one column of numbers.

    `profile` holds the column's rows, `outside` counts values cut off, `drawn` those behind the outlines if
    not all.
    """
    subtitle = f"Spread of {label} by segment; the bar is the middle half, the ring the median"
    known = profile.dropna(subset=["median"]).sort_values("median").to_dict("records")
    if not known or min(r["q05"] for r in known) == max(r["q95"] for r in known):
        same = numbers.value(known[0]["median"]) if known else "no value"
        return Caption(
            fit(label), subtitle, empty=(f"Nearly every customer has {same}", "There is no spread to show.")
        )
    low, high = known[0], known[-1]
    over, under = numbers.value(high["median"]), numbers.value(low["median"])
    title = (
        f"half of segment {high['segment']} at {over} or more, half of {low['segment']} at {under} or less"
    )
    if len(known) == 1:
        title = f"half of all customers at {over} or more"
    note = f"{counted(outside, numbers, 'customer lies', 'customers lie')} outside." if outside else ""
    note += (
        f" The outlines are of {counted(drawn, numbers, 'customer')}, the medians of all." if drawn else ""
    )
    note += _beyond(profile)
    medians = (f"segment {r['segment']} {numbers.value(r['median'])}" for r in known)
    return Caption(
        fit(f"{label}: {title}", title), subtitle, note.strip(), f"Medians of {label}: {'; '.join(medians)}."
    )


def _beyond(profile: pd.DataFrame) -> str:
    """Say which segments a figure leaves to its table."""
    count = profile["segment"].nunique()
    return f" Segments {SHOWN} to {count} are in the table only." if count > SHOWN else ""


def composition(profile: pd.DataFrame, label: str, numbers: Numbers) -> Caption:
    """Caption the make-up of one category; `profile` holds its rows."""
    row = records(profile.sort_values(["effect", "share"]))[-1]
    here, everyone = numbers.percent(row["share"]), numbers.percent(row["all_share"])
    found = f"{here} of segment {row['segment']}, {everyone} of all customers"
    if profile["segment"].nunique() < 2:
        found = f"{here} of customers"
    title = fit(f"{label} {row['level']}: {found}", f"{row['level']}: {found}", f"One value: {found}")
    tops = profile.sort_values("share").groupby("segment").tail(1).sort_values("segment").to_dict("records")
    aloud = (f"segment {r['segment']}, {r['level']} {numbers.percent(r['share'])}" for r in tops)
    return Caption(
        title, f"Share of each value of {label} by segment", "", f"Most frequent: {'; '.join(aloud)}."
    )


def drivers(drivers: pd.DataFrame, labels: Labels, numbers: Numbers, *, segments: int) -> Caption:
    """Caption how much of each column's variation the segments explain."""
    subtitle = "How much of each column’s variation the segments explain"
    if segments < 2 or not drivers["explained"].max() > 0:
        why = "There is one group" if segments < 2 else "No column differs between the segments"
        return Caption(
            "What tells the segments apart", subtitle, empty=(why, "So no column tells segments apart.")
        )
    first, hidden = drivers.iloc[0], drivers.iloc[DRAWN:]
    strong = int((drivers["explained"] >= max(0.1, first["explained"] / 2)).sum())
    share = f"goes with the split most: {numbers.percent(first['explained'])} explained"
    title = fit(f"{labels.inline(first['column'])} {share}", f"One column {share}")
    if 1 < strong < 5:
        title = f"{numbers.cardinal(strong)} columns go with most of the split"
    note = "Explained by the split, not caused by it."
    if "importance" in drivers:
        note += " Would move: customers that change segment when the column’s values are shuffled."
    if len(hidden):
        most = numbers.percent(hidden["explained"].max())
        note += f" {counted(len(hidden), numbers, 'more column')}: {most} or less each."
    bars = (
        f"{labels.inline(row['column'])} {numbers.percent(row['explained'])}"
        for row in records(drivers.head(6))
    )
    return Caption(title, subtitle, note, f"{title}. Bars: {', '.join(bars)}.")


def correlation(pairs: pd.DataFrame, labels: Labels, numbers: Numbers, *, columns: int) -> Caption:
    """Caption the rank correlations; `pairs` has the strongest pair first (``first second r``)."""
    subtitle = "Rank correlation of two columns: −1 opposite, 0 none, +1 the same order"
    if pairs.empty:
        few = ("There are not two columns of numbers", "It takes two to compare.")
        return Caption("Which columns go together", subtitle, empty=few)
    said = [
        (labels.inline(row["first"]), labels.inline(row["second"]), numbers.signed(row["r"]))
        for row in records(pairs.head(3))
    ]
    (a, b, r), strength = said[0], pairs["r"].iloc[0]
    how = "move together" if strength > 0 else "move in opposite directions"
    title = fit(f"{a} and {b} {how}: {r}", f"Two columns {how}: {r}")
    if abs(strength) < 0.3:
        title = f"No two columns move together much: at most {numbers.index(abs(strength))}"
    note = f"The {DRAWN} strongest of {counted(len(pairs), numbers, 'pair')}." if columns > DRAWN else ""
    aloud = "; ".join(f"{a} and {b} {r}" for a, b, r in said)
    return Caption(title, subtitle, note, f"Strongest pairs: {aloud}.")


def missing(columns: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the share of missing values by column."""
    subtitle = "Share of missing values by column"
    gaps = columns[columns["missing"] > 0].sort_values("missing_share", ascending=False, kind="stable")
    whole = len(columns) - len(gaps)
    if gaps.empty:
        rows = numbers.count(columns["rows"].max())
        every = f"All {rows} rows have a value in all {counted(whole, numbers, 'column')}."
        return Caption("No value is missing", subtitle, empty=("Nothing is missing", every))
    most = numbers.share(gaps["missing_share"].iloc[0])
    rest = (
        f"no other column lacks more than {numbers.share(gaps['missing_share'].iloc[1])}"
        if len(gaps) > 1
        else ""
    )
    lead = f"{gaps['label'].iloc[0]} lacks {most} of its values"
    title = fit(
        f"{lead}; {rest or 'no other column lacks any'}", lead, f"One column lacks {most} of its values"
    )
    note = f"{counted(whole, numbers, 'column has', 'columns have')} no gaps."
    note += f" The {DRAWN} with most of {numbers.count(len(gaps))} are drawn." if len(gaps) > DRAWN else ""
    bars = (f"{row['label']} {numbers.share(row['missing_share'])}" for row in records(gaps.head(6)))
    return Caption(title, subtitle, note, f"Missing: {', '.join(bars)}.")


def unusual(customers: pd.DataFrame, numbers: Numbers, *, drawn: int) -> Caption:
    """Caption the customers far from the middle of their segment; one row each, ``segment outlier``."""
    far, total = customers[customers["outlier"]], len(customers)
    subtitle = "Distance of each customer from the middle of the segment; crosses lie beyond the dotted line"
    if far.empty:
        near = f"All {counted(total, numbers, 'customer')} lie within the usual distance."
        return Caption(
            "No customer stands out", subtitle, empty=("No customer is unusual for its segment", near)
        )
    title = f"{counted(len(far), numbers, 'customer is', 'customers are')} unusual for their segment"
    note = "They stay in their segment; look at them before a mailing."
    note += f" {numbers.count(drawn)} of {numbers.count(total)} customers are drawn." if drawn < total else ""
    by = (f"segment {n}: {numbers.count(count)}" for n, count in far.groupby("segment").size().items())
    return Caption(title, subtitle, note, f"{title}. Beyond the line: {'; '.join(by)}.")


def separation(separation: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the table of distances between segments."""
    subtitle = "Distance between the middles of two segments, in units of the spread between them"
    known = separation.dropna(subset=["ratio"])
    if known.empty:
        return Caption(
            "How far apart the segments are",
            subtitle,
            empty=("There is one group", "So there is no distance."),
        )
    near = records(known)[int(known["ratio"].to_numpy().argmin())]
    pair = f"Segments {near['segment']} and {near['nearest']}"
    note = "Cutting one even cloud in two gives 2.65; from about 4 on there is a gap between two segments."
    return Caption(f"{pair} lie closest: {numbers.index(near['ratio'], 1)} spreads apart", subtitle, note)


def quality(quality: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the table of checks on the data."""
    found: dict[Any, int] = quality["status"].value_counts().to_dict()
    title = (
        "The data cannot carry a segmentation" if found.get("fail") else "The data can carry a segmentation"
    )
    said = [f"{numbers.count(found.get('pass', 0))} passed"]
    said += [counted(found["warn"], numbers, "note")] if "warn" in found else []
    said += [f"{numbers.count(found['fail'])} failed"] if "fail" in found else []
    return Caption(title, f"{counted(len(quality), numbers, 'check')}: {', '.join(said)}")


def columns(columns: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the table of columns, used and left out."""
    used, out = (numbers.count((columns["use"] == use).sum()) for use in ("feature", "left out"))
    title = f"{used} of {counted(len(columns), numbers, 'column')} make the segments"
    note = "Change a guess with the parameters features, exclude, categories, numbers and customer_id."
    return Caption(title, f"What each column was taken for; {out} left out", note)
