"""Segments that a user joins: one number, several centres, wherever customers are placed."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from segkit import runs
from segkit.change import compare
from segkit.errors import ModelError, ParameterError
from segkit.params import Params
from segkit.scoring import score
from segkit.segments.model import read_model
from segkit.segments.sweep import Solution, join
from segkit.study import segment

CENTERS = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0]])
SIZES = (400, 300, 200, 150)


def shop(seed=0):
    """Return customers in four groups that are well apart, the largest first."""
    rng = np.random.default_rng(seed)
    X = CENTERS[np.repeat(np.arange(4), SIZES)] + rng.normal(size=(sum(SIZES), 2))
    ids = [f"c{i}" for i in range(len(X))]
    return pd.DataFrame({"customer_id": ids, "visits": X[:, 0], "spend": X[:, 1]})


HOW = {"transform": "none", "max_segments": 6}


@pytest.fixture(scope="module", params=["kmeans", "mixture"])
def both(request):
    table = shop()
    return [segment(table, algorithm=request.param, merge=merge, **HOW) for merge in ("", "2+4")]


def test_customers_of_both_are_in_one_and_numbers_go_by_size_again(both):
    before, after = both
    counts = pd.crosstab(before.assignments["segment"], after.assignments["segment"])
    assert counts.to_numpy().tolist() == [[0, 400, 0], [300, 0, 0], [0, 0, 200], [150, 0, 0]]
    assert after.sizes["customers"].tolist() == [450, 400, 200]


def test_a_border_inside_a_joined_segment_is_none(both):
    """A customer half-way between the two centres is near no border any more."""
    _, after = both
    halfway = pd.DataFrame({"customer_id": ["a", "b"], "visits": [9.0, 0.0], "spend": [4.5, 4.5]})
    placed = after.model.score(halfway, "customer_id")
    assert placed["segment"].tolist()[0] == 1
    assert placed["confidence"].tolist()[0] > 0.6
    assert placed["confidence"].tolist()[1] < 0.6


def test_what_was_joined_holds_where_its_parts_do(both):
    before, after = both
    assert (before.strength["status"] == "holds").all()
    assert (after.strength["status"] == "holds").all()
    assert after.verdict.level == before.verdict.level == "clear"


def test_it_is_said_and_what_the_data_support_stays(both):
    _, after = both
    assert after.text.headline.endswith("You joined some of 4, so 3 are shown.")
    assert after.text.choice == "Three, because you joined some of 4."
    assert (after.verdict.segments, after.verdict.found, after.verdict.shown) == (4, 4, 3)


def test_model_file_sql_and_scoring_place_as_the_study_did(both, tmp_path):
    _, after = both
    customers = shop()
    run = runs.save(after, tmp_path / "shop")
    own = after.assignments["segment"].tolist()
    assert score(customers, model=str(run)).assignments["segment"].tolist() == own
    told = duckdb.sql(after.model.sql()).df().set_index("customer_id")["segment"]
    assert told[customers["customer_id"]].tolist() == own
    again = read_model(run / "model.json")
    assert again.owners == [1, 1, 2, 3]
    assert again == after.model


def test_moves_are_followed_across_runs_and_like_keeps_numbers(both, tmp_path):
    before, after = both
    runs.save(after, tmp_path / "one")
    later = shop()
    later.loc[:39, ["visits", "spend"]] = [9.0, 9.0]
    later.to_csv(tmp_path / "later.csv", index=False)
    study = segment(
        str(tmp_path / "later.csv"),
        merge="2+4",
        like=str(tmp_path / "one"),
        algorithm=before.model.algorithm,
        **HOW,
    )
    assert (
        study.assignments["segment"].to_numpy()[40:] == after.assignments["segment"].to_numpy()[40:]
    ).all()
    assert study.model.names == after.model.names
    found = compare(str(runs.save(study, tmp_path / "two")), before=str(tmp_path / "one"))
    assert found.segments["fate"].tolist() == ["same"] * 3
    assert len(found.compared.moves) == 40


def test_customers_who_move_between_joined_parts_have_not_moved(both, tmp_path):
    before, _ = both
    for name, place in (("one", [9.0, 0.0]), ("two", [9.0, 9.0])):
        table = shop()
        table.loc[400:429, ["visits", "spend"]] = place
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        made = segment(str(tmp_path / f"{name}.csv"), merge="2+4", algorithm=before.model.algorithm, **HOW)
        runs.save(made, tmp_path / name)
    found = compare(str(tmp_path / "two"), before=str(tmp_path / "one"))
    assert found.why_not == ""
    assert found.compared.moves.empty
    assert found.flips < 0.01


def test_a_model_whose_joined_centres_lack_a_column_is_refused(both, tmp_path):
    _, after = both
    model = after.model
    broken = model.segments[0].model_copy(update={"more": ({"visits": 1.0},)})
    file = model.model_copy(update={"segments": (broken, *model.segments[1:])}).save(tmp_path / "model.json")
    with pytest.raises(ModelError, match="not a whole model"):
        read_model(file)


@pytest.mark.parametrize(
    ("merge", "words"),
    [
        ("2+9", "merge names segment 9, and there are 1 to 4"),
        ("2+2", "merge names segment 2"),
        ("1+2; 2+3", "merge names segment 2"),
        ("1+2+3+4", "joins all segments into one"),
    ],
)
def test_what_cannot_be_joined_is_refused(merge, words):
    solution = Solution(4, np.arange(4), CENTERS, 0.0)
    groups = [[int(each) for each in group.split("+")] for group in merge.split(";")]
    with pytest.raises(ParameterError, match=words):
        join(solution, groups)


@pytest.mark.parametrize("merge", ["2", "two+three", "2+", "1+2,3+4"])
def test_what_is_no_list_of_numbers_is_said_with_an_example(merge):
    with pytest.raises(ParameterError, match=r"merge must be numbers with \+ between, such as 2\+4"):
        Params(merge=merge)


def test_segments_that_follow_no_centres_are_not_joined():
    table = shop().assign(tier=np.repeat(["a", "b", "c", "d"], SIZES))
    with pytest.raises(ParameterError, match="merge joins segments that segkit places by centres"):
        segment(table, labels="tier", merge="1+2", **HOW)
