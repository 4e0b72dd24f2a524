"""Every number of segments in a range, side by side, and a proposal with its reason; the verdict decides.

Nothing here depends on where a row stands in the table. Rows are first put in an order that follows their
values (a seeded projection sorts them) and then in a seeded permutation of that, so samples, starts and sums
are the same for any order of the file; results are mapped back. Segments are numbered by size, ties by their
centres.

Of many rows only a coreset is fitted, all numbers together, and one pass over the rows measures all of them.
What is proposed gets two more full passes and labels at once, another number when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd

from segkit.errors import ParameterError
from segkit.segments import coreset, estimate, passes, seeds, validity
from segkit.segments.algorithms import registry
from segkit.segments.algorithms.hdbscan import Dense, Hdbscan
from segkit.segments.algorithms.kmeans import KMeans, threads
from segkit.segments.algorithms.mixture import GaussianMixture
from segkit.segments.metric import Metric
from segkit.segments.validity import Floats, Labels, Matrix

TABLE = [
    *("segments", "smallest", "inertia", "silhouette", "silhouette_error", "davies_bouldin"),
    "calinski_harabasz",
]
MOST = 20
EACH_ROWS = 2_000  # up to here all rows are fitted, to the end
CORESET_ROWS = 20_000
EXACT_ROWS = 10_000  # up to here silhouettes are exact


@dataclass(frozen=True, eq=False)
class Solution:
    """One segmentation: labels 0..segments-1 by size, in the rows' order, each at the nearest centre.

    Where that is not so, `follows` is false: only the rows it was made of have a segment, and -1 are rows in
    none. `metric` assigns a row where that is not plain distance; `fit` is how sure each row's segment is,
    and `away` how far it is from it, where the centres do not tell. Where segments were joined there are more
    centres than segments, and `owners` says whose each is.
    """

    segments: int
    labels: Labels
    centers: Floats
    inertia: float
    metric: Metric | None = None
    follows: bool = True
    fit: Floats | None = None
    away: Floats | None = None
    owners: Labels | None = None


@dataclass(frozen=True, eq=False)
class Sweep:
    """All solutions (with the trivial one at 1), their indices, and what is proposed.

    `order` lists row positions in the seeded order of values: its first m entries are a fair sample of m
    rows, and `sample` holds some. `silhouette_rows` is how many rows the silhouettes rest on; fewer than the
    table has means an estimate, with its standard error beside it in the table.
    """

    solutions: Mapping[int, Solution]
    table: pd.DataFrame
    proposed: int
    why: str
    algorithm: str
    distinct: int
    order: Labels
    silhouette_rows: int
    sample: Matrix

    @cached_property
    def agreement(self) -> dict[int, float]:
        """How alike fits of the sample from other seeds are, see `seeds`; nothing where none is drawn."""
        method = registry.get(self.algorithm)
        if isinstance(method, Hdbscan):
            return {}
        metrics: dict[int, Metric | None] = dict.fromkeys(k for k in self.solutions if k > 1)
        if isinstance(method, GaussianMixture):  # its numbers without a metric are those of k-means
            method, metrics = KMeans(), {k: self.solutions[k].metric for k in metrics}
        return seeds.agreement(self.sample, method, metrics)

    def nearest(self, segments: int) -> int:
        """Return the largest number that has a solution and is not above the one asked for.

        Raises
        ------
        ParameterError
            The algorithm finds the numbers there are, and not this one.
        """
        if self.algorithm == "hdbscan" and segments not in self.solutions:
            found = [f"{k}" for k in self.solutions if k > 1] or ["none"]
            raise ParameterError(
                f"hdbscan finds how many segments there are by itself: {' or '.join(found)} here, "
                f"not {segments}. Leave segments at 0, or name another algorithm."
            )
        return max(k for k in self.solutions if k <= segments)


def sweep(
    X: Matrix,
    *,
    segments: int = 0,
    max_segments: int = 12,
    algorithm: str = "auto",
    seed: int = 0,
    least: float = 0.0,
) -> Sweep:
    """Fit every number of segments from 2 to `max_segments` (and `segments`, when asked for) and propose one.

    Parameters
    ----------
    X
        Prepared customers, shape (n, p), float64 ndarray or scipy CSR.
    segments
        0, or a number 2..20 that must be among the solutions as well.
    max_segments
        The largest number tried, 2..20; the range ends earlier when there are fewer different rows.
    algorithm
        "auto" or a name in the registry.
    seed
        Same seed, same answer, whatever the order of the rows and the number of threads.
    least
        A number with a segment under this share of the rows is not proposed.

    Returns
    -------
    Sweep
        ``table`` has one row per number of segments; ``proposed`` is the one with the best silhouette (the
        smallest number on a tie), 1 when all rows are the same or no number keeps to `least`.

    Raises
    ------
    ParameterError
        When a number is out of bounds or the algorithm is unknown.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [9.0], [10.0]])
    >>> found = sweep(X, max_segments=3)
    >>> found.proposed, found.solutions[2].labels.tolist()
    (2, [0, 0, 1, 1])
    """
    check(segments, max_segments)
    wanted = sorted({*range(2, max_segments + 1), *([segments] if segments else [])})
    return solve(X, wanted, algorithm=algorithm, seed=seed, least=least)


def check(segments: int, max_segments: int) -> None:
    """Refuse numbers of segments outside the vocabulary's bounds."""
    if segments != 0 and not 2 <= segments <= MOST:
        raise ParameterError(f"segments must be 0 (auto) or 2 to {MOST}; got {segments}.")
    if not 2 <= max_segments <= MOST:
        raise ParameterError(f"max_segments must be 2 to {MOST}; got {max_segments}.")


def solve(
    X: Matrix, wanted: list[int], *, algorithm: str = "auto", seed: int = 0, least: float = 0.0
) -> Sweep:
    """Fit exactly the numbers in `wanted`, none above the number of different rows; otherwise as `sweep`."""
    method = registry.get(algorithm)
    order, distinct = canonical_order(X, seed=seed)
    if isinstance(method, Hdbscan):
        return _dense(X, max(wanted), method, (order, distinct), least)
    many = X.shape[0] > EACH_ROWS and distinct > max(wanted)
    if many and isinstance(method, KMeans) and not validity.is_sparse(X):
        with threads(1):
            return _together(X, sorted(set(wanted) - {1}), order, method, seed=seed, least=least)
    ordered = X[order]
    possible = sorted({min(k, distinct) for k in wanted} - {1})
    fitted = [
        _renumbered(ordered, *each) for each in registry.solutions(method, ordered, possible, seed=seed)
    ]
    found = [each for each, k in zip(fitted, possible, strict=True) if np.unique(each.labels).size == k]
    with threads(1):  # with more of them the last digits depend on how many there are
        table, rows = indices(ordered, [solution.labels for solution in found])
    proposed, why = propose(table, max(wanted), distinct, least)
    solutions = {each.segments: _mapped_back(each, order) for each in [_alone(ordered), *found]}
    return Sweep(solutions, table, proposed, why, method.name, distinct, order, rows, ordered[: seeds.ROWS])


def _dense(X: Matrix, most: int, method: Hdbscan, known: tuple[Labels, int], least: float) -> Sweep:
    """Take the numbers that are found, and propose the one of best density-based validity (`dbcv`)."""
    order, distinct = known
    ordered = X[order]
    with threads(1):
        found = [(each.validity, _by_density(ordered, each)) for each in method.found(ordered, most).values()]
    found.sort(key=lambda each: each[1].segments)
    tables = []
    for valid, each in found:
        inside = each.labels >= 0
        tables.append(indices(ordered[inside], [each.labels[inside]])[0].assign(dbcv=valid))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=TABLE)
    solutions = {
        each.segments: _mapped_back(each, order) for each in [_alone(ordered), *(s for _, s in found)]
    }
    large = set(table.loc[table["smallest"] >= least, "segments"])
    ranked = [(valid, -each.segments) for valid, each in found if each.segments in large]
    proposed, why = 1, "There are no two dense places with a thinner one between them."
    if ranked:
        valid, k = max(ranked)
        proposed, why = (
            -k,
            f"{-k} segments have the best density-based validity ({valid:.3f}) of those found.",
        )
    rows = min(X.shape[0], EXACT_ROWS)
    return Sweep(solutions, table, proposed, why, method.name, distinct, order, rows, ordered[: seeds.ROWS])


def _by_density(X: Matrix, found: Dense) -> Solution:
    """Return a solution numbered by size; a row fits where the other segments are further than its own."""
    k = found.apart.shape[1]
    counts = np.bincount(found.labels[found.labels >= 0], minlength=k)
    means = np.array([np.asarray(X[found.labels == j].mean(axis=0)).ravel() for j in range(k)])
    by_size = np.lexsort((*np.round(means.T[::-1], 9), -counts))
    labels, apart = np.append(np.argsort(by_size), -1)[found.labels], found.apart[:, by_size]
    rows = np.arange(len(labels))
    away = apart[rows, labels]
    others = apart.copy()
    others[rows, labels] = np.inf
    other = others.min(axis=1)
    fit = np.where(away + other > 0, other / np.maximum(away + other, 1e-300), 0.5)
    inside = labels >= 0
    inertia = float(validity.own_distances(X[inside], means[by_size], labels[inside]).sum())
    return Solution(k, labels, means[by_size], inertia, follows=False, fit=fit, away=away)


class _OnDemand(Mapping[int, Solution]):
    """Solutions made when they are first looked at."""

    def __init__(self, make: Mapping[int, Callable[[], Solution]]) -> None:
        self.make, self.made = make, dict[int, Solution]()

    def __getitem__(self, segments: int) -> Solution:
        if segments not in self.made:
            self.made[segments] = self.make[segments]()
        return self.made[segments]

    def __iter__(self) -> Iterator[int]:
        return iter(self.make)

    def __len__(self) -> int:
        return len(self.make)


def _together(
    X: Floats, wanted: list[int], order: Labels, method: KMeans, *, seed: int, least: float
) -> Sweep:
    """Fit all numbers on one coreset, measure them in one pass over all rows, and finish what is proposed."""
    total = passes.moments(passes.slices(X))
    place = np.empty(len(X))
    place[order] = (np.arange(len(X)) + 0.5) / len(X)
    blocks = passes.slices(X)
    drawn = coreset.draw(
        blocks, lambda start, some: place[start : start + len(some)], total, size=CORESET_ROWS
    )
    chained = method.chain(drawn.rows, drawn.weights, wanted, seed=seed)
    measured = passes.assign(passes.slices(X, order), list(chained.values()), total)
    found = {k: part for k, part in zip(chained, measured, strict=True) if (part.counts > 0).all()}
    rows = min(len(X), estimate.ROWS if len(X) > EXACT_ROWS else EXACT_ROWS)
    sample = X[order[:rows]]
    labellings = [validity.nearest(sample, chained[k]) for k in found]
    table = tabled(sample, labellings, list(found.values()), len(X))
    proposed, why = propose(table, max(wanted), MOST + 1, least)
    alone = Solution(1, np.zeros(len(X), dtype=np.intp), total.mean[None, :], total.squares)
    solutions = _OnDemand({
        1: lambda: alone,
        **{k: partial(finish, X, chained[k], total) for k in found},
    })  # fmt: skip
    if proposed in found:
        final = validity.within(X, solutions[proposed].labels)
        figures = [final.inertia, final.davies_bouldin, final.calinski_harabasz]
        table.loc[table["segments"] == proposed, ["inertia", "davies_bouldin", "calinski_harabasz"]] = figures
    return Sweep(solutions, table, proposed, why, method.name, MOST + 1, order, rows, X[order[: seeds.ROWS]])


def finish(X: Floats, centers: Floats, total: passes.Moments) -> Solution:
    """Return the solution after two Lloyd passes over all rows, in float64."""
    for _ in range(2):
        [found] = passes.assign(passes.slices(X), [centers], total, precise=True)
        centers = found.means
    return renumber(X, found.counts, centers)


def canonical_order(X: Matrix, *, seed: int) -> tuple[Labels, int]:
    """Return row positions in a seeded order of values, and how many rows differ (counted to 21).

    Rows are sorted by a seeded projection on one axis, where only equal rows meet (but for a chance of about
    1e-9 a pair), and then shuffled: a cheap hash of the values that forgives their last digits.
    """
    draw = np.random.default_rng(seed)
    key = np.asarray(X @ draw.standard_normal(X.shape[1])).ravel()
    order = np.argsort(key)
    steps = np.diff(key[order]) > 1e-10 * float(np.abs(key).max(initial=0.0))
    return order[draw.permutation(len(order))], min(int(steps.sum()) + 1, MOST + 1)


def _renumbered(X: Matrix, labels: Labels, centers: Floats, metric: Metric | None = None) -> Solution:
    counts = np.bincount(labels, minlength=len(centers))
    if metric is None:
        return renumber(X, counts, centers)
    order = np.lexsort((*np.round(centers.T[::-1], 9), -counts))[: int((counts > 0).sum())]
    centers, metric = centers[order], metric.reordered(order.tolist())
    labels = metric.nearest(X, centers)
    return Solution(
        len(centers), labels, centers, float(validity.own_distances(X, centers, labels).sum()), metric
    )


def renumber(X: Matrix, counts: Floats | Labels, centers: Floats) -> Solution:
    """Number segments by size, ties by their centres, each row to the nearest; empty segments go."""
    for _ in range(3):  # rows on a border may go elsewhere and turn two sizes round
        by_size = np.lexsort((*np.round(centers.T[::-1], 9), -counts))
        centers = centers[by_size[: int((counts > 0).sum())]]
        labels = validity.nearest(X, centers)
        counts = np.bincount(labels, minlength=len(centers))
        if (np.diff(counts) <= 0).all():
            break
    return Solution(len(centers), labels, centers, float(validity.own_distances(X, centers, labels).sum()))


def indices(X: Matrix, labellings: list[Labels]) -> tuple[pd.DataFrame, int]:
    """Return the table of indices, one row per labelling, and the rows the silhouettes rest on."""
    parts = [validity.within(X, labels) for labels in labellings]
    rows = min(X.shape[0], estimate.ROWS if X.shape[0] > EXACT_ROWS else EXACT_ROWS)
    return tabled(X[:rows], [labels[:rows] for labels in labellings], parts, X.shape[0]), rows


def tabled(
    sample: Matrix, labellings: list[Labels], parts: Sequence[validity.Within | passes.Assigned], rows: int
) -> pd.DataFrame:
    """Put silhouettes, of all rows or estimated from an even sample of them, beside the other indices."""
    if sample.shape[0] == rows:
        silhouettes = [estimate.Estimate(each, 0.0) for each in validity.silhouettes(sample, labellings)]
    else:
        sizes = [np.asarray(part.counts, dtype=np.float64) for part in parts]
        dense = sample.toarray() if validity.is_sparse(sample) else sample
        silhouettes = estimate.silhouettes(dense, labellings, sizes, seen=sample.shape[0] / rows)
    figures = [
        (
            *(len(part.counts), part.counts.min() / rows, part.inertia),
            *(*found, part.davies_bouldin, part.calinski_harabasz),
        )
        for part, found in zip(parts, silhouettes, strict=True)
    ]
    return pd.DataFrame(figures, columns=TABLE)


def repeated(X: Matrix, weights: Floats, *, seed: int) -> Labels:
    """Return positions of rows, each as often as it weighs.

    Whole weights that add up to 20,000 at most are taken as they are; otherwise they are brought to that sum,
    and what is left of a row beyond whole times is a seeded chance.

    Examples
    --------
    >>> repeated(np.array([[1.0], [2.0], [3.0]]), np.array([2.0, 0.0, 1.0]), seed=0).tolist()
    [0, 0, 2]
    """
    order, _ = canonical_order(X, seed=seed)
    counts, total = weights.astype(np.intp), float(weights.sum())
    if total > CORESET_ROWS or (counts != weights).any():
        times = weights[order] * (CORESET_ROWS / total)
        counts[order] = (times + np.random.default_rng(seed).random(len(times))).astype(np.intp)
    return np.repeat(np.arange(len(weights)), counts)


def propose(table: pd.DataFrame, largest: int, distinct: int, least: float = 0.0) -> tuple[int, str]:
    """Return the number with the best silhouette (the smallest on a tie) and the sentence that says so."""
    if table.empty:
        return 1, "All customers are the same in these columns, so there is one segment."
    table = table[table["smallest"] >= least]
    if table.empty:
        return 1, f"Every number of segments has one with under {least:.3g} of the customers."
    numbers, silhouettes = table["segments"].tolist(), table["silhouette"].round(9).tolist()
    best = max(silhouettes)
    chosen, ties = int(numbers[silhouettes.index(best)]), silhouettes.count(best)
    why = f"{chosen} segments have the best silhouette ({best:.3f})"
    if len(numbers) == 1:
        why = f"{chosen} is the only number of segments tried (silhouette {best:.3f})"
    elif ties > 1:
        why += f" of {numbers[0]} to {numbers[-1]}, the smallest of {ties} numbers that tie"
    else:
        why += f" of {numbers[0]} to {numbers[-1]}"
    short = (
        f"; only {distinct} customers differ, so no larger number was tried" if numbers[-1] < largest else ""
    )
    return chosen, f"{why}{short}."


def join(solution: Solution, parts: Sequence[Sequence[int]]) -> Solution:
    """Return the solution with segments, from 1, joined; numbered by size again, each keeping its centres.

    Raises
    ------
    ParameterError
        There is no such segment, one is named twice, or the segments follow no centres.

    Examples
    --------
    >>> one = Solution(3, np.array([0, 0, 0, 1, 1, 2]), np.array([[0.0], [5.0], [9.0]]), 0.0)
    >>> two = join(one, [[2, 3]])
    >>> two.labels.tolist(), two.owners.tolist()
    ([0, 0, 0, 1, 1, 1], [0, 1, 1])
    """
    named, k = [number for part in parts for number in part], solution.segments
    if not solution.follows:
        raise ParameterError("merge joins segments that segkit places by centres; these are not placed.")
    if wrong := [number for number in named if not 1 <= number <= k or named.count(number) > 1]:
        raise ParameterError(
            f"merge names segment {wrong[0]}, and there are 1 to {k}. Name each at most once; "
            "the numbers are those of the study without merge."
        )
    groups = [[number - 1 for number in part] for part in parts]
    groups += [[j] for j in range(k) if j + 1 not in named]
    if len(groups) < 2:
        raise ParameterError("merge joins all segments into one. Leave at least two.")
    counts = np.bincount(solution.labels, minlength=k)
    groups.sort(key=lambda group: (-int(counts[group].sum()), min(group)))
    pieces = [j for group in groups for j in sorted(group)]
    owners = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    return replace(
        solution,
        segments=len(groups),
        labels=owners[np.argsort(pieces)][solution.labels],
        centers=solution.centers[pieces],
        metric=solution.metric.reordered(pieces) if solution.metric else None,
        owners=owners,
    )


def _alone(X: Matrix) -> Solution:
    """Return the solution with one segment."""
    labels = np.zeros(X.shape[0], dtype=np.intp)
    parts = validity.within(X, labels)
    return Solution(1, labels, parts.centers, parts.inertia)


def _mapped_back(solution: Solution, order: Labels) -> Solution:
    """Return the solution with its labels in the order of the table."""
    moved = {}
    for name in ("labels", "fit", "away"):
        values = getattr(solution, name)
        if values is not None:
            moved[name] = np.empty_like(values)
            moved[name][order] = values
    return replace(solution, **moved)
