"""Figures about RFM segments: shares by name, the grid of scores, and estimates with their intervals.

Each takes one tidy table and returns a figure without titles; the words around it are in
`insight.words.purchases`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from segkit.insight.words.captions import records
from segkit.insight.words.numbers import Numbers
from segkit.plots.theme import ENGLISH, Theme, hover, label, rounded
from segkit.safe import plotly as text


def shares(
    sizes: pd.DataFrame, *, pale: str = "what was spent", dark: bool = False, numbers: Numbers = ENGLISH
) -> go.Figure:
    """Draw shares of customers and, paler, another share of each name, a pair of bars.

    Parameters
    ----------
    sizes
        One row per segment: ``segment name share value_share``.
    """
    theme, figure = Theme(dark), go.Figure()
    styles = [theme.segment(int(n)) for n in sizes["segment"]]
    kinds = (("value_share", pale), ("share", "customers"))  # plotly draws the first group lowest
    for column, words in kinds:
        said = [numbers.share(share) for share in sizes[column]]
        tips = (f"{text(name)}: {share} of {words}" for name, share in zip(sizes["name"], said, strict=True))
        fill = [style.colour if column == "share" else style.tint for style in styles]
        figure.add_bar(
            x=rounded(sizes[column]), y=[-row for row in range(len(sizes))], orientation="h", text=said,
            textposition="outside", cliponaxis=False, textfont={"color": theme.ink, "size": 12},
            marker={"color": fill, "line": {"color": [style.colour for style in styles], "width": 1.5}},
            **hover(tips),
        )  # fmt: skip
    low, high = (
        min(0.0, float(sizes["value_share"].min())),
        float(sizes[["share", "value_share"]].max().max()),
    )
    x = {"visible": False, "range": [low, high * 1.22]}
    axis = theme.rows(label(name, 18) for name in sizes["name"])
    return theme.dress(
        figure, 24 + 46 * len(sizes), numbers, barmode="group", bargap=0.24, xaxis=x, yaxis=axis
    )


def grid(counts: pd.DataFrame, bins: int, *, dark: bool = False, numbers: Numbers = ENGLISH) -> go.Figure:
    """Draw how many customers have each recency score (rows, best on top) and purchase score (columns).

    Parameters
    ----------
    counts
        One row per combination that occurs: ``r p share name``.
    """
    theme, at = Theme(dark), {(row["r"], row["p"]): row for row in records(counts)}
    cells = [[at.get((r, p)) for p in range(1, bins + 1)] for r in range(bins, 0, -1)]
    z = [[cell["share"] if cell else 0.0 for cell in row] for row in cells]
    tips = [[f"{text(cell['name'])}<br>{numbers.share(cell['share'])}" if cell else "nobody" for cell in row]
            for row in cells]  # fmt: skip
    colours = theme.scale("sequential")
    scale = [(i / (len(colours) - 1), colour) for i, colour in enumerate(colours)]
    figure = go.Figure(go.Heatmap(
        z=np.round(z, 4).tolist(), x=list(range(bins)), y=[-i for i in range(bins)],
        hovertext=tips, hovertemplate="%{hovertext}<extra></extra>", showscale=False, colorscale=scale,
        zmin=0, xgap=2, ygap=2,
    ))  # fmt: skip
    highest = max(map(max, z)) or 1.0
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            fill = colours[round((len(colours) - 1) * z[i][j] / highest)]
            words = f"{label(cell['name'], 10)}<br>{numbers.share(cell['share'])}" if cell else ""
            figure.add_annotation(
                text=words, x=j, y=-i, showarrow=False, font={"size": 11, "color": theme.on(fill)}
            )
    x = {"tickvals": list(range(bins)), "ticktext": [str(p) for p in range(1, bins + 1)], "showgrid": False,
         "title": {"text": "Purchase score"}}  # fmt: skip
    axis = theme.rows((f"Recency {r}" for r in range(bins, 0, -1)), range=[0.5 - bins, 0.5])
    return theme.dress(figure, 60 + 62 * bins, numbers, xaxis=x, yaxis=axis)


def intervals(
    table: pd.DataFrame, title: str, *, dark: bool = False, numbers: Numbers = ENGLISH
) -> go.Figure:
    """Draw estimates as dots with their interval as a line, and the number beside.

    Parameters
    ----------
    table
        One row per estimate: ``name value low high``, shares from 0 to 1.
    title
        What is drawn, for the axis.
    """
    theme, figure = Theme(dark), go.Figure()
    for i, row in enumerate(records(table)):
        ends = {"x0": row["low"], "x1": row["high"], "y0": -i, "y1": -i}
        figure.add_shape(type="line", **ends, line={"color": theme.control, "width": 5})
    said = [numbers.share(value) for value in table["value"]]
    tips = (f"{text(name)}: {value}" for name, value in zip(table["name"], said, strict=True))
    figure.add_scatter(
        x=rounded(table["value"]), y=[-i for i in range(len(table))], mode="markers+text",
        marker={"color": theme.ink, "size": 9}, text=[f"<b>{value}</b>" for value in said],
        textposition="top center", textfont={"color": theme.ink, "size": 12}, cliponaxis=False, **hover(tips),
    )  # fmt: skip
    x = {
        "title": {"text": title},
        "range": [0, max(float(table["high"].max()) * 1.1, 0.05)],
        "tickformat": ".0%",
    }
    return theme.dress(
        figure, 76 + 44 * len(table), numbers, xaxis=x, yaxis=theme.rows(label(n, 18) for n in table["name"])
    )
