"""Categories that say again what another column says are found, and independent ones are not."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from segkit.data import copies, quality, source
from segkit.data.columns import describe


def found(frame):
    return copies.find(nw.from_native(frame, eager_only=True), describe(frame))


def customers(rows=2000, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "spend": rng.lognormal(3, 1, rows), "visits": rng.poisson(4, rows),
            "plan": rng.choice(list("abc"), rows), "member": rng.choice(["yes", "no"], rows, p=[0.02, 0.98]),
            "town": rng.choice([f"T{at}" for at in range(45)], rows),
        }
    )  # fmt: skip


def test_a_code_beside_its_name_and_classes_of_a_number_are_found(kind):
    frame = customers()
    frame["tariff"] = frame["plan"].map({"a": "Basic", "b": "Plus", "c": "Premium"})
    frame["size"] = pd.cut(frame["spend"], [0, 10, 30, 100, 1e9], labels=["S", "M", "L", "XL"]).astype(str)
    frame["vip"] = (frame["spend"] > frame["spend"].quantile(0.97)).map({True: "yes", False: "no"})
    frame["regular"] = (frame["visits"] > 3).astype(int)
    assert found(kind(frame)) == [
        "Plan and Tariff", "Size from Spend", "Vip from Spend", "Regular from Visits",
    ]  # fmt: skip
    gate = quality.check(frame, describe(frame)).set_index("check").loc["Columns that say the same"]
    assert (gate["status"], gate["found"][:15]) == ("warn", "Plan and Tariff")


def test_a_copy_with_a_few_slips_is_found_and_one_with_many_is_not():
    frame, rng = customers(), np.random.default_rng(1)
    for slips, expected in ((4, ["Plan and Tariff"]), (200, [])):
        frame["tariff"] = frame["plan"].str.upper()
        frame.loc[rng.choice(len(frame), slips, replace=False), "tariff"] = "A"
        assert found(frame) == expected


@pytest.mark.parametrize(
    "rows", [20, *(pytest.param(rows, marks=pytest.mark.slow) for rows in (60, 200)), 2000]
)
def test_independent_columns_never_say_the_same(rows):
    assert [pair for seed in range(60) for pair in found(customers(rows, seed))] == []


def test_what_is_missing_is_left_out_and_too_little_says_nothing():
    frame = customers(300)
    frame["tariff"] = frame["plan"].str.upper().where(np.arange(300) % 3 > 0)
    assert found(frame) == ["Plan and Tariff"]
    frame["tariff"] = frame["plan"].str.upper().where(np.arange(300) % 3 == 0)
    assert found(frame) == []  # two in three are missing


def test_real_tables_show_the_copies_they_have_and_no_personal_data(test_data):
    """Shopping trends has one column twice; by hand no table names a person (id columns aside)."""
    same = {}
    for path in sorted((test_data / "customers").glob("*")):
        frame, _ = source.load(path)
        told = describe(frame)
        same[path.name] = copies.find(nw.from_native(frame, eager_only=True), told)
        assert told.loc[told["role"] == "personal", "column"].to_list() == [], path.name
    assert same.pop("shopping_trends.csv") == ["Discount Applied and Promo Code Used"]
    assert not any(same.values()), same
