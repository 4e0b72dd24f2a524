import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, make_blobs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from segkit.errors import ParameterError
from segkit.params import Params
from segkit.segments.segmenter import Segmenter
from segkit.segments.sweep import repeated


@parametrize_with_checks([Segmenter(max_segments=4), Segmenter(segments=3)])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def test_defaults_are_those_of_the_parameters():
    for name, default in Segmenter().get_params().items():
        if name != "feature_weights":  # of a matrix: a study weighs no columns
            assert default == getattr(Params(), name)


def test_it_takes_what_the_sweep_proposes_and_shows_the_choice():
    X = load_iris(as_frame=True).data
    model = Segmenter(max_segments=5).fit(X)
    assert model.n_segments_ == 2  # the best silhouette of iris, .681 (R 4.2.2)
    assert model.choice_["segments"].tolist() == [2, 3, 4, 5]
    assert model.inertia_ == pytest.approx(152.348, rel=1e-5)
    assert model.feature_names_in_.tolist() == list(X)
    assert np.bincount(model.labels_).tolist() == [97, 53]


def test_a_given_number_is_fitted_alone():
    model = Segmenter(segments=3).fit(load_iris().data)
    assert (model.n_segments_, len(model.choice_), model.cluster_centers_.shape) == (3, 1, (3, 4))


def test_predict_repeats_the_labels_and_transform_gives_distances():
    X = load_iris().data
    model = Segmenter(segments=3).fit(X)
    assert (model.predict(X) == model.labels_).all()
    assert (model.transform(X).argmin(axis=1) == model.labels_).all()
    assert (model.fit_predict(X) == model.labels_).all()


def test_pipelines_clones_and_frames_work():
    X = load_iris(as_frame=True).data
    pipeline = clone(make_pipeline(StandardScaler(), Segmenter(segments=2))).set_output(transform="pandas")
    distances = pipeline.fit_transform(X)
    assert isinstance(distances, pd.DataFrame)
    assert distances.columns.tolist() == ["segmenter0", "segmenter1"]


def test_fewer_different_rows_than_segments():
    assert Segmenter(segments=5).fit(np.repeat([[0.0], [1.0]], 4, axis=0)).n_segments_ == 2
    assert Segmenter().fit(np.ones((5, 2))).n_segments_ == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"segments": 1},
        {"segments": 21},
        {"segments": 2.5},
        {"max_segments": True},
        {"seed": -1},
        {"algorithm": "x"},
        {"feature_weights": [1.0, 2.0]},
        {"feature_weights": [1.0, 2.0, -1.0, 1.0]},
        {"feature_weights": [0.0] * 4},
        {"min_segment_size": 0.6},
    ],
)
def test_wrong_parameters_are_value_errors_and_parameter_errors(wrong):
    model = Segmenter(**wrong)
    with pytest.raises(ParameterError, match=next(iter(wrong))) as caught:
        model.fit(np.eye(4))
    assert isinstance(caught.value, ValueError)


def test_a_column_of_weight_two_counts_like_two_columns():
    X = load_iris().data
    weighed = Segmenter(segments=3, feature_weights=[1, 2, 1, 0]).fit(X)
    copied = Segmenter(segments=3).fit(X[:, [0, 1, 1, 2]])
    assert (weighed.labels_ == copied.labels_).all()
    assert weighed.inertia_ == pytest.approx(copied.inertia_)
    means = [X[weighed.labels_ == j].mean(axis=0) for j in range(3)]
    assert weighed.cluster_centers_ == pytest.approx(np.array(means))
    assert (weighed.predict(X) == weighed.labels_).all()
    sparse = Segmenter(segments=3, feature_weights=[1, 2, 1, 0]).fit(csr_matrix(X))
    assert (sparse.labels_ == weighed.labels_).all()


@pytest.mark.parametrize("algorithm", ["kmeans", "mixture", "ward", "bisecting"])
def test_a_row_of_weight_three_counts_like_three_rows(algorithm):
    X = load_iris().data
    weights = np.random.default_rng(0).integers(0, 4, len(X))
    weighed = Segmenter(segments=3, algorithm=algorithm).fit(X, sample_weight=weights)
    copied = Segmenter(segments=3, algorithm=algorithm).fit(np.repeat(X, weights, axis=0))
    assert weighed.cluster_centers_ == pytest.approx(copied.cluster_centers_)
    assert weighed.inertia_ == pytest.approx(copied.inertia_)
    assert (weighed.labels_ == copied.predict(X)).all()


def test_fractions_and_large_sums_of_weights_are_drawn_in_proportion():
    X, y = make_blobs(n_samples=3_000, centers=3, random_state=0)
    weights = np.where(y == 0, 0.25, 40.0)
    model = Segmenter(segments=3).fit(X, sample_weight=weights)
    exact = KMeans(3, n_init=10, random_state=0).fit(X, sample_weight=weights)
    assert model.inertia_ == pytest.approx(exact.inertia_, rel=0.005)
    rows = repeated(X, weights, seed=0)
    assert len(rows) == pytest.approx(20_000, abs=200)  # 4 standard errors of 3,000 rounded rows
    shares = np.bincount(y[rows]) / len(rows)
    assert shares == pytest.approx(np.bincount(y, weights=weights) / weights.sum(), abs=0.003)


@pytest.mark.parametrize("rows", [300, 3_000])
def test_numbers_with_too_small_a_segment_are_not_taken(rows):
    draw = np.random.default_rng(0)
    X = np.array([[0, 0], [9, 0], [0, 9]])[(draw.random(rows)[:, None] > [0.05, 0.5]).sum(axis=1)]
    X = X + draw.normal(size=X.shape)
    free, held = (Segmenter(max_segments=4, min_segment_size=least).fit(X) for least in (0, 0.2))
    assert (free.n_segments_, held.n_segments_) == (3, 2)
    assert held.choice_["smallest"].tolist() == free.choice_["smallest"].tolist()
    assert Segmenter(max_segments=4, min_segment_size=0.5).fit(X).n_segments_ == 1
    assert Segmenter(segments=3, min_segment_size=0.2).fit(X).n_segments_ == 3
