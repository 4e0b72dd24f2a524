"""Generated customers with a known truth, so that every promise of this package can be checked.

`retail` and `retail_transactions` are two views of one made-up year of a European department store: the
table is the log, summed. `nothing` has the same columns, skew, correlation and gaps, and no segments at
all: an honest tool finds none. Numbers come from a seeded generator only; nothing is read and no real
person is in here.

Columns of `retail` and `nothing`, one row per customer, the year ending 2025-06-30:

===================  ==============================================================  ===========
column               meaning                                                         unit
===================  ==============================================================  ===========
customer_id          "C000001"; different for everybody                              text
signup_date          when the customer joined                                        date
region               North, South, East, West, Centre; 3 % missing                   category
channel              where most orders are placed: Store, Online, App, Catalogue     category
loyalty_tier         Basic, Silver, Gold                                             category
newsletter           has agreed to letters by e-mail                                 yes or no
age                  8 % missing                                                     years
household_size       12 % missing                                                    persons
orders               orders placed                                                   count
items_per_order      pieces bought per order, mean                                   pieces
discount_share       share of the order lines that were bought on offer              0 to 1
recency_days         days from the last order to the end of the year                 days
spend_groceries ...  spend in each of five departments                               EUR a year
annual_spend         their sum: what the customer is worth                           EUR a year
===================  ==============================================================  ===========
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]

DEPARTMENTS = ("groceries", "household", "fashion", "electronics", "home")
SEGMENTS = ("family shoppers", "fashion lovers", "bargain hunters", "home improvers", "lapsed customers")
END = np.datetime64("2025-06-30")

# One column per segment, in the order of SEGMENTS.
_SHARE = np.array([0.26, 0.22, 0.20, 0.17, 0.15])
_ORDERS = np.array([32.0, 15.0, 20.0, 11.0, 4.5])  # a year, mean
_LINES = np.array([2.2, 1.3, 1.6, 1.6, 1.2])  # per order beyond the first, mean
_OFFER = np.array([0.20, 0.32, 0.70, 0.12, 0.30])  # share of lines bought on offer
_AGE = np.array([41.0, 29.0, 57.0, 46.0, 38.0])
_HOUSEHOLD = np.array([0.56, 0.22, 0.34, 0.32, 0.22])  # of five further persons
_LATEST = np.array([1.0, 1.0, 1.0, 1.0, 0.42])  # no orders after this part of the year
# One row per segment; departments in columns.
_MIX = np.array([
    [0.46, 0.30, 0.09, 0.05, 0.10],
    [0.09, 0.09, 0.60, 0.13, 0.09],
    [0.30, 0.40, 0.14, 0.06, 0.10],
    [0.08, 0.11, 0.08, 0.29, 0.44],
    [0.22, 0.20, 0.24, 0.14, 0.20],
])  # fmt: skip
_PRICE = np.array([9.0, 12.0, 34.0, 95.0, 58.0])  # EUR a piece, median
_PIECES = np.array([1.6, 0.7, 0.25, 0.05, 0.3])  # per line beyond the first, mean
_REGIONS = (("North", "South", "East", "West", "Centre"), np.tile([0.24, 0.22, 0.16, 0.20, 0.18], (5, 1)))
_CHANNELS = (("Store", "Online", "App", "Catalogue"), np.array([
    [0.78, 0.10, 0.10, 0.02], [0.06, 0.26, 0.67, 0.01], [0.48, 0.12, 0.05, 0.35],
    [0.22, 0.70, 0.05, 0.03], [0.35, 0.45, 0.15, 0.05],
]))  # fmt: skip
_TIERS = (("Basic", "Silver", "Gold"), np.array([
    [0.06, 0.30, 0.64], [0.22, 0.62, 0.16], [0.25, 0.62, 0.13], [0.62, 0.32, 0.06], [0.92, 0.07, 0.01],
]))  # fmt: skip
_LETTER = np.array([0.62, 0.74, 0.80, 0.45, 0.25])
_GAPS = {"region": 0.03, "age": 0.08, "household_size": 0.12}


@overload
def retail(customers: int = ..., *, seed: int = ..., truth: Literal[False] = ...) -> pd.DataFrame: ...
@overload
def retail(customers: int = ..., *, seed: int = ..., truth: Literal[True]) -> tuple[pd.DataFrame, Array]: ...
def retail(
    customers: int = 10_000, *, seed: int = 0, truth: bool = False
) -> pd.DataFrame | tuple[pd.DataFrame, Array]:
    """Return customers of a department store with five planted segments.

    Parameters
    ----------
    customers : int
        Rows.
    seed : int
        The same seed gives the same table.
    truth : bool
        Return the planted segments (0 to 4, see ``SEGMENTS``) as well.

    Examples
    --------
    >>> frame, planted = retail(1_000, truth=True)
    >>> frame.shape, int(planted.max())
    ((1000, 18), 4)
    """
    rng = np.random.default_rng(seed)
    segment, log = _year(customers, rng)
    table = _with_gaps(_people(segment, rng) | _bought(customers, log), rng)
    return (table, segment) if truth else table


@overload
def retail_later(customers: int = ..., *, seed: int = ..., truth: Literal[False] = ...) -> pd.DataFrame: ...
@overload
def retail_later(
    customers: int = ..., *, seed: int = ..., truth: Literal[True]
) -> tuple[pd.DataFrame, Array]: ...
def retail_later(
    customers: int = 10_000, *, seed: int = 0, truth: bool = False
) -> pd.DataFrame | tuple[pd.DataFrame, Array]:
    """Return the customers of `retail` a year later: one in twenty left, as many came, one in twenty changed.

    Who changed buys like another of the five planted segments now; everybody else goes on as before.

    Parameters
    ----------
    customers, seed
        As for `retail`, whose customers these are.
    truth : bool
        Return the planted segments of the later year as well, row by row beside those of `retail`.

    Examples
    --------
    >>> later = retail_later(1_000)
    >>> int(later["customer_id"].isin(retail(1_000)["customer_id"]).sum())
    950
    """
    before, was = retail(customers, seed=seed, truth=True)
    rng = np.random.default_rng([seed, 1])
    changed = rng.random(customers) < 0.05
    now = np.where(changed, (was + rng.integers(1, 5, customers)) % 5, was)
    fresh = _people(now, rng)
    table = before.assign(**_bought(customers, _year(customers, rng, now)[1]))
    for name in ("channel", "loyalty_tier", "newsletter"):
        table[name] = np.where(changed, fresh[name], before[name])
    new = np.arange(customers // 20)
    table.loc[new, "customer_id"] = _ids("C", customers + 1 + new, 6).to_numpy()
    return (table, now) if truth else table


def _bought(customers: int, log: dict[str, Array]) -> dict[str, Any]:
    """Sum a log up: what each customer bought in the year."""
    who, cents = log["customer"], log["cents"]
    spend = np.bincount(who * 5 + log["department"], cents, customers * 5).reshape(customers, 5).round()
    orders = np.bincount(who[log["opens"]], minlength=customers)
    last = np.zeros(customers, dtype="int64")
    np.maximum.at(last, who, log["day"])
    return {
        "orders": orders,
        "items_per_order": (np.bincount(who, log["pieces"], customers) / orders).round(2),
        "discount_share": (
            np.bincount(who, log["offer"], customers) / np.bincount(who, minlength=customers)
        ).round(3),
        "recency_days": 364 - last,
    } | _spend(spend)


def retail_transactions(customers: int = 10_000, *, seed: int = 0) -> pd.DataFrame:
    """Return the log behind `retail`: one row per line of an order.

    Columns: ``order_id``, ``order_date``, ``customer_id``, ``category`` (department), ``quantity``
    (pieces), ``amount`` (EUR for all pieces of the line) and ``on_offer`` (yes or no). Amounts summed by
    customer and category are the spend in ``retail(customers, seed=seed)``.

    Examples
    --------
    >>> log = retail_transactions(100)
    >>> table = retail(100)
    >>> bool(round(log["amount"].sum(), 2) == round(table["annual_spend"].sum(), 2))
    True
    """
    _, log = _year(customers, np.random.default_rng(seed))
    order = np.lexsort((log["department"], log["order"], log["day"]))
    log = {name: values[order] for name, values in log.items()}
    opens = np.append(True, log["order"][1:] != log["order"][:-1])
    return pd.DataFrame(
        {
            "order_id": _ids("O", np.cumsum(opens), 7),
            "order_date": END + _days(log["day"] - 364),
            "customer_id": _ids("C", log["customer"] + 1, 6),
            "category": np.array(DEPARTMENTS, dtype=object)[log["department"]],
            "quantity": log["pieces"],
            "amount": log["cents"] / 100,
            "on_offer": np.where(log["offer"], "yes", "no"),
        }
    )


def nothing(customers: int = 10_000, *, seed: int = 0) -> pd.DataFrame:
    """Return one population: the columns, skew, correlation and gaps of `retail`, and no segments.

    Every number is a monotone function of correlated normals (a Gaussian copula with log-normal-like
    margins of one peak); categories are drawn independently of everything.

    Examples
    --------
    >>> nothing(1_000).columns.equals(retail(1_000).columns)
    True
    """
    rng = np.random.default_rng(seed)
    activity = rng.standard_normal(customers)

    def normal(loading: float) -> Any:
        return loading * activity + np.sqrt(1 - loading**2) * rng.standard_normal(customers)

    orders = 1 + np.floor(np.exp(2.6 + 0.7 * normal(0.85)))
    cents = np.column_stack(
        [
            np.round(100 * np.exp(level + width * normal(0.7)))
            for level, width in ((5.2, 0.9), (4.9, 0.9), (5.4, 1.0), (5.3, 1.1), (5.4, 1.0))
        ]
    )
    people = _people(rng.choice(5, customers, p=_SHARE), rng, mixed=True)
    people["age"] = np.clip(44 + 12 * rng.standard_normal(customers), 18, 90).round()
    frame = people | {
        "orders": orders.astype("int64"),
        "items_per_order": (1 + np.exp(0.8 + 0.4 * normal(0.2))).round(2),
        "discount_share": (1 / (1 + np.exp(1.0 - 0.8 * rng.standard_normal(customers)))).round(3),
        "recency_days": np.clip(np.exp(2.9 - 0.9 * normal(0.6)), 0, 364).astype("int64"),
    }
    return _with_gaps(frame | _spend(cents), rng)


NAMES: dict[str, Callable[[], pd.DataFrame]] = {
    "retail": retail,
    "retail_later": retail_later,
    "retail_transactions": retail_transactions,
    "nothing": nothing,
}


def _year(
    customers: int, rng: np.random.Generator, planted: Array | None = None
) -> tuple[Array, dict[str, Array]]:
    """Draw the planted segment of each customer and every line of every order of the year."""
    counts = np.diff(np.round(np.append(0, np.cumsum(_SHARE)) * customers).astype("int64"))
    segment = rng.permutation(np.repeat(np.arange(5), counts)) if planted is None else planted
    taste = rng.gamma(24.0 * _MIX[segment])
    taste = np.cumsum(taste / taste.sum(axis=1, keepdims=True), axis=1)
    pace = _ORDERS[segment] * np.exp(0.22 * rng.standard_normal(customers))
    buyer = np.repeat(np.arange(customers), 1 + rng.poisson(np.maximum(pace - 1, 0.3)))
    day = np.floor(365 * _LATEST[segment[buyer]] * rng.random(len(buyer))).astype("int64")
    line = np.repeat(np.arange(len(buyer)), 1 + rng.poisson(_LINES[segment[buyer]]))
    who = buyer[line]
    department = np.minimum((rng.random((len(line), 1)) > taste[who]).sum(axis=1), 4)
    offer = (
        rng.random(len(line))
        < np.clip(_OFFER[segment] + 0.06 * rng.standard_normal(customers), 0.01, 0.99)[who]
    )
    pieces = 1 + rng.poisson(_PIECES[department])
    purse = np.exp(0.18 * rng.standard_normal(customers))[who]
    price = (
        _PRICE[department]
        * purse
        * np.exp(0.45 * rng.standard_normal(len(line)))
        * np.where(offer, 0.75, 1.0)
    )
    opens = np.append(True, line[1:] != line[:-1])
    return segment, {
        "customer": who, "order": line, "opens": opens, "day": day[line], "department": department,
        "offer": offer, "pieces": pieces, "cents": np.round(100 * price * pieces),
    }  # fmt: skip


def _days(count: Any) -> Any:
    """Return numbers as days: NumPy takes no bare number as a duration any more."""
    return np.asarray(count).astype("timedelta64[D]")


def _people(segment: Array, rng: np.random.Generator, *, mixed: bool = False) -> dict[str, Any]:
    """Draw what is known about the customers themselves; `mixed` forgets the segment for each column anew."""
    customers = len(segment)

    def group() -> Any:
        return rng.permutation(segment) if mixed else segment

    def level(levels: tuple[str, ...], shares: Array) -> Any:
        drawn = (rng.random((customers, 1)) > np.cumsum(shares, axis=1)[group()]).sum(axis=1)
        return np.array(levels, dtype=object)[np.minimum(drawn, len(levels) - 1)]

    return {
        "customer_id": _ids("C", np.arange(1, customers + 1), 6),
        "signup_date": END - _days(365 + rng.integers(0, 2_500, customers)),
        "region": level(*_REGIONS),
        "channel": level(*_CHANNELS),
        "loyalty_tier": level(*_TIERS),
        "newsletter": np.where(rng.random(customers) < _LETTER[group()], "yes", "no"),
        "age": np.clip(_AGE[segment] + 7 * rng.standard_normal(customers), 18, 90).round(),
        "household_size": 1.0 + rng.binomial(5, _HOUSEHOLD[group()]),
    }


def _spend(cents: Array) -> dict[str, Array]:
    columns = {f"spend_{name}": cents[:, at] / 100 for at, name in enumerate(DEPARTMENTS)}
    return columns | {"annual_spend": cents.sum(axis=1) / 100}


def _with_gaps(columns: dict[str, Any], rng: np.random.Generator) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    for name, share in _GAPS.items():
        frame.loc[rng.random(len(frame)) < share, name] = None
    return frame


def _ids(letter: str, numbers: Array, width: int) -> pd.Series[str]:
    return letter + pd.Series(numbers).astype("str").str.zfill(width)
