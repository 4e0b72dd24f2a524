"""Figures about columns: what segments do differently, what tells them apart, what is alike, what is missing.

Tables in, figures out. Columns stand in the order of the caller's table or, in the correlation matrix, so
that related ones touch; `labels` says what people call them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from segkit.insight.words.captions import DRAWN, SHOWN, records
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from segkit.plots.theme import ENGLISH, PLAIN, Theme, bold, hover, label, parts, rounded
from segkit.safe import plotly as text

LIMIT = np.log2(6)  # ratios beyond 6x, or below a sixth, share the deepest colour
REACH = 16.0  # a dumbbell's axis ends here; marks beyond it are drawn at the end, with their own number
TICKS = {
    1 / 16: "1/16×",
    1 / 8: "⅛×",
    1 / 4: "¼×",
    1 / 2: "½×",
    1: "1×",
    2: "2×",
    4: "4×",
    8: "8×",
    16: "16×",
}


def profile_rows(
    profile: pd.DataFrame, order: Sequence[str] = (), most: int = DRAWN
) -> list[tuple[str, str]]:
    """Choose the rows (column, level) of a profile to draw: columns in order, of a category a few levels.

    A column of two levels says the same twice, so one is drawn; of more levels at most three. Rows without
    any ratio to all customers are left to the table.
    """
    place = {column: i for i, column in enumerate(order)}
    rows: list[tuple[str, str]] = []
    for column in sorted(profile["column"].unique(), key=lambda name: place.get(name, len(place))):
        part = profile[(profile["column"] == column) & profile["index"].notna()]
        far = (
            part["effect"]
            .abs()
            .groupby(part["level"], sort=False)
            .max()
            .sort_values(ascending=False, kind="stable")
        )
        rows += [(column, str(level)) for level in far.index[: 1 if len(far) <= 2 else 3]]
    return rows[:most]


def profiles(
    profile: pd.DataFrame, *, order: Sequence[str] = (), labels: Labels = PLAIN, dark: bool = False,
    numbers: Numbers = ENGLISH,
) -> go.Figure:  # fmt: skip
    """Draw each segment as a multiple of all customers: a dumbbell up to 4 segments, else a heatmap.

    Parameters
    ----------
    profile
        One row per segment, column and level, as `insight.profile` makes it.
    order
        Columns, strongest driver first.
    """
    rows = profile_rows(profile, order)
    names = [labels.title(column) + (f": {level}" if level else "") for column, level in rows]
    place = {row: i for i, row in enumerate(rows)}
    drawn = profile.assign(
        y=[place.get(row, -1) for row in zip(profile["column"], profile["level"], strict=True)]
    )
    drawn = drawn[drawn["y"] >= 0]
    drawn["name"] = [names[y] for y in drawn["y"]]
    drawn["tip"] = [_says(row, numbers) for _, row in drawn.iterrows()]
    draw = _dumbbell if profile["segment"].nunique() <= 4 else _heatmap
    return draw(drawn, names, Theme(dark), numbers)


def _says(row: pd.Series, numbers: Numbers) -> str:
    """Return the hover of a mark: the segment's number and that of all customers."""
    what, said = str(row["index_of"]), numbers.share if "share" in str(row["index_of"]) else numbers.value
    column = "share" if "share" in what else what
    both = f"{said(row[column])}, all customers {said(row[f'all_{column}'])}"
    return f"Segment {row['segment']}, {text(row['name'])}<br>{text(what)} {both}"


def _dumbbell(drawn: pd.DataFrame, names: list[str], theme: Theme, numbers: Numbers) -> go.Figure:
    figure = go.Figure()
    drawn = drawn.assign(x=drawn["index"].clip(1 / REACH, REACH)).dropna(subset=["x"])
    ends = drawn.groupby("y")["x"].agg(["min", "max"])
    for y, low, high in ends.itertuples():
        line = {"color": theme.rule_strong, "width": 2}
        figure.add_scatter(x=rounded([low, high]), y=[-y, -y], mode="lines", line=line, hoverinfo="skip")
    low, high = (drawn["x"] == drawn["y"].map(ends[end]) for end in ("min", "max"))
    said = drawn["index"].where((low | high) & ~drawn.duplicated(["y", "x"]))
    drawn = drawn.assign(side=np.where(low, "left", "right"), said=said)
    for n, mine in parts(drawn):
        style = theme.segment(n)
        marker = {
            "color": style.colour,
            "symbol": style.symbol,
            "size": 12,
            "line": {"color": theme.surface, "width": 1},
        }
        figure.add_scatter(
            x=rounded(mine["x"]), y=(-mine["y"]).tolist(), mode="markers+text", cliponaxis=False,
            marker=marker,
            text=["" if np.isnan(ratio) else f"<b>{numbers.multiple(ratio)}</b>" for ratio in mine["said"]],
            textposition=[f"middle {side}" for side in mine["side"]],
            textfont={"color": theme.ink, "size": 12}, **hover(mine["tip"]),
        )  # fmt: skip
    reach = float(np.log10(max(2.2, drawn["x"].max(), 1 / drawn["x"].min()))) if len(drawn) else 0.4
    ticks = {at: said for at, said in TICKS.items() if reach < 0.7 or at in {1 / 16, 1 / 4, 1, 4, 16}}
    x: dict[str, Any] = {
        "type": "log",
        "range": [-1.3 * reach - 0.06, 1.3 * reach + 0.06],
        "tickvals": list(ticks),
    }
    x |= {"ticktext": list(ticks.values()), "title": {"text": "× all customers (log scale)"}}
    figure.add_shape(**theme.dotted(x0=1, x1=1, y0=0, y1=1, yref="paper"))
    axis = theme.rows((label(name) for name in names), showgrid=True)
    return theme.dress(figure, 60 + 44 * len(names), numbers, xaxis=x, yaxis=axis)


def _heatmap(drawn: pd.DataFrame, names: list[str], theme: Theme, numbers: Numbers) -> go.Figure:
    count = drawn["segment"].nunique()
    drawn = drawn[drawn["segment"].isin(sorted(drawn["segment"].unique())[: SHOWN - (count > SHOWN)])]
    ratio, tips = (
        drawn.pivot_table(values=c, index="y", columns="segment", aggfunc="first", dropna=False)
        for c in ("index", "tip")
    )
    depth = np.log2(ratio.to_numpy(dtype=float).clip(1e-9)).clip(-LIMIT, LIMIT)
    said = [[numbers.multiple(v).replace("under ", "<") for v in row] for row in ratio.to_numpy()]
    figure = _cells(depth, said, tips.to_numpy(), LIMIT, theme, size=12 if len(ratio.columns) <= 6 else 10)
    x = {"side": "top", "showline": False, "ticks": "", "tickvals": list(range(len(ratio.columns)))}
    x |= {"ticktext": bold(ratio.columns), "tickfont": {"size": 13, "color": theme.ink}}
    axis = theme.rows((label(name) for name in names), range=[0.5 - len(names), 0.5])
    return theme.dress(figure, 40 + 40 * len(names), numbers, xaxis=x, yaxis=axis)


def _cells(
    depth: np.ndarray, said: list[list[str]], tips: np.ndarray, limit: float, theme: Theme, *, size: int
) -> go.Figure:
    """Return cells with a number each, on the diverging scale to ±limit; unknown ones stay empty."""
    z = [[None if np.isnan(v) else round(float(v), 3) for v in row] for row in depth]
    figure = go.Figure(
        go.Heatmap(
            z=z, x=list(range(depth.shape[1])), y=[-i for i in range(depth.shape[0])],
            hovertext=tips.tolist(),
            hovertemplate="%{hovertext}<extra></extra>", hoverongaps=False, showscale=False, zmin=-limit,
            zmax=limit, colorscale=[(i / 8, colour) for i, colour in enumerate(theme.scale("diverging"))],
        )
    )  # fmt: skip
    at = [(i, j) for i, row in enumerate(said) for j, words in enumerate(row) if words]
    inks = [theme.ink if np.isnan(depth[i, j]) else theme.on(theme.shade(depth[i, j], limit)) for i, j in at]
    return figure.add_scatter(
        x=[j for _, j in at], y=[-i for i, _ in at], text=[said[i][j] for i, j in at], mode="text",
        textfont={"size": size, "color": inks}, hoverinfo="skip",
    )  # fmt: skip


def _bars(
    values: pd.Series, said: Sequence[str], names: Sequence[str], title: str, theme: Theme, *,
    numbers: Numbers, beside: float = 0.24
) -> go.Figure:  # fmt: skip
    """Draw horizontal bars in ink, in the order given, the number `beside` each in so much of the width."""
    tips = (f"{text(name)}: {value}" for name, value in zip(names, said, strict=True))
    figure = go.Figure(
        go.Bar(
            x=rounded(values), y=[-i for i in range(len(names))], orientation="h",
            text=[f"<b>{s}</b>" for s in said],
            textposition="outside", cliponaxis=False, textfont={"color": theme.ink, "size": 13},
            marker={"color": theme.ink2}, **hover(tips),
        )
    )  # fmt: skip
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    room = beside * (high - low or 1.0)
    x = {
        "range": [low - room * (low < 0), high + room * (high > 0)],
        "showgrid": True,
        "ticks": "",
        "nticks": 5,
    }
    x |= {"title": {"text": title}, "zeroline": low < 0, "zerolinecolor": theme.control, "showline": False}
    axis = theme.rows(label(name) for name in names)
    return theme.dress(figure, 76 + 36 * len(names), numbers, xaxis=x, yaxis=axis)


def drivers(
    drivers: pd.DataFrame, *, labels: Labels = PLAIN, dark: bool = False, numbers: Numbers = ENGLISH
) -> go.Figure:
    """Draw how much of each column's variation the segments explain, at most 15 columns.

    Parameters
    ----------
    drivers
        One row per column, strongest first: ``column explained`` (0-1).
    """
    top = drivers.head(DRAWN)
    said, names = (
        [numbers.percent(share) for share in top["explained"]],
        [labels.title(c) for c in top["column"]],
    )
    return _bars(top["explained"] * 100, said, names, "Variation explained, %", Theme(dark), numbers=numbers)


def missing(columns: pd.DataFrame, *, dark: bool = False, numbers: Numbers = ENGLISH) -> go.Figure:
    """Draw the share of missing values of the columns that lack most, at most 15.

    Parameters
    ----------
    columns
        One row per column: ``label missing missing_share`` (0-1).
    """
    gaps = columns[columns["missing"] > 0].nlargest(DRAWN, "missing_share")
    said = [f"{numbers.share(r['missing_share'])}  ({numbers.count(r['missing'])})" for r in records(gaps)]
    return _bars(
        gaps["missing_share"] * 100, said, gaps["label"].tolist(), "Missing, %", Theme(dark), numbers=numbers,
        beside=0.65,
    )  # fmt: skip


def pairs(correlation: pd.DataFrame) -> pd.DataFrame:
    """Return every pair of columns once, strongest first: ``first second r``."""
    names, r = np.array(correlation.columns), correlation.to_numpy(dtype=float)
    low, left = np.tril_indices(len(names), -1)
    table = pd.DataFrame({"first": names[left], "second": names[low], "r": r[low, left]})
    return table.dropna().sort_values("r", key=abs, ascending=False, kind="stable", ignore_index=True)


def correlation(
    correlation: pd.DataFrame, *, labels: Labels = PLAIN, dark: bool = False, numbers: Numbers = ENGLISH
) -> go.Figure:
    """Draw rank correlations: the lower triangle, or beyond 15 columns the 15 strongest pairs.

    Parameters
    ----------
    correlation
        Square matrix of at least two columns; index and columns are names of columns.
    """
    if len(correlation) <= DRAWN:
        return _triangle(correlation, labels, Theme(dark), numbers)
    top = pairs(correlation).head(DRAWN)
    names = [f"{labels.title(row['first'])} / {labels.title(row['second'])}" for row in records(top)]
    said = [numbers.signed(r) for r in top["r"]]
    return _bars(top["r"], said, names, "Rank correlation", Theme(dark), numbers=numbers)


def _triangle(correlation: pd.DataFrame, labels: Labels, theme: Theme, numbers: Numbers) -> go.Figure:
    order = _related(correlation)
    names = [labels.title(str(column)) for column in correlation.columns[order]]
    r = np.where(
        np.tri(len(names), k=-1) > 0, correlation.to_numpy(dtype=float)[np.ix_(order, order)], np.nan
    )[1:, :-1]
    said = [["" if np.isnan(v) else numbers.signed(v) for v in row] for row in r]
    tips = [
        [f"{text(b)}<br>{text(a)}<br>{s}" for a, s in zip(names, row, strict=False)]
        for b, row in zip(names[1:], said, strict=True)
    ]
    figure = _cells(r, said, np.array(tips), 1.0, theme, size=12 if len(names) <= 8 else 10)
    for i, name in enumerate(names[:-1]):
        font = {"size": 11, "color": theme.ink2}
        figure.add_annotation(
            text=label(name, 12 if len(names) <= 8 else 9), x=i, y=0.55 - i, yanchor="bottom", font=font
        )
    x = {"visible": False, "range": [-0.5, len(names) - 1.2]}
    axis = theme.rows((label(name) for name in names[1:]), range=[1.5 - len(names), 1.2])
    return theme.dress(figure, 60 + 44 * (len(names) - 1), numbers, xaxis=x, yaxis=axis)


def _related(correlation: pd.DataFrame) -> list[int]:
    """Order columns so that related ones touch (average linkage on 1 - |r|)."""
    if len(correlation) < 3:
        return list(range(len(correlation)))
    apart = 1 - np.abs(np.nan_to_num(correlation.to_numpy(dtype=float)))
    np.fill_diagonal(apart, 0)
    return [int(i) for i in leaves_list(linkage(squareform((apart + apart.T) / 2, checks=False), "average"))]
