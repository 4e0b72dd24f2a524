from __future__ import annotations

from segkit.insight.words.glossary import GLOSSARY


def test_terms_of_the_report_are_explained_in_alphabetical_order():
    assert list(GLOSSARY) == sorted(GLOSSARY, key=str.lower)
    for term in (
        "Silhouette",
        "Davies-Bouldin",
        "Calinski-Harabasz",
        "Inertia",
        "Chance band",
        "Near the border",
        "Unusual",
    ):
        assert term in GLOSSARY


def test_explanations_are_one_to_three_plain_sentences():
    for term, text in GLOSSARY.items():
        assert text.endswith("."), term
        assert 1 <= text.count(". ") + 1 <= 3, term
        assert not any(word in text.lower() for word in ("cluster", "!", "please", "anomaly")), term
