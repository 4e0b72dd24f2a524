"""One study from a source to its sentences, whatever the frame, the order of the rows or the names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.metrics import adjusted_rand_score

from segkit import placing, runs
from segkit.checks import check
from segkit.data import columns, quality, samples, source
from segkit.errors import GateError, ParameterError, SegkitError, SourceError
from segkit.params import Params
from segkit.segments import choose, sweep
from segkit.study import segment

CUSTOMERS = 1_500
NOTES = [f"a long text number {i}, all free" for i in range(80)]


@pytest.fixture(scope="module")
def retail():
    return samples.retail(CUSTOMERS, seed=1, truth=True)


@pytest.fixture(scope="module")
def whole():
    return samples.retail(truth=True)


@pytest.fixture(scope="module")
def five(whole):
    return segment(whole[0], value="annual_spend")


def test_the_planted_segments_are_found_and_called_what_they_are(five, whole):
    assert (five.verdict.level, five.verdict.segments, five.verdict.shown) == ("clear", 5, 5)
    assert adjusted_rand_score(whole[1], five.assignments["segment"]) > 0.9
    assert len(set(five.text.names)) == 5
    assert all(five.text.names)
    assert set(five.text.summaries) == set(five.actions["segment"]) == {1, 2, 3, 4, 5}


def test_segments_are_numbered_by_size(five):
    assert list(five.sizes["customers"]) == sorted(five.sizes["customers"], reverse=True)
    counted = five.assignments["segment"].value_counts().sort_index()
    assert list(counted) == list(five.sizes["customers"])


def test_every_table_speaks_of_the_same_segments(five):
    assert set(five.profile["segment"]) == set(five.differences["segment"]) == set(five.separation["segment"])
    assert list(five.model.names) == list(five.sizes["name"]) == list(five.text.names)
    assert set(five.assignments["segment_name"]) == set(five.text.names)


def test_one_population_gets_no_segments_no_names_and_no_advice():
    none = segment(samples.nothing(CUSTOMERS, seed=1))
    assert (none.verdict.level, none.verdict.segments, none.verdict.shown) == ("none", 1, 1)
    assert set(none.assignments["segment"]) == {1}
    assert none.text.names == ("",)
    assert none.actions.empty
    assert none.evidence["silhouette"].notna().sum() >= 2
    assert none.assignments["stays"].isna().all()
    n, spread = none.numbers, none.profile.set_index("column").loc["spend_groceries"]
    told = f"a quarter have {n.money(spread['q25'])} or less, a quarter {n.money(spread['q75'])} or more"
    assert told in none.text.evidence


def test_a_number_asked_for_is_shown_and_marked_when_the_data_do_not_support_it(retail):
    forced = segment(retail[0], segments=3)
    assert (forced.verdict.shown, forced.verdict.supported) == (3, False)
    assert not forced.assignments["supported"].any()
    assert not forced.model.supported
    assert forced.text.headline.startswith("You asked for 3 segments")
    assert (forced.actions["action"] == "").all()


def test_the_order_of_the_rows_changes_nothing(five, whole):
    mixed = whole[0].sample(frac=1, random_state=7).reset_index(drop=True)
    other = segment(mixed, value="annual_spend")
    ours = five.assignments.set_index("customer_id")["segment"]
    theirs = other.assignments.set_index("customer_id")["segment"].loc[ours.index]
    assert (ours == theirs).all()
    np.testing.assert_allclose(five.model.centers, other.model.centers, rtol=0, atol=1e-9)
    assert five.text == other.text


@pytest.mark.parametrize(
    "convert",
    [
        pytest.param(pl.from_pandas, id="polars"),
        pytest.param(pa.Table.from_pandas, id="pyarrow", marks=pytest.mark.slow),
    ],
)
def test_every_kind_of_frame_gives_the_same_study(five, whole, convert):
    other = segment(convert(whole[0]), value="annual_spend")
    assert (other.assignments["segment"].to_numpy() == five.assignments["segment"].to_numpy()).all()
    assert other.text == five.text


def test_changing_the_number_of_segments_sweeps_and_judges_nothing_again(tmp_path, retail, monkeypatch):
    file = tmp_path / "retail.csv"
    retail[0].to_csv(file, index=False)
    segment(file)
    for room, work in (
        (source, "load"),
        (columns, "describe"),
        (choose, "learn"),
        (sweep, "sweep"),
        (placing, "measure"),
    ):
        monkeypatch.setattr(room, work, lambda *_, **__: pytest.fail("done twice"))
    assert segment(file, segments=4).verdict.shown == 4


def test_a_changed_file_is_read_again(tmp_path, retail):
    file = tmp_path / "retail.csv"
    retail[0].to_csv(file, index=False)
    before = check(file).reading.rows
    retail[0].head(900).to_csv(file, index=False)
    assert (before, check(file).reading.rows) == (CUSTOMERS, 900)


def test_columns_may_have_the_names_that_segkit_uses_itself(retail):
    taken = ["segment", "distance", "outlier", "confidence", "supported", "segment_name"]
    names = dict(
        zip(["age", "orders", "spend_home", "spend_fashion", "recency_days", "channel"], taken, strict=True)
    )
    study = segment(retail[0].rename(columns=names), value="outlier", segments=5)
    assert set(taken) <= set(study.drivers["column"]) == set(study.profile["column"])
    assert study.sizes["value_sum"].sum() == pytest.approx(retail[0]["spend_home"].sum())
    age = study.profile.query("segment == 1 and column == 'segment'")
    assert age["all_mean"].item() == pytest.approx(retail[0]["age"].mean())


def test_customers_with_gaps_are_left_out_and_kept_in_the_list_when_asked_to_drop(retail):
    study = segment(retail[0], impute="drop", segments=4)
    gaps = retail[0][list(study.drivers["column"])].isna().any(axis=1).to_numpy()
    assert 0 < gaps.sum() < CUSTOMERS
    assert ((study.assignments["segment"] == 0).to_numpy() == gaps).all()
    assert (study.assignments["stays"].isna().to_numpy() == gaps).all()
    assert study.sizes["customers"].sum() == CUSTOMERS - gaps.sum()
    assert not set(np.flatnonzero(gaps)) & set(study.map.table.index)


def test_how_often_customers_keep_their_segment_is_told_of_each(five):
    told = five.assignments.groupby("segment")["stays"].mean()
    seen = five.strength.set_index("segment")["stays"]
    assert (told - seen).abs().max() < 0.05  # the sample's mean, carried over to all
    placed = five.assignments.sort_values(["segment", "confidence"])
    assert (placed.groupby("segment")["stays"].diff().fillna(0) >= 0).all()  # better fit, no less


def test_names_hold_when_the_data_barely_change_and_the_number_is_the_same(five, whole):
    fewer = segment(whole[0].sample(frac=0.98, random_state=3), value="annual_spend", segments=5)
    before, after = (each.assignments.set_index("customer_id")["segment_name"] for each in (five, fewer))
    assert set(after) == set(before)
    assert (after == before.loc[after.index]).mean() > 0.98


def test_the_study_keeps_its_parameters_and_where_it_came_from(five):
    assert five.params == Params(source=five.reading.source, value="annual_spend")
    assert five.provenance["input_sha256"] == five.reading.sha256


@pytest.mark.parametrize(
    ("frame", "error"),
    [
        (pd.DataFrame({"a": [], "b": []}), SourceError),
        (pd.DataFrame({"a": [1.0]}), SourceError),
        (pd.DataFrame({"a": ["x"] * 60, "b": [2] * 60}), SegkitError),
        (
            pd.DataFrame(
                {
                    "customer_id": range(1, 81),
                    "note": [f"a long text number {i}, all free" for i in range(80)],
                }
            ),
            SegkitError,
        ),
        (pd.DataFrame({"a": [None] * 60, "b": [None] * 60}), SegkitError),
    ],
    ids=["no rows", "one row", "all constant", "only ids and text", "all missing"],
)
def test_what_cannot_be_segmented_is_said_in_one_message(frame, error):
    with pytest.raises(error) as caught:
        segment(frame)
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("frame", "level"),
    [
        (pd.DataFrame({"spend": np.random.default_rng(0).normal(size=200)}), "none"),
        (pd.DataFrame({"plan": list("abcd") * 50, "city": list("xy") * 100}), "clear"),  # four different rows
        (pd.DataFrame({"spend": [1.0, 2.0, 9.0], "visits": [3, 1, 4]}), "none"),
    ],
    ids=["one column", "only categories", "three rows"],
)
def test_what_can_still_be_segmented_honestly_is(frame, level):
    study = segment(frame)
    assert study.verdict.level == level
    assert len(study.assignments) == len(frame)
    assert study.text.headline


def test_more_segments_than_different_rows_are_not_invented():
    frame = pd.DataFrame({"spend": [1.0, 1.0, 2.0, 2.0], "visits": [1, 1, 5, 5]})
    with pytest.raises(ParameterError, match="segments must be at most 2 here, got 4"):
        segment(frame, segments=4)


def test_a_wrong_column_is_named_with_the_nearest(retail):
    with pytest.raises(ParameterError, match='Did you mean "annual_spend"'):
        segment(retail[0], value="anual_spend")


def test_a_failed_gate_stops_before_anything_is_fitted(monkeypatch, retail):
    failing = pd.DataFrame({"check": ["Rows"], "found": ["3"], "status": ["fail"], "reason": ["too few"]})
    monkeypatch.setattr(quality, "check", lambda *_, **__: failing)
    with pytest.raises(GateError, match="Rows: too few"):
        segment(retail[0].head(777))


def test_wholesale_agrees_with_the_published_figures(test_data):
    """Inertia, silhouette, CH, DB and sizes: sklearn KMeans n_init 50 on log1p + z (FIELD)."""
    file = test_data / "customers" / "Wholesale customers data.csv"
    spend = ["Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicassen"]
    published = {
        2: (1844.06, 0.2903, 189.05, 1.3515, [252, 188]),
        3: (1553.34, 0.2592, 152.85, 1.3444, [212, 147, 81]),
    }
    for k, (inertia, silhouette, ch, db, sizes) in published.items():
        study = segment(file, features=spend, transform="log1p", segments=k)
        row = study.evidence.set_index("segments").loc[k]
        assert row["inertia"] == pytest.approx(inertia, abs=0.005)
        assert row["silhouette"] == pytest.approx(silhouette, abs=0.00005)
        assert row["calinski_harabasz"] == pytest.approx(ch, abs=0.005)
        assert row["davies_bouldin"] == pytest.approx(db, abs=0.00005)
        assert list(study.sizes["customers"]) == sizes


def test_a_study_of_one_group_knows_nobody_else():
    table = samples.retail(600)
    study = segment(table, by="region", group=table["region"].dropna().iloc[0])
    assert len(study.assignments) == (table["region"] == table["region"].dropna().iloc[0]).sum()
    assert study.columns.set_index("column").loc["region", "use"] == "left out"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"by": "region"}, r"region has \d values. Name one with group"),
        ({"group": "North"}, "by must say of which column"),
        ({"by": "regions", "group": "North"}, 'no column "regions".*Did you mean "region"'),
        ({"by": "region", "group": "Nort"}, 'No customer has "Nort" in region'),
    ],
)
def test_a_group_that_is_not_named_whole_is_refused(fields, words):
    with pytest.raises(ParameterError, match=words):
        segment(samples.retail(100), **fields)


def test_personal_data_stand_in_no_file_of_a_run(tmp_path):
    rng = np.random.default_rng(0)
    spend = rng.lognormal(4, 1, 300)
    people = {
        "First name": [f"Zerlina{at}" for at in range(300)],
        "mail": [f"q{at}@planted.example" for at in range(300)],
        "contact": [f"+49 30 77{at:06}" for at in range(300)],
        "postcode": [f"QX{at % 60} 7ZZ" for at in range(300)],
        "card_number": rng.integers(4 * 10**15, 5 * 10**15, 300),
    }
    table = pd.DataFrame({"id": range(300), "spend": spend, "orders": rng.poisson(spend / 20) + 1, **people})
    folder = runs.save(segment(table, segments=2), tmp_path / "shop")
    held = b"".join(file.read_bytes() for file in folder.iterdir())
    assert b"orders" in held
    for trace in (b"Zerlina", b"planted.example", b"+49 30 77", b"QX1", b"7ZZ"):
        assert trace not in held
    assert not any(str(number).encode() in held for number in people["card_number"])


def test_names_of_ones_own_stand_wherever_segments_are_named(retail):
    study = segment(retail[0], segments=3, segment_names="VIPs; ; Sleepers")
    names = study.sizes["name"].tolist()
    assert (names[0], names[2], len(set(names))) == ("VIPs", "Sleepers", 3)
    assert set(study.assignments["segment_name"]) == set(names)
    assert list(study.model.names) == names
    assert study.text.names == tuple(names)
    for wrong, said in (("a;b;c;d", "only 3 segments"), ("a;a", 'called "a"')):
        with pytest.raises(ParameterError, match=said):
            segment(retail[0], segments=3, segment_names=wrong)


def test_exact_bytes_are_kept_where_they_are_asked_for_and_the_manifest_says_so(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": [f"=1+{at}" for at in range(200)], "spend": rng.lognormal(size=200)})
    for safe, start in ((True, "'=1+0,"), (False, "=1+0,")):
        folder = runs.save(segment(table, segments=2, formula_safe=safe), tmp_path / f"{safe}")
        assert (folder / "segments.csv").read_text().splitlines()[1].startswith(start)
        assert runs.manifest(folder)["parameters"]["formula_safe"] is safe
