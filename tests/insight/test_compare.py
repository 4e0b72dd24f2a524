"""A planted panel: the same customers twice: known movers, a moved boundary, a split and a merge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.errors import SourceError
from segkit.insight.compare import compare
from segkit.segments.refit import places, refits

CENTERS = np.array([[0.0, 0.0], [12.0, 0.0], [0.0, 12.0], [12.0, 12.0]])


def placed(X: np.ndarray, centers: np.ndarray) -> pd.DataFrame:
    far = np.sort(np.linalg.norm(X[:, None] - centers[None], axis=2), axis=1)
    nearest = np.linalg.norm(X[:, None] - centers[None], axis=2).argmin(axis=1) + 1
    return pd.DataFrame(
        {"id": np.arange(len(X)), "segment": nearest, "confidence": far[:, 1] / far[:, :2].sum(axis=1)}
    )


def panel(seed: int = 0, rows: int = 2000, movers: int = 100) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    home = rng.integers(0, 4, rows)
    X = CENTERS[home] + rng.normal(size=(rows, 2))
    moved = rng.permutation(rows)[:movers]
    later = X + rng.normal(0, 0.1, X.shape)
    later[moved] = CENTERS[(home[moved] + 1) % 4] + rng.normal(size=(movers, 2))
    return X, later, moved


def refitted(X, later, old=CENTERS, new=CENTERS):
    """Where refits of both studies put customers, as `compare` asks."""
    then, now = refits(X, old), refits(later, new)
    return lambda ids: (places(X[ids], then), places(later[ids], then), places(later[ids], now))


@pytest.mark.parametrize("seed", range(5))
def test_known_movers_are_found_and_put_down_to_behaviour(seed):
    X, later, moved = panel(seed)
    order = np.random.default_rng(seed).permutation(4)  # the second run numbers its segments otherwise
    found = compare(
        placed(X, CENTERS), placed(later, CENTERS[order]), refits=refitted(X, later, new=CENTERS[order])
    )
    behaved = found.moves[found.moves.cause == "behaviour"]["id"]
    assert len(set(behaved) & set(moved)) / len(moved) >= 0.95
    assert len(set(behaved) - set(moved)) <= 0.01 * len(X)
    assert (found.segments.fate == "same").all()
    assert found.partner == {i + 1: int(np.flatnonzero(order == i)[0]) + 1 for i in range(4)}


def test_a_moved_boundary_alone_makes_no_behavioural_mover():
    rng = np.random.default_rng(1)
    X = rng.uniform(-6, 18, (3000, 2))
    shifted = CENTERS + np.array([[1.5, 0], [0, 0], [1.5, 0], [0, 0]])
    found = compare(placed(X, CENTERS), placed(X, shifted), refits=refitted(X, X, new=shifted))
    assert len(found.moves) > 50
    assert (found.moves.cause != "behaviour").all()
    assert (found.moves.cause == "boundary").mean() > 0.5


def test_a_study_repeated_on_a_resample_gives_noise_and_no_news():
    """Borderline customers move between two samples of one population: chance, not the customer."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(3000, 2)) * [3, 1]
    centers = np.array([[-2.4, 0.0], [2.4, 0.0]])
    other = centers + np.array([0.03, 0])
    found = compare(
        placed(X, centers),
        placed(X, other),
        refits=refitted(X, X, centers, other),
    )
    assert len(found.moves) > 3
    assert (found.moves.cause == "noise").all()


def test_a_segment_that_scatters_is_gone_and_one_from_everywhere_is_born():
    """Never a forced pair: four segments give a tenth each to a new one, the fifth goes to all of them."""
    old = np.repeat([1, 2, 3, 4, 5], 1000)
    new = old.copy()
    new[old < 5] = np.where(np.arange(4000) % 10 == 0, 9, old[:4000])
    new[old == 5] = np.arange(1000) % 4 + 1
    tables = [pd.DataFrame({"id": range(5000), "segment": each, "confidence": 0.9}) for each in (old, new)]
    found = compare(*tables)
    assert found.partner == {1: 1, 2: 2, 3: 3, 4: 4}
    assert found.segments.query("fate != 'same'")[["before", "after", "fate"]].values.tolist() == [
        [0, 9, "born"], [5, 0, "gone"],
    ]  # fmt: skip


def test_without_a_shared_customer_segments_are_matched_by_what_is_given():
    one = pd.DataFrame({"id": range(4), "segment": [1, 1, 2, 2], "confidence": 0.9})
    tables = [one, one.assign(id=one["id"] + 9)]
    matched = pd.DataFrame([[0, 2], [2, 0]], index=[1, 2], columns=[1, 2])
    found = compare(*tables, matched=matched)
    assert (found.partner, found.shared, len(found.moves)) == ({1: 2, 2: 1}, 0, 0)


def test_a_split_and_a_merge_are_named_as_such():
    rng = np.random.default_rng(2)
    few, many = CENTERS, np.vstack([CENTERS, [[12.0, 20.0]]])
    home = many[np.r_[rng.integers(0, 4, 2000), np.full(500, 4)]]
    X = home + rng.normal(size=home.shape)
    split, merge = compare(placed(X, few), placed(X, many)), compare(placed(X, many), placed(X, few))
    odd = split.segments[split.segments.fate != "same"].iloc[0]
    assert (odd.fate, odd.before, odd.after) in {("split", 4, 5), ("split", 4, 4)}
    odd = merge.segments[merge.segments.fate != "same"].iloc[0]
    assert (odd.fate, odd.before, odd.after) in {("merged", 5, 4), ("merged", 4, 4)}
    assert len(split.moves) + len(merge.moves) <= 0.01 * len(X)  # the segments changed, not the customers


def test_a_segment_of_new_customers_only_is_no_match_for_an_old_one():
    old = pd.DataFrame({"id": range(300), "segment": [1] * 150 + [2] * 150, "confidence": 0.9})
    new = pd.DataFrame(
        {"id": range(400), "segment": [1] * 140 + [3] * 10 + [2] * 140 + [3] * 110, "confidence": 0.9}
    )
    found = compare(old, new)
    assert (found.shared, found.only_before, found.only_after) == (300, 0, 100)
    assert found.segments.set_index("after").fate[3] == "born"


@pytest.mark.parametrize("seed", range(3))
def test_order_of_rows_changes_nothing_and_counts_add_up(seed):
    X, later, _ = panel(seed)
    one, two = placed(X, CENTERS), placed(later, CENTERS)
    found = compare(one, two.sample(frac=1, random_state=seed))
    assert found.migration.equals(compare(one, two).migration)
    assert found.migration.to_numpy().sum() == found.shared == len(X)
    assert set(compare(one, two).moves["cause"]) <= {"unknown"}


def test_the_same_customer_twice_is_refused():
    table = pd.DataFrame({"id": [1, 1], "segment": 1, "confidence": 1.0})
    with pytest.raises(SourceError, match="same customer twice"):
        compare(table, table)
