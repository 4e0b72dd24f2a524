"""Rows are read in order and as often as asked for; what needs looking at is said, not guessed."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segkit.data.rows import OddRowError, lines, opened
from segkit.errors import SourceError


def text(tmp_path, content, *, quoted=False):
    (tmp_path / "a.csv").write_text(content, newline="")
    return lines(tmp_path / "a.csv", ",", ["a", "b"], 1, quoted=quoted, named=True)


def test_a_clean_text_is_read_twice_and_by_column(tmp_path):
    rows = text(tmp_path, 'a,b\n1,"x\ny"\n\n,z\n', quoted=True)
    for _ in range(2):
        assert pa.Table.from_batches(rows.batches([])).to_pydict() == {"c0": ["1", None], "c1": ["x\ny", "z"]}
    assert pa.Table.from_batches(rows.batches(["c1"])).to_pydict() == {"c1": ["x\ny", "z"]}


@pytest.mark.parametrize("odd", ["1,2,3", "1", ",", " ,  ", "a,b"])
def test_an_odd_row_is_raised(tmp_path, odd):
    with pytest.raises(OddRowError):
        list(text(tmp_path, f"a,b\n1,2\n{odd}\n3,4\n").batches([]))


def test_a_damaged_file_is_one_sentence_without_its_folder(tmp_path):
    pq.write_table(pa.table({"a": list(range(5000))}), tmp_path / "a.parquet")
    whole = bytearray((tmp_path / "a.parquet").read_bytes())
    whole[20:600] = bytes(580)
    (tmp_path / "a.parquet").write_bytes(whole)
    with pytest.raises(SourceError, match=r"^a.parquet cannot be read; it is damaged") as caught:
        list(opened(tmp_path / "a.parquet", tmp_path, "a.parquet", "parquet").batches([]))
    assert str(tmp_path) not in str(caught.value)
