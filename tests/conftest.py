"""Fixtures every room of tests may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Return the folder of real data sets, or skip and say which variable to set."""
    folder = Path(os.environ.get("SEGKIT_TEST_DATA", "")).expanduser()
    if not os.environ.get("SEGKIT_TEST_DATA") or not folder.is_dir():
        pytest.skip("real data not found: set SEGKIT_TEST_DATA to the folder that holds customers/ and labelled/")
    return folder
