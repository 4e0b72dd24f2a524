import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.datasets import load_iris, make_blobs

from segkit.errors import ParameterError
from segkit.params import Params
from segkit.segments import validity
from segkit.segments.algorithms import kmeans, registry


def test_registry_and_parameter_name_the_same_algorithms():
    field = next(field for field in Params.fields() if field.name == "algorithm")
    assert {"auto", *registry.ALGORITHMS} == set(field.choices)


def test_unknown_algorithm_names_the_nearest():
    with pytest.raises(ParameterError, match='Did you mean "kmeans"'):
        registry.get("k-means")


@pytest.mark.parametrize(("k", "wss"), [(2, 152.348), (3, 78.8514), (4, 57.2285), (5, 46.4462)])
@pytest.mark.parametrize("seed", [0, 1])
def test_iris_inertia_is_that_of_r(k, wss, seed):
    # R 4.2.2, kmeans(iris[1:4], k, nstart = 50)
    labels, _ = kmeans.KMeans().fit(load_iris().data, k, seed=seed)
    assert validity.inertia(load_iris().data, labels) == pytest.approx(wss, rel=1e-5)


def test_ten_polished_starts_find_what_plain_ones_miss(test_data):
    spend = np.log1p(pd.read_csv(test_data / "customers" / "Wholesale customers data.csv").iloc[:, 2:])
    X = ((spend - spend.mean()) / spend.std(ddof=0)).to_numpy()
    found = [validity.inertia(X, kmeans.KMeans().fit(X, 3, seed=seed)[0]) for seed in range(5)]
    assert found == pytest.approx([1553.34] * 5, abs=5e-3)  # scikit-learn, n_init = 50


@pytest.mark.parametrize(("rows", "columns"), [(150, 3), (600, 8), (2_000, 5)])
def test_all_numbers_of_a_small_table_together_are_at_least_as_good_as_ten_starts_each(rows, columns):
    X, _ = make_blobs(n_samples=rows, n_features=columns, centers=6, cluster_std=4, random_state=rows)
    X += 1e6  # far from the origin
    numbers = list(range(2, 13))
    ours = [validity.inertia(X, labels) for labels, *_ in kmeans.KMeans().solutions(X, numbers, seed=0)]
    theirs = [SklearnKMeans(k, n_init=10, random_state=0).fit(X).inertia_ for k in numbers]
    assert np.mean(np.divide(ours, theirs)) <= 1
    assert max(np.divide(ours, theirs)) <= 1.02  # ten starts themselves miss the best by up to 3 %


def test_polish_never_raises_the_inertia_and_ends_where_lloyd_stands_still():
    X = np.random.default_rng(0).normal(size=(300, 4))
    for seed in range(5):
        fit = SklearnKMeans(6, n_init=1, random_state=seed).fit(X)
        centers, inertia = kmeans.polish(X, fit.labels_, fit.cluster_centers_)
        labels = validity.nearest(X, centers)
        assert inertia <= fit.inertia_ * (1 + 1e-12)
        assert validity.inertia(X, labels) == pytest.approx(inertia)
        assert np.allclose(centers, validity.within(X, labels).centers)


def test_sample_fit_reaches_what_ten_full_fits_reach():
    X, _ = make_blobs(n_samples=12_000, n_features=8, centers=6, cluster_std=4, random_state=3)
    labels, _ = kmeans.KMeans().fit(X, 6, seed=0)
    naive = SklearnKMeans(6, n_init=10, random_state=0).fit(X)
    assert validity.inertia(X, labels) <= naive.inertia_ * 1.001


def test_more_segments_than_different_rows_raises_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels, _ = kmeans.KMeans().fit(np.repeat([[0.0], [1.0]], 5, axis=0), 3, seed=0, quick=True)
    assert len(np.unique(labels)) == 2
