"""Expressions as SQL: an empty relation to write them on, and the statement as a database runs it.

The one formula is narwhals; DuckDB turns it into a query on a table called ``customers`` and sqlglot into
other dialects. DuckDB and PostgreSQL are tested; a statement for another dialect says that it is not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import narwhals as nw
import sqlglot
from sqlglot import exp

from segkit.errors import ParameterError, nearest
from segkit.safe import identifier

TESTED = ("duckdb", "postgres")
E = "2.718281828459045"


def relation(numbers: Iterable[str], texts: Iterable[str]) -> nw.LazyFrame[Any]:
    """Return an empty table ``customers`` with these columns, for expressions to be written on.

    Examples
    --------
    >>> query = relation(["spend"], []).select(double=nw.col("spend") * 2.0)
    >>> print(statement(query))
    SELECT
      (
        "spend" * CAST(2.0 AS DOUBLE)
      ) AS "double"
    FROM "customers"...
    """
    columns = [f"{identifier(name)} double" for name in numbers] + [f"{identifier(n)} varchar" for n in texts]
    connection = duckdb.connect(config={"enable_external_access": "false"})
    connection.execute("create table customers (" + ", ".join(columns) + ")")
    return nw.from_native(connection.table("customers"))


def statement(query: nw.LazyFrame[Any], dialect: str = "duckdb") -> str:
    """Return a query on `relation` as one SELECT in a dialect that sqlglot writes.

    Raises
    ------
    ParameterError
        There is no such dialect.
    """
    known = {name for name in sqlglot.Dialect.classes if name}
    if dialect not in known:
        hint = nearest(dialect, known)
        raise ParameterError(f'There is no SQL dialect "{dialect}".{hint} Tested are {" and ".join(TESTED)}.')
    with _deep():
        return _written(query, dialect)


def _written(query: nw.LazyFrame[Any], dialect: str) -> str:
    tree = sqlglot.parse_one(query.to_native().sql_query(), dialect="duckdb")
    for node in reversed(list(tree.walk())):  # the innermost first: outer ones are built of what replaced it
        said = _portable(node)
        if said is not node:
            node.replace(said)
    for part in tree.find_all(exp.CTE):
        # PostgreSQL would write a step out wherever the next one names it, and so on: minutes of planning
        part.set("materialized", True if dialect == "postgres" else None)
    note = (
        ""
        if dialect in TESTED
        else f"-- Not tested on {dialect}; compare the labels before you rely on it.\n"
    )
    return note + tree.sql(dialect=dialect, pretty=True)


@contextmanager
def _deep() -> Iterator[None]:
    """Let sqlglot go down long sums, such as the knots of a rank transform: it calls itself at each sign."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 50_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _portable(node: Any) -> Any:
    """Say with words that every database has what DuckDB says with its own."""
    if isinstance(node, exp.Div) and isinstance(node.this, exp.Log) and _is_log_of_e(node.expression):
        return exp.Ln(this=node.this.this.copy())
    if isinstance(node, exp.Anonymous) and node.name.lower() == "isfinite":
        value, ends = node.expressions[0].copy(), [_float("-Infinity"), _float("Infinity")]
        return exp.paren(
            exp.and_(exp.GT(this=value, expression=ends[0]), exp.LT(this=value.copy(), expression=ends[1]))
        )
    if isinstance(node, exp.Cast) and node.to.is_type("double") and _is_boolean(node.this):
        return exp.Case().when(node.this.copy(), _float("1")).else_(_float("0"))
    return node


def _float(text: str) -> exp.Cast:
    return exp.cast(exp.Literal.string(text), "double")


def _is_log_of_e(node: exp.Expression) -> bool:
    return isinstance(node, exp.Log) and any(each.this == E for each in node.find_all(exp.Literal))


def _is_boolean(node: exp.Expression) -> bool:
    inner = node.unnest()
    if isinstance(inner, exp.Coalesce):  # with a truth value to fall back on
        return any(isinstance(other, exp.Boolean) for other in inner.expressions)
    return isinstance(inner, exp.Predicate | exp.Connector | exp.Not | exp.Boolean)
