"""Plain YAML in: a mapping of plain values, or one clear error.

YAML can build objects, refer to itself until memory is gone, and read `no` as false. A file that people
edit needs none of that. The loader here knows text, whole numbers, decimals, true, false, null, lists and
mappings; tags, anchors, aliases, dates and repeated keys are errors.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .errors import ParameterError

_KEPT = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:int")
_DECIMAL = re.compile(r"^[-+]?(\d+\.\d*|\.?\d+)([eE][-+]?\d+)?$")
_TRUTH = re.compile("^(true|True|false|False)$")


def read(path: str | Path, *, largest: int = 1_000_000) -> dict[str, Any]:
    """Read a file of `name: value` lines.

    Raises
    ------
    ParameterError
        When the file cannot be read, is larger than `largest` bytes, or is not plain YAML.
    """
    file = Path(path)
    try:
        if file.stat().st_size > largest:
            message = f"{file.name} is over {largest:,} bytes; a file of settings holds a few lines."
            raise ParameterError(message)
        return loads(file.read_text(encoding="utf-8"), name=file.name)
    except OSError as error:
        message = f"The file {file.name} cannot be read: {error.strerror}."
        raise ParameterError(message) from None
    except UnicodeDecodeError:
        message = f"{file.name} is not plain YAML: it is not UTF-8 text."
        raise ParameterError(message) from None


def loads(text: str, *, name: str = "the text") -> dict[str, Any]:
    r"""Read `name: value` lines from a text.

    Examples
    --------
    >>> loads("segments: 4\nfeatures: [spend, no]")
    {'segments': 4, 'features': ['spend', 'no']}
    """
    import yaml  # noqa: PLC0415 - commands that read no file do without it

    try:
        values = yaml.load(text, Loader=_loader())  # noqa: S506 - stricter than the safe loader it is built on
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        message = f"{name} is not plain YAML: {' '.join(str(error).split())}"
        raise ParameterError(message) from None
    values = {} if values is None else values
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        message = f"{name} must hold lines such as 'segments: 4', found {type(values).__name__}."
        raise ParameterError(message)
    return values


def dumps(values: dict[str, Any]) -> str:
    r"""Write plain values as lines that `loads` reads back the same.

    Examples
    --------
    >>> dumps({"segments": 4, "value": "0E0"})
    "segments: 4\nvalue: '0E0'\n"
    """
    import yaml  # noqa: PLC0415

    class Plain(yaml.SafeDumper):
        pass

    def text(dumper: Any, value: str) -> Any:  # yaml leaves decimals such as 0E0 bare, which `loads` reads
        style = "'" if _DECIMAL.match(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Plain.add_representer(str, text)
    written: str = yaml.dump(values, Dumper=Plain, sort_keys=False, allow_unicode=True)
    return written


def _loader() -> Any:
    import yaml  # noqa: PLC0415

    class Plain(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            event: Any = self.peek_event()  # type: ignore[no-untyped-call, unused-ignore]
            if (
                isinstance(event, yaml.AliasEvent)
                or getattr(event, "anchor", None)
                or getattr(event, "tag", None)
            ):
                fault = "tags, anchors and aliases are not allowed"
                raise yaml.YAMLError(fault)
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - yaml's signature
            keys = [key.value for key, _ in node.value]
            if len(keys) != len({str(key) for key in keys}):
                fault = "a name stands twice"
                raise yaml.YAMLError(fault)
            return super().construct_mapping(node, deep)

    Plain.yaml_implicit_resolvers = {
        sign: [(tag, regex) for tag, regex in pairs if tag in _KEPT]
        for sign, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Plain.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUTH, list("tTfF"))
    Plain.add_implicit_resolver("tag:yaml.org,2002:float", _DECIMAL, list("-+.0123456789"))
    return Plain
