"""The map: principal components against scikit-learn, and who is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import PCA

from segkit.segments.map import project


@pytest.fixture(scope="module", name="X")
def five_columns():
    rng = np.random.default_rng(0)
    return rng.normal(size=(500, 5)) @ rng.normal(size=(5, 5)) + [5, 0, -3, 100, 0]


def mapped(X, labels=None, names=None, **how):
    n = X.shape[0]
    labels = np.ones(n, dtype=int) if labels is None else labels
    names = names or [f"c{i}" for i in range(X.shape[1])]
    return project(X, labels, np.full(n, 0.9), np.zeros(n, dtype=bool), names, **how)


def test_the_plane_is_scikit_learns(X):
    oracle = PCA(2).fit(X)
    found = mapped(X)
    assert found.explained == pytest.approx(oracle.explained_variance_ratio_)
    np.testing.assert_allclose(np.abs(found.table[["x", "y"]]), np.abs(oracle.transform(X)), atol=1e-9)


def test_the_largest_loading_grows_along_the_axis(X):
    found = mapped(X)
    for axis, place in enumerate(("x", "y")):
        loading = np.array([np.cov(found.table[place], column)[0, 1] for column in X.T])
        assert loading[np.abs(loading).argmax()] > 0
        assert found.axes[axis][0] == f"c{np.abs(loading).argmax()}"


def test_negating_a_column_order_does_not_flip_the_picture(X):
    np.testing.assert_allclose(mapped(X).table["x"], mapped(X[:, ::-1]).table["x"], atol=1e-9)


def test_a_sparse_matrix_gives_the_same(X):
    thin = np.where(np.abs(X) > 1, X, 0.0)
    dense, sparse_one = mapped(thin), mapped(sparse.csr_matrix(thin))
    assert sparse_one.explained == pytest.approx(dense.explained)
    np.testing.assert_allclose(sparse_one.table[["x", "y"]], dense.table[["x", "y"]], atol=1e-8)


def test_axes_name_each_input_column_once():
    rng = np.random.default_rng(1)
    base = rng.normal(size=300)
    X = np.column_stack([base, base, base + rng.normal(size=300) * 0.1, -base, rng.normal(size=300) * 0.1])
    found = mapped(X, names=["plan", "plan", "spend", "age", "noise"])
    assert set(found.axes[0]) == {"plan", "spend"}  # age falls along the axis, noise has no part in it


def test_at_most_so_many_are_drawn_from_every_segment():
    rng = np.random.default_rng(2)
    labels = rng.choice([1, 2, 3], 50_000, p=[0.7, 0.2999, 0.0001])
    X = rng.normal(size=(50_000, 3))
    found = mapped(X, labels, draw=1000, seed=3)
    assert 990 <= len(found.table) <= 1000
    assert found.total == 50_000
    assert set(found.table["segment"]) == {1, 2, 3}
    assert (found.table["segment"] == 1).mean() == pytest.approx(0.7, abs=0.02)
    assert found.table.index.name == "row"
    np.testing.assert_array_equal(found.table["segment"], labels[found.table.index])
    assert found.table.equals(mapped(X, labels, draw=1000, seed=3).table)
    assert not found.table.index.equals(mapped(X, labels, draw=1000, seed=4).table.index)
    assert found.explained == mapped(X, labels).explained  # computed on everybody


def test_a_drawn_row_lies_where_it_lies_without_a_draw(X):
    whole, part = mapped(X).table, mapped(X, draw=50).table
    np.testing.assert_allclose(whole.loc[part.index, "x"], part["x"], atol=1e-12)


def test_border_and_unusual_come_from_the_scores(X):
    confidence = np.linspace(0.5, 1, 500)
    outlier = np.arange(500) % 7 == 0
    found = project(X, np.ones(500, dtype=int), confidence, outlier, list("abcde")).table
    assert found["border"].tolist() == (confidence < 0.55).tolist()
    assert found["outlier"].tolist() == outlier.tolist()


def test_rows_without_a_segment_are_left_out(X):
    labels = np.r_[np.zeros(100, dtype=int), np.ones(400, dtype=int)]
    found = mapped(X, labels)
    assert found.total == 400
    assert found.table.index.min() == 100
    assert found.explained == pytest.approx(PCA(2).fit(X[100:]).explained_variance_ratio_)


@pytest.mark.parametrize(
    "X", [np.ones((5, 3)), np.arange(5.0)[:, None], np.zeros((1, 2)), np.ones((4, 1)) * 1e9]
)
def test_little_to_show_is_still_a_map(X):
    found = mapped(X)
    assert len(found.table) == len(X)
    assert np.isfinite(found.table[["x", "y"]]).all(axis=None)
    varies = bool(np.ptp(X) > 0)
    assert found.explained == ((1.0, 0.0) if varies else (0.0, 0.0))
    assert found.axes == ((("c0",), ()) if varies else ((), ()))
