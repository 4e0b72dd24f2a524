"""Transactions to customers: published counts, customers worked out by hand, one answer on every engine."""

from __future__ import annotations

import datetime as dt
import gzip
from pathlib import Path

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from segkit.data import rfm as room
from segkit.data.rfm import find, rfm
from segkit.data.samples import retail, retail_transactions
from segkit.errors import GateError, ParameterError, SourceError

NAMES = {"customer_id": "who", "date": "day", "amount": "paid", "order_id": "order", "product": "what"}
AUTO = dict.fromkeys(("customer_id", "date", "amount", "quantity", "price", "order_id", "product"), "auto")


@pytest.fixture(scope="module")
def cdnow(test_data):
    file = test_data / "transactions" / "CDNOW_master.txt"
    return pd.read_csv(file, sep=r"\s+", dtype={"customer_id": str}, parse_dates=["date"])


@pytest.fixture(scope="module")
def online_retail(test_data):
    with gzip.open(test_data / "transactions" / "online_retail.csv.gz") as file:
        return pd.read_csv(file, parse_dates=["InvoiceDate"], dtype={"InvoiceNo": str})


@pytest.fixture
def log():
    """Anna buys on two days and returns, Ben gets a gift, Cleo only cancels, and one row has no customer."""
    rows = [
        ("anna", "2025-01-01 09:30", 10.0, "1", "milk"), ("anna", "2025-01-01 17:00", 5.0, "2", "bread"),
        ("anna", "2025-02-10 08:00", 20.0, "3", "milk"), ("anna", "2025-02-12 08:00", -4.0, "4", "milk"),
        ("ben", "2025-02-20 08:00", 0.0, "5", "gift"), ("ben", "2025-02-20 08:00", 0.0, "5", "gift"),
        ("cleo", "2025-02-25 08:00", -3.0, "C6", "milk"), (None, "2025-03-02 08:00", 7.0, "7", "milk"),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["who", "day", "paid", "order", "what"])
    return frame.assign(day=pd.to_datetime(frame["day"]))


def test_cdnow_gives_the_published_customers(cdnow):
    """Fader and Hardie: 23,570 customers, 69,659 purchases; half bought once; $2,500,315.63 in all."""
    made = rfm(cdnow, **find(nw.from_native(cdnow).schema, AUTO))
    assert (made.count("customers"), made.count("rows used"), len(made.customers)) == (23_570, 69_659, 23_570)
    assert round(made.count("customers with one row") / made.count("customers"), 3) == 0.505
    assert round(made.customers["monetary_total"].sum(), 2) == 2_500_315.63
    assert made.as_of == dt.date(1998, 6, 30)


def test_online_retail_is_counted_as_published(online_retail):
    """UCI 352: 541,909 rows, 4,372 customers, 135,080 rows without one, 10,624 negative quantities."""
    made = rfm(online_retail, **find(nw.from_native(online_retail).schema, AUTO))
    rules = made.rules.set_index("rule")["rows"]
    assert rules["rows read"] == 541_909
    assert rules["customers"] == online_retail["CustomerID"].nunique() == 4_372
    assert rules["rows without a customer"] == 135_080
    assert rules["negative quantities"] == 10_624
    cancelled = online_retail["InvoiceNo"].str.startswith("C") & (online_retail["Quantity"] < 0)
    assert rules["rows of cancelled orders"] == cancelled.sum() == 9_288
    assert rules["rows that repeat another in full"] == online_retail.duplicated().sum() == 5_268
    assert len(made.customers) == 4_372 - rules["customers without a purchase"]
    known = online_retail.dropna(subset=["CustomerID"])
    bought = known[known["Quantity"] > 0]
    check = bought.groupby(bought["CustomerID"].astype(int))
    days = check["InvoiceDate"].agg(lambda times: times.dt.normalize().nunique())
    ours = made.customers.set_index("CustomerID")
    assert ours["frequency"].equals(days.rename("frequency").astype("int64"))
    assert ours["products"].equals(check["StockCode"].nunique().rename("products"))


def test_a_customer_worked_out_by_hand(log):
    made = rfm(log, **NAMES)
    anna = made.customers.set_index("who").loc["anna"]
    assert made.as_of == dt.date(2025, 3, 2)  # the last day of the log, a customer or not
    assert anna["recency_days"] == 20
    assert anna["frequency"] == 2
    assert anna["monetary_total"] == 31.0
    assert anna["monetary_mean"] == 15.5
    assert anna[["days_since_first", "tenure_days", "days_between"]].tolist() == [60, 40, 40.0]
    assert anna[["rows", "returns", "returned"]].tolist() == [4, 1, 4.0]
    assert anna["return_share"] == pytest.approx(4 / 35, abs=1e-6)
    assert anna[["active_months", "products"]].tolist() == [2, 2]
    assert made.customers["who"].to_list() == ["anna", "ben"]
    assert made.count("customers without a purchase") == 1


@pytest.mark.parametrize(
    ("rule", "rows", "total"),
    [
        ({"returns": "ignore"}, 3, 35.0),
        ({"cancelled": "ignore"}, 3, 31.0),
        ({"cancelled_prefix": ""}, 3, 31.0),
        ({"zeros": "drop"}, 3, 31.0),
        ({"duplicates": "drop"}, 3, 31.0),
    ],
)
def test_each_rule_changes_what_it_says(log, rule, rows, total):
    made = rfm(log, **NAMES, **rule)
    assert made.customers.set_index("who").loc["anna", "monetary_total"] == total
    assert made.count("customers") == rows
    assert made.count("rows that repeat another in full") == 1
    assert ("ben" in set(made.customers["who"])) == (rule != {"zeros": "drop"})
    bens = made.customers.set_index("who")["rows"].get("ben", 0)
    assert bens == {"duplicates": 1, "zeros": 0}.get(next(iter(rule)), 2)


@pytest.mark.parametrize("at_once", [1 << 24, 40, 1])
def test_rows_that_repeat_are_counted_part_by_part(monkeypatch, at_once):
    monkeypatch.setattr(room, "_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    log = pd.DataFrame(
        {
            "who": rng.choice(["a", "b", None], 200),
            "day": rng.choice(pd.to_datetime(["2025-01-01", "2025-01-02"]), 200),
            "paid": rng.choice([0.0, -0.0, np.nan, 1e-300, 7.0], 200),
            'a "quoted" name': rng.choice([1, 2], 200),
        }
    )
    made = rfm(log, customer_id="who", date="day", amount="paid")
    assert made.count("rows that repeat another in full") == log.duplicated().sum() > 100


def test_rows_after_the_day_are_left_out_and_counted(log):
    made = rfm(log, **NAMES, as_of="2025-02-10")
    assert made.count("rows after the last day counted") == 5
    assert made.customers[["recency_days", "monetary_total"]].to_numpy().tolist() == [[0, 35.0]]


def test_rows_without_a_customer_can_be_refused(log):
    with pytest.raises(GateError, match="1 rows have no who"):
        rfm(log, **NAMES, missing_id="fail")


def test_a_cancelled_order_is_told_by_its_prefix_and_its_sign(log):
    made = rfm(log.assign(order="C" + log["order"]), **NAMES)
    assert made.count("rows of cancelled orders") == 2  # of eight ids that start with C
    kept = rfm(log.assign(order="C" + log["order"]), **NAMES, cancelled="ignore")
    assert kept.customers.set_index("who").loc["anna", "monetary_total"] == 35.0


@pytest.mark.parametrize(
    "convert",
    [pl.from_pandas, pa.Table.from_pandas, lambda frame: pl.from_pandas(frame).lazy(), duckdb.from_df],
    ids=["polars", "pyarrow", "polars-lazy", "duckdb"],
)
def test_every_engine_and_every_order_of_rows_gives_the_same(log, convert):
    expected = rfm(log, **NAMES)
    mixed = log.sample(frac=1, random_state=3, ignore_index=True)
    made = rfm(convert(mixed), **NAMES)
    pd.testing.assert_frame_equal(made.rules, expected.rules)
    pd.testing.assert_frame_equal(made.customers, expected.customers, check_dtype=False)


@pytest.mark.parametrize("months", [1, 62, 63, 126, 127, 400])
def test_active_months_are_counted_in_logs_of_any_length(months):
    days = pd.date_range("1990-01-15", periods=months, freq="MS")
    frame = pd.DataFrame({"who": "a", "day": [*days, days[0]], "paid": 1.0})
    frame = pd.concat([frame, pd.DataFrame({"who": ["b"], "day": [days[-1]], "paid": [-1.0]})])
    names = {"customer_id": "who", "date": "day", "amount": "paid"}
    for made in (rfm(frame, **names), rfm(pl.from_pandas(frame).lazy(), **names)):
        assert made.customers[["who", "active_months"]].to_numpy().tolist() == [["a", months]]


@pytest.mark.parametrize("days", [1, 126, 127, 1008, 1009])
def test_days_are_counted_in_logs_of_any_length(days):
    dates = pd.date_range("2019-03-30", periods=days)
    frame = pd.DataFrame({"who": "a", "day": [*dates, dates[-1]], "paid": 1.0})
    frame = pd.concat([frame, pd.DataFrame({"who": ["b"] * 2, "day": dates[[0, -1]], "paid": [1.0, -1.0]})])
    names = {"customer_id": "who", "date": "day", "amount": "paid"}
    for made in (rfm(frame, **names), rfm(pl.from_pandas(frame).lazy(), **names)):
        assert made.customers[["who", "frequency"]].to_numpy().tolist() == [["a", days], ["b", 1]]


def test_days_are_those_of_the_zone():
    times = pd.to_datetime(["2025-01-01 23:30", "2025-01-02 00:30"], utc=True)
    frame = pd.DataFrame({"who": ["a", "a"], "day": times, "paid": [1.0, 1.0]})
    names = {"customer_id": "who", "date": "day", "amount": "paid"}
    assert rfm(frame, **names).customers["frequency"].item() == 2
    assert rfm(frame, **names, time_zone="Europe/Paris").customers["frequency"].item() == 1


def test_dates_without_a_clock_and_ids_written_as_decimals(log):
    days = pa.array([dt.date(2025, 1, 1), dt.date(2025, 1, 3), dt.date(2025, 1, 3)], pa.date32())
    table = pa.table({"id": [17850.0, 17850.0, None], "day": days, "paid": [2, 3, 4]})
    made = rfm(table, customer_id="id", date="day", amount="paid")
    assert made.customers["id"].to_list() == [17850]
    assert made.customers[["frequency", "tenure_days"]].to_numpy().tolist() == [[2, 2]]


def test_the_sample_log_is_its_table_summed():
    made = rfm(retail_transactions(300), customer_id="customer_id", date="order_date", amount="amount")
    table = retail(300).set_index("customer_id")
    ours = made.customers.set_index("customer_id")
    assert (ours["monetary_total"] == table["annual_spend"].round(4)).all()
    last = retail_transactions(300)["order_date"].max()
    late = (pd.Timestamp("2025-06-30") - last).days
    assert (ours["recency_days"] == table["recency_days"] - late).all()


def test_faults_are_told_at_once(log):
    with pytest.raises(ParameterError) as told:
        rfm(log.assign(day="soon"), customer_id="woh", date="day", amount="order")
    assert 'Did you mean "who"' in str(told.value)
    assert "holds no dates" in str(told.value)
    assert "holds no numbers" in str(told.value)
    with pytest.raises(ParameterError, match=r"as_of must be a day such as 2011-12-09, got '9.12.2011'"):
        rfm(log, **NAMES, as_of="9.12.2011")
    with pytest.raises(SourceError, match="No row is a purchase"):
        rfm(log, **NAMES, as_of="1999-01-01")
    with pytest.raises(ParameterError, match="No column of money"):
        find({"who": nw.String}, AUTO)


def test_the_clock_is_never_read():
    text = Path(room.__file__).read_text(encoding="utf-8")
    assert not [word for word in ("today(", "now(", "time()") if word in text]
