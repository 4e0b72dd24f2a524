"""Drift: the index against figures by hand, its bound of chance, and values nothing in the past is like."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, wasserstein_distance

from segkit.data.drift import drift, outside, reference


def frames(seed: int, rows: int = 2000, shift: float = 0.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    return tuple(
        pd.DataFrame({"spend": np.exp(rng.normal(by, 1, rows)), "town": rng.choice(list("abc"), rows)})
        for by in (0.0, shift)
    )


def moved(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    return drift(reference(old, numbers=["spend"], categories=["town"]), new).set_index("column")


def test_the_index_is_the_one_computed_by_hand():
    """80 and 20 of a hundred become 60 and 40: (.6 - .8) ln(.6 / .8) + (.4 - .2) ln(.4 / .2) = 0.19617."""
    old, new = ({"town": ["a"] * n + ["b"] * (100 - n)} for n in (80, 60))
    row = drift(reference(old, numbers=[], categories=["town"]), new).iloc[0]
    assert row["psi"] == pytest.approx(0.2 * math.log(2) - 0.2 * math.log(0.75), abs=1e-12)
    assert row["psi"] == pytest.approx(0.19617, abs=1e-5)
    # chi-square of one degree of freedom, 95 %: 3.8415 (any table), times 1/100 + 1/100
    assert row["chance"] == pytest.approx(0.07683, abs=1e-5)
    assert row["state"] == "watch"


def test_a_missing_value_is_a_bin_of_its_own():
    """None of a hundred missing becomes a half: the empty bin counts as half a row, .005."""
    old, new = {"spend": np.ones(100)}, {"spend": np.r_[np.ones(50), np.full(50, np.nan)]}
    row = drift(reference(old, numbers=["spend"], categories=[]), new).iloc[0]
    assert row["psi"] == pytest.approx((0.5 - 1) * math.log(0.5) + (0.5 - 0.005) * math.log(100), abs=1e-9)
    assert (row["missing_before"], row["missing_after"], row["state"]) == (0, 0.5, "act")


def test_tables_of_one_population_move_as_rarely_as_the_bound_says():
    """Of 400 columns at most the one-sided 1 % limit of 5 % lie beyond chance."""
    found = pd.concat([moved(*frames(seed)) for seed in range(200)])
    assert found["moved"].sum() <= binom.ppf(0.99, len(found), 0.05)
    assert found["moved"].sum() >= binom.ppf(0.01, len(found), 0.02)  # a bound that never speaks is none
    assert (found["state"] == "none").all()


def test_a_shifted_column_is_found_and_only_that():
    found = moved(*frames(1, shift=0.8))
    assert found.loc["spend", ["kind", "state"]].tolist() == ["number", "act"]
    assert found.loc["town", "state"] == "none"
    assert found.loc["spend", "after"] > found.loc["spend", "before"] > 0
    assert found.index[0] == "spend"


def test_the_distance_is_that_of_scipy_and_finds_a_plain_shift_below_the_line_of_the_index():
    """A normal column that shifts by .3 deviations: the index is near .09 (none), Cohen's d is .3 (watch)."""
    old, new = (np.random.default_rng(seed).normal(mean, 2, 20_000) for seed, mean in ((1, 0), (2, 0.6)))
    row = drift(reference({"a": old}, numbers=["a"], categories=[]), {"a": new}).iloc[0]
    assert row["distance"] == pytest.approx(wasserstein_distance(old, new), rel=0.02)
    assert row["far"] == pytest.approx((new.mean() - old.mean()) / old.std(), rel=0.1)
    assert row["far_chance"] < 0.05
    assert (row["psi"] < 0.1, row["state"]) == (True, "watch")
    wide = drift(reference({"a": old}, numbers=["a"], categories=[]), {"a": old + 1.1}).iloc[0]
    assert wide["far"] == pytest.approx(1.1 / old.std(), rel=0.1)  # the ends are cut off: a smaller deviation
    assert wide["state"] == "act"


def test_a_distance_within_chance_is_none():
    """Of 300 columns without a shift at most the one-sided 1 % limit of 2 % lie beyond the bound of 1 %."""
    rng = np.random.default_rng(4)
    tables = [({"a": rng.normal(size=400)}, {"a": rng.normal(size=150)}) for _ in range(300)]
    found = pd.concat([drift(reference(a, numbers=["a"], categories=[]), b) for a, b in tables])
    assert (found["far"] > found["far_chance"]).sum() <= binom.ppf(0.99, 300, 0.02)
    assert (found["far"] > 0.5 * found["far_chance"]).any()


def test_what_is_kept_is_plain_and_names_no_rare_value():
    old = frames(2)[0]
    old.loc[:8, "town"] = "one of nine"
    known = reference(old, numbers=["spend"], categories=["town"])
    assert json.loads(json.dumps(known)) == known
    assert set(known["town"]["levels"]) == {"a", "b", "c"}
    assert known["spend"]["high"] < old["spend"].max()


def test_outside_is_beyond_nearly_all_rows_or_a_level_nobody_had():
    old, new = frames(3)
    known = reference(old, numbers=["spend"], categories=["town"])
    new.loc[0, "spend"], new.loc[1, "spend"], new.loc[2, "spend"] = 1e9, np.inf, np.nan
    new.loc[3, "town"], new.loc[4, "town"] = "moon", None
    assert outside(known, new).tolist()[:5] == ["spend", "", "", "town", ""]
    assert (outside(known, old) != "").mean() < 0.002


def test_nothing_to_look_at_is_no_shift():
    few = reference({"a": np.arange(400) % 4.0}, numbers=["a"], categories=[])
    assert np.isnan(drift(few, {"a": np.arange(400) % 4.0})["far"].item())  # the index judges it alone
    empty = reference({"spend": [np.nan, np.nan]}, numbers=["spend"], categories=[])
    assert drift(empty, {"spend": [np.nan]})["state"].tolist() == ["none"]
    assert drift({}, {"spend": [1.0]}).empty
