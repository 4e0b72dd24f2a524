"""Whether fits from other seeds are the same segments."""

import numpy as np
import pytest
from scipy import sparse

from segkit.segments import seeds
from segkit.segments.algorithms import registry
from segkit.segments.sweep import sweep
from tests.planted import planted


def clouds():
    draw = np.random.default_rng(0)
    return np.array([[0, 0], [9, 0], [0, 9]])[draw.integers(0, 3, 1_500)] + draw.normal(size=(1_500, 2))


@pytest.mark.parametrize("name", ["kmeans", "mixture", "ward", "bisecting"])
def test_seeds_agree_on_three_clouds_and_less_on_more(name):
    found = sweep(clouds(), max_segments=6, algorithm=name).agreement
    assert sorted(found) == [2, 3, 4, 5, 6]
    assert found[3] == 1
    assert found[6] <= 1
    assert name == "ward" or found[6] < 0.9  # Ward draws nothing


def test_hdbscan_draws_nothing_so_there_is_nothing_to_agree():
    assert sweep(clouds(), algorithm="hdbscan").agreement == {}


def test_one_population_is_cut_elsewhere_from_every_seed():
    X = np.random.default_rng(1).normal(size=(3_000, 8))
    assert max(sweep(X, max_segments=5).agreement.values()) < 0.7


def test_the_figure_is_that_of_the_rows_whatever_their_order_and_kind():
    X = planted(3, np.random.default_rng([0, 3]))[0].to_numpy()[:900]
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    turned = sweep(X[::-1], max_segments=4).agreement
    assert sweep(X, max_segments=4).agreement == pytest.approx(turned)
    metrics = {2: None, 3: None}
    dense, thin = (
        seeds.agreement(each, registry.get("kmeans"), metrics) for each in (X, sparse.csr_matrix(X))
    )
    assert dense == pytest.approx(thin)
