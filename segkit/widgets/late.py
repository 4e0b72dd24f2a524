"""What a page asks of the rooms below it, each loaded when it is first asked.

The libraries that make a study take longer to load than a page does to be written. So nothing else in this
room names them at the top of a file, and a browser has its page while they load beside it.
"""
# ruff: noqa: PLC0415 - that is what this file is for

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segkit.params import Kind

if TYPE_CHECKING:
    from segkit.kinds import Made
    from segkit.panels.panel import Panel


def study(source: str | None, params: Kind, watch: Callable[[str], object] | None = None) -> Made:
    """Carry out the study that its parameters describe; `watch` hears the name of each step."""
    from segkit import kinds, steps

    if watch:
        steps.watch.set(watch)
    return kinds.carry_out(source, params)


def forget() -> None:
    """Let go of every result that is kept."""
    from segkit.steps import kept

    kept.clear()


def panels(params: Kind) -> tuple[str, ...]:
    """Return the names of the panels of a kind of study."""
    from segkit.panels import builders

    return builders.names(params)


def panel(study: Any, name: str, *, dark: bool = False, column: str = "") -> Panel:
    """Build one panel of a study."""
    from segkit.panels import builders

    return builders.build(study, name, dark=dark, column=column)


def write(study: Made, folder: Path) -> None:
    """Write a study's data files into a folder."""
    from segkit import export

    export.write(study, folder)


def deliver(run: Path, target: Path) -> None:
    """Write an export of a finished run."""
    from segkit import delivery

    delivery.deliver(run, str(target))


def plotly_js() -> str:
    """Return the text of plotly.js."""
    from plotly.offline import get_plotlyjs

    text: str = get_plotlyjs()
    return text
