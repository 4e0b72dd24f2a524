"""Customers placed in the segments of an earlier study: where each belongs, and whether the model still fits.

Only the order of the steps lives here, as in `study`: read, place, look for rows that lie outside what the
model has seen, hold the batch against the table the model was learnt from, and say it. Nothing is fitted.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from . import earlier
from .checks import hidden, provenance, read
from .data import drift as drift_room
from .data import roles as roles_room
from .data.source import Reading
from .insight.words import scoring as words_room
from .insight.words.numbers import Numbers
from .params import ScoreParams
from .segments.model import Model
from .study import segment

BORDER = 0.55  # a fit below this is near the border (WORDS)


@dataclass(frozen=True)
class Scored:
    """Everything known about a batch of customers placed by a model.

    Attributes
    ----------
    assignments : DataFrame
        One row per customer: id, ``segment segment_name confidence distance outlier supported outside``; the
        last names the column whose value the model has seen nothing like, or is empty.
    sizes : DataFrame
        ``segment name customers share share_before near_border outliers outside``.
    drift : DataFrame
        Shift of each column since the model was learnt; see `segkit.data.drift.drift`.
    """

    params: ScoreParams
    reading: Reading
    columns: pd.DataFrame
    model: Model
    assignments: pd.DataFrame
    sizes: pd.DataFrame
    drift: pd.DataFrame
    text: dict[str, str]
    provenance: dict[str, Any]

    @cached_property
    def outside(self) -> pd.DataFrame:
        """Customers outside what the model has seen, by column: ``column customers share``."""
        found = self.assignments.loc[self.assignments["outside"] != "", "outside"].value_counts()
        counts = found.rename_axis("column").reset_index(name="customers")
        return counts.assign(share=counts["customers"] / max(1, len(self.assignments)))

    @cached_property
    def numbers(self) -> Numbers:
        """How this study writes numbers."""
        return Numbers(self.params.locale, self.params.currency)


def score(source: Any = None, params: ScoreParams | None = None, **fields: Any) -> Scored:
    """Place customers with the model of an earlier run.

    Parameters
    ----------
    source
        A path, ``"sample:NAME"``, or a pandas, polars or pyarrow frame; by default what `params` names.
    params
        Parameters; `fields` change them.

    Raises
    ------
    ParameterError, SourceError, ModelError, OutputError
        A column that the model needs is missing or holds text where it learnt numbers; no such run or model.

    Examples
    --------
    >>> study = score("sample:retail", model="sample:retail")
    >>> len(study.assignments), study.drift["state"].unique().tolist()
    (10000, ['none'])
    """
    params = (params or ScoreParams()).but(**fields)
    if isinstance(source, str):
        params = params.but(source=source)
    model, called = _model(params)
    frame, reading = read(params.source if source is None else source, params)
    if source is not None and not isinstance(source, str):
        params = params.but(source=reading.source)
    learnt = str(model.training.get("customer_id") or "")
    wanted = params.customer_id if params.customer_id != "auto" else learnt if learnt in frame.columns else ""
    placed = hidden(model.score(frame, wanted or None), params)
    known = model.training.get("reference") or {}
    drift = drift_room.drift(known, frame)
    placed["outside"] = drift_room.outside(known, frame) if known else ""
    sizes = _sizes(placed, model)
    used = [recipe.column for recipe in model.preparation.columns]
    roles = dict.fromkeys(used, "feature") | {wanted: "id"}
    columns = pd.DataFrame([
        {"column": name, "label": label, "use": roles.get(name, "left out")}
        for name, label in zip(frame.columns, roles_room.labels(frame.columns), strict=True)
    ])  # fmt: skip
    told = words_room.tell(
        placed, sizes, words_room.called(drift, columns), Numbers(params.locale, params.currency), called,
        known=bool(known), supported=model.supported,
    )  # fmt: skip
    both = hashlib.sha256(f"{reading.sha256}{model.to_dict()['sha256']}".encode()).hexdigest()
    about = provenance(params, reading) | {"input_sha256": both}
    return Scored(params, reading, columns, model, placed, sizes, drift, told, about)


def _model(params: ScoreParams) -> tuple[Model, str]:
    if params.model.startswith("sample:"):
        return segment(params.model).model, params.model
    return earlier.model(params.model)


def _sizes(placed: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Count each segment in the batch, beside its share where the model was learnt."""
    inside, learnt = placed[placed["segment"] > 0], model.training.get("sizes") or []
    rows = []
    for number, name in enumerate(model.names, start=1):
        mine = inside[inside["segment"] == number]
        rows.append({
            "segment": number, "name": name, "customers": len(mine), "share": len(mine) / max(1, len(inside)),
            "share_before": learnt[number - 1] / max(1, sum(learnt)) if learnt else float("nan"),
            "near_border": int((mine["confidence"] < BORDER).sum()), "outliers": int(mine["outlier"].sum()),
            "outside": int((mine["outside"] != "").sum()),
        })  # fmt: skip
    return pd.DataFrame(rows)
