"""Letting go of runs: by age, by number, one by one, or of one customer in all of them.

A run that goes is renamed first, so that nobody meets half of it. A customer who wants to be forgotten goes
out of the tables, and their id out of every text, of each run that names them; those runs are written anew by
the same protocol as any run and say in their manifest that this was done. Models and totals name no customer.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path

import pandas as pd

from . import export, runs
from .errors import OutputError, ParameterError
from .index import Entry, Index

GONE, TABLE = "(forgotten)", "segments.parquet"
TEXTS = ("report.ipynb", "report.html", "summary.json")
UNITS = {"d": 1, "w": 7, "m": 30, "y": 365}


def days(text: str) -> int:
    """Return an age such as ``90d``, ``12w``, ``6m`` or ``2y`` in days; months count 30, years 365.

    Examples
    --------
    >>> days("12w"), days("90d")
    (84, 90)
    """
    found = re.fullmatch(r"(\d{1,5})([dwmy])", text)
    if not found:
        raise ParameterError(f"An age is a number and d, w, m or y, such as 90d; got {text!r}.")
    return int(found[1]) * UNITS[found[2]]


def outdated(entries: Iterable[Entry], *, older_than: int = 0, keep: int = 0, now: datetime) -> list[Entry]:
    """Return the runs to prune: older than so many days, or beyond the latest `keep` of a name.

    Runs that are queued or running never are.
    """
    limit = (now.astimezone(UTC) - timedelta(days=older_than)).isoformat()
    seen: dict[str, int] = defaultdict(int)
    old = []
    for entry in sorted(entries, key=lambda entry: entry.started, reverse=True):
        if entry.status in {"queued", "running"}:
            continue
        seen[entry.name] += entry.status == "complete"
        beyond = keep and (
            seen[entry.name] > keep or (entry.status != "complete" and seen[entry.name] >= keep)
        )
        if (older_than and entry.started < limit) or beyond:
            old.append(entry)
    return old


def remove(index: Index, entries: Iterable[Entry]) -> None:
    """Remove runs, directory and index.

    Raises
    ------
    OutputError
        When a directory holds files that segkit did not write, or cannot be removed.
    """
    gone = []
    for entry in entries:
        folder = Path(entry.directory)
        if entry.directory and entry.status == "complete" and folder.is_dir():
            runs.remove(folder)
        gone.append(entry.key)
    index.drop(gone)


def forget_customer(index: Index, customer: str) -> Iterator[tuple[Path, int]]:
    """Take a customer out of every complete run that names them; yield each directory and the rows that went.

    A saved model names nobody and stays.

    Raises
    ------
    OutputError
        When a run cannot be rewritten; those before it are.
    """
    for entry in index.find(status="complete"):
        folder = Path(entry.directory)
        if runs.verify(folder):
            raise OutputError(f"{folder} is not complete any more, so nobody was forgotten in it. Remove it.")
        if not _names(folder, customer):
            continue
        with runs.begin(folder.parent, folder.name) as made:
            shutil.copytree(folder, made.path, dirs_exist_ok=True)
            (made.path / "manifest.json").unlink()
            rows = _without(made.path, customer)
            made.publish(folder.name, notebook=entry.notebook, forgotten=True)
        yield folder, rows


def _names(folder: Path, customer: str) -> bool:
    """Answer whether the tables or texts of a run name a customer."""
    texts = [(folder / name).read_text(encoding="utf-8") for name in TEXTS if (folder / name).exists()]
    return any(re.search(_shapes(customer), text) for text in texts) or len(_table(folder, customer)[1]) > 0


def _without(folder: Path, customer: str) -> int:
    """Take a customer out of an unpublished copy of a run; return how many rows went."""
    kept, gone = _table(folder, customer)
    if len(gone):
        export.to_parquet(kept, folder / TABLE)
        if (folder / "segments.csv").exists():
            export.to_csv(kept, folder / "segments.csv")
    for name in TEXTS:
        file = folder / name
        if file.exists():
            text = file.read_text(encoding="utf-8")
            file.write_text(re.sub(_shapes(customer), GONE, text), encoding="utf-8")
    return len(gone)


def _table(folder: Path, customer: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the assignments of all others and of the customer; rows without an id belong to nobody."""
    if not (folder / TABLE).exists():
        return pd.DataFrame(), pd.DataFrame()
    table = pd.read_parquet(folder / TABLE)
    theirs = (table.iloc[:, 0].astype(str) == customer) & (table.columns[0] != "row")
    return table[~theirs], table[theirs]


def _shapes(customer: str) -> str:
    """Return a pattern of an id as HTML, JSON and JSON in JSON write it, and not inside a longer word."""
    plain = json.dumps(customer, ensure_ascii=False)[1:-1]
    shapes = {customer, escape(customer), plain, json.dumps(plain, ensure_ascii=False)[1:-1]}
    return rf"(?<![\w.-])(?:{'|'.join(map(re.escape, sorted(shapes, key=len, reverse=True)))})(?![\w-]|\.\d)"
