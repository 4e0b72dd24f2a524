"""Measure how often the verdict is wrong: on tables without structure, with planted segments, with labels.

The tables without structure and the planted ones are those of `tests.planted`, the others are real or well
known and come from the folder in SEGKIT_TEST_DATA. Everything runs with the defaults, `transform` and
`algorithm` auto. Seeds are fixed: the same code gives the same card on the same
machine, but for seconds.
Usage: ``scorecard.py [FILE] [--tables N]``; without a file the card goes to the terminal.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

sys.path.insert(0, str(Path(__file__).parents[2]))
from segkit.data import samples
from segkit.segments import choose, measure, verdict
from tests.planted import FOOLING, NULLS, fooling, nothing, one_margin, planted

DISTANCES = (2, 3, 4, 5, 6)
SPEND = ["Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen"]
MOST_ROWS = 20_000  # of a labelled set; one has 105,600
ASKED = 3  # segments that somebody asks for where there are none
SAME = 0.75  # Jaccard similarity with a planted segment from which one that is shown is that segment


class Said(NamedTuple):
    """What the verdict said of one table."""

    level: str
    segments: int
    labels: np.ndarray
    seconds: float
    z: float
    transform: str
    holds: np.ndarray  # of each segment shown, whether it is said to hold


def judge(frame: pd.DataFrame, max_segments: int = 9, asked: int = 0) -> Said:
    """Return the verdict with the defaults, and the CPU seconds it took with all preparation.

    `holds` is of the segments that the data give, or of those `asked` for.
    """
    categories = [column for column in frame if not pd.api.types.is_numeric_dtype(frame[column])]
    numbers = [column for column in frame if column not in categories]
    start = time.process_time()
    made = choose.learn(nw.from_native(frame), numbers=numbers, categories=categories)
    known = (made.order, made.distinct, made.chance)
    measured = measure.measure(
        nw.from_native(frame), made.X, made.recipe, max_segments=max_segments, known=known
    )
    said, _, strength, found = verdict.settle(made.X, measured, max_segments=max_segments)
    labels = found.solutions[said.shown].labels if said.shown > 1 else np.zeros(len(frame), int)
    seconds = time.process_time() - start
    if asked:
        _, _, strength, _ = verdict.settle(made.X, measured, segments=asked, max_segments=max_segments)
    holds = (strength["status"] == "holds").to_numpy(dtype=bool)
    return Said(said.level, said.segments, labels, seconds, said.z, made.recipe.transform, holds)


def rows(head: Sequence[str], body: Iterator[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    for row in (head, ["---"] * len(head)):
        yield f"| {' | '.join(row)} |"
    for row in body:
        yield f"| {' | '.join(row)} |"


def card(tables: int) -> Iterator[str]:
    """Yield the lines of the card."""
    yield from ("# Scorecard of the verdict", "", f"{tables} tables a line; written by `make scorecard`.", "")
    yield from ("## Tables without structure", "")
    yield "Bars: at most 4 % not none, at most 1 % clear; of the segments shown where somebody asks for"
    yield f"{ASKED} all the same, at most 2 % said to hold. Where the verdict is none, no segment is:"
    yield "that column counts what false alarms let through, not how strict the strength of a segment is."
    yield ""
    head = ("kind", "none", "weak", "clear", "largest z", "said to hold", "CPU s a table")
    yield from rows(head, (null_row(kind, tables) for kind in NULLS))
    yield from ("", "## Planted segments", "")
    yield "Bars: found 85 % at s = 3, 97 % from 4 on; clear 85, 92 % at 4, 5; right k 50, 75, 95, 90 %"
    yield "and mean ARI .75, .90, .97, .96 at 3, 4, 5, 6. The usual: k-means on z-scores, 2 to 9 segments by"
    yield "silhouette; bar: 1.8 times its mean ARI at 4 and 5. A segment shown is a planted one where their"
    yield from (f"Jaccard similarity is {SAME} or more; bar: 78 % of those said to hold.", "")
    head = ("distance s", "found", "clear", "right k", "mean ARI", "usual ARI", "ratio", "true said to hold")
    head = (*head, "others said to hold", "CPU s a table")
    yield from rows(head, (planted_row(distance, tables) for distance in DISTANCES))
    yield from (
        "",
        "## Segments that differ in one column only",
        "",
        "Bars: found 90 % at 4, 100 % at 6.",
        "",
    )
    yield from rows(("distance s", "found", "clear"), (margin_row(distance, tables) for distance in (4, 6)))
    yield from ("", "## One population that looks like several", "", "No bar: reported as it is.", "")
    yield from rows(("kind", "none", "weak", "clear"), (fooled_row(kind, tables) for kind in FOOLING))
    folder = Path(os.environ.get("SEGKIT_TEST_DATA", ""))
    if (folder / "labelled").is_dir():
        yield from real(folder)


def null_row(kind: str, tables: int) -> Sequence[str]:
    drawn = [nothing(kind, np.random.default_rng([seed, len(kind)])) for seed in range(tables)]
    said = [judge(table, asked=ASKED) for table in drawn]
    counts = [str(sum(each.level == wanted for each in said)) for wanted in ("none", "weak", "clear")]
    kept = share(np.concatenate([each.holds for each in said]))
    return (
        kind,
        *counts,
        f"{max(each.z for each in said):.1f}",
        kept,
        f"{median(e.seconds for e in said):.2f}",
    )


def fooled_row(kind: str, tables: int) -> Sequence[str]:
    said = [judge(fooling(kind, np.random.default_rng([seed, len(kind)]))).level for seed in range(tables)]
    return kind, *(str(said.count(wanted)) for wanted in ("none", "weak", "clear"))


def planted_row(distance: int, tables: int) -> Sequence[str]:
    drawn = [planted(distance, np.random.default_rng([seed, distance])) for seed in range(tables)]
    said = [judge(table) for table, _ in drawn]
    right = [each.segments == len(np.unique(truth)) for each, (_, truth) in zip(said, drawn, strict=True)]
    ari = [adjusted_rand_score(truth, each.labels) for each, (_, truth) in zip(said, drawn, strict=True)]
    usual = [adjusted_rand_score(truth, silhouetted(table.to_numpy(), 9)) for table, truth in drawn]
    real = [
        planted_ones(each.labels, truth)[: len(each.holds)]
        for each, (_, truth) in zip(said, drawn, strict=True)
    ]
    true, holds = np.concatenate(real), np.concatenate([each.holds for each in said])
    shares = [[each.level != "none" for each in said], [each.level == "clear" for each in said], right]
    told = [f"{np.mean(ari):.2f}", f"{np.mean(usual):.2f}", f"{np.mean(ari) / np.mean(usual):.1f}"]
    kept = [share(holds[true]), share(holds[~true])]
    return str(distance), *map(share, shares), *told, *kept, f"{median(e.seconds for e in said):.2f}"


def planted_ones(labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return of each of the segments whether it is a planted one, shape (k,)."""
    own, real = np.eye(labels.max() + 1)[labels], np.eye(truth.max() + 1)[truth]
    both = own.T @ real
    return (both / (own.sum(axis=0)[:, None] + real.sum(axis=0) - both)).max(axis=1) >= SAME


def share(which: Sequence[bool] | np.ndarray) -> str:
    """Write the share of those that are true, and of how many there are."""
    return f"{np.mean(which):.0%} of {len(which)}" if len(which) else "-"


def margin_row(distance: int, tables: int) -> Sequence[str]:
    said = [
        judge(one_margin(distance, np.random.default_rng([seed, distance]))[0]).level
        for seed in range(tables)
    ]
    return (
        str(distance),
        share([level != "none" for level in said]),
        share([level == "clear" for level in said]),
    )


def real(folder: Path) -> Iterator[str]:
    """Yield the tables of real and of labelled data."""
    yield from ("", "## Real tables", "", "Bars: Wholesale on a log scale with k = 2, the others none.", "")
    yield from rows(("table", "verdict", "segments", "z", "transform"), named(folder / "customers"))
    yield from ("", "## Labelled sets", "", "Numbers 2 to 16 on both sides. Bar: a ratio of 1.40.", "")
    yield from rows(("sets", "mean ARI", "z-score, k-means, silhouette", "ratio"), iter([labelled(folder)]))


def named(folder: Path) -> Iterator[Sequence[str]]:
    tables = {
        "Wholesale customers": pd.read_csv(folder / "Wholesale customers data.csv")[SPEND],
        "shopping trends": pd.read_csv(folder / "shopping_trends.csv").select_dtypes("number").iloc[:, 1:],
        "sample:nothing": samples.nothing().drop(columns="customer_id", errors="ignore"),
    }
    for name, table in tables.items():
        said = judge(table)
        yield name, said.level, str(said.segments), f"{said.z:.1f}", said.transform


def labelled(folder: Path) -> Sequence[str]:
    """Return the mean agreement with the labels of all sets, and that of what most people do."""
    ours, usual = [], []
    for file in sorted((folder / "labelled").glob("*/*.data.gz")):
        X = np.loadtxt(file, ndmin=2)
        truth = np.loadtxt(str(file).replace(".data.gz", ".labels0.gz"), dtype=int)
        some = np.random.default_rng(0).permutation(len(X))[:MOST_ROWS]
        X, truth = X[some], truth[some]
        kept = truth > 0  # 0 is noise
        said = judge(pd.DataFrame(X).rename(columns="x{}".format), 16)
        ours.append(adjusted_rand_score(truth[kept], said.labels[kept]))
        usual.append(adjusted_rand_score(truth[kept], silhouetted(X, 16)[kept]))
    mine, theirs = float(np.mean(ours)), float(np.mean(usual))
    return str(len(ours)), f"{mine:.3f}", f"{theirs:.3f}", f"{mine / theirs:.2f}"


def silhouetted(X: np.ndarray, largest: int) -> np.ndarray:
    """Return labels of k-means on z-scores at the number, from 2, of the best silhouette of 3,000 rows."""
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    fits = [KMeans(k, n_init=3, random_state=0).fit_predict(Z) for k in range(2, largest + 1)]
    some = np.random.default_rng(0).permutation(len(Z))[:3_000]
    several = [labels for labels in fits if len(np.unique(labels[some])) > 1]
    return max(several, key=lambda labels: silhouette_score(Z[some], labels[some]), default=fits[0])


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
