"""Where the customers are: prepared, held against chance, and put in segments by a model that can be kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from . import earlier
from .checks import CATEGORIES, NUMBERS, Check, columns_for, hidden
from .data import drift as drift_room
from .errors import ParameterError, SourceError
from .insight import profile as profile_room
from .params import Params
from .segments import choose as choose_room
from .segments import given as given_room
from .segments import strength as strength_room
from .segments import sweep as sweep_room
from .segments import verdict as verdict_room
from .segments.choose import Chosen
from .segments.measure import measure
from .segments.model import Model
from .segments.prepare import Preparation
from .segments.sweep import Sweep
from .steps import kept, key_of

PREPARED = ("impute", "encode", "transform", "scale")
FEWEST = 2


@dataclass(frozen=True, eq=False)
class Prepared:
    """All customers, how they are prepared, their prepared rows, and which of them can be placed."""

    frame: nw.DataFrame[Any]
    recipe: Preparation
    X: Any
    usable: np.ndarray
    key: str
    chosen: Chosen

    @cached_property
    def rows(self) -> Any:
        """The prepared rows with the very digits that a model places by, kept for the next number."""
        return self.recipe.matrix(self.frame, pushed=True)

    @cached_property
    def reference(self) -> dict[str, Any]:
        """What later customers are held against, to see whether columns have shifted."""
        return drift_room.reference(
            self.frame,
            numbers=[each.column for each in self.recipe.columns if each.numeric],
            categories=[each.column for each in self.recipe.columns if not each.numeric],
        )

    @cached_property
    def numbers(self) -> nw.DataFrame[Any]:
        """The number columns, prepared, under their own names."""
        return self.recipe.numbers_as_prepared(self.frame)

    @property
    def to_fit(self) -> tuple[nw.DataFrame[Any], Any]:
        """The customers that can be placed, as they are and prepared."""
        if self.usable.all():
            return self.frame, self.X
        return self.frame.filter(self.usable.tolist()), self.X[self.usable]


def prepare(frame: nw.DataFrame[Any], params: Params, seen: Check, key: str) -> Prepared:
    """Prepare the customers, in the way that is chosen for them."""
    how = {name: getattr(params, name) for name in PREPARED} | {"seed": params.seed}
    key = key_of(key, how)

    def make() -> Prepared:
        numbers, categories = columns_for(seen.columns, NUMBERS), columns_for(seen.columns, CATEGORIES)
        chosen = choose_room.learn(frame, numbers=numbers, categories=categories, **how)
        usable = chosen.usable
        if usable.sum() < FEWEST:
            raise SourceError(
                f"Only {usable.sum()} of {len(frame)} customers have a value in every column. "
                "Fill missing values (impute: median) or leave columns out."
            )
        return Prepared(frame, chosen.recipe, chosen.X, usable, key, chosen)

    return kept.get("prepare", key, make)


def _swept(ready: Prepared, params: Params, algorithm: str) -> Sweep:
    """Find every number of segments."""
    how: dict[str, Any] = {name: getattr(params, name) for name in ("max_segments", "seed")}
    beyond = params.segments if params.segments > params.max_segments else 0
    key = key_of(ready.key, how, algorithm, beyond)
    return kept.get(
        "sweep", key, lambda: sweep_room.sweep(ready.to_fit[1], segments=beyond, algorithm=algorithm, **how)
    )


def place(ready: Prepared, params: Params, seen: Check) -> tuple[dict[str, Any], pd.DataFrame]:
    """Decide how many segments there are, put every customer in one, and keep how: the model."""
    how = {"max_segments": params.max_segments, "seed": params.seed}
    (rows, X), chosen = ready.to_fit, ready.chosen
    known = (chosen.order, chosen.distinct, chosen.chance)
    measured = kept.get(
        "verdict",
        key_of(ready.key, how),
        lambda: measure(rows, X, ready.recipe, **how, known=known),
    )
    if params.segments > measured.distinct:
        raise ParameterError(
            f"segments must be at most {measured.distinct} here, got {params.segments}: "
            "no more customers than that differ in the columns used."
        )
    given = None
    if params.labels:
        given = given_room.read(rows, X, params.labels, chosen.order)
    auto = params.algorithm == "auto"
    sweep = _swept(ready, params, measured.algorithm if auto else params.algorithm)
    verdict, evidence, strength, solution, stays = verdict_room.decide(
        sweep,
        measured,
        segments=params.segments,
        auto=auto,
        seed=params.seed,
        least=params.min_segment_size,
        given=given,
        merge=[
            [int(each) for each in group.split("+")] for group in params.merge.split(";") if group.strip()
        ],
    )
    where = None if solution.follows else _spread(given_room.placed(X, solution), ready.usable)
    ids = [*seen.columns.loc[seen.columns["use"] == "id", "column"], None]
    model, found = Model.learn_and_place(
        ready.recipe,
        ready.frame,
        solution.centers,
        rows=ready.rows if where is None else None,
        algorithm="labels" if given else sweep.algorithm,
        metric=solution.metric,
        names=given.names if given else (),
        owners=() if solution.owners is None else (solution.owners + 1).tolist(),
        supported=verdict.supported,
        placed=where,
        training={
            "seed": params.seed,
            "verdict": verdict.level,
            "input_sha256": seen.reading.sha256,
            "customer_id": ids[0] or "",
            "reference": ready.reference,
        },
    )
    placed = hidden(model.told(found, ready.frame, ids[0]), params)
    if params.like:
        order, names = earlier.carried(earlier.read(params.like), model, ready.frame, placed)
        model, now = model.reordered(order, names), {old: new for new, old in enumerate(order, start=1)}
        strength = strength.assign(segment=strength["segment"].map(now)).sort_values(
            "segment", ignore_index=True
        )
        verdict = replace(verdict, failed=tuple(sorted(now[segment] for segment in verdict.failed)))
        found = model.place(ready.frame, ready.rows).to_pandas()
        placed = hidden(model.told(found, ready.frame, ids[0]), params)
    existing, crossed = pd.DataFrame(columns=given_room.TABLE), pd.DataFrame(columns=given_room.CROSSED)
    if given:
        existing, crossed = given_room.beside(X, given, sweep.solutions[verdict.segments], chosen.order)
        crossed = profile_room.counts_withheld(crossed, "segment", "proposed", params.min_cell)
    placed["stays"] = strength_room.everywhere(
        placed["segment"].to_numpy(),
        placed["confidence"].to_numpy(dtype=np.float64, na_value=np.nan),
        np.flatnonzero(ready.usable)[stays.index.to_numpy()],
        stays.to_numpy(),
    )
    tables = {"evidence": evidence, "strength": strength, "existing": existing, "crossed": crossed}
    return {"verdict": verdict, "model": model, **tables}, placed


def _spread(placed: pd.DataFrame, usable: np.ndarray) -> pd.DataFrame:
    """Return where every customer is, of those that could be placed; the others are in no segment."""
    placed = placed.set_index(np.flatnonzero(usable)).reindex(np.arange(len(usable)))
    return placed.assign(segment=placed["segment"].fillna(0).astype("int64"))
