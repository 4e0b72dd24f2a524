"""Read anything: a file, a frame or a sample in, one table and a reading report out.

Files are read by DuckDB with its doors closed (one allowed file, no extension, no network). CSV and workbooks arrive as texts,
and `texts` decides what they hold. Every repair is counted in the `Reading`; nothing is dropped in silence. What a column *means* is
decided in `columns`.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa

from segkit.errors import SourceError, nearest

from . import gate, samples, texts


@dataclass(frozen=True)
class Reading:
    """What was read and what was repaired.

    Attributes
    ----------
    source : str
        Name of the file, frame or sample; never a directory, never a credential.
    format : str
        "csv", "tsv", "parquet", "xlsx", "jsonl", "frame" or "sample".
    rows, columns, bytes : int
        Size of the table, and of the file (0 for frames and samples).
    sha256 : str
        Of the bytes of the file, or of the values of a frame as an Arrow stream.
    delimiter, encoding, sheet : str
        Empty where they mean nothing.
    renamed : tuple of (old, new)
        Columns whose name was empty, repeated, or no text.
    repaired, refused : int
        Cells changed on reading; rows that could not be read.
    notes : tuple of str
        One sentence for each repair.
    """

    source: str
    format: str
    rows: int = 0
    columns: int = 0
    bytes: int = 0
    sha256: str = ""
    delimiter: str = ""
    encoding: str = ""
    sheet: str = ""
    renamed: tuple[tuple[str, str], ...] = ()
    repaired: int = 0
    refused: int = 0
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)


def load(source: object, *, largest: int = 0) -> tuple[Any, Reading]:
    """Read a source into a table.

    Parameters
    ----------
    source : str, path or frame
        A CSV, TSV, Parquet, XLSX or JSON-lines file; a pandas, polars or pyarrow frame; or ``"sample:NAME"``.
    largest : int
        Refuse files of more bytes than this; 0 for no limit.

    Returns
    -------
    frame
        A pandas frame for files and samples; a frame comes back in its own kind, changed only as the notes say.
    Reading
        What was read and what was repaired.

    Raises
    ------
    SourceError
        When the source is missing, unreadable or empty, or has fewer than two rows.

    Examples
    --------
    >>> frame, reading = load("sample:retail")
    >>> reading.rows, reading.format
    (10000, 'sample')
    """
    if isinstance(source, str) and source.startswith("sample:"):
        frame, reading = _sample(source)
    elif isinstance(source, (str, Path)):
        if "://" in str(source):
            scheme = str(source).split("://", 1)[0]
            raise SourceError(
                f"Addresses ({scheme}://...) cannot be read; a source is a file, a frame or sample:NAME."
            )
        frame, reading = _file(Path(source).expanduser(), largest)
    else:
        frame, reading = _frame(source)
    rows, columns = nw.from_native(frame, eager_only=True).shape
    if rows < 2:
        found = "no rows under its header" if rows == 0 else "one row"
        raise SourceError(
            f"{reading.source} has {found}. At least two rows are needed, one for each customer."
        )
    return frame, replace(reading, rows=rows, columns=columns)


# ---------------------------------------------------------------------------------------------- what is not a file
def _sample(source: str) -> tuple[Any, Reading]:
    name = source.removeprefix("sample:")
    if name not in samples.NAMES:
        raise SourceError(
            f'There is no sample "{name}"; there are {", ".join(samples.NAMES)}.{nearest(name, samples.NAMES)}'
        )
    frame = samples.NAMES[name]()
    return frame, Reading(source=source, format="sample", sha256=_digest(frame))


def _frame(source: object) -> tuple[Any, Reading]:
    try:
        native, renamed = _named(source)
        frame = nw.from_native(native, eager_only=True, pass_through=False)
    except TypeError:
        kind = type(source).__name__
        raise SourceError(
            f"A source is a path, sample:NAME, or a pandas, polars or pyarrow frame; found {kind}."
        ) from None
    if not len(frame) or not frame.columns:
        raise SourceError("The frame is empty. At least two rows and one column are needed.")
    odd = [name for name, dtype in frame.schema.items() if dtype == nw.Object]
    frame = frame.with_columns(*(_object_texts(frame[name]) for name in odd))
    typed, notes, repaired = texts.typed(frame)
    notes = [f'Column "{name}" holds values of several kinds; read as text.' for name in odd] + notes
    reading = Reading(
        "frame", "frame", sha256=_digest(native if not odd else typed.to_native()), renamed=renamed
    )
    return typed.to_native(), replace(reading, notes=(*_rename_notes(renamed), *notes), repaired=repaired)


def _named(native: Any) -> tuple[Any, tuple[tuple[str, str], ...]]:
    """Give a pandas or pyarrow frame unique names that are texts."""
    if isinstance(native, nw.DataFrame):
        native = native.to_native()
    if isinstance(native, pd.DataFrame):
        old = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in native.columns]
        new, renamed = _unique(old)
        same = new == list(native.columns) and native.columns.nlevels == 1
        return (native if same else native.set_axis(pd.Index(new), axis=1)), renamed
    if isinstance(native, pa.Table):
        new, renamed = _unique(native.column_names)
        return (native.rename_columns(new) if renamed else native), renamed
    return native, ()


def _object_texts(column: nw.Series[Any]) -> nw.Series[Any]:
    missing = column.is_null().to_list()
    texts = [None if gone else str(value) for value, gone in zip(column.to_list(), missing, strict=True)]
    return nw.new_series(column.name, texts, nw.String, backend=column.implementation)


def _digest(native: Any) -> str:
    """Hash a frame as an Arrow stream; the same values in the same order give the same digest."""
    digest = hashlib.sha256()

    class Sink:
        closed = False

        def write(self, data: Any) -> int:
            digest.update(memoryview(data))
            return len(data)

        def flush(self) -> None: ...

        def close(self) -> None: ...

    table = nw.from_native(native, eager_only=True).to_arrow().combine_chunks().replace_schema_metadata(None)
    with pa.ipc.new_stream(pa.PythonFile(Sink(), mode="w"), table.schema) as stream:
        stream.write_table(table)
    return digest.hexdigest()


# ---------------------------------------------------------------------------------------------- files
def _file(path: Path, largest: int) -> tuple[Any, Reading]:
    kind = gate.kind(path)
    size = path.stat().st_size
    if largest and size > largest:
        raise SourceError(
            f"{path.name} has {size / 1e6:,.0f} MB; at most {largest / 1e6:,.0f} MB are allowed."
        )
    with tempfile.TemporaryDirectory(prefix="segkit-") as folder:  # 0700, gone at the end
        reading = Reading(path.name, kind, bytes=size)
        readers: dict[str, Callable[..., tuple[Any, Reading, list[str]]]] = {
            "parquet": _parquet, "xlsx": _workbook, "jsonl": _json_lines, "text": _text
        }  # fmt: skip
        if kind == "text" and _looks_like_json(path):
            kind = "jsonl"
        table, reading, names = readers[kind](path, Path(folder), replace(reading, format=kind))
        new, renamed = _unique(names)
        frame, notes, repaired = texts.typed(
            nw.from_native(table), dict(zip(table.columns, new, strict=True))
        )
    digest = hashlib.sha256()
    for block in gate.blocks(path):
        digest.update(block)
    reading = replace(
        reading, sha256=digest.hexdigest(), renamed=renamed, repaired=reading.repaired + repaired
    )
    return frame.to_native(), replace(reading, notes=(*reading.notes, *_rename_notes(renamed), *notes))


def _closed(path: Path) -> duckdb.DuckDBPyConnection:
    """Return an in-memory database that can read one file and reach nothing else."""
    doors = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    database = duckdb.connect(config=dict(doors))
    database.execute("set allowed_paths = ?", [[str(path)]])
    database.execute("set enable_external_access = false")
    database.execute("set lock_configuration = true")
    return database


def _plain_path(path: Path, folder: Path) -> Path:
    """Return an absolute path that DuckDB takes literally: `*?[` in a name would be a pattern."""
    full = path.resolve()
    if not set("*?[]{}") & set(str(full)):
        return full
    copy = folder / f"source{path.suffix if path.suffix.isalnum() else ''}"
    copy.write_bytes(full.read_bytes())
    return copy


def _query(path: Path, name: str, sql: str, values: list[Any]) -> tuple[duckdb.DuckDBPyConnection, Any]:
    """Read a file into a table of a closed database; whatever DuckDB says against it becomes one sentence."""
    database = _closed(path)
    try:
        database.execute(f"create temp table source as {sql}", values)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0][:200]
        raise SourceError(f"{name} cannot be read: it is damaged or not what it seems ({reason}).") from None
    return database, database.table("source")


def _parquet(path: Path, folder: Path, reading: Reading) -> tuple[Any, Reading, list[str]]:
    plain = _plain_path(path, folder)
    _, table = _query(plain, path.name, "select * from read_parquet(?)", [str(plain)])
    return table, reading, table.columns


def _json_lines(path: Path, folder: Path, reading: Reading) -> tuple[Any, Reading, list[str]]:
    sql = "select * from read_json(?, sample_size = -1)"
    plain = _plain_path(path, folder)
    _, table = _query(plain, path.name, sql, [str(plain)])
    return table, replace(reading, encoding="utf-8"), table.columns


def _workbook(path: Path, folder: Path, reading: Reading) -> tuple[Any, Reading, list[str]]:
    parquet, sheet, names = gate.spreadsheet(path, folder)
    _, table = _query(parquet, path.name, "select * from read_parquet(?)", [str(parquet)])
    return table, replace(reading, sheet=sheet), names


def _looks_like_json(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n")
    return re.match(rb'(\[\s*)?\{\s*("|\})', head) is not None


def _text(path: Path, folder: Path, reading: Reading) -> tuple[Any, Reading, list[str]]:
    plain, encoding, sample = _as_utf8(path, folder)
    delimiter = _delimiter(sample)
    notes = []
    if delimiter == " ":
        plain, delimiter = _unaligned(plain, folder), "\t"
        sample = plain.read_text(encoding="utf-8")[: 1 << 18]
        notes.append("Columns were lined up with spaces.")
    header = next(row for row in csv.reader(StringIO(sample), delimiter=delimiter) if any(row))
    if headless := sum(map(texts.is_number, header)) > 0.5 * len(header):
        notes.append("The first line holds values, not names; columns are named column_1, column_2, ...")
    sql = (
        "select * from read_csv(?, columns = ?, delim = ?, header = ?, auto_detect = false, quote = '\"', escape = '\"',"
        " store_rejects = true, strict_mode = true, max_line_size = 10000000)"
    )
    kinds = {f"c{at}": "VARCHAR" for at in range(len(header))}
    database, table = _query(plain, path.name, sql, [str(plain), kinds, delimiter, not headless])
    _refuse_ragged(database, path.name, len(header), delimiter)
    notes += [f"The file is not UTF-8; it was read as {encoding}."] if encoding != "utf-8" else []
    format_ = "tsv" if delimiter == "\t" else "csv"
    reading = replace(reading, format=format_, delimiter=delimiter, encoding=encoding, notes=tuple(notes))
    return table, reading, [""] * len(header) if headless else header


def _refuse_ragged(database: duckdb.DuckDBPyConnection, name: str, width: int, delimiter: str) -> None:
    errors = "select count(distinct line), min(line), arg_min(error_type::varchar, line) from reject_errors"
    count, line, fault = database.execute(errors).fetchall()[0]
    if count:
        many = "" if count == 1 else f" ({count:,} lines are like it)"
        words = {"MISSING COLUMNS": "fewer values than", "TOO MANY COLUMNS": "more values than"}
        found = words.get(fault, "a value that is not quoted right, so it does not fit")
        raise SourceError(
            f"{name}: line {line:,} has {found} the header's {width} columns{many}. "
            f'Values that hold "{delimiter}" must stand in double quotes.'.replace("\t", "tab")
        )


def _as_utf8(path: Path, folder: Path) -> tuple[Path, str, str]:
    """Return a UTF-8 version of a text file, the encoding it had, and its beginning."""
    encoding = _encoding(path)
    plain = _plain_path(path, folder)
    if encoding != "utf-8":
        plain = folder / "utf8.csv"
        with (
            path.open(encoding=encoding, newline="", errors="replace") as old,
            plain.open("w", encoding="utf-8", newline="") as new,
        ):
            new.writelines(iter(lambda: old.read(1 << 20), ""))
    with plain.open(encoding="utf-8-sig") as file:  # any line end becomes \n
        return plain, encoding, file.read(1 << 18)


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    first = next(gate.blocks(path))
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        for block in gate.blocks(path):
            if b"\0" in block:
                raise SourceError(
                    f"{path.name} is binary data, not text. Sources are CSV, TSV, Parquet, XLSX or JSON lines."
                )
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(sample: str) -> str:
    """Return the sign that splits most of the first lines into the same number of values, the header among them."""
    lines = sample.splitlines()[:500]
    best = (0.0, 1, ",")
    for delimiter in (",", ";", "\t", "|"):
        widths = [len(row) for row in csv.reader(StringIO("\n".join(lines)), delimiter=delimiter) if row]
        if widths and widths[0] > 1:
            best = max(
                best, (sum(width == widths[0] for width in widths) / len(widths), widths[0], delimiter)
            )
    if best[0] > 0:
        return best[2]
    words = Counter(len(line.split()) for line in lines if line.strip())
    aligned = (
        len(words) == 1
        and next(iter(words)) > 1
        and all(re.search(r"  |\t|^ ", line) for line in lines[:50] if line)
    )
    return " " if aligned else ","


def _unaligned(path: Path, folder: Path) -> Path:
    """Turn columns that spaces line up into columns that tabs divide."""
    plain = folder / "tabs.csv"
    with path.open(encoding="utf-8-sig") as old, plain.open("w", encoding="utf-8") as new:
        new.writelines("\t".join(line.split()) + "\n" for line in old)
    return plain


def _unique(names: Iterable[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Name blank columns by place and repeated ones by count.

    Examples
    --------
    >>> _unique(["a", "", "a", "a_2"])
    (['a', 'column_2', 'a_3', 'a_2'], (('', 'column_2'), ('a', 'a_3')))
    """
    old = list(names)
    tidy = [" ".join(name.replace("\ufeff", "").split()) for name in old]
    new: list[str] = []
    for place, name in enumerate(tidy, start=1):
        wanted = name or f"column_{place}"
        number = 2
        while wanted in new or (number > 2 and wanted in tidy):
            wanted = f"{name or 'column'}_{number}"
            number += 1
        new.append(wanted)
    return new, tuple((a, b) for a, b in zip(old, new, strict=True) if a != b)


def _rename_notes(renamed: tuple[tuple[str, str], ...]) -> list[str]:
    return [f'Column "{old}" is called "{new}" here.' for old, new in renamed]
