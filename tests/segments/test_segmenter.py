import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from segkit.errors import ParameterError
from segkit.params import Params
from segkit.segments.segmenter import Segmenter


@parametrize_with_checks([Segmenter(max_segments=4), Segmenter(segments=3)])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def test_defaults_are_those_of_the_parameters():
    for name, default in Segmenter().get_params().items():
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
    ],
)
def test_wrong_parameters_are_value_errors_and_parameter_errors(wrong):
    model = Segmenter(**wrong)
    with pytest.raises(ParameterError, match=next(iter(wrong))) as caught:
        model.fit(np.eye(4))
    assert isinstance(caught.value, ValueError)
