"""A table of customers as narwhals sees it, whichever library it came from, and what makes one unfit.

Columns are picked by their place, so that no name can fool a library; refusals name the column and the
nearest one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import narwhals as nw

from segkit.errors import ParameterError, SourceError, nearest
from segkit.segments.encode import Pick, is_number

Frame = nw.DataFrame[Any]


def table(frame: Any) -> Frame:
    """Return any eager frame as narwhals sees it; a lazy one of narwhals passes, for its engine."""
    if isinstance(frame, nw.LazyFrame):
        return frame  # type: ignore[return-value]  # expressions are all that is asked of it
    if isinstance(nw.from_native(frame, pass_through=True), nw.LazyFrame):
        raise SourceError(
            "This frame is lazy, and its rows are needed here. Collect it, or use Model.assign."
        )
    return nw.from_native(frame, eager_only=True, pass_through=False)


def picker(data: Frame) -> Pick:
    """Pick by position: polars reads a name like `*` or `^a$` as a pattern."""
    place = {name: i for i, name in enumerate(data.collect_schema().names())}
    return lambda name: nw.nth(place[name])


def require(
    data: Frame | nw.LazyFrame[Any], needed: Iterable[str], error: type[ParameterError | SourceError]
) -> None:
    """Refuse a table without a column that is needed."""
    known = data.collect_schema().names()
    absent = [column for column in needed if column not in known]
    if absent:
        hint = nearest(absent[0], known)
        raise error(f"There is no column {quoted(absent)} in these data, and it is needed.{hint}")


def require_numbers(data: Frame | nw.LazyFrame[Any], columns: Iterable[str]) -> None:
    """Refuse text where numbers are needed; a column without any value passes, whatever its type."""
    for column in columns:
        kind = data.collect_schema()[column]
        if not (is_number(kind) or (isinstance(data, nw.DataFrame) and _castable(data[column]))):
            raise SourceError(f'The column "{column}" must hold numbers, found {str(kind).lower()}.')


def _castable(column: nw.Series[Any]) -> bool:
    """Return whether a column without values, or one of Python objects, holds numbers all the same."""
    if column.dtype != nw.Object:
        return column.null_count() == len(column)
    try:
        column.cast(nw.Float64)
    except (TypeError, ValueError):
        return False
    return True


def quoted(columns: Iterable[str]) -> str:
    """Return names for a message."""
    return ", ".join(f'"{column}"' for column in columns)
