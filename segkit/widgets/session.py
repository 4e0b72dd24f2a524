"""The page's side of a session: when it is there, which address it has, and whether anybody still answers.

The address of a dashboard holds the fields that its reader changed, so that a reload, or a new kernel after
one has died, brings them back. A page asks every few seconds whether its kernel is there, while it is looked
at, and says so when nobody answers. What an address means is none of this module's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import anywidget
import traitlets as t

from segkit.params import Kind
from segkit.widgets.address import pairs
from segkit.widgets.form import STATIC, Wrap

ENDED = "Session ended. Reload the page to start again; your settings are kept in its address."


class Session(anywidget.AnyWidget):
    """Nothing to look at; once a page.

    Parameters
    ----------
    on_ready
        Called when the page is there, with its address after the question mark: a kernel that was started
        before anybody came knows none.
    names
        Fields that the address may hold.
    wrap
        Goes around every callback.
    """

    _esm = STATIC / "widgets" / "session.js"
    names: t.List[str] = t.List().tag(sync=True)
    changed: t.List[Any] = t.List().tag(sync=True)
    ended = t.Unicode(ENDED).tag(sync=True)

    def __init__(self, on_ready: Callable[[str], None], names: Iterable[str], wrap: Wrap) -> None:
        super().__init__(names=list(names))
        self._on_ready = on_ready
        self.on_msg(wrap(self._hear))

    def keep(self, params: Kind, base: Kind) -> None:
        """Put into the address what differs from the notebook's own parameters."""
        self.changed = [list(pair) for pair in pairs(params, base) if pair[0] in self.names]

    def _hear(self, _: Any, message: Any, __: Any) -> None:
        match message:
            case {"kind": "there"}:
                self.send({"kind": "here"})
            case {"kind": "ready", "query": str(query)}:
                self._on_ready(query)
