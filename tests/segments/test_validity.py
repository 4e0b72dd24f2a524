import numpy as np
import pytest
from scipy import sparse
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, make_blobs

from segkit.segments import validity


def labelled(k, X):
    return KMeans(k, n_init=5, random_state=0).fit(X).labels_.astype(np.intp)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("k", [2, 3, 7])
def test_indices_are_those_of_scikit_learn(k, kind):
    X = load_iris().data
    labels = labelled(k, X)
    mine, theirs = validity, metrics
    assert mine.silhouette(kind(X), labels) == pytest.approx(theirs.silhouette_score(X, labels), abs=1e-12)
    assert mine.davies_bouldin(kind(X), labels) == pytest.approx(theirs.davies_bouldin_score(X, labels))
    assert mine.calinski_harabasz(kind(X), labels) == pytest.approx(theirs.calinski_harabasz_score(X, labels))


def test_silhouettes_of_the_scikit_learn_blob_example():
    # scikit-learn documentation, "Selecting the number of clusters with silhouette analysis"; what it prints
    # for 5 and 6 comes from a single start each and changed with the release, so it is no reference
    X, _ = make_blobs(
        n_samples=500, n_features=2, centers=4, cluster_std=1, center_box=(-10.0, 10.0), random_state=1
    )
    labels = [KMeans(k, random_state=10).fit(X).labels_.astype(np.intp) for k in range(2, 5)]
    expected = [0.70498, 0.58820, 0.65052]
    assert validity.silhouettes(X, labels) == pytest.approx(expected, abs=5e-6)


def test_far_from_the_origin_no_digits_are_lost():
    X, y = make_blobs(n_samples=300, centers=3, random_state=0)
    assert validity.silhouette(X + 1e6, y) == pytest.approx(validity.silhouette(X, y), abs=1e-9)


def test_silhouette_of_single_rows_and_equal_rows_is_defined():
    assert validity.silhouette(np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, 1])) == pytest.approx(
        metrics.silhouette_score([[0.0], [1.0], [9.0]], [0, 0, 1])
    )
    assert validity.silhouette(np.zeros((4, 2)), np.array([0, 0, 1, 1])) == 0.0


def test_indices_of_segments_without_spread_are_those_of_scikit_learn():
    X, labels = np.repeat([[0.0], [5.0]], 3, axis=0), np.repeat([0, 1], 3)
    assert validity.davies_bouldin(X, labels) == metrics.davies_bouldin_score(X, labels) == 0.0
    assert validity.calinski_harabasz(X, labels) == metrics.calinski_harabasz_score(X, labels) == 1.0


def test_estimate_is_seeded_near_the_exact_value_and_used_beyond_the_limit(monkeypatch):
    X, y = make_blobs(n_samples=6_000, centers=3, cluster_std=3, random_state=0)
    exact = validity.silhouette(X, y)
    estimate = validity.silhouette_estimate(X, y, rows=2_000, seed=1)
    assert estimate == validity.silhouette_estimate(X, y, rows=2_000, seed=1)
    assert estimate != exact
    assert estimate == pytest.approx(exact, abs=0.02)  # about 2 standard errors of 2,000 rows
    monkeypatch.setattr(validity, "EXACT_ROWS", 5_000)
    assert validity.silhouette(X, y) == validity.silhouette_estimate(X, y)


def test_stratified_sample_keeps_proportions_and_at_least_two_rows():
    labels = np.repeat([0, 1, 2], [9_000, 990, 10])
    drawn = validity.stratified(labels, 1_000, seed=0)
    assert np.bincount(labels[drawn]).tolist() == [900, 99, 2]
    assert len(np.unique(drawn)) == len(drawn)


def test_nearest_breaks_ties_by_the_smallest_number():
    assert validity.nearest(np.array([[1.0], [0.0], [3.0]]), np.array([[2.0], [0.0]])).tolist() == [0, 1, 0]
