"""From the columns of a table to their recipes: what fills them, what straightens them, what scales them.

The questions to the frame are few: one select for all raw numbers, one for all prepared ones, one count of levels per
category. Yeo-Johnson and ranks also look at up to 20,000 values, taken at even places of the sorted column, so that they
do not depend on the order of the rows. What is learnt is kept to twelve digits: sums over the rows in another order, or by
another library, differ after that, and the same customers should give the same model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from segkit.errors import ParameterError
from segkit.segments.encode import Category, Level, Number, Pick, finite, is_number, level_text, text

Floats = NDArray[np.float64]

RARE = 0.01  # a level held by a smaller share of the customers joins "(other)"
LEVELS = {"onehot": 20, "ordinal": 100, "frequency": 100}
SKEWED = 1.0  # |skew| above which `auto` tries a transform
KEPT = 0.8  # and keeps it if it leaves less than this part of the skew
VALUES = 20_000
KNOTS = 51


class Look(NamedTuple):
    """One raw number column: what is there, and how it is shaped."""

    count: int
    low: float
    high: float
    middle: float
    skew: float
    log_skew: float


class Count(NamedTuple):
    """A level and the number of customers on it."""

    level: Level
    customers: int


def numbers(
    data: nw.DataFrame[Any], pick: Pick, columns: Sequence[str], *, impute: str, transform: str
) -> list[Number]:
    """Learn fill and transform of each number column; scaling comes later, on what these give."""
    looks = _look(data, pick, columns, "mean" if impute == "mean" else "median")
    if transform == "log1p":
        _check_logs(looks)
    return [_number(data, pick, column, look, impute, transform) for column, look in looks.items()]


def _number(
    data: nw.DataFrame[Any], pick: Pick, column: str, look: Look, impute: str, transform: str
) -> Number:
    missing = len(data) - int(look.count)
    fill = look.middle
    if impute == "most_frequent" and missing and look.count:
        fill = _most_frequent(data, finite(pick(column)))
    curved = transform == "auto" and look.low < 0 and abs(look.skew) > SKEWED
    values = _values(data, pick, column) if curved or transform in {"yeo-johnson", "rank"} else np.empty(0)
    name, why = _auto(values, look) if transform == "auto" else (transform, f"{transform} asked for")
    return Number(
        column=column,
        missing=missing,
        impute=impute,
        fill=tidy(fill),
        transform=name,
        parameter={"log1p": min(look.low, 0.0), "yeo-johnson": _power(values)}.get(name, 0.0),
        knots=_knots(values) if name == "rank" else (),
        why=why,
    )


def category(data: nw.DataFrame[Any], pick: Pick, column: str, *, impute: str, encode: str) -> Category:
    """Learn which levels of a category are told apart and what stands for the others."""
    numeric = is_number(data.schema[column])
    counts, missing = _counts(data, finite(pick(column)) if numeric else text(pick(column)))
    own = missing > 0 and (impute in {"median", "mean"} or not counts)
    if own:
        counts.append(Count(None, missing))
    elif missing:
        counts[0] = Count(counts[0].level, counts[0].customers + missing)
    groups = sorted(counts, key=lambda group: -group.customers)
    least = RARE * len(data) if encode == "onehot" else 0.0
    kept = [group for group in groups[: LEVELS[encode]] if group.customers >= least]
    rare = groups[len(kept) :]
    coded = _onehot(kept, rare) if encode == "onehot" else _codes(kept, rare, encode, len(data))
    return Category(
        column=column,
        missing=missing,
        impute="own level" if own else "most_frequent",
        fill=None if own else counts[0].level,
        numeric=numeric,
        why=_told_apart(groups, rare),
        **coded,
    )


def scale(
    data: nw.DataFrame[Any], pick: Pick, recipes: Sequence[Number | Category], how: str
) -> list[Number | Category]:
    """Learn centre and spread of what the recipes give so far, and the weight of one-hot columns beside it."""
    measured = [recipe for recipe in recipes if isinstance(recipe, Number) or recipe.encode != "onehot"]
    found = _spreads(data, [recipe.shaped(pick) for recipe in measured], how)
    spreads = {recipe.column: spread for recipe, spread in zip(measured, found, strict=True)}
    variances = [s["sd"] ** 2 / s["spread"] ** 2 for s in spreads.values() if s["spread"] and s["sd"]]
    unit = math.sqrt(median(variances)) if variances else 1.0
    return [_with_scale(recipe, spreads, unit) for recipe in recipes]


def _with_scale(recipe: Number | Category, spreads: Mapping[str, Mapping[str, float]], unit: float) -> Number | Category:
    if isinstance(recipe, Category) and recipe.encode == "onehot":
        return recipe.model_copy(update={"weight": tidy(recipe.weight * unit)})
    spread = spreads[recipe.column]
    return recipe.model_copy(update={"center": spread["center"], "spread": spread["spread"]})


# ------------------------------------------------------------------------------------------------ numbers


def _look(data: nw.DataFrame[Any], pick: Pick, columns: Sequence[str], middle: str) -> dict[str, Look]:
    asked: dict[str, nw.Expr] = {}
    for i, column in enumerate(columns):
        value = finite(pick(column))
        centre = value.mean() if middle == "mean" else value.quantile(0.5, interpolation="linear")
        logs = (value.clip(lower_bound=0.0) + 1.0).log()
        asked |= {f"{i}.count": value.count(), f"{i}.low": value.min(), f"{i}.high": value.max()}
        asked |= {f"{i}.middle": centre, f"{i}.skew": value.skew(), f"{i}.log_skew": logs.skew()}
    found = _ask(data, asked)
    return {
        column: Look(*[found[f"{i}.{field}"] for field in Look._fields]) for i, column in enumerate(columns)
    }


def _ask(data: nw.DataFrame[Any], asked: Mapping[str, nw.Expr]) -> dict[str, float]:
    """Ask all aggregates at once; what has no answer (of nothing, or of a constant) is 0."""
    if not asked:
        return {}
    answers = data.select(*[expression.alias(name) for name, expression in asked.items()]).rows()[0]
    return {name: _or_zero(answer) for name, answer in zip(asked, answers, strict=True)}


def _or_zero(answer: Any) -> float:
    value = 0.0 if answer is None else float(answer)
    return value if math.isfinite(value) else 0.0


def _check_logs(looks: Mapping[str, Look]) -> None:
    if bad := [f'"{column}" ({look.low:.6g})' for column, look in looks.items() if look.low <= -1]:
        message = (
            f"transform=log1p needs values above -1; the smallest is lower in {', '.join(bad)}. "
            "Use auto, yeo-johnson or rank, or leave these columns out."
        )
        raise ParameterError(message)


def _auto(values: Floats, look: Look) -> tuple[str, str]:
    """Decide from skewness alone, and say it in words."""
    if abs(look.skew) <= SKEWED:
        return "none", f"skew {look.skew:.1f}, left as it is"
    name = "log1p" if look.low >= 0 else "yeo-johnson"
    after = look.log_skew if look.low >= 0 else _straightened_skew(values)
    if abs(after) < KEPT * abs(look.skew):
        return name, f"skew {look.skew:.1f} reduced to {after:.1f} by {name}"
    return "none", f"skew {look.skew:.1f}, left as it is: {name} would make it {after:.1f}"


def _straightened_skew(values: Floats) -> float:
    return _or_zero(stats.skew(stats.yeojohnson(values, _power(values))))


def _values(data: nw.DataFrame[Any], pick: Pick, column: str) -> Floats:
    """All values, sorted, or 20,000 at even places of them."""
    value = data.select(value=finite(pick(column)))["value"].drop_nulls().to_numpy()
    ordered = np.sort(np.asarray(value, dtype=np.float64))
    if len(ordered) <= VALUES:
        return ordered
    return ordered[np.linspace(0, len(ordered) - 1, VALUES).round().astype(np.intp)]


def _power(values: Floats) -> float:
    """Yeo-Johnson's power by maximum likelihood; 1 (no change) where nothing varies."""
    if len(values) == 0 or values[0] == values[-1]:
        return 1.0
    with np.errstate(all="ignore"):
        best = optimize.minimize_scalar(
            lambda power: -stats.yeojohnson_llf(power, values), bounds=(-10, 10), method="bounded", options={"xatol": 1e-7}
        )
    return round(float(best.x), 6) if math.isfinite(best.fun) else 1.0


def _knots(values: Floats) -> tuple[tuple[float, float], ...]:
    """Values at 51 even quantiles with the share of customers below them, counting half of those on them."""
    if len(values) == 0:
        return ((0.0, 0.5),)
    at = np.unique(values[np.linspace(0, len(values) - 1, KNOTS).round().astype(np.intp)])
    share = (np.searchsorted(values, at, "left") + np.searchsorted(values, at, "right")) / (2 * len(values))
    return tuple({tidy(value): tidy(part) for value, part in zip(at, share, strict=True)}.items())


def _spreads(data: nw.DataFrame[Any], shaped: Sequence[nw.Expr], how: str) -> list[dict[str, float]]:
    asked: dict[str, nw.Expr] = {}
    for i, value in enumerate(shaped):
        asked |= {f"{i}.mean": value.mean(), f"{i}.sd": value.std(ddof=0)}
        if how == "robust":
            asked |= {f"{i}.q{q}": value.quantile(q / 100, interpolation="linear") for q in (25, 50, 75)}
        if how == "minmax":
            asked |= {f"{i}.min": value.min(), f"{i}.max": value.max()}
    found = _ask(data, asked)
    return [_spread({key: found.get(f"{i}.{key}", 0.0) for key in _ASKED}, how) for i in range(len(shaped))]


_ASKED = ("mean", "sd", "q25", "q50", "q75", "min", "max")


def _spread(found: Mapping[str, float], how: str) -> dict[str, float]:
    """Centre and spread; a spread that is rounding noise beside the centre is none."""
    sd = found["sd"] if found["sd"] > 1e-12 * abs(found["mean"]) else 0.0
    if how == "none":
        return {"sd": sd, "center": 0.0, "spread": 1.0}
    centre, spread = {
        "standard": (found["mean"], sd),
        "robust": (found["q50"], found["q75"] - found["q25"] or sd),
        "minmax": (found["min"], found["max"] - found["min"]),
    }[how]
    return {"sd": sd, "center": tidy(centre), "spread": tidy(spread) if sd else 0.0}


def tidy(value: float) -> float:
    """Return a number to twelve digits."""
    return float(f"{value:.12g}")


# --------------------------------------------------------------------------------------------- categories


def _counts(data: nw.DataFrame[Any], key: nw.Expr) -> tuple[list[Count], int]:
    """Levels, most frequent first (ties in order of level), and how many are missing."""
    rows = data.select(level=key).group_by("level").agg(customers=nw.len()).rows()
    known = {level: int(n) for level, n in rows if level is not None and level == level}  # noqa: PLR0124 - NaN
    order = _natural(known)
    missing = len(data) - sum(known.values())
    return [Count(level, known[level]) for level in sorted(known, key=lambda k: (-known[k], order[k]))], missing


def _natural(levels: Iterable[Level]) -> dict[Level, int]:
    """Place of each level: by number where all are numbers, otherwise by text; missing last."""
    known = [level for level in levels if level is not None]
    try:
        numbers = {level: float(level) for level in known}
        by_number = all(map(math.isfinite, numbers.values()))
    except ValueError:
        by_number = False
    ordered = sorted(known, key=lambda level: (numbers[level] if by_number else 0.0, str(level)))
    return {level: place for place, level in enumerate([*ordered, None])}


def _in_order(kept: Sequence[Count]) -> list[Count]:
    place = _natural(group.level for group in kept)
    return sorted(kept, key=lambda group: place[group.level])


def _onehot(kept: Sequence[Count], rare: Sequence[Count]) -> dict[str, Any]:
    """One column per group; with two groups the larger one needs none; with one group nothing is told."""
    ordered = _in_order(kept)
    sizes = [group.customers for group in ordered] + [sum(group.customers for group in rare)] * bool(rare)
    weight = {1: 0.0, 2: math.sqrt(2)}.get(len(sizes), 1.0)
    base = sizes.index(max(sizes)) if len(sizes) == 2 else -1
    levels = tuple(group.level for group in ordered)
    return {"encode": "onehot", "levels": levels, "other": bool(rare), "weight": weight, "base": base}


def _codes(kept: Sequence[Count], rare: Sequence[Count], encode: str, rows: int) -> dict[str, Any]:
    """Ordinal codes 0, 1, 2, ... or shares of the customers; levels without a code of their own get a mean one."""
    ordered = _in_order(kept)
    if encode == "frequency":
        other = sum(group.customers for group in rare) / rows / max(len(rare), 1)
        codes = [group.customers / rows for group in ordered]
    else:
        placed = sum(group.customers for group in ordered if group.level is not None)
        total = sum(i * group.customers for i, group in enumerate(ordered) if group.level is not None)
        other = total / max(placed, 1)
        codes = [other if group.level is None else float(i) for i, group in enumerate(ordered)]
    levels = tuple(group.level for group in ordered)
    return {
        "encode": encode, "levels": levels, "other": False, "codes": tuple(map(tidy, codes)), "code_other": tidy(other),
    }  # fmt: skip


def _told_apart(groups: Sequence[Count], rare: Sequence[Count]) -> str:
    if len(groups) == 1:
        return f"one level only ({level_text(groups[0].level)}), says nothing"
    return f"{len(groups)} levels" + (f", {len(rare)} rare ones together" if rare else "")


def _most_frequent(data: nw.DataFrame[Any], value: nw.Expr) -> float:
    """The most frequent number, the smallest of several, as scikit-learn's SimpleImputer takes."""
    counts, _ = _counts(data, value)
    return float(counts[0].level or 0.0)
