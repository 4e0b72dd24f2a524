"""The whole set of hostile files: this many, and the larger count in `make test-full`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SWARM = Path(__file__).with_name("swarm.py")


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_hostile_file_ends_the_reader_or_is_read_wrong_in_silence(count):
    done = subprocess.run(
        [sys.executable, SWARM, str(count), "0"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]  # whoever asked lives
    found = json.loads(done.stdout)
    assert len(found["files"]) == count
    assert [one for one in found["files"] if one["became"] == "wrong"] == []
    assert [one for one in found["files"] if one["seconds"] >= 10] == []
    assert [one for one in found["files"] if one["kind"] == "bomb" and one["became"] != "refused"] == []
    assert any(one["became"] == "right" for one in found["files"])  # not everything is refused
    assert found["peak"] <= 1 << 30
