import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from segkit.data import columns, quality, samples, traps


def found(table):
    gates = quality.check(table, columns.describe(table)).set_index("check")
    return (
        gates.loc[["Codes among numbers", "Sums of other columns"], ["found", "status"]].to_numpy().tolist()
    )


def test_the_code_of_bank_marketing_is_found(test_data):
    # UCI Bank Marketing: "pdays ... -1 means client was not previously contacted"; 36,954 of 45,211 rows
    bank = pd.read_csv(test_data / "customers" / "bank-full.csv", sep=";")
    assert found(bank) == [["Pdays: -1 in 82 %", "warn"], ["none", "pass"]]


def test_the_total_of_the_sample_is_found():
    parts = "Spend groceries, Spend household, Spend fashion, Spend electronics, Spend home"
    assert found(samples.retail(2_000)) == [["none", "pass"], [f"Annual spend from {parts}", "warn"]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.r_[np.arange(100.0), np.full(20, -1)], -1),
        (np.r_[np.tile(np.arange(1.0, 6), 30), np.full(10, 9)], 9),
        (np.r_[np.arange(100.0), np.full(20, 99)], None),  # a value among the others
        (np.r_[np.arange(-50.0, 50), np.full(20, -99)], None),  # other values are negative too
        (np.r_[np.arange(100.0), np.full(9, 999)], None),  # nine rows would tell who they are
        (np.r_[np.arange(5_000.0), np.full(20, 99_999)], None),  # an accident
        (np.full(100, -1.0), None),
        (np.full(100, np.nan), None),
    ],
)
def test_a_code_is_a_lone_frequent_end_of_a_column(values, expected):
    code = traps.code(values)
    assert (code and code[0]) == expected


def test_columns_that_only_go_together_are_no_sum():
    draw = np.random.default_rng(0)
    common = draw.normal(size=(500, 1))
    assert traps.sums(common + 0.5 * draw.normal(size=(500, 5))) == []
    assert traps.sums(np.hstack([common, 3 * common, draw.normal(size=(500, 1))])) == []  # a pair, not a sum


def test_zeros_and_scales_are_told_and_weigh_only_where_most_columns_have_few_steps():
    draw = np.random.default_rng(0)
    answers = pd.DataFrame(draw.integers(1, 6, (300, 4))).rename(columns="q{}".format)
    told = dict.fromkeys(answers, "number")
    look = columns.describe(answers, numbers=list(told))
    gates = quality.check(answers, look).set_index("check")
    assert gates.loc["Scales of few steps", "status"] == "warn"
    spend = pd.DataFrame({"a": np.r_[np.zeros(200), draw.gamma(2, 9, 100)], "b": draw.normal(size=300)})
    gates = quality.check(spend, columns.describe(spend)).set_index("check")
    assert gates.loc["Many zeros", ["found", "status"]].tolist() == ["A (67 %)", "pass"]


def test_every_frame_is_looked_at_at_even_places():
    table = nw.from_native(pd.DataFrame({"x": np.arange(50_000.0)}))
    assert traps.values(table, ["x"])[:3, 0].tolist() == [0.0, 3.0, 6.0]
