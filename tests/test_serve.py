"""The dashboard's server: closed by default, clean inside, gone when told."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import nbformat
import psutil
import pytest

from segkit import serve as room
from segkit.errors import OutputError, ParameterError
from segkit.serve import kernel_environment, serve
from tests.conftest import Spawned

TOKEN = "a-token-for-tests"
KERNEL = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TELLS = """
import os
from IPython.display import display
names, face, query = " ".join(sorted(os.environ)), os.environ.get("SEGKIT_FACE"), os.environ["QUERY_STRING"]
display({"text/html": f"<p>SEEN {names} FACE {face} QUERY {query} END</p>"}, raw=True)
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """Return a notebook that tells what its kernel sees."""
    cells = [nbformat.v4.new_code_cell(TELLS)]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path_factory.mktemp("notebook") / "tells.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
    return path


def start(notebook, folder):
    """Start a server of that notebook; return it and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # A test run started in the background inherits a deaf ear for SIGINT; a server on a terminal does not.
    hear = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{hear}; from segkit.serve import serve; serve(port={port}, notebook={str(notebook)!r})"
    env = {
        **os.environ,
        "SEGKIT_TOKEN": TOKEN,
        "SEGKIT_PREHEAT": "0",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "DATABASE_URL": "hush",
    }
    server = Spawned([sys.executable, "-c", code], folder / "serve.log", env=env)
    server.wait_until(re.compile(r"segkit is at (\S+)"), 120)
    return server, server.match[1]


@pytest.fixture(scope="module")
def shared(notebook, tmp_path_factory):
    """Return a server for tests that only look."""
    server, address = start(notebook, tmp_path_factory.mktemp("shared"))
    yield server, address
    server.stop()


@pytest.fixture
def served(notebook, tmp_path):
    """Return a server for a test that ends it."""
    server, address = start(notebook, tmp_path)
    yield server, address
    server.stop()


def get(address):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=120) as answer:
        return answer.read().decode(), answer.headers, answer.url


def family(server):
    return psutil.Process(server.pid).children(recursive=True)


def test_kernel_sees_no_secret_and_no_token_and_ends_with_the_server(served):
    server, address = served
    page, headers, _ = get(f"{address}&segments=4")
    seen = re.search(r"SEEN (.*?) FACE (.*?) QUERY (.*?) END", page)
    assert {"AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "SEGKIT_TOKEN", "VOILA_REQUEST_URL"}.isdisjoint(
        seen[1].split()
    )
    assert (seen[2], seen[3]) == ("dashboard", "segments=4")
    assert TOKEN not in page
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page)

    kernels = family(server)
    assert kernels
    os.kill(server.pid, signal.SIGTERM)
    server.process.wait(timeout=60)
    _, alive = psutil.wait_procs(kernels, timeout=30)
    assert not alive


def test_interrupt_ends_it_too(served):
    server, _ = served
    os.kill(server.pid, signal.SIGINT)
    assert server.process.wait(timeout=60) == 0
    assert "Traceback" not in server.text


def test_without_the_token_there_is_only_the_login_page_and_no_kernel(shared):
    server, address = shared
    page, _, landed = get(address.split("?")[0])
    assert "/login" in landed
    assert "token" in page
    assert TOKEN not in page
    with pytest.raises(urllib.error.HTTPError):
        get(address.split("?")[0] + "api/kernels/00000000-0000-0000-0000-000000000000")
    time.sleep(1)
    assert not family(server)


def test_the_template_cannot_be_chosen_by_the_address(shared):
    _, address = shared
    page, _, _ = get(f"{address}&template=classic&theme=dark")
    assert "data-sk-plotly" in page
    assert "theme-light" in page


def knock(address, kernel, origin, cookie):
    """Ask for a kernel's websocket as a page of that origin does; return the status."""
    port = urlsplit(address).port
    lines = [
        f"GET /api/kernels/{kernel}/channels HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: c2Vna2l0IHRlc3RzIGl0IQ==",
        f"Origin: {origin.format(port=port)}",
        f"Cookie: {cookie}",
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as door:
        door.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(door.recv(1_000).split()[1])


OWN = "http://127.0.0.1:{port}"
FOREIGN = (
    "http://evil.example",
    "http://127.0.0.1.evil.example",
    "http://localhost:{port}",
    "https://127.0.0.1",
    "http://127.0.0.1:1",
    "null",
    "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1:{port}@evil.example",
    "http://evil.example#http://127.0.0.1:{port}",
)


def entered(address):
    """Return the kernel of a page, and the cookies its browser has from then on."""
    page, headers, _ = get(address)
    cookies = [cookie.partition(";")[0] for cookie in headers.get_all("Set-Cookie")]
    return re.search(KERNEL, page)[0], "; ".join(cookies)


def test_a_page_of_another_origin_gets_no_kernel(shared):
    _, address = shared
    kernel, cookie = entered(address)
    assert knock(address, kernel, OWN, cookie) == 101
    assert knock(address, kernel, OWN, "") == 403
    assert [knock(address, kernel, origin, cookie) for origin in FOREIGN] == [403] * len(FOREIGN)
    end = address.partition("?")[0] + f"voila/api/shutdown/{kernel}"
    headers = {"Origin": "http://evil.example", "Cookie": cookie}
    with pytest.raises(urllib.error.HTTPError, match=r"40[34]"):
        urllib.request.urlopen(urllib.request.Request(end, b"", headers), timeout=60)
    assert knock(address, kernel, OWN, cookie) == 101


def test_a_session_is_known_to_its_own_page_only(shared):
    """What a session hands out goes through its kernel's websocket, whose name nobody else is told."""
    server, address = shared
    kernel, cookie = entered(address)
    told = [get(address.replace("?", f"{path}?"))[0] for path in ("healthz", "metrics")]
    other = get(address)[0]
    assert kernel not in "".join([*told, other, server.text])
    assert knock(address, kernel[:-1] + ("0" if kernel[-1] != "0" else "1"), OWN, cookie) == 404
    nowhere = (
        "api/kernels",
        "api/sessions",
        "api/contents",
        "voila/files/",
        f"voila/query/{kernel}",
        "files/",
    )
    for path in nowhere:
        with pytest.raises(urllib.error.HTTPError, match=r"40[34]"):
            get(address.replace("?", f"{path}?"))


def test_plotly_comes_from_the_package(shared):
    from plotly.offline import get_plotlyjs

    _, address = shared
    script, _, _ = get(address.replace("?", "voila/static/plotly.min.js?"))
    assert script == get_plotlyjs()


def test_a_taken_port_is_one_sentence(free_port, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        with pytest.raises(OutputError, match=rf"port {free_port}: address already in use. Choose another"):
            serve(port=free_port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "shop.example"])
def test_strangers_need_a_token(host):
    with pytest.raises(ParameterError, match="Without a token"):
        serve(host=host, token="")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_this_machine_is_no_stranger(host):
    assert room.is_loopback(host)


def test_an_unusable_host_is_one_sentence(free_port):
    with pytest.raises(OutputError, match=r"Cannot listen on 203\.0\.113\.7"):
        serve(host="203.0.113.7", port=free_port, token=TOKEN)


def test_no_setting_of_the_operator_but_limits_reaches_a_kernel():
    given = {
        "PATH": "/bin",
        "SEGKIT_TOKEN": "x",
        "SEGKIT_UPLOAD_LIMIT_MB": "5",
        "GITHUB_TOKEN": "x",
        "LC_ALL": "C",
    }
    kept = kernel_environment({**given, "QUERY_STRING": "a=1&token=x&b=%26"})
    limits = {"PATH": "/bin", "SEGKIT_UPLOAD_LIMIT_MB": "5", "LC_ALL": "C"}
    assert kept == {**limits, "QUERY_STRING": "a=1&b=%26", "SEGKIT_FACE": "dashboard"}
    assert "x" not in json.dumps(list(kept.values()))
