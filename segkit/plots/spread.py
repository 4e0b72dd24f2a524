"""How one column is spread in each segment: half-violins of numbers, dots of few customers, bars of categories.

The only statistics drawn here that no table holds are the outlines of the half-violins: a Gaussian kernel density
(Scott's rule) of at most 2,000 drawn values a segment. Medians and quarters come from the profile, of all customers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.stats import gaussian_kde

from segkit.insight.words.numbers import Numbers
from segkit.plots.theme import ENGLISH, SHOWN, Theme, hover, label, rounded, text

DRAWN = 2_000
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
        Values to draw, at most 2,000 a segment: ``segment value``.
    profile
        The profile's rows of this column: ``segment n median q25 q75 all_median``.
    title
        Name and unit of the column for the axis.
    log
        Whether the axis is logarithmic; all values must then be above zero.
    """
    figure, theme = go.Figure(), Theme(dark)
    rows = profile.sort_values("segment")
    rows = rows.head(SHOWN - 1) if len(rows) > SHOWN else rows
    for i, (_, row) in enumerate(rows.iterrows()):
        mine = values.loc[values["segment"] == row["segment"], "value"].to_numpy(dtype=float)
        shape = _dots if len(mine) < FEW or np.ptp(mine) == 0 else _half_violin
        shape(figure, mine, -i, int(row["segment"]), theme, log=log)
        _middle(figure, row, -i, theme, numbers)
    everyone = rows["all_median"].iloc[0]
    figure.add_shape(**theme.dotted(x0=everyone, x1=everyone, y0=0, y1=1, yref="paper"))
    figure.add_annotation(
        text=f"all customers {numbers.value(everyone)}", x=np.log10(everyone) if log else everyone, y=1, yref="paper",
        yanchor="bottom", font={"color": theme.muted, "size": 12},
    )  # fmt: skip
    axis = theme.rows([f"<b>{int(n)}</b>" for n in rows["segment"]], range=[0.55 - len(rows), 0.85])
    x = {"type": "log" if log else "linear", "nticks": 6, "title": {"text": label(title, 32, 2)}}
    x |= {"dtick": 1} if log and np.ptp(np.log10(values["value"])) > 1.5 else {}
    margin = {"l": 4, "r": 12, "t": 28, "b": 8}
    return theme.dress(figure, 90 + 66 * len(rows), numbers, xaxis=x, yaxis=axis, margin=margin)


def _half_violin(figure: go.Figure, mine: np.ndarray, y: float, segment: int, theme: Theme, *, log: bool) -> None:
    scaled = np.log10(mine) if log else mine
    grid = np.linspace(scaled.min(), scaled.max(), 80)
    height = gaussian_kde(scaled)(grid)
    outline = y + 0.72 * height / height.max()
    x = 10**grid if log else grid
    figure.add_scatter(
        x=rounded([*x, x[-1], x[0]]), y=rounded([*outline, y, y]), mode="lines", fill="toself",
        fillcolor=theme.segment(segment).colour, line={"width": 0}, hoverinfo="skip",
    )  # fmt: skip


def _dots(figure: go.Figure, mine: np.ndarray, y: float, segment: int, theme: Theme, *, log: bool) -> None:  # noqa: ARG001
    style = theme.segment(segment)
    lift = np.random.default_rng(0).uniform(0.12, 0.55, len(mine))
    marker = {"color": style.colour, "symbol": style.symbol, "size": 7, "opacity": 0.8, "line": {"width": 0}}
    figure.add_scatter(x=rounded(mine), y=rounded(y + lift), mode="markers", marker=marker, hoverinfo="skip")


def _middle(figure: go.Figure, row: pd.Series, y: float, theme: Theme, numbers: Numbers) -> None:
    """Draw the middle half as a bar, and the median as a ring with its number under it."""
    bar = {"color": theme.ink, "width": 4}
    figure.add_scatter(x=rounded([row["q25"], row["q75"]]), y=[y, y], mode="lines", line=bar, hoverinfo="skip")
    half = numbers.range(row["q25"], row["q75"], numbers.value)
    tip = f"Segment {row['segment']}, {numbers.count(row['n'])} customers<br>median {numbers.value(row['median'])}<br>middle half {half}"
    figure.add_scatter(
        x=rounded([row["median"]]), y=[y], mode="markers+text", text=[f"<b>{numbers.value(row['median'])}</b>"],
        textposition="bottom center", textfont={"color": theme.ink, "size": 12}, cliponaxis=False,
        marker={"size": 11, "color": theme.surface, "symbol": "circle", "line": {"color": theme.ink, "width": 2}},
        **hover([tip]),
    )  # fmt: skip


def main_levels(profile: pd.DataFrame) -> list[str]:
    """Return the levels that get a colour of their own: the most frequent, most frequent first."""
    order = profile.drop_duplicates("level").sort_values("all_share", ascending=False, kind="stable")["level"]
    return [str(level) for level in order.head(LEVELS if len(order) <= LEVELS else LEVELS - 1)]


def composition(profile: pd.DataFrame, *, dark: bool = False, numbers: Numbers = ENGLISH) -> go.Figure:
    """Draw the make-up of a category in each segment as 100 % bars, rare levels together as "other".

    Parameters
    ----------
    profile
        The profile's rows of this column: ``segment level share all_share``.
    """
    figure, theme = go.Figure(), Theme(dark)
    shown = sorted(profile["segment"].unique())[:SHOWN]
    table = profile.pivot_table(index="segment", columns="level", values="share", aggfunc="first").reindex(shown).fillna(0.0)
    levels = main_levels(profile)
    for step, level in enumerate(levels):
        _level(figure, table[level], level, shades(theme)[step], theme, numbers)
    rest = 1 - table[levels].sum(axis=1)
    if len(levels) < profile["level"].nunique() and float(rest.max()) > 0.0005:
        _level(figure, rest.clip(lower=0), "other", theme.surface, theme, numbers)
    axis = theme.rows([f"<b>{int(n)}</b>" for n in shown])
    x = {"visible": False, "range": [0, 1.001]}
    return theme.dress(figure, 20 + 46 * len(shown), numbers, barmode="stack", bargap=0.25, xaxis=x, yaxis=axis)


def shades(theme: Theme) -> Sequence[str]:
    """Return ink shades for levels, darkest first: levels are not segments and take no segment colour."""
    return theme.scale("sequential")[::-1][:LEVELS]


def _level(figure: go.Figure, shares: pd.Series, level: str, fill: str, theme: Theme, numbers: Numbers) -> None:
    said = [numbers.percent(share) for share in shares]
    tips = (f"Segment {int(n)}, {text(level)}: {numbers.share(v)}" for n, v in shares.items())
    figure.add_bar(
        x=rounded(shares), y=[-i for i in range(len(shares))], orientation="h", textangle=0, constraintext="none",
        text=[s if share >= 0.12 else "" for s, share in zip(said, shares, strict=True)],
        textposition="inside", insidetextanchor="middle", textfont={"size": 12, "color": theme.on(fill)},
        marker={"color": fill, "line": {"color": theme.rule_strong, "width": 1}}, **hover(tips),
    )  # fmt: skip
