"""The gate: what a file is, by its content, and a child process in which the untrusted is read.

A name proves nothing: the first bytes say what a file is. Uploads and spreadsheets are opened in a child with
limits on memory, processor time and waiting, in a clean environment; a child that crashes is a refusal, never
the end of this process. Before that come the checks that need no parsing. How a table is read is for `files`.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from segkit.errors import SourceError

_SIGNS = {
    b"\x89png": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"gif8": "a GIF picture",
    b"%pdf": "a PDF document",
    b"\x7felf": "a program",
    b"rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"\xfd7zxz": "an xz archive",
    b"(\xb5/\xfd": "a Zstandard archive",
    b"fea1": "a Feather file of the first version",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"<table": "a web page",
    b"<?xml": "an XML document",
    b"{\\rtf": "an RTF document",
}
_MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xd0\xcf\x11\xe0": "xls",
    b"SQLite format 3\0": "sqlite",
}
_INSIDE = {"xl/workbook.xml": "xlsx", "xl/workbook.bin": "xlsb"}
_DOCUMENTS = {"word/document.xml": "a Word document", "ppt/presentation.xml": "a PowerPoint presentation"}
NEEDED = "A source needs a header line and at least two rows."
_HEAD = 4096  # bytes that tell what a file is
_FEWEST = 5  # bytes of the smallest text with a name and two values
_KINDS = "Sources are CSV, TSV, Parquet, Arrow, XLSX, XLS, ODS, JSON lines and SQLite or DuckDB files."
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); from segkit.data import files; files.child(sys.argv[2])"
)
SPREADSHEETS = {"xlsx", "xlsb", "xls", "ods"}


@dataclass(frozen=True)
class Limits:
    """What the reading of one file may cost: bytes, rows, columns, seconds, and a command that scans it."""

    file: int = 200_000_000
    unpacked: int = 2_000_000_000
    rows: int = 20_000_000
    columns: int = 5_000
    memory: int = 1 << 30
    seconds: float = 120
    scanner: str = ""

    @classmethod
    def load(cls) -> Limits:
        """Return the limits of this deployment (``SEGKIT_UPLOAD_LIMIT_MB`` and its like)."""
        from segkit import settings  # noqa: PLC0415 - the child is given its limits, and starts sooner without

        its = settings.load()
        return cls(
            file=its.upload_limit_mb * 1_000_000,
            unpacked=its.read_unpacked_mb * 1_000_000,
            rows=its.read_rows,
            columns=its.read_columns,
            memory=its.read_memory_mb << 20,
            seconds=its.read_seconds,
            scanner=its.scanner,
        )


def kind(path: Path) -> str:
    """Return what a file is by its content: "text", "parquet", "xlsx", "gzip" ...

    Raises
    ------
    SourceError
        When there is no such file, or it is a directory, empty, unreadable, or of a kind that holds no table.
    """
    head = _head(path)
    plain = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not plain.strip(b"\0"):
        raise SourceError(f"{path.name} is empty. {NEEDED}")
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    if known := next((name for sign, name in _MAGIC.items() if head.startswith(sign)), ""):
        return known
    if head[8:12] == b"DUCK":
        return "duckdb"
    found = next((name for sign, name in _SIGNS.items() if plain.startswith(sign)), "")
    if not found and b"\0" in head and not _maybe_utf16(head):
        found = "binary data, not text"
    if found:
        raise SourceError(f"{path.name} is {found}. {_KINDS}")
    if len(plain) < _FEWEST:
        raise SourceError(f"{path.name} has no rows under its header. {NEEDED}")
    return "text"


def blocks(path: Path, size: int = 1 << 20) -> Iterator[bytearray]:
    """Yield the bytes of a file, a megabyte at a time; each is written over by the next."""
    block = bytearray(size)
    with path.open("rb", buffering=0) as file:
        while read := file.readinto(block):
            yield block if read == size else block[:read]


def inspect(path: Path, what: str, limits: Limits, name: str) -> None:
    """Refuse what can be seen to be a trap without parsing it.

    Raises
    ------
    SourceError
        When a file is larger than allowed, an archive would unpack to more, a workbook defines XML entities,
        a Parquet file has no end, or the scanner does not pass it.
    """
    if path.stat().st_size > limits.file:
        raise SourceError(
            f"{name} has {path.stat().st_size / 1e6:,.0f} MB;"
            f" at most {limits.file / 1e6:,.0f} MB are allowed."
        )
    if what in {"xlsx", "xlsb", "ods", "zip"}:
        _inspect_zip(path, limits, name)
    if what in {"parquet", "arrow"}:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 6))
            if not file.read().endswith((b"PAR1", b"ARROW1")):
                raise SourceError(f"{name} is damaged: it starts as {what.title()} and ends early.")
    if limits.scanner:
        _scan(path, limits, name)


def confined(request: dict[str, Any], folder: Path, limits: Limits, name: str) -> dict[str, Any]:
    """Let a child process do a request, and return what it said.

    Parameters
    ----------
    request : dict
        What `files.child` takes.
    folder : Path
        A private directory; the child may write there only.
    limits : Limits
        Watched from here: resident memory and waiting. The child limits its processor time itself.

    Raises
    ------
    SourceError
        When the child refuses, dies, or goes over a limit.
    """
    root = Path(__file__).resolve().parents[2]
    said = folder / "said"
    asked = json.dumps(request | {"folder": str(folder), "limits": asdict(limits)})
    with said.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and code; the path is an argument
            [sys.executable, "-I", "-c", _CHILD, str(root), asked],
            env={},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        fault = _watch(process, limits)
    if fault:
        raise SourceError(f"{name} {fault}.")
    try:
        answer: dict[str, Any] = json.loads(said.read_bytes())
    except ValueError:  # it died before it could speak
        raise SourceError(f"{name} is damaged or too large to be read.") from None
    if "fault" in answer:
        raise SourceError(str(answer["fault"]))
    return answer


def _watch(process: subprocess.Popen[bytes], limits: Limits) -> str:
    """Wait for a child, end it when it goes over a limit, and say which.

    Memory can grow by some 40 MB between two looks, and more on a busy machine, so the child ends an eighth
    below what it may take.
    """
    end, pause, most = time.monotonic() + limits.seconds, 0.005, limits.memory - limits.memory // 8
    try:
        while process.poll() is None:
            if time.monotonic() > end:
                return f"was not read within {limits.seconds:g} seconds"
            if _resident(process.pid) > most:
                return f"needs more than {most >> 20:,} MB of memory to be read"
            time.sleep(pause)
            pause = min(0.02, pause * 1.2)
        return ""
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _resident(pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _scan(path: Path, limits: Limits, name: str) -> None:
    """Ask the scanner that the deployment names; only exit code 0 passes a file."""
    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command
            [*shlex.split(limits.scanner), str(path.resolve())],
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"{name} is refused: the scanner did not end in time.") from None
    except OSError:
        raise SourceError(f"{name} is refused: the scanner could not be started.") from None
    if done.returncode:
        raise SourceError(f"{name} is refused by the scanner (code {done.returncode}).")


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SourceError(f"{path.name or path} is a directory. Name one file in it.")
        if path.exists() and not path.is_file():
            raise SourceError(f"{path.name} is no plain file.")
        with path.open("rb") as file:
            return file.read(_HEAD)
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}. Check the path, or use sample:retail.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{path.name} cannot be opened: {reason}.") from None


def _maybe_utf16(head: bytes) -> bool:
    """Tell whether zero bytes are those of UTF-16: with its mark, or every other byte."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    return head.startswith((b"\xff\xfe", b"\xfe\xff")) or max(even, odd) > 0.45 * len(head) > 4 > min(
        even, odd
    )


# ---------------------------------------------------------------------------------------------- zip archives
def _directory(path: Path, name: str) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        raise SourceError(
            f"{name} is damaged: it starts like a zip archive or workbook and ends early."
        ) from None


def _zip_kind(path: Path) -> str:
    names = {each.filename for each in _directory(path, path.name)}
    if found := next((each for sign, each in _DOCUMENTS.items() if sign in names), ""):
        raise SourceError(f"{path.name} is {found}. {_KINDS}")
    if known := next((each for sign, each in _INSIDE.items() if sign in names), ""):
        return known
    return "ods" if {"mimetype", "content.xml"} <= names else "zip"


def _inspect_zip(path: Path, limits: Limits, name: str) -> None:
    members = _directory(path, name)
    size = sum(each.file_size for each in members)
    if size > limits.unpacked or len(members) > 10_000:
        raise SourceError(
            f"{name} would unpack to {size / 1e6:,.0f} MB in {len(members):,} files: more than allowed."
        )
    if size > 50_000_000 and size > 200 * path.stat().st_size:
        raise SourceError(
            f"{name} would unpack to {size / path.stat().st_size:,.0f} times its size, as a trap does."
        )
    if any(each.flag_bits & 1 for each in members):
        raise SourceError(f"{name} is encrypted. Save it without a password.")
    if any(each.filename.endswith("vbaProject.bin") for each in members):
        raise SourceError(f"{name} holds macros. Save its table as XLSX or CSV.")
    with zipfile.ZipFile(path) as archive:
        for each in members:
            if each.filename.endswith((".xml", ".rels")) and _has_entities(archive, each):
                raise SourceError(f"{name} defines XML entities, as no spreadsheet program does.")


def _has_entities(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    try:
        with archive.open(member) as file:
            return re.search(rb"<!(DOCTYPE|ENTITY)", file.read(4096).replace(b"\0", b"")) is not None
    except Exception:  # noqa: BLE001 - a part that is damaged is for the parser to refuse
        return False
