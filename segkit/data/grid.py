"""Where a table lies among rows of texts: what stands around it, its names, and rows that do not fit.

Sheets and text files come to the same thing here: rows of cells. Titles above the names and sources below the
last row are left out and named; a row with too few or too many values is refused by its line, and when more
than one row in twenty is, so is the whole. What the cells hold is for `texts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from segkit.errors import SourceError

from . import forms

Row = Sequence[str]
_LOOK = 500  # rows looked at before it is decided where the table starts
_BATCH = 50_000
_TOTAL = re.compile(r"(?:grand |sub)?totals?|sum|summe|gesamt|total général|somme", re.IGNORECASE)


@dataclass
class Table:
    """A table among rows: its names, where they stood, and what did not belong to it."""

    names: list[str]
    start: int  # index of the first row of values
    header: list[int]  # indices of the rows that hold the names
    width: int
    notes: list[str] = field(default_factory=list)
    rows: int = 0
    blank: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def find(rows: Sequence[Row], *, padded: bool = False) -> Table | None:
    """Return where the table starts in the first rows, or nothing when there is no table.

    Parameters
    ----------
    rows : list of rows of cells
        The first rows, blank ones included.
    padded : bool
        Every row has the same number of cells, as in a sheet: the number of values says what is a row.

    Examples
    --------
    >>> table = find([["Sales 2011", ""], ["", ""], ["id", "spend"], ["1", "2"], ["2", "3"]])
    >>> table.names, table.start
    (['id', 'spend'], 3)
    """
    fill = [[at for at, cell in enumerate(row) if cell.strip()] for row in rows]
    if not any(fill):
        return None
    width = _width([len(row) for row, there in zip(rows, fill, strict=True) if there])
    widest = max(
        sum(padded or at < width for at in there) for there in fill
    )  # one overlong row sets no measure
    first = next(at for at, there in enumerate(fill) if there)
    top = next(
        (
            at
            for at, there in enumerate(fill)
            if len(there) >= 0.6 * widest and (at == first or _preamble(fill[first:at], widest))
        ),
        first,
    )
    values = sum(_is_value(rows[top][at]) for at in fill[top])
    repeated = sum(row == rows[top] for row in rows) > max(2, 0.1 * len(rows))
    if repeated or (values > 0.5 * len(fill[top]) and not _years([rows[top][at] for at in fill[top]])):
        names = [f"column_{at + 1}" for at in range(width)]
        why = "The first line holds values, not names; columns are called column_1, column_2, ..."
        return Table(names, top, [], width, [*_above(first, top), why])
    header = [top] if _years([rows[top][at] for at in fill[top]]) else _header(rows, fill, top)
    notes, own = _above(first, header[0]), len(rows[top])
    if len(header) == 1 and not padded:
        body = [row for row in rows[top + 1 :] if len(row) > 1]
        if (
            own > 1
            and body
            and all(len(row) == own + 1 and row[-1].strip() and row[0].strip() for row in body)
        ):
            names = ["", *rows[top]]
            notes.append(
                "There is one name less than values; the first column has none, as R writes its tables."
            )
        else:
            names = list(rows[top])
    else:
        names = _names(rows, header, width)
    return Table(names, header[-1] + 1, header, len(names), notes)


def _above(first: int, top: int) -> list[str]:
    if top <= first:
        return []
    where = f"Lines {first + 1} to {top} stand" if top > first + 1 else f"Line {top} stands"
    return [f"{where} above the names and {'are' if top > first + 1 else 'is'} left out."]


def _width(widths: list[int]) -> int:
    """Return the width that most cells have; ties go to the wider."""
    return max(set(widths), key=lambda width: (widths.count(width) * width, width))


def _preamble(above: list[list[int]], widest: int) -> bool:
    """Tell whether rows above a possible header are titles: few cells, and not one row of data."""
    blank = any(not there for there in above)
    return all(len(there) < 0.6 * widest for there in above) and (blank or widest > 2)


def _is_value(cell: str) -> bool:
    return bool(cell.strip()) and forms.is_value(cell)


def _years(cells: Iterable[str]) -> bool:
    """Tell whether numbers are years in a row, as names of columns are."""
    years = [int(cell) for cell in cells if re.fullmatch(r" *(19|20)\d\d(\.0)? *", cell)]
    return len(years) > 2 and sorted(set(years)) == years


def _header(rows: Sequence[Row], fill: list[list[int]], top: int) -> list[int]:
    """Return the rows of names: one, or more where the first leaves columns without a name that others do."""
    body = {at for there in fill[top + 1 : top + 60] for at in there}
    missing = body - set(fill[top])
    header = [top]
    if not missing or not fill[top]:
        return header
    for at in range(top + 1, min(top + 6, len(rows))):
        if fill[at] == [0] or any(_is_value(rows[at][each]) for each in fill[at]):
            break
        complete = not missing.intersection(body - {each for row in header for each in fill[row]})
        partial = bool(fill[at]) and (0 not in fill[at]) and len(fill[at]) <= 0.5 * len(body)
        if complete and not partial:
            break
        header += [at]
    named = {each for row in header for each in fill[row]}
    gained = len(missing & named) > 0
    return [row for row in header if fill[row]] if gained and body <= named and len(header) < 7 else [top]


def _names(rows: Sequence[Row], header: list[int], width: int) -> list[str]:
    """Join rows of names downwards; a name above several columns holds for each of them."""
    parts: list[list[str]] = []
    for level, row in enumerate(header):
        cells = [cell.strip() for cell in rows[row]] + [""] * (width - len(rows[row]))
        if level == 0 and len(header) > 1:
            below = [
                any(at < len(rows[low]) and rows[low][at].strip() for low in header[1:])
                for at in range(len(cells))
            ]
            cells = [
                cell or (next((left for left in reversed(cells[:at]) if left), "") if below[at] else "")
                for at, cell in enumerate(cells)
            ]
        parts.append(cells)
    if len(parts) == 1:
        return list(rows[header[0]]) + [""] * (width - len(rows[header[0]]))
    return [" ".join(filter(None, column)) for column in zip(*(row[:width] for row in parts), strict=False)]


# ---------------------------------------------------------------------------------------------- all rows
def is_total(row: Row) -> bool:
    """Tell whether a row says that it sums up the others."""
    return bool(row) and _TOTAL.fullmatch(row[0].strip()) is not None


def write(numbered: Iterable[tuple[int, Row | str]], path: Path, *, name: str, padded: bool = False) -> Table:
    """Write the table among rows to a Parquet file of texts with the columns c0, c1, ...

    Parameters
    ----------
    numbered : pairs of a line and a row
        A text in place of a row says why the line could not be split.
    path : Path
        The Parquet file.
    name : str
        What the source is called in sentences.
    padded : bool
        As for `find`.

    Raises
    ------
    SourceError
        When there is no table, or more than one row in twenty does not fit it.
    """
    every = iter(numbered)
    head = list(islice(every, _LOOK))
    table = find([[] if isinstance(row, str) else row for _, row in head], padded=padded)
    if table is None:
        raise SourceError(
            f"{name} has no sheet with a header line above rows of values." if padded else f"{name} is empty."
        )
    lines = [line for line, _ in head]
    table.notes = _by_line(table, lines)
    kept = _kept(chain(head[table.start :], every), table, [cell.strip() for cell in table.names])
    _to_parquet(kept, table, path)
    if len(table.refused) > 0.05 * (table.rows + len(table.refused)):
        _refuse(table, name)
    if table.refused:
        shown = ", ".join(f"{line:,}" for line, _ in table.refused[:10])
        more = ", ..." if len(table.refused) > 10 else ""
        rows = "1 row does" if len(table.refused) == 1 else f"{len(table.refused):,} rows do"
        table.notes.append(
            f"{rows} not fit the {table.width} columns and {'is' if len(table.refused) == 1 else 'are'}"
            f" refused: line {shown}{more}."
        )
    table.header = [lines[at] for at in table.header]
    return table


def _by_line(table: Table, lines: list[int]) -> list[str]:
    """Say lines as the file counts them where a row spans several."""
    if table.notes and table.notes[0].startswith("Line") and table.header:
        return [
            f"What stands above the names in line {lines[table.header[0]]} is left out.",
            *table.notes[1:],
        ]
    return table.notes


def _kept(numbered: Iterable[tuple[int, Row | str]], table: Table, names: list[str]) -> Iterator[Row]:
    """Yield the rows of the table, each of its width; keep account of the others."""
    need = max((at for at, name in enumerate(names) if name), default=len(names) - 1) + 1
    fits = _Fit(need, len(names))
    pending: list[
        tuple[int, Row | str]
    ] = []  # blank and sparse rows: inside the table they are rows, below it not
    repeated = last = 0
    for line, row in numbered:
        cells = [] if isinstance(row, str) else [cell.strip() for cell in row]
        if not isinstance(row, str) and fits.sparse(cells):
            pending.append((line, row))
            if len(pending) < _BATCH:
                continue
        yield from fits.settled(pending, table)
        pending = []
        if len(names) > 1 and cells == names:
            repeated += 1
        elif (cells and not fits.sparse(cells)) or isinstance(row, str):
            yield from fits.settled([(line, row)], table)
            last = line if cells and _TOTAL.fullmatch(cells[0]) else 0
    yield from fits.footed(pending, table)
    if table.blank:
        table.notes.append(f"{table.blank:,} blank {'row is' if table.blank == 1 else 'rows are'} left out.")
    if repeated:
        table.notes.append(f"The line of names stands {repeated + 1} times in it; it is read once.")
    if last:
        table.notes.append(
            f"The last row, line {last:,}, seems to be a sum of the others; it is read as a row like them."
        )


@dataclass(frozen=True)
class _Fit:
    """What makes a row one of the table: at least `need` cells, and nothing beyond `width` of them."""

    need: int
    width: int

    def sparse(self, cells: list[str]) -> bool:
        """Tell whether a row may be a note below the table: blank, or a cell or two at its start."""
        there = [at for at, cell in enumerate(cells) if cell]
        short = len(cells) < self.need and len(there) <= 2
        return not there or (self.need > 2 and (short or there == [0]))

    def settled(self, rows: Iterable[tuple[int, Row | str]], table: Table) -> Iterator[Row]:
        """Yield the rows that fit; blank ones go, others are refused."""
        for line, row in rows:
            if isinstance(row, str):
                table.refused.append((line, row))
            elif not any(cell.strip() for cell in row):
                table.blank += len(row) > 1
            elif fault := self.fault(row):
                table.refused.append((line, fault))
            else:
                yield [*row[: self.width], *[""] * (self.width - len(row))]

    def fault(self, row: Row) -> str:
        if len(row) > self.width and any(cell.strip() for cell in row[self.width :]):
            return "more values than"
        return "fewer values than" if len(row) < self.need else ""

    def footed(self, rows: list[tuple[int, Row | str]], table: Table) -> Iterator[Row]:
        """Yield the sparse rows at the end that are data: those above the first blank or short one."""
        short = [not any(map(str.strip, row)) or len(row) < self.need for _, row in rows]
        at = short.index(True) if True in short else len(rows)
        yield from self.settled(rows[:at], table)
        below = [line for line, row in rows[at:] if any(map(str.strip, row))]
        table.blank += 0 if below else sum(len(row) > 1 for _, row in rows[at:])
        if len(below) == 1 and len(rows) == 1:  # one short row at the end: as likely a line cut off
            table.refused.append((below[0], "fewer values than"))
        elif below:
            where = (
                f"Lines {below[0]:,} to {below[-1]:,} stand"
                if len(below) > 1
                else f"Line {below[0]:,} stands"
            )
            table.notes.append(f"{where} below the table and {'are' if len(below) > 1 else 'is'} left out.")


def _refuse(table: Table, name: str) -> None:
    line, fault = table.refused[0]
    others = len(table.refused) - 1
    more = f", and {others:,} more {'line is' if others == 1 else 'lines are'} like it" if others else ""
    words = f"{fault} the header's {table.width} columns" if fault.endswith("than") else fault
    raise SourceError(
        f"{name}: line {line:,} has {words}{more}."
        " Put values that hold the delimiter in double quotes, and double the quotes inside them."
    )


def _to_parquet(rows: Iterator[Row], table: Table, path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - a fifth of a second that a clean file need not pay
    import pyarrow.parquet as pq  # noqa: PLC0415

    names = [f"c{at}" for at in range(len(table.names))]
    schema = pa.schema([(name, pa.string()) for name in names])
    with pq.ParquetWriter(path, schema) as file:
        while batch := list(islice(rows, _BATCH)):
            columns = [
                pa.array([cell or None for cell in column], pa.string())
                for column in zip(*batch, strict=True)
            ]
            file.write_table(pa.Table.from_arrays(columns, schema=schema))
            table.rows += len(batch)
