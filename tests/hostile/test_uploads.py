"""Hostile uploads, cut short or swollen: this process lives, and nothing wrong is read in silence."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import time
import zipfile

import openpyxl
import pandas as pd
import pytest

from segkit.data import source
from segkit.data.gate import Limits
from segkit.errors import SourceError

LIMITS = Limits(seconds=2, unpacked=50_000_000)
TABLE = pd.DataFrame({"id": [f"c{at:04d}" for at in range(300)], "spend": [at / 4 for at in range(300)]})


def whole() -> dict[str, bytes]:
    sinks = {"xlsx": io.BytesIO(), "parquet": io.BytesIO(), "zip": io.BytesIO()}
    TABLE.to_excel(sinks["xlsx"], index=False)
    TABLE.to_parquet(sinks["parquet"])
    text = TABLE.to_csv(index=False).encode()
    with zipfile.ZipFile(sinks["zip"], "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", text)
    packed = {"gz": gzip.compress(text, mtime=0), "bz2": bz2.compress(text)}
    return {name: sink.getvalue() for name, sink in sinks.items()} | packed


def bombs() -> dict[str, bytes]:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"a,b\n" + b"1,2\n" * 20_000_000)
    book, far = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"], book.active["XFD1048576"] = "id", 1
    book.save(far)
    entities = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole()["xlsx"])) as old, zipfile.ZipFile(entities, "w") as new:
        for name in old.namelist():
            new.writestr(
                name, old.read(name).replace(b"<workbook", b'<!DOCTYPE x [<!ENTITY a "b">]><workbook')
            )
    return {
        "zip": sink.getvalue(),
        "gzip": gzip.compress(b"a,b\n" + b"1,2\n" * 20_000_000),
        "far cell": far.getvalue(),
        "entities": entities.getvalue(),
    }


def refused_or_right(path) -> str:
    start = time.monotonic()
    try:
        frame, reading = source.load(path, trusted=False, limits=LIMITS)
    except SourceError as error:
        assert time.monotonic() - start < 10
        return str(error)
    assert time.monotonic() - start < 10
    return "" if frame.equals(TABLE) else f"differs; {reading.refused} refused; {reading.notes}"


@pytest.mark.parametrize("name", ["zip", "gzip", "far cell", "entities"])
def test_a_bomb_is_refused(name, tmp_path):
    (tmp_path / "a.csv").write_bytes(bombs()[name])
    assert refused_or_right(tmp_path / "a.csv").startswith("a.csv ")


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "zip", "gz", "bz2"])
def test_a_file_cut_short_is_never_read_as_a_shorter_table(kind, tmp_path):
    content, pick = whole()[kind], random.Random(0)
    path = tmp_path / "a.csv"
    for _ in range(8):
        path.write_bytes(content[: pick.randrange(4, len(content) - 1)])
        said = refused_or_right(path)
        assert said.startswith("a.csv "), said
