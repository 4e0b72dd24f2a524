"""A file to a table: text, Parquet, Arrow, JSON lines, workbooks and databases, packed or not.

Everything is opened by DuckDB with its doors closed: the allowed files, no extension, no network. A clean
text goes straight in; one that has titles, notes or odd rows goes through `grid` row by row. Uploads and
workbooks are read by the same functions in a child process (`child`), and come back as Parquet.
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

import duckdb
from duckdb import ColumnExpression, Expression

from segkit.errors import SegkitError, SourceError, nearest

from . import databases, dialect, gate, grid, texts
from .gate import Limits
from .reading import Hints, Reading, rename_notes, unique

_CSV = (
    "read_csv($path, columns = $columns, delim = $delimiter, header = false, skip = $skip, quote = '\"',"
    " escape = '\"', auto_detect = false, strict_mode = true, store_rejects = true)"
)
_NO_EXTENSIONS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_PACKED: dict[str, Callable[..., Any]] = {"gzip": gzip.open, "bzip2": bz2.open}
_NOT_DATA = re.compile(r"(^|/)(__MACOSX|\.|readme|licen[cs]e|changelog)", re.IGNORECASE)

_Raw = tuple[duckdb.DuckDBPyRelation, list[str], Reading]


def read(path: Path, folder: Path, hints: Hints, limits: Limits, *, trusted: bool) -> _Raw:
    """Read a file; its relation, the names of its columns and what there is to say about it.

    Parameters
    ----------
    path : Path
        Any file.
    folder : Path
        A private directory that outlives the relation.
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
        relation, names, reading = table(path, what, folder, hints, limits)
        return relation, names, replace(reading, **known)
    gate.inspect(path, what, limits, name)
    request = {"path": str(path.absolute()), "hints": vars(hints)}
    said = gate.confined(request, folder, limits, name)
    relation = _stored(folder / "table.parquet", name, folder, "read_parquet($path)")
    return relation, said["names"], Reading.of(said["reading"] | known)


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
        raw, names, reading = table(path, gate.kind(path), folder, Hints(**request["hints"]), limits)
        raw.write_parquet(str(folder / "table.parquet"))
        said: dict[str, Any] = {"names": names, "reading": reading.as_dict()}
    except SegkitError as error:
        said = {"fault": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever the parser says, the parent makes it one sentence
        why = f"it is damaged or not what it seems ({type(error).__name__})"
        said = {"fault": f"{path.name} cannot be read; {why}."}
    sys.stdout.write(json.dumps(said))


def table(path: Path, what: str, folder: Path, hints: Hints, limits: Limits) -> _Raw:
    """Read a file in this process: unpack it, find its table, and turn its texts into what they hold."""
    reading, name = Reading(path.name, what), path.name
    if what in {"gzip", "bzip2", "zip"}:
        path = _unpacked(path, what, folder, limits)
        reading, what = replace(reading, container=what), gate.kind(path)
        if what in {"gzip", "bzip2", "zip"}:
            raise SourceError(f"{name} is an archive in an archive. Unpack it.")
        if what in gate.SPREADSHEETS:
            gate.inspect(path, what, limits, name)
    raw, names, reading = _READERS[what](path, folder, replace(reading, columns=limits.columns), hints)
    if len(raw.columns) > limits.columns:
        raise SourceError(f"{name} has over {limits.columns:,} columns; no more are allowed.")
    found = texts.typed(raw, dict(zip(raw.columns, names, strict=True)), hints, reading.delimiter)
    left = [new for new, key in enumerate(raw.columns) if key in found.table.columns]
    given, renamed = unique(names[at] or (f"column_{at + 1}" if "" in names else "") for at in left)
    renamed = tuple((names[at], new) for at, new in zip(left, given, strict=True) if names[at] != new)
    types = tuple((name, type_) for name, (_, type_) in zip(given, found.types, strict=True))
    notes = [*reading.notes, *rename_notes(renamed), *found.notes]
    reading = replace(
        reading, columns=0, renamed=renamed, types=types, repaired=found.repaired, notes=tuple(notes)
    )
    return found.table, given, reading


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
    raw = _stored(path, reading.source, folder, "read_parquet($path)")
    return raw, raw.columns, reading


def _arrow(path: Path, folder: Path, reading: Reading, hints: Hints) -> _Raw:
    import pyarrow as pa  # noqa: PLC0415 - a fifth of a second that other kinds need not pay
    import pyarrow.parquet as pq  # noqa: PLC0415

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
    raw = _stored(folder / "sheet.parquet", reading.source, folder, "read_parquet($path)")
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


def _plain_text(path: Path, folder: Path, reading: Reading, hints: Hints) -> _Raw:  # noqa: ARG001
    plain, encoding, start = dialect.as_utf8(path, folder)
    notes = [] if encoding == "utf-8" else [f"The file is not UTF-8; it is read as {encoding}."]
    reading = replace(reading, encoding=encoding, notes=tuple(notes))
    if re.match(r'(\[\s*)?\{\s*["}]', start.lstrip()):
        raw = _stored(plain, reading.source, folder, "read_json($path, sample_size = -1)")
        return raw, raw.columns, replace(reading, format="jsonl")
    sign, found = _looked(start, reading.source)
    if len(found.names) > reading.columns:  # so far the number that is allowed
        raise SourceError(f"{reading.source} has over {reading.columns:,} columns; no more are allowed.")
    reading = replace(reading, format="tsv" if sign == "\t" else "csv", delimiter=sign.strip("\x1f "))
    if sign == " ":
        reading = replace(reading, notes=(*reading.notes, "Its columns were lined up with spaces."))
    elif (quick := _quick(plain, start, folder, reading, found)) is not None:
        names = [*found.names, *[""] * (len(quick.columns) - len(found.names))]
        return quick, names, _reported(reading, found)
    laid = grid.write(_rows(plain, sign, reading.source), folder / "rows.parquet", name=reading.source)
    raw = _stored(folder / "rows.parquet", reading.source, folder, "read_parquet($path)")
    return raw, laid.names, _reported(reading, laid)


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
    raise SourceError(f"{name} holds {held}. A source needs a header line and at least two rows.")


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


# ---------------------------------------------------------------------------------------------- DuckDB
def _quick(
    path: Path, start: str, folder: Path, reading: Reading, found: grid.Table
) -> duckdb.DuckDBPyRelation | None:
    """Read a clean text at once; nothing when a row of it needs looking at."""
    sign, above = reading.delimiter, "\n".join(start.split("\n")[: found.start])
    if (
        len(found.header) > 1
        or not sign
        or any(line.count('"') % 2 for line in above.split("\n"))
        or re.search(rf'{re.escape(sign)} +"', start)
    ):
        return None
    if _noted(path, sign):
        return None
    columns = {f"c{at}": "VARCHAR" for at in range(found.width)}
    try:
        raw = _stored(path, reading.source, folder, _CSV, columns=columns, delimiter=sign, skip=found.start)
    except SourceError:
        return None
    blank: Expression = ColumnExpression("c0").isnull()
    same: Expression = ColumnExpression("c0") == duckdb.ConstantExpression(found.names[0])
    for at in range(1, found.width):
        blank &= ColumnExpression(f"c{at}").isnull()
        same &= ColumnExpression(f"c{at}") == duckdb.ConstantExpression(found.names[at])
    odd = raw.filter(blank | same if found.header else blank).limit(1).fetchall()
    return None if odd else raw


def _noted(path: Path, sign: str) -> bool:
    """Tell whether the last lines may be notes below the table, or a sum."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        tail = file.read().decode("utf-8", errors="replace").splitlines()[-6:]
    rows = [[cell.strip() for cell in row] for row in dialect.rows(tail, sign)]
    sparse = any(len(row) > 2 and sum(map(bool, row)) < 2 for row in rows)
    return sparse or grid.is_total(rows[-1] if rows else [])


def _stored(path: Path, name: str, folder: Path, reader: str, **values: Any) -> duckdb.DuckDBPyRelation:
    """Read a file into a database of ours that can open this one file and reach nothing else."""
    plain = _literal(path, folder)
    database = duckdb.connect(config=dict(_NO_EXTENSIONS))
    database.execute("set allowed_paths = ?", [[str(plain)]])
    database.execute("set allowed_directories = ?", [[str(folder)]])
    database.execute("set enable_external_access = false")
    database.execute("set lock_configuration = true")
    try:
        database.execute(f"create table source as select * from {reader}", {"path": str(plain), **values})  # noqa: S608 - readers are constants
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(plain), name)[:160]
        raise SourceError(f"{name} cannot be read; it is damaged or not what it seems ({reason}).") from None
    if reader == _CSV and database.execute("select 1 from reject_errors limit 1").fetchall():
        raise SourceError(f"{name} has rows that do not fit.")
    return database.table("source")


def _literal(path: Path, folder: Path) -> Path:
    """Return a path that DuckDB takes as it stands: in a name, `*?[` would be a pattern."""
    full = path.resolve()
    if not set("*?[]{}").intersection(str(full)):
        return full
    link = folder / "source"
    link.unlink(missing_ok=True)
    link.write_bytes(full.read_bytes())
    return link


_READERS: dict[str, Callable[[Path, Path, Reading, Hints], _Raw]] = {
    "parquet": _parquet,
    "arrow": _arrow,
    "text": _plain_text,
    "sqlite": _database,
    "duckdb": _database,
    **dict.fromkeys(gate.SPREADSHEETS, _workbook),
}
