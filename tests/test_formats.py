"""Files of every number that a format ever had are read, and mean what they meant when they were written.

`tests/golden/formats` holds what segkit 0.1.0 wrote for three hundred generated customers: a model, the
labels it gave to twenty rows (one with a gap, one with an unseen category, one far out), and a summary.
"""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from segkit import runs
from segkit.errors import ModelError
from segkit.segments.model import read_model
from tests.test_runs import make

GOLDEN = Path(__file__).parent / "golden" / "formats"
SCHEMAS = Path(__file__).parent.parent / "segkit" / "schemas"


def test_a_model_of_the_first_format_gives_the_labels_it_gave():
    wanted = pd.read_csv(GOLDEN / "scored-1.csv")
    found = read_model(GOLDEN / "model-1.json").score(wanted[["id", "spend", "visits", "plan"]], "id")
    assert found["id"].tolist() == wanted["id"].tolist()
    assert found["segment"].tolist() == wanted["segment"].tolist()
    np.testing.assert_allclose(found["distance"], wanted["distance"], rtol=1e-9)


def test_a_summary_of_the_first_format_fits_the_schema_of_today():
    schema = json.loads((SCHEMAS / "summary-1.json").read_bytes())
    jsonschema.validate(json.loads((GOLDEN / "summary-1.json").read_bytes()), schema)


def test_a_model_of_a_later_segkit_says_so(tmp_path):
    later = json.loads((GOLDEN / "model-1.json").read_bytes()) | {"format": "segkit-model/9"}
    (tmp_path / "model.json").write_text(json.dumps(later))
    with pytest.raises(ModelError, match=r"by a later version of segkit \(segkit-model/9\)\. Install that"):
        read_model(tmp_path / "model.json")


def test_a_run_of_a_later_segkit_says_so(tmp_path):
    folder = make(tmp_path)
    record = json.loads((folder / "manifest.json").read_bytes()) | {"schema": "segkit-manifest/9"}
    (folder / "manifest.json").write_text(json.dumps(record))
    assert runs.verify(folder) == ["it was made by a later version of segkit (segkit-manifest/9)"]
