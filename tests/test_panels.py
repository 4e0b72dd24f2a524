"""Panels: every one of them, for studies of any outcome, says what its tables say and shows text as text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from segkit.errors import ParameterError
from segkit.panels.builders import NAMES, build
from segkit.panels.panel import Markup, Panel, TableView, badge, tag
from tests.fake_study import HOSTILE, fake_study

DRAWN = {"choice", "sizes", "map", "profiles", "distribution", "drivers", "correlation", "missing", "unusual"}
STUDIES = {
    "one group": {"segments": 1, "level": "none", "reason": "chance"},
    "two": {"segments": 2},
    "five, clear": {"segments": 5, "level": "clear"},
    "eight, no value": {"segments": 8, "rows": 2000, "value": ""},
    "fourteen, forced": {"segments": 14, "rows": 900, "level": "none", "asked": 14, "supported": False},
    "hostile": {"segments": 5, "hostile": True},
    "tiny": {"segments": 2, "rows": 12, "level": "none", "reason": "too_few", "asked": 2, "supported": False},
}


class Balanced(HTMLParser):
    """Read HTML and remember what is open, which tags there were, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in {"path", "circle"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + " "


def read(panel: Panel) -> Balanced:
    page = Balanced()
    page.feed(panel.head_html() + panel.body_html + panel.foot_html(open=False))
    assert page.open == []
    return page


@pytest.mark.parametrize("what", STUDIES)
def test_every_panel_of_every_study_is_whole(what):
    study = fake_study(**STUDIES[what])
    for name in NAMES:
        panel = build(study, name, dark=what == "two")
        page = read(panel)
        assert panel.name == name
        assert len(panel.title) <= 80
        assert page.text.strip()
        assert not re.search(r"\bnan\b|NaN|<NA>|\bNone\b(?!\.)", page.text), name
        if panel.figure is not None:
            meta = dict(panel.figure.layout.meta)
            assert (meta.pop("aspect", 0) > 0) == (name == "map")
            assert meta == {"alt": panel.alt, "panel": name}
            assert panel.alt
            assert panel.subtitle
            assert panel.tables, "every picture has its table"
        elif name in DRAWN:
            assert panel.empty or panel.tables


def test_the_panels_that_draw_do_so_for_two_segments():
    study = fake_study(2)
    assert {name for name in NAMES if build(study, name).figure is not None} == DRAWN


def test_text_of_the_data_is_shown_as_text():
    study = fake_study(5, hostile=True)
    for name in NAMES:
        page = read(build(study, name))
        assert "img" not in page.tags
    assert HOSTILE[0] in read(build(study, "cards")).text, "escaped, not removed"


def test_segments_that_the_data_do_not_support_are_marked_everywhere():
    study = fake_study(3, level="none", asked=3, supported=False)
    study.actions = fake_study(3).actions  # even if somebody left actions in
    for name in ("verdict", "sizes", "map", "profiles", "distribution", "drivers", "segments"):
        assert "Not supported by the data" in read(build(study, name)).text, name
    for name in ("segments", "cards"):
        text = read(build(study, name)).text
        assert text.count("ot supported") == 3
        assert "range offer" not in text
    assert "Not supported" not in read(build(study, "quality")).text


def test_every_supported_segment_says_whether_it_holds():
    study = fake_study(4, level="clear")
    study.strength = study.strength.assign(status=["holds", "uncertain", "does not hold", "far out"])
    for name in ("segments", "cards"):
        text = read(build(study, name)).text
        assert "Not supported" not in text
        told = ("✓ Holds", "? Uncertain", "! Does not hold", "! A few far-out customers")
        assert [text.count(words) for words in told] == [1, 1, 1, 1]


def test_one_group_has_no_names_no_actions_and_nothing_to_compare():
    study = fake_study(1, level="none", reason="chance")
    assert "nobody gets a name or an action" in read(build(study, "segments")).text
    assert build(study, "profiles").figure is None
    assert build(study, "drivers").empty
    assert build(study, "separation").empty
    assert len({trace.marker.color for trace in build(study, "map").figure.data}) == 1
    assert "sk-key" not in build(study, "map").head_html()


def test_value_columns_are_absent_not_empty():
    with_value, without = (
        build(fake_study(2, value=value), "sizes").tables[0] for value in ("Annual_Spend", "")
    )
    assert with_value.header[3:6] == ("Annual spend", "Share", "Median annual spend")
    assert without.header == ("Segment", "Customers", "Share", "Near the border", "Unusual")


def test_an_action_of_the_playbook_without_words_says_why():
    study = fake_study(2)
    study.actions = study.actions.copy()
    study.actions.loc[0, ["action", "evidence"]] = ["", "No rule of the playbook fits."]
    text = read(build(study, "segments")).text
    assert "None. No rule of the playbook fits." in text
    assert text.count("Rests on") == 1


def test_distribution_takes_a_column_and_names_those_there_are():
    study = fake_study(2)
    assert build(study, "distribution", column="Channel").figure.data[0].type == "bar"
    assert "Visits" in build(study, "distribution", column="Visits").title
    with pytest.raises(ParameterError, match=r"no column 'Nowhere'.*Annual_Spend"):
        build(study, "distribution", column="Nowhere")


def test_an_unknown_panel_names_the_panels():
    with pytest.raises(ParameterError, match=r"no panel 'pie'.*sizes"):
        build(fake_study(2), "pie")


def test_few_customers_are_drawn_and_the_same_ones_each_time():
    study = fake_study(2, 6000)
    once, again = (build(study, "unusual") for _ in range(2))
    drawn = sum(len(trace.x) for trace in once.figure.data)
    assert drawn <= 2 * 2 * 400
    assert f"{drawn:,} of 6,000 customers are drawn" in once.note
    assert once.figure.to_json() == again.figure.to_json()


def test_parameters_that_differ_from_the_default_are_marked():
    table = build(fake_study(2, seed=0, max_segments=8), "parameters").tables[0]
    marked = [re.sub("<.*?>", "", name) for name, value in table.rows if "sk-changed" in value]
    assert marked == ["source", "value", "max_segments"]


def test_a_table_escapes_text_and_keeps_markup():
    table = TableView("<c>", ("<h>", "n"), (("<x>", badge(13, "a & b")),), chosen=0)
    html = table.html()
    assert "&lt;c&gt;" in html
    assert "<x>" not in html
    assert '<span class="sk-badge sk-s1">13</span> a &amp; b' in html
    assert '<tr class="sk-chosen">' in html


def test_tags_escape_attributes():
    assert tag("p", Markup("<b>"), title='"><script>') == '<p title="&quot;&gt;&lt;script&gt;"><b></p>'


def test_tables_fold_away_unless_open():
    panel = build(fake_study(2), "sizes")
    assert "<details>" in panel.foot_html(open=False)
    assert "<details>" not in panel.foot_html()
