"""Notebooks and parameters are found in the wheel and in the repository, and by name or path."""

from __future__ import annotations

import pytest

from segkit import places
from segkit.errors import ParameterError


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
