"""Cells that rest on few customers are withheld, and nobody can work them out from the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.insight.evidence import unused, with_tests
from segkit.insight.fairness import fairness
from segkit.insight.profile import OWN, guarded, profile, withheld
from segkit.insight.rules import rules
from segkit.study import segment


def customers(counts):
    """Return customers by segment (rows of `counts`) and level (columns)."""
    rows = [
        (s + 1, "abcdefgh"[j]) for s, line in enumerate(counts) for j, n in enumerate(line) for _ in range(n)
    ]
    table = pd.DataFrame(rows, columns=["segment", "plan"])
    return table.assign(spend=np.random.default_rng(0).gamma(2, 50, len(table)))


def hidden(table, least=10):
    told = withheld(with_tests(profile(table, categories=["plan"])), least)
    return told.pivot_table(index="segment", columns="level", values="withheld", aggfunc="max").to_numpy(
        dtype=bool
    )


@pytest.mark.parametrize("seed", range(40))
def test_no_line_has_just_one_cell_hidden_and_every_small_one_is(seed):
    """A line with one hidden cell would tell it: its total is known."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.choice([3, 12, 60], size=(rng.integers(2, 6), rng.integers(2, 6))))
    counts[:, 0] += 20
    counts[0] += 1
    found = hidden(customers(counts))
    small = (counts > 0) & (counts < 10)
    assert found[small].all()
    if small.any():
        assert set(found.sum(axis=0)) | set(found.sum(axis=1)) <= {0, *range(2, 10)}
    else:
        assert not found.any()


def test_nothing_of_a_hidden_cell_is_left_and_the_others_are_as_they_were():
    table = customers([[40, 30, 30], [50, 3, 47], [20, 60, 20]])
    before = with_tests(profile(table, numbers=["spend"], categories=["plan"]))
    after = withheld(before, 10)
    gone = after["withheld"].to_numpy()
    assert after.loc[gone, list(OWN)].isna().all(axis=None)
    pd.testing.assert_frame_equal(after[~gone].drop(columns="withheld"), before[~gone])
    assert not after.loc[after["column"] == "spend", "withheld"].any()


def test_numbers_of_a_small_segment_go_with_those_of_the_next():
    table = customers([[60], [40], [4]])
    after = withheld(with_tests(profile(table, numbers=["spend"])), 10).set_index("segment")
    assert after["withheld"].tolist() == [False, True, True]


def test_a_limit_of_none_withholds_nothing():
    table = customers([[40, 3], [50, 30]])
    assert not withheld(with_tests(profile(table, categories=["plan"])), 0)["withheld"].any()


def test_what_a_small_segment_is_worth_is_withheld():
    sizes = pd.DataFrame({"segment": [1, 2, 3], "customers": [90, 30, 4], "value_sum": [9, 3, 1]})
    assert guarded(sizes, 10)["value_sum"].isna().tolist() == [False, True, True]
    assert guarded(sizes, 3)["value_sum"].tolist() == [9, 3, 1]


def test_tests_of_other_columns_leave_small_cells_out():
    table = customers([[40, 30, 30], [50, 3, 47], [20, 60, 20]])
    rows = unused(table, least=10, categories=["plan"])
    assert "b" not in set(rows.loc[rows["segment"] == 2, "level"])
    assert "b" in set(unused(table, categories=["plan"]).query("segment == 2")["level"])


def test_a_study_withholds_by_default_says_so_and_gives_all_where_asked():
    rng = np.random.default_rng(0)
    home = np.repeat([0, 1], 300)
    rare = np.where((home == 1) & (np.arange(600) % 60 == 0), "rare", rng.choice(["a", "b", "c"], 600))
    table = pd.DataFrame({"visits": rng.normal(9 * home), "spend": rng.normal(9 * home), "plan": rare})
    study = segment(table, features=["visits", "spend", "plan"], max_segments=4)
    told = study.profile[study.profile["withheld"]]
    assert "rare" in set(told["level"])
    assert told["share"].isna().all()
    every = segment(table, features=["visits", "spend", "plan"], max_segments=4, min_cell=0)
    assert not every.profile["withheld"].any()
    assert every.profile["share"].notna().all()


def test_a_segment_that_is_too_small_gets_no_rule():
    spend = [*range(60), *range(100, 140), *range(900, 904)]
    table = pd.DataFrame({"segment": [1] * 60 + [2] * 40 + [3] * 4, "spend": spend})
    assert {rule.segment for rule in rules(table, numbers=["spend"]).rules} >= {2}
    assert 3 not in {rule.segment for rule in rules(table, numbers=["spend"], least=10).rules}
    assert 3 in {rule.segment for rule in rules(table, numbers=["spend"], least=3).rules}


def test_a_sensitive_share_that_rests_on_few_is_not_told():
    """All four of the third segment are f; of the others as many as of all."""
    table = pd.DataFrame({"segment": [1] * 60 + [2] * 40 + [3] * 4, "gender": list("fm") * 50 + list("ffff")})
    every, most = (fairness(table, categories=["gender"], least=least).iloc[0] for least in (0, 10))
    assert (every["segment"], every["share"]) == (3, 1.0)
    assert (most["segment"], most["share"]) == (1, 0.5)
    none = fairness(table, categories=["gender"], least=100).iloc[0]
    assert none["segment"] == 0
    assert np.isnan(none["share"])
    assert every["cramers_v"] == most["cramers_v"] == none["cramers_v"]
