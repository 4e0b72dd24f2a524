"""The parts of a page that are neither picture nor table: verdict, key figures, segments, method, glossary.

Segments come in two forms with the same words: blocks to read in a report, cards side by side on a dashboard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from segkit.insight.words.numbers import Numbers
from segkit.panels.panel import Markup, badge, joined, pill, segment_class, tag
from segkit.panels.tables import Labels
from segkit.segments.verdict import Verdict

UNSUPPORTED = "Not supported by the data"
LIMIT = 6.0  # the bars of a card end at 6x and a sixth
NO_ADVICE = "None. The data do not support these segments, so nothing is advised for them."
FILLED = {
    "none": "",
    "weak": '<path d="M16 2.5a13.5 13.5 0 0 0 0 27z" fill="currentColor"/>',
    "clear": '<circle cx="16" cy="16" r="13.5" fill="currentColor"/>',
}
PILLS = {"none": ("info", "No structure"), "weak": ("warn", "Weak structure"), "clear": ("ok", "Clear structure")}


def verdict(verdict: Verdict, headline: str, evidence: str) -> Markup:
    """Return the sentence everything else hangs on, with a circle that fills with the evidence."""
    ring = '<circle cx="16" cy="16" r="13.5" fill="none" stroke="currentColor" stroke-width="3"/>'
    icon = Markup(f'<svg viewBox="0 0 32 32" aria-hidden="true">{ring}{FILLED[verdict.level]}</svg>')
    level = ("info", "Too few customers") if verdict.reason == "too_few" else PILLS[verdict.level]
    pills = [pill(*level)] if verdict.supported else [pill(*level), pill("warn", f"! {UNSUPPORTED}")]
    lines = tag("div", tag("h2", headline, class_="sk-verdict-line"), tag("p", *pills, evidence))
    return tag("div", icon, lines, class_="sk-verdict")


def facts(items: Iterable[tuple[str, str, str]]) -> Markup:
    """Return the strip of key figures: what, how much, and its yardstick."""
    cells = (tag("div", tag("dt", what), tag("dd", number), tag("span", note, class_="sk-note")) for what, number, note in items)
    return tag("dl", *cells, class_="sk-facts")


def blocks(sizes: pd.DataFrame, summaries: Mapping[int, str], actions: pd.DataFrame, *, supported: bool) -> Markup:
    """Return one block to read per segment: name, summary, suggested action and what it rests on."""
    return joined(_block(row, summaries, actions, supported=supported) for _, row in sizes.iterrows())


def _block(row: pd.Series, summaries: Mapping[int, str], actions: pd.DataFrame, *, supported: bool) -> Markup:
    n = int(row["segment"])
    mark = "" if supported else pill("warn", f"! {UNSUPPORTED}")
    words, rest = _action(actions, n, supported=supported)
    advice = tag("p", tag("b", "Suggested action."), " ", words, " ", rest)
    return tag(
        "div", tag("h3", badge(n), " ", row["name"] or f"Segment {n}", " ", mark),
        tag("p", summaries.get(n, "")), advice, class_=f"r-seg {segment_class(n)}",
    )  # fmt: skip


def _action(actions: pd.DataFrame, segment: int, *, supported: bool) -> tuple[Markup, Markup]:
    """Return the action and what it rests on; without support nothing is advised, whatever the table holds."""
    mine = actions[actions["segment"] == segment] if supported and len(actions) else actions.head(0)
    if mine.empty:
        return joined([NO_ADVICE if not supported else "None: nothing sets this segment apart enough to act on."]), Markup("")
    row = mine.iloc[0]
    return joined([row["action"]]), tag("span", "Rests on: ", row["evidence"], class_="sk-muted")


def cards(
    sizes: pd.DataFrame, differences: pd.DataFrame, actions: pd.DataFrame, labels: Labels, numbers: Numbers, *,
    value: str, verdict: Verdict,
) -> Markup:  # fmt: skip
    """Return one card per segment: size, what makes it different, what is typical, what to try."""
    shown = (
        _card(row, differences[differences["segment"] == row["segment"]].head(3), actions, labels, numbers, value, verdict)
        for _, row in sizes.iterrows()
    )
    return tag("div", *shown, class_="sk-cards")


def _card(
    row: pd.Series, differences: pd.DataFrame, actions: pd.DataFrame, labels: Labels, numbers: Numbers, value: str,
    verdict: Verdict,
) -> Markup:  # fmt: skip
    n = int(row["segment"])
    mark = pill("warn", "! Not supported") if not verdict.supported else pill("ok", "✓ Holds") if verdict.level == "clear" else ""
    words, rest = _action(actions, n, supported=verdict.supported)
    action = tag("div", tag("h4", "Suggested action"), tag("p", words), tag("p", rest, class_="sk-small"), class_="sk-action")
    head = tag("header", badge(n), tag("h3", row["name"] or f"Segment {n}"), mark)
    typical = tag("p", *_typical(row, numbers, value), class_="sk-small sk-muted")
    parts = (head, _bars(row, numbers, value), _differences(differences, labels, numbers), typical, action)
    return tag("article", *parts, class_=f"sk-card {segment_class(n)}")


def _bars(row: pd.Series, numbers: Numbers, value: str) -> Markup:
    cells = _bar("Customers", row["share"], f"{numbers.count(row['customers'])} · {numbers.share(row['share'])}")
    if value and row["value_share"] >= 0:
        cells = joined((cells, _bar(value, row["value_share"], numbers.share(row["value_share"]))))
    return tag("div", cells, class_="sk-bars")


def _bar(words: str, share: float, said: str) -> Markup:
    bar = tag("span", tag("i", style=f"--v:{100 * min(share, 1):.1f}%"), class_="sk-bar")
    return joined((tag("span", words), bar, tag("b", said)))


def _differences(rows: pd.DataFrame, labels: Labels, numbers: Numbers) -> Markup:
    cells = joined(_difference(row, labels, numbers) for _, row in rows.iterrows())
    title = tag("h4", "What makes it different, against all customers")
    return tag("div", title, tag("div", cells, class_="sk-diffs") if cells else tag("p", "Nothing much.", class_="sk-small"))


def _difference(row: pd.Series, labels: Labels, numbers: Numbers) -> Markup:
    words, what = labels.get(row["column"]) or row["column"], str(row["index_of"])
    words = f"{words}: {row['level']}" if row["level"] else words
    here = numbers.share(row["here"]) if "share" in what else numbers.value(row["here"])
    ratio = float(row["index"]) if pd.notna(row["index"]) and row["index"] > 0 else np.nan
    width = 50 * min(abs(np.log2(ratio)) / np.log2(LIMIT), 1) if np.isfinite(ratio) else 50.0 * bool(row["index"] == 0)
    start = 50.0 if ratio >= 1 else 50 - width
    bar = tag("span", tag("i", style=f"--a:{start:.1f}%;--w:{width:.1f}%"), class_="sk-div", aria_hidden="true")
    shown = numbers.multiple(row["index"]) if pd.notna(row["index"]) else numbers.signed(row["effect"])
    return joined((tag("span", words), bar, tag("span", shown, class_="sk-x"), tag("span", here, class_="sk-was")))


def _typical(row: pd.Series, numbers: Numbers, value: str) -> list[Markup | str]:
    words: list[Markup | str] = []
    if value and pd.notna(row["value_median"]):
        words += [f"Median {value[:1].lower()}{value[1:]}: ", tag("b", numbers.money(row["value_median"]), class_="sk-num"), ". "]
    if "near_border" in row:
        words += [f"{numbers.count(row['near_border'])} of {numbers.count(row['customers'])} sit near the border."]
    return words


def listing(sentences: Iterable[str]) -> Markup:
    """Return sentences as a list."""
    return tag("ul", *(tag("li", sentence) for sentence in sentences), class_="r-list")


def terms(glossary: Mapping[str, Any]) -> Markup:
    """Return words and what they mean."""
    cells = (joined((tag("dt", word), tag("dd", meaning))) for word, meaning in glossary.items())
    return tag("dl", *cells, class_="sk-terms")
