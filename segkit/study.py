"""One study: from a source and its parameters to everything that is said about the segments.

Only the order of the steps lives here. Each step is a function of another room, called with plain values,
and its result is kept by content: what went in decides the key, so changing the number of segments reads and
prepares nothing again. A `Study` is frozen; changing a parameter makes a new one. Nothing here computes,
draws or writes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.neighbors import KNeighborsClassifier

from . import earlier, settings
from .data import columns as columns_room
from .data import drift as drift_room
from .data import quality as quality_room
from .data import source as source_room
from .data.source import Reading
from .errors import GateError, ParameterError, SourceError, nearest
from .insight import actions as actions_room
from .insight import drivers as drivers_room
from .insight import evidence as evidence_room
from .insight import fairness as fairness_room
from .insight import profile as profile_room
from .insight import rules as rules_room
from .insight import stakes as stakes_room
from .insight.rules import Rules
from .insight.words import existing as existing_words
from .insight.words import names as names_room
from .insight.words import summary as summary_room
from .insight.words import verdict as verdict_words
from .insight.words.names import Labels
from .insight.words.numbers import Numbers
from .params import Kind, Params, RfmParams, ScoreParams
from .segments import choose as choose_room
from .segments import given as given_room
from .segments import map as map_room
from .segments import sweep as sweep_room
from .segments import validity
from .segments import verdict as verdict_room
from .segments.choose import Chosen, Comparison
from .segments.frames import picker
from .segments.map import Map
from .segments.model import Model
from .segments.prepare import Preparation
from .segments.sweep import Sweep
from .segments.verdict import Verdict

log = logging.getLogger(__name__)
DESCRIBED = ("customer_id", "features", "exclude", "categories", "numbers", "value")
GATED = ("min_rows", "max_missing_warn", "max_missing_fail", "max_duplicate_ids_fail")
PREPARED = ("impute", "encode", "transform", "scale")
TOLD = ("profile", "differences", "actions", "unusual", "unused", "separation")
NUMBERS, CATEGORIES = ("number", "money"), ("category", "yes/no")
PLACED = ("segment", "confidence", "distance", "outlier")
FEWEST = 2
NEIGHBOURS = 5
MOST_GROUPS = 200
Result = TypeVar("Result")
# Told the name of each step before it is done; a page shows it, or stops the study by raising.
watch: ContextVar[Callable[[str], object]] = ContextVar("watch", default=lambda step: None)  # noqa: ARG005


@dataclass(frozen=True)
class Text:
    """The sentences of a study; every figure in them stands in one of its tables."""

    headline: str
    evidence: str
    choice: str
    names: tuple[str, ...]
    summaries: dict[int, str]


@dataclass(frozen=True)
class Check:
    """What the data are like, before anything is made of them."""

    reading: Reading
    columns: pd.DataFrame
    quality: pd.DataFrame
    correlation: pd.DataFrame

    @property
    def failed(self) -> pd.DataFrame:
        """The gates that say no study should be made of these data."""
        return self.quality[self.quality["status"] == "fail"]


@dataclass(frozen=True)
class Study:
    """Everything known about the segments of one source, as tables and small objects.

    The tables are pandas frames that belong to the study: copy before you change one.
    """

    params: Params
    reading: Reading
    columns: pd.DataFrame
    quality: pd.DataFrame
    correlation: pd.DataFrame
    prepared: Preparation
    comparison: Comparison | None
    evidence: pd.DataFrame
    strength: pd.DataFrame
    existing: pd.DataFrame
    crossed: pd.DataFrame
    verdict: Verdict
    model: Model
    assignments: pd.DataFrame
    sizes: pd.DataFrame
    profile: pd.DataFrame
    drivers: pd.DataFrame
    differences: pd.DataFrame
    separation: pd.DataFrame
    unusual: pd.DataFrame
    unused: pd.DataFrame
    fairness: pd.DataFrame
    rules: Rules
    actions: pd.DataFrame
    map: Map
    text: Text
    provenance: dict[str, Any]
    frame: nw.DataFrame[Any]

    @cached_property
    def numbers(self) -> Numbers:
        """How this study writes numbers."""
        return Numbers(self.params.locale, self.params.currency)

    @property
    def hidden_segments(self) -> frozenset[int]:
        """The segments that are not told of."""
        return _hidden_segments(self.params, len(self.sizes))

    @property
    def told(self) -> pd.DataFrame:
        """Return `sizes` without the segments that are not told of."""
        return self.sizes[~self.sizes["segment"].isin(self.hidden_segments)]

    @property
    def preparations(self) -> pd.DataFrame:
        """What each preparation says, compared when first asked for; see `segkit.segments.choose`."""
        if self.comparison is None:
            return pd.DataFrame(columns=choose_room.TABLE)
        return self.comparison.table

    def values(self, column: str) -> pd.Series:
        """Return one column of the customers, in the order of `assignments`."""
        return self.frame[column].to_pandas().reset_index(drop=True)


def check(source: Any = None, params: Params | None = None, **fields: Any) -> Check:
    """Read a source and say what the data are like; no segment is looked for.

    Parameters
    ----------
    source
        A path, ``"sample:NAME"``, or a pandas, polars or pyarrow frame; by default what `params` names.
    params
        Parameters of a study; `fields` change them.

    Raises
    ------
    ParameterError, SourceError

    Examples
    --------
    >>> check({"spend": [1.0, 2.0, 5.0]}).columns["role"].tolist()
    Traceback (most recent call last):
        ...
    segkit.errors.SourceError: ...
    """
    return _checked(*_asked(source, params, fields))[2]


def segment(source: Any = None, params: Params | None = None, **fields: Any) -> Study:
    """Carry out a study: read, judge the data, prepare, find segments, judge them, and say what they mean.

    Parameters
    ----------
    source
        A path, ``"sample:NAME"``, or a pandas, polars or pyarrow frame; by default what `params` names.
    params
        Parameters of a study; `fields` change them.

    Raises
    ------
    ParameterError
        A parameter does not fit, by itself or to these data.
    SourceError
        The source cannot be read, or holds no column that could make segments.
    GateError
        A quality gate says that no study should be made of these data.

    Examples
    --------
    >>> study = segment("sample:retail", segments=5)
    >>> study.verdict.shown, len(study.assignments)
    (5, 10000)
    """
    frame, params, seen, key = _checked(*_asked(source, params, fields))
    _pass_gates(seen)
    ready = _prepared(frame, params, seen, key)
    made, placed = _placed(ready, params, seen)
    watch.get()("describe segments")
    tables = _described(ready, made["model"], placed, params, seen)
    made |= tables | _named(made, tables, placed, seen, params)
    made |= _told(made, params, seen)
    made |= _without(made, _hidden_segments(params, len(made["sizes"])))
    segments, fit, far = (made["assignments"][name] for name in ("segment", "confidence", "outlier"))
    origins = [ready.recipe.origin[name] for name in ready.recipe.names]
    return Study(
        params=params,
        **{name: getattr(seen, name) for name in ("reading", "columns", "quality", "correlation")},
        prepared=ready.recipe,
        comparison=ready.chosen.comparison,
        **made,
        map=map_room.project(ready.X, segments, fit, far, origins, seed=params.seed),
        provenance=provenance(params, seen.reading) | _with_earlier(params, seen.reading),
        frame=ready.frame,
    )


class _Kept:
    """Results of steps by content, the last few of each step."""

    def __init__(self, most: int = 4) -> None:
        self.most, self.lock = most, Lock()
        self.steps: dict[str, OrderedDict[str, Any]] = {}

    def get(self, step: str, key: str, make: Callable[[], Result]) -> Result:
        """Return what `make` gave for this key before, or gives now."""
        with self.lock:
            kept = self.steps.setdefault(step, OrderedDict())
            if key in kept:
                kept.move_to_end(key)
                return kept[key]  # type: ignore[no-any-return]
        log.info("step %s", step)
        watch.get()(step)
        made = make()
        with self.lock:
            kept[key] = made
            while len(kept) > self.most:
                kept.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self.steps.clear()


kept = _Kept()


def _key(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _asked(source: Any, params: Params | None, fields: dict[str, Any]) -> tuple[Any, Params]:
    """Settle what is read and how: the source given, or the one the parameters name."""
    params = params or Params()
    if isinstance(source, str | Path):
        fields = {"source": str(source), **fields}
    if fields:
        params = params.but(**fields)
    return (params.source if source is None or isinstance(source, str | Path) else source), params


def _checked(source: Any, params: Params) -> tuple[nw.DataFrame[Any], Params, Check, str]:
    """Read, describe and judge the data; the key stands for everything that went in."""
    frame, reading = read(source, params)
    if not isinstance(source, str):
        params = params.but(source=reading.source)
    frame = _only(frame, params)
    chosen = {name: getattr(params, name) for name in DESCRIBED}
    aside = [params.labels] if params.labels in frame.columns else []
    chosen["exclude"] = list(dict.fromkeys([*params.exclude, *params.sensitive, *aside]))
    limits: dict[str, Any] = {name: getattr(params, name) for name in GATED}
    key = _key(
        reading.sha256, reading.sheet, params.query, reading.types, chosen, limits, params.by, params.group
    )

    def look() -> Check:
        columns = columns_room.describe(frame, **chosen)
        correlation = quality_room.correlation(frame, _used(columns, NUMBERS))
        return Check(reading, columns, quality_room.check(frame, columns, **limits), correlation)

    return frame, params, kept.get("describe", key, look), key


def read(source: Any, params: Params | RfmParams | ScoreParams) -> tuple[nw.DataFrame[Any], Reading]:
    """Read the source; a file is read again when it changed, a frame always."""

    def load() -> tuple[nw.DataFrame[Any], Reading]:
        native, reading = source_room.load(source, **hints)
        return nw.from_native(native, eager_only=True), reading

    hints = {name: getattr(params, name) for name in ("sheet", "query", "dates", "decimal")}
    if not isinstance(source, str) or "://" in source or "*" in source:
        return load()
    file = Path(source)
    state = file.stat() if not source.startswith("sample:") and file.is_file() else None
    return kept.get("read", _key(source, hints, *((state.st_mtime_ns, state.st_size) if state else ())), load)


def customers(params: Params) -> tuple[nw.DataFrame[Any], Reading]:
    """Read the customers that a study with these parameters is about."""
    frame, reading = read(params.source, params)
    return _only(frame, params), reading


def groups(params: Params) -> dict[str, int]:
    """Return the values of the column `by`, each of which gets a study, and their rows, the largest first."""
    known = _groups(read(params.source, params)[0], params.by)
    if len(known) > MOST_GROUPS:
        raise ParameterError(
            f"{params.by} has {len(known)} values; a study for each is made of up to {MOST_GROUPS}."
        )
    return known


def _groups(frame: nw.DataFrame[Any], by: str) -> dict[str, int]:
    if by not in frame.columns:
        raise ParameterError(f'There is no column "{by}" to make groups by.{nearest(by, frame.columns)}')
    counts = frame.select(nw.col(by).cast(nw.String)).drop_nulls().group_by(by).agg(nw.len().alias("rows "))
    ordered = counts.sort("rows ", by, descending=[True, False])
    return dict(zip(ordered[by].to_list(), ordered["rows "].to_list(), strict=True))


def _only(frame: nw.DataFrame[Any], params: Params) -> nw.DataFrame[Any]:
    """Keep the customers of the one group the study is about; all where no group is named."""
    if not params.by and not params.group:
        return frame
    if not params.by:
        raise ParameterError(f'group is "{params.group}"; by must say of which column.')
    known = _groups(frame, params.by)
    if not params.group:
        raise ParameterError(
            f"{params.by} has {len(known)} values. Name one with group, or let `segkit run` "
            f"make a study for each (at most {MOST_GROUPS})."
        )
    if params.group not in known:
        raise ParameterError(
            f'No customer has "{params.group}" in {params.by}.{nearest(params.group, known)}'
        )
    return frame.filter(nw.col(params.by).cast(nw.String) == params.group)


def _used(columns: pd.DataFrame, roles: tuple[str, ...], use: tuple[str, ...] = ("feature",)) -> list[str]:
    return list(columns.loc[columns["use"].isin(use) & columns["role"].isin(roles), "column"])


def _pass_gates(seen: Check) -> None:
    """Refuse data that a gate refuses, or that hold no column to segment by."""
    if not len(seen.columns[seen.columns["use"] == "feature"]):
        left = "; ".join(f"{row.column} ({row.reason})" for row in seen.columns.head(5).itertuples())
        raise SourceError(
            f"No column can make segments. Left out: {left}. "
            "Name columns to use with features, numbers or categories."
        )
    if len(seen.failed):
        reasons = "; ".join(f"{row.check}: {row.reason}" for row in seen.failed.itertuples())
        raise GateError(f"These data cannot be segmented. {reasons}.")


@dataclass(frozen=True, eq=False)
class _Prepared:
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

    @property
    def to_fit(self) -> tuple[nw.DataFrame[Any], Any]:
        """The customers that can be placed, as they are and prepared."""
        if self.usable.all():
            return self.frame, self.X
        return self.frame.filter(self.usable.tolist()), self.X[self.usable]


def _prepared(frame: nw.DataFrame[Any], params: Params, seen: Check, key: str) -> _Prepared:
    how = {name: getattr(params, name) for name in PREPARED} | {"seed": params.seed}
    key = _key(key, how)

    def prepare() -> _Prepared:
        numbers, categories = _used(seen.columns, NUMBERS), _used(seen.columns, CATEGORIES)
        chosen = choose_room.learn(frame, numbers=numbers, categories=categories, **how)
        usable = chosen.usable
        if usable.sum() < FEWEST:
            raise SourceError(
                f"Only {usable.sum()} of {len(frame)} customers have a value in every column. "
                "Fill missing values (impute: median) or leave columns out."
            )
        return _Prepared(frame, chosen.recipe, chosen.X, usable, key, chosen)

    return kept.get("prepare", key, prepare)


def _swept(ready: _Prepared, params: Params, algorithm: str) -> Sweep:
    """Find every number of segments."""
    how: dict[str, Any] = {name: getattr(params, name) for name in ("max_segments", "seed")}
    beyond = params.segments if params.segments > params.max_segments else 0
    key = _key(ready.key, how, algorithm, beyond)
    return kept.get(
        "sweep", key, lambda: sweep_room.sweep(ready.to_fit[1], segments=beyond, algorithm=algorithm, **how)
    )


def _placed(ready: _Prepared, params: Params, seen: Check) -> tuple[dict[str, Any], pd.DataFrame]:
    """Decide how many segments there are, put every customer in one, and keep how: the model."""
    how = {"max_segments": params.max_segments, "seed": params.seed}
    (rows, X), chosen = ready.to_fit, ready.chosen
    known = (chosen.order, chosen.distinct, chosen.chance)
    measured = kept.get(
        "verdict",
        _key(ready.key, how),
        lambda: verdict_room.measure(rows, X, ready.recipe, **how, known=known),
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
    verdict, evidence, strength, solution = verdict_room.decide(
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
            "reference": drift_room.reference(
                ready.frame,
                numbers=[each.column for each in ready.recipe.columns if each.numeric],
                categories=[each.column for each in ready.recipe.columns if not each.numeric],
            ),
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
    tables = {"evidence": evidence, "strength": strength, "existing": existing, "crossed": crossed}
    return {"verdict": verdict, "model": model, **tables}, placed


def _spread(placed: pd.DataFrame, usable: np.ndarray) -> pd.DataFrame:
    """Return where every customer is, of those that could be placed; the others are in no segment."""
    placed = placed.set_index(np.flatnonzero(usable)).reindex(np.arange(len(usable)))
    return placed.assign(segment=placed["segment"].fillna(0).astype("int64"))


def _described(
    ready: _Prepared, model: Model, placed: pd.DataFrame, params: Params, seen: Check
) -> dict[str, Any]:
    """Describe the segments in tables, under the names the columns have in the data."""
    used = {"numbers": _used(seen.columns, NUMBERS), "categories": _used(seen.columns, CATEGORIES)}
    alias = {
        column: column + " " for column in placed.columns
    }  # a column of the data may be called "segment"
    own: dict[str, Any] = {
        kind: [alias.get(column, column) for column in names] for kind, names in used.items()
    }
    beside: dict[str, Any] = {
        kind: [
            name for name in _used(seen.columns, roles, use=("left out", "value")) if name != params.labels
        ]
        for kind, roles in (("numbers", NUMBERS), ("categories", CATEGORIES))
    }
    wanted = [*used["numbers"], *used["categories"], params.value, *beside["numbers"], *beside["categories"]]
    customers = _with(ready.frame, wanted, alias, placed)
    aside: dict[str, Any] = {
        kind: [alias.get(column, column) for column in names] for kind, names in beside.items()
    }
    straight = _with(ready.recipe.numbers_as_prepared(ready.frame), used["numbers"], alias, placed)
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
        "fairness": fairness_room.fairness(customers, **asked),
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
        "rules": rules_room.rules(customers, **own, seed=params.seed).renamed(back),
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


def _named(
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


def _told(made: dict[str, Any], params: Params, seen: Check) -> dict[str, Any]:
    """Say what the tables say: names, sentences and what to do."""
    verdict, sizes, about = made["verdict"], made["sizes"], (made["profile"], made["drivers"])
    words: dict[str, Any] = {
        "numbers": Numbers(params.locale, params.currency),
        "value": params.value,
        "columns": seen.columns,
    }
    sortable = [params.value, *_used(seen.columns, ("money",)), *_used(seen.columns, ("number",))]
    labels = Labels.of(seen.columns)
    telling = next((labels.title(column) for column in sortable if column), "")
    text = Text(
        **_answer(made, telling, words["numbers"], labels),
        names=tuple(sizes["name"]),
        summaries=summary_room.summarise(sizes, *about, **words),
    )
    advice = actions_room.recommend(sizes, *about, verdict, **words)
    advice = advice[~advice["segment"].isin(verdict.failed)].reset_index(drop=True)
    return {"actions": advice, "text": text}


def _hidden_segments(params: Params, segments: int) -> frozenset[int]:
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


def _without(made: dict[str, Any], hidden: frozenset[int]) -> dict[str, Any]:
    """Leave segments out of the tables and texts that tell of segments; sizes and evidence keep all."""
    tables = {name: made[name] for name in TOLD}
    left = {
        name: table[~table["segment"].isin(hidden)].reset_index(drop=True) for name, table in tables.items()
    }
    text: Text = made["text"]
    kept = {segment: told for segment, told in text.summaries.items() if segment not in hidden}
    return {**left, "text": replace(text, summaries=kept)} if hidden else {}


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
    strong = {"column": telling, "strength": made["strength"]}
    return {"headline": verdict_words.headline(verdict, numbers),
            "evidence": verdict_words.evidence(verdict, evidence, sizes, numbers, **strong),
            "choice": verdict_words.choice(verdict, evidence, numbers)}  # fmt: skip


def hidden(placed: pd.DataFrame, params: Kind) -> pd.DataFrame:
    """Put a keyed hash in place of each id, in the first column, where that was asked for.

    The same customer has the same hash in every run of a deployment; see `segkit.settings.hashed`.

    Raises
    ------
    ParameterError
        There is no key.
    """
    name = placed.columns[0]
    if not params.dump()["hash_ids"] or name == "row":
        return placed
    hashes = settings.hashed(map(str, placed[name]))
    if not hashes:
        raise ParameterError("hash_ids needs a key. Set SEGKIT_HASH_KEY to a long secret and keep it.")
    return placed.assign(**{str(name): hashes})


def _with_earlier(params: Params, reading: Reading) -> dict[str, str]:
    """Return the hash of the input where an earlier run, whose numbers go on, is a part of it."""
    if not params.like:
        return {}
    both = f"{reading.sha256}{earlier.read(params.like).sha256}"
    return {"input_sha256": hashlib.sha256(both.encode()).hexdigest()}


def provenance(params: Kind, reading: Reading) -> dict[str, Any]:
    """Return what a reader needs to get the same study again."""
    libraries = ("numpy", "pandas", "scikit-learn", "scipy", "narwhals", "duckdb", "plotly")
    return {
        "segkit": version("segkit"),
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
        "input_sha256": reading.sha256,
        "seed": params.dump()["seed"],
    }
