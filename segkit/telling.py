"""What is said about the segments: tables first, then names and sentences whose figures stand in them.

Only the order of the steps lives here, and which columns each is about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from .checks import CATEGORIES, NUMBERS, Check, columns_for
from .errors import ParameterError
from .insight import actions as actions_room
from .insight import drivers as drivers_room
from .insight import evidence as evidence_room
from .insight import fairness as fairness_room
from .insight import profile as profile_room
from .insight import rules as rules_room
from .insight import stakes as stakes_room
from .insight.words import existing as existing_words
from .insight.words import names as names_room
from .insight.words import summary as summary_room
from .insight.words import verdict as verdict_words
from .insight.words.names import Labels
from .insight.words.numbers import Numbers
from .params import Params
from .placing import Prepared
from .segments import validity
from .segments.frames import picker
from .segments.model import Model

TOLD = ("profile", "differences", "actions", "unusual", "unused", "separation")
PLACED = ("segment", "confidence", "distance", "outlier")
NEIGHBOURS = 5


@dataclass(frozen=True)
class Text:
    """The sentences of a study; every figure in them stands in one of its tables."""

    headline: str
    evidence: str
    choice: str
    names: tuple[str, ...]
    summaries: dict[int, str]


def describe(
    ready: Prepared, model: Model, placed: pd.DataFrame, params: Params, seen: Check
) -> dict[str, Any]:
    """Describe the segments in tables, under the names the columns have in the data."""
    kinds = (("numbers", NUMBERS), ("categories", CATEGORIES))
    used = {kind: columns_for(seen.columns, roles) for kind, roles in kinds}
    alias = {
        column: column + " " for column in placed.columns
    }  # a column of the data may be called "segment"
    own: dict[str, Any] = {
        kind: [alias.get(column, column) for column in names] for kind, names in used.items()
    }
    beside: dict[str, Any] = {
        kind: [
            name
            for name in columns_for(seen.columns, roles, use=("left out", "value"))
            if name != params.labels
        ]
        for kind, roles in kinds
    }
    wanted = [*used["numbers"], *used["categories"], params.value, *beside["numbers"], *beside["categories"]]
    customers = _with(ready.frame, wanted, alias, placed)
    aside: dict[str, Any] = {
        kind: [alias.get(column, column) for column in names] for kind, names in beside.items()
    }
    straight = _with(ready.numbers, used["numbers"], alias, placed)
    straight = straight.join(customers[own["categories"]])
    segment, back = placed["segment"].to_numpy(), {internal: column for column, internal in alias.items()}
    asked: dict[str, Any] = {
        kind: [name for name in names if back.get(name, name) in params.sensitive]
        for kind, names in aside.items()
    }
    tables = {
        "sizes": profile_room.sizes(customers, value=alias.get(params.value, params.value)),
        "profile": profile_room.withheld(
            evidence_room.with_tests(profile_room.profile(customers, **own)), params.min_cell
        ),
        "drivers": drivers_room.drivers(straight, **own),
        "unused": evidence_room.unused(customers, least=params.min_cell, **aside),
        "fairness": fairness_room.fairness(customers, **asked, least=params.min_cell),
        "unusual": drivers_room.unusual(customers, numbers=own["numbers"], prepared=straight),
    }
    for table in (tables[name] for name in ("profile", "drivers", "unusual", "unused", "fairness")):
        table["column"] = table["column"].replace(back)
    tables["unusual"]["id"] = placed.iloc[tables["unusual"]["id"].to_numpy(dtype=int) - 1, 0].to_numpy()
    if params.value:
        worth = stakes_room.stakes(customers, alias.get(params.value, params.value), seed=params.seed)
        tables["sizes"] = profile_room.guarded(
            tables["sizes"].merge(worth, on="segment", how="left"), params.min_cell
        )
    inside = segment > 0
    mixed = evidence_room.importance(
        ready.X[inside],
        ready.recipe.origin,
        _placing(model, ready.X[inside], segment[inside], params.seed),
        seed=params.seed,
    )
    tables["drivers"]["importance"] = tables["drivers"]["column"].map(mixed)
    return {
        **tables,
        "rules": rules_room.rules(customers, **own, seed=params.seed, least=params.min_cell).renamed(back),
        "differences": drivers_room.differences(tables["profile"], top=params.top_features),
        "separation": drivers_room.separation(
            _middles(model, ready.X[inside], segment[inside] - 1), ready.X[inside], segment[inside] - 1
        ),
    }


def _middles(model: Model, X: Any, labels: np.ndarray) -> np.ndarray:
    """Return one centre for each segment: its own, or the mean of its customers where some were joined."""
    return model.centers if len(model.centers) == len(model.segments) else validity.within(X, labels).centers


def _placing(model: Model, X: Any, segment: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return what puts prepared rows in segments: the model, or else the customers most alike."""
    if model.places:
        metric, centers = model.metric, model.centers
        owners = np.array(model.owners)
        return lambda rows: owners[
            metric.nearest(rows, centers) if metric else cdist(rows, centers).argmin(1)
        ]
    some = np.random.default_rng(seed).permutation(len(segment))[: evidence_room.SAMPLE]
    return KNeighborsClassifier(NEIGHBOURS).fit(X[some], segment[some]).predict  # type: ignore[no-any-return]


def _with(
    frame: nw.DataFrame[Any], columns: list[str], alias: dict[str, str], placed: pd.DataFrame
) -> pd.DataFrame:
    """Return some columns beside where each customer was placed."""
    wanted = list(dict.fromkeys(column for column in columns if column))
    pick = picker(frame)
    own = frame.select(*[pick(column).alias(column) for column in wanted]).to_pandas()
    own = own.reset_index(drop=True).rename(columns=alias)
    return pd.concat([own, placed[list(PLACED)]], axis=1)


def give_names(
    made: dict[str, Any], tables: dict[str, Any], placed: pd.DataFrame, seen: Check, params: Params
) -> dict[str, Any]:
    """Name the segments, and write the names wherever segments stand; those of the parameters come first."""
    fresh = names_room.name_segments(tables["profile"], tables["drivers"], tables["sizes"], seen.columns)
    kept = made["model"].names  # those that an earlier run gave
    names = [
        old or (f"{new} ({i})" if new and new in kept else new)
        for i, (old, new) in enumerate(zip(kept, fresh, strict=True), start=1)
    ]
    names = _renamed(names, [each.strip() for each in params.segment_names.split(";")])
    told = made["strength"].set_index("segment")["status"].replace("far out", "does not hold")
    holds = [str(told.get(segment, "")) for segment in tables["sizes"]["segment"]]
    sizes = tables["sizes"].assign(name=names, strength=holds)
    own = placed["segment"].to_numpy()
    called, strong = (np.array(["", *words], dtype=object)[own] for words in (names, holds))
    return {
        "model": made["model"].named(names),
        "sizes": sizes,
        "assignments": placed.assign(segment_name=called, strength=strong),
    }


def _renamed(names: list[str], own: list[str]) -> list[str]:
    """Put names of the parameters in place of those that were made; one population has no name."""
    if len(names) < 2:
        return names
    if len(own) > len(names):
        raise ParameterError(
            f"segment_names holds {len(own)} names, and there are only {len(names)} segments. "
            "Ask for that many with segments, or name fewer."
        )
    named = [mine or made for mine, made in zip(own, names, strict=False)] + names[len(own) :]
    if twice := sorted({name for name in named if name and named.count(name) > 1}):
        raise ParameterError(
            f'segment_names: two segments would be called "{twice[0]}". Give each its own name.'
        )
    return named


def tell(made: dict[str, Any], params: Params, seen: Check) -> dict[str, Any]:
    """Say what the tables say: names, sentences and what to do."""
    verdict, sizes, about = made["verdict"], made["sizes"], (made["profile"], made["drivers"])
    words: dict[str, Any] = {
        "numbers": Numbers(params.locale, params.currency),
        "value": params.value,
        "columns": seen.columns,
    }
    sortable = [params.value, *columns_for(seen.columns, ("money",)), *columns_for(seen.columns, ("number",))]
    labels = Labels.of(seen.columns)
    telling = next((column for column in sortable if column), "")
    text = Text(
        **_answer(made, telling, words["numbers"], labels),
        names=tuple(sizes["name"]),
        summaries=summary_room.summarise(sizes, *about, **words),
    )
    book = Path(params.playbook or actions_room.PLAYBOOK)
    advice = actions_room.recommend(sizes, *about, verdict, **words, playbook=book)
    advice = advice[~advice["segment"].isin(verdict.failed)].reset_index(drop=True)
    return {"actions": advice, "text": text}


def _answer(made: dict[str, Any], telling: str, numbers: Numbers, labels: Labels) -> dict[str, str]:
    """Say what the verdict is, what it rests on, and why this number of segments is shown."""
    verdict, evidence, sizes = made["verdict"], made["evidence"], made["sizes"]
    if verdict.labels:
        label = labels.inline(verdict.labels)
        return {
            "headline": existing_words.headline(verdict, numbers, label),
            "evidence": existing_words.evidence(verdict, made["existing"], sizes, numbers, label),
            "choice": existing_words.choice(verdict, numbers, label),
        }
    more: dict[str, Any] = {"strength": made["strength"], "bands": _bands(made, telling, labels, numbers)}
    more["column"] = labels.title(telling) if telling else ""
    return {"headline": verdict_words.headline(verdict, numbers),
            "evidence": verdict_words.evidence(verdict, evidence, sizes, numbers, **more),
            "choice": verdict_words.choice(verdict, evidence, numbers)}  # fmt: skip


def _bands(made: dict[str, Any], column: str, labels: Labels, numbers: Numbers) -> tuple[str, str] | None:
    """Return the quartiles of a column of all customers, written; nothing where they tell little."""
    rows = made["profile"][made["profile"]["column"] == column]
    if len(rows) != 1:
        return None
    low, middle, high = rows[["q25", "median", "q75"]].iloc[0]
    if not low < middle < high:
        return None
    lower, upper = (summary_room.amount(column, each, labels, numbers) for each in (low, high))
    return lower, upper


def hidden_segments(params: Params, segments: int) -> frozenset[int]:
    """Return which segments the parameters hide.

    Raises
    ------
    ParameterError
        There is no such segment, or none would be left.
    """
    hidden = frozenset(int(each) for each in params.hide.split(";") if each.strip())
    if wrong := sorted(hidden - {*range(1, segments + 1)}):
        raise ParameterError(f"hide names segment {wrong[0]}, and there are 1 to {segments}.")
    if len(hidden) == segments:
        raise ParameterError("hide names every segment. Leave at least one to be told of.")
    return hidden


def without(made: dict[str, Any], hidden: frozenset[int]) -> dict[str, Any]:
    """Leave segments out of the tables and texts that tell of segments; sizes and evidence keep all."""
    tables = {name: made[name] for name in TOLD}
    left = {
        name: table[~table["segment"].isin(hidden)].reset_index(drop=True) for name, table in tables.items()
    }
    text: Text = made["text"]
    kept = {segment: told for segment, told in text.summaries.items() if segment not in hidden}
    return {**left, "text": replace(text, summaries=kept)} if hidden else {}
