"""What each column is: statistics, a role, and what becomes of it.

One narwhals `select` of aggregates describes all columns; roles are read off those numbers and the column's name, each with
a reason in words, and each can be overridden. Nothing here looks at single rows, so that the same lines can run where the
data live. Quality judges what is found here; preparing starts from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw
import pandas as pd

from segkit.errors import ParameterError, nearest

ROLES = ("id", "date", "number", "money", "category", "yes/no", "free text", "constant", "near-unique", "empty")

_YES_NO = ({"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"}, {"ja", "nein"}, {"oui", "non"}, {"si", "no"}, {"0", "1"})
_ID = re.compile(r"(^|[ _.-])(id|ids|uuid|guid|key)$|[a-z]I[Dd]$|^ids?$|(customer|client|cust|user|member|account)[ _]?(id|no|nr|num|number|code|key)$")
_CUSTOMER = re.compile("cust|client|user|member|account|kunde", re.IGNORECASE)
_MONEY = frozenset(
    "spend spent spending mnt revenue amount amt income price prices charge charges cost costs sales salary fee fees turnover monetary"
    " payment payments cash usd eur gbp chf dollar dollars euro euros credit deposit wage budget".split()
)
_MAYBE_MONEY = frozenset("purchases purchase balance value total profit margin limit".split())  # when not whole
_NOT_MONEY = frozenset(
    "score index rate rating frequency share percent pct prc ratio count num number trx transactions n days months rank level"
    " items qty quantity visits type category method".split()
)
_CODE = frozenset(
    "channel region code type class group segment cluster category status education occupation gender sex marital settlement zone area"
    " country state city plan tier branch store product contract".split()
)
_AMOUNT = _MONEY | _MAYBE_MONEY | frozenset(
    "num number no count n qty quantity visits orders items transactions trx trans days day weeks months month years year age tenure"
    " children kids kidhome teenhome kid teen household family persons members size score rating satisfaction points miles recency"
    " frequency purchases returns calls logins sessions previous campaign duration rank level stars".split()
)
_SHORT = {"num": "number of", "mnt": "spend on", "trx": "transactions", "trans": "transactions", "dt": "date", "amt": "amount",
          "qty": "quantity", "pct": "percent", "prc": "percent", "cust": "customer"}  # fmt: skip
_NUMBERS = ("zeros", "negatives", "outliers", "mean", "sd", "min", "q25", "median", "q75", "max", "skew")


def describe(
    frame: Any,
    *,
    customer_id: str = "auto",
    features: Sequence[str] = (),
    exclude: Sequence[str] = (),
    categories: Sequence[str] = (),
    numbers: Sequence[str] = (),
    value: str = "",
) -> pd.DataFrame:
    """Describe every column of a table and decide what it is used for.

    Parameters
    ----------
    frame : pandas, polars or pyarrow frame
        One row per customer.
    customer_id : str
        The column that names the customer; "auto" finds it, "" says there is none.
    features, exclude : sequence of str
        Columns that make the segments (empty: all that can), and columns that must not.
    categories, numbers : sequence of str
        Columns to treat as such, whatever was guessed.
    value : str
        The column with what a customer is worth.

    Returns
    -------
    DataFrame
        One row per column: ``column, label, dtype, role, use, reason, rows, missing, missing_share, distinct, zeros, negatives,
        outliers, mean, sd, min, q25, median, q75, max, skew, top, top_share``. `outliers` counts values more than three times
        the interquartile range beyond the quartiles (Tukey's "far out", 1977), none where the middle half is one value;
        `sd` divides by n - 1; `skew` is the third standardised moment; `top` is the most frequent value (the first in
        order of those), `top_share` its share of the values that are there.

    Raises
    ------
    ParameterError
        When a name is no column of the table, or a column cannot be what it is asked to be.

    Examples
    --------
    >>> table = pd.DataFrame({"ID": [1, 2, 3], "spend": [2.5, 3.5, 10.0], "plan": ["a", "b", "a"]})
    >>> describe(table)[["column", "role", "use"]].to_string(index=False, header=False)
    ' ID     id      id\\nspend  money feature\\n  plan category feature'
    """
    table = nw.from_native(frame, eager_only=True, pass_through=False)
    asked = {"features": features, "exclude": exclude, "categories": categories, "numbers": numbers}
    _check_names(table.columns, asked | {"value": [value] if value else []})
    found = [_Column(name, dtype, stats) for (name, dtype), stats in zip(table.schema.items(), _statistics(table), strict=True)]
    for column in found:
        column.decide(as_number=column.name in numbers, as_category=column.name in categories)
    chosen = _customer_id(found, customer_id, table.columns)
    for column in found:
        column.employ(chosen, features, exclude, value)
    labels = _labels(table.columns)
    rows = [{"column": each.name, "label": labels[each.name], **each.row()} for each in found]
    return pd.DataFrame(rows)


# ---------------------------------------------------------------------------------------------- statistics
def _statistics(table: nw.DataFrame[Any]) -> list[dict[str, Any]]:
    """Return the aggregates of each column, from one select over the table."""
    plans = [_aggregates(name, dtype) for name, dtype in table.schema.items()]
    flat = [expr.alias(f"{at}|{key}") for at, plan in enumerate(plans) for key, expr in plan.items()]
    values = iter(table.select(nw.len().alias("rows"), *flat).row(0))
    rows = int(next(values))
    return [{"rows": rows, **{key: _plain(next(values)) for key in plan}} for plan in plans]


def _aggregates(name: str, dtype: Any) -> dict[str, nw.Expr]:
    value = nw.col(name)
    if dtype.is_float():
        value = nw.when(~value.is_nan()).then(value)  # missing is missing, whoever wrote it
    if dtype == nw.Boolean:
        value = value.cast(nw.Int8)
    if dtype == nw.Categorical or dtype == nw.Enum:  # noqa: PLR1714 - narwhals compares a class and its parametrised kinds
        value = value.cast(nw.String)
    common = {"filled": value.count(), "levels": value.n_unique()}
    top = value.drop_nulls().mode(keep="all").min()
    if dtype == nw.Date or dtype == nw.Datetime:  # noqa: PLR1714
        return common | {"min": value.min(), "max": value.max()}
    if dtype.is_numeric() or dtype == nw.Boolean:
        return common | {"top": top, "tops": (value == top).sum(), **_number_aggregates(value)}
    if dtype == nw.String or dtype == nw.Categorical or dtype == nw.Enum:  # noqa: PLR1714
        text = {"first": value.min(), "last": value.max(), "length": value.str.len_chars().mean(), "longest": value.str.len_chars().max()}
        return common | {"top": top, "tops": (value == top).sum(), **text, "spaced": value.str.contains(r"\S\s+\S+\s+\S").sum()}
    return {"filled": value.count()}


def _number_aggregates(value: nw.Expr) -> dict[str, nw.Expr]:
    low, high = value.quantile(0.25, "linear"), value.quantile(0.75, "linear")
    far = (value < low - 3 * (high - low)) | (value > high + 3 * (high - low))
    return {
        "zeros": (value == 0).sum(), "negatives": (value < 0).sum(), "far": far.sum(), "mean": value.mean(), "sd": value.std(ddof=1),
        "min": value.min(), "q25": low, "median": value.median(), "q75": high, "max": value.max(), "skew": value.skew(),
        "parts": (value != value.round(0)).sum(),
    }  # fmt: skip


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


# ---------------------------------------------------------------------------------------------- roles
class _Column:
    """One column on its way from statistics to a role and a use."""

    def __init__(self, name: str, dtype: Any, stats: dict[str, Any]) -> None:
        self.name, self.dtype, self.stats = name, dtype, stats
        self.rows, self.filled = stats["rows"], int(stats["filled"] or 0)
        missing = self.rows - self.filled
        self.distinct = int(stats.get("levels") or 0) - (1 if missing and stats.get("levels") else 0)
        self.is_number = dtype.is_numeric() or dtype == nw.Boolean
        self.is_text = dtype == nw.String or dtype == nw.Categorical or dtype == nw.Enum  # noqa: PLR1714
        self.words = set(_words(name))
        self.role, self.reason, self.use, self.asked = "", "", "", False

    @property
    def whole(self) -> bool:
        return self.is_number and not self.stats["parts"]

    @property
    def unique(self) -> bool:
        return self.filled > 1 and self.distinct == self.filled

    @property
    def named_id(self) -> bool:
        return _ID.search(re.sub(r"[\s#.:]+$", "", self.name)) is not None or _ID.search(self.name.lower().strip("# ")) is not None

    def decide(self, *, as_number: bool, as_category: bool) -> None:
        """Set role and reason: what was asked for, else what the values and the name say."""
        if as_number and not self.is_number:
            found = "text" if self.is_text else str(self.dtype)
            raise ParameterError(f'numbers: column "{self.name}" holds {found}, not numbers.')
        self.asked = as_number or as_category
        if not self.filled:
            self.role, self.reason = "empty", "no value at all"
        elif self.distinct == 1:
            self.role, self.reason = "constant", f"always {_shown(self.stats.get('top', self.stats.get('min')))}"
        elif as_category:
            self.role, self.reason = "category", "asked for as a category"
        elif as_number:
            self.role, self.reason = self._amount()[0], "asked for as a number"
        elif self.is_number:
            self.role, self.reason = self._number()
        elif self.is_text:
            self.role, self.reason = self._text()
        elif "min" in self.stats:
            self.role, self.reason = "date", "holds dates"
        else:
            self.role, self.reason = "free text", f"values of a kind that cannot be compared ({self.dtype})"

    def _number(self) -> tuple[str, str]:
        low, high = self.stats["min"], self.stats["max"]
        if (low, high, self.distinct) == (0, 1, 2):
            return "yes/no", "only 0 and 1"
        if self.whole and self.named_id and self.unique:
            return "id", "every value is different, and the name says id"
        if self.whole and self.unique and self.filled >= 20 and high - low + 1 == self.rows:
            return "id", "counts the rows"
        if self.named_id and self.distinct > 20:
            return "id", "the name says id"
        if self.whole and self._is_code(int(low), int(high)):
            return "category", f"whole numbers from {low:.0f} to {high:.0f}, read as codes"
        return self._amount()

    def _is_code(self, low: int, high: int) -> bool:
        """Few consecutive whole numbers: codes when the name says so, or when they start at 1 and the name counts nothing."""
        few = 2 <= self.distinct <= 10 and self.distinct == high - low + 1
        says_code = bool(self.words & _CODE) or self.named_id
        return few and ((low in {0, 1} and says_code) or (low == 1 and not self.words & _AMOUNT))

    def _amount(self) -> tuple[str, str]:
        sure = self.words & _MONEY or any(sign in self.name for sign in "$€£")
        likely = self.words & _MAYBE_MONEY and self.stats["parts"]
        if (sure or likely) and not self.words & _NOT_MONEY:
            return "money", "numbers, and the name says money"
        return "number", "whole numbers" if self.whole else "numbers"

    def _text(self) -> tuple[str, str]:
        ends = {str(self.stats["first"]).lower(), str(self.stats["last"]).lower()}
        if self.distinct == 2 and ends in _YES_NO:
            return "yes/no", f"only {self.stats['last']} and {self.stats['first']}"
        spaced = self.stats["spaced"] / self.filled
        if self.unique and (self.named_id or (spaced < 0.01 and self.filled >= 20 and self.stats["length"] <= 40)):
            return "id", "every value is different"
        if self.named_id and self.distinct > 20:
            return "id", "the name says id"
        if self.distinct > 20 and (spaced > 0.5 and self.distinct > 0.5 * self.filled or self.stats["longest"] > 200):
            return "free text", f"sentences, {self.distinct:,} different ones"
        if self.unique or (self.distinct > 20 and self.distinct > 0.5 * self.filled):
            return "near-unique", f"{self.distinct:,} different values in {self.filled:,} rows"
        return "category", f"{self.distinct:,} different values"

    def employ(self, customer_id: str, features: Sequence[str], exclude: Sequence[str], value: str) -> None:
        """Set the use of the column, and say why when it is left out."""
        wanted = self.name in features or self.asked
        if self.name == value and not self.is_number:
            raise ParameterError(f'value: column "{value}" holds no numbers. Choose a column of numbers.')
        if self.name in features and self.role == "date":
            raise ParameterError(f'features: column "{self.name}" holds dates. Turn it into a number of days first.')
        if self.name == customer_id:
            self.role, self.use = "id", "id"
        elif self.name in exclude or (features and self.name not in features):
            self.use = "left out"
            self.reason += "; excluded" if self.name in exclude else "; not among the columns asked for"
        elif self.role in {"constant", "empty", "date"} or (self.role in {"id", "free text", "near-unique"} and not wanted):
            self.use = "left out"
        else:
            self.use = "feature"
            if self.role in {"id", "free text", "near-unique"}:
                self.role, self.reason = ("number" if self.is_number else "category"), "asked for"
        if self.use == "left out" and self.name == value:
            self.use = "value"

    def row(self) -> dict[str, Any]:
        """Return the column's line of the table."""
        missing = self.rows - self.filled
        out: dict[str, Any] = {
            "dtype": str(self.dtype).split("(")[0], "role": self.role, "use": self.use, "reason": self.reason, "rows": self.rows,
            "missing": missing, "missing_share": missing / self.rows if self.rows else 0.0, "distinct": self.distinct,
        }  # fmt: skip
        stats = self.stats | {"outliers": self.stats.get("far")}
        if self.is_number and stats["q25"] == stats["q75"]:
            stats["outliers"] = 0
        out |= {key: _float(stats.get(key)) if self.is_number else None for key in _NUMBERS}
        top = stats.get("top")
        return out | {"top": "" if top is None else _shown(top), "top_share": stats.get("tops", 0) / self.filled if self.filled else 0.0}


def _customer_id(found: Iterable[_Column], asked: str, names: Sequence[str]) -> str:
    """Return the column that names the customer, or an empty string."""
    if asked not in {"auto", ""} and asked not in names:
        raise ParameterError(f'customer_id: there is no column "{asked}".{nearest(asked, names)} There are: {_list(names)}.')
    if asked != "auto":
        return asked
    ids = [column for column in found if column.role == "id" and not column.asked]
    best = sorted(ids, key=lambda each: (not _CUSTOMER.search(each.name), not each.named_id, not each.unique))
    return best[0].name if best else ""


def _check_names(names: Sequence[str], asked: dict[str, Sequence[str]]) -> None:
    faults = [
        f'{field}: there is no column "{name}".{nearest(name, names)}' for field, wanted in asked.items() for name in wanted if name not in names
    ]
    faults += [f'column "{name}" is asked for both as a number and as a category.' for name in asked["numbers"] if name in asked["categories"]]
    if faults:
        raise ParameterError(" ".join([*faults, f"The columns are: {_list(names)}."]))


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(names[:20]) + more


# ---------------------------------------------------------------------------------------------- words
def _words(name: str) -> list[str]:
    """Split a column name into lower-case words.

    Examples
    --------
    >>> _words("MntWines"), _words("CASH_ADVANCE_TRX"), _words("Annual Income (k$)")
    (['mnt', 'wines'], ['cash', 'advance', 'trx'], ['annual', 'income', 'k'])
    """
    split = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3 \2\4", name)
    return [word.lower() for word in re.findall(r"[^\W_]+", split)]


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Return words for people for each column, the name itself where two would get the same."""
    labels = {name: _label(name) for name in names}
    taken = list(labels.values())
    return {name: label if taken.count(label) == 1 else name for name, label in labels.items()}


def _label(name: str) -> str:
    if " " in name.strip() or not re.search(r"[^\W_]", name):
        return name.strip()
    split = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3 \2\4", name).replace("_", " ").split()
    shouted = name.upper() == name
    words = [word if len(word) < 5 and word.isupper() and not shouted else word.lower() for word in split]
    words = [_SHORT.get(word.lower(), word) for word in words]
    words = [word.upper() if word.lower() in {"id", "id#", "url", "sms"} else word for word in words]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
