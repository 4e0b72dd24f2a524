"""Segments of any shape, found by density, with noise beside them; nobody new is placed; what auto takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from segkit import runs
from segkit.errors import ModelError, ParameterError
from segkit.scoring import score
from segkit.segments import density
from segkit.segments.algorithms import hdbscan
from segkit.segments.algorithms.hdbscan import Hdbscan
from segkit.segments.segmenter import Segmenter, SegmenterError
from segkit.segments.shape import shape
from segkit.segments.sweep import sweep
from segkit.study import segment


def rings(rows=600, seed=0):
    """Return two rings, one in the other, and which one each row is of."""
    rng = np.random.default_rng(seed)
    home, turn = np.arange(rows) % 2, rng.uniform(0, 2 * np.pi, rows)
    radius = np.where(home, 4.0, 1.0) + rng.normal(0, 0.12, rows)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn)]), home


def clouds(centers, rows=200, seed=0):
    """Return round normal clouds."""
    rng = np.random.default_rng(seed)
    home = np.repeat(np.arange(len(centers)), rows)
    return np.asarray(centers, dtype=float)[home] + rng.normal(size=(len(home), len(centers[0]))), home


@pytest.fixture(scope="module")
def study():
    X, _ = rings()
    table = pd.DataFrame(X, columns=["east", "north"])
    table.insert(0, "customer_id", [f"c{i}" for i in range(len(table))])
    table.loc[:2, ["east", "north"]] = [[9.0, 9.0], [-9.0, 9.0], [9.0, -9.0]]  # far away
    return segment(table, transform="none")


def test_rings_are_found_and_rows_in_none_are_noise():
    X, home = rings()
    far = np.array([[9.0, 9.0], [-9.0, 9.0], [30.0, 30.0]])
    found = Hdbscan().found(np.vstack([X, far]))[2]
    assert adjusted_rand_score(home, found.labels[: len(X)]) == 1
    assert found.labels[len(X) :].tolist() == [-1, -1, -1]


def test_rows_beyond_the_sample_follow_their_neighbours_and_the_far_ones_stay_noise(monkeypatch):
    X, home = rings(1_000)
    monkeypatch.setattr(hdbscan, "ROWS", 400)
    found = Hdbscan().found(np.vstack([X, [[50.0, 50.0]]]))[2]
    inside = found.labels[:-1] >= 0
    assert inside.mean() > 0.99
    assert adjusted_rand_score(home[inside], found.labels[:-1][inside]) == 1
    assert found.labels[-1] == -1


def test_the_sweep_numbers_by_size_and_minds_no_order_of_rows():
    X, _ = clouds([[0, 0], [9, 0], [0, 9]])
    X = X[:500]
    found = sweep(X, algorithm="hdbscan", max_segments=6)
    assert found.proposed == 3
    solution = found.solutions[3]
    counts = np.bincount(solution.labels[solution.labels >= 0])
    assert (np.diff(counts) <= 0).all()
    mixed = np.random.default_rng(1).permutation(len(X))
    other = sweep(X[mixed], algorithm="hdbscan", max_segments=6).solutions[3]
    assert (other.labels == solution.labels[mixed]).all()
    np.testing.assert_allclose(other.fit, solution.fit[mixed])
    assert solution.fit[solution.labels >= 0].min() > 0.5


def test_a_number_that_is_not_there_is_refused_with_those_that_are():
    X, _ = rings()
    table = pd.DataFrame(X, columns=["east", "north"])
    with pytest.raises(ParameterError, match=r"finds how many segments there are by itself: 2 .*here, not 7"):
        segment(table, algorithm="hdbscan", segments=7)
    assert segment(table, algorithm="hdbscan", segments=2).verdict.shown == 2


def test_auto_takes_it_for_rings_and_the_study_says_what_it_rests_on(study):
    verdict = study.verdict
    assert (verdict.algorithm, verdict.level, verdict.segments) == ("hdbscan", "clear", 2)
    assert study.assignments["segment"].tolist()[:3] == [0, 0, 0]
    assert (study.assignments["segment"][3:] > 0).all()
    row = study.evidence.set_index("segments").loc[2]
    assert row["dbcv"] == verdict.dbcv > 0
    assert f"(density-based validity {study.numbers.index(verdict.dbcv)})" in study.text.evidence
    assert "chance" not in study.text.evidence
    assert (study.strength["status"] == "holds").all()
    assert study.assignments.loc[3:, "confidence"].between(0.5, 1).all()


def test_its_model_places_nobody_and_says_so(study, tmp_path):
    run = runs.save(study, tmp_path / "rings")
    with pytest.raises(ModelError, match="places no new customers"):
        score(pd.DataFrame({"customer_id": ["a", "b"], "east": [1.0, 4.0], "north": 0.0}), model=str(run))


def test_one_population_gets_none():
    X = np.random.default_rng(3).normal(size=(600, 3))
    assert segment(pd.DataFrame(X, columns=list("xyz")), algorithm="hdbscan").verdict.level == "none"


def test_the_estimator_labels_its_own_rows_and_places_no_others():
    X, home = rings()
    model = Segmenter(algorithm="hdbscan").fit(X)
    assert adjusted_rand_score(home, model.labels_) == 1
    assert model.n_segments_ == 2
    for ask in (model.predict, model.transform):
        with pytest.raises(SegmenterError, match="places no new rows"):
            ask(X)
    with pytest.raises(SegmenterError, match="takes no sample_weight"):
        Segmenter(algorithm="hdbscan").fit(X, sample_weight=np.ones(len(X)))


# ------------------------------------------------------------------------------------------ what auto takes
def test_pieces_of_a_curved_segment_are_linked_and_segments_apart_are_not():
    X, home = rings()
    pieces = (np.arctan2(X[:, 1], X[:, 0]) > 0) + 2 * home
    assert density.linked(X, pieces) == 1
    assert density.linked(X, home) == 0
    far, parts = clouds([[0, 0], [9, 0]])
    assert density.linked(far, parts) == 0


def test_hollows_are_under_one_where_the_way_out_is_thinner():
    X, home = rings()
    assert (density.hollows(X, home) < 1).all()
    halves = (X[:, 0] > 0).astype(int)
    assert (density.hollows(X, halves) >= 1).all()


def test_normal_clouds_stay_with_the_mixture():
    X, home = clouds([[0, 0], [7, 0], [0, 7]])
    assert shape(X, home, most=9, seed=0) is None


def test_small_round_segments_that_a_mixture_joined_are_left_to_k_means():
    centers = [[x, y] for x in (0, 6, 12) for y in (0, 6, 12)]
    X, home = clouds(centers, rows=100)
    assert shape(X, home // 3, most=16, seed=0)[:2] == ("kmeans", 9)


@pytest.mark.parametrize("columns", [4, 8])
def test_in_more_than_three_columns_density_is_not_asked(columns):
    X, home = rings()
    wide = np.column_stack([X, np.zeros((len(X), columns - 2))])
    assert shape(wide, home, most=9, seed=0) is None


def test_columns_of_few_values_have_no_thin_places():
    X, home = rings()
    assert shape(X.round(), home, most=9, seed=0) is None
