from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import f_oneway
from scipy.stats.contingency import association

from segkit.insight.drivers import differences, drivers, separation, unusual


def test_eta_squared_agrees_with_the_f_statistic_of_scipy(make):
    frame = make(1).customers.dropna()
    table = drivers(frame, numbers=["income", "visits"]).set_index("column").explained
    for column in ("income", "visits"):
        groups = [own for _, own in frame.groupby("segment")[column]]
        f, between, within = f_oneway(*groups).statistic, len(groups) - 1, len(frame) - len(groups)
        assert table[column] == pytest.approx(f * between / (f * between + within), rel=1e-10)


def test_for_two_levels_tau_is_cramers_v_squared(make):
    frame = make(2).customers.dropna()
    found = drivers(frame, categories=["plan"]).explained.item()
    cells = pd.crosstab(frame.segment, frame.plan).to_numpy()
    assert found == pytest.approx(association(cells, method="cramer") ** 2, rel=1e-10)
    coded = frame.assign(plan=(frame.plan == "Gold tier").astype(float))
    assert found == pytest.approx(drivers(coded, numbers=["plan"]).explained.item(), rel=1e-10)


def test_tau_by_hand():
    # (sum p_ij^2 / p_i. - sum p_.j^2) / (1 - sum p_.j^2) for the cells 30 10 / 10 50 of 100
    frame = pd.DataFrame(
        {"segment": [1] * 40 + [2] * 60, "v": ["a"] * 30 + ["b"] * 10 + ["a"] * 10 + ["b"] * 50}
    )
    expected = (0.3**2 / 0.4 + 0.1**2 / 0.4 + 0.1**2 / 0.6 + 0.5**2 / 0.6 - 0.52) / 0.48
    assert drivers(frame, categories=["v"]).explained.item() == pytest.approx(expected, rel=1e-12)


def test_constant_and_empty_columns_explain_nothing():
    frame = pd.DataFrame(
        {"segment": [1, 1, 2], "same": [1, 1, 1], "none": [np.nan] * 3, "word": ["a"] * 3, "no": [None] * 3}
    )
    table = drivers(frame, numbers=["same", "none"], categories=["word", "no"])
    assert table.explained.tolist() == [0, 0, 0, 0]


def test_differences_are_ranked_by_effect_and_name_each_column_once(make):
    made = make(3)
    table = differences(made.profile, top=4)
    assert table.groupby("segment").size().le(4).all()
    assert not table.duplicated(["segment", "column"]).any()
    for _, own in table.groupby("segment"):
        assert own.effect.abs().is_monotonic_decreasing
        assert own["rank"].tolist() == list(range(1, len(own) + 1))
    strongest = made.profile.assign(size=made.profile.effect.abs()).groupby("segment")["size"].max()
    assert table[table["rank"] == 1].set_index("segment").effect.abs().to_numpy() == pytest.approx(
        strongest.to_numpy()
    )


def test_of_two_levels_the_one_there_is_more_of_is_told():
    frame = pd.DataFrame({"segment": [1] * 4 + [2] * 4, "plan": list("aaab") + list("abbb")})
    from segkit.insight.profile import profile

    table = differences(profile(frame, categories=["plan"]))
    assert table.level.tolist() == ["a", "b"]
    assert table.here.tolist() == [0.75, 0.75]


def test_halving_one_normal_population_gives_the_ratio_the_docstring_says():
    x = np.random.default_rng(0).normal(size=(200_000, 1))
    labels = (x[:, 0] > 0).astype(int)
    centers = np.array([x[labels == 0].mean(axis=0), x[labels == 1].mean(axis=0)])
    table = separation(centers, x, labels)
    m = np.sqrt(2 / np.pi)
    assert table.ratio.to_numpy() == pytest.approx([2 * m / np.sqrt(1 - m**2)] * 2, abs=0.01)  # 2.65
    assert table.nearest.tolist() == [2, 1]


def test_separation_is_the_same_on_a_sparse_matrix_and_empty_for_one_segment():
    rng = np.random.default_rng(1)
    X, labels = rng.normal(size=(60, 3)), np.repeat([0, 1, 2], 20)
    X[labels == 2] += 9
    centers = np.array([X[labels == s].mean(axis=0) for s in range(3)])
    table = separation(centers, X, labels)
    pd.testing.assert_frame_equal(table, separation(centers, sparse.csr_matrix(X), labels))
    assert table.nearest.tolist()[:2] == [2, 1]
    assert separation(centers[:1], X, np.zeros(60, dtype=int)).empty


def test_unusual_customers_come_with_the_column_that_says_why():
    frame = pd.DataFrame(
        {"segment": [1] * 9, "spend": [10.0, 11, 12, 13, 14, 15, 16, 17, 900], "visits": [3.0] * 8 + [4]}
    )
    frame["distance"], frame["outlier"], frame["id"] = frame.spend / 10, frame.spend > 800, list("abcdefghi")
    row = unusual(frame, numbers=["visits", "spend"], id_column="id").to_dict("records")[0]
    assert (row["id"], row["column"], row["direction"]) == ("i", "spend", "very high")
    assert (row["value"], row["typical"]) == (900, 14)
    assert unusual(frame, numbers=["spend"]).id.tolist() == [9]  # without ids, the number of the row


def test_deviations_are_measured_as_the_customers_were_segmented():
    frame = pd.DataFrame({"segment": [1] * 7, "a": [1.0, 2, 3, 4, 5, 6, 7], "b": [1.0, 2, 3, 4, 5, 6, 7]})
    frame["distance"], frame["outlier"] = [0, 0, 0, 0, 0, 0, 9.0], [False] * 6 + [True]
    prepared = frame[["a", "b"]].assign(b=[1.0, 2, 3, 4, 5, 6, -90])
    row = unusual(frame, numbers=["a", "b"], prepared=prepared).to_dict("records")[0]
    assert (row["column"], row["direction"], row["value"]) == ("b", "very low", 7)


def test_a_mix_that_no_single_column_explains_names_none():
    frame = pd.DataFrame({"segment": [1, 1, 1, 1], "a": [1.0, 2, 3, 2], "distance": [0, 0, 0, 5.0]})
    frame["outlier"] = [False, False, False, True]
    row = unusual(frame, numbers=["a"]).to_dict("records")[0]
    assert (row["column"], row["direction"]) == ("", "")
    assert unusual(frame, numbers=[]).column.tolist() == [""]
    assert unusual(frame.assign(outlier=False), numbers=["a"]).empty


def test_a_segment_without_any_value_explains_nothing():
    frame = pd.DataFrame({"segment": [1, 1, 2, 2, 3, 3], "spend": [1.0, 3.0, None, None, 5.0, 7.0]})
    known = frame[frame["segment"] != 2]
    of_all, of_known = (drivers(each, numbers=["spend"])["explained"].item() for each in (frame, known))
    assert of_all == of_known == pytest.approx(0.8)  # 16 of 20, as in the example of `drivers`
