"""Where the files that travel with segkit lie: notebooks, parameter files, and what is static.

In a wheel the notebooks and parameters are inside the package; in a checkout they stand beside it, where
people look for them. And where this process stands: before its own user, or behind a dashboard. Nothing is
read here; who reads the files lives elsewhere.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import OutputError, ParameterError, nearest

PACKAGE = Path(__file__).parent
EDITABLE = ("playbook.yml", "rfm.yml")  # what the parameters `playbook` and `names` may name a copy of


def static_dir() -> Path:
    """Return the folder of style sheets, templates and scripts."""
    return PACKAGE / "static"


def notebooks_dir() -> Path:
    """Return the folder of notebooks: the packaged one if there, else the repository's."""
    return _carried("notebooks")


def parameters_dir() -> Path:
    """Return the folder of parameter files: the packaged one if there, else the repository's."""
    return _carried("parameters")


def state_dir() -> Path:
    """Return the folder of what segkit keeps for this user: the index of runs, the traces of errors."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "segkit"


def in_dashboard(environ: Mapping[str, str]) -> bool:
    """Answer whether this process serves a dashboard, whose visitors are not trusted.

    Examples
    --------
    >>> in_dashboard({"SEGKIT_FACE": "dashboard"}), in_dashboard({"SERVER_SOFTWARE": "voila/0.5.13"})
    (True, True)
    """
    voila = environ.get("SERVER_SOFTWARE", "").lower().startswith("voila")
    return (
        voila
        or environ.get("SEGKIT_FACE") == "dashboard"
        or any(name.startswith("VOILA_") for name in environ)
    )


def notebook(name: str) -> Path:
    """Return a notebook by its name, or by the path of a file of one's own.

    Raises
    ------
    ParameterError
        When there is no such notebook.

    Examples
    --------
    >>> notebook("01-segment-customers").suffix
    '.ipynb'
    """
    own = Path(name)
    if own.suffix == ".ipynb" and own.is_file():
        return own
    known = {file.stem: file for file in sorted(notebooks_dir().glob("*.ipynb"))}
    if name not in known:
        message = f'There is no notebook "{name}"; there are: {", ".join(known)}.{nearest(name, known)}'
        raise ParameterError(message)
    return known[name]


def lay_down(directory: str | Path) -> Iterator[tuple[Path, bool]]:
    """Copy notebooks, parameter files and editable tables for a user; yield each file and whether it is new.

    A file that is there already stays as it is.

    Raises
    ------
    OutputError
        When the directory cannot be written.
    """
    tables = [PACKAGE / "tables" / name for name in EDITABLE]
    carried = [*notebooks_dir().glob("*.ipynb"), *parameters_dir().glob("*.yml"), *tables]
    for file in sorted(carried):
        copy = Path(directory) / file.parent.name / file.name
        is_new = not copy.exists()
        try:
            if is_new:
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
        except OSError as error:
            message = f"{copy} cannot be written: {error.strerror}. Name another directory."
            raise OutputError(message) from None
        yield copy, is_new


def _carried(folder: str) -> Path:
    packaged = PACKAGE / folder
    return packaged if packaged.is_dir() else PACKAGE.parent / folder
