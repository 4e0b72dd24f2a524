"""What texts hold: numbers, dates, or text.

A column of texts becomes numbers when every value is one in the same form, dates when every value is a day
that exists in the same form, and stays text otherwise, so that ids keep their leading zeros and their length.
The first values make a guess (`forms`); the rows are read once and turned as guessed while every value is
checked (`cells`); only columns that are not what they seemed are read again. What could not be decided is
said, with the parameter that settles it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from . import cells, forms
from .forms import Form
from .reading import Hints

_LOOK = 10_000  # values that the guess is made from
_BATCH = 100_000
_BLANK = "|".join(map(re.escape, forms.BLANKS))
_WORDS = {"number": "numbers", "point": "numbers", "comma": "numbers", "date": "dates"}
_ORDER: dict[str, str | tuple[str, ...]] = {"day": "%d", "month": ("%m", "%b", "%B"), "year": ("%Y", "%y")}
_ID = "id"  # the kind of form of ids that were written as decimals

Read = Callable[[Sequence[str]], Iterator[pa.RecordBatch]]


@dataclass
class Typed:
    """A table of what the texts hold, and what was said and done on the way."""

    table: pa.Table
    types: tuple[tuple[str, str], ...] = ()
    notes: list[str] = field(default_factory=list)
    repaired: int = 0


@dataclass(frozen=True)
class _Target:
    """What the texts of a column are turned into: text without what matches `gap`, or what a form says."""

    gap: str
    form: Form | None = None

    def made(self, texts: pa.Array) -> pa.Array:
        if self.form is None:
            return texts
        if self.form.kind == _ID:
            return pc.replace_substring_regex(texts, r"\.0+$", "")
        return cells.dates(texts, self.form) if self.form.kind == "date" else cells.numbers(texts, self.form)


class _Column:
    """A column of texts while it is read: what was counted, and what it was turned into while that holds."""

    def __init__(self, key: str, name: str, forms_: list[Form], doubt: str) -> None:
        self.key, self.name, self.forms, self.doubt = key, name, forms_, doubt
        self.count: Counter[str] = Counter()
        self.words: Counter[str] = Counter()
        self.type, self.notes = "text", list[str]()
        self.target = _Target(forms.GAP, forms_[0]) if forms_ else _Target(cells.TEXT_GAP)
        self.pile: cells.Pile | None = cells.Pile()

    def full(self) -> list[Form]:
        """Return the forms that all values have."""
        there = self.count["there"] - self.count["gaps"]
        found = [form for form in self.forms if self.count[form.pattern] == there > 0]
        return [form for form in found if form.kind != "date" or self.count[form.format] == there]

    def add(self, array: pa.Array) -> None:
        """Count what an array holds, and turn it into what it seems to be."""
        self.count["rows"] += len(array)
        self.count["there"] += cells.there(array)
        made = self._clean(array)
        if made is None:
            tidy = cells.tidied(array, self.target.gap)
            self.words += tidy.words
            self.count["spaces"] += tidy.spaces
            self.count["pluses"] += tidy.pluses
            made = self._clean(tidy.texts) if self.forms and tidy.texts is not array else None
            made = self._matched(tidy.texts) if made is None else made
        if made is None:
            self.pile = None
        elif self.pile is not None:
            self.pile.add(made)

    def _clean(self, array: pa.Array) -> pa.Array | None:
        """Return what an array holds if its bytes prove that it is what it seems, with nothing to repair."""
        if not self.forms:
            return None if len(cells.suspects(array)) else array
        form, made = self.forms[0], None
        if len(self.forms) > 1:
            return None
        if form.kind == "number" and (found := cells.plain_numbers(array)):
            made, points = found
            self.count["parts"] += points
            if points and forms.is_id(self.name):
                self.count["point zeros"] += cells.count_full(array, r"-?\d+\.0+")
        elif form.format == "%Y-%m-%d" and (made := cells.iso_dates(array)) is not None:
            self.count[form.format] += cells.there(array)
        if made is not None:
            self.count[form.pattern] += cells.there(array)
        return made

    def _matched(self, texts: pa.Array) -> pa.Array | None:
        """Count the values of each form, and what tells forms apart; return numbers or dates if all fit."""
        if not self.forms:
            return texts
        made = None
        for at, form in enumerate(self.forms):
            fits = cells.count_full(texts, form.pattern)
            self.count[form.pattern] += fits
            if form.kind == "date":
                parsed = cells.dates(texts, form)
                self.count[form.format] += cells.there(parsed)
                made = parsed if not at and cells.there(parsed) == fits == cells.there(texts) else made
                continue
            if form.kind == "number":
                self.count["parts"] += cells.count(texts, "[.eE]")
                self.count["point zeros"] += cells.count_full(texts, r"-?\d+\.0+")
            else:
                self.count[f"parts {form.kind}"] += cells.holds(texts, "." if form.kind == "point" else ",")
                self.count["long"] += cells.count(texts, r"\d{4}") if form.kind == "comma" else 0
            made = cells.numbers(texts, form) if not at and fits == cells.there(texts) else made
        self.count["zeros"] += cells.count_led_by_zero(texts)
        return made

    def again(self, array: pa.Array) -> None:
        """Turn an array into what the column was found to hold."""
        self.pile = self.pile or cells.Pile()
        self.pile.add(self.target.made(cells.tidied(array, self.target.gap).texts))

    def taken(self) -> pa.Array:
        """Return the whole column in its one type."""
        kinds = {"whole number": pa.int64(), "number": pa.float64(), "date": pa.timestamp("us")}
        return (self.pile or cells.Pile()).taken(kinds.get(self.type))


def typed(
    read: Read,
    names: Mapping[str, str],
    hints: Hints = Hints(),  # noqa: B008 - frozen
    delimiter: str = "",
) -> Typed:
    """Turn columns of texts into what they hold.

    Parameters
    ----------
    read : callable
        Yields the rows from the start as Arrow batches, the columns asked for or, of an empty list, all.
        Columns that are no texts stay as they are.
    names : mapping
        What the columns are called, by the keys that they have in the batches; a column with an empty name
        and no values is left out.
    hints : Hints
        Settles dates and decimal marks that a column leaves open.
    delimiter : str
        Of the file: a semicolon goes with decimal commas, a comma with decimal points.

    Returns
    -------
    Typed
        The same rows in the same order, with columns called by their keys; types by `names`; one sentence for
        each repair and each doubt; the number of cells that changed.

    Examples
    --------
    >>> rows = pa.RecordBatch.from_pydict({"id": ["01", "02"], "charge": ["2,50", "1.000,5"]})
    >>> found = typed(lambda keys: iter([rows]), {"id": "id", "charge": "charge"})
    >>> found.types, found.table.to_pydict()
    ((('id', 'text'), ('charge', 'number')), {'id': ['01', '02'], 'charge': [2.5, 1000.5]})
    """
    columns: dict[str, _Column] = {}
    plain: dict[str, cells.Pile] = {}
    batches = read([])
    first = list(_ahead(batches))
    for key in names if first else ():
        if cells.is_text(first[0][key].type):
            values = chain.from_iterable(batch[key].to_pylist() for batch in first)
            columns[key] = _Column(key, names[key], *forms.guess(names[key], islice(values, _LOOK)))
    for batch in chain(first, batches):
        for key, array in zip(batch.schema.names, batch.columns, strict=True):
            if key in columns:
                columns[key].add(array)
            else:
                plain.setdefault(key, cells.Pile()).add(array)
    guessed = {key: column.target for key, column in columns.items()}
    _decide(list(columns.values()), hints, delimiter)
    wrong = [key for key, each in columns.items() if each.pile is None or each.target != guessed[key]]
    for key in wrong:
        columns[key].pile = None
    for batch in read(wrong) if wrong else ():
        for key, array in zip(wrong, batch.columns, strict=True):
            columns[key].again(array)
    return _gathered(names, columns, plain)


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield as many batches as the guess looks at."""
    rows = 0
    while rows < _LOOK and (batch := next(batches, None)) is not None:
        rows += len(batch)
        yield batch


def _gathered(names: Mapping[str, str], columns: dict[str, _Column], plain: dict[str, cells.Pile]) -> Typed:
    """Put the columns together, in their order; one without a name and without values is left out."""
    made, result = {}, Typed(pa.table({}))
    for key, name in names.items():
        if key in plain:
            made[key] = plain.pop(key).taken()
            result.types += ((name, _word(made[key].type)),)
            continue
        column = columns.pop(key, None) or _Column(key, name, [], "")
        if not name and column.count["there"] == column.count["blank"]:
            continue
        made[key] = column.taken()
        result.types += ((name, column.type),)
        result.notes += column.notes
        result.repaired += column.count["repaired"]
    result.table = pa.table(made)
    return result


def frame(table: nw.DataFrame[Any], hints: Hints = Hints()) -> tuple[nw.DataFrame[Any], Typed]:  # noqa: B008 - frozen
    """Turn the columns of texts of a frame in memory into what they hold; the frame keeps its kind."""
    texts = [name for name, dtype in table.schema.items() if dtype == nw.String]
    arrow = table.select(texts).to_arrow().select(texts)  # a pandas index would come along as a column
    arrow = arrow.cast(pa.schema([(name, pa.large_string()) for name in texts]))
    keys = {f"c{at}": name for at, name in enumerate(texts)}
    arrow = arrow.rename_columns(list(keys))

    def read(asked: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return iter((arrow.select(asked) if asked else arrow).to_batches(_BATCH))

    found = typed(read, keys, hints)
    kinds = dict(zip(keys, (type_ for _, type_ in found.types), strict=True))
    changed = [key for key in keys if kinds[key] != "text" or not found.table[key].equals(arrow[key])]
    fresh = nw.from_native(found.table.select(changed), eager_only=True)
    table = table.with_columns(*(_moved(fresh[key], keys[key], table) for key in changed))
    types = {name: kind(str(dtype)) for name, dtype in table.schema.items()} | dict(found.types)
    found.types = tuple((name, types[name]) for name in table.columns)
    return table, found


def _moved(column: nw.Series[Any], name: str, table: nw.DataFrame[Any]) -> nw.Series[Any]:
    moved = nw.from_arrow(column.to_frame(), backend=table.implementation)
    return moved[column.name].alias(name)


# ---------------------------------------------------------------------------------------------- deciding
def _decide(columns: list[_Column], hints: Hints, delimiter: str) -> None:
    """Decide what each column holds; a column that leaves its decimal mark open follows those that do not."""
    for column in columns:
        column.count["gaps"] = column.words.total() if column.forms else 0
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
        if not column.count["parts"]:
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
    """Settle that a column is turned into what a form says."""
    count = column.count
    _missing(column, forms.GAP)
    column.target, column.type = _Target(forms.GAP, form), "date" if form.kind == "date" else "number"
    whole = count["there"] - count["gaps"] == count["rows"] and form.kind != "date"
    if form.kind in {"point", "comma"}:
        whole = whole and not count[f"parts {form.kind}"]
        count["repaired"] += count["there"] - count["gaps"]
        if form.unit:
            column.notes.append(f'Column "{column.name}": the sign {form.unit} was taken off its numbers.')
    elif form.kind == "number" and forms.is_id(column.name) and count["parts"] == count["point zeros"] > 0:
        column.notes.append(f'Column "{column.name}": ids written as 17850.0 are read as 17850.')
        count["repaired"] += count["parts"]
        column.target, column.type = _Target(forms.GAP, replace(form, kind=_ID)), "text"
        return
    else:
        whole = whole and not count["parts"]
    column.type = "whole number" if whole else column.type


def _keep(column: _Column) -> None:
    """Leave a column text, without blanks and spaces around; say why, if it nearly was something else."""
    count = column.count
    close = max((count[form.pattern] for form in column.forms), default=0)
    there = count["there"] - count["gaps"]
    if column.doubt:
        column.notes.append(f'Column "{column.name}" is read as text: {column.doubt}.')
    elif count["zeros"] and close:
        column.notes.append(f'Column "{column.name}" is kept as text: some of its values begin with zeros.')
    elif 0 < close < there:
        kind = _WORDS[column.forms[0].kind]
        column.notes.append(
            f'Column "{column.name}" is read as text:'
            f" {there - close:,} of its {there:,} values are no {kind}."
        )
    elif close:
        column.notes.append(f'Column "{column.name}" is read as text: it holds days that do not exist.')
    column.target = _Target(
        _BLANK if count["pluses"] else cells.TEXT_GAP
    )  # beside a plus a minus is an answer
    _missing(column, column.target.gap)
    count["repaired"] += count["spaces"]


def _missing(column: _Column, gap: str) -> None:
    """Count what is read as missing, and list the words that stood there."""
    words = {word: n for word, n in column.words.items() if re.fullmatch(gap, word)}
    column.count["repaired"] = gone = sum(words.values())
    column.count["blank"] = gone
    said = ", ".join(sorted(word for word in words if word))
    if gone:
        listed = f" ({said})" if said else ""
        entries = "1 entry is" if gone == 1 else f"{gone:,} entries are"
        column.notes.append(f'Column "{column.name}": {entries} read as missing{listed}.')


# ---------------------------------------------------------------------------------------------- other kinds
def _word(type_: pa.DataType) -> str:
    if pa.types.is_integer(type_):
        return "whole number"
    return "number" if pa.types.is_floating(type_) else "date"


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
    if re.match(r"U?(?:TINY|SMALL|BIG|HUGE)?INT(?!ERVAL)", name):
        return "whole number"
    if name.startswith(("FLOAT", "DOUBLE", "DECIMAL", "REAL")):
        return "number"
    return (
        "date" if name.startswith(("DATE", "TIMESTAMP")) else "yes/no" if name.startswith("BOOL") else "text"
    )
