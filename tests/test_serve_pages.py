"""What the server answers besides notebooks."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import re
import shutil
import socket
import sys
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest
from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError

from segkit import runs
from segkit.serve import pages, reports
from segkit.serve.kernels import Kernels
from tests.browser import live
from tests.conftest import Spawned

TOKEN = "a-token-for-tests"
SECRET = "a-planted-secret"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with one complete run whose report says little, and a secret beside the folder."""
    place = tmp_path_factory.mktemp("served") / "reports"
    with runs.begin(place, "shop") as run:
        summary = {
            "text": {"headline": "Two <groups> of customers."},
            "verdict": {"level": "clear"},
            "parameters": {"seed": 0},
            "reading": {"source": "/secret/place/shop.csv"},
            "provenance": {"segkit": "1"},
            "run": {"made": "2026-01-02T03:04:05+00:00", "versions": {}},
        }
        (run.path / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
        (run.path / "report.html").write_text("<!doctype html><p>The report.</p>", encoding="utf-8")
        run.publish("shop-1", notebook="01-segment-customers")
    (place.parent / "secret.txt").write_text(SECRET, encoding="utf-8")
    (place / ".env").write_text(SECRET, encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def server(folder, free_port_of_module):
    """Serve all of segkit, without a kernel at the ready and with room for none."""
    code = "from segkit.serve import kernels, serve; kernels.Kernels._room = lambda _: 0; "
    code += f"serve(port={free_port_of_module}, base_url='/shop')"
    env = {**os.environ, "SEGKIT_TOKEN": TOKEN, "SEGKIT_REPORTS": str(folder), "SEGKIT_PREHEAT": "0"}
    served = Spawned([sys.executable, "-c", code], folder.parent / "serve.log", env=env)
    served.wait_until(re.compile(r"segkit is at (\S+)"), 120)
    yield served, str(served.match[1]).partition("?")[0]
    served.stop()


@pytest.fixture(scope="module")
def free_port_of_module():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(address, token=TOKEN):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"Authorization": f"token {token}"} if token else {}
    try:
        with opener.open(urllib.request.Request(address, headers=headers), timeout=60) as answer:
            return answer.status, answer.read().decode(), answer.headers, answer.url
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers, address


def test_the_first_page_lists_notebooks_and_reports_and_nothing_of_where_they_lie(server):
    status, page, headers, _ = get(server[1])
    assert status == 200
    assert 'href="/shop/open/05-dashboard"' in page
    assert 'href="/shop/report/shop-1"' in page
    assert "Two &lt;groups&gt; of customers." in page
    assert "Clear structure" in page
    assert "shop.csv" in page
    assert "/secret/place" not in page
    assert (headers["X-Content-Type-Options"], headers["Server"]) == ("nosniff", None)
    assert headers["Access-Control-Allow-Origin"] is None
    assert len(headers["X-Request-Id"]) == 12


def test_a_report_has_an_origin_of_its_own(server):
    status, page, headers, _ = get(server[1] + "report/shop-1")
    assert (status, page) == (200, "<!doctype html><p>The report.</p>")
    assert "sandbox allow-scripts" in headers["Content-Security-Policy"]
    assert "allow-same-origin" not in headers["Content-Security-Policy"]


def test_health_and_figures(server):
    assert json.loads(get(server[1] + "healthz")[1]) == {"status": "ok"}
    _, text, _, _ = get(server[1] + "metrics")
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert (figures["segkit_kernels"], figures["segkit_kernels_limit"], figures["segkit_runs"]) == (
        "0.0",
        "8.0",
        "1.0",
    )


@pytest.mark.parametrize(
    "path",
    ["", "healthz", "metrics", "report/shop-1", "open/05-dashboard", "nothing", "voila/files/secret.txt"],
)
def test_nothing_answers_without_the_token(server, path):
    status, page, _, landed = get(server[1] + path, token="")
    assert status in (403, 404) or "/login" in landed
    assert SECRET not in page
    assert "The report." not in page
    assert "05-dashboard" not in page.replace("next=%2Fshop%2Fopen%2F05-dashboard", "")


@pytest.mark.parametrize(
    "path",
    [
        "report/..%2Fsecret.txt",
        "report/.env",
        "report/%2e%2e",
        "report/shop-1%00",
        "report/shop-1%2Fsummary.json",
        "report/shop-2",
        "voila/files/%2e%2e/secret.txt",
        "open/..%2F..%2Fsecret",
        "nothing/at/all",
        "voila/templates/segkit/static/../../secret.txt",
        "voila/templates/segkit/static/",
        "voila/templates/segkit/other/x.css",
        "voila/templates//static/x.css",
        "voila/templates/segkit/static/a%00.css",
        "voila/templates/x",
    ],
)
def test_other_addresses_are_no_pages(server, path):
    status, page, _, _ = get(server[1] + path)
    assert status in (400, 403, 404)
    assert SECRET not in page
    assert "Traceback" not in page


def test_beyond_the_cap_a_visitor_gets_a_page_that_says_so(server):
    status, page, headers, _ = get(server[1] + "open/05-dashboard")
    assert (status, headers["Retry-After"]) == (503, "30")
    assert "Everything is busy" in page
    assert ":root" in page  # with its own look, for it can load nothing
    assert "write_error" not in server[0].text


def test_the_log_is_json_and_holds_nothing_a_visitor_sent(server):
    get(server[1] + "nothing?name=alice@example.org")
    lines = [line for line in server[0].text.splitlines() if line.startswith("{")]
    assert {"route", "status", "request", "ms"} <= set(json.loads(lines[-1]))
    assert "alice" not in server[0].text
    assert TOKEN not in "".join(lines)


def test_what_is_text_comes_compressed(server):
    whole = get(server[1] + "voila/static/plotly.min.js")[1].encode()
    headers = {"Authorization": f"token {TOKEN}", "Accept-Encoding": "gzip"}
    for path, part in {"voila/static/plotly.min.js": 0.4, "": 0.6}.items():
        asked = urllib.request.Request(server[1] + path, headers=headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            content = answer.read()
            assert answer.headers["Content-Encoding"] == "gzip"
            assert len(content) < part * len(gzip.decompress(content))
    headers = {"Authorization": f"token {TOKEN}", "Range": "bytes=5-9"}
    asked = urllib.request.Request(server[1] + "voila/static/plotly.min.js", headers=headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert (answer.status, answer.read()) == (206, whole[5:10])


def test_a_report_that_was_changed_is_not_shown(folder, tmp_path):
    copy = tmp_path / "reports"
    shutil.copytree(folder, copy)
    assert reports.page(copy, "shop-1")
    (copy / "shop-1" / "report.html").write_text("another", encoding="utf-8")
    assert reports.page(copy, "shop-1") is None


def test_a_report_that_lies_elsewhere_is_not_shown(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder / "shop-1")
    assert reports.page(tmp_path, "link") is None


def test_beyond_the_cap_nobody_gets_a_kernel():
    async def ask():
        kernels = Kernels(most=1)
        kernels.looked.stop()
        kernels.starting = 1
        with pytest.raises(HTTPError) as refused:
            await kernels.start_kernel()
        return refused.value.status_code, kernels.refused

    assert asyncio.run(ask()) == (503, 1)


def test_of_others_messages_the_log_keeps_the_form_only():
    error = ValueError("alice@example.org")
    about = (type(error), error, None)
    record = logging.LogRecord("tornado", logging.ERROR, "", 0, "failed for %s", ("alice",), about)
    line = json.loads(pages._Lines().format(record))
    assert (line["message"], "alice" in json.dumps(line)) == ("failed for %s", False)
    assert line["trace"] == "ValueError"


def test_busy_answers_say_when_to_come_again():
    request = SimpleNamespace()
    _, headers, _ = pages.Marked(request).transform_first_chunk(503, HTTPHeaders({"Server": "x"}), b"", True)
    assert (headers["Retry-After"], "Server" in headers) == ("30", False)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_pages_around_are_for_everybody_and_fit(server, page, width):
    page.set_viewport_size({"width": width, "height": 900})
    for path, said in {
        "login?next=/shop/": "This page asks for its token.",
        f"?token={TOKEN}": "Customer segments you can trust",
        "nothing": "There is no such page.",
        "open/05-dashboard": "Everything is busy at the moment.",
    }.items():
        page.goto(server[1] + path)
        assert page.get_by_role("heading", level=1).inner_text() == said
        assert not live.findings(page), path
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.get_by_role("link", name="segkit").click()
    assert (
        page.get_by_role("link", name="Open the dashboard").get_attribute("href") == "/shop/open/05-dashboard"
    )
