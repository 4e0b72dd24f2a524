"""Customers with segments, and the tables made of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from segkit.insight.drivers import drivers
from segkit.insight.profile import profile, sizes
from segkit.insight.words.names import name_segments
from segkit.segments.verdict import Verdict

NUMBERS, CATEGORIES = (
    ["income", "wine_spend", "meat_spend", "fish_spend", "visits", "total_spend"],
    ["plan", "active"],
)
ROLES = {
    "wine_spend": "money",
    "meat_spend": "money",
    "fish_spend": "money",
    "total_spend": "money",
    "active": "yes/no",
}


class Tables(NamedTuple):
    customers: pd.DataFrame
    columns: pd.DataFrame
    profile: pd.DataFrame
    drivers: pd.DataFrame
    sizes: pd.DataFrame
    names: list[str]


def made(seed: int, segments: int = 3, rows: int = 300) -> Tables:
    """Draw skewed customers whose segments differ, with missing values and a column that is mostly zero."""
    rng = np.random.default_rng(seed)
    segment = rng.integers(1, segments + 1, rows)
    level = rng.uniform(0.2, 4, (segments + 1, 6))[segment]
    values = rng.lognormal(4, 0.5, (rows, 6)) * level
    frame = pd.DataFrame(values.round(2), columns=NUMBERS)
    frame["visits"] = rng.poisson(level[:, 4] * 2)
    frame["fish_spend"] *= rng.random(rows) < level[:, 3] / 8
    frame["plan"] = np.where(rng.random(rows) < level[:, 0] / 4, "Gold tier", "Basic tier")
    frame["active"] = (rng.random(rows) < level[:, 1] / 4).astype(int)
    frame = frame.mask(rng.random(frame.shape) < 0.03)
    frame["confidence"], frame["outlier"] = rng.uniform(0.5, 1, rows), rng.random(rows) < 0.05
    frame["segment"] = segment
    columns = pd.DataFrame({"column": NUMBERS + CATEGORIES})
    columns["label"] = [c.replace("_", " ").capitalize() for c in columns.column]
    columns["role"] = [ROLES.get(c, "category" if c == "plan" else "number") for c in columns.column]
    return tables(frame, columns, NUMBERS, CATEGORIES, "total_spend")


def tables(
    frame: pd.DataFrame,
    columns: pd.DataFrame,
    numbers: list[str],
    categories: list[str] = (),
    value: str = "",
) -> Tables:
    """Describe customers that have a column `segment`."""
    described = profile(frame, numbers=numbers, categories=categories)
    telling, counted = drivers(frame, numbers=numbers, categories=categories), sizes(frame, value=value)
    names = name_segments(described, telling, counted, columns)
    return Tables(frame, columns, described, telling, counted.assign(name=names), names)


@pytest.fixture(scope="session")
def make():
    return made


@pytest.fixture(scope="session")
def describe():
    return tables


@pytest.fixture
def verdict():
    """Make a verdict: weak, two segments, unless said otherwise."""

    def build(**changes: Any) -> Verdict:
        plain = {
            "level": "weak",
            "segments": 2,
            "shown": 2,
            "asked": 0,
            "supported": True,
            "reason": "stands_out",
            "z": 5.0,
            "silhouette": 0.29,
            "tested": 0.29,
            "chance_low": 0.25,
            "chance_high": 0.28,
            "smallest": 2,
            "largest": 9,
            "rows_used": 440,
            "needed": 240,
        }
        return Verdict(**{**plain, **changes})

    return build


@pytest.fixture
def wholesale(test_data):
    """UCI Wholesale, six columns, log1p and standard scale, k-means: 252 and 188 customers."""
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import StandardScaler

    frame = pd.read_csv(test_data / "customers" / "Wholesale customers data.csv").drop(
        columns=["Channel", "Region"]
    )
    labels = KMeans(2, n_init=10, random_state=0).fit_predict(StandardScaler().fit_transform(np.log1p(frame)))
    frame["segment"] = np.where(labels == np.bincount(labels).argmax(), 1, 2)
    columns = pd.DataFrame({"column": frame.columns[:-1], "role": "money"})
    columns["label"] = columns.column.str.replace("_", " ")
    return tables(frame, columns, list(columns.column))
