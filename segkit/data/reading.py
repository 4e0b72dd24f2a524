"""What was read and what was repaired: the report that comes with every table, and what a reader may be told.

Only the two small records live here, so that the gate's child, the reader of files and the reader of frames
fill the same one. Nothing here opens anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Hints:
    """What the person who asks knows about a source.

    Attributes
    ----------
    sheet : str
        Name of the sheet of a workbook; empty takes the data sheet.
    query : str
        SQL for a database; empty takes its only table.
    dates : str
        "auto", or what comes first where a column does not tell: "day", "month" or "year".
    decimal : str
        "auto", or the decimal mark where a column does not tell: "point" or "comma".
    """

    sheet: str = ""
    query: str = ""
    dates: str = "auto"
    decimal: str = "auto"


@dataclass(frozen=True)
class Reading:
    """What was read and what was repaired.

    Attributes
    ----------
    source : str
        Name of the file or sample, or "frame"; never a directory, never a credential.
    format : str
        "csv", "tsv", "parquet", "arrow", "jsonl", "xlsx", "xls", "ods", "database", "frame" or "sample".
    rows, columns, bytes : int
        Size of the table, and of the file (0 for frames and samples).
    sha256 : str
        Of the bytes of the file, or of the values of a frame as an Arrow stream.
    delimiter, encoding, sheet, container : str
        Empty where they mean nothing; the container is "gzip", "bzip2", "zip" or "glob".
    header : int
        The line (or row of a sheet) that holds the names; 0 where there is none.
    types : tuple of (column, type)
        What each column holds: "whole number", "number", "date", "text" ...
    renamed : tuple of (old, new)
        Columns whose name was empty, repeated, or no text.
    repaired, refused : int
        Cells changed on reading; rows that could not be read.
    lines : tuple of int
        Where the first hundred refused rows stand.
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
    container: str = ""
    header: int = 0
    types: tuple[tuple[str, str], ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    repaired: int = 0
    refused: int = 0
    lines: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return asdict(self)

    @classmethod
    def of(cls, said: dict[str, Any]) -> Reading:
        """Return the report that `as_dict` made, after a way through JSON."""
        pairs = {name: tuple(map(tuple, said[name])) for name in ("types", "renamed")}
        return cls(**said | pairs | {name: tuple(said[name]) for name in ("lines", "notes")})


def unique(names: Iterable[str]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Name blank columns by place and repeated ones by count.

    Examples
    --------
    >>> unique(["a", "", "a", "a_2"])
    (['a', 'column_2', 'a_3', 'a_2'], (('', 'column_2'), ('a', 'a_3')))
    """
    old = list(names)
    tidy = [
        " ".join(name.replace("\ufeff", "").split()) or f"column_{at}" for at, name in enumerate(old, start=1)
    ]
    given, new, taken = set(tidy), [], set()
    for name in tidy:
        number, one = 2, name
        while one in taken or (one != name and one in given):
            one, number = f"{name}_{number}", number + 1
        taken.add(one)
        new.append(one)
    return new, tuple((a, b) for a, b in zip(old, new, strict=True) if a != b)


def rename_notes(renamed: Iterable[tuple[str, str]]) -> list[str]:
    """Return one sentence for each column that is called otherwise here."""
    return [f'Column "{old}" is called "{new}" here.' for old, new in renamed]
