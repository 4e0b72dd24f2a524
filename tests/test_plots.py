"""Figures: the right form for the table, one look, and nothing from the data that could act."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from segkit import plots
from segkit.insight.words.names import Labels
from segkit.insight.words.numbers import Numbers
from segkit.plots.columns import pairs, profile_rows
from segkit.plots.spread import main_levels
from segkit.plots.theme import Theme, label, rounded
from tests.fake_study import fake_study

COUNTS = (1, 2, 8, 14)


def figures(study, *, dark: bool = False, numbers: Numbers | None = None) -> dict[str, go.Figure]:
    """Draw every figure of a study."""
    style = {"dark": dark, "numbers": numbers or Numbers()}
    labels = Labels.of(study.columns)
    part = study.profile[study.profile["column"] == "Annual_Spend"]
    values = pd.DataFrame({"segment": study.assignments["segment"], "value": study.values("Annual_Spend")})
    points = study.map.table.assign(id="C-1", fit=80)
    rows = study.assignments.assign(id=study.assignments["customer"])
    return {
        "choice": plots.choice(study.evidence, **style),
        "sizes": plots.sizes(study.sizes, value="Spend", **style),
        "map": plots.customer_map(points, ("x", "y"), names=list(study.sizes["name"]), **style),
        "profiles": plots.profiles(study.profile, labels=labels, **style),
        "distribution": plots.distribution(values, part, title="Spend", log=True, **style),
        "composition": plots.composition(study.profile[study.profile["column"] == "Channel"], **style),
        "drivers": plots.drivers(study.drivers, labels=labels, **style),
        "correlation": plots.correlation(study.correlation, labels=labels, **style),
        "missing": plots.missing(study.columns, **style),
        "unusual": plots.unusual(rows, study.model.cutoffs, **style),
    }


def strings(value: object) -> Iterator[str]:
    """Yield every string in a figure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for inner in value.values() for text in strings(inner))
    elif isinstance(value, list | tuple | np.ndarray):
        yield from (text for inner in value for text in strings(inner))


@pytest.mark.parametrize("segments", COUNTS)
def test_every_figure_has_a_height_no_width_and_no_words_around_it(segments):
    for name, figure in figures(fake_study(segments)).items():
        layout = figure.layout
        assert layout.height
        assert layout.width is None
        assert layout.title.text is None, name
        assert layout.showlegend is False
        assert not [trace.type for trace in figure.data if trace.type.endswith("gl")], "needs unsafe-eval"


def test_dark_and_light_figures_take_their_own_tokens():
    light, dark = (figures(fake_study(3), dark=dark)["sizes"] for dark in (False, True))
    assert light.data[0].marker.color == "#304FC1"  # tokens.json, segment 1
    assert dark.data[0].marker.color == "#95A0FF"
    assert light.layout.template.layout.font.color != dark.layout.template.layout.font.color


def test_separators_follow_the_locale():
    for figure in figures(fake_study(2), numbers=Numbers("de")).values():
        assert figure.layout.separators == ",."


@pytest.mark.parametrize("segments", [2, 8])
def test_no_text_of_the_data_reaches_a_figure_as_markup(segments):
    for name, figure in figures(fake_study(segments, hostile=True)).items():
        for text in strings(figure.to_plotly_json()["data"]):
            assert "<img" not in text, name
            assert "%{y}" not in text.replace("%{hovertext}", ""), name


def test_segment_styles_repeat_beyond_twelve_with_the_next_symbol():
    theme = Theme()
    first, again = theme.segment(1), theme.segment(13)
    assert again.colour == first.colour
    assert again.symbol == theme.segment(2).symbol
    assert theme.segment(12, count=14).colour == theme.control, "of 14 segments the 11 largest have colours"


def test_text_on_a_fill_is_the_one_that_stands_out_more():
    theme = Theme()
    assert theme.on("#FFFFFF") == theme.ink
    assert theme.on("#22344B") == theme.surface
    assert theme.shade(0, 1) == theme.scale("diverging")[4]
    assert theme.shade(-9, 1) == theme.scale("diverging")[0]


def test_labels_wrap_and_grow_before_anything_is_cut():
    assert label("Number of catalog purchases") == "Number of catalog<br>purchases"
    assert label("Device protection: No internet service").count("…") == 0
    assert "…" in label("W" * 90)


def test_rounded_keeps_four_digits():
    assert rounded([1234567.0, 0.000123456]) == [1235000.0, 0.0001235]


def test_choice_draws_what_is_needed_four_deviations_above_chance():
    table = fake_study(2).evidence
    needed = next(trace for trace in plots.choice(table).data if trace.line.dash == "dot")
    # 5 to 95 % of a normal law are 3.29 standard deviations; the band of the table is 0.03 wide
    assert needed.y[0] == pytest.approx(0.265 + 4 * 0.03 / 3.29, rel=1e-3)
    assert list(needed.x) == list(range(2, 9))


def test_choice_marks_the_chosen_and_the_asked_number():
    shapes = plots.choice(fake_study(4, asked=4, supported=False, level="none").evidence).layout.shapes
    assert [(shape.x0, shape.line.dash) for shape in shapes] == [(3.68, "dash")]
    assert [shape.x0 for shape in plots.choice(fake_study(2).evidence).layout.shapes] == [1.68]


def test_sizes_say_their_share_and_number_small_parts_beside_the_bar():
    table = pd.DataFrame({"segment": [1, 2, 3], "share": [0.7, 0.28, 0.02]})
    figure = plots.sizes(table)
    assert [trace.text[0] for trace in figure.data] == ["<b>1</b>   70.0\xa0%", "<b>2</b>   28.0\xa0%", ""]
    assert [note.text for note in figure.layout.annotations] == ["<b>3</b>"]


def test_sizes_leave_out_value_where_a_share_is_negative_or_unknown():
    table = pd.DataFrame({"segment": [1, 2], "share": [0.5, 0.5], "value_share": [1.2, -0.2]})
    assert len(plots.sizes(table).data) == 2
    assert len(plots.sizes(table.assign(value_share=[0.8, 0.2])).data) == 4
    assert len(plots.sizes(table.assign(value_share=np.nan)).data) == 2


def test_sizes_of_more_than_twelve_segments_show_eleven_and_the_rest():
    figure = plots.sizes(fake_study(14, 3000).sizes, value="Spend")
    assert len(figure.data[0].x) == 12
    assert figure.layout.yaxis.ticktext[-1] == "other"
    assert sum(figure.data[1].x) == pytest.approx(1, abs=0.001)


def test_map_draws_every_customer_once_with_its_symbol():
    study = fake_study(2)
    figure = plots.customer_map(study.map.table)
    assert sum(len(trace.x) for trace in figure.data) == len(study.map.table)
    assert {trace.marker.symbol for trace in figure.data} == {
        "circle",
        "circle-open",
        "diamond",
        "diamond-open",
    }
    assert figure.layout.yaxis.scaleanchor == "x"


def test_profiles_are_a_dumbbell_up_to_four_segments_and_a_heatmap_beyond():
    assert {trace.type for trace in plots.profiles(fake_study(4).profile).data} == {"scatter"}
    assert plots.profiles(fake_study(5).profile).data[0].type == "heatmap"


def test_heatmap_depth_is_the_log_of_the_ratio_within_six_times():
    profile = fake_study(5).profile
    heat = plots.profiles(profile, order=["Annual_Spend"]).data[0]
    ratio = profile[profile["column"] == "Annual_Spend"].sort_values("segment")["index"]
    assert list(heat.z[0]) == pytest.approx(np.clip(np.log2(ratio), -np.log2(6), np.log2(6)), abs=0.001)


def test_profile_rows_follow_the_order_and_show_one_of_two_levels():
    rows = profile_rows(fake_study(2).profile, ["Member", "Visits"])
    assert [column for column, _ in rows[:2]] == ["Member", "Visits"]
    assert sum(column == "Member" for column, _ in rows) == 1
    assert sum(column == "Channel" for column, _ in rows) == 3


def test_a_segment_under_thirty_customers_is_drawn_as_dots():
    study = fake_study(2, 40)
    part = study.profile[study.profile["column"] == "Visits"]
    values = pd.DataFrame({"segment": [1] * 29 + [2] * 30, "value": np.arange(59.0)})
    modes = [(trace.mode, trace.fill) for trace in plots.distribution(values, part).data]
    assert modes.count(("markers", None)) == 1
    assert modes.count(("lines", "toself")) == 1


def test_a_half_violin_ends_where_the_values_end():
    study = fake_study(1)
    part = study.profile[study.profile["column"] == "Annual_Spend"]
    values = pd.DataFrame({"segment": 1, "value": study.values("Annual_Spend")})
    outline = plots.distribution(values, part, log=True).data[0]
    assert min(outline.x) == pytest.approx(values["value"].min(), rel=1e-3)
    assert max(outline.x) == pytest.approx(values["value"].max(), rel=1e-3)


def test_composition_adds_up_with_rare_levels_as_other():
    shares = np.array([0.3, 0.2, 0.15, 0.1, 0.1, 0.08, 0.07])
    table = pd.DataFrame({"segment": 1, "level": list("abcdefg"), "share": shares, "all_share": shares})
    figure = plots.composition(table)
    assert main_levels(table) == list("abcde")
    assert sum(trace.x[0] for trace in figure.data) == pytest.approx(1)


def test_pairs_hold_every_pair_once_strongest_first():
    matrix = pd.DataFrame(
        [[1, 0.2, -0.9], [0.2, 1, 0.1], [-0.9, 0.1, 1]], index=list("abc"), columns=list("abc")
    )
    table = pairs(matrix)
    assert table.to_numpy().tolist() == [["a", "c", -0.9], ["a", "b", 0.2], ["b", "c", 0.1]]


def test_correlation_is_a_triangle_or_the_strongest_pairs():
    rng = np.random.default_rng(0)
    few, many = (pd.DataFrame(rng.normal(size=(50, n))).add_prefix("c").corr() for n in (4, 16))
    cells = plots.correlation(few).data[0].z
    assert [[value is not None for value in row] for row in cells] == [
        [i <= j for i in range(3)] for j in range(3)
    ]
    bars = plots.correlation(many).data[0]
    assert bars.type == "bar"
    assert len(bars.x) == 15


def test_missing_values_are_drawn_largest_first_and_only_where_there_are_any():
    table = pd.DataFrame({"label": ["a", "b", "c"], "missing": [1, 0, 5], "missing_share": [0.1, 0, 0.5]})
    bars = plots.missing(table).data[0]
    assert list(bars.x) == [50, 10]


def test_figures_are_the_same_for_the_same_table():
    once, again = (
        {
            name: json.dumps(figure.to_plotly_json(), default=str)
            for name, figure in figures(fake_study(3)).items()
        }
        for _ in range(2)
    )
    assert once == again
