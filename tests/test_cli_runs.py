"""``segkit runs``: what the index knows, as a person or a program asks for it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import segkit as sk
from segkit import runs
from segkit.cli import main
from segkit.index import Index
from tests.test_index import published


@pytest.fixture
def out(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name, number in (("a-0000000000", 3), ("b-0000000000", 4)):
        published(tmp_path / "reports", name, segments=number)
    monkeypatch.chdir(tmp_path)
    assert main(["runs", "rebuild"]) == 0
    return tmp_path / "reports"


def said(capsys, *words):
    capsys.readouterr()
    code = main(["runs", *words])
    return code, capsys.readouterr()


def test_runs_are_listed_for_people_and_for_programs(out, capsys):
    Index().add(status="failed", name="c", source="c.csv", message="Not enough.", started="2099")
    code, text = said(capsys)
    assert code == 0
    assert [line.split()[0] for line in text.out.splitlines()] == ["failed", "complete", "complete"]
    _, text = said(capsys, "list", "--parameter", "segments=4", "--json")
    assert [json.loads(line)["run"] for line in text.out.splitlines()] == ["b-0000000000"]
    _, text = said(capsys, "list", "--name", "nobody")
    assert text.out == "There is no such run.\n"


def test_a_run_is_shown_whole(out, capsys):
    code, text = said(capsys, "show", "a-0000000000", "--json")
    told = json.loads(text.out)
    assert (code, told["status"], told["parameters"]["segments"]) == (0, "complete", 3)
    assert set(told["files"]) == {"model.json", "segments.csv", "segments.parquet", "summary.json"}
    assert said(capsys, "show", "a-000000000x")[0] == 2


def test_a_damaged_run_is_told_with_code_1(out, capsys):
    assert said(capsys, "verify")[0] == 0
    (out / "b-0000000000" / "model.json").write_text("{}")
    code, text = said(capsys, "verify")
    assert code == 1
    assert "model.json is not what was written" in text.out
    assert text.out.endswith("1 of 2 runs are complete, byte for byte.\n")


def test_pruning_is_rehearsed_first(out, capsys):
    code, text = said(capsys, "prune")
    assert code == 2
    assert "--older-than 90d" in text.err
    Index().add(status="failed", name="c", started="2020-01-01T00:00:00+00:00")
    assert said(capsys, "prune", "--older-than", "1y", "--dry-run")[1].out.endswith("1 runs would go.\n")
    assert len(Index().find()) == 3
    assert said(capsys, "prune", "--older-than", "1y")[0] == 0
    assert len(Index().find()) == 2


def test_runs_are_forgotten_by_name(out, capsys):
    assert said(capsys, "forget")[0] == 2
    assert said(capsys, "forget", "a-0000000000")[0] == 0
    assert [folder.name for folder in out.iterdir()] == ["b-0000000000"]
    assert runs.verify(out / "b-0000000000") == []


def test_an_index_that_cannot_be_opened_is_one_sentence_without_the_password(capsys, monkeypatch):
    monkeypatch.setenv("SEGKIT_INDEX", "postgresql+nodriver://me:hush@127.0.0.1/x")
    code, text = said(capsys)
    assert code == 2
    assert "hush" not in text.err
    assert "Set SEGKIT_INDEX" in text.err


def test_every_command_works_on_postgresql(tmp_path, monkeypatch, capsys, postgres):
    postgres.psql("drop table if exists segkit_run_parameters, segkit_runs")
    monkeypatch.setenv("SEGKIT_INDEX", postgres.address)
    monkeypatch.chdir(tmp_path)
    for name, number in (("a-0000000000", 3), ("b-0000000000", 4), ("b-0000000001", 5)):
        published(tmp_path / "reports", name, segments=number)
    assert said(capsys, "rebuild")[1].out == "3 complete runs are in the index.\n"
    _, text = said(capsys, "list", "--parameter", "segments=4", "--name", "b*", "--json")
    assert [json.loads(line)["run"] for line in text.out.splitlines()] == ["b-0000000000"]
    code, text = said(capsys, "show", "a-0000000000", "--json")
    assert (code, json.loads(text.out)["parameters"]["segments"]) == (0, 3)
    assert said(capsys, "verify")[1].out.endswith("3 of 3 runs are complete, byte for byte.\n")
    assert said(capsys, "forget", "a-0000000000")[0] == 0
    assert said(capsys, "prune", "--keep", "1", "--dry-run")[1].out.endswith("1 runs would go.\n")
    assert said(capsys, "prune", "--keep", "1")[0] == 0
    kept = [folder.name for folder in (tmp_path / "reports").iterdir()]
    assert [name[:2] for name in kept] == ["b-"]
    told = postgres.psql("select run, status from segkit_runs")
    assert told.splitlines() == ["run,status", f"{kept[0]},complete"]
    assert said(capsys, "rebuild")[1].out == "1 complete runs are in the index.\n"


def test_a_customer_is_forgotten_by_an_index_on_postgresql(tmp_path, monkeypatch, capsys, postgres):
    postgres.psql("drop table if exists segkit_run_parameters, segkit_runs")
    monkeypatch.setenv("SEGKIT_INDEX", postgres.address)
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame(
        {"id": [f"who-{i}" for i in range(60)], "spend": np.arange(60) % 7, "visits": np.arange(60) % 5}
    )
    folder = sk.save(sk.segment(table, customer_id="id", segments=2), "reports/shop-0123456789")
    assert said(capsys, "rebuild")[0] == 0
    _, text = said(capsys, "forget", "--customer", "who-7")
    assert text.out.startswith(f"{folder}: 1 rows went\n")
    assert "who-7" not in set(pd.read_parquet(folder / "segments.parquet")["id"])
    assert said(capsys, "verify")[0] == 0
