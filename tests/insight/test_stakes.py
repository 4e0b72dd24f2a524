from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.insight.stakes import CHANGE, group_size, holdout, stakes


@pytest.mark.parametrize(("base", "changed", "error", "power", "expected"), [
    # statsmodels 0.15.0: NormalIndPower().solve_power(proportion_effectsize(base, changed), alpha, power, 1)
    (0.5, 0.55, 0.05, 0.8, 1564.5290112626938),
    (0.1, 0.12, 0.05, 0.8, 3834.595739884031),
    (0.27, 0.2, 0.05, 0.8, 573.0725311519379),
    (0.02, 0.07, 0.05, 0.9, 331.62505114859357),
    (0.9, 0.85, 0.01, 0.8, 1012.3529471385032),
    (0.05, 0.055, 0.05, 0.8, 31217.423430777748),
])  # fmt: skip
def test_group_sizes_are_those_of_statsmodels(base, changed, error, power, expected):
    assert group_size(base, changed, error=error, power=power) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("base", [0.02, 0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("customers", [60, 800, 20_000])
def test_a_test_holds_back_at_most_half_and_shows_what_it_says(customers, base):
    held, change = holdout(customers, base)
    assert 0 < held <= customers / 2
    if np.isnan(change):
        return
    assert change >= CHANGE - 1e-9
    changed = base - change if base > 1 - 2 * CHANGE else base + change
    assert group_size(base, changed) <= held + 1e-6


def test_a_handful_proves_nothing():
    assert np.isnan(holdout(4, 0.9)[1])


def test_the_interval_holds_the_sum_and_is_as_wide_as_theory_says():
    rng = np.random.default_rng(0)
    for n in (900, 40_000):  # the larger one is resampled from 5,000 of its customers
        frame = pd.DataFrame({"segment": 1, "spend": rng.normal(100, 20, n)})
        row = stakes(frame, "spend").iloc[0]
        assert row.value_low < frame.spend.sum() < row.value_high
        half = 1.645 * 20 * np.sqrt(n)  # normal theory, nine in ten
        assert (row.value_high - row.value_low) / 2 == pytest.approx(half, rel=0.08)


def test_segments_have_intervals_of_their_own_and_gaps_are_left_out():
    frame = pd.DataFrame({"segment": [0, 1, 1, 2, 2], "spend": [9.0, 5, 5, np.nan, 7]})
    assert stakes(frame, "spend").values.tolist() == [[1, 10, 10], [2, 7, 7]]
