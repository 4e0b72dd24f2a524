"""The look of every figure: tokens, template and the few helpers that figures share.

Colours, symbols and sizes come from `static/tokens.json`, the plotly template from
`static/plotly-template.json`; no figure names a colour of its own. Segment n has colour n and symbol n
everywhere; what is not a segment is ink or grey. Text from the data enters a figure through `label` or `text`
and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from segkit.insight.words.captions import SHOWN
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from segkit.places import static_dir
from segkit.safe import plotly as text

ENGLISH = Numbers()
PLAIN = Labels()


@dataclass(frozen=True)
class Style:
    """How one segment is drawn: fill, text on the fill, pale fill and symbol."""

    colour: str
    on: str
    tint: str
    symbol: str


@dataclass(frozen=True)
class Theme:
    """The tokens of the light or the dark page.

    Examples
    --------
    >>> Theme().segment(2).symbol, Theme(dark=True).ink
    ('diamond', '#EDF1F5')
    """

    dark: bool = False

    @property
    def mode(self) -> str:
        """Name of the list of tokens in use."""
        return "dark" if self.dark else "light"

    def __getattr__(self, name: str) -> str:
        """Return the colour of a role, such as `ink`, `muted` or `rule_strong`."""
        roles: Mapping[str, str] = _json("tokens.json")[self.mode]
        if name not in roles:
            raise AttributeError(name)
        return roles[name]

    def segment(self, number: int, count: int = 0) -> Style:
        """Return the style of a segment; beyond 12 the colours start again with the next symbol.

        With the `count` of segments in the figure, those beyond the 11 largest of more than 12 are grey.
        """
        if number < 1 or (count > SHOWN and number >= SHOWN):
            return Style(self.control, self.surface, self.sunken, "circle-open")
        tokens = _json("tokens.json")["segments"]
        turn, place = divmod(number - 1, len(tokens))
        token, symbol = tokens[place], tokens[(place + turn) % len(tokens)]["symbol"]
        return Style(token[self.mode], token[f"{self.mode}_on"], token[f"{self.mode}_tint"], symbol)

    def scale(self, name: str) -> list[str]:
        """Return the colours of the `sequential` or the `diverging` scale."""
        return list(_json("tokens.json")[name][self.mode])

    def on(self, fill: str) -> str:
        """Return ink or surface, whichever stands out more from a fill (contrast ratio of WCAG 2.2)."""
        own = _luminance(fill) + 0.05
        return max(self.ink, self.surface, key=lambda colour: abs(np.log((_luminance(colour) + 0.05) / own)))

    def shade(self, value: float, limit: float) -> str:
        """Return the colour of the diverging scale for a value between -limit and limit."""
        colours = self.scale("diverging")
        place = (np.clip(value / limit, -1, 1) + 1) / 2 * (len(colours) - 1)
        left, right = colours[int(place)], colours[min(int(place) + 1, len(colours) - 1)]
        mixed = (
            int(left[i : i + 2], 16) * (1 - place % 1) + int(right[i : i + 2], 16) * (place % 1)
            for i in (1, 3, 5)
        )
        return "#" + "".join(f"{round(part):02X}" for part in mixed)

    def dress(self, figure: go.Figure, height: int, numbers: Numbers, **layout: Any) -> go.Figure:
        """Give a figure its template, fixed height, free width and the reader's separators."""
        margin = {"l": 4, "r": 12, "t": 8, "b": 8}
        figure.update_layout(template=_template(self.mode), height=height, showlegend=False, margin=margin)
        return figure.update_layout(separators=numbers.separators, **layout)

    def rows(self, labels: Iterable[str], **more: Any) -> dict[str, Any]:
        """Return a y axis with one labelled row each, the first on top.

        Rows are numbers with labels, not categories: equal labels stay apart, none is read as a date.
        """
        shown = list(labels)
        ticks = {"tickvals": [-i for i in range(len(shown))], "ticktext": shown, "ticklen": 0}
        font = {"size": 13, "color": self.ink}
        return {**ticks, "tickfont": font, "showgrid": False, "range": [0.6 - len(shown), 0.6], **more}

    def dotted(self, **ends: Any) -> dict[str, Any]:
        """Return a dotted line for thresholds and for all customers."""
        return {"type": "line", "line": {"color": self.baseline, "dash": "dot", "width": 1}, **ends}


def label(words: object, width: int = 14, lines: int = 2) -> str:
    """Wrap a label at about `width` characters, wider before anything is cut, made safe for plotly.

    Examples
    --------
    >>> label("Detergents and paper"), label("<b>")
    ('Detergents and<br>paper', '&lt;b&gt;')
    """
    longest = max(map(len, str(words).split()), default=0)  # a word is broken only where nothing else helps
    width = max(width, min(longest, 14))
    wider = next((w for w in range(width, width + 8) if len(wrap(str(words), w)) <= lines), width + 4)
    return "<br>".join(text(line) for line in wrap(str(words), wider, max_lines=lines, placeholder=" …"))


def parts(table: pd.DataFrame) -> list[tuple[int, pd.DataFrame]]:
    """Return each segment's rows, in order of segment."""
    return [(int(n), table[table["segment"] == n]) for n in sorted(table["segment"].unique())]


def bold(segments: Iterable[Any]) -> list[str]:
    """Return numbers of segments as labels of an axis."""
    return [f"<b>{int(n)}</b>" for n in segments]


def rounded(values: Iterable[float], digits: int = 4) -> list[float]:
    """Round to so many significant digits: a drawn point needs no more, and a report stays small."""
    return [float(f"{value:.{digits}g}") for value in values]


def hover(lines: Iterable[str]) -> dict[str, Any]:
    """Return the hover text, one per mark, and nothing besides it."""
    return {"hovertext": list(lines), "hovertemplate": "%{hovertext}<extra></extra>"}


def _luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@cache
def _json(file: str) -> Any:
    return json.loads((static_dir() / file).read_text(encoding="utf-8"))


@cache
def _template(mode: str) -> go.layout.Template:
    return go.layout.Template(_json("plotly-template.json")[mode])
