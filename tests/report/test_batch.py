"""Each target becomes an outcome; what is complete is not made again; several run at once, end together."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from segkit import runs
from segkit.errors import GateError, SourceError
from segkit.params import Params
from segkit.report import batch, runner
from tests import stub


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Let runs be made without a kernel; return what was asked for."""
    calls = []

    def run(params, *, out, notebook, name, **options):
        calls.append({"params": params, "notebook": notebook, "name": name, **options})
        with runs.begin(out, name) as made:
            summary = stub.summary(params.study_dump())
            file = Path(params.source)
            digest = batch._fingerprint(str(file)) if file.is_file() else "00"
            summary["reading"]["sha256"] = summary["provenance"]["input_sha256"] = digest
            stub.fill(made.path)
            (made.path / "summary.json").write_text(json.dumps(summary))
            return made.publish(f"{name}-{runner.identity(notebook, summary)}", notebook=notebook)

    monkeypatch.setattr(runner, "run", run)
    monkeypatch.chdir(tmp_path)
    return calls


def test_a_parameter_file_and_flags_over_it(asked, tmp_path):
    (tmp_path / "weekly.yml").write_text("name: Weekly\nsegments: 3\nsource: shop.csv\n")
    order = batch.Order(flags={"segments": "4", "features": "a,b"}, timeout=9)
    outcome = batch.one("weekly.yml", order)
    assert outcome.status == "complete"
    assert asked[0]["params"] == Params(source="shop.csv", segments=4, features=["a", "b"])
    assert (asked[0]["name"], asked[0]["timeout"]) == ("Weekly", 9)
    assert outcome.line.startswith("Two groups of customers hold up. (")
    assert outcome.line.endswith(f" {outcome.directory}/report.html")
    assert outcome.directory.startswith("reports/")


def test_a_source_needs_no_file(asked):
    assert batch.one("sample:retail", batch.Order(flags={"seed": "1"})).exit_code == 0
    assert asked[0]["params"] == Params(source="sample:retail", seed=1)
    assert asked[0]["name"] == "retail"
    assert asked[0]["notebook"] == "01-segment-customers"


@pytest.mark.parametrize(
    ("target", "flags", "words"),
    [
        ("no.yml", {}, "no.yml cannot be read: No such file"),
        ("wrong.yml", {}, 'wrong.yml: segments must be 0 or 2 to 20, got 1.*"sed".*Did you mean "seed"'),
        ("a.csv", {"segments": "x"}, "segments must be 0 or 2 to 20, got 'x'"),
        ("a.csv", {"source": "b.csv"}, "named twice: a.csv and --source b.csv"),
    ],
)
def test_what_cannot_start_is_refused_with_code_2(asked, tmp_path, target, flags, words):
    (tmp_path / "wrong.yml").write_text("segments: 1\nsed: 3\n")
    outcome = batch.one(target, batch.Order(flags=flags))
    assert (outcome.status, outcome.exit_code) == ("refused", 2)
    assert re.search(words, outcome.message)
    assert asked == []


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(SourceError("Empty."), "refused", 2), (GateError("Bad."), "failed", 1), (ValueError("x"), "failed", 1)],
)
def test_every_error_is_an_outcome(monkeypatch, tmp_path, error, status, code):
    def run(*_, **__):
        raise error

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(runner, "run", run)
    outcome = batch.one("sample:retail", batch.Order())
    assert (outcome.status, outcome.exit_code) == (status, code)
    assert outcome.message == str(error) or "did not foresee it: error " in outcome.message


def test_what_is_complete_is_skipped_until_data_parameters_or_files_change(asked, tmp_path):
    source = tmp_path / "shop.csv"
    source.write_text("a\n1\n")

    def again(**flags) -> str:
        return batch.one("shop.csv", batch.Order(skip_complete=True, flags=flags)).status

    first = batch.one("shop.csv", batch.Order(skip_complete=True))
    assert first.status == "complete"
    assert again() == "skipped"
    assert again(seed="1") == "complete"
    source.write_text("a\n2\n")
    assert again() == "complete"
    source.write_text("a\n1\n")
    (tmp_path / first.directory / "model.json").write_text("damaged")
    assert again() == "complete"
    assert again() == "skipped"


@pytest.mark.parametrize(
    ("codes", "code"), [([0, 0], 0), ([2, 2], 2), ([1, 1], 1), ([0, 2], 1), ([1, 2], 1), ([2], 2)]
)
def test_the_exit_code_of_several(codes, code):
    assert batch.exit_code([batch.Outcome("a", "", one) for one in codes]) == code


def test_several_at_once_give_what_they_give_alone(tmp_path, monkeypatch, root):
    monkeypatch.setenv("PYTHONPATH", str(root))
    book = stub.notebook(tmp_path / "book.ipynb", stub.SAVE)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text(f"name: {name}\nsegments: 3\n")
    targets = [str(tmp_path / name) for name in ("a.yml", "b.yml", "none.yml")]
    order = batch.Order(out=str(tmp_path / "out"), notebook=str(book), flags={"seed": "7"})
    found = {Path(one.target).name: one for one in batch.carry_out(targets, order, jobs=2)}
    assert {name: one.exit_code for name, one in found.items()} == {"a.yml": 0, "b.yml": 0, "none.yml": 2}
    for name in ("a", "b"):
        record = runs.manifest(found[f"{name}.yml"].directory)
        assert record["run"].startswith(f"{name}-")
        assert (record["parameters"]["segments"], record["parameters"]["seed"]) == (3, 7)


def test_leaving_the_loop_stops_what_still_runs(tmp_path):
    book = stub.notebook(tmp_path / "book.ipynb", "import time\ntime.sleep(60)")
    targets = [str(tmp_path / "none.yml"), "sample:retail"]
    order = batch.Order(out=str(tmp_path / "out"), notebook=str(book))
    running = batch.several([(target, order) for target in targets], jobs=2)
    assert next(running).exit_code == 2
    running.close()
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_killed_batch_leaves_no_process_behind(tmp_path, root):
    book = stub.notebook(
        tmp_path / "book.ipynb",
        f"open({str(tmp_path / 'begun')!r}, 'a').write('x')\nimport time\ntime.sleep(60)",
    )
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text(f"name: {name}\n")
    command = [
        sys.executable,
        "-P",
        "-m",
        "segkit.cli",
        "run",
        "a.yml",
        "b.yml",
        "--jobs",
        "2",
        "--out",
        "out",
    ]
    env = {**os.environ, "PYTHONPATH": str(root)}
    batch_of_two = subprocess.Popen([*command, "--notebook", str(book)], cwd=tmp_path, env=env)
    begun, end = tmp_path / "begun", time.monotonic() + 60
    while not (begun.exists() and begun.stat().st_size == 2) and time.monotonic() < end:
        time.sleep(0.1)
    family = psutil.Process(batch_of_two.pid).children(recursive=True)
    assert len(family) >= 4  # two runs and their kernels
    batch_of_two.kill()
    batch_of_two.wait()
    _, alive = psutil.wait_procs(family, timeout=5)
    for each in alive:
        each.kill()
    assert alive == []
    # Each of the two leaves the folder to the other while that is still in it; empty, it may stay.
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_by_makes_a_run_for_each_value(asked, tmp_path):
    rows = "".join(f"{i},{'SE' if i % 3 else 'DE'},{i * 3}\n" for i in range(30))
    (tmp_path / "shop.csv").write_text(f"spend,country,visits\n{rows}")
    outcomes = list(batch.carry_out(["shop.csv"], batch.Order(flags={"by": "country"}), 1))
    assert [call["params"].group for call in asked] == ["SE", "DE"]  # the largest first
    assert [call["name"] for call in asked] == ["shop-SE", "shop-DE"]
    assert len({outcome.directory for outcome in outcomes}) == 2


def test_by_a_column_that_is_not_there_is_one_refusal(tmp_path):
    (tmp_path / "shop.csv").write_text("spend,country\n1,DE\n2,SE\n")
    flags = {"by": "contry"}
    (outcome,) = batch.carry_out(
        [str(tmp_path / "shop.csv")], batch.Order(out=str(tmp_path / "o"), flags=flags), 1
    )
    assert outcome.exit_code == 2
    assert 'There is no column "contry"' in outcome.message
    assert 'Did you mean "country"?' in outcome.message
