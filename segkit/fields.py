"""Every parameter, once: type, default, bounds, choices, group, label and one line of help.

A field is an ``Annotated`` alias that kinds of study choose from (`segkit.params`). What the faces need to
know of a field is its `Field`. Nothing else may spell a field again, and nothing here knows a kind of study.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator
from pydantic import Field as _Field
from pydantic.fields import FieldInfo


def _field(default: Any, group: str, label: str, text: str, *, trust: str = "", **bounds: Any) -> Any:
    """Describe a field; `trust` is "operator" where it names a file, "run" where it is not the study's."""
    extra: dict[str, Any] = {"group": group, "label": label, "trust": trust}
    return _Field(default=default, description=text, json_schema_extra=extra, **bounds)


def _not_one(value: int) -> int:
    if value == 1:
        message = "0 lets the data decide; one segment is not a segmentation"
        raise ValueError(message)
    return value


def _distinct(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


Columns = Annotated[list[str], AfterValidator(_distinct)]

SAMPLES = ("retail", "retail_later", "retail_transactions", "nothing")  # made in `data.samples`
Source = Annotated[
    str,
    _field("sample:retail", "Data", "Source", "file, or sample and its name", trust="operator", min_length=1),
]
CustomerId = Annotated[
    str,
    _field("auto", "Data", "Customer id", "column that names the customer; auto finds it, empty for none"),
]
Sheet = Annotated[
    str, _field("", "Reading", "Sheet", "sheet of a workbook; empty takes the one with the data")
]
Query = Annotated[
    str, _field("", "Reading", "Query", "SQL for a database; empty takes its only table", trust="operator")
]
Dates = Annotated[
    Literal["auto", "day", "month", "year"],
    _field("auto", "Reading", "Dates", "what comes first in a date, where a column does not tell"),
]
Decimal = Annotated[
    Literal["auto", "point", "comma"],
    _field("auto", "Reading", "Decimal mark", "what divides decimals, where a column does not tell"),
]
Value = Annotated[
    str, _field("", "Data", "Value", "column with what a customer is worth; empty leaves shares of value out")
]
By = Annotated[
    str,
    _field("", "Columns", "One study for each", "column whose values get a study each; empty for one study"),
]
Group = Annotated[
    str,
    _field("", "Columns", "Only for", "the one value of that column to study; empty for every one in turn"),
]
Features = Annotated[
    Columns, _field([], "Columns", "Columns used", "columns that make the segments; empty takes all that can")
]
Exclude = Annotated[
    Columns, _field([], "Columns", "Columns left out", "columns that must not make the segments")
]
Sensitive = Annotated[
    Columns,
    _field(
        [],
        "Columns",
        "Sensitive",
        "columns that segments must not stand in for; checked, never used to make them",
    ),
]
Numbers = Annotated[
    Columns, _field([], "Columns", "Read as numbers", "columns to treat as numbers, whatever was guessed")
]
Categories = Annotated[
    Columns,
    _field([], "Columns", "Read as categories", "columns to treat as categories, whatever was guessed"),
]
Impute = Annotated[
    Literal["median", "mean", "most_frequent", "drop"],
    _field(
        "median",
        "Preparation",
        "Missing values",
        "what replaces a missing number; drop leaves the customer out",
    ),
]
Encode = Annotated[
    Literal["onehot", "ordinal", "frequency"],
    _field("onehot", "Preparation", "Categories", "how a category becomes numbers"),
]
Transform = Annotated[
    Literal["auto", "auto-log", "none", "log1p", "yeo-johnson", "rank"],
    _field(
        "auto",
        "Preparation",
        "Transform",
        "what is done to skewed numbers; auto compares none, a log per column and ranks, and says why",
    ),
]
Scale = Annotated[
    Literal["standard", "robust", "minmax", "none"],
    _field("standard", "Preparation", "Scale", "how numbers are made comparable"),
]
Algorithm = Annotated[
    Literal["auto", "kmeans", "mixture", "ward", "bisecting", "hdbscan"],
    _field("auto", "Method", "Algorithm", "how segments are found; auto compares and says why"),
]
Segments = Annotated[
    int,
    AfterValidator(_not_one),
    _field(0, "Segments", "Segments", "how many; 0 lets the data decide", ge=0, le=20),
]
Labels = Annotated[
    str,
    _field(
        "",
        "Segments",
        "Segments that exist",
        "column with a segment for each customer, to be judged and explained; empty finds segments",
    ),
]
MaxSegments = Annotated[
    int, _field(12, "Method", "At most", "the largest number of segments that is tried", ge=2, le=20)
]
MinSegmentSize = Annotated[
    float,
    _field(0.0, "Method", "Smallest segment", "least share of all customers in a segment", ge=0, le=0.5),
]
TopFeatures = Annotated[
    int,
    _field(5, "Method", "Differences shown", "how many differences are listed per segment", ge=1, le=20),
]
Seed = Annotated[
    int, _field(0, "Method", "Seed", "the same seed gives the same segments", ge=0, le=2**32 - 1)
]
Currency = Annotated[
    str,
    _field(
        "", "Reading", "Currency", "sign written with money, such as EUR; empty writes none", max_length=8
    ),
]
Locale = Annotated[
    Literal["en", "de", "fr", "es", "it", "nl", "pt", "sv", "ch"],
    _field("en", "Reading", "Number format", "country whose decimal and thousands signs are used"),
]
Output = Annotated[
    str, _field("", "Run", "Output", "directory for the results; empty saves nothing", trust="run")
]
Interactive = Annotated[
    bool, _field(True, "Run", "Interactive", "show controls; off in reports", trust="run")  # noqa: FBT003
]

HashIds = Annotated[
    bool,
    _field(
        False,  # noqa: FBT003
        "Columns",
        "Hash ids",
        "whether a keyed hash stands for each customer id wherever it is shown or saved",
        trust="operator",
    ),
]
Like = Annotated[
    str,
    _field(
        "",
        "Segments",
        "Numbers and names from",
        "earlier run whose segment numbers and names go on; empty for none",
        trust="operator",
    ),
]
Merge = Annotated[
    str,
    _field(
        "",
        "Segments",
        "Join",
        "segments to make one of: numbers with + between, such as 2+4, and semicolons between groups",
        pattern=r"^\s*(\d+(\s*\+\s*\d+)+\s*(;\s*\d+(\s*\+\s*\d+)+\s*)*)?$",
    ),
]
Hide = Annotated[
    str,
    _field(
        "",
        "Segments",
        "Hide",
        "segments not to be told of: numbers with semicolons between; their customers stay where they are",
        pattern=r"^\s*(\d+\s*(;\s*\d+\s*)*)?$",
    ),
]
SegmentNames = Annotated[
    str,
    _field(
        "",
        "Segments",
        "Own names",
        "own names with semicolons between, segment 1 first; an empty one keeps ours",
    ),
]
FormulaSafe = Annotated[
    bool,
    _field(
        True,  # noqa: FBT003
        "Reading",
        "Formula-safe files",
        "whether text that a spreadsheet would run gets an apostrophe in files; off keeps exact bytes",
        trust="operator",
    ),
]
Model = Annotated[
    str,
    _field(
        "sample:retail",
        "Data",
        "Model",
        "run, or its model file, that places the customers; or a sample and its name",
        trust="operator",
        min_length=1,
    ),
]
Before = Annotated[
    str,
    _field(
        "sample:retail",
        "Data",
        "Earlier run",
        "run to compare with; or a file, or sample and its name",
        trust="operator",
        min_length=1,
    ),
]
MinCell = Annotated[
    int,
    _field(
        10,
        "Quality limits",
        "Smallest cell",
        "fewest customers that a figure about a segment may rest on; others are withheld",
        trust="operator",
        ge=0,
        le=1_000,
    ),
]
MinRows = Annotated[
    int,
    _field(2, "Quality limits", "Fewest rows", "fewer rows than this fail the study", ge=2, le=1_000_000_000),
]
MaxMissingWarn = Annotated[
    float,
    _field(
        0.2, "Quality limits", "Missing, note", "missing share of a column from which it is noted", ge=0, le=1
    ),
]
MaxMissingFail = Annotated[
    float,
    _field(
        1.0,
        "Quality limits",
        "Missing, fail",
        "missing share of a column beyond which the study fails",
        ge=0,
        le=1,
    ),
]
MaxDuplicateIdsFail = Annotated[
    float,
    _field(
        1.0,
        "Quality limits",
        "Repeated ids, fail",
        "share of rows whose customer id stands above already beyond which the study fails",
        ge=0,
        le=1,
    ),
]
Date = Annotated[str, _field("auto", "Data", "Date", "column with the day of the purchase; auto finds it")]
Amount = Annotated[
    str,
    _field("auto", "Data", "Amount", "column of money per row; auto finds it, empty for quantity by price"),
]
Quantity = Annotated[
    str, _field("auto", "Data", "Quantity", "column of pieces per row; below zero is a return")
]
Price = Annotated[str, _field("auto", "Data", "Price", "column of the price of a piece")]
OrderId = Annotated[str, _field("auto", "Data", "Order", "column that names the order; tells cancelled ones")]
Product = Annotated[
    str, _field("auto", "Data", "Product", "column that names the product; counts distinct ones")
]
AsOf = Annotated[
    str, _field("", "Rules", "As of", "day that recency is counted to; empty for the last day of the data")
]
_TAKEN = Literal["subtract", "ignore"]
_LEFT = Literal["keep", "drop"]
Returns = Annotated[
    _TAKEN, _field("subtract", "Rules", "Returns", "whether returned goods lower what was spent")
]
Cancelled = Annotated[
    _TAKEN, _field("subtract", "Rules", "Cancelled orders", "whether cancelled orders lower what was spent")
]
CancelledPrefix = Annotated[
    str,
    _field(
        "C", "Rules", "Cancelled start with", "how ids of orders start that cancel another", max_length=20
    ),
]
Zeros = Annotated[
    _LEFT, _field("keep", "Rules", "Amounts of zero", "whether an amount of zero is a purchase")
]
Duplicates = Annotated[
    _LEFT, _field("keep", "Rules", "Repeated rows", "whether a row equal to another counts as one more")
]
MissingId = Annotated[
    Literal["drop", "fail"],
    _field("drop", "Rules", "Rows without customer", "what rows without one lead to"),
]
TimeZone = Annotated[
    str,
    _field("", "Rules", "Time zone", "zone whose days are meant where times carry one, such as Europe/Paris"),
]
Bins = Annotated[int, _field(5, "Scores", "Scores", "how many scores each measure has", ge=3, le=5)]
Monetary = Annotated[
    Literal["total", "mean"],
    _field("total", "Scores", "Monetary value", "all that was spent, or what was spent per purchase day"),
]
RecencyCuts = Annotated[
    list[float], _field([], "Scores", "Recency cuts", "own thresholds in days, rising; empty for quantiles")
]
FrequencyCuts = Annotated[
    list[float],
    _field([], "Scores", "Frequency cuts", "own thresholds in purchase days; empty for quantiles"),
]
MonetaryCuts = Annotated[
    list[float], _field([], "Scores", "Monetary cuts", "own thresholds in money; empty for quantiles")
]
Names = Annotated[
    str,
    _field(
        "",
        "Scores",
        "Names",
        "edited copy of the table of names; empty for the one that ships",
        trust="operator",
    ),
]
Playbook = Annotated[
    str,
    _field(
        "",
        "Segments",
        "Playbook",
        "edited copy of the playbook of actions; empty for the one that ships",
        trust="operator",
    ),
]
ValidateAfter = Annotated[
    str,
    _field(
        "auto",
        "Scores",
        "Check from",
        "day after which segments are checked; auto keeps a quarter",
    ),
]


@dataclass(frozen=True)
class Field:
    """One parameter as the faces see it."""

    name: str
    type: str
    default: Any
    choices: tuple[str, ...]
    low: int | None
    high: int | None
    group: str
    label: str
    help: str
    operator: bool
    run: bool


def describe(name: str, info: FieldInfo) -> Field:
    """Say what the faces need to know of a field of a kind."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    shape = get_origin(info.annotation)
    choices = get_args(info.annotation) if shape is Literal else ()
    inner = get_args(info.annotation)[0].__name__ if shape is list else ""
    kind = "str" if choices else f"list[{inner}]" if inner else getattr(info.annotation, "__name__", "str")
    bounds = {side: [getattr(m, side) for m in info.metadata if hasattr(m, side)] for side in ("ge", "le")}
    return Field(
        name=name,
        type=kind,
        default=deepcopy(info.default),
        choices=tuple(map(str, choices)),
        low=next(iter(bounds["ge"]), None),
        high=next(iter(bounds["le"]), None),
        group=str(extra.get("group", "")),
        label=str(extra.get("label", name)),
        help=str(info.description),
        operator=extra.get("trust") == "operator",
        run=extra.get("trust") == "run",
    )


def from_text(kind: str, text: str | list[str]) -> Any:
    """Turn a flag's text into a field's type; what does not fit stays text, for validation to name."""
    if kind.startswith("list"):
        parts = text if isinstance(text, list) else _list(text)
        return [from_text("float", part) for part in parts] if kind == "list[float]" else parts
    plain = text[-1] if isinstance(text, list) else text
    if kind == "bool":
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(
            plain.lower(), plain
        )
    convert: Callable[[str], Any] = {"int": int, "float": float}.get(kind, str)
    try:
        return convert(plain)
    except ValueError:
        return plain


def _list(text: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()]


def allowed(field: Field) -> str:
    """Say in words what a field takes."""
    if field.name == "segments":
        return "0 or 2 to 20"
    if field.name == "merge":
        return "numbers with + between, such as 2+4, and semicolons between groups"
    if field.name == "hide":
        return "numbers with semicolons between, such as 3; 5"
    if field.choices:
        return "one of " + ", ".join(field.choices)
    if field.high is not None:
        return f"{field.low:,} to {field.high:,}"
    return {
        "str": "text", "bool": "true or false", "int": "a whole number", "float": "a number",
        "list[str]": "a list of names", "list[float]": "a list of numbers",
    }[field.type]  # fmt: skip
