"""Scores and names: no tie is split, no score disappears in silence, every cell has exactly one name."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segkit.data import scores as room
from segkit.data.scores import cells, meanings, name, score
from segkit.errors import ParameterError


def people(frequency, recency=None, monetary=None):
    count = len(frequency)
    return pd.DataFrame(
        {
            "recency_days": range(count) if recency is None else recency,
            "frequency": frequency,
            "monetary_total": range(count) if monetary is None else monetary,
        }
    )


@given(st.lists(st.integers(1, 6), min_size=1, max_size=60), st.integers(3, 5), st.randoms())
@settings(max_examples=60, deadline=None)
def test_ties_share_a_score_and_the_order_of_rows_never_matters(frequency, bins, random):
    frame = people(frequency, recency=frequency, monetary=[float(value) for value in frequency])
    made = score(frame, bins=bins).table
    both = pd.concat([frame["frequency"], made], axis=1)
    assert len(both.drop_duplicates()) == frame["frequency"].nunique()
    assert made.isin(range(1, bins + 1)).all().all()
    assert both.sort_values("frequency")["frequency_score"].is_monotonic_increasing
    order = list(range(len(frame)))
    random.shuffle(order)
    mixed = score(frame.iloc[order], bins=bins).table
    pd.testing.assert_frame_equal(mixed.loc[frame.index], made)


def test_a_score_that_nobody_has_is_said():
    """CDNOW's case: quantiles of 1, 1, 2 and 4 purchases leave the score 2 empty."""
    made = score(people([1] * 50 + [2] * 20 + [3] * 9 + [4] * 11 + [9] * 10))
    assert made.cuts["frequency"] == [1, 1, 2, 4]
    assert made.notes == ("Nobody has the frequency score 2: 50.0 % of the customers share the value 1.",)
    own = made.thresholds[made.thresholds["measure"] == "frequency"]
    assert own["customers"].to_list() == [50, 0, 20, 20, 10]
    assert own[["low", "high"]].to_numpy()[3].tolist() == [3, 4]
    assert np.isnan(own["low"].iloc[1])


def test_everybody_alike_still_has_a_score():
    made = score(people([1, 1, 1], recency=[4, 4, 4], monetary=[2.0, 2.0, 2.0]), bins=3)
    assert made.table.to_numpy().tolist() == [[3, 1, 1]] * 3
    assert len(made.notes) == 3


def test_own_thresholds_are_used_as_given():
    cuts = {"recency_cuts": [30, 90], "frequency_cuts": [1, 3], "monetary_cuts": [10, 100]}
    made = score(people([1, 2, 4], recency=[30, 31, 91], monetary=[10.0, 10.5, 101.0]), bins=3, **cuts)
    assert made.table.to_numpy().tolist() == [[3, 1, 1], [2, 2, 2], [1, 3, 3]]
    with pytest.raises(ParameterError, match="recency_cuts must be 4 rising numbers for 5 bins"):
        score(people([1, 2]), recency_cuts=[3, 2, 4, 5])


@pytest.mark.parametrize("bins", [3, 4, 5])
def test_every_cell_has_exactly_one_name_and_every_name_a_meaning(bins):
    named = cells(bins)
    assert set(named) == set(product(range(1, bins + 1), repeat=3))
    assert set(named.values()) <= set(meanings())
    assert named[bins, bins, bins] == "Champions"
    assert named[1, 1, 1] == "Lost"
    frame = pd.DataFrame(list(named), columns=["r", "f", "m"])
    assert name(frame, bins).to_list() == list(named.values())


def test_an_edited_table_is_checked(tmp_path):
    text = room.TABLE.read_text(encoding="utf-8")
    own = tmp_path / "own.yml"
    own.write_text(text.replace("Champions", "Best"), encoding="utf-8")
    assert Counter(cells(5, own).values())["Best"] == Counter(cells(5).values())["Champions"]
    own.write_text(text.replace("[Lost, Hibernating, At risk, At risk,", "[Lots, Hibernating, At risk,"))
    with pytest.raises(ParameterError, match=r"own.yml: the grid for 5 bins must have 5 rows of 5 names"):
        cells(5, own)
    own.write_text(text.replace("- [Lost, Hibernating, At risk, C", "- [Lots, Hibernating, At risk, C"))
    with pytest.raises(ParameterError, match=r'names lacks "Lots"\. Did you mean "Lost"'):
        cells(4, own)
    own.write_text("names: 3\n", encoding="utf-8")
    with pytest.raises(ParameterError, match="must hold names and grids"):
        meanings(own)
