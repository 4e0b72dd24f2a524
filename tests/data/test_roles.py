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
        (text("firm", "Ann Bo", "Zoe Yu", 1_000, spaced=990), "near-unique"),
        (text("firm", "Ann Bo", "Zoe Yu", 800, spaced=990), "near-unique"),
        (text("note", "a", "z", 800, length=60, spaced=990), "free text"),
        (text("note", "a", "z", 30, length=60, longest=500), "free text"),
        (text("city", "A", "Z", 300), "category"),
    ],
)
def test_roles_of_texts(facts, role) -> None:
    assert roles.guess(facts)[0] == role


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (text("First_Name", "Ann", "Zoe", 60), "a name"),
        (text("nachname", "Abel", "Zorn", 600), "a name"),
        (text("customerEmail", "?", "?", 900), "an e-mail address"),
        (text("MobileNumber", "0170 1", "0171 9", 900), "a phone number"),
        (text("Street", "Elm St 1", "Oak St 9", 900), "an address"),
        (text("postcode", "AB1 2CD", "ZE3 9XX", 300), "a postcode"),
        (number("zip", 1_067, 99_998, 700), "a postcode"),
        (number("plz", 1_067, 99_998, 700), "a postcode"),
        (number("phone", 1_701_234_567, 1_799_999_999, 1_000), "a phone number"),
        (number("credit_card", 4 * 10**15, 6 * 10**15, 900), "a card or bank account"),
        (text("x", "a1@example.org", "z9@example.org", 900) , "an e-mail address"),
        (text("x", "+49 30 90182000", "+49 89 12345678", 900), "a phone number"),
        (text("x", "4111 1111 1111 1111", "5500 0000 0000 0004", 900), "a card or bank account"),
        (text("x", "DE89370400440532013000", "GB29NWBK60161331926819", 900), "a card or bank account"),
    ],
)  # fmt: skip
def test_what_tells_who_somebody_is_is_personal(facts, reason):
    if facts.name == "x":  # by what the values look like; `columns` counts them
        facts.stats["personal"] = 600
    assert roles.guess(facts) == ("personal", f"looks like {reason}, so it is kept out")


@pytest.mark.parametrize(
    "facts",
    [
        text("PhoneService", "No", "Yes", 2),
        text("Email", "No", "Yes", 2),  # whether one is known
        number("emails_opened", 0, 90, 80),
        number("CreditCard", 0, 1, 2),
        number("mobile", 0, 300, 200),  # visits by mobile
        text("product_name", "A", "Z", 300),
        text("street_type", "A", "Z", 300),
        text("city", "A", "Z", 300),
        text("who", "C1", "C9", 1_000),
        number("customer_number", 10**7, 10**8, 1_000),
    ],
)
def test_what_many_share_or_only_sounds_alike_is_not_personal(facts):
    assert roles.guess(facts)[0] != "personal"


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
