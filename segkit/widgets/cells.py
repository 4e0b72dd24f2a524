"""What a dashboard shows of a cell that fails: the sentence and the number that any other failure gets.

IPython sends an exception's words to the page, and of a group of them nothing that Voila shows. A kernel of
`segkit serve` loads this before its first cell, one of a plain Voila when the page is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from IPython import display as ipython

from segkit.safe import html
from segkit.widgets.work import sentence

RELOAD = (
    "That did not work. Reload the page to start again; if it happens twice, "
    "tell the person who runs this page: error"
)
display: Callable[..., None] = ipython.display
MESSAGE = (
    '<div class="sk sk-app"><div class="sk-msg sk-error" role="alert">'
    "<span>!</span><span>{}</span></div></div>"
)


def load_ipython_extension(shell: Any) -> None:
    """Say in our words what goes wrong in a cell from now on."""
    shell.set_custom_exc((Exception, BaseExceptionGroup), _say)


def _say(_: Any, __: Any, error: BaseException, *___: Any, **____: Any) -> None:
    """Show the sentence; there is no trace."""
    display({"text/html": MESSAGE.format(html(sentence(error, RELOAD)))}, raw=True)
