"""How one column becomes numbers: the learnt recipe of a column, as narwhals expressions.

`Number` and `Category` hold only plain values, so that a recipe is readable JSON and a loaded one gives the same bits.
Each turns its column into float64 outputs by expressions that pandas, polars, pyarrow, DuckDB and Spark all understand.
Nothing is learnt here and no table is seen: `prepare` counts, decides and fills these in.

A number counts when it is finite: null, NaN and infinities are missing, and are filled. A level never seen before joins
"(other)", or, where there was no rare level to make that group of, answers none of the level columns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Literal

import narwhals as nw
from pydantic import BaseModel, ConfigDict, FiniteFloat

Level = str | FiniteFloat | None
Pick = Callable[[str], nw.Expr]

MISSING = "(missing)"
OTHER = "(other)"
HUGE = 1e75  # beyond it values are cut, so that squares, cubes and sums of them stay finite
FAR = 1e100  # the same for outputs: an absurd new row is far from every centre, never undefined


class Number(BaseModel):
    """A number: filled, transformed, then centred and divided by its spread (0 where it has none)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["number"] = "number"
    column: str
    missing: int = 0
    impute: str
    fill: FiniteFloat
    transform: Literal["none", "log1p", "yeo-johnson", "rank"]
    parameter: FiniteFloat = 0.0
    knots: tuple[tuple[FiniteFloat, FiniteFloat], ...] = ()
    why: str
    center: FiniteFloat = 0.0
    spread: FiniteFloat = 1.0

    @property
    def labels(self) -> list[str]:
        """The names of its outputs: its own."""
        return [self.column]

    def shaped(self, pick: Pick) -> nw.Expr:
        """The filled and transformed column, not yet scaled."""
        value = finite(pick(self.column)).fill_null(self.fill)
        if self.transform == "log1p":
            return (value.clip(lower_bound=self.parameter) + 1.0).log()
        if self.transform == "yeo-johnson":
            return yeo_johnson(value, self.parameter)
        return ranked(value, self.knots) if self.transform == "rank" else value

    def outputs(self, pick: Pick) -> list[nw.Expr]:
        """The one output column."""
        return [scaled(self.shaped(pick), self.center, self.spread)]


class Category(BaseModel):
    """A category: one 0/1 column per level times a weight, or one code per level, scaled like a number.

    `levels` are the levels kept, in order, None being "missing" where that is a level of its own; all others are rare
    and share `other`. A missing value belongs to `fill` where missing was never seen, and to `other` where it was rare.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["category"] = "category"
    column: str
    missing: int = 0
    impute: str
    numeric: bool
    levels: tuple[Level, ...]
    other: bool
    fill: Level = None
    encode: Literal["onehot", "ordinal", "frequency"]
    base: int = -1
    weight: FiniteFloat = 1.0
    codes: tuple[FiniteFloat, ...] = ()
    code_other: FiniteFloat = 0.0
    why: str
    center: FiniteFloat = 0.0
    spread: FiniteFloat = 1.0

    @property
    def labels(self) -> list[str]:
        """The names of its outputs: `column=level`, or its own when it has one code."""
        if self.encode != "onehot":
            return [self.column]
        return [f"{self.column}={label}" for i, label in enumerate(self.groups) if i != self.base]

    @property
    def groups(self) -> list[str]:
        """The levels told apart, as text."""
        return [level_text(level) for level in self.levels] + [OTHER] * self.other

    def members(self, pick: Pick) -> list[nw.Expr]:
        """One boolean per group: who belongs to it. At most one is true in a row."""
        key = finite(pick(self.column)) if self.numeric else pick(self.column).cast(nw.String)
        absent = key.is_null() if self.numeric else pick(self.column).is_null()
        tests = {level: absent if level is None else (key == level) & ~absent for level in self.levels}
        placed = None in tests or self.fill in tests
        if placed and None not in tests:
            tests[self.fill] = tests[self.fill] | absent
        known = [level for level in tests if level is not None]
        unknown = ~key.is_in(known) if known else absent | ~absent
        rest = unknown & ~absent if placed else unknown | absent
        return [*tests.values(), rest] if self.other else list(tests.values())

    def shaped(self, pick: Pick) -> nw.Expr:
        """The code of the level, not yet scaled; a level never seen has the code of the rare ones."""
        steps = [
            member.cast(nw.Float64) * (code - self.code_other)
            for member, code in zip(self.members(pick), self.codes, strict=False)
        ]
        start = pick(self.column).is_null().cast(nw.Float64) * 0.0 + self.code_other
        return reduce(add, steps, start)

    def outputs(self, pick: Pick) -> list[nw.Expr]:
        """The output columns, in the order of `labels`."""
        if self.encode != "onehot":
            return [scaled(self.shaped(pick), self.center, self.spread)]
        members = [member for i, member in enumerate(self.members(pick)) if i != self.base]
        return [member.cast(nw.Float64) * self.weight for member in members]

    def position(self, pick: Pick) -> nw.Expr:
        """Which of its one-hot outputs is not zero, counted from 1, or 0: what a sparse matrix is built of."""
        members = [member for i, member in enumerate(self.members(pick)) if i != self.base]
        return reduce(add, [member.cast(nw.Float64) * float(i) for i, member in enumerate(members, start=1)])


def finite(value: nw.Expr) -> nw.Expr:
    """Return float64 with null for all that is not a finite number, cut at +-HUGE."""
    value = value.cast(nw.Float64)
    return nw.when(value.is_finite()).then(value.clip(-HUGE, HUGE))


def text(value: nw.Expr) -> nw.Expr:
    """Return text with null for what is missing; a plain cast would turn None into a word in some libraries."""
    return nw.when(~value.is_null()).then(value.cast(nw.String))


def is_number(kind: nw.dtypes.DType) -> bool:
    """Return whether levels of this type are kept as numbers, so that 1, 1.0 and true are one level."""
    return kind.is_numeric() or kind == nw.Boolean


def scaled(value: nw.Expr, center: float, spread: float) -> nw.Expr:
    """Return (value - center) / spread, or 0 where there is no spread."""
    if spread == 0:
        return value.clip(-FAR, FAR) * 0.0
    return ((value - center) / spread).clip(-FAR, FAR)


def yeo_johnson(value: nw.Expr, power: float) -> nw.Expr:
    """Return the Yeo-Johnson transform (Yeo and Johnson 2000, Biometrika 87, eq. 2.1).

    Each half is 0 on the other's side of zero, so their difference needs no branch.
    """
    up = value.clip(lower_bound=0.0) + 1.0
    down = 1.0 - value.clip(upper_bound=0.0)
    above = up.log() if power == 0 else (up**power - 1.0) / power
    below = down.log() if power == 2 else (down ** (2.0 - power) - 1.0) / (2.0 - power)
    return above - below


def ranked(value: nw.Expr, knots: tuple[tuple[float, float], ...]) -> nw.Expr:
    """Return the share of customers below, linear between knots (value, share), flat outside them."""
    parts = [
        (value.clip(low, high) - low) * ((above - below) / (high - low))
        for (low, below), (high, above) in pairwise(knots)
    ]
    return reduce(add, parts, value.clip(-HUGE, HUGE) * 0.0 + knots[0][1])


def level_text(level: Level) -> str:
    """Return a level as text: 3.0 is "3", None is "(missing)"."""
    if level is None:
        return MISSING
    return f"{level:.15g}" if isinstance(level, float) else str(level)
