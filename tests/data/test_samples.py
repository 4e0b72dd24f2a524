from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from segkit.data import samples
from segkit.data.columns import describe

# Written by hand from the dictionary in the docstring of the module.
ROLES = {
    "customer_id": "id",
    "signup_date": "date",
    "region": "category",
    "channel": "category",
    "loyalty_tier": "category",
    "newsletter": "yes/no",
    "age": "number",
    "household_size": "number",
    "orders": "number",
    "items_per_order": "number",
    "discount_share": "number",
    "recency_days": "number",
    "spend_groceries": "money",
    "spend_household": "money",
    "spend_fashion": "money",
    "spend_electronics": "money",
    "spend_home": "money",
    "annual_spend": "money",
}


def prepared(frame: pd.DataFrame) -> np.ndarray:
    """Log skewed numbers, standardise, let a category weigh as much as a number: the defaults, in short."""
    columns = []
    for name, role in ROLES.items():
        values = frame.get(name)
        if role in {"number", "money"}:
            filled = values.fillna(values.median())
            filled = np.log1p(filled) if filled.skew() > 1 else filled
            columns.append(((filled - filled.mean()) / filled.std()).to_numpy()[:, None])
        elif role in {"category", "yes/no"}:
            levels = pd.get_dummies(values).to_numpy(dtype=float)
            columns.append((levels - levels.mean(axis=0)) / np.sqrt(levels.var(axis=0).sum()))
    return np.hstack(columns)


def profile(X: np.ndarray, largest: int) -> dict[int, float]:
    with threadpool_limits(1):  # on tables this small threads only wait for each other
        fits = {k: KMeans(k, n_init=3, random_state=0).fit_predict(X) for k in range(2, largest + 1)}
        return {k: float(silhouette_score(X, labels)) for k, labels in fits.items()}


@pytest.mark.parametrize("name", ["retail", "nothing"])
def test_the_dictionary_is_true(name: str) -> None:
    frame = samples.NAMES[name]()
    assert len(frame) == 10_000
    assert frame["customer_id"].is_unique
    assert dict(zip(*describe(frame)[["column", "role"]].to_numpy().T, strict=True)) == ROLES
    gaps = frame.isna().mean()
    assert gaps[gaps > 0].to_dict() == pytest.approx(
        {"region": 0.03, "age": 0.08, "household_size": 0.12}, abs=0.01
    )
    assert frame["discount_share"].between(0, 1).all()
    assert frame["recency_days"].between(0, 364).all()
    spend = frame.filter(like="spend_").sum(axis=1)
    np.testing.assert_allclose(frame["annual_spend"], spend, atol=0.005)


def test_the_same_seed_gives_the_same_customers_and_another_gives_others() -> None:
    for make in samples.NAMES.values():
        pd.testing.assert_frame_equal(make(200, seed=3), make(200, seed=3))
        assert not make(200, seed=3).equals(make(200, seed=4))


def test_the_log_and_the_table_are_two_views_of_one_year() -> None:
    table, log = (
        samples.retail(500, seed=2).set_index("customer_id"),
        samples.retail_transactions(500, seed=2),
    )
    spend = log.pivot_table(
        index="customer_id", columns="category", values="amount", aggfunc="sum", fill_value=0.0
    )
    for name in samples.DEPARTMENTS:
        np.testing.assert_allclose(table[f"spend_{name}"], spend[name].reindex(table.index), atol=0.005)
    by = log.groupby("customer_id")
    pd.testing.assert_series_equal(table["orders"], by["order_id"].nunique(), check_names=False)
    last = (pd.Timestamp(samples.END) - by["order_date"].max()).dt.days
    pd.testing.assert_series_equal(table["recency_days"], last, check_names=False)
    pd.testing.assert_series_equal(
        table["items_per_order"], (by["quantity"].sum() / table["orders"]).round(2), check_names=False
    )
    pd.testing.assert_series_equal(
        table["discount_share"],
        (log["on_offer"] == "yes").groupby(log["customer_id"]).mean().round(3),
        check_names=False,
    )
    assert log["order_date"].is_monotonic_increasing
    assert log.groupby("order_id")["customer_id"].nunique().max() == 1
    assert (log["amount"] > 0).all()


def test_retail_has_five_segments_that_can_be_found() -> None:
    frame, truth = samples.retail(1_500, truth=True)
    X = prepared(frame)
    silhouettes = profile(X, 7)
    assert max(silhouettes, key=silhouettes.__getitem__) == 5
    found = KMeans(5, n_init=5, random_state=0).fit_predict(X)
    assert 0.85 < adjusted_rand_score(truth, found) < 0.99  # found well, and honestly overlapping a little
    np.testing.assert_allclose(np.bincount(truth) / len(truth), [0.26, 0.22, 0.20, 0.17, 0.15], atol=0.001)


def test_nothing_looks_like_retail_and_stands_no_further_apart_than_chance() -> None:
    """One population with the same margins and ranks (its own Gaussian copula) splits just as well."""
    frame = samples.nothing(1_000, seed=5)
    numbers = [name for name, role in ROLES.items() if role in {"number", "money"}]
    filled = frame.fillna({name: frame[name].median() for name in numbers})
    best = max(profile(prepared(filled), 5).values())
    normal = 2 * np.sin(np.pi / 6 * filled[numbers].corr(method="spearman").to_numpy())
    rng, chance = np.random.default_rng(0), []
    for _ in range(8):
        drawn = rng.multivariate_normal(
            np.zeros(len(numbers)), normal, len(frame), check_valid="ignore", method="eigh"
        )
        ranks = drawn.argsort(axis=0).argsort(axis=0)
        draw = {name: np.sort(filled[name].to_numpy())[ranks[:, at]] for at, name in enumerate(numbers)}
        others = {
            name: rng.permutation(frame[name].to_numpy(copy=True))
            for name, role in ROLES.items()
            if role in {"category", "yes/no"}
        }
        chance.append(max(profile(prepared(pd.DataFrame(draw | others)), 5).values()))
    z = (best - np.mean(chance)) / np.std(chance, ddof=1)
    assert abs(z) < 4
    skewed = samples.retail(1_000)[numbers].skew() > 2
    assert (frame[numbers].skew()[skewed] > 1).all()
