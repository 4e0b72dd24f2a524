"""Failures in cells, callbacks and threads of a real page: a sentence each, and nothing of what failed."""

from __future__ import annotations

import html
import importlib
import json
import operator
import os
import re
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from segkit.data import samples
from tests.browser import live, sabotage
from tests.browser.conftest import NOTEBOOK, TOKEN
from tests.conftest import ROOT, Spawned

pytestmark = pytest.mark.browser
THREADS = (  # steps of a study, made off the page's own thread
    "segkit.data.source:load", "segkit.data.columns:describe", "segkit.data.quality:check",
    "segkit.segments.measure:measure", "segkit.segments.sweep:sweep", "segkit.segments.verdict:decide",
    "segkit.segments.map:project", "segkit.insight.profile:profile", "segkit.insight.drivers:drivers",
    "segkit.insight.rules:rules", "segkit.insight.actions:recommend",
    "segkit.insight.words.summary:summarise",
)  # fmt: skip
PANELS, CELL = "segkit.panels.builders:build", "segkit.kinds:carry_out"
MARK = "segkit.widgets.form:Form.mark"  # in a cell before anything could be said on the page
CALLBACKS = {  # what is pressed, and what then fails
    "Dark": PANELS,
    "Reset": MARK,
    "Download segments.csv": "segkit.runs:save",
    "Download study.xlsx": "segkit.delivery:deliver",
    "Save as parameters": "segkit.params:Kind.to_yaml",
    "Load parameters": "segkit.plain:read",
    "Upload a file": "segkit.widgets.transfer:Private.keep",
    "Run report": "segkit.widgets.files:Batch.run",  # in a thread
}
kinds = pytest.mark.parametrize(
    "kind", ["value", *(pytest.param(kind, marks=pytest.mark.slow) for kind in list(sabotage.KINDS)[1:])]
)
SAID = re.compile(r"error [0-9A-F]{4}-[0-9A-F]{2}")


@pytest.fixture(scope="module")
def served(request, tmp_path_factory):
    """Serve a notebook that reads a small file, in kernels that fail where they are told to."""
    place = tmp_path_factory.mktemp("failing")
    samples.retail(300, seed=3).to_csv(place / "customers.csv", index=False)
    book = place / f"{request.param}.ipynb"
    text = (NOTEBOOK.parent / book.name).read_text(encoding="utf-8")
    book.write_text(text.replace("sample:retail", str(place / "customers.csv")), encoding="utf-8")
    (place / "sitecustomize.py").write_text(Path(sabotage.__file__).read_text(encoding="utf-8"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = json.dumps([*THREADS, *CALLBACKS.values(), CELL])
    env = {**os.environ, "SEGKIT_TOKEN": TOKEN, "SEGKIT_PREHEAT": "0", "SEGKIT_MAX_KERNELS": "30",
           "PYTHONPATH": str(place), "PYTHONSABOTAGE": str(place / "told.json"),
           "PYTHONSABOTAGE_PLACES": places}  # fmt: skip
    code = f"from segkit.serve import serve; serve(port={port}, notebook={str(book)!r})"
    fails = Fails(place)
    server = Spawned([sys.executable, "-c", code], place / "serve.log", env=env)
    try:
        server.wait_until(re.compile(r"segkit is at (\S+)"), 120)
        yield str(server.match[1]), fails
    finally:
        server.stop()
    assert sabotage.VALUE not in server.text
    assert sabotage.PATH not in server.text


class Fails:
    """What fails at the moment."""

    def __init__(self, place):
        self.place, self.told, self.done = place, place / "told.json", place / "told.json.done"
        self.at("")

    def at(self, place, kind="value"):
        """Let a function fail; nothing, for no place."""
        self.done.write_text("")
        self.told.write_text(json.dumps({"place": place, "kind": kind}))

    @property
    def times(self):
        """How often it has failed since."""
        return len(self.done.read_text().splitlines())

    def wait(self, page):
        """Wait until it has failed."""
        end = time.monotonic() + 60
        while not self.times:
            assert time.monotonic() < end, self.told.read_text()
            page.wait_for_timeout(100)


def hidden(fails):
    """Return what must not be on a page."""
    return sabotage.VALUE, sabotage.PATH, "Traceback", "site-packages", str(ROOT), str(fails.place)


def says_nothing(page, fails):
    """Look for what failed on the page and in its console."""
    all_of_it = "\n".join([page.content(), *page.errors])
    for secret in hidden(fails):
        at = all_of_it.find(secret)
        assert at < 0, f"{secret} in {all_of_it[max(0, at - 300) : at + 300]}"


def opened(page, address):
    page.goto(address)
    page.locator("[data-sk-panel=facts]").wait_for(timeout=live.PATIENCE)
    live.settled(page)


def pressed(page, name):
    page.get_by_role("button", name=name, exact=True, include_hidden=True).first.dispatch_event("click")


@pytest.mark.parametrize("place", [*THREADS, *CALLBACKS.values(), CELL])
def test_a_place_is_where_its_function_is_made(place):
    module, _, name = place.partition(":")
    function = operator.attrgetter(name)(importlib.import_module(module))
    assert (function.__module__, function.__qualname__) == (module, name)


@pytest.mark.parametrize("served", ["05-dashboard"], indirect=True)
@kinds
def test_failures_in_a_thread_are_a_sentence(kind, patient, served):
    page = patient
    address, fails = served
    fails.at("")
    opened(page, address)
    for place in THREADS:
        fails.at(place, kind)
        pressed(page, "Clear my data now")  # and everything is made anew
        fails.wait(page)
        page.get_by_role("status").get_by_text("Not updated.").first.wait_for()
        page.get_by_role("alert").get_by_text(SAID).first.wait_for()
        assert fails.times == 1, place
        says_nothing(page, fails)
    fails.at("")
    pressed(page, "Clear my data now")
    live.settled(page)
    assert not page.get_by_role("alert").count()


@pytest.mark.parametrize("served", ["05-dashboard"], indirect=True)
def test_failures_in_a_callback_are_a_sentence(patient, served, tmp_path):
    page = patient
    address, fails = served
    recipe, table = tmp_path / "a.yml", tmp_path / "a.csv"
    recipe.write_text("segments: 3\n")
    samples.retail(300).to_csv(table, index=False)
    files = {"Load parameters": recipe, "Upload a file": table}
    fails.at("")
    opened(page, address)
    page.get_by_role("tab", name="Download", exact=True).click()
    page.get_by_role("button", name="Download study.xlsx").wait_for()
    for number, (name, place) in enumerate(CALLBACKS.items()):
        fails.at(place, list(sabotage.KINDS)[number % len(sabotage.KINDS)])
        if name in files:
            kind = files[name].suffix
            page.locator(f"input[type=file][accept*='{kind}']").first.set_input_files(files[name])
        else:
            pressed(page, name)
        fails.wait(page)
        alert = page.get_by_role("alert").get_by_text(SAID).first
        alert.wait_for()
        assert fails.times >= 1, name
        says_nothing(page, fails)
        fails.at("")
        pressed(page, "Clear my data now")
        alert.wait_for(state="detached")
        live.settled(page)


@pytest.mark.parametrize("served", ["01-segment-customers"], indirect=True)
@pytest.mark.parametrize("place", [PANELS, CELL, MARK])
@kinds
def test_failures_in_a_cell_are_a_sentence(kind, place, served):
    """The page as the server writes it: cells are run before it is sent."""
    address, fails = served
    fails.at(place, kind)
    with urllib.request.urlopen(address, timeout=240) as answer:
        page = html.unescape(answer.read().decode())
    assert fails.times >= 1
    # What is caught later is said by a widget, which the server does not write.
    assert bool(SAID.search(page)) == (place == MARK)
    for secret in hidden(fails):
        assert secret not in page


FIRST = {  # a cell, and whether its kernel can still say itself what went wrong
    "group": f"raise ExceptionGroup({sabotage.WORDS!r}, [ValueError({sabotage.WORDS!r})])",
    "any group": f"raise BaseExceptionGroup({sabotage.WORDS!r}, [KeyboardInterrupt()])",
    "value": f"raise ValueError({sabotage.WORDS!r})",
    "no module": "import nothing_of_this_name",
    "no python": f"{sabotage.PATH!r} {sabotage.VALUE!r} (",
    "exit": f"raise SystemExit({sabotage.WORDS!r})",
    "dead": "import os; os._exit(1)",
}


@pytest.mark.parametrize("served", ["05-dashboard"], indirect=True)
@pytest.mark.parametrize("cell", FIRST)
def test_a_failure_in_the_very_first_cell_is_a_sentence(cell, served, patient):
    page = patient
    address, fails = served
    fails.at("")
    book = fails.place / "05-dashboard.ipynb"
    kept = book.read_text(encoding="utf-8")
    notebook = json.loads(kept)
    notebook["cells"].insert(0, {**notebook["cells"][-1], "id": "first", "source": FIRST[cell]})
    book.write_text(json.dumps(notebook), encoding="utf-8")
    try:
        page.goto(address)
        page.get_by_role("alert").get_by_text(re.compile(r"error [0-9A-Fa-f]{4}")).wait_for()
    finally:
        book.write_text(kept, encoding="utf-8")
    assert page.get_by_role("alert").count() == 1
    says_nothing(page, fails)
