"""Text from data is harmless in every sink; the sinks' own parsers are the oracle."""

from __future__ import annotations

import csv
import io
import sqlite3
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segkit import safe

HOSTILE = st.text() | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "</textarea><img src=x onerror=alert(1)>",
        "\" onload='x'",
        "%{y}<a href='x'>b</a>",
    ]
)


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@given(HOSTILE)
def test_html_holds_no_tag_and_reads_as_the_text(text):
    seen = Seen()
    seen.feed(f"<p>{safe.html(text)}</p>")
    seen.close()
    assert seen.tags == ["p"]
    assert seen.text == "".join(sign for sign in text if sign >= " " or sign in "\t\n")


@given(HOSTILE)
def test_html_cannot_leave_a_quoted_attribute(text):
    assert not set(safe.html(text)) & set("\"'<>")


@given(HOSTILE)
def test_plotly_text_holds_no_tag_and_no_placeholder(text):
    plain = safe.plotly(text)
    assert "<" not in plain
    assert "%{" not in plain


@given(HOSTILE)
def test_markdown_shows_the_text_and_nothing_else(text):
    mistune = pytest.importorskip("mistune")
    seen = Seen()
    seen.feed(mistune.html(f"a {safe.markdown(text)} b"))
    assert seen.tags == ["p"]


@given(st.text())
def test_no_spreadsheet_cell_starts_a_formula(text):
    shown = safe.cell(text)
    if shown.strip() and shown.lstrip()[0] in "=+-@|%＝＋－＠":
        float(shown)  # a plain number is the only thing that may start with a sign


def test_the_published_payloads_do_not_survive(test_data):
    lines = (test_data / "ugly" / "csv-injection-payload.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    for line in filter(None, lines):
        assert safe.cell(line)[0] == "'" or line[0] not in "=+-@"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_quoted_name_is_one_name_for_a_database(name):
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE t ({safe.identifier(name)} INTEGER)")
    assert connection.execute("SELECT name FROM pragma_table_info('t')").fetchall() == [(name,)]
    connection.close()


@given(st.text())
def test_a_file_name_is_a_plain_word(text):
    assert set(safe.filename(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert safe.filename(text)


def test_cells_keep_numbers_as_they_are():
    rows = [safe.cell(text) for text in ("-1.5", "+2", "12", "-1e5")]
    written = io.StringIO()
    csv.writer(written).writerow(rows)
    assert written.getvalue() == "-1.5,+2,12,-1e5\r\n"


@pytest.mark.parametrize(
    ("make", "text", "shown"),
    [
        (safe.markdown, "*a*  <i>\n| b", "\\*a\\* &lt;i&gt; \\| b"),
        (safe.markdown, "plain words, nothing else", "plain words, nothing else"),
        (safe.markdown, "\\`_{}[]()#+-.!~$:^=", "".join("\\" + sign for sign in "\\`_{}[]()#+-.!~$:^=")),
        (safe.markdown, 4, "4"),
        (safe.script, '["</script>", "<!--"]', '["\\u003c/script>", "\\u003c!--"]'),
        (safe.identifier, 'a"b', '"a""b"'),
        (safe.identifier, "", '""'),
        (safe.filename, "Wholesale customers data.csv", "wholesale-customers-data-csv"),
        (safe.filename, "../..", "study"),
        (safe.filename, "a" * 59 + " b", "a" * 59),  # cut, and no hyphen at its end
        (safe.filename, "x" * 70, "x" * 60),
        (safe.plotly, '<a href="x">%{y} 5 $', '&lt;a href="x"&gt;%&#123;y} 5 &#36;'),
        (safe.cell, "-12.5", "-12.5"),
        (safe.cell, "1-2", "1-2"),
        (safe.cell, "\t1", "'\t1"),  # float() takes it, a spreadsheet may run it
        (safe.cell, "＋1", "'＋1"),
        (safe.cell, "+1", "+1"),
        (safe.cell, " =1", "' =1"),
        (safe.cell, "", ""),
        (safe.cell, "  ", "  "),
        (safe.cell, "\r", "\r"),
    ],
)
def test_each_sink_gets_exactly_this(make, text, shown):
    assert make(text) == shown
