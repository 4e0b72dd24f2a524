"""The gate: what a file is, by its content, and spreadsheets parsed where they can do no harm.

A name proves nothing: the first bytes say what a file is. A spreadsheet is opened in a child process with
limits on memory, processor time and waiting, in a clean environment; what comes back is a Parquet file of
texts, and a child that crashes is a refusal, never the end of this process. What columns hold is for `texts`.
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

_SIGNS = {
    b"\x89png": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"gif8": "a GIF picture",
    b"%pdf": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
    b"bzh": "a bzip2 archive",
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls)",
    b"arrow1": "an Arrow file",
    b"sqlite format 3": "an SQLite database",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"<table": "a web page",
    b"<?xml": "an XML document",
}
_KINDS = "Sources are CSV, TSV, Parquet, XLSX or JSON lines."
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); from segkit.data import gate; gate.child(*sys.argv[2:])"
)


def kind(path: Path) -> str:
    """Return what a file is by its content: "parquet", "xlsx" or "text".

    Raises
    ------
    SourceError
        When there is no such file, or it is a directory, empty, unreadable, or of a kind that holds no table.
    """
    head = _head(path)
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not plain.strip(b"\0"):
        raise SourceError(f"{path.name} is empty. A source needs a header line and at least two rows.")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    found = next((name for sign, name in _SIGNS.items() if plain.startswith(sign)), "")
    if (
        not found and b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
    ):  # UTF-16 holds zero bytes
        found = "binary data, not text"
    if found:
        raise SourceError(f"{path.name} is {found}. {_KINDS}")
    return "text"


def blocks(path: Path, size: int = 1 << 20) -> Iterator[bytes]:
    """Yield the bytes of a file, a megabyte at a time."""
    with path.open("rb") as file:
        yield from iter(lambda: file.read(size), b"")


def spreadsheet(
    path: Path, folder: Path, *, seconds: float = SECONDS, memory: int = MEMORY
) -> tuple[Path, str, list[str]]:
    """Read the data sheet of a workbook in a child process.

    The data sheet is the one whose table, wide times long, is largest; sheets of prose hold none.

    Parameters
    ----------
    path : Path
        An XLSX file.
    folder : Path
        A private directory, removed by the caller.
    seconds, memory : number
        Limits of the child: waiting and processor time in seconds, address space in bytes.

    Returns
    -------
    Path, str, list of str
        A Parquet file of texts with the columns c0, c1, ...; the name of the sheet; its header.

    Raises
    ------
    SourceError
        When the workbook is too large, holds no table, or cannot be parsed within the limits.
    """
    if path.stat().st_size > LARGEST:
        raise SourceError(
            f"{path.name} is over {LARGEST // 1_000_000} MB. Save large tables as CSV or Parquet."
        )
    table = folder / "sheet.parquet"
    root = Path(__file__).resolve().parents[2]
    command = [
        sys.executable,
        "-I",
        "-c",
        _CHILD,
        *map(str, (root, path.resolve(), table, int(seconds), memory)),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and code; the path is an argument
            command,
            env={},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        said = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        said = {"fault": f"was not read within {seconds:g} seconds"}
    except ValueError:  # it died before it could speak
        said = {"fault": "is damaged or too large to be read as a workbook"}
    if "fault" in said:
        raise SourceError(f"{path.name} {said['fault']}. Save its table as CSV.")
    return table, said["sheet"], said["header"]


def child(path: str, table: str, seconds: str, memory: str) -> None:
    """Parse a workbook and print one JSON object; runs in the child process only."""
    import resource  # noqa: PLC0415 - POSIX only, and only the child needs it

    limits = {resource.RLIMIT_CPU: int(seconds), resource.RLIMIT_AS: int(memory), resource.RLIMIT_CORE: 0}
    for what, most in limits.items():
        with suppress(ValueError, OSError):  # macOS refuses some limits; the parent's clock still holds
            resource.setrlimit(what, (most, most))
    try:
        sheet, rows = _largest_table(path)
        said: dict[str, Any] = {"fault": "has no sheet with a header line above rows of values"}
        if rows:
            _write(rows[1:], len(rows[0]), table)
            said = {"sheet": sheet, "header": [_text(cell) or "" for cell in rows[0]]}
    except Exception as error:  # noqa: BLE001 - whatever the parser says, the parent makes it one sentence
        said = {"fault": f"cannot be read as a workbook ({type(error).__name__})"}
    print(json.dumps(said))  # noqa: T201 - this is how the child answers


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
        raise SourceError(f"{path.name} is damaged: it starts like a workbook and ends early.") from None
    raise SourceError(f"{path.name} is a zip archive without a workbook. Unpack it and name the table in it.")


def _largest_table(path: str) -> tuple[str, list[list[Any]]]:
    import python_calamine  # noqa: PLC0415 - only the child parses

    book = python_calamine.CalamineWorkbook.from_path(path)
    tables = [(name, _block(book.get_sheet_by_name(name).to_python())) for name in book.sheet_names]
    return max(tables, key=lambda each: len(each[1]) * len(each[1][0]) if each[1] else 0, default=("", []))


def _block(rows: list[list[Any]]) -> list[list[Any]]:
    """Return the table in a sheet, header first, without empty rows and columns; nothing if there is none."""
    rows = [row for row in rows if any(map(_filled, row))]
    width = max((sum(map(_filled, row)) for row in rows), default=0)
    start = next((at for at, row in enumerate(rows) if _is_header(row, width)), len(rows))
    keep = [
        at for at, _ in enumerate(rows[0] if rows else ()) if any(_filled(row[at]) for row in rows[start:])
    ]
    table = [[row[at] for at in keep] for row in rows[start:]]
    # Prose has many rows and few filled cells: it is no table, whatever its outline.
    full = sum(sum(map(_filled, row)) >= 0.5 * len(keep) for row in table)
    return table if full > 0.5 * len(table) else []


def _filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _is_header(row: list[Any], width: int) -> bool:
    cells = [cell for cell in row if _filled(cell)]
    return len(cells) >= 0.6 * width and sum(isinstance(cell, str) for cell in cells) > 0.5 * len(cells)


def _write(rows: list[list[Any]], width: int, table: str) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only the child writes
    import pyarrow.parquet as pq  # noqa: PLC0415

    arrays = {f"c{at}": pa.array((_text(row[at]) for row in rows), pa.string()) for at in range(width)}
    pq.write_table(pa.table(arrays), table)


def _text(cell: Any) -> str | None:
    """Return a cell as the text a CSV export would hold."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime):
        return str(cell.date()) if cell.time().isoformat() == "00:00:00" else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell) if _filled(cell) else None
