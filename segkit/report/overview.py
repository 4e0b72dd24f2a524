"""One page over the runs of a call: what became of each, and a link to its report.

It lies beside the run directories and belongs to none of them; the next call of several replaces it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from segkit import runs

from . import batch, page

log = logging.getLogger(__name__)

NAME = "index.html"


def write(out: str | Path, outcomes: Sequence[batch.Outcome]) -> Path | None:
    """Write the page, whole or not at all; return its path, or None when no run was made or it cannot be."""
    if not any(outcome.directory for outcome in outcomes):
        return None
    place = Path(out)
    rows = [
        {
            "name": Path(outcome.directory).name or Path(outcome.target).name,
            "link": quote(f"{Path(outcome.directory).name}/report.html") if outcome.directory else "",
            "status": outcome.status,
            "message": outcome.message,
        }
        for outcome in sorted(outcomes, key=lambda outcome: (-outcome.exit_code, outcome.target))
    ]
    styles = Markup("\n".join(map(page.static, ("tokens.css", "segkit.css", "report.css"))))  # noqa: S704 - ours
    text = page.template("index.html.j2").render(
        rows=rows, total=batch.total(outcomes), css=styles, policy=page.policy([])
    )
    partial = place / f".{NAME}.{os.getpid()}{runs.PARTIAL}"
    try:
        partial.write_text(text, encoding="utf-8")
        return partial.replace(place / NAME)
    except OSError as error:  # the runs are complete, whatever becomes of a page about them
        log.warning("%s cannot be written: %s", place / NAME, error.strerror or type(error).__name__)
        return None
    finally:
        partial.unlink(missing_ok=True)
