"""An earlier run, read back from its directory to place, compare and go on with.

Only what its manifest vouches for is believed: each file read is held against its SHA-256 first. The data it
was made of are not in a run; whoever needs them reads them again. Nothing is fitted here.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .errors import ModelError, OutputError
from .insight.compare import fates
from .segments.model import Model, read_model

MODEL = "model.json"


@dataclass(frozen=True)
class Earlier:
    """A segmentation made before: who was where, the model that put them there, and what was said."""

    label: str
    assignments: pd.DataFrame
    model: Model
    summary: dict[str, Any]
    sha256: str


def is_run(text: str) -> bool:
    """Tell whether a text names the directory of a run."""
    return (Path(text) / "manifest.json").is_file()


def read(directory: str | Path) -> Earlier:
    """Read a complete run of a segmentation.

    Raises
    ------
    OutputError
        It is no complete run, or was changed since.
    ModelError
        It is a run of another kind, without a model.
    """
    folder = Path(directory)
    try:
        record = json.loads((folder / "manifest.json").read_bytes())
        files = {name: (folder / name).read_bytes() for name in ("segments.parquet", "summary.json")}
        known = {name: record["files"][name]["sha256"] for name in record["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise OutputError(f'"{folder.name}" is not a complete run. Name the directory of one.') from None
    if any(hashlib.sha256(content).hexdigest() != known.get(name) for name, content in files.items()):
        raise OutputError(f"{folder.name} was changed since it was made. Make the run again.")
    if MODEL not in known:
        raise ModelError(f"{folder.name} holds no model: only runs of 01-segment-customers have one.")
    return Earlier(
        folder.resolve().name, pd.read_parquet(io.BytesIO(files["segments.parquet"])),
        read_model(folder / MODEL), json.loads(files["summary.json"]), record["sha256"],
    )  # fmt: skip


def carried(run: Earlier, later: Model, frame: Any, placed: pd.DataFrame) -> tuple[list[int], dict[int, str]]:
    """Return which segments of a later model go on from an earlier run, so that a number means the same.

    Segments are matched by the customers in both, or, where none is, by where the earlier model puts the
    later customers.

    Returns
    -------
    order
        For each number from 1 the segment of the later model that gets it. One that goes on keeps its number
        where the later model has as many; what is left free goes to the others in their order.
    names
        Names of those that go on, by their new number.
    """
    old, new = run.assignments, placed["segment"].to_numpy()
    known = run.model.training.get("customer_id") and placed.columns[0] == old.columns[0]
    before = placed.iloc[:, 0].map(old.set_index(old.columns[0])["segment"]) if known else pd.Series([np.nan])
    if not before.notna().any():
        before = run.model.place(frame)["segment"].to_pandas()
    found = fates(pd.crosstab(before.to_numpy(), new).drop(index=0, columns=0, errors="ignore"))
    same = found[found["fate"] == "same"]
    went = dict(zip(same["after"].astype(int), same["before"].astype(int), strict=True))
    everyone = range(1, len(later.segments) + 1)
    kept = {segment: number for segment, number in went.items() if number in everyone}
    free = iter(sorted(set(everyone) - set(kept.values())))
    taken = {kept.get(segment) or next(free): segment for segment in everyone}
    order = [taken[number] for number in everyone]
    names = {number: run.model.names[went[taken[number]] - 1] for number in everyone if taken[number] in went}
    return order, names


def model(text: str) -> tuple[Model, str]:
    """Return the model that a run's directory or a model file holds, and what to call it."""
    if is_run(text):
        run = read(text)
        return run.model, run.label
    path = Path(text)
    if path.is_dir():
        raise ModelError(f'"{path.name}" is not a complete run. Name a run, or its {MODEL}.')
    return read_model(path), path.parent.resolve().name if path.name == MODEL else path.name
