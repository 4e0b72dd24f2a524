"""What stands in `deploy/`: the proxy in front of a real server, the container's steps, the settings."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from segkit import settings
from tests.conftest import ROOT, Spawned

DEPLOY = ROOT / "deploy"
TOKEN = "a-token-for-tests"
NAMES = {f"SEGKIT_{name.upper()}" for name in settings.Settings.model_fields}


# ----------------------------------------------------------------------------- settings
def test_the_example_lists_every_setting_and_the_table_too():
    assert (DEPLOY / ".env.example").read_text("utf-8") == settings.example()
    assert (ROOT / "docs" / "settings.md").read_text("utf-8").endswith(settings.markdown())


def test_the_example_as_it_is_changes_nothing(tmp_path, monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    shutil.copy(DEPLOY / ".env.example", tmp_path / ".env")
    (tmp_path / ".env").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    assert settings.load() == settings.Settings(_env_file=None)
    (tmp_path / ".env").write_text(re.sub("(?m)^#SEGKIT_TOKEN=", "SEGKIT_TOKEN=abc", settings.example()))
    assert settings.load().token.get_secret_value() == "abc"


@pytest.mark.parametrize("name", ["Dockerfile", "README.md", "compose.yml", "jupyterhub.md", "nginx.conf"])
def test_whatever_is_named_is_a_setting(name):
    assert set(re.findall(r"SEGKIT_[A-Z_]+", (DEPLOY / name).read_text("utf-8"))) <= NAMES


def test_containers_have_no_more_rights_than_they_need_and_no_token_of_ours():
    services = yaml.safe_load((DEPLOY / "compose.yml").read_text("utf-8"))["services"]
    for service in services.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in services["segkit"]
    assert services["segkit"]["environment"]["SEGKIT_TOKEN"].startswith("${SEGKIT_TOKEN:?")
    *_, user = re.findall(r"(?m)^USER (\S+)", (DEPLOY / "Dockerfile").read_text("utf-8"))
    assert user == "10001:10001"


def test_the_hub_s_configuration_is_python():
    block = re.search(r"```python\n(.*?)```", (DEPLOY / "jupyterhub.md").read_text("utf-8"), re.DOTALL)
    compile(block[1], "jupyterhub_config.py", "exec")


# ----------------------------------------------------------------------------- the proxy
def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """Start segkit, and Debian's nginx in front of it as we configure it; return its ports and folder."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not nginx or not shutil.which("openssl"):
        pytest.skip("no nginx or no openssl: run `apt-get install nginx-light openssl`")
    place = tmp_path_factory.mktemp("proxy")
    plain, secure, inner = free_ports(3)
    subprocess.run(
        shlex.split("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
                    f"-keyout {place}/key.pem -out {place}/cert.pem"),
        check=True, capture_output=True,
    )  # fmt: skip
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    for there, here in {
        r"/tmp/": f"{place}/",
        r"listen \[::\]:.*;": "",
        r"\b8080\b": f"127.0.0.1:{plain}",
        r"\b8443\b": f"127.0.0.1:{secure}",
        r"segkit:8866": f"127.0.0.1:{inner}",
        r"/etc/nginx/certs": str(place),
        r"/dev/stdout": str(place / "access.log"),
        r"/dev/stderr": str(place / "error.log"),
    }.items():
        assert re.search(there, text), there
        text = re.sub(there, here, text)
    (place / "nginx.conf").write_text(f"daemon off;\n{text}", "utf-8")
    # Started by root, nginx gives its workers to another user, who must get at the folder.
    command = [nginx, "-p", str(place), "-c", str(place / "nginx.conf"), "-e", str(place / "error.log")]
    if os.geteuid() == 0:
        command += ["-g", "user root;"]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    code = f"from segkit.serve import serve; serve(port={inner}, behind_proxy=True)"
    env = {**os.environ, "SEGKIT_TOKEN": TOKEN, "SEGKIT_PREHEAT": "0", "SEGKIT_REPORTS": str(place / "none")}
    server = Spawned([sys.executable, "-c", code], place / "serve.log", env=env)
    proxy = Spawned(command, place / "nginx.log")
    try:
        server.wait_until(re.compile("segkit is at"), 120)
        wait_for_port(secure)
        yield plain, secure, place
    finally:
        proxy.stop()
        server.stop()


def wait_for_port(port, seconds=20):
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < end, "nobody listens"
            time.sleep(0.1)
        else:
            return


class Stays(urllib.request.HTTPRedirectHandler):
    """Shows a redirect in place of following it."""

    def redirect_request(self, *_):
        return None


TRUSTING = ssl.create_default_context()
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE
OPENER = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=TRUSTING), Stays
)


def ask(address, data=None, **headers):
    """Return status, headers and text of an answer, whatever it is."""
    request = urllib.request.Request(address, data, {k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def test_without_tls_there_is_only_the_way_to_it(proxied):
    plain, _, _ = proxied
    status, headers, _ = ask(f"http://127.0.0.1:{plain}/open/x?a=1")
    assert (status, headers["Location"]) == (301, "https://127.0.0.1/open/x?a=1")


def test_the_first_page_comes_through_with_its_headers_and_a_cookie_for_tls_only(proxied):
    _, secure, place = proxied
    status, headers, page = ask(f"https://127.0.0.1:{secure}/?token={TOKEN}", Host="shop.example")
    assert status == 200
    assert 'href="/open/05-dashboard"' in page
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "nginx"
    assert "Secure" in headers["Set-Cookie"]
    status, headers, _ = ask(f"https://127.0.0.1:{secure}/")
    assert (status, headers["Location"].partition("?")[0]) == (302, "/login")
    log, end = place / "access.log", time.monotonic() + 20
    while headers["X-Request-Id"] not in log.read_text() and time.monotonic() < end:
        time.sleep(0.05)  # nginx writes it after the answer is gone
    assert headers["X-Request-Id"] in log.read_text()
    assert TOKEN not in log.read_text()


def test_figures_are_for_the_inner_network(proxied):
    _, secure, _ = proxied
    assert ask(f"https://127.0.0.1:{secure}/metrics?token={TOKEN}")[0] == 404
    assert ask(f"https://127.0.0.1:{secure}/healthz?token={TOKEN}")[2] == '{"status": "ok"}'


def test_a_large_request_is_refused_before_it_is_read(proxied):
    _, secure, _ = proxied
    assert ask(f"https://127.0.0.1:{secure}/login", b"a" * 65_537)[0] == 413


@pytest.mark.slow  # waits as long as a slow client may
def test_who_sends_slowly_is_sent_away(proxied):
    _, secure, _ = proxied
    with TRUSTING.wrap_socket(socket.create_connection(("127.0.0.1", secure))) as slow:
        begun = time.monotonic()
        slow.settimeout(30)
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        assert slow.recv(100) == b""
    assert 9 < time.monotonic() - begun < 20


@pytest.mark.browser
def test_a_notebook_lives_behind_it(proxied, page):
    _, secure, _ = proxied
    page.set_default_timeout(240_000)
    page.goto(f"https://127.0.0.1:{secure}/?token={TOKEN}")
    page.goto(f"https://127.0.0.1:{secure}/open/01-segment-customers?segments=3")
    page.locator(".js-plotly-plot").first.wait_for()
    slider = page.get_by_role("slider", name="Segments").first
    cards = "document.querySelectorAll('[data-sk-panel=sizes] tbody tr').length"
    page.wait_for_function(f"{cards} === 3")
    slider.press("ArrowRight")  # through the websocket to the kernel and back
    page.wait_for_function(f"{cards} === 4")


def test_many_requests_and_guesses_are_held_back(proxied):
    """Last: it uses up what one address may ask for."""
    _, secure, place = proxied
    guesses = [ask(f"https://127.0.0.1:{secure}/login?token=guess{n}")[0] for n in range(15)]
    assert guesses.count(429) >= 3
    assert guesses[0] != 429
    with ThreadPoolExecutor(16) as pool:
        asked = list(pool.map(lambda _: ask(f"https://127.0.0.1:{secure}/healthz")[0], range(400)))
    assert asked.count(429) > 50
    assert 429 not in asked[:100]
    time.sleep(2)
    assert ask(f"https://127.0.0.1:{secure}/healthz?token={TOKEN}")[0] == 200
    assert TOKEN not in (place / "access.log").read_text() + (place / "error.log").read_text()


# ----------------------------------------------------------------------------- the container
@pytest.mark.slow  # installs everything anew
def test_the_steps_of_the_container_file_make_a_server_that_is_healthy(tmp_path, spawn, free_port):
    """The same commands in a fresh folder with what the build would see; users are Docker's business."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", "")
    for there, here in {
        "/opt/segkit": tmp_path / "opt",
        "/data": tmp_path / "work",
        "8866": free_port,
    }.items():
        text = text.replace(there, str(here))
    source, work = tmp_path / "src", tmp_path / "work"
    source.mkdir()
    work.mkdir()
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "UV_"))
    }
    for verb, rest in re.findall(r"(?m)^(COPY|RUN) (.*)", text):
        if verb == "COPY" and not rest.startswith("--from"):
            *names, where = rest.split()
            for name in names:
                assert any(line.startswith(name) for line in allowed), name
                ignore = shutil.ignore_patterns("__pycache__")
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, source / where, ignore=ignore)
                else:
                    shutil.copy(ROOT / name, source / where)
        elif verb == "RUN" and "useradd" not in rest:
            subprocess.run(["bash", "-euc", rest], cwd=source, env=env, check=True)
    shutil.rmtree(source)
    binary = f"{tmp_path / 'opt' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    given = {"PATH": binary, "HOME": str(tmp_path), "XDG_STATE_HOME": str(work / "state"),
             "PYTHONDONTWRITEBYTECODE": "1", "SEGKIT_TOKEN": TOKEN, "SEGKIT_PREHEAT": "0"}  # fmt: skip
    command = json.loads(re.search(r"(?m)^CMD (\[.*\])", text)[1])
    spawn(
        [*command, "--port", str(free_port)],
        cwd=work,
        env=given,
        ready=re.compile("segkit is at"),
        timeout=120,
    )
    check = json.loads(re.search(r"HEALTHCHECK .* CMD (\[.*\])", text)[1])
    subprocess.run(check, cwd=work, env=given, check=True)
    wrong = subprocess.run(
        check, cwd=work, env=given | {"SEGKIT_TOKEN": "x"}, check=False, capture_output=True
    )
    assert wrong.returncode == 1
    assert list(Path(tmp_path / "opt").rglob("segkit/__pycache__/*.pyc")), "not byte-compiled"
