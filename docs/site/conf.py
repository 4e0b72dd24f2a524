"""The documentation site: what is written here, the docstrings, and notebooks that ran while it was built.

``make docs`` builds it into ``build/docs``. Nothing is loaded from elsewhere, so the site opens from disk.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import segkit
from segkit import settings
from segkit.cli import parts
from segkit.cli.main import make_parser
from segkit.params import KINDS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MADE = HERE / "made"  # written by the build, not by people

project, author, release = "segkit", "The segkit authors", segkit.__version__
copyright = f"2026, {author}"  # noqa: A001 - Sphinx wants this name
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"segkit {release}"
html_static_path: list[str] = []
html_extra_path = ["made/extra"]  # copied as they are
html_copy_source = False
exclude_patterns = ["made/extra", "made/runs"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
nitpicky = False
suppress_warnings = ["myst.xref_missing"] if "linkcheck" in sys.argv else []
GALLERY = {
    "sample:retail": ("01-segment-customers", "Segments that are clear"),
    "sample:nothing": ("01-segment-customers", "No segments, and what to do then"),
    "sample:retail_transactions": ("02-rfm-value", "A log of purchases, by recency, frequency and money"),
    "sample:retail_later": ("03-compare-runs", "The same customers a year later: who moved, and why"),
}


def commands() -> str:
    """Return every command with its flags as Markdown."""
    text = ["# Commands\n", "Each parameter of a study is a flag of the same name, with dashes.\n"]
    whole = make_parser()
    for action in whole._actions:  # noqa: SLF001 - argparse lists them nowhere else
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for name, command in action.choices.items():
                if isinstance(command, parts.StudyParser):
                    command.but = None  # the parameters have a page of their own
                text.append(f"## segkit {name}\n\n```text\n{command.format_help()}```\n")
    return "\n".join(text)


def parameters() -> str:
    """Return the parameters of every kind of study as Markdown."""
    text = ["# Parameters\n"]
    for notebook, kind in KINDS.items():
        text.append(f"## {notebook}\n\n{kind.markdown()}")
    return "\n".join(text)


def names() -> str:
    """Return the public names with their docstrings."""
    text = ["# Python\n", "`import segkit as sk` loads nothing heavy; names come when they are used.\n"]
    for name, home in segkit._HOMES.items():  # noqa: SLF001
        kind = getattr(segkit, name)
        if isinstance(kind, type):
            text.append(
                f"## {name}\n\n```{{eval-rst}}\n.. autoclass:: segkit.{home}.{name}\n   :members:\n"
                "   :exclude-members: set_fit_request\n```\n"  # scikit-learn's own words
            )
        elif callable(kind):
            text.append(f"## {name}\n\n```{{eval-rst}}\n.. autofunction:: segkit.{home}.{name}\n```\n")
    return "\n".join(text)


def gallery() -> str:
    """Run the samples; return the page that links their reports."""
    text = ["# Gallery\n", "Each is one file, written by one command while this site was built.\n"]
    extra = MADE / "extra"
    extra.mkdir(parents=True, exist_ok=True)
    for source, (notebook, about) in GALLERY.items():
        name, typed = source.partition(":")[2], ["run", source, "--notebook", notebook]
        subprocess.run(
            [sys.executable, "-m", "segkit.cli", *typed, "--out", str(MADE / "runs" / name)],
            check=True,
            cwd=HERE,
        )
        (page,) = MADE.glob(f"runs/{name}/*/report.html")
        shutil.copy(page, extra / f"{name}.html")
        text.append(f'- <a href="../{name}.html">{about}</a>: `segkit {" ".join(typed)}`')
    return "\n".join(text) + "\n"


def setup(app: Any) -> None:  # noqa: ARG001 - Sphinx's signature
    """Write the pages that follow from the code before Sphinx reads anything."""
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir()
    pages = {"commands": commands(), "parameters": parameters(), "python": names(), "gallery": gallery()}
    pages["settings"] = f"# Settings of a deployment\n\n{settings.markdown()}"
    for name in ("scorecard", "bench", "nightly"):
        pages[name] = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    for name, text in pages.items():
        (MADE / f"{name}.md").write_text(text, "utf-8")
