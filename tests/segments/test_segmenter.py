from sklearn.utils.estimator_checks import parametrize_with_checks

from segkit.segments.segmenter import Segmenter


@parametrize_with_checks([Segmenter(max_segments=4), Segmenter(segments=3)])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)
