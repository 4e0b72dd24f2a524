"""Captions: a finding with its number, from the table, short enough for a title."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from segkit.insight.words import captions, method
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from tests.fake_study import fake_study

N = Numbers()
LABELS = Labels({"spend": "Spend", "visits": "Visits", "age": "Age"})
LONG = "Detergents and paper bought in the previous twelve months"


def drivers(*shares: float) -> pd.DataFrame:
    return pd.DataFrame({"column": ["spend", "visits", "age"][: len(shares)], "explained": shares})


def test_the_segment_that_brings_most_for_its_size_is_the_title():
    table = pd.DataFrame(
        {"segment": [1, 2], "customers": [252, 188], "share": [0.573, 0.427], "value_share": [0.423, 0.577]}
    )
    caption = captions.sizes(table, N, value="spend")
    assert caption.title == "Segment 1: 57\xa0% of the customers bring 42\xa0% of the spend"
    assert captions.sizes(table, N).title == "Segment 1 holds 57\xa0% of the customers"
    assert "57.3\xa0% of customers and 42.3\xa0% of spend" in caption.alt
    assert len(captions.sizes(table, N, value=LONG).title) <= 80


def test_an_unsupported_number_of_segments_is_said_under_the_sizes():
    table = fake_study(3).sizes
    assert captions.sizes(table, N, supported=False).note.endswith("do not support this number of segments.")


@pytest.mark.parametrize(
    ("verdict", "title"),
    [
        ({"level": "weak"}, "Two segments stand further apart than chance gives"),
        ({"level": "none", "asked": 2, "supported": False}, "No number of segments does better than chance"),
        (
            {"level": "none", "reason": "too_few"},
            "There are too few customers to tell how many segments there are",
        ),
    ],
)
def test_the_choice_says_what_the_verdict_says(verdict, title):
    study = fake_study(2, **verdict)
    caption = captions.choice(study.evidence, study.verdict, N)
    assert caption.title == title
    assert "With 2 segments the silhouette is 0.29; chance gives 0.25 to 0.28." in caption.alt
    assert ("2 segments you asked for" in caption.note) == (not study.verdict.supported)


def test_the_map_says_how_many_are_drawn_and_what_is_lost():
    table = pd.DataFrame({"segment": [1, 2] * 10, "border": [True] * 5 + [False] * 15})
    part = captions.customer_map(table, explained=(0.2, 0.1), total=812_345, numbers=N)
    assert part.note.startswith("20 of 812,345 customers are drawn; every number is computed on all of them.")
    assert part.note.endswith("is not visible here.")
    assert part.title == "The two groups touch: 25\xa0% of customers are near a border"
    assert captions.customer_map(table, explained=(0.5, 0.2), total=20, numbers=N).note == (
        "All 20 customers are drawn. The two directions keep 70.0\xa0% of the variation of the columns used."
    )


def test_profiles_name_the_strongest_columns_and_the_weakest():
    study = fake_study(2)
    labels = Labels.of(study.columns)
    title = captions.profiles(study.profile, study.drivers, labels, N, left=3).title
    assert title == "Visits, annual spend and balance tell the groups apart; minutes hardly does"
    assert "3 more rows" in captions.profiles(study.profile, study.drivers, labels, N, left=3).note


def test_medians_are_told_without_claiming_more_than_a_median_says():
    rows = pd.DataFrame({"segment": [1, 2], "median": [0.0, 4495.0], "q05": [0, 10], "q95": [500, 9000]})
    caption = captions.distribution(rows, "Spend", N, outside=12)
    assert caption.title == "Spend: half of segment 2 at 4,495 or more, half of 1 at 0 or less"
    assert caption.note == "12 customers lie outside."
    assert captions.distribution(rows.assign(q05=3, q95=3, median=3), "Spend", N).empty == (
        "Nearly every customer has 3",
        "There is no spread to show.",
    )


@pytest.mark.parametrize(
    ("table", "title"),
    [
        (drivers(0.6, 0.55, 0.05), "Two columns go with most of the split"),
        (drivers(0.6, 0.1), "Spend goes with the split most: 60\xa0% explained"),
    ],
)
def test_drivers_say_how_many_columns_count(table, title):
    assert captions.drivers(table, LABELS, N, segments=2).title == title


def test_drivers_without_a_split_or_a_difference_are_empty():
    assert captions.drivers(drivers(0.6), LABELS, N, segments=1).empty
    assert captions.drivers(drivers(0.0, 0.0), LABELS, N, segments=3).empty


def test_drivers_beyond_fifteen_are_counted():
    table = pd.DataFrame({"column": [f"c{i}" for i in range(38)], "explained": [0.9] + [0.02] * 37})
    assert captions.drivers(table, LABELS, N, segments=2).note.endswith(
        "23 more columns: 2\xa0% or less each."
    )


@pytest.mark.parametrize(
    ("r", "title"),
    [
        (0.8, "Spend and visits move together: +0.80"),
        (-0.62, "Spend and visits move in opposite directions: −0.62"),
        (0.1, "No two columns move together much: at most 0.10"),
    ],
)
def test_correlation_tells_the_strongest_pair(r, title):
    pairs = pd.DataFrame({"first": ["spend"], "second": ["visits"], "r": [r]})
    assert captions.correlation(pairs, LABELS, N, columns=2).title == title
    assert captions.correlation(pairs.head(0), LABELS, N, columns=1).empty


def test_missing_names_the_worst_column_and_the_best_case_is_said():
    table = pd.DataFrame(
        {"label": ["Income", "Age"], "missing": [82, 0], "missing_share": [0.082, 0], "rows": 1000}
    )
    assert (
        captions.missing(table, N).title == "Income lacks 8.2\xa0% of its values; no other column lacks any"
    )
    nothing = captions.missing(table.assign(missing=0), N)
    assert nothing.empty == ("Nothing is missing", "All 1,000 rows have a value in all 2 columns.")


def test_unusual_customers_are_counted_by_segment():
    table = pd.DataFrame({"segment": [1, 1, 2], "outlier": [True, False, True]})
    caption = captions.unusual(table, N, drawn=3)
    assert caption.title == "2 customers are unusual for their segment"
    assert "segment 1: 1; segment 2: 1" in caption.alt
    assert captions.unusual(table.assign(outlier=False), N, drawn=3).empty


def test_every_title_fits_even_with_endless_names():
    labels = Labels({"spend": LONG * 3, "visits": LONG * 3, "age": LONG * 3})
    pairs = pd.DataFrame({"first": ["spend"], "second": ["visits"], "r": [0.9]})
    study = fake_study(2)
    profile = study.profile[study.profile["column"] == "Visits"]
    titles = [
        captions.drivers(drivers(0.6, 0.1), labels, N, segments=2).title,
        captions.correlation(pairs, labels, N, columns=2).title,
        captions.profiles(study.profile, drivers(0.6, 0.5, 0.4), labels, N, left=0).title,
        captions.distribution(profile, LONG * 3, N).title,
        captions.composition(study.profile[study.profile["column"] == "Channel"], LONG * 3, N).title,
    ]
    assert max(map(len, titles)) <= 80


def test_key_figures_carry_their_yardstick():
    study = fake_study(2, asked=2, supported=False, level="none")
    items = method.facts(study.verdict, study.sizes, study.quality, N, left=3, value="annual spend")
    told = {what: (number, note) for what, number, note in items}
    assert told["Customers"] == ("440", "3 more could not be placed")
    assert told["Segments"] == ("2", "asked for; the data support none")
    assert told["Separation"] == ("0.29", "chance gives 0.25 to 0.28")
    assert told["Data quality"] == ("Pass", "1 note")


def test_axes_of_the_map_are_named_by_what_increases():
    assert method.axes((("spend", "visits"), ()), (0.44, 0.1), LABELS, N) == [
        "More spend and visits → (44\xa0%)",
        "(10\xa0%)",
    ]


def test_the_method_tells_what_was_done_to_the_columns():
    study = fake_study(2)
    lines = method.method(study.params, study.columns, study.prepared.steps, study.verdict, N)
    assert lines[0] == (
        "6 columns make the segments. Missing values: median; categories: onehot; scale: standard. "
        "Against skew: log1p of 2 columns."
    )


def test_why_nobody_is_named():
    few = method.no_segments(SimpleNamespace(reason="too_few"))
    assert few[1] == "There are too few customers to tell, so nobody gets a name or an action."
