"""Write what follows from the code: parameters, settings, their example, module order (``make docs``)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from segkit import settings
from segkit.params import Params

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- written by `make docs` -->"


def between(text: str, name: str, table: str) -> str:
    """Put a table between the two marks of its name."""
    marks = re.compile(rf"(<!-- {name}:start -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    return marks.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", text)


def rooms(text: str) -> str:
    """Write the modules of each room in the order that import-linter holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for contract in project["tool"]["importlinter"]["contracts"]:
        room = contract["containers"][0].removeprefix("segkit").removeprefix(".")
        if room and "." not in room:
            order = " ".join(
                f"`{module}`" for row in reversed(contract["layers"]) for module in row.split(" | ")
            )
            text = re.sub(rf"(?m)^(\| `{room}` \|.*\| )`[^|]*\|$", rf"\g<1>{order} |", text)
    return text


def main() -> None:
    readme = ROOT / "README.md"
    readme.write_text(between(readme.read_text("utf-8"), "parameters", Params.markdown()), "utf-8")
    rules = ROOT / "CONTRIBUTING.md"
    rules.write_text(rooms(rules.read_text("utf-8")), "utf-8")
    page = ROOT / "docs" / "settings.md"
    page.write_text(f"# Settings of a deployment\n\n{NOTE}\n\n{settings.markdown()}", "utf-8")
    example = ROOT / "deploy" / ".env.example"
    example.write_text(settings.example(), "utf-8")
    print(f"written: {readme.name}, {rules.name}, docs/{page.name}, deploy/{example.name}")


if __name__ == "__main__":
    main()
