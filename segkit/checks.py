"""What a study is made of: the customers read, of one group where that is asked for, and judged.

Ids leave here hashed where that was asked for. No segment is known here.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from . import settings
from .data import columns as columns_room
from .data import quality as quality_room
from .data import source as source_room
from .data.source import Reading
from .errors import GateError, ParameterError, SourceError, nearest
from .params import Kind, Params, RfmParams, ScoreParams
from .steps import kept, key_of

DESCRIBED = ("customer_id", "features", "exclude", "categories", "numbers", "value")
GATED = ("min_rows", "max_missing_warn", "max_missing_fail", "max_duplicate_ids_fail")
NUMBERS, CATEGORIES = ("number", "money"), ("category", "yes/no")
MOST_GROUPS = 200


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
    return checked(*asked(source, params, fields))[2]


def asked(source: Any, params: Params | None, fields: dict[str, Any]) -> tuple[Any, Params]:
    """Settle what is read and how: the source given, or the one the parameters name."""
    params = params or Params()
    if isinstance(source, str | Path):
        fields = {"source": str(source), **fields}
    if fields:
        params = params.but(**fields)
    return (params.source if source is None or isinstance(source, str | Path) else source), params


def checked(source: Any, params: Params) -> tuple[nw.DataFrame[Any], Params, Check, str]:
    """Read, describe and judge the data; the key stands for everything that went in."""
    frame, reading = read(source, params)
    if not isinstance(source, str):
        params = params.but(source=reading.source)
    frame = _only(frame, params)
    chosen = {name: getattr(params, name) for name in DESCRIBED}
    aside = [params.labels] if params.labels in frame.columns else []
    chosen["exclude"] = list(dict.fromkeys([*params.exclude, *params.sensitive, *aside]))
    limits: dict[str, Any] = {name: getattr(params, name) for name in GATED}
    key = key_of(
        reading.sha256, reading.sheet, params.query, reading.types, chosen, limits, params.by, params.group
    )

    def look() -> Check:
        columns = columns_room.describe(frame, **chosen)
        correlation = quality_room.correlation(frame, columns_for(columns, NUMBERS))
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
    return kept.get(
        "read", key_of(source, hints, *((state.st_mtime_ns, state.st_size) if state else ())), load
    )


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


def columns_for(
    columns: pd.DataFrame, roles: tuple[str, ...], use: tuple[str, ...] = ("feature",)
) -> list[str]:
    """Return the columns with one of these roles that are put to this use."""
    return list(columns.loc[columns["use"].isin(use) & columns["role"].isin(roles), "column"])


def pass_gates(seen: Check) -> None:
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
