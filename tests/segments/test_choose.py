import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from segkit.data import samples
from segkit.segments import choose, prepare, strength

SPEND = ["Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen"]


@pytest.fixture(scope="module")
def skewed():
    # two clouds of log spend: on the scale as it is nothing but tails
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, 400)
    return pd.DataFrame(np.exp(draw.normal(size=(400, 3)) + 4 * truth[:, None]), columns=list("abc"))


def learnt(frame, **how):
    numbers = list(frame.select_dtypes("number"))
    return choose.learn(nw.from_native(frame), numbers=numbers, categories=[], **how)


def test_skewed_columns_are_compared_on_a_log_scale(skewed):
    found = learnt(skewed)
    assert found.recipe.transform == "auto-log"
    table = found.comparison.table.set_index("preparation")
    assert table.index.tolist() == ["raw", "z-score", "auto-log", "robust", "rank"]
    assert table.index[table["chosen"]].tolist() == ["auto-log"]
    assert table.loc["auto-log", "z"] > 4
    assert table.loc["auto-log", "agreement"] == 1
    assert found.chance.z == table.loc["auto-log", "z"]


def test_what_the_log_scale_hides_is_found_as_it_is():
    table = {"auto-log": 1.0, "none": 9.0, "rank": 2.0}

    class Known:
        def z(self, transform, scale):
            assert scale == "standard"
            return table[transform]

    assert choose._picked(Known(), "standard")[0] == "none"
    table["auto-log"] = 5.0  # what stands out on a log scale stays there
    assert choose._picked(Known(), "standard")[0] == "auto-log"
    table |= {"auto-log": 3.5, "none": 4.5}  # a lead under 1.5 is a tie
    assert choose._picked(Known(), "standard")[0] == "auto-log"


@pytest.mark.parametrize(
    ("transform", "scale", "name"), [("rank", "standard", "rank"), ("none", "minmax", "none, minmax")]
)
def test_a_transform_that_is_named_is_obeyed_and_compared(skewed, transform, scale, name):
    found = learnt(skewed, transform=transform, scale=scale)
    assert (found.recipe.transform, found.recipe.scale) == (transform, scale)
    table = found.comparison.table
    assert table.loc[table["chosen"], "preparation"].tolist() == [name]


def test_too_few_rows_are_prepared_and_not_compared():
    found = learnt(pd.DataFrame({"x": np.arange(30.0)}))
    assert found.comparison is None
    assert found.X.shape == (30, 1)


def test_row_order_changes_nothing(skewed):
    one, other = learnt(skewed), learnt(skewed.sample(frac=1, random_state=1))
    assert other.chance.z == pytest.approx(one.chance.z, rel=1e-6)


def test_nothing_stands_out_in_the_sample_without_structure():
    frame = samples.nothing().select_dtypes("number").head(2_000)
    assert learnt(frame).chance.z < 4


def test_a_solution_made_of_outliers_is_flagged(test_data):
    # UCI Wholesale: z-score k = 3 has sizes 392/44/4, the last of them far out; on a log scale none is
    frame = pd.read_csv(test_data / "customers" / "Wholesale customers data.csv")[SPEND]
    far = {}
    for transform in ("none", "log1p"):
        X = prepare.learn(frame, numbers=SPEND, categories=[], transform=transform).matrix(frame)
        labels = KMeans(3, n_init=50, random_state=0).fit_predict(X)
        flagged = strength.far_out(X, labels)
        far[transform] = sorted(np.bincount(labels)[flagged].tolist())
    assert far == {"none": [4], "log1p": []}
