"""How one column is spread in each segment: half-violins, dots of few customers, bars of categories.

The only statistics drawn here that no table holds are the outlines of the half-violins: a Gaussian kernel
density (Scott's rule) of the values handed in. Medians and quarters come from the profile, of all customers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.stats import gaussian_kde

from segkit.insight.words.captions import SHOWN, records
from segkit.insight.words.numbers import Numbers
from segkit.plots.theme import ENGLISH, Theme, bold, hover, label, rounded
from segkit.safe import plotly as text

FEW = 30
LEVELS = 6


def distribution(
    values: pd.DataFrame, profile: pd.DataFrame, *, title: str = "", log: bool = False, dark: bool = False,
    numbers: Numbers = ENGLISH,
) -> go.Figure:  # fmt: skip
    """Draw the spread of a column of numbers in each segment, the first segment on top.

    Parameters
    ----------
    values
        Values to draw, a few thousand a segment at most: ``segment value``.
    profile
        The profile's rows of this column, all customers in them.
    title
        Name and unit of the column for the axis.
    log
        Whether the axis is logarithmic; all values must then be above zero.
    """
    figure, theme = go.Figure(), Theme(dark)
    rows = profile.sort_values("segment").head(SHOWN - (len(profile) > SHOWN))
    for y, row in enumerate(records(rows)):
        mine = values.loc[values["segment"] == row["segment"], "value"].to_numpy(dtype=float)
        if len(mine) < FEW or np.ptp(mine) == 0:
            _dots(figure, mine, -y, row["segment"], theme)
        else:
            _half_violin(figure, mine, -y, theme.segment(row["segment"]).colour, log=log)
        _middle(figure, row, -y, theme, numbers)
    everyone = float(rows["all_median"].iloc[0])
    figure.add_shape(**theme.dotted(x0=everyone, x1=everyone, y0=0, y1=1, yref="paper"))
    at = {"x": np.log10(everyone) if log else everyone, "y": 1, "yref": "paper", "yanchor": "bottom"}
    figure.add_annotation(
        text=f"all customers {numbers.value(everyone)}", font={"color": theme.muted, "size": 12}, **at
    )
    axis = theme.rows(bold(rows["segment"]), range=[0.55 - len(rows), 0.85])
    wide = log and values["value"].max() > 30 * values["value"].min()
    x = {
        "type": "log" if log else "linear",
        "tickformat": ",",
        "title": {"text": label(title, 32)},
        "nticks": 6,
    }
    x |= {"dtick": 1} if wide else {}
    margin = {"l": 4, "r": 12, "t": 28, "b": 8}
    return theme.dress(figure, 90 + 66 * len(rows), numbers, xaxis=x, yaxis=axis, margin=margin)


def _half_violin(figure: go.Figure, mine: np.ndarray, y: float, colour: str, *, log: bool) -> None:
    scaled = np.log10(mine) if log else mine
    grid = np.linspace(scaled.min(), scaled.max(), 80)
    height = gaussian_kde(scaled)(grid)
    x = 10**grid if log else grid
    where = {"x": rounded([*x, x[-1], x[0]]), "y": rounded([*(y + 0.72 * height / height.max()), y, y])}
    filled = {"mode": "lines", "fill": "toself", "fillcolor": colour, "line": {"width": 0}}
    figure.add_scatter(**where, **filled, hoverinfo="skip")


def _dots(figure: go.Figure, mine: np.ndarray, y: float, segment: int, theme: Theme) -> None:
    style, lift = theme.segment(segment), np.random.default_rng(0).uniform(0.12, 0.55, len(mine))
    marker = {"color": style.colour, "symbol": style.symbol, "size": 7, "opacity": 0.8, "line": {"width": 0}}
    where = {"x": rounded(mine), "y": rounded(y + lift)}
    figure.add_scatter(**where, mode="markers", marker=marker, hoverinfo="skip")


def _middle(figure: go.Figure, row: dict[str, Any], y: float, theme: Theme, numbers: Numbers) -> None:
    """Draw the middle half as a bar, and the median as a ring with its number under it."""
    ends, median = rounded([row["q25"], row["q75"]]), numbers.value(row["median"])
    figure.add_scatter(
        x=ends, y=[y, y], mode="lines", line={"color": theme.ink, "width": 4}, hoverinfo="skip"
    )
    half = numbers.range(row["q25"], row["q75"], numbers.value)
    tip = f"Segment {row['segment']}, {numbers.count(row['n'])} customers<br>median {median}, middle {half}"
    figure.add_scatter(
        x=rounded([row["median"]]), y=[y], mode="markers+text", text=[f"<b>{median}</b>"], **hover([tip]),
        textposition="bottom center", textfont={"color": theme.ink, "size": 12}, cliponaxis=False,
        marker={"size": 11, "color": theme.surface, "line": {"color": theme.ink, "width": 2}},
    )  # fmt: skip


def main_levels(profile: pd.DataFrame) -> list[str]:
    """Return the levels that get a shade of their own, most frequent first; further ones are "other"."""
    order = profile.drop_duplicates("level").sort_values("all_share", ascending=False, kind="stable")["level"]
    return [str(level) for level in order.head(LEVELS - (len(order) > LEVELS))]


def composition(profile: pd.DataFrame, *, dark: bool = False, numbers: Numbers = ENGLISH) -> go.Figure:
    """Draw the make-up of a category in each segment as 100 % bars, in ink: levels are not segments.

    Parameters
    ----------
    profile
        The profile's rows of this column: ``segment level share all_share``.
    """
    figure, theme = go.Figure(), Theme(dark)
    table = profile.pivot_table(index="segment", columns="level", values="share", aggfunc="first").fillna(0.0)
    table = table.head(SHOWN - (len(table) > SHOWN))
    levels = main_levels(profile)
    parts = {level: table[level] for level in levels} | {"other": (1 - table[levels].sum(axis=1)).clip(0)}
    for (level, shares), fill in zip(
        parts.items(), [*theme.scale("sequential")[:0:-1][: len(levels)], theme.surface], strict=True
    ):
        tips = (f"Segment {n}, {text(level)}: {numbers.share(share)}" for n, share in shares.items())
        figure.add_bar(
            x=rounded(shares), y=[-i for i in range(len(shares))], orientation="h", textangle=0,
            constraintext="none",
            text=[numbers.percent(share) if share >= 0.12 else "" for share in shares], textposition="inside",
            insidetextanchor="middle", textfont={"size": 12, "color": theme.on(fill)}, **hover(tips),
            marker={"color": fill, "line": {"color": theme.rule_strong, "width": 1}},
        )  # fmt: skip
    bars = {"barmode": "stack", "bargap": 0.25, "xaxis": {"visible": False, "range": [0, 1.001]}}
    return theme.dress(figure, 20 + 46 * len(table), numbers, **bars, yaxis=theme.rows(bold(table.index)))
