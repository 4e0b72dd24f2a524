"""One study: from a source and its parameters to everything that is said about the segments.

Only the order of the steps lives here. Each step is a function of another room, called with plain values. A
`Study` is frozen; changing a parameter makes a new one. Nothing here computes, draws or writes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals as nw
import pandas as pd

from . import earlier
from .checks import asked, checked, pass_gates, provenance
from .data.source import Reading
from .insight.rules import Rules
from .insight.words.numbers import Numbers
from .params import Params
from .placing import place, prepare
from .segments import choose as choose_room
from .segments import map as map_room
from .segments.choose import Comparison
from .segments.map import Map
from .segments.model import Model
from .segments.prepare import Preparation
from .segments.verdict import Verdict
from .steps import watch
from .telling import Text, describe, give_names, hidden_segments, tell, without


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
        return hidden_segments(self.params, len(self.sizes))

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
    frame, params, seen, key = checked(*asked(source, params, fields))
    pass_gates(seen)
    ready = prepare(frame, params, seen, key)
    made, placed = place(ready, params, seen)
    watch.get()("describe segments")
    tables = describe(ready, made["model"], placed, params, seen)
    made |= tables | give_names(made, tables, placed, seen, params)
    made |= tell(made, params, seen)
    made |= without(made, hidden_segments(params, len(made["sizes"])))
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


def _with_earlier(params: Params, reading: Reading) -> dict[str, str]:
    """Return the hash of the input where an earlier run, whose numbers go on, is a part of it."""
    if not params.like:
        return {}
    both = f"{reading.sha256}{earlier.read(params.like).sha256}"
    return {"input_sha256": hashlib.sha256(both.encode()).hexdigest()}
