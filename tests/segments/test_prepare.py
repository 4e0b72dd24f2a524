"""Preparation against scikit-learn, on every eager library, on DuckDB, and on hostile frames."""

from __future__ import annotations

import json
import math

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from segkit.errors import ParameterError, SourceError
from segkit.segments import prepare
from segkit.segments.prepare import Preparation, learn

LIBRARIES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


@pytest.fixture(params=LIBRARIES)
def library(request):
    return LIBRARIES[request.param]


@pytest.fixture(scope="module")
def customers():
    """500 customers: skewed spend with gaps, a balance of both signs, a plan of many levels, a yes/no."""
    rng = np.random.default_rng(1)
    spend = np.exp(rng.normal(4, 1.2, 500))
    spend[::17] = np.nan
    plans = rng.choice(
        [f"plan {i:02d}" for i in range(30)], 500, p=np.array([12] * 5 + [2] * 15 + [1] * 10) / 100
    )
    return pd.DataFrame({
        "spend": spend,
        "balance": rng.normal(-100, 400, 500) ** 3,
        "visits": rng.poisson(3, 500),
        "plan": plans,
        "member": np.where(rng.random(500) < 0.3, "yes", "no"),
    })  # fmt: skip


NUMBERS, CATEGORIES = ["spend", "balance", "visits"], ["plan", "member"]


# ------------------------------------------------------------------- numbers, scikit-learn as the oracle


@pytest.mark.parametrize("impute", ["median", "mean", "most_frequent"])
@pytest.mark.parametrize(
    ("scale", "scaler"),
    [
        ("standard", StandardScaler()),
        ("robust", RobustScaler()),
        ("minmax", MinMaxScaler()),
        ("none", "passthrough"),
    ],
)
def test_filling_and_scaling_agree_with_scikit_learn(customers, library, impute, scale, scaler):
    oracle = make_pipeline(SimpleImputer(strategy=impute), scaler).fit_transform(customers[NUMBERS])
    frame = library(customers)
    made = learn(frame, numbers=NUMBERS, categories=[], impute=impute, transform="none", scale=scale)
    np.testing.assert_allclose(made.matrix(frame), oracle, rtol=1e-9, atol=1e-9)


def test_log1p_agrees_with_numpy(customers, library):
    oracle = make_pipeline(SimpleImputer(strategy="median"), FunctionTransformer(np.log1p), StandardScaler())
    frame = library(customers)
    made = learn(frame, numbers=["spend", "visits"], categories=[], transform="log1p")
    expected = oracle.fit_transform(customers[["spend", "visits"]])
    np.testing.assert_allclose(made.matrix(frame), expected, rtol=1e-9, atol=1e-9)


def test_yeo_johnson_agrees_with_scikit_learn(customers, library):
    columns = customers[["balance", "visits"]].assign(left=-np.exp(np.linspace(0, 3, 500)))
    made = learn(library(columns), numbers=list(columns), categories=[], transform="yeo-johnson")
    np.testing.assert_allclose(
        made.matrix(library(columns)), PowerTransformer().fit_transform(columns), atol=2e-4
    )


@pytest.mark.parametrize("power", [-1.5, 0.0, 0.5, 1.0, 2.0, 3.2])
def test_yeo_johnson_is_scipys_for_every_power(power):
    from scipy.stats import yeojohnson

    values = np.array([-50.0, -2.0, -1e-9, 0.0, 1e-9, 0.3, 7.0, 900.0])
    frame = nw.from_native(pd.DataFrame({"x": values}))
    from segkit.segments.encode import yeo_johnson

    found = frame.select(yeo_johnson(nw.col("x"), power))["x"].to_numpy()
    np.testing.assert_allclose(found, yeojohnson(values, power), rtol=1e-7, atol=1e-15)


def test_rank_agrees_with_scikit_learn(customers, library):
    columns = customers[["balance", "visits"]].assign(spend=customers["spend"].fillna(1.0))
    made = learn(library(columns), numbers=list(columns), categories=[], transform="rank", scale="none")
    oracle = QuantileTransformer(n_quantiles=500).fit_transform(columns)
    inside = (oracle > 0) & (oracle < 1)  # it sends the extremes to 0 and 1, we to the middle of their share
    np.testing.assert_allclose(made.matrix(library(columns))[inside], oracle[inside], atol=0.03)


def test_auto_transforms_only_what_that_straightens():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({
        "normal": rng.normal(size=2000),
        "lognormal": np.exp(rng.normal(3, 1, 2000)),
        "both signs": np.r_[np.exp(rng.normal(1, 1, 1900)), -rng.random(100)],
        "flag": (rng.random(2000) < 0.05) * 1,  # two values stay two values: log1p cannot change the skew
        "left": 100 - np.exp(rng.normal(1, 0.8, 2000)).clip(0, 100),  # log1p would make it worse
    })  # fmt: skip
    steps = learn(frame, numbers=list(frame), categories=[]).steps.set_index("column")
    assert steps["transform"].to_dict() == {
        "normal": "none", "lognormal": "log1p", "both signs": "yeo-johnson", "flag": "none", "left": "none",
    }  # fmt: skip
    skew = frame["lognormal"].skew()
    assert steps.loc["lognormal", "why"].startswith(f"skew {skew:.1f} reduced to")
    assert "left as it is: log1p would make it" in steps.loc["flag", "why"]


def test_log1p_of_impossible_values_names_the_columns(customers):
    with pytest.raises(ParameterError, match=r'"balance" \(-.*Use auto'):
        learn(customers, numbers=NUMBERS, categories=[], transform="log1p")


def test_robust_falls_back_to_sd_where_the_middle_half_is_one_value():
    frame = pd.DataFrame({"x": [0.0] * 80 + [5.0] * 20})  # sd 2.0, median 0
    made = learn(frame, numbers=["x"], categories=[], transform="none", scale="robust").matrix(frame)
    assert set(made.ravel()) == {0.0, 2.5}


@pytest.mark.parametrize("scale", ["standard", "robust", "minmax"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e9, 1e300, None])
def test_a_column_without_spread_becomes_zero(library, value, scale):
    frame = library(pd.DataFrame({"x": pd.Series([value] * 7, dtype=float), "y": np.arange(7.0)}))
    made = learn(frame, numbers=["x", "y"], categories=[], scale=scale)
    assert (made.matrix(frame)[:, 0] == 0).all()


def test_drop_learns_from_complete_rows_and_says_which_can_be_used(customers, library):
    frame = library(customers)
    made = learn(frame, numbers=NUMBERS, categories=CATEGORIES, impute="drop")
    whole = customers.dropna()
    assert made.usable(frame).tolist() == customers["spend"].notna().tolist()
    same = learn(library(whole), numbers=NUMBERS, categories=CATEGORIES)
    assert [c.model_copy(update={"impute": ""}) for c in made.columns] == [
        c.model_copy(update={"impute": ""}) for c in same.columns
    ]
    assert learn(frame, numbers=NUMBERS, categories=[]).usable(frame).all()


def test_drop_that_leaves_nobody_is_an_error():
    frame = pd.DataFrame({"x": [1.0, np.nan], "y": [np.nan, 2.0]})
    with pytest.raises(SourceError, match=r"0 of 2 customers have a value in every column"):
        learn(frame, numbers=["x", "y"], categories=[], impute="drop")


# ------------------------------------------------------------------------------------------- categories


@pytest.mark.parametrize("levels", [3, 12, 30])
def test_onehot_agrees_with_scikit_learn(library, levels):
    """Levels hold 1, 4, 7, ...: in 12 one is under 1 %; of 30 five, and five more past the 20 largest."""
    names = [f"plan {i:02d}" for i in range(levels)]
    customers = pd.DataFrame({"plan": np.repeat(names, [3 * i + 1 for i in range(levels)])})
    oracle = OneHotEncoder(min_frequency=0.01, max_categories=21, sparse_output=False)
    made = learn(library(customers), numbers=[], categories=["plan"])
    assert ("plan=(other)" in made.names) == (levels > 3)
    np.testing.assert_array_equal(made.matrix(library(customers)), oracle.fit_transform(customers))


def test_rare_levels_are_those_under_one_per_cent():
    frame = pd.DataFrame({"c": ["a"] * 95 + ["b"] * 2 + ["c"] * 2 + ["d"]})  # d holds exactly 1 %
    assert learn(frame, numbers=[], categories=["c"]).names == ("c=a", "c=b", "c=c", "c=d")
    frame = pd.concat([frame, frame.head(1)])  # and now 1 of 101
    assert learn(frame, numbers=[], categories=["c"]).names == ("c=a", "c=b", "c=c", "c=(other)")


def test_ordinal_is_numeric_or_alphabetical(library):
    frame = pd.DataFrame(
        {"size": ["10", "9", "200", "9"], "grade": ["b", "c", "a", "b"], "level": [3, 1, 2, 3]}
    )
    made = learn(library(frame), numbers=[], categories=list(frame), encode="ordinal", scale="none")
    found = made.matrix(library(frame))
    assert found[:, 0].tolist() == [1, 0, 2, 0]
    oracle = OrdinalEncoder().fit_transform(frame[["grade", "level"]])
    np.testing.assert_array_equal(found[:, 1:], oracle)


def test_frequency_is_the_share_of_customers(library):
    frame = pd.DataFrame({"c": ["a", "a", "a", "b"]})
    made = learn(library(frame), numbers=[], categories=["c"], encode="frequency", scale="none")
    assert made.matrix(library(frame)).ravel().tolist() == [0.75, 0.75, 0.75, 0.25]
    new = library(pd.DataFrame({"c": ["b", "never seen", None]}))
    assert made.matrix(new).ravel().tolist() == [0.25, 0.0, 0.75]


def test_two_levels_make_one_column_and_one_level_says_nothing():
    frame = pd.DataFrame({"member": ["yes", "no", "no", "no"], "country": ["NL"] * 4})
    made = learn(frame, numbers=[], categories=["member", "country"])
    assert made.names == ("member=yes", "country=NL")
    expected = [[math.sqrt(2), 0], [0, 0], [0, 0], [0, 0]]
    np.testing.assert_allclose(made.matrix(frame), expected, rtol=1e-11)
    assert "says nothing" in made.steps["why"].iloc[1]


@pytest.mark.parametrize("scale", ["standard", "robust", "minmax", "none"])
@pytest.mark.parametrize("levels", [2, 3, 12])
def test_a_category_weighs_at_most_one_number(levels, scale):
    rng = np.random.default_rng(levels)
    frame = pd.DataFrame({"x": rng.normal(5, 30, 3000), "c": rng.integers(0, levels, 3000).astype(str)})
    made = learn(frame, numbers=["x"], categories=["c"], transform="none", scale=scale)
    variances = made.matrix(frame).var(axis=0)
    shares = frame["c"].value_counts(normalize=True)
    assert variances[1:].sum() == pytest.approx(
        variances[0] * (1 - (shares**2).sum()), rel=1e-9
    )  # its formula


def test_a_missing_category_is_a_level_if_it_was_there_at_fit(library):
    seen = library(pd.DataFrame({"c": ["a", "a", "b", None]}))
    assert learn(seen, numbers=[], categories=["c"]).names == ("c=a", "c=b", "c=(missing)")
    filled = learn(seen, numbers=[], categories=["c"], impute="most_frequent")
    assert filled.matrix(seen)[3].tolist() == filled.matrix(seen)[0].tolist()
    unseen = learn(library(pd.DataFrame({"c": ["a", "a", "b"]})), numbers=[], categories=["c"])
    assert unseen.matrix(seen)[3].tolist() == unseen.matrix(seen)[0].tolist()  # the most frequent level


def test_one_true_and_a_whole_decimal_are_one_level(library):
    made = learn(library(pd.DataFrame({"c": [1, 0, 0, 2, 2, 2]})), numbers=[], categories=["c"])
    assert made.names == ("c=0", "c=1", "c=2")
    assert made.matrix(library(pd.DataFrame({"c": [1.0, None]}))).tolist() == [[0, 1, 0], [0, 0, 1]]
    assert made.matrix(library(pd.DataFrame({"c": [True, False]}))).tolist() == [[0, 1, 0], [1, 0, 0]]


# ----------------------------------------------------------------------- everywhere the same, and for good


def test_every_library_learns_and_gives_the_same(customers):
    made = [learn(make(customers), numbers=NUMBERS, categories=CATEGORIES) for make in LIBRARIES.values()]
    assert made[0] == made[1] == made[2]
    for make in LIBRARIES.values():
        np.testing.assert_allclose(
            made[0].matrix(make(customers)), made[0].matrix(customers), rtol=1e-14, atol=1e-15
        )


@pytest.mark.parametrize("transform", ["auto-log", "rank", "yeo-johnson"])
@pytest.mark.parametrize("encode", ["onehot", "ordinal", "frequency"])
def test_the_expressions_run_unchanged_in_duckdb(customers, encode, transform):
    made = learn(customers, numbers=NUMBERS, categories=CATEGORIES, encode=encode, transform=transform)
    relation = nw.from_native(duckdb.from_df(customers))
    pushed = relation.select(*made.expressions()).collect("pandas").to_numpy()
    np.testing.assert_allclose(pushed, made.matrix(customers), rtol=1e-12, atol=1e-12)


def test_the_order_of_rows_does_not_matter(customers):
    shuffled = customers.sample(frac=1, random_state=5)
    for transform in ("auto-log", "rank"):
        one, other = (
            learn(f, numbers=NUMBERS, categories=CATEGORIES, transform=transform)
            for f in (customers, shuffled)
        )
        assert one == other


@pytest.mark.parametrize("transform", ["auto-log", "yeo-johnson", "rank"])
def test_what_was_learnt_survives_json_exactly(customers, transform):
    made = learn(customers, numbers=NUMBERS, categories=CATEGORIES, transform=transform)
    back = Preparation.from_dict(json.loads(json.dumps(made.to_dict())))
    assert back == made
    assert np.array_equal(back.matrix(customers), made.matrix(customers))


@pytest.mark.parametrize("change", [{"columns": [{"kind": "number"}]}, {"scale": None}, {"more": 1}])
def test_a_foreign_dictionary_is_refused(customers, change):
    made = learn(customers, numbers=NUMBERS, categories=[])
    with pytest.raises(ValueError, match="validation error"):
        Preparation.from_dict(made.to_dict() | change)


def test_new_rows_always_have_an_answer(customers, library):
    made = learn(library(customers), numbers=NUMBERS, categories=CATEGORIES)
    new = pd.DataFrame({
        "spend": [np.nan, np.inf, -np.inf, 1e308, -5.0],
        "balance": [np.nan, 1e308, -1e308, 5e-324, 0.0],
        "visits": [np.nan, 0.5, -3.0, 1e300, 2.0],
        "plan": [None, "never seen", "", "plan 01", "(other)"],
        "member": [None, "perhaps", "YES", "no", "yes"],
    })  # fmt: skip
    found = made.matrix(library(new))
    assert np.isfinite(found).all()
    origins = [made.origin[name] for name in made.names]
    filled = found[0, : len(NUMBERS)]
    assert filled[0] == found[1, 0] == found[2, 0]  # an infinite spend is a missing one
    assert found[1, origins.index("member")] == 0


def test_wide_onehot_is_sparse_and_the_same():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({f"c{i}": rng.choice([f"l{j}" for j in range(22)], 4000) for i in range(4)})
    frame["x"], frame["y"] = rng.normal(size=4000), rng.choice(["a", "b"], 4000)
    frame.loc[::9, "c0"] = None
    made = learn(frame, numbers=["x"], categories=["c0", "c1", "c2", "c3", "y"])
    found = made.matrix(frame)
    assert sparse.issparse(found)
    assert found.format == "csr"
    assert found.shape == (4000, len(made.names))
    assert len(made.names) > prepare.WIDE
    np.testing.assert_array_equal(found.toarray(), made.apply(frame).to_numpy())


def test_wholesale_gives_the_published_inertia(test_data):
    """log1p and z-scores of six spend columns, k-means: 1844.06 and 1553.34 (sklearn, n_init 50)."""
    frame = pd.read_csv(test_data / "customers" / "Wholesale customers data.csv")
    made = learn(frame, numbers=list(frame.columns[2:]), categories=[], transform="log1p").matrix(frame)
    found = [KMeans(k, n_init=20, random_state=0).fit(made).inertia_ for k in (2, 3)]
    assert found == pytest.approx([1844.06, 1553.34], abs=0.005)


# -------------------------------------------------------------------------------------- hostile or wrong


HOSTILE = [
    "*",
    "^a$",
    "a b",
    " ",
    "segment",
    "x0",
    "größe",
    "'; DROP TABLE",
    "a=b",
    "日本",
    "0.count",
    "value",
]


def test_no_name_of_a_column_fools_it(library):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({name: rng.normal(size=50) for name in HOSTILE})
    frame["a"] = rng.choice(["b", "c", "d"], 50)
    made = learn(library(frame), numbers=HOSTILE, categories=["a"])
    assert made.matrix(library(frame)).shape == (50, len(HOSTILE) + 3)
    assert len(set(made.names)) == len(made.names)
    assert made.origin["a=b"] == "a=b"
    assert made.origin["a=b'"] == "a"
    np.testing.assert_allclose(made.apply(library(frame)).to_numpy()[:, 0], made.matrix(frame)[:, 0])


cells = st.floats(allow_nan=True, allow_infinity=True) | st.none()
words = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(cells, cells, words, st.booleans()), min_size=2, max_size=12),
    new=st.tuples(cells, cells, words, st.booleans()),
    encode=st.sampled_from(prepare.CHOICES["encode"]),
    scale=st.sampled_from(prepare.CHOICES["scale"]),
    transform=st.sampled_from(["auto-log", "none", "rank", "yeo-johnson"]),
)
def test_every_table_gives_finite_numbers(rows, new, encode, scale, transform):
    header = ["a", "b", "c", "d"]
    frame = pd.DataFrame(rows, columns=header).astype({"a": float, "b": float, "c": object})
    made = learn(
        frame, numbers=["a", "b"], categories=["c", "d"], encode=encode, scale=scale, transform=transform
    )
    unseen = pd.DataFrame([new], columns=header).astype({"a": float, "b": float, "c": object})
    assert np.isfinite(made.matrix(frame)).all()
    assert np.isfinite(made.matrix(unseen)).all()
    assert Preparation.from_dict(json.loads(json.dumps(made.to_dict(), allow_nan=False))) == made


def test_wrong_words_and_columns_are_named(customers):
    with pytest.raises(
        ParameterError, match=r'scale must be one of standard, .*got "standart". Did you mean "standard"'
    ):
        learn(customers, numbers=NUMBERS, categories=[], scale="standart")
    with pytest.raises(ParameterError, match=r'no column "spent".*Did you mean "spend"'):
        learn(customers, numbers=["spent"], categories=[])
    with pytest.raises(ParameterError, match=r"once, .* found none"):
        learn(customers, numbers=[], categories=[])
    with pytest.raises(ParameterError, match="once"):
        learn(customers, numbers=["spend"], categories=["spend"])
    with pytest.raises(SourceError, match=r'"plan" must hold numbers, found string'):
        learn(customers, numbers=["plan"], categories=[])


def test_new_data_that_do_not_fit_are_named(customers, library):
    made = learn(customers, numbers=NUMBERS, categories=CATEGORIES)
    with pytest.raises(SourceError, match=r'no column "visits".*Did you mean "Visits"'):
        made.matrix(library(customers.rename(columns={"visits": "Visits"})))
    with pytest.raises(SourceError, match=r'"visits" must hold numbers'):
        made.matrix(library(customers.assign(visits="three")))
    text_without_values = customers.assign(visits=pd.Series([None] * 500, dtype=object))
    assert np.isfinite(made.matrix(text_without_values)).all()


def test_objects_that_are_numbers_are_read_as_such():
    frame = pd.DataFrame({"x": pd.Series([1, 2.5, None, True], dtype=object), "y": [1, 2, 3, 4]})
    assert np.isfinite(learn(frame, numbers=["x", "y"], categories=[]).matrix(frame)).all()
    with pytest.raises(SourceError, match="must hold numbers"):
        learn(frame.assign(x=pd.Series([1, "a", None, ()], dtype=object)), numbers=["x"], categories=[])


@pytest.mark.parametrize("dtype", ["Float64", "double[pyarrow]", "Int64"])
def test_pandas_own_missing_values_are_missing(dtype):
    plain = pd.DataFrame({"x": [1.0, np.nan, 3.0, 9.0]})
    other = pd.DataFrame({"x": pd.array([1, None, 3, 9], dtype=dtype)})
    one, two = learn(plain, numbers=["x"], categories=[]), learn(other, numbers=["x"], categories=[])
    assert one == two
    assert np.array_equal(one.matrix(plain), two.matrix(other))


def test_steps_say_what_was_done(customers):
    steps = learn(customers, numbers=NUMBERS, categories=CATEGORIES).steps
    assert list(steps.columns) == prepare.STEPS
    assert steps.loc[0, ["column", "kind", "impute", "scale", "columns"]].tolist() == [
        "spend", "number", "median", "standard", 1,
    ]  # fmt: skip
    assert steps.loc[0, "fill"] == pytest.approx(customers["spend"].median())
    assert steps.loc[3, ["kind", "transform", "scale"]].tolist() == ["category", "onehot", "weight"]
    assert steps.loc[3, "why"].startswith("30 levels, ")


def test_numbers_alone_keep_their_names(customers):
    made = learn(customers, numbers=NUMBERS, categories=CATEGORIES)
    found = made.numbers_as_prepared(customers)
    assert found.columns == NUMBERS
    np.testing.assert_array_equal(found.to_numpy(), made.matrix(customers)[:, :3])


@pytest.mark.parametrize("encode", prepare.CHOICES["encode"])
def test_blocks_side_by_side_are_the_matrix(customers, encode):
    made = learn(customers, numbers=NUMBERS, categories=CATEGORIES, encode=encode)
    blocks, X = made.blocks(customers), made.matrix(customers)
    assert list(blocks) == [*NUMBERS, *CATEGORIES]
    np.testing.assert_array_equal(np.hstack(list(blocks.values())), X.toarray() if sparse.issparse(X) else X)
