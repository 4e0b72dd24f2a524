"""Quotes in order are those that a strict reader and Arrow's lenient one understand alike."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv as arrow

from segkit.data import dialect, gate

SIGNS = st.text('"",\na b', max_size=14)


def strict(text: str) -> list[list[str]] | None:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return None


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIGNS)
def test_texts_in_order_are_split_as_a_strict_reader_splits_them(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    found, rows = dialect.quotes(path, ","), strict(text)
    assert (found == "none") == ('"' not in text)
    if rows is None:
        assert found == "odd"
    if found != "strict" or not rows or len({len(row) for row in rows if row}) != 1 or len(rows[0]) < 2:
        return
    names = [f"c{at}" for at in range(len(rows[0]))]
    table = arrow.read_csv(
        path, arrow.ReadOptions(column_names=names), arrow.ParseOptions(newlines_in_values=True),
        arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )  # fmt: skip
    assert [list(row.values()) for row in table.to_pylist()] == [row for row in rows if row]


def test_a_run_of_quotes_on_the_edge_of_a_block_is_one(tmp_path, monkeypatch):
    text = 'a,"say ""yes"" now"\n"x ""y""",5" pipe\n'
    (tmp_path / "a.csv").write_bytes(text.encode())
    for size in range(1, 20):
        small = list(map(bytes, gate.blocks(tmp_path / "a.csv", size)))
        monkeypatch.setattr(dialect.gate, "blocks", lambda *_, small=small: iter(small))
        assert dialect.quotes(tmp_path / "a.csv", ",") == "strict"
        monkeypatch.undo()


def test_blocks_are_the_file(tmp_path):
    (tmp_path / "a").write_bytes(bytes(range(256)) * 5)
    assert b"".join(map(bytes, gate.blocks(tmp_path / "a", 100))) == bytes(range(256)) * 5
