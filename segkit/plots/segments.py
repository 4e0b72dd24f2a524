"""Figures about the segments as a whole: how many, how large, where they lie, who is unusual.

Each takes one tidy table of the study and returns a figure without titles; the words around it are in
`insight.words.captions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from segkit.insight.words.captions import SHOWN, records
from segkit.insight.words.numbers import Numbers
from segkit.plots.theme import ENGLISH, Theme, bold, hover, label, parts, rounded
from segkit.safe import plotly as text

BAND = 3.29  # standard deviations between the 5 and the 95 % point of a normal law
INDICES = {  # what each is called, its digits, and what the picture asks
    "silhouette": ("silhouette", 3, "Silhouette: higher is further apart"),
    "davies_bouldin": ("Davies–Bouldin", 2, "Davies–Bouldin: lower is further apart"),
    "calinski_harabasz": ("Calinski–Harabasz", 1, "Calinski–Harabasz: higher is further apart"),
}


def choice(evidence: pd.DataFrame, *, dark: bool = False, numbers: Numbers = ENGLISH) -> go.Figure:
    """Draw three indices over the number of segments, the first against what chance gives.

    Parameters
    ----------
    evidence
        One row per k: ``segments tested davies_bouldin calinski_harabasz chance_mean chance_low
        chance_high z chosen asked``; k = 1 is not drawn.
    """
    theme, tried = Theme(dark), evidence[evidence["segments"] >= 2]
    titles = [title for _, _, title in INDICES.values()]
    figure = make_subplots(
        3, 1, shared_xaxes=True, vertical_spacing=0.16, row_heights=[2, 1, 1], subplot_titles=titles
    )
    figure.update_annotations(x=0, xanchor="left", font={"color": theme.ink, "size": 13})
    _chance(figure, tried.dropna(subset=["chance_low", "chance_high"]), theme)
    for row, name in enumerate(INDICES, start=1):
        _index(figure, tried.assign(silhouette=tried["tested"]), name, row, theme, numbers=numbers)
    _marked(figure, tried, theme)
    ks = tried["segments"]
    figure.update_xaxes(dtick=1, range=[ks.min() - 0.5, ks.max() + 0.5], showticklabels=True)
    figure.update_xaxes(title_text="Number of segments", row=3, col=1)
    return theme.dress(figure, 560, numbers, margin={"l": 4, "r": 12, "t": 48, "b": 8})


def _chance(figure: go.Figure, known: pd.DataFrame, theme: Theme) -> None:
    """Draw what chance gives, and what each k needs: the mean of chance and four of its deviations."""
    if known.empty:
        return
    x, low, high = (known[c].tolist() for c in ("segments", "chance_low", "chance_high"))
    plain = {"mode": "lines", "hoverinfo": "skip", "row": 1, "col": 1}
    band = {"x": x + x[::-1], "y": rounded(high + low[::-1]), "fill": "toself", "fillcolor": theme.rule}
    figure.add_scatter(**band, line={"width": 0}, **plain)
    sds = (known["chance_high"] - known["chance_low"]) / BAND
    needed = known.get("needed", known["chance_mean"] + 4 * sds)
    line = {"color": theme.baseline, "dash": "dot", "width": 1.5}
    figure.add_scatter(x=x, y=rounded(needed), line=line, **plain)


def _index(
    figure: go.Figure, tried: pd.DataFrame, name: str, row: int, theme: Theme, *, numbers: Numbers
) -> None:
    """Draw one index on its own scale from zero, the marked numbers larger and with their value."""
    words, digits, _ = INDICES[name]
    said = [numbers.index(value, digits) for value in tried[name]]
    marked = (tried["chosen"] | tried["asked"]).tolist()
    tips = (f"{k} segments, {words} {value}" for k, value in zip(tried["segments"], said, strict=True))
    figure.add_scatter(
        x=tried["segments"].tolist(), y=rounded(tried[name]), mode="lines+markers+text", cliponaxis=False,
        line={"color": theme.ink, "width": 2}, textposition="top center",
        textfont={"color": theme.ink, "size": 13},
        text=[f"<b>{value}</b>" if mark else "" for value, mark in zip(said, marked, strict=True)],
        marker={"color": theme.ink, "line": {"width": 0}, "size": [11 if mark else 7 for mark in marked]},
        **hover(tips), row=row, col=1,
    )  # fmt: skip
    low, high = min(0.0, tried[name].min()), max(0.0, tried[name].max())
    figure.update_yaxes(
        range=[low, low + 1.35 * (high - low or 1.0)], nticks=4, tickformat=",", row=row, col=1
    )


def _marked(figure: go.Figure, tried: pd.DataFrame, theme: Theme) -> None:
    """Mark the chosen number over the full height, and the one the reader asked for with a dashed frame."""
    for row in records(tried[tried["chosen"] | tried["asked"]]):
        k, fill = row["segments"], theme.sunken if row["chosen"] else "rgba(0,0,0,0)"
        ends = {"type": "rect", "x0": k - 0.32, "x1": k + 0.32, "y0": 0, "y1": 1, "yref": "paper"}
        line = {"color": theme.control, "width": 1 if row["asked"] else 0, "dash": "dash"}
        figure.add_shape(**ends, layer="below", fillcolor=fill, line=line)
        words = "<b>chosen</b>" if row["chosen"] else "<b>asked for</b>"
        place = {"x": k, "y": 1, "yref": "paper", "yanchor": "bottom", "yshift": 26}
        figure.add_annotation(text=words, font={"color": theme.ink, "size": 12}, **place)


def has_value(sizes: pd.DataFrame) -> bool:
    """Tell whether shares of value can be drawn: known, and none below zero."""
    return "value_share" in sizes and bool((sizes["value_share"] >= 0).all())


def sizes(
    sizes: pd.DataFrame, *, value: str = "", dark: bool = False, numbers: Numbers = ENGLISH
) -> go.Figure:
    """Draw shares of customers and of value: two 100 % bars, from 7 segments on a pair of bars each.

    Parameters
    ----------
    sizes
        One row per segment: ``segment share`` and, where a value is named, ``value_share``.
    value
        Words for the value column.
    """
    kinds = {"share": "Customers"} | ({"value_share": value or "Value"} if has_value(sizes) else {})
    return (_whole if len(sizes) < 7 else _pairs)(sizes, kinds, Theme(dark), numbers)


def _tips(sizes: pd.DataFrame, column: str, words: str, numbers: Numbers) -> dict[str, Any]:
    said = ((n, numbers.share(share)) for n, share in zip(sizes["segment"], sizes[column], strict=True))
    whose = (f"Segment {int(n)}: {share}" if n else f"Other segments: {share}" for n, share in said)
    return hover(f"{line} of {text(words.lower())}" for line in whose)


def _whole(sizes: pd.DataFrame, kinds: dict[str, str], theme: Theme, numbers: Numbers) -> go.Figure:
    figure = go.Figure()
    gap = "<br>" if len(sizes) > 3 else "   "
    for y, (column, words) in enumerate(kinds.items()):
        for n, part in parts(sizes):
            style, share = theme.segment(n), float(part[column].iloc[0])
            inside = f"<b>{n}</b>{gap}{numbers.share(share)}" if share >= 0.18 else f"<b>{n}</b>"
            figure.add_bar(
                x=[share], y=[-y], orientation="h", text=[inside if share >= 0.04 else ""], textangle=0,
                textposition="inside", insidetextanchor="middle", constraintext="none",
                textfont={"color": style.on, "size": 13},
                marker={"color": style.colour, "line": {"color": theme.surface, "width": 2}},
                **_tips(part, column, words, numbers),
            )  # fmt: skip
        _beside(figure, sizes, column, -y, theme)
    axis = theme.rows(label(words) for words in kinds.values())
    bars = {"barmode": "stack", "bargap": 0.3, "xaxis": {"visible": False, "range": [0, 1]}, "yaxis": axis}
    return theme.dress(figure, 30 + 70 * len(kinds), numbers, **bars)


def _beside(figure: go.Figure, sizes: pd.DataFrame, column: str, y: float, theme: Theme) -> None:
    """Write the numbers of parts under 4 % above them, close ones together."""
    small = sizes[sizes[column] < 0.04]
    if len(small):
        middle = float((sizes[column].cumsum() - sizes[column] / 2)[small.index].mean())
        words = f"<b>{', '.join(map(str, small['segment']))}</b>"
        place = {"x": min(middle, 0.98), "y": y + 0.35, "yanchor": "bottom"}
        figure.add_annotation(text=words, font={"color": theme.ink, "size": 12}, **place)


def _pairs(sizes: pd.DataFrame, kinds: dict[str, str], theme: Theme, numbers: Numbers) -> go.Figure:
    figure, count = go.Figure(), len(sizes)
    if count > SHOWN:
        rest = sizes.iloc[SHOWN - 1 :].sum(numeric_only=True).to_frame().T.assign(segment=0)
        sizes = pd.concat([sizes.iloc[: SHOWN - 1], rest], ignore_index=True)
    styles = [theme.segment(int(n), count) for n in sizes["segment"]]
    for column, words in reversed(kinds.items()):  # plotly draws the first group lowest
        fill = [style.tint if column == "value_share" else style.colour for style in styles]
        figure.add_bar(
            x=rounded(sizes[column]), y=[-row for row in range(len(sizes))], orientation="h",
            cliponaxis=False, text=[numbers.share(share) for share in sizes[column]], textposition="outside",
            textfont={"color": theme.ink, "size": 12},
            marker={"color": fill, "line": {"color": [style.colour for style in styles], "width": 1.5}},
            **_tips(sizes, column, words, numbers),
        )  # fmt: skip
    longest = max(float(sizes[column].max()) for column in kinds)
    axis = theme.rows(f"<b>{int(n)}</b>" if n else "other" for n in sizes["segment"])
    x = {"visible": False, "range": [0, longest * 1.22]}
    height = 24 + (19 * len(kinds) + 6) * len(sizes)
    return theme.dress(figure, height, numbers, barmode="group", bargap=0.16, xaxis=x, yaxis=axis)


def customer_map(
    points: pd.DataFrame, axes: Sequence[str] = ("", ""), *, names: Sequence[str] = (), dark: bool = False,
    numbers: Numbers = ENGLISH,
) -> go.Figure:  # fmt: skip
    """Draw customers on two principal components: hollow near the border, unusual ones last, ringed in ink.

    Parameters
    ----------
    points
        One row per drawn customer: ``x y segment border outlier``, ``id fit`` (whole per cent) for the hover,
        and ``row``, which a live page tells of the customers its reader draws around.
    axes
        What increases along x and y, in words.
    names
        Names of the segments, shown on tags while there are at most three.
    """
    figure, theme, segments = go.Figure(), Theme(dark), sorted(points["segment"].unique())
    for unusual in (False, True):
        for n in segments:
            mine = points[(points["segment"] == n) & (points["outlier"] == unusual)]
            for hollow in (False, True):
                _cloud(figure, mine[mine["border"] == hollow], len(points), max(segments), theme)
    if len(segments) > 1:
        _name_tags(figure, points, names if len(segments) <= 3 else (), theme)
    bare = {"showticklabels": False, "ticks": "", "showgrid": False, "showline": True, "zeroline": False}
    x, y = ({**bare, "title": {"text": label(words, 44)}} for words in axes)
    # both axes have one scale, so a narrow page makes the picture lower, or most of it would be empty
    wide, tall = (float(np.ptp(points[axis])) for axis in ("x", "y"))
    figure.update_layout(meta={"aspect": round(tall / (wide or 1.0), 3)})
    return theme.dress(figure, 460, numbers, xaxis=x, yaxis={**y, "scaleanchor": "x"})


def _cloud(figure: go.Figure, mine: pd.DataFrame, drawn: int, count: int, theme: Theme) -> None:
    """Draw customers of one segment that look the same."""
    if mine.empty:
        return
    segment, hollow, unusual = mine[["segment", "border", "outlier"]].iloc[0]
    style = theme.segment(int(segment), count)
    shape = style.symbol if not hollow or style.symbol.endswith("-open") else f"{style.symbol}-open"
    line = {"width": 1.2 if hollow or unusual else 0, "color": theme.ink if unusual else style.colour}
    size = 8 if drawn <= 2_000 else 6 if drawn <= 8_000 else 5
    known = [name for name in ("id", "fit", "row") if name in mine]
    who = {"customdata": mine[known].to_numpy().tolist()} if "id" in mine else {}
    said = "Customer %{customdata[0]}<br>" if who else ""
    fit = ", fit %{customdata[1]}\u00a0%" if who else ""
    figure.add_scatter(
        x=rounded(mine["x"]), y=rounded(mine["y"]), mode="markers", **who,
        marker={"symbol": shape, "size": size, "color": style.colour, "opacity": 0.8, "line": line},
        hovertemplate=f"{said}Segment {segment}{fit}<extra></extra>",
    )  # fmt: skip


def _name_tags(figure: go.Figure, points: pd.DataFrame, names: Sequence[str], theme: Theme) -> None:
    """Tag each cloud at the edge that points away from the middle of all customers."""
    middle = points[["x", "y"]].median().to_numpy()
    for n, mine in parts(points):
        style, places = theme.segment(n, points["segment"].max()), mine[["x", "y"]].to_numpy()
        centre = np.median(places, axis=0)
        away = (centre - middle) / (np.hypot(*(centre - middle)) or 1.0)
        spot = centre + away * np.quantile((places - centre) @ away, 0.97)
        words = f"<b>{n}</b>  {label(names[n - 1], 16)}" if names else f"<b>{n}</b>"
        side = "center" if not names or abs(away[0]) < 0.5 else "right" if away[0] > 0 else "left"
        figure.add_annotation(
            text=words, x=float(spot[0]), y=float(spot[1]), xanchor=side, align="left", borderpad=3,
            bgcolor=style.colour, bordercolor=theme.surface, opacity=0.94,
            font={"color": style.on, "size": 12},
        )  # fmt: skip


def unusual(
    distances: pd.DataFrame, cutoffs: Sequence[float] = (), *, dark: bool = False, numbers: Numbers = ENGLISH
) -> go.Figure:
    """Draw how far customers lie from the middle of their segment, one strip each, crosses beyond the cut.

    Parameters
    ----------
    distances
        One row per drawn customer: ``id segment distance outlier``.
    cutoffs
        Distance from which a customer is unusual, one per segment.
    """
    figure, theme, shown = go.Figure(), Theme(dark), sorted(distances["segment"].unique())
    spread = np.random.default_rng(0).uniform(-0.24, 0.24, len(distances))
    placed = distances.assign(y=spread - distances["segment"].map({n: i for i, n in enumerate(shown)}))
    for n, mine in parts(placed[~placed["outlier"]]):
        style = theme.segment(n, max(shown))
        pale = {
            "color": style.colour,
            "symbol": style.symbol,
            "size": 6,
            "opacity": 0.55,
            "line": {"width": 0},
        }
        _strip(figure, mine, pale, numbers)
    cross = {"color": theme.ink, "symbol": "x-thin", "size": 8, "line": {"width": 1.6, "color": theme.ink}}
    _strip(figure, placed[placed["outlier"]], cross, numbers)
    for y, n in enumerate(shown):
        if n <= len(cutoffs) and np.isfinite(cutoffs[n - 1]):
            figure.add_shape(**theme.dotted(x0=cutoffs[n - 1], x1=cutoffs[n - 1], y0=-y - 0.36, y1=-y + 0.36))
    x = {"rangemode": "tozero", "title": {"text": "Distance from the middle"}}
    return theme.dress(figure, 70 + 50 * len(shown), numbers, xaxis=x, yaxis=theme.rows(bold(shown)))


def _strip(figure: go.Figure, mine: pd.DataFrame, marker: dict[str, Any], numbers: Numbers) -> None:
    tips = (
        f"Customer {text(row['id'])}<br>segment {row['segment']}, distance {numbers.index(row['distance'])}"
        for row in records(mine)
    )
    where = {"x": rounded(mine["distance"]), "y": rounded(mine["y"])}
    figure.add_scatter(**where, mode="markers", marker=marker, **hover(tips))
