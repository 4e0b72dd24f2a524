"""Density-based validity: how good segments of any shape are, noise among them.

Silhouettes reward round segments. DBCV asks whether the thinnest place inside a segment is denser than the
densest way out of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from segkit.segments.validity import Floats, Labels

ROWS = 2_000
NEIGHBOURS = 10
FEW = 3  # pairs of rows across a border that tell anything
LINKED = np.log(0.7)


class _Segment(NamedTuple):
    """The inner rows of one segment, how far each reaches, and the longest step between two of them."""

    rows: Floats
    core: Floats
    sparseness: float


def dbcv(X: Floats, labels: Labels) -> float:
    """Return the density-based clustering validity, -1 to 1, of the first 2,000 rows; label -1 is noise.

    A row's core distance is the p-th power mean of its distances in its segment, with power -p; two rows are
    as far apart as the largest of their distance and their cores. Sparseness of a segment is the longest edge
    between inner nodes of its minimum spanning tree, separation the least distance to inner nodes of another;
    each segment counts (separation - sparseness) / the larger, by its share of all rows, noise included.
    Source: Moulavi, Jaskowiak, Campello, Zimek and Sander (2014), Density-based clustering validation.

    Examples
    --------
    >>> line = np.arange(20.0)[:, None]
    >>> round(dbcv(np.vstack([line, line + 100]), np.repeat([0, 1], 20)), 3)
    0.951
    """
    X, labels = X[:ROWS], labels[:ROWS]
    present, inside, outside = _sides(X, labels)
    if len(present) < 2:
        return -1.0
    shares = np.array([(labels == j).mean() for j in present])
    return float(shares @ ((outside - inside) / np.maximum(np.maximum(inside, outside), 1e-300)))


def hollows(X: Floats, labels: Labels) -> Floats:
    """Return for each segment 0..k-1 how dense its densest way out is beside its thinnest place, shape (k,).

    That is (sparseness / separation) to the power of the columns, both as in `dbcv`: under 1 the way out is
    thinner. It serves segments of any shape; `segkit.segments.strength.valleys` looks along straight lines.
    """
    found = np.ones(int(labels.max(initial=-1)) + 1)
    present, inside, outside = _sides(X, labels)
    if len(present) > 1:
        found[present] = (inside / np.maximum(outside, 1e-300)) ** X.shape[1]
    return found


def linked(X: Floats, labels: Labels) -> float:
    """Return the share of rows whose segment goes over into another with hardly a thinner place between.

    Density is that of the tenth neighbour. Of two segments the pairs of rows that are neighbours across the
    border are looked at: where the upper quarter of them stands at over .7 of the median density of the
    thinner segment, the border is a cut through one dense place. Round segments that overlap are linked, and
    so are the pieces of a curved one.
    """
    X, labels = X[:ROWS], labels[:ROWS]
    k, near = int(labels.max()) + 1, min(NEIGHBOURS, len(X) - 1)
    apart, at = NearestNeighbors(n_neighbors=near + 1).fit(X).kneighbors(X)
    dense = -X.shape[1] * np.log(np.maximum(apart[:, -1], 1e-300))
    one, other = np.repeat(np.arange(len(X)), near), at[:, 1:].ravel()
    border = np.minimum(dense[one], dense[other])
    own = np.array([np.median(dense[labels == j]) for j in range(k)])
    cut = np.zeros(k, dtype=bool)
    for a, b in np.unique(np.sort(np.column_stack([labels[one], labels[other]]), axis=1), axis=0).tolist():
        pairs = ((labels[one] == a) & (labels[other] == b)) | ((labels[one] == b) & (labels[other] == a))
        if a != b and pairs.sum() >= FEW and np.quantile(border[pairs], 0.75) > min(own[a], own[b]) + LINKED:
            cut[[a, b]] = True
    return float(cut[labels].mean())


def _sides(X: Floats, labels: Labels) -> tuple[list[int], Floats, Floats]:
    """Return segments of two rows or more, how thin each is inside, and how far it is from the others."""
    present = [int(j) for j in np.unique(labels[labels >= 0]) if (labels == j).sum() > 1]
    parts = [_inner(X[labels == j]) for j in present]
    apart = np.full((len(parts), len(parts)), np.inf)
    for a, one in enumerate(parts):
        for b, other in enumerate(parts[:a]):
            reach = np.maximum(cdist(one.rows, other.rows), np.maximum.outer(one.core, other.core))
            apart[a, b] = apart[b, a] = reach.min()
    return present, np.array([part.sparseness for part in parts]), apart.min(axis=1, initial=np.inf)


def _inner(rows: Floats) -> _Segment:
    apart, p = cdist(rows, rows), rows.shape[1]
    with np.errstate(divide="ignore"):
        near = np.where(apart > 0, apart, np.inf) ** -float(p)
        core = (near.sum(axis=1) / (len(rows) - 1)) ** (-1.0 / p)
    core = np.where(np.isfinite(core), core, 0.0)
    reach = np.maximum(apart, np.maximum.outer(core, core))
    tree = minimum_spanning_tree(reach).tocoo()
    degree = np.bincount(np.concatenate([tree.row, tree.col]), minlength=len(rows))
    inner = degree > 1
    between = inner[tree.row] & inner[tree.col]
    edges = tree.data[between] if between.any() else tree.data
    inner = inner if inner.any() else np.ones(len(rows), dtype=bool)
    return _Segment(rows[inner], core[inner], float(edges.max(initial=0.0)))
