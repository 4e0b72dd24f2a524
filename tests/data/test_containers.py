"""What a table may come in: packed, spreadsheets of other programs, a database server, lazy relations."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from segkit.data import source
from segkit.errors import SourceError

TABLE = pd.DataFrame(
    {
        "id": [f"C{at:03d}" for at in range(40)],
        "spend": [at * 2.5 for at in range(40)],
        "orders": range(40),
        "since": pd.date_range("2024-01-01", periods=40).astype("datetime64[us]"),
        "city": ["Köln", None] * 20,
    }
)


# ---------------------------------------------------------------------------------------------- packed
def zipped(text: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("data/a.csv", text)
    return sink.getvalue()


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", gzip.compress),
        ("bzip2", bz2.compress),
        ("bzip2", lambda text: bz2.compress(text[:500]) + bz2.compress(text[500:])),  # as pbzip2 writes it
        ("gzip", lambda text: gzip.compress(text[:500]) + gzip.compress(text[500:])),
        ("zip", zipped),
    ],
)
def test_a_packed_file_is_the_file(tmp_path, name, pack, trusted):
    (tmp_path / "a.csv").write_bytes(pack(TABLE.to_csv(index=False).encode()))
    frame, reading = source.load(tmp_path / "a.csv", trusted=trusted)
    pd.testing.assert_frame_equal(frame, TABLE)
    assert (reading.container, reading.format, reading.repaired) == (name, "csv", 0)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zipped])
def test_a_packed_file_that_was_cut_or_hit_is_refused(tmp_path, pack):
    whole = pack(TABLE.to_csv(index=False).encode())
    hit = bytearray(whole)
    hit[len(hit) // 2] ^= 0xFF
    for damaged in (whole[: len(whole) * 2 // 3], bytes(hit)):
        (tmp_path / "a.csv").write_bytes(damaged)
        with pytest.raises(SourceError, match=r"a\.csv .*damaged"):
            source.load(tmp_path / "a.csv")


# ---------------------------------------------------------------------------------------------- OpenDocument
SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
)
MANIFEST = (
    '<?xml version="1.0"?>'
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument'
    '.spreadsheet"/></manifest:manifest>'
)
CELLS = {
    str: 'office:value-type="string"',
    float: 'office:value-type="float" office:value="{0}"',
    pd.Timestamp: 'office:value-type="date" office:date-value="{0:%Y-%m-%d}"',
    type(None): 'table:number-columns-repeated="1"',
}


def ods(path: Path, **sheets: list[list[object]]) -> Path:
    def row(cells: list[object]) -> str:
        kinds = (float if isinstance(cell, int) else type(cell) for cell in cells)
        inner = "".join(
            f"<table:table-cell {CELLS[kind]}><text:p>{{0}}</text:p></table:table-cell>".format(cell)
            for kind, cell in zip(kinds, cells, strict=True)
        )
        return f"<table:table-row>{inner}</table:table-row>"

    tables = "".join(
        f'<table:table table:name="{name}">{"".join(map(row, rows))}</table:table>'
        for name, rows in sheets.items()
    )
    body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
    content = f'<?xml version="1.0"?><office:document-content {SPACES}>{body}</office:document-content>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", MANIFEST)
    return path


def test_the_data_sheet_of_an_ods_file_is_read_and_another_when_asked_for(tmp_path):
    values = TABLE.astype(object).where(TABLE.notna(), None).to_numpy().tolist()
    path = ods(tmp_path / "a.ods", Notes=[["Made by hand"]], Data=[list(TABLE.columns), *values],
               Small=[["a", "b"], [1, "x"], [2, "y"]])  # fmt: skip
    frame, reading = source.load(path)
    pd.testing.assert_frame_equal(frame, TABLE)
    assert (reading.format, reading.sheet) == ("ods", "Data")
    assert "takes another (Small)" in reading.notes[0]
    assert source.load(path, sheet="Small")[0].to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_an_old_excel_file_gives_dates_numbers_and_texts(test_data):
    frame, reading = source.load(test_data / "ugly" / "messytables" / "simple.xls", trusted=False)
    assert reading.format == "xls"
    assert [str(dtype) for dtype in frame.dtypes] == ["datetime64[us]", "int64", "str"]


# ---------------------------------------------------------------------------------------------- PostgreSQL
def test_a_postgresql_table_is_read_with_its_types(postgres, monkeypatch):
    pytest.importorskip("adbc_driver_postgresql", reason="reading PostgreSQL is an extra: segkit[postgres]")
    postgres.psql("drop table if exists shop")
    postgres.psql(
        "create table shop (id text, spend double precision, price numeric(9, 2), orders bigint, since date,"
        " seen timestamptz, active boolean, note text);"
        "insert into shop select 'C' || lpad(i::text, 3, '0'), i * 2.5, i / 4.0, i, date '2024-01-01' + i,"
        " timestamptz '2024-01-01 12:00+02' + i * interval '1 day', i % 2 = 0,"
        " case when i % 3 = 0 then 'NA' else 'n''x' end from generate_series(0, 39) as g(i)"
    )
    frame, reading = source.load(postgres.address, query="select * from shop order by id")
    assert (reading.format, reading.rows, "postgres@" in reading.source) == ("database", 40, False)
    assert frame["id"].to_list() == [f"C{at:03d}" for at in range(40)]
    assert frame["spend"].to_list() == [at * 2.5 for at in range(40)]
    assert frame["price"].to_list() == [at / 4 for at in range(40)]
    assert frame["orders"].dtype == "int64"
    assert str(frame["since"].iloc[-1].date()) == "2024-02-09"
    assert frame["seen"].iloc[0] == pd.Timestamp("2024-01-01 10:00", tz="UTC")
    assert frame["active"].to_list()[:2] == ["true", "false"]
    assert frame["note"].isna().sum() == 14
    monkeypatch.setenv("SHOP_PASSWORD", "a b@/:%")
    address = postgres.address.replace("postgres@", "postgres:env:SHOP_PASSWORD@")
    assert len(source.load(address, query="select id from shop where orders < 5")[0]) == 5


def test_a_postgresql_server_says_what_is_wrong_and_nothing_is_written(postgres):
    pytest.importorskip("adbc_driver_postgresql", reason="reading PostgreSQL is an extra: segkit[postgres]")
    postgres.psql("drop table if exists kept; create table kept (a int); insert into kept values (1), (2)")
    for query, words in (
        ("select * from nowhere", r"127\.0\.0\.1.* cannot be read"),
        ("delete from kept", "must start with SELECT"),
        ("with gone as (delete from kept returning a) select * from gone", "cannot be read"),
    ):
        with pytest.raises(SourceError, match=words) as caught:
            source.load(postgres.address, query=query)
        assert "postgres@" not in str(caught.value)
    assert postgres.psql("select count(*) from kept").split()[-1] == "2"
    with pytest.raises(SourceError, match="cannot be read"):
        source.load("postgresql://me@127.0.0.1:1/shop", query="select 1")


# ---------------------------------------------------------------------------------------------- lazy frames
def spark(frame: pd.DataFrame):
    session = pytest.importorskip("pyspark.sql", reason="PySpark is an extra: segkit[spark]").SparkSession
    builder = session.builder.master("local[1]").config("spark.ui.enabled", "false")
    running = builder.config("spark.sql.session.timeZone", "UTC").getOrCreate()
    return running.createDataFrame(frame.astype(object).where(frame.notna(), None))


@pytest.mark.parametrize("lazy", [duckdb.from_df, pytest.param(spark, marks=pytest.mark.slow)])
def test_a_lazy_relation_is_collected_and_repaired_like_a_file(lazy):
    untidy = TABLE.assign(paid=["1,50", "n/a"] * 20, since=TABLE["since"].dt.strftime("%d/%m/%Y"))
    frame, reading = source.load(lazy(untidy))
    assert isinstance(frame, pd.DataFrame)
    assert frame["paid"].dropna().to_list() == [1.5] * 20
    assert frame["since"].to_list() == TABLE["since"].to_list()
    assert frame["spend"].to_list() == TABLE["spend"].to_list()
    assert frame["city"].isna().sum() == 20
    assert dict(reading.types)["paid"] == "number"
    assert any("20 entries are read as missing (n/a)" in note for note in reading.notes)
