"""Numbers and names of an earlier run go on: `like` across orders, seeds, refits, births and deaths."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from segkit import earlier, runs
from segkit.change import compare
from segkit.errors import ModelError, OutputError
from segkit.segments.model import read_model
from segkit.study import segment

CENTERS = np.array([[0.0, 0.0], [12.0, 0.0], [0.0, 12.0], [12.0, 12.0]])
HOW = {"transform": "none", "max_segments": 6}


def shop(sizes, seed=0, start=0):
    """Return customers of well-separated groups, who keep their ids whatever the sizes, and their groups."""
    rng = np.random.default_rng(seed)
    home = np.repeat(np.arange(len(sizes)), sizes)
    X = CENTERS[home] + rng.normal(size=(len(home), 2))
    ids = [f"c{group}-{i + start}" for group, size in enumerate(sizes) for i in range(size)]
    return pd.DataFrame({"customer_id": ids, "visits": X[:, 0], "spend": X[:, 1]}), home


@pytest.fixture(scope="module")
def before():
    return segment(shop([500, 400, 300, 200])[0], **HOW)


@pytest.fixture(scope="module")
def run(before, tmp_path_factory):
    return runs.save(before, tmp_path_factory.mktemp("earlier") / "shop")


def agree(study, before):
    """Return the share of customers of both studies whose number is the same."""
    key = before.assignments.columns[0]
    both = before.assignments.merge(study.assignments, on=key)
    return (both["segment_x"] == both["segment_y"]).mean()


def test_another_order_another_seed_and_a_refit_keep_the_numbers(before, run):
    """At least 99 % keep theirs, though over half of the first segment left and sizes turned round."""
    table, home = shop([500, 400, 300, 200])
    rng = np.random.default_rng(1)
    kept = table[~((home == 0) & (rng.random(len(home)) < 0.6))]
    for seed in (0, 7):
        later = kept.sample(frac=1, random_state=seed)
        later["spend"] += rng.normal(0, 0.1, len(later))
        plain, study = (segment(later, seed=seed, like=like, **HOW) for like in ("", str(run)))
        assert agree(study, before) >= 0.99
        assert agree(plain, before) < 0.9  # else this test could not fail
        assert study.sizes["name"].tolist() == before.sizes["name"].tolist()
        assert study.model.names == study.sizes["name"].tolist()
        found = study.strength.set_index("segment")["share"] - study.sizes.set_index("segment")["share"]
        assert found.abs().max() < 0.1  # the strength of a segment goes with it


def test_customers_nobody_knew_are_matched_by_place(before, run):
    study = segment(shop([150, 250, 350, 450], seed=4, start=90_000)[0], like=str(run), **HOW)
    sides = [study.profile, before.profile]
    middle = [t[t["column"] == "spend"].set_index("segment")["median"] for t in sides]
    assert (abs(middle[0] - middle[1]) < 0.5).all()


def test_a_new_segment_gets_a_new_number_and_one_that_is_gone_leaves_a_gap_that_is_filled(run, before):
    three = segment(shop([500, 0, 300, 200])[0], like=str(run), segments=3, **HOW)
    names = before.sizes["name"].tolist()
    assert three.sizes["name"].tolist() == [names[0], names[3], names[2]]  # 4 cannot be the number of three
    wide = pd.concat([shop([500, 400, 300, 200])[0],
                      pd.DataFrame({"customer_id": [f"n{i}" for i in range(900)],
                                    "visits": np.random.default_rng(3).normal(30, 1, 900),
                                    "spend": np.random.default_rng(4).normal(30, 1, 900)})])  # fmt: skip
    five = segment(wide, like=str(run), segments=5, **HOW)
    assert five.sizes["name"].tolist()[:4] == names
    assert len(set(five.sizes["name"])) == 5
    assert five.sizes["customers"].iloc[4] == 900  # the largest, and yet the fifth


def test_the_model_on_disk_and_a_comparison_have_the_numbers_too(run, before, tmp_path):
    later = shop([200, 400, 300, 200])[0]
    study = segment(later, like=str(run), **HOW)
    folder = runs.save(study, tmp_path / "later")
    again = read_model(folder / "model.json").score(later, "customer_id")
    assert again["segment"].tolist() == study.assignments["segment"].tolist()
    read = [json.loads((each / "summary.json").read_bytes()) for each in (run, folder)]
    hashes = [each["provenance"]["input_sha256"] for each in read]
    plain = segment(later, **HOW).provenance["input_sha256"]
    assert len({*hashes, plain}) == 3
    found = compare(later, before=str(run))
    assert found.segments["before"].tolist() == found.segments["after"].tolist() == [1, 2, 3, 4]
    assert (found.segments["name_before"] == found.segments["name"]).all()


def test_what_is_no_run_is_one_sentence(run, tmp_path):
    table = shop([100, 100, 0, 0])[0]
    with pytest.raises(OutputError, match="not a complete run"):
        segment(table, like=str(tmp_path), **HOW)
    with pytest.raises(ModelError, match="cannot be read"):
        earlier.model(str(tmp_path / "model.json"))
