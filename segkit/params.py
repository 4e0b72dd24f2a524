"""The description of a study: every parameter, once.

A field is defined in one place as an ``Annotated`` alias: type, default, bounds, choices, group, label and one line of
help. A kind of study is a frozen model that chooses fields. YAML files, command-line flags, widgets, notebook cells, the
dashboard's address and the reference table are all derived from these models; nothing else may spell a field again.
Nothing is read from data here, and no heavy package is imported.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator
from pydantic import Field as _Field
from pydantic.fields import FieldInfo

from . import plain
from .errors import ParameterError, nearest

if TYPE_CHECKING:
    from pathlib import Path


def _field(default: Any, group: str, label: str, text: str, *, trust: str = "", **bounds: Any) -> Any:
    """Describe a field; `trust` is "operator" for fields that name files, "run" for fields outside the study."""
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

Source = Annotated[
    str,
    _field("sample:retail", "Data", "Source", "file, or sample and its name", trust="operator", min_length=1),
]
CustomerId = Annotated[
    str, _field("auto", "Data", "Customer id", "column that names the customer; auto finds it, empty for none")
]
Value = Annotated[str, _field("", "Data", "Value", "column with what a customer is worth; empty leaves shares of value out")]
Features = Annotated[Columns, _field([], "Columns", "Columns used", "columns that make the segments; empty takes all that can")]
Exclude = Annotated[Columns, _field([], "Columns", "Columns left out", "columns that must not make the segments")]
Numbers = Annotated[Columns, _field([], "Columns", "Read as numbers", "columns to treat as numbers, whatever was guessed")]
Categories = Annotated[
    Columns, _field([], "Columns", "Read as categories", "columns to treat as categories, whatever was guessed")
]
Impute = Annotated[
    Literal["median", "mean", "most_frequent", "drop"],
    _field("median", "Preparation", "Missing values", "what replaces a missing number; drop leaves the customer out"),
]
Encode = Annotated[
    Literal["onehot", "ordinal", "frequency"],
    _field("onehot", "Preparation", "Categories", "how a category becomes numbers"),
]
Transform = Annotated[
    Literal["auto", "none", "log1p", "yeo-johnson", "rank"],
    _field("auto", "Preparation", "Transform", "what is done to skewed numbers; auto decides per column and says so"),
]
Scale = Annotated[
    Literal["standard", "robust", "minmax", "none"],
    _field("standard", "Preparation", "Scale", "how numbers are made comparable"),
]
Algorithm = Annotated[
    Literal["auto", "kmeans"], _field("auto", "Segments", "Algorithm", "how segments are found; auto is k-means today")
]
Segments = Annotated[
    int,
    AfterValidator(_not_one),
    _field(0, "Segments", "Segments", "how many; 0 lets the data decide", ge=0, le=20),
]
MaxSegments = Annotated[
    int, _field(12, "Segments", "At most", "the largest number of segments that is tried", ge=2, le=20)
]
TopFeatures = Annotated[
    int, _field(5, "Segments", "Differences shown", "how many differences are listed per segment", ge=1, le=20)
]
Seed = Annotated[int, _field(0, "Segments", "Seed", "the same seed gives the same segments", ge=0, le=2**32 - 1)]
Currency = Annotated[
    str, _field("", "Reading", "Currency", "sign written with money, such as EUR; empty writes none", max_length=8)
]
Locale = Annotated[
    Literal["en", "de", "fr", "es", "it", "nl", "pt", "sv", "ch"],
    _field("en", "Reading", "Number format", "country whose decimal and thousands signs are used"),
]
Output = Annotated[str, _field("", "Run", "Output", "directory for the results; empty saves nothing", trust="run")]
Interactive = Annotated[bool, _field(True, "Run", "Interactive", "show controls; off in reports", trust="run")]


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


class Kind(BaseModel):
    """A kind of study: frozen, unknown names forbidden, strict types, all errors at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    notebook: ClassVar[str] = ""
    _dump: dict[str, Any] = PrivateAttr(default_factory=dict)

    if TYPE_CHECKING:

        def __init__(self, **fields: Any) -> None: ...
    else:

        def __init__(self, **fields: Any) -> None:
            known = type(self).model_fields
            try:
                super().__init__(**fields)
            except ValidationError as error:
                raise ParameterError(_explain(error, type(self), fields)) from None
            self._dump = {name: deepcopy(getattr(self, name)) for name in known}

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
        return [_describe(name, info) for name, info in cls.model_fields.items()]

    @classmethod
    def from_text(cls, texts: Mapping[str, str | list[str]], *, base: Self | None = None) -> Self:
        """Make parameters from texts (flags, an address): ``{"segments": "4", "features": "a,b"}``."""
        kinds = {field.name: field.type for field in cls.fields()}
        values = {name: _from_text(kinds.get(name, "str"), text) for name, text in texts.items()}
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
            rows.append(f"| `{field.name}` | {field.type} | `{json.dumps(field.default)}` | {allowed} | {field.help} |")
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
        return tuple(field.name for field in self.fields() if not field.run and own[field.name] != field.default)

    def but(self, **fields: Any) -> Self:
        """Return a copy with some fields changed, validated again."""
        return type(self)(**{**self.dump(), **fields})

    def to_yaml(self, *, name: str = "") -> str:
        """Return a parameter file that holds only what differs from the defaults."""
        import yaml

        head: dict[str, Any] = {"notebook": self.notebook} | ({"name": name} if name else {})
        own = self.study_dump()
        lines: str = yaml.safe_dump(head | {key: own[key] for key in self.changed()}, sort_keys=False, allow_unicode=True)
        return lines


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

    source: Source
    customer_id: CustomerId
    value: Value
    features: Features
    exclude: Exclude
    numbers: Numbers
    categories: Categories
    impute: Impute
    encode: Encode
    transform: Transform
    scale: Scale
    algorithm: Algorithm
    segments: Segments
    max_segments: MaxSegments
    top_features: TopFeatures
    seed: Seed
    currency: Currency
    locale: Locale
    output: Output
    interactive: Interactive

    @model_validator(mode="after")
    def _agree(self) -> Self:
        for one, other in (("features", "exclude"), ("numbers", "categories")):
            both = sorted(set(getattr(self, one)) & set(getattr(self, other)))
            if both:
                message = f"{one} and {other} both name {', '.join(both)}"
                raise ValueError(message)
        return self


KINDS: dict[str, type[Kind]] = {kind.notebook: kind for kind in (Params,)}


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
    from pathlib import Path

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


def _describe(name: str, info: FieldInfo) -> Field:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
    kind = "str" if choices else "list[str]" if get_origin(info.annotation) is list else info.annotation.__name__  # type: ignore[union-attr]
    bound = {side: next((getattr(m, side) for m in info.metadata if hasattr(m, side)), None) for side in ("ge", "le")}
    return Field(
        name=name,
        type=kind,
        default=deepcopy(info.default),
        choices=tuple(map(str, choices)),
        low=bound["ge"],
        high=bound["le"],
        group=str(extra.get("group", "")),
        label=str(extra.get("label", name)),
        help=str(info.description),
        operator=extra.get("trust") in {"operator"},
        run=extra.get("trust") == "run",
    )


def _from_text(kind: str, text: str | list[str]) -> Any:
    """Turn a flag's text into the field's type; what does not fit stays text, for validation to name."""
    if kind == "list[str]":
        return text if isinstance(text, list) else _list(text)
    plain = text[-1] if isinstance(text, list) else text
    if kind == "bool":
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(plain.lower(), plain)
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
            yield f"{fault['msg'].removeprefix('Value error, ')}; name each column once."
        else:
            reason = f": {fault['ctx']['error']}" if "error" in fault.get("ctx", {}) else ""
            hint = nearest(given[name], about[name].choices) if isinstance(given.get(name), str) else ""
            yield f"{name} must be {_allowed(about[name])}, got {given.get(name)!r}{reason}.{hint}"


def _allowed(field: Field) -> str:
    if field.name == "segments":
        return "0 or 2 to 20"
    if field.choices:
        return "one of " + ", ".join(field.choices)
    if field.high is not None:
        return f"{field.low:,} to {field.high:,}"
    return {"str": "text", "bool": "true or false", "int": "a whole number", "list[str]": "a list of names"}[field.type]
