"""What is said of RFM segments: the headline, what it rests on, and the words around each table and picture.

Every number in a sentence stands in a table of the study. Where ranking by one measure does as well as the
RFM score, that is what is said; where segments could not be checked, why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from segkit.insight.words.captions import Caption, counted, fit, records
from segkit.insight.words.numbers import Numbers


def tell(
    sizes: pd.DataFrame, rules: pd.DataFrame, numbers: Numbers, *, clusters: Any, later: Any, why_not: str
) -> dict[str, str]:
    """Return the headline, the evidence and what clusters say."""
    top = records(sizes.sort_values("value_share", ascending=False, kind="stable"))[0]
    lead = f"{top['name']}: {numbers.percent(top['share'])} of the customers"
    return {
        "headline": f"{lead} bring {numbers.percent(top['value_share'])} of what was spent.",
        "evidence": proven(later.rankings, later.days, numbers) if later else f"Not checked. {why_not}",
        "clusters": agreement(clusters, numbers),
        "rules": used(rules, numbers),
    }


def proven(rankings: pd.DataFrame, days: int, numbers: Numbers) -> str:
    """Say what the top fifth brought in the next period, beside the best single measure and chance."""
    by = {row["ranking"]: row for row in records(rankings)}
    rfm, chance = by.pop("RFM score"), by.pop("random")
    single = max(by.values(), key=lambda row: row["share"])
    held = f"The top fifth by RFM score brought {numbers.share(rfm['share'])} of the revenue of the next"
    chosen = f"a fifth chosen at random {numbers.share(chance['share'])}"
    alone = f"{single['ranking']} {numbers.share(single['share'])}"
    overlap = rfm["low"] <= single["high"] and single["low"] <= rfm["high"]
    end = " The first two intervals overlap: as a ranking the score adds little." if overlap else ""
    if not overlap and single["share"] > rfm["share"]:
        end = f" Ranking by {single['ranking']} does better than the score."
    return f"{held} {days} days, {alone}, {chosen}.{end}"


def agreement(clusters: Any, numbers: Numbers) -> str:
    """Say whether clusters exist and how far they agree with the names."""
    if clusters.verdict.shown < 2:
        return f"{clusters.headline} The names cut a continuum; customers on both sides of a line are alike."
    index = numbers.index(clusters.agreement)
    return f"{clusters.headline} They agree with the names to {index}, where 1 is full and 0 is chance."


def used(rules: pd.DataFrame, numbers: Numbers) -> str:
    """Say how many rows made how many customers."""
    count = dict(zip(rules["rule"], rules["rows"], strict=True))
    rows, read = numbers.count(count["rows used"]), numbers.count(count["rows read"])
    people = count["customers"] - count["customers without a purchase"]
    return f"{rows} of {read} rows made {counted(people, numbers, 'customer')}."


def sizes(sizes: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption shares of customers and of what was spent by name."""
    top = records(sizes.sort_values("value_share", ascending=False, kind="stable"))[0]
    lead = f"{top['name']}: {numbers.percent(top['share'])} of customers"
    title = fit(f"{lead}, {numbers.percent(top['value_share'])} of what was spent", lead)
    bars = (
        f"{row['name']} {numbers.percent(row['share'])} of customers, {numbers.percent(row['value_share'])}"
        for row in records(sizes)
    )
    what = "Share of customers and, in the pale bar, of what was spent"
    return Caption(title, what, "", f"{'; '.join(bars)} of what was spent.")


def grid(counts: pd.DataFrame, numbers: Numbers) -> Caption:
    """Caption the grid of recency and purchase scores."""
    row = records(counts.sort_values("customers", ascending=False, kind="stable"))[0]
    title = (
        f"Most customers, {numbers.percent(row['share'])}, have recency {row['r']} and purchases {row['p']}"
    )
    what = "Share of customers by recency score and purchase score, the mean of frequency and monetary score"
    return Caption(title, what, "", f"{title}. The grid holds {len(counts)} combinations.")


def thresholds(notes: Sequence[str], bins: int) -> Caption:
    """Caption the thresholds; ties that leave a score to nobody are said."""
    title = f"Each measure is scored from 1 to {bins}" if not notes else "Ties leave some scores to nobody"
    note = " ".join(notes) or "Every score is given to somebody."
    return Caption(title, "Least and greatest value with each score", f"{note} Equal values share a score.")


def next_period(later: Any, why_not: str, numbers: Numbers) -> Caption:
    """Caption the rankings held against the next period."""
    what = "Share of later revenue from the top fifth of each ranking, with nine of ten resamples"
    if later is None:
        return Caption("Not checked against the next period", what, empty=("Not checked", why_not))
    rows = records(later.rankings)
    title = f"The top fifth by RFM score brought {numbers.percent(rows[0]['share'])} of later revenue"
    said = (f"{row['ranking']} {numbers.percent(row['share'])}" for row in rows)
    note = (
        f"Scores use purchases up to {numbers.date(later.until)}, revenue is of the {later.days} days after."
    )
    return Caption(title, what, note, f"{title}. {'; '.join(said)}.")


def afterwards(later: Any, why_not: str, numbers: Numbers) -> Caption:
    """Caption what each segment did in the next period."""
    what = "Share of each segment that bought again, with nine of ten resamples"
    if later is None:
        return Caption("Not checked against the next period", what, empty=("Not checked", why_not))
    rows = records(later.segments.sort_values("came_back", kind="stable"))
    first, last = rows[-1], rows[0]
    more, less = numbers.percent(first["came_back"]), numbers.percent(last["came_back"])
    title = fit(f"{more} of {first['name']} bought again, {less} of {last['name']}")
    return Caption(title, what, "", f"{title}.")


def comparison(clusters: Any, numbers: Numbers) -> Caption:
    """Caption the table of names by clusters."""
    title = f"Names and clusters agree to {numbers.index(clusters.agreement)}"
    if clusters.verdict.shown < 2:
        title = "There are no clusters to compare the names with"
    return Caption(
        title, "Customers by name and by cluster of the same three measures", agreement(clusters, numbers)
    )
