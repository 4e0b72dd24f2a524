"""Several people at once, each with data of their own: nobody sees another's, and nothing is left behind."""

from __future__ import annotations

import itertools
import os
import re
import socket
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from segkit.data import samples
from segkit.serve import kernels as room
from tests.browser import live
from tests.browser.conftest import TOKEN
from tests.conftest import Spawned

pytestmark = pytest.mark.browser
POOL, SPARE = 1, 2
TABS = ("Customers", "Map", "Quality", "Download", "Overview")


@pytest.fixture
def serving(tmp_path):
    """Return a function that serves the dashboard to so many; it returns the address."""
    started = []

    def start(most):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        code = f"from segkit.serve import serve; serve(port={port}, notebook='05-dashboard')"
        env = {
            **os.environ,
            "SEGKIT_TOKEN": TOKEN,
            "SEGKIT_PREHEAT": str(POOL),
            "SEGKIT_MAX_KERNELS": str(most),
        }
        started.append(Spawned([sys.executable, "-c", code], tmp_path / "serve.log", env=env))
        started[0].wait_until(re.compile(r"segkit is at (\S+)"), 120)
        return str(started[0].match[1])

    yield start
    for server in started:
        server.stop()


def kernels(address):
    """Return how many kernels run."""
    with urllib.request.urlopen(address.replace("?", "metrics?"), timeout=60) as answer:
        return int(float(re.search(r"^segkit_kernels (\S+)$", answer.read().decode(), re.MULTILINE)[1]))


def back_to_the_pool(address, seconds):
    """Return after how many seconds no more kernels run than wait for visitors."""
    begun = time.monotonic()
    while kernels(address) > POOL:
        assert time.monotonic() - begun < seconds, kernels(address)
        time.sleep(1)
    return time.monotonic() - begun


class Person:
    """A page of one's own, with a data set whose ids and one column say whose it is."""

    def __init__(self, browser, address, number, folder):
        self.canary = f"CANARY{number}X"
        file = folder / f"{self.canary}.csv"
        table = samples.retail(300, seed=number).rename(columns={"orders": f"orders_{self.canary}"})
        table["customer_id"] = [f"{self.canary}-{row:04d}" for row in range(300)]
        table.to_csv(file, index=False)
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.page, self.frames = self.context.new_page(), []
        self.page.set_default_timeout(live.PATIENCE)
        self.page.on("websocket", lambda opened: opened.on("framereceived", self.keep))
        self.page.goto(address, timeout=live.PATIENCE)
        live.settled(self.page)
        self.page.locator("input[type=file]").first.set_input_files(file)
        self.page.get_by_text("is here.").wait_for()
        self.page.get_by_role("button", name="Update", exact=True).click()
        self.page.locator(".sk-crumb b").get_by_text(self.canary.lower()).wait_for()

    def keep(self, frame):
        """Remember whose data came."""
        self.frames += re.findall(
            r"CANARY\d+X", frame if isinstance(frame, str) else frame.decode("latin-1"), re.IGNORECASE
        )

    def does(self, turn):
        """Look at a tab, and sometimes ask for another number of segments."""
        self.page.get_by_role("tab", name=TABS[turn % len(TABS)], exact=True).click()
        if turn % len(TABS) == 0:
            self.page.get_by_role("slider", name="Segments").first.press("ArrowRight")
        self.page.wait_for_timeout(300)

    def seen(self):
        """Return whose data stand on the page or came to it."""
        found = re.findall(r"CANARY\d+X", self.page.content(), re.IGNORECASE)
        assert found, "not even its own"
        return {one.upper() for one in [*found, *self.frames]}


@pytest.mark.parametrize(("people", "seconds"), [(3, 30), pytest.param(10, 600, marks=pytest.mark.slow)])
def test_nobody_sees_another_s_data_and_all_kernels_go(people, seconds, serving, browser, tmp_path):
    most = people + SPARE
    address = serving(most)
    crowd, counts = [Person(browser, address, number, tmp_path) for number in range(people)], []
    end = time.monotonic() + seconds
    for turn in itertools.count():
        for person in crowd:
            person.does(turn)
        counts.append(kernels(address))
        if time.monotonic() > end:
            break
    assert [person.seen() for person in crowd] == [{person.canary} for person in crowd]
    assert people <= max(counts) <= most
    for person in crowd:
        person.context.close()
    back_to_the_pool(address, 60)


@pytest.mark.slow
def test_bare_requests_leave_no_kernel_behind(serving):
    address = serving(4)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: status(address), range(200)))
    assert set(answers) <= {200, 503}
    assert 200 in answers
    assert kernels(address) <= 4
    back_to_the_pool(address, room.ALONE_SECONDS + 4 * room.LOOK_SECONDS)


def status(address):
    try:
        with urllib.request.urlopen(address, timeout=240) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
