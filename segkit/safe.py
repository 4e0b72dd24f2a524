"""Text that came from data is text, never markup, formula or code.

Column names, category values and file names are hostile until they have passed through here. Each function
makes a string harmless for one sink. Only strings live here, and nothing is imported: every room can use it.
"""

from __future__ import annotations

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
_FORMULA = "=+-@\t\r\n|%＝＋－＠"  # spreadsheets read the full-width signs as formulas too
_MARKDOWN = "\\`*_{}[]()#+-.!|~$:^="


def html(text: object) -> str:
    """Escape for HTML text and quoted attributes; control characters go.

    Examples
    --------
    >>> html('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return "".join(_HTML.get(sign, sign) for sign in _printable(str(text)))


def plotly(text: object) -> str:
    """Escape for any text in a plotly figure: no tag, no link, no hover placeholder survives.

    Examples
    --------
    >>> plotly('<a href="x">%{y}')
    '&lt;a href="x"&gt;%&#123;y}'
    """
    plain = _printable(str(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("%{", "%&#123;").replace("$", "&#36;")


def script(text: str) -> str:
    r"""Return JSON as it can stand in a script element: nothing in it ends the element.

    Examples
    --------
    >>> script('["</script>"]')
    '["\\u003c/script>"]'
    """
    return text.replace("<", "\\u003c")


def markdown(text: object) -> str:
    r"""Escape for Markdown, HTML inside it included.

    Examples
    --------
    >>> markdown("*a* <i>")
    '\\*a\\* &lt;i&gt;'
    """
    plain = html(" ".join(_printable(str(text)).split()))
    return "".join("\\" + sign if sign in _MARKDOWN else sign for sign in plain)


def cell(text: str) -> str:
    """Return `text` so that a spreadsheet shows it instead of running it (OWASP, CSV injection).

    Examples
    --------
    >>> cell("=1+1"), cell("-12.5"), cell("plain")
    ("'=1+1", '-12.5', 'plain')
    """
    bare = text.lstrip()
    risky = bool(bare) and (bare[0] in _FORMULA or text[0] in _FORMULA)
    return "'" + text if risky and not _is_number(text) else text


def identifier(name: str) -> str:
    """Quote a column or table name for SQL.

    Examples
    --------
    >>> identifier('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def filename(text: object, *, longest: int = 60) -> str:
    """Return a name for a file: lower-case letters, digits and single hyphens, never empty.

    Examples
    --------
    >>> filename("Wholesale customers data.csv"), filename("../..")
    ('wholesale-customers-data-csv', 'study')
    """
    plain = "".join(sign if sign.isascii() and sign.isalnum() else " " for sign in str(text).lower())
    return "-".join(plain.split())[:longest].strip("-") or "study"


def _printable(text: str) -> str:
    return "".join(sign for sign in text if sign >= " " or sign in "\t\n")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text[0] not in _FORMULA or text[0] in "+-"
