"""Sweep a Parquet file by blocks, k = 2 to 12, beside one bare scan of it; print CPU seconds and peak memory.

Twelve columns of float32, planted as in `sweeps`. Each job is a process of its own, start-up included, and
so is writing: Linux counts what the parent held at its most to the children.
Usage: ``streamed.py [ROWS]``, a million without.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.benchmarks.rows import cost

NAMES = [f"x{i}" for i in range(12)]
WRITE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.benchmarks.streamed import write
write(r'FILE', ROWS)
"""
SCAN = """
import pyarrow.parquet as pq
with pq.ParquetFile(r'FILE', pre_buffer=False) as file:
    for batch in file.iter_batches(8_192):
        pass
"""
SWEEP = f"""
from segkit.data.batches import batches
from segkit.segments.stream import sweep_blocks
sweep_blocks(batches(r'FILE', {NAMES}))
"""


def write(file: str, rows: int) -> None:
    """Write a planted table of at most half a million rows again and again, each time with a little noise."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tests.benchmarks.sweeps import planted

    base = planted(min(rows, 500_000), 1000)[0].astype(np.float32)
    rng, schema = np.random.default_rng(0), pa.schema([(name, pa.float32()) for name in NAMES])
    with pq.ParquetWriter(file, schema, use_dictionary=False) as writer:
        for start in range(0, rows, len(base)):
            block = base + 0.1 * rng.standard_normal(base.shape, dtype=np.float32)
            writer.write_table(pa.table(list(block[: rows - start].T), schema=schema))


def lines(rows: int) -> list[str]:
    """Return the lines that say what both cost."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        cost(WRITE.replace("FILE", str(file)).replace("ROWS", str(rows)))
        size = file.stat().st_size / 1e6
        (bare, scanned), (seconds, memory) = (cost(job.replace("FILE", str(file))) for job in (SCAN, SWEEP))
    return [
        f"{rows:,} rows x {len(NAMES)}, Parquet of {size:,.0f} MB",
        f"  one bare scan    {bare:8.2f} s CPU {scanned:7,.0f} MB at most",
        f"  sweep by blocks  {seconds:8.2f} s CPU {memory:7,.0f} MB at most, {seconds / bare:.1f} bare scans",
    ]


if __name__ == "__main__":
    print("\n".join(lines(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)))
