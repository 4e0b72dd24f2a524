"""A run is complete or absent, whatever happens to the process, the disk or its neighbours."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from segkit import runs
from segkit.errors import OutputError
from tests import stub

NAME = "shop-0123456789"


def make(out: Path, word: str = "") -> Path:
    with runs.begin(out, "shop") as run:
        stub.fill(run.path)
        (run.path / "run.log").write_text(word)
        return run.publish(NAME, notebook="01-segment-customers")


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_run_verifies_fits_its_schema_and_leaves_nothing_beside_it(tmp_path, root):
    folder = make(tmp_path / "deep" / "reports")
    assert runs.verify(folder) == []
    assert names(folder.parent) == [NAME]
    assert names(folder) == sorted([*runs.DATA, "run.log", "manifest.json"])
    record = runs.manifest(folder)
    jsonschema.validate(record, json.loads((root / "segkit/schemas/manifest-1.json").read_text()))
    assert record["files"]["model.json"]["bytes"] == 50 * len("model.json\n")


@pytest.mark.parametrize("name", [*runs.DATA, "run.log"])
def test_a_changed_cut_or_missing_file_is_noticed(tmp_path, name):
    file = make(tmp_path, "words") / name
    whole = file.read_bytes()
    for damaged in (bytes([whole[0] ^ 1]) + whole[1:], whole[:-1], whole + b"\n"):
        file.write_bytes(damaged)
        assert runs.verify(file.parent) == [f"{name} is not what was written"]
    file.unlink()
    assert runs.verify(file.parent) == [f"{name} is missing"]
    with pytest.raises(OutputError, match=f"not a complete run: {name} is missing"):
        runs.manifest(file.parent)


def test_every_flipped_bit_of_a_manifest_is_noticed_or_says_the_same(tmp_path):
    file = make(tmp_path) / "manifest.json"
    whole, same = file.read_bytes(), json.loads(file.read_bytes())
    rng = random.Random(0)
    for _ in range(200):
        place, bit = rng.randrange(len(whole)), 1 << rng.randrange(8)
        file.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        assert runs.verify(file.parent) or json.loads(file.read_bytes()) == same
    file.write_bytes(whole[: len(whole) // 2])
    assert runs.verify(file.parent) == ["manifest.json is damaged"]
    file.unlink()
    assert runs.verify(file.parent) == ["there is no manifest.json: this is not a complete run"]


@pytest.mark.parametrize("text", ["[]", "{}", "null", '{"sha256": 1}'])
def test_a_foreign_manifest_is_not_believed(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    assert runs.verify(tmp_path) == ["manifest.json is damaged, or not one of segkit"]


def test_an_error_leaves_nothing_not_even_the_folders_made_for_it(tmp_path):
    def fail() -> None:
        with runs.begin(tmp_path / "new" / "reports", "shop") as run:
            stub.fill(run.path)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(tmp_path) == []


def test_a_rerun_replaces_the_run_in_one_step(tmp_path):
    make(tmp_path, "first")
    folder = make(tmp_path, "second")
    assert (folder / "run.log").read_text() == "second"
    assert runs.verify(folder) == []
    assert names(tmp_path) == [NAME]


def test_files_that_others_put_into_a_run_are_never_deleted(tmp_path):
    folder = make(tmp_path)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds files that segkit did not write \(notes.txt\)"):
        make(tmp_path)
    assert (folder / "notes.txt").read_text() == "mine"
    assert names(tmp_path) == [NAME]
    assert runs.verify(folder) == []


def test_a_crash_between_the_renames_is_repaired_at_the_next_start(tmp_path):
    folder = make(tmp_path, "old")
    folder.rename(tmp_path / f".{NAME}{runs.ASIDE}")
    with runs.begin(tmp_path, "other"):
        assert (folder / "run.log").read_text() == "old"
    folder.rename(tmp_path / f".{NAME}{runs.ASIDE}")
    make(tmp_path, "new")
    assert (folder / "run.log").read_text() == "new"
    assert names(tmp_path) == [NAME]


def test_leftovers_of_the_dead_are_swept_and_work_of_the_living_is_not(tmp_path):
    dead = tmp_path / f".shop-dead{runs.PARTIAL}"
    dead.mkdir()
    stub.fill(dead)
    with runs.begin(tmp_path, "shop") as living, runs.begin(tmp_path, "shop"):
        assert living.path.is_dir()
        assert not dead.exists()
    assert names(tmp_path) == []


def test_what_else_is_hidden_in_the_folder_is_left_alone(tmp_path):
    others = [tmp_path / ".bashrc.old", tmp_path / ".download.partial"]
    for folder in others:
        folder.mkdir()
    make(tmp_path)
    assert all(folder.is_dir() for folder in others)


def test_where_folders_cannot_be_locked_runs_are_made_and_nobodys_work_is_swept(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / f".shop-other{runs.PARTIAL}").mkdir()
    assert runs.verify(make(tmp_path)) == []
    assert names(tmp_path) == [f".shop-other{runs.PARTIAL}", NAME]


def test_an_output_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(
            OutputError, match=r"cannot be written to .*file/reports: Not a directory\. Name another"
        ),
        runs.begin(tmp_path / "file" / "reports", "shop"),
    ):
        pass


def attempt(out: Path, limit: int, fault: str) -> tuple[int, int]:
    """Make a run in a child that dies, or whose disk fails, at the n-th time something reaches the disk.

    Returns the exit code and whether the fault came to pass.
    """
    pid = os.fork()
    if pid:
        return divmod(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 10)
    steps = iter(range(1, 1000))

    def counted(call):
        def step(*args, **options):
            if next(steps) == limit:
                if fault == "dies":
                    os._exit(91)
                raise OSError(getattr(errno, fault), "the disk says no")
            return call(*args, **options)

        return step

    os.fsync, os.mkdir, Path.rename = counted(os.fsync), counted(os.mkdir), counted(Path.rename)
    code = 9
    try:
        make(out, "new")
        code = 0
    except OutputError:
        code = 2
    finally:
        os._exit(code * 10 + (next(steps) > limit))


@pytest.mark.parametrize("fault", ["dies", "ENOSPC", "EIO", "EACCES"])
def test_a_fault_at_any_step_leaves_the_old_run_or_the_new(tmp_path, fault):
    folder, limit, came = make(tmp_path, "old"), 0, 1
    while came:
        limit += 1
        code, came = attempt(tmp_path, limit, fault)
        assert code in {0, 9 if fault == "dies" else 2}
        with runs.begin(tmp_path, "next"):
            assert runs.verify(folder) == []
            assert len(names(tmp_path)) == 2  # the run in the making, and the complete one
            assert (folder / "run.log").read_text() == "new" or code
        make(tmp_path, "old")
    assert limit > 8
    assert code == 0
    assert names(tmp_path) == [NAME]


def test_processes_that_make_the_same_run_at_once_do_not_mix(tmp_path, root):
    code = (
        "import sys; from tests.test_runs import *\nfor _ in range(10): make(Path(sys.argv[1]), sys.argv[2])"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    started = [subprocess.Popen([*command, word], cwd=root) for word in ("a", "b", "c")]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert names(tmp_path) == [NAME]
    assert runs.verify(tmp_path / NAME) == []


@pytest.mark.parametrize("part", range(4))
def test_all_that_decides_a_result_is_in_the_id(part):
    base = ["01-segment-customers", {"segments": 0}, "c3d0", "0.1.0"]
    other = [*base]
    other[part] = {"segments": 2} if part == 1 else "other"
    assert runs.identity(*base) != runs.identity(*other)


def test_finding_a_run_asks_its_manifest_and_its_files(tmp_path):
    folder = make(tmp_path)
    assert [found for found, _ in runs.find(tmp_path, "Shop", version="0.1.0")] == [folder]
    assert not list(runs.find(tmp_path, "shop", version="0.2.0"))
    for damaged in ("", "[]", "{}"):
        (tmp_path / f"shop-{len(damaged)}").mkdir(exist_ok=True)
        (tmp_path / f"shop-{len(damaged)}" / "manifest.json").write_text(damaged)
    (tmp_path / "shop-x").mkdir()
    assert [found for found, _ in runs.find(tmp_path, "Shop", version="0.1.0")] == [folder]
    (folder / "segments.csv").unlink()
    assert not list(runs.find(tmp_path, "shop", version="0.1.0"))


@pytest.fixture
def study(monkeypatch):
    from segkit import export

    monkeypatch.setattr(export, "write", lambda _, folder: stub.fill(folder))
    return SimpleNamespace(assignments=[1, 2])


def test_saving_makes_a_run_without_a_report(tmp_path, study):
    folder = runs.save(study, tmp_path / "mine")
    assert runs.verify(folder) == []
    assert names(folder) == sorted([*runs.DATA, "run.log", "manifest.json"])
    assert "2 customers" in (folder / "run.log").read_text()
    assert runs.save(study, tmp_path / "mine") == folder


def test_saving_into_a_runners_directory_writes_the_data_files_only(tmp_path, study):
    with runs.begin(tmp_path, "shop") as run:
        assert runs.save(study, run.path) == run.path
        assert names(run.path) == sorted(runs.DATA)


def test_saving_over_a_folder_of_somebody_elses_files_is_refused(tmp_path, study):
    (tmp_path / "thesis.odt").write_text("years of work")
    with pytest.raises(OutputError, match="did not write"):
        runs.save(study, tmp_path)
    assert names(tmp_path) == ["thesis.odt"]


def test_a_run_can_be_read_by_those_who_may(tmp_path):
    before = os.umask(0o022)
    try:
        assert make(tmp_path).stat().st_mode & 0o777 == 0o755
    finally:
        os.umask(before)


def test_a_manifest_of_a_later_version_is_refused_by_its_number(tmp_path):
    file = make(tmp_path) / "manifest.json"
    for schema in ("segkit-manifest/2", "segkit-manifest/10"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": schema}))
        assert runs.verify(file.parent) == [f"it was made by a later version of segkit ({schema})"]
    for schema in ("segkit-manifest/0", "segkit-manifest/2x", "segkit-summary/2"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": schema}))
        assert runs.verify(file.parent) == ["manifest.json is damaged, or not one of segkit"]


def test_a_run_is_removed_whole_or_not_at_all(tmp_path):
    folder = make(tmp_path)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"did not write \(notes.txt\)"):
        runs.remove(folder)
    assert runs.verify(folder) == []
    (folder / "notes.txt").unlink()
    runs.remove(folder)
    assert names(tmp_path) == []
    with pytest.raises(OutputError, match=f"{NAME} cannot be removed: No such file or directory"):
        runs.remove(folder)


def test_folders_made_for_a_run_stay_when_somebody_uses_them(tmp_path):
    def fail() -> None:
        with runs.begin(tmp_path / "new" / "reports", "shop") as run:
            (run.out.parent / "mine").write_text("")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert names(tmp_path / "new") == ["mine"]


@pytest.mark.parametrize(("free", "said"), [(runs.ROOM, ""), (runs.ROOM - 1, "only 50 MB are free, and 50")])
def test_no_run_begins_on_a_full_disk(tmp_path, monkeypatch, free, said):
    monkeypatch.setattr(runs.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    if not said:
        assert runs.verify(make(tmp_path)) == []
        return
    with pytest.raises(OutputError, match=said):
        make(tmp_path / "new")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, OutputError), (errno.EROFS, OutputError), (errno.ENOENT, OSError)]
)
def test_what_the_disk_says_is_a_sentence_and_what_the_code_does_is_not(tmp_path, number, kind):
    def fail() -> None:
        with runs.begin(tmp_path, "shop"):
            raise OSError(number, os.strerror(number))

    with pytest.raises(kind, match=os.strerror(number)) as caught:
        fail()
    assert isinstance(caught.value, OutputError) is (kind is OutputError)
    assert names(tmp_path) == []


def test_a_run_of_another_parameter_is_not_the_one_looked_for(tmp_path):
    folder = make(tmp_path)
    record = runs.manifest(folder)
    assert list(runs.find(tmp_path, "shop", parameters=record["parameters"], notebook=record["notebook"]))
    assert not list(runs.find(tmp_path, "shop", parameters=record["parameters"], notebook="other"))
    assert not list(runs.find(tmp_path, "sho", notebook=record["notebook"]))


def test_what_cannot_be_published_leaves_the_earlier_run_and_says_why(tmp_path, monkeypatch):
    folder = make(tmp_path, "old")
    real = Path.rename

    def rename(own, to):
        if to == folder and own.name.endswith(runs.PARTIAL):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(own, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OutputError, match=f"cannot be written to .*{NAME}: No space left on device. Name"):
        make(tmp_path, "new")
    assert (folder / "run.log").read_text() == "old"
    assert names(tmp_path) == [NAME]


def test_the_id_is_the_head_of_a_digest_whatever_the_order_of_the_parameters():
    told = '["01-segment-customers", {"a": 1, "segments": 0}, "c3d0", "0.1.0"]'
    expected = hashlib.sha256(told.encode()).hexdigest()[:10]
    assert runs.identity("01-segment-customers", {"segments": 0, "a": 1}, "c3d0", "0.1.0") == expected


def test_only_a_hidden_directory_with_our_ending_is_unfinished(tmp_path):
    for name in (f".a{runs.PARTIAL}", f"a{runs.PARTIAL}", ".a"):
        (tmp_path / name).mkdir()
    (tmp_path / f".b{runs.PARTIAL}").write_text("")
    found = [folder.name for folder in sorted(tmp_path.iterdir()) if runs.is_partial(folder)]
    assert found == [f".a{runs.PARTIAL}"]


def test_two_faults_are_told_one_after_the_other(tmp_path):
    folder = make(tmp_path)
    (folder / "model.json").unlink()
    (folder / "segments.csv").write_text("x")
    with pytest.raises(OutputError) as caught:
        runs.manifest(folder)
    told = "model.json is missing; segments.csv is not what was written"
    assert str(caught.value) == f"{NAME} is not a complete run: {told}."


def test_what_saved_a_run_is_in_its_log_and_no_notebook_in_its_manifest(tmp_path, monkeypatch):
    from segkit import export

    given = []
    study = SimpleNamespace(assignments=[1, 2])
    monkeypatch.setattr(export, "write", lambda own, folder: (given.append(own), stub.fill(folder)))
    folder = runs.save(study, tmp_path / "mine")
    assert given == [study]
    assert (folder / "run.log").read_text().endswith("segkit.runs: saved from Python: 2 customers\n")
    record = runs.manifest(folder)
    assert (record["run"], record["notebook"]) == ("mine", "")


def test_a_disk_that_is_full_inside_a_runners_directory_is_named(tmp_path, monkeypatch):
    from segkit import export

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(export, "write", full)
    with runs.begin(tmp_path, "shop") as run, pytest.raises(OutputError) as caught:
        runs.save(SimpleNamespace(assignments=[]), run.path)
    assert str(run.path) in str(caught.value)
