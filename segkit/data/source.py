"""Read anything: a file, a frame, a database or a sample in, one table and a reading report out.

Files are read in `files`, behind the `gate`; frames keep their kind. Every repair is counted in the
`Reading`; nothing is dropped in silence. What a column *means* is decided in `columns`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow as pa

from segkit import places
from segkit.errors import SourceError, nearest

from . import databases, files, samples, texts
from .gate import Limits
from .reading import Hints, Reading, rename_notes, unique

__all__ = ["Hints", "Limits", "Reading", "load"]

_BITS = (8, 16, 32, 64)
# Whole numbers with missing values, as Parquet may hold them; those of a text become floats.
_NULLABLE = {pa.type_for_alias(f"int{bits}"): pd.api.types.pandas_dtype(f"Int{bits}") for bits in _BITS}
_NULLABLE |= {pa.type_for_alias(f"uint{bits}"): pd.api.types.pandas_dtype(f"UInt{bits}") for bits in _BITS}


def load(
    source: object,
    *,
    sheet: str = "",
    query: str = "",
    dates: str = "auto",
    decimal: str = "auto",
    trusted: bool | None = None,
    limits: Limits | None = None,
) -> tuple[Any, Reading]:
    """Read a source into a table.

    Parameters
    ----------
    source : str, path or frame
        A file (CSV and its like, Parquet, Arrow, XLSX, XLS, ODS, JSON lines, SQLite, DuckDB; plain or in gz,
        bz2 or zip), a pattern of files with the same columns, an address of a database, ``"sample:NAME"``,
        or a frame: pandas, polars or pyarrow, or a lazy one that narwhals knows (DuckDB, PySpark), which is
        collected.
    sheet, query, dates, decimal : str
        What a file leaves open: the sheet of a workbook, SQL for a database, what comes first in dates
        ("day", "month", "year") and the decimal mark ("point", "comma").
    trusted : bool, optional
        Whether files may be read in this process; by default they may, except in a dashboard. Spreadsheets
        and zip archives never are.
    limits : Limits, optional
        What the reading of one file may cost; by default what the deployment sets.

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
    hints = Hints(sheet, query, dates, decimal)
    trusted = not places.in_dashboard(os.environ) if trusted is None else trusted
    if isinstance(source, str) and source.startswith("sample:"):
        frame, reading = _sample(source)
    elif isinstance(source, (str, Path)) and "://" in str(source):
        frame, reading = _address(str(source), hints)
    elif isinstance(source, (str, Path)):
        frame, reading = _path(Path(source).expanduser(), hints, limits or Limits.load(), trusted=trusted)
    else:
        frame, reading = _frame(source, hints)
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
    table = nw.from_native(frame)
    types = tuple((each, texts.kind(str(dtype))) for each, dtype in table.schema.items())
    return frame, Reading(source, "sample", sha256=_digest(table), types=types)


def _frame(source: Any, hints: Hints) -> tuple[Any, Reading]:
    native, renamed = _named(nw.to_native(source, pass_through=True))
    try:
        frame = nw.from_native(native)
        frame = frame.collect("pandas") if isinstance(frame, nw.LazyFrame) else frame
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
    frame, found_ = texts.frame(frame, hints)
    mixed = [f'Column "{name}" holds values of several kinds; it is read as text.' for name in odd]
    return frame.to_native(), Reading(
        "frame",
        "frame",
        sha256=digest,
        renamed=renamed,
        repaired=found_.repaired,
        types=found_.types,
        notes=(*rename_notes(renamed), *mixed, *found_.notes),
    )


def _named(native: Any) -> tuple[Any, tuple[tuple[str, str], ...]]:
    """Give a pandas or pyarrow frame unique names that are texts, if it has none."""
    if isinstance(native, pd.DataFrame):
        names: list[Any] = list(native.columns)
        new, renamed = unique(
            " ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in names
        )
        return (native if new == names else native.set_axis(new, axis=1)), renamed
    if isinstance(native, pa.Table):
        new, renamed = unique(native.column_names)
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
@contextmanager
def _private() -> Iterator[Path]:
    """Give a folder that only we may enter, and that goes at the end."""
    with tempfile.TemporaryDirectory(prefix="segkit-") as folder:
        yield Path(folder)


def _path(path: Path, hints: Hints, limits: Limits, *, trusted: bool) -> tuple[Any, Reading]:
    if has_magic(str(path)) and not path.exists():
        return _many(path, hints, limits, trusted=trusted)
    with _private() as folder:
        table, reading = files.read(path, folder, hints, limits, trusted=trusted)
    columns = dict(zip(table.column_names, table.columns, strict=True))
    del table
    return _pandas(columns), reading


def _pandas(columns: dict[str, pa.ChunkedArray]) -> pd.DataFrame:
    """Return columns as pandas, one by one, each given up when it is done: no two copies are in memory."""
    made: dict[str, pd.Series[Any]] = {}
    for name in list(columns):
        column = columns.pop(name)
        made[name] = column.to_pandas(types_mapper=_NULLABLE.get if column.null_count else None)
        del column
    return pd.DataFrame(made, copy=False)


def _many(pattern: Path, hints: Hints, limits: Limits, *, trusted: bool) -> tuple[Any, Reading]:
    """Read the files that a pattern names, and put their rows together; their columns must be the same."""
    paths = [Path(each) for each in sorted(glob(str(pattern)))]  # noqa: PTH207 - absolute patterns too
    if not paths:
        raise SourceError(f"There is no file {pattern}. Check the path, or use sample:retail.")
    parts = [_path(path, hints, limits, trusted=trusted) for path in paths]
    first = list(parts[0][0].columns)
    for path, (frame, _) in zip(paths, parts, strict=True):
        if set(frame.columns) != set(first):
            odd = ", ".join(sorted(set(first) ^ set(frame.columns))[:5])
            raise SourceError(f"{path.name} does not have the columns of {paths[0].name}: {odd}.")
    frames, notes = [frame[first] for frame, _ in parts], []
    for name in first:
        kinds = {dict(reading.types)[name] for _, reading in parts}
        if len(kinds) > 1 and "text" in kinds:
            notes.append(f'Column "{name}" is text in some of the files; it is read as text.')
            frames = [frame.assign(**{name: frame[name].astype("str")}) for frame in frames]
    readings = [reading for _, reading in parts]
    notes += [f"{each.source}: {note}" for each in readings for note in each.notes]
    frame = pd.concat(frames, ignore_index=True)
    return frame, replace(
        readings[0],
        source=pattern.name,
        container="glob",
        bytes=sum(each.bytes for each in readings),
        sha256=hashlib.sha256("".join(each.sha256 for each in readings).encode()).hexdigest(),
        types=tuple((name, texts.kind(str(dtype))) for name, dtype in nw.from_native(frame).schema.items()),
        repaired=sum(each.repaired for each in readings),
        refused=sum(each.refused for each in readings),
        notes=(f"{len(paths)} files are put together.", *notes),
    )


def _address(address: str, hints: Hints) -> tuple[Any, Reading]:
    with _private() as folder:
        databases.fetch(address, hints.query, folder / "query.parquet")
        frame, reading = _path(folder / "query.parquet", hints, Limits.load(), trusted=True)
    return frame, replace(reading, source=databases.shown(address), format="database")
