"""Write the reference of parameters and settings: into the README and into docs/. Run by ``make docs``."""

from __future__ import annotations

import re
from pathlib import Path

from segkit import settings
from segkit.params import Params

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- written by `make docs` -->"


def between(text: str, name: str, table: str) -> str:
    """Put a table between the two marks of its name."""
    marks = re.compile(rf"(<!-- {name}:start -->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    return marks.sub(lambda found: f"{found[1]}\n{table}\n{found[2]}", text)


def main() -> None:
    readme = ROOT / "README.md"
    readme.write_text(between(readme.read_text("utf-8"), "parameters", Params.markdown()), "utf-8")
    page = ROOT / "docs" / "settings.md"
    page.write_text(f"# Settings of a deployment\n\n{NOTE}\n\n{settings.markdown()}", "utf-8")
    print(f"written: {readme.name}, docs/{page.name}")


if __name__ == "__main__":
    main()
