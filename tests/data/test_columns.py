from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segkit.data import source
from segkit.data.columns import describe
from segkit.errors import ParameterError

RNG = np.random.default_rng(7)
MIXED = pd.DataFrame(
    {
        "customer_id": [f"C{at:04d}" for at in range(400)],
        "spend": np.where(RNG.random(400) < 0.1, np.nan, np.exp(RNG.normal(4, 1, 400))),
        "visits": RNG.poisson(3, 400),
        "balance": RNG.normal(0, 50, 400).round(),
        "region": RNG.integers(1, 5, 400),
        "member": RNG.random(400) < 0.3,
        "plan": pd.array(RNG.choice(["basic", "plus", None], 400), dtype="str"),
        "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 500, 400), "D"),
        "store": ["S1"] * 400,
        "gone": [np.nan] * 400,
    }
)
ROLES = {
    "customer_id": ("id", "id"),
    "spend": ("money", "feature"),
    "visits": ("number", "feature"),
    "balance": ("number", "feature"),
    "region": ("category", "feature"),
    "member": ("yes/no", "feature"),
    "plan": ("category", "feature"),
    "since": ("date", "left out"),
    "store": ("constant", "left out"),
    "gone": ("empty", "left out"),
}


def roles(table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    return dict(zip(table["column"], zip(table["role"], table["use"], strict=True), strict=True))


def test_roles_are_the_same_in_every_kind_of_frame(kind) -> None:
    assert roles(describe(kind(MIXED))) == ROLES


def test_statistics_are_those_of_pandas(kind) -> None:
    table = describe(kind(MIXED)).set_index("column")
    for name in ("spend", "visits", "balance"):
        values = MIXED[name].dropna()
        theirs = values.describe()  # the oracle: pandas' own describe
        ours = table.loc[name, ["mean", "sd", "min", "q25", "median", "q75", "max"]].to_numpy(dtype=float)
        np.testing.assert_allclose(ours, theirs.iloc[1:8].to_numpy()[[0, 1, 2, 3, 4, 5, 6]], rtol=1e-12)
        moment = ((values - values.mean()) ** 3).mean() / values.std(ddof=0) ** 3  # the definition
        assert table.loc[name, "skew"] == pytest.approx(moment, rel=1e-9)
        spread = theirs["75%"] - theirs["25%"]
        far = ((values < theirs["25%"] - 3 * spread) | (values > theirs["75%"] + 3 * spread)).sum()
        assert table.loc[name, "outliers"] == far
        assert table.loc[name, "zeros"] == (values == 0).sum()
        assert table.loc[name, "negatives"] == (values < 0).sum()
    assert (table["missing"] == MIXED.isna().sum()).all()
    assert (table["distinct"] == MIXED.nunique()).all()
    assert table.loc["plan", "top"] == MIXED["plan"].mode()[0]
    assert table.loc["plan", "top_share"] == pytest.approx(MIXED["plan"].value_counts(normalize=True).iloc[0])
    assert (table.loc["spend", "missing_share"], table.loc["gone", "missing_share"]) == (
        MIXED["spend"].isna().mean(),
        1.0,
    )


def test_every_guess_can_be_overridden() -> None:
    table = describe(MIXED, numbers=["region"], categories=["visits"], exclude=["plan"], value="spend")
    found = roles(table)
    assert found["region"] == ("number", "feature")
    assert found["visits"] == ("category", "feature")
    assert found["plan"] == ("category", "left out")
    assert found["spend"] == ("money", "feature")  # worth is normally a feature too
    assert table.set_index("column").loc["visits", "reason"] == "asked for as a category"


def test_features_choose_and_the_value_column_may_stay_outside() -> None:
    found = roles(describe(MIXED, features=["visits", "plan"], value="spend"))
    assert {name for name, (_, use) in found.items() if use == "feature"} == {"visits", "plan"}
    assert found["spend"] == ("money", "value")


def test_an_id_is_a_feature_only_if_asked_for_and_another_column_can_be_the_id() -> None:
    found = roles(describe(MIXED, features=["customer_id", "visits"], customer_id=""))
    assert found["customer_id"] == ("category", "feature")
    assert roles(describe(MIXED, customer_id="plan"))["plan"] == ("id", "id")
    assert roles(describe(MIXED, customer_id="plan"))["customer_id"] == ("id", "left out")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"features": ["spent"]}, 'features: there is no column "spent". Did you mean "spend"?'),
        ({"exclude": ["vists"], "value": "spnd"}, 'Did you mean "visits"? value: there is no column "spnd"'),
        ({"customer_id": "custid"}, 'customer_id: there is no column "custid"'),
        ({"numbers": ["plan"]}, 'numbers: column "plan" holds no numbers'),
        ({"numbers": ["visits"], "categories": ["visits"]}, "both as a number and as a category"),
        ({"value": "plan"}, 'value: column "plan" holds no numbers'),
        ({"features": ["since"]}, 'features: column "since" holds dates'),
    ],
)
def test_wrong_names_are_errors_that_help(asked, words) -> None:
    with pytest.raises(ParameterError) as caught:
        describe(MIXED, **asked)
    assert words in str(caught.value)


def test_nan_and_null_are_both_missing() -> None:
    import polars as pl

    table = describe(pl.DataFrame({"a": [1.0, float("nan"), None, 2.0]}))
    assert (table["missing"][0], table["distinct"][0], table["mean"][0]) == (2, 2, 1.5)


def test_a_column_whose_middle_half_is_one_value_has_no_outliers() -> None:
    assert describe(pd.DataFrame({"a": [0] * 90 + [5] * 10}))["outliers"][0] == 0


# Written by hand after looking at each file; features are named only where a guess had to be made.
NINE = {
    "CC GENERAL.csv": {
        "CUST_ID": "id",
        "BALANCE": "money",
        "TENURE": "number",
        "PURCHASES_TRX": "number",
        "PURCHASES_FREQUENCY": "number",
        "CREDIT_LIMIT": "money",
        "PRC_FULL_PAYMENT": "number",
    },
    "EastWestAirlines.xlsx": {
        "ID#": "id",
        "Balance": "number",
        "cc1_miles": "number",
        "cc2_miles": "number",
        "Award?": "yes/no",
        "Days_since_enroll": "number",
    },
    "Mall_Customers.csv": {
        "CustomerID": "id",
        "Gender": "category",
        "Age": "number",
        "Annual Income (k$)": "money",
        "Spending Score (1-100)": "number",
    },
    "Telco-Customer-Churn.csv": {
        "customerID": "id",
        "SeniorCitizen": "yes/no",
        "Partner": "yes/no",
        "tenure": "number",
        "MultipleLines": "category",
        "TotalCharges": "money",
        "MonthlyCharges": "money",
        "PaperlessBilling": "yes/no",
        "PaymentMethod": "category",
    },
    "Wholesale customers data.csv": {
        "Channel": "category",
        "Region": "category",
        "Fresh": "number",
        "Delicassen": "number",
    },
    "bank-full.csv": {
        "age": "number",
        "job": "category",
        "default": "yes/no",
        "balance": "number",
        "contact": "category",
        "day": "number",
        "month": "category",
        "pdays": "number",
        "poutcome": "category",
        "y": "yes/no",
    },
    "marketing_campaign.csv": {
        "ID": "id",
        "Year_Birth": "number",
        "Education": "category",
        "Income": "money",
        "Kidhome": "number",
        "Teenhome": "number",
        "Dt_Customer": "date",
        "MntWines": "money",
        "NumWebPurchases": "number",
        "AcceptedCmp3": "yes/no",
        "Z_CostContact": "constant",
        "Z_Revenue": "constant",
        "Response": "yes/no",
        "Recency": "number",
    },
    "segmentation data.csv": {
        "ID": "id",
        "Gender": "category",
        "Settlement_Size": "category",
        "Income": "money",
    },
    "shopping_trends.csv": {
        "Customer ID": "id",
        "Item Purchased": "category",
        "Location": "category",
        "Purchase Amount (USD)": "money",
        "Review Rating": "number",
        "Previous Purchases": "number",
        "Subscription Status": "yes/no",
        "Frequency of Purchases": "category",
    },
}
# Published sizes, from the pages the files come from.
SHAPES = {
    "CC GENERAL.csv": (8950, 18),
    "EastWestAirlines.xlsx": (3999, 12),
    "Mall_Customers.csv": (200, 5),
    "Telco-Customer-Churn.csv": (7043, 21),
    "Wholesale customers data.csv": (440, 8),
    "bank-full.csv": (45211, 17),
    "marketing_campaign.csv": (2240, 29),
    "segmentation data.csv": (2000, 8),
    "shopping_trends.csv": (3900, 19),
}
LEFT_OUT = {"Dt_Customer", "Z_CostContact", "Z_Revenue"}


@pytest.mark.parametrize("name", NINE)
def test_roles_of_nine_real_files(name: str, test_data: Path) -> None:
    frame, _ = source.load(test_data / "customers" / name)
    table = describe(frame)
    assert frame.shape == SHAPES[name]
    found = roles(table)
    assert {column: found[column][0] for column in NINE[name]} == NINE[name]
    for column, (role, use) in found.items():
        assert use == ("id" if role == "id" else "left out" if column in LEFT_OUT else "feature")


def test_a_hundred_thousand_customers_take_no_time() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"n{at}": rng.lognormal(size=100_000) for at in range(12)})
    start = time.process_time()
    describe(frame)
    assert time.process_time() - start < 3  # 0.2 s here; a loop over rows would take minutes


def test_an_all_missing_column_of_a_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,spend,gone\n" + "".join(f"{at},{at * 1.5},\n" for at in range(5)))
    frame, _ = source.load(path)
    assert roles(describe(frame))["gone"] == ("empty", "left out")
