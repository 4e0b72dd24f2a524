"""Where the files that travel with segkit lie: notebooks, parameter files, and what is static.

In a wheel the notebooks and parameters are inside the package; in a checkout they stand beside it, where people look for
them. Only paths are made here; who reads the files lives elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from .errors import ParameterError, nearest

PACKAGE = Path(__file__).parent


def static_dir() -> Path:
    """Return the folder of style sheets, templates and scripts."""
    return PACKAGE / "static"


def notebooks_dir() -> Path:
    """Return the folder of notebooks: the packaged one if there, else the repository's."""
    return _carried("notebooks")


def parameters_dir() -> Path:
    """Return the folder of parameter files: the packaged one if there, else the repository's."""
    return _carried("parameters")


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


def _carried(folder: str) -> Path:
    packaged = PACKAGE / folder
    return packaged if packaged.is_dir() else PACKAGE.parent / folder
