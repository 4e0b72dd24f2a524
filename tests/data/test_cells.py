"""What bytes prove must be what the regular expressions say, for any texts."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segkit.data import cells, forms

NUMBERISH = st.text("0123456789.-+eE_ x\u00a0", max_size=6) | st.floats(-1e6, 1e6).map(repr)
GAPS = [*forms.MISSING, *map(str.upper, forms.MISSING), "***"]
WORDISH = st.sampled_from([*GAPS, "north", "Anna", "naïve", " a", "b\t", "\u00a0c", "+", "x?"])
MAYBE = st.none() | st.one_of(NUMBERISH, WORDISH)


def arrays(values, start=0):
    """Give the same texts as both kinds of Arrow text, and as a slice of a longer array."""
    yield pa.array(values, pa.string())
    yield pa.array(values, pa.large_string())
    yield pa.array(["zz", None, *values, "yy"], pa.string()).slice(2, len(values))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.none() | NUMBERISH, max_size=5))
def test_numbers_proved_by_their_bytes_are_those_of_the_form(values):
    known = [value for value in values if value is not None]
    for array in arrays(values):
        found = cells.plain_numbers(array)
        if found is not None:
            assert all(re.fullmatch(forms.NUMBER, value) for value in known)
            assert found[0].to_pylist() == [None if value is None else float(value) for value in values]
            assert found[1] == sum("." in value for value in known)
        elif known:  # what is not proved is left to the form; plain digits always are
            assert not all(re.fullmatch(r"-?(0|[1-9]\d{0,14})", value) for value in known)


@settings(max_examples=300, deadline=None)
@given(st.lists(MAYBE, max_size=5))
def test_what_may_be_a_gap_or_has_spaces_is_always_suspected(values):
    for array in arrays(values):
        at = set(cells.suspects(array).tolist())
        for index, value in enumerate(values):
            odd = value is not None and (re.fullmatch(forms.GAP, value) or value != value.strip(forms.SPACES))
            assert not odd or index in at
        assert all(values[index] is not None for index in at)


@settings(max_examples=200, deadline=None)
@given(st.lists(MAYBE, max_size=6))
def test_tidied_texts_lose_spaces_and_gaps_and_nothing_else(values):
    for array in arrays(values):
        found = cells.tidied(array, forms.GAP)
        plain = [None if value is None else value.strip(forms.SPACES) for value in values]
        gaps = [value for value in plain if value is not None and re.fullmatch(forms.GAP, value)]
        assert found.texts.to_pylist() == [None if value in gaps else value for value in plain]
        assert found.words.total() == len(gaps)
        assert set(found.words) == set(gaps)
        assert found.pluses == plain.count("+")


@pytest.mark.parametrize(
    ("form", "texts", "values"),
    [
        (forms.people("point", "$"), ["$1,234.50", "-$2", "($3.25)", None], [1234.5, -2.0, -3.25, None]),
        (forms.people("comma", "€"), ["1.234,50 €", "0,5", "−7"], [1234.5, 0.5, -7.0]),
        (forms.people("point"), ["1'234.5", "1 234", "5-"], [1234.5, 1234.0, -5.0]),
        (forms.people("point", "%"), ["10%", "2.5 %"], [10.0, 2.5]),
    ],
)
def test_numbers_as_people_write_them(form, texts, values):
    assert all(form.fits(text) for text in texts if text)
    for array in arrays(texts):
        assert cells.numbers(array, form).to_pylist() == values


def test_dates_are_proved_or_parsed():
    iso = pa.array(["2024-02-29", None, "1999-12-31"])
    assert cells.iso_dates(iso)[0].as_py().isoformat() == "2024-02-29T00:00:00"
    for odd in (["2023-02-29"], ["0999-01-01"], ["2024-1-01"], ["2024-01-01", "2024-01-01 10:00:00"], [None]):
        assert cells.iso_dates(pa.array(odd, pa.string())) is None
    day_first = next(form for form in forms.DATES if form.format == "%d/%m/%Y")
    found = cells.dates(
        pa.array(["31/01/2024", "31/02/2024", "1/2/2024 10:30", "01/02/2024 10:30:00Z"]), day_first
    )
    assert [str(value) for value in found.to_pylist()] == [
        "2024-01-31 00:00:00", "None", "2024-02-01 10:30:00", "2024-02-01 10:30:00",
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.none() | st.text(max_size=4), max_size=4), max_size=5))
def test_a_pile_gives_back_what_was_laid_on_it(parts):
    pile = cells.Pile()
    for part in parts:
        pile.add(pa.array(part, pa.string()))
    assert pile.taken().to_pylist() == [value for part in parts for value in part]


def test_a_pile_of_numbers_becomes_floats_when_one_is():
    pile = cells.Pile()
    for part in (pa.array([1, None, 3]), pa.array([0.5, None]), pa.array([7])):
        pile.add(part)
    assert pile.taken().to_pylist() == [1.0, None, 3.0, 0.5, None, 7.0]
    whole = cells.Pile()
    whole.add(pa.array(np.arange(3)).slice(1))
    assert whole.taken(pa.int64()).to_pylist() == [1, 2]
