"""A database and a query to rows: SQLite and DuckDB files, and PostgreSQL with an extra driver.

Every database is opened for reading only. Passwords never stand in an address: ``env:NAME`` names the
variable that holds one. What comes back is a Parquet file, like everything that enters.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import duckdb

from segkit.errors import SourceError
from segkit.safe import identifier

if TYPE_CHECKING:
    import pyarrow as pa

_NO_EXTENSIONS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_TABLES = "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%'"
_BATCH_ROWS = 20_000


def shown(address: str) -> str:
    """Return an address as it may be shown: without user, password and options.

    Examples
    --------
    >>> shown("postgresql://me:secret@db.example:5432/shop?sslmode=require")
    'postgresql://db.example:5432/shop'
    """
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.hostname and parts.port else ""
    path = Path(parts.path).name if parts.scheme in {"sqlite", "duckdb"} else parts.path.lstrip("/")
    return f"{parts.scheme}://{parts.hostname or ''}{port}/{path}"


def fetch(address: str, query: str, out: Path) -> None:
    """Write what a query finds in a database at an address to a Parquet file.

    Raises
    ------
    SourceError
        When the address is of another kind or holds a password, a driver is missing, or the query fails.
    """
    parts = urlsplit(address)
    if parts.scheme in {"sqlite", "duckdb"}:
        path = Path(parts.netloc + parts.path.removeprefix("/" if not parts.netloc else ""))
        if not path.is_file():
            raise SourceError(f"There is no database {path}. An address is written sqlite:///FILE.")
        fetch_file(path, parts.scheme, query, out)
    elif parts.scheme in {"postgresql", "postgres"}:
        _postgres(address, query, out)
    else:
        raise SourceError(
            f"Addresses ({parts.scheme}://...) cannot be read. A source is a file, sample:NAME, or the"
            " address of a database: sqlite:///FILE, duckdb:///FILE, postgresql://HOST/NAME."
        )


def fetch_file(path: Path, what: str, query: str, out: Path) -> None:
    """Write what a query finds in an SQLite or DuckDB file to Parquet; no query takes its only table."""
    try:
        (_sqlite if what == "sqlite" else _duckdb)(path, query, out)
    except (sqlite3.Error, duckdb.Error) as error:
        reason = str(error).splitlines()[0][:160].replace(str(path), path.name)
        raise SourceError(f"{path.name} cannot be read as a database ({reason}).") from None


def _select(name: str, tables: Iterable[str], query: str) -> str:
    """Return the query asked for, or one that takes the only table."""
    if query:
        if not re.match(r"\s*(select|with|from)\b", query, re.IGNORECASE):
            raise SourceError("A query must start with SELECT or WITH.")
        return query
    known = sorted(tables)
    if len(known) != 1:
        found = ", ".join(known[:10]) or "none"
        raise SourceError(
            f"{name} must hold one table, or say which rows with the parameter query; found {found}."
        )
    return f"SELECT * FROM {identifier(known[0])}"  # noqa: S608 - quoted


def _sqlite(path: Path, query: str, out: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - only databases need it
    import pyarrow.parquet as pq  # noqa: PLC0415

    with sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True) as database:
        database.execute("PRAGMA query_only = 1")
        tables = [name for (name,) in database.execute(_TABLES)]
        database.execute("BEGIN")  # both passes see the same rows
        asked = _select(path.name, tables, query)
        cursor = database.execute(asked)
        names = [f"{each[0]}" for each in cursor.description]
        kinds: list[set[type]] = [set() for _ in names]
        for rows in _batches(cursor):
            for seen, column in zip(kinds, zip(*rows, strict=True), strict=True):
                seen.update(map(type, column))
        schema = pa.schema([(name, _arrow(seen)) for name, seen in zip(names, kinds, strict=True)])
        with pq.ParquetWriter(out, schema) as writer:
            for rows in _batches(database.execute(asked)):
                columns = [
                    pa.array(_texts(column) if pa.types.is_string(kind) else column, kind)
                    for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
                ]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))
    database.close()


def _batches(cursor: sqlite3.Cursor) -> Iterator[list[tuple[object, ...]]]:
    yield from iter(lambda: cursor.fetchmany(_BATCH_ROWS), [])


def _texts(values: Iterable[object]) -> list[str | None]:
    return [None if value is None else str(value) for value in values]


def _arrow(kinds: set[type]) -> pa.DataType:
    """Return Arrow's type for a column of SQLite, whose values may be of several kinds."""
    import pyarrow as pa  # noqa: PLC0415

    kinds = kinds - {type(None)}
    if not kinds:
        return pa.null()
    if kinds <= {float, int}:
        return pa.int64() if kinds == {int} else pa.float64()
    return pa.string()


def _duckdb(path: Path, query: str, out: Path) -> None:
    with duckdb.connect(str(path), read_only=True, config=dict(_NO_EXTENSIONS)) as database:
        database.execute("set allowed_directories = ?", [[str(out.parent)]])
        database.execute("set enable_external_access = false")  # a view may name any file
        found = database.execute("select table_name from information_schema.tables").fetchall()
        database.sql(_select(path.name, [row[0] for row in found], query)).write_parquet(str(out))


def _postgres(address: str, query: str, out: Path) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415

    parts = urlsplit(address)
    if parts.password and not parts.password.startswith("env:"):
        raise SourceError(
            f"{shown(address)}: no password in an address; write env:NAME of a variable that holds it."
        )
    if parts.password:
        variable = parts.password.removeprefix("env:")
        if not os.environ.get(variable):
            raise SourceError(
                f"{shown(address)}: the variable {variable} is not set; it must hold the password."
            )
        secret = quote(os.environ[variable], safe="")
        address = address.replace(f":{parts.password}@", f":{secret}@", 1)
    try:
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415 - an extra
    except ImportError:
        raise SourceError(f"{shown(address)} needs a driver: pip install 'segkit[postgres]'.") from None
    try:
        with dbapi.connect(address) as database, database.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")  # of this one, which a query cannot leave
            cursor.execute("select table_name from information_schema.tables where table_schema = 'public'")
            cursor.execute(_select(shown(address), [row[0] for row in cursor.fetchall()], query))
            pq.write_table(cursor.fetch_arrow_table(), out)
    except dbapi.Error as error:
        raise SourceError(f"{shown(address)} cannot be read ({type(error).__name__}).") from None
