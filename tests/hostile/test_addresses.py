"""A thousand hostile addresses: nothing is read, nothing is told, nothing answers without the token."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest

from segkit import runs
from segkit.data import samples
from segkit.errors import ParameterError
from segkit.params import Params
from segkit.serve import reports
from segkit.widgets.address import from_address
from tests.conftest import Spawned
from tests.hostile.addresses import addresses, sources

TOKEN, SECRET = "a-token-for-tests", b"a-planted-secret"
OFFERED = ["sample:retail", *(f"sample:{name}" for name in samples.NAMES)]
CLOSED = {302, 400, 403, 404, 405}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Return a file with a secret, and beside it a folder of reports with links to it."""
    place = tmp_path_factory.mktemp("planted")
    secret = place / "secret.txt"
    secret.write_bytes(b"id,spend\n" + SECRET + b",1\nb,2\n")
    with runs.begin(place / "reports", "shop") as run:
        about = {"text": {"headline": "x"}, "verdict": {"level": "clear"}, "reading": {"source": "x"},
                 "run": {"made": "2026-01-02T03:04:05+00:00", "versions": {}}, "parameters": {"seed": 0},
                 "provenance": {"segkit": "1"}}  # fmt: skip
        (run.path / "summary.json").write_bytes(json.dumps(about | {"told": SECRET.decode()}).encode())
        (run.path / "report.html").write_text("<!doctype html><p>The report.</p>")
        run.publish("shop-1", notebook="01-segment-customers")
    (place / "reports" / ".env").write_bytes(SECRET)
    (place / "reports" / "link.txt").symlink_to(secret)
    (place / "reports" / "linked").symlink_to(place)
    old = time.time() - 100_000
    os.utime(secret, (old, old + 1))  # the next one to read it leaves a later time of access
    return secret


def serve(planted, *, room):
    """Start all of segkit in the folder of the secret; without `room` there is no kernel to be had."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    full = "" if room else "kernels.Kernels._room = lambda _: 0; "
    code = f"from segkit.serve import kernels, serve; {full}serve(port={port})"
    env = {**os.environ, "SEGKIT_TOKEN": TOKEN, "SEGKIT_PREHEAT": "0", "SEGKIT_MAX_KERNELS": "12"}
    server = Spawned([sys.executable, "-c", code], planted.parent / "serve.log", env=env, cwd=planted.parent)
    server.wait_until(re.compile(r"segkit is at"), 120)
    return server, port


@pytest.fixture(scope="module")
def full(planted):
    server, port = serve(planted, room=False)
    yield server, port
    server.stop()


class Raw(HTTPConnection):
    """Sends an address as it is."""

    def _validate_path(self, url):
        pass


def ask(port, address, token=TOKEN):
    """Return status and body; a connection that is closed at once counts as a refusal."""
    connection = Raw("127.0.0.1", port, timeout=240)
    headers = {"Authorization": f"token {token}"} if token else {}
    try:
        connection.request("GET", f"/{address}", headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def was_read(file):
    found = file.stat()
    return found.st_atime > found.st_mtime


def test_it_would_be_seen_if_a_file_were_read(planted, tmp_path):
    other = tmp_path / "other.txt"
    other.write_bytes(planted.read_bytes())
    os.utime(planted, (planted.stat().st_mtime - 1, planted.stat().st_mtime))
    os.utime(other, (time.time() - 100_000, time.time() - 99_999))
    assert other.read_bytes()
    assert was_read(other), "this file system keeps no times of access: mount it with relatime"
    assert not was_read(planted)


def taken(query):
    """Return the source that an address leads to, or what is said of it."""
    try:
        return from_address(query, Params(), OFFERED).source
    except ParameterError as error:
        return str(error)


def test_no_source_in_an_address_names_a_file(planted):
    values = sources(planted)
    assert len(values) == 200
    for value in values:
        for before in ([], [("source", "sample:retail")]):
            told = taken(urlencode([*before, ("source", value)]))
            assert told in OFFERED or str(planted) not in told
    assert not was_read(planted)


def test_no_address_names_a_report_that_is_none(planted):
    place = planted.parent / "reports"
    for address in addresses(planted):
        assert reports.page(place, address.rpartition("/")[2]) is None
    assert reports.page(place, "shop-1")
    assert not was_read(planted)


def test_a_thousand_addresses_tell_nothing(planted, full):
    server, port = full
    tried = addresses(planted)
    assert len(set(tried)) == 1_000
    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(tried, pool.map(lambda address: ask(port, address), tried), strict=True))
    assert [address for address, (_, body) in answers.items() if SECRET in body] == []
    assert [address for address, (status, _) in answers.items() if status >= 500 and status != 503] == []
    assert {address.partition("?")[0] for address, (status, _) in answers.items() if status == 503} == {
        "open/05-dashboard"
    }
    assert not was_read(planted)
    assert "Traceback" not in server.text


def test_nothing_answers_without_the_token(planted, full):
    _, port = full
    ours = ["", "healthz", "report/shop-1", "voila/static/plotly.min.js", "voila/static/voila.js",
            "voila/templates/base/static/spinner.css", "voila/api/themes/x", "favicon.ico"]  # fmt: skip
    tried = [*addresses(planted), *ours]
    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(tried, pool.map(lambda address: ask(port, address, ""), tried), strict=True))
    opened = {address: status for address, (status, _) in answers.items() if status not in CLOSED}
    assert {address.partition("?")[0] for address in opened} <= {"login"}, opened
    assert not [address for address, (_, body) in answers.items() if SECRET in body or b"The report." in body]
    assert not was_read(planted)


def test_ten_of_them_against_a_running_notebook(planted):
    server, port = serve(planted, room=True)
    try:
        chosen = [one for one in addresses(planted) if one.startswith("open/05-dashboard?")][::20][:10]
        assert len(chosen) == 10
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda address: ask(port, address), chosen))
    finally:
        server.stop()
    assert {status for status, _ in answers} == {200}
    for _, body in answers:
        assert b"sk-dash" in body
        assert SECRET not in body
        assert str(planted).encode() not in body
        assert b"Traceback" not in body
    assert not was_read(planted)
