"""The gate: what a file is, by its content, and spreadsheets parsed where they can do no harm.

A name proves nothing: the first bytes say what a file is. A spreadsheet is opened in a child process with limits on memory,
processor time and waiting, in a clean environment; what comes back is a Parquet file of texts, and a child that
crashes is a refusal, never the end of this process. What the columns mean is decided in `source`, not here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

from segkit.errors import SourceError

MEMORY = 2 << 30  # address space of the child, bytes
SECONDS = 60  # processor time of the child, and how long it is waited for
LARGEST = 200_000_000  # bytes of a spreadsheet

# First bytes -> kind. Order matters where one sign begins with another.
_SIGNS = (
    (b"PAR1", "parquet"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls)"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML document"),
)


def kind(path: Path) -> str:
    """Return what a file is by its content: "parquet", "xlsx" or "text".

    Raises
    ------
    SourceError
        When there is no such file, it is a directory, empty, unreadable, or of a kind that holds no customer table.
    """
    head = _head(path)
    if not head.strip(b"\xef\xbb\xbf \t\r\n\0"):
        raise SourceError(f"{path.name} is empty. A source needs a header line and at least two rows.")
    if head.startswith(b"PK"):
        return _zip_kind(path)
    found = next(
        (name for sign, name in _SIGNS if head.lstrip(b"\xef\xbb\xbf \r\n").lower().startswith(sign.lower())),
        "text",
    )
    if found == "text" and b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        found = "binary data"
    if found not in {"text", "parquet"}:
        raise SourceError(f"{path.name} is {found}. Sources are CSV, TSV, Parquet, XLSX or JSON lines.")
    return found


def spreadsheet(
    path: Path, folder: Path, *, seconds: float = SECONDS, memory: int = MEMORY
) -> tuple[Path, str, list[str]]:
    """Read the data sheet of a workbook in a child process; return a Parquet file of texts, its sheet and the header.

    The data sheet is the one with most filled cells under a header: as many columns as the header is wide times as many
    rows as are at least half filled. `folder` is a private directory that the caller removes.

    Raises
    ------
    SourceError
        When the workbook is too large, holds no table, or cannot be parsed within `seconds` and `memory` bytes.
    """
    if path.stat().st_size > LARGEST:
        raise SourceError(
            f"{path.name} is over {LARGEST // 1_000_000} MB. Save large tables as CSV or Parquet."
        )
    table = folder / "sheet.parquet"
    root = str(Path(__file__).resolve().parents[2])
    start = (
        "import sys; sys.path.insert(0, sys.argv[1]); from segkit.data import gate; gate.child(*sys.argv[2:])"
    )
    command = [
        sys.executable,
        "-I",
        "-c",
        start,
        root,
        str(path.resolve()),
        str(table),
        str(int(seconds)),
        str(memory),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, and a path as an argument
            command,
            env={},
            cwd=folder,
            capture_output=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(
            f"{path.name} was not read within {seconds:g} seconds. Save the sheet as CSV."
        ) from None
    with suppress(ValueError, KeyError):
        said = json.loads(done.stdout)
        if done.returncode == 0 and table.exists():
            return table, said["sheet"], said["header"]
        raise SourceError(f"{path.name} {said['fault']}.")
    raise SourceError(
        f"{path.name} cannot be read as a workbook: it is damaged or too large. Save the sheet as CSV."
    )


def child(path: str, table: str, seconds: str, memory: str) -> None:
    """Parse a workbook; runs in the child process only, and prints one JSON object."""
    import resource  # noqa: PLC0415 - POSIX only, and only the child needs it

    limits = (
        (resource.RLIMIT_CPU, int(seconds)),
        (resource.RLIMIT_AS, int(memory)),
        (resource.RLIMIT_CORE, 0),
    )
    for what, most in limits:
        with suppress(ValueError, OSError):  # macOS refuses some limits; the parent's clock still holds
            resource.setrlimit(what, (most, most))
    try:
        sheet, rows = _largest_table(path)
        header = [_text(cell) or "" for cell in rows[0]]
        _write(rows[1:], len(header), table)
    except IndexError:
        print(json.dumps({"fault": "holds no table: no sheet has a header line above rows of values"}))  # noqa: T201
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever the parser says, the parent turns it into one sentence
        print(json.dumps({"fault": f"cannot be read as a workbook ({type(error).__name__})"}))  # noqa: T201
        sys.exit(1)
    print(json.dumps({"sheet": sheet, "header": header}))  # noqa: T201


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SourceError(f"{path.name or path} is a directory. Name one file in it.")
        with path.open("rb") as file:
            return file.read(4096)
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}. Check the path, or use sample:retail.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{path.name} cannot be opened: {reason}.") from None


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            if "xl/workbook.xml" in archive.namelist():
                return "xlsx"
    except (zipfile.BadZipFile, OSError):
        raise SourceError(
            f"{path.name} is damaged: it starts like a workbook or an archive and ends early."
        ) from None
    raise SourceError(f"{path.name} is a zip archive without a workbook. Unpack it and name the table in it.")


def _largest_table(path: str) -> tuple[str, list[list[Any]]]:
    import python_calamine  # noqa: PLC0415 - only the child parses

    book = python_calamine.CalamineWorkbook.from_path(path)
    tables = []
    for name in book.sheet_names:
        rows = _block(book.get_sheet_by_name(name).to_python())
        if len(rows) > 1:
            tables.append((len(rows) * len(rows[0]), name, rows))
    _, sheet, rows = max(tables, key=lambda each: each[0], default=(0, "", []))
    return sheet, rows


def _block(rows: list[list[Any]]) -> list[list[Any]]:
    """Return the rectangle under the widest header: its first row is the header, empty rows and columns are gone."""
    filled = [[cell not in ("", None) for cell in row] for row in rows]
    width = max((sum(row) for row in filled), default=0)
    start = next(
        (at for at, row in enumerate(filled) if sum(row) >= max(1, 0.6 * width) and _is_header(rows[at])),
        None,
    )
    if start is None:
        return []
    body = [at for at in range(start, len(rows)) if any(filled[at])]
    keep = [at for at in range(len(rows[0])) if any(filled[row][at] for row in body)]
    full = [at for at in body if sum(filled[at]) >= 0.5 * len(keep)]
    # A sheet of prose has many rows and few filled cells: it is no table, whatever its outline.
    return [[rows[row][at] for at in keep] for row in body] if len(full) > 0.5 * len(body) else []


def _is_header(row: list[Any]) -> bool:
    cells = [cell for cell in row if cell not in ("", None)]
    return sum(isinstance(cell, str) for cell in cells) > 0.5 * len(cells)


def _write(rows: list[list[Any]], width: int, table: str) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only the child writes
    import pyarrow.parquet as pq  # noqa: PLC0415

    if not rows:
        raise IndexError
    columns = {f"c{at}": pa.array((_text(row[at]) for row in rows), pa.string()) for at in range(width)}
    pq.write_table(pa.table(columns), table)


def _text(cell: Any) -> str | None:
    """Return a cell as the text a CSV export would hold."""
    if isinstance(cell, float):
        return repr(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ") if cell.time().isoformat() != "00:00:00" else cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return None if cell in ("", None) else str(cell)


def blocks(path: Path, size: int = 1 << 20) -> Iterator[bytes]:
    """Yield the bytes of a file, a megabyte at a time."""
    with path.open("rb") as file:
        yield from iter(lambda: file.read(size), b"")
