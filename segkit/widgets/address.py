"""What the address of a dashboard says: the fields that its reader changed, and nothing that names a file.

A source may be one of those the page offers, by exactly that name; the reader's own upload is known by its
name only. Everything is validated by the model of the parameters. No widget lives here.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, parse_qsl

from segkit.errors import ParameterError
from segkit.params import Kind

UPLOAD = "upload:"  # a source of this page only: the file its reader sent
K = TypeVar("K", bound=Kind)


def from_address(query: str, params: K, sources: Collection[str] = ()) -> K:
    """Return `params` with what an address such as ``segments=4&scale=robust`` changes.

    Of `sources` it may name one, by exactly that name.

    Raises
    ------
    ParameterError
        When a name or value does not fit, or names a file, address or directory: those are not for visitors.

    Examples
    --------
    >>> from segkit.params import Params
    >>> from_address("segments=4", Params()).segments
    4
    """
    given = parse_qs(query, keep_blank_values=True).items()
    texts = {name: found[0] if len(found) == 1 else found for name, found in given if name != "token"}
    closed = [
        field.name
        for field in params.fields()
        if field.name in texts
        and (field.operator or field.run)
        and not (field.name == "source" and texts["source"] in list(sources))
    ]
    if closed:
        raise ParameterError(f"An address cannot set {' or '.join(closed)}.")
    return type(params).from_text(texts, base=params)


def bare(query: str) -> list[tuple[str, str]]:
    """Return an address without the token."""
    return [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] != "token"]


def told(params: K, source: str = "") -> K:
    """Return parameters in which an upload is known by its name."""
    own = str(params.dump()["source"])
    if not own.startswith(UPLOAD):
        return params
    return params.but(source=source or own.removeprefix(UPLOAD))


def called(source: str) -> str:
    """Return a source as a page names it."""
    return f"Sample: {source.removeprefix('sample:')}" if source.startswith("sample:") else Path(source).name


def pairs(params: Kind, base: Kind) -> list[tuple[str, str]]:
    """Return what differs as names and texts, as an address has them.

    Examples
    --------
    >>> from segkit.params import Params
    >>> pairs(Params(segments=4, features=["a,b"]), Params())
    [('features', '["a,b"]'), ('segments', '4')]
    """
    own, old = params.study_dump(), base.study_dump()
    return [(name, _text(value)) for name, value in own.items() if value != old[name]]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
