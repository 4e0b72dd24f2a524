"""JupyterLab, a scheduled run and the dashboard say the same: three parameter files, one summary each."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.browser import live

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PARAMETERS = Path(__file__).parents[2] / "parameters"
THIRD = "segments: 4\nscale: robust\nexclude: [annual_spend, age]\nseed: 7\nlocale: de\n"


@pytest.fixture(scope="module")
def recipes(tmp_path_factory):
    third = tmp_path_factory.mktemp("third") / "third.yml"
    third.write_text(THIRD, encoding="utf-8")
    return [PARAMETERS / "retail.yml", PARAMETERS / "nothing.yml", third]


@pytest.fixture(scope="module")
def batch(recipes, tmp_path_factory):
    """Return what `segkit run` says of each."""
    out = tmp_path_factory.mktemp("reports")
    command = [sys.executable, "-m", "segkit.cli", "run", *map(str, recipes), "--out", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    said = [json.loads(next(out.glob(f"{file.stem}-*/summary.json")).read_bytes()) for file in recipes]
    assert len({json.dumps(less_run(one), sort_keys=True) for one in said}) == len(recipes)
    return dict(zip(recipes, map(less_run, said), strict=True))


def less_run(summary):
    return {name: value for name, value in summary.items() if name != "run"}


def says_the_same(page, batch):
    """Load each parameter file into a live page and compare the summary that it then hands out."""
    for recipe, wanted in batch.items():
        page.locator("input[type=file][accept*='.yml']").set_input_files(recipe)
        end = time.monotonic() + 120
        while (found := summary(page)) != wanted and time.monotonic() < end:
            page.wait_for_timeout(1_000)  # still the summary of the file before
        assert found == wanted, recipe.name


def summary(page):
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download summary.json", exact=True).click()
    return less_run(json.loads(coming.value.path().read_bytes()))


@pytest.mark.parametrize("dashboard", ["05-dashboard"], indirect=True)
def test_the_dashboard_says_what_a_run_says(patient, dashboard, batch):
    patient.goto(dashboard)
    live.settled(patient)
    patient.get_by_role("tab", name="Download", exact=True).click()
    says_the_same(patient, batch)


def test_jupyterlab_says_what_a_run_says(patient, lab, batch):
    patient.goto(lab)
    live.run_all(patient)
    live.settled(patient)
    says_the_same(patient, batch)
