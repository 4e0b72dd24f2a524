"""The dashboards: notebooks under Voila, behind a token, with settings that are safe by default.

Voila runs in this process, as a subclass that listens on one port or none, takes its look from our template
and sends plotly.js from the package. Kernels start with a clean environment that marks them as a
dashboard's, and end when nobody looks. What the page shows is the notebook's business.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import jinja2
import plotly
from jupyter_server.utils import url_path_join
from markupsafe import Markup
from tornado.ioloop import IOLoop
from tornado.web import GZipContentEncoding
from traitlets.config import Config
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler

from segkit import places, settings
from segkit.errors import OutputError, ParameterError

from . import pages

say = partial(print, flush=True)
NOTEBOOK = "05-dashboard"
PORT = 8866
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline' data:; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; frame-ancestors 'self'; form-action 'self'; base-uri 'self'; "
    "object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
}
STYLES = ("tokens.css", "segkit.css", "widgets.css")
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]
REFILL_SECONDS = 10.0  # a visitor's first study has the processor first


def serve(
    host: str = "127.0.0.1",
    port: int = PORT,
    *,
    token: str | None = None,
    behind_proxy: bool = False,
    base_url: str = "/",
    notebook: str = "",
    tell: Callable[[str], None] = say,
) -> None:
    """Serve notebooks as dashboards, and finished reports, until the process is told to end.

    Parameters
    ----------
    host, port
        Where to listen.
    token
        What visitors must show; None takes the one set in ``SEGKIT_TOKEN``, else makes one. Empty asks for
        none, and is allowed on this machine only.
    behind_proxy
        Believe the forwarded headers of a proxy in front.
    base_url
        Path under which a proxy offers it all.
    notebook
        Name or path of the only notebook to serve; empty serves all of segkit, with a page to choose from.
    tell
        Called once, with the address.

    Raises
    ------
    OutputError
        When the port is taken or cannot be listened on.
    ParameterError
        When strangers could come in: a host beyond this machine without a token.
    """
    found = settings.load()
    token = found.token.get_secret_value() or secrets.token_urlsafe(24) if token is None else token
    if not token and not is_loopback(host):
        raise ParameterError(
            f"Without a token only this machine may come in; {host} can be reached from others."
        )
    _probe(host, port)
    with tempfile.TemporaryDirectory(prefix="segkit-serve-", ignore_cleanup_errors=True) as private:
        os.environ["TMPDIR"] = private  # uploads of kernels that were killed go with it
        base_url = f"/{base_url.strip('/')}/".replace("//", "/")
        app = Dashboard(
            config=_config(
                found,
                places.notebook(notebook or NOTEBOOK),
                host=host,
                port=port,
                token=token,
                base_url=base_url,
            )
        )
        app.alone, app.reports = bool(notebook), Path(found.reports)
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{port}{base_url}" + (f"?token={token}" if token else "")
        app.behind_proxy, app.announce = behind_proxy, partial(tell, f"segkit is at {address}")
        # tornado warns of jupyter-server's own settings
        logging.getLogger("tornado.general").setLevel(logging.ERROR)
        app.initialize([])
        with pages.logged():
            app.start()


class Dashboard(Voila):
    """Voila with our template, plotly.js beside its own scripts, and our pages around its notebooks."""

    alone = True
    reports = Path("reports")
    behind_proxy = False
    announce: Callable[[], None] = staticmethod(lambda: None)

    def setup_template_dirs(self) -> None:
        """Find our template, whatever is installed elsewhere under its name."""
        os.environ["JUPYTER_PATH"] = str(places.static_dir())
        super().setup_template_dirs()
        self.static_paths.append(str(Path(plotly.__file__).parent / "package_data"))

    def init_settings(self) -> dict[str, Any]:
        """Let our pages look like the notebooks, and count what is answered."""
        found: dict[str, Any] = super().init_settings()
        ours = jinja2.FileSystemLoader(places.static_dir() / "voila" / "templates" / "segkit")
        known = {
            "request_id": pages.request,
            "page_style": partial(_texts, ("tokens.css", "segkit.css")),
            "mark": _texts(["mark.svg"]),
        }
        found["jinja2_env"].loader = jinja2.ChoiceLoader([ours, found["jinja2_env"].loader])
        for env in (
            found["jinja2_env"],
            found["voila_jinja2_env"],
        ):  # Voila looks in the second
            env.globals |= known
        self.figures = pages.Figures(self.kernel_manager, self.reports)
        return found | {"log_function": self.figures.note}

    def init_handlers(self) -> list[Any]:
        """Add our pages; Voila's own last word is the notebook at every address that is left."""
        *voila, (_, render, options) = super().init_handlers()
        voila = [  # one of them tells any asker the address that a kernel's visitor came with
            (path, pages.closed(handler), *rest)
            for path, handler, *rest in voila
            if handler is not RequestInfoSocketHandler
        ]
        at = partial(url_path_join, self.server_url)
        books = pages.notebooks()
        known = {"folder": self.reports, "figures": self.figures, "notebooks": books}
        ours: list[Any] = [(at("healthz"), pages.Health, known), (at("metrics"), pages.Metrics, known)]
        if self.alone:
            ours += [(at("/"), render, options)]
        else:
            ours += [(at("/"), pages.First, known), (at(r"report/([^/]+)"), pages.Report, known)]
            for each in books:
                path = os.path.relpath(places.notebook(each["name"]), self.root_dir)
                ours += [(at("open", each["name"]), render, options | {"notebook_path": path})]
        # Voila leaves these where no proxy with a path of its own would find them.
        ours += [(at(path), *rest) for path, *rest in self.identity_provider.get_handlers()]
        return [*voila, *ours, (r".*", pages.Nothing, known)]

    def listen(self) -> None:
        """Listen, believing forwarded headers only where a proxy was promised, and say so."""
        self.app.add_transform(GZipContentEncoding)  # the setting of that name comes too late
        self.app.add_transform(pages.Marked)
        self.app.listen = partial(self.app.listen, xheaders=self.behind_proxy)
        loop = IOLoop.current()
        for number in (signal.SIGINT, signal.SIGTERM):  # between two steps, never within one
            cast("Any", loop).asyncio_loop.add_signal_handler(number, loop.stop)
        loop.add_callback(self.announce)
        super().listen()


def is_loopback(host: str) -> bool:
    """Answer whether only this machine can reach a host.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _probe(host: str, port: int) -> None:
    """Refuse a port that is taken: Voila would quietly go elsewhere."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        reason = (error.strerror or "it cannot be used").lower()
        raise OutputError(
            f"Cannot listen on {host}, port {port}: {reason}. Choose another with --port."
        ) from None


def _texts(names: Iterable[str]) -> Markup:
    """Return files of ours as one text."""
    texts = ((places.static_dir() / name).read_text(encoding="utf-8") for name in names)
    return Markup("\n".join(texts))  # noqa: S704 - ours


def _config(
    found: settings.Settings, notebook: Path, *, host: str, port: int, token: str, base_url: str
) -> Config:
    return Config(
        {
            "Voila": {
                "ip": host,
                "port": port,
                "port_retries": 0,
                "base_url": base_url,
                "token": token,
                "open_browser": False,
                "notebook_path": str(notebook),
                "config_file_paths": [],
                "log_level": "ERROR",
                "tornado_settings": {"headers": HEADERS},
            },
            "VoilaConfiguration": {
                "template": "segkit",
                "allow_template_override": "NO",
                "allow_theme_override": "NO",
                "file_allowlist": [],
                "extension_allowlist": EXTENSIONS,
                "multi_kernel_manager_class": "segkit.serve.kernels.Kernels",
                "preheat_kernel": found.preheat > 0,
                "default_pool_size": min(found.preheat, found.max_kernels - 1),
                "resources": {"segkit": {"style": _texts(STYLES), "request": pages.request}},
            },
            "VoilaExecutor": {"cell_error_instruction": "Reload the page to start again."},
            # a kernel begun again knows nothing of its page, and the cells that wait for it would for ever
            "KernelManager": {"transport_encryption": "auto", "autorestart": False},
            "VoilaKernelManager": {"fill_delay": REFILL_SECONDS},
            "Kernels": {"most": found.max_kernels},
            "MappingKernelManager": {
                "cull_idle_timeout": found.idle_minutes * 60,
                "cull_interval": 30,
                "cull_connected": True,
            },
        }
    )
