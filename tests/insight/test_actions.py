from __future__ import annotations

import re

import pandas as pd
import pytest

from segkit.data import samples
from segkit.errors import ParameterError
from segkit.insight.actions import PLAYBOOK, read_playbook, recommend
from segkit.insight.words.numbers import Numbers
from segkit.study import segment


def advise(made, verdict, **options):
    return recommend(made.sizes, made.profile, made.drivers, verdict, columns=made.columns, **options)


def customers(describe, roles: dict[str, str], value: str = "", **values):
    """Describe 100 customers in two segments of 40 and 60."""
    frame = pd.DataFrame({"segment": [1] * 60 + [2] * 40, **values})
    columns = pd.DataFrame({"column": list(roles), "role": list(roles.values())})
    columns["label"] = columns.column.str.replace("_", " ").str.capitalize()
    categories = [c for c, role in roles.items() if role in {"category", "yes/no"}]
    return describe(frame, columns, [c for c in roles if c not in categories], categories, value)


def test_the_shipped_playbook_is_complete():
    entries = read_playbook().playbook
    assert len({entry.id for entry in entries}) == len(entries)
    assert all(
        entry.offer and entry.action.endswith(".") and entry.channel and entry.measure for entry in entries
    )


def test_high_value_is_protected_and_the_evidence_is_the_table(describe, verdict):
    made = customers(describe, {"spend": "money"}, "spend", spend=[10.0] * 60 + [90.0] * 40)
    table = advise(made, verdict(), value="spend").set_index("segment")
    assert table.rule.to_dict() == {1: "grow", 2: "protect"}
    share = made.sizes.set_index("segment").value_share[2]  # 3,600 of 4,200
    assert (
        table.evidence[2] == f"{Numbers().share(share)} of all spend comes from 40.0\xa0% of the customers."
    )
    assert Numbers().share(share) == "85.7\xa0%"


def test_under_a_weak_verdict_every_action_is_a_test(describe, verdict):
    made = customers(describe, {"spend": "money"}, "spend", spend=[10.0] * 60 + [90.0] * 40)
    weak, clear = (advise(made, verdict(level=level), value="spend").action[1] for level in ("weak", "clear"))
    assert weak == "Try a named contact on a sample first, and measure it against customers who get nothing."
    assert clear == "Protect first: give them a named contact."


@pytest.mark.parametrize(("roles", "values", "rule"), [
    ({"churn": "yes/no"}, {"churn": ["No"] * 60 + ["Yes"] * 40}, "stop-leaving"),
    ({"recency_days": "number"}, {"recency_days": [10, 11] * 30 + [200, 210] * 20}, "win-back"),
    ({"tenure": "number"}, {"tenure": [50, 52] * 30 + [2, 4] * 20}, "welcome"),
    ({"contract": "category"}, {"contract": ["Two year"] * 60 + ["Month-to-month"] * 40}, "longer-contract"),
    ({"discount_share": "number"}, {"discount_share": [0.1, 0.2] * 30 + [0.8, 0.9] * 20}, "smaller-discount"),
    ({"wine": "money"}, {"wine": [5.0, 6] * 30 + [80, 90] * 20}, "more-of-the-same"),
    ({"wine": "money"}, {"wine": [80.0, 90] * 30 + [1, 2] * 20}, "offer-what-is-missing"),
    ({"height": "number"}, {"height": [5.0, 6] * 30 + [80, 90] * 20}, ""),
    ({"channel": "category"}, {"channel": [0] * 60 + [1] * 40}, ""),
])  # fmt: skip
def test_rules_follow_the_profile(describe, verdict, roles, values, rule):
    table = advise(customers(describe, roles, **values), verdict())
    assert table.rule[1] == rule
    assert bool(table.action[1]) is bool(rule)
    assert table.evidence[1]


def test_columns_that_say_the_opposite_carry_no_advice(describe, verdict):
    roles = {"web_purchases": "number", "catalog_purchases": "number"}
    made = customers(
        describe, roles, web_purchases=[1, 2] * 30 + [8, 9] * 20, catalog_purchases=[8, 9] * 30 + [1, 2] * 20
    )
    assert set(advise(made, verdict()).rule) <= {"where-they-buy", ""}


def test_nothing_is_advised_for_what_does_not_hold(describe, verdict):
    made = customers(describe, {"spend": "money"}, "spend", spend=[10.0] * 60 + [90.0] * 40)
    assert advise(made, verdict(level="none", segments=1, shown=1), value="spend").empty
    for forced in (
        verdict(asked=3, shown=3, supported=False),
        verdict(level="none", asked=2, supported=False),
    ):
        table = advise(made, forced, value="spend")
        assert table.action.tolist() == ["", ""]
        assert table.evidence.str.contains("not supported by the data").all()


def test_nothing_is_advised_for_a_tiny_segment(describe, verdict):
    frame = pd.DataFrame({"segment": [1] * 171 + [2] * 29, "spend": [10.0] * 171 + [90.0] * 29})
    columns = pd.DataFrame({"column": ["spend"], "label": ["Spend"], "role": ["money"]})
    table = advise(describe(frame, columns, ["spend"], [], "spend"), verdict(), value="spend")
    assert table.action[1] == ""
    assert table.evidence[1] == (
        "29 customers (14.5\xa0%): too few to advise on; at least 30 customers and 2\xa0% of all are needed."
    )


def test_a_column_that_the_split_hardly_explains_carries_no_advice(describe, verdict):
    made = customers(describe, {"wine": "money"}, wine=[5.0, 6] * 30 + [80, 90] * 20)
    table = recommend(
        made.sizes, made.profile, made.drivers.assign(explained=0.01), verdict(), columns=made.columns
    )
    assert set(table.rule) == {""}


@pytest.mark.parametrize(("old", "new", "message"), [
    ("{difference}", "{name}", "uses {name}"),
    ("    offer:", "    offers:", "offers: Extra inputs are not permitted"),
    ("words: [churn", "wordz: [churn", "wordz: Extra inputs"),
    ("value_ratio: {at_least: 1.3}", "value_ratio: {at_least: much}", "should be a valid number"),
    ("playbook:\n", "playbook: !!python/object:os.system\n", "is not plain YAML"),
])  # fmt: skip
def test_a_playbook_that_cannot_be_used_says_why(tmp_path, old, new, message):
    file = tmp_path / "mine.yml"
    text = PLAYBOOK.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ParameterError) as error:
        read_playbook(file)
    assert "mine.yml" in str(error.value)
    assert message in str(error.value)


def test_braces_in_a_label_are_text(describe, verdict):
    frame = pd.DataFrame({"segment": [1] * 60 + [2] * 40, "x": [5.0, 6] * 30 + [80, 90] * 20})
    columns = pd.DataFrame({"column": ["x"], "label": ["{difference} wine"], "role": ["money"]})
    made = describe(frame, columns, ["x"])
    assert "{difference} wine" in advise(made, verdict()).evidence[1]


def test_a_study_takes_the_playbook_that_is_named(tmp_path):
    file = tmp_path / "mine.yml"
    text = PLAYBOOK.read_text(encoding="utf-8")
    file.write_text(re.sub(r'    (action|offer): ("?)', r"    \1: \2our ", text), encoding="utf-8")
    table = samples.retail(1_500, seed=1)
    shipped, own = (segment(table, value="annual_spend", playbook=each) for each in ("", str(file)))
    told = [list(study.actions.loc[study.actions["action"] != "", "action"]) for study in (shipped, own)]
    assert told[0]
    assert "our " not in " ".join(told[0])
    assert all("our " in action.lower() for action in told[1])
    assert len(told[1]) == len(told[0])
    with pytest.raises(ParameterError, match=r"gone\.yml"):
        segment(table, playbook=str(tmp_path / "gone.yml"))
