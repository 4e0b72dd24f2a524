"""The dashboard in a real Voila and a real Chromium."""

from __future__ import annotations

import pandas as pd
import pytest

from segkit import export
from segkit.data import samples
from tests.browser import live

pytestmark = pytest.mark.browser
UPSTREAM = ("widget model not found",)  # Voila draws outputs before their models have come, then again


def own_errors(page):
    return [error for error in page.errors if not any(known in error for known in UPSTREAM)]


def test_moving_k_changes_every_picture_table_and_sentence(patient, dashboard, panels, study):
    patient.goto(f"{dashboard}&segments=3")
    before = live.wait_for(patient, study(segments=3), panels)
    live.slide(patient, 4)
    wanted = study(segments=4)
    after = live.wait_for(patient, wanted, panels)
    live.settled(patient)

    follows = [
        name for name in panels if live.expected(study(segments=3), name) != live.expected(wanted, name)
    ]
    assert [name for name in panels if before[name] != after[name]] == follows
    assert set(panels) - set(follows) <= live.STEADY | live.EMPTY
    summary = export.summary(wanted)
    shown = "".join(panel["text"] for panel in after.values())
    for sentence in [
        summary["text"]["headline"],
        summary["text"]["evidence"],
        *summary["text"]["summaries"].values(),
    ]:
        assert live.squeeze(sentence) in shown
    for name, figure in summary["figures"].items():
        if name in after:
            assert live.squeeze(figure["title"]) in after[name]["text"]
    assert not own_errors(patient)


def test_upload_is_segmented_and_its_assignments_come_back(patient, dashboard, tmp_path):
    picture, large, file = tmp_path / "a.png", tmp_path / "large.csv", tmp_path / "Our customers.csv"
    picture.write_bytes(b"\x89PNG")
    large.write_bytes(b"a,b\n" + b"1,2\n" * 1_000_000)
    customers = samples.retail(500, seed=7)
    customers.assign(note="x" * 5_000).to_csv(file, index=False)
    assert 2_000_000 < file.stat().st_size < 3_000_000  # comes in two pieces
    patient.goto(dashboard)
    live.settled(patient)
    live.offer(patient, picture)
    patient.get_by_text("This is not a table. Upload CSV, Excel, Parquet or JSON lines.").wait_for(
        timeout=15_000
    )
    live.offer(patient, large)
    patient.get_by_text("The file is 4.0 MB; the limit is 3 MB.").wait_for(timeout=15_000)
    live.offer(patient, file)
    patient.get_by_text("our-customers.csv is here.").wait_for()
    patient.get_by_role("button", name="Update", exact=True).click()
    patient.locator("[data-sk-panel=facts]").get_by_text("500", exact=True).wait_for()
    live.settled(patient)

    with patient.expect_download() as coming:
        patient.get_by_role("button", name="Download segments.csv").click()
    table = pd.read_csv(coming.value.path())
    assert list(table["customer_id"]) == list(customers["customer_id"])
    shown = live.read(patient)["sizes"]["text"]
    for count in table["segment"].value_counts():
        assert str(count) in shown
    assert not own_errors(patient)


def test_nobody_comes_in_without_the_token(patient, dashboard):
    address = dashboard.split("?")[0]
    patient.goto(address)
    patient.get_by_text("This page asks for its token.").wait_for()
    patient.get_by_label("Token").fill("wrong")
    patient.get_by_role("button", name="Open").click()
    patient.get_by_text("The token does not fit.").wait_for()
    for path in ("nothing/here", "voila/files/01-segment-customers.ipynb", "voila/files/../serve.py"):
        answer = patient.goto(f"{address}{path}?token={dashboard.split('=')[1]}")
        assert answer.status in {403, 404}
        assert "Traceback" not in answer.text()
