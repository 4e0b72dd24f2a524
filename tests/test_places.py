"""Notebooks and parameters are found in the wheel and in the repository, and by name or path."""

from __future__ import annotations

import pytest

from segkit import places
from segkit.errors import OutputError, ParameterError


def test_the_repositorys_folders_serve_where_none_are_packaged(root):
    assert places.notebooks_dir() in {root / "notebooks", places.PACKAGE / "notebooks"}
    assert list(places.notebooks_dir().glob("*.ipynb"))
    assert list(places.parameters_dir().glob("*.yml"))
    assert (places.static_dir() / "report" / "page.html.j2").is_file()


def test_packaged_folders_come_first(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "segkit")
    (tmp_path / "segkit" / "notebooks").mkdir(parents=True)
    assert places.notebooks_dir() == tmp_path / "segkit" / "notebooks"
    assert places.parameters_dir() == tmp_path / "parameters"


def test_a_notebook_is_found_by_name_or_path(tmp_path):
    assert places.notebook("01-segment-customers").is_file()
    own = tmp_path / "own.ipynb"
    own.write_text("{}")
    assert places.notebook(str(own)) == own
    with pytest.raises(ParameterError, match=r'no notebook ".*gone\.ipynb"; there are: 01-'):
        places.notebook(str(tmp_path / "gone.ipynb"))


def test_state_lies_where_the_system_says_or_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert places.state_dir() == tmp_path / "state" / "segkit"
    monkeypatch.setenv("XDG_STATE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert places.state_dir() == tmp_path / ".local" / "state" / "segkit"


@pytest.mark.parametrize(
    ("environ", "face"),
    [
        ({}, False),
        ({"SEGKIT_FACE": "notebook", "SERVER_SOFTWARE": "jupyter/1"}, False),
        ({"SEGKIT_FACE": "dashboard"}, True),
        ({"SERVER_SOFTWARE": "Voila/0.5"}, True),
        ({"VOILA_BASE_URL": ""}, True),
        ({"MY_VOILA_": "1"}, False),
    ],
)
def test_a_dashboard_is_known_by_any_of_its_marks(environ, face):
    assert places.in_dashboard(environ) is face


def test_what_is_laid_down_does_not_touch_what_is_there(tmp_path):
    (tmp_path / "parameters").mkdir()
    (tmp_path / "parameters" / "retail.yml").write_text("mine")
    laid = dict(places.lay_down(tmp_path))
    assert {file.name for file, is_new in laid.items() if not is_new} == {"retail.yml"}
    assert (tmp_path / "parameters" / "retail.yml").read_text() == "mine"
    book = tmp_path / "notebooks" / "01-segment-customers.ipynb"
    assert laid[book] is True
    assert book.read_bytes() == places.notebook("01-segment-customers").read_bytes()
    carried = [*places.notebooks_dir().glob("*.ipynb"), *places.parameters_dir().glob("*.yml")]
    tables = {file.name for file in laid if file.parent.name == "tables"}
    assert tables == {"playbook.yml", "rfm.yml"}
    assert len(laid) == len(carried) + len(tables)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"\.ipynb cannot be written: Not a directory\. Name another"):
        list(places.lay_down(tmp_path / "file"))
