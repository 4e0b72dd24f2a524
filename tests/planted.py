"""Tables whose truth is known: one population without structure, and planted segments at a known distance.

The unit of distance is the root-mean-square within-segment standard deviation per axis. Seeds are fixed: the
same code draws the same tables.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

Rng = np.random.Generator
FOOLING = ("curved", "heteroscedastic", "sums")
NULLS = ("normal", "correlated", "uniform", "log-normal", "t copula", "mixed")


def nothing(kind: str, rng: Rng) -> pd.DataFrame:
    """Draw one population: no structure, whatever its shape."""
    rows, columns = int(rng.integers(200, 5_001)), int(rng.integers(2, 21))
    mixing = np.eye(columns) if kind == "normal" else rng.normal(size=(columns, columns))
    drawn = rng.normal(size=(rows, columns)) @ mixing
    drawn /= drawn.std(axis=0)
    if kind == "uniform":
        drawn = rng.uniform(size=(rows, columns))
    if kind == "log-normal":
        drawn = np.exp(drawn)
    if kind == "t copula":
        freedom = int(rng.integers(3, 5))
        drawn /= np.sqrt(rng.chisquare(freedom, size=(rows, 1)) / freedom)
    if kind == "mixed":
        drawn[:, ::2] = np.exp(drawn[:, ::2])
    frame = named(drawn)
    if kind == "mixed":
        for factor in range(int(rng.integers(1, 4))):
            shares = rng.dirichlet(np.full(int(rng.integers(2, 6)), 3.0))
            frame[f"plan {factor}"] = rng.choice(list("abcde")[: len(shares)], size=rows, p=shares)
    return frame


def planted(distance: float, rng: Rng) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw 3 to 8 segments, each with its nearest other centre at s to 1.25 s, and the truth.

    2 to 12 columns carry the segments, up to 5 are noise; .4 % of the rows are thrown 6 to 12 standard
    deviations out. Half of the tables have about 60 % of their columns as exp(), in units from 1 to 1,000.
    """
    segments, columns = int(rng.integers(3, 9)), int(rng.integers(2, 13))
    rows, noise = int(rng.integers(500, 5_001)), int(rng.integers(0, 6))
    centres = place(segments, columns, distance, rng)
    shares = 0.05 + (1 - 0.05 * segments) * rng.dirichlet(np.full(segments, 3.0))
    truth = rng.choice(segments, size=rows, p=shares)
    spread = rng.uniform(0.8, 1.2, size=columns)
    drawn = centres[truth] + rng.normal(size=(rows, columns)) * spread / np.sqrt((spread**2).mean())
    table = np.hstack([drawn, rng.normal(size=(rows, noise))])
    far = rng.random(rows) < 0.004
    table[far] += rng.uniform(6, 12, size=(int(far.sum()), 1)) * rng.choice(
        [-1, 1], size=(int(far.sum()), table.shape[1])
    )
    if rng.random() < 0.5:
        skewed = rng.random(table.shape[1]) < 0.6
        logs = 1.25 * (table - table.mean(axis=0)) / table.std(axis=0)
        units = 10 ** rng.uniform(0, 3, size=table.shape[1])
        table = np.where(skewed, np.exp(logs) * units, table)
    return named(table), truth


def one_margin(distance: float, rng: Rng) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw two segments that differ in one column of several only."""
    rows, columns = int(rng.integers(500, 3_001)), int(rng.integers(3, 9))
    truth = (rng.random(rows) < rng.uniform(0.25, 0.5)).astype(int)
    table = rng.normal(size=(rows, columns))
    table[:, 0] += distance * truth
    return named(table), truth


def fooling(kind: str, rng: Rng) -> pd.DataFrame:
    """Draw one population that looks like several: along an arc, of uneven spread, or parts and their sum."""
    rows, columns = int(rng.integers(500, 3_001)), int(rng.integers(2, 7))
    drawn = rng.normal(size=(rows, columns))
    if kind == "curved":
        angle = rng.uniform(0, rng.uniform(0.8, 1.4) * np.pi, rows)
        drawn[:, :2] = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.15 * drawn[:, :2]
    if kind == "heteroscedastic":
        drawn[:, 1:] *= np.exp(rng.uniform(0.5, 1.0) * drawn[:, :1])
    if kind == "sums":
        drawn = np.exp(drawn)
        drawn = np.column_stack([drawn, drawn.sum(axis=1)])
    return named(drawn)


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


def named(table: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(table, columns=[f"column {number}" for number in range(1, table.shape[1] + 1)])
