"""The tab that compares with an earlier run."""

from __future__ import annotations

import os

import pytest

from segkit import runs
from segkit.data import samples
from segkit.study import segment
from segkit.widgets.change import Change


@pytest.fixture(scope="module")
def study():
    return segment(samples.retail(600, seed=3), segments=3)


def tab(monkeypatch, folder, study):
    monkeypatch.setenv("SEGKIT_DATA_DIR", str(folder))
    change = Change(lambda call: call, dashboard=True)
    change.follow(study)
    return change


def test_without_an_earlier_run_it_says_so(monkeypatch, tmp_path, study):
    (body,) = tab(monkeypatch, tmp_path, study).children
    assert "No earlier run to compare with" in body.value


def test_a_reader_chooses_an_earlier_run_by_name(monkeypatch, tmp_path, study):
    for number, name in enumerate(("march", "april")):
        os.utime(runs.save(study, tmp_path / name), (number, number))
    choice, body = tab(monkeypatch, tmp_path, study).children
    assert [label for label, _ in choice.options] == ["Choose one", "april", "march"]
    assert "Choose an earlier run" in body.value
    choice.value = "march"
    assert "600 customers are in both runs" in body.value
    assert "Nobody moved" in body.value
