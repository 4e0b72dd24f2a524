"""What texts hold: numbers, dates, or text.

A column of texts becomes numbers when every value is one, dates when every value is one in the same form,
and stays text otherwise, so that ids keep their leading zeros and their length. The first values make a
guess in plain Python; one query over all values decides, written in narwhals so that frames and files in
DuckDB are treated alike. What could not be decided is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import duckdb
import narwhals as nw

from segkit.errors import SourceError

# Missing in any column.
_BLANKS = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")
# Missing among numbers and dates; among texts they may be answers.
_NO_NUMBER = (*_BLANKS, "-", "--", ".", "?", "unknown", "Unknown", "none", "None")
# No leading zero (it would be lost), at most 15 digits (more do not fit a float): the others are names.
_NUMBER = r"^-?(?:(?:0|[1-9]\d{0,14})(?:\.\d*)?|\.\d+)(?:[eE][-+]\d{1,2})?$"
_DAY, _MONTH, _YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])", "[12][0-9]{3}"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_PATTERNS = {
    "number": _NUMBER,
    "%Y-%m-%d": f"^{_YEAR}-{_MONTH}-{_DAY}$",
    "%Y/%m/%d": f"^{_YEAR}/{_MONTH}/{_DAY}$",
    "%Y-%m-%d %H:%M:%S": f"^{_YEAR}-{_MONTH}-{_DAY} {_CLOCK}$",
    "%Y-%m-%dT%H:%M:%S": f"^{_YEAR}-{_MONTH}-{_DAY}T{_CLOCK}$",
    "%d/%m/%Y": f"^{_DAY}/{_MONTH}/{_YEAR}$",
    "%m/%d/%Y": f"^{_MONTH}/{_DAY}/{_YEAR}$",
    "%d-%m-%Y": f"^{_DAY}-{_MONTH}-{_YEAR}$",
    "%m-%d-%Y": f"^{_MONTH}-{_DAY}-{_YEAR}$",
    "%d.%m.%Y": rf"^{_DAY}\.{_MONTH}\.{_YEAR}$",
    "%Y%m%d": "^(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])$",  # if the name says date
}
_UNTIDY = (
    r"^\s|\s$|^(?:NA|N/A|n/a|#N/A|NaN|nan|NULL|null)?$"  # a text that is a blank, or has spaces around it
)
_LOOK = 10_000  # values looked at before a guess is checked on all of them


def is_number(text: str) -> bool:
    """Tell whether a text is a number that loses nothing when read as one.

    Examples
    --------
    >>> is_number(" -12.50"), is_number("007"), is_number("12E5")
    (True, False, False)
    """
    return re.match(_NUMBER, text.strip()) is not None


def typed(frame: Any, names: Mapping[str, str] | None = None) -> tuple[nw.DataFrame[Any], list[str], int]:
    """Turn columns of texts into what they hold.

    Parameters
    ----------
    frame : nw.DataFrame or nw.LazyFrame
        A lazy frame is collected into pandas.
    names : mapping
        What the columns are called, where they carry stand-in names.

    Returns
    -------
    nw.DataFrame
        Same rows, same order, columns called by `names`.
    list of str
        One sentence for each repair and each doubt.
    int
        Cells that changed: entries read as missing, and spaces cut off texts.

    Raises
    ------
    SourceError
        When a column of dates holds a day that does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"id": ["01", "02"], "charge": ["2.5", " "]})
    >>> table, notes, repaired = typed(nw.from_native(frame))
    >>> dict(table.schema), notes
    ({'id': String, 'charge': Float64}, ['Column "charge": 1 entry is read as missing.'])
    """
    schema = frame.collect_schema()
    shown = dict(names or {name: name for name in schema})
    text_columns = [name for name, dtype in schema.items() if dtype == nw.String]
    head = _collected(frame.select(text_columns).head(_LOOK)) if text_columns else {}
    guesses = {name: _guess(shown[name], head[name].to_list()) for name in text_columns}
    counts = _count(frame, {name: _clean(name, guess) for name, guess in guesses.items()})
    unclear = [name for name, count in counts.items() if count["fits"] < count["there"]]
    counts |= _count(frame, {name: _tallies(name, guesses[name]) for name in unclear})
    notes: list[str] = []
    changed = [_change(name, shown[name], guess, counts[name], notes) for name, guess in guesses.items()]
    if isinstance(frame, nw.LazyFrame):
        changed += [_plain(name, dtype) for name, dtype in schema.items()]
    try:
        expressions = [each for each in changed if each is not None]
        table = _collected(frame.with_columns(*expressions) if expressions else frame)
    except (duckdb.Error, ValueError) as error:  # the patterns let 30 February through
        reason = str(error).splitlines()[0][:120]
        raise SourceError(f"A date in the source does not exist ({reason}).") from None
    return table.rename(shown) if names else table, notes, sum(count["repaired"] for count in counts.values())


def _collected(frame: Any) -> Any:
    return frame.collect("pandas") if isinstance(frame, nw.LazyFrame) else frame


def _guess(name: str, values: list[Any]) -> tuple[str, ...]:
    """Return the forms that fit each of the first values; none for text."""
    seen = {value.strip() for value in values if isinstance(value, str)}.difference(_BLANKS)
    words = seen.difference(_NO_NUMBER)
    if seen and not words:  # "unknown" and nothing else so far: as likely an answer as a gap
        return ()
    dated = re.search(r"(^|[^a-z])(date|dt|day)([^a-z]|$)", name.lower()) is not None
    if dated and words and all(re.match(_PATTERNS["%Y%m%d"], word) for word in words):
        return ("%Y%m%d",)
    fits = [form for form, pattern in _PATTERNS.items() if all(re.match(pattern, word) for word in words)]
    return ("number",) if "number" in fits else tuple(fits)


def _count(frame: Any, plans: Mapping[str, Mapping[str, nw.Expr]]) -> dict[str, dict[str, int]]:
    """Count what each plan asks of its column, in one query."""
    flat = [expr.alias(f"{at}|{key}") for at, plan in enumerate(plans.values()) for key, expr in plan.items()]
    if not flat:
        return {}
    values = iter(_collected(frame.select(nw.len().alias("rows"), *flat)).row(0))
    rows = int(next(values))
    return {
        name: {"rows": rows} | {key: int(next(values) or 0) for key in plan} for name, plan in plans.items()
    }


def _clean(name: str, guess: tuple[str, ...]) -> dict[str, nw.Expr]:
    """Ask cheaply whether every value is as guessed, with nothing to repair: true of most columns."""
    value = nw.col(name)
    if not guess:
        return {"there": value.count(), "fits": (~value.str.contains(_UNTIDY)).sum()}
    forms = {form: value.str.contains(_PATTERNS[form]).sum() for form in guess}
    parts = value.str.contains("[.eE]").sum()
    return {"there": value.count(), "fits": forms[guess[0]], "parts": parts, **forms}


def _tallies(name: str, guess: tuple[str, ...]) -> dict[str, nw.Expr]:
    """Ask everything about a column that needs repair or is not what it seemed."""
    value = nw.col(name)
    text = value.str.strip_chars()
    blank = text.is_in(_BLANKS)
    tallies = {"there": value.count(), "blank": blank.sum(), "spaces": ((value != text) & ~blank).sum()}
    if guess:
        tallies |= {"none": text.is_in(_NO_NUMBER).sum(), "parts": text.str.contains("[.eE]").sum()}
    return tallies | {form: text.str.contains(_PATTERNS[form]).sum() for form in guess}


def _change(
    name: str, shown: str, guess: tuple[str, ...], count: dict[str, int], notes: list[str]
) -> nw.Expr | None:
    """Return what turns a column into what it holds, or nothing when it stays as it is; count its repairs."""
    there = count["there"] - count.get("none", 0)
    fits = [form for form in guess if count[form] == there > 0]
    if {"%d", "%m"} <= {form[:2] for form in fits}:
        notes.append(f'Column "{shown}" may hold dates with the day or the month first; it is read as text.')
        fits = []
    elif guess and not fits and (close := max(count[form] for form in guess)):
        kind = "numbers" if guess == ("number",) else "dates"
        notes.append(
            f'Column "{shown}" is read as text: {there - close:,} of its {there:,} values are no {kind}.'
        )
    gone = count.get("none" if fits else "blank", 0)
    if gone:
        entries = "1 entry is" if gone == 1 else f"{gone:,} entries are"
        notes.append(f'Column "{shown}": {entries} read as missing.')
    count["repaired"] = gone + (0 if fits else count.get("spaces", 0))
    clean = text = nw.col(name).str.strip_chars() if "spaces" in count else nw.col(name)
    if gone:
        clean = nw.when(~text.is_in(_NO_NUMBER if fits else _BLANKS)).then(text)
    if not fits:
        return clean.alias(name) if count["repaired"] else None
    if fits[0] != "number":
        return clean.str.to_datetime(fits[0]).alias(name)
    whole = count["parts"] == 0 and there == count["rows"]
    return clean.cast(nw.Int64 if whole else nw.Float64).alias(name)


def _plain(name: str, dtype: Any) -> nw.Expr | None:
    """Return what turns a typed column of a file into a kind that every room can work with."""
    if dtype.is_decimal():
        return nw.col(name).cast(nw.Float64)
    kept = dtype.is_numeric() or dtype in (nw.Date, nw.Datetime, nw.String)
    return None if kept else nw.col(name).cast(nw.String)
