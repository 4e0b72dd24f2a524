"""Figures about the segments as a whole: how many, how large, where they lie, who is unusual.

Each takes one tidy table of the study and returns a figure without titles; the words around it are in
`insight.words.captions`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from segkit.insight.words.numbers import Numbers
from segkit.plots.theme import ENGLISH, SHOWN, Style, Theme, hover, label, rounded, text

INDICES = (
    ("silhouette", "Silhouette: higher is further apart"),
    ("davies_bouldin", "Davies–Bouldin: lower is further apart"),
    ("calinski_harabasz", "Calinski–Harabasz: higher is further apart"),
)


def choice(evidence: pd.DataFrame, *, dark: bool = False, numbers: Numbers = ENGLISH) -> go.Figure:
    """Draw three indices over the number of segments, the first against what chance gives.

    Parameters
    ----------
    evidence
        One row per k: ``segments silhouette davies_bouldin calinski_harabasz chance_mean chance_low chance_high z
        chosen asked``; rows with k = 1 are not drawn.
    """
    theme, tried = Theme(dark), evidence[evidence["segments"] >= 2]
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.16, row_heights=[0.5, 0.25, 0.25])
    _chance(figure, tried, theme)
    for row, (name, title) in enumerate(INDICES, start=1):
        _index(figure, tried, name, row, theme, numbers)
        figure.add_annotation(
            text=title, x=0, xref="paper", xanchor="left", xshift=-4, y=1, yref=f"y{row if row > 1 else ''} domain", yanchor="bottom",
            yshift=4, font={"color": theme.ink, "size": 13},
        )  # fmt: skip
    _marked(figure, tried, theme)
    ks = tried["segments"]
    figure.update_xaxes(dtick=1, range=[ks.min() - 0.5, ks.max() + 0.5], showticklabels=True)
    figure.update_xaxes(title_text="Number of segments", row=3, col=1)
    for row, (name, _) in enumerate(INDICES, start=1):
        low, high = min(0.0, tried[name].min()), max(tried[name].max(), 0.0)
        figure.update_yaxes(range=[low, low + 1.2 * (high - low or 1.0)], nticks=4, row=row, col=1)
    return theme.dress(figure, 560, numbers, margin={"l": 4, "r": 12, "t": 48, "b": 8})


def _chance(figure: go.Figure, tried: pd.DataFrame, theme: Theme) -> None:
    known = tried.dropna(subset=["chance_low", "chance_high"])
    if known.empty:
        return
    x, low, high = (known[c].tolist() for c in ("segments", "chance_low", "chance_high"))
    band = {"x": x + x[::-1], "y": rounded(high + low[::-1]), "mode": "lines", "line": {"width": 0}}
    figure.add_scatter(**band, fill="toself", fillcolor=theme.rule, hoverinfo="skip", row=1, col=1)
    note = {"font": {"color": theme.muted, "size": 12}, "xanchor": "right", "row": 1, "col": 1}
    figure.add_annotation(text="what chance gives", x=x[-1], y=(low[-1] + high[-1]) / 2, xshift=-6, **note)
    needed = _needed(known)
    if needed.notna().any():
        line = {"color": theme.baseline, "dash": "dot", "width": 1.5}
        values = rounded(needed)
        figure.add_scatter(x=x, y=values, mode="lines", line=line, hoverinfo="skip", row=1, col=1)
        figure.add_annotation(text="needed", x=x[-1], y=values[-1], yanchor="bottom", **note)


def _needed(known: pd.DataFrame) -> pd.Series:
    """What each k would have to reach: the mean of chance and four of its standard deviations."""
    if "needed" in known:
        return known["needed"]
    deviation = (known["silhouette"] - known["chance_mean"]) / known["z"].where(known["z"] != 0)
    return known["chance_mean"] + 4 * deviation


def _index(
    figure: go.Figure, tried: pd.DataFrame, name: str, row: int, theme: Theme, numbers: Numbers
) -> None:
    digits = 1 if name == "calinski_harabasz" else 3 if name == "silhouette" else 2
    said = [numbers.index(value, digits) for value in tried[name]]
    title = name.replace("_", "–").capitalize() if row > 1 else "silhouette"
    tips = (f"{k} segments, {title} {value}" for k, value in zip(tried["segments"], said, strict=True))
    marked = tried["chosen"] | tried["asked"]
    figure.add_scatter(
        x=tried["segments"].tolist(), y=rounded(tried[name].fillna(np.nan)), mode="lines+markers+text",
        line={"color": theme.ink, "width": 2}, text=[f"<b>{v}</b>" if m else "" for v, m in zip(said, marked, strict=True)],
        textposition="top center", textfont={"color": theme.ink, "size": 13}, cliponaxis=False,
        marker={"color": theme.ink, "line": {"width": 0}, "size": [11 if m else 7 for m in marked]},
        **hover(tips), row=row, col=1,
    )  # fmt: skip


def _marked(figure: go.Figure, tried: pd.DataFrame, theme: Theme) -> None:
    """Mark the chosen number over the full height, and the one the reader asked for with a dashed frame."""
    for k, chosen, asked in zip(tried["segments"], tried["chosen"], tried["asked"], strict=True):
        ends = {"type": "rect", "x0": k - 0.32, "x1": k + 0.32, "y0": 0, "y1": 1, "layer": "below", "yref": "paper"}
        if chosen:
            figure.add_shape(**ends, fillcolor=theme.sunken, line={"width": 0})
        if asked:
            figure.add_shape(**ends, line={"color": theme.control, "width": 1, "dash": "dash"})
        if chosen or asked:
            words = "chosen" if chosen else "asked for"
            font = {"color": theme.ink, "size": 12}
            figure.add_annotation(
                text=f"<b>{words}</b>", x=k, y=1, yref="paper", yanchor="bottom", yshift=26, font=font
            )


def has_value(sizes: pd.DataFrame) -> bool:
    """Tell whether shares of value can be drawn: known, and none below zero."""
    return "value_share" in sizes and bool(sizes["value_share"].notna().all() and (sizes["value_share"] >= 0).all())


def sizes(sizes: pd.DataFrame, *, value: str = "", dark: bool = False, numbers: Numbers = ENGLISH) -> go.Figure:
    """Draw shares of customers and of value: two 100 % bars, from 7 segments on a pair of bars each.

    Parameters
    ----------
    sizes
        One row per segment: ``segment share`` and, where a value is named, ``value_share``.
    value
        Words for the value column.
    """
    kinds = [("Customers", "share")]
    kinds += [(value or "Value", "value_share")] if has_value(sizes) else []
    if len(sizes) < 7:
        return _whole(sizes, kinds, Theme(dark), numbers)
    return _pairs(_largest(sizes), kinds, Theme(dark), numbers)


def _whole(sizes: pd.DataFrame, kinds: list[tuple[str, str]], theme: Theme, numbers: Numbers) -> go.Figure:
    figure, stacked = go.Figure(), len(sizes) > 3
    for _, row in sizes.iterrows():
        n, style = int(row["segment"]), theme.segment(int(row["segment"]))
        shares = [float(row[column]) for _, column in kinds]
        said = [numbers.share(share) for share in shares]
        tips = (f"Segment {n}: {s} of {text(k.lower())}" for s, (k, _) in zip(said, kinds, strict=True))
        figure.add_bar(
            x=shares, y=[-i for i in range(len(kinds))], orientation="h",
            text=[_inside(n, share, numbers, stacked=stacked) for share in shares],
            textposition="inside", insidetextanchor="middle", textangle=0, constraintext="none",
            textfont={"color": style.on, "size": 13},
            marker={"color": style.colour, "line": {"color": theme.surface, "width": 2}}, **hover(tips),
        )  # fmt: skip
    for i, (_, column) in enumerate(kinds):
        _beside(figure, sizes, column, -i, theme)
    axis = theme.rows([label(words) for words, _ in kinds])
    bars = {"barmode": "stack", "bargap": 0.3, "xaxis": {"visible": False, "range": [0, 1]}, "yaxis": axis}
    return theme.dress(figure, 30 + 70 * len(kinds), numbers, **bars)


def _inside(segment: int, share: float, numbers: Numbers, *, stacked: bool) -> str:
    """Return what fits inside a part on a phone: number and share, the number alone, or nothing."""
    if share < 0.04:
        return ""
    if share < 0.15:
        return f"<b>{segment}</b>"
    return f"<b>{segment}</b>{'<br>' if stacked else '   '}{numbers.share(share)}"


def _beside(figure: go.Figure, sizes: pd.DataFrame, column: str, y: float, theme: Theme) -> None:
    """Write the numbers of parts under 4 % above them, close ones together."""
    ends = sizes[column].cumsum()
    small = sizes[sizes[column] < 0.04]
    if small.empty:
        return
    middle = float((ends - sizes[column] / 2)[small.index].mean())
    words = ", ".join(str(n) for n in small["segment"])
    font = {"color": theme.ink, "size": 12}
    figure.add_annotation(text=f"<b>{words}</b>", x=min(middle, 0.98), y=y + 0.35, yanchor="bottom", font=font)


def _largest(sizes: pd.DataFrame) -> pd.DataFrame:
    """Keep at most twelve rows: beyond, the eleven largest and the sum of the rest as segment 0."""
    if len(sizes) <= SHOWN:
        return sizes
    rest = sizes.iloc[SHOWN - 1 :].sum(numeric_only=True).to_frame().T.assign(segment=0)
    return pd.concat([sizes.iloc[: SHOWN - 1], rest], ignore_index=True)


def _pairs(sizes: pd.DataFrame, kinds: list[tuple[str, str]], theme: Theme, numbers: Numbers) -> go.Figure:
    figure = go.Figure()
    styles = [theme.segment(int(n)) if n else _other(theme) for n in sizes["segment"]]
    for i, (words, column) in enumerate(kinds):
        said = [numbers.share(share) for share in sizes[column]]
        fill = [style.tint if i else style.colour for style in styles]
        tips = (f"{_who(n)}: {s} of {text(words.lower())}" for n, s in zip(sizes["segment"], said, strict=True))
        figure.add_bar(
            x=sizes[column].tolist(), y=[-row for row in range(len(sizes))], orientation="h", text=said,
            textposition="outside", cliponaxis=False, textfont={"color": theme.ink, "size": 12},
            marker={"color": fill, "line": {"color": [style.colour for style in styles], "width": 1.5}},
            offsetgroup=str(len(kinds) - i), **hover(tips),
        )  # fmt: skip
    figure.update_traces(width=0.84 / len(kinds))
    longest = max(float(sizes[column].max()) for _, column in kinds)
    axis = theme.rows([f"<b>{int(n)}</b>" if n else "other" for n in sizes["segment"]])
    x = {"visible": False, "range": [0, longest * 1.22]}
    return theme.dress(
        figure, 24 + (19 * len(kinds) + 6) * len(sizes), numbers, barmode="group", xaxis=x, yaxis=axis
    )


def _other(theme: Theme) -> Style:
    return Style(theme.control, theme.surface, theme.sunken, "circle-open")


def _who(segment: float) -> str:
    return f"Segment {int(segment)}" if segment else "Other segments"


def customer_map(
    points: pd.DataFrame, axes: Sequence[str] = ("", ""), *, names: Sequence[str] = (), dark: bool = False,
    numbers: Numbers = ENGLISH,
) -> go.Figure:  # fmt: skip
    """Draw customers on two principal components, hollow near the border, unusual ones last and outlined in ink.

    Parameters
    ----------
    points
        One row per drawn customer: ``x y segment border outlier``, and ``id fit`` (whole per cent) for the hover.
    axes
        What increases along x and y, in words.
    names
        Names of the segments, shown on tags while there are at most three.
    """
    figure, theme = go.Figure(), Theme(dark)
    size = 8 if len(points) <= 2_000 else 6 if len(points) <= 8_000 else 4
    count = int(points["segment"].max()) if len(points) else 1
    for unusual in (False, True):
        for n in sorted(points["segment"].unique()):
            style = _other(theme) if count > SHOWN and n >= SHOWN else theme.segment(int(n))
            mine = points[(points["segment"] == n) & (points["outlier"] == unusual)]
            for hollow in (False, True):
                _cloud(figure, mine[mine["border"] == hollow], style, size, theme, hollow=hollow, unusual=unusual)
    if count > 1:
        _name_tags(figure, points, names if count <= 3 else (), theme)
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "showline": True, "zeroline": False}
    titles = [label(words, 44, 2) for words in axes]
    return theme.dress(
        figure, 460, numbers, xaxis={**bare, "title": {"text": titles[0]}},
        yaxis={**bare, "scaleanchor": "x", "title": {"text": titles[1]}},
    )  # fmt: skip


def _cloud(
    figure: go.Figure, mine: pd.DataFrame, style: Style, size: int, theme: Theme, *, hollow: bool, unusual: bool
) -> None:
    if mine.empty:
        return
    shape = style.symbol if not hollow or style.symbol.endswith("-open") else f"{style.symbol}-open"
    edge = {"width": 1.4, "color": theme.ink} if unusual else {"width": 1.4 if hollow else 0}
    line = edge | ({"color": style.colour} if hollow and not unusual else {})
    more = {"customdata": mine[["id", "fit"]].to_numpy().tolist()} if "id" in mine else {}
    segment = int(mine["segment"].iloc[0])
    figure.add_scatter(
        x=rounded(mine["x"]), y=rounded(mine["y"]), mode="markers", **more,
        marker={"symbol": shape, "size": size, "color": style.colour, "opacity": 0.8, "line": line},
        hovertemplate=f"Customer %{{customdata[0]}}<br>segment {segment}, fit %{{customdata[1]}}\u00a0%<extra></extra>"
        if more else f"Segment {segment}<extra></extra>",
    )  # fmt: skip


def _name_tags(figure: go.Figure, points: pd.DataFrame, names: Sequence[str], theme: Theme) -> None:
    """Tag each cloud at the edge that points away from the middle of all customers."""
    middle = points[["x", "y"]].median().to_numpy()
    for n, mine in points.groupby("segment"):
        style, centre = theme.segment(int(n)), mine[["x", "y"]].median().to_numpy()
        away = centre - middle
        away = away / (np.hypot(*away) or 1.0)
        reach = float(np.quantile((mine[["x", "y"]].to_numpy() - centre) @ away, 0.97))
        spot = centre + away * reach
        words = f"<b>{n}</b>  {label(names[int(n) - 1], 16, 2)}" if names and names[int(n) - 1] else f"<b>{n}</b>"
        side = "center" if not names or abs(away[0]) < 0.5 else "right" if away[0] > 0 else "left"
        figure.add_annotation(
            text=words, x=float(spot[0]), y=float(spot[1]), xanchor=side, align="left", borderpad=3,
            bgcolor=style.colour, bordercolor=theme.surface, opacity=0.94, font={"color": style.on, "size": 12},
        )  # fmt: skip


def unusual(
    distances: pd.DataFrame, cutoffs: Sequence[float] = (), *, dark: bool = False, numbers: Numbers = ENGLISH
) -> go.Figure:
    """Draw how far customers lie from the middle of their segment, one strip each, crosses beyond the cut.

    Parameters
    ----------
    distances
        One row per drawn customer: ``segment distance outlier`` and ``id``.
    cutoffs
        Distance from which a customer is unusual, one per segment.
    """
    figure, theme = go.Figure(), Theme(dark)
    shown = sorted(distances["segment"].unique())
    spread = np.random.default_rng(0).uniform(-0.24, 0.24, len(distances))
    placed = distances.assign(y=spread - distances["segment"].map({n: i for i, n in enumerate(shown)}))
    for n in shown:
        style = theme.segment(int(n))
        mine = placed[placed["segment"] == n]
        pale = {"color": style.colour, "symbol": style.symbol, "size": 6, "opacity": 0.55, "line": {"width": 0}}
        _strip(figure, mine[~mine["outlier"]], pale, numbers)
    cross = {"color": theme.ink, "symbol": "x-thin", "size": 8, "line": {"width": 1.6, "color": theme.ink}}
    _strip(figure, placed[placed["outlier"]], cross, numbers)
    for i, n in enumerate(shown):
        if int(n) <= len(cutoffs) and np.isfinite(cutoffs[int(n) - 1]):
            cut = float(cutoffs[int(n) - 1])
            figure.add_shape(**theme.dotted(x0=cut, x1=cut, y0=-i - 0.36, y1=-i + 0.36))
    axis = theme.rows([f"<b>{int(n)}</b>" for n in shown])
    x = {"rangemode": "tozero", "title": {"text": "Distance from the middle"}}
    return theme.dress(figure, 70 + 50 * len(shown), numbers, xaxis=x, yaxis=axis)


def _strip(figure: go.Figure, mine: pd.DataFrame, marker: dict[str, object], numbers: Numbers) -> None:
    ids = mine["id"] if "id" in mine else mine.index
    tips = (
        f"Customer {text(who)}<br>segment {n}, distance {numbers.index(d)}"
        for who, n, d in zip(ids, mine["segment"], mine["distance"], strict=True)
    )
    figure.add_scatter(
        x=rounded(mine["distance"]), y=rounded(mine["y"]), mode="markers", marker=marker, **hover(tips)
    )
