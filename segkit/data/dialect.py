"""How a text file is written: its encoding, its line ends and the sign between its values.

Only the form is looked at here. Where the table starts and ends is for `grid`, and what its values mean is
for `texts`. An encoding that cannot be told is refused: wrong letters are worse than none.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np
from charset_normalizer import from_bytes

from segkit.errors import SourceError

from . import gate

# What Western texts have above 127: letters, quotes, dashes, the euro, and the signs of money and measure.
_WESTERN = re.compile("[À-ÖØ-öø-ÿŠšŽžŒœŸƒ‘’“”‚„–—…•€£¥§°±²³µ·ºª«»¿¡©®™\xa0¼½¾´]")
_MULTIBYTE = ("big5", "gb18030", "shift_jis", "euc_kr", "euc_jp", "cp1251", "koi8_r", "cp1253", "cp1255")
_SAMPLE = 1 << 18
Bytes = bytes | bytearray


def as_utf8(path: Path, folder: Path) -> tuple[Path, str, str]:
    """Return a UTF-8 version of a text file with plain line ends, the encoding it had, and how it starts."""
    encoding, plain = _encoding(path), path
    with path.open(encoding=_with_mark(encoding), newline="") as file:
        start = file.read(_SAMPLE)
    if encoding != "utf-8" or _line_end(start) not in {"\n", "\r\n"}:
        plain = folder / "utf8"
        with (
            path.open(encoding=_with_mark(encoding)) as old,  # any line end becomes \n
            plain.open("w", newline="", encoding="utf-8") as new,
        ):
            new.writelines(iter(lambda: old.read(1 << 20), ""))
    return plain, encoding, start.replace("\r\n", "\n").replace("\r", "\n")


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _line_end(start: str) -> str:
    """Return the line end of a text; empty where it has several."""
    ends = set(re.findall("\r\n|\n|\r", start[:-1])) or {"\n"}
    return ends.pop() if len(ends) == 1 else ""


def _encoding(path: Path) -> str:
    decoder, plain = codecs.getincrementaldecoder("utf-8")(), True
    for at, block in enumerate(gate.blocks(path)):
        if not at and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return _checked(path, "utf-16")
        if not at and (wide := _wide(block)):
            return _checked(path, wide)
        if b"\0" in block:
            raise SourceError(f"{path.name} holds zero bytes: it is damaged, or binary data and not text.")
        ascii_ = block.isascii() and not decoder.getstate()[0]
        plain = plain and (ascii_ or _decodes(decoder, block))
    return "utf-8" if plain and _decodes(decoder, b"", final=True) else _eight_bit(path)


def _decodes(decoder: codecs.IncrementalDecoder, block: Bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def _wide(block: Bytes) -> str:
    """Return UTF-16 of a certain order where every other byte of a text without a mark is zero."""
    even, odd = block[:4096:2], block[1:4096:2]
    if odd.count(0) > 0.9 * len(odd) and not even.count(0):
        return "utf-16-le"
    return "utf-16-be" if even.count(0) > 0.9 * len(even) and not odd.count(0) else ""


def _checked(path: Path, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in gate.blocks(path):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise SourceError(
            f"{path.name} starts as {encoding.upper()} and is damaged or cut short further on."
        ) from None
    return encoding


def _eight_bit(path: Path) -> str:
    """Return the encoding of a text that is not UTF-8, or refuse a text that looks like none we can tell."""
    head = next(gate.blocks(path, 1 << 24))
    high = b"".join(re.findall(rb"[^\n]*[\x80-\xff][^\n]*\n?", head))[:_SAMPLE]
    signs = [sign for sign in high.decode("cp1252", errors="replace") if ord(sign) > 127]
    western = sum(_WESTERN.match(sign) is not None for sign in signs)
    letters = sum(65 <= byte <= 122 for byte in high)
    mixed = _mixed_with_utf8(high)
    if mixed:
        raise SourceError(
            f"{path.name} mixes UTF-8 with another encoding, so some of its letters would come out wrong."
            " Save it as UTF-8."
        )
    if western >= 0.9 * len(signs) and (len(signs) < 20 or letters > len(signs)):
        return "cp1252"
    guess = from_bytes(high, cp_isolation=list(_MULTIBYTE)).best()
    if guess is not None and _whole_file_decodes(path, guess.encoding):
        return str(guess.encoding)
    raise SourceError(f"{path.name} is in an encoding that cannot be told for sure. Save it as UTF-8.")


def _mixed_with_utf8(high: bytes) -> bool:
    """Tell whether some letters are UTF-8 and some are not: two files were joined."""
    good = len(re.findall(rb"(?<![\xc0-\xff])(?:[\xc3-\xc5][\x80-\xbf]|\xe2\x80[\x93-\xa6])", high))
    bad = len(re.findall(rb"(?<![\x80-\xff])[\xe0-\xfc](?![\x80-\xff])", high))
    return good > 0 and bad > 0 and good + bad > 0.5 * sum(byte > 127 for byte in high) / 2


def _whole_file_decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    return all(_decodes(decoder, block) for block in gate.blocks(path)) and _decodes(decoder, b"", final=True)


# ---------------------------------------------------------------------------------------------- quotes
def quotes(path: Path, sign: str) -> str:
    r"""Tell whether a text has no quotes ("none"), or they are in order ("strict"), or not ("odd").

    In order they open at the start of a value, close at its end, and are doubled inside; in a value that does
    not start with one they are signs like others.

    Examples
    --------
    >>> [_in_order(b"\n" + text, b",", inside=False) for text in (b'"a ""b"" c"', b'5" by', b'"a"b', b' "a"')]
    [False, False, None, None]
    """
    found, inside, held = "none", False, b"\n"
    blocks: Iterable[Bytes] = chain(gate.blocks(path, 1 << 22), [b"\n"])
    for at, block in enumerate(blocks):
        if b'"' not in block and b'"' not in held and not inside:
            held = bytes(block[-1:])
            continue
        text = held + (block if at else block.removeprefix(codecs.BOM_UTF8))
        end = len(text.rstrip(b'"'))  # a run of quotes is looked at as one
        found, after = "strict", _in_order(text[:end], sign.encode(), inside=inside)
        if after is None:
            return "odd"
        inside, held = after, text[end - 1 :]
    return "odd" if inside else found


def _in_order(text: Bytes, sign: bytes, *, inside: bool) -> bool | None:
    """Return whether a text ends inside a quoted value, or None where a quote stands in the wrong place."""
    data = np.frombuffer(text + b"\n", np.uint8)  # one value more: a run of quotes has a sign behind it
    at = np.flatnonzero(data == ord('"'))
    first = np.flatnonzero(np.diff(at, prepend=-2) > 1)  # where runs of quotes start
    length = np.diff(first, append=len(at))
    start, odd = at[first], (length & 1).astype(bool)
    after = np.bitwise_xor.accumulate(odd) ^ inside
    before = after ^ odd  # inside a quoted value when the run starts
    edge = np.zeros(256, bool)
    edge[np.frombuffer(b"\r\n" + sign, np.uint8)] = True
    opens, closes = edge[data[start - 1]], edge[data[start + length]]
    if np.where(before, ~odd | closes, opens & (odd | closes)).all():
        return bool(after[-1]) if len(after) else inside
    spaced = data[start - 1] == ord(" ")
    for one, at_start, at_end, space in zip(
        *map(np.ndarray.tolist, (odd, opens, closes, spaced)), strict=True
    ):
        wrong = one and not at_end if inside else space or (at_start and not one and not at_end)
        if wrong:
            return None
        inside = not inside if one and (inside or at_start) else inside  # elsewhere it is a sign like others
    return inside


# ---------------------------------------------------------------------------------------------- delimiters
def delimiters(start: str) -> list[str]:
    r"""Return the signs that may divide the values of a text, the likeliest first; " " for lined-up columns.

    Examples
    --------
    >>> delimiters("a;b\n1,5;2\n2,5;3\n")[0], delimiters("a   b\n10  20\n 3   4\n")[0]
    (';', ' ')
    """
    lines = start.split("\n")[:-1] or [start]
    scores = {sign: _score(sign, lines[:500]) for sign in (",", ";", "\t", "|")}
    found = [sign for sign in sorted(scores, key=lambda sign: scores[sign], reverse=True) if scores[sign][1]]
    return [" "] if not found and _aligned(lines[:500]) else found


def _score(sign: str, lines: list[str]) -> tuple[float, int]:
    """Return the share of rows with the commonest width, and that width less one."""
    widths = Counter(len(row) for row in rows(lines, sign) if any(cell.strip() for cell in row))
    if not widths:
        return 0.0, 0
    width, count = max(widths.items(), key=lambda each: (each[1] * (each[0] > 1), each[0]))
    whole = count / sum(widths.values())
    # A sign in a few of the rows belongs to their sentences; titles and notes stand around few tables.
    return (round(whole, 1), width - 1) if width > 1 and 2 * _divided(widths) > widths.total() else (0.0, 0)


def _divided(widths: Counter[int]) -> int:
    return sum(count for width, count in widths.items() if width > 1)


def rows(lines: Iterable[str], sign: str) -> Iterable[list[str]]:
    """Yield the rows of a text, leniently: this is for looking at it."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=sign, skipinitialspace=True)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield []


def _aligned(lines: list[str]) -> bool:
    """Tell whether spaces line the values up: the same number of words in every line, and wide gaps."""
    lines = [line for line in lines if line.strip()]
    words = {len(line.split()) for line in lines}
    return len(words) == 1 and words != {1} and all(re.search(r"^ |  |\t", line) for line in lines[1:])
