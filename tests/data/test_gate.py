from __future__ import annotations

import io
import json
import os
import random
import sys
import zipfile
from pathlib import Path
from typing import Any

import duckdb
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
    "zeros": (b"\0" * 10, "is empty"),
    "blank": (b"\xef\xbb\xbf \n\n", "is empty"),
    "one letter": (b"\xef\xbb\xbfx", "has no rows under its header"),
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
    for place, name in ((tmp_path, tmp_path.name), (Path("/"), "/")):
        with pytest.raises(SourceError, match=f"^{name} is a directory. Name one file in it.$"):
            gate.kind(place)
    with pytest.raises(SourceError, match=r"cannot be opened: embedded null byte\.$"):
        gate.kind(Path("a\0b.csv"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceError, match=r"^a.csv cannot be opened: Not a directory\.$"):
        gate.kind(tmp_path / "file" / "a.csv")


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


def zipped(path: Path, parts: dict[str, bytes], *, bits: int = 0) -> Path:
    """Write a zip archive; `bits` are set in the flags of each member as its directory tells them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    whole = bytearray(path.read_bytes())
    at = whole.find(b"PK\x01\x02")
    while at >= 0:
        whole[at + 8] |= bits
        at = whole.find(b"PK\x01\x02", at + 1)
    path.write_bytes(bytes(whole))
    return path


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({"xl/workbook.xml": b""}, "xlsx"),
        ({"xl/workbook.bin": b""}, "xlsb"),
        ({"mimetype": b"", "content.xml": b""}, "ods"),
        ({"mimetype": b""}, "zip"),
        ({"a.csv": b"a"}, "zip"),
    ],
)
def test_an_archive_is_what_its_parts_say(parts: dict[str, bytes], kind: str, tmp_path: Path) -> None:
    assert gate.kind(zipped(tmp_path / "a", parts)) == kind


@pytest.mark.parametrize(
    ("part", "words"), [("word/document.xml", "a Word document"), ("ppt/presentation.xml", "a PowerPoint")]
)
def test_a_document_is_no_table(part: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=f"^a.docx is {words}.*Sources are CSV"):
        gate.kind(zipped(tmp_path / "a.docx", {part: b"<x/>"}))


def test_databases_and_columns_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "a.csv")).close()
    assert gate.kind(tmp_path / "a.csv") == "duckdb"
    for content, kind in (
        (b"PAR1", "parquet"),
        (b"ARROW1", "arrow"),
        (b"\x1f\x8b", "gzip"),
        (b"BZh", "bzip2"),
        (b"\xd0\xcf\x11\xe0", "xls"),
        (b"SQLite format 3\0", "sqlite"),
    ):
        (tmp_path / "b").write_bytes(content + b"rest")
        assert gate.kind(tmp_path / "b") == kind


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
    with pytest.raises(SourceError, match=r"^pipe is no plain file\.$"):
        gate.kind(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("head", "zeros"),
    [
        ("a,b\n1,2\n".encode("utf-16-le"), True),  # without its mark
        (b"a,b\n" + b"1,2\n" * 9 + b"\0", False),
        ("a,b\n1,2\n".encode("utf-16-be"), True),
        (b"\xff\xfea", True),
        (b"\xfe\xffa", True),
        (b"a\0b\0" * 3, True),
        (b"a\0b\0" * 2, False),  # too short to tell: eight bytes are 3.6 to compare with 4
        (b"a\0b\0c\0d\0e", False),
        (b"\0" * 9 + b"a" * 11, False),  # 45 per cent, and on both sides
        (b"\0\0\0\0a\0\0\0\0\0", False),  # zeros on both sides
    ],
)
def test_zero_bytes_are_text_only_where_every_other_one_is(head: bytes, zeros: bool) -> None:
    assert gate._maybe_utf16(head) is zeros


def test_size_is_asked_before_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x" * 3_000_000)
    gate.inspect(path, "text", Limits(file=3_000_000), "a.csv")
    with pytest.raises(SourceError, match=r"^a.csv has 3 MB; at most 2 MB are allowed\.$"):
        gate.inspect(path, "text", Limits(file=2_000_000), "a.csv")


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_file_of_columns_must_have_its_end(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"PAR1" + b"x" * 100 + (b"PAR1" if kind == "parquet" else b"ARROW1"))
    gate.inspect(path, kind, Limits(), "a")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SourceError, match=f"^a is damaged: it starts as {kind.title()} and ends early"):
        gate.inspect(path, kind, Limits(), "a")


ENTITY = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>'
TRAPS = {
    "larger than allowed": ({"a.csv": b"x" * 2000}, 0, {"unpacked": 1999}, "would unpack to 0 MB in 1 files"),
    "many parts": ({f"{at}.csv": b"" for at in range(10_001)}, 0, {}, "in 10,001 files: more than allowed"),
    "swollen": ({"a.csv": b"x" * 51_000_000}, 0, {}, "times its size, as a trap does"),
    "encrypted": ({"a.csv": b"x"}, 1, {}, "is encrypted"),
    "macros": ({"xl/vbaProject.bin": b"x"}, 0, {}, "holds macros"),
    "entities": ({"xl/workbook.xml": ENTITY}, 0, {}, "defines XML entities"),
    "entities in UTF-16": ({"x.rels": ENTITY.decode().encode("utf-16")}, 0, {}, "defines XML entities"),
}


@pytest.mark.parametrize("kind", ["xlsx", "xlsb", "ods", "zip"])
@pytest.mark.parametrize("trap", TRAPS)
def test_a_trap_is_seen_without_unpacking_it(trap: str, kind: str, tmp_path: Path) -> None:
    parts, bits, limits, words = TRAPS[trap]
    path = zipped(tmp_path / "a", parts, bits=bits)
    with pytest.raises(SourceError, match=f"^a {words}|^a .*{words}"):
        gate.inspect(path, kind, Limits(**limits), "a")


@pytest.mark.parametrize(
    ("parts", "limits"),
    [
        ({"a.csv": b"x" * 2000}, {"unpacked": 2000}),
        ({f"{at}.csv": b"" for at in range(10_000)}, {}),
        ({"a.csv": b"x" * 50_000_000}, {}),
        ({"a.csv": random.Random(0).randbytes(1_000_000) + b"x" * 50_100_000}, {}),  # large, not swollen
        ({"a.csv": b"<!DOCTYPE x>"}, {}),  # only a part that is parsed as XML can define anything
        ({"a.xml": b"x" * 5000 + ENTITY}, {}),  # nor is it anywhere but at the beginning
    ],
)
def test_what_is_just_allowed_passes(parts: dict[str, bytes], limits: dict[str, int], tmp_path: Path) -> None:
    gate.inspect(zipped(tmp_path / "a", parts), "zip", Limits(**limits), "a")


def test_a_damaged_part_is_left_to_the_parser(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a", {"a.xml": ENTITY * 20})
    whole = path.read_bytes()
    path.write_bytes(whole[:35] + b"\xff" * 60 + whole[95:])
    gate.inspect(path, "zip", Limits(), "a")


def test_the_memory_of_a_process_that_is_gone_is_none() -> None:
    assert gate._resident(os.getpid()) > 10_000_000
    assert gate._resident(2**22 + 1) == 0


def confined(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> dict[str, Any]:
    """Let the gate's child run this code, and return what the gate makes of it."""
    monkeypatch.setattr(gate, "_CHILD", code)
    return gate.confined({"kind": "text"}, folder, Limits(), "a.csv")


def test_the_child_has_no_environment_and_stands_in_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGKIT_TOKEN", "hush")
    code = """
import json, os, sys
told = {"env": dict(os.environ), "cwd": os.getcwd(), "isolated": sys.flags.isolated}
told |= {"leads": os.getsid(0) == os.getpid(), "asked": json.loads(sys.argv[2]), "root": sys.argv[1]}
told["typed"] = sys.stdin.read()
print(json.dumps(told))
print("noise", file=sys.stderr)
"""
    told = confined(monkeypatch, tmp_path, code)
    assert set(told["env"]) <= {"LC_CTYPE"}  # which Python sets for itself
    assert told["cwd"] == str(tmp_path)
    assert (told["isolated"], told["typed"], told["leads"]) == (1, "", True)
    assert told["asked"]["kind"] == "text"
    assert told["asked"]["folder"] == str(tmp_path)
    assert told["asked"]["limits"]["memory"] == Limits().memory
    assert (Path(told["root"]) / "segkit" / "data" / "gate.py").is_file()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["said"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os.abort()", "a.csv is damaged or too large to be read."),
        ("print('half {')", "a.csv is damaged or too large to be read."),
        ("""print('{"fault": "a.csv is odd."}')""", "a.csv is odd."),
    ],
)
def test_what_becomes_of_the_child_is_one_sentence(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceError) as caught:
        confined(monkeypatch, tmp_path, code)
    assert str(caught.value) == said


def test_the_scanner_sees_the_file_and_a_path_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEGKIT_TOKEN", "hush")
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("a,b\n1,2\n3,4\n")
    code = "import json, os, sys; print('noise'); seen = [sys.argv, dict(os.environ), sys.stdin.read()]\n"
    code += "json.dump(seen, open('told', 'w'))"
    Path("scan.py").write_text(code)
    limits = Limits(scanner=f"{sys.executable} {tmp_path / 'scan.py'} --deep")
    gate.inspect(Path("a.csv"), "text", limits, "a.csv")
    arguments, environ, typed = json.loads(Path("told").read_text())
    assert arguments == [str(tmp_path / "scan.py"), "--deep", str(tmp_path / "a.csv")]
    assert environ.pop("PATH") == os.environ["PATH"]
    assert set(environ) <= {"LC_CTYPE"}
    assert typed == ""
    assert capfd.readouterr() == ("", "")


def test_what_an_archive_would_become_is_told_in_figures(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a", {"a.csv": b"x" * 51_000_000})
    times = f"{51_000_000 / path.stat().st_size:,.0f} times its size"
    with pytest.raises(SourceError, match=f"^a would unpack to {times}, as a trap does"):
        gate.inspect(path, "zip", Limits(), "a")
    with pytest.raises(SourceError, match=r"^a would unpack to 51 MB in 1 files: more than allowed"):
        gate.inspect(path, "zip", Limits(unpacked=50_999_999), "a")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SourceError, match=r"^a.csv is damaged: it starts like a zip archive"):
        gate.inspect(path, "zip", Limits(), "a.csv")


@pytest.mark.parametrize(("resident", "said"), [(70, ""), (71, "a.csv needs more than 0 MB of memory")])
def test_a_child_may_take_seven_eighths_of_its_memory(
    resident: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(gate, "_resident", lambda pid: asked.append(pid) or resident)
    monkeypatch.setattr(gate, "_CHILD", "import time; time.sleep(1); print('{}')")
    if not said:
        assert gate.confined({}, tmp_path, Limits(memory=80), "a.csv") == {}
    else:
        with pytest.raises(SourceError, match=said):
            gate.confined({}, tmp_path, Limits(memory=80), "a.csv")
    assert all(isinstance(pid, int) and pid > 1 for pid in asked)


def test_the_blocks_of_a_file_are_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    assert [bytes(block) for block in gate.blocks(tmp_path / "a", 4)] == [b"0123", b"4567", b"89"]
    (tmp_path / "a").write_bytes(b"")
    assert list(gate.blocks(tmp_path / "a")) == []
