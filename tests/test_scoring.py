"""Customers placed by the model of an earlier run: the same labels, what is unlike it, and clear refusals."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from segkit import export, runs
from segkit.data.samples import retail
from segkit.errors import ModelError, OutputError, ParameterError, SegkitError, SourceError
from segkit.panels import builders
from segkit.places import PACKAGE
from segkit.scoring import score
from segkit.study import segment


@pytest.fixture(scope="module")
def customers():
    return retail(3_000)


@pytest.fixture(scope="module")
def study(customers):
    return segment(customers.head(2_000), segments=4, exclude=["annual_spend"])


@pytest.fixture(scope="module")
def run(study, tmp_path_factory):
    return runs.save(study, tmp_path_factory.mktemp("runs") / "shop")


@pytest.fixture(scope="module")
def shifted(customers, run):
    later = customers.tail(1_000).assign(orders=lambda t: t["orders"] * 3)
    later.loc[later.index[:40], "channel"] = "<b>fax</b>"
    return score(later, model=str(run))


def test_a_run_scores_its_own_customers_as_it_did_and_finds_no_shift(customers, study, run):
    made = score(customers.head(2_000), model=str(run))
    for name in ("customer_id", "segment", "segment_name", "confidence"):
        assert made.assignments[name].tolist() == study.assignments[name].tolist()
    assert (made.drift["psi"] < 1e-9).all()
    assert made.sizes["share"].tolist() == pytest.approx(made.sizes["share_before"].tolist())
    assert (
        score(customers.head(2_000), model=str(run / "model.json")).text["headline"]
        == (made.text["headline"])
    )


def test_a_later_batch_of_the_same_customers_gives_no_alarm(customers, run):
    made = score(customers.tail(1_000), model=str(run))
    assert (made.drift["state"] == "none").all()
    assert made.text["evidence"].startswith("No column has shifted enough to matter.")
    assert len(made.assignments) == 1_000
    assert (made.assignments["outside"] != "").mean() < 0.02


def test_a_shifted_batch_is_an_alarm_that_names_the_column(shifted):
    state = shifted.drift.set_index("column")["state"]
    assert state["orders"] == "act"
    assert (state.drop(["orders", "channel"]) == "none").all()
    assert shifted.text["evidence"].startswith("Orders has shifted a lot.")
    assert shifted.text["action"].startswith("Make the study again")
    found = shifted.assignments["outside"]
    assert found.iloc[:40].isin(["channel", "orders"]).all()
    assert shifted.outside["customers"].sum() == (found != "").sum()


def test_every_panel_is_text_and_every_figure_of_it_stands_in_a_table(shifted):
    for name in builders.names(shifted.params):
        panel = builders.build(shifted, name)
        assert panel.body_html
        assert "<b>fax" not in panel.body_html
        assert panel.figure is None or (panel.figure.layout.meta["alt"] and panel.tables)
    assert shifted.sizes["customers"].sum() == (shifted.assignments["segment"] > 0).sum()
    with pytest.raises(ParameterError, match="no panel 'verdict'"):
        builders.build(shifted, "verdict")


def test_columns_are_called_as_people_call_them(shifted, study):
    known = dict(zip(study.columns["column"], study.columns["label"], strict=True))
    panel = builders.build(shifted, "drift")
    drawn = [name.replace("<br>", " ") for name in panel.figure.layout.yaxis.ticktext]
    assert drawn == [known[name] for name in shifted.drift["column"]]
    assert [row[0] for row in panel.tables[0].rows] == drawn
    assert any("_" in name for name in shifted.drift["column"])
    outside = builders.build(shifted, "outside").tables[0].rows
    assert [row[0] for row in outside] == [known[name] for name in shifted.outside["column"]]


def test_the_summary_fits_its_schema_and_a_run_is_complete(shifted, tmp_path):
    folder = runs.save(shifted, tmp_path / "march")
    assert runs.verify(folder) == []
    said = json.loads((folder / "summary.json").read_bytes())
    jsonschema.validate(said, json.loads((PACKAGE / "schemas" / "score-summary-1.json").read_bytes()))
    assert said["customers"]["all"] == len(pd.read_parquet(folder / "segments.parquet")) == 1_000
    with pytest.raises(ModelError, match="holds no model"):
        score(retail(100), model=str(folder))


def test_another_model_is_another_run_of_the_same_customers(study, customers, run, tmp_path):
    other = study.model.named(["Other", *study.model.names[1:]]).save(tmp_path / "model.json")
    ids = {
        export.summary(score(customers.tail(500), model=str(model)))["provenance"]["input_sha256"]
        for model in (run, run / "model.json", other)
    }
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="orders"), '"orders"'),
        (lambda t: t.rename(columns={"orders": "order"}), '"orders"'),
        (lambda t: t.assign(orders=["many"] * len(t)), "orders"),
    ],
)
def test_a_column_that_is_missing_or_wrong_is_one_sentence(customers, run, change, words):
    with pytest.raises(SourceError, match=words) as raised:
        score(change(customers.head(50)), model=str(run))
    assert "\n" not in str(raised.value)


def test_a_model_that_is_not_there_or_was_changed_is_one_sentence(run, tmp_path):
    (tmp_path / "x").mkdir()
    faults = {"nowhere": ModelError, str(tmp_path / "x"): ModelError}
    for model, fault in faults.items():
        with pytest.raises(fault):
            score("sample:retail", model=model)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in run.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "summary.json").write_text("{}")
    with pytest.raises(OutputError, match="changed since it was made"):
        score("sample:retail", model=str(copy))
    with pytest.raises(SegkitError, match='no column "who"'):
        score("sample:retail", model=str(run), customer_id="who")


def test_a_model_without_a_summary_of_its_data_says_so(study, customers, tmp_path):
    training = {key: value for key, value in study.model.training.items() if key != "reference"}
    file = study.model.model_copy(update={"training": training}).save(tmp_path / "model.json")
    made = score(customers.tail(200), model=str(file))
    assert "holds no summary of its own data" in made.text["evidence"]
    assert made.drift.empty
    assert builders.build(made, "drift").empty[0] == "Not computed"


def test_a_customer_with_a_missing_value_is_said_not_dropped(customers):
    study = segment(customers.head(500), segments=3, impute="drop", features=["age", "orders"])
    import segkit.scoring as room

    later = customers.tail(100).assign(age=np.nan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "_model", lambda _: (study.model, "shop"))
        made = score(later)
    assert (made.assignments["segment"] == 0).all()
    assert "100 could not be placed" in made.text["headline"]
