from __future__ import annotations

import json

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from segkit.insight.rules import Condition, Rule, Rules, rules
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from segkit.insight.words.rules import condition, rules_caption, sentences


def planted(rows: int = 3000, seed: int = 0) -> pd.DataFrame:
    """Three segments that two questions tell apart, with gaps and a column that says nothing."""
    rng = np.random.default_rng(seed)
    segment = rng.integers(1, 4, rows)
    frame = pd.DataFrame({"spend": np.where(segment == 1, 900.0, 200.0) + rng.normal(0, 60, rows)})
    frame["plan"] = np.where(segment == 3, "gold", rng.choice(["basic", "plus"], rows))
    frame["noise"] = rng.normal(size=rows)
    frame.loc[rng.random(rows) < 0.02, ["spend", "plan"]] = np.nan
    return frame.assign(segment=segment)


def test_planted_questions_are_found_and_written_short():
    found = rules(planted(), numbers=["spend", "noise"], categories=["plan"])
    by = {rule.segment: rule.conditions for rule in found.rules}
    assert by[3] == (Condition("plan", level="gold"),)
    assert len(by[1]) == 1
    assert 400 <= by[1][0].low <= 700
    assert by[1][0].low % 10 == 0
    assert {each.column for each in by[2]} == {"spend", "plan"}
    assert found.faithful
    assert found.fidelity > 0.95


def test_what_is_reported_is_what_is_counted():
    frame = planted(seed=1)
    found = rules(frame, numbers=["spend"], categories=["plan"])
    assert found.table.precision.is_monotonic_decreasing
    given = nw.from_native(frame).select(s=found.segment())["s"].to_numpy()
    assert found.fidelity == pytest.approx((given == frame.segment).mean())
    for told, row in zip(found.rules, found.table.itertuples(), strict=True):
        mask = np.ones(len(frame), dtype=bool)
        for each in told.conditions:
            x = frame[each.column]
            here = (x == each.level) if each.level is not None else (x >= each.low) & (x < each.high)
            mask &= (~here if each.negated else here).to_numpy(dtype=bool)
        inside = frame.segment == told.segment
        assert row.customers == mask.sum()
        assert row.precision == pytest.approx(inside[mask].mean())
        assert row.coverage == pytest.approx(mask[inside].mean())
        assert row.lift == pytest.approx(inside[mask].mean() / inside.mean())


@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas, pa.Table.from_pandas])
def test_every_backend_gives_the_same_rules_and_labels(make):
    frame = planted(600)
    expected = rules(frame, numbers=["spend"], categories=["plan"])
    found = rules(make(frame), numbers=["spend"], categories=["plan"])
    assert found == expected
    labels = [
        nw.from_native(f, eager_only=True).select(s=r.segment())["s"].to_list()
        for f, r in ((frame, expected), (make(frame), found))
    ]
    assert labels[0] == labels[1]


def test_segments_that_no_question_tells_apart_are_said_not_to_be_described():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(2000, 8))
    segment = 1 + (X.sum(axis=1) > 0) + 2 * ((X**2).sum(axis=1) > 7.5)
    frame = pd.DataFrame(X, columns=list("abcdefgh")).assign(segment=segment)
    found = rules(frame, numbers=list("abcdefgh"))
    assert not found.faithful
    assert "do not describe" in rules_caption(found, Numbers()).title


def test_rules_come_back_from_plain_values():
    found = rules(planted(800), numbers=["spend"], categories=["plan"])
    assert Rules.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_one_segment_needs_no_rule():
    found = rules(planted(50).assign(segment=1), numbers=["spend"])
    assert (found.rules, found.otherwise, found.fidelity) == ((), 1, 1.0)
    assert rules_caption(found, Numbers()).empty
    assert rules(planted(50).assign(segment=0), numbers=["spend"]).otherwise == 0


def test_missing_values_fulfil_nothing_but_is_not():
    frame = nw.from_native(pd.DataFrame({"x": [1.0, np.nan], "c": ["a", None]}))
    asked = [Condition("x", low=0), Condition("x", high=9), Condition("c", level="a")]
    asked.append(Condition("c", level="a", negated=True))
    held = [frame.select(h=each.holds(nw.col, numeric=each.column == "x"))["h"].to_list() for each in asked]
    assert held == [[True, False], [True, False], [True, False], [False, True]]


@pytest.mark.parametrize(("asked", "text"), [
    (Condition("spend", low=1250), "spend 1,250 or more"),
    (Condition("spend", high=0.0625), "spend under 0.0625"),
    (Condition("spend", low=-3, high=4.5), "spend −3 to under 4.5"),
    (Condition("plan", level="gold"), "plan is gold"),
    (Condition("plan", level="gold", negated=True), "plan is not gold"),
    (Condition("kids", level=2.0), "kids is 2"),
    (Condition("active", level=1.0), "active is yes"),
])  # fmt: skip
def test_conditions_are_written_with_every_digit(asked, text):
    assert condition(asked, Labels(role={"active": "yes/no"}), Numbers()) == text


def test_each_sentence_holds_the_figures_of_its_row():
    found = rules(planted(seed=2), numbers=["spend"], categories=["plan"])
    told = sentences(found, Labels(), Numbers())
    for row in found.table.itertuples():
        for share in (row.coverage, row.precision):
            assert Numbers().percent(share) in told[row.segment]
    assert Rule(3, (Condition("plan", level="gold"),)) in found.rules
    assert told[3].startswith("In short: plan is gold.")
