import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris

from segkit.segments import classics, density


def test_the_gap_of_iris_is_that_of_r():
    # R 4.2.2, cluster::clusGap(iris, kmeans, nstart = 50, B = 100): .0888 .3875 .4923 .5427 .5470, with
    # standard errors of about .02; both average draws of their own
    chosen, table = classics.gap(load_iris().data, 5, draws=40)
    assert table["gap"].to_numpy() == pytest.approx([0.0888, 0.3875, 0.4923, 0.5427, 0.5470], abs=0.02)
    assert chosen == 4


class OneStart:
    """k-means from one random start, as R's kmeans has it: many halves end in a poor solution."""

    def fit(self, X, k, *, seed, quick):
        del quick
        model = KMeans(k, init="random", n_init=1, random_state=seed + int(1e6 * abs(X[0, 0]))).fit(X)
        return model.labels_, model.cluster_centers_


def test_the_prediction_strength_of_iris_is_that_of_r(monkeypatch):
    # R, fpc 2.2-10 prediction.strength, M = 50, k-means of one start; standard error of M = 50 about .03
    expected = np.array([1, 0.9765, 0.6719, 0.5411, 0.4904])
    chosen, better = classics.prediction_strength(load_iris().data, 5)
    monkeypatch.setattr(classics, "KMeans", OneStart)
    again, table = classics.prediction_strength(load_iris().data, 5, splits=50)
    assert table["strength"].to_numpy() == pytest.approx(expected, abs=0.05)
    assert chosen == again == 2
    assert (better["strength"] >= expected - 0.03).all()


def test_one_normal_cloud_has_one_segment():
    # cluster and fpc both say 1 of N(0, I), n = 500, p = 4
    X = np.random.default_rng(0).normal(size=(500, 4))
    assert classics.gap(X, 4, draws=10)[0] == 1
    assert classics.prediction_strength(X, 4, splits=10)[0] == 1


@pytest.mark.parametrize(("stretch", "expected"), [(1, 0.6857798882811141), (3, 0.5368340666563152)])
def test_dbcv_is_that_of_the_authors_package(stretch, expected):
    # hdbscan 0.8.44, hdbscan.validity.validity_index of the same rows and labels
    draw = np.random.default_rng(0)
    parts = draw.normal(0, 1, (150, 2)), draw.normal([7, 0], [1, 2], (100, 2)), draw.uniform(-12, -6, (60, 2))
    labels = np.repeat([0, 1, 2], [150, 100, 60])
    labels[::17] = -1
    assert density.dbcv(np.vstack(parts) * [1, stretch], labels) == pytest.approx(expected, abs=1e-9)
    assert density.dbcv(np.vstack(parts), np.zeros(310, dtype=int)) == -1.0
