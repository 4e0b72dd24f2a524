"""Texts in Arrow arrays: proved clean by their bytes, tidied, counted, and turned into numbers and dates.

A look at a few bytes of a value costs some ten nanoseconds, a regular expression ten times that. So whether
all texts of an array are numbers as programs write them, ISO dates, or free of blanks is told from their
bytes, and only what fails is matched against `forms`. What a column is over all its arrays `texts` decides.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import ColumnExpression, ConstantExpression, FunctionExpression
from numpy.typing import NDArray

from . import forms
from .forms import Form

TEXT_GAP = "|".join(map(re.escape, (*forms.BLANKS, "-", "--", "?")))  # missing among texts
_DIGITS = b"0123456789"
_ENOUGH = 10**15  # from here on a float does not hold every whole number
_FIRST_DAY = np.datetime64("1000-01-01", "us")  # the years that `forms` knows have four digits


def is_text(kind: pa.DataType) -> bool:
    """Tell whether an array of this type holds texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def there(array: pa.Array) -> int:
    """Return how many values are not missing."""
    return len(array) - int(array.null_count)


def count(array: pa.Array, pattern: str) -> int:
    """Return how many texts hold a pattern."""
    return pc.sum(pc.match_substring_regex(array, pattern)).as_py() or 0


def count_full(array: pa.Array, pattern: str) -> int:
    """Return how many texts are a pattern from end to end."""
    return count(array, f"^(?:{pattern})$")


# ---------------------------------------------------------------------------------------------- their bytes
def _layout(array: pa.Array) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return where each text starts and ends among the bytes, and the bytes."""
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1]
    known = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    return ends, known[: max(1, int(ends[-1]))]


def _is_there(array: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool)


@cache
def _suspicious() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return marks of the first and the last byte of a text that may be a gap or has a space around it."""
    known = [word for word in forms.MISSING if word]
    gaps = {"+", "*", *known, *map(str.upper, known)}
    marks = []
    for end, space in ((0, 1), (-1, 4)):
        table = np.full(256, 5 - space, np.uint8)
        table[[word.encode()[end] for word in gaps]] |= 2
        table[[sign.encode()[end] for sign in forms.SPACES]] |= space
        marks.append(table)
    return marks[0], marks[1]


def suspects(array: pa.Array) -> NDArray[np.intp]:
    """Return where a text may stand for a missing value or have spaces around it; the others do not."""
    ends, data = _layout(array)
    first, last = _suspicious()
    odd = first[data[np.minimum(ends[:-1], len(data) - 1)]] & last[data[ends[1:] - 1]]
    odd[ends[1:] == ends[:-1]] = 1
    if array.null_count:
        odd[~_is_there(array)] = 0
    return np.flatnonzero(odd)


def plain_numbers(array: pa.Array) -> tuple[pa.Array, int] | None:
    """Return the numbers of texts that all are digits with a point at most, and how many have one; else None.

    Examples
    --------
    >>> plain_numbers(pa.array(["1", "-0.5", None]))[0].to_pylist(), plain_numbers(pa.array(["007"]))
    ([1.0, -0.5, None], None)
    """
    ends, data = _layout(array)
    if len(array) == array.null_count:
        return pa.nulls(len(array), pa.int64()), 0
    signs = data[int(ends[0]) :].tobytes().translate(None, _DIGITS)
    if signs.translate(None, b".-"):
        return None
    starts, after = ends[:-1][ends[1:] > ends[:-1]], ends[1:][ends[1:] > ends[:-1]]
    for sign in (b"", b"-") if b"-" in signs else (b"",):
        if sign:
            minus = data[starts] == sign[0]
            starts, after = starts[minus] + 1, after[minus]
        at = starts[(after - starts > 1) & (data[np.minimum(starts, len(data) - 1)] == _DIGITS[0])] + 1
        if np.isin(data[at], np.frombuffer(_DIGITS, np.uint8)).any():  # a leading zero would be lost
            return None
    points = signs.count(b".")
    try:
        made = array.cast(pa.float64() if points else pa.int64())
    except pa.ArrowInvalid:
        return None
    low, high = pc.min_max(made).as_py().values()
    return (made, points) if max(-low, high) < _ENOUGH else None


def iso_dates(array: pa.Array) -> pa.Array | None:
    """Return the times of texts that all are days, or all days and times, in ISO 8601; else None."""
    ends, _ = _layout(array)
    lengths = np.unique(np.diff(ends)[_is_there(array)] if array.null_count else np.diff(ends))
    if lengths.tolist() not in ([10], [19]):
        return None
    try:
        made = array.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    return made if np.datetime64(pc.min(made).as_py(), "us") >= _FIRST_DAY else None


# ---------------------------------------------------------------------------------------------- tidied
@dataclass
class Tidied:
    """Texts without spaces around them and without the words that stand for a missing value."""

    texts: pa.Array
    words: Counter[str]
    spaces: int = 0
    pluses: int = 0


def tidied(array: pa.Array, gap: str) -> Tidied:
    """Cut spaces off, and take out what matches `gap`; every word that may mean a gap is counted.

    Examples
    --------
    >>> found = tidied(pa.array([" a", "n/a", "b", None]), forms.GAP)
    >>> found.texts.to_pylist(), dict(found.words), found.spaces
    (['a', None, 'b', None], {'n/a': 1}, 1)
    """
    at = suspects(array)
    if not len(at):
        return Tidied(array, Counter())
    old = array.take(pa.array(at))
    new = pc.utf8_trim(old, forms.SPACES)
    words = pc.value_counts(new.filter(pc.match_substring_regex(new, f"^(?:{forms.GAP})$")))
    blank = pc.match_substring_regex(new, f"^(?:{TEXT_GAP})$")
    spaces = pc.sum(pc.and_not(pc.not_equal(old, new), blank)).as_py()
    gone = pc.match_substring_regex(new, f"^(?:{gap})$")
    mask = np.zeros(len(array), bool)
    mask[at] = True
    kept = pc.if_else(gone, pa.scalar(None, array.type), new)
    return Tidied(
        pc.replace_with_mask(array, pa.array(mask), kept),
        Counter({each["values"].as_py(): each["counts"].as_py() for each in words}),
        spaces,
        pc.sum(pc.equal(new, "+")).as_py(),
    )


# ---------------------------------------------------------------------------------------------- turned
def numbers(array: pa.Array, form: Form) -> pa.Array:
    """Return the numbers of texts that all have a form; None stays missing."""
    if form.kind == "number":
        return array.cast(pa.float64())
    ends, data = _layout(array)
    mark = {"point": b".", "comma": b","}[form.kind]
    keep = np.zeros(256, bool)
    keep[np.frombuffer(_DIGITS + mark, np.uint8)] = True
    kept = keep[data]
    places = np.concatenate([[0], np.cumsum(kept, dtype=ends.dtype)])[ends].astype(ends.dtype)
    digits = data[int(ends[0]) :][kept[int(ends[0]) :]].tobytes().replace(b",", b".")
    known = pa.py_buffer(np.packbits(_is_there(array), bitorder="little"))
    buffers = [known, pa.py_buffer(places - places[0]), pa.py_buffer(digits)]
    made = pa.Array.from_buffers(array.type, len(array), buffers).cast(pa.float64())
    if not any(sign.encode() in data[int(ends[0]) :].tobytes() for sign in "-−("):
        return made
    return pc.if_else(pc.match_substring_regex(array, "[-−(]"), pc.negate(made), made)


def dates(array: pa.Array, form: Form) -> pa.Array:
    """Return the times of texts; missing where a text is no day in this form, or none that exists."""
    plain = FunctionExpression(
        "regexp_replace", ColumnExpression("v"), ConstantExpression(r"(Z|\+00:?00)$"), ConstantExpression("")
    )
    time = FunctionExpression("try_strptime", plain, ConstantExpression(form.formats)).alias("v")
    table = _database().cursor().from_arrow(pa.table({"v": array})).select(time).to_arrow_table()
    return table["v"].combine_chunks()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()
