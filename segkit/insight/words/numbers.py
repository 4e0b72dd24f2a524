"""How every number is written, in one place (rules of the words page, "Numbers").

One frozen object knows the reader's separators and currency and turns a number into text: never more digits
than the reader can use, halves up, a real minus sign, a non-breaking space before the per-cent sign, and
``-`` where there is no number. It knows nothing about tables, segments or sentences; the locale changes
separators only, because the language of segkit is English.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

NOTHING = "-"
MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"
TIMES = "\N{MULTIPLICATION SIGN}"

# locale: decimal mark, mark between thousands
SEPARATORS: dict[str, tuple[str, str]] = {
    "en": (".", ","),
    **dict.fromkeys(("de", "es", "it", "nl", "pt"), (",", ".")),
    "fr": (",", "\N{NARROW NO-BREAK SPACE}"),
    "sv": (",", NBSP),
    "ch": (".", "\N{RIGHT SINGLE QUOTATION MARK}"),
}
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪", "UAH": "₴"}
CARDINALS = [
    "No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve",
]  # fmt: skip
MONTHS = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]  # fmt: skip

Amount = float | int | None
WIDE = Context(prec=400, rounding=ROUND_HALF_UP)  # any finite float can be written out in full


@dataclass(frozen=True)
class Numbers:
    r"""Numbers as words for one reader.

    Parameters
    ----------
    locale : str
        Which separators: ``en de fr es it nl pt sv ch``. An unknown locale is read as ``en``.
    currency : str
        A code (``EUR``), a symbol (``€``) or the unit of the data (``m.u.``); empty when not known.

    Examples
    --------
    >>> n = Numbers(currency="EUR")
    >>> n.count(1234), n.multiple(2.4236), n.money(14_619_500, short=True), n.signed(-0.21)
    ('1,234', '2.4×', '€14.6\xa0M', '−0.21')
    >>> Numbers("de").share(0.12345), n.share(0.0004), n.value(None)
    ('12,3\xa0%', 'under 0.1\xa0%', '-')
    """

    locale: str = "en"
    currency: str = ""

    @property
    def separators(self) -> str:
        """Return both marks as plotly wants them: decimal, then thousands."""
        return "".join(SEPARATORS.get(self.locale, SEPARATORS["en"]))

    def count(self, x: Amount) -> str:
        """Write a whole number of things: ``1,234``."""
        return self._fixed(x, 0)

    def share(self, x: Amount) -> str:
        """Write a part of one as per cent with one decimal: ``12.3 %``."""
        return self._percent(x, 1)

    def percent(self, x: Amount) -> str:
        """Write a part of one as whole per cent, for titles: ``12 %``."""
        return self._percent(x, 0)

    def multiple(self, x: Amount) -> str:
        """Write a ratio: ``2.4×``; ratios that would round to nothing are ``under 0.1×``."""
        number = _known(x)
        if number is not None and 0 < number < Decimal("0.05"):
            return f"under {self._fixed(0.1, 1)}{TIMES}"
        return NOTHING if number is None else self._fixed(x, 0 if abs(number) >= 100 else 1) + TIMES

    def money(self, x: Amount, *, short: bool = False) -> str:
        """Write an amount of money: ``€1,234``, ``€14.6 M`` when `short`, else ``1,234 m.u.``."""
        number = _known(x)
        if number is None:
            return NOTHING
        text = self._short(number) if short and abs(number) >= 1_000_000 else self._amount(number)
        return self._with_currency(text)

    def value(self, x: Amount) -> str:
        """Write an amount of any column with three digits or so: ``11,527``, ``4.5``, ``0.082``."""
        number = _known(x)
        if number is None:
            return NOTHING
        size = abs(number)
        if size >= 10**15:
            return f"{self._fixed(number.scaleb(-number.adjusted()), 1)} {TIMES} 10^{number.adjusted()}"
        if 0 < size < Decimal("0.000001"):
            return f"under {self._fixed(Decimal('0.000001'), 6)}"
        digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 1 - number.adjusted()
        return self._fixed(number, 0 if number == 0 else digits, strip=True)

    def exact(self, x: Amount) -> str:
        """Write every digit of a number that was rounded before: ``1,200``, ``0.46``."""
        number = _known(x)
        if number is None:
            return NOTHING
        return self._fixed(number, max(0, -int(number.normalize().as_tuple().exponent)))

    def index(self, x: Amount, digits: int = 2) -> str:
        """Write an index such as a silhouette: ``0.29`` in text; three digits in tables."""
        return self._fixed(x, digits)

    def signed(self, x: Amount, digits: int = 2) -> str:
        """Write a number whose sign matters: ``+0.80``, ``−0.21``."""
        text, number = self._fixed(x, digits), _known(x)
        return f"+{text}" if number is not None and number > 0 and text.strip("0.,") else text

    def range(self, a: Amount, b: Amount, f: Callable[[Amount], str] | None = None) -> str:
        """Write two ends: ``0.25 to 0.28``; one number where both read the same."""
        low, high = (f or self.index)(a), (f or self.index)(b)
        return low if low == high else f"{low} to {high}"

    def date(self, d: dt.date | str) -> str:
        """Write a day as people write it: ``23 November 2026``."""
        day = dt.date.fromisoformat(d[:10]) if isinstance(d, str) else d
        return f"{day.day} {MONTHS[day.month - 1]} {day.year}"

    def cardinal(self, n: int) -> str:
        """Write a small number as a word that opens a sentence (``Two``); figures from 13 on."""
        return CARDINALS[n] if 0 <= n < len(CARDINALS) else self.count(n)

    def one_in(self, share: float, noun: str = "customer") -> str:
        """Write a share as a natural frequency: ``one customer in six``, ``two customers in five``.

        The smallest denominator up to ten that is right to 1.5 points; below a tenth, one in the nearest
        number.
        """
        if not 0 < share <= 1:
            return f"no {noun}"
        if share < 0.095:
            return f"one {noun} in {self.cardinal(round(1 / share)).lower()}"
        pairs = ((round(share * b), b) for b in range(1, 11) if abs(round(share * b) / b - share) <= 0.015)
        top, bottom = next(pairs, (round(share * 10), 10))
        if top == bottom:
            return f"nearly every {noun}"
        return f"{self.cardinal(top)} {noun}{'s' * (top > 1)} in {self.cardinal(bottom)}".lower()

    def _percent(self, x: Amount, digits: int) -> str:
        number = _known(x)
        if number is None:
            return NOTHING
        least = Decimal(1).scaleb(-digits)
        if 0 < number * 100 < least / 2:
            return f"under {self._fixed(least, digits)}{NBSP}%"
        if 100 - least / 2 <= number * 100 < 100:
            return f"over {self._fixed(100 - least, digits)}{NBSP}%"
        return self._fixed(number * 100, 0 if number in (0, 1) else digits) + f"{NBSP}%"

    def _short(self, number: Decimal) -> str:
        power, name = (9, "bn") if abs(number) >= Decimal(999950000) else (6, "M")
        return f"{self._fixed(number.scaleb(-power), 1)}{NBSP}{name}"

    def _amount(self, number: Decimal) -> str:
        whole = abs(number) >= 100 or number == number.to_integral_value()
        return self._fixed(number, 0 if whole else 2)

    def _with_currency(self, text: str) -> str:
        unit = SYMBOLS.get(self.currency.upper(), self.currency.strip())
        sign, text = (MINUS, text[1:]) if text.startswith(MINUS) else ("", text)
        if not unit:
            return sign + text
        if unit.isalpha() and unit.isupper() and len(unit) == 3:
            return f"{sign}{unit}{NBSP}{text}"
        return f"{sign}{text}{NBSP}{unit}" if any(map(str.isalpha, unit)) else f"{sign}{unit}{text}"

    def _fixed(self, x: Amount | Decimal, digits: int, *, strip: bool = False) -> str:
        number = _known(x)
        if number is None:
            return NOTHING
        rounded = number.quantize(Decimal(1).scaleb(-digits), context=WIDE)
        text = f"{abs(rounded):,f}"
        if strip and "." in text:
            text = text.rstrip("0").rstrip(".")
        decimal, thousands = SEPARATORS.get(self.locale, SEPARATORS["en"])
        text = text.translate({ord(","): thousands, ord("."): decimal})
        return f"{MINUS}{text}" if rounded < 0 else text


def _known(x: Amount | Decimal) -> Decimal | None:
    """Return the decimal a person would read off `x`, or None where it is missing or not finite."""
    if isinstance(x, Decimal):
        return x
    try:
        number = float(x)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return Decimal(repr(number)) if math.isfinite(number) else None
