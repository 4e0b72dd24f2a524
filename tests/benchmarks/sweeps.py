"""Time the sweep over k = 2 to 12 against what people write today, with quality beside the time.

Contestants run in turns on fresh planted tables (12 columns, 3 to 8 segments whose nearest neighbours lie 4
within-segment standard deviations away, sizes uneven) and count CPU seconds on one thread; a figure is the
median over the runs. Quality is the number of segments chosen beside the planted one, and the inertia at that
number over that of the loop. Writes a table (Markdown) and a picture of the ratios (SVG).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import davies_bouldin_score, silhouette_score

from segkit.segments.segmenter import Segmenter

COLUMNS, APART = 12, 4.0
NUMBERS = range(2, 13)
OURS, SAMPLED = "segkit", "loop, silhouette of 10,000 rows"


class Found(NamedTuple):
    """What one contestant made of one table."""

    seconds: float
    chosen: int
    inertia: dict[int, float]


def planted(rows: int, seed: int) -> tuple[Any, int]:
    """Return a standardised table and its number of segments."""
    rng = np.random.default_rng(seed)
    segments = int(rng.integers(3, 9))
    centers: list[Any] = [np.zeros(COLUMNS)]
    while len(centers) < segments:  # each new centre at 4 to 5 from the nearest one before
        step = rng.standard_normal(COLUMNS)
        place = centers[rng.integers(len(centers))] + step / np.linalg.norm(step) * rng.uniform(4, 5)
        if min(np.linalg.norm(place - each) for each in centers) >= APART:
            centers.append(place)
    shares = 0.05 + (1 - 0.05 * segments) * rng.dirichlet(np.full(segments, 3.0))
    labels = rng.choice(segments, rows, p=shares / shares.sum())
    X = np.array(centers)[labels] + rng.standard_normal((rows, COLUMNS))
    return (X - X.mean(axis=0)) / X.std(axis=0), segments


def ours(X: Any) -> tuple[int, dict[int, float]]:
    model = Segmenter(algorithm="kmeans").fit(X)
    return model.n_segments_, dict(zip(model.choice_["segments"], model.choice_["inertia"], strict=True))


def loop(make: Callable[[int], Any], rows: int | None) -> Callable[[Any], tuple[int, dict[int, float]]]:
    """Return what a tutorial does: fit each k, take its silhouette and Davies-Bouldin, keep the best."""

    def run(X: Any) -> tuple[int, dict[int, float]]:
        scores, inertia = {}, {}
        for k in NUMBERS:
            model = make(k).fit(X)
            sample = None if rows is None or rows >= len(X) else rows
            scores[k] = silhouette_score(X, model.labels_, sample_size=sample, random_state=0)
            davies_bouldin_score(X, model.labels_)
            inertia[k] = float(model.inertia_)
        return max(scores, key=lambda k: float(scores[k])), inertia

    return run


def contestants(rows: int) -> dict[str, Callable[[Any], tuple[int, dict[int, float]]]]:
    def full(k: int) -> Any:
        return KMeans(k, n_init=10, random_state=0)

    def mini(k: int) -> Any:
        return MiniBatchKMeans(k, n_init=10, batch_size=4096, random_state=0)

    both = {OURS: ours, SAMPLED: loop(full, 10_000), "the same with MiniBatchKMeans": loop(mini, 10_000)}
    return {"loop, full silhouette": loop(full, None), **both} if rows <= 20_000 else both


def race(rows: int, draws: int) -> tuple[dict[str, list[Found]], list[int]]:
    """Let everybody take turns on fresh tables."""
    results: dict[str, list[Found]] = {}
    truth = []
    for seed in range(draws):
        X, segments = planted(rows, 1000 + seed)
        truth.append(segments)
        for name, run in contestants(rows).items():
            start = time.process_time()
            chosen, inertia = run(X)
            results.setdefault(name, []).append(Found(time.process_time() - start, chosen, inertia))
            print(
                f"  {rows:,} rows, draw {seed}: {name} {results[name][-1].seconds:.2f} s, k {chosen}",
                flush=True,
            )
    return results, truth


def lines(rows: int, results: dict[str, list[Found]], truth: list[int]) -> list[tuple[str, ...]]:
    mine = median(each.seconds for each in results[OURS])
    told: list[tuple[str, ...]] = []
    for name, found in results.items():
        excess = [
            one.inertia[k] / other.inertia[k] - 1
            for one, other, k in zip(found, results[SAMPLED], truth, strict=True)
        ]
        seconds = median(each.seconds for each in found)
        right = sum(each.chosen == k for each, k in zip(found, truth, strict=True))
        told.append((
            f"{rows:,}", name, f"{seconds:.2f}", f"{seconds / mine:.1f}", f"{100 * max(excess):+.2f} %",
            f"{right} of {len(truth)}",
        ))  # fmt: skip
    return told


def table(told: list[tuple[str, ...]]) -> str:
    head = ("rows", "what", "CPU s", "times segkit", "worst inertia against the loop", "right k")
    rule = tuple("---" for _ in head)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *told)) + "\n"


def picture(told: list[tuple[str, ...]]) -> str:
    """Draw the ratios as bars, on a log scale from 1 to 1,000."""
    bars, at = [], 40
    for rows, name, seconds, ratio, *_ in told:
        if name == OURS:
            continue
        width = 400 * min(3.0, max(0.0, float(np.log10(max(float(ratio), 1.0))))) / 3
        bars.append(
            f'<text x="8" y="{at + 13}">{rows} rows: {name}</text>'
            f'<rect x="340" y="{at}" width="{width:.0f}" height="18" fill="#3b6ea5"/>'
            f'<text x="{346 + width:.0f}" y="{at + 13}">{ratio} x ({seconds} s)</text>'
        )
        at += 26
    title = "CPU time of a sweep over k = 2 to 12, in multiples of segkit's (log scale)"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="880" height="{at + 8}" role="img"'
        f' aria-label="{title}"'
        ' font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="8" y="22" font-weight="bold">{title}</text>{"".join(bars)}</svg>\n'
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, nargs="+", default=[5_000, 20_000])
    options.add_argument("--draws", type=int, default=3)
    options.add_argument("--out", type=Path, help="folder for bench.md and pictures/bench.svg")
    asked = options.parse_args()
    ours(planted(3_000, 0)[0])  # what is imported and compiled on first use is not timed
    told = [line for rows in asked.rows for line in lines(rows, *race(rows, asked.draws))]
    print(table(told))
    if asked.out:
        (asked.out / "pictures").mkdir(parents=True, exist_ok=True)
        (asked.out / "bench.md").write_text(f"# The sweep against the usual loop\n\n{__doc__}\n{table(told)}")
        (asked.out / "pictures" / "bench.svg").write_text(picture(told))


if __name__ == "__main__":
    main()
