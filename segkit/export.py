"""A study as files for people and programs: CSV, Parquet, JSON.

Every name and value from the data that goes into a file goes through here. The same study gives the same
bytes; what differs between two machines or two days stands apart, in the summary's ``run``. Which directory
the files belong to is decided in `runs`.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from .change import Changed
from .errors import OutputError
from .insight.words import method
from .kinds import Made
from .panels import builders
from .purchases import Purchases
from .safe import cell
from .scoring import Scored
from .study import Study

log = logging.getLogger(__name__)

SCHEMA = "segkit-summary/1"
RFM_SCHEMA = "segkit-rfm-summary/1"
CHANGE_SCHEMA = "segkit-change-summary/1"
SCORE_SCHEMA = "segkit-score-summary/1"
BORDER = 0.55  # a fit below this is near the border (WORDS)
CSV_ROWS = 1_048_575  # what a spreadsheet opens, less the header; Parquet has no such limit
TABLES = (
    "columns", "quality", "evidence", "existing", "crossed", "preparations", "strength", "sizes", "profile",
    "drivers", "differences", "separation", "unusual", "unused", "fairness", "actions",
)  # fmt: skip
OWN = ("segkit", "input_sha256", "seed")  # the provenance that a machine has no part in


def write(study: Made, folder: Path) -> list[Path]:
    """Write the data files of a study: assignments as CSV and Parquet, the summary, the model if any.

    The CSV is left out above 1,048,575 customers, which no spreadsheet opens.
    """
    files = [folder / name for name in ("segments.parquet", "summary.json")]
    to_parquet(study.assignments, files[0])
    files[1].write_text(to_json(summary(study)), encoding="utf-8")
    if isinstance(study, Study):
        files.append(folder / "model.json")
        study.model.save(files[-1])
    if len(study.assignments) <= CSV_ROWS:
        safe = study.params.dump()["formula_safe"]
        files.append(to_csv(study.assignments, folder / "segments.csv", safe=safe))
    else:
        log.warning("no segments.csv: %d customers are more than a spreadsheet opens", len(study.assignments))
    return files


def to_file(table: pd.DataFrame, path: str | Path) -> Path:
    """Write a table to the one file a person named, whole or not at all; return its path.

    Raises
    ------
    OutputError
        When the name does not end in .csv or .parquet, or the file cannot be written.
    """
    file = Path(path)
    writers = {".csv": to_csv, ".parquet": to_parquet}
    if file.suffix.lower() not in writers:
        message = f'The file must end in .csv or .parquet, got "{file.name}".'
        raise OutputError(message)
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        writers[file.suffix.lower()](table, partial).replace(file)
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}. Name another file with --out."
        raise OutputError(message) from None
    finally:
        partial.unlink(missing_ok=True)
    return file


def to_csv(table: pd.DataFrame, path: Path, *, safe: bool = True) -> Path:
    """Write a table as UTF-8 CSV; when `safe` no cell and no header runs as a formula; return the path."""
    if safe:
        columns = [str(name) for name in table.columns]
        table = pd.concat([_safe(table.iloc[:, position]) for position in range(table.shape[1])], axis=1)
        table.columns = pd.Index([cell(name) for name in columns])
    texts = (str(value) for name in [table.columns, *_texts(table)] for value in name)
    # The csv module quotes a line feed; a bare carriage return would start a new row, and in it a formula.
    quoting: Literal[0, 2] = 2 if any("\r" in text for text in texts) else 0  # QUOTE_NONNUMERIC, _MINIMAL
    with path.open("w", encoding="utf-8", newline="") as stream:
        table.to_csv(stream, index=False, lineterminator="\n", quoting=quoting)
    return path


def to_parquet(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as Parquet; return the path."""
    table.to_parquet(path, index=False)
    return path


def to_json(values: Mapping[str, Any]) -> str:
    """Return JSON that any reader takes: sorted as given, no NaN, ending in a newline."""
    return json.dumps(plain(values), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def summary(study: Made) -> dict[str, Any]:
    """Return everything the report says, as data.

    Returns
    -------
    dict
        Plain JSON values that fit the schema of this kind of study in ``segkit/schemas``. Tables are lists of
        rows. All but ``run`` is the same for the same input, parameters and versions.
    """
    parts: dict[str, Any] = {
        **OWNS[type(study)](study),
        "figures": dict(_figures(study)),
        "reading": study.reading.as_dict(),
        "parameters": study.params.study_dump(),
        "provenance": {name: study.provenance[name] for name in OWN},
        "run": _run(study.provenance),
    }
    return plain(parts)  # type: ignore[no-any-return]


def _segmentation(study: Study) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "verdict": dataclasses.asdict(study.verdict),
        "text": dataclasses.asdict(study.text),
        "method": method.method(
            study.params, study.columns, study.prepared.steps, study.verdict, study.numbers
        ),
        "customers": _counted(study.assignments),
        **{name: records(getattr(study, name)) for name in TABLES},
        "correlation": {"columns": list(study.correlation), "values": study.correlation.to_numpy()},
        "rules": {**study.rules.to_dict(), "fit": records(study.rules.table)},
        "prepared": records(study.prepared.steps),
        "map": {"explained": study.map.explained, "axes": study.map.axes, "customers": study.map.total},
    }


def _rfm(study: Purchases) -> dict[str, Any]:
    later, clusters = study.next_period, study.clusters
    held = {"until": later.until, "days": later.days, "rankings": records(later.rankings),
            "segments": records(later.segments)} if later else None  # fmt: skip
    return {
        "schema": RFM_SCHEMA,
        "text": study.text,
        "as_of": study.as_of,
        "customers": {"all": len(study.assignments)},
        **{name: records(getattr(study, name)) for name in ("columns", "rules", "thresholds", "sizes")},
        "notes": study.notes,
        "next_period": held,
        "why_not": study.why_not,
        "clusters": {"verdict": dataclasses.asdict(clusters.verdict), "headline": clusters.headline,
                     "agreement": clusters.agreement, "table": records(clusters.table)},
    }  # fmt: skip


def _score(study: Scored) -> dict[str, Any]:
    placed = study.assignments
    return {
        "schema": SCORE_SCHEMA,
        "text": study.text,
        "customers": _counted(placed) | {"outside": int((placed["outside"] != "").sum())},
        **{name: records(getattr(study, name)) for name in ("columns", "sizes", "drift", "outside")},
        "model": {"sha256": study.model.to_dict()["sha256"], "supported": study.model.supported},
    }


def _change(study: Changed) -> dict[str, Any]:
    found = study.compared
    counts = {"both": found.shared, "new": found.only_after, "left": found.only_before,
              "moved": len(found.moves)}  # fmt: skip
    return {
        "schema": CHANGE_SCHEMA,
        "text": study.text,
        "runs": study.labels,
        "customers": counts,
        **{name: records(getattr(study, name)) for name in ("segments", "migration", "causes", "drift")},
        "flips": study.flips,
        "why_not": study.why_not,
    }


OWNS: dict[type, Callable[[Any], dict[str, Any]]] = {
    Study: _segmentation, Purchases: _rfm, Changed: _change, Scored: _score,
}  # fmt: skip


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table as a list of rows in plain JSON values.

    Examples
    --------
    >>> records(pd.DataFrame({"segment": [1], "share": [float("nan")]}))
    [{'segment': 1, 'share': None}]
    """
    return [{str(name): plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def plain(value: Any) -> Any:
    """Return a value as JSON has it: NaN, infinities and missing values are null, dates are ISO text.

    Examples
    --------
    >>> plain({1: (np.float64(0.5), float("inf"), pd.NaT, np.bool_(True))})
    {'1': [0.5, None, None, True]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value if isinstance(value, int) else str(value)


def _figures(study: Made) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the words around each picture or table of the report."""
    for name in builders.names(study.params):
        panel = builders.build(study, name)
        if panel.title:
            yield name, {part: getattr(panel, part) for part in ("title", "subtitle", "note", "alt", "empty")}


def _counted(assignments: pd.DataFrame) -> dict[str, Any]:
    """Return how many customers there are, and how many are placed, unusual, and near a border."""
    placed = assignments[assignments["segment"] > 0]
    return {
        "all": len(assignments),
        "placed": len(placed),
        "near_border": int((placed["confidence"] < BORDER).sum()),
        "unusual": int(placed["outlier"].sum()),
    }


def _run(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may differ between two runs of the same study."""
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(terse=True),
        "versions": {name: value for name, value in provenance.items() if name not in OWN},
    }


def _texts(table: pd.DataFrame) -> list[pd.Index[Any]]:
    """Return the distinct values of every column that is not numeric."""
    kinds = enumerate(table.dtypes)
    return [
        pd.Index(table.iloc[:, i].unique()) for i, kind in kinds if not pd.api.types.is_numeric_dtype(kind)
    ]


def _safe(column: pd.Series[Any]) -> pd.Series[Any]:
    """Make text cells harmless, each distinct value once; numbers pass."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column
    known = {value: cell(value) for value in column.dropna().unique() if isinstance(value, str)}
    return column.astype(object).map(lambda value: known.get(value, value), na_action="ignore")
