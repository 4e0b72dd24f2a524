"""Time the sweep over k = 2 to 12 against what people write today, with quality beside the time.

Contestants run in turns on fresh planted tables (12 columns, 3 to 8 segments whose nearest neighbours lie 4
within-segment standard deviations away, sizes uneven) and count CPU seconds of one thread; a figure is the
median over the runs. Quality is the number of segments chosen beside the planted one, and the inertia at that
number over that of the loop. `make bench` installs the others; beyond a million rows only segkit runs, and
theirs are extrapolated in proportion. Written are a table (Markdown) and a picture of the ratios (SVG).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import davies_bouldin_score, silhouette_score

import segkit as sk
from segkit.segments import prepare
from segkit.segments.segmenter import Segmenter

Line = tuple[str, ...]
COLUMNS, APART = 12, 4.0
NUMBERS = range(2, 13)
OURS, SAMPLED, FULL = "segkit", "loop, silhouette of 10,000 rows", "loop, full silhouette"
EXACT, MANY, LOOPED = (
    20_000,
    100_000,
    1_000_000,
)  # rows up to which silhouettes are full, draws several, loops run
REAL = (
    "Customer files as a study prepares them. Nobody knows the number of segments there, so the inertia is "
    "that at the number that segkit chose."
)


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
    model = Segmenter(algorithm="kmeans", max_segments=NUMBERS[-1]).fit(X)
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


class Faiss:
    """k-means of faiss as its users write it: trained on 256 rows a segment, all rows placed."""

    def __init__(self, segments: int) -> None:
        self.segments = segments

    def fit(self, X: Any) -> Faiss:
        import faiss

        rows = X.astype(np.float32)
        model = faiss.Kmeans(rows.shape[1], self.segments, nredo=10, seed=1)
        model.train(rows)
        away, nearest = model.index.search(rows, 1)
        self.labels_, self.inertia_ = nearest.ravel(), float(away.sum(dtype=float))
        return self


def intel(k: int) -> Any:
    from sklearnex.cluster import KMeans as IntelKMeans

    return IntelKMeans(k, n_init=10, random_state=0)


def full(k: int) -> Any:
    return KMeans(k, n_init=10, random_state=0)


def mini(k: int) -> Any:
    return MiniBatchKMeans(k, n_init=10, batch_size=4096, random_state=0)


OTHERS = {"faiss": Faiss, "sklearnex": intel}
SAID = {"faiss": "the same with faiss", "sklearnex": "the same with scikit-learn-intelex"}


def contestants(rows: int) -> dict[str, Callable[[Any], tuple[int, dict[int, float]]]]:
    """Return everybody who takes part at so many rows; who is not installed does not."""
    if rows > LOOPED:
        return {OURS: ours}
    some = {OURS: ours, SAMPLED: loop(full, 10_000), "the same with MiniBatchKMeans": loop(mini, 10_000)}
    some |= {SAID[name]: loop(OTHERS[name], 10_000) for name in OTHERS if name not in absent()}
    return {FULL: loop(full, None), **some} if rows <= EXACT else some


def absent() -> list[str]:
    """Return who is not installed."""
    return [name for name in OTHERS if importlib.util.find_spec(name) is None]


def race(tables: Iterable[tuple[Any, int]]) -> tuple[dict[str, list[Found]], list[int]]:
    """Let everybody take turns on tables with their numbers of segments, 0 where nobody knows."""
    results: dict[str, list[Found]] = {}
    truth = []
    for X, segments in tables:
        truth.append(segments)
        for name, run in contestants(len(X)).items():
            start = time.process_time()
            chosen, inertia = run(X)
            results.setdefault(name, []).append(Found(time.process_time() - start, chosen, inertia))
            print(f"  {len(X):,} rows: {name} {results[name][-1].seconds:.2f} s, k {chosen}", flush=True)
    return results, truth


def extrapolated(results: dict[str, list[Found]], times: float) -> dict[str, list[Found]]:
    """Return what the others would take for more rows, in proportion; without quality, which is not known."""
    more = {name: found for name, found in results.items() if name != OURS}
    return {
        f"{name} (extrapolated)": [Found(each.seconds * times, 0, {}) for each in found]
        for name, found in more.items()
    }


def lines(what: str, results: dict[str, list[Found]], truth: list[int]) -> list[Line]:
    mine = median(each.seconds for each in results[OURS])
    told: list[Line] = []
    for name, found in results.items():
        seconds = median(each.seconds for each in found)
        excess = "-"
        if SAMPLED in results and found[0].inertia:
            at = [k or each.chosen for k, each in zip(truth, results[OURS], strict=True)]
            pairs = zip(found, results[SAMPLED], at, strict=True)
            worst = max(one.inertia[k] / other.inertia[k] - 1 for one, other, k in pairs)
            excess = f"{100 * worst:+.2f} %"
        numbers = ", ".join(f"{each.chosen}" for each in found if each.chosen) or "-"
        if all(truth) and found[0].chosen:
            right = sum(each.chosen == k for each, k in zip(found, truth, strict=True))
            numbers = f"{right} of {len(truth)} ({numbers} for {', '.join(map(str, truth))})"
        told.append((what, name, f"{seconds:.2f}", f"{seconds / mine:.1f}", excess, numbers))
    return told


def real(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the customer tables of a folder, prepared as a study prepares them, as far as they are dense."""
    for file in sorted((folder / "customers").iterdir()):
        frame, _ = sk.load(file)
        seen = sk.check(file).columns
        used = seen[seen["use"] == "feature"]
        numeric = used["role"].isin(["number", "money"])
        numbers, categories = list(used.loc[numeric, "column"]), list(used.loc[~numeric, "column"])
        X = prepare.learn(frame, numbers=numbers, categories=categories).matrix(frame)
        yield file.stem, X.toarray() if hasattr(X, "toarray") else X


def table(told: list[Line], first: str = "rows", last: str = "right k") -> str:
    """Write a Markdown table."""
    head = (first, "what", "CPU s", "times segkit", "worst inertia against the loop", last)
    rule = tuple("---" for _ in head)
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *told)) + "\n"


def picture(told: list[Line]) -> str:
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


def page(told: list[Line], named: list[Line]) -> str:
    """Write docs/bench.md."""
    left = f"Not installed, so left out: {', '.join(absent())}.\n\n" if absent() else ""
    text = f"# The sweep against the usual loop\n\n{__doc__}\n{left}{table(told)}"
    if named:
        text += f"\n## Real tables\n\n{REAL}\n\n{table(named, 'table', 'k chosen')}"
    return text


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, nargs="+", default=[1_000, 5_000, 20_000])
    options.add_argument("--draws", type=int, default=3, help="of each size up to 100,000 rows; one of more")
    options.add_argument("--out", type=Path, help="folder for bench.md and pictures/bench.svg")
    asked = options.parse_args()
    folder = Path(os.environ.get("SEGKIT_TEST_DATA", ""))
    ours(planted(3_000, 0)[0])  # what is imported and compiled on first use is not timed
    told: list[Line] = []
    named: list[Line] = []
    looped: dict[str, list[Found]] = {}

    def write() -> None:
        if asked.out:
            (asked.out / "pictures").mkdir(parents=True, exist_ok=True)
            (asked.out / "bench.md").write_text(page(told, named), encoding="utf-8")
            (asked.out / "pictures" / "bench.svg").write_text(picture(told), encoding="utf-8")

    if (folder / "customers").is_dir():
        for name, X in real(folder):
            named += lines(f"{name}, {X.shape[0]:,} x {X.shape[1]}", *race([(X, 0)] * asked.draws))
        write()
    for rows in asked.rows:
        draws = asked.draws if rows <= MANY else 1
        results, truth = race(planted(rows, 1000 + seed) for seed in range(draws))
        if rows == LOOPED:
            looped = results
        if rows > LOOPED:
            results |= extrapolated(looped, rows / LOOPED)
        told += lines(f"{rows:,}", results, truth)
        write()  # the largest take long
    print(page(told, named))


if __name__ == "__main__":
    main()
