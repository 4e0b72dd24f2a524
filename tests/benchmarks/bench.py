"""Time the main steps against yardsticks of the same run, and print the ratios.

A time alone says more about the machine than about the code, so each line sets a step beside something a
reader knows: importing pydantic, pandas reading the same file, the usual loop over k with scikit-learn. CPU
seconds are the least of some runs, because noise only ever adds. ``--full`` goes on to a million customers.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

Row = tuple[str, float, str, float]


def program(*command: str) -> float:
    """Return the least CPU seconds of three runs of a program."""
    costs = []
    for _ in range(3):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{' '.join(command)} ended with {process.returncode}")
        costs.append(usage.ru_utime + usage.ru_stime)
    return min(costs)


def step(work: Callable[[], Any]) -> float:
    """Return the CPU seconds of one run of a step, all threads together."""
    start = time.process_time()
    work()
    return time.process_time() - start


def start_up() -> list[Row]:
    python, here = sys.executable, str(Path(sys.executable).with_name("segkit"))
    pydantic, bare = program(python, "-c", "import pydantic"), program(python, "-c", "")
    return [
        ("segkit --help", program(here, "--help"), "import pydantic", pydantic),
        ("import segkit", program(python, "-c", "import segkit"), "python", bare),
    ]


def study(rows: int, folder: Path) -> list[Row]:
    import pandas as pd

    import segkit as sk

    load, segment, segmenter = sk.load, sk.segment, sk.Segmenter()  # what is imported here is not timed below
    customers = sk.samples.retail(rows, seed=1)
    file = folder / f"{rows}.csv"
    customers.to_csv(file, index=False)
    numbers = customers.select_dtypes("number")
    matrix = ((numbers - numbers.mean()) / numbers.std()).fillna(0).to_numpy()
    loop = step(lambda: usual(matrix))
    return [
        (f"load, {rows:,} rows", step(lambda: load(file)), "pandas", step(lambda: pd.read_csv(file))),
        (f"segment, {rows:,} rows", step(lambda: segment(file)), "usual loop", loop),
        (f"Segmenter, {rows:,} rows", step(lambda: segmenter.fit(matrix)), "usual loop", loop),
    ]


def usual(matrix: Any) -> None:
    """Do what a tutorial does: k-means for k = 2 to 12, each with a silhouette (on 10,000 rows at most)."""
    for segments in range(2, 13):
        labels = KMeans(segments, n_init=10, random_state=0).fit_predict(matrix)
        silhouette_score(matrix, labels, sample_size=min(len(matrix), 10_000), random_state=0)


def report(rows: list[Row]) -> None:
    for what, seconds, yardstick, other in rows:
        print(f"{what:26} {seconds:8.2f} s {seconds / other:7.2f} x {yardstick} ({other:.2f} s)", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--full", action="store_true", help="go on to a million customers")
    sizes = [10_000, 100_000, 1_000_000] if options.parse_args().full else [10_000]
    report(start_up())
    with tempfile.TemporaryDirectory() as folder:
        for rows in sizes:
            report(study(rows, Path(folder)))


if __name__ == "__main__":
    main()
