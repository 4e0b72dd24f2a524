"""What chance gives: draws of one population that looks like the customers but has no segments.

Each number keeps its shape with the dips filled in (the nearest unimodal law), each category and each number of few values
keeps its law exactly, as one variable; the variables hang together as in the data through a copula with one middle, and
values are missing where they are missing in the data. Two copulas are on offer: Gaussian, and elliptical with a radius
learnt from the data, which admits heavy tails that strike all columns at once. Draws are raw customers: they go through the
same preparation and the same sweep as the real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse, special

Frame: TypeAlias = nw.DataFrame[Any]
Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]

FEW_VALUES = 10  # a number with at most so many different values is kept exactly
ATOM = 0.05  # a value held by this share (no spend at all, say) is a fact about buyers, not a dip


@dataclass(frozen=True, eq=False)
class Margin:
    """One column: the code of each row's value, in order (-1 missing), and how a share 0..1 becomes a value.

    A column kept exactly has `examples`, a row of the frame for each code. Otherwise (`values`, `shares`) is the
    distribution function to invert, and `grid` holds the values to round to where the column is not continuous.
    """

    name: str
    codes: Places
    examples: Places | None = None
    values: Floats | None = None
    shares: Floats | None = None
    grid: Floats | None = None


@dataclass(frozen=True, eq=False)
class Population:
    """One population learnt from a frame: its columns, their joint axes on the normal scale, and the rows' radii."""

    frame: Frame
    margins: tuple[Margin, ...]
    axes: Floats
    radii: Floats

    def draw(self, copies: int, *, elliptical: bool, seed: int) -> Frame:
        """Return `copies` tables like the frame, one below the other, in its own kind of frame."""
        rng = np.random.default_rng(seed)
        rows = len(self.frame) * copies
        latent = rng.standard_normal((rows, self.axes.shape[1]))
        if elliptical:
            latent *= (_radius(self.radii, latent.shape[1], rows, rng) / np.linalg.norm(latent, axis=1))[:, None]
        latent = latent @ self.axes.T
        shares = (latent.argsort(axis=0).argsort(axis=0) + 0.5) / rows if elliptical else special.ndtr(latent)
        gaps = np.concatenate([rng.permutation(len(self.frame)) for _ in range(copies)])
        drawn = [_column(self.frame, each, shares[:, i], gaps) for i, each in enumerate(self.margins)]
        return nw.concat(drawn, how="horizontal")


def learn(frame: Frame, *, numbers: Sequence[str], categories: Sequence[str], seed: int = 0) -> Population:
    """Learn one population from the named columns of a frame of a few thousand rows."""
    rng = np.random.default_rng(seed)
    found = [_number(name, frame[name]) for name in numbers]
    margins = found + _ordered([_factor(name, frame[name]) for name in categories], found, len(frame))
    axes = _axes([each.codes for each in margins])
    jittered = np.column_stack([_jittered(each.codes, rng) for each in margins])
    directions, lengths, _ = np.linalg.svd(axes, full_matrices=False)
    radii = np.linalg.norm(jittered @ directions / np.hypot(lengths, 0.2), axis=1)
    return Population(frame, tuple(margins), axes, radii)


# ------------------------------------------------------------------------------------------------- columns


def _number(name: str, series: nw.Series[Any]) -> Margin:
    numbers = np.array([np.nan if value is None else float(value) for value in series.to_list()])
    present = np.isfinite(numbers)
    grid, first, inverse = np.unique(numbers[present], return_index=True, return_inverse=True)
    codes = np.full(len(numbers), -1)
    codes[present] = inverse
    if len(grid) <= FEW_VALUES:
        return Margin(name, codes, examples=np.flatnonzero(present)[first])
    values, shares = unimodal(numbers[present])
    return Margin(name, codes, values=values, shares=shares, grid=grid if 5 * len(grid) < len(inverse) else None)


def _factor(name: str, series: nw.Series[Any]) -> Margin:
    places: dict[Any, int] = {}
    listed = series.to_list()
    codes = np.array([-1 if value is None or value != value else places.setdefault(value, len(places)) for value in listed])
    return Margin(name, codes, examples=np.array([int((codes == code).argmax()) for code in range(len(places))], dtype=np.intp))


def unimodal(values: Floats) -> tuple[Floats, Floats]:
    """Return the nearest unimodal law as (values, distribution function), to be joined by straight lines.

    The empirical distribution function is replaced by its greatest convex minorant left of a mode and its least concave
    majorant right of it; the mode is where the larger of the two gaps is smallest. A value that holds 5 % of the
    rows or more (the most frequent one) is set apart first and put back as it was. Source: Hartigan and Hartigan (1985),
    The dip test of unimodality.

    Examples
    --------
    >>> x, share = unimodal(np.array([1.0, 2.0, 3.0, 4.0]))
    >>> x.tolist(), share.tolist()
    ([1.0, 2.0, 3.0, 4.0], [0.25, 0.5, 0.75, 1.0])
    """
    points, counts = np.unique(values, return_counts=True)
    top = int(counts.argmax())
    atom = counts[top] if counts[top] >= ATOM * len(values) and len(points) > 2 else 0
    kept = np.arange(len(points)) != (top if atom else -1)
    shares = _unimodal_shares(points[kept], counts[kept])
    if not atom:
        return points, shares
    weight = atom / len(values)
    below = float(np.interp(points[top], points[kept], shares, left=0.0))
    place = int(np.searchsorted(points[kept], points[top]))
    return (
        np.insert(points[kept], place, [points[top]] * 2),
        np.insert(shares * (1 - weight), place, [below * (1 - weight)] * 2) + weight * (np.arange(len(shares) + 2) > place),
    )


def _unimodal_shares(points: Floats, counts: NDArray[np.intp]) -> Floats:
    upper = np.cumsum(counts) / counts.sum()
    lower = np.concatenate([[0.0], upper[:-1]])

    def halves(mode: int) -> tuple[Floats, Floats]:
        left = _hull(points[: mode + 1], lower[: mode + 1], convex=True)
        return left, _hull(points[mode:], upper[mode:], convex=False)

    def gaps(mode: int) -> tuple[float, float]:
        left, right = halves(mode)
        return float((lower[: mode + 1] - left).max()), float((right - upper[mode:]).max())

    low, high = 0, len(points) - 1
    while low < high:  # the left gap only grows with the mode, the right one only falls: they cross once
        middle = (low + high) // 2
        left_gap, right_gap = gaps(middle)
        low, high = (low, middle) if left_gap >= right_gap else (middle + 1, high)
    mode = min((at for at in (low - 1, low) if at >= 0), key=lambda at: max(gaps(at)))
    left, right = halves(mode)
    return np.concatenate([left[:-1], right])


def _hull(points: Floats, shares: Floats, *, convex: bool) -> Floats:
    """Return the greatest convex minorant or least concave majorant at the points: its slopes are an isotonic fit."""
    widths = np.diff(points)
    if len(widths) == 0:
        return shares
    slopes = optimize.isotonic_regression(np.diff(shares) / widths, weights=widths, increasing=convex).x
    return shares[0] + np.concatenate([[0.0], np.cumsum(slopes * widths)])


def _ordered(factors: list[Margin], known: list[Margin], rows: int) -> list[Margin]:
    """Put the levels of each factor in order along the main axis of all columns, so that a copula can tie them."""
    if not factors:
        return []
    members = [np.eye(len(each.examples))[each.codes] * (each.codes >= 0)[:, None] for each in factors]
    table = np.hstack([*(_scores(each.codes)[:, None] for each in known), *(m - m.mean(axis=0) for m in members)])
    axis = sparse.linalg.svds(table, k=1, v0=np.ones(min(table.shape)))[0][:, 0] if min(table.shape) > 1 else table[:, 0]
    return [_reordered(each, axis) for each in factors]


def _reordered(factor: Margin, axis: Floats) -> Margin:
    present = factor.codes >= 0
    sums = np.bincount(factor.codes[present], weights=axis[present])
    order = np.argsort(sums / np.bincount(factor.codes[present]), kind="stable")
    rank = np.append(np.argsort(order), -1)
    return replace(factor, codes=rank[factor.codes], examples=factor.examples[order])


def _column(frame: Frame, margin: Margin, shares: Floats, gaps: Places) -> Frame:
    """Return one drawn column, with the gaps of the rows `gaps`."""
    absent = margin.codes[gaps] < 0
    if margin.examples is None:
        values = np.interp(shares, margin.shares, margin.values)
        if margin.grid is not None:
            values = margin.grid[_nearest(margin.grid, values)]
        values[absent] = np.nan
        return nw.from_dict({margin.name: values}, backend=frame.implementation)
    counts = np.bincount(margin.codes[margin.codes >= 0])
    codes = np.minimum(np.searchsorted(counts.cumsum() / max(counts.sum(), 1), shares), max(len(counts) - 1, 0))
    rows = np.where(absent, (margin.codes < 0).argmax(), margin.examples[codes] if len(counts) else 0)
    return nw.maybe_reset_index(frame[margin.name][rows].to_frame())


def _nearest(grid: Floats, values: Floats) -> Places:
    return np.searchsorted((grid[1:] + grid[:-1]) / 2, values)


# ------------------------------------------------------------------------------------------- joint behaviour


def _scores(codes: Places) -> Floats:
    """Return the mean of a standard normal over each row's slice of ranks; 0 where the value is missing."""
    present = codes >= 0
    edges = np.concatenate([[0.0], np.cumsum(np.bincount(codes[present]))]) / max(present.sum(), 1)
    density = np.exp(-0.5 * special.ndtri(edges) ** 2) / np.sqrt(2 * np.pi)
    means = (density[:-1] - density[1:]) / np.maximum(np.diff(edges), 1e-12)
    return np.append(means, 0.0)[codes]


def _jittered(codes: Places, rng: np.random.Generator) -> Floats:
    """Return normal scores with ties broken at random, and a random one where the value is missing."""
    present = codes >= 0
    scores = rng.standard_normal(len(codes))
    ranks = np.lexsort((rng.random(int(present.sum())), codes[present])).argsort()
    scores[present] = special.ndtri((ranks + 0.5) / max(len(ranks), 1))
    return scores


def _axes(codes: list[Places]) -> Floats:
    """Return A, shape (columns, axes), with A A' the correlation of the columns' hidden normals.

    Slices of ranks weaken a correlation by the variance their means keep, to first order; it is divided out.
    """
    scores = np.column_stack([_scores(each) for each in codes])
    both = np.column_stack([(each >= 0).astype(np.float64) for each in codes])
    shared = (scores.T @ scores) / np.maximum(both.T @ both, 1.0)
    kept = np.maximum(shared.diagonal(), 1e-12)
    correlation = np.clip(shared / np.outer(kept, kept), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    axes = vectors * np.sqrt(np.maximum(values, 0.0))
    return axes / np.linalg.norm(axes, axis=1, keepdims=True)


def _radius(radii: Floats, axes: int, rows: int, rng: np.random.Generator) -> Floats:
    """Draw radii from the nearest law whose density falls from the middle outwards in `axes` dimensions.

    The volume r^axes then has a falling density: the least concave majorant of its distribution (Grenander 1956).
    """
    largest = radii.max()
    volumes, counts = np.unique(np.append((radii / largest) ** axes, 0.0), return_counts=True)
    counts[0] -= 1
    shares = _hull(volumes, np.cumsum(counts) / len(radii), convex=False)
    return largest * np.interp(rng.random(rows), shares, volumes) ** (1.0 / axes)
