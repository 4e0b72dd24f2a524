"""Files in and out of a live page, in acknowledged pieces over the connection the page has anyway.

An upload is checked in the browser and again here: type, size, order of the pieces, length at the end. It
lands in a private directory (0700) under a random name, replaces the one before it, and goes with this
process. What is inside a file is none of this room's business: `data.source` reads it, and trusts it no
more than any other.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from segkit.safe import filename
from segkit.widgets.form import STATIC, Wrap

PIECE = 2_000_000
TYPES = (".csv", ".tsv", ".txt", ".gz", ".xlsx", ".parquet", ".jsonl")
MEGABYTE = 1_000_000


class _Transfer(anywidget.AnyWidget):
    """A button, a progress bar and a line of text."""

    _refusal = "refused"
    _esm = STATIC / "widgets" / "transfer.js"
    kind = t.Unicode().tag(sync=True)
    label = t.Unicode().tag(sync=True)
    hint = t.Unicode().tag(sync=True)

    def __init__(self, wrap: Wrap, **traits: Any) -> None:
        super().__init__(**traits)
        self._wrap = wrap
        self.on_msg(wrap(self._listen))

    def _listen(self, widget: Any, message: Any, buffers: list[Any]) -> None:
        """Hear a message; where that fails, the button is free again and the page says why."""
        try:
            self._hear(widget, message, buffers)
        except Exception:
            self.send(
                {
                    "kind": self._refusal,
                    "text": "That did not work; the message beside the settings says why.",
                }
            )
            raise

    def _hear(self, _: Any, message: Any, buffers: list[Any]) -> None:
        raise NotImplementedError


class Upload(_Transfer):
    """Takes one file from the reader's computer.

    Parameters
    ----------
    on_file
        Called with the file and the name it had, made harmless.
    limit
        Largest file, in bytes.
    wrap
        Goes around every callback.
    label, kinds, types
        What the button says, which files in words, and how their names end.
    """

    _refusal = "end"
    types: t.List[str] = t.List().tag(sync=True)
    limit = t.Int().tag(sync=True)
    piece = t.Int(PIECE).tag(sync=True)
    wrong_type = t.Unicode().tag(sync=True)
    too_large = t.Unicode().tag(sync=True)

    def __init__(
        self,
        on_file: Callable[[Path], None],
        limit: int,
        wrap: Wrap,
        *,
        label: str = "Upload a file",
        kinds: str = "CSV, Excel, Parquet or JSON lines",
        types: Sequence[str] = TYPES,
    ) -> None:
        most = f"{limit / MEGABYTE:,.0f}\xa0MB" if limit >= MEGABYTE else f"{limit / 1_000:,.0f}\xa0kB"
        what = "a table" if types == TYPES else kinds
        super().__init__(
            wrap, kind="upload", label=label, hint=f"{kinds}, up to {most}", limit=limit, types=list(types),
            wrong_type=f"This is not {what}. Upload {kinds}.",
            too_large=f"The file is {{}}; the limit is {most}. Save it as Parquet or take a sample first.",
        )  # fmt: skip
        self._on_file, self._home = on_file, Private()
        self._size = 0
        self._file: Path | None = None

    def _hear(self, _: Any, message: Any, buffers: list[Any]) -> None:
        match message:
            case {"kind": "begin", "name": str(name), "size": int(size)}:
                self._begin(name, size)
            case {"kind": "piece", "from": int(start)} if self._file and buffers:
                self._take(self._file, start, bytes(buffers[0]))
            case {"kind": "cancel"}:
                self._drop()

    def _begin(self, name: str, size: int) -> None:
        self._drop()
        if Path(name).suffix.lower() not in self.types:
            self._end(self.wrong_type)
        elif not 0 < size <= self.limit:
            self._end(self.too_large.format(f"{size / MEGABYTE:,.1f} MB"))
        else:
            self._size, self._file = size, self._home.room() / _harmless(name)
            self._file.touch(mode=0o600)
            self.send({"kind": "next", "from": 0})

    def _take(self, file: Path, start: int, part: bytes) -> None:
        have = file.stat().st_size
        if start != have or not part or have + len(part) > self._size:
            self._drop()
            self._end("The upload was cut short. Choose the file again.")
            return
        with file.open("ab") as sink:
            sink.write(part)
        if have + len(part) < self._size:
            self.send({"kind": "next", "from": have + len(part)})
        else:
            self._file = None
            self._home.keep(file)
            self._end(f"{file.name} is here.")
            self._on_file(file)

    def clear(self) -> None:
        """Remove every file that came, the one underway included."""
        self._drop()
        self._home.clear()
        self._end("Nothing of yours is kept here.")

    def _drop(self) -> None:
        if self._file is not None:
            shutil.rmtree(self._file.parent, ignore_errors=True)
        self._file = None

    def _end(self, text: str) -> None:
        self.send({"kind": "end", "text": text})


class Download(_Transfer):
    """Hands one file to the reader.

    Parameters
    ----------
    make
        Called when the reader asks; returns the file's name, media type and bytes.
    """

    def __init__(self, make: Callable[[], tuple[str, str, bytes]], label: str, hint: str, wrap: Wrap) -> None:
        super().__init__(wrap, kind="download", label=label, hint=hint)
        self._make, self._made = make, ("", "", b"")

    def _hear(self, _: Any, message: Any, buffers: list[Any]) -> None:  # noqa: ARG002 - nothing comes with a question
        match message:
            case {"kind": "piece", "piece": int(piece)} if piece >= 0:
                self._give(piece)

    def _give(self, piece: int) -> None:
        if piece == 0:
            self._made = self._make()
        name, media, content = self._made
        pieces = max(1, -(-len(content) // PIECE))
        about = {"name": name, "type": media, "text": f"{name} is saved."}
        self.send(
            {"kind": "piece", "piece": piece, "pieces": pieces, **about},
            buffers=[content[piece * PIECE : (piece + 1) * PIECE]],
        )
        if piece >= pieces - 1:
            self._made = ("", "", b"")


class Private:
    """A directory only this user can enter; it goes with the process. One file is kept at a time."""

    def __init__(self) -> None:
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self._kept: Path | None = None

    def room(self) -> Path:
        """Return a new empty directory under a random name."""
        self._home = self._home or tempfile.TemporaryDirectory(prefix="segkit-", ignore_cleanup_errors=True)
        room = Path(self._home.name) / secrets.token_hex(16)
        room.mkdir(mode=0o700)
        return room

    def clear(self) -> None:
        """Remove the directory and all that is in it."""
        if self._home is not None:
            self._home.cleanup()
        self._home = self._kept = None

    def keep(self, file: Path) -> None:
        """Keep this file and remove the one before it."""
        if self._kept is not None:
            shutil.rmtree(self._kept.parent, ignore_errors=True)
        self._kept = file


def _harmless(name: str) -> str:
    """Return the file's name as letters, digits and hyphens, its ending kept."""
    path = Path(name.replace("\\", "/"))
    return filename(path.stem) + path.suffix.lower()
