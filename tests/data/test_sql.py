"""Statements run in databases: what they say is what Python says, row by row."""

from __future__ import annotations

from io import StringIO

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from segkit.data import sql
from segkit.data.sql import statement
from segkit.errors import ParameterError
from segkit.insight.rules import rules
from segkit.segments import prepare
from segkit.segments.metric import Metric
from segkit.segments.model import Model

NUMBERS, CATEGORIES = ["spend", 'bal"ance', "visits", "active"], ["plan", "kids"]


def customers(rows: int, seed: int = 0, *, unseen: bool = False) -> pd.DataFrame:
    """Skewed, signed and whole numbers, 0 and 1, two kinds of levels, gaps, hostile names, unseen levels."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"customer_id": [f"C{i}" for i in range(rows)], "spend": rng.lognormal(3, 1, rows)})
    frame['bal"ance'] = rng.normal(size=rows) * 100
    frame["visits"] = rng.poisson(3, rows).astype(float)
    frame["active"] = rng.integers(0, 2, rows).astype(float)
    frame["plan"] = rng.choice(["a", "b", "it's;--"] + ["new", ""] * unseen, rows)
    frame["kids"] = rng.choice([0.0, 1, 2] + [9.0] * unseen, rows)
    gaps = rng.random((rows, 6)) < 0.03
    frame[NUMBERS + CATEGORIES] = frame[NUMBERS + CATEGORIES].mask(gaps)
    return frame


def fitted(
    transform: str = "auto-log", *, impute: str = "median", encode: str = "onehot", wide: bool = False
) -> Model:
    """A model whose segments 1 and 2 are mirror images in `visits`, so that rows tie between them."""
    frame = customers(2_000)
    ready = prepare.learn(
        frame, numbers=NUMBERS, categories=CATEGORIES, transform=transform, impute=impute, encode=encode
    )
    centers = np.random.default_rng(1).normal(size=(4, len(ready.names)))
    metric = None
    if wide:
        widths = tuple(map(tuple, np.random.default_rng(2).uniform(0.5, 2, centers.shape).tolist()))
        metric = Metric(widths=widths, offsets=(0.0, 0.5, 1.0, 0.2))
    return Model.learn(ready, frame, centers, names=["One", "Two's", '"Three"', "Four"], metric=metric)


def tied() -> tuple[Model, pd.DataFrame]:
    """Whole numbers, no scale, centres at 0 and 10: whoever has 5 lies exactly between."""
    frame = pd.DataFrame(
        {"customer_id": [f"C{i}" for i in range(1100)], "visits": [float(i % 11) for i in range(1100)]}
    )
    ready = prepare.learn(frame, numbers=["visits"], categories=[], transform="none", scale="none")
    return Model.learn(ready, frame, [[0.0], [10.0]], names=["Low", "High"]), frame


def in_duckdb(query: str, frame: pd.DataFrame) -> pd.DataFrame:
    connection = duckdb.connect()
    connection.register("customers", frame)
    return connection.sql(query).df()


def agree(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Labels, names and outliers exactly; measured figures to ten digits."""
    found = found.set_index("customer_id").loc[expected["customer_id"]]
    for name in ("segment", "segment_name", "outlier"):
        assert found[name].astype(str).tolist() == expected[name].astype(str).tolist(), name
    for name in ("confidence", "distance"):
        mine = found[name].to_numpy(dtype=float)
        assert mine == pytest.approx(expected[name].to_numpy(dtype=float), rel=1e-10, abs=1e-10, nan_ok=True)


MODELS = {
    "auto": {}, "none": {"transform": "none"}, "power": {"transform": "yeo-johnson"},
    "rank": {"transform": "rank"}, "drop": {"impute": "drop"}, "ordinal": {"encode": "ordinal"},
    "frequency": {"encode": "frequency"}, "mixture": {"wide": True},
}  # fmt: skip


@pytest.mark.parametrize("how", MODELS.values(), ids=MODELS)
def test_the_model_labels_in_duckdb_as_in_python(how):
    model, frame = fitted(**how), customers(20_000, seed=5, unseen=True)
    agree(in_duckdb(model.sql(), frame), model.score(frame, "customer_id"))


@pytest.mark.slow
def test_a_million_rows_in_duckdb_as_in_python():
    model, frame = fitted(), customers(1_000_000, seed=6, unseen=True)
    agree(in_duckdb(model.sql(), frame), model.score(frame, "customer_id"))


def test_ties_go_to_the_lower_number_in_duckdb():
    model, frame = tied()
    found = in_duckdb(model.sql(), frame)
    agree(found, model.score(frame, "customer_id"))
    assert set(found.segment[frame.visits == 5]) == {1}


def ruled() -> tuple[object, pd.DataFrame, pd.Series]:
    model, frame = fitted(), customers(20_000, seed=7, unseen=True)
    frame["segment"] = model.score(frame)["segment"].to_numpy()
    found = rules(frame, numbers=NUMBERS, categories=CATEGORIES)
    return found, frame, pd.Series(nw.from_native(frame).select(s=found.segment())["s"].to_numpy())


def test_the_rules_label_in_duckdb_as_in_python():
    found, frame, expected = ruled()
    given = (
        in_duckdb(found.sql(), frame.drop(columns="segment")).set_index("customer_id").loc[frame.customer_id]
    )
    assert given["segment"].tolist() == expected.tolist()


def test_other_dialects_say_that_they_are_not_tested_and_unknown_ones_are_refused():
    query = sql.relation(["x"], [])
    assert statement(query, "snowflake").startswith("-- Not tested on snowflake")
    assert not statement(query, "postgres").startswith("--")
    with pytest.raises(
        ParameterError, match=r'There is no SQL dialect "postgress"\. Did you mean "postgres"'
    ):
        statement(query, "postgress")


# ---------------------------------------------------------------------------------------------- PostgreSQL


def in_postgres(psql, query: str, frame: pd.DataFrame) -> pd.DataFrame:
    texts = {"customer_id", "plan"}
    typed = ", ".join(
        f'"{c.replace(chr(34), chr(34) * 2)}" {"text" if c in texts else "float8"}' for c in frame
    )
    rows = frame.to_csv(index=False, header=False, na_rep="NULLED", float_format="%.17g")
    copy = "copy customers from stdin with (format csv, null 'NULLED');\n"
    psql(f"drop table if exists customers; create table customers ({typed});\n{copy}{rows}\\.\n")
    return pd.read_csv(
        StringIO(psql(query + ";")), keep_default_na=False, na_values={"confidence": [""], "distance": [""]}
    )


@pytest.mark.parametrize("how", MODELS.values(), ids=MODELS)
def test_the_model_labels_in_postgres_as_in_python(how, postgres):
    model, frame = fitted(**how), customers(20_000, seed=5, unseen=True)
    found = in_postgres(postgres.psql, model.sql("postgres"), frame)
    agree(found.assign(outlier=found.outlier.astype(str) == "t"), model.score(frame, "customer_id"))


@pytest.mark.slow
def test_a_million_rows_in_postgres_as_in_python(postgres):
    model, frame = fitted(), customers(1_000_000, seed=6, unseen=True)
    found = in_postgres(postgres.psql, model.sql("postgres"), frame)
    agree(found.assign(outlier=found.outlier.astype(str) == "t"), model.score(frame, "customer_id"))


def test_ties_go_to_the_lower_number_in_postgres(postgres):
    model, frame = tied()
    found = in_postgres(postgres.psql, model.sql("postgres"), frame)
    agree(found.assign(outlier=found.outlier.astype(str) == "t"), model.score(frame, "customer_id"))


def test_the_rules_label_in_postgres_as_in_python(postgres):
    found, frame, expected = ruled()
    given = in_postgres(postgres.psql, found.sql("postgres"), frame.drop(columns="segment"))
    assert given.set_index("customer_id").loc[frame.customer_id, "segment"].tolist() == expected.tolist()
