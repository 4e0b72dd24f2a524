from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import SEPARATORS, Numbers
from segkit.insight.words.summary import amount, summarise, times

FIGURE = re.compile(
    r"−?€?\d(?:[\d.,’\N{NARROW NO-BREAK SPACE}\N{NO-BREAK SPACE}]*\d)?(?:\N{NO-BREAK SPACE}%| times)?"
)


def cells(made, segment: int, numbers: Numbers) -> set[str]:
    """Every cell of the two tables that belongs to one segment, as it is written in a table."""
    labels, size = Labels.of(made.columns), made.sizes[made.sizes.segment == segment].iloc[0]
    written = [
        numbers.count(size.customers),
        numbers.share(size["share"]),
        numbers.share(size.value_share),
        numbers.money(size.value_median),
    ]
    for row in made.profile[made.profile.segment == segment].to_dict("records"):
        written += [
            numbers.share(row["share"]),
            numbers.share(row["all_share"]),
            times(row["index"], numbers),
        ]
        kinds = ("mean", "median", "all_mean", "all_median")
        written += [amount(row["column"], row[kind], labels, numbers) for kind in kinds if not row["level"]]
    return {figure for text in written for figure in FIGURE.findall(text)}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), segments=st.integers(2, 6), locale=st.sampled_from(sorted(SEPARATORS)))
def test_every_figure_is_a_cell_of_a_table(make, seed, segments, locale):
    made, numbers = make(seed, segments), Numbers(locale, "EUR")
    texts = summarise(
        made.sizes, made.profile, made.drivers, made.columns, numbers=numbers, value="total_spend"
    )
    assert list(texts) == made.sizes.segment.tolist()
    for segment, text in texts.items():
        found = set(FIGURE.findall(text))
        assert len(found) >= 3
        assert found <= cells(made, segment, numbers), text
        assert "nan" not in text.lower()


def test_the_property_above_can_fail(make):
    made = make(1)
    texts = summarise(made.sizes, made.profile, made.drivers, made.columns, value="total_spend")
    other = made._replace(sizes=made.sizes.assign(customers=made.sizes.customers + 1))
    assert not set(FIGURE.findall(texts[1])) <= cells(other, 1, Numbers())


def test_wholesale_reads_as_its_table(wholesale):
    # medians of UCI Wholesale by segment and over all, as in the project's design pages
    text = summarise(wholesale.sizes, wholesale.profile, wholesale.drivers, wholesale.columns)[2].replace(
        "\xa0", " "
    )
    assert text == (
        "188 customers (42.7 %). Compared with all customers: "
        "2.4 times the typical grocery spend (11,527 against 4,756); "
        "5.5 times the typical detergents paper spend (4,495 against 817); "
        "2.1 times the typical milk spend (7,691 against 3,627)."
    )


def test_the_columns_of_the_name_are_told_first(wholesale):
    text = summarise(wholesale.sizes, wholesale.profile, wholesale.drivers, wholesale.columns)[1]
    assert wholesale.names[0] == "Fresh and frozen buyers"
    assert text.index("fresh spend") < text.index("frozen spend") < text.index("grocery spend")


def test_value_is_told_where_it_is_known_and_not_otherwise(make):
    made = make(2)
    told = summarise(made.sizes, made.profile, made.drivers, made.columns, value="total_spend")[1]
    assert "of all total spend. Half of them have total spend over" in told
    assert told.count("total spend") == 2  # not told again as a difference
    assert "Half of them" not in summarise(made.sizes, made.profile, made.drivers, made.columns)[1]
    unknown = made.sizes.assign(value_share=float("nan"))
    assert (
        "Half of them"
        not in summarise(unknown, made.profile, made.drivers, made.columns, value="total_spend")[1]
    )


def test_one_segment_is_not_compared_with_itself(describe):
    frame = pd.DataFrame({"segment": [1] * 4, "visits": [1, 2, 3, 4]})
    made = describe(
        frame, pd.DataFrame({"column": ["visits"], "label": ["Visits"], "role": ["number"]}), ["visits"]
    )
    assert summarise(made.sizes, made.profile, made.drivers, made.columns) == {1: "4 customers (100\xa0%)."}


@pytest.mark.parametrize(
    ("visits", "text"),
    [
        ([0, 0, 0, 0, 5, 6], "visits above zero for none of them, against 33.3 % of all"),
        ([0, 0, 1, 4, 5, 6], "typical visits of 0 against 2.5"),
        ([4, 4, 4, 5, 5, 5], "lower typical visits (4 against 4.5)"),
        ([1, 1, 1, 5, 5, 5], "0.3 times the typical visits (1 against 3)"),
    ],
)
def test_each_kind_of_difference_has_its_words(describe, visits, text):
    frame = pd.DataFrame({"segment": [1, 1, 1, 2, 2, 2], "visits": visits})
    made = describe(
        frame, pd.DataFrame({"column": ["visits"], "label": ["Visits"], "role": ["number"]}), ["visits"]
    )
    assert text in summarise(made.sizes, made.profile, made.drivers, made.columns)[1].replace("\xa0", " ")


def test_hostile_labels_are_told_as_they_are(describe):
    label = "<b>{0}</b>"
    frame = pd.DataFrame({"segment": [1, 1, 2, 2], "x": [1, 2, 8, 9]})
    made = describe(frame, pd.DataFrame({"column": ["x"], "label": [label], "role": ["number"]}), ["x"])
    assert label in summarise(made.sizes, made.profile, made.drivers, made.columns)[1]
