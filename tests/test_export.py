"""Files hold what the study says, the same bytes each time, and nothing in them runs."""

from __future__ import annotations

import csv
import datetime as dt
import json
import logging

import jsonschema
import numpy as np
import pandas as pd
import pytest

from segkit import export
from segkit.data import samples
from segkit.errors import OutputError
from segkit.study import segment

HOSTILE = [
    "=1+1",
    "+1+cmd",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1",
    "|calc",
    '=HYPERLINK("http://x")',
    " =1",
]


@pytest.fixture(scope="module")
def study():
    return segment(samples.retail(400), max_segments=6)


@pytest.fixture(scope="module")
def said(study):
    return export.summary(study)


def test_the_summary_fits_its_schema(said, root):
    schema = json.loads((root / "segkit/schemas/summary-1.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.FormatChecker()
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(json.loads(export.to_json(said)))


@pytest.mark.parametrize("part", ["verdict", "sizes", "run", "schema", "parameters"])
def test_the_schema_notices_what_is_missing(said, root, part):
    schema = json.loads((root / "segkit/schemas/summary-1.json").read_text())
    with pytest.raises(jsonschema.ValidationError, match=part):
        jsonschema.validate({key: value for key, value in said.items() if key != part}, schema)


def test_the_summary_says_what_the_tables_say(study, said):
    assert sum(row["customers"] for row in said["sizes"]) == said["customers"]["placed"]
    assert said["customers"]["all"] == len(study.assignments) == said["reading"]["rows"]
    assert said["verdict"]["shown"] == len(said["sizes"]) == study.assignments["segment"].max()
    assert said["text"]["headline"] == study.text.headline
    assert {row["column"] for row in said["columns"]} == set(study.columns["column"])
    assert said["figures"]["sizes"]["title"]


def test_a_study_gives_the_same_files_twice(study, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        files = export.write(study, tmp_path / name)
    assert {file.name for file in files} == {"segments.csv", "segments.parquet", "summary.json", "model.json"}
    for file in files:
        one, other = (tmp_path / name / file.name for name in ("a", "b"))
        if file.name == "summary.json":
            first, second = (json.loads(path.read_text()) for path in (one, other))
            assert first.pop("run")["versions"] == second.pop("run")["versions"]
            assert first == second
        else:
            assert one.read_bytes() == other.read_bytes()


def test_csv_and_parquet_hold_the_assignments(study, tmp_path):
    export.write(study, tmp_path)
    parquet = pd.read_parquet(tmp_path / "segments.parquet")
    pd.testing.assert_frame_equal(parquet, study.assignments, check_dtype=False)
    back = pd.read_csv(tmp_path / "segments.csv", float_precision="round_trip")
    assert list(back) == list(study.assignments)
    assert (back["segment"] == study.assignments["segment"]).all()
    assert np.array_equal(back["distance"], study.assignments["distance"])


def test_above_what_a_spreadsheet_opens_there_is_no_csv_and_the_log_says_so(
    study, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(export, "CSV_ROWS", 399)
    with caplog.at_level(logging.WARNING, "segkit"):
        export.write(study, tmp_path)
    assert not (tmp_path / "segments.csv").exists()
    assert "no segments.csv: 400 customers" in caplog.text


def test_no_cell_and_no_header_of_a_csv_is_a_formula(tmp_path):
    table = pd.DataFrame({"=evil()": HOSTILE, "segment": range(len(HOSTILE)), "@b": pd.Categorical(HOSTILE)})
    with export.to_csv(table, tmp_path / "t.csv").open(newline="", encoding="utf-8") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert len(cells) == 3 * (len(HOSTILE) + 1)
    assert not [cell for cell in cells if cell.lstrip()[:1] in set("=+-@|＝\t\r")]
    assert [cell for cell in cells if cell.startswith("'")]  # it was needed


def test_numbers_dates_and_gaps_of_a_csv_are_untouched(tmp_path):
    table = pd.DataFrame(
        {"n": [-1.5, np.nan], "d": pd.to_datetime(["2026-11-23", None]), "t": ["-1.5", None]}
    )
    text = export.to_csv(table, tmp_path / "t.csv").read_text()
    assert text == "n,d,t\n-1.5,2026-11-23,-1.5\n,,\n"


def test_json_has_no_nan_and_takes_what_tables_hold():
    values = {
        "nan": float("nan"),
        "inf": np.float64("-inf"),
        "none": pd.NA,
        "when": pd.Timestamp("2026-11-23"),
        "day": dt.date(2026, 11, 23),
        "yes": np.True_,
        "n": np.int64(3),
        "many": (np.array([1.5, np.nan]), {1: 2}),
    }
    assert json.loads(export.to_json(values)) == {
        "nan": None, "inf": None, "none": None, "when": "2026-11-23T00:00:00",
        "day": "2026-11-23", "yes": True, "n": 3, "many": [[1.5, None], {"1": 2}],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "T.CSV"])
def test_one_named_file_is_written_whole_and_over_an_older_one(tmp_path, name):
    for word in ("old", "new"):
        export.to_file(pd.DataFrame({"word": [word]}), tmp_path / name)
    read = pd.read_parquet if name.endswith("parquet") else pd.read_csv
    assert read(tmp_path / name)["word"].tolist() == ["new"]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_cannot_be_written_is_one_sentence_and_leaves_nothing(tmp_path):
    table = pd.DataFrame({"a": [1]})
    with pytest.raises(OutputError, match=r'must end in .csv or .parquet, got "t.xls"'):
        export.to_file(table, tmp_path / "t.xls")
    with pytest.raises(OutputError, match="cannot be written: No such file or directory"):
        export.to_file(table, tmp_path / "nowhere" / "t.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OutputError, match="cannot be written: Is a directory"):
        export.to_file(table, tmp_path / "folder.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["folder.csv"]


def test_exact_bytes_are_written_when_they_are_asked_for(tmp_path):
    table = pd.DataFrame({"=id": HOSTILE, "spend": range(len(HOSTILE))})
    with export.to_csv(table, tmp_path / "t.csv", safe=False).open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["=id", "spend"]
    assert [row[0] for row in rows] == HOSTILE
