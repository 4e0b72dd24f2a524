"""From a log of transactions to one row per customer: recency, frequency, monetary value and their kin.

Everything is grouped where the data live: two narwhals queries, on DuckDB for frames in memory, so that
dates never become Python objects and memory stays flat on logs larger than it. Every rule that leaves rows
out or counts them otherwise is a parameter and a line of the report. The clock is never read: `as_of` is the
last day of the log unless it is named. Scores and names are made in `scores`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd

from segkit.errors import GateError, ParameterError, SourceError, nearest

from . import roles

CENTS = 4  # decimals that sums of money keep: the order in which threads add up must not show
_BITS = {"BIGINT": 62, "HUGEINT": 126}  # of a number, its sign and the last one left out
_NUMBERS = 8  # of them at most: a thousand days, or as many months; beyond that a set costs less memory
_AT_ONCE = 1 << 24  # rows whose hashes are in memory: 128 MB
_ASKED = ("customer_id", "date", "amount", "quantity", "price", "order_id", "product")
_HINTS = {  # words in the names of columns, the surest first
    "date": ("date", "day", "time", "timestamp"),
    "amount": ("amount", "revenue", "sales", "turnover", "spend", "total", "value", "paid", "payment"),
    "quantity": ("quantity", "qty", "units", "pieces"),
    "price": ("price", "unitprice"),
    "order_id": ("invoice", "invoiceno", "order", "receipt", "basket", "transaction"),
    "product": ("product", "sku", "stock", "article", "item"),
}


@dataclass(frozen=True)
class Rfm:
    """Customers made from transactions.

    Attributes
    ----------
    customers : DataFrame
        One row per customer, sorted by id; see `rfm`.
    rules : DataFrame
        One row per rule: ``rule, rows, done`` (what was counted, how much, what was done with it).
    as_of : date
        The day recency is counted to.
    """

    customers: pd.DataFrame
    rules: pd.DataFrame
    as_of: dt.date

    def count(self, rule: str) -> int:
        """Return what a rule counted."""
        return int(self.rules["rows"].to_numpy()[(self.rules["rule"] == rule).to_numpy()].item())


def rfm(
    transactions: Any, *, customer_id: str, date: str, amount: str = "", quantity: str = "", price: str = "",
    order_id: str = "", product: str = "", as_of: str | dt.date = "", returns: str = "subtract",
    cancelled: str = "subtract", cancelled_prefix: str = "C", zeros: str = "keep", duplicates: str = "keep",
    missing_id: str = "drop", time_zone: str = "",
) -> Rfm:  # fmt: skip
    """Sum up transactions by customer.

    Parameters
    ----------
    transactions : frame
        One row per transaction or line of an order; any frame narwhals knows, a DuckDB relation for logs
        larger than memory.
    customer_id, date : str
        Columns; the date is a date or a time stamp.
    amount, quantity, price : str
        The column of money per row, or the two whose product it is. A quantity below zero is a return.
    order_id, product : str
        Columns that cancelled orders are told by, and that distinct products are counted in.
    as_of : str or date
        Day recency is counted to, as 2011-12-09; empty for the last day of the log. Later rows are left out.
    returns, cancelled : {"subtract", "ignore"}
        Whether money given back for returned goods, or for cancelled orders, lowers what a customer spent.
    cancelled_prefix : str
        How ids of orders start that cancel another and give money back; empty when none do.
    zeros, duplicates : {"keep", "drop"}
        Whether a row of amount 0 is a purchase, and a row equal to another in every column one of its own.
    missing_id : {"drop", "fail"}
        What rows without a customer lead to.
    time_zone : str
        Zone whose calendar days are meant, for time stamps that carry a zone; empty for UTC.

    Returns
    -------
    Rfm
        Its customers have ``recency_days`` (from the last purchase to `as_of`), ``frequency`` (days with a
        purchase), ``monetary_total`` (all purchases, less returns), ``monetary_mean`` (the same per purchase
        day), ``days_since_first`` (from the first purchase to `as_of`: T of Fader, Hardie and Lee, Marketing
        Science 24(2), 2005), ``tenure_days`` (from the first to the last purchase: their "recency"),
        ``days_between`` (tenure over purchase days less one; missing after one), ``rows``, ``returns``
        (rows), ``returned`` (money), ``return_share`` (of what was bought), ``active_months``, ``products``
        where a column is named, ``first_purchase`` and ``last_purchase``. Recency, frequency and
        monetary_total are those of Hughes, Strategic Database Marketing (1994). Who only returned goods is
        counted, not listed.

    Raises
    ------
    ParameterError
        When a column is missing or cannot be what it is named for.
    SourceError
        When no row is a purchase.
    GateError
        When rows lack a customer and `missing_id` is "fail".

    Examples
    --------
    >>> log = pd.DataFrame({"who": ["a", "a", "b"], "paid": [5.0, 7.0, 3.0],
    ...     "day": pd.to_datetime(["2025-01-01", "2025-01-11", "2025-01-05"])})
    >>> made = rfm(log, customer_id="who", date="day", amount="paid")
    >>> made.customers[["who", "recency_days", "frequency", "monetary_total"]].to_numpy().tolist()
    [['a', 0, 2, 12.0], ['b', 6, 1, 3.0]]
    """
    named = dict(zip(_ASKED, (customer_id, date, amount, quantity, price, order_id, product), strict=True))
    frame = _lazy(transactions, date, time_zone)
    _check(frame.collect_schema(), named)
    whole = frame.unique() if duplicates == "drop" else frame
    rows = _rows(whole, {key: name for key, name in named.items() if name}, cancelled_prefix)
    until = _day(as_of)
    tally = _tally(rows, until)
    tally["read"] = tally["used"] if duplicates == "keep" else _count(frame)
    different = tally["used"] if duplicates == "drop" else _different_rows(frame, tally["read"])
    tally["repeated"] = tally["read"] - different
    if tally["without_id"] and missing_id == "fail":
        raise GateError(
            f"{tally['without_id']:,} rows have no {customer_id}. missing_id: drop leaves them out."
        )
    until = until or tally["last"]
    settled = {"returns": returns, "cancelled": cancelled, "zeros": zeros, "duplicates": duplicates}
    made = _customers(rows, (tally["first"], until), settled, customer_id)
    people = made[made["frequency"] > 0].reset_index(drop=True)
    if people.empty:
        raise SourceError("No row is a purchase: none has a customer, a date and an amount above zero.")
    return Rfm(_finished(people, until), _report(tally, made, settled, named), until)


def find(schema: Mapping[str, Any], asked: Mapping[str, str]) -> dict[str, str]:
    """Settle which column is which: "auto" is found by name and type, all else stays as it was asked for.

    Examples
    --------
    >>> asked = dict.fromkeys(("customer_id", "date", "amount", "quantity", "price"), "auto")
    >>> find({"Invoice": nw.String, "CustomerID": nw.String, "Quantity": nw.Int64, "UnitPrice": nw.Float64,
    ...       "InvoiceDate": nw.Datetime}, asked)
    {'customer_id': 'CustomerID', 'date': 'InvoiceDate', 'amount': '', 'quantity': 'Quantity', 'price': ...}
    """
    found = dict(asked)
    for key in ("customer_id", *_HINTS):
        if asked.get(key) == "auto":
            taken = {found[other] for other in found if other != key}
            free = {name: dtype for name, dtype in schema.items() if name not in taken}
            found[key] = _person(free) if key == "customer_id" else _hinted(free, key)
    if asked.get("price") == "auto" and found.get("amount"):
        found["price"] = ""
    if not found.get("amount") and not (found.get("quantity") and found.get("price")):
        raise ParameterError(
            "No column of money was found. Name it with amount, or name quantity and price."
            f" The columns are: {', '.join(schema)}."
        )
    for key in ("customer_id", "date"):
        if not found.get(key):
            raise ParameterError(
                f"No column was found for {key}; name it. The columns are: {', '.join(schema)}."
            )
    return found


def _person(schema: Mapping[str, Any]) -> str:
    named = [name for name in schema if roles.is_customer(name)]
    ids = [name for name in named if re.search(r"(id|no|nr|key|code|number)$", name.lower())]
    return next(iter([*ids, *named]), "")


def _hinted(schema: Mapping[str, Any], key: str) -> str:
    kinds = {"date": _is_date, "amount": _is_number, "quantity": _is_number, "price": _is_number}
    fits = [name for name, dtype in schema.items() if kinds.get(key, lambda _: True)(dtype)]
    hits = [name for hint in _HINTS[key] for name in fits if hint in roles.words(name)]
    sole = [name for name in fits if key == "date"]
    return next(iter([*hits, *sole]), "")


def _is_date(dtype: Any) -> bool:
    return dtype in (nw.Date, nw.Datetime)  # a tuple: a kind is found by comparison, not by hash


def _is_number(dtype: Any) -> bool:
    return bool(dtype.is_numeric())


def _lazy(transactions: Any, date: str, zone: str) -> nw.LazyFrame[Any]:
    """Return the log as a lazy frame whose date carries no zone; frames in memory become DuckDB's."""
    frame: Any = nw.from_native(transactions)
    if date in frame.collect_schema():
        dtype = frame.collect_schema()[date]
        if dtype == nw.Datetime and dtype.time_zone:
            local = nw.col(date).dt.convert_time_zone(zone or "UTC").dt.replace_time_zone(None)
            frame = frame.with_columns(local)
    if isinstance(frame, nw.LazyFrame):
        return frame
    return nw.from_native(duckdb.from_arrow(frame.to_arrow())).lazy()


def _check(schema: Mapping[str, Any], named: Mapping[str, str]) -> None:
    """Refuse columns that are not there or not of a kind, all faults at once."""
    faults = [
        f'{key}: there is no column "{name}".{nearest(name, schema)}'
        for key, name in named.items()
        if name and name not in schema
    ]
    known = {key: schema[name] for key, name in named.items() if name in schema}
    faults += [f'{key}: column "{named[key]}" holds no numbers.' for key in ("amount", "quantity", "price")
               if key in known and not _is_number(known[key])]  # fmt: skip
    if "date" in known and not _is_date(known["date"]):
        faults.append(f'date: column "{named["date"]}" holds no dates but {known["date"]}.')
    if not named["amount"] and not (named["quantity"] and named["price"]):
        faults.append("amount, or quantity and price, must be named.")
    if faults:
        raise ParameterError(" ".join(faults))


def _rows(frame: Any, named: Mapping[str, str], prefix: str) -> Any:
    """Return the columns that count, under their own names: who, day, money, whether it is taken back."""
    schema, col = frame.collect_schema(), {key: nw.col(name) for key, name in named.items()}
    who, kind = col["customer_id"], schema[named["customer_id"]]
    if kind.is_float():
        who = nw.when(~who.is_nan()).then(who).cast(nw.Int64)  # 17850.0 is a name, not a measure
    elif kind == nw.String:
        who = nw.when(who.str.strip_chars() != "").then(who)
    money = col["amount"] if "amount" in col else col["quantity"] * col["price"]
    money = money.cast(nw.Float64)
    negative = (col["quantity"] < 0) if "quantity" in col else nw.lit(False)  # noqa: FBT003
    order = col["order_id"].cast(nw.String).str.starts_with(prefix) if prefix and "order_id" in col else None
    product = {"product": col["product"]} if "product" in col else {}
    made = frame.select(
        who=who, day=col["date"].cast(nw.Date), money=nw.when(~money.is_nan()).then(money),
        negative=negative, cancels=nw.lit(False) if order is None else order, **product,  # noqa: FBT003
    ).with_columns(nw.col("negative").fill_null(False), nw.col("cancels").fill_null(False))  # noqa: FBT003  # fmt: skip
    back = (nw.col("money") < 0) | nw.col("negative")
    return made.with_columns(back=back, cancels=nw.col("cancels") & back)


def _known() -> Any:
    return ~nw.col("who").is_null() & ~nw.col("day").is_null() & ~nw.col("money").is_null()


def _tally(rows: Any, until: dt.date | None) -> dict[str, Any]:
    """Count what every rule finds, over all rows."""
    early = nw.col("day") <= nw.lit(until or dt.date.max)
    count = {
        "used": nw.len(), "last": nw.col("day").max(), "first": nw.col("day").min(),
        "without_id": nw.col("who").is_null().sum(),
        "without_day": nw.col("day").is_null().sum(), "without_money": nw.col("money").is_null().sum(),
        "negative": nw.col("negative").sum(), "below": (nw.col("money") < 0).sum(),
        "cancels": nw.col("cancels").sum(), "zero": (nw.col("money") == 0).sum(), "late": (~early).sum(),
        "fit": (_known() & early).sum(),
    }  # fmt: skip
    found = rows.select(**count).collect("pyarrow").to_native().to_pylist()[0]
    return {key: value if key in {"first", "last"} else int(value or 0) for key, value in found.items()}


def _count(frame: Any) -> int:
    return int(frame.select(nw.len()).collect("pyarrow").item())


def _different_rows(frame: Any, rows: int) -> int:
    """Count the rows that differ from all before them.

    DuckDB hashes them, and sorting the hashes costs a quarter of a set of rows. They have 64 bits: that two
    of a billion different rows are taken for the same has a probability of 3 % (n^2 / 2^65).
    """
    native = frame.to_native()
    if not isinstance(native, duckdb.DuckDBPyRelation):
        return _count(frame.unique())
    columns = map(duckdb.ColumnExpression, native.columns)
    made = native.select(duckdb.FunctionExpression("hash", *columns).alias("seen"))
    parts, found = -(-rows // _AT_ONCE), 0
    for part in range(parts):
        some = made.filter(f"seen % {parts} = {part}") if parts > 1 else made
        seen = np.sort(some.to_arrow_table()["seen"].to_numpy())
        found += int(np.count_nonzero(seen[1:] != seen[:-1])) + (len(seen) > 0)
    return found


def _customers(
    rows: Any, span: tuple[dt.date | None, dt.date], settled: Mapping[str, str], name: str
) -> pd.DataFrame:
    """Sum up by customer in one query."""
    used = rows.filter(_known() & (nw.col("day") <= nw.lit(span[1])))
    money, back, cancels = nw.col("money"), nw.col("back"), nw.col("cancels")
    buys = ~back & ((money > 0) if settled["zeros"] == "drop" else (money >= 0))
    day = nw.when(buys).then(nw.col("day"))
    counted = {"frequency": day, "active_months": day.dt.year() * 12 + day.dt.month()}
    if "product" in used.collect_schema():
        counted["products"] = nw.when(buys).then(nw.col("product"))
    lost = {"subtract subtract": back, "subtract ignore": back & ~cancels, "ignore subtract": cancels,
            "ignore ignore": back & ~back}[f"{settled['returns']} {settled['cancelled']}"]  # fmt: skip
    sums = {"bought": nw.when(buys).then(money), "given": nw.when(back).then(-money),
            "lost": nw.when(lost).then(-money)}  # fmt: skip
    ready = used.with_columns(day=day, **sums, **counted)
    if isinstance(ready.to_native(), duckdb.DuckDBPyRelation):
        summed = _in_duckdb(ready.to_native(), counted, span)
        return summed.sort_values("who", ignore_index=True).rename(columns={"who": name})
    table = ready.group_by("who").agg(
        nw.len().alias("rows"), back.sum().alias("returns"),
        nw.col("day").max().alias("last_purchase"), nw.col("day").min().alias("first_purchase"),
        *(nw.col(each).sum() for each in sums), *(nw.col(each).n_unique() for each in counted),
        nw.col("day").is_null().max().alias("gap"),
        *(nw.col(each).is_null().max().alias(f"{each} gap") for each in counted if each == "products"),
    )  # fmt: skip
    made: pd.DataFrame = table.collect("pyarrow").to_native().to_pandas(date_as_object=False)
    for each in counted:  # what is no purchase was counted as one more: null
        made[each] -= made.get(f"{each} gap", made["gap"]).astype("int64")
    return made.sort_values("who", ignore_index=True).rename(columns={"who": name})


def _in_duckdb(ready: Any, counted: Iterable[str], span: tuple[dt.date | None, dt.date]) -> pd.DataFrame:
    """Return the same sums from DuckDB, where days and months are bits of numbers: half the time of sets."""
    asked = {"rows": "count(*)", "returns": "sum(back::INTEGER)",
             "last_purchase": "max(day)", "first_purchase": "min(day)",
             **{each: f"coalesce(sum({each}), 0)" for each in ("bought", "given", "lost")},
             **{each: f"count(DISTINCT {each})" for each in counted}}  # fmt: skip
    first, last = span[0] or span[1], span[1]
    month, months = (
        first.year * 12 + first.month,
        12 * (last.year - first.year) + last.month - first.month + 1,
    )
    days, day = (last - first).days + 1, f"(frequency - DATE '{first}')"
    kinds = (("frequency", day, days), ("active_months", f"(active_months - {month})", months))
    for name, each, most in kinds:
        if 0 < most <= _BITS["HUGEINT"] * _NUMBERS:
            asked[name] = _different(each, most)
    made = ready.aggregate(", ".join(["who", *(f"{sql} AS {each}" for each, sql in asked.items())]), "who")
    found: pd.DataFrame = made.to_arrow_table().to_pandas(date_as_object=False)
    return found


def _different(number: str, most: int) -> str:
    """Return SQL that counts the different values of a number from 0 to below `most`."""
    kind = "BIGINT" if most <= _BITS["BIGINT"] else "HUGEINT"
    width, counts = _BITS[kind], []
    for low in range(0, most, width):
        inside = f"{number} BETWEEN {low} AND {low + width - 1}"
        bit = f"1::{kind} << ({number} - {low})::INTEGER"
        counts.append(f"coalesce(bit_count(bit_or(CASE WHEN {inside} THEN {bit} END)), 0)")
    return " + ".join(counts)


def _finished(people: pd.DataFrame, until: dt.date) -> pd.DataFrame:
    """Turn sums and dates into what is asked of a customer."""
    first, last = (people[f"{end}_purchase"].to_numpy("datetime64[D]") for end in ("first", "last"))
    end, frequency = np.datetime64(until, "D"), people["frequency"].to_numpy("int64")
    total = (people["bought"] - people["lost"]).to_numpy().round(CENTS)
    tenure = (last - first).astype("int64")
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(frequency > 1, tenure / (frequency - 1), np.nan)
        share = np.where(people["bought"] > 0, people["given"] / people["bought"], 0.0)
    made = {
        people.columns[0]: people.iloc[:, 0],
        "recency_days": (end - last).astype("int64"), "frequency": frequency, "monetary_total": total,
        "monetary_mean": (total / frequency).round(CENTS),
        "days_since_first": (end - first).astype("int64"), "tenure_days": tenure, "days_between": between,
        "rows": people["rows"].astype("int64"), "returns": people["returns"].astype("int64"),
        "returned": people["given"].round(CENTS), "return_share": share.round(6),
        "active_months": people["active_months"].astype("int64"),
        **({"products": people["products"].astype("int64")} if "products" in people else {}),
        "first_purchase": people["first_purchase"], "last_purchase": people["last_purchase"],
    }  # fmt: skip
    return pd.DataFrame(made)


def _report(
    tally: Mapping[str, int], made: pd.DataFrame, settled: Mapping[str, str], named: Mapping[str, str]
) -> pd.DataFrame:
    """Say what every rule found and what was done."""
    words = {"subtract": "taken off what the customer spent", "ignore": "left out of what was spent",
             "keep": "kept", "drop": "left out"}  # fmt: skip
    done = {key: words[value] for key, value in settled.items()}
    rows: Sequence[tuple[str, Any, str]] = [
        ("rows read", tally["read"], ""),
        ("rows without a customer", tally["without_id"], "left out"),
        ("rows without a date", tally["without_day"], "left out"),
        ("rows without an amount", tally["without_money"], "left out"),
        ("rows after the last day counted", tally["late"], "left out"),
        ("rows that repeat another in full", tally["repeated"], done["duplicates"]),
        *([("negative quantities", tally["negative"], done["returns"])] if named["quantity"] else []),
        ("amounts below zero", tally["below"], done["returns"]),
        *([("rows of cancelled orders", tally["cancels"], done["cancelled"])] if named["order_id"] else []),
        ("amounts of zero", tally["zero"], done["zeros"]),
        ("rows used", tally["fit"], ""),
        ("customers", len(made), ""),
        ("customers with one row", int((made["rows"] == 1).sum()), ""),
        ("customers without a purchase", int((made["frequency"] == 0).sum()), "left out"),
    ]
    return pd.DataFrame(rows, columns=["rule", "rows", "done"])


def _day(text: str | dt.date) -> dt.date | None:
    if not text or isinstance(text, dt.date):
        return text or None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ParameterError(f"as_of must be a day such as 2011-12-09, got {text!r}.") from None
