"""Any table written in any dialect is read back: equal, or refused with a reason, never something else.

Texts may hold every sign that divides values or lines; numbers have decimal points or commas, dates stand in
several orders, and any cell but the id may be missing.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
from dataclasses import dataclass

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from segkit.data import source
from segkit.errors import SourceError

LETTERS = st.sampled_from("abcxyzABCXYZ0189 éüßñçàö€,;|\t\"'.-_/()%$\n")
ANY = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf", "Co", "Cn"])
DAYS = st.dates(dt.date(1950, 1, 1), dt.date(2049, 12, 31))
FORMS = {"iso": "%Y-%m-%d", "day first": "%d/%m/%Y", "dots": "%d.%m.%Y", "words": "%d %b %Y"}


@dataclass(frozen=True)
class Dialect:
    sign: str
    quoting: int
    end: str
    encoding: str
    decimal: str
    days: str


DIALECTS = st.builds(
    Dialect, st.sampled_from(",;\t|"), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.sampled_from(".,"), st.sampled_from(list(FORMS)),
)  # fmt: skip


@st.composite
def columns(draw, rows, dialect, kinds=("text", "whole", "number", "date"), *, complete=False):
    """Give the kind of a column, its values, and how each is written."""
    kind = draw(st.sampled_from(kinds))
    signs = LETTERS if dialect.encoding == "cp1252" else LETTERS | ANY
    cells = {
        "text": st.text(signs, max_size=8).map(lambda text: f"v{text}w"),
        "whole": st.integers(-(10**9), 10**9),
        "number": st.integers(-(10**8), 10**8).map(lambda number: number / 100),
        "date": DAYS,
    }[kind]
    cells = cells if complete or draw(st.booleans()) else st.none() | cells
    values = draw(st.lists(cells, min_size=rows, max_size=rows))
    write = {
        "text": str, "whole": str, "number": lambda number: f"{number:.2f}".replace(".", dialect.decimal),
        "date": lambda day: day.strftime(FORMS[dialect.days]),
    }[kind]  # fmt: skip
    return kind, values, ["" if value is None else write(value) for value in values]


@st.composite
def tables(draw):
    dialect = draw(DIALECTS)
    rows = draw(st.integers(2, 12))
    # One column shows no delimiter; a lone value below a blank row is a note below the table, by rule.
    ids = draw(columns(rows, dialect, ["text"], complete=True))
    made = draw(st.lists(columns(rows, dialect), min_size=1, max_size=5))
    return dialect, [(f"n{at}", *each) for at, each in enumerate([ids, *made])]


def written(dialect, table):
    sink = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if dialect.end == "\r" else dialect.quoting  # else csv lets a bare \n through
    writer = csv.writer(sink, delimiter=dialect.sign, quoting=quoting, lineterminator=dialect.end)
    writer.writerow([name for name, *_ in table])
    writer.writerows(zip(*(texts for *_, texts in table), strict=True))
    return sink.getvalue().encode(dialect.encoding)


def is_utf8(content):
    with contextlib.suppress(UnicodeDecodeError):
        content.decode()
        return True
    return False


def is_same(kind, found, value):
    if value is None:
        return pd.isna(found)
    if kind == "text":  # a line end in a value becomes one of the file's, or the plain one
        return "\n".join(str(found).splitlines()) == "\n".join(value.splitlines())
    return found == pd.Timestamp(value) if kind == "date" else found == value


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
def test_a_table_in_any_dialect_comes_back_or_is_refused(tmp_path, given):
    dialect, table = given
    content = written(dialect, table)
    assume(dialect.encoding != "cp1252" or content.isascii() or not is_utf8(content))  # could be either
    (tmp_path / "a.csv").write_bytes(content)
    reason = ""
    try:
        frame, reading = source.load(tmp_path / "a.csv")
    except SourceError as error:
        reason = str(error)
    if reason:
        event(f"refused: {reason[:40]}")
        assert "encoding" in reason, reason
        return
    event("read")
    assert (len(frame), reading.refused) == (len(table[0][-1]), 0)
    assert frame.columns.to_list() == [name for name, *_ in table]
    for name, kind, values, texts in table:
        doubt = any(name in note and "read as text" in note for note in reading.notes)
        for found, value, text in zip(frame[name], values, texts, strict=True):
            if doubt and kind in {"date", "number"}:  # said, and as written
                assert found == text or (pd.isna(found) and not text)
            else:
                assert is_same(kind, found, value), (name, found, value, reading.notes)


@pytest.mark.slow
def test_many_more_tables_in_any_dialect_come_back(tmp_path):
    inner = test_a_table_in_any_dialect_comes_back_or_is_refused.hypothesis.inner_test
    settings(max_examples=10_000, deadline=None)(given(tables())(lambda given: inner(tmp_path, given)))()
