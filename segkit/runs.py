"""A run is a directory that is either complete or absent.

Everything is written into a hidden ``.NAME-xxxx.segkit.partial`` beside the target, flushed to the disk and
moved into place by one rename; the manifest, with the size and SHA-256 of every file, is written last.
"Complete" means that the manifest verifies. A partial directory is locked while its process lives, so the
next start can tell a crash's leftovers from work in progress and sweep them. Nothing here knows notebooks.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import logs
from .errors import OutputError
from .safe import filename

if TYPE_CHECKING:
    from .kinds import Made

log = logging.getLogger(__name__)

SCHEMA = "segkit-manifest/1"
PARTIAL, ASIDE = ".segkit.partial", ".segkit.old"  # whatever else is hidden in a folder is not ours
DATA = ("segments.csv", "segments.parquet", "summary.json", "model.json")
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EACCES, errno.EPERM, errno.EROFS}
ROOM = 50_000_000  # free bytes without which no run begins; a report alone is about 5 MB
FILES = ("report.ipynb", "report.html", *DATA, "run.log", "manifest.json")


def identity(notebook: str, parameters: Mapping[str, Any], input_hash: str, version: str) -> str:
    """Return the id of a run: ten hex digits of a SHA-256 over all that decides its results.

    Examples
    --------
    >>> identity("01-segment-customers", {"segments": 0}, "c3d0", "0.1.0")
    'c0e42cfb3f'
    """
    plain = json.dumps([notebook, dict(parameters), input_hash, version], sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:10]


def save(study: Made, directory: str | Path) -> Path:
    """Write a study as a complete run without a report; return the directory.

    Parameters
    ----------
    study
        A finished study.
    directory
        Where to. A complete run there is replaced in one step; other people's files are not. Inside the
        unfinished directory of a runner only the data files are written: the runner completes it.

    Raises
    ------
    OutputError
        When the directory cannot be written, or holds files that segkit did not write.
    """
    from . import export  # noqa: PLC0415 - the runner's own process reads no data and needs no pandas

    target = Path(directory).expanduser().resolve()
    if is_partial(target):
        with _of_the_disk(target):
            export.write(study, target)
        return target
    with begin(target.parent, target.name) as run:
        with logs.to_file(run.path / "run.log"):
            export.write(study, run.path)
            log.info("saved from Python: %d customers", len(study.assignments))
        return run.publish(target.name, notebook="")


def verify(directory: str | Path) -> list[str]:
    """Check every byte of a run against its manifest; return what is wrong, nothing when it is complete."""
    folder = Path(directory)
    try:
        read = json.loads((folder / "manifest.json").read_bytes())
    except OSError:
        return ["there is no manifest.json: this is not a complete run"]
    except ValueError:
        return ["manifest.json is damaged"]
    schema = str(read.get("schema")) if isinstance(read, dict) else ""
    if re.fullmatch(r"segkit-manifest/[1-9]\d?", schema) and schema != SCHEMA:
        return [f"it was made by a later version of segkit ({schema})"]
    known = record(folder)
    if not known:
        return ["manifest.json is damaged, or not one of segkit"]
    faults = [_fault(folder / name, about) for name, about in known["files"].items()]
    return [fault for fault in faults if fault]


def record(directory: str | Path) -> dict[str, Any] | None:
    """Return the manifest of a run if it is whole, without a look at the files it vouches for.

    Raises
    ------
    OSError, ValueError
        When there is none that can be read.
    """
    read = json.loads((Path(directory) / "manifest.json").read_bytes())
    own = {name: read[name] for name in read if name != "sha256"} if isinstance(read, dict) else {}
    whole = own and read.get("sha256") == _digest(own) and own.get("status") == "complete"
    return own if whole and own.get("schema") == SCHEMA else None


def manifest(directory: str | Path) -> dict[str, Any]:
    """Return the manifest of a complete run.

    Raises
    ------
    OutputError
        When the run is not complete.
    """
    faults = verify(directory)
    if faults:
        message = f"{Path(directory).name} is not a complete run: {'; '.join(faults)}."
        raise OutputError(message)
    read: dict[str, Any] = json.loads((Path(directory) / "manifest.json").read_bytes())
    return read


def find(out: str | Path, name: str, **known: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield complete runs of this name under `out` whose manifest says what is `known`, and the manifest."""
    for folder in sorted(Path(out).glob(f"{filename(name)}-*")):
        try:
            about = record(folder) or {}
        except (OSError, ValueError):
            continue
        wanted = about and all(about.get(part) == value for part, value in known.items())
        if wanted and not verify(folder):
            yield folder, about


def remove(directory: str | Path) -> None:
    """Remove a run: out of sight in one step, then its bytes.

    Raises
    ------
    OutputError
        When it holds files that segkit did not write, or cannot be removed.
    """
    folder = Path(directory).resolve()
    aside = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}{PARTIAL}")
    try:
        _refuse_strangers(folder)
        with _locked(folder.parent):
            folder.rename(aside)
            _flush(folder.parent)
        shutil.rmtree(aside)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{folder} cannot be removed: {reason}.") from None


@dataclass
class Run:
    """A run in the making: a hidden directory that this process holds."""

    path: Path
    out: Path
    lock: int | None = None
    made: list[Path] = field(default_factory=list)

    def open(self) -> None:
        """Make the directory, where there is room for it, and hold it."""
        try:
            _ask_for_room(next(folder for folder in (self.out, *self.out.parents) if folder.exists()))
            self.out.mkdir(parents=True, exist_ok=True)
            with _locked(self.out):
                _repair(self.out)
                self.path.mkdir()
                self.lock = _lock(self.path)
        except OSError as error:
            raise _unwritable(self.out, error) from None

    def publish(self, name: str, *, notebook: str, **also: Any) -> Path:
        """Write the manifest and move the directory to its name, replacing an earlier run; return it.

        `also` goes into the manifest.
        """
        target = self.out / name
        try:
            _write_manifest(self.path, name, notebook, also)
            with _locked(self.out):
                _repair(self.out)
                try:
                    _replace(self.path, target)
                finally:  # whatever came between, a signal too: one of the two stands there, and no other
                    _repair(self.out)
        except OSError as error:
            raise _unwritable(target, error) from None
        return target

    def discard(self) -> None:
        """Remove what was not published, and the folders that were made for it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.lock is not None:
            os.close(self.lock)
        for folder in self.made:
            try:
                folder.rmdir()
            except OSError:
                return


@contextmanager
def begin(out: str | Path, name: str) -> Iterator[Run]:
    """Hold a hidden directory under `out` while the block runs; what it did not publish is gone afterwards.

    Raises
    ------
    OutputError
        When `out` cannot be made or written to.
    """
    place = Path(out).expanduser().resolve()
    made = [folder for folder in (place, *place.parents) if not folder.exists()]
    run = Run(place / f".{name}-{secrets.token_hex(4)}{PARTIAL}", place, made=made)
    try:
        run.open()
        with _of_the_disk(place):
            yield run
    finally:
        run.discard()


def is_partial(folder: Path) -> bool:
    """Answer whether a folder is the unfinished directory of a runner."""
    return folder.name.startswith(".") and folder.name.endswith(PARTIAL) and folder.is_dir()


def _write_manifest(folder: Path, name: str, notebook: str, also: Mapping[str, Any]) -> None:
    """Record what the summary says about the run and what every file holds; flush all of it to the disk."""
    summary = json.loads((folder / "summary.json").read_bytes())
    for file in sorted(folder.iterdir()):
        _flush(file)
    record = {
        "schema": SCHEMA,
        "status": "complete",
        "run": name,
        "notebook": notebook,
        "parameters": summary["parameters"],
        "seed": summary["parameters"]["seed"],
        "input": summary["reading"],
        "version": summary["provenance"]["segkit"],
        "made": summary["run"]["made"],
        **also,
        "versions": summary["run"]["versions"],
        "files": {file.name: _known(file) for file in sorted(folder.iterdir())},
    }
    file = folder / "manifest.json"
    file.write_text(json.dumps(record | {"sha256": _digest(record)}, indent=1) + "\n", encoding="utf-8")
    _flush(file)
    _flush(folder)


def _replace(path: Path, target: Path) -> None:
    """Move `path` to `target`; what stood there is aside for the moment between, see `_repair`."""
    _refuse_strangers(target)
    aside = target.with_name(f".{target.name}{ASIDE}")
    if target.exists():
        target.rename(aside)
    path.rename(target)
    _flush(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _repair(out: Path) -> None:
    """Put back or remove what a crash left: earlier runs set aside, partial directories nobody holds."""
    for aside in out.glob(f".*{ASIDE}"):
        target = out / aside.name[1:].removesuffix(ASIDE)
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(target)
    for partial in out.glob(f".*{PARTIAL}"):
        try:
            held = _lock(partial)
        except (BlockingIOError, FileNotFoundError, PermissionError):
            continue
        if held is not None:
            shutil.rmtree(partial, ignore_errors=True)
            os.close(held)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder against other segkit processes for the few renames in the block."""
    held = _lock(folder, wait=True)
    try:
        yield
    finally:
        if held is not None:
            os.close(held)


def _lock(folder: Path, *, wait: bool = False) -> int | None:
    """Lock a folder until its descriptor is closed; None where the file system cannot lock folders (NFS)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _refuse_strangers(folder: Path) -> None:
    strangers = sorted(file.name for file in folder.iterdir() if _is_strange(file)) if folder.is_dir() else []
    if strangers:
        message = (
            f"{folder.name} holds files that segkit did not write ({', '.join(strangers[:3])}). "
            "Name another directory, or move them away."
        )
        raise OutputError(message)


def _is_strange(file: Path) -> bool:
    return file.name not in FILES and not file.name.startswith(".")


def _known(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest(), "bytes": file.stat().st_size}


def _fault(file: Path, known: Mapping[str, Any]) -> str:
    try:
        return "" if _known(file) == known else f"{file.name} is not what was written"
    except OSError:
        return f"{file.name} is missing"


def _digest(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ask_for_room(place: Path) -> None:
    """Refuse to begin on a disk that is all but full: better now than after the work."""
    free = shutil.disk_usage(place).free
    if free < ROOM:
        raise OSError(errno.ENOSPC, f"only {free / 1e6:.0f} MB are free, and {ROOM / 1e6:.0f} are needed")


@contextmanager
def _of_the_disk(place: Path) -> Iterator[None]:
    """Say in a sentence what the disk said while the block wrote."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK:
            raise _unwritable(place, error) from None
        raise


def _unwritable(place: Path, error: OSError) -> OutputError:
    reason = error.strerror or type(error).__name__
    return OutputError(f"The results cannot be written to {place}: {reason}. Name another directory.")
