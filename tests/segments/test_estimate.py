import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import silhouette_score

from segkit.segments import estimate, validity


def coverage(rows, drawn_rows, numbers, spread):
    """Count for each number of segments in how many of 200 samples the interval holds the exact value."""
    X, _ = make_blobs(rows, n_features=5, centers=5, cluster_std=spread, random_state=1)
    labellings = [KMeans(k, n_init=1, random_state=0).fit_predict(X) for k in numbers]
    exact, sizes = np.array(validity.silhouettes(X, labellings)), [np.bincount(each) for each in labellings]
    covered = np.zeros(len(numbers), dtype=int)
    for trial in range(200):
        drawn = np.random.default_rng(trial).permutation(rows)[:drawn_rows]
        parts = [each[drawn] for each in labellings]
        found = np.array(estimate.silhouettes(X[drawn], parts, sizes, seen=drawn_rows / rows))
        covered += np.abs(found[:, 0] - exact) <= 1.96 * found[:, 1]
    shown = dict(zip(numbers, covered.tolist(), strict=True))
    print(f"{drawn_rows} of {rows} rows, spread {spread}: covered {shown}")
    return covered


def test_the_interval_covers_the_exact_value_in_182_of_200_trials():
    assert coverage(4_000, 800, (2, 5), 4.0).min() >= 182


@pytest.mark.slow
@pytest.mark.parametrize("spread", [2.0, 6.0])
def test_it_does_so_at_the_size_that_is_used(spread):
    assert coverage(20_000, estimate.ROWS, (2, 5, 12), spread).min() >= 182


def test_all_rows_seen_give_the_exact_value_of_scikit_learn():
    X, labels = make_blobs(700, n_features=4, centers=3, cluster_std=3, random_state=0)
    [found] = estimate.silhouettes(X, [labels], [np.bincount(labels)], seen=1.0)
    assert found.value == pytest.approx(silhouette_score(X, labels), abs=1e-5)  # float32 distances
    assert found.error == 0


def test_a_segment_that_the_sample_misses_leaves_the_others_their_weight():
    X = np.array([[0.0], [0.5], [9.0], [9.5]])
    [found] = estimate.silhouettes(X, [np.array([0, 0, 1, 1])], [np.array([60, 40, 1])])
    assert found.value == pytest.approx(silhouette_score(X, [0, 0, 1, 1]), abs=1e-3)
