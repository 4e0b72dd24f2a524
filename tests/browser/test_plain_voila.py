"""The notebook under Voila as anybody starts it, without our command and our template."""

from __future__ import annotations

import sys

import pytest

from tests.browser import live
from tests.browser.conftest import NOTEBOOK

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_plain_voila_draws_and_follows(patient, spawn, free_port, panels, study):
    command = [sys.executable, "-m", "voila", NOTEBOOK, f"--port={free_port}", "--no-browser"]
    spawn(command, ready=f"http://127.0.0.1:{free_port}/voila/static/voila.js", timeout=120)
    patient.goto(f"http://127.0.0.1:{free_port}/")
    live.wait_for(patient, study(), panels)
    live.slide(patient, 3)
    live.wait_for(patient, study(segments=3), panels)
    # Voila's own page asks a CDN for its icons; nothing of ours leaves the machine.
    assert all("fortawesome/fontawesome-free" in address for address in patient.foreign)
    patient.foreign.clear()
