"""How one column becomes numbers: what was learnt about it, as narwhals expressions.

A recipe holds plain values only, so that it is readable JSON and a loaded one gives the same digits. It turns
its column into float64 outputs by expressions that pandas, polars, pyarrow, DuckDB and Spark understand.
Nothing is learnt here.

A number counts when it is finite: null, NaN and infinities are missing. A level never seen at fit joins the
rare ones in "(other)"; where there are none, it has 0 in every one-hot column.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any, Literal, Self

import narwhals as nw
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

Level = str | FiniteFloat | None
Pick = Callable[[str], nw.Expr]

MISSING = "(missing)"
OTHER = "(other)"
HUGE = 1e75  # numbers are cut there, so that their squares and cubes, and sums of them, stay finite
FAR = 1e100  # outputs are cut there: an absurd new row is far from every centre, never undefined


class Recipe(BaseModel):
    """What every column has; `numeric` columns are read as numbers, others as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    numeric: bool
    missing: int
    impute: str
    why: str

    def value(self, pick: Pick) -> nw.Expr:
        """Return the column with null for all that is missing."""
        return finite(pick(self.column)) if self.numeric else text(pick(self.column))

    def present(self, pick: Pick) -> nw.Expr:
        """Return whether there is a value."""
        return is_present(pick(self.column), numeric=self.numeric)


class Scaled(Recipe):
    """A column with one output under its own name: centred, over its spread; 0 where it has none."""

    center: FiniteFloat = 0.0
    spread: FiniteFloat = 1.0

    @property
    def labels(self) -> list[str]:
        """The name of its output."""
        return [self.column]

    def shaped(self, pick: Pick) -> nw.Expr:
        """Return the column in full, not yet scaled."""
        raise NotImplementedError

    def outputs(self, pick: Pick) -> list[nw.Expr]:
        """Return the one output."""
        shaped = self.shaped(pick)
        scaled = (shaped - self.center) / self.spread if self.spread else shaped.clip(-FAR, FAR) * 0.0
        return [scaled.clip(-FAR, FAR)]


class Number(Scaled):
    """A number, transformed and filled."""

    kind: Literal["number"] = "number"
    fill: FiniteFloat
    transform: Literal["none", "log1p", "yeo-johnson", "rank"]
    parameter: FiniteFloat = 0.0
    knots: tuple[tuple[FiniteFloat, FiniteFloat], ...] = ()

    @model_validator(mode="after")
    def _knots_rise(self) -> Self:
        values = [value for value, _ in self.knots]
        if (self.transform == "rank") != bool(values) or any(low >= high for low, high in pairwise(values)):
            raise ValueError("ranks need knots that rise")
        return self

    def curve(self, value: Any) -> Any:
        """Return the transform of an expression or of an array."""
        if self.transform == "log1p":
            return _log(value.clip(self.parameter, HUGE) + 1.0)
        if self.transform == "yeo-johnson":
            return yeo_johnson(value, self.parameter)
        return ranked(value, self.knots) if self.transform == "rank" else value.clip(-HUGE, HUGE)

    def shaped(self, pick: Pick) -> nw.Expr:
        """Return the curve of what is there and, as one constant, the curve of the fill for what is not."""
        with np.errstate(over="ignore"):
            fill = np.clip(self.curve(np.array(self.fill)), -FAR, FAR)
        value = pick(self.column).cast(nw.Float64)
        return nw.when(value.is_finite()).then(self.curve(value)).otherwise(nw.lit(float(fill)))

    def array(self, values: np.ndarray) -> np.ndarray:
        """Return the output for an array of raw values: the same sums, but ranks in one go."""
        with np.errstate(over="ignore", invalid="ignore"):
            fill = np.clip(self.curve(np.array(self.fill)), -FAR, FAR)
            at, shares = np.array(self.knots or [(0.0, 0.0)]).T
            curve = np.interp(values, at, shares) if self.knots else self.curve(values)
            shaped = np.where(np.isfinite(values), curve, fill)
            scaled = (shaped - self.center) / self.spread if self.spread else shaped.clip(-FAR, FAR) * 0.0
            return np.asarray(scaled.clip(-FAR, FAR))


class Category(Recipe):
    """A category and the levels told apart, in order; None is "missing", where that is a level of its own.

    A missing value counts as `fill`, or, where missing was too rare at fit to be a level, as rare.
    """

    kind: Literal["category"] = "category"
    levels: tuple[Level, ...]
    other: bool = False
    fill: Level = None

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        if not self.groups or len(set(self.levels)) < len(self.levels):
            raise ValueError("a category needs levels that differ")
        return self

    @property
    def groups(self) -> list[str]:
        """The levels as text, and "(other)" if there is one."""
        return [level_text(level) for level in self.levels] + [OTHER] * self.other

    def members(self, pick: Pick) -> list[nw.Expr]:
        """Return a boolean for each of `groups`; at most one is true in a row."""
        value, absent = self.value(pick), ~self.present(pick)
        told = {level: absent if level is None else (value == level) & ~absent for level in self.levels}
        placed = None in told or self.fill in told
        if placed and None not in told:
            told[self.fill] = told[self.fill] | absent
        known = [level for level in told if level is not None]
        unknown = ~value.is_in(known) if known else absent | ~absent
        rest = [unknown & ~absent if placed else unknown | absent] * self.other
        return [*told.values(), *rest]


class OneHot(Category):
    """A column per group, 0 or `weight`, except for the group number `base` (-1: for all of them)."""

    encode: Literal["onehot"] = "onehot"
    base: int = Field(ge=-1, le=1)
    weight: FiniteFloat

    @property
    def labels(self) -> list[str]:
        """The names of its outputs, `column=level`."""
        return [f"{self.column}={group}" for i, group in enumerate(self.groups) if i != self.base]

    def outputs(self, pick: Pick) -> list[nw.Expr]:
        """Return the columns, in the order of `labels`."""
        return [member.cast(nw.Float64) * self.weight for member in self._told(pick)]

    def place(self, pick: Pick) -> nw.Expr:
        """Return which of the outputs is not 0, counted from 1, or 0: all that a sparse matrix needs."""
        return reduce(add, [each.cast(nw.Int64) * i for i, each in enumerate(self._told(pick), start=1)])

    def _told(self, pick: Pick) -> list[nw.Expr]:
        return [member for i, member in enumerate(self.members(pick)) if i != self.base]


class Coded(Category, Scaled):
    """One code per level; all levels that are not told apart share `rest`."""

    encode: Literal["ordinal", "frequency"]
    codes: tuple[FiniteFloat, ...]
    rest: FiniteFloat

    @model_validator(mode="after")
    def _codes_match(self) -> Self:
        if len(self.codes) != len(self.levels):
            raise ValueError("a code per level is needed")
        return self

    def shaped(self, pick: Pick) -> nw.Expr:
        """Return the code of the level."""
        start = self.present(pick).cast(nw.Float64) * 0.0 + self.rest
        pairs = zip(self.members(pick), self.codes, strict=True)
        return reduce(add, [member.cast(nw.Float64) * (code - self.rest) for member, code in pairs], start)


def is_present(value: nw.Expr, *, numeric: bool) -> nw.Expr:
    """Return whether there is a value, which a number is only when finite."""
    return value.cast(nw.Float64).is_finite().fill_null(value=False) if numeric else ~value.is_null()


def finite(value: nw.Expr) -> nw.Expr:
    """Return float64 with null for all that is not a finite number."""
    value = value.cast(nw.Float64)
    return nw.when(value.is_finite()).then(value.clip(-HUGE, HUGE))


def text(value: nw.Expr) -> nw.Expr:
    """Return text with null for what is missing; a cast alone makes a word of None in some libraries."""
    return nw.when(~value.is_null()).then(value.cast(nw.String))


def is_number(kind: nw.dtypes.DType) -> bool:
    """Return whether a column of this type is read as numbers; so 1, 1.0 and true are one level."""
    return kind.is_numeric() or kind == nw.Boolean


def level_text(level: Level) -> str:
    """Return a level as text: 3.0 is "3", None is "(missing)"."""
    if level is None:
        return MISSING
    return f"{level:.15g}" if isinstance(level, float) else level


def yeo_johnson(value: Any, power: float) -> Any:
    """Return the Yeo-Johnson transform (Yeo and Johnson 2000, Biometrika 87) of an expression or array.

    Each half is 0 beyond zero, so that their difference needs no branch.
    """
    up, down = value.clip(0.0, HUGE) + 1.0, 1.0 - value.clip(-HUGE, 0.0)
    above = _log(up) if power == 0 else (up**power - 1.0) / power
    below = _log(down) if power == 2 else (down ** (2.0 - power) - 1.0) / (2.0 - power)
    return above - below


def ranked(value: Any, knots: tuple[tuple[float, float], ...]) -> Any:
    """Return the share of customers below: linear between knots (value, share), flat beyond them."""
    parts = [
        (value.clip(low, high) - low) * ((above - below) / (high - low))
        for (low, below), (high, above) in pairwise(knots)
    ]
    return reduce(add, parts, value.clip(0.0, 0.0) + knots[0][1])


def _log(value: Any) -> Any:
    return value.log() if isinstance(value, nw.Expr) else np.log(value)


def tidy(value: float) -> float:
    """Return a number to twelve digits."""
    return float(f"{value:.12g}")
