"""Personal data in a table: what tells who somebody is, so that it makes no segment and stands in no file.

A column is suspected by the words of its name (English, German, French, Spanish, Italian) or, where it is
text, by what most of its values look like. A suspicion only leaves the column out; whoever names it in
`features`, `categories`, `numbers` or `customer_id` gets it. `roles` asks; nothing is read here.
"""

from __future__ import annotations

import re

# By name: its words, apart, in lower case. How it ends matters: "phone service" is no phone number.
_NO = r"(?: ?(?:no|nr|num|number|nummer))?$"
_NAMES = {
    "a name": r"^names?$|\b(?:surname|forename|vorname|nachname|pr[eé]nom|apellidos?|cognome)$"
    r"|(?:first|last|full|middle|given|family|maiden|customer|client|contact|user|member|person|holder)"
    r" ?names?$",
    "an e-mail address": r"\b(?:e ?)?mail(?: ?address(?:es)?| ?adresse| id)?$|\bcorreo$",
    "a phone number": r"\b(?:(?:tele)?(?:phone|fon|fono|fax)|mobile(?: ?phone)?|cell(?: ?phone)?|handy|tel)"
    + _NO,
    "an address": rf"\b(?:street(?: ?name)?|stra(?:ss|ß)e|rue|calle|indirizzo|direcci[oó]n){_NO}"
    r"|\baddress(?: ?line)?(?: ?\d)?$|\badresse$",
    "a postcode": r"\b(?:post|postal|zip) ?codes?$|^zip$|\bplz$|\bpostleitzahl$|\bc(?:ode|[oó]digo) postal$",
    "a card or bank account": rf"\bcard ?(?:no|nr|num|number)$|\biban$|\bcredit ?card{_NO}",
    "an identity number": rf"\b(?:ssn|nif|national id)$|\b(?:social security|passport){_NO}",
    "a date of birth": r"\bdob$|\bbirth ?da(?:y|te)$|\bdate of birth$|\bgeburts(?:datum|tag)$",
}
# From where on whole numbers can be one: smaller ones count something.
_LEAST = {
    "a phone number": 10**5,
    "a postcode": 100,
    "a card or bank account": 10**11,
    "an identity number": 10**4,
}
# By value. No look-around, no back-reference: the expression runs in Arrow, polars and DuckDB too.
_VALUES = {
    "an e-mail address": r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}",
    "a phone number": r"(?:\+|00)[1-9][0-9 ()./-]{7,18}|\([0-9]{2,5}\) ?[0-9][0-9 -]{4,12}",
    "a card or bank account": r"[0-9]{4}(?:[ -][0-9]{4}){2}[ -][0-9]{1,7}"
    r"|[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?",
    "an address": r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}",
}
PATTERN = f"^ *(?:{'|'.join(_VALUES.values())}) *$"
MOST = 0.5  # share of the values from which their form speaks for the column
MANY = 20  # different values beyond which a column can tell people apart


def by_name(words: str) -> str:
    """Return what the words of a column's name say it holds of a person, or nothing.

    Examples
    --------
    >>> by_name("customer first name"), by_name("e mail"), by_name("phone service"), by_name("product name")
    ('a name', 'an e-mail address', '', '')
    """
    return next((kind for kind, form in _NAMES.items() if re.search(form, words)), "")


def by_value(text: str) -> str:
    """Return what a text looks like, or nothing.

    Examples
    --------
    >>> by_value("ann@example.org"), by_value("+49 30 901820"), by_value("4111 1111 1111 1111")
    ('an e-mail address', 'a phone number', 'a card or bank account')
    >>> by_value("C-12")
    ''
    """
    return next((kind for kind, form in _VALUES.items() if re.fullmatch(form, text.strip())), "")


def number(words: str, low: float) -> str:
    """Return what a column of whole numbers from `low` on holds of a person by its name, or nothing.

    Examples
    --------
    >>> number("zip code", 1067), number("mobile", 0), number("credit card", 0)
    ('a postcode', '', '')
    """
    kind = by_name(words)
    return kind if kind in _LEAST and low >= _LEAST[kind] else ""
