"""Expected texts: the table "Numbers" of the words page, and its rules at the edges."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segkit.insight.words.numbers import SEPARATORS, Numbers
from segkit.params import Params

n, nb = Numbers(), "\N{NO-BREAK SPACE}"

WRITTEN = [
    (n.count(1234), "1,234"),
    (n.share(0.1234), f"12.3{nb}%"),
    (n.percent(0.425), f"43{nb}%"),
    (n.share(0.0004), f"under 0.1{nb}%"),
    (n.share(0.0005), f"0.1{nb}%"),
    (n.share(0.9996), f"over 99.9{nb}%"),
    (n.share(0), f"0{nb}%"),
    (n.share(1), f"100{nb}%"),
    (n.percent(0.004), f"under 1{nb}%"),
    (n.multiple(2.4236), "2.4×"),
    (n.multiple(0.4), "0.4×"),
    (n.multiple(0.04), "under 0.1×"),
    (n.multiple(0), "0.0×"),
    (n.multiple(123.4), "123×"),
    (n.signed(0.8), "+0.80"),
    (n.signed(-0.21), "−0.21"),
    (n.signed(-0.001), "0.00"),
    (n.index(0.29), "0.29"),
    (n.index(0.29034, 3), "0.290"),
    (n.index(0.125), "0.13"),
    (n.count(-0.5), "−1"),
    (n.range(0.25, 0.28), "0.25 to 0.28"),
    (n.range(2, 12, n.count), "2 to 12"),
    (n.range(0.251, 0.252), "0.25"),
    (n.money(14_619_500), "14,619,500"),
    (n.money(14_619_500, short=True), f"14.6{nb}M"),
    (n.money(999_950_000, short=True), f"1.0{nb}bn"),
    (n.money(12.5), "12.50"),
    (Numbers(currency="EUR").money(1234), "€1,234"),
    (Numbers(currency="€").money(14.6e6, short=True), f"€14.6{nb}M"),
    (Numbers(currency="EUR").money(-1234), "−€1,234"),
    (Numbers(currency="CHF").money(5), f"CHF{nb}5"),
    (Numbers(currency="m.u.").money(19745), f"19,745{nb}m.u."),
    (n.value(11527), "11,527"),
    (n.value(99.96), "100"),
    (n.value(4.5), "4.5"),
    (n.value(0.08251), "0.083"),
    (n.value(1e-9), "under 0.000001"),
    (n.value(1.5e20), "1.5 × 10^20"),
    (n.value(0), "0"),
    (n.value(-5.678), "−5.68"),
    (n.date(dt.date(2026, 11, 23)), "23 November 2026"),
    (n.date("2026-11-03"), "3 November 2026"),
    (n.cardinal(2), "Two"),
    (n.cardinal(12), "Twelve"),
    (n.cardinal(13), "13"),
    (n.one_in(69 / 440), "one customer in six"),
    (n.one_in(0.4), "two customers in five"),
    (n.one_in(0.03), "one customer in 33"),
    (n.one_in(0), "no customer"),
    (n.one_in(0.99), "nearly every customer"),
    (Numbers("de").count(1234567), "1.234.567"),
    (Numbers("de").share(0.123), f"12,3{nb}%"),
    (Numbers("fr").count(1234), "1\N{NARROW NO-BREAK SPACE}234"),
    (Numbers("ch").money(1234.5), "1’235"),
]


@pytest.mark.parametrize(("found", "expected"), WRITTEN, ids=[e for _, e in WRITTEN])
def test_numbers_are_written_as_the_words_page_says(found, expected):
    assert found == expected


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf"), np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize(
    "name", ["count", "share", "percent", "multiple", "money", "value", "index", "signed"]
)
def test_where_there_is_no_number_stands_a_dash(name, nothing):
    assert getattr(n, name)(nothing) == "-"


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(sorted(SEPARATORS)))
def test_no_float_breaks_a_writer_or_comes_out_as_code(x, locale):
    numbers = Numbers(locale, "EUR")
    writers = (
        numbers.count,
        numbers.share,
        numbers.multiple,
        numbers.money,
        numbers.value,
        numbers.index,
        numbers.signed,
    )
    for write in writers:
        text = write(x)
        assert text
        assert not {"nan", "inf", "e+", "e-"} & {text.lower()[i : i + 3] for i in range(len(text))}
        assert "-" not in text or text == "-"


@given(st.integers(-(10**12), 10**12))
def test_counts_read_back(x):
    assert int(n.count(x).replace(",", "").replace("−", "-")) == x


@given(st.floats(0.001, 0.999))
@example(0.95)
def test_a_natural_frequency_is_close_to_the_share(share):
    words = {n.cardinal(i).lower(): i for i in range(1, 13)}
    text = n.one_in(share)
    if text == "nearly every customer":
        assert share >= 0.95  # ten tenths when rounded
        return
    top, _, _, bottom = text.split()
    ratio = words[top] / (words.get(bottom) or int(bottom.replace(",", "")))
    assert math.isclose(ratio, share, abs_tol=0.0501)


def test_every_locale_of_the_parameters_has_its_separators():
    (locale,) = (f for f in Params.fields() if f.name == "locale")
    assert set(locale.choices) == set(SEPARATORS)
    assert Numbers("de").separators == ",."
