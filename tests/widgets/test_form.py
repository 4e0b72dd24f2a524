"""The controls are the parameters, and nothing more."""

from __future__ import annotations

import ipywidgets as widgets
import pytest

from segkit.panels.panel import Markup, tag
from segkit.params import KINDS, Params
from segkit.widgets.form import Form, Shown, control

FIELDS = {field.name: field for field in Params.fields()}


@pytest.fixture
def calls():
    return []


def make(calls, params=None, *, closed=False):
    return Form(
        params or Params(),
        sources={"sample:retail": "Sample: retail", "sample:nothing": "Sample: nothing"},
        closed=closed,
        on_change=lambda: calls.append(form_values(calls)),
        wrap=lambda call: call,
    )


def form_values(calls):
    return len(calls)


@pytest.mark.parametrize("name", [name for name, field in FIELDS.items() if not field.run])
def test_every_field_of_the_study_has_a_control_that_starts_at_its_default(name, calls):
    form = make(calls)
    assert form.values[name] == FIELDS[name].default
    assert form.controls[name].description == FIELDS[name].label
    assert form.controls[name].tooltip.lower().rstrip(".") == FIELDS[name].help.lower()


def test_run_fields_have_no_control(calls):
    assert not {field.name for field in FIELDS.values() if field.run} & set(make(calls).controls)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("impute", widgets.Dropdown),
        ("segments", widgets.SelectionSlider),
        ("max_segments", widgets.IntSlider),
        ("seed", widgets.BoundedIntText),
        ("features", widgets.SelectMultiple),
        ("currency", widgets.Text),
        ("customer_id", widgets.Dropdown),
    ],
)
def test_bounds_and_choices_make_the_control(name, kind):
    assert type(control(FIELDS[name], FIELDS[name].default)) is kind


def test_bounds_choices_and_k_are_those_of_the_parameters():
    slider = control(FIELDS["max_segments"], 12)
    assert (slider.min, slider.max) == (FIELDS["max_segments"].low, FIELDS["max_segments"].high)
    assert control(FIELDS["scale"], "none").options == FIELDS["scale"].choices
    assert control(FIELDS["segments"], 0).options == (("Auto", 0), *((str(k), k) for k in range(2, 21)))


def test_a_change_of_preparation_calls_at_once_and_one_of_columns_waits_for_update(calls):
    form = make(calls)
    form.controls["scale"].value = "robust"
    assert len(calls) == 1
    assert form.values["scale"] == "robust"
    form.found(["spend", "visits"])
    form.controls["features"].value = ("spend",)
    assert len(calls) == 1
    assert form.values["features"] == []
    assert not form.update.disabled
    form.update.click()
    assert len(calls) == 2
    assert form.values["features"] == ["spend"]
    assert form.update.disabled


def test_found_columns_are_offered_and_chosen_ones_kept(calls):
    form = make(calls, Params(features=["visits"], value="spend"))
    form.found(["id", "spend", "visits"])
    assert form.controls["features"].options == ("id", "spend", "visits")
    assert form.controls["features"].value == ("visits",)
    assert form.controls["value"].value == "spend"
    assert [value for _, value in form.controls["customer_id"].options] == [
        "auto",
        "",
        "id",
        "spend",
        "visits",
    ]
    assert not calls


def test_columns_found_leave_all_other_controls_alone(calls):
    """They are found in another thread, while somebody may be moving a slider."""
    form, touched = make(calls), []
    for name, made in form.controls.items():
        made.observe(lambda _, name=name: touched.append(name), names=("value", "options"))
    form.found(["spend", "visits"])
    assert set(touched) == {
        "customer_id",
        "value",
        "labels",
        "features",
        "exclude",
        "numbers",
        "categories",
        "sensitive",
        "by",
    }
    touched.clear()
    form.found(["spend", "visits"])
    assert not touched


def test_another_source_lets_go_of_the_columns_of_the_one_before(calls):
    form = make(calls, Params(features=["visits"], value="spend"))
    form.controls["source"].value = "sample:nothing"
    form.update.click()
    assert form.values["source"] == "sample:nothing"
    assert form.values["features"] == []
    assert form.values["value"] == ""


def test_reset_goes_back_to_the_start(calls):
    form = make(calls, Params(segments=3))
    form.controls["segments"].value = 5
    form.reset.click()
    assert form.values == Params(segments=3).study_dump()
    assert len(calls) == 2


def test_only_an_operator_types_a_source(calls):
    assert isinstance(make(calls).controls["source"], widgets.Combobox)
    closed = make(calls, closed=True).controls["source"]
    assert isinstance(closed, widgets.Dropdown)
    with pytest.raises(Exception, match="selection"):
        closed.value = "/etc/passwd"


def test_an_offered_source_waits_for_update(calls):
    form = make(calls, closed=True)
    form.offer({"sample:retail": "Sample: retail", "upload:a.csv": "a.csv"}, "upload:a.csv")
    assert form.values["source"] == "sample:retail"
    assert not calls
    form.update.click()
    assert form.values["source"] == "upload:a.csv"


def test_shown_believes_markup_only():
    shown = Shown("<b>1</b>")
    assert shown.value == "&lt;b&gt;1&lt;/b&gt;"
    shown.value = tag("b", "<i>")
    assert shown.value == "<b>&lt;i&gt;</b>"
    shown.set_state({"value": "<script>x</script>"})  # as a page would send it
    assert "<script>" not in shown.value


def test_messages_are_text_and_are_announced(calls):
    form = make(calls)
    form.complain('<img src=x onerror="alert(1)">')
    assert "<img" not in form.message.value
    assert 'role="alert"' in form.message.value
    form.complain("")
    assert form.message.value == Markup("")
    form.say("Working on it.", busy=True)
    assert 'role="status"' in form.status.value


@pytest.mark.parametrize("kind", sorted(set(KINDS.values()), key=str))
def test_every_kind_of_study_has_a_form(kind, calls):
    form = make(calls, kind())
    assert set(form.controls) == {field.name for field in kind.fields() if not field.run}
    assert form.values == kind().study_dump()
