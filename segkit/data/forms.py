"""The forms in which people write numbers and dates, and which of them a sample of texts may have.

A form never loses anything: no leading zero, no more digits than a float holds. Several may fit a sample
("01/02/2024", "1,234"); `texts` asks all values of the column, and says so when they do not tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property

# Missing in any column, as spreadsheets and databases write it.
BLANKS = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "<NA>", "#DIV/0!", "#REF!", "#VALUE!")
# Missing among numbers and dates, in any case; among texts they may be answers.
MISSING = (
    *{blank.lower() for blank in BLANKS},
    "-",
    "--",
    ".",
    "..",
    "?",
    "unknown",
    "none",
    "missing",
    "n.a.",
)
GAP = rf"(?i:{'|'.join(map(re.escape, MISSING))}|\*+)"
_GAP = re.compile(GAP).fullmatch
SPACES = " \t\r\n\u00a0\u202f\ufeff"

# No leading zero (it would be lost), at most 15 digits (more do not fit a float): the others are names.
NUMBER = r"-?(?:(?:0|[1-9]\d{0,14})(?:\.\d*)?|\.\d+)(?:[eE][-+]\d{1,2})?"
_UNIT = r"R\$|[$€£¥₹%]|\b(?:CHF|EUR|USD|GBP|SEK|NOK|DKK|PLN|kr|zł)\b"
_MARKS = {"point": (".", ","), "comma": (",", ".")}  # decimal mark, mark between thousands
_ID = re.compile(r"(?i:(?:^|[^a-z])(?:id|no|nr|key|code|zip|postcode|plz|phone|tel|number)$)|[a-z]I[Dd]$")
_DATED = re.compile(r"(^|[^a-z])(date|dt|day)([^a-z]|$)", re.IGNORECASE)

_DAY, _MONTH, _YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])", "[12][0-9]{3}"
_SHORT = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_LONG = "(?i:january|february|march|april|may|june|july|august|september|october|november|december)"
_PARTS = {"%d": _DAY, "%m": _MONTH, "%Y": _YEAR, "%y": "[0-9]{2}", "%b": _SHORT, "%B": _LONG, ".": r"\."}
_CLOCK = r"(?:[ T][0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9](?:\.\d{1,9})?)?(?: ?(?i:am|pm))?(?:Z|\+00:?00)?)?"
_COMPACT = "(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p")
_NEARLY = 0.9
_DIGIT = re.compile(r"\d").search


@dataclass(frozen=True)
class Form:
    """One way to write a number or a date.

    Attributes
    ----------
    kind : str
        "number" (as programs write it), "point" or "comma" (as people do, by the decimal mark), or "date".
    pattern : str
        A regular expression that the whole of a value matches.
    format : str
        Of a date, as `strptime` takes it.
    unit : str
        The currency or percent sign that comes with a number.
    """

    kind: str
    pattern: str
    format: str = ""
    unit: str = ""

    def fits(self, text: str) -> bool:
        """Tell whether a text is written so."""
        return self.match(text) is not None

    @cached_property
    def match(self) -> Callable[[str], re.Match[str] | None]:
        """Return what matches the whole of a text."""
        return re.compile(self.pattern).fullmatch

    @property
    def formats(self) -> list[str]:
        """Return the format with every time of day that may follow it."""
        return [self.format + each.replace(" %H", mark + "%H", 1) for each in _TIMES for mark in " T"]


def _date(format_: str) -> Form:
    pattern = re.sub(r"%.|\.", lambda part: _PARTS[part[0]], format_)
    return Form("date", pattern + _CLOCK, format_)


_PLAIN = Form("number", NUMBER)
_SIGNED = ("%Y{0}%m{0}%d", "%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%d{0}%m{0}%y", "%m{0}%d{0}%y", "%y{0}%m{0}%d")
DATES = [
    *(_date(order.format(sign)) for sign in "-/." for order in _SIGNED),
    *(_date(f"%d{sign}{month}{sign}%{year}") for sign in " -" for month in ("%b", "%B") for year in "Yy"),
    *(_date(f"{month} %d, %Y") for month in ("%b", "%B")),
]
_ANY_DATE = re.compile("|".join(form.pattern for form in DATES))


def is_number(text: str) -> bool:
    """Tell whether a text is a number that loses nothing when read as one.

    Examples
    --------
    >>> is_number(" -12.50"), is_number("007"), is_number("12E5")
    (True, False, False)
    """
    return re.fullmatch(NUMBER, text.strip()) is not None


def is_value(text: str) -> bool:
    """Tell whether a text is a number, a date or a gap, and so no name of a column.

    Examples
    --------
    >>> is_value("1,234.50"), is_value("24 October 2011"), is_value("n/a"), is_value("Year")
    (True, True, True, False)
    """
    text = text.strip()
    return (
        any(each.fits(text) for each in (_PLAIN, people("point"), people("comma")))
        or _ANY_DATE.fullmatch(text) is not None
        or _GAP(text) is not None
    )


def is_id(name: str) -> bool:
    """Tell whether a column is called what ids, codes and telephone numbers are called.

    Examples
    --------
    >>> is_id("CustomerID"), is_id("customer_id"), is_id("paid"), is_id("Kapitel")
    (True, True, False, False)
    """
    return _ID.search(name.strip()) is not None


@cache
def people(mark: str, unit: str = "") -> Form:
    """Return the form in which people write numbers with a decimal "point" or "comma", and a unit.

    Examples
    --------
    >>> people("comma").fits("1.234,50"), people("point", "$").fits("($1,234.50)")
    (True, True)
    """
    decimal, group = map(re.escape, _MARKS[mark])
    sign = f"(?:{re.escape(unit)}[ \u00a0]?)?" if unit else ""
    after = f"(?:[ \u00a0\u202f]?{re.escape(unit)})" + ("" if unit == "%" else "?") if unit else ""
    groups = "".join(
        rf"|[1-9]\d{{0,2}}(?:{each}\d{{3}}){{1,4}}" for each in (group, "['’]", "[ \u00a0\u202f]")
    )
    body = rf"(?:(?:0|[1-9]\d{{0,14}}{groups})(?:{decimal}\d+)?|{decimal}\d+)"
    front = "" if unit == "%" else sign
    return Form(mark, rf"(?:[-−] ?)?{front}[-−]?{body}{after}-?|\({front}{body}{after}\)", unit=unit)


def guess(name: str, values: Iterable[str | None]) -> tuple[list[Form], str]:  # noqa: PLR0911 - one per kind
    """Return the forms that nearly all of some values have, and a doubt in words.

    Examples
    --------
    >>> [form.format for form in guess("seen", ["01/02/2024", "31/01/2024"])[0]]
    ['%d/%m/%Y']
    """
    seen = Counter(value.strip(SPACES) for value in values if value is not None)
    words = Counter({word: count for word, count in seen.items() if not _GAP(word)})
    if not words:  # "unknown" and nothing else so far: as likely an answer as a gap
        return [], ""
    digits = [word for word in words if _DIGIT(word)]
    if sum(words[word] for word in digits) < _NEARLY * words.total():
        return [], ""
    if _DATED.search(name) and all(re.fullmatch(_COMPACT, word) for word in words):
        return [Form("date", _COMPACT, "%Y%m%d")], ""
    if is_id(name):
        return _near([_PLAIN], words), ""
    if all(map(_PLAIN.match, words)):
        return [_PLAIN, *(_near([people("comma")], words) if any("." in word for word in words) else [])], ""
    units = {unit for word in digits for unit in re.findall(_UNIT, word)}
    if len(units) > 1 and len(digits) > 1:
        return [], f"its values have several units ({', '.join(sorted(units))})"
    unit = "".join(units)
    near = _near([_PLAIN, people("point", unit), people("comma", unit)], words) or _near(DATES, words)
    return (near[:1] if _PLAIN in near else near), ""


def _near(forms: list[Form], words: Counter[str]) -> list[Form]:
    """Return the forms that most of the words have; those that all have, if there are any."""
    fits = {form: sum(count for word, count in words.items() if form.match(word)) for form in forms}
    most = max(fits.values(), default=0)
    return [form for form in forms if fits[form] == most >= _NEARLY * words.total()]
