"""A thousand planted addresses stand only where they were asked for, whatever happens to the file."""

from __future__ import annotations

import gzip
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segkit.widgets.form import FILES
from tests import stub
from tests.browser import live

MARK = "@planted.example"
DECLARED = {
    "segments.csv",
    "segments.parquet",
    "summary.json",
    "report.html",
    "report.ipynb",
}  # ids stand there


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A machine of its own after a run, a failed run, an unforeseen fault, refused files and a check."""
    place = tmp_path_factory.mktemp("world")
    for name in ("home", "state", "tmp", "data", "cache"):
        (place / name).mkdir()
    rng = np.random.default_rng(20261124)
    spend = np.r_[rng.lognormal(2, 0.3, 500), rng.lognormal(4, 0.3, 500)]
    mails = [f"customer.{number:04}{MARK}" for number in range(1000)]
    table = pd.DataFrame(
        {"id": range(1000), "mail": mails, "spend": spend, "orders": rng.poisson(spend / 5) + 1}
    )
    table.to_csv(place / "data" / "contacts.csv", index=False)
    table.drop(columns="id").to_csv(place / "data" / "by_mail.csv", index=False)
    table[["mail"]].to_csv(place / "data" / "mails.csv", index=False)
    whole = gzip.compress((place / "data" / "contacts.csv").read_bytes())
    (place / "data" / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    (place / "data" / "torn.xlsx").write_bytes(b"PK\x03\x04" + (place / "data" / "contacts.csv").read_bytes())
    book = stub.notebook(
        place / "fault.ipynb", f"float(open({str(place / 'data' / 'contacts.csv')!r}).read().split(',')[8])"
    )
    contacts = "data/contacts.csv"
    for code, *arguments in [
        (0, "run", contacts, "--out", "contacts"),
        (0, "run", "data/by_mail.csv", "--customer-id", "mail", "--out", "by_mail"),
        (1, "run", contacts, "--min-rows", "5000", "--out", "failed"),
        (1, "run", contacts, "--notebook", str(book), "--out", "fault"),
        (2, "run", "data/cut.csv.gz", "--out", "refused"),
        (2, "run", "data/torn.xlsx", "--out", "refused"),
        (0, "check", contacts),
    ]:
        done = segkit(place, *arguments)
        assert done.returncode == code, (arguments, done.stdout)
        assert MARK not in done.stdout
    return place


def environment(place: Path) -> dict[str, str]:
    places = {"HOME": "home", "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache", "TMPDIR": "tmp"}
    own = {name: str(place / where) for name, where in places.items()}
    return {**os.environ, **own, "PYTHONPATH": str(Path(__file__).parent.parent)}


def segkit(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "segkit.cli", *arguments, "--log-level", "debug"]
    return subprocess.run(
        command,
        cwd=place,
        env=environment(place),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


def holding(place: Path, what: str) -> set[str]:
    """Return the files below a place, but not the data themselves, that hold a text, packed or not."""
    found = set()
    for file in place.rglob("*"):
        if not file.is_file() or file.is_relative_to(place / "data"):
            continue
        content = file.read_bytes()
        if file.suffix == ".parquet":
            content += pd.read_parquet(file).to_csv().encode()
        if what.encode() in content:
            found.add(str(file.relative_to(place)))
    return found


def test_addresses_stand_in_the_declared_outputs_of_the_run_that_is_by_address(world):
    held = {Path(name) for name in holding(world, MARK)}
    assert {name.parts[0] for name in held} == {"by_mail"}
    assert {name.name for name in held} <= DECLARED
    assert {name.name for name in held} >= {"segments.csv", "segments.parquet"}  # the search does find them


@pytest.mark.browser
def test_a_refused_upload_lies_where_nobody_else_looks_and_goes_with_its_session(
    world, page, spawn, free_port
):
    page.set_default_timeout(90_000)
    before, token = holding(world, MARK), "x" * 24
    command = [sys.executable, "-m", "segkit.cli", "serve", "--port", str(free_port)]
    server = spawn(
        [*command, "--log-level", "debug"], cwd=world, env={**environment(world), "SEGKIT_TOKEN": token}
    )
    server.wait_until(re.compile(r"segkit is at (\S+)"), 120)
    address = f"http://127.0.0.1:{free_port}"
    page.goto(f"{address}/open/05-dashboard?token={token}")
    live.settled(page)

    def refused(name: str, words: str) -> None:
        live.offer(page, world / "data" / name)
        page.get_by_text(f"{name} is here.").wait_for()
        page.get_by_role("button", name="Update", exact=True).click()
        page.get_by_role("alert").get_by_text(words).wait_for()
        kept = [world / file for file in holding(world, MARK) - before]
        assert [file.name for file in kept] == [name]  # until the reader, or the session, lets go of it
        assert kept[0].is_relative_to(world / "tmp")
        modes = [stat.S_IMODE(place.stat().st_mode) for place in (kept[0], *kept[0].parents[:2])]
        assert modes == [0o600, 0o700, 0o700]
        assert MARK not in page.content() + server.text

    refused("torn.xlsx", "torn.xlsx is damaged")
    refused("mails.csv", "No column can make segments.")
    page.locator(".jupyter-widget-Collapse-header", has_text=FILES).click()
    page.get_by_role("button", name="Clear my data now").click()
    page.get_by_text("Nothing of yours is kept here.").wait_for()
    assert holding(world, MARK) == before
    refused("torn.xlsx", "torn.xlsx is damaged")
    assert page.goto(f"{address}/nothing?token={token}").status == 404
    assert MARK not in page.content() + server.text
    server.process.terminate()
    assert server.process.wait(20) == 0
    assert holding(world, MARK) == before


def test_a_customer_who_is_forgotten_is_nowhere(world):
    shown = pd.read_json(next(world.glob("by_mail/*/summary.json")), typ="series")["unusual"][0]["id"]
    assert len(holding(world, shown)) == 5
    done = segkit(world, "runs", "forget", "--customer", shown)
    assert done.returncode == 0, done.stdout
    assert holding(world, shown) == set()
