"""One figure, and a panel around it."""

from __future__ import annotations

import gzip

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from segkit.panels.panel import Panel, TableView
from segkit.widgets.figure import PIECE, Figure, PanelBox


def bar(*heights: float) -> go.Figure:
    return go.Figure(go.Bar(y=list(heights)), {"height": 200})


def panel(figure: go.Figure | None, title: str = "One") -> Panel:
    table = TableView("Numbers", ("a", "b"), (("1", "2"),))
    empty = None if figure else ("Nothing", "to draw")
    return Panel("sizes", title, figure=figure, alt=f"alt of {title}", empty=empty, tables=(table,))


def test_state_of_a_figure_is_its_data_and_not_plotly():
    state = Figure(bar(1, 2), "Two bars.").get_state()
    assert state["figure"]["data"][0]["y"] == [1, 2]
    assert state["alt"] == "Two bars."
    assert len(str(state)) < 50_000


def test_show_replaces_figure_and_alt_and_drops_the_selection():
    figure = Figure(bar(1), "one")
    figure.selected = [3]
    figure.show(bar(7), "seven")
    assert (figure.figure["data"][0]["y"], figure.alt, figure.selected) == ([7], "seven", [])


def test_kernel_serves_plotly_in_pieces_that_make_the_whole(monkeypatch):
    figure, sent = Figure(bar(1)), []
    monkeypatch.setattr(figure, "send", lambda message, buffers: sent.append((message, buffers[0])))
    figure._handle_custom_msg({"kind": "plotly", "piece": 0}, [])
    for piece in range(1, sent[0][0]["pieces"]):
        figure._handle_custom_msg({"kind": "plotly", "piece": piece}, [])
    assert all(len(buffer) <= PIECE for _, buffer in sent)
    assert gzip.decompress(b"".join(buffer for _, buffer in sent)).decode() == get_plotlyjs()


@pytest.mark.parametrize("message", [{"kind": "plotly", "piece": 10_000}, {"piece": "x"}, "hello", {}])
def test_other_messages_are_not_answered(message, monkeypatch):
    figure = Figure(bar(1))
    monkeypatch.setattr(figure, "send", lambda *_, **__: pytest.fail("answered"))
    figure._handle_custom_msg(message, [])


def test_panel_with_a_picture_shows_head_picture_and_foot():
    box = PanelBox("sizes")
    box.show(panel(bar(1)))
    head, figure, foot = box.children
    assert 'data-sk-panel="sizes"' in head.value
    assert "One" in head.value
    assert figure.alt == "alt of One"
    assert "<details>" in foot.value


def test_panel_follows_what_it_is_shown_and_keeps_its_widgets():
    box = PanelBox("sizes")
    box.show(panel(bar(1), "One"))
    before = box.children
    box.show(panel(bar(5), "Five"))
    assert box.children == before
    assert "Five" in before[0].value
    assert before[1].figure["data"][0]["y"] == [5]
    box.show(panel(None, "Empty"))
    assert len(box.children) == 1
    assert "to draw" in box.children[0].value
    box.show(panel(bar(2), "Two"))
    assert box.children == before
    assert before[1].figure["data"][0]["y"] == [2]
