"""A finished run as the file or the database table that somebody asked for.

The suffix of the file, or the scheme of the address, says which: CSV, Parquet, JSON, a workbook, Markdown,
SQL, SQLite. Only complete runs are delivered, and nothing is computed anew. Text from the data cannot run: in
CSV and XLSX no cell, header or sheet name is a formula, unless exact text is asked for.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter  # type: ignore[import-untyped]
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from segkit import export, index, runs
from segkit.errors import OutputError, ParameterError
from segkit.insight.rules import Rules
from segkit.insight.words import rules as rule_words
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from segkit.insight.words.summary import customers
from segkit.safe import cell, markdown
from segkit.segments.model import read_model

SHEETS = {"sizes": "Segments", "profile": "Profile", "drivers": "Drivers", "actions": "Actions",
          "segments": "Fates", "migration": "Migration", "causes": "Moves", "drift": "Shift",
          "outside": "Outside"}  # fmt: skip
SAID = {"headline": "What was found", "evidence": "How sure it is", "segments": "What became of segments",
        "action": "What to do"}  # fmt: skip
LONGEST, NAME = 32_767, 31  # signs that a cell, and the name of a sheet, can hold
ROWS = 1_048_575
SHARES = re.compile(r"share|explained|precision|coverage|importance")


class _Run:
    """What was read of a complete run."""

    def __init__(self, folder: Path, *, safe: bool, dialect: str, rules: bool) -> None:
        runs.manifest(folder)
        self.folder, self.safe, self.dialect, self.wants_rules = folder, safe, dialect, rules
        self.summary: dict[str, Any] = json.loads((folder / "summary.json").read_bytes())
        own = self.summary["parameters"]
        self.numbers = Numbers(own.get("locale", "en"), own.get("currency", ""))

    @property
    def customers(self) -> pd.DataFrame:
        return pd.read_parquet(self.folder / "segments.parquet")

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        found = {sheet: pd.DataFrame(self.summary.get(name, [])) for name, sheet in SHEETS.items()}
        return {sheet: table for sheet, table in {**found, "Rules": self.rules}.items() if len(table)}

    @property
    def rules(self) -> pd.DataFrame:
        told, columns = self.summary.get("rules"), pd.DataFrame(self.summary.get("columns", []))
        if not isinstance(told, dict):  # of other kinds of study
            return pd.DataFrame()
        labels = Labels.of(columns if "label" in columns else None)
        words = [rule_words.rule(rule, labels, self.numbers) for rule in Rules.from_dict(told).rules]
        table = pd.DataFrame(told["fit"]).assign(rule=words)
        return table[table["segment"].astype(str).isin(self.summary["text"]["summaries"])]  # but the hidden


def deliver(
    run: str | Path, to: str, *, safe: bool = True, dialect: str = "duckdb", rules: bool = False
) -> str:
    """Write a run where and as `to` says; return where, without a password.

    Parameters
    ----------
    run
        Directory of a complete run.
    to
        A file that ends in .csv .parquet .json .xlsx .md .sql .db or .sqlite, or the address of a database,
        where tables called ``segkit_...`` are replaced in one transaction. A password in it is written
        ``env:NAME``.
    safe
        Whether text that a spreadsheet would run gets an apostrophe; off, CSV and XLSX hold it as it is.
    dialect, rules
        Of .sql: for which database, and whether it holds the rules in place of the model.

    Raises
    ------
    OutputError, ParameterError
    """
    made = _Run(Path(run), safe=safe, dialect=dialect, rules=rules)
    if "://" in to:
        return _to_database(made, to)
    file, writers = Path(to), WRITERS
    if file.suffix.lower() not in writers:
        raise ParameterError(f'The file must end in {", ".join(writers)}, got "{file.name}".')
    partial = file.with_name(f".{file.stem}.{os.getpid()}.partial{file.suffix.lower()}")
    try:
        writers[file.suffix.lower()](made, partial)
        partial.replace(file)
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {error.strerror}. Name another with --to.") from None
    finally:
        partial.unlink(missing_ok=True)
    return str(file)


def to_xlsx(tables: Mapping[str, pd.DataFrame], path: Path, *, safe: bool = True) -> Path:
    """Write a workbook, a sheet per table: real types, frozen bold headers, filters, shares as per cent."""
    quiet = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(path, {**quiet, "constant_memory": True}) as book:
        bold, share = book.add_format({"bold": True, "bottom": 1}), book.add_format({"num_format": "0.0%"})
        plain = book.add_format({"num_format": "#,##0.###"})
        taken: set[str] = set()
        for name, table in tables.items():
            sheet = book.add_worksheet(_sheet(name, taken))
            sheet.freeze_panes(1, 0)
            for j, column in enumerate(table):
                shown = [str(column), *map(str, table[column].head(200))]
                numeric = pd.api.types.is_float_dtype(table[column])
                form = share if numeric and SHARES.search(str(column)) else plain if numeric else None
                sheet.set_column(j, j, min(60, max(map(len, shown)) + 2), form)
                _put(sheet, 0, j, str(column), bold, safe=safe)
            for i, row in enumerate(table.head(ROWS).itertuples(index=False), start=1):
                for j, value in enumerate(row):
                    _put(sheet, i, j, value, None, safe=safe)
            sheet.autofilter(0, 0, min(len(table), ROWS), max(0, table.shape[1] - 1))
    return path


def _put(sheet: Any, row: int, column: int, value: Any, form: Any, *, safe: bool) -> None:
    """Write one cell by its type; text is never tried as anything else."""
    value = export.plain(value)
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value, form)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value, form)
    elif value is not None:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        sheet.write_string(row, column, (cell(text) if safe else text)[:LONGEST], form)


def _sheet(name: str, taken: set[str]) -> str:
    """Return a name that a sheet can have: no sign of a formula or a path, at most 31 signs, not taken."""
    plain = (
        re.sub(r"^[^\w]+|[\[\]:*?/\\']|[^\w]+$", "", "".join(s for s in name if s.isprintable()))[:NAME]
        or "Sheet"
    )
    while plain.lower() in taken:
        plain = f"{plain[: NAME - 2]} {len(taken)}"[:NAME]
    taken.add(plain.lower())
    return plain


def _workbook(run: _Run, path: Path) -> None:
    text = run.summary["text"]
    told = [(about, text[part]) for part, about in SAID.items() if part in text]
    told += [(f"Segment {n}", words) for n, words in text.get("summaries", {}).items()]
    told += [("Method", line) for line in run.summary.get("method", [])]
    summary = pd.DataFrame(told, columns=["About", "Text"])
    to_xlsx({"Summary": summary, **run.tables, "Customers": run.customers}, path, safe=run.safe)


def _csv(run: _Run, path: Path) -> None:
    export.to_csv(run.customers, path, safe=run.safe)


def _json(run: _Run, path: Path) -> None:
    both = {"summary": run.summary, "customers": export.records(run.customers)}
    path.write_text(export.to_json(both), encoding="utf-8")


def _sql(run: _Run, path: Path) -> None:
    if not (run.folder / "model.json").is_file():
        raise ParameterError(
            f"{run.folder.name} holds no model to write as SQL: it is another kind of study."
        )
    model = read_model(run.folder / "model.json")
    told: Any = Rules.from_dict(run.summary["rules"]) if run.wants_rules else model
    column = str(model.training.get("customer_id") or "customer_id")
    path.write_text(told.sql(run.dialect, id_column=column) + ";\n", encoding="utf-8")


def _markdown(run: _Run, path: Path) -> None:
    text, n = run.summary["text"], run.numbers
    parts = [
        f"# {markdown(text['headline'])}",
        *(markdown(text[part]) for part in [*SAID][1:] if part in text),
    ]
    rules = {row["segment"]: row for row in export.records(run.rules)}
    actions = {row["segment"]: row for row in run.summary.get("actions", []) if row["action"]}
    for row in run.summary.get("sizes", []):
        number = row["segment"]
        alone = len(run.summary["sizes"]) == 1
        parts.append(
            "## All customers" if alone else f"## {number} {markdown(row.get('name') or '')}".rstrip()
        )
        parts.append(markdown(text.get("summaries", {}).get(str(number)) or _size(row, n)))
        if number in rules:
            right = n.percent(rules[number]["precision"])
            parts.append(f"Rule: {markdown(rules[number]['rule'])} ({right} right).")
        if number in actions:
            parts.append(markdown(f"{actions[number]['action']} {actions[number]['evidence']}"))
    path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")


def _size(row: dict[str, Any], n: Numbers) -> str:
    """Say how many customers a segment has, and what they bring where that is known."""
    if not row.get("customers"):
        return "No customer."
    told = f"{customers(row['customers'], n)} ({n.share(row['share'])})"
    worth = row.get("value_share")
    return f"{told} with {n.share(worth)} of the value." if worth is not None else f"{told}."


WRITERS: dict[str, Callable[[_Run, Path], Any]] = {
    ".csv": _csv, ".parquet": lambda run, path: export.to_parquet(run.customers, path), ".json": _json,
    ".xlsx": _workbook, ".md": _markdown, ".sql": _sql,
    ".db": lambda run, path: _to_database(run, f"sqlite:///{path}"),
    ".sqlite": lambda run, path: _to_database(run, f"sqlite:///{path}"),
}  # fmt: skip


def _to_database(run: _Run, address: str) -> str:
    """Replace the tables of a run in a database, all of them or none."""
    try:
        url = make_url(address)
        shown = str(URL.create(url.drivername, host=url.host, port=url.port, database=url.database))
        if url.password:
            if not url.password.startswith("env:"):
                raise ParameterError(
                    f"{shown}: no password in an address; write env:NAME of a variable that holds it."
                )
            url = url.set(password=os.environ.get(url.password.removeprefix("env:"), ""))
        base = index.engine(url)
        with base.begin() as connection:
            for name, table in {"customers": run.customers, **run.tables}.items():
                table.to_sql(
                    f"segkit_{name.lower()}", connection, if_exists="replace", index=False, chunksize=10_000
                )
        base.dispose()
    except SQLAlchemyError as error:
        raise OutputError(
            f"The database cannot be written: {type(error).__name__}. Look at the address."
        ) from None
    except ModuleNotFoundError as error:
        raise OutputError(f"{shown} cannot be written: {index.driver(error)}.") from None
    return shown
