"""The description of a study: every parameter, once.

A kind of study is a frozen model that chooses among the fields of `segkit.fields`. YAML files, command-line
flags, widgets, notebook cells, the dashboard's address and the reference table are all derived from these
models; nothing else may spell a field again. Nothing is read from data here; no heavy package is imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator

from . import fields as f
from . import plain
from .errors import ParameterError, nearest
from .fields import Field


class Kind(BaseModel):
    """A kind of study: frozen, unknown names forbidden, strict types, all errors at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    notebook: ClassVar[str] = ""
    _dump: dict[str, Any] = PrivateAttr(default_factory=dict)
    if TYPE_CHECKING:  # what every kind has

        @property
        def source(self) -> str: ...  # noqa: D102
        @property
        def output(self) -> str: ...  # noqa: D102

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise ParameterError(_explain(error, type(self), fields)) from None
        self._dump = {name: deepcopy(getattr(self, name)) for name in type(self).model_fields}

    @classmethod
    def of(cls, names: Mapping[str, Any]) -> Self:
        """Take this kind's fields out of a mapping such as ``globals()`` and validate them."""
        return cls(**{name: names[name] for name in cls.model_fields if name in names})

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a parameter file of this kind; see `read`."""
        recipe = read(path)
        if not isinstance(recipe.params, cls):
            message = f"{recipe.file} describes another kind of study ({recipe.notebook})."
            raise ParameterError(message)
        return recipe.params

    @classmethod
    def fields(cls) -> list[Field]:
        """Return every field in order."""
        return [f.describe(name, info) for name, info in cls.model_fields.items()]

    @classmethod
    def from_text(cls, texts: Mapping[str, str | list[str]], *, base: Self | None = None) -> Self:
        """Make parameters from texts (flags, an address): ``{"segments": "4", "features": "a,b"}``."""
        kinds = {field.name: field.type for field in cls.fields()}
        values = {name: f.from_text(kinds.get(name, "str"), text) for name, text in texts.items()}
        return cls(**{**(base.dump() if base else {}), **values})

    @classmethod
    def cell(cls) -> str:
        """Return the notebook's parameters cell."""
        lines = []
        for field in cls.fields():
            value = json.dumps(field.default) if field.type != "bool" else str(field.default)
            allowed = f" ({' '.join(field.choices)})" if field.choices else ""
            lines.append(f"{field.name}: {field.type} = {value}  # {field.help}{allowed}")
        return "\n".join(lines)

    @classmethod
    def markdown(cls) -> str:
        """Return the reference table."""
        rows = ["| parameter | type | default | allowed | what it is |", "|---|---|---|---|---|"]
        for field in cls.fields():
            allowed = ", ".join(f"`{choice}`" for choice in field.choices)
            if field.high is not None:
                allowed = f"{field.low} to {field.high}"
            cells = (f"`{field.name}`", field.type, f"`{json.dumps(field.default)}`", allowed, field.help)
            rows.append(f"| {' | '.join(cells)} |")
        return "\n".join(rows) + "\n"

    def dump(self) -> dict[str, Any]:
        """Return every field as plain JSON values."""
        return deepcopy(self._dump)

    def study_dump(self) -> dict[str, Any]:
        """Return the fields that make the study; run fields are left out."""
        return {field.name: deepcopy(self._dump[field.name]) for field in self.fields() if not field.run}

    def changed(self) -> tuple[str, ...]:
        """Return the names of the study's fields that differ from their default."""
        own = self.study_dump()
        return tuple(
            field.name for field in self.fields() if not field.run and own[field.name] != field.default
        )

    def but(self, **fields: Any) -> Self:
        """Return a copy with some fields changed, validated again."""
        return type(self)(**{**self.dump(), **fields})

    def to_yaml(self, *, name: str = "") -> str:
        """Return a parameter file that holds only what differs from the defaults."""
        head: dict[str, Any] = {"notebook": self.notebook} | ({"name": name} if name else {})
        own = self.study_dump()
        return plain.dumps(head | {key: own[key] for key in self.changed()})


class Params(Kind):
    """Segment customers.

    Examples
    --------
    >>> Params(segments=4).segments
    4
    >>> Params(segments=1)
    Traceback (most recent call last):
        ...
    segkit.errors.ParameterError: segments must be 0 or 2 to 20, got 1: 0 lets the data decide; ...
    """

    notebook: ClassVar[str] = "01-segment-customers"

    source: f.Source
    sheet: f.Sheet
    query: f.Query
    dates: f.Dates
    decimal: f.Decimal
    customer_id: f.CustomerId
    value: f.Value
    hash_ids: f.HashIds
    by: f.By
    group: f.Group
    features: f.Features
    exclude: f.Exclude
    sensitive: f.Sensitive
    numbers: f.Numbers
    categories: f.Categories
    min_rows: f.MinRows
    max_missing_warn: f.MaxMissingWarn
    max_missing_fail: f.MaxMissingFail
    max_duplicate_ids_fail: f.MaxDuplicateIdsFail
    min_cell: f.MinCell
    impute: f.Impute
    encode: f.Encode
    transform: f.Transform
    scale: f.Scale
    algorithm: f.Algorithm
    segments: f.Segments
    labels: f.Labels
    merge: f.Merge
    hide: f.Hide
    like: f.Like
    segment_names: f.SegmentNames
    max_segments: f.MaxSegments
    min_segment_size: f.MinSegmentSize
    top_features: f.TopFeatures
    playbook: f.Playbook
    seed: f.Seed
    currency: f.Currency
    locale: f.Locale
    formula_safe: f.FormulaSafe
    output: f.Output
    interactive: f.Interactive

    if TYPE_CHECKING:  # the defaults stand in the fields, where a type checker does not look

        def __init__(self, **fields: Any) -> None: ...

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for one, other in (("features", "exclude"), ("numbers", "categories")):
            both = sorted(set(getattr(self, one)) & set(getattr(self, other)))
            if both:
                message = f"{one} and {other} both name {', '.join(both)}; name each column once"
                raise ValueError(message)
        if self.labels and (self.segments or self.like):
            other = "segments" if self.segments else "like"
            message = f"labels names segments that exist, so {other} says nothing; leave one of the two out"
            raise ValueError(message)
        if self.labels and self.labels in self.features:
            message = f"labels and features both name {self.labels}; segments are explained by other columns"
            raise ValueError(message)
        return self


class RfmParams(Kind):
    """Segment customers by their purchases: recency, frequency, monetary value.

    Examples
    --------
    >>> RfmParams(bins=4).bins
    4
    """

    notebook: ClassVar[str] = "02-rfm-value"

    source: f.Source = "sample:retail_transactions"
    sheet: f.Sheet
    query: f.Query
    dates: f.Dates
    decimal: f.Decimal
    customer_id: f.CustomerId
    hash_ids: f.HashIds
    date: f.Date
    amount: f.Amount
    quantity: f.Quantity
    price: f.Price
    order_id: f.OrderId
    product: f.Product
    as_of: f.AsOf
    time_zone: f.TimeZone
    returns: f.Returns
    cancelled: f.Cancelled
    cancelled_prefix: f.CancelledPrefix
    zeros: f.Zeros
    duplicates: f.Duplicates
    missing_id: f.MissingId
    bins: f.Bins
    monetary: f.Monetary
    recency_cuts: f.RecencyCuts
    frequency_cuts: f.FrequencyCuts
    monetary_cuts: f.MonetaryCuts
    names: f.Names
    validate_after: f.ValidateAfter
    segments: f.Segments
    max_segments: f.MaxSegments
    seed: f.Seed
    currency: f.Currency
    locale: f.Locale
    formula_safe: f.FormulaSafe
    output: f.Output
    interactive: f.Interactive

    if TYPE_CHECKING:

        def __init__(self, **fields: Any) -> None: ...


class CompareParams(Kind):
    """Compare two runs: what became of segments and customers between them, and why.

    The later run is the `source`; a file there is made a study first, with the parameters of the earlier one.

    Examples
    --------
    >>> CompareParams(before="reports/shop-1", source="reports/shop-2").before
    'reports/shop-1'
    """

    notebook: ClassVar[str] = "03-compare-runs"

    before: f.Before
    source: f.Source = "sample:retail_later"
    min_cell: f.MinCell
    seed: f.Seed
    currency: f.Currency
    locale: f.Locale
    formula_safe: f.FormulaSafe
    output: f.Output
    interactive: f.Interactive

    if TYPE_CHECKING:

        def __init__(self, **fields: Any) -> None: ...


class ScoreParams(Kind):
    """Place customers in the segments of an earlier run.

    Examples
    --------
    >>> ScoreParams(source="march.csv").model
    'sample:retail'
    """

    notebook: ClassVar[str] = "04-score-customers"

    model: f.Model
    source: f.Source = "sample:retail_later"
    sheet: f.Sheet
    query: f.Query
    dates: f.Dates
    decimal: f.Decimal
    customer_id: f.CustomerId
    hash_ids: f.HashIds
    seed: f.Seed
    currency: f.Currency
    locale: f.Locale
    formula_safe: f.FormulaSafe
    output: f.Output
    interactive: f.Interactive

    if TYPE_CHECKING:

        def __init__(self, **fields: Any) -> None: ...


KINDS: dict[str, type[Kind]] = {
    kind.notebook: kind for kind in (Params, RfmParams, CompareParams, ScoreParams)
}
KINDS["05-dashboard"] = Params  # the same study, for people who do not write code


def fields() -> list[Field]:
    """Return the fields of `Params`."""
    return Params.fields()


@dataclass(frozen=True)
class Recipe:
    """A parameter file: which notebook, which name, which parameters."""

    file: str
    notebook: str
    name: str
    params: Kind


def read(path: str | Path, **overrides: Any) -> Recipe:
    """Read a parameter file; `overrides` win over what it says.

    Raises
    ------
    ParameterError
        When the file is missing, is not plain YAML, or names unknown or wrong values; all of them at once.
    """
    file = Path(path)
    values = plain.read(file)
    notebook, name = values.pop("notebook", Params.notebook), values.pop("name", "")
    if notebook not in KINDS or not isinstance(name, str):
        known = ", ".join(KINDS)
        message = f"{file.name}: notebook must be one of {known}, got {notebook!r}."
        raise ParameterError(message)
    try:
        return Recipe(file.name, notebook, name or file.stem, KINDS[notebook](**{**values, **overrides}))
    except ParameterError as error:
        message = f"{file.name}: {error}"
        raise ParameterError(message) from None


def _explain(error: ValidationError, kind: type[Kind], given: Mapping[str, Any]) -> str:
    """Write every fault of a validation in one message."""
    return " ".join(_faults(error, kind, given))


def _faults(error: ValidationError, kind: type[Kind], given: Mapping[str, Any]) -> Iterator[str]:
    about = {field.name: field for field in kind.fields()}
    for fault in error.errors():
        name = str(fault["loc"][0]) if fault["loc"] else ""
        if fault["type"] == "extra_forbidden":
            yield f'There is no parameter "{name}".{nearest(name, about)}'
        elif not name:
            yield f"{fault['msg'].removeprefix('Value error, ')}."
        else:
            reason = f": {fault['ctx']['error']}" if "error" in fault.get("ctx", {}) else ""
            hint = nearest(given[name], about[name].choices) if isinstance(given.get(name), str) else ""
            yield f"{name} must be {f.allowed(about[name])}, got {given.get(name)!r}{reason}.{hint}"
