from __future__ import annotations

import pytest

from segkit.data import roles
from segkit.data.roles import Facts


def number(name, low, high, distinct, *, rows=1_000, parts=0):
    return Facts(name, "number", rows, rows, distinct, {"min": low, "max": high, "parts": parts})


@pytest.mark.parametrize(
    ("facts", "role"),
    [
        (number("Channel", 1, 2, 2), "category"),
        (number("x17", 1, 5, 5), "category"),  # consecutive from 1, and the name counts nothing
        (number("Settlement_Size", 0, 2, 3), "category"),  # coded 0..2, and the name says so
        (number("Kidhome", 0, 2, 3), "number"),
        (number("household_size", 1, 6, 6), "number"),
        (number("NumDealsPurchases", 0, 9, 10), "number"),
        (number("satisfaction", 1, 5, 5), "number"),
        (number("x17", 0, 4, 5), "number"),  # counts start at 0
        (number("x17", 1, 50, 50), "number"),  # too many for codes
        (number("x17", 1, 9, 3), "number"),  # not consecutive
        (number("x17", 0, 1, 2), "yes/no"),
        (number("x17", 1, 1_000, 1_000), "id"),  # counts the rows
        (number("Income", 20_000, 90_000, 1_000), "money"),  # all different, and yet no id
        (number("store_id", 1, 8, 8), "category"),
        (number("store_id", 1, 300, 300), "id"),
        (number("Spending Score (1-100)", 1, 100, 84), "number"),
        (number("Balance", 0, 1e6, 900), "number"),  # miles, for all we know
        (number("Balance", 0, 1e6, 900, parts=800), "money"),  # there are cents
        (number("avg_discount_share", 0, 0.9, 900, parts=800), "number"),
        (number("Preis (€)", 0, 9, 900, parts=800), "money"),
    ],
)
def test_roles_of_numbers(facts, role) -> None:
    assert roles.guess(facts)[0] == role


def text(name, first, last, distinct, *, rows=1_000, length=8.0, longest=12, spaced=0):
    stats = {"first": first, "last": last, "length": length, "longest": longest, "spaced": spaced}
    return Facts(name, "text", rows, rows, distinct, stats)


@pytest.mark.parametrize(
    ("facts", "role"),
    [
        (text("Partner", "No", "Yes", 2), "yes/no"),
        (text("Gender", "Female", "Male", 2), "category"),
        (text("CUST_ID", "C1", "C9", 1_000), "id"),
        (text("customer_id", "C1", "C9", 300), "id"),  # a log of orders
        (text("who", "C1", "C9", 1_000), "id"),
        (text("name", "Ann Bo", "Zoe Yu", 1_000, spaced=990), "near-unique"),
        (text("name", "Ann Bo", "Zoe Yu", 800, spaced=990), "near-unique"),
        (text("note", "a", "z", 800, length=60, spaced=990), "free text"),
        (text("note", "a", "z", 30, length=60, longest=500), "free text"),
        (text("city", "A", "Z", 300), "category"),
    ],
)
def test_roles_of_texts(facts, role) -> None:
    assert roles.guess(facts)[0] == role


def test_columns_with_nothing_to_say() -> None:
    assert roles.guess(Facts("x", "number", 9, 0, 0, {})) == ("empty", "no value at all")
    assert roles.guess(Facts("x", "number", 9, 9, 1, {"min": 3.0, "parts": 0})) == ("constant", "always 3")
    assert roles.guess(Facts("x", "text", 9, 9, 1, {"top": "a"})) == ("constant", "always a")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("CASH_ADVANCE_TRX", "Cash advance transactions"),
        ("StreamingTV", "Streaming TV"),
        ("customerID", "Customer ID"),
        ("ID#", "ID#"),
        ("Annual Income (k$)", "Annual Income (k$)"),
        ("MntWines", "Spend on wines"),
        ("Award?", "Award?"),
        ("tenure", "Tenure"),
        ("###", "###"),
    ],
)
def test_labels_are_words(name, label) -> None:
    assert roles.labels([name]) == [label]
