"""Segments as rules a person can follow: at most three conditions, in the columns' own units.

One rule per segment, the shortest that is nearly as good as the best, with precision, coverage and lift; and
one set of rules for all, read from the top, with its fidelity: the share of customers it puts where the model
does. Decision trees propose (Breiman et al. 1984), thresholds are rounded, and what is reported is measured
afterwards, on all customers. A missing value fulfils no condition but "is not". No sentence lives here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from math import ceil, floor, inf, log10
from operator import and_
from typing import Any, NamedTuple, Self

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from segkit.data import sql
from segkit.insight.profile import Customers, segmented
from segkit.segments.encode import Pick, finite, is_number, text
from segkit.segments.frames import picker

SAMPLE, DEPTH, LEVELS = 5_000, 3, 20
WORTH = 0.03  # what a further condition must add to the harmonic mean of precision and coverage
FAITHFUL = 0.8  # a rule set that puts fewer customers where the model does does not describe it
RULES = ["segment", "rule", "customers", "right", "precision", "coverage", "lift"]


@dataclass(frozen=True)
class Condition:
    """A number from `low` to under `high`, or a category that is, or is not, `level`."""

    column: str
    low: float = -inf
    high: float = inf
    level: str | float | None = None
    negated: bool = False

    def holds(self, pick: Pick, *, numeric: bool) -> nw.Expr:
        """Return whether a row fulfils it, never null; `numeric` tells how the column is read."""
        value = (finite if numeric else text)(pick(self.column))
        if self.level is not None:
            same = (value == self.level).fill_null(value=False)
            return ~same if self.negated else same
        sides = [value >= self.low] * (self.low > -inf) + [value < self.high] * (self.high < inf)
        return reduce(and_, sides).fill_null(value=False)


@dataclass(frozen=True)
class Rule:
    """Conditions that must all hold, and the segment they speak of."""

    segment: int
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Rules:
    """What the segments are, in questions that a form could ask.

    Attributes
    ----------
    rules
        At most one per segment, the most precise first. Read from the top they are a rule set for all: the
        first that holds decides, and who fits none is in segment `otherwise`.
    table
        ``segment rule customers right precision coverage lift``, in the order of `rules`, each by itself.
    fidelity
        The share of customers that the set puts in the segment of the model.
    numeric
        The columns that are read as numbers.
    """

    rules: tuple[Rule, ...]
    otherwise: int
    fidelity: float
    numeric: frozenset[str]
    table: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=RULES), compare=False)

    @property
    def faithful(self) -> bool:
        """Whether the set describes the model."""
        return self.fidelity >= FAITHFUL

    def segment(self, pick: Pick = nw.col) -> nw.Expr:
        """Return the segment that the set gives a row, an integer."""
        chosen: nw.Expr = nw.lit(self.otherwise)
        for rule in reversed(self.rules):
            holds = _all(rule.conditions, pick, self.numeric)
            chosen = nw.when(holds).then(nw.lit(rule.segment)).otherwise(chosen)
        return chosen.cast(nw.Int64)

    def sql(self, dialect: str = "duckdb", *, id_column: str = "customer_id") -> str:
        """Return one SELECT on a table ``customers`` that gives every row the segment of the rule set.

        Examples
        --------
        >>> asked = Rules((Rule(2, (Condition("visits", low=50.0),)),), 1, 1.0, frozenset(["visits"]))
        >>> "visits" in asked.sql("postgres")
        True
        """
        asked = {each.column for rule in self.rules for each in rule.conditions}
        texts = {*asked, id_column} - self.numeric
        customers = sql.relation(sorted((asked | {id_column}) & self.numeric), sorted(texts))
        chosen = self.segment().alias("segment")
        return sql.statement(customers.select(nw.col(id_column), chosen), dialect)

    def renamed(self, names: Mapping[str, str]) -> Self:
        """Return the same rules for columns that are called otherwise."""

        def told(rule: Rule) -> Rule:
            own = (replace(each, column=names.get(each.column, each.column)) for each in rule.conditions)
            return replace(rule, conditions=tuple(own))

        numeric = frozenset(names.get(column, column) for column in self.numeric)
        return replace(self, rules=tuple(map(told, self.rules)), numeric=numeric)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; sides that are open are left out."""
        told = [{"segment": r.segment, "conditions": [_plain(c) for c in r.conditions]} for r in self.rules]
        own = {"otherwise": self.otherwise, "fidelity": self.fidelity, "numeric": sorted(self.numeric)}
        return {"rules": told, **own}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the rules that `to_dict` wrote, without their table."""
        told = (
            Rule(rule["segment"], tuple(Condition(**each) for each in rule["conditions"]))
            for rule in values["rules"]
        )
        return cls(tuple(told), values["otherwise"], values["fidelity"], frozenset(values["numeric"]))


class _Feature(NamedTuple):
    """What a tree can split on: a number, or whether a category has a level."""

    column: str
    level: str | float | None
    values: np.ndarray


def rules(
    customers: Customers, *, by: str = "segment", numbers: Sequence[str] = (), categories: Sequence[str] = (),
    seed: int = 0, least: int = 0,
) -> Rules:  # fmt: skip
    """Find rules for the segments of customers.

    Parameters
    ----------
    customers : eager frame with `by` (from 1; 0 is left out) and the columns, in their own units
    seed : int
        Chooses the 5,000 customers that trees are fitted on where there are more.
    least : int
        Segments of fewer customers get no rule, which would tell of them.

    Examples
    --------
    >>> frame = pd.DataFrame({"segment": [1] * 40 + [2] * 40, "visits": [*range(40), *range(60, 100)]})
    >>> found = rules(frame, numbers=["visits"])
    >>> found.rules[1].conditions, found.fidelity
    ((Condition(column='visits', low=50.0, high=inf, level=None, negated=False),), 1.0)
    """
    frame = segmented(customers, by)
    segment, pick = frame[by].to_numpy().astype(int), picker(frame)
    numeric = frozenset([*numbers, *(c for c in categories if is_number(frame.schema[c]))])
    segments = np.unique(segment)
    if len(segments) < 2:
        return Rules((), int(segments[0]) if len(segments) else 0, 1.0, numeric)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(frame))[:SAMPLE])
    some = frame if len(drawn) == len(frame) else frame[drawn]
    features = [_Feature(c, None, _filled(some.select(x=finite(pick(c)))["x"])) for c in numbers]
    for column in categories:
        features += _levels(some.select(x=(finite if column in numeric else text)(pick(column))), column)
    X = np.column_stack([feature.values for feature in features])
    steps = [_step(feature) for feature in features]
    large = segments[[(segment == s).sum() >= least for s in segments]]
    found = ((int(s), _shortest(X, segment[drawn] == s, features, steps)) for s in large)
    told = [Rule(s, conditions) for s, conditions in found if conditions]
    said = frame.select(**{f"{i}": _all(rule.conditions, pick, numeric) for i, rule in enumerate(told)})
    held = [said[name].to_numpy().astype(bool) for name in said.columns]
    table = _measured(told, held, segment).sort_values("precision", ascending=False, kind="stable")
    otherwise, fidelity = _read([(told[i].segment, held[i]) for i in table.index], segment)
    kept = tuple(told[i] for i in table.index)
    return Rules(
        kept, otherwise, fidelity, numeric, table.assign(rule=range(1, len(kept) + 1)).reset_index(drop=True)
    )


def _read(ordered: Sequence[tuple[int, np.ndarray]], segment: np.ndarray) -> tuple[int, float]:
    """Read the rules from the top; return the segment of the rest, and the share of customers put right."""
    given = np.zeros(len(segment), dtype=int)
    for number, mask in ordered:
        given[(given == 0) & mask] = number
    left = segment[given == 0]
    otherwise = int(np.bincount(left if len(left) else segment).argmax())
    given[given == 0] = otherwise
    return otherwise, float(np.mean(given == segment))


def _all(conditions: Sequence[Condition], pick: Pick, numeric: frozenset[str]) -> nw.Expr:
    return reduce(and_, [each.holds(pick, numeric=each.column in numeric) for each in conditions])


def _plain(condition: Condition) -> dict[str, Any]:
    return {key: value for key, value in asdict(condition).items() if value not in (None, False, inf, -inf)}


def _measured(rules: Sequence[Rule], held: Sequence[np.ndarray], segment: np.ndarray) -> pd.DataFrame:
    """Count for each rule the customers it holds for, and those of them in its segment."""
    rows = []
    for i, (rule, mask) in enumerate(zip(rules, held, strict=True), start=1):
        inside = segment == rule.segment
        count, right, size = int(mask.sum()), int((mask & inside).sum()), int(inside.sum())
        precision = right / count if count else np.nan
        rows.append((rule.segment, i, count, right, precision, right / size, precision * len(segment) / size))
    return pd.DataFrame(rows, columns=RULES)


# ---------------------------------------------------------------------- what trees see


def _filled(values: nw.Series[Any]) -> np.ndarray:
    array = values.to_numpy().astype(float)
    known = array[np.isfinite(array)]
    return np.where(np.isfinite(array), array, np.median(known) if len(known) else 0.0)


def _levels(values: nw.DataFrame[Any], column: str) -> list[_Feature]:
    """Return whether `x` has each of its 20 most frequent levels; of two, one is enough."""
    counts = values.drop_nulls().group_by("x").agg(n=nw.len()).rows()
    told = [level for level, _ in sorted(counts, key=lambda row: (-row[1], str(row[0])))[:LEVELS]]
    has = [(nw.col("x") == level).fill_null(value=False).alias(f"{i}") for i, level in enumerate(told)]
    masks = values.select(*has) if has else values
    names = masks.columns[: 1 if len(told) == 2 else len(told)]
    return [_Feature(column, told[i], masks[name].to_numpy() * 1.0) for i, name in enumerate(names)]


def _step(feature: _Feature) -> tuple[int, bool]:
    """Return the power of ten that thresholds are rounded to, and whether all values are whole."""
    low, high = np.quantile(feature.values, [0.25, 0.75])
    spread = float(high - low) or float(feature.values.std())
    return (floor(log10(spread / 20)) if spread > 0 else 0), bool(
        np.all(feature.values == np.rint(feature.values))
    )


def _rounded(threshold: float, power: int, *, whole: bool) -> float:
    """Round a threshold to two digits at least; between whole numbers, up to the next one."""
    own = floor(log10(abs(threshold))) - 1 if threshold else power
    if whole:
        return float(round(ceil(threshold), -max(0, min(power, own))))
    return float(round(threshold, -min(power, own)))


# ---------------------------------------------------------------------- from trees to rules


def _ways(
    tree: Any, depth: int, features: Sequence[_Feature], steps: Sequence[tuple[int, bool]]
) -> Iterator[tuple[Condition, ...]]:
    """Yield the ways down to a depth, thresholds rounded, of numbers one condition per column."""
    grown = tree.tree_

    def walk(node: int, way: dict[tuple[str, Any], Condition], depth: int) -> Iterator[tuple[Condition, ...]]:
        left, right = int(grown.children_left[node]), int(grown.children_right[node])
        if left == right or not depth:
            yield tuple(way.values())
            return
        feature, step = features[grown.feature[node]], steps[grown.feature[node]]
        key = feature.column, feature.level
        told = way.get(key, Condition(*key[:1], level=feature.level))
        if feature.level is not None:
            sides = replace(told, negated=True), told
        else:
            at = _rounded(float(grown.threshold[node]), step[0], whole=step[1])
            sides = replace(told, high=min(told.high, at)), replace(told, low=max(told.low, at))
        for child, side in zip((left, right), sides, strict=True):
            yield from walk(child, {**way, key: side}, depth - 1)

    yield from walk(0, {}, depth)


def _shortest(
    X: np.ndarray, inside: np.ndarray, features: Sequence[_Feature], steps: Sequence[tuple[int, bool]]
) -> tuple[Condition, ...]:
    """Return the shortest conjunction that is nearly as good as the best, of a tree cut at each depth."""
    masks = {(f.column, f.level): X[:, i] for i, f in enumerate(features)}
    best: tuple[float, tuple[Condition, ...]] = (0.0, ())
    tree = DecisionTreeClassifier(
        max_depth=DEPTH, min_samples_leaf=max(5, len(X) // 200), class_weight="balanced", random_state=0
    ).fit(X, inside)
    for depth in range(1, DEPTH + 1):
        scored = [_pruned(way, masks, inside) for way in _ways(tree, depth, features, steps) if way]
        top = max(scored, key=lambda pair: (pair[0], -len(pair[1])), default=best)
        best = top if top[0] > best[0] + WORTH * max(1, len(top[1]) - len(best[1])) else best
    return best[1]


def _pruned(
    way: tuple[Condition, ...], masks: Mapping[tuple[str, Any], np.ndarray], inside: np.ndarray
) -> tuple[float, tuple[Condition, ...]]:
    """Leave out conditions that hardly add; return how good what is left is, and it."""
    score = _score(way, masks, inside)
    while len(way) > 1:
        shorter = [way[:i] + way[i + 1 :] for i in range(len(way))]
        scores = [_score(each, masks, inside) for each in shorter]
        i = int(np.argmax(scores))
        if scores[i] < score - WORTH / 3:
            break
        way, score = shorter[i], max(score, scores[i])
    return _score(way, masks, inside), way


def _score(
    way: Sequence[Condition], masks: Mapping[tuple[str, Any], np.ndarray], inside: np.ndarray
) -> float:
    """Return the harmonic mean of precision and coverage."""
    held = np.ones(len(inside), dtype=bool)
    for each in way:
        x = masks[each.column, each.level]
        held &= ((x > 0) != each.negated) if each.level is not None else (x >= each.low) & (x < each.high)
    return float(2 * (held & inside).sum() / max(1, held.sum() + inside.sum()))
