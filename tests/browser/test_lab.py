"""The notebook in a real JupyterLab."""

from __future__ import annotations

import pytest

from tests.browser import live
from tests.browser.live import EMPTY, STEADY

pytestmark = pytest.mark.browser


def test_moving_k_in_jupyterlab_changes_everything(patient, lab, panels, study):
    patient.goto(lab)
    live.run_all(patient)
    before = live.wait_for(patient, study(), panels)
    live.slide(patient, 4)
    after = live.wait_for(patient, study(segments=4), panels)
    live.settled(patient)
    follows = [
        name for name in panels if live.expected(study(), name) != live.expected(study(segments=4), name)
    ]
    assert [name for name in panels if before[name] != after[name]] == follows
    assert set(panels) - set(follows) <= STEADY | EMPTY
    assert patient.evaluate("document.querySelectorAll('script[src^=blob]').length") <= 1
    too_wide = "(box) => box.scrollWidth > box.clientWidth + 2"
    assert not patient.evaluate(f"[...document.querySelectorAll('.sk-plot')].some({too_wide})")
