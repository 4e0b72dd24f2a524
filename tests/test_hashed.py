"""Ids that are hashed: no raw id in any file or page of a run, the same hash everywhere, no key no run."""

from __future__ import annotations

import hashlib
import hmac
import re

import pandas as pd
import pytest

from segkit import runs
from segkit.change import compare
from segkit.cli import main
from segkit.data.samples import retail, retail_transactions
from segkit.errors import ParameterError
from segkit.panels import builders
from segkit.purchases import value
from segkit.scoring import score
from segkit.study import segment

KEY = "a long secret"
HOW = {"hash_ids": True, "segments": 4, "transform": "none", "max_segments": 4}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("SEGKIT_HASH_KEY", KEY)


@pytest.fixture(scope="module")
def customers():
    return retail(800)


@pytest.fixture(scope="module")
def run(customers, tmp_path_factory):
    place = tmp_path_factory.mktemp("hashed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEGKIT_HASH_KEY", KEY)
        customers.to_csv(place / "shop.csv", index=False)
        return runs.save(segment(str(place / "shop.csv"), **HOW), place / "run")


def leaks(made, folder=None):
    """Return the raw ids (C000123) in panels, pictures and files."""
    panels = [builders.build(made, name) for name in builders.names(made.params)]
    texts = [p.body_html + (p.figure.to_json() if p.figure is not None else "") for p in panels]
    files = (
        [file.read_text(encoding="utf-8", errors="ignore") for file in sorted(folder.iterdir())]
        if folder
        else []
    )
    return re.findall(r"C\d{5,6}\b", "".join([*texts, *files]))


def test_nothing_that_is_shown_or_saved_holds_an_id(customers, run):
    made = segment(customers, **HOW)
    assert leaks(made, run) == []
    assert leaks(segment(customers, **{**HOW, "hash_ids": False}))  # else this test could not fail
    ids = made.assignments["customer_id"]
    first = hmac.new(KEY.encode(), str(customers["customer_id"][0]).encode(), hashlib.sha256).hexdigest()[:16]
    assert ids[0] == first
    assert ids.is_unique


def test_every_kind_of_study_gives_the_same_customer_the_same_hash(customers, run):
    placed = score(customers, model=str(run), hash_ids=True)
    found = compare(customers, before=str(run))
    log = value(retail_transactions(300), hash_ids=True, segments=2, validate_after="")
    ids = set(segment(customers, **HOW).assignments["customer_id"])
    assert set(placed.assignments["customer_id"]) == set(found.assignments["customer_id"]) == ids
    assert found.compared.shared == len(ids)
    assert found.why_not == ""
    assert [each for made in (placed, found, log) for each in leaks(made)] == []
    assert log.assignments.iloc[:, 0].str.fullmatch("[0-9a-f]{16}").all()


def test_a_customer_is_forgotten_by_the_id_they_know(customers, run, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("SEGKIT_INDEX", f"sqlite:///{tmp_path / 'index.db'}")
    assert main(["runs", "rebuild", str(run.parent)]) == 0
    assert main(["runs", "forget", "--customer", customers["customer_id"][3]]) == 0
    assert "The customer is gone from 1 runs." in capsys.readouterr().out
    assert len(pd.read_parquet(run / "segments.parquet")) == len(customers) - 1


def test_without_a_key_there_is_no_run_and_another_key_gives_other_hashes(customers, monkeypatch):
    one = segment(customers, **HOW).assignments["customer_id"]
    monkeypatch.setenv("SEGKIT_HASH_KEY", "another")
    assert not set(one) & set(segment(customers, **HOW).assignments["customer_id"])
    monkeypatch.setenv("SEGKIT_HASH_KEY", "")
    with pytest.raises(ParameterError, match="SEGKIT_HASH_KEY"):
        segment(customers, **HOW)
