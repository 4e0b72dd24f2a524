"""The command line: flags made from the parameters, one message for any error, exit codes, quick help."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from segkit import cli, places
from segkit.params import Params
from segkit.report import batch
from tests import stub

STUDY = [field for field in Params.fields() if not field.run]


def call(*arguments: str) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def _own(tmp_path, monkeypatch):
    """Each test in its own folder; signals are given back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def ordered(monkeypatch):
    """What `run` hands on, without a run being made."""
    orders = []

    def one(target, order):
        orders.append((target, order))
        return batch.Outcome(target, "complete", message="Two groups.", directory=f"reports/{target}")

    monkeypatch.setattr(batch, "one", one)
    return orders


@pytest.mark.parametrize("field", STUDY, ids=lambda field: field.name)
def test_every_field_of_a_study_is_a_flag_with_the_same_help(field, ordered, capsys):
    text = (
        {"list[str]": "a,b", "int": "7", "float": "0.5", "str": "word", "bool": "yes"}[field.type]
        if not field.choices
        else field.choices[-1]
    )
    flag = "--" + field.name.replace("_", "-")
    assert call("run", "x.yml", f"{flag}={text}") == 0
    assert ordered[0][1].flags == {field.name: text}
    with pytest.raises(SystemExit):
        call("run", "--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert f"{flag} " in shown
    assert field.help in shown


def test_run_fields_are_no_flags(capsys):
    assert call("run", "x", "--interactive", "true") == 2
    assert 'There is no flag "--interactive" here.' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rn", "x"], 'Did you mean "run"?'),
        (["run", "x", "--segmets", "4"], 'There is no flag "--segmets" here. Did you mean "--segments"?'),
        (["run", "x", "--segment=4"], 'There is no flag "--segment" here. Did you mean "--segments"?'),
        (["check", "x", "y"], 'There is no argument "y" here.'),
        (["run"], "The following arguments are required"),
        ([], "The following arguments are required: COMMAND"),
        (["run", "x", "--jobs", "0"], "must be a whole number from 1, got '0'"),
        (["run", "x", "--timeout", "-1"], "must be a number of seconds, 0 for no limit, got '-1'"),
        (["run", "x", "--timeout", "nan"], "must be a number of seconds"),
        (["run", "x", "--log-level", "warn"], 'Did you mean "warning"?'),
        (
            ["params", "--cell", "02-other"],
            'There is no notebook "02-other"; there are: 01-segment-customers, 02-rfm-value,',
        ),
        (["run", "x.csv", "--segments", "1", "--impute", "mode"], "segments must be 0 or 2 to 20, got 1"),
        (["run", "x.csv", "--segments", "1", "--impute", "mode"], "impute must be one of median"),
    ],
)
def test_a_wrong_call_is_one_line_that_says_what_is_right(arguments, words, capsys, tmp_path):
    assert call(*arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_run_prints_a_line_that_ends_with_the_report(ordered, capsys):
    assert call("run", "a.yml", "b.csv", "--out", "there", "--timeout", "9", "--skip-complete") == 0
    said = capsys.readouterr()
    assert [line.split()[-1] for line in said.out.splitlines()] == [
        "reports/a.yml/report.html",
        "reports/b.csv/report.html",
    ]
    order = ordered[0][1]
    assert (order.out, order.timeout, order.skip_complete, order.progress) == ("there", 9.0, True, False)


def test_a_run_as_json_is_one_object_a_line(ordered, capsys):
    assert call("run", "a.yml", "b.csv", "--json") == 0
    read = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["target"] for one in read] == ["a.yml", "b.csv"]
    assert read[0]["status"] == "complete"


def test_several_jobs_pass_every_flag_on(monkeypatch, capsys):
    asked = []

    def several(tasks, jobs):
        targets, orders = zip(*tasks, strict=True)
        asked.append((list(targets), orders[0], jobs))
        return [batch.Outcome(target, "refused", 2, message="No.") for target in targets]

    monkeypatch.setattr(batch, "several", several)
    flags = [
        "--seed=3",
        "--features==a b",
        "--out",
        "o",
        "--notebook",
        "n",
        "--skip-complete",
        "--timeout=2.5",
    ]
    assert call("run", "a.yml", "b.yml", "--jobs", "2", "--log-level", "debug", *flags) == 2
    assert capsys.readouterr().err == "a.yml: No.\nb.yml: No.\n2 refused.\n"
    targets, order, jobs = asked.pop()
    assert (targets, jobs) == (["a.yml", "b.yml"], 2)
    assert call("run", "a.yml", "b.yml", "--jobs", "2", *order.arguments()) == 2
    assert asked.pop() == (targets, order, jobs)


def test_text_from_data_cannot_steer_the_terminal(monkeypatch, capsys):
    def one(target, _):
        return batch.Outcome(target, "failed", 1, message="Column \x1b[2J\x1b]0;x\x07\r is odd.\u202e")

    monkeypatch.setattr(batch, "one", one)
    assert call("run", "x.csv") == 1
    assert not set(capsys.readouterr().err[:-1]) & set("\x1b\x07\r\u202e\n")


def test_an_unforeseen_error_is_an_id_and_a_trace_without_words(monkeypatch, capsys, tmp_path):
    def broken(_):
        raise ValueError("alice@example.org")

    monkeypatch.setattr(places, "lay_down", broken)
    assert call("init") == 1
    said = capsys.readouterr().err
    trace = (tmp_path / "state/segkit/errors.log").read_text()
    assert said.startswith("That did not work, and segkit did not foresee it: error ")
    assert said.split("error ")[1][:7] in trace
    assert trace.endswith("in broken\nValueError\n")
    assert "alice" not in said + trace


def test_init_lays_files_down_and_never_overwrites(capsys, tmp_path):
    assert call("init", "mine") == 0
    notebook = tmp_path / "mine/notebooks/01-segment-customers.ipynb"
    assert notebook.read_bytes() == places.notebook("01-segment-customers").read_bytes()
    assert list((tmp_path / "mine/parameters").glob("*.yml"))
    assert {file.name for file in (tmp_path / "mine/tables").iterdir()} == {"playbook.yml", "rfm.yml"}
    notebook.write_text("changed")
    capsys.readouterr()
    assert call("init", "mine") == 0
    assert f"kept  {Path('mine/notebooks/01-segment-customers.ipynb')}" in capsys.readouterr().out
    assert notebook.read_text() == "changed"
    (tmp_path / "file").write_text("")
    assert call("init", "file") == 2


def test_params_are_printed_in_four_forms(capsys):
    printed = {}
    for form in (["--cell", "01-segment-customers"], ["--schema"], ["--markdown"], []):
        assert call("params", *form) == 0
        printed[" ".join(form)] = capsys.readouterr().out
    assert printed["--cell 01-segment-customers"] == Params.cell() + "\n"
    assert set(json.loads(printed["--schema"])["properties"]) == {field.name for field in Params.fields()}
    assert printed["--markdown"] == Params.markdown()
    assert all(field.help in printed[""] for field in Params.fields())


def test_settings_are_printed_without_the_token(capsys, monkeypatch):
    monkeypatch.setenv("SEGKIT_TOKEN", "hunter2")
    assert call("settings") == 0
    said = capsys.readouterr().out
    assert "SEGKIT_UPLOAD_LIMIT_MB" in said
    assert "hunter2" not in said


@pytest.fixture
def shop(tmp_path) -> Path:
    from segkit.data import samples

    samples.retail(300).to_csv(tmp_path / "shop.csv", index=False)
    return tmp_path / "shop.csv"


def test_check_says_what_the_data_are_like(shop, capsys):
    assert call("check", shop) == 0
    said = capsys.readouterr().out
    assert said.startswith("shop.csv: 300 rows, ")
    assert "customer_id" in said
    assert call("check", shop, "--json") == 0
    read = json.loads(capsys.readouterr().out)
    assert {row["column"] for row in read["columns"] if row["use"] == "id"} == {"customer_id"}
    assert read["reading"]["rows"] == 300
    assert call("check", shop, "--features", "spnt") == 2
    assert '"spnt"' in capsys.readouterr().err


def test_score_assigns_new_rows_like_the_study(shop, tmp_path, capsys):
    from segkit.study import segment

    study = segment(shop, segments=3)
    study.model.save(tmp_path / "model.json")
    assert call("score", "model.json", shop, "--out", "scored.csv", "--customer-id", "customer_id") == 0
    assert capsys.readouterr().out.endswith("300 customers scored. scored.csv\n")
    scored = pd.read_csv(tmp_path / "scored.csv")
    assert scored["segment"].tolist() == study.assignments["segment"].tolist()
    assert scored["customer_id"].tolist() == study.assignments["customer_id"].tolist()
    (tmp_path / "model.json").write_text("{}")
    assert call("score", "model.json", shop, "--out", "again.csv") == 2
    assert not (tmp_path / "again.csv").exists()


def cpu(*command: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_takes_at_most_two_and_a_half_times_the_import_of_pydantic():
    help_, pydantic = (
        min(cpu(*command) for _ in range(3))
        for command in (["-m", "segkit.cli", "--help"], ["-c", "import pydantic"])
    )
    assert help_ <= 2.5 * pydantic


@pytest.mark.parametrize("command", [[], ["run"], ["check"], ["serve"], ["params"]])
def test_help_loads_no_heavy_package(command):
    heavy = ["numpy", "pandas", "scipy", "sklearn", "plotly", "papermill", "ipywidgets", "duckdb", "narwhals"]
    heavy += ["pydantic_settings", "voila", "pyarrow"]
    code = "import sys; from segkit import cli\n"
    code += f"try: cli.main({[*command, '--help']})\nexcept SystemExit: pass\n"
    code += f"print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_leaves_nothing_and_says_so_in_one_line(tmp_path, spawn, number, code, root):
    started = tmp_path / "started"
    book = stub.notebook(tmp_path / "book.ipynb", f"open({str(started)!r}, 'w')\nimport time\ntime.sleep(99)")
    command = [sys.executable, "-m", "segkit.cli", "run", "sample:retail", "--out", "out", "--notebook", book]
    run = spawn(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)})
    while not started.exists():
        assert run.process.poll() is None, run.text
        time.sleep(0.05)
    family = psutil.Process(run.pid).children(recursive=True)
    run.process.send_signal(number)
    run.process.send_signal(number)  # an impatient one changes nothing
    assert run.process.wait(10) == code
    assert run.text == "Stopped. Nothing unfinished was kept.\n"
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert not (tmp_path / "out").exists()
