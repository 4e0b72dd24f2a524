"""Every ugly file, read to the table that a person sees in it, or refused for the true reason."""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path

import pandas as pd
import pytest

from segkit.data import files, gate, source
from segkit.data.gate import Limits
from segkit.data.reading import Hints
from segkit.errors import SourceError

_spec = importlib.util.spec_from_file_location("ugly", Path(__file__).with_name("ugly.py"))
ugly = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(ugly)


@pytest.mark.parametrize("name", ugly.EXPECTED)
def test_an_ugly_file_is_read_right_or_refused_for_the_true_reason(name, test_data):
    expected, start = ugly.EXPECTED[name], time.monotonic()
    if isinstance(expected, str):
        with pytest.raises(SourceError, match=expected.replace("(", r"\(")):
            source.load(test_data / "ugly" / name)
    else:
        rows, columns, types, cells, words = expected
        frame, reading = source.load(test_data / "ugly" / name)
        assert frame.shape == (rows, columns) == (reading.rows, reading.columns)
        assert {key: dict(reading.types)[key] for key in types} == types
        for (row, column), value in cells.items():
            found = frame[column].iloc[row]
            assert pd.isna(found) if value is None else (found == value or str(found)[:10] == value), (
                row,
                column,
            )
        for word in words:
            assert any(word in note for note in reading.notes), (word, reading.notes)
    assert time.monotonic() - start < 10


def test_every_ugly_file_has_an_expected_answer(test_data):
    folder = test_data / "ugly"
    here = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert {name for name in here if not name.endswith(".json")} == set(ugly.EXPECTED)


def test_the_answers_of_csv_spectrum_are_ours(test_data, tmp_path):
    for path in sorted((test_data / "ugly" / "csv-spectrum").glob("*.csv")):
        folder = tmp_path / path.stem
        folder.mkdir()
        table, _ = files.table(path, gate.kind(path), folder, Hints(), Limits())
        answer = json.loads(path.with_suffix(".json").read_text())
        found = [{name: _said(value) for name, value in row.items()} for row in table.to_pylist()]
        # Ours differ by rule in two ways: what is blank is missing, and a line end in a value is \n.
        assert found == [{key: value.replace("\r\n", "\n") for key, value in row.items()} for row in answer]


def _said(value):
    return "" if value is None else str(int(value)) if isinstance(value, float) else str(value)
