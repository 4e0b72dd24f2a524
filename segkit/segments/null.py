"""What chance gives: draws of one population that looks like the customers but has no segments.

Each number keeps its shape with the dips filled in (the nearest unimodal law); each category, and each number
of few values, keeps its law exactly, as one variable. The variables hang together as in the data through a
copula with one middle, and values are missing where they are missing in the data. Two copulas are on offer:
Gaussian, and elliptical with a radius learnt from the data, which admits tails that strike all columns at
once. Draws are raw customers: they go through the same preparation and the same sweep as the real ones.
A draw of a column that is kept exactly tells rows of the sample, so that its values are prepared only once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from segkit.segments.validity import Floats

Frame: TypeAlias = nw.DataFrame[Any]
Places: TypeAlias = NDArray[np.intp]

FEW_VALUES = 10  # a number with at most so many different values is kept exactly
LATTICE = 5  # a number with fewer different values than rows over this is rounded to those values
ATOM = 0.05  # a value held by this share (no spend at all, say) is a fact about buyers, not a dip
NOISE = 4.0  # squared correlations under this over the rows are taken for chance, which draws add again
FLOOR = 0.2  # shortest axis when radii are measured: nearly equal columns must not blow them up


@dataclass(frozen=True, eq=False)
class Exact:
    """A column kept as it is: the code of each row's value (-1 missing) and a row that shows each code."""

    name: str
    codes: Places
    examples: Places

    def draw(self, shares: Floats, gaps: Places) -> Places:
        """Return rows that hold the values whose ranks are `shares`, with the gaps of the rows `gaps`."""
        counts = np.bincount(self.codes[self.codes >= 0], minlength=1)
        ends = counts.cumsum() / max(counts.sum(), 1)
        codes = np.minimum(np.searchsorted(ends, shares), len(counts) - 1)
        examples = np.append(self.examples, 0)  # the last is never drawn but in a column with nothing in it
        return np.where(self.codes[gaps] < 0, (self.codes < 0).argmax(), examples[codes])


@dataclass(frozen=True, eq=False)
class Smooth:
    """A number with its dips filled in: (`values`, `shares`) is the distribution function to invert.

    `grid` holds the values to round to, none where the number is continuous.
    """

    name: str
    codes: Places
    values: Floats
    shares: Floats
    grid: Floats

    def draw(self, shares: Floats, gaps: Places) -> Floats:
        """Return the values whose ranks are `shares`, NaN for the gaps of the rows `gaps`."""
        values = np.interp(shares, self.shares, self.values)
        if len(self.grid):
            values = self.grid[np.searchsorted((self.grid[1:] + self.grid[:-1]) / 2, values)]
        values[self.codes[gaps] < 0] = np.nan
        return np.asarray(values)


@dataclass(frozen=True, eq=False)
class Population:
    """One population: its columns, their joint axes on the normal scale, and how far out rows lie."""

    margins: tuple[Exact | Smooth, ...]
    axes: Floats
    radii: Floats

    def draw(self, copies: int, *, elliptical: bool, seed: int) -> dict[str, Places | Floats]:
        """Draw `copies` tables like the frame, one below the other: numbers, or rows whose value is drawn."""
        rng = np.random.default_rng(seed)
        size, axes = len(self.radii), self.axes.shape[1]
        rows = size * copies
        latent = rng.standard_normal((rows, axes))
        if elliptical:
            latent *= (_radius(self.radii, axes, rows, rng) / np.linalg.norm(latent, axis=1))[:, None]
        latent = latent @ self.axes.T
        ranks = (latent.argsort(axis=0).argsort(axis=0) + 0.5) / rows if elliptical else special.ndtr(latent)
        gaps = np.concatenate([rng.permutation(size) for _ in range(copies)])
        return {margin.name: margin.draw(ranks[:, i], gaps) for i, margin in enumerate(self.margins)}


def learn(
    frame: Frame, *, numbers: Mapping[str, Floats], categories: Sequence[str], seed: int = 0
) -> Population:
    """Learn one population from a frame of a few thousand rows.

    `numbers` gives for each numeric column its rows as prepared (a rising function of the raw ones): dips are
    filled in on the scale on which customers are compared. Two humps of log spend are one slope of spend.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = nw.from_native(pd.DataFrame({"spend": [1.0, 2.0, None, 9.0], "plan": ["a", "b", "b", "b"]}))
    >>> population = learn(frame, numbers={"spend": np.array([1, 2, 0, 9.0])}, categories=["plan"])
    >>> drawn = population.draw(2, elliptical=False, seed=0)
    >>> len(drawn["spend"]), sorted(set(frame["plan"][drawn["plan"]].to_list()))
    (8, ['a', 'b'])
    """
    known = [_number(name, frame[name], prepared) for name, prepared in numbers.items()]
    margins = [*known, *_ordered([_factor(name, frame[name]) for name in categories], known)]
    codes = [margin.codes for margin in margins]
    axes = _axes(codes)
    directions, lengths, _ = np.linalg.svd(axes, full_matrices=False)
    rng = np.random.default_rng(seed)
    normal = np.column_stack([_jittered(each, rng) for each in codes])
    radii = np.linalg.norm(normal @ directions / np.maximum(lengths, FLOOR), axis=1)
    return Population(tuple(margins), axes, radii)


# ------------------------------------------------------------------------------------------------- columns


def _number(name: str, series: nw.Series[Any], prepared: Floats) -> Exact | Smooth:
    numbers = np.array([np.nan if value is None else float(value) for value in series.to_list()])
    present = np.isfinite(numbers)
    grid, first, inverse = np.unique(numbers[present], return_index=True, return_inverse=True)
    codes = np.full(len(numbers), -1)
    codes[present] = inverse
    if len(grid) <= FEW_VALUES:
        return Exact(name, codes, np.flatnonzero(present)[first])
    values, shares = unimodal(prepared[present])
    scale, first = np.unique(prepared[present], return_index=True)
    continuous = LATTICE * len(grid) >= len(inverse)
    raw = np.interp(values, scale, numbers[present][first])
    return Smooth(name, codes, raw, shares, grid=grid[:0] if continuous else grid)


def _factor(name: str, series: nw.Series[Any]) -> Exact:
    absent = series.is_null().to_numpy()
    places: dict[Any, int] = {}
    pairs = zip(series.to_list(), absent, strict=True)
    codes = np.array([-1 if gap else places.setdefault(value, len(places)) for value, gap in pairs])
    examples = [int((codes == code).argmax()) for code in range(len(places))]
    return Exact(name, codes, np.array(examples, dtype=np.intp))


def _ordered(factors: list[Exact], known: list[Exact | Smooth]) -> list[Exact]:
    """Put the levels of each factor in order along the main axis of all columns, for a copula to tie."""
    members = [np.eye(len(each.examples) + 1)[each.codes, :-1] for each in factors]
    scores = [_scores(each.codes)[:, None] for each in known]
    table = np.hstack([*scores, *(each - each.mean(axis=0) for each in members)])
    if table.shape[1] == 0:
        return factors
    axis = table @ np.linalg.eigh(table.T @ table)[1][:, -1]
    return [_reordered(each, axis) for each in factors]


def _reordered(factor: Exact, axis: Floats) -> Exact:
    present = factor.codes >= 0
    counts = np.bincount(factor.codes[present])
    order = np.argsort(np.bincount(factor.codes[present], weights=axis[present]) / counts, kind="stable")
    rank = np.append(np.argsort(order), -1)  # the last answers for -1, missing
    return replace(factor, codes=rank[factor.codes], examples=factor.examples[order])


# ------------------------------------------------------------------------------------------- unimodal laws


def unimodal(values: Floats) -> tuple[Floats, Floats]:
    """Return the nearest unimodal law as (values, distribution function), to be joined by straight lines.

    The empirical distribution function is replaced by its greatest convex minorant left of a mode and its
    least concave majorant right of it; the mode is where the larger of the two gaps is smallest. The most
    frequent value, when it holds 5 % of the rows or more, is set apart first and put back as it was. Source:
    Hartigan and Hartigan (1985), The dip test of unimodality.

    Examples
    --------
    >>> values, shares = unimodal(np.array([0.0, 1.0, 2.0, 8.0, 9.0, 10.0]))
    >>> values.shape, bool((np.diff(shares) > 0).all())
    ((6,), True)
    """
    points, counts = np.unique(values, return_counts=True)
    top = int(counts.argmax())
    if counts[top] < ATOM * len(values) or counts[top] == 1 or len(points) < 3:
        return _one_hump(points, counts)
    atom, share = points[top], counts[top] / len(values)
    rest, shares = _one_hump(np.delete(points, top), np.delete(counts, top))
    place = int(np.searchsorted(rest, atom))
    below = np.interp(atom, rest, shares, left=0.0)
    ends = np.insert((1 - share) * shares, place, [(1 - share) * below] * 2)
    ends[place + 1 :] += share
    return np.insert(rest, place, [atom, atom]), ends


def _one_hump(points: Floats, counts: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return the unimodal law with the mean and spread of the sample: the hulls alone pull it together."""
    shares = unimodal_shares(points, counts)
    low, high, mass = points[:-1], points[1:], np.diff(shares)
    mean = shares[0] * points[0] + mass @ (low + high) / 2
    square = shares[0] * points[0] ** 2 + mass @ (low**2 + low * high + high**2) / 3
    wanted = np.average(points, weights=counts)
    spread = np.sqrt(np.average((points - wanted) ** 2, weights=counts) / max(square - mean**2, 1e-300))
    return (wanted + (points - mean) * spread if len(points) > 1 else points), shares


def unimodal_shares(points: Floats, counts: NDArray[np.intp]) -> Floats:
    """Return the distribution function of the nearest unimodal law at `points`, each there `counts` times."""
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
    """Return the greatest convex minorant or least concave majorant: its slopes are an isotonic fit."""
    widths = np.diff(points)
    if len(widths) == 0:
        return shares
    fit = optimize.isotonic_regression(np.diff(shares) / widths, weights=widths, increasing=convex)
    return np.asarray(shares[0] + np.concatenate([[0.0], np.cumsum(fit.x * widths)]))


# ------------------------------------------------------------------------------------------ joint behaviour


def _scores(codes: Places) -> Floats:
    """Return the mean of a standard normal over each row's slice of ranks; 0 where the value is missing."""
    counts = np.bincount(codes[codes >= 0])
    edges = np.concatenate([[0.0], np.cumsum(counts)]) / max(counts.sum(), 1)
    density = np.exp(-0.5 * special.ndtri(edges) ** 2) / np.sqrt(2 * np.pi)
    means = (density[:-1] - density[1:]) / np.maximum(np.diff(edges), 1e-12)
    return np.asarray(np.append(means, 0.0)[codes])


def _jittered(codes: Places, rng: np.random.Generator) -> Floats:
    """Return normal scores with ties broken at random, and a random one where the value is missing."""
    present = codes >= 0
    scores = rng.standard_normal(len(codes))
    ranks = np.lexsort((rng.random(int(present.sum())), codes[present])).argsort()
    scores[present] = special.ndtri((ranks + 0.5) / max(len(ranks), 1))
    return scores


def _axes(codes: Sequence[Places]) -> Floats:
    """Return A, shape (columns, axes), with A A' the correlation of the normals behind the columns.

    Slices of ranks weaken a correlation, to first order by the variance that their means keep; it is divided
    out.
    """
    scores = np.column_stack([_scores(each) for each in codes])
    both = np.column_stack([(each >= 0).astype(np.float64) for each in codes])
    rows = np.maximum(both.T @ both, 1.0)
    shared = (scores.T @ scores) / rows
    noise = (shared**2 < NOISE / rows) & ~np.eye(len(rows), dtype=bool)
    shared[noise] = 0.0
    kept = np.maximum(shared.diagonal(), 1e-12)
    correlation = np.clip(shared / np.outer(kept, kept), -1.0, 1.0)
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    axes = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(axes / np.linalg.norm(axes, axis=1, keepdims=True))


def _radius(radii: Floats, axes: int, rows: int, rng: np.random.Generator) -> Floats:
    """Draw radii from the nearest law whose density falls from the middle outwards in `axes` dimensions.

    The volume r^axes then has a falling density: the least concave majorant of its distribution. Source:
    Grenander (1956), On the theory of mortality measurement.
    """
    largest = radii.max()
    volumes, counts = np.unique((radii / largest) ** axes, return_counts=True)
    volumes, shares = np.append(0.0, volumes), np.append(0.0, np.cumsum(counts) / len(radii))
    hull = _hull(volumes, shares, convex=False)
    return np.asarray(largest * np.interp(rng.random(rows), hull, volumes) ** (1.0 / axes))
