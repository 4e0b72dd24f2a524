"""The model: the formula, the file, and what a stranger may hand in."""

from __future__ import annotations

import json

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from segkit.errors import ModelError, OutputError, ParameterError, SourceError
from segkit.segments import model as room
from segkit.segments import place, prepare
from segkit.segments.model import Model, read_model

LIBRARIES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


@pytest.fixture(params=LIBRARIES)
def library(request):
    return LIBRARIES[request.param]


def make_customers(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "id": [f"C{i:04d}" for i in range(rows)],
        "spend": np.exp(rng.normal(4, 1, rows)),
        "visits": rng.poisson(4, rows),
        "plan": rng.choice(["free", "plus", "pro"], rows),
    })  # fmt: skip
    frame.loc[::23, "spend"] = np.nan
    return frame


def make_model(frame, k=3, **how):
    preparation = prepare.learn(frame, numbers=["spend", "visits"], categories=["plan"], **how)
    X = preparation.matrix(frame)[preparation.usable(frame)]
    return Model.learn(preparation, frame, X[:k], names=[f"Name {i}" for i in range(k)])


@pytest.fixture(scope="module")
def customers():
    return make_customers()


@pytest.fixture(scope="module")
def fitted(customers):
    return make_model(customers)


# ------------------------------------------------------------------------------------------ the formula


def test_scores_are_those_of_the_definition(customers, fitted, library):
    """Distances by numpy; confidence d2 / (d1 + d2); the nearest centre, from 1."""
    X = fitted.preparation.matrix(customers)
    apart = np.sqrt(((X[:, None, :] - fitted.centers) ** 2).sum(axis=2))
    two = np.sort(apart, axis=1)[:, :2]
    found = fitted.score(library(customers), id_column="id")
    assert list(found.columns) == [
        "id", "segment", "segment_name", "confidence", "distance", "outlier", "supported",
    ]  # fmt: skip
    assert found["id"].tolist() == customers["id"].tolist()
    assert found["segment"].tolist() == (apart.argmin(axis=1) + 1).tolist()
    np.testing.assert_allclose(found["distance"], two[:, 0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found["confidence"], two[:, 1] / two.sum(axis=1), rtol=1e-12)
    assert found["segment_name"].tolist() == [f"Name {i - 1}" for i in found["segment"]]
    assert found["supported"].all()


def test_unusual_is_three_robust_deviations_out(customers, fitted):
    found = fitted.score(customers)
    for segment, group in found.groupby("segment"):
        middle = group["distance"].median()
        limit = middle + 3 * 1.4826 * (group["distance"] - middle).abs().median()
        assert fitted.cutoffs[segment - 1] == pytest.approx(limit, rel=1e-12)
        assert group["outlier"].tolist() == (group["distance"] > limit).tolist()
    assert found["outlier"].any()


def test_where_most_are_equally_far_the_mean_deviation_serves():
    frame = pd.DataFrame({"x": [0.0] * 60 + [1.0] * 39 + [50.0]})
    preparation = prepare.learn(frame, numbers=["x"], categories=[], transform="none", scale="none")
    found = Model.learn(preparation, frame, [[0.0]])
    assert found.cutoffs == pytest.approx(
        [3 * 1.2533 * 0.89]
    )  # mean distance from the median, 0: (39 + 50) / 100
    assert found.score(frame)["outlier"].tolist() == [False] * 99 + [True]


def test_ties_go_to_the_lower_number(library):
    frame = pd.DataFrame({"x": [-1.0, 0.0, 1.0]})
    preparation = prepare.learn(frame, numbers=["x"], categories=[], transform="none", scale="none")
    found = Model.learn(preparation, frame, [[1.0], [-1.0], [1.0]]).score(library(frame))
    assert found["segment"].tolist() == [2, 1, 1]
    assert found["confidence"].tolist() == [1.0, 0.5, 0.5]


def test_one_segment_holds_everybody(customers, library):
    found = make_model(customers, k=1).score(library(customers))
    assert found["segment"].tolist() == [1] * len(customers)
    assert (found["confidence"] == 1).all()


@pytest.mark.parametrize("k", [1, 2, 7])
def test_blocks_and_expressions_give_the_same_digits(customers, monkeypatch, k):
    polars = pytest.importorskip("polars")
    fitted = make_model(customers, k=k)
    frame = polars.from_pandas(customers)
    monkeypatch.setattr(place, "BLOCK", 64)
    pushed = fitted.place(nw.from_native(frame.lazy())).collect().to_pandas()
    pd.testing.assert_frame_equal(fitted.place(frame).to_pandas(), pushed, check_exact=True)


def test_a_sparse_preparation_is_scored_with_the_same_digits():
    polars = pytest.importorskip("polars")
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({f"c{i}": rng.choice([f"l{j}" for j in range(20)], 3000) for i in range(4)})
    preparation = prepare.learn(frame, numbers=[], categories=list(frame))
    X = preparation.matrix(frame)
    fitted = Model.learn(preparation, frame, X[:4].toarray())
    pushed = fitted.place(nw.from_native(polars.from_pandas(frame).lazy())).collect().to_pandas()
    pd.testing.assert_frame_equal(fitted.place(frame).to_pandas(), pushed, check_exact=True)


def test_a_row_scores_the_same_alone(customers, fitted):
    found = fitted.score(customers)
    for i in (0, 1, 399):
        alone = fitted.score(customers.iloc[[i]])
        pd.testing.assert_series_equal(
            alone.iloc[0, 1:], found.iloc[i, 1:], check_names=False, check_exact=True
        )


def test_rows_that_cannot_be_used_are_in_no_segment(customers, library):
    found = make_model(customers, impute="drop").score(library(customers))
    gone = customers["spend"].isna().to_numpy()
    assert (found["segment"] == 0).tolist() == gone.tolist()
    assert found.loc[gone, ["confidence", "distance"]].isna().all(axis=None)
    assert not found.loc[gone, "outlier"].any()
    assert set(found.loc[gone, "segment_name"]) == {""}
    assert found["segment"].dtype == np.int64


def test_new_rows_with_gaps_and_unseen_levels_are_placed(fitted, library):
    new = pd.DataFrame({
        "spend": [np.nan, np.inf, 1e308, -1e308],
        "visits": [np.nan, 2.0, -1e308, 1e308],
        "plan": [None, "enterprise", "", "pro"],
    })  # fmt: skip
    found = fitted.score(library(new))
    assert found["segment"].between(1, 3).all()
    assert found["confidence"].between(0.5, 1).all()
    assert np.isfinite(found["distance"]).all()
    assert found["outlier"].tolist()[2:] == [True, True]


def test_no_rows_are_no_scores(customers, fitted, library):
    assert fitted.score(library(customers.head(0))).empty


def test_the_formula_is_one_expression_for_duckdb(customers, fitted):
    duckdb = pytest.importorskip("duckdb")
    columns = fitted.preparation.expressions()
    named = [column.alias(f"x{i}") for i, column in enumerate(columns)]
    squares = [
        place.squared_distance([nw.col(f"x{i}") for i in range(len(columns))], center).alias(f"d{j}")
        for j, center in enumerate(fitted.centers)
    ]
    pushed = (
        nw.from_native(duckdb.from_df(customers)).select(*named).select(*squares).collect("pandas").to_numpy()
    )
    assert (pushed.argmin(axis=1) + 1).tolist() == fitted.score(customers)["segment"].tolist()


# ------------------------------------------------------------------------------------------- ids and names


def test_ids_keep_their_name_or_are_row_numbers(customers, fitted):
    assert fitted.score(customers).iloc[:, 0].tolist() == list(range(1, 401))
    assert fitted.score(customers).columns[0] == "row"
    renamed = customers.rename(columns={"id": "segment"})
    assert list(fitted.score(renamed, id_column="segment").columns[:2]) == ["segment_", "segment"]
    shuffled = customers.sample(frac=1, random_state=1)  # its index is not 0, 1, 2, ...
    assert fitted.score(shuffled, id_column="id")["id"].tolist() == shuffled["id"].tolist()
    with pytest.raises(ParameterError, match=r'no column "idd".*Did you mean "id"'):
        fitted.score(customers, id_column="idd")


def test_a_missing_column_is_named_with_the_nearest(customers, fitted, library):
    with pytest.raises(SourceError, match=r'no column "visits".*Did you mean "visit"'):
        fitted.score(library(customers.rename(columns={"visits": "visit"})))


def test_names_change_nothing_else(customers, fitted):
    renamed = fitted.named(["A", "B", "C"])
    assert renamed.names == ["A", "B", "C"]
    assert renamed.cutoffs == fitted.cutoffs
    assert set(renamed.score(customers)["segment_name"]) == {"A", "B", "C"}
    with pytest.raises(ValueError, match="shorter"):
        fitted.named(["A"])


def test_training_is_a_summary_of_the_fit(customers):
    preparation = prepare.learn(customers, numbers=["spend"], categories=[], impute="drop")
    found = Model.learn(preparation, customers, [[0.0], [9.0]], training={"seed": 7}).training
    assert found["rows"] == 400
    assert found["usable"] == sum(found["sizes"]) == int(customers["spend"].notna().sum())
    assert (found["columns"], found["seed"]) == (["spend"], 7)


# ------------------------------------------------------------------------------------------------ the file


def test_a_saved_model_gives_the_same_digits(customers, fitted, library, tmp_path):
    frame = library(make_customers(seed=9))
    loaded = read_model(fitted.save(tmp_path / "model.json"))
    assert loaded == fitted
    pd.testing.assert_frame_equal(loaded.score(frame), fitted.score(frame), check_exact=True)
    again = loaded.save(tmp_path / "again.json")
    assert again.read_bytes() == (tmp_path / "model.json").read_bytes()


def test_the_file_is_readable(fitted, tmp_path):
    text = fitted.save(tmp_path / "model.json").read_text(encoding="utf-8")
    values = json.loads(text)
    assert list(values)[:2] == ["format", "sha256"]
    assert values["format"] == "segkit-model/1"
    assert values["segments"][0]["center"].keys() == set(fitted.preparation.names)
    assert text.count("\n") > 50


@pytest.fixture
def broken(fitted, tmp_path):
    """Return a function that changes a saved model, signs it again if asked to, and returns the path."""

    def change(edit, *, sign=True):
        path = fitted.save(tmp_path / "model.json")
        values = json.loads(path.read_bytes())
        edit(values)
        if sign:
            values["sha256"] = room._fingerprint({k: v for k, v in values.items() if k != "sha256"})
        path.write_text(json.dumps(values), encoding="utf-8")
        return path

    return change


EDITS = {
    "no segments": lambda v: v.update(segments=[]),
    "a segment less": lambda v: v["segments"].pop(0),
    "a centre less": lambda v: v["segments"][0]["center"].popitem(),
    "a centre more": lambda v: v["segments"][0]["center"].update(more=1.0),
    "text in a centre": lambda v: v["segments"][0]["center"].update(spend="x"),
    "no preparation": lambda v: v.pop("preparation"),
    "no columns": lambda v: v["preparation"].update(columns=[]),
    "unknown step": lambda v: v["preparation"]["columns"][0].update(transform="exec"),
    "a key more": lambda v: v.update(__class__="os.system"),
    "codes that miss": lambda v: v["preparation"]["columns"][0].update(kind="category"),
    "null column": lambda v: v["preparation"]["columns"][0].update(column=None),
    "training a list": lambda v: v.update(training=[]),
    "endless knots": lambda v: v["preparation"]["columns"][0].update(transform="rank", knots=[]),
    "nothing to divide by": lambda v: v["preparation"]["columns"][0].update(
        transform="rank", knots=[[1, 0], [1, 1]]
    ),
    "no such base": lambda v: v["preparation"]["columns"][2].update(base=99),
    "a level twice": lambda v: v["preparation"]["columns"][2].update(levels=["free", "free", "pro"]),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_hostile_file_with_a_right_sum_is_refused(broken, edit):
    with pytest.raises(ModelError, match="not a whole model"):
        read_model(broken(edit))


def test_a_changed_number_is_noticed(broken):
    with pytest.raises(ModelError, match=r"SHA-256 does not match"):
        read_model(broken(lambda v: v["segments"][0].update(cutoff=1.0), sign=False))


UTF_16 = '{"a": 1}'.encode("utf-16-le")[1:]


@pytest.mark.parametrize(
    "content", [b"", b"\x89PNG\r\n", b"[" * 100_000, b'{"format": NaN}', b"\x80\x04\x95K\x05.", UTF_16]
)
def test_what_is_no_json_is_refused(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="is not JSON"):
        read_model(path)


@pytest.mark.parametrize(
    "content", ["[]", "1", "{}", '{"format": "other/1"}', '{"format": ["segkit-model/1"]}']
)
def test_another_format_is_refused(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r'and "segkit-model/1" is needed'):
        read_model(path)


def test_every_flipped_byte_is_noticed(fitted, tmp_path):
    path = fitted.save(tmp_path / "model.json")
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for at in rng.choice(len(whole), 60, replace=False):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        if json_or_none(damaged) == json_or_none(whole):
            continue  # white space for white space
        path.write_bytes(damaged)
        with pytest.raises(ModelError):
            read_model(path)


def json_or_none(data):
    try:
        return json.loads(bytes(data))
    except ValueError:
        return None


def test_no_file_and_no_folder_are_named(fitted, tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.json cannot be read"):
        read_model(tmp_path / "nowhere.json")
    with pytest.raises(OutputError, match=r"model\.json: No such file"):
        fitted.save(tmp_path / "missing" / "model.json")


def test_names_in_any_script_survive(customers, tmp_path):
    frame = customers.rename(columns={"spend": 'größe "日本" \\ \n'})
    preparation = prepare.learn(frame, numbers=['größe "日本" \\ \n'], categories=["plan"])
    fitted = Model.learn(preparation, frame, np.zeros((1, 4)), names=["Größte 💶"])
    path = fitted.save(tmp_path / "model.json")
    assert read_model(path) == fitted
    assert "Größte 💶" in path.read_text(encoding="utf-8")
