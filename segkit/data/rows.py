"""The rows of a file, opened by DuckDB with its doors closed, in Arrow batches and as often as it takes.

A file is opened by a database of its own that can open this one file and reach nothing else: no extension, no
network, no other path. Nothing is read until batches are asked for, and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from duckdb import ColumnExpression, Expression

from segkit.errors import SourceError

from . import texts

_BATCH = 100_000
_NO_EXTENSIONS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_READERS = {
    "csv": "read_csv($path, columns = $columns, delim = $delimiter, header = false, skip = $skip,"
    " quote = '\"', escape = '\"', auto_detect = false, strict_mode = true, store_rejects = true)",
    "parquet": "read_parquet($path)",
    "json": "read_json($path, sample_size = -1)",
}


class OddRowError(Exception):
    """A row needs looking at before it can be read."""


@dataclass(frozen=True)
class Rows:
    """The rows of one file.

    Attributes
    ----------
    relation : DuckDBPyRelation
        Reads the file anew whenever it is asked.
    name, path : str, Path
        What the file is called in sentences, and where it lies.
    odd : callable, optional
        Tells whether a batch holds a row that needs looking at.
    refused : callable, optional
        Tells at the end whether rows were left out.
    """

    relation: duckdb.DuckDBPyRelation
    name: str
    path: Path
    odd: Callable[[pa.RecordBatch], bool] | None = None
    refused: Callable[[], bool] | None = None

    @property
    def schema(self) -> pa.Schema:
        """Return the columns and their types."""
        return self.relation.limit(0).to_arrow_table().schema

    def batches(self, columns: Sequence[Any] = ()) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, some columns (or expressions) of them or all.

        Raises
        ------
        OddRowError
            When a row needs looking at.
        SourceError
            When the file is damaged.
        """
        asked = self.relation.select(*columns) if columns else self.relation
        try:
            for batch in asked.to_arrow_reader(_BATCH):
                if self.odd and not columns and self.odd(batch):
                    raise OddRowError
                yield batch
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            if self.refused:  # a text: the rows may tell what is wrong with it
                raise OddRowError from None
            raise _damaged(self.name, error, self.path) from None
        if self.refused and self.refused():
            raise OddRowError


def opened(path: Path, folder: Path, name: str, reader: str, **values: Any) -> Rows:
    """Open a file: "parquet", "json", or "csv" with its columns, delimiter and lines to skip."""
    plain = _literal(path, folder)
    database = duckdb.connect(config=dict(_NO_EXTENSIONS))
    database.execute("set allowed_paths = ?", [[str(plain)]])
    database.execute("set allowed_directories = ?", [[str(folder)]])
    database.execute("set enable_external_access = false")
    database.execute("set enable_progress_bar = false")
    database.execute("set lock_configuration = true")
    try:
        relation = database.sql(f"select * from {_READERS[reader]}", params={"path": str(plain), **values})  # noqa: S608 - readers are constants
        relation = relation.select(*map(_simple, relation.columns, map(str, relation.types)))
    except duckdb.Error as error:
        raise _damaged(name, error, plain) from None
    if reader != "csv":
        return Rows(relation, name, plain)
    return Rows(
        relation,
        name,
        plain,
        refused=lambda: bool(database.execute("select 1 from reject_errors limit 1").fetchall()),
    )


def _simple(key: str, type_: str) -> Expression:
    """Return what turns a column into a kind that every room can work with: text, number or time."""
    column, word = ColumnExpression(key), texts.kind(type_)
    if type_.startswith("DECIMAL") or type_ in {"HUGEINT", "UHUGEINT"}:
        return column.cast("DOUBLE").alias(key)
    if type_ == "DATE":
        return column.cast("TIMESTAMP").alias(key)
    return column.cast("VARCHAR").alias(key) if word in {"text", "yes/no"} else column


def _damaged(name: str, error: Exception, path: Path) -> SourceError:
    reason = str(error).splitlines()[0].replace(str(path), name)[:160]
    return SourceError(f"{name} cannot be read; it is damaged or not what it seems ({reason}).")


def _literal(path: Path, folder: Path) -> Path:
    """Return a path that DuckDB takes as it stands: in a name, `*?[` would be a pattern."""
    full = path.resolve()
    if not set("*?[]{}").intersection(str(full)):
        return full
    link = folder / "source"
    link.unlink(missing_ok=True)
    link.write_bytes(full.read_bytes())
    return link
