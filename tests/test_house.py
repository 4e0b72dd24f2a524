"""The house holds: what is installed, packed, imported and escaped is what the design says."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import urllib.request
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = sorted((ROOT / "segkit").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HEAVY = (
    "pandas",
    "sklearn",
    "scipy",
    "plotly",
    "papermill",
    "ipywidgets",
    "duckdb",
    "pyarrow",
    "narwhals",
    "numpy",
)


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a program and hand back what it printed; a failure shows it."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


# ----------------------------------------------------------------------------- requirements
CONDA_NAMES = {
    "duckdb": "python-duckdb",  # conda-forge: `duckdb` is the command-line tool
    "jupyter-client": "jupyter_client",
    "jupyter-server": "jupyter_server",
    "prometheus-client": "prometheus_client",
}


def test_environment_yml_holds_the_same_requirements_as_pyproject():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    plain = {entry for entry in listed if isinstance(entry, str)} - {"pip"}
    wanted = {f"python{PROJECT['requires-python']}"}
    for requirement in PROJECT["dependencies"]:
        name, bound = requirement.split(">=")
        wanted.add(f"{CONDA_NAMES.get(name, name)}>={bound}")
    assert plain == wanted


def test_requirements_are_what_is_imported():
    programs = {"jupyterlab", "ipykernel"}  # `make lab` opens the one, notebooks run in the other
    names = {"scikit-learn": "sklearn", "pyyaml": "yaml", "ipython": "IPython"}
    declared = {requirement.split(">=")[0] for requirement in PROJECT["dependencies"]} - programs
    imported = {root for path in MODULES for root in imported_roots(path)} - sys.stdlib_module_names
    groups = PROJECT["optional-dependencies"].values()
    extras = {each.split(">=")[0].replace("-", "_") for group in groups for each in group}
    assert imported - {"segkit"} - extras == {names.get(name, name).replace("-", "_") for name in declared}


def imported_roots(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def test_the_lock_pins_every_requirement_with_hashes_and_within_its_bound():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pin = r"(?m)^([a-z0-9.-]+)==([^ ]+)(?: ; [^\\\n]*)?((?: *\\\n    --hash=sha256:[0-9a-f]{64})*)"
    pins = re.findall(pin, lock)
    assert [name for name, _, hashes in pins if not hashes] == []
    pinned = defaultdict(list)
    for name, version, _ in pins:
        pinned[name].append(version)
    for requirement in map(Requirement, PROJECT["dependencies"]):
        found = pinned[canonicalize_name(requirement.name)]
        assert found, requirement
        assert all(requirement.specifier.contains(version) for version in found), (requirement, found)


# ----------------------------------------------------------------------------- the wheel
@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what git knows, littered with files that git ignores."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout: there is no list to compare the wheel with")
    copy = tmp_path_factory.mktemp("checkout")
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for litter in (
        "segkit/__pycache__/x.cpython-311.pyc",
        "notebooks/.ipynb_checkpoints/01-checkpoint.ipynb",
        "notebooks/.env",
        "parameters/.env",
        "segkit/.DS_Store",
        "reports/run/segments.csv",
        "customers.csv",
        "data/customers.csv",
    ):
        (copy / litter).parent.mkdir(parents=True, exist_ok=True)
        (copy / litter).write_text("secret")
    return copy


def tracked(*folders: str) -> set[str]:
    """Return the files git tracks, or will once they are added."""
    command = ("git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders)
    return {name for name in run(*command).stdout.split("\0") if name and (ROOT / name).is_file()}


def packed(wheel: Path) -> set[str]:
    """Return the wheel's files under the names they have in the repository."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    return {re.sub(r"^segkit/(notebooks|parameters)/", r"\1/", name) for name in names}


@pytest.mark.parametrize(
    "way", [pytest.param([], id="through the sdist"), pytest.param(["--wheel"], id="directly")]
)
def test_wheel_holds_exactly_what_git_knows(way, checkout, tmp_path):
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, *way, checkout)
    (wheel,) = tmp_path.glob("*.whl")
    assert packed(wheel) == tracked("segkit", "notebooks", "parameters")


def test_sdist_holds_no_secret(checkout, tmp_path):
    run(sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", tmp_path, checkout)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        files = {name.split("/", 1)[1] for name in archive.getnames()} - {"PKG-INFO"}
    assert files <= tracked()
    assert {"pyproject.toml", "README.md", "LICENSE", "tests/test_house.py"} <= files


@pytest.fixture(scope="module")
def installed(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of a fresh environment: the wheel is in it, what it needs can be seen."""
    build = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", build, checkout)
    (wheel,) = build.glob("*.whl")
    home, programs = build / "environment", build / "environment" / "bin"
    uv = (sys.executable, "-m", "uv", "--offline")
    run(*uv, "venv", "--python", sys.executable, home)
    run(*uv, "pip", "install", "--no-deps", "--python", programs / "python", wheel)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "needed.pth").write_text(sysconfig.get_path("purelib"))  # not the .pth files that lie there
    (home / "share").mkdir(exist_ok=True)
    (home / "share" / "jupyter").symlink_to(Path(sys.prefix) / "share" / "jupyter")
    where = run(programs / "python", "-c", "import segkit; print(segkit.__file__)", cwd=build).stdout
    assert Path(where.strip()).is_relative_to(site)
    return programs


def test_wheel_lays_starting_files_down(installed, tmp_path):
    run(installed / "segkit", "init", ".", cwd=tmp_path)
    laid = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert tracked("notebooks", "parameters") <= laid


def test_wheel_runs_the_sample_in_an_empty_folder(installed, tmp_path):
    said = run(installed / "segkit", "run", "sample:retail", cwd=tmp_path).stdout
    (page,) = tmp_path.glob("reports/*/report.html")
    assert said.rstrip().endswith(str(page.relative_to(tmp_path)))
    verified = run(installed / "segkit", "runs", "verify", page.parent.name, cwd=tmp_path).stdout
    assert page.parent.name in verified


def test_wheel_serves_in_an_empty_folder(installed, tmp_path, spawn, free_port):
    token = "x" * 24
    command = [installed / "segkit", "serve", "--port", str(free_port)]
    server = spawn(command, cwd=tmp_path, env={**os.environ, "SEGKIT_TOKEN": token})
    server.wait_until(re.compile(r"segkit is at (\S+)"), 120)
    address = f"http://127.0.0.1:{free_port}"
    with urllib.request.urlopen(f"{address}/healthz?token={token}", timeout=30) as answer:
        assert json.load(answer) == {"status": "ok"}
    with urllib.request.urlopen(f"{address}/?token={token}", timeout=30) as answer:
        assert "05-dashboard" in answer.read().decode()
    server.process.terminate()
    assert server.process.wait(20) == 0


# ----------------------------------------------------------------------------- cheap imports
@pytest.mark.parametrize("module", ["segkit", "segkit.cli", "segkit.params"])
def test_import_loads_nothing_heavy(module):
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    loaded = {name.split(".")[0] for name in json.loads(run(sys.executable, "-c", code).stdout)}
    assert module.split(".")[0] in loaded
    assert loaded.isdisjoint(HEAVY)


def cpu(*command: str | Path, times: int = 5) -> float:
    """Return the least CPU seconds of some runs of a program: noise only ever adds."""
    costs = []
    for _ in range(times):
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, command
        costs.append(usage.ru_utime + usage.ru_stime)
    return min(costs)


def test_help_costs_little():
    program = Path(sys.executable).with_name("segkit")
    ratio = cpu(program, "--help") / cpu(sys.executable, "-c", "import pydantic")
    assert ratio <= 2.5


# ----------------------------------------------------------------------------- layers
@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_imports_its_own_package(path):
    """Import-linter does not see these: `import segkit`, and a room importing through its own `__init__`."""
    inside = path.relative_to(ROOT).with_suffix("").parts
    package = list(inside[:-1])
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            assert not [alias.name for alias in node.names if alias.name == "segkit"], f"line {node.lineno}"
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            target = [*base, *(node.module.split(".") if node.module else [])]
            if target == package[: len(target)] and target and target[0] == "segkit":
                names = [alias.name for alias in node.names if not is_module(target, alias.name)]
                assert not names, f"line {node.lineno} takes {names} from {'.'.join(target)}"


def test_contributing_names_the_modules_in_the_order_that_import_linter_holds():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    for contract in contracts:
        room = contract["containers"][0].removeprefix("segkit").removeprefix(".")
        if room and "." not in room:
            order = " ".join(
                f"`{module}`" for row in reversed(contract["layers"]) for module in row.split(" | ")
            )
            assert re.search(rf"^\| `{room}` \|.*\| {order} \|$", text, re.MULTILINE), room


def is_module(package: list[str], name: str) -> bool:
    place = ROOT.joinpath(*package, name)
    return place.with_suffix(".py").is_file() or place.is_dir()


# ----------------------------------------------------------------------------- text is text
SINKS = {
    r"\bHTML\(": "HTML",
    r"\bMarkdown\(": "Markdown",
    r"escape\s*=\s*False": "escape=False",
    r"\bStyler\b|\.style\.(?!update)": "Styler",
    r"\bautoescape\s*=\s*False": "autoescape=False",
    r"\.sql\(f|\.execute\(f|\.query\(f": "f-string SQL",
    r"\bpickle\b|\bjoblib\.(dump|load)\b": "pickle",
    r"\beval\(|\bexec\(": "eval",
}
# Where a sink may stand, and why what reaches it is safe.
ALLOWED = {
    "segkit/report/page.py": {
        "escape=False"
    },  # the notebook's own Markdown cells: its author also wrote its code
}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_forbidden_sink(path):
    name = str(path.relative_to(ROOT))
    code = ast.unparse(without_docstrings(tree(path)))
    found = {sink for pattern, sink in SINKS.items() if re.search(pattern, code)}
    assert found <= ALLOWED.get(name, set())


def without_docstrings(module: ast.Module) -> ast.Module:
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return module


SQL = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|COPY|DESCRIBE|ATTACH|SET|FROM)\b", re.IGNORECASE)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sql_is_written_with_quoted_identifiers_only(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.JoinedStr) and SQL.match(ast.unparse(node).lstrip("f'\"")):
            slots = [ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)]
            bare = [slot for slot in slots if "identifier(" not in slot]
            assert not bare, f"line {node.lineno}: {bare} go into SQL without safe.identifier"


# ----------------------------------------------------------------------------- notebooks and files
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_product_notebook_is_stored_without_outputs(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert "widgets" not in notebook["metadata"]
    for cell in notebook["cells"]:
        assert not cell.get("outputs"), cell["source"]
        assert cell.get("execution_count") is None


def test_readme_holds_the_parameters_as_they_are():
    """`make docs` writes them; this fails when somebody forgot to run it."""
    from segkit.params import Params

    assert Params.markdown().strip() in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_pages_name_only_verbs_and_files_that_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    verbs = set(re.findall(r"`make ([a-z-]+)|^make ([a-z-]+)", text, re.MULTILINE))
    unknown = [
        verb
        for pair in verbs
        for verb in pair
        if verb and not re.search(rf"^{verb}:", makefile, re.MULTILINE)
    ]
    assert not unknown
    links = re.findall(r"\]\(([^)#:]+)\)|`((?:segkit|tests|notebooks|parameters|docs)/[\w./-]+\w)`", text)
    missing = [link for pair in links for link in pair if link and not (ROOT / link).exists()]
    assert not missing


def test_make_help_lists_every_verb_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    shown = {
        line.split()[0]
        for line in run("make", "-C", ROOT, "--no-print-directory", "help").stdout.splitlines()
    }
    assert shown == phony


def test_one_version_everywhere():
    import segkit

    assert PROJECT["dynamic"] == ["version"]
    heading = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert heading == segkit.__version__


@pytest.mark.parametrize("path", sorted((ROOT / "parameters").glob("*.yml")), ids=lambda path: path.name)
def test_parameter_file_holds_only_what_differs(path):
    from segkit import params

    recipe = params.read(path)
    written = set(yaml.safe_load(path.read_text(encoding="utf-8"))) - {"notebook", "name"}
    assert recipe.name == path.stem
    assert written == set(recipe.params.changed())


def test_the_citation_names_this_version():
    import segkit

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == segkit.__version__
