"""Measure how often the verdict is wrong: on tables without structure, and on tables with planted segments.

The tables are those of `tests.planted`. Seeds are fixed: the same code gives the same card, but for seconds.
Usage: ``scorecard.py [FILE] [--tables N]``; without a file the card goes to the terminal.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

sys.path.insert(0, str(Path(__file__).parents[2]))
from segkit.segments import prepare, verdict
from tests.planted import NULLS, nothing, one_margin, planted

DISTANCES = (2, 3, 4, 5, 6)


def judge(frame: pd.DataFrame) -> tuple[str, int, np.ndarray, float]:
    """Return level, segments, labels and CPU seconds of the verdict with the defaults."""
    categories = [column for column in frame if column.startswith("plan")]
    numbers = [column for column in frame if column not in categories]
    start = time.process_time()
    prepared = prepare.learn(frame, numbers=numbers, categories=categories)
    said, _, _, found = verdict.judge(frame, prepared, max_segments=9)
    labels = found.solutions[said.shown].labels if said.shown > 1 else np.zeros(len(frame), int)
    return said.level, said.segments, labels, time.process_time() - start


def card(tables: int) -> Iterator[str]:
    """Yield the lines of the card."""
    yield from ("# Scorecard of the verdict", "", f"{tables} tables a line; written by `make scorecard`.", "")
    yield from (
        "## Tables without structure",
        "",
        "| kind | none | weak | clear | CPU s a table |",
        "|---|---|---|---|---|",
    )
    for kind in NULLS:
        said = [judge(nothing(kind, np.random.default_rng([seed, len(kind)]))) for seed in range(tables)]
        counts = " | ".join(
            str(sum(level == wanted for level, *_ in said)) for wanted in ("none", "weak", "clear")
        )
        yield f"| {kind} | {counts} | {median(cost for *_, cost in said):.2f} |"
    yield from (
        "",
        "## Planted segments",
        "",
        "| distance s | found | clear | right k | mean ARI | CPU s a table |",
    )
    yield "|---|---|---|---|---|---|"
    for distance in DISTANCES:
        yield planted_line(distance, tables)
    yield from (
        "",
        "## Segments that differ in one column only",
        "",
        "| distance s | found | clear |",
        "|---|---|---|",
    )
    for distance in (4, 6):
        said = [
            judge(one_margin(distance, np.random.default_rng([seed, distance]))[0])[0]
            for seed in range(tables)
        ]
        found, clear = (
            np.mean([level in wanted for level in said]) for wanted in (("weak", "clear"), ("clear",))
        )
        yield f"| {distance} | {found:.0%} | {clear:.0%} |"


def planted_line(distance: int, tables: int) -> str:
    truths, said = [], []
    for seed in range(tables):
        table, truth = planted(distance, np.random.default_rng([seed, distance]))
        truths.append(truth)
        said.append(judge(table))
    found = np.mean([level != "none" for level, *_ in said])
    clear = np.mean([level == "clear" for level, *_ in said])
    right = np.mean([k == len(np.unique(truth)) for truth, (_, k, *_) in zip(truths, said, strict=True)])
    ari = np.mean(
        [adjusted_rand_score(truth, labels) for truth, (_, _, labels, _) in zip(truths, said, strict=True)]
    )
    cost = median(cost for *_, cost in said)
    return f"| {distance} | {found:.0%} | {clear:.0%} | {right:.0%} | {ari:.2f} | {cost:.2f} |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", nargs="?", type=Path, help="where the card goes")
    options.add_argument("--tables", type=int, default=10, help="tables a line")
    asked = options.parse_args()
    lines = []
    for line in card(asked.tables):
        print(line, flush=True)
        lines.append(line)
    if asked.file:
        asked.file.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
