"""From columns of numbers to their recipes: what fills them, what straightens them, what scales them.

The frame is asked little: one select for all raw numbers, one for all prepared ones. Yeo-Johnson and ranks
also look at up to 20,000 values, at even places of the sorted column, so that the order of the rows does not
matter. Everything learnt is kept to twelve digits: sums over rows in another order, or by another library,
differ only beyond those, and the same customers shall give the same model. Levels of categories are counted
in `levels`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from segkit.errors import ParameterError
from segkit.segments import levels
from segkit.segments.encode import Coded, Number, OneHot, Pick, Scaled, finite, tidy, yeo_johnson

Step = Number | OneHot | Coded
Floats = NDArray[np.float64]
Frame = nw.DataFrame[Any]

SKEWED = 1.0  # |skew| above which `auto-log` tries a transform
KEPT = 0.8  # and keeps it if less than this part of the skew is left
VALUES = 20_000
KNOTS = 33
ATOM = 0.05  # from this share on zeros are a kind of customer of their own
LITTLE = 0.1
MANY = 10  # different values from which a column has a scale to be low on
NONE = np.empty(0)
LOG = "auto-log"


class Look(NamedTuple):
    """One raw column of numbers: how many are there, and how they are shaped."""

    present: float
    low: float
    zeros: float
    middle: float
    skew: float
    log_skew: float


class Spread(NamedTuple):
    """What a column is scaled by, and its standard deviation before."""

    sd: float
    center: float
    spread: float


# ------------------------------------------------------------------------------------------------ numbers


def numbers(data: Frame, pick: Pick, columns: Sequence[str], *, impute: str, transform: str) -> list[Number]:
    """Learn fill and transform of columns of numbers; `scale` learns the rest from what these give."""
    looks = _look(data, pick, columns, impute)
    if transform == "log1p" and any(look.low <= -1 for look in looks):
        bad = [f'"{c}" ({look.low:.6g})' for c, look in zip(columns, looks, strict=True) if look.low <= -1]
        raise ParameterError(
            f"transform=log1p needs values above -1; the smallest is lower in {', '.join(bad)}. "
            "Use auto, yeo-johnson or rank, or leave these columns out."
        )
    return [
        _number(data.select(value=finite(pick(column))), column, look, impute=impute, transform=transform)
        for column, look in zip(columns, looks, strict=True)
    ]


def _look(data: Frame, pick: Pick, columns: Sequence[str], impute: str) -> list[Look]:
    asked: dict[str, nw.Expr] = {}
    for i in range(len(columns)):
        value = nw.col(f"{i}")
        middle = value.mean() if impute == "mean" else value.quantile(0.5, interpolation="linear")
        logs = (value.clip(lower_bound=0.0) + 1.0).log()
        zeros = nw.when(value == 0.0).then(value).count()
        answers = (value.count(), value.min(), zeros, middle, value.skew(), logs.skew())
        asked |= {f"{i}.{name}": answer for name, answer in zip(Look._fields, answers, strict=True)}
    found = _ask(data, [finite(pick(column)) for column in columns], asked)
    return [Look(*[found[f"{i}.{name}"] for name in Look._fields]) for i in range(len(columns))]


def _ask(data: Frame, values: Sequence[nw.Expr], asked: Mapping[str, nw.Expr]) -> dict[str, float]:
    """Ask aggregates of values, called 0, 1, ..., all at once; what has no answer is 0."""
    if not values:
        return {}
    columns = data.select(*[value.alias(f"{i}") for i, value in enumerate(values)])
    with np.errstate(all="ignore"):  # the skew of a constant
        answers = columns.select(*[answer.alias(name) for name, answer in asked.items()]).rows()[0]
    return {name: _or_zero(answer) for name, answer in zip(asked, answers, strict=True)}


def _or_zero(answer: Any) -> float:
    return float(answer) if answer is not None and math.isfinite(answer) else 0.0


def _number(data: Frame, column: str, look: Look, *, impute: str, transform: str) -> Number:
    common = impute == "most_frequent" and 0 < look.present < len(data)
    skewed = transform == LOG and abs(look.skew) > SKEWED
    empty = skewed and look.low == 0 and look.zeros >= ATOM * look.present
    values = (
        _values(data) if empty or (skewed and look.low < 0) or transform in {"yeo-johnson", "rank"} else NONE
    )
    least = (
        tidy(float(np.quantile(values[values > 0], LITTLE)))
        if empty and len(np.unique(values)) > MANY
        else 0.0
    )
    name, why = _auto(look, values, least) if transform == LOG else (transform, f"{transform} asked for")
    return Number.model_validate({
        "column": column,
        "numeric": True,
        "missing": len(data) - int(look.present),
        "impute": impute,
        "fill": levels.groups_of(data)[0].level if common else tidy(look.middle),
        "transform": name,
        "parameter": {"log1p": min(look.low, 0.0) or least, "yeo-johnson": _power(values)}.get(name, 0.0),
        "knots": _knots(values) if name == "rank" else (),
        "why": why,
    })  # fmt: skip


def _auto(look: Look, values: Floats, least: float) -> tuple[str, str]:
    """Decide by the skew alone, and say it in words.

    On a log scale nothing lies far below a little, so many zeros would make two groups of every column:
    buyers and the others. Zeros then count as little as the tenth of the buyers who spend least.
    """
    if abs(look.skew) <= SKEWED:
        return "none", f"skew {look.skew:z.1f}, left as it is"
    name = "log1p" if look.low >= 0 else "yeo-johnson"
    after = _skew(np.log1p(np.maximum(values, least))) if least else look.log_skew
    if name == "yeo-johnson":
        after = _skew(yeo_johnson(values, _power(values)))
    if abs(after) < KEPT * abs(look.skew):
        zeros = f"; {look.zeros / look.present:.0%} zeros count as {least:g}" if least else ""
        return name, f"skew {look.skew:z.1f} reduced to {after:z.1f} by {name}{zeros}"
    return "none", f"skew {look.skew:z.1f}, left as it is: {name} would make it {after:z.1f}"


def _skew(values: Floats) -> float:
    away = values - values.mean()
    with np.errstate(all="ignore"):  # of a constant, and beyond the range of float64
        return _or_zero((away**3).mean() / (away**2).mean() ** 1.5)


def _values(data: Frame) -> Floats:
    """Return all values, sorted, or 20,000 at even places of them."""
    ordered = np.sort(data["value"].drop_nulls().to_numpy().astype(np.float64))
    if len(ordered) <= VALUES:
        return ordered
    return ordered[np.linspace(0, len(ordered) - 1, VALUES).round().astype(np.intp)]


def _power(values: Floats) -> float:
    """Return Yeo-Johnson's power of largest likelihood; 1, which changes nothing, where nothing varies."""
    if not len(values) or values[0] == values[-1]:
        return 1.0

    def loss(power: float) -> float:
        return -float(stats.yeojohnson_llf(power, values))

    with np.errstate(all="ignore"):
        best = optimize.minimize_scalar(loss, bounds=(-10.0, 10.0), method="bounded", options={"xatol": 1e-7})
    return round(float(best.x), 6) if math.isfinite(best.fun) else 1.0


def _knots(values: Floats) -> tuple[tuple[float, float], ...]:
    """Return 33 quantiles, closer in the tails, each with the share below it and half the share at it."""
    if not len(values):
        return ((0.0, 0.5),)
    level = np.sin(np.linspace(0, np.pi / 2, KNOTS)) ** 2
    at = np.unique(values[(level * (len(values) - 1)).round().astype(np.intp)])
    below, through = (np.searchsorted(values, at, side) for side in ("left", "right"))
    shares = (below + through) / (2 * len(values))
    return tuple({tidy(value): tidy(share) for value, share in zip(at, shares, strict=True)}.items())


# ---------------------------------------------------------------------------------------------- all columns


def scale(data: Frame, pick: Pick, recipes: Sequence[Step], how: str) -> list[Step]:
    """Learn centre and spread of what the recipes give so far, and weigh one-hot columns against them."""
    scaled = [recipe for recipe in recipes if isinstance(recipe, Scaled)]
    found = dict(zip([each.column for each in scaled], _spreads(data, pick, scaled, how), strict=True))
    deviations = [each.sd / each.spread for each in found.values() if each.sd and each.spread]
    unit = median(deviations) if deviations else 1.0
    return [
        recipe.model_copy(update={"weight": tidy(recipe.weight * unit)})
        if isinstance(recipe, OneHot)
        else recipe.model_copy(
            update={"center": found[recipe.column].center, "spread": found[recipe.column].spread}
        )
        for recipe in recipes
    ]


def _spreads(data: Frame, pick: Pick, recipes: Sequence[Scaled], how: str) -> list[Spread]:
    asked: dict[str, nw.Expr] = {}
    asks = ("mean", "sd", "low", "middle", "high")
    for i in range(len(recipes)):
        value = nw.col(f"{i}")
        low, middle, high = {
            "robust": [value.quantile(q, interpolation="linear") for q in (0.25, 0.5, 0.75)],
            "minmax": [value.min(), value.min(), value.max()],
        }.get(how, [value.mean()] * 3)
        answers = (value.mean(), value.std(ddof=0), low, middle, high)
        asked |= {f"{i}.{name}": answer for name, answer in zip(asks, answers, strict=True)}
    found = _ask(data, [recipe.shaped(pick) for recipe in recipes], asked)
    return [_spread(how, {name: found[f"{i}.{name}"] for name in asks}) for i in range(len(recipes))]


def _spread(how: str, found: Mapping[str, float]) -> Spread:
    """Choose centre and spread; an sd that is rounding noise beside the mean is none."""
    sd = found["sd"] if found["sd"] > 1e-12 * abs(found["mean"]) else 0.0
    if how == "none":
        return Spread(sd, 0.0, 1.0)
    spread = found["high"] - found["low"]
    return Spread(sd, tidy(found["middle"]), tidy(spread if spread > 1e-9 * sd else sd) if sd else 0.0)
