"""One page over many runs: nothing is lost on it, nothing on it can run."""

from __future__ import annotations

from segkit.report import overview
from segkit.report.batch import Outcome


def test_every_run_is_on_the_page_and_what_failed_comes_first(tmp_path):
    outcomes = [
        Outcome("a.yml", "complete", directory=f"{tmp_path}/a b-0123456789", message="Two groups."),
        Outcome("<b>.csv", "refused", 2, message="<script>alert(1)</script> cannot be read."),
    ]
    page = overview.write(tmp_path, outcomes)
    text = page.read_text()
    assert 'href="a%20b-0123456789/report.html"' in text
    assert text.index("cannot be read") < text.index("Two groups.")
    assert "1 complete, 1 refused." in text
    assert "<script" not in text
    assert "<b>" not in text
    assert "script-src &#39;none&#39;" in text
    assert [file.name for file in tmp_path.iterdir()] == ["index.html"]


def test_without_a_single_run_there_is_no_page(tmp_path):
    assert (
        overview.write(tmp_path / "reports", [Outcome("a", "refused", 2), Outcome("b", "refused", 2)]) is None
    )
    assert not (tmp_path / "reports").exists()
