"""Segments that a user hides: nothing but their size is told, and their customers stay where they are."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from segkit import runs
from segkit.delivery import deliver
from segkit.errors import ParameterError
from segkit.panels.builders import build, names
from segkit.params import Params
from segkit.study import segment

TOLD = ("profile", "differences", "actions", "unusual", "unused", "separation")


def shop():
    """Return three groups of customers; the last is the shop's own test accounts."""
    rng = np.random.default_rng(0)
    home = np.repeat([[0, 0], [9, 0], [0, 9]], [300, 200, 100], axis=0)
    X = home + rng.normal(size=(600, 2))
    ids = [f"c{i}" for i in range(600)]
    return pd.DataFrame(
        {"customer_id": ids, "visits": X[:, 0], "spend": X[:, 1], "age": rng.normal(size=600)}
    )


HOW = {"transform": "none", "max_segments": 5, "features": ["visits", "spend"]}


@pytest.fixture(scope="module")
def both():
    return [segment(shop(), **HOW, hide=hide) for hide in ("", "3")]


def test_everybody_is_where_they_were(both):
    before, after = both
    pd.testing.assert_frame_equal(before.assignments, after.assignments)
    pd.testing.assert_frame_equal(before.sizes, after.sizes)
    assert before.model.to_dict() == after.model.to_dict()


@pytest.mark.parametrize("name", TOLD)
def test_a_table_tells_of_the_others_as_before(both, name):
    before, after = (getattr(study, name) for study in both)
    assert 3 not in set(after["segment"])
    others = before[before["segment"] != 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(after, others)


def test_there_was_something_to_hide(both):
    assert all(3 in set(getattr(both[0], name)["segment"]) for name in ("profile", "differences", "unused"))


def test_no_panel_tells_of_it_but_those_of_size(both):
    """Its name stands where its size does."""
    before, after = both
    name = before.sizes["name"][2]
    for panel in names(after.params):
        built = build(after, panel)
        if built.figure is not None and panel not in {"sizes", "choice"}:
            assert name not in built.figure.to_json(), panel
    assert set(after.text.summaries) == {1, 2}
    assert name in build(before, "cards").body
    assert name not in build(after, "cards").body
    assert name in str(build(before, "rules").tables[0].rows)
    assert name not in str(build(after, "rules").tables[0].rows)
    assert "Segment 3 is hidden" in build(after, "sizes").note


def test_a_run_keeps_it_and_says_so(both, tmp_path):
    folder = runs.save(both[1], tmp_path / "shop")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["parameters"]["hide"] == "3"
    assert set(pd.read_parquet(folder / "segments.parquet")["segment"]) == {1, 2, 3}


def test_an_export_to_read_tells_the_size_only(both, tmp_path):
    folder = runs.save(both[1], tmp_path / "shop")
    deliver(folder, str(tmp_path / "shop.md"))
    told = (tmp_path / "shop.md").read_text(encoding="utf-8").split("\n## ")[3]
    assert told.count("\n\n") == 1
    assert "100 customers" in told
    deliver(folder, str(tmp_path / "shop.xlsx"))
    rules = pd.read_excel(tmp_path / "shop.xlsx", sheet_name="Rules")
    assert set(rules["segment"]) == {1, 2}


@pytest.mark.parametrize(
    ("hide", "said"),
    [("4", "names segment 4, and there are 1 to 3"), ("1;2;3", "every segment"), ("1,2", "semicolons")],
)
def test_what_cannot_be_hidden_is_refused(hide, said):
    with pytest.raises(ParameterError, match=said):
        segment(shop(), **HOW, hide=hide)


def test_a_parameter_file_keeps_it():
    assert "hide: 3; 5" in Params(hide="3; 5").to_yaml()
