"""Figures about columns: what segments do differently, what tells them apart, what goes together, what is missing.

Tables in, figures out. Columns are named by `labels` (raw name to words), ordered by the caller's table or, for the
correlation matrix, so that related columns touch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from segkit.insight.words.numbers import Numbers
from segkit.plots.theme import ENGLISH, SHOWN, Theme, hover, label, name_of, rounded, text

LIMIT = 6.0  # ratios beyond 6x, or below a sixth, share the deepest colour
REACH = 16.0  # a dumbbell's axis ends here; marks beyond it are drawn at the end, with their own number
ROWS = 15
TICKS = {1 / 16: "1/16×", 1 / 8: "⅛×", 1 / 4: "¼×", 1 / 2: "½×", 1: "1×", 2: "2×", 4: "4×", 8: "8×", 16: "16×"}


def profile_rows(profile: pd.DataFrame, order: Sequence[str] = (), most: int = ROWS) -> list[tuple[str, str]]:
    """Choose the rows of a profile to draw: columns by driver strength, of a category its most telling levels.

    A column of two levels says the same twice, so one is drawn; of more levels at most three.
    """
    strength = {column: place for place, column in enumerate(order)}
    table = profile.assign(place=profile["column"].map(strength).fillna(len(strength)))
    rows: list[tuple[str, str]] = []
    for (_, column), part in table.groupby(["place", "column"], sort=True):
        far = part.groupby("level", sort=False)["effect"].agg(lambda e: e.abs().max()).fillna(0)
        keep = 1 if len(far) <= 2 else 3
        rows += [(str(column), str(level)) for level in far.sort_values(ascending=False, kind="stable").index[:keep]]
    return rows[:most]


def profiles(
    profile: pd.DataFrame, *, order: Sequence[str] = (), labels: Mapping[str, str] | None = None, dark: bool = False,
    numbers: Numbers = ENGLISH,
) -> go.Figure:  # fmt: skip
    """Draw each segment as a multiple of all customers: a dumbbell up to 4 segments, else a heatmap.

    Parameters
    ----------
    profile
        One row per segment, column and level: ``segment column level median share index index_of effect``.
    order
        Columns, strongest driver first.
    """
    rows = profile_rows(profile, order)
    names = [name_of(column, labels, level) for column, level in rows]
    keyed = profile.set_index(["column", "level"])
    parts = [keyed.loc[[row]].sort_values("segment") for row in rows]
    draw = _dumbbell if profile["segment"].nunique() <= 4 else _heatmap
    return draw(parts, names, Theme(dark), numbers)


def _dumbbell(parts: list[pd.DataFrame], names: list[str], theme: Theme, numbers: Numbers) -> go.Figure:
    figure = go.Figure()
    for i, part in enumerate(parts):
        known = _within(part)["drawn"].dropna()
        if len(known) > 1:
            ends = rounded([known.min(), known.max()])
            line = {"color": theme.rule_strong, "width": 2}
            figure.add_scatter(x=ends, y=[-i, -i], mode="lines", line=line, hoverinfo="skip")
    drawn = pd.concat([_within(part).assign(y=-i, name=name) for i, (part, name) in enumerate(zip(parts, names, strict=True))])
    drawn = drawn.dropna(subset=["drawn"])
    for n, mine in drawn.groupby("segment"):
        style = theme.segment(int(n))
        figure.add_scatter(
            x=rounded(mine["drawn"]), y=mine["y"].tolist(), mode="markers+text", cliponaxis=False,
            text=[f"<b>{numbers.multiple(v)}</b>" if end else "" for v, end in zip(mine["index"], mine["end"] != "", strict=True)],
            textposition=[f"middle {end or 'right'}" for end in mine["end"]],
            textfont={"color": theme.ink, "size": 12},
            marker={"color": style.colour, "symbol": style.symbol, "size": 12, "line": {"color": theme.surface, "width": 1}},
            **hover(_says(row, numbers) for _, row in mine.iterrows()),
        )  # fmt: skip
    reach = float(np.log10(max(2.2, *(drawn["drawn"].pipe(lambda v: np.maximum(v, 1 / v))))) if len(drawn) else 0.4)
    ticks = {at: said for at, said in TICKS.items() if reach < 0.7 or at in (1 / 16, 1 / 4, 1, 4, 16)}
    edge = 1.3 * reach + 0.06
    x = {
        "type": "log", "range": [-edge, edge], "tickvals": list(ticks), "ticktext": list(ticks.values()),
        "title": {"text": "× all customers (log scale)"},
    }  # fmt: skip
    axis = theme.rows([label(name) for name in names], showgrid=True)
    figure.add_shape(**theme.dotted(x0=1, x1=1, y0=0, y1=1, yref="paper"))
    return theme.dress(figure, 60 + 44 * len(names), numbers, xaxis=x, yaxis=axis)


def _within(part: pd.DataFrame) -> pd.DataFrame:
    """Add where each mark is drawn, kept within 16x, and on which side its number goes: at the ends only."""
    index = part["index"].where(part["index"] >= 0)
    drawn = index.clip(1 / REACH, REACH)
    end = pd.Series("", index=part.index).mask(drawn == drawn.max(), "right").mask(drawn == drawn.min(), "left")
    return part.assign(drawn=drawn.to_numpy(), end=end.to_numpy())


def _says(row: pd.Series, numbers: Numbers) -> str:
    """Return the hover of a mark: the segment's number and that of all customers."""
    what = str(row["index_of"])
    shares = "share" in what
    here, everyone = (row["share"], row["all_share"]) if shares else (row[what], row[f"all_{what}"])
    said = numbers.share if shares else numbers.value
    return f"Segment {row['segment']}, {text(row['name'])}<br>{text(what)} {said(here)}, all customers {said(everyone)}"


def _heatmap(parts: list[pd.DataFrame], names: list[str], theme: Theme, numbers: Numbers) -> go.Figure:
    shown = sorted(parts[0]["segment"].unique())[: SHOWN - 1 if parts[0]["segment"].nunique() > SHOWN else SHOWN]
    grids = [part.assign(name=name).drop_duplicates("segment").set_index("segment", drop=False).reindex(shown) for part, name in zip(parts, names, strict=True)]
    ratio = np.array([grid["index"].to_numpy(dtype=float) for grid in grids])
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.clip(np.log2(np.where(ratio >= 0, ratio, np.nan)), -np.log2(LIMIT), np.log2(LIMIT))
    small = 12 if len(shown) <= 6 else 10
    figure = go.Figure(
        go.Heatmap(
            z=np.round(depth, 3).tolist(), x=list(range(len(shown))), y=[-i for i in range(len(names))],
            text=[[numbers.multiple(v) for v in row] for row in ratio], texttemplate="%{text}", textfont={"size": small},
            hovertext=[[_says(row, numbers) for _, row in grid.iterrows()] for grid in grids],
            hovertemplate="%{hovertext}<extra></extra>", zmin=-np.log2(LIMIT), zmax=np.log2(LIMIT), zmid=0,
            colorscale=_stops(theme.scale("diverging")), showscale=False,
        )
    )  # fmt: skip
    x = {"side": "top", "showline": False, "ticks": "", "tickvals": list(range(len(shown))), "fixedrange": True}
    x |= {"ticktext": [f"<b>{int(n)}</b>" for n in shown], "tickfont": {"size": 13, "color": theme.ink}}
    axis = theme.rows([label(name) for name in names], range=[0.5 - len(names), 0.5])
    return theme.dress(figure, 40 + 40 * len(names), numbers, xaxis=x, yaxis=axis)


def _stops(colours: Sequence[str]) -> list[tuple[float, str]]:
    return [(i / (len(colours) - 1), colour) for i, colour in enumerate(colours)]


def _bars(
    values: pd.Series, said: Sequence[str], names: Sequence[str], theme: Theme, numbers: Numbers, title: str,
    colours: Sequence[str] | None = None,
) -> go.Figure:  # fmt: skip
    """Draw horizontal bars in ink, in the order given, with the number at the end of each."""
    figure = go.Figure(
        go.Bar(
            x=rounded(values), y=[-i for i in range(len(names))], orientation="h", text=[f"<b>{s}</b>" for s in said],
            textposition="outside", cliponaxis=False, textfont={"color": theme.ink, "size": 13},
            marker={"color": colours or theme.ink2},
            **hover(f"{text(name)}: {s}" for name, s in zip(names, said, strict=True)),
        )
    )  # fmt: skip
    high, low = max(float(values.max()), 0.0), min(float(values.min()), 0.0)
    room = 0.24 * (high - low or 1.0)
    x = {"range": [low - room * (low < 0), high + room * (high > 0)], "showgrid": True, "ticks": "", "showline": False}
    x |= {"title": {"text": title}, "zeroline": low < 0, "zerolinecolor": theme.control, "nticks": 5}
    axis = theme.rows([label(name) for name in names])
    return theme.dress(figure, 76 + 36 * len(names), numbers, xaxis=x, yaxis=axis)


def drivers(
    drivers: pd.DataFrame, *, labels: Mapping[str, str] | None = None, dark: bool = False, numbers: Numbers = ENGLISH
) -> go.Figure:
    """Draw how much of each column's variation the segments explain, at most 15 columns.

    Parameters
    ----------
    drivers
        One row per column, strongest first: ``column explained`` (0-1).
    """
    top = drivers.head(ROWS)
    said = [numbers.percent(share) for share in top["explained"]]
    names = [name_of(column, labels) for column in top["column"]]
    figure = _bars(top["explained"] * 100, said, names, Theme(dark), numbers, "Variation explained, %")
    return figure


def missing(
    columns: pd.DataFrame, *, gate: float | None = None, dark: bool = False, numbers: Numbers = ENGLISH
) -> go.Figure:
    """Draw the share of missing values of each column that has any, largest first.

    Parameters
    ----------
    columns
        One row per column: ``label missing missing_share`` (0-1).
    gate
        Share from which the quality check complains, drawn as a dotted line.
    """
    theme = Theme(dark)
    gaps = columns[columns["missing"] > 0].sort_values("missing_share", ascending=False, kind="stable").head(ROWS)
    said = [f"{numbers.share(share)}" for share in gaps["missing_share"]]
    figure = _bars(gaps["missing_share"] * 100, said, gaps["label"].tolist(), theme, numbers, "Missing, %")
    if gate is not None and gate <= float(gaps["missing_share"].max()) * 1.2:
        figure.add_shape(**theme.dotted(x0=gate * 100, x1=gate * 100, y0=0, y1=1, yref="paper"))
    return figure


def correlation(
    correlation: pd.DataFrame, *, labels: Mapping[str, str] | None = None, dark: bool = False,
    numbers: Numbers = ENGLISH,
) -> go.Figure:  # fmt: skip
    """Draw rank correlations: the lower triangle, or beyond 15 columns the 15 strongest pairs.

    Parameters
    ----------
    correlation
        Square matrix, index and columns are column names.
    """
    if len(correlation) > ROWS:
        return _strongest(correlation, labels, Theme(dark), numbers)
    return _triangle(correlation, labels, Theme(dark), numbers)


def pairs(correlation: pd.DataFrame) -> pd.DataFrame:
    """Return every pair of columns once, strongest first: ``first second r``."""
    names, r = list(correlation.columns), correlation.to_numpy(dtype=float)
    low, left = np.tril_indices(len(names), -1)
    table = pd.DataFrame({"first": [names[j] for j in left], "second": [names[i] for i in low], "r": r[low, left]})
    return table.dropna().sort_values("r", key=abs, ascending=False, kind="stable", ignore_index=True)


def _strongest(
    correlation: pd.DataFrame, labels: Mapping[str, str] | None, theme: Theme, numbers: Numbers
) -> go.Figure:
    top = pairs(correlation).head(ROWS)
    names = [f"{name_of(a, labels)} / {name_of(b, labels)}" for a, b in zip(top["first"], top["second"], strict=True)]
    ends = theme.scale("diverging")
    colours = [ends[-2] if r > 0 else ends[1] for r in top["r"]]
    return _bars(top["r"], [numbers.signed(r) for r in top["r"]], names, theme, numbers, "Rank correlation", colours)


def _triangle(
    correlation: pd.DataFrame, labels: Mapping[str, str] | None, theme: Theme, numbers: Numbers
) -> go.Figure:
    order = _related(correlation)
    r = correlation.iloc[order, order].to_numpy(dtype=float)
    names = [name_of(str(column), labels) for column in correlation.columns[order]]
    inside = np.tril(np.ones_like(r, dtype=bool), -1) & np.isfinite(r)
    down, across = range(1, len(names)), range(len(names) - 1)
    figure = go.Figure(
        go.Heatmap(
            z=[[round(r[i, j], 3) if inside[i, j] else None for j in across] for i in down], x=list(across), y=[-i for i in across],
            text=[[numbers.signed(r[i, j]) if inside[i, j] else "" for j in across] for i in down],
            texttemplate="%{text}", textfont={"size": 12 if len(names) <= 8 else 9}, hoverongaps=False,
            hovertext=[[f"{text(names[i])}<br>{text(names[j])}<br>{numbers.signed(r[i, j])}" for j in across] for i in down],
            hovertemplate="%{hovertext}<extra></extra>", zmin=-1, zmax=1, zmid=0,
            colorscale=_stops(theme.scale("diverging")), showscale=False,
        )
    )  # fmt: skip
    for j in across:
        figure.add_annotation(
            text=label(names[j], 12, 2), x=j, y=-j + 0.55, yanchor="bottom", font={"size": 11, "color": theme.ink2}
        )
    x = {"visible": False, "range": [-0.5, len(names) - 1.2]}
    axis = theme.rows([label(names[i]) for i in down], range=[1.5 - len(names), 1.2])
    return theme.dress(figure, 60 + 44 * (len(names) - 1), numbers, xaxis=x, yaxis=axis)


def _related(correlation: pd.DataFrame) -> list[int]:
    """Order columns so that related ones touch (average linkage on 1 - |r|)."""
    if len(correlation) < 3:
        return list(range(len(correlation)))
    apart = 1 - np.abs(np.nan_to_num(correlation.to_numpy(dtype=float)))
    np.fill_diagonal(apart, 0)
    return [int(i) for i in leaves_list(linkage(squareform((apart + apart.T) / 2, checks=False), "average"))]
