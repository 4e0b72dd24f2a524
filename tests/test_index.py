"""The index knows every run, survives its users, and never stands in a run's way."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from segkit import runs
from segkit.errors import OutputError, StepError
from segkit.index import KEY, Index, Recording
from tests import stub

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ABOUT = {
    "name": "shop",
    "notebook": "01-segment-customers",
    "source": "shop.csv",
    "parameters": {"segments": 4},
}


def published(out, name="shop-0123456789", **parameters):
    with runs.begin(out, name) as run:
        stub.fill(run.path)
        (run.path / "summary.json").write_text(
            json.dumps(stub.summary({"segments": 0, "seed": 0} | parameters))
        )
        return run.publish(name, notebook="01-segment-customers")


@pytest.fixture(params=["sqlite", "postgres"])
def address(request, tmp_path):
    """An index of each kind that is tested, empty."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'index.sqlite'}"
    server = request.getfixturevalue("postgres")
    server.psql("drop table if exists segkit_run_parameters, segkit_runs")
    return server.address


@pytest.fixture
def index(address):
    return Index(address, clock=lambda: NOW)


def test_many_may_come_first(address):
    together = Barrier(8)

    def come():
        together.wait()
        return len(Index(address).find())

    with ThreadPoolExecutor(8) as pool:
        assert [each.result() for each in [pool.submit(come) for _ in range(8)]] == [0] * 8


def test_a_run_is_running_and_then_complete(index, tmp_path):
    with index.attempt(**ABOUT) as finished:
        (entry,) = index.find()
        assert (entry.status, entry.name, entry.pid) == ("running", "shop", os.getpid())
        finished(published(tmp_path))
    (entry,) = index.find(status="complete")
    assert (entry.run, entry.directory) == ("shop-0123456789", str(tmp_path / "shop-0123456789"))
    assert entry.started.startswith("2026-03-01T12:00")
    assert entry.pid == 0


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (StepError("Not enough."), "failed", "Not enough."),
        (ValueError("alice@example.org"), "failed", "An unforeseen error; see the log."),
        (KeyboardInterrupt(), "interrupted", "It was stopped."),
    ],
)
def test_how_a_run_ended_is_kept_without_values_of_rows(index, error, status, message):
    with pytest.raises(type(error)), index.attempt(**ABOUT):
        raise error
    (entry,) = index.find()
    assert (entry.status, entry.message) == (status, message)


def test_a_run_made_again_stands_in_the_index_once(index, tmp_path):
    for _ in range(2):
        with index.attempt(**ABOUT) as finished:
            finished(published(tmp_path))
    assert len(index.find(status="complete")) == 1


def test_runs_are_found_by_name_data_day_and_parameter(index):
    for day, source in ((1, "shop.csv"), (2, "web.csv"), (3, "web_2.csv")):
        started = datetime(2026, 1, day, tzinfo=UTC).isoformat()
        index.add(
            status="complete", name=f"n{day}", source=source, started=started, parameters={"segments": day}
        )
    names = [entry.name for entry in index.find()]
    assert names == ["n3", "n2", "n1"]
    assert [e.name for e in index.find(source="web*")] == ["n3", "n2"]
    assert [e.name for e in index.find(source="web_?.csv")] == []
    assert [e.name for e in index.find(since="2026-01-02", until="2026-01-02")] == ["n2"]
    assert [e.name for e in index.find(parameters={"segments": "3"})] == ["n3"]
    assert [e.name for e in index.find(name="n1")] == ["n1"]
    assert len(index.find(limit=2)) == 2


def test_a_dead_process_and_a_silent_one_are_interrupted_and_a_living_one_is_not(tmp_path):
    now = [NOW]
    index = Index(f"sqlite:///{tmp_path / 'i.sqlite'}", clock=lambda: now[0])
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = {"status": "running", "heartbeat": NOW.isoformat(), "host": os.uname().nodename}
    index.add(name="dead", **here, pid=ended.pid)
    index.add(name="alive", **here, pid=os.getpid())
    index.add(name="waiting", **{**here, "status": "queued"}, pid=ended.pid)
    index.add(name="elsewhere", **{**here, "host": "another"}, pid=1)
    states = {entry.name: entry.status for entry in index.find()}
    assert states == {
        "dead": "interrupted",
        "alive": "running",
        "waiting": "interrupted",
        "elsewhere": "running",
    }
    now[0] = NOW + timedelta(minutes=2)
    assert {entry.status for entry in index.find()} == {"interrupted"}


def test_a_queued_run_is_carried_on_by_the_process_that_has_its_key(index, monkeypatch, tmp_path):
    key = index.add(status="queued", name="shop", pid=os.getpid(), host="another")
    monkeypatch.setenv(KEY, key)
    with index.attempt(**ABOUT) as finished:
        finished(published(tmp_path))
    assert [(entry.key, entry.status) for entry in index.find()] == [(key, "complete")]


def test_a_run_is_named_in_three_ways_and_a_wrong_name_gets_the_nearest(index, tmp_path):
    folder = published(tmp_path)
    index.rebuild(tmp_path)
    entry = index.one("shop-0123456789")
    assert index.one(str(folder)) == index.one(entry.key[:8]) == entry
    with pytest.raises(OutputError, match='Did you mean "shop-0123456789"'):
        index.one("shop-0123456780")
    published(tmp_path / "other")
    index.rebuild(tmp_path, tmp_path / "other")
    with pytest.raises(OutputError, match="more than one run"):
        index.one("shop-0123456789")


def test_the_index_is_made_again_from_the_directories(index, tmp_path):
    for name in ("a-0000000000", "b-0000000000", "c-0000000000"):
        published(tmp_path, name, segments=3)
    (tmp_path / "c-0000000000" / "segments.csv").write_text("x")
    index.add(status="complete", name="gone", directory=str(tmp_path / "gone-0000000000"))
    index.add(status="complete", name="kept", directory="/elsewhere/kept-0000000000")
    count, faults = index.rebuild(tmp_path)
    assert (count, len(faults)) == (2, 1)
    assert "c-0000000000: segments.csv is not what was written" in faults[0]
    assert {entry.name for entry in index.find()} == {"a", "b", "kept"}
    assert len(index.find(parameters={"segments": "3"})) == 2


def test_what_is_dropped_leaves_no_byte_in_the_files(index, tmp_path, request):
    name = "secret" * 5
    keys = [index.add(status="complete", name=name, source=f"s{i}") for i in range(50)]
    where = tmp_path
    if index.engine.dialect.name == "postgresql":  # its log of what was written is kept as its owner says
        server = request.getfixturevalue("postgres")
        server.psql("checkpoint")
        where = server.folder / "base"
    files = [file for file in where.rglob("*") if file.is_file()]
    assert any(name.encode() in file.read_bytes() for file in files)
    index.drop(keys)
    index.engine.dispose()
    if where != tmp_path:
        server.psql("checkpoint")
    assert not [file for file in where.rglob("*") if file.is_file() and name.encode() in file.read_bytes()]


def test_a_fault_of_the_index_is_told_and_the_run_goes_on(tmp_path, caplog):
    (tmp_path / "damaged").write_text("this is no database")
    with Recording(f"sqlite:///{tmp_path / 'damaged'}", **ABOUT) as finished:
        finished(tmp_path)
    assert "goes on without the index" in caplog.text
    assert (tmp_path / "damaged").read_text() == "this is no database"


def test_a_password_is_never_shown(tmp_path):
    with pytest.raises(OutputError) as error:
        Index("postgresql+nodriver://me:hush@127.0.0.1/x")
    assert "hush" not in str(error.value)


def test_a_driver_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(OutputError, match=r"pip install 'segkit\[postgres\]'") as error:
        Index("postgresql://me:hush@127.0.0.1:1/x")
    assert "hush" not in str(error.value)


@pytest.mark.parametrize(
    ("processes", "each"), [("abc", 4), pytest.param("abcdefgh", 20, marks=pytest.mark.slow)]
)
def test_processes_at_once_lose_no_run(tmp_path, address, root, processes, each):
    code = (
        "import sys; from tests.test_index import *\n"
        "index = Index(sys.argv[1])\n"
        f"for i in range({each}):\n"
        "    with index.attempt(**ABOUT) as finished:\n"
        "        finished(published(Path(sys.argv[2]), sys.argv[3] + str(i) + '-0123456789'))\n"
    )
    command = [sys.executable, "-c", "from pathlib import Path\n" + code, address, str(tmp_path / "out")]
    started = [subprocess.Popen([*command, word], cwd=root) for word in processes]
    assert [process.wait(300) for process in started] == [0] * len(processes)
    found = Index(address).find(status="complete")
    assert len({entry.directory for entry in found}) == each * len(processes)
    assert not [entry for entry in found if runs.verify(entry.directory)]


def test_every_acknowledged_record_outlives_a_kill(tmp_path, address, root):
    code = (
        "import sys; from segkit.index import Index\nindex = Index(sys.argv[1])\n"
        "while True: print(index.add(status='failed', name='x'), flush=True)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, address], stdout=subprocess.PIPE, text=True, cwd=root
    )
    said = [child.stdout.readline().strip() for _ in range(30)]
    child.kill()
    said += [line.strip() for line in child.stdout.read().splitlines() if len(line) == 32]
    assert {entry.key for entry in Index(address).find()} >= set(said)
    if not address.startswith("sqlite"):
        return
    with sqlite3.connect(tmp_path / "index.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_a_hundred_thousand_runs_are_asked_without_a_scan(index):
    from segkit.index import PARAMETERS, RUNS

    rows = [
        {"key": f"{i:032x}", "status": "complete", "name": f"n{i % 500}", "started": f"2026-{i:06}"}
        for i in range(100_000)
    ]
    with index.engine.begin() as connection:
        connection.execute(RUNS.insert(), rows)
        connection.execute(
            PARAMETERS.insert(), [{"key": row["key"], "field": "seed", "value": "1"} for row in rows[:9]]
        )
    began = time.process_time()
    index.find(limit=50)
    whole = time.process_time() - began
    assert [e.name for e in index.find(parameters={"seed": "1"}, name="n3")] == ["n3"]
    began = time.process_time()
    everything = index.find()
    assert len(everything) == 100_000
    assert whole < (time.process_time() - began) / 10  # the page costs a fraction of the whole list
