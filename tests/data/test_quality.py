from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.data import quality
from segkit.data.columns import describe

RNG = np.random.default_rng(3)


def gates(frame, **asked):
    return quality.check(frame, describe(frame, **asked)).set_index("check")


def plain(rows=200):
    return pd.DataFrame(
        {"id": range(rows), "spend": RNG.normal(50, 9, rows), "visits": RNG.normal(5, 1, rows).round(2)}
    )


def test_a_clean_table_passes_every_gate(kind) -> None:
    table = gates(kind(plain()))
    assert set(table["status"]) == {"pass"}
    assert (table["reason"] == "").all()
    assert table.loc["Rows", "found"] == "200"


@pytest.mark.parametrize(
    ("check", "frame", "found"),
    [
        ("Rows", plain(20), "20"),
        ("Repeated rows", pd.concat([plain(99)] * 2), "99 (50.0 %)"),
        ("Customer id", plain().assign(id=[f"C{n}" for n in [0, *range(199)]]), "id: 1 repeated"),
        (
            "Missing values",
            plain().assign(age=[None] * 60 + [30.0 + n for n in range(140)]),
            "60 of 600 values, most in Age (30.0 %)",
        ),
        ("Constant columns", plain().assign(shop="A"), "Shop"),
        (
            "Skew",
            plain().assign(tips=np.r_[np.zeros(190), np.full(10, 9.0)]),
            "1 column beyond 2, most in Tips (4.1 away from 0)",
        ),
        (
            "Far-out values",
            plain().assign(tips=np.r_[np.arange(180), np.full(20, 1e4)]),
            "in 1 column, most in Tips (10.0 %)",
        ),
        (
            "Categories with many levels",
            plain().assign(town=[f"T {n % 60}" for n in range(200)]),
            "Town (60)",
        ),
    ],
)
def test_each_gate_warns_about_its_fault(check, frame, found) -> None:
    row = gates(frame).loc[check]
    assert (row["found"], row["status"]) == (found, "warn")
    assert row["reason"]


def test_columns_that_say_the_same_are_named() -> None:
    frame = plain()
    row = gates(frame.assign(spend_net=frame["spend"] / 1.19)).loc["Columns that say the same"]
    assert (row["found"], row["status"]) == ("Spend and Spend net", "warn")


def test_a_column_of_one_value_but_for_a_few_rows_is_named() -> None:
    row = gates(plain().assign(plan=["basic"] * 199 + ["gold"])).loc["Nearly constant columns"]
    assert (row["found"], row["status"]) == ("Plan", "warn")
    assert gates(plain().assign(plan=["basic"] * 190 + ["gold"] * 10)).loc[row.name, "status"] == "pass"


def test_columns_that_a_model_made_or_would_predict_are_named() -> None:
    answers = {"churned": RNG.integers(0, 2, 200), "PredictedSpend": RNG.normal(9, 1, 200)}
    row = gates(plain().assign(**answers)).loc["Columns that may be an answer"]
    assert (row["found"], row["status"]) == ("Churned, Predicted spend", "warn")


def test_personal_data_is_left_out_and_named(kind) -> None:
    who = {"mail": [f"c{n}@example.org" for n in range(200)], "Zip": RNG.integers(10_115, 14_199, 200)}
    frame = plain().assign(**who, contact=[f"+49 30 {90_182_000 + n}" for n in range(200)])
    row = gates(kind(frame)).loc["Personal data"]
    assert (row["found"], row["status"]) == ("Mail, Zip, Contact", "warn")
    table = describe(kind(frame)).set_index("column").loc[["mail", "Zip", "contact"]]
    assert set(table["use"]) == {"left out"}
    assert table[["min", "median", "max", "mean"]].isna().all(axis=None)  # an extreme value names somebody
    assert set(table["top"]) == {""}
    asked = gates(kind(frame), features=["spend", "visits", "Zip"])
    assert asked.loc["Personal data", "found"] == "Mail, Contact"


def test_no_column_left_is_a_failure() -> None:
    row = gates(pd.DataFrame({"id": range(100), "shop": ["A"] * 100})).loc["Columns in use"]
    assert (row["found"], row["status"]) == ("0 (0 of numbers)", "fail")


def test_equal_rows_without_an_id_may_be_different_customers() -> None:
    frame = pd.DataFrame({"visits": [3, 3, *range(4, 102)], "town": ["A"] * 100})
    assert gates(frame).loc["Repeated rows", ["found", "status"]].to_list() == ["1 (1.0 %)", "pass"]


def test_correlation_is_spearmans(kind) -> None:
    values = RNG.normal(size=(300, 4)) @ RNG.normal(size=(4, 4))
    frame = pd.DataFrame(values.round(1), columns=list("abcd"))  # rounded: there are ties
    ours = quality.correlation(kind(frame), list("abcd"))
    np.testing.assert_allclose(ours, frame.corr(method="spearman"), atol=1e-12)  # the oracle: pandas
    assert ours.index.to_list() == ours.columns.to_list() == list("abcd")


def test_correlation_with_gaps_uses_the_rows_where_both_are_there() -> None:
    frame = pd.DataFrame(RNG.normal(size=(300, 2)) @ [[1, 0.7], [0, 0.5]], columns=["a", "b"])
    frame.loc[RNG.random(300) < 0.2, "b"] = np.nan
    both = frame["b"].notna()
    ranks = pd.concat([frame["a"].rank(), frame["b"].rank()], axis=1)[both]  # the definition in the docstring
    assert quality.correlation(frame, ["a", "b"]).loc["a", "b"] == pytest.approx(
        ranks.corr().iloc[0, 1], abs=1e-12
    )


def test_constant_empty_and_no_columns_have_defined_answers() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [5.0] * 3, "c": [np.nan] * 3})
    np.testing.assert_array_equal(quality.correlation(frame, ["a", "b", "c"]), np.eye(3))
    assert quality.correlation(frame, []).empty


def test_limits_decide_what_is_noted_and_what_fails():
    frame = pd.DataFrame({"a": [1.0, None, None, 4.5] * 20, "b": range(80)})
    columns = describe(frame)

    def status(gate, **limits):
        return quality.check(frame, columns, **limits).set_index("check").loc[gate, "status"]

    assert status("Missing values") == "warn"  # half of a column is missing
    assert status("Missing values", max_missing_warn=0.5) == "pass"
    assert status("Missing values", max_missing_fail=0.5) == "warn"
    assert status("Missing values", max_missing_fail=0.49) == "fail"
    assert status("Rows", min_rows=80) == "pass"
    assert status("Rows", min_rows=81) == "fail"


def test_repeated_ids_fail_from_the_share_that_is_asked_for():
    frame = plain().assign(id=[f"C{n % 150}" for n in range(200)])  # a quarter stands above already
    columns = describe(frame)
    for share, status in ((1.0, "warn"), (0.25, "warn"), (0.24, "fail")):
        table = quality.check(frame, columns, max_duplicate_ids_fail=share).set_index("check")
        assert table.loc["Customer id", "status"] == status
