"""Which preparation the customers are compared in, and what the others would have said.

Preparation matters more than the number of segments, so it is chosen by evidence and never in silence. A
seeded sample is prepared in several ways and held against chance in each. Skewed columns go to a log scale,
one by one (`auto-log`), unless nothing stands out there and something does on the scale as it is or on ranks.
A larger z alone is no reason to leave the log scale: how far customers stand above chance tells whether there
is structure, not in which scale its segments are round (measured: docs/scorecard.md). A transform that is
asked for is obeyed, and only compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from segkit.segments import prepare, strength
from segkit.segments.algorithms.kmeans import KMeans
from segkit.segments.chance import DRAWS, ENOUGH, Chance, compare
from segkit.segments.frames import Frame
from segkit.segments.prepare import Preparation
from segkit.segments.sweep import canonical_order
from segkit.segments.validity import Floats, Labels, Matrix, is_sparse

SAMPLE_ROWS = 1_000
LARGEST = 9
ROWS_PER_COLUMN, FEWEST_ROWS = 20, 50
SOME_DRAWS = 12  # for preparations that are only compared
TIED = 1.5
LOG = "auto-log"
OTHERS = ("none", "rank")  # what `auto` may take instead, where they show what the log scale hides
USUAL = {
    "raw": ("none", "none"), "z-score": ("none", "standard"), LOG: (LOG, "standard"),
    "robust": ("none", "robust"), "rank": ("rank", "standard"),
}  # fmt: skip
TABLE = [
    *("preparation", "transform", "scale", "z", "silhouette", "segments", "sizes", "far_out"),
    *("agreement", "chosen"),
]


@dataclass(frozen=True, eq=False)
class Answer:
    """The sample under one preparation, held against chance, and as k-means segments it there."""

    recipe: Preparation
    X: Floats
    chance: Chance
    labels: Labels


@dataclass(frozen=True, eq=False)
class Comparison:
    """The sample, and what it says under each preparation, those that the choice did not need when asked."""

    sample: Frame
    how: dict[str, Any]
    largest: int
    seed: int
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    chosen: list[tuple[str, str]] = field(default_factory=list)

    def z(self, transform: str, scale: str) -> float:
        """Return how far the sample stands above chance under a preparation."""
        return self.answer(transform, scale).chance.z

    def answer(self, transform: str, scale: str) -> Answer:
        """Return what a preparation says, learnt on the sample; one that does the same is asked instead."""
        if (transform, scale) not in self.answers:
            recipe = prepare.learn(self.sample, **self.how, transform=transform, scale=scale)
            same = (each for each in self.answers.values() if _alike(each.recipe, recipe))
            self.answers[transform, scale] = next(same, None) or self._held(recipe, SOME_DRAWS)
        return self.answers[transform, scale]

    def settle(self, recipe: Preparation) -> Answer:
        """Return what a preparation learnt on all customers says, against more draws, and choose it."""
        way = (recipe.transform, recipe.scale)
        self.answers[way] = self._held(recipe, DRAWS)
        self.chosen[:] = [way]
        return self.answers[way]

    def _held(self, recipe: Preparation, draws: int) -> Answer:
        X = recipe.matrix(self.sample)
        X = X.toarray() if is_sparse(X) else X
        chance = compare(self.sample, recipe, largest=self.largest, seed=self.seed, draws=draws)
        labels = KMeans().fit(X, int(chance.each_z.argmax()) + 2, seed=self.seed, quick=True)[0]
        return Answer(recipe, X, chance, np.unique(labels, return_inverse=True)[1])

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per preparation.

        `z`; the number of segments that stands furthest above chance there, its `silhouette` and `sizes` in
        the sample; how many of these segments are made of far-out rows; `agreement` (adjusted Rand index)
        with the preparation `chosen`.
        """
        ways, mine = dict(USUAL), self.chosen[0]
        if mine not in ways.values():
            ways = {f"{mine[0]}, {mine[1]}": mine, **ways}
        return pd.DataFrame([self._row(name, way, mine) for name, way in ways.items()], columns=TABLE)

    def _row(self, name: str, way: tuple[str, str], mine: tuple[str, str]) -> tuple[Any, ...]:
        each, other = self.answer(*way), self.answers[mine]
        sizes = np.sort(np.bincount(each.labels))[::-1]
        return (
            name, *way, each.chance.z, float(each.chance.real[each.chance.each_z.argmax()]), len(sizes),
            " / ".join(f"{size}" for size in sizes), int(strength.far_out(each.X, each.labels).sum()),
            float(adjusted_rand_score(other.labels, each.labels)), way == mine,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Chosen:
    """How customers are prepared, all of them prepared, and what it was chosen by.

    Attributes
    ----------
    recipe, X, usable
        The preparation, all rows prepared, and which of them can be placed.
    order, distinct
        Of the usable rows, see `segkit.segments.sweep.canonical_order`.
    chance
        The sample held against chance under `recipe`; None where there are too few rows to tell.
    comparison
        What other preparations say; None where there are too few rows to tell.
    why
        In words.
    """

    recipe: Preparation
    X: Matrix
    usable: Any
    order: Labels
    distinct: int
    chance: Chance | None = None
    comparison: Comparison | None = None
    why: str = "asked for"


def learn(
    frame: Frame,
    *,
    numbers: Sequence[str],
    categories: Sequence[str],
    impute: str = "median",
    encode: str = "onehot",
    transform: str = "auto",
    scale: str = "standard",
    seed: int = 0,
) -> Chosen:
    """Prepare customers, in the way chosen by rule when `transform` is "auto"; see `prepare.learn`.

    Examples
    --------
    >>> import narwhals as nw
    >>> frame = nw.from_native(pd.DataFrame({"spend": np.exp(np.random.default_rng(0).normal(size=300))}))
    >>> found = learn(frame, numbers=["spend"], categories=[])
    >>> found.recipe.transform, found.comparison.table["preparation"].tolist()
    ('auto-log', ['raw', 'z-score', 'auto-log', 'robust', 'rank'])
    """
    how: dict[str, Any] = {"numbers": numbers, "categories": categories, "impute": impute, "encode": encode}
    recipe = prepare.learn(frame, **how, transform=LOG if transform == "auto" else transform, scale=scale)
    usable, X = recipe.usable(frame), recipe.matrix(frame)
    order, distinct = canonical_order(X if usable.all() else X[usable], seed=seed)
    if len(order) < needed(recipe) or distinct < 2:
        return Chosen(recipe, X, usable, order, distinct, why="too few customers to compare preparations")
    rows = frame if usable.all() else frame.filter(usable.tolist())
    compared = Comparison(rows[order[:SAMPLE_ROWS]], how, min(LARGEST, distinct), seed)
    answer, why = compared.settle(recipe), "asked for"
    if transform == "auto":
        picked, why = _picked(compared, scale)
        if picked != LOG:
            recipe = prepare.learn(frame, **how, transform=picked, scale=scale)
            answer, X = compared.settle(recipe), recipe.matrix(frame)
    return Chosen(recipe, X, usable, order, distinct, answer.chance, compared, why)


def needed(recipe: Preparation) -> int:
    """Return how many rows it takes to tell: 20 per column, at least 50."""
    return max(FEWEST_ROWS, ROWS_PER_COLUMN * len(recipe.columns))


def _picked(compared: Comparison, scale: str) -> tuple[str, str]:
    """Return the transform that `auto` takes, and why."""
    log = compared.z(LOG, scale)
    if log > ENOUGH:
        return LOG, "customers stand apart with skewed columns on a log scale"
    best, other = max((compared.z(each, scale), each) for each in OTHERS)
    if best <= max(ENOUGH, log + TIED):
        return LOG, "nothing stands out in any preparation, so skewed columns are on a log scale"
    return other, f"nothing stands out on a log scale (z {log:.1f}), and something does here (z {best:.1f})"


def _alike(one: Preparation, other: Preparation) -> bool:
    """Return whether two preparations do the same to every column."""
    return one.scale == other.scale and list(one.steps["transform"]) == list(other.steps["transform"])
