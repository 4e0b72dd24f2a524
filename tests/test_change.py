"""The change between two studies: planted movers, what becomes of segments, and runs read back from disk."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from segkit import export, runs
from segkit.change import compare
from segkit.data.samples import retail, retail_later
from segkit.delivery import deliver
from segkit.errors import OutputError, ParameterError, SourceError
from segkit.panels import builders
from segkit.params import CompareParams
from segkit.places import PACKAGE
from segkit.study import segment

COLUMNS = ["orders", "discount_share", "recency_days", "spend_groceries", "spend_fashion", "spend_home"]
CENTERS = np.array([[0.0, 0.0], [12.0, 0.0], [0.0, 12.0], [12.0, 12.0]])


def shop(rows=1200, seed=0, centers=CENTERS):
    """Return customers of well-separated groups, and the group of each."""
    rng = np.random.default_rng(seed)
    home = rng.integers(len(centers), size=rows)
    X = centers[home] + rng.normal(size=(rows, 2))
    ids = [f"c{i:05}" for i in range(rows)]
    return pd.DataFrame({"customer_id": ids, "visits": X[:, 0], "spend": X[:, 1]}), home


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("change")


def saved(place, name, table, **fields):
    """Save a run of a table on disk, as a person would have it."""
    fields = {"transform": "none", "max_segments": 5} | fields
    file = place / f"{name}.csv"
    table.to_csv(file, index=False)
    return str(runs.save(segment(str(file), **fields), place / name))


@pytest.fixture(scope="module")
def retailers(place):
    """Two years of the sample, as runs, with those planted to behave differently."""
    before, was = retail(2_000, truth=True)
    later, now = retail_later(2_000, truth=True)
    fields = {"segments": 5, "features": [*COLUMNS, "spend_electronics", "channel"], "transform": "auto-log"}
    folders = [saved(place, name, table, **fields) for name, table in (("one", before), ("two", later))]
    same = (before["customer_id"] == later["customer_id"]).to_numpy()
    return folders, set(before["customer_id"][same & (was != now)])


@pytest.fixture(scope="module")
def changed(retailers):
    return compare(retailers[0][1], before=retailers[0][0])


def test_known_movers_are_found_in_two_years_of_the_sample(changed, retailers):
    """Recall of the planted movers is at least 95 % (measured on 10,000: 99.4 %)."""
    moved = changed.assignments.query("cause == 'behaviour'")["customer_id"]
    assert len(set(moved) & retailers[1]) / len(retailers[1]) >= 0.95
    assert len(set(moved) - retailers[1]) <= 0.03 * len(changed.assignments)
    assert (changed.segments["fate"] == "same").all()
    assert 0 <= changed.flips < 0.02
    assert changed.why_not == ""


def test_every_customer_has_one_line_and_counts_add_up(changed):
    counts = changed.assignments["cause"].value_counts()
    assert (counts["new"], counts["left"]) == (100, 100)
    assert len(changed.assignments) == 2_100
    told = changed.migration.set_index(["before", "after"])
    every = changed.assignments.value_counts(["segment_before", "segment"]).sort_index()
    assert set(told.index) == set(every.index)
    shown = told[~told["withheld"]]
    assert shown["customers"].tolist() == every[shown.index].tolist()
    assert shown["customers"].min() >= 10  # min_cell
    moved = counts.reindex(["behaviour", "boundary", "noise"], fill_value=0).sum()
    assert changed.causes["customers"].sum() == len(changed.compared.moves) == moved
    assert (changed.assignments.query("cause == 'left'")["segment"] == 0).all()


def test_no_line_of_the_migration_has_one_cell_withheld_which_would_tell_it(changed):
    gone = changed.migration.pivot_table(
        index="before", columns="after", values="withheld", aggfunc="sum", fill_value=0
    )
    assert gone.to_numpy().sum() > 0
    assert 1 not in {*gone.sum(axis=0), *gone.sum(axis=1)}
    assert changed.migration.loc[changed.migration["withheld"], "customers"].isna().all()


def test_every_panel_says_something_and_the_summary_fits_its_schema(changed, place):
    for name in builders.names(changed.params):
        panel = builders.build(changed, name)
        assert panel.body_html
        assert panel.figure is None or (panel.figure.layout.meta["alt"] and panel.tables)
    folder = runs.save(changed, place / "compared")
    assert runs.verify(folder) == []
    said = json.loads((folder / "summary.json").read_bytes())
    jsonschema.validate(said, json.loads((PACKAGE / "schemas" / "change-summary-1.json").read_bytes()))
    assert said["customers"]["moved"] == len(changed.compared.moves)
    for kind in ("xlsx", "md", "csv", "db"):
        deliver(folder, str(place / f"out.{kind}"))
    assert "go on" in (place / "out.md").read_text(encoding="utf-8")
    with pytest.raises(ParameterError, match="holds no model"):
        deliver(folder, str(place / "out.sql"))
    with pytest.raises(ParameterError, match="no panel 'sizes'"):
        builders.build(changed, "sizes")


def test_a_moved_boundary_alone_makes_no_behavioural_mover(place):
    """The same customers, none of whom changed; hundreds of new ones pull a segment and its border."""
    rng = np.random.default_rng(1)
    X = rng.uniform(0, 12, (1500, 2))
    table = pd.DataFrame({"customer_id": [f"c{i}" for i in range(1500)], "visits": X[:, 0], "spend": X[:, 1]})
    more = pd.DataFrame({"customer_id": [f"n{i}" for i in range(900)], "visits": rng.uniform(10, 12, 900),
                         "spend": rng.uniform(0, 12, 900)})  # fmt: skip
    how = {"segments": 2, "scale": "none", "algorithm": "kmeans"}
    old = saved(place, "flat", table, **how)
    found = compare(saved(place, "fuller", pd.concat([table, more]), **how), before=old)
    told = found.causes.set_index("cause")["customers"]
    assert len(found.compared.moves) > 50
    assert told["behaviour"] == 0
    assert told["boundary"] > 0.9 * told.sum()


def test_a_split_and_a_merge_are_named(place):
    five = np.vstack([CENTERS, [[12.0, 17.0]]])
    rng = np.random.default_rng(2)
    home = np.r_[rng.integers(0, 4, 1200), np.full(400, 4)]
    X = five[home] + rng.normal(size=(1600, 2))
    table = pd.DataFrame({"customer_id": [f"c{i}" for i in range(1600)], "visits": X[:, 0], "spend": X[:, 1]})
    file = place / "both.csv"
    table.to_csv(file, index=False)
    how = {"transform": "none", "max_segments": 5}
    few, many = (str(runs.save(segment(str(file), segments=k, **how), place / f"k{k}")) for k in (4, 5))
    cases = ((few, many, "split", "split off"), (many, few, "merged", "merged into"))
    for before, after, fate, words in cases:
        found = compare(after, before=before)
        assert found.segments["fate"].value_counts().to_dict() == {"same": 4, fate: 1}
        assert words in found.text["segments"]
        assert len(found.compared.moves) <= 0.01 * len(table)


def test_a_file_is_made_a_study_like_the_earlier_run(place, retailers):
    table, _ = shop()
    old = saved(place, "shop", table)
    again = compare(table.sample(frac=1, random_state=3), before=old)
    assert (again.segments["fate"] == "same").all()
    assert not len(again.compared.moves)
    assert again.text["headline"].startswith("100\xa0% of the 1,200 customers in both stayed")
    assert (again.drift["psi"] < 1e-9).all()


def test_other_customers_are_matched_by_place(place):
    table, _ = shop()
    other = shop(seed=5)[0].assign(customer_id=lambda t: "x" + t["customer_id"])
    found = compare(other, before=saved(place, "ours", table))
    assert (found.segments["fate"] == "same").all()
    assert len(found.segments) == 4
    assert "No customer" in found.text["headline"]
    assert builders.build(found, "flows").empty
    assert builders.build(found, "causes").empty


def test_where_the_data_are_gone_moves_are_put_down_to_nothing(place):
    table, _ = shop()
    old = saved(place, "gone", table)
    (place / "gone.csv").write_text("customer_id,visits,spend\nc1,1,1\nc2,2,2\n")
    later = table.copy()
    later.loc[:50, ["visits", "spend"]] = 12 - later.loc[:50, ["visits", "spend"]]
    found = compare(later, before=old)
    assert "gone" in found.why_not
    assert set(found.causes["cause"]) >= {"unknown"}
    assert found.causes.set_index("cause")["customers"]["unknown"] == len(found.compared.moves) > 40
    assert np.isnan(found.flips)
    with pytest.raises(SourceError, match="No customer is in both"):
        compare(later.assign(customer_id="x" + later["customer_id"]), before=old)


def test_what_cannot_be_compared_is_one_sentence(place):
    table, _ = shop(300)
    old = saved(place, "small", table)
    found = compare(table.drop(columns="spend"), before=old)
    assert '"spend"' in found.why_not
    assert found.drift.empty
    (place / "x").mkdir()
    (place / "x" / "manifest.json").write_text("{}")
    with pytest.raises(OutputError, match="not a complete run"):
        compare(table, before=str(place / "x"))
    assert CompareParams().before == "sample:retail"
    assert export.SCHEMA


def test_who_has_no_segment_is_said_and_no_segment_is_made_of_them(place):
    table, _ = shop(600)
    gaps = table.copy()
    gaps.loc[:29, "spend"] = np.nan
    old = saved(place, "whole", table, impute="drop")
    found = compare(gaps, before=old)
    assert "30 more could not be placed" in found.text["evidence"]
    assert (found.segments[["before", "after"]] > 0).all(axis=None)
    other = compare(gaps.assign(customer_id=lambda t: "x" + t["customer_id"]), before=old)
    assert (other.segments["fate"] == "same").all()
    assert len(other.segments) == 4
