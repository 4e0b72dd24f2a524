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


def count_led_by_zero(array: pa.Array) -> int:
    """Return how many texts are digits that start with a zero."""
    ends, data = _layout(array)
    led = (_first(ends, data) == ord("0")) & (ends[1:] - ends[:-1] > 1)
    return count_full(array.filter(pa.array(led)), r"0\d+") if led.any() else 0


class Pile:
    """The values of one column, laid one after the other in memory that grows where it is.

    Arrays kept as they come cost twice their memory, and more time in the kernel than in the reader.
    """

    def __init__(self) -> None:
        self._type: pa.DataType = pa.large_string()
        self._rows, self._data, self._ends = 0, bytearray(), bytearray(8)
        self._gaps: list[NDArray[np.intp]] = []

    def add(self, array: pa.Array) -> None:
        """Add an array: texts, or values of one width."""
        if array.null_count:
            self._gaps.append(np.flatnonzero(~_is_there(array)) + self._rows)
        if is_text(array.type):
            ends, data = _layout(array)
            first, last = int(ends[0]), int(ends[-1])
            self._ends += (ends[1:].astype(np.int64) + (len(self._data) - first)).data
            self._data += data[first:last].data
        else:
            array, width = self._alike(array), array.type.bit_width // 8
            self._data += memoryview(array.buffers()[1])[array.offset * width :][: len(array) * width]
        self._rows += len(array)

    def _alike(self, array: pa.Array) -> pa.Array:
        """Make whole numbers floats where the others are."""
        if self._rows and array.type != self._type:
            if pa.types.is_int64(array.type):
                return array.cast(self._type)
            self._data = bytearray(np.frombuffer(self._data, np.int64).astype(np.float64).data)
        self._type = array.type
        return array

    def taken(self, type_: pa.DataType | None = None) -> pa.Array:
        """Return the whole column, of a type or the one it has, and let go of it."""
        known, data, self._data = None, self._data, bytearray()
        if self._gaps:
            there_ = np.ones(self._rows, bool)
            there_[np.concatenate(self._gaps)] = False
            known = pa.py_buffer(np.packbits(there_, bitorder="little"))
        texts = [pa.py_buffer(self._ends)] if is_text(self._type) else []
        made = pa.Array.from_buffers(self._type, self._rows, [known, *texts, pa.py_buffer(data)])
        return made if type_ in {None, made.type} else made.cast(type_)


# ---------------------------------------------------------------------------------------------- their bytes
def _layout(array: pa.Array) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Return where each text starts and ends among the bytes, and the bytes."""
    width = np.int64 if pa.types.is_large_string(array.type) else np.int32
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1]
    known = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    return ends, known[: max(1, int(ends[-1]))]


def _first(ends: NDArray[Any], data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the byte at which each text starts; of an empty one any."""
    return np.asarray(data[np.minimum(ends[:-1], len(data) - 1)])


def holds(array: pa.Array, *signs: str) -> bool:
    """Tell whether one of some signs stands in any text."""
    ends, data = _layout(array)
    known = data[int(ends[0]) :].tobytes()
    return any(sign.encode() in known for sign in signs)


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
    odd = first[_first(ends, data)] & last[data[ends[1:] - 1]]
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
    if len(array) == array.null_count:
        return pa.nulls(len(array), pa.int64()), 0
    ends, data = _layout(array)
    used = data[int(ends[0]) :]
    if not used.size or used.min() < ord("-") or used.max() > ord("9"):  # what is left is digits and -./
        return None
    zero = _first(ends, data) == ord("0")
    if _is_led_by_zero(ends[:-1][zero], ends[1:][zero], data):
        return None
    if used.min() == ord("-"):
        minus = _first(ends, data) == ord("-")
        starts, after = ends[:-1][minus] + 1, ends[1:][minus]
        if (starts == after).any() or _is_led_by_zero(starts, after, data):
            return None
    points = int(np.count_nonzero(used == ord(".")))
    try:
        made = array.cast(pa.float64() if points else pa.int64())
    except pa.ArrowInvalid:
        return None
    low, high = pc.min_max(made).as_py().values()
    return (made, points) if max(-low, high) < _ENOUGH else None


def _is_led_by_zero(starts: NDArray[Any], ends: NDArray[Any], data: NDArray[np.uint8]) -> bool:
    """Tell whether a text starts with a zero before another digit: it would be lost."""
    starts = starts[ends - starts > 1]
    starts = starts[data[starts] == ord("0")]
    return bool((data[starts + 1] >= ord("0")).any())


def iso_dates(array: pa.Array) -> pa.Array | None:
    """Return the times of texts that all are days, or all days and times, in ISO 8601; else None."""
    ends, _ = _layout(array)
    lengths = ends[1:] - ends[:-1]
    lengths = lengths[_is_there(array)] if array.null_count else lengths
    if not len(lengths) or lengths.min() != lengths.max() or lengths[0] not in {10, 19}:
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
    coded = array.take(pa.array(at)).dictionary_encode()
    old, codes = coded.dictionary, coded.indices
    often = np.bincount(codes.to_numpy(), minlength=len(old))
    new = pc.utf8_trim(old, forms.SPACES)
    gaps, blank, gone = (_fits(new, pattern) for pattern in (forms.GAP, TEXT_GAP, gap))
    spaced = np.asarray(pc.not_equal(old, new)) & ~blank
    words: Counter[str] = Counter()
    for word, count_ in zip(new.filter(pa.array(gaps)).to_pylist(), often[gaps].tolist(), strict=True):
        words[word] += count_
    kept = pc.if_else(pa.array(gone), pa.scalar(None, array.type), new)
    mask = np.zeros(len(array), bool)
    mask[at] = True
    texts = pc.replace_with_mask(array, pa.array(mask), kept.take(codes))
    return Tidied(texts, words, int(often[spaced].sum()), int(often[np.asarray(pc.equal(new, "+"))].sum()))


def _fits(array: pa.Array, pattern: str) -> NDArray[np.bool_]:
    return np.asarray(pc.match_substring_regex(array, f"^(?:{pattern})$"))


# ---------------------------------------------------------------------------------------------- turned
def numbers(array: pa.Array, form: Form) -> pa.Array:
    """Return the numbers of texts that all have a form; None stays missing."""
    if form.kind == "number":
        return array.cast(pa.float64())
    ends, data = _layout(array)
    mark = {"point": b".", "comma": b","}[form.kind]
    keep = np.zeros(256, bool)
    keep[np.frombuffer(b"0123456789" + mark, np.uint8)] = True
    kept = keep[data]
    places = np.concatenate([[0], np.cumsum(kept, dtype=ends.dtype)])[ends].astype(ends.dtype)
    digits = data[int(ends[0]) :][kept[int(ends[0]) :]].tobytes().replace(b",", b".")
    known = pa.py_buffer(np.packbits(_is_there(array), bitorder="little"))
    buffers = [known, pa.py_buffer(places - places[0]), pa.py_buffer(digits)]
    made = pa.Array.from_buffers(array.type, len(array), buffers).cast(pa.float64())
    if not holds(array, *"-−("):
        return made
    return pc.if_else(pc.match_substring_regex(array, "[-−(]"), pc.negate(made), made)


def dates(array: pa.Array, form: Form) -> pa.Array:
    """Return the times of texts; missing where a text is no day in this form, or none that exists."""
    if holds(array, "Z", "+"):
        array = pc.replace_substring_regex(array, r"(Z|\+00:?00)$", "")
    time = FunctionExpression("try_strptime", ColumnExpression("v"), ConstantExpression(form.formats))
    table = _database().cursor().from_arrow(pa.table({"v": array})).select(time.alias("v")).to_arrow_table()
    return table["v"].combine_chunks()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()
