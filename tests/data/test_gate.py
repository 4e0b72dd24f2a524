from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from segkit.data import gate
from segkit.errors import SourceError

NOT_TABLES = {
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a PNG picture"),
    "PDF": (b"%PDF-1.7\n", "is a PDF document"),
    "gzip": (b"\x1f\x8b\x08\0\0\0\0\0", "is a gzip archive"),
    "HTML": (b"\xef\xbb\xbf\n<!DOCTYPE html><html>", "is a web page"),
    "LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
    "binary": (bytes(range(256)), "is binary data"),
    "empty": (b"", "is empty"),
    "blank": (b"\xef\xbb\xbf \n\n", "is empty"),
    "cut zip": (b"PK\x03\x04\0\0\0\0", "is damaged"),
}


@pytest.mark.parametrize("name", NOT_TABLES)
def test_a_file_is_what_it_holds_not_what_it_is_called(name: str, tmp_path: Path) -> None:
    content, words = NOT_TABLES[name]
    path = tmp_path / "customers.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=f"customers.csv {words}"):
        gate.kind(path)


def test_a_missing_file_a_directory_and_a_zip_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"There is no file .*none.csv"):
        gate.kind(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="is a directory"):
        gate.kind(tmp_path)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
    with pytest.raises(SourceError, match="without a workbook"):
        gate.kind(tmp_path / "a.zip")
    with pytest.raises(SourceError, match="cannot be opened"):
        gate.kind(Path("a\0b.csv"))


def test_text_is_text_even_in_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-16")
    assert gate.kind(path) == "text"


def workbook(path: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


DATA = [["id", "spend", None, "plan"], *[[f"0{at}", at + 0.5, None, "a"] for at in range(20)]]
PROSE = [
    ["About these data"],
    *[["They were made up by hand."] for _ in range(60)],
    ["Field", "Meaning", "Unit", "Note", "x", "y"],
]


def test_the_data_sheet_is_found_behind_a_longer_one_of_prose(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", README=PROSE, Data=DATA)
    table, sheet, header = gate.spreadsheet(path, tmp_path)
    assert (sheet, header) == ("Data", ["id", "spend", "plan"])
    assert pq.read_table(table).to_pydict()["c0"] == [f"0{at}" for at in range(20)]


def test_a_workbook_of_prose_or_pictures_holds_no_table(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no sheet with a header line"):
        gate.spreadsheet(workbook(tmp_path / "a.xlsx", README=[[1, 2], [3, 4]]), tmp_path)


def test_a_damaged_workbook_is_one_sentence(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", Data=DATA)
    whole = path.read_bytes()
    damaged = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(damaged, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"<broken" if "sheet" in name else old.read(name))
    path.write_bytes(damaged.getvalue())
    with pytest.raises(SourceError, match=r"^a.xlsx .*\. Save its table as CSV\.$"):
        gate.spreadsheet(path, tmp_path)


def test_a_child_that_dies_or_hangs_is_a_refusal(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", Data=DATA)
    with pytest.raises(SourceError, match=r"a.xlsx (is damaged or too large|cannot be read)"):
        gate.spreadsheet(path, tmp_path, memory=50 << 20)
    with pytest.raises(SourceError, match=r"not read within 0\.01 seconds"):
        gate.spreadsheet(path, tmp_path, seconds=0.01)


def test_one_far_cell_does_not_end_this_process(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "id", 1
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(SourceError, match=r"far\.xlsx"):
        gate.spreadsheet(tmp_path / "far.xlsx", tmp_path, seconds=20)
