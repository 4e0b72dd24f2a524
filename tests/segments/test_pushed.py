"""Passes and samples that run where the data live, on every library that is installed."""

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from segkit.errors import ParameterError, SourceError
from segkit.segments import prepare, pushed
from segkit.segments.model import Model

COLUMNS = [f"x{i}" for i in range(6)]


def relation(frame):
    return duckdb.connect().from_df(frame)


def spark(frame):
    session = pytest.importorskip("pyspark.sql", reason="PySpark is an extra: segkit[spark]").SparkSession
    return (
        session.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
        .createDataFrame(frame)
    )


@pytest.fixture(
    params=[
        lambda frame: frame,
        pl.from_pandas,
        lambda frame: pl.from_pandas(frame).lazy(),
        pa.Table.from_pandas,
        relation,
        pytest.param(spark, marks=pytest.mark.slow),
    ],
    ids=["pandas", "polars", "polars-lazy", "pyarrow", "duckdb", "pyspark"],
)
def library(request):
    return request.param


@pytest.fixture(scope="module")
def customers():
    X, _ = make_blobs(5_000, n_features=6, centers=5, cluster_std=4, random_state=0)
    return pd.DataFrame(X, columns=COLUMNS)


def test_two_passes_are_those_of_scikit_learn(customers, library):
    start = customers.to_numpy()[:7]
    reference = KMeans(7, init=start, n_init=1, max_iter=2, tol=0).fit(customers.to_numpy())
    found = pushed.lloyd(library(customers), COLUMNS, start)
    print(np.abs(found - reference.cluster_centers_).max())
    assert found == pytest.approx(reference.cluster_centers_, abs=1e-9)


def test_every_library_keeps_the_same_rows(customers, library):
    expected = pushed.sample(customers, COLUMNS, 0.2, seed=1).collect()
    found = pushed.sample(library(customers), COLUMNS, 0.2, seed=1).collect()
    assert np.sort(found["x0"].to_numpy()) == pytest.approx(np.sort(expected["x0"].to_numpy()))
    assert 900 < len(found) < 1_100  # 1,000, and 28 is one standard deviation
    other = pushed.sample(customers, COLUMNS, 0.2, seed=2).collect()
    assert len(set(other["x0"].to_list()) & set(expected["x0"].to_list())) < 300  # 200 by chance


def test_a_lazy_frame_gives_a_lazy_frame_of_assignments(customers, library):
    people = customers.assign(id=[f"C{i}" for i in range(len(customers))])
    preparation = prepare.learn(people, numbers=COLUMNS, categories=[])
    centers = preparation.matrix(people)[:4]
    model = Model.learn(preparation, people, centers, names=["One", "Two", "Three", "Four"])
    given = library(people)
    placed = model.assign(given, "id")
    if isinstance(nw.from_native(given), nw.LazyFrame):
        assert type(placed) is type(given)
    found = nw.from_native(placed).lazy().collect("pandas").to_native()
    expected = model.score(people, "id").drop(columns="supported")
    assert list(found) == list(expected)
    found = found.set_index("id").loc[expected["id"]].reset_index()
    assert found["segment"].tolist() == expected["segment"].tolist()
    assert found["segment_name"].tolist() == expected["segment_name"].tolist()
    assert found["outlier"].tolist() == expected["outlier"].tolist()
    for figure in ("confidence", "distance"):
        assert found[figure].to_numpy() == pytest.approx(expected[figure].to_numpy(), rel=1e-12)


def test_what_a_lazy_frame_lacks_is_said(customers):
    people = customers.assign(id=1, text="a")
    preparation = prepare.learn(people, numbers=COLUMNS, categories=[])
    model = Model.learn(preparation, people, preparation.matrix(people)[:2])
    with pytest.raises(ParameterError, match=r'no column "idd".*Did you mean "id"'):
        model.assign(relation(people), "idd")
    with pytest.raises(SourceError, match='no column "x5"'):
        model.assign(relation(people.drop(columns="x5")), "id")
    with pytest.raises(SourceError, match='"x5" must hold numbers'):
        model.assign(relation(people.assign(x5="a")), "id")
    with pytest.raises(SourceError, match=r"lazy.*Model.assign"):
        model.score(pl.from_pandas(people).lazy(), "id")
