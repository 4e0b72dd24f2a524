from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from segkit.data import gate, source
from segkit.data.gate import Limits
from segkit.errors import SourceError

NOT_TABLES = {
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a PNG picture"),
    "PDF": (b"%PDF-1.7\n", "is a PDF document"),
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


def test_a_missing_file_and_a_directory_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"There is no file .*none.csv"):
        gate.kind(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="is a directory"):
        gate.kind(tmp_path)
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
    frame, reading = source.load(path)
    assert (reading.sheet, list(frame.columns)) == ("Data", ["id", "spend", "plan"])
    assert frame["spend"].to_list() == [at + 0.5 for at in range(20)]


def test_another_sheet_is_read_when_asked_for_and_an_unknown_one_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", Big=DATA, Small=[["a", "b"], [1, 2], [3, 4]])
    frame, _ = source.load(path, sheet="Small")
    assert frame["b"].to_list() == [2, 4]
    assert 'The sheet "Big" is read; the parameter sheet takes another (Small).' in source.load(path)[1].notes
    with pytest.raises(SourceError, match=r'no sheet "Smal"; there are Big, Small. Did you mean "Small"'):
        source.load(path, sheet="Smal")


def test_a_damaged_workbook_is_one_sentence(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", Data=DATA)
    whole = path.read_bytes()
    damaged = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(damaged, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"<broken" if "sheet" in name else old.read(name))
    path.write_bytes(damaged.getvalue())
    with pytest.raises(SourceError, match=r"^a.xlsx [^\n]*\.$"):
        source.load(path)


@pytest.mark.parametrize(
    "content", [b"words\n", b"a,b\n1,2,3\n1,2,3\n1,2\n", b"a,b\n\0\n", b"PAR1" + b"x" * 99 + b"PAR1"]
)
def test_a_refusal_from_the_child_is_the_sentence_of_this_process(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    said = []
    for trusted in (True, False):
        with pytest.raises(SourceError) as caught:
            source.load(path, trusted=trusted)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert said[0].startswith(("a.csv ", "a.csv: "))


def test_a_child_over_a_limit_is_a_refusal(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", Data=DATA)
    with pytest.raises(
        SourceError, match=r"a.xlsx (needs more than 17 MB|is damaged or too large|cannot be read)"
    ):
        source.load(path, limits=Limits(memory=20 << 20))
    with pytest.raises(SourceError, match=r"not read within 0\.01 seconds"):
        source.load(path, limits=Limits(seconds=0.01))


def test_one_far_cell_does_not_end_this_process(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "id", 1
    book.save(tmp_path / "far.xlsx")
    with pytest.raises(SourceError, match=r"far\.xlsx"):
        source.load(tmp_path / "far.xlsx", limits=Limits(seconds=20))


def test_an_upload_gives_the_same_table_and_reading_from_the_child(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;spend;seen\n007;1,5;31/01/2024\n008;2,5;01/02/2024\n")
    here, there = source.load(path), source.load(path, trusted=False)
    pd.testing.assert_frame_equal(here[0], there[0])
    assert here[1] == there[1]


def test_the_limits_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "UPLOAD_LIMIT_MB": 1,
        "READ_SECONDS": 2,
        "READ_COLUMNS": 9,
        "SCANNER": "scan -x",
    }.items():
        monkeypatch.setenv(f"SEGKIT_{name}", str(value))
    found = Limits.load()
    assert (found.file, found.seconds, found.columns, found.scanner) == (1_000_000, 2, 9, "scan -x")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 0", ""),
        ("exit 1", "refused by the scanner"),
        ("kill -9 $$", "refused by the"),
        ("sleep 9", "in time"),
    ],
)
def test_only_a_scanner_that_ends_well_passes_a_file(script: str, words: str, tmp_path: Path) -> None:
    path, scan = tmp_path / "a.csv", tmp_path / "scan.sh"
    path.write_text("a,b\n1,2\n3,4\n")
    scan.write_text(f'#!/bin/sh\ntest -f "$1" || exit 2\n{script}\n')
    scan.chmod(0o700)
    limits = Limits(scanner=str(scan), seconds=2 if "sleep" in script else 60)
    if not words:
        assert source.load(path, trusted=False, limits=limits)[1].rows == 2
        return
    with pytest.raises(SourceError, match=words):
        source.load(path, trusted=False, limits=limits)


def test_a_scanner_that_is_not_there_refuses(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(SourceError, match="could not be started"):
        source.load(tmp_path / "a.csv", trusted=False, limits=Limits(scanner="/nowhere/scan"))
