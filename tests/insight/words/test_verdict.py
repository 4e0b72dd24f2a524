"""Headlines are those of the words page; figures are cells of the evidence."""

from __future__ import annotations

import pandas as pd
import pytest

from segkit.insight.words import verdict as words

NAN = float("nan")
EVIDENCE = pd.DataFrame(
    [
        (1, NAN, NAN, NAN, NAN),
        (2, 0.29, 0.25, 0.28, 5.0),
        (3, 0.26, 0.22, 0.26, 3.0),
        (5, 0.2, 0.17, 0.21, 1.0),
    ],
    columns=["segments", "silhouette", "chance_low", "chance_high", "z"],
)
EVIDENCE["tested"] = EVIDENCE["silhouette"]
SIZES = pd.DataFrame({"segment": [1, 2], "customers": [252, 188], "near_border": [40, 29]})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"level": "none", "segments": 1, "shown": 1, "reason": "chance"},
            "These customers do not fall into groups.",
        ),
        ({}, "Two groups of customers hold up, but the line between them is soft."),
        (
            {"level": "clear", "segments": 4, "shown": 4},
            "Four groups of customers are there, and they are well apart.",
        ),
        (
            {"level": "none", "segments": 1, "shown": 1, "reason": "too_few"},
            "There are too few customers to tell.",
        ),
        ({"asked": 5, "shown": 5, "supported": False}, "You asked for 5 segments; the data support 2."),
        (
            {"level": "none", "segments": 1, "asked": 5, "shown": 5, "supported": False, "reason": "chance"},
            "You asked for 5 segments; the data support none.",
        ),
        (
            {"asked": 2},
            "You asked for 2 segments; two groups of customers hold up, but the line between them is soft.",
        ),
        (
            {"level": "none", "segments": 1, "asked": 3, "shown": 3, "supported": False, "reason": "too_few"},
            "You asked for 3 segments; there are too few customers to tell.",
        ),
    ],
)
def test_headlines(verdict, changes, sentence):
    assert words.headline(verdict(**changes)) == sentence


NONE = {"level": "none", "segments": 1, "shown": 1, "reason": "chance"}
FEW = {**NONE, "reason": "too_few"}
TWO = (
    "Two: it sets customers further apart than any other number tried (silhouette 0.290 against 0.260 for 3)."
)
THREE = (
    "Three: it stands furthest above chance, although 2 has the larger silhouette "
    "(0.260 against 0.290 for 2)."
)
FORCED = {"asked": 5, "shown": 5, "supported": False}


def test_evidence_of_a_weak_verdict(verdict):
    assert words.evidence(verdict(), EVIDENCE, SIZES) == (
        "They stand further apart than chance would give: 0.29 against 0.25 to 0.28. "
        "One customer in six sits near the border (69 of 440). Test what you plan on a sample first."
    )


def test_evidence_of_none(verdict):
    below = EVIDENCE.assign(silhouette=EVIDENCE.silhouette - 0.1, tested=EVIDENCE.tested - 0.1)
    assert words.evidence(verdict(**NONE), below, SIZES, column="spend", bands=("20", "90")) == (
        "No number from 2 to 9 does better than chance (0.19 against 0.25 to 0.28). "
        "Treat them as one group, or sort them by a single column such as spend: "
        "a quarter have 20 or less, a quarter 90 or more. Other columns may tell groups apart."
    )
    assert words.evidence(verdict(**NONE), EVIDENCE, SIZES) == (
        "No number from 2 to 9 stands clear of chance: "
        "the best, 2, gives 0.29 where chance gives 0.25 to 0.28. "
        "Treat them as one group, or sort them by a single column. Other columns may tell groups apart."
    )


def test_evidence_of_too_few(verdict):
    expected = "440 customers; at least 240 are needed. Leave out columns or add customers."
    assert words.evidence(verdict(**FEW), EVIDENCE, SIZES) == expected


def test_evidence_of_a_number_that_was_asked_for(verdict):
    assert words.evidence(verdict(**FORCED), EVIDENCE, SIZES) == (
        "Five segments stand no further apart than chance would give: 0.20 against 0.17 to 0.21. "
        "They are shown as you asked; the data support two, so we advise nothing."
    )


def test_choice(verdict):
    told = {
        TWO: {},
        THREE: {"segments": 3, "shown": 3},
        "One: no number from 2 to 9 stands clear of chance.": NONE,
        "One: there are too few customers to look for more.": FEW,
        "Five, as you asked; the data support two.": FORCED,
    }
    assert [words.choice(verdict(**changes), EVIDENCE) for changes in told.values()] == list(told)


def test_without_a_comparison_no_figure_is_made_up(verdict):
    bare = EVIDENCE.assign(chance_low=NAN, chance_high=NAN, z=NAN)
    told = words.evidence(verdict(asked=5, shown=5, supported=False), bare, SIZES)
    assert "could not be compared with chance" in told
    assert "nan" not in told.lower()
    assert (
        words.evidence(verdict(), EVIDENCE, SIZES.assign(near_border=0)).count(
            "No customer sits near the border."
        )
        == 1
    )


def test_no_sentence_claims_repeated_samples(verdict):
    text = (
        words.headline(verdict())
        + words.evidence(verdict(), EVIDENCE, SIZES)
        + words.choice(verdict(), EVIDENCE)
    )
    assert not any(word in text for word in ("resample", "repeated", "come back", "p-value"))


@pytest.mark.parametrize(
    ("unsure", "said"),
    [
        (
            (0.2, 0.2),
            "(69 of 440). One customer in five changes segment in over a fifth of repeated samples.",
        ),
        ((0.7, 0.0), "Two customers in five change segment in over a fifth of repeated samples."),
        ((0.0, 0.004), "(69 of 440). Nearly all keep their segment in repeated samples."),
    ],
)
def test_customers_in_no_sure_place_stand_beside_those_near_the_border(verdict, unsure, said):
    strength = pd.DataFrame({"segment": [1, 2], "share": [0.573, 0.427], "jaccard": 0.9, "unsure": unsure})
    assert said in words.evidence(verdict(), EVIDENCE, SIZES, strength=strength)
