"""What is to go goes everywhere, and nothing else does."""

from __future__ import annotations

import json
import random
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from segkit import retention, runs
from segkit.errors import OutputError, ParameterError
from segkit.index import Index
from segkit.safe import html, script
from segkit.study import segment
from tests.test_index import published

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MAIL = "o'neil&sons@example.org"


@pytest.fixture
def index(tmp_path):
    return Index(f"sqlite:///{tmp_path / 'index.sqlite'}", clock=lambda: NOW)


def add(index, name, age, status="complete"):
    return index.add(
        status=status, name=name, started=(NOW - timedelta(days=age)).isoformat(), pid=1, host="far"
    )


def test_old_runs_go_and_those_at_work_stay(index):
    for age in (1, 50, 100):
        add(index, "shop", age)
    add(index, "shop", 200, "queued")
    found = index.find()
    old = retention.outdated(found, older_than=30, now=NOW)
    assert sorted(entry.started[:10] for entry in old) == ["2025-11-21", "2026-01-10"]
    assert [entry.started[:10] for entry in retention.outdated(found, keep=2, now=NOW)] == ["2025-11-21"]
    assert not retention.outdated(found, now=NOW)


def test_the_latest_of_each_name_are_kept_and_failures_before_them_go(index):
    for name in ("a", "b"):
        for age in (1, 2, 3):
            add(index, name, age)
        add(index, name, 4, "failed")
        add(index, name, 0.5, "failed")
    old = retention.outdated(index.find(), keep=2, now=NOW)
    assert sorted((e.name, e.started[:10]) for e in old) == [
        (name, day) for name in ("a", "b") for day in ("2026-02-25", "2026-02-26")
    ]


@pytest.mark.parametrize("text", ["90", "d90", "9.5d", "", "90 d", "-3d"])
def test_an_age_is_a_number_and_a_unit(text):
    with pytest.raises(ParameterError, match="such as 90d"):
        retention.days(text)


@pytest.fixture(scope="module")
def customers():
    table = pd.DataFrame(
        {"mail": [f"c{i:03}@example.org" for i in range(200)], "spend": [i % 37 for i in range(200)]}
    )
    table["visits"] = [(i * 7) % 23 for i in range(200)]
    table.loc[0, ["mail", "spend"]] = [MAIL, 5_000]  # stands out, so that reports name them
    return table


@pytest.fixture
def folder(customers, tmp_path):
    return runs.save(
        segment(customers, customer_id="mail", segments=2), tmp_path / "reports" / "shop-0123456789"
    )


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_a_forgotten_customer_is_in_no_byte_and_the_run_stays_complete(folder, index, tmp_path):
    assert MAIL.encode() in bytes_of(folder)
    index.rebuild(folder.parent)
    assert list(retention.forget_customer(index, MAIL)) == [(folder, 1)]
    everything = bytes_of(tmp_path)
    assert b"neil" not in everything
    assert runs.verify(folder) == []
    assert runs.manifest(folder)["forgotten"] is True
    assert len(pd.read_parquet(folder / "segments.parquet")) == 199
    assert len(pd.read_csv(folder / "segments.csv")) == 199
    assert list(retention.forget_customer(index, MAIL)) == []


def test_a_customer_is_forgotten_in_runs_that_the_index_does_not_know(folder, index, tmp_path):
    assert index.find() == []
    assert list(retention.forget_customer(index, MAIL, folder.parent)) == [(folder, 1)]
    assert b"neil" not in bytes_of(tmp_path)
    assert runs.verify(folder) == []
    with pytest.raises(OutputError, match="no directory"):
        list(retention.forget_customer(index, MAIL, tmp_path / "nowhere"))


def test_a_customer_is_forgotten_in_runs_beside_one_that_the_index_knows(folder, index, customers):
    index.rebuild(folder.parent)
    saved = runs.save(segment(customers, customer_id="mail", segments=2), folder.parent / "saved-by-hand")
    assert list(retention.forget_customer(index, MAIL)) == [(saved, 1), (folder, 1)]


def test_an_id_inside_a_longer_one_is_another_customer(folder, index):
    index.rebuild(folder.parent)
    before = bytes_of(folder)
    assert list(retention.forget_customer(index, "001@example.org")) == []
    assert bytes_of(folder) == before


def test_a_damaged_run_is_named_before_anybody_believes_to_be_forgotten(folder, index):
    index.rebuild(folder.parent)
    (folder / "segments.csv").write_text("x")
    with pytest.raises(OutputError, match="not complete any more"):
        list(retention.forget_customer(index, MAIL))


def test_a_removed_run_is_gone_and_a_strangers_file_keeps_it(folder, index):
    index.rebuild(folder.parent)
    (entry,) = index.find()
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="did not write"):
        retention.remove(index, [entry])
    assert runs.verify(folder) == []
    (folder / "notes.txt").unlink()
    retention.remove(index, [entry])
    assert list(folder.parent.iterdir()) == []
    assert index.find() == []


def test_an_id_that_is_a_number_takes_no_other_number_with_it(customers, index, tmp_path):
    numbered = customers.assign(mail=range(1, 201))
    numbered.loc[0, "mail"] = 2  # as many segments as there are
    numbered.loc[1, "mail"] = 1
    folder = runs.save(
        segment(numbered, customer_id="mail", segments=2), tmp_path / "reports" / "n-0123456789"
    )
    before = json.loads((folder / "summary.json").read_bytes())
    assert any(row["id"] == 2 for row in before["unusual"])
    index.rebuild(folder.parent)
    assert list(retention.forget_customer(index, "2")) == [(folder, 1)]
    after = json.loads((folder / "summary.json").read_bytes())
    for row in before["unusual"]:
        row["id"] = retention.GONE if row["id"] == 2 else row["id"]
    assert after == before
    assert runs.verify(folder) == []


def test_the_page_and_the_notebook_lose_the_id_where_they_speak_of_customers_only(tmp_path, index):
    cell, point = '<th scope="row" class="sk-l">7</th><td>7</td>', "Customer %{customdata[0]}<br>Segment 7"

    def shown(name):
        told = cell.replace(">7</th>", f">{name}</th>")
        table = f"<p>7 customers</p><table><caption>{retention.UNUSUAL}</caption>{told}</table>{cell}"
        cloud = {"customdata": [[7 if name == "7" else name, 7], [77, 7]], "hovertemplate": point}
        strip = {"hovertext": [f"Customer {name}<br>segment 7", "Customer 77<br>segment 7"]}
        return table, {"data": [cloud, strip, {"customdata": [[7, 7]], "hovertemplate": "%{customdata[0]}"}]}

    def write(place, table, figure):
        figures = script(json.dumps([figure]))
        page = f'{table}<script type="application/json" id="sk-figures">{figures}</script>'
        (place / "report.html").write_text(page)
        outputs = [new_output("display_data", {"text/html": table, retention.PLOTLY: figure})]
        nbformat.write(new_notebook(cells=[new_code_cell(outputs=outputs, id="a")]), place / "report.ipynb")

    folder = published(tmp_path)
    with runs.begin(tmp_path, "x") as made:
        for file in folder.iterdir():
            if file.name != "manifest.json":
                (made.path / file.name).write_bytes(file.read_bytes())
        pd.DataFrame({"id": [7, 8]}).to_parquet(made.path / "segments.parquet")
        write(made.path, *shown("7"))
        made.publish(folder.name, notebook="01-segment-customers")
    index.rebuild(tmp_path)
    assert list(retention.forget_customer(index, "7")) == [(folder, 1)]
    write(tmp_path, *shown(retention.GONE))
    assert (folder / "report.ipynb").read_text() == (tmp_path / "report.ipynb").read_text()
    page, wanted = ((place / "report.html").read_text() for place in (folder, tmp_path))
    assert page.replace(" ", "") == wanted.replace(" ", "")


def test_the_list_of_customers_is_found_by_the_name_that_pages_give_it(customers):
    from segkit.panels import builders

    panel = builders.build(segment(customers, customer_id="mail", segments=2), "unusual")
    assert panel.tables[0].caption == retention.UNUSUAL
    assert f'<th scope="row" class="sk-l">{html(MAIL)}</th>' in panel.foot_html(open=True)


def test_what_a_run_says_of_itself_counts_and_not_what_a_damaged_index_says(tmp_path, index):
    folder = published(tmp_path)  # made on 2026-11-23, as its stub of a summary says
    index.rebuild(tmp_path)
    (entry,) = index.find()
    index.change(entry.key, started="1026-11-23T12:00:00.000+00:00")
    later = datetime(2026, 12, 1, tzinfo=UTC)
    assert retention.outdated(index.find(), older_than=30, now=later) == []
    index.change(entry.key, run="other-0000000000")
    with pytest.raises(OutputError, match=r"is not the run other-0000000000\. Run `segkit runs rebuild`"):
        retention.remove(index, index.find())
    assert runs.verify(folder) == []


def test_fifty_faults_in_the_file_of_the_index_cost_no_run(tmp_path):
    folder = published(tmp_path / "runs")
    file = tmp_path / "index.sqlite"
    address = f"sqlite:///{file}"
    Index(address).rebuild(tmp_path / "runs")
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole, choose, noticed = file.read_bytes(), random.Random(20261124), 0
    for turn in range(50):
        place = choose.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 1 << choose.randrange(8)]) + whole[place + 1 :]
        file.write_bytes(flipped if turn % 2 else whole[:place])
        for more in ("-wal", "-shm"):
            Path(f"{file}{more}").unlink(missing_ok=True)
        try:
            damaged = Index(address)
            old = retention.outdated(damaged.find(), older_than=30, now=datetime(2026, 12, 1, tzinfo=UTC))
            retention.remove(damaged, old)
        except OutputError:
            noticed += 1
        assert runs.verify(folder) == []
    assert noticed > 0
    file.unlink()
    assert Index(address).rebuild(tmp_path / "runs") == (1, [])
