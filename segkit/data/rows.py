"""The rows of a file in Arrow batches, as often as it takes; nothing is read before they are asked for.

Texts are split by Arrow, at half the cost of DuckDB's reader; it is lenient with quotes, so `dialect.quotes`
must have found them in order. All else is opened by DuckDB with its doors closed: a database of its own that
can open this one file and reach nothing else, no extension, no network, no other path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import ColumnExpression, Expression
from pyarrow import csv

from segkit.errors import SourceError

from . import texts

_BATCH = 100_000  # rows
_BLOCK = 4 << 20  # bytes of a text
_NO_EXTENSIONS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_QUERIES = {
    "parquet": "select * from read_parquet($path)",
    "json": "select * from read_json($path, sample_size = -1)",
}


class OddRowError(Exception):
    """A row needs looking at before it can be read."""


@dataclass(frozen=True)
class Rows:
    """The rows of one file: their columns, and a function that yields them in order.

    It takes the columns asked for, none for all; raises OddRowError when a row needs looking at, and
    SourceError when the file is damaged.
    """

    schema: pa.Schema
    batches: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]


def lines(path: Path, sign: str, names: Sequence[str], skip: int, *, quoted: bool, named: bool) -> Rows:
    """Return the rows of a clean text below its first lines, as texts in the columns c0, c1, ...

    A row of another width is odd, and so is a blank one, and one that says the names again (where `named`).
    """
    schema = pa.schema([(f"c{at}", pa.string()) for at in range(len(names))])
    reading = csv.ReadOptions(column_names=schema.names, skip_rows=skip, block_size=_BLOCK, use_threads=False)
    parsing = csv.ParseOptions(
        delimiter=sign,
        quote_char='"' if quoted else False,
        newlines_in_values=quoted,
    )

    def batches(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        turning = csv.ConvertOptions(
            check_utf8=False, column_types=schema, null_values=[""], strings_can_be_null=True,
            include_columns=list(columns),
        )  # fmt: skip
        try:
            for batch in csv.open_csv(pa.OSFile(str(path)), reading, parsing, turning):
                if not columns and (_is_blank(batch) or (named and _is_named(batch, names))):
                    raise OddRowError
                yield batch
        except pa.ArrowInvalid:
            raise OddRowError from None

    return Rows(schema, batches)


def _is_blank(batch: pa.RecordBatch) -> bool:
    """Tell whether a row has no value but spaces."""
    for at in range(batch.num_columns):
        blank = pc.fill_null(
            pc.less(batch.column(at), "!"), fill_value=True
        )  # the first signs are controls and spaces
        if not pc.any(blank).as_py():
            return False
        batch = batch.filter(blank)
    return any(not any(str(cell or "").strip() for cell in row.values()) for row in batch.to_pylist())


def _is_named(batch: pa.RecordBatch, names: Sequence[str]) -> bool:
    """Tell whether a row says the names again."""
    same = pc.equal(batch.column(0), names[0])
    for column, name in zip(batch.columns[1:], names[1:], strict=True):
        if not pc.any(same).as_py():
            return False
        same = pc.and_(same, pc.equal(column, name))
    return bool(pc.any(same).as_py())


def opened(path: Path, folder: Path, name: str, reader: str) -> Rows:
    """Open a file that is "parquet" or "json"; every column becomes text, number or time."""
    plain = _literal(path, folder)
    database = duckdb.connect(config=dict(_NO_EXTENSIONS))
    database.execute("set allowed_paths = ?", [[str(plain)]])
    database.execute("set allowed_directories = ?", [[str(folder)]])
    database.execute("set enable_external_access = false")
    database.execute("set enable_progress_bar = false")
    database.execute("set lock_configuration = true")
    try:
        relation = database.sql(_QUERIES[reader], params={"path": str(plain)})
        relation = relation.select(*map(_simple, relation.columns, map(str, relation.types)))
        schema = relation.limit(0).to_arrow_table().schema
    except duckdb.Error as error:
        raise _damaged(name, error, plain) from None

    def batches(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        asked = relation.select(*map(ColumnExpression, columns or schema.names))
        try:
            yield from asked.to_arrow_reader(_BATCH)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise _damaged(name, error, plain) from None

    return Rows(schema, batches)


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
