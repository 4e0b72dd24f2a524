from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from segkit.insight.evidence import importance, unused, with_tests
from segkit.insight.profile import profile


@pytest.fixture
def decathlon(test_data):
    """FactoMineR 2.7's data with k-means clusters of R 4.2.2 (data/reference)."""
    folder = test_data / "reference"
    frame = pd.read_csv(folder / "decathlon.csv")
    frame["segment"] = pd.read_csv(folder / "decathlon_clusters.csv")["cluster"]
    numbers = [c for c in frame.select_dtypes("number") if c != "segment"]
    return folder, with_tests(profile(frame, numbers=numbers, categories=["Competition"]))


@pytest.mark.parametrize("segment", [1, 2, 3])
def test_v_tests_of_numbers_are_those_of_factominer(decathlon, segment):
    folder, table = decathlon
    found = table[(table.segment == segment) & (table.kind == "number")].set_index("column").v_test
    expected = pd.read_csv(folder / f"catdes_{segment}.csv").set_index("variable")["v.test"]
    expected.index = expected.index.str.replace(r"^X(?=\d)", "", regex=True)
    assert found.sort_index().index.tolist() == expected.sort_index().index.tolist()
    assert found.sort_index().to_numpy() == pytest.approx(expected.sort_index().to_numpy(), abs=1e-6)


@pytest.mark.parametrize("segment", [1, 2, 3])
def test_v_tests_of_levels_are_those_of_factominer(decathlon, segment):
    folder, table = decathlon
    mine = table[(table.segment == segment) & (table.kind == "category")]
    expected = pd.read_csv(folder / f"catdes_category_{segment}.csv").set_index("level")
    assert len(mine) == len(expected)
    for row in mine.itertuples():
        golden = expected.loc[f"{row.column}={row.level}"]
        assert row.v_test == pytest.approx(golden["v.test"], abs=1e-6)
        assert 100 * row.share == pytest.approx(golden["Mod.Cla"], abs=1e-9)
        assert 100 * row.total_share == pytest.approx(golden["Cla.Mod"], abs=1e-9)


def test_one_segment_and_constants_differ_in_nothing():
    frame = pd.DataFrame({"segment": [1, 1, 1], "x": [1.0, 2, 3], "c": list("aab")})
    assert with_tests(profile(frame, numbers=["x"], categories=["c"])).v_test.tolist() == [0, 0, 0]
    frame = pd.DataFrame({"segment": [1, 1, 2], "x": [2.0, 2, 2], "c": list("aaa")})
    assert with_tests(profile(frame, numbers=["x"], categories=["c"])).v_test.tolist() == [0, 0, 0, 0]


def test_of_columns_without_any_difference_hardly_one_is_called_different():
    tables, rng = [], np.random.default_rng(0)
    for _ in range(100):
        frame = pd.DataFrame(rng.normal(size=(300, 6)), columns=list("abcdef"))
        frame["plan"] = rng.choice(["x", "y", "z"], 300)
        frame["segment"] = rng.integers(1, 4, 300)
        found = unused(frame, numbers=list("abcdef"), categories=["plan"])
        tables.append(found.groupby("column").differs.any())
    called = pd.concat(tables)
    assert len(called) == 700
    assert called.sum() <= binom.ppf(0.99, 700, 0.05)


def test_a_column_that_differs_is_found_and_comes_first():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"segment": rng.integers(1, 3, 400), "noise": rng.normal(size=400)})
    frame["age"] = rng.normal(size=400) + frame.segment
    found = unused(frame, numbers=["noise", "age"])
    assert found.column[0] == "age"
    assert found.differs[0]
    assert not found[found.column == "noise"].differs.any()
    assert unused(frame.assign(segment=1), numbers=["age"]).empty


def test_importance_counts_the_customers_that_move():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(4000, 3))
    found = importance(X, {"a": "a", "p=x": "plan", "p=y": "plan"}, lambda rows: (rows[:, 0] > 0).astype(int))
    assert found["plan"] == 0
    assert found["a"] == pytest.approx(0.5, abs=0.04)  # two independent halves disagree half the time
    together = importance(X, {"a": "a", "p=x": "plan", "p=y": "plan"}, lambda r: r[:, 1] + r[:, 2] > 0)
    assert together["a"] == 0
    assert together["plan"] == pytest.approx(0.5, abs=0.04)
