"""Hostile files by the hundred: bombs, disguises and mutations of good files, each given to the gate.

``python tests/hostile/swarm.py COUNT SEED`` runs in a process of its own, so that its death is seen and the
memory of its children is theirs alone, and prints what became of every file as JSON. Three things can become
of a file: it is refused, it is read right, or its table differs and the report says so. What counts as right
is never asked of segkit: a container with a checksum must give the table that went in, and whatever has none
must give what the csv module, pyarrow or sqlite3 reads in the same bytes.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import random
import resource
import sqlite3
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from segkit.data import source
from segkit.data.gate import Limits
from segkit.errors import SourceError

LIMITS = Limits(seconds=2, unpacked=50_000_000)
TABLE = pd.DataFrame({"id": [f"c{at:04d}" for at in range(300)], "spend": [at / 4 for at in range(300)]})
CSV = TABLE.to_csv(index=False).encode()
CHECKED = {"gz", "bz2", "zip", "xlsx"}  # a checksum guards the values


def zipped(**files: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/"), content)
    return sink.getvalue()


def made(write: Callable[[Any], object]) -> bytes:
    sink = io.BytesIO()
    write(sink)
    return sink.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as memory:
        TABLE.to_sql("customers", memory, index=False)
        return memory.serialize()


def workbook(*cells: tuple[str, object], **parts: bytes) -> bytes:
    """Return a workbook with these cells; parts replace or join what its archive holds."""
    book = openpyxl.Workbook()
    for at, value in cells:
        book.active[at] = value
    plain = io.BytesIO(made(book.save))
    with zipfile.ZipFile(plain) as old:
        return zipped(**{name.replace("/", "__"): old.read(name) for name in old.namelist()} | parts)


def strings(count: int, size: int) -> bytes:
    """Return a workbook whose cells all name the longest of its shared strings."""
    one = b"<si><t>" + b"x" * size + b"</t></si>"
    cells = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (at, at) for at in range(1, count))
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    return workbook(
        ("A1", "id"),
        **{
            "xl__sharedStrings.xml": b"<sst " + space + b">" + one + b"</sst>",
            "xl__worksheets__sheet1.xml": b"<worksheet "
            + space
            + b"><sheetData>"
            + cells
            + b"</sheetData></worksheet>",
        },
    )


def dictionary(rows: int, size: int) -> bytes:
    """Return a Parquet file of one long value, told once and named many times."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * size]))
    return made(lambda sink: pq.write_table(pa.table({"id": column}), sink))


def bombs() -> Iterator[tuple[str, bytes]]:
    swollen = b"a,b\n" + b"1,2\n" * 20_000_000
    yield "gzip", gzip.compress(swollen, 6)
    yield "bzip2", bz2.compress(swollen)
    yield "zip", zipped(**{"a.csv": swollen})
    yield "zip in zip", zipped(**{"a.zip": zipped(**{"a.csv": swollen})})
    yield "gzip in gzip", gzip.compress(gzip.compress(swollen))
    yield "gzip of one line", gzip.compress(b"a,b\n" + b"x" * 90_000_000)
    yield "far cell", workbook(("A1", "id"), ("XFD1048576", 1))
    yield "far row", workbook(("A1", "id"), ("B1048576", 1))
    yield "far column", workbook(("A1", "id"), ("XFD3", 1))
    yield "shared strings", strings(20_000, 200_000)
    entity = b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]><workbook/>'
    yield "entities", workbook(("A1", "id"), **{"xl__workbook.xml": entity})
    yield (
        "entities in UTF-16",
        workbook(("A1", "id"), **{"xl__workbook.xml": entity.decode().encode("utf-16")}),
    )
    yield "macros", workbook(("A1", "id"), **{"xl__vbaProject.bin": b"x"})
    yield "many parts", zipped(**{f"{at}.csv": b"" for at in range(11_000)})
    yield "dictionary", dictionary(2_000_000, 10_000)
    yield (
        "columns",
        b",".join(b"c%d" % at for at in range(100_000)) + b"\n" + b",".join([b"1"] * 100_000) + b"\n",
    )
    yield "one long line", b"x" * 30_000_000
    yield "deep JSON", b'[{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}]"
    yield "open quote", b'a,b\n1,"' + b"x\n" * 5_000_000
    yield "quotes", b"a,b\n" + b'"' * 3_000_001
    yield "delimiters", b"a,b\n" + b"," * 5_000_000
    yield "line ends", b"a,b\n" + b"\r" * 3_000_000


def good() -> dict[str, bytes]:
    return {
        "csv": CSV,
        "gz": gzip.compress(CSV, mtime=0),
        "bz2": bz2.compress(CSV),
        "zip": zipped(**{"a.csv": CSV}),
        "xlsx": made(lambda sink: TABLE.to_excel(sink, index=False)),
        "parquet": made(TABLE.to_parquet),
        "feather": made(
            lambda sink: feather.write_feather(pa.Table.from_pandas(TABLE), sink, compression="uncompressed")
        ),
        "sqlite": database(),
    }


def disguises(whole: dict[str, bytes], pick: random.Random) -> tuple[str, bytes]:
    """Return a file that starts as one kind and goes on as another."""
    one, other = pick.sample(sorted(whole), 2)
    head = pick.choice([4, 8, 16, 100])
    return f"{one} that goes on as {other}", whole[one][:head] + whole[other][pick.choice([0, head]) :]


def mutated(content: bytes, pick: random.Random) -> tuple[str, bytes]:
    at, size = pick.randrange(len(content)), pick.choice([1, 4, 64])
    how = pick.choice(["cut", "flipped", "zeroed", "doubled", "left out", "noise"])
    return how, {
        "cut": lambda: content[: max(at, 4)],
        "flipped": lambda: content[:at] + bytes([content[at] ^ 1 << pick.randrange(8)]) + content[at + 1 :],
        "zeroed": lambda: content[:at] + bytes(size) + content[at + size :],
        "doubled": lambda: content[: at + size] + content[at:],
        "left out": lambda: content[:at] + content[at + size :],
        "noise": lambda: content[:at] + pick.randbytes(size) + content[at + size :],
    }[how]()


def files(count: int, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield the kind, the name and the bytes of hostile files: bombs first, then as many as are asked for."""
    whole, pick, given = good(), random.Random(seed), 0
    for name, content in bombs():
        yield "bomb", name, content
        given += 1
    for at in range(count - given):
        if at % 4 == 3:  # a quarter are disguises
            yield "disguise", *disguises(whole, pick)
        else:
            kind = sorted(whole)[at % len(whole)]
            how, content = mutated(whole[kind], pick)
            yield kind, f"{kind} {how}", content


# ---------------------------------------------------------------------------------------------- what is right
def right(frame: pd.DataFrame, kind: str, path: Path) -> bool:
    """Tell whether a frame is what another reader finds in the same bytes."""
    if kind in CHECKED or frame.equals(TABLE):
        return bool(frame.equals(TABLE))
    try:
        return same(frame, others(path))
    except Exception:  # noqa: BLE001 - no other reader makes a table of it
        return False


def others(path: Path) -> list[list[str]]:
    """Return the cells that the csv module, pyarrow or sqlite3 finds in a file."""
    content = path.read_bytes()
    if content.startswith((b"PAR1", b"ARROW1")):
        table = pq.read_table(path) if content.startswith(b"PAR1") else feather.read_table(path)
        rows = [
            table.column_names,
            *map(list, zip(*(each.to_pylist() for each in table.columns), strict=True)),
        ]
    elif content.startswith(b"SQLite"):
        with sqlite3.connect(path) as found:
            cursor = found.execute("select * from customers")
            rows = [[each[0] for each in cursor.description], *map(list, cursor)]
        found.close()
    else:
        found = csv.reader(io.StringIO(content.decode(), newline=""), strict=True)
        rows = [row for row in found if row]  # an empty line is no row
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


def same(frame: pd.DataFrame, rows: list[list[str]]) -> bool:
    if list(frame.columns) != rows[0] or len(frame) != len(rows) - 1:
        return False
    found = zip(frame.itertuples(index=False), rows[1:], strict=True)
    return all(alike(*cell) for ours, theirs in found for cell in zip(ours, theirs, strict=True))


def alike(ours: Any, theirs: str) -> bool:
    if pd.isna(ours):
        return theirs in {"", "nan"}
    return str(ours) == theirs.strip() or (not isinstance(ours, str) and float(ours) == float(theirs))


def became(one: tuple[str, str, bytes], path: Path) -> dict[str, Any]:
    kind, name, content = one
    path.write_bytes(content)
    start = time.monotonic()
    try:
        frame, reading = source.load(path, trusted=False, limits=LIMITS)
    except SourceError as error:
        what, said = "refused", str(error)
    else:
        said = [*reading.notes, *([f"{reading.refused} refused"] if reading.refused else [])]
        what = (
            "right" if right(frame, kind, path) else "reported" if said and kind not in CHECKED else "wrong"
        )
    seconds = round(time.monotonic() - start, 2)
    if what != "wrong":
        path.unlink()
    return {"kind": kind, "name": name, "became": what, "seconds": seconds, "said": str(said)[:200]}


def main(count: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        paths = (Path(folder) / f"{at}.csv" for at in range(count))
        found = list(pool.map(became, files(count, seed), paths))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024  # of the largest child, in bytes
    json.dump({"files": found, "peak": peak}, sys.stdout)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
