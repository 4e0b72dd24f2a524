"""Figures about two points in time: shift of columns, shares then and now, where customers went.

Each takes one tidy table and returns a figure without titles; the words around it are in
`insight.words.scoring` and `insight.words.change`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from segkit.insight.words.captions import DRAWN, records
from segkit.insight.words.numbers import Numbers
from segkit.plots.columns import _cells
from segkit.plots.theme import ENGLISH, Theme, hover, label, rounded
from segkit.safe import plotly as text

LINES = ((0.10, "watch"), (0.25, "act"))
FLOWS = 5  # segments up to which flows can be told apart; with more, a matrix


def drift(drift: pd.DataFrame, *, dark: bool = False, numbers: Numbers = ENGLISH) -> go.Figure:
    """Draw the shift of each column as a lollipop, longest on top, at most 15.

    Parameters
    ----------
    drift
        One row per column: ``column psi chance state``.
    """
    theme, top = Theme(dark), drift.head(DRAWN)
    figure = go.Figure()
    most = max(0.3, float(top["psi"].max()) * 1.15)
    for i, psi in enumerate(top["psi"]):
        ends = {"x0": 0, "x1": float(psi), "y0": -i, "y1": -i}
        figure.add_shape(type="line", **ends, line={"color": theme.control, "width": 3})
    for at, said in LINES:
        figure.add_shape(theme.dotted(x0=at, x1=at, y0=0.6, y1=0.5 - len(top)))
        figure.add_annotation(
            x=at, y=0.6, text=said, showarrow=False, yanchor="bottom",
            font={"size": 11, "color": theme.muted},
        )  # fmt: skip
    tips = (
        f"{text(row['column'])}: {numbers.index(row['psi'])}; by chance up to {numbers.index(row['chance'])}"
        for row in records(top)
    )
    figure.add_scatter(
        x=rounded(top["psi"]), y=[-i for i in range(len(top))], mode="markers+text",
        marker={"color": theme.ink, "size": 9}, text=[f" {numbers.index(v)}" for v in top["psi"]],
        textposition="middle right", textfont={"color": theme.ink, "size": 12}, cliponaxis=False,
        **hover(tips),
    )  # fmt: skip
    x = {"title": {"text": "Population stability index"}, "range": [0, most]}
    axis = theme.rows((label(name, 18) for name in top["column"]), range=[0.5 - len(top), 1.0])
    return theme.dress(figure, 90 + 34 * len(top), numbers, xaxis=x, yaxis=axis)


def flows(
    migration: pd.DataFrame,
    names: Mapping[str, Sequence[str]],
    kin: Collection[tuple[Any, Any]],
    *,
    totals: Sequence[int] = (),
    dark: bool = False,
    numbers: Numbers = ENGLISH,
) -> go.Figure:
    """Draw where customers went: a Sankey up to five segments, else the matrix with a number in each cell.

    Parameters
    ----------
    migration
        Customers by segment before (rows) and after (columns); 0 is "not there" on either side.
    names
        Labels of the rows ("before") and of the columns ("after"), in order.
    kin
        Pairs of segments before and after that go on, split or merge: who goes with them stays.
    totals
        Customers of each row and then of each column, where some of the cells are withheld.
    """
    totals = totals or [*migration.sum(axis=1), *migration.sum(axis=0)]
    both = max(int((migration.index.to_numpy() > 0).sum()), int((migration.columns.to_numpy() > 0).sum()))
    if both > FLOWS:
        return _matrix(migration, names, totals, Theme(dark), numbers)
    return _sankey(migration, names, kin, totals=totals, theme=Theme(dark), numbers=numbers)


def _sankey(
    migration: pd.DataFrame, names: Mapping[str, Sequence[str]], kin: Collection[tuple[Any, Any]], *,
    totals: Sequence[int], theme: Theme, numbers: Numbers,
) -> go.Figure:  # fmt: skip
    old, new, counts = list(migration.index), list(migration.columns), migration.to_numpy()
    words = [*names["before"], *names["after"]]
    short = [str(n) if n else text(word) for n, word in zip((*old, *new), words, strict=True)]
    said = [f"{word} · {numbers.count(total)}" for word, total in zip(short, totals, strict=True)]
    fill = [theme.segment(n).colour if n else theme.control for n in (*old, *new)]
    cells = [(i, j, int(counts[i, j])) for i in range(len(old)) for j in range(len(new))]
    drawn = [(i, j, count) for i, j, count in cells if count]
    tips = [f"{numbers.count(c)} customers: {text(words[i])} earlier, {text(words[len(old) + j])} now"
            for i, j, c in drawn]  # fmt: skip
    colours = [
        theme.sunken if not old[i] or not new[j]
        else theme.segment(old[i]).tint if (old[i], new[j]) in kin else theme.segment(old[i]).colour
        for i, j, _ in drawn
    ]  # fmt: skip
    flow = {
        "source": [i for i, _, _ in drawn], "target": [len(old) + j for _, j, _ in drawn],
        "value": [c for *_, c in drawn], "color": colours, "customdata": tips,
        "hovertemplate": "%{customdata}<extra></extra>",
    }  # fmt: skip
    node = {"label": said, "color": fill, "pad": 18, "thickness": 14, "line": {"width": 0},
            "hovertemplate": "%{label}<extra></extra>"}  # fmt: skip
    figure = go.Figure(go.Sankey(node=node, link=flow, textfont={"size": 12, "color": theme.ink}))
    return theme.dress(figure, 120 + 56 * max(len(old), len(new)), numbers)


def _matrix(
    migration: pd.DataFrame, names: Mapping[str, Sequence[str]], totals: Sequence[int],
    theme: Theme, numbers: Numbers,
) -> go.Figure:  # fmt: skip
    counts = migration.to_numpy()
    share = counts / np.maximum(1, np.array(totals[: len(counts)]))[:, None]
    said = [[numbers.count(c) if c else "" for c in row] for row in counts]
    tips = np.array([
        [f"{numbers.count(c)} customers: {text(old)} earlier, {text(new)} now" for c, new in
         zip(row, names["after"], strict=True)]
        for row, old in zip(counts, names["before"], strict=True)
    ])  # fmt: skip
    figure = _cells(share, said, tips, 1.0, theme, size=11)
    x = {"side": "top", "showline": False, "ticks": "", "tickvals": list(range(counts.shape[1])),
         "ticktext": [str(n) if n else label(word, 8) for n, word in
                      zip(migration.columns, names["after"], strict=True)],
         "tickfont": {"size": 13}}  # fmt: skip
    axis = theme.rows((label(n, 18) for n in names["before"]), range=[0.5 - len(counts), 0.5])
    return theme.dress(figure, 60 + 40 * len(counts), numbers, xaxis=x, yaxis=axis)
