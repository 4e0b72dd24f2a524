from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from segkit.insight.fairness import fairness
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from segkit.insight.words.rules import fairness_caption


def planted(seed: int = 0, rows: int = 2000) -> pd.DataFrame:
    """Segments that follow gender in 85 % of the customers, and age, and have nothing to do with region."""
    rng = np.random.default_rng(seed)
    gender = rng.choice(["f", "m"], rows)
    segment = np.where(rng.random(rows) < 0.85, np.where(gender == "f", 1, 2), rng.integers(1, 3, rows))
    age = rng.normal(40, 10, rows) + 20 * (segment == 2)
    return pd.DataFrame(
        {"segment": segment, "gender": gender, "age": age, "region": rng.choice(list("nesw"), rows)}
    )


def test_a_planted_stand_in_is_flagged_and_an_unrelated_column_is_not():
    table = fairness(planted(), numbers=["age"], categories=["gender", "region"]).set_index("column")
    assert table.stands_in.to_dict() == {"age": True, "gender": True, "region": False}
    title = fairness_caption(table.reset_index(), Labels(), Numbers()).title
    assert title.startswith("Segments stand in for age")


def test_unrelated_columns_are_hardly_ever_flagged():
    flagged = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame({"segment": rng.integers(1, 6, 400), "gender": rng.choice(["f", "m"], 400)})
        flagged.append(fairness(frame, categories=["gender"]).stands_in.item())
    assert sum(flagged) == 0


def test_auc_is_that_of_scikit_learn():
    frame = planted(seed=3)
    row = fairness(frame, categories=["gender"]).iloc[0]
    score = frame.groupby("segment")["gender"].transform(lambda own: (own == row.level).mean())
    assert row.auc == pytest.approx(roc_auc_score(frame.gender == row.level, score), abs=1e-12)


def test_nothing_to_tell_gives_no_warning():
    frame = pd.DataFrame({"segment": [1] * 40 + [2] * 2, "gender": ["f"] * 42})
    row = fairness(frame, categories=["gender"]).iloc[0]
    assert (row.cramers_v, row.auc, row.stands_in) == (0, 0.5, False)
    assert fairness_caption(fairness(frame), Labels(), Numbers()).empty
