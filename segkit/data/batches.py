"""Rows of a Parquet file in batches, for files larger than memory: nothing is kept, nothing read ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

ROWS = 8_192


def batches(path: str | Path, columns: Sequence[str]) -> Callable[[], Iterator[NDArray[np.float64]]]:
    """Return a function that reads some columns of numbers from the start, as float64 blocks (rows, p).

    Reading ahead is off: it holds whole row groups of all columns, twelve times the memory.
    """

    def read() -> Iterator[NDArray[np.float64]]:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(ROWS, columns=list(columns)):
                yield np.column_stack(
                    [batch[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in columns]
                )

    return read
