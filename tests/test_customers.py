"""Real customer tables run with no other flag than their path, and the command says what Python says."""

from __future__ import annotations

import json

import pytest

from segkit import cli, export, runs
from segkit.study import segment

FILES = ["Mall_Customers.csv"]
MORE = [
    "Telco-Customer-Churn.csv",
    "EastWestAirlines.xlsx",
    "bank-full.csv",
    "CC GENERAL.csv",
    "marketing_campaign.csv",
    "segmentation data.csv",
    "shopping_trends.csv",
    "Wholesale customers data.csv",
]


@pytest.mark.parametrize("name", [*FILES, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE)])
def test_a_real_table_runs_with_nothing_but_its_path(test_data, tmp_path, name):
    source = test_data / "customers" / name
    assert cli.main(["run", str(source), "--out", str(tmp_path)]) == 0
    (folder,) = tmp_path.iterdir()
    assert runs.verify(folder) == []
    written = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    said = json.loads(export.to_json(export.summary(segment(source))))
    assert written.pop("run") is not None
    said.pop("run")
    assert written == said
