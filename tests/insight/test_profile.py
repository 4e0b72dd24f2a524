from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from segkit.insight.profile import LEVELS, figures, profile, sizes

TO = {"pandas": lambda f: f, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}


def oracle(frame: pd.DataFrame, column: str, segment: int) -> dict[str, float]:
    """The same figures by pandas, straight from the definition in the docstring."""
    here, every = frame.loc[frame.segment == segment, column].dropna(), frame[column].dropna()
    return {
        "n": len(here),
        "mean": here.mean(),
        "median": here.median(),
        "q05": here.quantile(0.05),
        "q25": here.quantile(0.25),
        "q75": here.quantile(0.75),
        "q95": here.quantile(0.95),
        "share": (here > 0).mean(),
        "all_mean": every.mean(),
        "all_median": every.median(),
        "all_share": (every > 0).mean(),
        "effect": (here.mean() - every.mean()) / every.std(),
        "total_share": here.sum() / every.sum(),
    }


@pytest.mark.parametrize("backend", TO)
def test_numbers_equal_a_pandas_oracle(make, backend):
    made = make(1)
    table = profile(TO[backend](made.customers), numbers=["income", "fish_spend", "visits"])
    for row in table.to_dict("records"):
        expected = oracle(made.customers, row["column"], row["segment"])
        for name, figure in expected.items():
            assert row[name] == pytest.approx(figure, rel=1e-12, abs=1e-12), (row["column"], name)


def test_on_pandas_the_oracle_is_met_to_the_bit(make):
    made = make(2)
    for row in profile(made.customers, numbers=["income", "visits"]).to_dict("records"):
        expected = oracle(made.customers, row["column"], row["segment"])
        assert all(row[name] == expected[name] for name in expected if name != "total_share")


@pytest.mark.parametrize("backend", TO)
def test_levels_equal_a_crosstab(make, backend):
    frame = make(3).customers
    table = profile(TO[backend](frame), categories=["plan", "active"])
    active = frame.active.map({0.0: "0", 1.0: "1"})
    for column, values in (("plan", frame.plan), ("active", active)):
        share = pd.crosstab(frame.segment, values, normalize="index")
        found = table[table.column == column].pivot_table(index="segment", columns="level", values="share")
        pd.testing.assert_frame_equal(found, share, check_names=False, check_column_type=False)


def test_index_is_a_ratio_of_medians_shares_or_means():
    frame = pd.DataFrame(
        {
            "segment": [1] * 4 + [2] * 4,
            "spend": [1, 2, 2, 3, 4, 4, 4, 4],  # medians 2 and 4, all 3.5
            "extra": [0, 0, 0, 5, 0, 0, 5, 5],  # median of all 0; above zero 1/4 and 2/4, all 3/8
            "deals": [2, 2, 2, 2, 2, 2, 2, 9],  # every median 2, the mean of segment 2 is not
            "profit": [-5, -5, -5, 1, 2, 3, 4, 5],  # a negative median
        }
    )
    table = profile(frame, numbers=["spend", "extra", "deals", "profit"]).set_index(["column", "segment"])
    assert table.index_of.groupby("column").first().to_dict() == {
        "spend": "median",
        "extra": "share above zero",
        "deals": "mean",
        "profit": "mean",
    }
    assert table.loc[("spend", 1), "index"] == 2 / 3.5
    assert table.loc[("extra", 2), "index"] == (2 / 4) / (3 / 8)
    assert table.loc[("deals", 2), "index"] == 3.75 / 2.875
    assert np.isnan(table.loc[("profit", 1), "index"])


def test_segment_zero_missing_values_and_constants_have_a_defined_answer():
    frame = pd.DataFrame(
        {
            "segment": [0, 1, 1, 2, 2],
            "same": [9.0, 3, 3, 3, 3],
            "empty": [1.0] + [np.nan] * 4,
            "city": ["z", None, "a", "b", None],
        }
    )
    table = profile(frame, numbers=["same", "empty"], categories=["city"])
    assert set(table.segment) == {1, 2}
    assert (table[table.column == "same"].effect == 0).all()
    assert (table[table.column == "empty"].n == 0).all()
    city = table[table.column == "city"]
    assert set(city.level) == {"a", "b"}
    assert city.n.tolist() == [1, 1, 1, 1]


def test_a_column_with_many_levels_shows_the_most_frequent():
    frame = pd.DataFrame({"segment": [1, 2] * 100, "city": [f"c{i * i % 40:02}" for i in range(200)]})
    levels = profile(frame, categories=["city"]).query("segment == 1")
    counts = frame.city.value_counts()
    assert len(levels) == min(LEVELS, len(counts))
    assert levels.all_share.tolist() == sorted(counts / 200, reverse=True)[: len(levels)]


def test_sizes_count_customers_value_borders_and_unusual_ones(make):
    frame = make(4).customers
    table = sizes(frame, value="total_spend", names=["a", "b", "c"])
    groups = frame.groupby("segment")
    assert table.customers.tolist() == groups.size().tolist()
    assert table.value_sum.to_numpy() == pytest.approx(groups.total_spend.sum().to_numpy())
    assert table.value_share.sum() == pytest.approx(1)
    assert table.value_median.tolist() == groups.total_spend.median().tolist()
    assert table.near_border.tolist() == groups.confidence.agg(lambda c: (c < 0.55).sum()).tolist()
    assert table.outliers.tolist() == groups.outlier.sum().tolist()
    assert table.name.tolist() == ["a", "b", "c"]


def test_without_a_value_column_nothing_is_said_about_value():
    table = sizes(pd.DataFrame({"segment": [1, 1, 2, 0]}))
    assert table.columns.tolist() == ["segment", "name", "customers", "share"]
    assert table.share.tolist() == [2 / 3, 1 / 3]


def test_figures_are_what_the_index_compares(make):
    table = make(5).profile
    here, every = figures(table)
    known = table["index"].notna()
    assert (here / every)[known].to_numpy() == pytest.approx(table["index"][known].to_numpy())
