"""The page: panels follow the study, visitors stay visitors."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from traitlets import TraitError

from segkit import places
from segkit.errors import ParameterError
from segkit.panels import builders
from segkit.params import Params
from segkit.study import segment
from segkit.widgets import view as room
from segkit.widgets import work
from segkit.widgets.dashboard import Dashboard
from segkit.widgets.view import View, from_address

VISITOR = {"SEGKIT_FACE": "dashboard"}


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    """A table that is segmented in no time, as the default source."""
    from segkit.data import samples

    file = tmp_path_factory.mktemp("data") / "orders.csv"
    samples.retail(600).to_csv(file, index=False)
    return file


@pytest.fixture(autouse=True)
def remembered(monkeypatch):
    """Make each study once: these tests are about pages."""
    monkeypatch.setattr(room.late, "study", lambda source, params, _=None: made(source, params))


def made(source=None, params=None, known={}):  # noqa: B006 - kept on purpose
    key = (str(source), json.dumps((params or Params()).study_dump()))
    if key not in known:
        known[key] = segment(source, params)
    return known[key]


@pytest.fixture
def shown(monkeypatch):
    """Return what is displayed, in order."""
    outputs = []
    monkeypatch.setattr(room, "display", lambda thing, **_: outputs.append(thing))
    return outputs


@pytest.fixture
def live(small, shown, monkeypatch):
    monkeypatch.setattr(work, "PAUSE", 0.01)
    return View(Params(source=str(small), segments=3), environ={})


def texts(box):
    return "".join(child.value for child in box.children if hasattr(child, "value"))


@pytest.mark.parametrize("name", builders.NAMES)
def test_every_panel_is_a_method_and_shows_what_the_panel_says(name, live, shown):
    getattr(live, name)()
    (box,) = shown
    panel = builders.build(live.study, name)
    assert panel.title in texts(box).replace("&#x27;", "'") or not panel.title
    assert (panel.figure is None) == (
        len(box.children) == 1 or (name == "distribution" and len(box.children) == 2)
    )
    assert name in dir(live)


def test_there_is_no_other_method(live):
    with pytest.raises(AttributeError, match="no panel 'pie'"):
        live.pie()


def test_every_panel_follows_the_study(live, shown, small):
    for name in builders.NAMES:
        getattr(live, name)()
    before = {box.name: box for box in shown}
    live.study = study = made(params=Params(source=str(small), segments=5))
    for name, box in before.items():
        panel = builders.build(study, name)
        pictures = [child for child in box.children if hasattr(child, "figure")]
        assert bool(pictures) == (panel.figure is not None), name
        if pictures:
            assert pictures[0].figure == json.loads(panel.figure.to_json()), name
            assert pictures[0].alt == panel.alt
            assert str(panel.head_html()) in texts(box)
        else:
            assert str(panel.body_html) in texts(box), name


def test_a_change_of_k_replaces_the_study(live):
    live.form.controls["segments"].value = 4
    assert live.work.wait(60)
    assert live.study.verdict.shown == 4
    assert live.form.message.value == ""


def test_wrong_input_is_said_and_the_last_result_stays(live):
    before = live.study
    live.form.controls["features"].value = ("age",)
    live.form.controls["exclude"].value = ("age",)
    live.form.update.click()
    assert "features and exclude both name age" in live.form.message.value
    assert live.work.wait(60)
    assert live.study is before


def test_distribution_has_its_own_column(live, shown):
    live.distribution()
    (box,) = shown
    choice = box.children[0]
    choice.value = "age"
    assert "Age" in box.children[1].value
    live.study = made(params=live.study.params.but(segments=5))
    assert choice.value == "age"
    assert "Age" in box.children[1].value


def test_no_study_leaves_a_sentence_and_room_to_mend_it(shown, tmp_path):
    view = View(Params(source=str(tmp_path / "missing.csv")), environ={})
    assert "missing.csv" in view.form.message.value
    view.sizes()
    with pytest.raises(ParameterError, match="no study yet"):
        _ = view.study
    view.form.controls["source"].value = "sample:nothing"
    view.form.update.click()
    assert view.work.wait(120)
    assert shown[0].children[0].value


def test_without_controls_head_picture_and_foot_are_plain_outputs(small, shown):
    view = View(Params(source=str(small), segments=3), interactive=False)
    assert view._ipython_display_() is None
    view.sizes()
    head, picture, foot = shown
    assert head["text/html"].startswith('<div class="sk" data-sk-panel="sizes" data-sk-part="head">')
    assert picture[room.PLOTLY]["layout"]["meta"]["panel"] == "sizes"
    assert 'data-sk-part="foot"' in foot["text/html"]
    assert "<details>" not in foot["text/html"]
    view.verdict()
    assert 'data-sk-part="body"' in shown[-1]["text/html"]


def test_save_writes_where_output_says_and_says_so(small, shown, tmp_path):
    view = View(Params(source=str(small), segments=3, output=str(tmp_path / "run")), interactive=False)
    view.save()
    assert "segments.csv" in shown[-1]["text/html"]
    assert str(tmp_path) not in shown[-1]["text/html"]
    assert len(pd.read_csv(tmp_path / "run" / "segments.csv")) == 600


def test_save_without_output_writes_nothing(small, shown):
    View(Params(source=str(small)), interactive=False).save()
    assert not shown


def test_downloads_hold_the_study_on_the_page(live, shown):
    live.save()
    files = {download.label.split()[-1]: download for download in shown[-1].children}
    name, media, content = files["segments.csv"]._make()
    assert (name, media) == ("segments.csv", "text/csv")
    assert len(content.splitlines()) == 601
    assert json.loads(files["summary.json"]._make()[2])["verdict"]["shown"] == live.study.verdict.shown


# ------------------------------------------------------------------------------------------------- uploads
def test_an_upload_becomes_the_source_after_update(live, small):
    live._receive(small)
    assert live.form.controls["source"].value == "upload:orders.csv"
    live.form.update.click()
    assert live.work.wait(60)
    assert live.study.params.source == "orders.csv"
    assert str(small.parent) not in json.dumps(live.study.provenance) + live.study.reading.source


def test_an_upload_that_is_no_table_is_refused_in_a_sentence(live, tmp_path):
    file = tmp_path / "picture.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    live._receive(file)
    live.form.update.click()
    assert live.work.wait(60)
    assert "sk-error" in live.form.message.value
    assert str(tmp_path) not in live.form.message.value


# ------------------------------------------------------------------------------------------------- visitors
def test_a_visitor_cannot_name_a_file(small, shown, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n3,4\n")
    view = View(Params(source=str(small)), environ=VISITOR)
    study = view.study
    source = view.form.controls["source"]
    for attack in ({"value": str(secret)}, {"index": 99}, {"_options_labels": [str(secret)], "index": 0}):
        try:
            source.set_state(attack)
        except (TraitError, IndexError):  # refused by the control itself
            continue
        view.form.update.click()
    assert view.work.wait(60)
    assert view._params.source == str(small)
    with pytest.raises(ParameterError, match="nothing else"):
        view._request(view._params.but(source=str(secret)))
    assert view.study.reading.source == study.reading.source


@pytest.mark.parametrize("environ", [VISITOR, {"SERVER_SOFTWARE": "voila/0.5"}, {"VOILA_BASE_URL": "/"}])
def test_voila_means_visitors(environ):
    assert places.in_dashboard(environ)


def test_an_owner_is_no_visitor():
    assert not places.in_dashboard({"PATH": "/bin"})


def test_the_address_sets_what_visitors_may(small, shown):
    view = View(
        Params(source=str(small)), environ=VISITOR | {"QUERY_STRING": "token=x&segments=4&scale=robust"}
    )
    assert (view.study.params.segments, view.study.params.scale) == (4, "robust")
    assert view.form.values["segments"] == 4


@pytest.mark.parametrize(
    "query",
    [
        "source=/etc/passwd",
        "source=sample:nothing&source=/etc/passwd",
        "source=sample:nothing/../../etc/passwd",
        "output=/tmp/x",
        "interactive=false",
        "segments=1",
        "segmets=3",
    ],
)
def test_an_address_that_does_not_fit_is_said_and_not_used(query, small, shown):
    view = View(Params(source=str(small)), environ=VISITOR | {"QUERY_STRING": query})
    assert "The address was not used" in view.form.message.value
    assert view.study.reading.source == "orders.csv"


def test_the_address_of_a_dashboard_may_name_a_sample(small, shown):
    view = View(Params(source=str(small)), environ=VISITOR | {"QUERY_STRING": "source=sample:nothing"})
    assert view.form.message.value == ""
    assert view.form.values["source"] == "sample:nothing"


def test_an_address_means_nothing_to_an_owner(small, shown):
    view = View(Params(source=str(small)), environ={"QUERY_STRING": "segments=4"})
    assert view.study.params.segments == 0


def test_lists_in_an_address():
    assert from_address("features=a,b&exclude=c&exclude=d", Params()).features == ["a", "b"]
    assert from_address("exclude=c&exclude=d", Params()).exclude == ["c", "d"]


def test_a_visitor_does_not_write_to_the_operators_directory(small, shown, tmp_path):
    view = View(Params(source=str(small), output=str(tmp_path / "run")), environ=VISITOR)
    view.save()
    assert not (tmp_path / "run").exists()


def test_a_tab_that_cannot_be_shown_says_so_and_is_tried_again(small, shown, monkeypatch):
    board = Dashboard(Params(source=str(small), segments=3), environ={})
    assert board.work.wait(120)
    board._arrive("a=1")
    with monkeypatch.context() as broken:
        broken.setattr(room.late, "panel", lambda *_, **__: {}["nothing"])
        board._tabs.selected_index = 1
        (said,) = board._pages[1].children
        assert "This cannot be shown" in said.value
        assert "That did not work" in board._form.message.value
    board._look(1)
    assert len(board._pages[1].children) > 1
