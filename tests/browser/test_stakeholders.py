"""The dashboard for people who do not write code: every tab, its files, its address, and how it ends."""

from __future__ import annotations

import io
import json
import signal

import pandas as pd
import psutil
import pytest

from segkit.widgets.dashboard import TABS
from segkit.widgets.files import EXPORTS
from tests.browser import live
from tests.browser.test_dashboard import own_errors

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("dashboard", ["05-dashboard"], indirect=True)]


def open_page(page, address, query=""):
    page.goto(address + query)
    page.locator(".js-plotly-plot").first.wait_for()
    live.settled(page)


def tab(page, name):
    page.get_by_role("tab", name=name, exact=True).click()
    page.get_by_role("tab", name=name, exact=True, selected=True).wait_for()
    page.locator(".sk-tabpage:visible .sk-panel").first.wait_for()
    page.wait_for_timeout(1_000)


def test_every_tab_shows_its_panels_and_nothing_grave_is_found(patient, dashboard):
    open_page(patient, dashboard)
    wrong = {}
    for name in TABS:
        tab(patient, name)
        assert patient.locator(".sk-tabpage:visible").inner_text().strip()
        assert not patient.locator(".sk-tabpage:visible .sk-skeleton").count()
        part = None if name == next(iter(TABS)) else patient.locator(".sk-tabpage:visible").element_handle()
        if found := live.findings(patient, part):
            wrong[name] = found
    assert not wrong, json.dumps(wrong, indent=1)
    assert not own_errors(patient)
    too_wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    for width in (1440, 1024, 390):
        patient.set_viewport_size({"width": width, "height": 900})
        assert not patient.evaluate(too_wide), width
    assert patient.get_by_role("tablist").bounding_box()["y"] < 480  # the answer and the tabs fit a phone
    tops = [one.bounding_box()["y"] for one in patient.locator(".sk-facts > div").all()]
    assert all(tops.count(top) > 1 for top in tops), "a key figure stands alone in its row"


def test_a_slider_says_its_name_and_the_words_beside_it(patient, dashboard):
    open_page(patient, dashboard, "&segments=3")
    slider = patient.get_by_role("slider", name="Segments").first
    assert slider.get_attribute("aria-valuetext") == "3"
    slider.press("ArrowRight")
    said = "document.querySelector('[role=slider]').getAttribute('aria-valuetext')"
    patient.wait_for_function(f"{said} === '4'")


@pytest.mark.slow
def test_changes_stand_in_the_address_and_a_reload_brings_them_back(patient, dashboard):
    open_page(patient, dashboard)
    live.slide(patient, 3)
    patient.wait_for_url("**segments=3**")
    patient.locator(".sk-field-segments.sk-is-changed").wait_for()
    patient.reload()
    patient.get_by_text("You asked for three segments").or_(
        patient.get_by_text("hree groups")
    ).first.wait_for()
    live.settled(patient)
    assert patient.locator(".sk-field-segments .widget-readout").inner_text() == "3"
    patient.get_by_role("button", name="Reset", exact=True).click()
    patient.wait_for_function("!location.search.includes('segments')")
    live.settled(patient)
    assert not patient.locator(".sk-is-changed").count()
    assert not own_errors(patient)


@pytest.mark.slow
def test_customers_are_sorted_filtered_and_looked_up(patient, dashboard):
    open_page(patient, dashboard, "&segments=3")
    tab(patient, "Customers")
    rows = patient.locator(".sk-grid-panel tbody tr")
    rows.first.wait_for()
    assert rows.count() == 15
    patient.locator(".sk-grid-panel input[type=search]").fill("C000007")
    patient.get_by_text("1 to 1 of 1 customers").wait_for()
    patient.locator(".sk-grid-panel input[type=search]").fill("")
    patient.get_by_label("Id begins with").fill("C00999")
    patient.get_by_label("Id begins with").press("Enter")
    patient.get_by_role("heading", name="10 customers").wait_for()
    assert rows.first.locator("td").first.inner_text().startswith("C00999")


PLACE = """() => {
  const plot = document.querySelector(".sk-panel-map .js-plotly-plot"), { xaxis, yaxis } = plot._fullLayout;
  const { left, top } = plot.getBoundingClientRect(), { x, y, customdata } = plot.data.at(-1);
  return [left + xaxis._offset + xaxis.l2p(x[0]), top + yaxis._offset + yaxis.l2p(y[0]), customdata[0][0]];
}"""  # of the customer drawn last: nobody lies above


@pytest.mark.slow
def test_customers_clicked_on_the_map_stand_beside_it(patient, dashboard):
    open_page(patient, dashboard, "&segments=3")
    tab(patient, "Map")
    patient.locator(".sk-panel-map .js-plotly-plot .main-svg").first.wait_for()
    x, y, who = patient.evaluate(PLACE)
    patient.mouse.move(x, y)
    patient.wait_for_timeout(500)
    patient.mouse.click(x, y)
    patient.get_by_role("heading", name="1 selected").wait_for()
    assert patient.locator(".sk-tabpage:visible .sk-w4 tbody th").first.inner_text() == who


@pytest.mark.slow
def test_every_export_comes_and_says_the_same(patient, dashboard):
    open_page(patient, dashboard, "&segments=4")
    tab(patient, "Download")
    files = {}
    for name in EXPORTS:
        with patient.expect_download() as coming:
            patient.get_by_role("button", name=f"Download {name}", exact=True).click()
        files[name] = coming.value.path().read_bytes()
    told = json.loads(files["summary.json"])
    assert told["verdict"]["shown"] == 4
    assert len(pd.read_csv(io.BytesIO(files["segments.csv"]))) == told["customers"]["all"]
    assert len(pd.read_parquet(io.BytesIO(files["segments.parquet"]))) == told["customers"]["all"]
    assert (
        len(pd.read_excel(io.BytesIO(files["study.xlsx"]), sheet_name="Customers"))
        == told["customers"]["all"]
    )
    assert told["text"]["headline"][:20] in files["study.md"].decode().replace("\\", "")
    assert files["model.sql"].strip().endswith(b";")
    patient.get_by_role("button", name="Run report").first.click()
    with patient.expect_download(timeout=240_000) as coming:
        patient.get_by_role("button", name="Download the report").click(timeout=240_000)
    assert told["text"]["headline"] in coming.value.path().read_text(encoding="utf-8")


def to_kernels(what):
    """Send a signal to every kernel."""
    children = psutil.Process().children(recursive=True)
    kernels = [child for child in children if any("ipykernel" in part for part in child.cmdline())]
    assert kernels
    for kernel in kernels:
        kernel.send_signal(what)


@pytest.mark.slow
def test_a_kernel_that_was_only_slow_takes_back_that_the_session_ended(patient, dashboard):
    open_page(patient, dashboard)
    ended = patient.get_by_role("alert").get_by_text("Session ended. Reload the page")
    to_kernels(signal.SIGSTOP)
    ended.wait_for(timeout=60_000)
    to_kernels(signal.SIGCONT)
    ended.wait_for(state="detached", timeout=60_000)


@pytest.mark.slow
def test_a_page_whose_kernel_died_says_so(patient, dashboard, request):
    open_page(patient, dashboard)
    to_kernels(signal.SIGKILL)
    patient.get_by_role("alert").get_by_text("Session ended. Reload the page").wait_for(timeout=60_000)
    patient.get_by_role("button", name="Reload").click()
    patient.locator(".js-plotly-plot").first.wait_for()
