"""A study made by hand for tests of pages: real profile tables, made-up evidence, any number of segments."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from segkit.insight import drivers as drivers_room
from segkit.insight import evidence as evidence_room
from segkit.insight import fairness as fairness_room
from segkit.insight import profile as profile_room
from segkit.insight import rules as rules_room
from segkit.insight.words.numbers import Numbers
from segkit.params import Params
from segkit.segments import choose as choose_room
from segkit.segments import given as given_room
from segkit.segments import strength as strength_room

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "=cmd|' /C calc'!A0",
    '"`}{$x$ %{y}<b>',
    "W" * 90,
    "Žluťoučký kůň 顧客 🐎",
)
NUMBERS = ("Annual_Spend", "Visits", "Balance", "Minutes")
CATEGORIES = ("Channel", "Member")


def frame(segments: int, rows: int, *, hostile: bool = False, seed: int = 0) -> pd.DataFrame:
    """Customers with a planted segment, skewed spend, a signed column, gaps and two categories."""
    rng = np.random.default_rng(seed)
    weights = np.arange(segments, 0, -1) + 1.0
    segment = np.sort(rng.choice(np.arange(1, segments + 1), rows, p=weights / weights.sum()))
    segment[:segments] = np.arange(1, segments + 1)
    levels = np.array(HOSTILE if hostile else ("Online", "Store", "Phone", "Partner"))
    spend = np.exp(rng.normal(4 + (segment % 4), 0.8))
    balance = rng.normal(200 * (segment % 3 - 1), 300)
    return pd.DataFrame(
        {
            "customer": [f"C-{i:05d}" for i in range(rows)],
            "Annual_Spend": spend,
            "Visits": rng.poisson(2 + 3 * (segment % 3)).astype(float),
            "Balance": np.where(rng.random(rows) < 0.08, np.nan, balance),
            "Minutes": np.where(rng.random(rows) < 0.6, 0, rng.gamma(2, 20, rows)),
            "Channel": levels[(segment + rng.integers(0, 3, rows)) % len(levels)],
            "Member": np.where(rng.random(rows) < segment / (segments + 1), "yes", "no"),
            "segment": segment,
        }
    )


def fake_study(segments: int = 2, rows: int = 440, **how: Any) -> SimpleNamespace:
    """Return an object with what `panels.build` reads of a Study; tables are shared, attributes are not."""
    return SimpleNamespace(**vars(_made(segments, rows, **how)))


@cache
def _made(
    segments: int = 2,
    rows: int = 440,
    *,
    level: str = "weak",
    asked: int = 0,
    supported: bool = True,
    reason: str = "stands_out",
    value: str = "Annual_Spend",
    hostile: bool = False,
    seed: int = 0,
    **params: object,
) -> SimpleNamespace:
    """Make a study once."""
    customers = frame(segments, rows, hostile=hostile, seed=seed)
    if hostile:
        customers["customer"] = [HOSTILE[i % len(HOSTILE)] + str(i) for i in range(rows)]
    rng = np.random.default_rng(seed + 1)
    confidence, distance = rng.uniform(0.45, 1, rows), rng.gamma(4, 0.5, rows)
    customers = customers.assign(confidence=confidence, distance=distance, outlier=distance > 4.2)
    names = [HOSTILE[i % len(HOSTILE)] if hostile else f"Kind {i + 1} buyers" for i in range(segments)]
    names = [""] if segments == 1 else names
    sizes = profile_room.sizes(customers, value=value, names=names)
    profile = profile_room.profile(customers, numbers=NUMBERS, categories=CATEGORIES)
    drivers = drivers_room.drivers(customers, numbers=NUMBERS, categories=CATEGORIES)
    assignments = customers[["customer", "segment", "confidence", "distance", "outlier"]].copy()
    assignments["stays"] = assignments["confidence"]
    assignments.insert(2, "segment_name", [names[s - 1] for s in assignments["segment"]])
    verdict = SimpleNamespace(
        level=level,
        segments=1 if level == "none" else segments,
        shown=segments,
        asked=asked,
        supported=supported,
        reason=reason,
        z=6.0 if level != "none" else 1.2,
        silhouette=0.29,
        chance_low=0.25,
        chance_high=0.28,
        tested=0.29,
        tested_at=segments,
        smallest=2,
        largest=8,
        rows_used=rows,
        needed=240 if reason == "too_few" else 0,
        algorithm="kmeans",
        dbcv=np.nan,
        pieces=segments,
        labels="",
    )
    text = SimpleNamespace(
        headline="Two groups of customers hold up, but the line between them is soft.",
        evidence="They stand only a little further apart than chance would give: 0.29 against 0.25 to 0.28.",
        choice="Two.",
        names=names,
        summaries={
            n: f"Segment {n} has {len(customers[customers.segment == n])} customers."
            for n in range(1, segments + 1)
        },
    )
    return SimpleNamespace(
        params=Params(source="customers.csv", value=value, **params),
        reading=SimpleNamespace(),
        columns=columns(customers, hostile=hostile),
        quality=quality(),
        correlation=customers[list(NUMBERS)].corr("spearman"),
        prepared=SimpleNamespace(steps=steps()),
        preparations=preparations(),
        evidence=evidence(verdict),
        existing=pd.DataFrame(columns=given_room.TABLE),
        crossed=pd.DataFrame(columns=[*given_room.CROSSED, "withheld"]),
        strength=strength(segments, level),
        verdict=verdict,
        model=SimpleNamespace(cutoffs=[4.2] * segments),
        assignments=assignments,
        sizes=sizes,
        told=sizes,
        hidden_segments=frozenset(),
        profile=profile,
        drivers=drivers,
        differences=drivers_room.differences(profile),
        separation=separation(segments),
        text=text,
        actions=actions(segments if segments > 1 and supported else 0),
        unusual=drivers_room.unusual(customers, numbers=NUMBERS, id_column="customer"),
        unused=evidence_room.unused(customers, numbers=NUMBERS[:1], categories=CATEGORIES[:1]),
        fairness=fairness_room.fairness(customers, categories=CATEGORIES[:1]),
        rules=rules_room.rules(customers, numbers=NUMBERS, categories=CATEGORIES),
        map=project(customers, rng),
        provenance={"input": "440 rows", "versions": {"segkit": "0.1.0", "pandas": "3.1"}},
        numbers=Numbers("en", ""),
        values=lambda column: customers[column],
    )


def evidence(verdict: SimpleNamespace) -> pd.DataFrame:
    k = np.arange(1, 9)
    silhouette = np.r_[np.nan, 0.29, 0.26, 0.19, 0.19, 0.2, 0.2, 0.2]
    mean = np.r_[np.nan, 0.265, 0.24, 0.2, 0.19, 0.18, 0.175, 0.17]
    return pd.DataFrame(
        {
            "segments": k,
            "inertia": 3000 / k,
            "silhouette": silhouette,
            "davies_bouldin": np.r_[np.nan, 1.35, 1.34, 1.54, 1.48, 1.43, 1.39, 1.37],
            "calinski_harabasz": np.r_[np.nan, 189, 152.9, 131.3, 118, 108.4, 103.2, 97.6],
            "agreement": np.r_[np.nan, 0.99, 0.97, 0.8, 0.71, 0.65, 0.6, 0.58],
            "tested": silhouette,
            "chance_mean": mean,
            "chance_low": mean - 0.015,
            "chance_high": mean + 0.015,
            "z": (silhouette - mean) / 0.009,
            "chosen": k == verdict.segments,
            "asked": k == (verdict.asked or -1),
            "reading": np.where(k == verdict.segments, "chosen", "within chance"),
        }
    )


def columns(customers: pd.DataFrame, *, hostile: bool) -> pd.DataFrame:
    rows = []
    for i, column in enumerate(customers.columns[:7]):
        values, number = customers[column], column in NUMBERS
        label = HOSTILE[i % len(HOSTILE)] if hostile else column.replace("_", " ").capitalize()
        rows.append(
            {
                "column": column,
                "label": label,
                "dtype": str(values.dtype),
                "role": "id" if i == 0 else "money" if i == 1 else "number" if number else "category",
                "use": "id" if i == 0 else "feature",
                "reason": "",
                "rows": len(values),
                "missing": int(values.isna().sum()),
                "missing_share": values.isna().mean(),
                "distinct": values.nunique(),
                "min": values.min() if number else np.nan,
                "median": values.median() if number else np.nan,
                "max": values.max() if number else np.nan,
                "skew": values.skew() if number else np.nan,
            }
        )
    return pd.DataFrame(rows)


def quality() -> pd.DataFrame:
    rows = [
        ("Rows", "440", "pass", "enough for 6 columns"),
        ("Missing values", "35", "warn", "balance lacks 8 %"),
        ("Skew, largest", "11.2", "pass", "reduced"),
    ]
    return pd.DataFrame(rows, columns=["check", "found", "status", "reason"])


def preparations() -> pd.DataFrame:
    """What two preparations say; the second segment of the first is made of far-out rows."""
    rows = [
        ("z-score", "none", "standard", 2.2, 0.57, 2, "430 / 10", 1, 0.2, False),
        ("auto-log", "auto-log", "standard", 5.0, 0.29, 2, "252 / 188", 0, 1.0, True),
    ]
    return pd.DataFrame(rows, columns=choose_room.TABLE)


def steps() -> pd.DataFrame:
    return pd.DataFrame(
        {"column": NUMBERS, "kind": "number", "transform": ["log1p", "none", "none", "log1p"]}
    )


def strength(segments: int, level: str) -> pd.DataFrame:
    status = "holds" if level == "clear" else "uncertain"
    rows = [(n, 1 / segments, 0.9, 0.8, 0.99, 0.92, 0.08, 0.5, 0.0, status) for n in range(1, segments + 1)]
    return pd.DataFrame(rows if segments > 1 else [], columns=strength_room.TABLE)


def separation(segments: int) -> pd.DataFrame:
    rows = (
        [(n, n % segments + 1, 2.0 + n / 10, 0.8, 2.5 + n / 10) for n in range(1, segments + 1)]
        if segments > 1
        else []
    )
    return pd.DataFrame(rows, columns=["segment", "nearest", "distance", "spread", "ratio"])


def actions(segments: int) -> pd.DataFrame:
    rows = [
        (
            n,
            "Try a range offer on a sample first, and measure it against customers who get nothing.",
            "e-mail",
            "spend",
            "67 % of all spend comes from this segment.",
            "grow",
        )
        for n in range(1, segments + 1)
    ]
    return pd.DataFrame(rows, columns=["segment", "action", "channel", "measure", "evidence", "rule"])


def project(customers: pd.DataFrame, rng: np.random.Generator) -> SimpleNamespace:
    segment = customers["segment"].to_numpy()
    angle = 2 * np.pi * segment / max(segment.max(), 1)
    away = 0.0 if segment.max() == 1 else 2.2
    table = pd.DataFrame(
        {
            "row": np.arange(len(customers)),
            "x": away * np.cos(angle) + rng.normal(0, 1, len(customers)),
            "y": away * np.sin(angle) + rng.normal(0, 0.8, len(customers)),
            "segment": segment,
            "border": customers["confidence"].to_numpy() < 0.55,
            "outlier": customers["outlier"].to_numpy(),
        }
    )
    return SimpleNamespace(
        table=table,
        explained=(0.44, 0.27),
        axes=(("Annual_Spend", "Visits"), ("Balance",)),
        total=len(customers),
    )
