"""What each file in ugly/ holds, written down by looking at the file (and from csv-spectrum's own answers).

``name: (rows, columns, {column: type}, {(row, column): value}, words of the report)`` for a file that is read,
``name: words of the refusal`` for one that is not. A row is counted from 0; None is a missing value.
"""

# ruff: noqa: E501 - a file a line
from __future__ import annotations

from typing import Any

ONE = "has one row"
W, N, D, T = "whole number", "number", "date", "text"
Table = tuple[int, int, dict[str, str], dict[tuple[int, str], Any], tuple[str, ...]]

EXPECTED: dict[str, Table | str] = {
    "agate-excel/test_ambiguous_date.xlsx": ONE,
    "agate-excel/test_numeric_column_name.xlsx": ONE,
    "agate-excel/test_zeros.xls": (3, 3, {"ordinal": W, "all_zero": W}, {(2, "ordinal"): 2, (1, "binary"): 1}, ()),
    "csv-injection-payload.txt": (
        5, 1, {'DDE ("cmd";"/C calc";"!A0")A0': T},
        {(0, 'DDE ("cmd";"/C calc";"!A0")A0'): "@SUM(1+9)*cmd|' /C calc'!A0"}, (),
    ),
    "csv-spectrum/comma_in_quotes.csv": ONE,
    "csv-spectrum/empty.csv": (2, 3, {"a": W}, {(0, "b"): None, (1, "c"): 4}, ()),
    "csv-spectrum/empty_crlf.csv": (2, 3, {"a": W}, {(0, "b"): None, (1, "c"): 4}, ()),
    "csv-spectrum/escaped_quotes.csv": (2, 2, {"a": W, "b": T}, {(0, "b"): 'ha "ha" ha', (1, "b"): "4"}, ()),
    "csv-spectrum/json.csv": ONE,
    "csv-spectrum/newlines.csv": (3, 3, {"a": T, "c": W}, {(1, "a"): "Once upon \na time", (2, "c"): 9}, ()),
    "csv-spectrum/newlines_crlf.csv": (3, 3, {"a": T}, {(1, "a"): "Once upon \na time"}, ()),
    "csv-spectrum/quotes_and_newlines.csv": (2, 2, {"b": T}, {(0, "b"): 'ha \n"ha" \nha', (1, "a"): 3}, ()),
    "csv-spectrum/simple.csv": ONE,
    "csv-spectrum/simple_crlf.csv": ONE,
    "csv-spectrum/utf8.csv": (2, 3, {"a": W, "c": T}, {(1, "c"): "ʤ"}, ()),
    "csvkit/FY09_EDU_Recipients_by_State.csv": (
        52, 9, {"Code": T, "Montgomery GI Bill-Active Duty": W},
        {(0, "Code"): "01", (0, "Montgomery GI Bill-Active Duty"): 6718, (51, "State Abbreviate"): "PR"},
        ("marks of thousands", "1 blank row"),
    ),
    "csvkit/bad.csv": "line 2 has more values than the header's 3 columns",
    "csvkit/blanks.csv": ONE,
    "csvkit/dummy.csv.bz2": ONE,
    "csvkit/dummy.csv.gz": ONE,
    "csvkit/ks_1033_data.csv": (
        1575, 14, {"ship_date": D, "acquisition_cost": N, "quantity": W, "nsn": T},
        {(0, "ship_date"): "2006-05-19", (0, "item_name"): "RIFLE,5.56 MILLIMETER", (1574, "quantity"): 25}, (),
    ),
    "csvkit/mac_newlines.csv": (2, 3, {"b": W}, {(1, "a"): "Once upon\na time", (1, "c"): 6}, ()),
    "csvkit/null_byte.csv": "is binary data",
    "csvkit/sheets.xlsx": (
        5, 8, {"integer": N, "text": T, "date": D}, {(2, "integer"): 164, (4, "text"): "Unicode! Σ"},
        ("parameter sheet takes another",),
    ),
    "csvkit/test_empty_columns.csv": (2, 3, {"a": T, "c": T}, {(0, "a"): "a", (1, "c"): "c"}, ("1 blank row",)),
    "csvkit/test_header_newline.csv": ONE,
    "csvkit/test_latin1.csv": (2, 3, {"c": T}, {(1, "c"): "©", (0, "c"): "3"}, ("cp1252",)),
    "csvkit/test_locale.csv": ONE,
    "csvkit/test_skip_lines.xlsx": (5, 8, {"integer": N}, {(1, "integer"): 63, (0, "text"): "Chicago Reader"}, ()),
    "csvkit/test_utf16_big.csv": (2, 3, {"c": T}, {(1, "c"): "ʤ"}, ("utf-16",)),
    "frictionless/blank-headers.csv": (2, 3, {"column_2": T, "age": W}, {(1, "column_2"): "Julie"}, ("column_2",)),
    "frictionless/blank-rows-multiple.csv": (2, 3, {"id": W}, {(1, "name"): "Julie"}, ("11 blank rows",)),
    "frictionless/compression-implicit-gz.csv": (2, 2, {"id": W}, {(1, "name"): "中国人"}, ()),
    "frictionless/compression-implicit-zip.csv": (2, 2, {"id": W}, {(1, "name"): "中国人"}, ()),
    "frictionless/defective-rows.csv": "line 2 has fewer values than the header's 3 columns",
    "frictionless/duplicate-headers.csv": (2, 5, {"id_3": T}, {(0, "id_3"): "001101", (0, "id"): 1101}, ("id_2",)),
    "frictionless/encoding-issue-274.csv": (507, 17, {"name": T}, {(0, "name"): "Asia New Zealand Foundation"}, ()),
    "frictionless/leading-zeros.csv": (3, 1, {"value": T}, {(1, "value"): "002"}, ()),
    "frictionless/merged-cells.xlsx": "no sheet with a header line above rows",
    "frictionless/multiline-headers.xlsx": ONE,
    "frictionless/preserve-formatting-percentage.xlsx": (3, 2, {"col2": N}, {(0, "col2"): 0.52}, ()),
    "frictionless/table-with-accents.csv": (
        638, 8, {"Année": W, "Occupancy rate": N, "Date": T},
        {(0, "Occupancy rate"): 0.611553068, (0, "Date"): "01-01-13", (0, "Average Price"): 81.20416129},
        ("cp1252", "set the parameter dates"),
    ),
    "lfs-pointer.xlsx": "Git LFS pointer",
    "messytables/begrotingsanalyse-2011.csv": (
        36, 14, {"NR.": W, "Cluster": T, "provincie A Groningen": N},
        {(1, "provincie A Groningen"): 208, (30, "provincie A Groningen"): -1414, (34, "provincie B Friesland"): 626948},
        ("above the names", "as in another column"),
    ),
    "messytables/blank_line.ods": (3, 3, {"Age": W, "When": D}, {(2, "Name"): "Ian", (2, "When"): "2015-11-11"}, ()),
    "messytables/characters.csv": (382, 18, {"id": T}, {(0, "Changetime"): "2012-09-26"}, ("big5",)),
    "messytables/complex.csv": (
        3, 4, {"date": D, "another date": D, "temperature": W}, {(2, "temperature"): 6000000, (1, "temperature"): -1}, (),
    ),
    "messytables/encrypted_no_password.xls": "protected by a password",
    "messytables/example.tsv": (140, 17, {"hour": D, "expr1_0_imp": W}, {(0, "expr1_0_imp"): 15955}, ()),
    "messytables/excel_pasting.csv": (
        14, 9, {"Year": T, "2000": W}, {(0, "2000"): 2666, (9, "Year"): "Machinery and \nequipment"},
        ("above the names", "below the table", "seems to be a sum"),
    ),
    "messytables/libreoffice.xlsx": "no sheet with a header line above rows",
    "messytables/long.csv": (4000, 1, {"column_1": T}, {(0, "column_1"): "foo"}, ("holds values, not names",)),
    "messytables/mixedGLB.csv": (133, 19, {"Jan": W, "Jun": N}, {(0, "Year"): 1880, (132, "Jun"): None}, ("(*****)",)),
    "messytables/null.csv": (10, 4, {"column_1": W}, {(0, "column_2"): None, (9, "column_1"): 10}, ("(null)",)),
    "messytables/rowcolspan.html": "is a web page",
    "messytables/simple.psv": (28, 6, {"Year": W}, {(27, "All dwellings"): 251000, (0, "Year"): 1986}, ()),
    "messytables/simple.ssv": (6, 3, {"date": D, "temperature": W}, {(1, "temperature"): -1}, ()),
    "messytables/simple.xls": (6, 3, {"date": D, "temperature": W}, {(1, "temperature"): -1}, ()),
    "messytables/simple.zip": (6, 3, {"date": D, "temperature": W}, {(1, "temperature"): -1}, ()),
    "messytables/skip_initials.csv": (2, 2, {"field2": T}, {(0, "field2"): "goodbye"}, ()),
    "messytables/small.csv": "no rows under its header",
    "messytables/span_rich.xls": (5, 4, {"I": T}, {(0, "h"): "MERGE", (2, "f"): "c"}, ()),
    "messytables/spanish_chars.csv": (
        114, 8, {"Gasto total 2011": N}, {(0, "Gasto total 2011"): 229932.5, (1, "F"): "Legislación"},
        ("cp1252", "below the table"),
    ),
    "messytables/sparse_with_column_errors.csv": (
        2200, 4, {"Kapitel/Titel": T}, {(0, "LP"): "A", (2, "Kapitel/Titel"): "300368540"}, ("37 blank rows",),
    ),
    "messytables/unicode_sheet_name.xls": "no sheet with a header line above rows",
    "messytables/utf-16le_encoded.csv": (327, 19, {"Part_II_patients": W}, {}, ("utf-16",)),
    "messytables/utf8bom.csv": "no rows under its header",
    "messytables/weird_head_padding.csv": (
        60, 10, {"1985": T, "2010": N},
        {(7, "2010"): 2590, (7, "column_1"): "Unfallchirurgie"}, ("above the names", "below the table"),
    ),
}  # fmt: skip
