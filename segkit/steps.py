"""Results of the steps of a study, kept by content, and who is told of each step.

What went in decides the key, so changing the number of segments reads and prepares nothing again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from threading import Lock
from typing import Any, TypeVar

log = logging.getLogger(__name__)
Result = TypeVar("Result")
# Told the name of each step before it is done; a page shows it, or stops the study by raising.
watch: ContextVar[Callable[[str], object]] = ContextVar("watch", default=lambda step: None)  # noqa: ARG005


class Kept:
    """Results of steps by content, the last few of each step."""

    def __init__(self, most: int = 4) -> None:
        self.most, self.lock = most, Lock()
        self.steps: dict[str, OrderedDict[str, Any]] = {}

    def get(self, step: str, key: str, make: Callable[[], Result]) -> Result:
        """Return what `make` gave for this key before, or gives now."""
        with self.lock:
            kept = self.steps.setdefault(step, OrderedDict())
            if key in kept:
                kept.move_to_end(key)
                return kept[key]  # type: ignore[no-any-return]
        log.info("step %s", step)
        watch.get()(step)
        made = make()
        with self.lock:
            kept[key] = made
            while len(kept) > self.most:
                kept.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self.steps.clear()


kept = Kept()


def key_of(*parts: Any) -> str:
    """Return one key for all that went into a step."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
