"""Kernels of visitors: a clean environment, never more than the cap, gone when nobody looks any more.

A kernel that no page was connected to for a while is ended, whether its page was closed or never came (a bare
GET starts one too): the first page may take its time only while cells run for it. One whose page is open
ends after the idle time of the settings.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.ioloop import PeriodicCallback
from tornado.web import HTTPError
from traitlets import Int

# What a kernel may inherit: it runs for visitors, and this process may hold its operator's secrets.
KEPT = ("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
KEPT_PREFIXES = (
    "LC_",
    "PYTHON",
    "XDG_",
    "CONDA_",
    "OMP_",
    "OPENBLAS_",
    "MKL_",
    "SEGKIT_",
    "VOILA_",
    "SERVER_",
)
DROPPED = ("SEGKIT_TOKEN", "SEGKIT_HASH_KEY", "SEGKIT_INDEX", "VOILA_REQUEST_URL")
LOOK_SECONDS = 5.0
LEFT_SECONDS = 30.0  # a reload, or a train in a tunnel, takes less
ALONE_SECONDS = 45.0  # from the last cell on; the first page brings its scripts before it connects
LONGEST_SECONDS = 900.0  # that cells may run for a page that has not come yet
EXTENSION = "segkit.widgets.cells"  # what a cell that fails says


class Kernels(AsyncMappingKernelManager):
    """Starts kernels with a clean environment while there is room, and ends those nobody looks at."""

    most = Int(8, help="kernels at once").tag(config=True)

    def __init__(self, **options: Any) -> None:
        cast("Any", super()).__init__(**options)
        self.starting, self.started, self.refused = 0, 0, 0
        self.seen: dict[str, float] = {}
        self.expected: dict[str, float] = {}  # no page came yet; how long cells may run for it
        self.looked = PeriodicCallback(self.end_left, LOOK_SECONDS * 1000)
        self.looked.start()

    async def start_kernel(  # type: ignore[override]  # the parent is typed for its synchronous twin
        self, *, env: Mapping[str, str] | None = None, **more: Any
    ) -> str:
        """Start a kernel for a visitor.

        Raises
        ------
        HTTPError
            503, when there are as many as there may be.
        """
        if self._room() <= 0:
            self.refused += 1
            raise HTTPError(503, log_message="as many kernels as there may be")
        self.starting += 1
        try:
            more["extra_arguments"] = [f"--IPKernelApp.extra_extensions={EXTENSION}"]
            kernel: str = await super().start_kernel(env=kernel_environment(env or os.environ), **more)
        finally:
            self.starting -= 1
        self.started += 1
        now = time.monotonic()
        self.seen[kernel], self.expected[kernel] = now + ALONE_SECONDS - LEFT_SECONDS, now + LONGEST_SECONDS
        return kernel

    async def shutdown_all(self, **_: Any) -> None:  # type: ignore[override]  # as for start_kernel
        """End every kernel at once: an interrupt first would have those that are starting complain."""
        with suppress(HTTPError):  # one that is not known yet ends by itself when this process does
            await super().shutdown_all(now=True)

    async def end_left(self) -> None:
        """End the kernels that no page has been connected to for a while; let go of those that died."""
        await self._bury()
        now, waiting = time.monotonic(), self._waiting()
        for kernel in list(self.list_kernel_ids()):
            if self._kernel_connections.get(kernel, 0) > 0:
                self.seen[kernel] = now
                self.expected.pop(kernel, None)
            elif kernel in waiting or (now < self.expected.get(kernel, 0) and self._is_busy(kernel)):
                self.seen[kernel] = now + ALONE_SECONDS - LEFT_SECONDS
            elif now - self.seen.setdefault(kernel, now) > LEFT_SECONDS and kernel in self:
                await cast("Any", self).shutdown_kernel(kernel, now=True)
        for known in (self.seen, self.expected):
            for gone in [kernel for kernel in known if kernel not in self]:
                del known[gone]

    async def _bury(self) -> None:
        """Forget kernels whose process is gone, those kept ready for visitors too."""
        for kernel in list(self.list_kernel_ids()):
            if kernel not in self or await cast("Any", self.get_kernel(kernel)).is_alive():
                continue
            for pool in getattr(self, "_pools", {}).values():
                pool[:] = [one for one in pool if _id(one) != kernel]
            if kernel in self:
                await cast("Any", self).shutdown_kernel(kernel, now=True)

    def _is_busy(self, kernel: str) -> bool:
        return bool(getattr(self.get_kernel(kernel), "execution_state", "idle") != "idle")

    def _waiting(self) -> set[str]:
        """Return the kernels that Voila holds ready for visitors; fill its pool up where it shrank."""
        pools: dict[str, list[Any]] = getattr(self, "_pools", {})
        for name, pool in pools.items():
            pool[:] = [one for one in pool if not one.done() or not (one.cancelled() or one.exception())]
            if self._room() > 0:
                cast("Any", self).fill_if_needed(delay=0, notebook_name=name)
        return {one.result()["kernel_id"] for pool in pools.values() for one in pool if one.done()}

    def _room(self) -> int:
        return self.most - len(self) - self.starting


def _id(started: Any) -> str:
    """Return the kernel that was started ahead, or nothing while it is not there or when it failed."""
    there = started.done() and not started.cancelled() and not started.exception()
    return str(started.result()["kernel_id"]) if there else ""


def kernel_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return what a kernel sees of the environment: no secrets, no token, and that it is a dashboard's.

    Examples
    --------
    >>> kernel_environment({"PATH": "/bin", "AWS_SECRET": "x", "QUERY_STRING": "token=y&segments=4"})
    {'PATH': '/bin', 'QUERY_STRING': 'segments=4', 'SEGKIT_FACE': 'dashboard'}
    """
    kept = {name: env[name] for name in env if name in KEPT or name.startswith(KEPT_PREFIXES)}
    pairs = parse_qsl(env.get("QUERY_STRING", ""), keep_blank_values=True)
    kept["QUERY_STRING"] = urlencode([pair for pair in pairs if pair[0] != "token"])
    return {name: value for name, value in kept.items() if name not in DROPPED} | {"SEGKIT_FACE": "dashboard"}
