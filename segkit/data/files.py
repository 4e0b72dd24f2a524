"""A file to a table: text, Parquet, Arrow, JSON lines, workbooks and databases, packed or not.

Everything is opened by `rows`, and typed by `texts` as it comes in. A clean text goes straight in; one that
has notes or odd rows goes through `grid` row by row. Uploads and workbooks are read by the same functions in
a child process (`child`), and come back as Parquet.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import json
import re
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from segkit.errors import SegkitError, SourceError, nearest

from . import databases, dialect, gate, grid, texts
from .gate import Limits
from .reading import Hints, Reading, rename_notes, unique
from .rows import OddRowError, Rows, lines, opened

_PACKED: dict[str, Callable[..., Any]] = {"gzip": gzip.open, "bzip2": bz2.open}
_NOT_DATA = re.compile(r"(^|/)(__MACOSX|\.|readme|licen[cs]e|changelog)", re.IGNORECASE)

_Raw = tuple[Rows, list[str], Reading]  # what can be read, the names of its columns, what to say about it


def read(
    path: Path, folder: Path, hints: Hints, limits: Limits, *, trusted: bool
) -> tuple[pa.Table, Reading]:
    """Read a file to a table, and say what there is to say about it.

    Parameters
    ----------
    path : Path
        Any file.
    folder : Path
        A private directory.
    hints, limits : Hints, Limits
        What the person knows; what the reading may cost.
    trusted : bool
        Whether the file may be read in this process; spreadsheets never are.

    Raises
    ------
    SourceError
        When the file is missing, damaged, too large, or holds no table.
    """
    what, name = gate.kind(path), path.name
    digest = hashlib.sha256()
    for block in gate.blocks(path):
        digest.update(block)
    known: dict[str, Any] = {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}
    if trusted and what not in gate.SPREADSHEETS | {"zip"}:
        found, reading = table(path, what, folder, hints, limits)
        return found, replace(reading, **known)
    gate.inspect(path, what, limits, name)
    request = {"path": str(path.absolute()), "hints": vars(hints)}
    said = gate.confined(request, folder, limits, name)
    rows = opened(folder / "table.parquet", folder, name, "parquet")
    return pa.Table.from_batches(rows.batches([]), rows.schema), Reading.of(said["reading"] | known)


def child(asked: str) -> None:
    """Read a file and print one JSON object; runs in the child process only."""
    request = json.loads(asked)
    limits, folder = Limits(**request["limits"]), Path(request["folder"])
    most = {resource.RLIMIT_CPU: int(limits.seconds) + 1, resource.RLIMIT_AS: 6 * limits.memory}
    for each, value in (most | {resource.RLIMIT_CORE: 0}).items():
        with suppress(ValueError, OSError):  # macOS refuses some limits; the parent's clock still holds
            resource.setrlimit(each, (value, value))
    path = Path(request["path"])
    try:
        found, reading = table(path, gate.kind(path), folder, Hints(**request["hints"]), limits)
        pq.write_table(found, folder / "table.parquet")
        said: dict[str, Any] = {"reading": reading.as_dict()}
    except SegkitError as error:
        said = {"fault": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever the parser says, the parent makes it one sentence
        why = f"it is damaged or not what it seems ({type(error).__name__})"
        said = {"fault": f"{path.name} cannot be read; {why}."}
    sys.stdout.write(json.dumps(said))


def table(path: Path, what: str, folder: Path, hints: Hints, limits: Limits) -> tuple[pa.Table, Reading]:
    """Read a file in this process: unpack it, find its table, and turn its texts into what they hold."""
    reading, name = Reading(path.name, what), path.name
    if what in {"gzip", "bzip2", "zip"}:
        path = _unpacked(path, what, folder, limits)
        reading, what = replace(reading, container=what), gate.kind(path)
        if what in {"gzip", "bzip2", "zip"}:
            raise SourceError(f"{name} is an archive in an archive. Unpack it.")
        if what in gate.SPREADSHEETS:
            gate.inspect(path, what, limits, name)
    reading = replace(reading, columns=limits.columns)  # so far the number that is allowed
    for reader in _READERS[what]:
        with suppress(OddRowError):
            return _typed(*reader(path, folder, reading, hints), hints)
    raise AssertionError(what)


def _typed(rows: Rows, names: list[str], reading: Reading, hints: Hints) -> tuple[pa.Table, Reading]:
    keys = rows.schema.names
    if len(keys) > reading.columns:
        raise SourceError(f"{reading.source} has over {reading.columns:,} columns; no more are allowed.")
    found = texts.typed(rows.batches, dict(zip(keys, names, strict=True)), hints, reading.delimiter)
    left = [names[at] for at, key in enumerate(keys) if key in found.table.column_names]
    places = [at for at, key in enumerate(keys, start=1) if key in found.table.column_names]
    given, _ = unique(
        name or (f"column_{at}" if "" in names else "") for at, name in zip(places, left, strict=True)
    )
    renamed = tuple((old, new) for old, new in zip(left, given, strict=True) if old != new)
    types = tuple((name, type_) for name, (_, type_) in zip(given, found.types, strict=True))
    notes = (*reading.notes, *rename_notes(renamed), *found.notes)
    reading = replace(reading, columns=0, renamed=renamed, types=types, repaired=found.repaired, notes=notes)
    return found.table.rename_columns(given), reading


# ---------------------------------------------------------------------------------------------- containers
def _unpacked(path: Path, what: str, folder: Path, limits: Limits) -> Path:
    """Unpack the one file in an archive, up to a limit."""
    try:
        if what != "zip":
            with _PACKED[what](path) as packed:
                return _copied(cast("IO[bytes]", packed), path.name, folder, limits)
        with zipfile.ZipFile(path) as archive:
            files = [
                each for each in archive.namelist() if not each.endswith("/") and not _NOT_DATA.search(each)
            ]
            if len(files) != 1:
                found = ", ".join(files[:5]) if files else "none"
                raise SourceError(  # noqa: TRY301 - inside, so that a damaged directory is one fault too
                    f"{path.name} must hold one table; found {found}. Unpack it and name the table."
                )
            with archive.open(files[0]) as packed:
                return _copied(packed, path.name, folder, limits)
    except SourceError:
        raise
    except Exception as error:  # noqa: BLE001 - zlib, bz2 and zipfile each have several
        raise SourceError(
            f"{path.name} is damaged: it cannot be unpacked ({type(error).__name__})."
        ) from None


def _copied(packed: IO[bytes], name: str, folder: Path, limits: Limits) -> Path:
    inner, size = folder / name, 0
    with inner.open("wb") as file:
        while block := packed.read(1 << 20):
            size += file.write(block)
            if size > limits.unpacked:
                raise SourceError(f"{name} unpacks to more than {limits.unpacked / 1e6:,.0f} MB.")
    return inner


# ---------------------------------------------------------------------------------------------- kinds of file
def _parquet(path: Path, folder: Path, reading: Reading, hints: Hints) -> _Raw:  # noqa: ARG001 - one signature
    rows = opened(path, folder, reading.source, "parquet")
    return rows, rows.schema.names, reading


def _arrow(path: Path, folder: Path, reading: Reading, hints: Hints) -> _Raw:
    try:
        with pa.memory_map(str(path)) as source:
            pq.write_table(pa.ipc.open_file(source).read_all(), folder / "arrow.parquet")
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{reading.source} cannot be read; it is damaged ({type(error).__name__})."
        ) from None
    return _parquet(folder / "arrow.parquet", folder, reading, hints)


def _database(path: Path, folder: Path, reading: Reading, hints: Hints) -> _Raw:
    databases.fetch_file(path, reading.format, hints.query, folder / "query.parquet")
    reading = replace(reading, format="database")
    return _parquet(folder / "query.parquet", folder, reading, hints)


def _workbook(path: Path, folder: Path, reading: Reading, hints: Hints) -> _Raw:
    """Read the data sheet of a workbook: the one asked for, or that with the largest table."""
    import python_calamine  # noqa: PLC0415 - only the child parses

    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
    except python_calamine.PasswordError:
        raise SourceError(f"{reading.source} is protected by a password. Save it without one.") from None
    if hints.sheet and hints.sheet not in book.sheet_names:
        known = ", ".join(book.sheet_names)
        raise SourceError(
            f'{reading.source} has no sheet "{hints.sheet}"; there are {known}.'
            + nearest(hints.sheet, book.sheet_names)
        )
    found: list[tuple[int, str, list[tuple[int, grid.Row | str]]]] = []
    for sheet in [hints.sheet] if hints.sheet else book.sheet_names:
        cells = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        rows: list[tuple[int, grid.Row | str]] = [
            (at, list(map(_text, row))) for at, row in enumerate(cells, start=1)
        ]
        found.append((_weight([row for _, row in rows if not isinstance(row, str)]), sheet, rows))
    weight, sheet, rows = max(found, key=lambda each: each[0], default=(0, "", []))
    if not weight:
        raise SourceError(
            f"{reading.source} has no sheet with a header line above rows of values. Save its table as CSV."
        )
    laid = grid.write(rows, folder / "sheet.parquet", name=reading.source, padded=True)
    raw = opened(folder / "sheet.parquet", folder, reading.source, "parquet")
    others = [each for weight, each, _ in found if weight and each != sheet]
    notes = (
        [f'The sheet "{sheet}" is read; the parameter sheet takes another ({", ".join(others)}).']
        if others
        else []
    )
    return raw, laid.names, _reported(replace(reading, sheet=sheet, notes=tuple(notes)), laid)


def _weight(rows: list[grid.Row]) -> int:
    """Return how many cells the table among rows has; prose, mostly empty, is none."""
    laid = grid.find(rows[:500], padded=True)
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows[laid.start :]] if laid else []
    width = max(filled, default=0)
    full = sum(2 * cells >= width for cells in filled)
    return sum(filled) if full > 0.5 * sum(map(bool, filled)) else 0


def _text(cell: Any) -> str:
    """Return a cell as the text a CSV export would hold."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime):
        return str(cell.date()) if cell.time().isoformat() == "00:00:00" else cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _quick_text(path: Path, folder: Path, reading: Reading, hints: Hints) -> _Raw:  # noqa: ARG001
    """Open a clean text, or JSON, to be read at once; OddRowError when a row needs looking at."""
    plain, reading, start = _decoded(path, folder, reading)
    if re.match(r'(\[\s*)?\{\s*["}]', start.lstrip()):
        rows = opened(plain, folder, reading.source, "json")
        return rows, rows.schema.names, replace(reading, format="jsonl")
    reading, sign, found = _laid(start, reading)
    above = "\n".join(start.split("\n")[: found.start])
    if (
        sign in {" ", "\x1f"}
        or len(found.header) > 1
        or any(line.count('"') % 2 for line in above.split("\n"))
        or _noted(plain, sign)
        or (quotes := dialect.quotes(plain, sign)) == "odd"
    ):
        raise OddRowError
    named = bool(found.header)
    rows = lines(plain, sign, found.names, found.start, quoted=quotes != "none", named=named)
    return rows, found.names, _reported(reading, found)


def _plain_text(path: Path, folder: Path, reading: Reading, hints: Hints) -> _Raw:  # noqa: ARG001
    """Go through a text row by row."""
    plain, reading, start = _decoded(path, folder, reading)
    reading, sign, _ = _laid(start, reading)
    if sign == " ":
        reading = replace(reading, notes=(*reading.notes, "Its columns were lined up with spaces."))
    laid = grid.write(_rows(plain, sign, reading.source), folder / "rows.parquet", name=reading.source)
    return (
        opened(folder / "rows.parquet", folder, reading.source, "parquet"),
        laid.names,
        _reported(reading, laid),
    )


def _decoded(path: Path, folder: Path, reading: Reading) -> tuple[Path, Reading, str]:
    """Return a UTF-8 version of a text file, what to say about its encoding, and how it starts."""
    plain, encoding, start = dialect.as_utf8(path, folder)
    notes = () if encoding == "utf-8" else (f"The file is not UTF-8; it is read as {encoding}.",)
    return plain, replace(reading, encoding=encoding, notes=notes), start


def _laid(start: str, reading: Reading) -> tuple[Reading, str, grid.Table]:
    """Return what to say about the form of a text, the sign between its values, and where its table lies."""
    sign, found = _looked(start, reading.source)
    if len(found.names) > reading.columns:
        raise SourceError(f"{reading.source} has over {reading.columns:,} columns; no more are allowed.")
    form = "tsv" if sign == "\t" else "csv"
    return replace(reading, format=form, delimiter=sign.strip("\x1f ")), sign, found


def _looked(start: str, name: str) -> tuple[str, grid.Table]:
    """Return the sign between values and where the table lies in the first lines."""
    lines = start.split("\n")[:2000]
    for sign in [*dialect.delimiters(start), "\x1f"]:
        rows = [line.split() for line in lines] if sign == " " else list(dialect.rows(lines, sign))
        found = grid.find(rows[:500])
        narrow = found and found.header and len(rows[found.header[0]]) == 1
        if found and (sign == "\x1f" or (len(found.names) > 1 and not narrow)):
            return sign, found
    held = "no header line above rows of values" if start.strip() else "nothing"
    raise SourceError(f"{name} holds {held}. {gate.NEEDED}")


def _rows(path: Path, sign: str, name: str) -> Iterator[tuple[int, grid.Row | str]]:
    """Yield the lines and rows of a text file; a line that cannot be split comes as what is wrong with it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        if sign == " ":
            yield from ((at, line.split()) for at, line in enumerate(file, start=1))
            return
        reader = csv.reader(file, delimiter=sign, strict=True, skipinitialspace=True)
        while True:
            line = reader.line_num + 1
            try:
                yield line, next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "expected after" not in str(error):
                    raise SourceError(
                        f"{name}: a quote that opens in line {line:,} is never closed."
                    ) from None
                yield line, "a value in odd quotes, so it does not match"


def _reported(reading: Reading, laid: grid.Table) -> Reading:
    return replace(
        reading,
        header=laid.header[0] + (laid.rows == 0) if laid.header else 0,
        refused=len(laid.refused),
        lines=tuple(line for line, _ in laid.refused[:100]),
        notes=(*reading.notes, *laid.notes),
    )


def _noted(path: Path, sign: str) -> bool:
    """Tell whether the last lines may be notes below the table, or a sum."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        tail = file.read().decode("utf-8", errors="replace").splitlines()[-6:]
    rows = [[cell.strip() for cell in row] for row in dialect.rows(tail, sign)]
    sparse = any(len(row) > 2 and sum(map(bool, row)) < 2 for row in rows)
    return sparse or grid.is_total(rows[-1] if rows else [])


# How each kind is read; where a way says that a row is odd, the next is taken.
_READERS: dict[str, list[Callable[[Path, Path, Reading, Hints], _Raw]]] = {
    "parquet": [_parquet],
    "arrow": [_arrow],
    "text": [_quick_text, _plain_text],
    "sqlite": [_database],
    "duckdb": [_database],
    **{kind: [_workbook] for kind in gate.SPREADSHEETS},
}
