"""Time many parameter files in one call, two at once against one after the other, and a run beside its study.

The files ask for the built-in sample with different seeds, each a run of its own with kernel, report and
manifest. Throughput is files per second of the clock. A run's own overhead is what `segkit run` costs beyond
`segkit.segment` and the answers under other preparations, which are all the reading and fitting there is, in
CPU seconds of all processes. Writes a table (Markdown).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median


def run(*arguments: str, folder: Path) -> tuple[float, float]:
    """Return the seconds by the clock, and of the processors, that one call of the command line takes."""
    command = [sys.executable, "-P", "-m", "segkit.cli", "run", *arguments]
    environment = {**os.environ, "XDG_STATE_HOME": str(folder)}
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"segkit run ended with {process.returncode}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime


def at_once(files: int, folder: Path) -> list[tuple[int, float]]:
    """Return the seconds that all files take with one and with two jobs; each call makes every run anew."""
    names = [f"study-{number:02}.yml" for number in range(files)]
    for number, name in enumerate(names):
        (folder / name).write_text(f"seed: {number}\n", encoding="utf-8")
    return [
        (jobs, run(*names, "--jobs", str(jobs), "--out", f"jobs-{jobs}", folder=folder)[0]) for jobs in (1, 2)
    ]


def overhead(turns: int, folder: Path) -> tuple[float, float]:
    """Return the CPU seconds of a run of the sample, and of reading and fitting it alone, each a median."""
    study = "from time import process_time as now; from segkit import segment; segment('sample:nothing', "
    study += "max_segments=3); began = now(); segment('sample:retail').preparations; print(now() - began)"
    whole, alone = [], []
    for _ in range(turns):
        whole.append(run("sample:retail", "--out", "one", folder=folder)[1])
        said = subprocess.run([sys.executable, "-c", study], capture_output=True, text=True, check=True)
        alone.append(float(said.stdout))
    return median(whole), median(alone)


def report(files: int, times: list[tuple[int, float]], whole: float, alone: float, load: float) -> str:
    (_, one), (_, two) = times
    return "\n".join(
        [
            "# Many runs in one call",
            "",
            *(__doc__ or "").partition("\n\n")[2].strip().splitlines(),
            "",
            f"{files} files on {os.cpu_count()} processors; when it began, {load:.1f} processes wanted one.",
            "",
            "| what | seconds |",
            "| --- | --- |",
            f"| `--jobs 1`, by the clock | {one:.1f} |",
            f"| `--jobs 2`, by the clock | {two:.1f} |",
            f"| throughput of two against one | {one / two:.2f} times |",
            f"| one run of the sample, CPU | {whole:.1f} |",
            f"| reading and fitting alone, CPU | {alone:.1f} |",
            f"| the run's own overhead, CPU | {whole - alone:.1f} |",
            "",
        ]
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=20)
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--out", type=Path, help="folder for nightly.md")
    given, load = options.parse_args(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        whole, alone = overhead(given.turns, Path(folder))
        times = at_once(given.files, Path(folder))
    text = report(given.files, times, whole, alone, load)
    print(text)
    if given.out:
        (given.out / "nightly.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
