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


SUMS = """
select who, max(day) filter (money >= 0) as last, min(day) filter (money >= 0) as first,
    count(distinct day) filter (money >= 0) as frequency, sum(money) as total,
    count(distinct year(day) * 12 + month(day)) filter (money >= 0) as months,
    count(*) as lines, count(*) filter (money < 0) as returns
from read_parquet($file) group by who
"""


def purchases(rows: int, folder: Path) -> list[Row]:
    """Sum up a log of two years by customer, twenty lines each, beside one statement of SQL and pandas."""
    import duckdb
    import pandas as pd

    from segkit.data.rfm import rfm

    file = str(folder / f"{rows}.parquet")
    duckdb.sql(f"""
        select (hash(i) % {rows // 20})::bigint as who, date '2023-01-01' + (hash(i + 7) % 730)::int as day,
            round((hash(i + 13) % 10000) / 100.0 - 5, 2) as money from range({rows}) as r(i)
    """).write_parquet(file)
    names = {"customer_id": "who", "date": "day", "amount": "money"}

    def by_pandas() -> Any:
        log = pd.read_parquet(file)
        bought = log[log["money"] >= 0]
        groups = bought.assign(month=pd.to_datetime(bought["day"]).dt.to_period("M")).groupby("who")
        made = groups.agg(last=("day", "max"), first=("day", "min"), days=("day", "nunique"),
                          months=("month", "nunique"))  # fmt: skip
        return made.join(log.groupby("who")["money"].agg(["sum", "size"]))

    ours = step(lambda: rfm(duckdb.read_parquet(file), **names))
    return [
        (
            f"rfm, {rows:,} rows",
            ours,
            "SQL",
            step(lambda: duckdb.sql(SUMS, params={"file": file}).to_arrow_table()),
        ),
        (f"rfm, {rows:,} rows", ours, "pandas", step(by_pandas)),
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
            report(purchases(rows * 20, Path(folder)))


if __name__ == "__main__":
    main()
