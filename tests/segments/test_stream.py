import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from segkit.data.batches import batches
from segkit.errors import SourceError
from segkit.segments import passes, stream, sweep


def test_a_file_by_batches_gives_what_the_table_in_memory_gives(tmp_path):
    X, _ = make_blobs(40_000, n_features=5, centers=4, cluster_std=1.5, random_state=1)
    names = list("abcde")
    pd.DataFrame(X * [1, 10, 1, 5, 1] + 7, columns=names).to_parquet(
        tmp_path / "t.parquet", row_group_size=9_000
    )
    blocks = batches(tmp_path / "t.parquet", names)
    found = stream.sweep_blocks(blocks, max_segments=6)
    whole = sweep.sweep((X - X.mean(axis=0)) / X.std(axis=0), max_segments=6)
    assert found.proposed == whole.proposed
    assert found.table["inertia"].to_numpy() == pytest.approx(whole.table["inertia"].to_numpy(), rel=5e-3)
    placed = np.concatenate([found.place(block) for block in blocks()])
    assert adjusted_rand_score(placed, whole.solutions[whole.proposed].labels) > 0.99


def test_a_column_that_does_not_vary_changes_nothing():
    X, _ = make_blobs(20_000, n_features=3, centers=3, random_state=0)
    same = np.column_stack([X, np.full(len(X), 1e6 / 3), np.zeros(len(X))])
    found, plain = (stream.sweep_blocks(passes.slices(each), max_segments=4) for each in (same, X))
    assert found.proposed == plain.proposed
    assert found.sd[3:].tolist() == [1.0, 1.0]
    assert found.table["inertia"].to_numpy() == pytest.approx(plain.table["inertia"].to_numpy(), rel=5e-3)
    assert found.sd[:3] == pytest.approx(X.std(axis=0), rel=1e-9)
    assert found.mean[:3] == pytest.approx(X.mean(axis=0), rel=1e-9)


def test_too_few_different_rows_are_refused():
    with pytest.raises(SourceError, match="as a whole"):
        stream.sweep_blocks(passes.slices(np.repeat([[0.0], [1.0]], 500, axis=0)))
