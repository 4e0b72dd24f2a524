"""What chance gives: draws of one population that looks like the customers but has no segments.

Each number keeps its shape with the dips filled in (the nearest unimodal law), each category and each number of few values
keeps its law exactly, as one variable; the variables hang together as in the data through a copula with one middle, and
values are missing where they are missing in the data. Two copulas are on offer: Gaussian, and elliptical with a radius
learnt from the data, which admits heavy tails that strike all columns at once. Draws are raw customers: they go through the
same preparation and the same sweep as the real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

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
    ...
