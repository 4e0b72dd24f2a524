"""What texts hold: numbers, dates, or text.

A column of texts becomes numbers when every value is one in the same form, dates when every value is a day
that exists in the same form, and stays text otherwise, so that ids keep their leading zeros and their length.
The first values make a guess (`forms`); one query over all values decides. What could not be decided is said,
with the parameter that settles it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import duckdb
import narwhals as nw
from duckdb import CaseExpression, ColumnExpression, ConstantExpression, Expression, FunctionExpression

from . import forms
from .forms import Form
from .reading import Hints

_LOOK = 10_000  # values looked at before a guess is checked on all of them
# A text that is a blank or has spaces around it.
_UNTIDY = rf"^[{forms.SPACES}]|[{forms.SPACES}]$|^(?:{'|'.join(map(re.escape, forms.BLANKS))}|-{{1,2}}|\?)$"
_BLANK = "|".join(map(re.escape, forms.BLANKS))
_TEXT_GAP = "|".join(map(re.escape, (*forms.BLANKS, "-", "--", "?")))
_WORDS = {"number": "numbers", "point": "numbers", "comma": "numbers", "date": "dates"}
_ORDER: dict[str, str | tuple[str, ...]] = {"day": "%d", "month": ("%m", "%b", "%B"), "year": ("%Y", "%y")}


@dataclass
class Typed:
    """A table of what the texts hold, and what was said and done on the way."""

    table: duckdb.DuckDBPyRelation
    types: tuple[tuple[str, str], ...] = ()
    notes: list[str] = field(default_factory=list)
    repaired: int = 0


@dataclass
class _Column:
    key: str
    name: str
    forms: list[Form]
    doubt: str = ""
    count: dict[str, Any] = field(default_factory=dict)
    type: str = "text"
    made: Expression | None = None
    notes: list[str] = field(default_factory=list)

    def full(self) -> list[Form]:
        """Return the forms that all values have."""
        there = self.count["there"] - self.count.get("gaps", 0)
        found = [form for form in self.forms if self.count[form.pattern] == there > 0]
        return [form for form in found if form.kind != "date" or self.count[form.format] == there]


def typed(
    table: duckdb.DuckDBPyRelation,
    names: Mapping[str, str] | None = None,
    hints: Hints = Hints(),  # noqa: B008 - frozen
    delimiter: str = "",
) -> Typed:
    """Turn columns of texts into what they hold.

    Parameters
    ----------
    table : DuckDBPyRelation
        Any table; columns that are no texts stay as they are, or become a kind that every room can work with.
    names : mapping
        What the columns are called, where they carry stand-in names; a column with an empty name and no
        values is left out.
    hints : Hints
        Settles dates and decimal marks that a column leaves open.
    delimiter : str
        Of the file: a semicolon goes with decimal commas, a comma with decimal points.

    Returns
    -------
    Typed
        The same rows in the same order, with columns called by `names`; one sentence for each repair and each
        doubt; the number of cells that changed.

    Examples
    --------
    >>> table = duckdb.sql("select * from (values ('01', '2,50'), ('02', '1.000,5')) as t (id, charge)")
    >>> found = typed(table)
    >>> found.types, found.table.fetchall()
    ((('id', 'text'), ('charge', 'number')), [('01', 2.5), ('02', 1000.5)])
    """
    shown = dict(names or {name: name for name in table.columns})
    kinds = dict(zip(table.columns, map(str, table.types), strict=True))
    keys = [key for key, kind in kinds.items() if kind == "VARCHAR"]
    columns = _guessed(table, keys, shown)
    _decide(list(columns.values()), hints, delimiter)
    result, made, types = Typed(table), [], []
    for key, name in shown.items():
        column = columns.get(key)
        if column is not None and not column.count["there"] - column.count.get("blank", 0) and not name:
            continue
        expression, type_ = (column.made, column.type) if column else _plain(key, kinds[key])
        made.append((ColumnExpression(key) if expression is None else expression).alias(key))
        types.append((name, type_))
        if column:
            result.notes += column.notes
            result.repaired += column.count.get("repaired", 0)
    result.table, result.types = table.select(*made), tuple(types)
    return result


def frame(table: nw.DataFrame[Any], hints: Hints = Hints()) -> tuple[nw.DataFrame[Any], Typed]:  # noqa: B008 - frozen
    """Turn the columns of texts of a frame in memory into what they hold; the frame keeps its kind."""
    texts = [name for name, dtype in table.schema.items() if dtype == nw.String]
    arrow = table.select(texts).to_arrow().select(texts)  # a pandas index would come along as a column
    keys = {f"c{at}": name for at, name in enumerate(texts)}
    found = Typed(cast("duckdb.DuckDBPyRelation", None))  # without texts there is nothing to read
    if texts:
        with duckdb.connect() as database:
            found = typed(database.from_arrow(arrow.rename_columns(list(keys))), keys, hints)
            fresh = nw.from_native(found.table.to_arrow_table(), eager_only=True)
        changed = [key for key, (_, type_) in zip(keys, found.types, strict=True) if type_ != "text"]
        changed += [key for key in keys if key not in changed and not _same(fresh[key], arrow, keys[key])]
        table = table.with_columns(*(_moved(fresh[key], keys[key], table) for key in changed))
    types = {name: kind(str(dtype)) for name, dtype in table.schema.items()} | dict(found.types)
    found.types = tuple((name, types[name]) for name in table.columns)
    return table, found


def _same(new: nw.Series[Any], arrow: Any, name: str) -> bool:
    return bool(new.to_native().equals(arrow[name].cast(new.to_native().type)))


def _moved(column: nw.Series[Any], name: str, table: nw.DataFrame[Any]) -> nw.Series[Any]:
    moved = nw.from_arrow(column.to_frame(), backend=table.implementation)
    return moved[column.name].alias(name)


# ---------------------------------------------------------------------------------------------- counting
def _call(name: str, *values: Any) -> Expression:
    return FunctionExpression(
        name, *(each if isinstance(each, Expression) else ConstantExpression(each) for each in values)
    )


def _tidy(key: str) -> Expression:
    return _call("trim", ColumnExpression(key), forms.SPACES)


def _guessed(table: duckdb.DuckDBPyRelation, keys: list[str], shown: Mapping[str, str]) -> dict[str, _Column]:
    """Guess from the first values, then count over all: cheaply, and everything where that left doubt."""
    if not keys:
        return {}
    head = list(zip(*table.select(*map(ColumnExpression, keys)).limit(_LOOK).fetchall(), strict=True))
    columns = {
        key: _Column(key, shown[key], *forms.guess(shown[key], head[at] if head else []))
        for at, key in enumerate(keys)
    }
    _count(table, {key: _clean(column) for key, column in columns.items()}, columns)
    unclear = [column for column in columns.values() if not column.full() and column.count["untidy"]]
    _count(table, {column.key: _tallies(column) for column in unclear}, columns)
    return columns


def _count(
    table: duckdb.DuckDBPyRelation,
    plans: Mapping[str, Mapping[str, Expression]],
    columns: Mapping[str, _Column],
) -> None:
    """Count what each plan asks of its column, in one query."""
    flat = [
        expression.alias(f"v{at}_{key}_{len(plan)}")
        for key, plan in plans.items()
        for at, expression in enumerate(plan.values())
    ]
    if not flat:
        return
    found = table.aggregate([_call("count").alias("rows"), *flat]).fetchall()[0]
    values = iter(found[1:])
    for key, plan in plans.items():
        columns[key].count |= {"rows": int(found[0])} | {what: next(values) or 0 for what in plan}


def _clean(column: _Column) -> dict[str, Expression]:
    """Ask cheaply whether every value is as guessed, with nothing to repair: true of most columns."""
    value = ColumnExpression(column.key)
    plan = {"there": _call("count", value)} | _fits(column, value)
    if column.forms and column.forms[0].kind == "date":
        return plan | {"untidy": _call("count", value)}
    return plan | {"untidy": _matching(value, _UNTIDY) if not column.forms else _call("count", value)}


def _tallies(column: _Column) -> dict[str, Expression]:
    """Ask everything about a column that needs repair or is not what it seemed."""
    value, text = ColumnExpression(column.key), _tidy(column.key)
    gap = CaseExpression(_call("regexp_full_match", text, forms.GAP), text)
    padded = (value != text) & (_call("regexp_full_match", text, _TEXT_GAP) == ConstantExpression(False))  # noqa: FBT003
    plan = {"tokens": _call("histogram", gap), "spaces": _call("count_if", padded)}
    plan |= {"zeros": _full(text, r"0\d+"), "pluses": _full(text, r"\+")}
    return plan | _fits(column, text)


def _fits(column: _Column, value: Expression) -> dict[str, Expression]:
    """Count the values of each form, and what tells forms apart."""
    plan: dict[str, Expression] = {}
    for form in column.forms:
        plan[form.pattern] = _full(value, form.pattern)
        if form.kind == "date":
            plan[form.format] = _call("count", _parsed(form, value))
        elif form.kind == "number":
            plan |= {"parts": _matching(value, "[.eE]"), "point zeros": _full(value, r"-?\d+\.0+")}
        else:
            plan |= {"parts " + form.kind: _matching(value, "[.]" if form.kind == "point" else ",")}
    if any(form.kind in {"point", "comma"} for form in column.forms):
        plan["long"] = _matching(value, r"\d{4}")
    return plan


def _full(value: Expression, pattern: str) -> Expression:
    return _call("count_if", _call("regexp_full_match", value, pattern))


def _matching(value: Expression, pattern: str) -> Expression:
    return _call("count_if", _call("regexp_matches", value, pattern))


def _parsed(form: Form, value: Expression) -> Expression:
    plain = _call("regexp_replace", value, r"(Z|\+00:?00)$", "")
    return _call("try_strptime", plain, form.formats)


# ---------------------------------------------------------------------------------------------- deciding
def _decide(columns: list[_Column], hints: Hints, delimiter: str) -> None:
    """Decide what each column holds; a column that leaves its decimal mark open follows those that do not."""
    for column in columns:
        tokens: dict[str, int] = column.count.get("tokens") or {}
        column.count["gaps"] = sum(tokens.values()) if column.forms else 0
    sure = {found[0].kind for column in columns if len(found := column.full()) == 1} & {"point", "comma"}
    for column in columns:
        found = column.full()
        if found and found[0].kind == "date":
            found = _dates(column, found, hints)
        elif len(found) > 1:
            found = _mark(column, found, hints, sure, delimiter)
        if found:
            _convert(column, found[0])
        else:
            _keep(column)


def _dates(column: _Column, found: list[Form], hints: Hints) -> list[Form]:
    """Return the one form of dates that a column has, or none when it does not tell."""
    if len(found) > 1:
        wanted = [form for form in found if form.format.startswith(_ORDER.get(hints.dates, "-"))]
        first = " or the ".join(sorted({_first(form) for form in found}))
        if len(wanted) != 1:
            column.doubt = (
                f"its dates may have the {first} first, and no value tells; set the parameter dates to say so"
            )
            return []
        column.notes.append(
            f'Column "{column.name}": the dates are read with the {hints.dates} first, as asked.'
        )
        found = wanted
    return found


def _first(form: Form) -> str:
    return {"%d": "day", "%m": "month", "%b": "month", "%B": "month"}.get(form.format[:2], "year")


def _mark(column: _Column, found: list[Form], hints: Hints, sure: set[str], delimiter: str) -> list[Form]:
    """Return the form of numbers whose only mark may divide decimals or thousands."""
    kinds = {form.kind: form for form in found}
    if "number" in kinds:  # 1.234 is a number as programs write it, unless the file has decimal commas
        kinds = {"point": kinds["number"], "comma": kinds["comma"]}
        if column.count.get("parts", 0) == 0:
            return [kinds["point"]]
    elif not column.count["parts comma"]:  # only a unit, blanks or apostrophes: the marks do not matter
        return [kinds["point"]]
    decimal, why = hints.decimal, "as asked"
    plain, long = kinds["point"].kind == "number", column.count["long"] > 0
    if decimal == "auto" and plain and long:  # 12345 without a mark: points do not mark thousands here
        return [kinds["point"]]
    if decimal == "auto" and len(sure) == 1:
        decimal, why = next(iter(sure)), "as in another column"
    if decimal == "auto" and delimiter in ({";"} if long else {",", ";"}):  # 12345 beside 1,234 leaves doubt
        decimal, why = ("comma" if delimiter == ";" else "point"), "as files divided by it mostly do"
    if decimal == "auto":
        if plain:
            return [kinds["point"]]
        column.doubt = "its commas may mark decimals or thousands; set the parameter decimal to say which"
        return []
    if why and not (decimal == "point" and kinds["point"].kind == "number"):
        sign = "points" if kinds["point"].kind == "number" else "commas"
        mark = "decimals" if (sign == "commas") == (decimal == "comma") else "thousands"
        column.notes.append(
            f'Column "{column.name}": {sign} are read as marks of {mark}, {why};'
            " the parameter decimal changes that."
        )
    return [kinds[decimal]]


def _convert(column: _Column, form: Form) -> None:
    count, tidied = column.count, "tokens" in column.count
    _missing(column, forms.GAP)
    text = _tidy(column.key) if tidied else ColumnExpression(column.key)
    there = CaseExpression(_call("regexp_full_match", text, forms.GAP), ConstantExpression(None)).otherwise(
        text
    )
    clean = there if count["gaps"] else text
    if form.kind == "date":
        column.made, column.type = _parsed(form, clean), "date"
        return
    whole = count["there"] - count["gaps"] == count["rows"]
    if form.kind != "number":
        sign = {"point": ".", "comma": ","}[form.kind]
        number = _call("replace", _call("regexp_replace", clean, f"[^0-9{sign}]", "", "g"), sign, ".").cast(
            "DOUBLE"
        )
        negative = _call("regexp_matches", clean, "[-−(]")
        clean = CaseExpression(negative, number * ConstantExpression(-1)).otherwise(number)
        whole = whole and not count[f"parts {form.kind}"]
        count["repaired"] += count["there"] - count["gaps"]
        if form.unit:
            column.notes.append(f'Column "{column.name}": the sign {form.unit} was taken off its numbers.')
    elif forms.is_id(column.name) and count["parts"] == count["point zeros"] > 0:
        column.notes.append(f'Column "{column.name}": ids written as 17850.0 are read as 17850.')
        count["repaired"] += count["parts"]
        column.made, column.type = _call("regexp_replace", clean, r"\.0+$", ""), "text"
        return
    else:
        whole = whole and not count["parts"]
    column.made, column.type = (
        (clean.cast("BIGINT"), "whole number") if whole else (clean.cast("DOUBLE"), "number")
    )


def _keep(column: _Column) -> None:
    """Leave a column text, without blanks and spaces around; say why, if it nearly was something else."""
    count = column.count
    close = max((count[form.pattern] for form in column.forms), default=0)
    there = count["there"] - count["gaps"]
    if column.doubt:
        column.notes.append(f'Column "{column.name}" is read as text: {column.doubt}.')
    elif count.get("zeros") and close:
        column.notes.append(f'Column "{column.name}" is kept as text: some of its values begin with zeros.')
    elif 0 < close < there:
        kind = _WORDS[column.forms[0].kind]
        column.notes.append(
            f'Column "{column.name}" is read as text:'
            f" {there - close:,} of its {there:,} values are no {kind}."
        )
    elif close:
        column.notes.append(f'Column "{column.name}" is read as text: it holds days that do not exist.')
    if "tokens" not in count:
        count["repaired"] = 0
        return
    blank = _BLANK if count["pluses"] else _TEXT_GAP  # beside a plus a minus is an answer
    _missing(column, blank)
    count["repaired"] += count["spaces"]
    text = _tidy(column.key)
    gap = _call("regexp_full_match", text, blank)
    column.made = CaseExpression(gap, ConstantExpression(None)).otherwise(text) if count["repaired"] else None


def _missing(column: _Column, gap: str) -> None:
    """Count what is read as missing, and list the words that stood there."""
    tokens = {word: n for word, n in (column.count.get("tokens") or {}).items() if re.fullmatch(gap, word)}
    column.count["repaired"] = gone = sum(tokens.values())
    column.count["blank"] = gone
    words = ", ".join(sorted(word for word in tokens if word))
    if gone:
        listed = f" ({words})" if words else ""
        entries = "1 entry is" if gone == 1 else f"{gone:,} entries are"
        column.notes.append(f'Column "{column.name}": {entries} read as missing{listed}.')


# ---------------------------------------------------------------------------------------------- other kinds
def kind(dtype: str) -> str:
    """Return the word for a type of DuckDB or narwhals.

    Examples
    --------
    >>> kind("BIGINT"), kind("Float64"), kind("DECIMAL(9,2)"), kind("Datetime(...)"), kind("VARCHAR[]")
    ('whole number', 'number', 'number', 'date', 'text')
    """
    name = dtype.upper()
    if name.endswith("]") or name.startswith(("STRUCT", "LIST", "ARRAY", "MAP")):
        return "text"
    if re.match(r"U?(?:TINY|SMALL|BIG|HUGE)?INT", name):
        return "whole number"
    if name.startswith(("FLOAT", "DOUBLE", "DECIMAL", "REAL")):
        return "number"
    return (
        "date" if name.startswith(("DATE", "TIMESTAMP")) else "yes/no" if name.startswith("BOOL") else "text"
    )


def _plain(key: str, dtype: str) -> tuple[Expression | None, str]:
    """Return what turns a typed column of a file into a kind that every room can work with, and its word."""
    column, word = ColumnExpression(key), kind(dtype)
    if dtype.startswith("DECIMAL") or dtype in {"HUGEINT", "UHUGEINT"}:
        return column.cast("DOUBLE"), word
    if word in {"text", "yes/no"}:
        return column.cast("VARCHAR"), "text"
    return None, word
