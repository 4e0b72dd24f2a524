import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_iris, make_blobs
from threadpoolctl import threadpool_limits

from segkit.errors import ParameterError
from segkit.segments import sweep as room
from segkit.segments import validity
from segkit.segments.sweep import sweep


@pytest.fixture(scope="module")
def wholesale(test_data):
    spend = np.log1p(pd.read_csv(test_data / "customers" / "Wholesale customers data.csv").iloc[:, 2:])
    return ((spend - spend.mean()) / spend.std(ddof=0)).to_numpy()


def overlapping(rows, seed=0):
    return make_blobs(n_samples=rows, n_features=6, centers=5, cluster_std=5, random_state=seed)[0]


def test_iris_table_is_that_of_r():
    # R 4.2.2 kmeans nstart 50, cluster::silhouette, fpc
    table = sweep(load_iris().data, max_segments=5).table.set_index("segments")
    assert table["inertia"].to_numpy() == pytest.approx([152.348, 78.8514, 57.2285, 46.4462], rel=1e-5)
    assert table["silhouette"].to_numpy() == pytest.approx([0.681046, 0.552819, 0.498051, 0.488749], abs=1e-6)
    ratios = [513.925, 561.628, 530.766, 495.542]
    assert table["calinski_harabasz"].to_numpy() == pytest.approx(ratios, abs=1e-3)


def test_wholesale_table_is_that_of_scikit_learn(wholesale):
    # scikit-learn KMeans n_init = 50 on log1p and z-scores of the six spend columns
    found = sweep(wholesale, max_segments=4)
    table = found.table.set_index("segments")
    expected = {2: (1844.06, 0.2903, 189.05, 1.3515), 3: (1553.34, 0.2592, 152.85, 1.3444)}
    for k, (inertia, silhouette, ratio, bouldin) in expected.items():
        row = table.loc[k]
        assert row["inertia"] == pytest.approx(inertia, abs=6e-3)
        assert row["silhouette"] == pytest.approx(silhouette, abs=6e-5)
        assert row["calinski_harabasz"] == pytest.approx(ratio, abs=6e-3)
        assert row["davies_bouldin"] == pytest.approx(bouldin, abs=6e-5)
    sizes = [np.bincount(found.solutions[k].labels).tolist() for k in (2, 3)]
    assert sizes == [[252, 188], [212, 147, 81]]
    assert found.proposed == 2
    assert found.why == "2 segments have the best silhouette (0.290) of 2 to 4."


@pytest.mark.parametrize("rows", [400, 6_000, 24_000])
def test_row_order_and_threads_change_nothing(rows):
    X = overlapping(rows)
    shuffled = np.random.default_rng(1).permutation(rows)
    noise = 1 + 1e-15 * np.random.default_rng(2).standard_normal(X.shape)
    with threadpool_limits(1):
        one = sweep(X, max_segments=6)
    with threadpool_limits(2):
        two = sweep((X * noise)[shuffled], max_segments=6)
    assert one.proposed == two.proposed
    assert one.table.to_numpy() == pytest.approx(two.table.to_numpy(), rel=1e-9)
    for k, solution in one.solutions.items():
        assert (solution.labels[shuffled] == two.solutions[k].labels).all()
        assert solution.centers == pytest.approx(two.solutions[k].centers, abs=1e-9)


def test_threads_do_not_change_the_last_digit():
    X = np.random.default_rng(0).standard_normal((6_000, 9))
    with threadpool_limits(1):
        one = sweep(X, max_segments=6, algorithm="bisecting")
    with threadpool_limits(2):
        two = sweep(X, max_segments=6, algorithm="bisecting")
    assert one.table.equals(two.table)


def test_segments_are_numbered_by_size_and_sit_at_the_nearest_centre():
    X = overlapping(3_000)
    for solution in sweep(X, max_segments=8).solutions.values():
        assert (np.diff(np.bincount(solution.labels)) <= 0).all()
        assert (validity.nearest(X, solution.centers) == solution.labels).all()


def test_segments_of_equal_size_are_numbered_by_their_centres():
    X = np.repeat([[3.0, 0.0], [1.0, 5.0], [2.0, 1.0]], 7, axis=0)
    assert sweep(X, max_segments=3).solutions[3].centers[:, 0].tolist() == [1.0, 2.0, 3.0]


def test_sparse_rows_get_the_labels_of_dense_ones():
    draw = np.random.default_rng(0)
    often = np.array([0.1, 0.5, 0.9])[draw.integers(0, 3, 2_500)]
    X = (draw.random((2_500, 30)) < often[:, None]).astype(float)
    dense, thin = sweep(X, max_segments=3), sweep(sparse.csr_matrix(X), max_segments=3)
    assert (dense.solutions[3].labels == thin.solutions[3].labels).all()
    assert dense.table.to_numpy() == pytest.approx(thin.table.to_numpy())


def test_range_ends_at_the_number_of_different_rows_and_says_so():
    found = sweep(np.repeat([[0.0], [1.0], [5.0]], 10, axis=0), segments=9)
    assert found.table["segments"].tolist() == [2, 3]
    assert found.why.endswith("; only 3 customers differ, so no larger number was tried.")


def test_equal_rows_are_one_segment():
    found = sweep(np.ones((9, 2)))
    assert (found.proposed, found.table.empty, list(found.solutions)) == (1, True, [1])
    assert "one segment" in found.why


def test_ties_go_to_the_smallest_number():
    table = pd.DataFrame({"segments": [2, 3, 4], "smallest": 0.2, "silhouette": [0.4, 0.5, 0.5]})
    chosen, why = room.propose(table, 4, 21)
    assert chosen == 3
    assert why == "3 segments have the best silhouette (0.500) of 2 to 4, the smallest of 2 numbers that tie."


def test_a_number_beyond_the_range_is_among_the_solutions():
    assert list(sweep(overlapping(300), segments=7, max_segments=3).solutions) == [1, 2, 3, 7]


def test_large_tables_say_what_their_silhouettes_rest_on():
    found = sweep(overlapping(20_100), max_segments=2)
    assert found.silhouette_rows == validity.ESTIMATE_ROWS
    exact = validity.silhouettes(overlapping(20_100), [found.solutions[2].labels])[0]
    assert found.table["silhouette"].item() == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize(
    "wrong", [{"segments": 1}, {"segments": 21}, {"max_segments": 1}, {"algorithm": "magic"}]
)
def test_wrong_parameters_are_refused_with_what_was_found(wrong):
    with pytest.raises(ParameterError, match=str(next(iter(wrong.values())))):
        sweep(np.eye(5), **wrong)
