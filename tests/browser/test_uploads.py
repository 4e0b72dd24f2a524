"""Uploads of every size around the limit, in a real browser: each is answered, and the next one works."""

from __future__ import annotations

import gzip
import io
import os
import re
import zipfile
from functools import partial

import pandas as pd
import pytest

from segkit.data import samples
from tests.browser import live
from tests.browser.test_dashboard import own_errors

LIMIT = 2_000_000
SIZES = {"nothing": 0, "one byte": 1, "just below": LIMIT - 1, "the limit": LIMIT, "just above": LIMIT + 1,
         "four times": 4 * LIMIT}  # fmt: skip
SECONDS = 5 * int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))  # for a refusal; 5 on a quiet machine
pytestmark = pytest.mark.browser
narrow = pytest.mark.parametrize("dashboard", ["05-dashboard 2"], indirect=True)


def csv(size):
    """Return a table of so many bytes: customers, and a last column that fills it up."""
    lines = samples.retail(300, seed=3).to_csv(index=False).encode().splitlines()
    fill, rest = divmod(size - sum(map(len, lines)) - len(lines) * 2 - len(b"note"), len(lines) - 1)
    head, *rows = lines
    notes = ["x" * (fill + (i < rest)) for i in range(len(rows))]
    filled = (b"%b,%b" % (row, note.encode()) for row, note in zip(rows, notes, strict=True))
    return b"\n".join([head + b",note", *filled, b""])


def gz(size):
    """Return the same packed, the name in its header as long as it takes."""
    packed = gzip.compress(csv(200_000), mtime=0)
    name = b"n" * (size - len(packed) - 1) + b"\0"
    return packed[:3] + b"\x08" + packed[4:10] + name + packed[10:]


def xlsx(size):
    """Return it as a workbook with a picture of so many bytes."""
    sink = io.BytesIO()
    samples.retail(300, seed=3).to_excel(sink, index=False)
    book = sink.getvalue()
    for picture in (0, size - len(packed(book, 0))):
        content = packed(book, picture)
    return content


def packed(book, picture):
    sink = io.BytesIO(book)
    with zipfile.ZipFile(sink, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("xl/media/image1.png", b"\x89" * picture)
    return sink.getvalue()


def parquet(size):
    """Return it with room between the data and the footer, which says where the data are."""
    sink = io.BytesIO()
    samples.retail(300, seed=3).to_parquet(sink)
    content = sink.getvalue()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    return content[:-footer] + b"\0" * (size - len(content)) + content[-footer:]


KINDS = {"csv": csv, "csv.gz": gz, "xlsx": xlsx, "parquet": parquet}
PACKED = list(KINDS)[1:]


@pytest.mark.parametrize("kind", KINDS)
def test_the_files_are_tables_of_the_size_they_should_have(kind, dashboard, tmp_path):
    file = tmp_path / f"a.{kind}"
    file.write_bytes(KINDS[kind](LIMIT))
    assert file.stat().st_size == LIMIT
    read = {
        "csv": pd.read_csv,
        "csv.gz": pd.read_csv,
        "xlsx": partial(pd.read_excel, engine="openpyxl"),
        "parquet": pd.read_parquet,
    }
    assert len(read[kind](file)) == 300


@narrow
@pytest.mark.parametrize("kind", ["csv", *(pytest.param(kind, marks=pytest.mark.slow) for kind in PACKED)])
def test_every_upload_is_answered_and_the_next_one_works(kind, patient, dashboard, tmp_path):
    patient.goto(dashboard)
    live.settled(patient)
    for words, size in SIZES.items():
        file = tmp_path / f"{words}.{kind}"
        file.write_bytes(KINDS[kind](size) if size > 1 else b"x" * size)
        patient.locator("input[type=file]").first.set_input_files(file)
        if size == 0 or size > LIMIT:
            said = "The file is empty" if not size else "the limit is 2.MB"
            patient.get_by_text(re.compile(said)).wait_for(timeout=SECONDS * 1000)
            continue
        patient.get_by_text("is here.").wait_for()
        patient.get_by_role("button", name="Update", exact=True).click()
        if size == 1:
            patient.get_by_role("alert").first.wait_for(timeout=SECONDS * 1000)
            assert "Traceback" not in patient.content()
        else:
            patient.locator(".sk-crumb b").get_by_text(words.replace(" ", "-")).wait_for()
            patient.locator("[data-sk-panel=facts]").get_by_text("300", exact=True).wait_for()
            live.settled(patient)
            assert not patient.get_by_role("alert").count()
    assert not own_errors(patient)


@pytest.mark.slow
@pytest.mark.parametrize("dashboard", ["05-dashboard 200"], indirect=True)
def test_a_file_of_150_megabytes_arrives_and_is_segmented(patient, dashboard, tmp_path):
    file, rows = tmp_path / "large.csv", 30_000
    samples.retail(rows, seed=5).assign(note="words " * 830).to_csv(file, index=False)
    assert 150_000_000 < file.stat().st_size < 160_000_000
    patient.goto(dashboard)
    live.settled(patient)
    patient.locator("input[type=file]").first.set_input_files(file)
    patient.get_by_role("status").get_by_text(re.compile(r"Sending \d+ MB of 15\d MB")).first.wait_for()
    patient.get_by_text("large.csv is here.").wait_for()
    patient.get_by_role("button", name="Update", exact=True).click()
    patient.locator("[data-sk-panel=facts]").get_by_text(f"{rows:,}", exact=True).wait_for(
        timeout=live.PATIENCE
    )
    patient.locator("input[type=file]").first.set_input_files(
        {"name": "next.csv", "mimeType": "text/csv", "buffer": csv(LIMIT)}
    )
    patient.get_by_text("next.csv is here.").wait_for()
