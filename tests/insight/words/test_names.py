from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segkit.insight.words.names import LONGEST, Labels, name_segments, names_told, vocabulary

LABELS = pd.DataFrame(
    [
        ("MntWines", "Spend on wines", "money"),
        ("Income", "Annual Income (k$)", "money"),
        ("Milk", "Milk", "number"),
        ("Trx", "Purchases transactions", "number"),
        ("Payments", "Payments", "money"),
        ("TV", "Streaming TV", "category"),
        ("Orders", "Number of web orders", "number"),
        ("Senior", "Senior citizen", "yes/no"),
        ("Channel", "Channel", "category"),
    ],
    columns=["column", "label", "role"],
)
labels = Labels.of(LABELS)


def test_labels_in_sentences_and_names():
    assert labels.inline("Income") == "annual income (k$)"
    assert labels.inline("TV") == "streaming TV"
    assert labels.inline("MntWines") == "wines spend"
    assert labels.noun("Income") == "income"
    assert labels.noun("Orders") == "web orders"
    assert labels.title("not_there") == "not there"


@pytest.mark.parametrize(
    ("column", "bought"),
    [("MntWines", True), ("Milk", True), ("Income", False), ("Payments", False), ("Trx", False)],
)
def test_only_goods_have_buyers(column, bought):
    assert labels.is_bought(column) is bought


def test_1_means_yes_only_in_a_column_of_yes_and_no():
    assert labels.answer("Senior", "1") == "yes"
    assert labels.answer("Channel", "1") == ""
    assert labels.answer("Channel", "No") == "no"


def test_wholesale_is_named_after_what_it_buys(wholesale):
    # the split and its names: UCI Wholesale with log1p, as in the project's design pages
    assert wholesale.sizes.customers.tolist() == [252, 188]
    assert wholesale.names == ["Fresh and frozen buyers", "Grocery and detergents buyers"]


def test_categories_name_a_segment_by_its_majority(describe):
    frame = pd.DataFrame({"segment": [1] * 50 + [2] * 50})
    frame["contract"] = (
        ["Month-to-month"] * 40 + ["Two year"] * 10 + ["Two year"] * 45 + ["Month-to-month"] * 5
    )
    frame["senior"] = [1] * 30 + [0] * 70
    columns = pd.DataFrame(
        {
            "column": ["contract", "senior"],
            "label": ["Contract", "Senior citizen"],
            "role": ["category", "yes/no"],
        }
    )
    names = describe(frame, columns, [], ["contract", "senior"]).names
    assert names == ["Month-to-month contract, senior citizen", "Two year contract"]


def test_codes_are_no_answers(describe):
    frame = pd.DataFrame({"segment": [1] * 20 + [2] * 20, "channel": [1] * 19 + [2] * 20 + [1]})
    columns = pd.DataFrame({"column": ["channel"], "label": ["Channel"], "role": ["category"]})
    assert describe(frame, columns, [], ["channel"]).names == ["Channel 1", "Channel 2"]


def test_a_segment_below_all_in_every_good_is_a_small_buyer(describe):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"segment": [1] * 60 + [2] * 40})
    for goods in ("wine", "meat", "fish"):
        frame[goods] = rng.lognormal(np.where(frame.segment == 1, 2, 4), 0.4)
    columns = pd.DataFrame(
        {"column": ["wine", "meat", "fish"], "label": ["Wine", "Meat", "Fish"], "role": "money"}
    )
    names = describe(frame, columns, ["wine", "meat", "fish"]).names
    assert names[0] == "Small buyers"
    assert names[1].endswith("buyers")


def test_segments_that_nothing_sets_apart_still_have_different_names(describe):
    frame = pd.DataFrame({"segment": [1, 2, 3] * 30, "age": np.arange(90) // 3})
    columns = pd.DataFrame({"column": ["age"], "label": ["Age"], "role": ["number"]})
    names = describe(frame, columns, ["age"]).names
    assert names == ["Close to the average", "Close to the average, 2", "Close to the average, 3"]


def test_one_segment_has_no_name(describe):
    frame = pd.DataFrame({"segment": [1] * 5, "age": range(5)})
    assert describe(
        frame, pd.DataFrame({"column": ["age"], "label": ["Age"], "role": ["number"]}), ["age"]
    ).names == [""]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), segments=st.integers(2, 8))
def test_names_are_short_distinct_and_true(make, seed, segments):
    made = make(seed, segments)
    told = names_told(made.profile, made.drivers, made.sizes, made.columns)
    assert (
        [name.text for name in told]
        == made.names
        == name_segments(made.profile, made.drivers, made.sizes, made.columns)
    )
    assert len({name.lower() for name in made.names}) == len(made.sizes)
    for segment, name in zip(made.sizes.segment, told, strict=True):
        assert 2 <= len(name.text.split()) <= LONGEST
        for column, level in name.told:
            assert_true(made.profile, segment, column, level, name.text)


def assert_true(profile, segment, column, level, name):
    """Hold a name against the profile: the figure the index compares, or the share of a level."""
    row = profile[(profile.segment == segment) & (profile.column == column) & (profile.level == level)].iloc[
        0
    ]
    if level:
        assert row.share >= 0.55
        assert row.share > row.all_share
        return
    here, every = {"median": (row["median"], row.all_median), "mean": (row["mean"], row.all_mean)}.get(
        row.index_of, (row.share, row.all_share)
    )
    assert here != every
    only = name.lower().split(", ")
    if len(only) == 1 and name.split()[0] in {"High", "Many"}:
        assert here > every
    if len(only) == 1 and name.split()[0] in {"Low", "Few", "Small"}:
        assert here < every


def test_the_vocabulary_holds_words_only():
    for kind, words in vocabulary().items():
        assert all(isinstance(word, str) for word in words), kind
