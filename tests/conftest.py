"""What every room of tests may ask for: real data, a browser that stays at home, processes that end."""

from __future__ import annotations

import functools
import os
import pwd
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psutil
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
settings.register_profile("patient", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("patient")
HOME = {"localhost", "127.0.0.1", "::1"}


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Return the folder of real data sets, or skip and say which variable to set."""
    folder = os.environ.get("SEGKIT_TEST_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("no real data: set SEGKIT_TEST_DATA to the folder that holds customers/ and labelled/")
    return Path(folder)


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the index of runs and the traces of errors of tests apart from those of a person."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


# -------------------------------------------------------------------------------------------- no network
@pytest.fixture(autouse=True)
def _stay_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection of this process that leaves the machine: segkit sends nothing anywhere."""

    def guard(connect: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(connect)
        def guarded(own: socket.socket, address: Any) -> Any:
            if own.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in HOME:
                pytest.fail(f"a connection to {address[0]} was attempted; segkit sends nothing anywhere")
            return connect(own, address)

        return guarded

    monkeypatch.setattr(socket.socket, "connect", guard(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guard(socket.socket.connect_ex))


# -------------------------------------------------------------------------------------------- processes
class Spawned:
    """A program a test started: its pid, what it has printed so far, and a way to end it and its children."""

    def __init__(self, command: Sequence[str | Path], log: Path, **options: Any) -> None:
        self.log = log
        with log.open("wb") as sink:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **options,
            )
        self.pid = self.process.pid
        self.match: re.Match[str] | None = None

    @property
    def text(self) -> str:
        """Return what the program has printed so far, on both streams."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def is_ready(self, ready: str | re.Pattern[str]) -> bool:
        """Answer whether an address responds, or a pattern has been printed (kept in `match`)."""
        if isinstance(ready, str) and ready.startswith("http"):
            return responds(ready)
        self.match = re.search(ready, self.text)
        return self.match is not None

    def wait_until(self, ready: str | re.Pattern[str], timeout: float) -> None:
        """Wait for an address or a pattern; fail with the program's output when it ends or takes too long."""
        end = time.monotonic() + timeout
        while not self.is_ready(ready):
            if self.process.poll() is not None:
                pytest.fail(f"{self.process.args} ended with {self.process.returncode}:\n{self.text[-4000:]}")
            if time.monotonic() > end:
                pytest.fail(f"{self.process.args} was not ready after {timeout:.0f} s:\n{self.text[-4000:]}")
            time.sleep(0.1)

    def stop(self, grace: float = 10) -> None:
        """End the program and everything it started, each by its own id."""
        try:
            family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            family = []
        for end in (psutil.Process.terminate, psutil.Process.kill):
            for process in family:
                try:
                    end(process)
                except psutil.NoSuchProcess:
                    continue
            _, family = psutil.wait_procs(family, timeout=grace)
        self.process.wait(timeout=grace)


def responds(address: str) -> bool:
    """Answer whether a server answers at all: an error page is an answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(address, timeout=5).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., Spawned]]:
    """Start programs: ``spawn(command, ready=address or pattern, timeout=60, **Popen options)``."""
    started: list[Spawned] = []

    def start(
        command: Sequence[str | Path],
        *,
        ready: str | re.Pattern[str] = "",
        timeout: float = 60,
        **options: Any,
    ) -> Spawned:
        started.append(Spawned(command, tmp_path / f"spawned-{len(started)}.log", **options))
        if ready:
            started[-1].wait_until(ready, timeout)
        return started[-1]

    yield start
    for program in reversed(started):
        program.stop()


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# -------------------------------------------------------------------------------------------- a database
class Postgres(NamedTuple):
    """A server: its address for SQLAlchemy, what runs a text in psql, and where its files are."""

    address: str
    psql: Callable[[str], str]
    folder: Path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Start a PostgreSQL server on a loopback port, as user postgres, for it refuses root; or skip."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    if os.geteuid() == 0 and not any(user.pw_name == "postgres" for user in pwd.getpwall()):
        pytest.skip("PostgreSQL refuses root, and there is no user postgres")
    folder, place = programs[-1].parent, Path("/tmp") / f"segkit-pg-{os.getpid()}"  # its user must reach it
    place.mkdir(mode=0o700)
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(place, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])

    def do(program: str, *arguments: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            [str(folder / program), *arguments],
            input=stdin, capture_output=True, text=True, check=False, cwd="/", **as_user,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    data, log = str(place / "data"), str(place / "log")
    control = [str(folder / "pg_ctl"), "-D", data]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **as_user}
    options = f"-h 127.0.0.1 -p {port} -k {place} -c fsync=off"
    server = ["-h", "127.0.0.1", "-p", port, "-U", "postgres", "-d", "postgres"]
    asked = [*server, "-q", "-v", "ON_ERROR_STOP=1", "--csv"]
    try:
        do("initdb", "-U", "postgres", "-D", data, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        subprocess.run([*control, "-w", "-l", log, "-o", options, "start"], check=True, **quiet)
        address = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        yield Postgres(address, lambda text: do("psql", *asked, stdin=text), Path(data))
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, **quiet)
        shutil.rmtree(place, ignore_errors=True)


# ------------------------------------------------------------------------------------------- slow examples
SLOW = ("segkit.change.compare", "segkit.purchases.value")  # whole studies, and tests of the same beside them


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the longest examples of docstrings to `make test-full`."""
    for item in items:
        if item.name in SLOW:
            item.add_marker(pytest.mark.slow)


# -------------------------------------------------------------------------------------------- the browser
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """Return the browser to drive; without one skip, or fail where SEGKIT_REQUIRE_BROWSER=1 asks for it."""
    named = os.environ.get("SEGKIT_CHROMIUM", "")
    path = shutil.which(named) if named else next(filter(None, map(shutil.which, BROWSERS)), None)
    if path:
        return path
    message = "no Chromium: run `apt-get install chromium`, or set SEGKIT_CHROMIUM to one"
    if os.environ.get("SEGKIT_REQUIRE_BROWSER") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium, once a file: Playwright's event loop would disturb the kernels of other files."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=path, args=[nowhere, "--no-proxy-server"])
        yield program
        program.close()


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """Open a page that cannot leave the machine.

    `page.foreign` lists what it asked for elsewhere (blocked; any entry fails the test at its end) and
    `page.errors` what its console and scripts complained about. After a failure a picture of the page lies in
    the test's folder.
    """
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, accept_downloads=True, ignore_https_errors=True
    )
    window = context.new_page()
    window.foreign, window.errors = [], []
    _guard(context, window)
    yield window
    foreign = list(window.foreign)
    if request.session.testsfailed:
        window.screenshot(path=tmp_path / "page.png")
    context.close()
    assert not foreign, f"the page asked for {foreign}"


def _guard(context: Any, window: Any) -> None:
    """Block and list what leaves the machine; list what goes wrong."""

    def route(route: Any) -> None:
        if is_foreign(route.request.url):
            window.foreign.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    def socket_opened(opened: Any) -> None:
        window.foreign.append(opened.url)
        opened.close()

    context.route("**/*", route)
    context.route_web_socket(is_foreign, socket_opened)
    context.on(
        "console", lambda message: window.errors.append(message.text) if message.type == "error" else None
    )
    context.on("weberror", lambda fault: window.errors.append(str(fault.error)))


def is_foreign(address: str) -> bool:
    """Answer whether an address leaves the machine."""
    parts = urlsplit(address)
    return parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in HOME
