"""The finished reports of a folder: what they are called, when they were made, what they say.

Only complete runs count, and of a run only `report.html`, whose bytes must be those its manifest vouches for.
The list is read again for each visitor, each run once: a run never changes, it is replaced.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from segkit import runs
from segkit.widgets.address import called

PAGE = "report.html"
MOST = 200  # on the page; the index of runs knows them all
STATUS = {
    "clear": ("ok", "Clear structure"), "weak": ("warn", "Weak structure"), "none": ("info", "No structure"),
}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """A line of the list."""

    run: str
    title: str
    source: str
    made: str
    date: str
    pill: tuple[str, str]


def find(folder: Path) -> list[Report]:
    """Return the reports of complete runs in a folder, the newest first."""
    found = []
    for file in folder.glob("*/manifest.json"):
        try:
            stamp = file.stat().st_mtime_ns
        except OSError:  # removed meanwhile
            continue
        if (report := _report(file.parent, stamp)) and not file.parent.name.startswith("."):
            found.append(report)
    return sorted(found, key=lambda report: (report.made, report.run), reverse=True)[:MOST]


def page(folder: Path, run: str) -> bytes | None:
    """Return the report of a complete run, or None when there is no such report or its bytes were changed.

    Examples
    --------
    >>> page(Path("reports"), "../../etc/passwd") is None
    True
    """
    if not re.fullmatch(r"\w[\w.-]{0,200}", run, re.ASCII):
        return None
    file = folder / run / PAGE
    try:
        if file.is_symlink() or file.resolve().parent.parent != folder.resolve():
            return None
        record, content = runs.record(file.parent), file.read_bytes()
    except (OSError, ValueError):
        return None
    known = record["files"].get(PAGE, {}) if record else {}
    return content if hashlib.sha256(content).hexdigest() == known.get("sha256") else None


@lru_cache(maxsize=2_000)
def _report(folder: Path, stamp: int) -> Report | None:  # noqa: ARG001 - a replaced run is read again
    try:
        record = runs.record(folder)
        if not record or PAGE not in record["files"]:
            return None
        summary = json.loads((folder / "summary.json").read_bytes())
        made = datetime.fromisoformat(str(record["made"])).astimezone(UTC)
    except (OSError, ValueError):
        return None
    told = summary.get("text", {}).get("headline", "")
    level = summary.get("verdict", {}).get("level", "")
    source = called(str(record["input"].get("source", "")))
    return Report(folder.name, told or folder.name, source, made.isoformat(), f"{made:%-d %B %Y, %H:%M} UTC",
                  STATUS.get(level, ("ok", "Done")))  # fmt: skip
