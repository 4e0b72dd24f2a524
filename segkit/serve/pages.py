"""What the server answers besides notebooks: the first page, finished reports, health, figures about itself.

Everything asks for the token. A report comes with a policy that gives its scripts no way to the other pages.
Each answer carries an id that the log has too; neither holds what a visitor sent.
"""

from __future__ import annotations

import gzip
import json
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

import nbformat
from jupyter_server.base.handlers import JupyterHandler
from prometheus_client import CollectorRegistry, Counter, Gauge, Summary, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from tornado.httputil import HTTPHeaders
from tornado.web import HTTPError, OutputTransform, StaticFileHandler, authenticated

from segkit import logs, places

from . import reports
from .kernels import Kernels

log = logging.getLogger("segkit.serve")

REQUEST: ContextVar[str] = ContextVar("request", default="")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# On top of the report's own policy: its scripts run in an origin of their own, away from cookies and kernels.
REPORT_POLICY = "sandbox allow-scripts allow-downloads allow-popups allow-modals; frame-ancestors 'self'"
RETRY_SECONDS = 30
TEXTS = (".js", ".css", ".json", ".html", ".svg", ".map", ".txt")


def request() -> str:
    """Return the id of the request that is answered, or nothing."""
    return REQUEST.get()


class Marked(OutputTransform):
    """Gives every answer its id and the headers that all of them carry."""

    def __init__(self, request: Any) -> None:
        super().__init__(request)
        request.segkit_id = secrets.token_hex(6)
        REQUEST.set(request.segkit_id)

        self.request = request

    def transform_first_chunk(
        self,
        status_code: int,
        headers: HTTPHeaders,
        chunk: bytes,
        finishing: bool,  # noqa: FBT001
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add the headers, and take away the name of the server's software."""
        for name, value in HEADERS.items():
            headers[name] = value
        headers["X-Request-Id"] = self.request.segkit_id
        if status_code == 503:
            headers["Retry-After"] = str(RETRY_SECONDS)
        for name in ("Server", "Access-Control-Allow-Origin"):  # the second is always empty
            headers.pop(name, None)
        return super().transform_first_chunk(status_code, headers, chunk, finishing)


class Figures:
    """What the server counts about itself, in Prometheus' text format."""

    def __init__(self, kernels: Kernels, folder: Path) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "segkit_requests",
            "Answers by the first digit of their status",
            ["status"],
            registry=self.registry,
        )
        self.seconds = Summary("segkit_request_seconds", "Time to answer", registry=self.registry)
        self.failures = Counter("segkit_failures", "Answers with status 500 or above, less busy ones",
                                registry=self.registry)  # fmt: skip
        for name, told, value in (
            ("segkit_kernels", "Kernels that run", lambda: len(kernels)),
            ("segkit_kernels_limit", "Kernels that may run", lambda: kernels.most),
            ("segkit_kernels_started", "Kernels started so far", lambda: kernels.started),
            ("segkit_busy", "Visitors turned away: all kernels were taken", lambda: kernels.refused),
            ("segkit_runs", "Finished reports on the first page", lambda: len(reports.find(folder))),
        ):
            Gauge(name, told, registry=self.registry).set_function(value)

    def note(self, handler: Any) -> None:
        """Count an answer, and log it: when, which route, how it ended, how long it took."""
        status, seconds = handler.get_status(), handler.request.request_time()
        self.requests.labels(f"{status // 100}xx").inc()
        self.seconds.observe(seconds)
        if status >= 500 and status != 503:
            self.failures.inc()
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": getattr(handler.request, "segkit_id", ""),
            "route": type(handler).__name__,
            "method": handler.request.method if handler.request.method in handler.SUPPORTED_METHODS else "?",
            "status": status,
            "ms": round(seconds * 1000),
        }
        if status >= 500:
            line["error"] = line["request"]
        log.log(logging.WARNING if status >= 500 else logging.INFO, "%s", json.dumps(line))


class _Page(JupyterHandler):
    """A page of ours, for whoever has the token."""

    def initialize(self, **known: Any) -> None:
        """Take what the application knows."""
        self.known = known

    def write_page(self, template: str, **told: Any) -> None:
        """Answer with a template."""
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(cast("Any", self).render_template(template, **told))


class First(_Page):
    """The first page: notebooks to open and reports to read."""

    @authenticated
    def get(self) -> None:
        """Answer with the page."""
        found = reports.find(self.known["folder"])
        self.write_page("first.html", notebooks=self.known["notebooks"], reports=found)


class Report(_Page):
    """The report of a complete run."""

    @authenticated
    def get(self, run: str) -> None:
        """Answer with the report's own bytes."""
        content = reports.page(self.known["folder"], run)
        if content is None:
            raise HTTPError(404)
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Content-Security-Policy", REPORT_POLICY)
        self.set_header("Cache-Control", "private, no-store")
        self.finish(content)


class Health(_Page):
    """Whether the server answers."""

    @authenticated
    def get(self) -> None:
        """Answer in a word."""
        self.set_header("Content-Type", "application/json")
        self.finish({"status": "ok"})


class Metrics(_Page):
    """What the server counts about itself."""

    @authenticated
    def get(self) -> None:
        """Answer in Prometheus' text format."""
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(generate_latest(self.known["figures"].registry))


class Nothing(_Page):
    """Every other address."""

    @authenticated
    def get(self, *_: str) -> None:
        """Say that there is no such page."""
        raise HTTPError(404)


class _Files(JupyterHandler):
    """Static files, for whoever has the token; an address they do not expect is no file, not a fault."""

    packed = b""

    async def get(self, path: str, include_body: bool = True) -> None:  # noqa: FBT001, FBT002 - tornado's own
        """Send a file, or say that there is none."""
        try:
            await cast("Any", super()).get(path, include_body)
        except (AssertionError, OSError, ValueError):  # of Voila's, for a NUL, for a name that is too long
            raise HTTPError(404) from None

    async def head(self, path: str) -> None:
        """Say what the file is like."""
        await self.get(path, include_body=False)

    def set_extra_headers(self, path: str) -> None:
        """Send text compressed to whoever takes that, and does not ask for a part of it."""
        cast("Any", super()).set_extra_headers(path)
        file, asked = Path(cast("Any", self).absolute_path), self.request.headers
        if file.suffix in TEXTS and "gzip" in asked.get("Accept-Encoding", "") and "Range" not in asked:
            self.packed = _packed(file, file.stat().st_mtime_ns)
            self.set_header("Content-Encoding", "gzip")
        self.set_header("Vary", "Accept-Encoding")

    def get_content_size(self) -> int:
        """Return how many bytes will be sent."""
        return len(self.packed) or int(cast("Any", super()).get_content_size())

    def get_content(self, path: str, start: int | None = None, end: int | None = None) -> Any:
        """Return what will be sent."""
        return self.packed or cast("Any", super()).get_content(path, start, end)


@lru_cache(maxsize=1_000)
def _packed(file: Path, stamp: int) -> bytes:  # noqa: ARG001 - a replaced file is read again
    return gzip.compress(file.read_bytes(), 6, mtime=0)


@cache
def closed(kind: type) -> type:
    """Return a handler of static files that asks for the token: Jupyter's and Voila's own do not."""
    is_file = issubclass(kind, StaticFileHandler)
    return type(kind.__name__, (_Files, kind), {}) if is_file else kind


class _Lines(logging.Formatter):
    """Writes a line of JSON per record; of others the form of a message without its values, and the trace."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if record.name == log.name:
            return record.getMessage()
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": REQUEST.get(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.msg.partition("\n")[0][:200] if isinstance(record.msg, str) else "",
        }
        if record.exc_info and record.exc_info[1]:
            line["trace"] = logs.trace(record.exc_info[1])
        return json.dumps(line)


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Keep our own lines and errors, but for tornado's of every picture whose address has no version."""
    if record.name == log.name:
        return True
    return record.levelno >= logging.ERROR and not str(record.msg).startswith("Could not open static file")


@contextmanager
def logged() -> Iterator[None]:
    """Send the server's log to stderr, a line of JSON each, while the block runs."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    handler.addFilter(_worth_a_line)
    loggers = [log, *(logging.getLogger(name) for name in ("tornado", "Dashboard", "traitlets"))]
    kept = [(logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, (handlers, propagate) in zip(loggers, kept, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


def notebooks() -> list[dict[str, str]]:
    """Return name, title and first sentence of each notebook; the dashboard comes first.

    Examples
    --------
    >>> notebooks()[0]["name"]
    '05-dashboard'
    """
    told = []
    files = sorted(places.notebooks_dir().glob("*.ipynb"))
    for file in sorted(files, key=lambda file: "dashboard" not in file.stem):
        cells = nbformat.read(file, as_version=4).cells
        words = next((cell.source for cell in cells if cell.cell_type == "markdown"), "").strip()
        title, _, rest = words.partition("\n")
        about = rest.strip().partition("\n\n")[0]
        told.append({"name": file.stem, "title": title.lstrip("# "), "about": about})
    return told
