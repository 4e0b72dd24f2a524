import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from segkit.segments import chance, prepare, strength, validity
from segkit.segments.algorithms import mixture, registry
from segkit.segments.algorithms.kmeans import KMeans
from segkit.segments.sweep import sweep


def pair(apart, rows=20_000):
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1], rows // 2)
    return np.column_stack([apart * labels + draw.normal(size=rows), draw.normal(size=rows)]), labels


@pytest.mark.parametrize(("apart", "ratio"), [(3, 0.65), (4, 0.27), (5, 0.09)])
def test_the_valley_between_two_normals_is_that_of_theory(apart, ratio):
    X, labels = pair(apart)
    # the normal densities integrated over the windows; the emptiest window, not the middle one, counts
    assert strength.valleys(X, labels)[0, 1] == pytest.approx(ratio, abs=0.08)


def test_halves_of_one_cloud_are_joined_and_two_clouds_are_not():
    X, _ = pair(0)
    assert strength.merged(X, (X[:, 0] > 0).astype(int)).max() == 0
    X, labels = pair(4)
    assert strength.merged(X, labels).max() == 1


def test_a_segment_made_of_far_out_rows_is_told():
    X, labels = pair(5, 1_000)
    X[:10] += 40
    labels[:10] = 2
    found, _ = strength.table(X, labels, lambda _rows, _b: labels, seed=0)
    assert found["status"].tolist() == ["holds", "holds", "far out"]
    assert found["jaccard"].tolist() == [1.0, 1.0, 1.0]


def test_customers_who_change_segment_in_repeated_samples_are_counted():
    X, labels = pair(5, 500)

    def again(_rows, b):  # the first 100 of segment 0 go over in every second sample
        return np.where((np.arange(len(X)) < 100) & (b % 2 == 0), 1, labels)

    assert (labels[:100] == 0).all()
    share, stays = strength.repeated(X, labels, again, seed=0)
    assert set(stays[:100]) == {0.5}
    assert set(stays[100:]) == {1.0}
    found, _ = strength.table(X, labels, again, seed=0)
    counts = np.bincount(labels)
    assert found["unsure"].tolist() == [100 / counts[0], 0.0]
    assert found["stays"].tolist() == pytest.approx([1 - 50 / counts[0], 1.0])
    assert share.shape == (strength.BOOTSTRAPS, 2)


def test_how_often_customers_stay_is_seen_of_some_and_told_of_all_by_their_fit():
    draw = np.random.default_rng(0)
    segment, fit = draw.integers(0, 4, 40_000), draw.uniform(0.5, 1, 40_000)
    truth = np.where(segment == 3, 1.0, np.clip(4 * fit - 2 - 0.2 * segment, 0, 1))  # 3 is firm everywhere
    at = draw.choice(40_000, 1_000, replace=False)
    stays = draw.binomial(strength.BOOTSTRAPS, truth[at]) / strength.BOOTSTRAPS
    told = strength.everywhere(segment, fit, at, stays)
    assert np.isnan(told[segment == 0]).all()
    for one in (1, 2, 3):
        mine = segment == one
        assert np.abs(told[mine] - truth[mine]).mean() < 0.05
        assert (np.diff(told[mine][np.argsort(fit[mine])]) >= 0).all()


def test_a_dip_lies_in_the_column_that_has_two_peaks():
    draw = np.random.default_rng(1)
    frame = pd.DataFrame(draw.normal(size=(1_000, 3)), columns=["a", "b", "c"])
    preparation = prepare.learn(frame, numbers=list(frame), categories=[])
    assert chance.dips(chance.nw.from_native(frame), preparation, seed=0).min() > 0.05
    frame["b"] += 5 * (draw.random(1_000) < 0.3)
    preparation = prepare.learn(frame, numbers=list(frame), categories=[])
    found = chance.dips(chance.nw.from_native(frame), preparation, seed=0)
    assert found.index[0] == "b"
    assert found.iloc[0] < 0.001
    assert found.iloc[1] > 0.05


def test_every_algorithm_finds_three_clouds():
    draw = np.random.default_rng(2)
    truth = draw.integers(0, 3, 600)
    X = np.array([[0, 0], [8, 0], [0, 8]])[truth] + draw.normal(size=(600, 2))
    for name in registry.ALGORITHMS:
        labels = sweep(X, segments=3, max_segments=4, algorithm=name).solutions[3].labels
        assert len(np.unique(labels * 3 + truth)) == 3, name


def test_the_mixture_of_best_icl_has_as_many_clouds_as_there_are():
    X, _ = pair(5, 600)
    found = mixture.paths(X, 5, seed=0)
    assert min(found, key=lambda k: found[k].icl) == 2
    assert found[2].posterior.sum(axis=1) == pytest.approx(np.ones(600))
    metric = found[2].metric
    assert (metric.nearest(X, found[2].means) == found[2].posterior.argmax(axis=1)).mean() > 0.999


@pytest.mark.parametrize(
    ("table", "k", "expected"),
    [
        ("iris", 2, [0.997, 0.995]),
        ("iris", 3, [1.000, 0.963, 0.953]),
        ("wholesale", 2, [0.974, 0.966]),
        ("wholesale", 3, [0.916, 0.848, 0.821]),
    ],
)
def test_segments_come_back_as_often_as_r_says(request, monkeypatch, table, k, expected):
    # R, fpc 2.2-10 clusterboot, k-means, B = 100. It clusters each drawn row once, as done here, and compares
    # over the drawn rows only, which is up to .03 kinder than over all of them
    if table == "iris":
        X = load_iris().data
    else:
        file = request.getfixturevalue("test_data") / "customers" / "Wholesale customers data.csv"
        spend = np.log1p(pd.read_csv(file).iloc[:, 2:])
        X = ((spend - spend.mean()) / spend.std(ddof=0)).to_numpy()
    monkeypatch.setattr(strength, "BOOTSTRAPS", 100)

    def again(drawn, b):
        return validity.nearest(X, KMeans().fit(np.unique(drawn, axis=0), k, seed=b, quick=True)[1])

    found = strength.repeated(X, KMeans().fit(X, k, seed=0)[0], again, seed=0)[0].mean(axis=0)
    assert np.sort(found)[::-1] == pytest.approx(expected, abs=0.03)
    assert (np.sort(found)[::-1] <= np.array(expected) + 0.01).all()
