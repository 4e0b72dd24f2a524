"""Bad input by the command line: one message that says what to do, the right exit code, and nothing left
behind.

What can still be segmented honestly is. `make test` makes the studies in this process; `make test-full` runs
the same list with real kernels.
"""

from __future__ import annotations

import random
import re
import signal
from pathlib import Path

import pytest

from segkit import cli, runs
from segkit.report import runner
from segkit.study import segment

GAUSS = random.Random(0).gauss
ROWS = range(200)


def table(*columns: object) -> bytes:
    """A CSV whose columns are made from the number of the row."""
    head = ",".join(name for name, _ in columns)
    return "\n".join([head, *(",".join(str(make(row)) for _, make in columns) for row in ROWS)]).encode()


def number(_: int) -> str:
    return f"{GAUSS(50, 9):.3f}"


DULL = table(("a", number), ("b", number), ("c", lambda row: row % 7))
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
LONG = "met at number {} of the long road and talked for a while about the weather"
IDS = table(("id", "C{:05d}".format), ("note", LONG.format))
CONSTANT = table(("a", lambda _: 1), ("b", lambda _: "x"))
MENU = table(("a", lambda row: "xyz"[row % 3]), ("b", lambda row: ("on", "off")[row * 7 % 11 > 4]))
CODE = b"source: !!python/object/apply:os.system [ls]\n"

# name of the file, its bytes (None: there is none), flags, words of the one message
REFUSED = {
    "missing file": ("shop.csv", None, [], r"There is no file shop\.csv"),
    "missing parameter file": ("shop.yml", None, [], r"shop\.yml cannot be read: No such file"),
    "empty file": ("shop.csv", b"", [], r"shop\.csv is empty"),
    "blank lines": ("shop.csv", b"\n\n\n", [], r"shop\.csv"),
    "header only": ("shop.csv", b"a,b,c\n", [], r"no rows under its header\. At least two"),
    "one row": ("shop.csv", b"a,b,c\n1,2,3\n", [], r"one row\. At least two"),
    "all constant": ("shop.csv", CONSTANT, [], r"[Nn]o column"),
    "only ids and text": ("shop.csv", IDS, [], r"[Nn]o column"),
    "more segments than rows": ("shop.csv", b"a,b\n1,2\n3,4\n5,9\n", ["--segments=5"], r"segments"),
    "a picture": ("shop.csv", PICTURE, [], r"PNG picture"),
    "unknown column": ("shop.csv", DULL, ["--features=a,d"], r'no column "d"'),
    "wrong parameters": ("shop.yml", b"segmnts: 3\nseed: x\n", [], r'"segmnts"\. Did you mean "segments"'),
    "several wrong": (
        "shop.csv",
        DULL,
        ["--segments=1", "--scale=big"],
        r"scale must be .* segments must be",
    ),
    "not a parameter file": ("shop.yml", b"- a\n- b\n", [], r"shop\.yml must hold lines such as"),
    "code in a parameter file": ("shop.yml", CODE, [], r"tags, anchors and aliases are not allowed"),
    "no such notebook": ("shop.csv", DULL, ["--notebook=02-other"], r"There is no notebook"),
    "an output that is a file": ("shop.csv", DULL, ["--out=shop.csv"], r"cannot be written to .*shop\.csv"),
}
SEGMENTED = {
    "one column": table(("spend", number)),
    "an all-missing column": table(("a", number), ("b", lambda _: ""), ("c", number)),
    "only categories": MENU,
    "three rows": b"a,b\n1,2\n3,4\n5,9\n",
    "duplicate names": table(("a", number), ("a", number), ("", number)),
    "hostile names": table(("<script>alert(1)</script>", number), ("=cmd()", number), ("{x}", number)),
}
CHECKED = ["missing file", "empty file", "header only", "one row", "all constant", "a picture"]


@pytest.fixture(autouse=True)
def _own(tmp_path, monkeypatch):
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path.parent / f"{tmp_path.name}-state"))
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.fixture(params=["here", pytest.param("kernel", marks=pytest.mark.slow)], autouse=True)
def _where(request, monkeypatch):
    """Make the study in this process, or in a kernel as it really is."""
    if request.param == "kernel":
        return

    def run(params, *, out, notebook, name, **_):
        runner.places.notebook(notebook)
        with runs.begin(out, name):
            study = segment(params=params)
        return runs.save(study, Path(out) / name)

    monkeypatch.setattr(runner, "run", run)


def laid(file: str, content: bytes | None) -> Path:
    path = Path(file)
    if content is not None:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_one_message_and_leaves_nothing(name, capsys):
    file, content, flags, words = REFUSED[name]
    path = laid(file, content)
    assert cli.main(["run", str(path), *flags]) == 2
    said = capsys.readouterr()
    assert re.search(words, said.err), said.err
    assert said.err.count("\n") == 1
    assert "did not foresee" not in said.err
    assert said.out == ""
    assert [one.name for one in Path().iterdir()] == ([file] if content is not None else [])


def test_a_directory_is_not_a_table(capsys):
    Path("shop.csv").mkdir()
    assert cli.main(["run", "shop.csv"]) == 2
    assert "shop.csv is a directory" in capsys.readouterr().err
    assert [one.name for one in Path().iterdir()] == ["shop.csv"]


@pytest.mark.parametrize("name", SEGMENTED)
def test_what_can_be_segmented_honestly_is(name, capsys):
    path = laid("shop.csv", SEGMENTED[name])
    code = cli.main(["run", str(path), "--json"])
    said = capsys.readouterr()
    assert code == 0, said.out
    (folder,) = Path("reports").iterdir()
    assert runs.verify(folder) == []
    assert '"verdict": "none"' in said.out or '"verdict": "weak"' in said.out


@pytest.mark.parametrize("name", CHECKED)
def test_check_gives_the_same_exit_codes(name, capsys):
    file, content, _, _ = REFUSED[name]
    assert cli.main(["check", str(laid(file, content))]) == 2
    assert "did not foresee" not in capsys.readouterr().err
