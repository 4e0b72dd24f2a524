"""Files in pieces: what fits arrives whole and private, what does not is refused in a sentence."""

from __future__ import annotations

import stat

import pytest

from segkit.widgets import transfer
from segkit.widgets.transfer import Download, Upload

LIMIT = 1_000


@pytest.fixture
def told(monkeypatch):
    """Return every message sent to the page."""
    sent = []
    monkeypatch.setattr(
        transfer._Transfer, "send", lambda _, message, buffers=None: sent.append((message, buffers))
    )
    return sent


@pytest.fixture
def upload(told):
    arrived = []
    widget = Upload(arrived.append, LIMIT, lambda call: call)
    widget.arrived = arrived
    return widget


def say(widget, message, *buffers):
    widget._handle_custom_msg(message, list(buffers))


def send(widget, name, content, *, piece=300, size=None):
    say(widget, {"kind": "begin", "name": name, "size": len(content) if size is None else size})
    for start in range(0, len(content), piece):
        say(widget, {"kind": "piece", "from": start}, memoryview(content[start : start + piece]))


@pytest.mark.parametrize("size", [1, 299, 300, 301, LIMIT - 1, LIMIT])
def test_a_file_arrives_whole(size, upload, told):
    content = bytes(i % 251 for i in range(size))
    send(upload, "customers.csv", content)
    assert upload.arrived[0].read_bytes() == content
    assert told[0] == ({"kind": "next", "from": 0}, None)
    assert told[-1][0] == {"kind": "end", "text": "customers.csv is here."}


def test_it_lies_in_a_private_directory_under_a_random_name(upload):
    send(upload, "../../etc/Kunden 2026.CSV", b"a,b\n1,2\n")
    (file,) = upload.arrived
    assert file.name == "kunden-2026.csv"
    for folder in (file.parent, file.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.parent.name) == 32


def test_the_next_upload_replaces_the_one_before(upload):
    send(upload, "a.csv", b"a")
    send(upload, "b.csv", b"b")
    first, second = upload.arrived
    assert not first.parent.exists()
    assert second.read_bytes() == b"b"


@pytest.mark.parametrize(
    ("name", "size", "text"),
    [
        ("picture.png", 10, "This is not a table"),
        ("no_ending", 10, "This is not a table"),
        ("a.csv", LIMIT + 1, "the limit is"),
        ("a.csv", 0, "the limit is"),
        ("a.csv", -5, "the limit is"),
    ],
)
def test_refused_at_the_start(name, size, text, upload, told):
    say(upload, {"kind": "begin", "name": name, "size": size})
    say(upload, {"kind": "piece", "from": 0}, b"x")
    (message, _) = told[-1]
    assert text in message["text"]
    assert not upload.arrived
    send(upload, "next.csv", b"a,b")
    assert upload.arrived


@pytest.mark.parametrize(
    "pieces", [[(0, b"abc"), (5, b"de")], [(0, b"abcd"), (4, b"efgh")], [(0, b"")], [(1, b"abcde")]]
)
def test_what_does_not_fit_together_is_dropped(pieces, upload, told):
    say(upload, {"kind": "begin", "name": "a.csv", "size": 6})
    for start, content in pieces:
        say(upload, {"kind": "piece", "from": start}, content)
    assert "cut short" in told[-1][0]["text"]
    assert not upload.arrived
    assert not list(upload._home.room().parent.glob("*/a.csv"))


def test_cancel_leaves_nothing(upload):
    say(upload, {"kind": "begin", "name": "a.csv", "size": 6})
    say(upload, {"kind": "piece", "from": 0}, b"abc")
    say(upload, {"kind": "cancel"})
    assert not list(upload._home.room().parent.glob("*/a.csv"))
    say(upload, {"kind": "piece", "from": 3}, b"def")
    assert not upload.arrived


@pytest.mark.parametrize(
    "message", [None, "x", {}, {"kind": "begin"}, {"kind": "begin", "name": 3, "size": "x"}]
)
def test_nonsense_is_ignored(message, upload, told):
    say(upload, message)
    assert not told


@pytest.mark.parametrize("size", [0, 1, transfer.PIECE, transfer.PIECE + 1, 3 * transfer.PIECE])
def test_a_download_is_given_in_pieces(size, told):
    content = bytes(size)
    widget = Download(lambda: ("a.csv", "text/csv", content), "Download", "", lambda call: call)
    say(widget, {"kind": "piece", "piece": 0})
    for piece in range(1, told[0][0]["pieces"]):
        say(widget, {"kind": "piece", "piece": piece})
    assert b"".join(bytes(buffers[0]) for _, buffers in told) == content
    assert {message["name"] for message, _ in told} == {"a.csv"}


def test_a_download_out_of_order_gives_nothing(told):
    widget = Download(lambda: pytest.fail("made"), "Download", "", lambda call: call)
    say(widget, {"kind": "piece", "piece": 4})
    assert not told or not told[-1][1][0]
