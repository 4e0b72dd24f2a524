"""Read customers and sum up transactions beside DuckDB and pandas; print CPU seconds and peak memory.

Every job is a process of its own, start-up included, and a number is the median of five. Data are generated:
customers with twelve mixed columns as clean CSV, as dirty CSV (day-first dates, dollar signs, marks of
thousands, words for missing values, spaces) and as Parquet; transactions of two years as Parquet, twenty to a
customer. ``--full`` goes from 1 to 10 million customers and from 2 to 20 million transactions.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

CLEAN = """
select i as row_number, 'C' || lpad((i * 7919 % $rows)::varchar, 8, '0') as customer_id,
    date '2020-01-01' + (hash(i) % 1800)::int as joined, (18 + hash(i + 1) % 70)::int as age,
    round((hash(i + 2) % 1000000) / 100.0, 2) as income, (hash(i + 3) % 40)::int as visits,
    round((hash(i + 4) % 100000) / 1000.0, 3) as score,
    ['north', 'south', 'east', 'west'][(1 + hash(i + 5) % 4)::int] as region,
    ['basic', 'plus', 'premium'][(1 + hash(i + 6) % 3)::int] as plan,
    case when hash(i + 7) % 10 > 0 then round((hash(i + 8) % 500000) / 100.0, 2) end as spend,
    (hash(i + 9) % 2)::int as active, 'city ' || (hash(i + 10) % 500)::varchar as city
from range($rows) as r(i)
"""
DIRTY = """
select * replace (strftime(joined, '%d/%m/%Y') as joined, '$' || format('{:,.2f}', income) as income,
    case when hash(row_number + 20) % 200 = 0 then 'n/a' else age::varchar end as age,
    case when hash(row_number + 21) % 50 = 0 then ' ' else '' end || score::varchar as score,
    case when hash(row_number + 22) % 100 = 0 then region || ' ' else region end as region,
    coalesce(spend::varchar, '-') as spend) from read_parquet($file)
"""
LOG = """
select (hash(i) % ($rows // 20))::bigint as who, date '2023-01-01' + (hash(i + 7) % 730)::int as day,
    round((hash(i + 13) % 10000) / 100.0 - 5, 2) as money from range($rows) as r(i)
"""
SUMS = """
select who, max(day) filter (money >= 0) as last, min(day) filter (money >= 0) as first,
    count(distinct day) filter (money >= 0) as frequency, sum(money) as total,
    count(distinct year(day) * 12 + month(day)) filter (money >= 0) as months,
    count(*) as lines, count(*) filter (money < 0) as returns
from read_parquet('FILE') group by who
"""
READ = {
    "DuckDB to Arrow": "import duckdb; duckdb.sql(\"from 'FILE'\").to_arrow_table()",
    "DuckDB to pandas": "import duckdb; duckdb.sql(\"from 'FILE'\").df()",
    "pandas": "import pandas; pandas.read_KIND(r'FILE')",
    "segkit": "from segkit.data.source import load; load(r'FILE')",
}
RFM = (
    "import duckdb; from segkit.data.rfm import rfm; LIMIT"
    "rfm(duckdb.read_parquet(r'FILE'), customer_id='who', date='day', amount='money')"
)
PANDAS = """
import pandas as pd
log = pd.read_parquet(r'FILE', columns=['who', 'day', 'money']).astype({'day': 'datetime64[s]'})
bought = log[log['money'] >= 0]
groups = bought.assign(month=bought['day'].dt.year * 12 + bought['day'].dt.month).groupby('who')
made = groups.agg(last=('day', 'max'), first=('day', 'min'), days=('day', 'nunique'),
                  months=('month', 'nunique'))
made.join(log.assign(back=log['money'] < 0).groupby('who').agg(
    total=('money', 'sum'), lines=('money', 'size'), returns=('back', 'sum')))
"""
SUM_UP = {
    "SQL": f'import duckdb; duckdb.sql("""{SUMS}""").to_arrow_table()',
    "pandas": PANDAS,
    "segkit": RFM.replace("LIMIT", ""),
    "segkit in 300 MB": RFM.replace("LIMIT", "duckdb.execute(\"set memory_limit = '300MB'\"); "),
}


def cost(code: str) -> tuple[float, float]:
    """Return the CPU seconds and the peak memory (MB) of a program, start-up included."""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{code} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (
        1 << 20 if sys.platform == "darwin" else 1 << 10
    )


def compared(title: str, jobs: dict[str, str], file: Path, runs: int) -> None:
    """Print what each job costs, in turn so that the machine's moods meet all of them."""
    kind = "csv" if file.suffix == ".csv" else "parquet"
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for _ in range(runs):
        for name, code in jobs.items():
            costs[name].append(cost(code.replace("FILE", str(file)).replace("KIND", kind)))
    ours = [statistics.median(each) for each in zip(*costs["segkit"], strict=True)]
    print(f"{title}, {file.stat().st_size / 1e6:,.0f} MB")
    for name, found in costs.items():
        seconds, memory = (statistics.median(each) for each in zip(*found, strict=True))
        beside = f"segkit {ours[0] / seconds:5.2f} x CPU {ours[1] / memory:5.2f} x memory"
        print(
            f"  {name:18} {seconds:7.2f} s {memory:7,.0f} MB   {beside if name != 'segkit' else ''}",
            flush=True,
        )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--full", action="store_true", help="10 million customers, 20 million transactions")
    options.add_argument("--runs", type=int, default=5)
    asked = options.parse_args()
    rows = 10_000_000 if asked.full else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored, clean, dirty, log = (
            folder / each for each in ("a.parquet", "a.csv", "dirty.csv", "log.parquet")
        )
        duckdb.sql(CLEAN, params={"rows": rows}).write_parquet(str(stored))
        duckdb.sql("from read_parquet($file)", params={"file": str(stored)}).write_csv(str(clean))
        duckdb.sql(DIRTY, params={"file": str(stored)}).write_csv(str(dirty))
        duckdb.sql(LOG, params={"rows": 2 * rows}).write_parquet(str(log))
        compared(f"{rows:,} customers, clean CSV", READ, clean, asked.runs)
        compared(f"{rows:,} customers, dirty CSV", READ, dirty, asked.runs)
        compared(f"{rows:,} customers, Parquet", READ, stored, asked.runs)
        compared(f"{2 * rows:,} transactions, Parquet", SUM_UP, log, asked.runs)


if __name__ == "__main__":
    main()
