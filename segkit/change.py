"""Two studies of the same customers, at two times: what became of segments, who moved, and why.

Only the order of the steps lives here, as in `study`: read both runs back, and the data they were made of
where these still lie where they lay; match segments, follow customers, put their moves down to behaviour, to
a moved boundary or to noise by refits of both studies, and hold the columns against the earlier ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from . import earlier
from .checks import customers, hidden, provenance
from .data import drift as drift_room
from .data import roles as roles_room
from .data.source import Reading
from .errors import SegkitError, SourceError
from .insight import compare as compare_room
from .insight import profile as profile_room
from .insight.compare import Comparison, Numbers, Refits
from .insight.words import change as words_room
from .insight.words import numbers as numbers_room
from .insight.words.scoring import called
from .params import CompareParams, Params
from .segments.model import NOWHERE, Model
from .segments.refit import ROWS, places, refits
from .study import segment

FOLLOWED = 5_000  # customers that tell how many chance moves
GONE = "The data of {} are not where they were when it was made, so no move can be put down to anything."


@dataclass(frozen=True)
class Changed:
    """Everything known about the change between two studies.

    Attributes
    ----------
    assignments : DataFrame
        One row per customer of either study: id, ``segment_before name_before segment segment_name cause``;
        0 where the customer was not there, the cause is "stayed", "new", "left", or one of
        `insight.compare.CAUSES`.
    segments : DataFrame
        ``before name_before customers_before after name customers fate shared jaccard``.
    migration : DataFrame
        ``before after customers withheld``; 0 stands for "not there", and counts under `min_cell` are gone.
    causes : DataFrame
        ``cause customers share near_border`` of those who moved.
    drift : DataFrame
        Shift of each column between the two; see `segkit.data.drift.drift`.
    flips : float
        Share of customers whom the earlier study places otherwise when it is made of a resample; NaN where
        that cannot be told, and `why_not` says why.
    """

    params: CompareParams
    labels: tuple[str, str]
    reading: Reading
    columns: pd.DataFrame
    compared: Comparison
    assignments: pd.DataFrame
    segments: pd.DataFrame
    migration: pd.DataFrame
    causes: pd.DataFrame
    drift: pd.DataFrame
    flips: float
    why_not: str
    text: dict[str, str]
    provenance: dict[str, Any]

    @cached_property
    def numbers(self) -> numbers_room.Numbers:
        """How this study writes numbers."""
        return numbers_room.Numbers(self.params.locale, self.params.currency)


@dataclass(frozen=True)
class _Side:
    """One of the two studies; `frame` holds its customers, or None when they cannot be read again."""

    label: str
    placed: pd.DataFrame
    model: Model
    params: Params
    reading: Reading
    frame: nw.DataFrame[Any] | None
    sha256: str
    supported: int = 0  # the number of segments its data support, where another was asked for

    @property
    def id(self) -> str:
        return str(self.model.training.get("customer_id") or "")

    def rows(self, ids: pd.Index) -> nw.DataFrame[Any]:
        """Return these customers as they were."""
        frame = self.frame
        assert frame is not None  # noqa: S101 - whoever asks has looked
        known = hidden(pd.DataFrame({self.id: frame[self.id].to_pandas().to_numpy()}), self.params)[self.id]
        found: nw.DataFrame[Any] = frame[pd.Index(known).get_indexer(ids)]
        return found

    def refits(self, seed: int) -> Any:
        """Return the centres under resamples of its own customers."""
        frame = self.frame
        assert frame is not None  # noqa: S101
        drawn = np.random.default_rng(seed).permutation(len(frame))[:ROWS]
        X = _matrix(self.model, frame[np.sort(drawn)])
        return refits(X[~np.isnan(X).any(axis=1)], self.model.centers, self.model.metric, rows=len(frame),
                      seed=seed)  # fmt: skip


def compare(source: Any = None, params: CompareParams | None = None, **fields: Any) -> Changed:
    """Compare a later study, or a later table, with an earlier study.

    Parameters
    ----------
    source
        The directory of the later run, or a file, ``"sample:NAME"`` or frame, of which a study is made with
        the parameters of the earlier one; by default what `params` names.
    params
        Parameters; `fields` change them.

    Raises
    ------
    SegkitError
        A run is not complete, a study cannot be made, or the two have nothing in common.

    Examples
    --------
    >>> found = compare("sample:retail_later", before="sample:retail")
    >>> found.segments["fate"].tolist()
    ['same', 'same', 'same', 'same', 'same']
    """
    params = (params or CompareParams()).but(**fields)
    if isinstance(source, str):
        params = params.but(source=source)
    old = _side(params.before, Params(seed=params.seed))
    found_before = len(old.model.segments)
    asked = old.params.segments or (found_before if found_before > 1 else 0)
    like = params.before if earlier.is_run(params.before) else ""
    later = old.params if old.params.labels else old.params.but(segments=asked, like=like)
    new = _side(params.source if source is None else source, later)
    refitted, matched, why_not = _crossed(old, new, params.seed)
    followed = [_followed(side) for side in (old, new)]
    found = compare_room.compare(*followed, refits=refitted, matched=matched)
    known = old.model.training.get("reference") or {}
    drift = drift_room.drift(known if new.frame is not None and not why_not else {}, new.frame)
    flips = _flips(old, followed[0], refitted, params.seed)
    segments, assignments = _segments(found, old, new), _assignments(found, old, new)
    causes = _causes(found, *followed)
    about: dict[str, Any] = {"flips": flips, "why_not": why_not, "supported": new.supported}
    numbers = numbers_room.Numbers(params.locale, params.currency)
    moved = profile_room.counts_withheld(_migration(assignments), "before", "after", params.min_cell)
    used = [recipe.column for recipe in old.model.preparation.columns]
    columns = pd.DataFrame({"column": used, "label": roles_room.labels(used), "use": "feature"})
    told = words_room.tell(found, segments, causes, called(drift, columns), numbers,
                           labels=(old.label, new.label), **about)  # fmt: skip
    both = hashlib.sha256(f"{old.sha256}{new.sha256}".encode()).hexdigest()
    return Changed(
        params, (old.label, new.label), new.reading, columns, found, assignments, segments,
        moved, causes, drift, flips, why_not, told,
        provenance(params, new.reading) | {"input_sha256": both},
    )  # fmt: skip


def _side(source: Any, like: Params) -> _Side:
    """Return a study of a run, or one made of a table with the parameters of the other."""
    if isinstance(source, str) and earlier.is_run(source):
        run = earlier.read(source)
        params = Params.of(run.summary["parameters"])
        frame, reading = None, Reading(**run.summary["reading"])
        try:
            found, read = customers(params)
            frame = found if read.sha256 == run.model.training.get("input_sha256") else None
        except SegkitError:
            pass  # what cannot be read again is not there
        return _Side(run.label, run.assignments, run.model, params, reading, frame, run.sha256)
    made = segment(source, like)
    label = source if isinstance(source, str) and source.startswith("sample:") else made.reading.source
    sha256 = f"{made.provenance['input_sha256']}{made.model.to_dict()['sha256']}"
    other = 0 if made.verdict.supported else made.verdict.segments
    return _Side(label, made.assignments, made.model, made.params, made.reading, made.frame, sha256, other)


def _followed(side: _Side) -> pd.DataFrame:
    """Return id, segment and confidence; without an id column nobody can be followed."""
    placed = side.placed[[side.placed.columns[0], "segment", "confidence"]]
    return placed if side.id else placed.assign(**{placed.columns[0]: f"{side.label} "})[:0]


def _crossed(old: _Side, new: _Side, seed: int) -> tuple[Refits | None, pd.DataFrame | None, str]:
    """Return how refits place customers, the match by place where nobody is shared, or why there is none."""
    gone = [side.label for side in (old, new) if side.frame is None]
    shared = old.id and new.id and set(old.placed.iloc[:, 0]) & set(new.placed.iloc[:, 0])
    if gone and not shared:
        raise SourceError("No customer is in both runs, and the data to match their segments by are gone.")
    if gone:
        return None, None, GONE.format(" and ".join(gone))
    try:
        crossed = old.model.place(new.frame)["segment"].to_numpy()
    except SegkitError as error:
        if not shared:
            raise
        return None, None, str(error)
    if not shared:
        counts = pd.crosstab(crossed, new.placed["segment"].to_numpy())
        return None, counts.drop(index=0, columns=0, errors="ignore"), ""  # 0 is no segment
    if not new.model.places:
        return None, None, NOWHERE
    then, now = old.refits(seed), new.refits(seed)

    def place(ids: pd.Index) -> tuple[Numbers, Numbers, Numbers]:
        was, later = old.rows(ids), new.rows(ids)
        earlier_model, later_model = old.model, new.model
        moved = _matrix(earlier_model, later)
        return (_segments_of(earlier_model, _matrix(earlier_model, was), then),
                _segments_of(earlier_model, moved, then),
                _segments_of(later_model, _matrix(later_model, later), now))  # fmt: skip

    return place, None, ""


def _segments_of(model: Model, X: Any, refitted: Any) -> Numbers:
    """Return the segment of each row under each refit of the centres, (refits, n)."""
    return np.array([0, *model.owners])[places(X, refitted, model.metric)]


def _matrix(model: Model, frame: nw.DataFrame[Any]) -> Any:
    X = model.preparation.matrix(frame)
    return X.toarray() if hasattr(X, "toarray") else X


def _flips(old: _Side, placed: pd.DataFrame, refitted: Refits | None, seed: int) -> float:
    """Return the share of customers, and refits, in which the earlier study places a customer otherwise."""
    inside = placed[placed["segment"] > 0]
    if refitted is None or inside.empty:
        return float("nan")
    some = inside.sample(min(FOLLOWED, len(inside)), random_state=seed)
    X = _matrix(old.model, old.rows(pd.Index(some.iloc[:, 0])))
    return float((_segments_of(old.model, X, old.refits(seed)) != some["segment"].to_numpy()).mean())


def _segments(found: Comparison, old: _Side, new: _Side) -> pd.DataFrame:
    """Put names and sizes beside what became of each segment."""
    table = found.segments.copy()
    for side, number, name, count in ((old, "before", "name_before", "customers_before"),
                                      (new, "after", "name", "customers")):  # fmt: skip
        sizes = side.placed["segment"].value_counts()
        table[name] = [["", *side.model.names][each] for each in table[number]]
        table[count] = [int(sizes.get(each, 0)) if each else 0 for each in table[number]]
    return table.sort_values(["before", "after"], ignore_index=True)


def _assignments(found: Comparison, old: _Side, new: _Side) -> pd.DataFrame:
    then, now = (_followed(side).set_index(side.placed.columns[0])["segment"] for side in (old, new))
    key = old.id or new.id or "row"
    both = pd.concat([then.rename("segment_before"), now], axis=1).rename_axis(key).reset_index()
    here = both[["segment_before", "segment"]].notna()
    cause = both[key].map(found.moves.set_index("id")["cause"]).astype(object)
    both["cause"] = np.select([~here["segment_before"], ~here["segment"], cause.notna()],
                              ["new", "left", cause], "stayed")  # fmt: skip
    for side, number, name in ((old, "segment_before", "name_before"), (new, "segment", "segment_name")):
        both[number] = both[number].fillna(0).astype("int64")
        both[name] = np.array(["", *side.model.names], dtype=object)[both[number]]
    return both[[key, "segment_before", "name_before", "segment", "segment_name", "cause"]]


def _migration(assignments: pd.DataFrame) -> pd.DataFrame:
    counts = assignments.groupby(["segment_before", "segment"]).size().rename("customers").reset_index()
    return counts.rename(columns={"segment_before": "before", "segment": "after"})


def _causes(found: Comparison, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Count the moves by cause, and those near the border in one of the two studies."""
    near = found.moves["id"].isin(after.loc[after["confidence"] < compare_room.BORDER, after.columns[0]])
    near |= found.moves["id"].isin(before.loc[before["confidence"] < compare_room.BORDER, before.columns[0]])
    rows = [
        {"cause": cause, "customers": int(mine.sum()), "share": float(mine.mean()) if len(mine) else 0.0,
         "near_border": int((mine & near).sum())}
        for cause in compare_room.CAUSES
        if (mine := found.moves["cause"] == cause).any() or (cause != "unknown" and len(found.moves))
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["cause", "customers", "share", "near_border"])
