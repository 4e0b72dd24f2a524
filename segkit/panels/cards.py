"""The parts of a page that are neither picture nor table: verdict, key figures, segments, lists, glossary.

Segments come in two forms with the same words: blocks to read in a report, cards side by side on a dashboard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from segkit.insight.words.captions import records
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from segkit.panels.panel import Markup, badge, joined, pill, segment_class, tag
from segkit.segments.verdict import Verdict

UNSUPPORTED = "Not supported by the data"
NO_ADVICE = "None. The data do not support these segments, so nothing is advised for them."
NOTHING = "None. Too small, or too like the other customers, to advise anything."
LIMIT = np.log2(6)  # the bars of a card end at 6x and a sixth
FILLED = {
    "none": "",
    "weak": '<path d="M16 2.5a13.5 13.5 0 0 0 0 27z" fill="currentColor"/>',
    "clear": '<circle cx="16" cy="16" r="13.5" fill="currentColor"/>',
}
STRENGTH = {
    "holds": ("ok", "✓ Holds"), "uncertain": ("info", "? Uncertain"),
    "does not hold": ("warn", "! Does not hold"), "far out": ("warn", "! A few far-out customers"),
}  # fmt: skip
PILLS = {
    "none": ("info", "No structure"),
    "weak": ("warn", "Weak structure"),
    "clear": ("ok", "Clear structure"),
}


def verdict(verdict: Verdict, headline: str, evidence: str) -> Markup:
    """Return the sentence everything else hangs on, with a circle that fills with the evidence."""
    ring = '<circle cx="16" cy="16" r="13.5" fill="none" stroke="currentColor" stroke-width="3"/>'
    icon = Markup(f'<svg viewBox="0 0 32 32" aria-hidden="true">{ring}{FILLED[verdict.level]}</svg>')
    found = pill("info", "Too few customers") if verdict.reason == "too_few" else pill(*PILLS[verdict.level])
    mark = "" if verdict.supported else pill("warn", f"! {UNSUPPORTED}")
    lines = tag("div", tag("h2", headline, class_="sk-verdict-line"), tag("p", found, mark, evidence))
    return tag("div", icon, lines, class_="sk-verdict")


def facts(items: Iterable[tuple[str, str, str]]) -> Markup:
    """Return the strip of key figures: what, how much, and its yardstick."""
    cells = (
        tag("div", tag("dt", what), tag("dd", number), tag("dd", note, class_="sk-note"))
        for what, number, note in items
    )
    return tag("dl", *cells, class_="sk-facts")


@dataclass(frozen=True)
class Segments:
    """What is said about each segment, to be written as blocks or as cards."""

    sizes: pd.DataFrame
    differences: pd.DataFrame
    actions: pd.DataFrame
    summaries: Mapping[int, str]
    labels: Labels
    numbers: Numbers
    value: str
    supported: bool
    status: Mapping[int, str]
    rules: Mapping[int, str] = field(default_factory=dict)

    def blocks(self) -> Markup:
        """Return one block to read per segment: name, summary, suggested action and what it rests on."""
        return joined(map(self._block, records(self.sizes)))

    def cards(self) -> Markup:
        """Return one card per segment: size, what makes it different, what is typical, what to try."""
        return tag("div", *map(self._card, records(self.sizes)), class_="sk-cards")

    def _block(self, row: dict[str, Any]) -> Markup:
        n, (words, rest) = int(row["segment"]), self._action(row)
        mark = self._mark(n, UNSUPPORTED)
        head = tag("h3", badge(n), " ", row["name"] or f"Segment {n}", " ", mark)
        advice = tag(
            "p", tag("b", "Suggested action."), " ", words, " ", tag("span", rest, class_="sk-muted")
        )
        told = " ".join((self.summaries.get(n, ""), self.rules.get(n, ""))).strip()
        return tag("div", head, tag("p", told), advice, class_=f"r-seg {segment_class(n)}")

    def _card(self, row: dict[str, Any]) -> Markup:
        n, (words, rest) = int(row["segment"]), self._action(row)
        head = tag(
            "header", badge(n), tag("h3", row["name"] or f"Segment {n}"), self._mark(n, "Not supported")
        )
        typical = tag("p", self._typical(row), class_="sk-small sk-muted")
        advice = tag("p", words), tag("p", rest, class_="sk-small sk-muted")
        action = tag("div", tag("h4", "Suggested action"), *advice, class_="sk-action")
        parts = (head, self._bars(row), self._differences(n), typical, action)
        return tag("article", *parts, class_=f"sk-card {segment_class(n)}")

    def _mark(self, segment: int, unsupported: str) -> str:
        """Say whether a segment holds: comes back in repeated samples, with a valley around it."""
        if not self.supported:
            return pill("warn", f"! {unsupported}")
        status = self.status.get(segment, "")
        return pill(*STRENGTH[status]) if status in STRENGTH else ""

    def _action(self, row: dict[str, Any]) -> tuple[str, str]:
        """Return the action and what it rests on; without support nothing is advised."""
        if not self.supported:
            return NO_ADVICE, ""
        mine = records(self.actions[self.actions["segment"] == row["segment"]])
        if not mine:
            return NOTHING, ""
        action, evidence = mine[0]["action"], mine[0]["evidence"]
        test = " ".join(mine[0].get(part, "") for part in ("stake", "proof"))
        return (action, f"Rests on: {evidence} {test}") if action else (f"None. {evidence}", "")

    def _bars(self, row: dict[str, Any]) -> Markup:
        n = self.numbers
        bars = [("Customers", row["share"], f"{n.count(row['customers'])} · {n.share(row['share'])}")]
        if self.value and row["value_share"] >= 0:
            bars.append(
                (self.value[:1].upper() + self.value[1:], row["value_share"], n.share(row["value_share"]))
            )
        cells = (
            joined((tag("span", words), _bar(f"--v:{100 * min(share, 1):.1f}%", "sk-bar"), tag("b", said)))
            for words, share, said in bars
        )
        return tag("div", *cells, class_="sk-bars")

    def _differences(self, segment: int) -> Markup:
        mine = records(self.differences[self.differences["segment"] == segment].head(3))
        cells = tag("div", *map(self._difference, mine), class_="sk-diffs")
        title = tag("h4", "What makes it different, against all customers")
        return tag("div", title, cells if mine else tag("p", "Nothing much.", class_="sk-small"))

    def _difference(self, row: dict[str, Any]) -> Markup:
        n, ratio = self.numbers, float(row["index"])
        name = self.labels.title(row["column"]) + (f": {row['level']}" if row["level"] else "")
        here = n.share(row["here"]) if "share" in row["index_of"] else n.value(row["here"])
        length = 50 * float(np.clip(np.log2(max(ratio, 1e-9)) / LIMIT, -1, 1)) if ratio >= 0 else 0.0
        bar = _bar(f"--a:{50 + min(length, 0):.1f}%;--w:{abs(length):.1f}%", "sk-div")
        shown = n.multiple(ratio) if ratio >= 0 else n.signed(row["effect"])
        return joined(
            (tag("span", name), bar, tag("span", shown, class_="sk-x"), tag("span", here, class_="sk-was"))
        )

    def _typical(self, row: dict[str, Any]) -> Markup:
        n, parts = self.numbers, []
        if self.value and pd.notna(row["value_median"]):
            parts = [f"Median {self.value}: ", tag("b", n.money(row["value_median"]), class_="sk-num"), ". "]
        if "near_border" in row:
            parts.append(f"{n.count(row['near_border'])} of {n.count(row['customers'])} sit near the border.")
        return joined(parts)


def _bar(style: str, class_: str) -> Markup:
    return tag("span", tag("i", style=style), class_=class_, aria_hidden="true")


def listing(sentences: Iterable[str]) -> Markup:
    """Return sentences as a list."""
    return tag("ul", *(tag("li", sentence) for sentence in sentences), class_="r-list")


def terms(glossary: Mapping[str, str]) -> Markup:
    """Return words and what they mean."""
    cells = (joined((tag("dt", word), tag("dd", meaning))) for word, meaning in glossary.items())
    return tag("dl", *cells, class_="sk-terms")
