"""The benchmark of the sweep runs, and writes its table and picture; what it measures is not judged here."""

from xml.etree import ElementTree as ET

import pytest


@pytest.fixture
def sweeps(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # which the script sets
    from tests.benchmarks import sweeps

    monkeypatch.setattr(sweeps, "NUMBERS", range(2, 4))
    return sweeps


def test_everybody_who_is_installed_takes_turns_on_small_tables(sweeps, tmp_path):
    results, truth = sweeps.race(sweeps.planted(400, seed) for seed in range(2))
    present = 4 + len(sweeps.OTHERS) - len(sweeps.absent())
    assert len(results) == present
    assert all(len(found) == 2 for found in results.values())
    assert all(3 <= segments <= 8 for segments in truth)
    assert all(each.inertia[2] > each.inertia[3] > 0 for found in results.values() for each in found)
    loop, ours = results[sweeps.FULL], results[sweeps.OURS]
    assert ours[0].inertia[3] == pytest.approx(loop[0].inertia[3], rel=0.01)
    more = sweeps.extrapolated(results, 10)
    assert more[f"{sweeps.SAMPLED} (extrapolated)"][0].seconds == 10 * results[sweeps.SAMPLED][0].seconds
    told = sweeps.lines("400", results, [0, 0]) + sweeps.lines("4,000", {sweeps.OURS: ours} | more, truth)
    assert len(told) == 2 * present
    text = sweeps.page(told, told[:1])
    assert all(name in text for name in [*results, *more, "## Real tables", *sweeps.absent()])
    assert len(ET.fromstring(sweeps.picture(told)).findall("{*}rect")) == 1 + 2 * (present - 1)


@pytest.mark.slow
def test_the_nine_real_tables_are_prepared_for_the_race(sweeps, test_data):
    tables = dict(sweeps.real(test_data))
    assert len(tables) == 9
    assert tables["Wholesale customers data"].shape[0] == 440


def test_a_file_larger_than_memory_is_timed_beside_a_bare_scan():
    from tests.benchmarks import streamed

    size, bare, swept = streamed.lines(3_000)
    assert size.startswith("3,000 rows x 12")
    assert "CPU" in bare
    assert "bare scans" in swept
