"""segkit: customer segments a business can trust and act on.

The public names are loaded when they are first used, so that ``import segkit`` costs next to nothing.

Examples
--------
>>> import segkit as sk
>>> study = sk.segment("sample:retail")                        # doctest: +SKIP
>>> print(study.text.headline)                                 # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "CompareParams": "params",
    "Params": "params",
    "RfmParams": "params",
    "ScoreParams": "params",
    "SegkitError": "errors",
    "Segmenter": "segments.segmenter",
    "Study": "study",
    "check": "checks",
    "controls": "widgets.view",
    "dashboard": "widgets.dashboard",
    "load": "data.source",
    "plots": "",
    "read_model": "segments.model",
    "rfm": "data.rfm",
    "samples": "data",
    "save": "runs",
    "segment": "study",
}

__all__ = [  # noqa: PLE0604 - the list is the table above, one place to edit
    *_HOMES,
    "__version__",
]

if TYPE_CHECKING:
    from .checks import check as check
    from .data import samples as samples
    from .data.rfm import rfm as rfm
    from .data.source import load as load
    from .errors import SegkitError as SegkitError
    from .params import CompareParams as CompareParams
    from .params import Params as Params
    from .params import RfmParams as RfmParams
    from .params import ScoreParams as ScoreParams
    from .runs import save as save
    from .segments.model import read_model as read_model
    from .segments.segmenter import Segmenter as Segmenter
    from .study import Study as Study
    from .study import segment as segment
    from .widgets.dashboard import dashboard as dashboard
    from .widgets.view import controls as controls

    from . import plots as plots  # isort: skip


def __getattr__(name: str) -> Any:
    """Load a public name from its room on first use."""
    from importlib import import_module

    if name not in _HOMES:
        message = f"segkit has no {name!r}; it has: {', '.join(sorted(_HOMES))}"
        raise AttributeError(message)
    home = ".".join(part for part in (__name__, _HOMES[name]) if part)
    if name in {"plots", "samples"}:
        return import_module(f"{home}.{name}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
