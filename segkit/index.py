"""The index of runs: which were queued, ran, ended, and how; found by name, data, date and parameters.

One table, and one of the parameters that differ from the defaults, in SQLite beside the user's state or in
any database that SQLAlchemy knows. It is a cache: whether a run is complete only its manifest says, and
`rebuild` makes the index again from the directories. So no fault of it ever fails a run: it is told, and the
run goes on. Nothing here reads data or writes into a run.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateIndex, CreateTable

from . import places, runs
from .errors import OutputError, SegkitError, nearest

log = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
DEAD_SECONDS = 60.0  # a run without a heartbeat for so long was interrupted
_LOCK = int.from_bytes(b"segkit", "big")  # held in PostgreSQL while the tables are made
KEY = "SEGKIT_RUN_KEY"  # a run that was queued hands its key to the process that carries it out
DURABLE = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
)
WIPES = {  # what writes the tables anew, without the bytes of rows that went
    "sqlite": ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"),
    "postgresql": ("VACUUM (FULL) segkit_runs", "VACUUM (FULL) segkit_run_parameters"),
}

_meta = sa.MetaData()
_short, _long = sa.String(300), sa.Text()
RUNS = sa.Table(
    "segkit_runs",
    _meta,
    sa.Column("key", sa.String(32), primary_key=True),
    *(sa.Column(name, _short, nullable=False, default="", index=True) for name in ("status", "run", "name")),
    *(sa.Column(name, _short, nullable=False, default="", index=True) for name in ("source", "started")),
    *(sa.Column(name, _short, nullable=False, default="") for name in ("notebook", "ended", "heartbeat")),
    *(sa.Column(name, _short, nullable=False, default="") for name in ("version", "host", "verdict")),
    sa.Column("input_sha256", sa.String(64), nullable=False, default="", index=True),
    *(sa.Column(name, sa.Integer, nullable=False, default=0) for name in ("pid", "segments", "customers")),
    *(sa.Column(name, _long, nullable=False, default="") for name in ("directory", "message")),
)
PARAMETERS = sa.Table(
    "segkit_run_parameters",
    _meta,
    sa.Column("key", sa.ForeignKey("segkit_runs.key", ondelete="CASCADE"), primary_key=True),
    sa.Column("field", sa.String(60), primary_key=True),
    sa.Column("value", _short, nullable=False),
    sa.Index("segkit_by_parameter", "field", "value"),
)


@dataclass(frozen=True)
class Entry:
    """One line of the index; times are UTC in ISO form, empty where they are not known."""

    key: str
    status: str
    run: str
    name: str
    source: str
    started: str
    notebook: str
    ended: str
    heartbeat: str
    version: str
    host: str
    verdict: str
    input_sha256: str
    pid: int
    segments: int
    customers: int
    directory: str
    message: str


class Index:
    """The index at an address: ``sqlite:///FILE``, ``postgresql://...``; "" is the user's own.

    Raises
    ------
    OutputError
        When it cannot be opened.

    Examples
    --------
    >>> index = Index("sqlite://")
    >>> key = index.add(name="shop", source="shop.csv", status="queued")
    >>> [entry.name for entry in index.find(status="queued")]
    ['shop']
    """

    def __init__(
        self, address: str = "", *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.clock = clock
        if not address:
            file = places.state_dir() / "runs.sqlite"
            with suppress(OSError):
                file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            address = f"sqlite:///{file}"
        try:
            self.engine = engine(address)
        except (SQLAlchemyError, ImportError) as error:
            raise self._fault(address, error) from None
        sa.event.listen(self.engine, "handle_error", self._tell)
        if self.engine.dialect.name == "sqlite":
            sa.event.listen(self.engine, "connect", _durable)
        with self.engine.begin() as connection:  # several may come first at once
            if self.engine.dialect.name == "postgresql":  # there "if not exists" looks before it locks
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            for table in _meta.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
                for each in table.indexes:
                    connection.execute(CreateIndex(each, if_not_exists=True))

    def _tell(self, context: sa.ExceptionContext) -> None:
        """Turn what a database says, whatever was asked of it, into a sentence of ours."""
        error = context.sqlalchemy_exception or context.original_exception
        if isinstance(error, Exception):  # a signal that comes meanwhile is not the database's
            raise self._fault(str(self.engine.url), error)

    @staticmethod
    def _fault(address: str, error: BaseException) -> OutputError:
        return OutputError(
            f"The index of runs at {_without_password(address)} cannot be used ({_reason(error)}). Set "
            "SEGKIT_INDEX to another, or move it away: `segkit runs rebuild` makes it from the directories."
        )

    # ------------------------------------------------------------------------------------- written by runs
    def add(self, *, status: str, parameters: Mapping[str, Any] | None = None, **known: Any) -> str:
        """Add a run; return its key."""
        key = secrets.token_hex(16)
        with self.engine.begin() as connection:
            connection.execute(RUNS.insert().values(key=key, status=status, **_short_texts(known)))
            _put_parameters(connection, key, parameters or {})
        return key

    def change(self, key: str, **known: Any) -> None:
        """Change what is known of a run."""
        with self.engine.begin() as connection:
            connection.execute(RUNS.update().where(RUNS.c.key == key).values(**_short_texts(known)))

    @contextmanager
    def attempt(
        self, *, name: str, notebook: str, source: str, parameters: Mapping[str, Any]
    ) -> Iterator[Callable[[Path], None]]:
        """Record a run while the block makes it; call what is yielded with the directory of the finished run.

        An error marks it failed, a signal interrupted; the heart beats meanwhile.
        """
        began = self.now()
        known: dict[str, Any] = {"name": name, "notebook": notebook, "source": source, "pid": os.getpid()}
        known |= {"host": platform.node(), "started": began, "heartbeat": began, "status": "running"}
        key = os.environ.pop(KEY, "")
        if key:
            self.change(key, **known)
        else:
            key = self.add(parameters=parameters, **known)
        finished: list[Path] = []
        ended = threading.Event()
        heart = threading.Thread(target=self._beat, args=(key, ended), daemon=True)
        heart.start()
        state = {"status": "interrupted", "message": "It was stopped."}
        try:
            yield finished.append
            state = {"status": "complete"}
        except SegkitError as error:
            state = {"status": "failed", "message": str(error)}
            raise
        except Exception:
            state = {"status": "failed", "message": "An unforeseen error; see the log."}
            raise
        finally:
            ended.set()
            heart.join()
            about = _of_manifest(finished[0]) if finished else {}
            for own in ("parameters", "started", "ended"):
                about.pop(own, None)
            self.change(key, **(about | state | {"ended": self.now(), "pid": 0}))
            if finished:
                self._replaced(key, about["directory"])

    def _beat(self, key: str, ended: threading.Event) -> None:
        while not ended.wait(BEAT_SECONDS):
            with suppress(OutputError):
                self.change(key, heartbeat=self.now())

    def _replaced(self, key: str, directory: str) -> None:
        """Drop what was known of the earlier run in the same directory."""
        earlier = (RUNS.c.directory == directory) & (RUNS.c.status == "complete") & (RUNS.c.key != key)
        with self.engine.begin() as connection:
            connection.execute(RUNS.delete().where(earlier))

    def now(self) -> str:
        """Return the time, as the index writes it."""
        return self.clock().astimezone(UTC).isoformat(timespec="milliseconds")

    # -------------------------------------------------------------------------------------- asked by people
    def find(
        self,
        *,
        status: str = "",
        name: str = "",
        source: str = "",
        since: str = "",
        until: str = "",
        parameters: Mapping[str, str] | None = None,
        limit: int = 0,
    ) -> list[Entry]:
        """Return runs, the latest first; names and sources match as ``*`` patterns, dates as ISO prefixes."""
        self.settle()
        query = sa.select(RUNS).order_by(RUNS.c.started.desc(), RUNS.c.key)
        if status:
            query = query.where(RUNS.c.status == status)
        for column, pattern in ((RUNS.c.name, name), (RUNS.c.source, source)):
            if pattern:
                query = query.where(_like(column, pattern))
        if since:
            query = query.where(RUNS.c.started >= since)
        if until:
            query = query.where(sa.func.substr(RUNS.c.started, 1, len(until)) <= until)
        for field, value in (parameters or {}).items():
            named = sa.select(PARAMETERS.c.key).where(
                PARAMETERS.c.field == field, PARAMETERS.c.value == value
            )
            query = query.where(RUNS.c.key.in_(named))
        with self.engine.connect() as connection:
            return [Entry(**row._mapping) for row in connection.execute(query.limit(limit or None))]  # noqa: SLF001

    def one(self, word: str) -> Entry:
        """Return the run with this directory, directory name, or beginning of a key.

        Raises
        ------
        OutputError
            When there is none, or more than one.
        """
        exact = (RUNS.c.run == word) | (RUNS.c.directory == str(Path(word).resolve()))
        begins = RUNS.c.key.startswith(word, autoescape=True) if len(word) >= 6 else sa.false()
        with self.engine.connect() as connection:
            query = sa.select(RUNS).where(exact | begins).order_by(RUNS.c.started.desc())
            rows = [Entry(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001
            known = [] if rows else [run for (run,) in connection.execute(sa.select(RUNS.c.run).limit(1000))]
        complete = [entry for entry in rows if entry.status == "complete"] or rows
        if len({entry.directory or entry.key for entry in complete}) > 1:
            where = ", ".join(entry.directory for entry in complete)
            raise OutputError(f'"{word}" is more than one run: {where}. Name its directory.')
        if not complete:
            hint = nearest(word, known)
            raise OutputError(f'There is no run "{word}" in the index.{hint} See `segkit runs list`.')
        return complete[0]

    def settle(self) -> None:
        """Mark runs interrupted whose process is gone, or whose heart has not beaten for a minute."""
        late = (self.clock().astimezone(UTC) - timedelta(seconds=DEAD_SECONDS)).isoformat()
        columns = (RUNS.c.key, RUNS.c.status, RUNS.c.host, RUNS.c.pid, RUNS.c.heartbeat)
        with self.engine.connect() as connection:
            query = sa.select(*columns).where(RUNS.c.status.in_(["queued", "running"]))
            unfinished = connection.execute(query).all()
        for key, status, host, pid, heartbeat in unfinished:
            silent = status == "running" and heartbeat < late
            if silent or (host == platform.node() and not _lives(pid)):
                self.change(key, status="interrupted", pid=0, message="Its process ended without a word.")

    def waiting(self, keys: list[str]) -> list[str]:
        """Return which of these runs never began: refused, left out, or stopped before their turn."""
        with self.engine.connect() as connection:
            query = sa.select(RUNS.c.key).where(RUNS.c.status == "queued")
            return [key for (key,) in connection.execute(query) if key in set(keys)]

    # ------------------------------------------------------------------------------------------- looked after
    def rebuild(self, *outs: str | Path) -> tuple[int, list[str]]:
        """Read complete runs from directories into the index again; return how many, and what was wrong.

        Entries of complete runs under these directories that are not there any more go; the history of what
        failed stays.
        """
        found, faults = [], []
        for out in outs:
            for folder in sorted(file.parent for file in Path(out).resolve().glob("*/manifest.json")):
                wrong = runs.verify(folder)
                if wrong:
                    faults.append(f"{folder}: {'; '.join(wrong)}")
                else:
                    found.append(_of_manifest(folder))
        under = [
            RUNS.c.directory.startswith(f"{Path(out).resolve()}{os.sep}", autoescape=True) for out in outs
        ]
        with self.engine.begin() as connection:
            connection.execute(RUNS.delete().where(RUNS.c.status == "complete", sa.or_(sa.false(), *under)))
            for about in found:
                parameters, key = about.pop("parameters"), secrets.token_hex(16)
                connection.execute(RUNS.insert().values(key=key, status="complete", **_short_texts(about)))
                _put_parameters(connection, key, parameters)
        return len(found), faults

    def drop(self, keys: list[str]) -> None:
        """Remove runs from the index; nothing of them stays in its free pages."""
        with self.engine.begin() as connection:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                connection.execute(PARAMETERS.delete().where(PARAMETERS.c.key.in_(some)))
                connection.execute(RUNS.delete().where(RUNS.c.key.in_(some)))
        if wipes := WIPES.get(self.engine.dialect.name):
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for statement in wipes:
                    connection.exec_driver_sql(statement)


class Recording:
    """Do as `Index.attempt`; where the index has a fault the run goes on, and the fault is told."""

    def __init__(self, address: str, **about: Any) -> None:
        self.address, self.about = address, about
        self.attempt: Any = None

    def __enter__(self) -> Callable[[Path], None]:
        try:
            self.attempt = Index(self.address).attempt(**self.about)
            return self.attempt.__enter__()  # type: ignore[no-any-return]
        except OutputError as error:
            self.tell(error)
            self.attempt = None
            return lambda _: None

    def __exit__(self, *error: object) -> None:
        if self.attempt is None:
            return
        try:
            self.attempt.__exit__(*error)
        except OutputError as fault:
            self.tell(fault)

    @staticmethod
    def tell(error: Exception) -> None:
        """Warn that the index was not written."""
        log.warning("the run goes on without the index. %s", error)


@contextmanager
def queued(address: str, names: list[str]) -> Iterator[list[str]]:
    """Record runs that wait while the block carries them out; yield their keys, empty where that fails."""
    keys: list[str] = []
    try:
        index = Index(address)
        own: dict[str, Any] = {
            "status": "queued",
            "pid": os.getpid(),
            "host": platform.node(),
            "started": index.now(),
        }
        keys = [index.add(name=name, source=name, **own) for name in names]
    except OutputError as error:
        Recording.tell(error)
    try:
        yield keys or [""] * len(names)
    finally:
        with suppress(OutputError):
            if keys:
                index.drop(index.waiting(keys))


def engine(address: str | sa.URL) -> sa.Engine:
    """Return the way to a database; of PostgreSQL with the driver of the extra."""
    url = sa.make_url(address)
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
    )


def driver(error: ImportError) -> str:
    """Say which driver a database lacks."""
    package = "'segkit[postgres]'" if error.name == "psycopg" else error.name
    return f"it needs a driver: pip install {package}"


def _durable(connection: Any, _record: object) -> None:
    """Make SQLite keep what it acknowledged through a power cut, wait its turn, and wipe what is deleted."""
    connection.execute("PRAGMA busy_timeout=60000")
    for pragma in DURABLE:
        connection.execute(pragma)


def _of_manifest(folder: Path) -> dict[str, Any]:
    """Return what a complete run says of itself, as columns of the index."""
    record = json.loads((folder / "manifest.json").read_bytes())
    summary = json.loads((folder / "summary.json").read_bytes())
    verdict, made = summary.get("verdict", {}), str(record["made"])
    return {
        "run": record["run"],
        "name": record["run"].rpartition("-")[0] or record["run"],
        "source": record["input"].get("source", ""),
        "started": utc(made) or made,
        "ended": utc(made) or made,
        "notebook": record["notebook"],
        "version": record["version"],
        "verdict": verdict.get("level", ""),
        "segments": verdict.get("shown", 0),
        "customers": record["input"].get("rows", 0),
        "input_sha256": record["input"].get("sha256", ""),
        "directory": str(folder),
        "parameters": record["parameters"],
    }


def utc(text: str) -> str:
    """Return a time as the index writes it; empty where the text is none.

    Examples
    --------
    >>> utc("2026-03-01T13:00:00+01:00"), utc("yesterday")
    ('2026-03-01T12:00:00.000+00:00', '')
    """
    with suppress(ValueError):
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds")
    return ""


def _put_parameters(connection: sa.Connection, key: str, parameters: Mapping[str, Any]) -> None:
    rows = [
        {"key": key, "field": field, "value": _text(value)[:300]}
        for field, value in parameters.items()
        if value
    ]
    if rows:
        connection.execute(PARAMETERS.insert(), rows)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _short_texts(known: Mapping[str, Any]) -> dict[str, Any]:
    """Cut texts to what their column holds."""
    long = {"directory", "message"}
    return {
        name: value[:300] if isinstance(value, str) and name not in long else value
        for name, value in known.items()
    }


def _like(column: Any, pattern: str) -> Any:
    plain = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return column.like(plain.replace("*", "%"), escape="\\")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _without_password(address: str) -> str:
    try:
        return sa.make_url(address).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "the address given"


def _reason(error: BaseException) -> str:
    """Return the kind of a database's error in words, without statements or values."""
    if isinstance(error, ImportError):
        return driver(error)
    cause = getattr(error, "orig", None)
    return str(cause).splitlines()[0] if cause else type(error).__name__
