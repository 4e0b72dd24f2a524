"""Customers to numbers that can be compared: impute, encode, transform, scale; learnt once, applied anywhere.

`learn` asks the frame two aggregate questions about its numbers (what is in the raw columns, then how the filled and
transformed ones spread) and counts the levels of each category. The answer is a `Preparation`: a frozen recipe per column
(`encode`), applied as one `select` of expressions. Nothing here knows about segments, and no frame library is named.

A category weighs no more than one number: with shares p of its levels, its columns are 0 or w, w^2 = V, so that their total
variance is V (1 - sum p^2) < V, where V is the variance of the numbers after scaling (their median; 1 when standardised).
With two levels there is one column, and w^2 = 2 V makes it weigh the same as the two would. Two customers on different
levels are then as far apart as two customers drawn at random are on a typical number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy import sparse

from segkit.errors import ParameterError, SourceError, nearest
from segkit.segments import fit
from segkit.segments.encode import Category, Number, Pick, finite, is_number, level_text

Frame = nw.DataFrame[Any]
Floats = NDArray[np.float64]

CHOICES = {
    "impute": ("median", "mean", "most_frequent", "drop"),
    "encode": ("onehot", "ordinal", "frequency"),
    "transform": ("auto", "none", "log1p", "yeo-johnson", "rank"),
    "scale": ("standard", "robust", "minmax", "none"),
}
WIDE = 64
DENSE = 0.3


class Preparation(BaseModel):
    """What was learnt about the columns, applied to any frame that has them.

    Attributes
    ----------
    columns
        One recipe per input column, numbers first.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"spend": [1.0, 2.0, None, 9.0], "plan": ["a", "b", "b", "b"]})
    >>> preparation = learn(frame, numbers=["spend"], categories=["plan"])
    >>> preparation.names
    ('spend', 'plan=a')
    >>> preparation.matrix(frame).round(2).tolist()
    [[-0.81, 1.41], [-0.49, 0.0], [-0.49, 0.0], [1.78, 0.0]]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    impute: str
    encode: str
    transform: str
    scale: str
    columns: tuple[Annotated[Number | Category, Field(discriminator="kind")], ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Output columns, all different."""
        return tuple(self.origin)

    @cached_property
    def origin(self) -> dict[str, str]:
        """The input column of each output column."""
        found: dict[str, str] = {}
        for recipe in self.columns:
            for label in recipe.labels:
                found[_unused(label, found)] = recipe.column
        return found

    @property
    def steps(self) -> pd.DataFrame:
        """What is done to each input column and why, in words, one row per column."""
        header = ["column", "kind", "impute", "fill", "transform", "why", "scale", "columns"]
        return pd.DataFrame([self._step(recipe) for recipe in self.columns], columns=header)

    def _step(self, recipe: Number | Category) -> tuple[object, ...]:
        is_number = isinstance(recipe, Number)
        fill = recipe.fill if isinstance(recipe, Number) else level_text(recipe.fill)
        change = recipe.transform if isinstance(recipe, Number) else recipe.encode
        scale = self.scale if is_number or recipe.encode != "onehot" else "weight"
        return recipe.column, recipe.kind, recipe.impute, fill, change, recipe.why, scale, len(recipe.labels)

    def expressions(self, pick: Pick = nw.col) -> list[nw.Expr]:
        """Return one float64 expression per output; `pick` turns a column's name into an expression."""
        outputs = [output for recipe in self.columns for output in recipe.outputs(pick)]
        return [output.alias(name) for output, name in zip(outputs, self.names, strict=True)]

    def complete(self, pick: Pick = nw.col) -> nw.Expr:
        """Return whether a row can be used: always, except that `impute=drop` wants every column present."""
        present = [_present(pick(c.column), isinstance(c, Number) or c.numeric) for c in self.columns]
        every = nw.all_horizontal(*present, ignore_nulls=False)
        return every if self.impute == "drop" else every | ~every

    def picker(self, frame: Any) -> tuple[Frame, Pick]:
        """Return the frame for narwhals and a `pick` that is safe for every column name; raise for what does not fit.

        Raises
        ------
        SourceError
            A column is missing, or holds text where a number was learnt.
        """
        data = table(frame)
        _require(data, [recipe.column for recipe in self.columns], SourceError)
        _require_numbers(data, [c.column for c in self.columns if isinstance(c, Number) or c.numeric])
        return data, _picker(data)

    def apply(self, frame: Any) -> Frame:
        """Return the prepared rows as a narwhals frame of float64 columns, in the rows' order."""
        data, pick = self.picker(frame)
        return data.select(*self.expressions(pick))

    def usable(self, frame: Any) -> NDArray[np.bool_]:
        """Return for each row whether it can be used; False only under `impute=drop`, where something is missing."""
        data, pick = self.picker(frame)
        return np.asarray(data.select(usable=self.complete(pick))["usable"].to_numpy(), dtype=bool)

    def matrix(self, frame: Any) -> Floats | sparse.csr_matrix:
        """Return the prepared rows, all of them, as a matrix (n, p) of float64.

        It is a scipy CSR matrix, built without the dense one, when there are more than 64 columns and fewer than 30 % of
        the entries can differ from 0. Rows that are not `usable` are in it too, filled.
        """
        if len(self.names) > WIDE and len(self.columns) < DENSE * len(self.names):
            return self._sparse(frame)
        return np.ascontiguousarray(self.apply(frame).to_numpy(), dtype=np.float64)

    def _sparse(self, frame: Any) -> sparse.csr_matrix:
        data, pick = self.picker(frame)
        blocks = [_block(data, recipe, pick) for recipe in self.columns]
        return sparse.csr_matrix(sparse.hstack(blocks, format="csr"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; floats come back exactly."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the preparation that `to_dict` described; anything else is a ValueError."""
        return cls.model_validate(values)


def learn(
    frame: Any,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    impute: str = "median",
    encode: str = "onehot",
    transform: str = "auto",
    scale: str = "standard",
) -> Preparation:
    """Learn from a frame how its columns become comparable numbers.

    Parameters
    ----------
    frame
        Any eager frame narwhals knows, one row per customer.
    numbers, categories
        The columns to use. A category's levels may be text, numbers or true/false.
    impute
        What a missing number becomes. A missing category is a level of its own when there were any at fit, and otherwise,
        or under `most_frequent`, the most frequent level. `drop` leaves such rows out.
    encode
        `onehot`: a 0/1 column per level, levels under 1 % and beyond the 20 most frequent together as "(other)".
        `ordinal`: 0, 1, 2, ... in numeric order where all levels are numbers, otherwise alphabetical; rare, unseen and
        missing ones lie at the mean. `frequency`: the level's share of the customers, the mean one for rare and unseen.
    transform
        `auto` tries log1p where |skew| > 1 and nothing is negative, Yeo-Johnson where something is, and keeps it when it
        takes away at least a fifth of the skew. `rank` is the share of customers below, from 51 quantiles.
    scale
        `standard` (mean, sd), `robust` (median, IQR; sd where the IQR is 0), `minmax` or `none`. Without spread: 0.

    Raises
    ------
    ParameterError
        An unknown word or column, no column at all, or log1p asked for a column with values of -1 or less.
    SourceError
        A number column holds text, or `drop` leaves fewer than two rows.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"spend": [1.0, 2.0, 3.0, 4.0, 100.0, 3000.0]})
    >>> learn(frame, numbers=["spend"], categories=[]).steps["why"].item()
    'skew 1.8 reduced to 0.8 by log1p'
    """
    _check(numbers, categories, impute=impute, encode=encode, transform=transform, scale=scale)
    data = table(frame)
    _require(data, [*numbers, *categories], ParameterError)
    _require_numbers(data, numbers)
    pick = _picker(data)
    if impute == "drop":
        data = _complete_rows(data, pick, numbers, categories)
    recipes: list[Number | Category] = [
        *fit.numbers(data, pick, numbers, impute=impute, transform=transform),
        *[fit.category(data, pick, column, impute=impute, encode=encode) for column in categories],
    ]
    columns = tuple(fit.scale(data, pick, recipes, scale))
    return Preparation(impute=impute, encode=encode, transform=transform, scale=scale, columns=columns)


# ------------------------------------------------------------------------------------------------- checks


def table(frame: Any) -> Frame:
    """Return any eager frame as narwhals sees it."""
    return nw.from_native(frame, eager_only=True, pass_through=False)


def _picker(data: Frame) -> Pick:
    """Pick by position: polars reads a column named `*` or `^a$` as a pattern."""
    place = {name: i for i, name in enumerate(data.columns)}
    return lambda name: nw.nth(place[name])


def _check(numbers: Sequence[str], categories: Sequence[str], **words: str) -> None:
    for name, found in words.items():
        if found not in CHOICES[name]:
            message = f'{name} must be one of {", ".join(CHOICES[name])}, got "{found}".{nearest(found, CHOICES[name])}'
            raise ParameterError(message)
    both = [*numbers, *categories]
    if not both:
        raise ParameterError("Name at least one column to prepare; numbers and categories are both empty.")
    if twice := sorted({column for column in both if both.count(column) > 1}):
        raise ParameterError(f"Use each column once, as a number or as a category; found twice: {_quoted(twice)}.")


def _require(data: Frame, needed: Iterable[str], error: type[ParameterError | SourceError]) -> None:
    absent = [column for column in needed if column not in data.columns]
    if absent:
        hint = nearest(absent[0], data.columns)
        raise error(f"There is no column {_quoted(absent)} in these data, and it is needed.{hint}")


def _require_numbers(data: Frame, columns: Iterable[str]) -> None:
    """Refuse text where numbers are needed; a column with nothing in it passes whatever its type."""
    for column in columns:
        kind = data.schema[column]
        if kind.is_numeric() or kind in {nw.Boolean, nw.Unknown, nw.Object}:
            continue
        if data[column].null_count() < len(data):
            raise SourceError(f'The column "{column}" must hold numbers, found {str(kind).lower()}.')


def _quoted(columns: Iterable[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _unused(name: str, used: Iterable[str]) -> str:
    while name in used:
        name += "'"
    return name


def _present(value: nw.Expr, numeric: bool) -> nw.Expr:
    return ~(finite(value) if numeric else value).is_null()


def _complete_rows(data: Frame, pick: Pick, numbers: Sequence[str], categories: Sequence[str]) -> Frame:
    numeric = {*numbers, *[column for column in categories if is_number(data.schema[column])]}
    present = [_present(pick(column), column in numeric) for column in [*numbers, *categories]]
    rows = data.filter(nw.all_horizontal(*present, ignore_nulls=False))
    if len(rows) < 2:
        message = f"impute=drop leaves {len(rows)} of {len(data)} customers: something is missing in all others. Use median."
        raise SourceError(message)
    return rows


def _block(data: Frame, recipe: Number | Category, pick: Pick) -> sparse.csr_matrix:
    """The outputs of one column, sparse; of a one-hot column only the place of its one entry is computed."""
    if isinstance(recipe, Number) or recipe.encode != "onehot":
        return sparse.csr_matrix(data.select(*recipe.outputs(pick)).to_numpy())
    place = data.select(place=recipe.position(pick))["place"].to_numpy().astype(np.intp)
    row = np.flatnonzero(place)
    weight = np.full(len(row), recipe.weight)
    return sparse.csr_matrix((weight, (row, place[row] - 1)), shape=(len(place), len(recipe.labels)))
