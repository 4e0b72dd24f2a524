"""Failures where a test wants them, in the kernels of a server: as `sitecustomize` on their path.

After a module of `PLACES` is loaded, its function first looks into the file that `PYTHONSABOTAGE` names. If
that names it, it makes a noise where libraries do and fails, with a value and a path in its words. Nothing of
this is in segkit itself.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import json
import logging
import os
import sys
import warnings
from pathlib import Path

VALUE, PATH = "alice@planted.example", "/secret/place/customers.csv"
WORDS = f"could not convert '{VALUE}' of {PATH}"


class Mute(Exception):  # noqa: N818 - only a test knows it
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise ValueError(WORDS)


KINDS = {
    "value": lambda: ValueError(WORDS),
    "key": lambda: KeyError(VALUE),
    "file": lambda: FileNotFoundError(2, "No such file or directory", PATH),
    "letter": lambda: UnicodeDecodeError("utf-8", WORDS.encode(), 0, 1, WORDS),
    "group": lambda: ExceptionGroup(WORDS, [ValueError(WORDS), KeyError(VALUE)]),
    "mute": Mute,
    "deep": lambda: RecursionError(WORDS),
}


def sabotaged(name, call):
    """Return `call` so that it fails when the file says so."""

    @functools.wraps(call)
    def wrapper(*args, **more):
        told = json.loads(Path(os.environ["PYTHONSABOTAGE"]).read_text())
        if told["place"] != name:
            return call(*args, **more)
        with Path(os.environ["PYTHONSABOTAGE"] + ".done").open("a") as done:
            done.write(f"{name} {told['kind']}\n")
        print(WORDS, file=sys.stderr)
        warnings.warn(WORDS, stacklevel=1)
        logging.getLogger("segkit.test").error(WORDS)
        failure = KINDS[told["kind"]]()
        raise failure

    return wrapper


class Finder(importlib.abc.MetaPathFinder):
    """Finds modules as usual, and changes those that are named once they are loaded."""

    def __init__(self, places):
        self.places = {}
        for place in places:
            module, _, name = place.partition(":")
            self.places.setdefault(module, []).append((place, name))

    def find_spec(self, name, path, target=None):
        """Find a module; where it is one of those, what loads it changes it afterwards."""
        spec = importlib.machinery.PathFinder.find_spec(name, path, target) if name in self.places else None
        if spec is not None:
            load = spec.loader.exec_module
            spec.loader.exec_module = lambda module: (load(module), self.change(module))
        return spec

    def change(self, module):
        """Put the sabotaged functions in place."""
        for place, name in self.places[module.__name__]:
            *owners, last = name.split(".")
            owner = functools.reduce(getattr, owners, module)
            setattr(owner, last, sabotaged(place, getattr(owner, last)))


if "PYTHONSABOTAGE" in os.environ:
    sys.meta_path.insert(0, Finder(json.loads(os.environ["PYTHONSABOTAGE_PLACES"])))
