"""The errors segkit raises on purpose.

Every one carries a single message a business user can read: what was wrong, what is allowed, what was found
and a hint. The command line prints that message and ends with the class's ``exit_code``: 1 when the data were
read and a gate or a step failed, 2 when nothing could start. Any other exception is a defect of segkit.
"""

from __future__ import annotations

from collections.abc import Iterable


class SegkitError(Exception):
    """Base of all errors segkit raises on purpose; ``str(error)`` is the whole message."""

    exit_code = 1


class ParameterError(SegkitError):
    """A parameter is unknown, of the wrong type or out of bounds."""

    exit_code = 2


class SourceError(SegkitError):
    """The source is missing, unreadable, empty, or holds nothing that can be segmented."""

    exit_code = 2


class OutputError(SegkitError):
    """The place to write to cannot be used."""

    exit_code = 2


class ModelError(SegkitError):
    """A model file is damaged, foreign, or does not fit the data to be scored."""

    exit_code = 2


class GateError(SegkitError):
    """The data were read, and a quality gate says that no study should be made of them."""


class StepError(SegkitError):
    """A step of the study could not be carried out on these data."""


OUT_OF_MEMORY = (
    "The process that computes was ended from outside or got no more memory. "
    "Take a sample of the rows, use fewer columns, or a larger machine."
)
# What libraries say instead of MemoryError when they cannot be loaded or start a thread.
_NO_MEMORY = ("cannot allocate memory", "failed to map segment", "can't start new thread", "bad_alloc")


def lacks_memory(error: BaseException | str) -> bool:
    """Answer whether an exception, or what led to it, is a lack of memory; of a trace, whether it says so.

    Examples
    --------
    >>> lacks_memory(MemoryError()), lacks_memory(RuntimeError("can't start new thread"))
    (True, True)
    >>> lacks_memory(KeyError("memory"))
    False
    """
    if isinstance(error, MemoryError):
        return True
    before = isinstance(error, BaseException) and (error.__cause__ or error.__context__)
    told = str(error).lower()
    return any(words in told for words in _NO_MEMORY) or bool(before and lacks_memory(before))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint that names the known word most like `name`, or an empty string.

    Examples
    --------
    >>> nearest("spent", ["spend", "visits"])
    ' Did you mean "spend"?'
    >>> nearest("zzz", ["spend"])
    ''
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only a message needs it

    words = {word.lower(): word for word in known}
    close = get_close_matches(name.lower(), list(words), n=1, cutoff=0.6)
    return f' Did you mean "{words[close[0]]}"?' if close else ""
