"""Ugly cases of classes that the collected files lack, made here: the table is known because we wrote it."""

from __future__ import annotations

import bz2
import gzip
import io
import sqlite3
import zipfile

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import feather

from segkit.data import source
from segkit.errors import SourceError

PLAIN = b"id,spend\nA1,2.5\nB2,3.5\nC3,4\n"
ROWS = {"id": ["A1", "B2", "C3"], "spend": [2.5, 3.5, 4.0]}


def long(*lines: str, body: str = "x{0},{0}", rows: int = 40) -> bytes:
    return "\n".join([*lines, *(body.format(at) for at in range(rows))]).encode()


def sheet(*rows: list[object]) -> bytes:
    book, sink = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(sink)
    return sink.getvalue()


def zipped(**files: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return sink.getvalue()


def columns(content: str, name: str = "x") -> bytes:
    return "\n".join(
        [f"id;{name}", *(f"r{at};{each}" for at, each in enumerate(content.split("|")))]
    ).encode()


# ruff: noqa: E501 - a case a line
# what it is: bytes, columns that must come out (a list of values, or only the type)
READ = {
    "xlsx named csv": (sheet(["id", "spend"], ["A1", 2.5], ["B2", 3.5], ["C3", 4]), ROWS),
    "gzip": (gzip.compress(PLAIN), ROWS),
    "bzip2": (bz2.compress(PLAIN), ROWS),
    "zip": (zipped(**{"a.csv": PLAIN}), ROWS),
    "zip with notes and a Mac folder": (zipped(**{"README.txt": b"x", "__MACOSX/._a.csv": b"x", "a.csv": PLAIN}), ROWS),
    "utf-16 little, no mark": (PLAIN.decode().encode("utf-16-le"), ROWS),
    "utf-16 big, no mark": (PLAIN.decode().encode("utf-16-be"), ROWS),
    "cr": (PLAIN.replace(b"\n", b"\r"), ROWS),
    "mixed line ends": (b"id,spend\r\nA1,2.5\nB2,3.5\r\nC3,4\n", ROWS),
    "no last line end": (PLAIN[:-1], ROWS),
    "trailing delimiters": (b"id,spend,\nA1,2.5,\nB2,3.5,\nC3,4,\n", ROWS),
    "trailing delimiters below only": (b"id,spend\nA1,2.5,\nB2,3.5,\nC3,4,\n", ROWS),
    "blank lines between": (b"id,spend\n\nA1,2.5\n\n\nB2,3.5\nC3,4\n\n", ROWS),
    "blank rows of delimiters": (b"id,spend\nA1,2.5\n,\nB2,3.5\nC3,4\n,\n", ROWS),
    "names again further down": (b"id,spend\nA1,2.5\nB2,3.5\nid,spend\nC3,4\n", ROWS),
    "spaces around": (b" id , spend \n A1 , 2.5 \n B2, 3.5\nC3 ,4\n", ROWS),
    "quoted all": (b'"id","spend"\n"A1","2.5"\n"B2","3.5"\n"C3","4"\n', ROWS),
    "title and blank line": (b"Our customers\n\nid,spend\nA1,2.5\nB2,3.5\nC3,4\n", ROWS),
    "sheet with a title": (sheet(["Our customers"], [], ["id", "spend"], ["A1", 2.5], ["B2", 3.5], ["C3", 4]), ROWS),
    "sheet with empty columns": (sheet([None, "id", None, "spend"], *([None, a, None, b] for a, b in zip(*ROWS.values(), strict=True))), ROWS),
    "European decimals": (columns("1.234,50|2,5|-3,25"), {"x": [1234.5, 2.5, -3.25]}),
    "decimal commas": (columns("0,5|1,25|3,0"), {"x": [0.5, 1.25, 3.0]}),
    "Swiss": (columns("1'234.50|12.5|3.0"), {"x": [1234.5, 12.5, 3.0]}),
    "no-break spaces": (columns("1\u00a0234,5|2,5|3,1"), {"x": [1234.5, 2.5, 3.1]}),
    "euros behind": (columns("1,50 €|2,50 €|3,10 €"), {"x": [1.5, 2.5, 3.1]}),
    "dollars": (columns("$1,234.50|$2.50|$3.10"), {"x": [1234.5, 2.5, 3.1]}),
    "in brackets": (columns("(1.50)|2.50|3.10"), {"x": [-1.5, 2.5, 3.1]}),
    "minus behind": (columns("1.50-|2.50|3.10"), {"x": [-1.5, 2.5, 3.1]}),
    "percent": (columns("10%|25 %|3%"), {"x": [10, 25, 3]}),
    "mixed units": (columns("€1|$2|€3"), {"x": ["€1", "$2", "€3"]}),
    "mixed percent": (columns("10%|0.2|3%"), {"x": ["10%", "0.2", "3%"]}),
    "leading zeros": (columns("007|010|123"), {"x": ["007", "010", "123"]}),
    "sixteen digits": (columns("4111111111111111|4242424242424242|5555555555554444"), {"x": ["4111111111111111", "4242424242424242", "5555555555554444"]}),
    "ids as floats": (columns("17850.0||13047.0", "CustomerID"), {"CustomerID": ["17850", None, "13047"]}),
    "day first": (columns("01/02/2024|31/01/2024|02/03/2024"), {"x": ["2024-02-01", "2024-01-31", "2024-03-02"]}),
    "month first": (columns("01/02/2024|01/31/2024|02/03/2024"), {"x": ["2024-01-02", "2024-01-31", "2024-02-03"]}),
    "ambiguous days": (columns("01/02/2024|02/03/2024|03/04/2024"), {"x": ["01/02/2024", "02/03/2024", "03/04/2024"]}),
    "day and month first mixed": (columns("31/01/2024|01/31/2024|02/03/2024"), {"x": ["31/01/2024", "01/31/2024", "02/03/2024"]}),
    "German dates": (columns("1.2.2024|31.1.2024|2.3.2024"), {"x": ["2024-02-01", "2024-01-31", "2024-03-02"]}),
    "dates in words": (columns("3-Feb-2024|31-Jan-2024|2-Mar-2024"), {"x": ["2024-02-03", "2024-01-31", "2024-03-02"]}),
    "times": (columns("2024-01-02 3:04 PM|2024-01-03 3:04 AM|2024-01-04 1:00 AM"), {"x": ["2024-01-02 15:04:00", "2024-01-03 03:04:00", "2024-01-04 01:00:00"]}),
    "30 February": (columns("2024-02-30|2024-01-31|2024-01-30"), {"x": ["2024-02-30", "2024-01-31", "2024-01-30"]}),
    "missing words": (columns("1|N/A|unknown|-|?|NULL|***|2"), {"x": [1, None, None, None, None, None, None, 2]}),
    "plus and minus": (columns("+|-|+"), {"x": ["+", "-", "+"]}),
    "an answer called unknown": (columns("unknown|yes|no"), {"x": ["unknown", "yes", "no"]}),
    "formula errors": (sheet(["id", "x"], ["a", 1], ["b", "#DIV/0!"], ["c", 3]), {"x": [1, None, 3]}),
    "emoji": (columns("😀|naïve|Ünï"), {"x": ["😀", "naïve", "Ünï"]}),
    "a line end in a value": (b'id,x\na,"two\nlines"\nb,one\n', {"x": ["two\nlines", "one"]}),
    "JSON lines": (b'{"id":"A1","spend":2.5}\n{"id":"B2","spend":3.5}\n{"id":"C3","spend":4}\n', ROWS),
    "JSON list": (b'[{"id":"A1","spend":2.5},{"id":"B2","spend":3.5},{"id":"C3","spend":4}]', ROWS),
    "R row names": (b"id,spend\n1,A1,2.5\n2,B2,3.5\n3,C3,4\n", ROWS),
    "one bad line in forty": (long("id,x") + b"\nx40,1,2,3\n", {"x": list(range(40))}),
    "a note below": (long("id,x,y", body="x{0},{0},{0}") + b"\n\nSource: us\n", {"x": list(range(40))}),
}  # fmt: skip

REFUSED = {
    "HTML named xls": (b"<html><table><tr><td>1</td></tr></table></html>", "a web page"),
    "zero bytes": (b"a,b\n1,2\n" * 900 + b"\0\0\0\n", "zero bytes"),
    "200,000 columns": (",".join(f"c{at}" for at in range(200_000)).encode() + b"\n" + b",".join([b"1"] * 200_000) + b"\n", "has over 5,000 columns"),
    "mixed encodings": (b"id,x\n" + "a,é\n".encode() * 4 + "b,é\n".encode("cp1252") * 4, "mixes UTF-8"),
    "open quote": (b'id,x\na,"never\nb,closed\nc,d\n', "quote that opens in line 2 is never closed"),
    "cut gzip": (gzip.compress(PLAIN * 500)[:-20], "cannot be unpacked"),
    "zip in zip": (zipped(**{"b.zip": zipped(**{"a.csv": PLAIN})}), "archive in an archive"),
    "two tables in a zip": (zipped(**{"a.csv": PLAIN, "b.csv": PLAIN}), "must hold one table; found a.csv, b.csv"),
    "cut Parquet": (b"PAR1" + b"x" * 100, "damaged"),
    "Word": (zipped(**{"word/document.xml": b"<a/>"}), "a Word document"),
    "half the rows short": (b"a,b,c\n" + b"1,2,3\n1,2\n" * 20, "line 3 has fewer values"),
    "names only": (b"a,b,c\n", "no rows under its header"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_a_case_is_read_as_it_was_meant(name, tmp_path):
    content, expected = READ[name]
    (tmp_path / "a.csv").write_bytes(content)
    frame, _ = source.load(tmp_path / "a.csv")
    for column, values in expected.items():
        found = [None if pd.isna(value) else value for value in frame[column]]
        dated = str(frame[column].dtype).startswith("datetime")
        assert (
            [str(value)[: len(want)] for value, want in zip(found, values, strict=True)] == values
            if dated
            else found == values
        )


@pytest.mark.parametrize("name", REFUSED)
def test_a_case_is_refused_for_the_true_reason(name, tmp_path):
    content, words = REFUSED[name]
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(SourceError, match=words):
        source.load(tmp_path / "a.csv")


def test_a_refused_row_is_reported_by_its_line(tmp_path):
    (tmp_path / "a.csv").write_bytes(READ["one bad line in forty"][0])
    _, reading = source.load(tmp_path / "a.csv")
    assert (reading.refused, reading.lines) == (1, (42,))


def test_databases_and_arrow_files_give_the_same_table(tmp_path):
    frame = pd.DataFrame(ROWS)
    with sqlite3.connect(tmp_path / "a.sqlite") as database:
        frame.to_sql("customers", database, index=False)
    database.close()
    with duckdb.connect(str(tmp_path / "a.duckdb")) as other:
        other.execute("create table customers as select * from frame")
    feather.write_feather(pa.Table.from_pandas(frame), tmp_path / "a.feather", compression="uncompressed")
    for name in (
        tmp_path / "a.sqlite",
        f"sqlite:///{tmp_path}/a.sqlite",
        tmp_path / "a.duckdb",
        tmp_path / "a.feather",
    ):
        pd.testing.assert_frame_equal(source.load(name)[0], frame)
    found, reading = source.load(
        f"duckdb:///{tmp_path}/a.duckdb", query="select id from customers where spend > 3"
    )
    assert (found["id"].to_list(), reading.source) == (["B2", "C3"], "duckdb:///a.duckdb")
    with pytest.raises(SourceError, match="must start with SELECT"):
        source.load(tmp_path / "a.sqlite", query="drop table customers")


def test_kinds_of_an_sqlite_column_are_settled_over_all_its_batches(tmp_path):
    rows = 20_005  # one more batch for the last five
    with sqlite3.connect(tmp_path / "a.sqlite") as database:
        database.execute("create table t (id, whole, decimal, mixed, none)")
        late = [
            (f"C{at}", at, at if at < rows - 3 else 0.5, at if at < rows - 1 else "x", None)
            for at in range(rows)
        ]
        database.executemany("insert into t values (?, ?, ?, ?, ?)", late)
    database.close()
    frame = source.load(tmp_path / "a.sqlite")[0]
    assert frame["whole"].sum() == rows * (rows - 1) // 2
    assert frame["decimal"].dtype == "float64"
    assert frame["decimal"].iloc[-1] == 0.5
    assert frame["mixed"].iloc[[0, -1]].to_list() == ["0", "x"]
    with sqlite3.connect(tmp_path / "empty.sqlite") as database:
        database.execute("create table t (id, spend)")
    database.close()
    with pytest.raises(SourceError):
        source.load(tmp_path / "empty.sqlite")


def test_a_pattern_of_files_puts_their_rows_together(tmp_path):
    for at in (1, 2):
        (tmp_path / f"{at}.csv").write_bytes(PLAIN)
    frame, reading = source.load(str(tmp_path / "*.csv"))
    assert (len(frame), reading.notes[0]) == (6, "2 files are put together.")
    (tmp_path / "3.csv").write_bytes(b"id,other\n1,2\n3,4\n")
    with pytest.raises(SourceError, match=r"3.csv does not have the columns of 1.csv: other, spend"):
        source.load(str(tmp_path / "*.csv"))


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cf"]),
    min_size=1,
    max_size=8,
)
CELL = TEXT.map(lambda text: f"v{text}w")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(CELL, st.integers(-(10**9), 10**9), CELL), min_size=2, max_size=8),
    sign=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    quoting=st.sampled_from([0, 1, 2]),
)
def test_any_table_in_any_dialect_is_read_back(rows, sign, end, encoding, quoting, tmp_path):  # noqa: PLR0917 - one each
    table = pd.DataFrame(rows, columns=["id", "amount", "note"])
    (tmp_path / "a.csv").write_bytes(
        table.to_csv(sep=sign, index=False, lineterminator=end, quoting=quoting).encode(encoding)
    )
    frame, reading = source.load(tmp_path / "a.csv")
    assert frame.to_numpy().tolist() == table.to_numpy().tolist()
    assert reading.refused == 0
