"""The words around each figure: a finding as title, what is drawn, what was left out, and the picture told aloud.

One function per figure, named after it, from the table the figure is drawn from to a `Caption`. Every number comes
from that table through `Numbers`; what the table does not say is not said. Titles stay within 80 characters: of
several ways to say a finding the first that fits is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from segkit.insight.words.numbers import Numbers
from segkit.segments.verdict import Verdict

LONGEST = 80
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Caption:
    """Words for one figure; `empty` (bold line, sentence) stands in for a picture that would show nothing."""

    title: str
    subtitle: str
    note: str = ""
    alt: str = ""
    empty: tuple[str, str] | None = None


def fit(*titles: str) -> str:
    """Return the first title of at most 80 characters; cut the last where none is short enough.

    Examples
    --------
    >>> fit("a" * 81, "short enough")
    'short enough'
    """
    return next((title for title in titles if len(title) <= LONGEST), f"{titles[-1][: LONGEST - 1]}…")


def listed(words: Sequence[str]) -> str:
    """Return the words as a list in a sentence.

    Examples
    --------
    >>> listed(["milk", "fresh", "frozen"])
    'milk, fresh and frozen'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "nothing"


def words_for(column: str, labels: Labels, level: str = "") -> str:
    """Return a column in the middle of a sentence: its words, small first letter unless it is a short name."""
    words = str(labels.get(column) or column)
    words = words if len(words) < 2 or words[1].isupper() else words[0].lower() + words[1:]
    words = words if len(words) <= 40 else f"{words[:39]}…"
    return f"{words} {level}" if level else words


def first_up(sentence: str) -> str:
    """Return the sentence with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


def plural(count: int, one: str, many: str = "") -> str:
    """Return the noun in the form that goes with the count."""
    return one if count == 1 else many or f"{one}s"


def choice(evidence: pd.DataFrame, verdict: Verdict, numbers: Numbers) -> Caption:
    """Caption the three indices over the number of segments."""
    tried = evidence[evidence["segments"] >= 2]
    subtitle = "Three indices for each number of segments; the grey band is what chance gives in nine of ten tries"
    if tried.empty:
        return Caption("How many segments there are", subtitle, empty=_too_few(verdict, numbers))
    k = numbers.cardinal(verdict.segments)
    title = f"{k} segments stand further apart than chance gives"
    if verdict.level == "none":
        title = "No number of segments does better than chance"
    if verdict.reason == "too_few":
        title = "There are too few customers to tell how many segments there are"
    best = tried.loc[tried["segments"] == verdict.shown] if verdict.shown > 1 else tried.nlargest(1, "silhouette")
    alt = f"{title}. " + " ".join(_aloud(row, numbers) for _, row in best.iterrows())
    note = ""
    if verdict.asked and not verdict.supported:
        note = f"The dashed frame marks the {verdict.asked} segments you asked for; the data do not support them."
    return Caption(title, subtitle, note, alt.strip())


def _too_few(verdict: Verdict, numbers: Numbers) -> tuple[str, str]:
    needed = f" At least {numbers.count(verdict.needed)} are needed." if verdict.needed else ""
    return "There are too few customers to tell", f"{numbers.count(verdict.rows_used)} customers could be used.{needed}"


def _aloud(row: pd.Series, numbers: Numbers) -> str:
    sentence = f"With {row['segments']} segments the silhouette is {numbers.index(row['silhouette'])}"
    if pd.isna(row["chance_low"]):
        return f"{sentence}."
    return f"{sentence}; chance gives {numbers.range(row['chance_low'], row['chance_high'])}."


def sizes(sizes: pd.DataFrame, numbers: Numbers, *, value: str = "", supported: bool = True) -> Caption:
    """Caption the shares of customers and of value; `value` is the words for the value column, where one is drawn."""
    what = value.lower() if value else ""
    parts = (_part(row, numbers, what) for _, row in sizes.iterrows())
    if len(sizes) == 1:
        title = f"All {numbers.count(sizes['customers'].sum())} customers are one group"
    elif what:
        title = _telling_share(sizes, numbers, what)
    else:
        top = sizes.loc[sizes["customers"].idxmax()]
        title = f"Segment {top['segment']} holds {numbers.percent(top['share'])} of the customers"
    subtitle = f"Share of customers and of {what} by segment" if what else "Share of customers by segment"
    subtitle += "; the pale bar is the share of " + what if what and len(sizes) > 6 else ""
    note = "" if what else "No value column is drawn, so shares of value are left out."
    if not supported:
        note = f"{note} The data do not support this number of segments.".strip()
    return Caption(title, subtitle, note, first_up("; ".join(parts)) + ".")


def _telling_share(sizes: pd.DataFrame, numbers: Numbers, what: str) -> str:
    """Name the segment whose share of value differs most from its share of customers."""
    gap = (sizes["value_share"] - sizes["share"]).abs()
    row = sizes.loc[gap.idxmax()]
    few, much = numbers.percent(row["share"]), numbers.percent(row["value_share"])
    long = f"Segment {row['segment']}: {few} of the customers bring {much} of the {what}"
    return fit(long, f"Segment {row['segment']}: {few} of the customers, {much} of the value")


def _part(row: pd.Series, numbers: Numbers, what: str) -> str:
    share = f"segment {row['segment']} is {numbers.share(row['share'])} of customers"
    return f"{share} and {numbers.share(row['value_share'])} of {what}" if what else share


def customer_map(
    drawn: pd.DataFrame, *, explained: Sequence[float], total: int, numbers: Numbers, columns: int = 0
) -> Caption:
    """Caption the map; `drawn` is its table, `explained` the shares that its two axes keep."""
    segments, border = drawn["segment"].nunique(), int(drawn["border"].sum())
    share = border / len(drawn) if len(drawn) else 0.0
    title = "The customers form one cloud" if segments < 2 else _touching(segments, share, numbers)
    kept = sum(explained)
    all_drawn = f"All {numbers.count(total)} customers are drawn."
    if len(drawn) < total:
        all_drawn = (
            f"{numbers.count(len(drawn))} of {numbers.count(total)} customers are drawn; "
            "every number is computed on all of them."
        )
    note = f"{all_drawn} The two directions keep {numbers.share(kept)} of the variation of the columns used."
    if kept < 0.5:
        note += " Much of the difference between customers is not visible here."
    subtitle = "Each mark is a customer; similar customers are close together"
    subtitle += "; hollow marks sit near the border" if segments > 1 else ""
    near = f" {numbers.count(border)} of them sit near a border." if segments > 1 else ""
    alt = f"Scatter of {numbers.count(len(drawn))} customers in {segments} {plural(segments, 'segment')}.{near}"
    return Caption(title, subtitle, note, f"{title}. {alt}")


def _touching(segments: int, share: float, numbers: Numbers) -> str:
    groups = f"The {numbers.cardinal(segments).lower()} groups"
    if share < 0.02:
        return f"{groups} hardly touch: {numbers.percent(share)} of customers are near a border"
    return f"{groups} touch: {numbers.percent(share)} of customers are near a border"


def profiles(
    profile: pd.DataFrame, drivers: pd.DataFrame, labels: Labels, numbers: Numbers, *, left: int = 0
) -> Caption:
    """Caption the profile; `left` counts the columns that stand in the table only."""
    customers = numbers.count(profile.groupby("segment")["n"].max().sum())
    if profile["segment"].nunique() < 2:
        subtitle = "Medians of numbers, shares of categories; there is one group, so nothing is compared"
        return Caption(f"What the {customers} customers look like", subtitle)
    telling = [words_for(c, labels) for c in drivers["column"]]
    strongest = listed(telling[: min(3, len(telling))])
    verb = "tell" if min(3, len(telling)) > 1 else "tells"
    last = f"; {telling[-1]} hardly does" if len(telling) > 3 and drivers["explained"].iloc[-1] < 0.05 else ""
    title = fit(*(first_up(t) for t in (
        f"{strongest} {verb} the groups apart{last}", f"{strongest} {verb} the groups apart",
        f"{telling[0]} tells the groups apart most", "One column tells the groups apart most",
    )))  # fmt: skip
    form = "Petrol is above, rust is below" if profile["segment"].nunique() > 4 else "Strongest driver first"
    note = "1× is the median of all customers; where that is zero, the share above zero; for categories, the share."
    note += f" {numbers.count(left)} more {plural(left, 'row')} in the table only." if left else ""
    best = profile.loc[profile["effect"].abs().nlargest(6).index]
    alt = "; ".join(_against(row, labels, numbers) for _, row in best.iterrows())
    return Caption(title, f"Each segment against all customers. {form}", note, f"{title}. Largest differences: {alt}.")


def _against(row: pd.Series, labels: Labels, numbers: Numbers) -> str:
    return f"segment {row['segment']}, {words_for(row['column'], labels, row['level'])} {numbers.multiple(row['index'])}"


def distribution(profile: pd.DataFrame, label: str, numbers: Numbers, *, outside: int = 0, drawn: int = 0) -> Caption:
    """Caption the spread of one column of numbers; `profile` holds its rows, `outside` counts values cut off."""
    known = profile.dropna(subset=["median"]).sort_values("median")
    subtitle = f"Spread of {label} by segment; the bar is the middle half, the ring the median"
    if known.empty or (known["q05"].min() == known["q95"].max()):
        same = numbers.value(profile["all_median"].iloc[0]) if len(profile) else "no value"
        return Caption(fit(label), subtitle, empty=(f"Nearly every customer has {same}", "There is no spread to show."))
    low, high = known.iloc[0], known.iloc[-1]
    over, under = numbers.value(high["median"]), numbers.value(low["median"])
    title = f"{label}: half of all customers are over {over}"
    if len(known) > 1:
        title = fit(
            f"{label}: half of segment {high['segment']} is over {over}, half of segment {low['segment']} under {under}",
            f"Half of segment {high['segment']} is over {over}, half of segment {low['segment']} under {under}",
        )  # fmt: skip
    note = f"{numbers.count(outside)} {plural(outside, 'customer lies', 'customers lie')} outside." if outside else ""
    note += f" The outlines are from {numbers.count(drawn)} customers, the medians from all." if drawn else ""
    medians = (f"segment {r['segment']} {numbers.value(r['median'])}" for _, r in profile.iterrows())
    return Caption(fit(title), subtitle, note.strip(), f"Medians of {label}: {'; '.join(medians)}.")


def composition(profile: pd.DataFrame, label: str, numbers: Numbers) -> Caption:
    """Caption the make-up of one category; `profile` holds its rows."""
    row = profile.sort_values(["effect", "share"]).iloc[-1]
    here, everyone = numbers.percent(row["share"]), numbers.percent(row["all_share"])
    alone = profile["segment"].nunique() < 2
    title = fit(f"{here} of customers have {label} {row['level']}", f"{here} share one value of the column") if alone else fit(
        f"{label} {row['level']}: {here} of segment {row['segment']}, {everyone} of all customers",
        f"{row['level']}: {here} of segment {row['segment']}, {everyone} of all customers",
        f"One value of the column: {here} of segment {row['segment']}, {everyone} of all",
    )
    tops = (
        f"segment {part['segment']}, {part['level']} {numbers.percent(part['share'])}"
        for _, part in profile.sort_values("share", ascending=False).drop_duplicates("segment").sort_values("segment").iterrows()
    )  # fmt: skip
    return Caption(title, f"Share of each value of {label} by segment", "", f"Most frequent values: {'; '.join(tops)}.")


def drivers(drivers: pd.DataFrame, labels: Labels, numbers: Numbers, *, segments: int) -> Caption:
    """Caption how much of each column's variation the segments explain."""
    subtitle = "How much of each column’s variation the segments explain"
    top = drivers["explained"].max() if len(drivers) else 0.0
    if segments < 2 or not top > 0:
        why = "There is one group" if segments < 2 else "No column differs between the segments"
        return Caption("What tells the segments apart", subtitle, empty=(why, "So no column tells segments apart."))
    strong = drivers[drivers["explained"] >= max(0.1, top / 2)]
    count = len(strong) or 1
    first = drivers.iloc[0]
    share = numbers.percent(first["explained"])
    lead = f"{first_up(words_for(first['column'], labels))} goes with the split most: {share} explained"
    title = f"{numbers.cardinal(count)} columns go with most of the split" if count > 1 else lead
    hidden = drivers.iloc[15:]
    note = "Explained by the split, not caused by it."
    if len(hidden):
        most = numbers.percent(hidden["explained"].max())
        note += f" {numbers.count(len(hidden))} more {plural(len(hidden), 'column')} with at most {most} each."
    bars = (f"{words_for(r['column'], labels)} {numbers.percent(r['explained'])}" for _, r in drivers.head(6).iterrows())
    return Caption(fit(title, f"{numbers.cardinal(count)} {plural(count, 'column')} stand out"), subtitle, note,
                   f"Bars: {', '.join(bars)}.")  # fmt: skip


def correlation(pairs: pd.DataFrame, labels: Labels, numbers: Numbers, *, columns: int) -> Caption:
    """Caption the rank correlations; `pairs` has the strongest pair first (``first second r``)."""
    subtitle = "Rank correlation of two columns: −1 opposite, 0 none, +1 the same order"
    if pairs.empty:
        return Caption("Which columns go together", subtitle, empty=("There is one column of numbers", "It takes two to compare."))
    row = pairs.iloc[0]
    a, b, r = words_for(row["first"], labels), words_for(row["second"], labels), numbers.signed(row["r"])
    how = "move together" if row["r"] > 0 else "move in opposite directions"
    title = fit(f"{first_up(a)} and {b} {how}: {r}", f"The strongest pair of columns: {r}")
    if abs(row["r"]) < 0.3:
        title = f"No two columns move together much: at most {numbers.index(abs(row['r']))}"
    note = f"The 15 strongest of {numbers.count(len(pairs))} pairs." if columns > 15 else ""
    strongest = (f"{words_for(p['first'], labels)} and {words_for(p['second'], labels)} {numbers.signed(p['r'])}" for _, p in pairs.head(3).iterrows())
    return Caption(title, subtitle, note, f"Strongest pairs: {'; '.join(strongest)}.")


def missing(columns: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the share of missing values by column."""
    subtitle, rows = "Share of missing values by column", int(columns["rows"].max()) if len(columns) else 0
    gaps = columns[columns["missing"] > 0].sort_values("missing_share", ascending=False, kind="stable")
    if gaps.empty:
        whole = f"All {numbers.count(rows)} rows have a value in all {numbers.count(len(columns))} columns."
        return Caption("No value is missing", subtitle, empty=("Nothing is missing", whole))
    top, rest = gaps.iloc[0], gaps["missing_share"].iloc[1:]
    lead = f"{top['label']} lacks {numbers.share(top['missing_share'])} of its values"
    more = f"; no other column lacks more than {numbers.share(rest.max())}" if len(rest) else "; no other column lacks any"
    whole = len(columns) - len(gaps)
    note = f"{numbers.count(whole)} {plural(whole, 'column has', 'columns have')} no gaps and {plural(whole, 'is', 'are')} not drawn."
    note += f" The 15 largest of {numbers.count(len(gaps))} are drawn." if len(gaps) > 15 else ""
    bars = (f"{r['label']} {numbers.share(r['missing_share'])}" for _, r in gaps.head(6).iterrows())
    return Caption(fit(lead + more, lead, "One column lacks the most values"), subtitle, note, f"Missing: {', '.join(bars)}.")


def unusual(assignments: pd.DataFrame, numbers: Numbers, *, drawn: int) -> Caption:
    """Caption the customers far from the middle of their segment."""
    count, total = int(assignments["outlier"].sum()), len(assignments)
    subtitle = "Distance of each customer from the middle of the segment; crosses lie beyond the dotted line"
    if not count:
        return Caption("No customer stands out", subtitle, empty=(
            "No customer is unusual for its segment", f"All {numbers.count(total)} customers lie within the usual distance.",
        ))  # fmt: skip
    title = f"{numbers.count(count)} {plural(count, 'customer is', 'customers are')} unusual for their segment"
    note = "They stay in their segment; look at them before a mailing."
    note += f" {numbers.count(drawn)} of {numbers.count(total)} customers are drawn." if drawn < total else ""
    by = assignments[assignments["outlier"]].groupby("segment").size()
    alt = "; ".join(f"segment {n}: {numbers.count(c)}" for n, c in by.items())
    return Caption(title, subtitle, note, f"{title}. Beyond the line: {alt}.")


def separation(separation: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the table of distances between segments."""
    subtitle = "Distance between the middles of two segments, in units of the spread between them"
    if separation.empty:
        return Caption("How far apart the segments are", subtitle, empty=("There is one group", "So there is no distance to tell."))
    near = separation.loc[separation["ratio"].fillna(float("inf")).idxmin()]
    title = f"Segments {near['segment']:.0f} and {near['nearest']:.0f} lie closest: {numbers.index(near['ratio'], 1)} spreads apart"
    note = "Cutting one even cloud in two gives about 2.7; a gap can be seen from about 4."
    return Caption(title, subtitle, note)


def quality(quality: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the table of checks on the data."""
    found: dict[Any, int] = quality["status"].value_counts().to_dict()
    fails, warns, passes = (found.get(status, 0) for status in ("fail", "warn", "pass"))
    title = "The data can carry a segmentation" if not fails else "The data cannot carry a segmentation"
    said = [f"{numbers.count(passes)} passed"]
    said += [f"{numbers.count(warns)} {plural(warns, 'note')}"] if warns else []
    said += [f"{numbers.count(fails)} failed"] if fails else []
    return Caption(title, f"{len(quality)} checks: {', '.join(said)}")


def columns(columns: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the table of columns, used and left out."""
    used, out = int((columns["use"] == "feature").sum()), int((columns["use"] == "left out").sum())
    title = f"{numbers.count(used)} of {numbers.count(len(columns))} columns are used to segment"
    note = "Each guess can be changed with the parameters features, exclude, categories, numbers and customer_id."
    return Caption(title, f"What each column was taken for; {numbers.count(out)} left out", note)
