import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from segkit.segments import null


@pytest.fixture
def frame():
    draw = np.random.default_rng(0)
    tenure = draw.exponential(20, 800)
    spend = np.where(draw.random(800) < 0.4, 0.0, draw.lognormal(3, 1, 800))
    table = pd.DataFrame(
        {
            "tenure": tenure,
            "spend": spend,
            "children": draw.integers(0, 4, 800),
            "contract": np.where(tenure > 15 + draw.normal(0, 8, 800), "long", "short"),
            "region": draw.choice(["north", "south", "west"], 800, p=[0.5, 0.3, 0.2]),
        }
    )
    table.loc[::4, "tenure"] = np.nan
    table.loc[::10, "region"] = None
    return table


def drawn(frame, *, elliptical=False, copies=4):
    numbers = ["tenure", "spend", "children"]
    table = nw.from_native(frame, eager_only=True)
    prepared = {name: table[name].cast(nw.Float64).to_numpy() for name in numbers}
    population = null.learn(table, numbers=prepared, categories=["contract", "region"])
    told = population.draw(copies, elliptical=elliptical, seed=1)
    columns = {
        name: values if values.dtype == np.float64 else table[name][values].to_list()
        for name, values in told.items()
    }
    return pd.DataFrame(columns)


@pytest.mark.parametrize("elliptical", [False, True])
def test_what_is_kept_exactly_keeps_its_shares(frame, elliptical):
    chance = drawn(frame, elliptical=elliptical)
    for column in ("children", "contract", "region"):
        for value, share in frame[column].value_counts(normalize=True).items():
            known = chance[column].dropna()
            assert (known == value).mean() == pytest.approx(share, abs=0.03)
    assert (chance["spend"] == 0).mean() == pytest.approx((frame["spend"] == 0).mean(), abs=0.03)


def test_gaps_are_drawn_as_they_are(frame):
    chance = drawn(frame)
    assert chance.isna().sum().tolist() == (4 * frame.isna().sum()).tolist()
    both = frame["tenure"].isna() & frame["region"].isna()
    assert (chance["tenure"].isna() & chance["region"].isna()).sum() == 4 * both.sum()


@pytest.mark.parametrize("elliptical", [False, True])
def test_columns_hang_together_as_in_the_data(frame, elliptical):
    chance = drawn(frame, elliptical=elliptical)
    for table in (frame, chance):
        means = table.groupby("contract")["tenure"].mean()
        assert means["long"] / means["short"] > 2
    assert abs(chance["tenure"].corr(chance["spend"])) < 0.1


def test_polars_gives_the_same_draws(frame):
    pd.testing.assert_frame_equal(drawn(pl.from_pandas(frame)), drawn(frame))


def test_unimodal_fills_a_valley_and_leaves_one_hump_alone():
    draw = np.random.default_rng(0)
    one, two = draw.normal(size=4_000), np.concatenate([draw.normal(-3, 1, 2_000), draw.normal(3, 1, 2_000)])
    inside = {}
    for name, sample in (("one", one), ("two", two)):
        values, shares = null.unimodal(sample)
        inside[name] = np.interp(1, values, shares) - np.interp(-1, values, shares)
        density = np.diff(np.interp(np.linspace(-4, 4, 9), values, shares))
        mode = density.argmax()
        assert (np.diff(density[: mode + 1]) > -1e-9).all()
        assert (np.diff(density[mode:]) < 1e-9).all()
    assert inside["one"] == pytest.approx(0.683, abs=0.02)  # a normal within one standard deviation
    assert inside["two"] > 2 * ((two > -1) & (two < 1)).mean()


def test_unimodal_sets_a_frequent_value_apart():
    sample = np.concatenate([np.zeros(300), np.random.default_rng(0).lognormal(3, 0.4, 700)])
    values, shares = null.unimodal(sample)
    assert shares[values == 0].max() == pytest.approx(0.3, abs=0.002)
    assert np.interp(0.65, shares, values) == pytest.approx(np.median(sample[300:]), rel=0.05)


def test_unimodal_keeps_mean_and_spread():
    # numbers pulled together would weigh less beside categories than they do in the data
    sample = np.random.default_rng(0).uniform(size=500)
    values, shares = null.unimodal(sample)
    drawn = np.interp(np.linspace(0, 1, 100_001), shares, values)
    assert drawn.mean() == pytest.approx(sample.mean(), abs=0.002)
    assert drawn.std() == pytest.approx(sample.std(), rel=0.01)
