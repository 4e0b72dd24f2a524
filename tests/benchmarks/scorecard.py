"""Measure how often the verdict is wrong: on tables without structure, and on tables with planted segments.

A planted table has 3 to 8 segments whose nearest other centre lies at s to 1.25 s within-segment standard
deviations, no pair nearer; two to twelve columns carry the segments and up to five carry noise. Seeds are
fixed: the same code gives the same card. Usage: ``scorecard.py [FILE] [--tables N]``; without a file the card
goes to the terminal.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from segkit.segments import prepare, sweep, verdict

Rng = np.random.Generator
NULLS = ("normal", "correlated", "uniform", "log-normal", "t copula", "mixed")
DISTANCES = (2, 3, 4, 5, 6)


def nothing(kind: str, rng: Rng) -> np.ndarray:
    """Draw one population: no structure, whatever its shape."""
    rows, columns = int(rng.integers(200, 2_001)), int(rng.integers(2, 13))
    mixing = rng.normal(size=(columns, columns)) if kind != "normal" else np.eye(columns)
    drawn = rng.normal(size=(rows, columns)) @ mixing
    if kind == "uniform":
        return rng.uniform(size=(rows, columns))
    if kind == "log-normal":
        return np.exp(drawn / drawn.std(axis=0))
    if kind == "t copula":
        return drawn / np.sqrt(rng.chisquare(3, size=(rows, 1)) / 3)
    if kind == "mixed":
        drawn[:, ::2] = np.exp(drawn[:, ::2] / drawn[:, ::2].std(axis=0))
    return drawn


def planted(distance: float, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw segments at a known distance, with the truth."""
    segments, columns = int(rng.integers(3, 9)), int(rng.integers(2, 13))
    rows, noise = int(rng.integers(500, 3_001)), int(rng.integers(0, 6))
    centres = place(segments, columns, distance, rng)
    shares = 0.05 + (1 - 0.05 * segments) * rng.dirichlet(np.full(segments, 3.0))
    truth = rng.choice(segments, size=rows, p=shares)
    spread = rng.uniform(0.8, 1.2, size=columns)
    drawn = centres[truth] + rng.normal(size=(rows, columns)) * spread / np.sqrt((spread**2).mean())
    table = np.hstack([drawn, rng.normal(size=(rows, noise))])
    far = rng.random(rows) < 0.004
    table[far] += rng.uniform(6, 12) * rng.choice([-1, 1], size=(int(far.sum()), table.shape[1]))
    if rng.random() < 0.5:
        skewed = rng.random(table.shape[1]) < 0.6
        table[:, skewed] = np.exp(table[:, skewed] / 2)
    return table, truth


def place(segments: int, columns: int, distance: float, rng: Rng) -> np.ndarray:
    """Place centres one by one, each at s to 1.25 s from an earlier one and no nearer to any."""
    centres = np.zeros((1, columns))
    while len(centres) < segments:
        step = rng.normal(size=columns)
        near = centres[rng.integers(len(centres))]
        candidate = near + step / np.linalg.norm(step) * distance * rng.uniform(1, 1.25)
        if np.linalg.norm(centres - candidate, axis=1).min() >= distance:
            centres = np.vstack([centres, candidate])
    return centres


def judge(table: np.ndarray) -> tuple[str, int, np.ndarray, float]:
    """Return level, segments, labels and CPU seconds of the verdict with the defaults."""
    frame = pd.DataFrame(table, columns=[f"column {number}" for number in range(1, table.shape[1] + 1)])
    start = time.process_time()
    prepared = prepare.learn(frame, numbers=list(frame), categories=[])
    found = sweep.sweep(prepared.matrix(frame), max_segments=9)
    said, _ = verdict.judge(frame, prepared, found, max_segments=9)
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
