from __future__ import annotations

import narwhals as nw
import pandas as pd
import pytest

from segkit.data import texts
from segkit.data.reading import Hints
from segkit.data.source import load

NO_HINTS = Hints()


def one(values, kind=lambda table: table, name="x", hints=NO_HINTS):
    table, found = texts.frame(nw.from_native(kind(pd.DataFrame({name: values})), eager_only=True), hints)
    return table[name], found.notes, found.repaired


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["1", "-2", "0"], nw.Int64),
        (["1.5", " .5", "2."], nw.Float64),
        (["1.5e-3", "2e+10"], nw.Float64),
        (["01", "02"], nw.String),  # ids keep their leading zeros
        (["12E5", "13E6"], nw.String),  # codes, not powers of ten
        (["1234567890123456", "2"], nw.String),  # sixteen digits do not fit a float
        (["0", "0.5"], nw.Float64),
        (["+491", "+492"], nw.String),  # as telephone numbers are written
        (["1,5", "2,5"], nw.Float64),
        (["2024-02-29", "2024-03-01"], nw.Datetime),
        (["2024-02-29 10:00:00", "2024-03-01 23:59:59"], nw.Datetime),
        (["31.12.2024", "1.2.2024"], nw.Datetime),
        (["13/02/2024", "1/2/2024"], nw.Datetime),
        (["2024-02-29", "soon"], nw.String),
        (["a", "1"], nw.String),
        (["yes", "no"], nw.String),
    ],
)
def test_a_column_is_what_all_its_values_are(values, dtype, kind) -> None:
    column, _, _ = one(values, kind)
    assert column.dtype == dtype


def test_day_first_is_decided_by_the_whole_column() -> None:
    column, _, _ = one(["01/02/2024", "31/01/2024"])
    assert column[0].month == 2
    column, notes, _ = one(["01/02/2024", "03/04/2024"])
    assert column.dtype == nw.String
    why = (
        "its dates may have the day or the month first, and no value tells; set the parameter dates to say so"
    )
    assert notes == [f'Column "x" is read as text: {why}.']
    for first, month in (("day", 2), ("month", 1)):
        column, notes, _ = one(["01/02/2024", "03/04/2024"], hints=Hints(dates=first))
        assert column[0].month == month
        assert notes == [f'Column "x": the dates are read with the {first} first, as asked.']


def test_blanks_among_numbers_become_missing_and_are_counted(kind) -> None:
    column, notes, repaired = one(["1", " ", "n/a", "-", "unknown", "2"], kind)
    assert column.dtype == nw.Float64
    assert (column.null_count(), repaired) == (4, 4)
    assert notes == ['Column "x": 4 entries are read as missing (-, n/a, unknown).']


def test_unknown_among_texts_stays_an_answer(kind) -> None:
    column, notes, repaired = one(["unknown", "cellular", "unknown"], kind)
    assert (column.to_list(), notes, repaired) == (["unknown", "cellular", "unknown"], [], 0)
    column, _, _ = one(["unknown"] * 10_001 + ["cellular"], kind)  # the guess is made from the first 10,000
    assert column[0] == "unknown"


def test_one_odd_value_in_a_long_column_of_numbers_is_reported() -> None:
    column, notes, _ = one(["1"] * 10_500 + ["2x"])
    assert column.dtype == nw.String
    assert notes == ['Column "x" is read as text: 1 of its 10,501 values are no numbers.']


def test_spaces_around_texts_are_cut_and_counted(kind) -> None:
    column, _, repaired = one(["a ", "a", " b"], kind)
    assert (column.to_list(), repaired) == (["a", "a", "b"], 2)


def test_compact_dates_need_a_name_that_says_so() -> None:
    assert one(["19970101", "19980630"], name="order_date")[0].dtype == nw.Datetime
    assert one(["19970101", "19980630"], name="amount")[0].dtype == nw.Int64


def test_a_day_that_does_not_exist_leaves_text_and_is_said() -> None:
    column, notes, _ = one(["2023-02-30", "2023-02-01"])
    assert column.dtype == nw.String
    assert notes == ['Column "x" is read as text: it holds days that do not exist.']


def test_a_pandas_index_that_is_not_in_order_is_no_column():
    rows = pd.DataFrame({"who": ["a", "b", "c"], "spent": ["1,5", "2,5", "3,5"]}, index=[2, 0, 1])
    read, _ = load(rows, decimal="comma")
    assert read["who"].tolist() == ["a", "b", "c"]
    assert read["spent"].tolist() == [1.5, 2.5, 3.5]
