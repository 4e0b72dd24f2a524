"""What changed since an earlier run: choose one by name, see who moved.

Runs come from the index of the person who opened the notebook; a dashboard's visitors choose among the runs
of its data folder, where its operator names one. What a move means is computed in `insight.compare`.
"""

from __future__ import annotations

import os
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd

from segkit import index, runs, settings
from segkit.errors import SegkitError
from segkit.insight.compare import Comparison, compare
from segkit.insight.profile import suppressed
from segkit.insight.words.captions import withheld
from segkit.panels.panel import Markup, TableView, badge, tag
from segkit.study import Study
from segkit.widgets.form import Shown, Wrap, classed

NONE = ("No earlier run to compare with", "Run this study with a report first, or come back next month.")
MOST = 50
CAUSES = {
    "behaviour": "behave differently",
    "boundary": "the border between segments moved",
    "noise": "sit near the border: read those moves as noise",
    "unknown": "cause not known without the earlier model",
}


def earlier(*, dashboard: bool) -> dict[str, Path]:
    """Return complete runs of segments by a name to choose from, the latest first."""
    folders: list[Path] = []
    if (shared := os.environ.get("SEGKIT_DATA_DIR")) and Path(shared).is_dir():
        found = [file.parent for file in Path(shared).glob("*/segments.parquet")]
        folders += sorted(found, key=lambda folder: folder.stat().st_mtime, reverse=True)
    if not dashboard:
        try:
            entries = index.Index(settings.load().index.get_secret_value()).find(
                status="complete", limit=MOST
            )
            folders += [Path(entry.directory) for entry in entries]
        except SegkitError:
            pass  # an index that cannot be opened offers no runs
    return {folder.name: folder for folder in folders if (folder / "segments.parquet").is_file()}


class Change(widgets.VBox):
    """The tab that compares with an earlier run."""

    def __init__(self, wrap: Wrap, *, dashboard: bool) -> None:
        self._study: Study | None = None
        self._runs = earlier(dashboard=dashboard)
        options = [("Choose one", ""), *((name, name) for name in self._runs)]
        self._choice = widgets.Dropdown(description="Earlier run", options=options)
        self._choice.observe(wrap(lambda _: self._fill()), names="value")
        self._body = Shown()
        super().__init__([self._choice, self._body] if self._runs else [self._body])
        classed(self, "sk", "sk-app", "sk-panel")

    def follow(self, study: Study, *, dark: bool = False) -> None:  # noqa: ARG002 - it has no picture
        """Compare this study from now on."""
        self._study = study
        self._fill()

    def _fill(self) -> None:
        if self._study is None:
            return
        if not self._choice.value:
            said = (
                NONE
                if not self._runs
                else ("Choose an earlier run", "Then this page says who moved, and where to.")
            )
            self._body.value = tag("div", tag("b", said[0]), said[1], class_="sk-empty")
            return
        folder = self._runs[self._choice.value]
        runs.manifest(folder)
        before = pd.read_parquet(folder / "segments.parquet")
        self._body.value = told(compare(before, self._study.assignments), self._study)


def told(found: Comparison, study: Study) -> Markup:
    """Return what changed as a finding, a table and what it rests on."""
    n, total = study.numbers, int(found.migration.to_numpy().sum())
    if not found.shared:
        text = "The two runs have no customer in common, so nobody can be followed."
        return tag("div", tag("b", "Nothing to compare"), text, class_="sk-empty")
    stayed = total - len(found.moves)
    title = f"{n.percent(stayed / total)} of the customers in both runs stayed where they were"
    sub = (
        f"{n.count(found.shared)} customers are in both runs; {n.count(found.only_after)} are new, "
        f"{n.count(found.only_before)} are gone"
    )
    names = dict(zip(study.sizes["segment"], study.sizes["name"], strict=True))
    header = ("Earlier segment", *(f"{after} now" for after in found.migration.columns), "Total")
    counts = found.migration.to_numpy()
    hidden = suppressed(counts, study.params.min_cell)
    rows = tuple(
        (f"Segment {before}", *map(n.count, row), n.count(total))
        for before, row, total in zip(
            found.migration.index, np.where(hidden, np.nan, counts), counts.sum(axis=1), strict=True
        )
    )
    key = tag(
        "ul",
        *(tag("li", badge(int(s), name or f"Segment {s}")) for s, name in names.items()),
        class_="sk-key",
    )
    causes = found.moves["cause"].value_counts()
    said = "; ".join(f"{n.count(count)}: {CAUSES.get(str(cause), cause)}" for cause, count in causes.items())
    table = TableView("Customers by earlier and present segment", header, rows).html()
    held = withheld(int(hidden.sum()), study.params.min_cell, n)
    foot = tag(
        "p",
        f"Of the {n.count(len(found.moves))} who moved, {said}." if said else "Nobody moved.",
        f" {held}" if held else "",
        class_="sk-foot",
    )
    head = tag("figcaption", tag("h3", title), tag("span", sub, class_="sk-sub"), key)
    return tag("div", head, table, foot, class_="sk-fig")
