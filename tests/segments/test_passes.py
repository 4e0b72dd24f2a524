import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score

from segkit.segments import coreset, passes


@pytest.fixture(scope="module")
def X():  # noqa: N802 - a matrix, as everywhere
    return make_blobs(30_000, n_features=6, centers=5, cluster_std=4, random_state=2)[0] + 1e3


def test_one_pass_is_one_lloyd_pass_of_scikit_learn_for_every_set_of_centres(X):
    sets = [X[:k] for k in (2, 5, 12)]
    total = passes.moments(passes.slices(X))
    for centers, found in zip(sets, passes.assign(passes.slices(X), sets, total, precise=True), strict=True):
        reference = KMeans(len(centers), init=centers, n_init=1, max_iter=1, tol=0).fit(X)
        assert found.means == pytest.approx(reference.cluster_centers_, rel=1e-12)


def test_the_indices_of_a_settled_pass_are_those_of_scikit_learn(X):
    reference = KMeans(5, n_init=3, random_state=0, tol=0).fit(X)
    total = passes.moments(passes.slices(X))
    [found] = passes.assign(passes.slices(X), [reference.cluster_centers_], total)
    assert found.inertia == pytest.approx(reference.inertia_, rel=1e-6)
    assert found.calinski_harabasz == pytest.approx(calinski_harabasz_score(X, reference.labels_), rel=1e-5)
    assert found.davies_bouldin == pytest.approx(davies_bouldin_score(X, reference.labels_), rel=1e-5)


def test_rows_on_a_border_are_shared():
    rows = passes.slices(np.array([[0.0], [1.0], [2.0]]))
    [found] = passes.assign(rows, [np.array([[0.0], [2.0]])], passes.moments(rows))
    assert found.counts.tolist() == [1.5, 1.5]


def draw_from(X, seed, size=2_000):
    total = passes.moments(passes.slices(X))
    chances = coreset.Chances(total.mean, np.sqrt(total.squares / total.rows), seed=seed)
    blocks = passes.slices(X)
    return coreset.draw(blocks, lambda _, some: chances.of(some), total, size=size, even=500)


def test_the_same_rows_are_drawn_in_any_order_and_with_other_last_digits(X):
    shuffled = np.random.default_rng(1).permutation(len(X))
    one, two = draw_from(X, 3), draw_from((X * (1 + 1e-15))[shuffled], 3)
    assert one.rows == pytest.approx(two.rows, rel=1e-12)
    assert one.weights == pytest.approx(two.weights, rel=1e-9)
    assert one.even == pytest.approx(two.even, rel=1e-12)
    assert not np.array_equal(one.rows, draw_from(X, 4).rows)


def test_weighted_sums_of_a_coreset_are_those_of_all_rows_on_average(X):
    """Unbiased by Duffield, Lund and Thorup (2007), eq. 1: the mean of 60 draws, by 4 standard errors."""
    sums = []
    for seed in range(60):
        drawn = draw_from(X, seed)
        gaps = drawn.rows - X.mean(axis=0)
        sums.append([drawn.weights.sum() / len(X), drawn.weights @ (gaps**2).sum(axis=1) / len(X)])
    off = np.mean(sums, axis=0) - [1, ((X - X.mean(axis=0)) ** 2).sum(axis=1).mean()]
    assert (np.abs(off) <= 4 * np.std(sums, axis=0, ddof=1) / np.sqrt(60)).all()


def test_equal_rows_are_drawn_one_by_one():
    X = np.repeat([[0.0, 1.0], [1.0, 0.0]], [6_000, 2_000], axis=0)
    even = draw_from(X, 0, size=1_000).even
    assert 0.65 < (even[:, 0] == 0).mean() < 0.85  # .75, and .02 is one standard error of 500 rows
