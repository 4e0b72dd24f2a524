"""How well each segment holds: whether it comes back in repeated samples, with a valley around it.

Two measures that need no truth. The Jaccard similarity of a segment with its best match in bootstrap samples
says whether the data always give it; the valley says whether fewer customers stand between it and its
neighbours than in the middle of the emptier of the two. Neither is enough alone: halves of one cloud come
back, and sparse data show valleys. Fixed thresholds do not protect against structure that is not there
(`chance` does that); they tell a segment that holds from one that does not, where there is structure.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from segkit.segments.validity import Floats, Labels

BOOTSTRAPS = 20
SAME = 0.6  # mean Jaccard from which a segment comes back
DEEP = 0.8  # valley below which it is apart
HOLLOW = 0.7  # and below which a segment holds for certain
ONE = 1.0  # two components with no fewer customers between them than in the emptier one are one segment
FEW = 3.0  # rows added to the emptier centre: few rows show valleys by chance either way
STEP = 0.15
SMALL = 0.03  # a segment under this share of the rows is suspected of being made of outliers
IQRS = 3.0
SEEN = 30  # rows of a segment from which a line is drawn through them
MOSTLY = 0.8  # a customer who keeps the segment in fewer of the samples is in no sure place
TABLE = [
    *("segment", "share", "jaccard", "jaccard_low", "jaccard_high", "stays", "unsure"),
    *("valley", "far_out", "status"),
]


def valleys(X: Floats, labels: Labels) -> Floats:
    """Return for each pair of segments the rows between them over those at the emptier centre, shape (k, k).

    On the axis between two means (columns in units of their spread within segments), rows are counted in
    windows of .3 of the distance. Between two equal normals s standard deviations apart the ratio is 1.2 at
    s = 2, .65 at 3, .27 at 4 and .09 at 5. The emptiest window between the two centres counts, for between
    segments of unequal size it does not lie in the middle. The diagonal is NaN.
    """
    k = int(labels.max()) + 1
    parts = [X[labels == j] for j in range(k)]
    centers = np.array([part.mean(axis=0) for part in parts])
    spread = np.sqrt(
        sum(((part - c) ** 2).sum(axis=0) for part, c in zip(parts, centers, strict=True)) / len(X)
    )
    spread = np.where(spread > 0, spread, 1.0)
    found = np.full((k, k), np.nan)
    for a in range(k):
        for b in range(a):
            axis = (centers[b] - centers[a]) / spread
            both = (np.vstack([parts[a], parts[b]]) - centers[a]) / spread @ axis / max(axis @ axis, 1e-300)
            found[a, b] = found[b, a] = _valley(both)
    return found


def around(X: Floats, pieces: Labels, owners: Labels) -> Floats:
    """Return the shallowest valley between pieces of each segment and those of others, shape (k,)."""
    between = valleys(X, pieces)
    apart = np.where(owners[:, None] == owners, np.nan, between)
    return np.array([np.nanmax(apart[owners == j], initial=0.0) for j in range(int(owners.max()) + 1)])


def _valley(along: Floats) -> float:
    """Return the ratio for rows along an axis that has the two centres at 0 and 1."""
    along = np.sort(along)

    def window(at: float) -> int:
        return int(np.diff(np.searchsorted(along, [at - STEP, at + STEP]))[0])

    between = min(window(at) for at in np.arange(0.35, 0.66, 0.05))
    return between / (min(window(0.0), window(1.0)) + FEW)


def merged(X: Floats, labels: Labels) -> Labels:
    """Join components without a valley between them, the flattest pair first; return labels 0, 1, ...

    A skewed or cornered segment takes several normals to describe. Source: Hennig (2010), Methods for merging
    Gaussian mixture components.
    """
    labels = np.unique(labels, return_inverse=True)[1]
    while labels.max() > 0:
        found = valleys(X, labels)
        one, other = sorted(divmod(int(np.nanargmax(found)), len(found)))
        if found[one, other] < ONE:
            break
        labels = np.unique(np.where(labels == other, one, labels), return_inverse=True)[1]
    return labels


def repeated(
    X: Floats, labels: Labels, again: Callable[[Floats, int], Labels], *, seed: int, joined: bool = False
) -> tuple[Floats, Floats]:
    """Return each segment's best Jaccard similarity in every bootstrap sample, shape (bootstraps, k).

    Beside it the share of the samples in which each row is in the best match of its segment, shape (n,).
    `again(rows, b)` fits the resampled rows anew and returns labels of all of X, -1 for none. `joined`
    segments are held against all that is found in their place. Source: Hennig (2007), Cluster-wise
    assessment of cluster stability.
    """
    rng = np.random.default_rng(seed)
    own = np.eye(int(labels.max()) + 1)[labels]
    found, stays = [], np.zeros(len(X))
    for b in range(BOOTSTRAPS):
        other = again(X[rng.integers(0, len(X), len(X))], b)
        theirs = np.eye(int(other.max()) + 2)[other][:, : max(1, int(other.max()) + 1)]  # -1 is the last row
        if joined:  # what is found again is joined as it fits best
            theirs = theirs @ np.eye(own.shape[1])[(own.T @ theirs).argmax(axis=0)]
        both = own.T @ theirs
        same = both / (own.sum(axis=0)[:, None] + theirs.sum(axis=0) - both)
        found.append(same.max(axis=1))
        stays += theirs[np.arange(len(X)), same.argmax(axis=1)[labels]]
    return np.array(found), stays / BOOTSTRAPS


def table(
    X: Floats,
    labels: Labels,
    again: Callable[[Floats, int], Labels],
    *,
    seed: int,
    deep: Floats | None = None,
    joined: bool = False,
) -> tuple[pd.DataFrame, Floats]:
    """Return one row per segment, from 1: share, Jaccard (mean, and 5 to 95 % of samples), valley, status.

    Beside it how often each row keeps its segment, see `repeated`.

    `stays` is how often its customers keep their segment in the samples, `unsure` the share of those who do
    in under 80 %.

    `status` is "holds" (Jaccard .6 or more, valley under .7), "uncertain" (one of the two, or a valley of .7
    to .8), "does not hold" (neither) or "far out": under 3 % of the rows (or Jaccard under .6), at least half
    of them beyond 3 interquartile ranges in some column. `far_out` is that half's share. `deep` are the
    valleys, (k,), where straight lines between centres do not show them.
    """
    k = int(labels.max()) + 1
    same, stays = repeated(X, labels, again, seed=seed, joined=joined)
    if deep is None:
        deep = np.nanmax(valleys(X, labels), axis=1, initial=0.0) if k > 1 else np.zeros(k)
    beyond = _beyond(X)
    rows = []
    for j in range(k):
        mine, mean = labels == j, float(same[:, j].mean())
        far = float(beyond[mine].mean())
        status = _status(float(mine.mean()), mean, float(deep[j]), far)
        ends = np.quantile(same[:, j], [0.05, 0.95])
        kept = (stays[mine].mean(), (stays[mine] < MOSTLY).mean())
        rows.append((j + 1, mine.mean(), mean, *ends, *kept, deep[j], far, status))
    return pd.DataFrame(rows, columns=TABLE), stays


def everywhere(segment: Labels, fit: Floats, at: Labels, stays: Floats) -> Floats:
    """Return how often each customer keeps the segment in repeated samples, shape (n,).

    It was seen of some, and goes up with the fit: in every segment it is read off the monotone line that
    comes nearest to those seen, or is their mean where they are few. Source: Barlow and Brunk (1972), The
    isotonic regression problem and its dual.

    Parameters
    ----------
    segment, fit
        (n,), of all customers; 0 and NaN are in no segment, and get NaN.
    at, stays
        (m,), the places of those seen, and what was seen.

    Examples
    --------
    >>> seen = np.repeat([0.5, 1.0], 20)
    >>> fit = np.append(np.repeat([0.55, 0.9], 20), [0.95, 0.55])
    >>> everywhere(np.ones(42, dtype=int), fit, np.arange(40), seen)[-2:].tolist()
    [1.0, 0.5]
    """
    found = np.full(len(segment), np.nan)
    for one in np.unique(segment[at][segment[at] > 0]):
        mine, seen = segment == one, segment[at] == one
        if seen.sum() < SEEN:
            found[mine] = stays[seen].mean()
            continue
        line = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        found[mine] = line.fit(fit[at][seen], stays[seen]).predict(fit[mine])
    return found


def far_out(X: Floats, labels: Labels) -> NDArray[np.bool_]:
    """Return for each segment whether it is small and made of far-out rows, shape (k,)."""
    counts = np.bincount(labels)
    return np.asarray((counts < SMALL * len(X)) & (np.bincount(labels, weights=_beyond(X)) >= counts / 2))


def _beyond(X: Floats) -> NDArray[np.bool_]:
    """Return which rows lie beyond 3 interquartile ranges in some column."""
    low, high = np.quantile(X, [0.25, 0.75], axis=0)
    room = IQRS * (high - low)
    return np.asarray((np.abs(X - (low + high) / 2) > (high - low) / 2 + room)[:, room > 0].any(axis=1))


def _status(share: float, jaccard: float, valley: float, far: float) -> str:
    if far >= 0.5 and (share < SMALL or jaccard < SAME):
        return "far out"
    if jaccard >= SAME and valley < HOLLOW:
        return "holds"
    return "uncertain" if jaccard >= SAME or valley < HOLLOW else "does not hold"


def clear(found: pd.DataFrame) -> bool:
    """Return whether at least half of the rows are in segments that come back and have a valley under .8."""
    good = (found["jaccard"] >= SAME) & (found["valley"] < DEEP) & (found["status"] != "far out")
    return bool(found.loc[good, "share"].sum() >= 0.5)
