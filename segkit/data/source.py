"""Read anything: a file, a frame or a sample in, one table and a reading report out.

Files are read by DuckDB with its doors closed: one allowed file, no extension, no network. CSV and workbooks
arrive as texts, and `texts` decides what they hold. Every repair is counted in the `Reading`; nothing is
dropped in silence. What a column *means* is decided in `columns`.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import re
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa

from segkit.errors import SourceError, nearest

from . import gate, samples, texts

_CSV = (
    "read_csv($path, columns = $columns, delim = $delimiter, header = $header, quote = '\"', escape = '\"',"
    " auto_detect = false, strict_mode = true, store_rejects = true)"
)
_NO_EXTENSIONS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_REJECTS = "select count(distinct line), min(line), arg_min(error_type::varchar, line) from reject_errors"


@dataclass(frozen=True)
class Reading:
    """What was read and what was repaired.

    Attributes
    ----------
    source : str
        Name of the file or sample, or "frame"; never a directory, never a credential.
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
        One sentence for each repair and each doubt.
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
        A pandas frame for files and samples; a frame comes back in its own kind, changed as the notes say.
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
        scheme, address, _ = str(source).partition("://")
        if address:
            raise SourceError(
                f"Addresses ({scheme}://...) cannot be read. A source is a file or sample:NAME."
            )
        frame, reading = _file(Path(source).expanduser(), largest)
    else:
        frame, reading = _frame(source)
    rows, columns = nw.from_native(frame, eager_only=True).shape
    if rows < 2:
        found = "one row" if rows else "no rows under its header"
        raise SourceError(f"{reading.source} has {found}. At least two are needed, one for each customer.")
    return frame, replace(reading, rows=rows, columns=columns)


# ---------------------------------------------------------------------------------------------- not a file
def _sample(source: str) -> tuple[Any, Reading]:
    name = source.removeprefix("sample:")
    if name not in samples.NAMES:
        known = ", ".join(samples.NAMES)
        raise SourceError(f'There is no sample "{name}"; there are {known}.{nearest(name, samples.NAMES)}')
    frame = samples.NAMES[name]()
    return frame, Reading(source, "sample", sha256=_digest(nw.from_native(frame)))


def _frame(source: Any) -> tuple[Any, Reading]:
    native, renamed = _named(nw.to_native(source, pass_through=True))
    try:
        frame = nw.from_native(native, eager_only=True)
    except TypeError:
        found = type(source).__name__
        raise SourceError(
            f"A source is a path, sample:NAME or a frame (pandas, polars, pyarrow); found {found}."
        ) from None
    if not len(frame) or not frame.columns:
        raise SourceError("The frame is empty. At least two rows and one column are needed.")
    odd = [name for name, dtype in frame.schema.items() if dtype == nw.Object]
    frame = frame.with_columns(*(_as_texts(frame[name]) for name in odd))
    digest = _digest(frame)
    frame, notes, repaired = texts.typed(frame)
    mixed = [f'Column "{name}" holds values of several kinds; it is read as text.' for name in odd]
    notes = _rename_notes(renamed) + mixed + notes
    return frame.to_native(), Reading(
        "frame", "frame", sha256=digest, renamed=renamed, repaired=repaired, notes=tuple(notes)
    )


def _named(native: Any) -> tuple[Any, tuple[tuple[str, str], ...]]:
    """Give a pandas or pyarrow frame unique names that are texts, if it has none."""
    if isinstance(native, pd.DataFrame):
        names: list[Any] = list(native.columns)
        new, renamed = _unique(
            " ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in names
        )
        return (native if new == names else native.set_axis(new, axis=1)), renamed
    if isinstance(native, pa.Table):
        new, renamed = _unique(native.column_names)
        return native.rename_columns(new), renamed
    return native, ()


def _as_texts(column: nw.Series[Any]) -> nw.Series[Any]:
    values = zip(column.to_list(), column.is_null().to_list(), strict=True)
    cells = [None if missing else str(value) for value, missing in values]
    return nw.new_series(column.name, cells, nw.String, backend=column.implementation)


class _Hash:
    """A file that keeps only the digest of what is written to it."""

    closed = False

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...


def _digest(frame: nw.DataFrame[Any]) -> str:
    """Hash a frame as an Arrow stream; the same values in the same order give the same digest."""
    table, sink = frame.to_arrow().combine_chunks().replace_schema_metadata(None), _Hash()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), table.schema) as stream:
        stream.write_table(table)
    return sink.digest.hexdigest()


# ---------------------------------------------------------------------------------------------- files
def _file(path: Path, largest: int) -> tuple[Any, Reading]:
    kind, size = gate.kind(path), path.stat().st_size
    if largest and size > largest:
        raise SourceError(
            f"{path.name} has {size / 1e6:,.0f} MB; at most {largest / 1e6:,.0f} MB are allowed."
        )
    digest = hashlib.sha256()
    for block in gate.blocks(path):
        digest.update(block)
    reading = Reading(path.name, kind, bytes=size, sha256=digest.hexdigest())
    readers = {"parquet": _parquet, "xlsx": _workbook, "text": _text}
    with tempfile.TemporaryDirectory(prefix="segkit-") as folder:  # only we may enter it; it goes at the end
        table, names, reading = readers[kind](path, Path(folder), reading)
        new, renamed = _unique(names)
        frame, notes, repaired = texts.typed(
            nw.from_native(table), dict(zip(table.columns, new, strict=True))
        )
    notes = [*reading.notes, *_rename_notes(renamed), *notes]
    return frame.to_native(), replace(reading, renamed=renamed, repaired=repaired, notes=tuple(notes))


_Read = tuple[duckdb.DuckDBPyRelation, list[str], Reading]


def _parquet(path: Path, folder: Path, reading: Reading) -> _Read:
    table = _table(path, path.name, folder, "read_parquet($path)")
    return table, table.columns, reading


def _workbook(path: Path, folder: Path, reading: Reading) -> _Read:
    parquet, sheet, names = gate.spreadsheet(path, folder)
    return _table(parquet, path.name, folder, "read_parquet($path)"), names, replace(reading, sheet=sheet)


def _text(path: Path, folder: Path, reading: Reading) -> _Read:
    plain, encoding, start = _as_utf8(path, folder)
    reading = replace(reading, encoding=encoding)
    notes = [] if encoding == "utf-8" else [f"The file is not UTF-8; it is read as {encoding}."]
    if re.match(r'(\[\s*)?\{\s*["}]', start.lstrip()):
        table = _table(plain, path.name, folder, "read_json($path, sample_size = -1)")
        return table, table.columns, replace(reading, format="jsonl", notes=tuple(notes))
    delimiter = _delimiter(start)
    if delimiter == " ":
        plain, start, delimiter = *_unaligned(plain, folder), "\t"
        notes.append("Its columns were lined up with spaces.")
    names = next(row for row in csv.reader(StringIO(start), delimiter=delimiter) if any(row))
    headless = sum(map(texts.is_number, names)) > 0.5 * len(names)
    if headless:
        notes.append("The first line holds values, not names; columns are called column_1, column_2, ...")
    columns = {f"c{at}": "VARCHAR" for at in range(len(names))}
    table = _table(plain, path.name, folder, _CSV, columns=columns, delimiter=delimiter, header=not headless)
    format_ = "tsv" if delimiter == "\t" else "csv"
    reading = replace(reading, format=format_, delimiter=delimiter, notes=tuple(notes))
    return table, [f"column_{at}" for at in range(1, len(names) + 1)] if headless else names, reading


def _table(path: Path, name: str, folder: Path, reader: str, **values: Any) -> duckdb.DuckDBPyRelation:
    """Read a file into an in-memory database that can open this one file and reach nothing else."""
    plain = _literal(path, folder)
    database = duckdb.connect(config=dict(_NO_EXTENSIONS))
    database.execute("set allowed_paths = ?", [[str(plain)]])
    database.execute("set enable_external_access = false")
    database.execute("set lock_configuration = true")
    try:
        database.execute(f"create table source as select * from {reader}", {"path": str(plain), **values})  # noqa: S608 - readers are constants
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(plain), name)[:160]
        raise SourceError(f"{name} cannot be read; it is damaged or not what it seems ({reason}).") from None
    if reader == _CSV:
        _refuse_ragged(database, name, len(values["columns"]))
    return database.table("source")


def _literal(path: Path, folder: Path) -> Path:
    """Return a path that DuckDB takes as it stands: in a name, `*?[` would be a pattern."""
    full = path.resolve()
    if not set("*?[]{}").intersection(str(full)):
        return full
    copy = folder / "source"
    copy.write_bytes(full.read_bytes())
    return copy


def _refuse_ragged(database: duckdb.DuckDBPyConnection, name: str, width: int) -> None:
    count, line, fault = database.execute(_REJECTS).fetchall()[0]
    if count:
        found = {"MISSING COLUMNS": "fewer values than", "TOO MANY COLUMNS": "more values than"}
        words = found.get(fault, "a value in odd quotes, so it does not match")
        others = f", and {count - 1:,} more lines are like it" if count > 1 else ""
        raise SourceError(
            f"{name}: line {line:,} has {words} the header's {width} columns{others}."
            " Put values that hold the delimiter in double quotes, and double the quotes inside them."
        )


def _as_utf8(path: Path, folder: Path) -> tuple[Path, str, str]:
    """Return a UTF-8 version of a text file, the encoding it had, and how it starts."""
    encoding, plain = _encoding(path), path
    if encoding != "utf-8":
        plain = folder / "utf8"
        with (
            path.open(encoding=encoding, newline="", errors="replace") as old,
            plain.open("w", newline="", encoding="utf-8") as new,
        ):
            new.writelines(iter(lambda: old.read(1 << 20), ""))
    with plain.open(encoding="utf-8-sig") as file:  # any line end becomes \n
        return plain, encoding, file.read(1 << 18)


def _encoding(path: Path) -> str:
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoding = "utf-8"
    for block in chain(gate.blocks(path), [b""]):
        if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if b"\0" in block:
            raise SourceError(f"{path.name} holds zero bytes: it is damaged, or binary data and not text.")
        try:
            decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            encoding = "cp1252"
    return encoding


def _delimiter(start: str) -> str:
    """Return the sign that splits most of the first lines into as many values as the header has."""
    lines = start.splitlines()[:500]
    best = (0.0, 1, ",")
    for delimiter in (",", ";", "\t", "|"):
        widths = [len(row) for row in csv.reader(StringIO("\n".join(lines)), delimiter=delimiter) if row]
        if widths and widths[0] > 1:
            best = max(best, (widths.count(widths[0]) / len(widths), widths[0], delimiter))
    words = {len(line.split()) for line in lines if line.strip()}
    aligned = (
        not best[0]
        and len(words) == 1
        and words != {1}
        and all(re.search(r"^ |  |\t", line) for line in lines if line)
    )
    return " " if aligned else best[2]


def _unaligned(path: Path, folder: Path) -> tuple[Path, str]:
    """Turn columns that spaces line up into columns that tabs divide."""
    plain = folder / "tabs"
    lines = ["\t".join(line.split()) for line in path.read_text(encoding="utf-8-sig").splitlines()]
    plain.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return plain, "\n".join(lines[:500])


def _unique(names: Iterable[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Name blank columns by place and repeated ones by count.

    Examples
    --------
    >>> _unique(["a", "", "a", "a_2"])
    (['a', 'column_2', 'a_3', 'a_2'], (('', 'column_2'), ('a', 'a_3')))
    """
    old = list(names)
    tidy = [
        " ".join(name.replace("\ufeff", "").split()) or f"column_{at}" for at, name in enumerate(old, start=1)
    ]
    new: list[str] = []
    for name in tidy:
        numbered = (f"{name}_{number}" for number in range(2, len(tidy) + 2))
        new.append(next(each for each in numbered if each not in {*new, *tidy}) if name in new else name)
    return new, tuple((a, b) for a, b in zip(old, new, strict=True) if a != b)


def _rename_notes(renamed: tuple[tuple[str, str], ...]) -> list[str]:
    return [f'Column "{old}" is called "{new}" here.' for old, new in renamed]
