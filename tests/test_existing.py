"""Segments that exist already (`labels`): judged and explained like those that are found; placed nowhere."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from segkit import runs
from segkit.change import compare
from segkit.errors import ModelError, ParameterError
from segkit.params import Params
from segkit.scoring import score
from segkit.study import segment

CENTERS = np.array([[0.0, 0.0, 0.0], [8.0, 0.0, 0.0], [0.0, 8.0, 0.0]])
SIZES = (400, 300, 200)


def shop(rng):
    """Return customers in three groups that are well apart, and the group of each."""
    home = np.repeat([0, 1, 2], SIZES)
    X = CENTERS[home] + rng.normal(size=(len(home), 3))
    table = pd.DataFrame(X, columns=["visits", "basket", "returns"])
    table.insert(0, "customer_id", [f"c{i}" for i in range(len(home))])
    return table, np.array(["Gold", "Silver", "Bronze"])[home]


@pytest.fixture(scope="module")
def table():
    return shop(np.random.default_rng(0))


@pytest.fixture(scope="module")
def true(table):
    return segment(table[0].assign(tier=table[1]), labels="tier", max_segments=6)


@pytest.fixture(scope="module")
def random(table):
    tiers = np.random.default_rng(1).permutation(table[1])
    return segment(table[0].assign(tier=tiers), labels="tier", max_segments=6)


def test_segments_that_the_data_give_hold_and_keep_their_names(true, table):
    assert true.sizes["name"].tolist() == ["Gold", "Silver", "Bronze"]
    assert true.sizes["customers"].tolist() == list(SIZES)
    assert true.assignments["segment_name"].tolist() == table[1].tolist()
    assert (true.strength["status"] == "holds").all()
    assert true.verdict.level == "clear"
    assert true.verdict.supported
    assert true.text.headline == "All three segments of tier hold."
    assert true.existing["agreement"].min() > 0.95
    assert set(true.actions["segment"]) == {1, 2, 3}


def test_segments_drawn_by_chance_do_not_hold_beside_what_the_data_give(random):
    assert random.text.headline == "None of the three segments of tier holds."
    assert random.verdict.failed == (1, 2, 3)
    assert not random.verdict.supported
    assert random.actions.empty
    own, other = random.existing.to_dict("records")
    assert (own["segmentation"], other["segmentation"], other["segments"]) == ("existing", "proposed", 3)
    assert own["silhouette"] < 0.05
    assert other["silhouette"] > own["silhouette"] + 0.3
    assert abs(own["agreement"]) < 0.02
    assert random.crossed.groupby("segment")["share"].sum().round(9).tolist() == [1.0, 1.0, 1.0]
    assert random.crossed["customers"].sum() == sum(SIZES)


def test_one_group_of_the_three_may_be_the_only_one_that_holds(table):
    """Silver and Bronze are drawn at random among their customers; Gold is as the data give it."""
    mixed = table[1].copy()
    others = np.flatnonzero(mixed != "Gold")
    mixed[others] = np.random.default_rng(2).permutation(mixed[others])
    study = segment(table[0].assign(tier=mixed), labels="tier", max_segments=6)
    assert study.text.headline == "One of the three segments of tier holds; the other two do not."
    assert study.verdict.failed == (2, 3)
    assert set(study.actions["segment"]) == {1}


def test_where_there_is_nothing_the_labels_are_said_to_divide_it_all_the_same():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.normal(size=(500, 4)), columns=list("wxyz")).assign(kind=rng.integers(1, 5, 500))
    study = segment(table, labels="kind", max_segments=6)
    assert study.text.headline == (
        "These customers do not fall into groups; kind divides them into four all the same."
    )
    assert sorted(study.sizes["name"]) == ["kind 1", "kind 2", "kind 3", "kind 4"]
    assert study.actions["segment"].empty
    assert study.crossed.empty


def test_every_figure_of_the_sentences_stands_in_a_table(random):
    n, told = random.numbers, random.text.evidence
    own, other = random.existing.to_dict("records")
    for figure in (own["silhouette"], other["silhouette"], own["agreement"]):
        assert n.index(figure) in told
    assert "Segments 1, 2 and 3 do not hold" in told
    assert n.count(random.sizes["near_border"].sum()) in told


def test_customers_without_a_label_or_a_value_are_in_no_segment(table):
    some, tiers = table[0].copy(), table[1].astype(object)
    tiers[:7] = None
    some.loc[7:9, "visits"] = np.nan
    study = segment(some.assign(tier=tiers), labels="tier", impute="drop", max_segments=6)
    assert (study.assignments["segment"].to_numpy()[:10] == 0).all()
    assert (study.assignments["segment"].to_numpy()[10:] > 0).all()
    assert study.assignments.loc[:9, ["confidence", "distance"]].isna().all(axis=None)
    assert study.sizes["customers"].sum() == sum(SIZES) - 10


def test_the_labels_have_no_part_in_making_or_testing_the_segments(true, random):
    for study in (true, random):
        used = study.columns.set_index("column")["use"]
        assert used["tier"] == "left out"
        assert "tier" not in set(study.unused["column"]) | set(study.drivers["column"])
    assert random.evidence.equals(true.evidence)


def test_the_order_of_the_rows_changes_nothing(random, table):
    tiers = np.random.default_rng(1).permutation(table[1])
    mixed = table[0].assign(tier=tiers).sample(frac=1, random_state=5)
    study = segment(mixed, labels="tier", max_segments=6)
    pd.testing.assert_frame_equal(study.existing, random.existing, atol=1e-9)
    pd.testing.assert_frame_equal(study.crossed, random.crossed)
    pd.testing.assert_frame_equal(study.strength, random.strength, atol=1e-9)


def test_such_a_run_is_saved_whole_and_its_model_places_nobody(true, table, tmp_path):
    run = runs.save(true, tmp_path / "tiers")
    said = json.loads((run / "summary.json").read_text())
    assert said["verdict"]["labels"] == "tier"
    assert [row["segmentation"] for row in said["existing"]] == ["existing", "proposed"]
    with pytest.raises(ModelError, match="places no new customers"):
        score(table[0], model=str(run))
    with pytest.raises(ModelError, match="places no new customers"):
        true.model.sql()


def test_two_such_runs_are_compared_by_their_customers_and_no_move_is_explained(table, tmp_path):
    tiers, found = table[1].copy(), []
    for name, moved in (("before", 0), ("after", 40)):
        tiers[:moved] = "Silver"
        table[0].assign(tier=tiers).to_csv(tmp_path / f"{name}.csv", index=False)
        study = segment(str(tmp_path / f"{name}.csv"), labels="tier", max_segments=6)
        found.append(str(runs.save(study, tmp_path / name)))
    told = compare(found[1], before=found[0])
    assert told.segments["fate"].tolist() == ["same", "same", "same"]
    assert len(told.compared.moves) == 40
    assert set(told.compared.moves["cause"]) == {"unknown"}
    assert "places no new customers" in told.why_not


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"labels": "teir"}, r'labels: there is no column "teir".*"tier"'),
        ({"labels": "visits"}, r'labels: "visits" must hold 2 to 20 different values.*it holds 900'),
        ({"labels": "same"}, r"it holds 1\."),
    ],
)
def test_what_is_no_segmentation_is_refused(table, fields, words):
    frame = table[0].assign(tier=table[1], same="x")
    with pytest.raises(ParameterError, match=words):
        segment(frame, max_segments=6, **fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"segments": 4}, "so segments says nothing"),
        ({"like": "reports/shop"}, "so like says nothing"),
        ({"features": ["tier", "visits"]}, "labels and features both name tier"),
    ],
)
def test_labels_and_what_finds_segments_exclude_each_other(fields, words):
    with pytest.raises(ParameterError, match=words):
        Params(labels="tier", **fields)
