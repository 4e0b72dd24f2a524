from __future__ import annotations

import hashlib
import json
from pathlib import Path

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segkit.data import source
from segkit.errors import SourceError

TABLE = pd.DataFrame(
    {"id": ["007", "008", "009"], "spend": [1.5, 2.0, 10.25], "city": ["Köln", 'a "b"', "x,y;z"]}
)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_every_dialect_gives_the_same_table(delimiter: str, end: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TABLE.to_csv(sep=delimiter, index=False, lineterminator=end).encode(encoding))
    frame, reading = source.load(path)
    pd.testing.assert_frame_equal(frame, TABLE)
    assert reading.delimiter == delimiter
    assert reading.format == ("tsv" if delimiter == "\t" else "csv")
    assert reading.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (reading.rows, reading.columns, reading.bytes, reading.refused) == (3, 3, path.stat().st_size, 0)


def test_parquet_json_lines_and_xlsx_give_the_same_table(tmp_path: Path) -> None:
    TABLE.to_parquet(tmp_path / "a.parquet")
    TABLE.to_json(tmp_path / "a.jsonl", orient="records", lines=True, force_ascii=False)
    TABLE.to_excel(tmp_path / "a.xlsx", index=False)
    for name in ("parquet", "jsonl", "xlsx"):
        frame, reading = source.load(tmp_path / f"a.{name}")
        pd.testing.assert_frame_equal(frame, TABLE)
        assert reading.format == name


def test_the_order_of_rows_is_the_order_of_the_file(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 10**9, 50_000)
    path = write(tmp_path / "a.csv", "n,t\n" + "".join(f"{n},x\n" for n in numbers))
    assert source.load(path)[0]["n"].to_list() == numbers.tolist()


def test_quoted_values_may_hold_line_ends_and_the_header_too(tmp_path: Path) -> None:
    frame, reading = source.load(write(tmp_path / "a.csv", 'a,"b\nc"\n1,"x\ny"\n2,z\n'))
    assert frame["b c"].to_list() == ["x\ny", "z"]
    assert reading.renamed == (("b\nc", "b c"),)


def test_a_name_with_pattern_signs_is_only_a_name(tmp_path: Path) -> None:
    path = write(tmp_path / "file[1]*.csv", "a,b\n1,2\n3,4\n")
    assert source.load(path)[0].shape == (2, 2)


def test_columns_without_names_or_with_the_same_name_are_renamed_and_reported(tmp_path: Path) -> None:
    frame, reading = source.load(write(tmp_path / "a.csv", "a,,a,A\n1,2,3,4\n5,6,7,8\n"))
    assert list(frame.columns) == ["a", "column_2", "a_2", "A"]
    assert reading.renamed == (("", "column_2"), ("a", "a_2"))
    assert 'Column "a" is called "a_2" here.' in reading.notes


def test_a_file_without_a_header_is_reported(tmp_path: Path) -> None:
    frame, reading = source.load(write(tmp_path / "a.csv", "1,2,x\n3,4,y\n"))
    assert list(frame.columns) == ["column_1", "column_2", "column_3"]
    assert len(frame) == 2
    assert reading.notes[0].startswith("The first line holds values")


BAD = {
    "header only": ("a,b\n", "has no rows under its header"),
    "one row": ("a,b\n1,2\n", "has one row"),
    "too many": (
        "a,b\n1,2\n1,2,3\n4,5\n1,2,3\n",
        "line 3 has more values than the header's 2 columns, and 1 more",
    ),
    "too few": ("a,b,c\n1,2,3\n1,2\n", "line 3 has fewer values than the header's 3 columns"),
    "quotes": ('a,b\n1,"x"y\n2,3\n', "line 2 has a value in odd quotes"),
    "zero byte": ("a,b\n1,2\n" + "3,4\n" * 2000 + "\0,5\n", "holds zero bytes"),
    "PNG": (b"\x89PNG\r\n\x1a\n", "is a PNG picture"),
    "not Parquet": (b"PAR1" + b"x" * 100, "cannot be read; it is damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    content, words = BAD[name]
    with pytest.raises(SourceError, match=words) as caught:
        source.load(write(tmp_path / "a.csv", content))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_variable_of_a_password_that_is_not_set_is_said(monkeypatch):
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    with pytest.raises(SourceError, match="the variable NO_SUCH_PASSWORD is not set"):
        source.load("postgresql://me:env:NO_SUCH_PASSWORD@127.0.0.1/shop")


def test_one_endless_line_is_no_empty_file(tmp_path):
    (tmp_path / "a.csv").write_text("x" * 3_000_000)
    with pytest.raises(SourceError, match="holds no header line above rows of values"):
        source.load(tmp_path / "a.csv")


def test_addresses_unknown_samples_and_objects_are_refused() -> None:
    with pytest.raises(SourceError, match="postgresql") as caught:
        source.load("postgresql://me:secret@host/db")
    assert "secret" not in str(caught.value)
    with pytest.raises(SourceError, match='Did you mean "retail"'):
        source.load("sample:retial")
    with pytest.raises(SourceError, match="found ndarray"):
        source.load(np.zeros((3, 3)))
    with pytest.raises(SourceError, match="The frame is empty"):
        source.load(pd.DataFrame({"a": []}))


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "a,b\n" + "1,2\n" * 300_000)
    with pytest.raises(SourceError, match="at most 1 MB"):
        source.load(path, trusted=False, limits=source.Limits(file=1_000_000))


def test_a_clean_frame_comes_back_as_it_was(kind) -> None:
    given = kind(TABLE)
    frame, reading = source.load(given)
    assert type(frame) is type(given)
    assert (reading.format, reading.renamed, reading.repaired, reading.notes) == ("frame", (), 0, ())
    assert frame.equals(given)


def test_numbers_written_as_text_in_a_frame_are_repaired(kind) -> None:
    frame, reading = source.load(kind(pd.DataFrame({"id": ["01", "02"], "TotalCharges": ["29.85", " "]})))
    assert reading.notes == ('Column "TotalCharges": 1 entry is read as missing.',)
    assert nw.from_native(frame).schema == {"id": nw.String, "TotalCharges": nw.Float64}


def test_names_of_frames_become_unique_texts() -> None:
    frame, reading = source.load(pd.DataFrame([[1, 2, "x"], [3, 4, 5.0]], columns=[0, "a", "a"]))
    assert list(frame.columns) == ["0", "a", "a_2"]
    assert reading.notes == (
        'Column "a" is called "a_2" here.',
        'Column "a_2" holds values of several kinds; it is read as text.',
    )
    twice = pa.Table.from_arrays([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"])
    assert source.load(twice)[0].column_names == ["a", "a_2"]


def test_the_digest_is_of_the_values() -> None:
    same, other = TABLE.copy(), TABLE.assign(spend=[1.5, 2.0, 10.5])
    digest = source.load(TABLE)[1].sha256
    assert digest == source.load(same)[1].sha256 == source.load(same.set_index([[5, 6, 7]]))[1].sha256
    assert digest != source.load(other)[1].sha256


def test_nested_and_decimal_columns_of_parquet_become_plain(tmp_path: Path) -> None:
    table = pa.table(
        {
            "tags": [["a"], ["b", "c"]],
            "price": pa.array([1, 2], pa.decimal128(9, 2)),
            "left": [True, None],
            "seen": pa.array([1, 2], pa.date32()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    frame, _ = source.load(tmp_path / "a.parquet")
    assert frame["price"].to_list() == [1.0, 2.0]
    assert frame["left"].to_list()[0] == "true"
    assert isinstance(frame["tags"][1], str)
    assert str(frame["seen"].dtype).startswith("datetime64")


def test_the_reading_is_plain_values(tmp_path: Path) -> None:
    _, reading = source.load(write(tmp_path / "a.csv", "a,a\n1,2\n3,4\n"))
    assert json.loads(json.dumps(reading.as_dict()))["renamed"] == [["a", "a_2"]]


def test_cdnow_as_published(test_data: Path) -> None:
    frame, reading = source.load(test_data / "transactions" / "CDNOW_master.txt")
    # Fader and Hardie describe the file: 69,659 transactions of 23,570 customers from 1997-01-01 on.
    assert len(frame) == 69_659
    assert frame["customer_id"].nunique() == 23_570
    assert frame["customer_id"][0] == "00001"
    assert str(frame["date"].min().date()) == "1997-01-01"
    assert round(frame["dollar_value"].sum(), 2) == 2_500_315.63
    assert reading.notes == ("Its columns were lined up with spaces.",)


def test_blank_charges_of_telco_become_missing_numbers(test_data: Path) -> None:
    frame, reading = source.load(test_data / "customers" / "Telco-Customer-Churn.csv")
    assert frame["TotalCharges"].dtype == "float64"
    assert frame["TotalCharges"].isna().sum() == 11
    assert reading.notes == ('Column "TotalCharges": 11 entries are read as missing.',)


def test_the_second_sheet_of_the_airline_is_ignored(test_data: Path) -> None:
    frame, reading = source.load(test_data / "customers" / "EastWestAirlines.xlsx")
    assert (frame.shape, reading.sheet) == ((3999, 12), "data")
