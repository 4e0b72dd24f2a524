"""Deliveries: the right numbers, of the right type, in every format, and no text that runs."""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
from io import StringIO

import duckdb
import numpy as np
import openpyxl
import pandas as pd
import pytest

import segkit as sk
from segkit import export
from segkit.delivery import deliver, to_xlsx
from segkit.errors import OutputError, ParameterError

PREFIXES = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "|calc",
    "%0A",
    "＝1+1",
    "=cmd|' /C calc'!A0",
]
LIVE = "=+-@\t\r|%＝"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 300)
    frame = pd.DataFrame(
        {"customer_id": [f"{PREFIXES[i % 12]}{i}" for i in range(300)], "visits": kind * 20.0}
    )
    frame["visits"] += rng.normal(0, 1, 300)
    frame["spend"] = kind * 500 + rng.normal(100, 9, 300)
    study = sk.segment(frame, segments=2, value="spend", features=["visits"], customer_id="customer_id")
    return sk.save(study, tmp_path_factory.mktemp("runs") / "mine"), study


def is_live(text: str) -> bool:
    return text.strip(" ")[:1] in LIVE and text.strip() != ""


@pytest.mark.parametrize("text", PREFIXES)
def test_in_84_placements_nothing_is_live(text, tmp_path):
    table = pd.DataFrame({"id": [text], text + " head": [text + "x"]})
    with export.to_csv(table, tmp_path / "t.csv").open(newline="", encoding="utf-8") as stream:
        header, row = csv.reader(stream)
    assert not any(map(is_live, [header[1], row[0], row[1]]))
    book = openpyxl.load_workbook(to_xlsx({text: table}, tmp_path / "t.xlsx"))
    (sheet,) = book.worksheets
    placed = [sheet["B1"], sheet["A2"], sheet["B2"]]
    assert all(each.data_type == "s" for each in placed)
    assert not any(is_live(each.value) for each in placed)
    assert not is_live(sheet.title)


def test_exact_text_comes_back_when_it_is_asked_for(run, tmp_path):
    deliver(run[0], str(tmp_path / "exact.csv"), safe=False)
    found = pd.read_csv(tmp_path / "exact.csv", dtype=str, keep_default_na=False)
    assert found["customer_id"][0] == "=1+10"
    deliver(run[0], str(tmp_path / "safe.csv"))
    assert pd.read_csv(tmp_path / "safe.csv", dtype=str)["customer_id"][0] == "'=1+10"


def test_the_workbook_has_real_types_and_frozen_headers(run, tmp_path):
    folder, study = run
    book = openpyxl.load_workbook(deliver(folder, str(tmp_path / "run.xlsx")))
    assert book.sheetnames[0] == "Summary"
    assert book["Summary"]["B2"].value == study.text.headline
    sheet = book["Customers"]
    assert all(each.freeze_panes == "A2" for each in book.worksheets)
    assert sheet.max_row == 301
    columns = {cell.value: cell.column for cell in sheet[1]}
    for i, row in enumerate(study.assignments.head(20).itertuples(), start=2):
        assert sheet.cell(i, columns["segment"]).value == row.segment
        assert sheet.cell(i, columns["confidence"]).value == pytest.approx(row.confidence)
        assert sheet.cell(i, columns["outlier"]).value is bool(row.outlier)
    assert all(cell.data_type != "f" for each in book.worksheets for row in each.iter_rows() for cell in row)


def test_database_parquet_and_json_hold_every_customer(run, tmp_path):
    folder, study = run
    labels = study.assignments["segment"].tolist()
    deliver(folder, str(tmp_path / "run.db"))
    with sqlite3.connect(tmp_path / "run.db") as base:
        assert [row[0] for row in base.execute("select segment from segkit_customers")] == labels
        tables = {row[0] for row in base.execute("select name from sqlite_master where type = 'table'")}
    assert {"segkit_customers", "segkit_segments", "segkit_profile", "segkit_rules"} <= tables
    deliver(folder, f"sqlite:///{tmp_path / 'run.db'}")  # once more: replaced, not added to
    with sqlite3.connect(tmp_path / "run.db") as base:
        assert base.execute("select count(*) from segkit_customers").fetchone() == (300,)
    deliver(folder, str(tmp_path / "run.parquet"))
    assert pd.read_parquet(tmp_path / "run.parquet")["segment"].tolist() == labels
    deliver(folder, str(tmp_path / "run.json"))
    both = json.loads((tmp_path / "run.json").read_text())
    assert [row["segment"] for row in both["customers"]] == labels
    assert both["summary"]["text"]["headline"] == study.text.headline


def test_a_database_server_holds_every_customer_with_types_or_nothing_new(run, monkeypatch, postgres):
    folder, study = run
    with_password = postgres.address.replace("postgres@", "postgres:env:SHOP@")
    monkeypatch.setenv("SHOP", "hush")
    for _ in range(2):  # replaced, not added to
        assert deliver(folder, with_password) == postgres.address.replace("postgres@", "")
    found = pd.read_csv(StringIO(postgres.psql("select * from segkit_customers")), keep_default_na=False)
    assert found["segment"].tolist() == study.assignments["segment"].tolist()
    assert found["customer_id"].tolist() == [
        who.replace("\r", "\n") for who in study.assignments["customer_id"]
    ]
    assert found["confidence"].to_numpy() == pytest.approx(study.assignments["confidence"].to_numpy())
    types = (
        "select column_name, data_type from information_schema.columns where table_name = 'segkit_customers'"
    )
    known = dict(line.split(",") for line in postgres.psql(types).splitlines())
    assert {known["segment"], known["confidence"], known["outlier"], known["customer_id"]} == {
        "bigint",
        "double precision",
        "boolean",
        "text",
    }
    postgres.psql("create view in_use as select * from segkit_rules")  # the last table cannot be replaced
    postgres.psql("delete from segkit_customers where segment = 1")
    left = postgres.psql("select count(*) from segkit_customers")
    with pytest.raises(OutputError, match="cannot be written"):
        deliver(folder, postgres.address)
    assert postgres.psql("select count(*) from segkit_customers") == left
    postgres.psql("drop view in_use")


def test_a_driver_that_is_not_there_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(OutputError, match=r"127.0.0.1:1/base cannot be written: .*'segkit\[postgres\]'"):
        deliver(run[0], "postgresql://me@127.0.0.1:1/base")


def test_sql_of_a_run_labels_its_customers(run, tmp_path):
    folder, study = run
    frame = study.frame.to_pandas()
    base = duckdb.connect()
    base.register("customers", frame)
    expected = dict(zip(frame["customer_id"], study.assignments["segment"], strict=True))
    for rules in (False, True):
        deliver(folder, str(tmp_path / "run.sql"), rules=rules)
        found = base.sql((tmp_path / "run.sql").read_text().rstrip().rstrip(";")).df()
        given = dict(zip(found["customer_id"], found["segment"], strict=True))
        if not rules:
            assert given == expected
        else:
            agreed = np.mean([given[who] == expected[who] for who in expected])
            assert agreed == pytest.approx(study.rules.fidelity)


def test_markdown_tells_the_summary_and_escapes_it(run, tmp_path):
    folder, _ = run
    deliver(folder, str(tmp_path / "run.md"))
    text = (tmp_path / "run.md").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert text.count("\n## ") == 2
    assert "Rule: " in text
    assert "<" not in text


def test_what_cannot_be_delivered_is_said(run, tmp_path, monkeypatch):
    folder, _ = run
    with pytest.raises(ParameterError, match=r"must end in \.csv"):
        deliver(folder, str(tmp_path / "run.docx"))
    with pytest.raises(OutputError, match="not a complete run"):
        deliver(tmp_path, str(tmp_path / "run.csv"))
    with pytest.raises(ParameterError, match="env:NAME") as refused:
        deliver(folder, "postgresql://me:secret@127.0.0.1:1/base")
    assert "secret" not in str(refused.value)
    with pytest.raises(OutputError, match="cannot be written"):
        deliver(folder, str(tmp_path / "absent" / "run.csv"))
