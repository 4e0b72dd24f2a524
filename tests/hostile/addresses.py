"""A thousand addresses that somebody might try: out of a folder, at a file, past the token."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path
from urllib.parse import quote

ROOMS = """
report/ report/shop-1/ open/ open/05-dashboard/ voila/files/ voila/static/ voila/templates/segkit/static/
voila/templates/lab/static/ voila/templates/../ voila/tree/ voila/render/ voila/api/contents/
voila/api/themes/ voila/labextensions/ voila/query/ voila/execution/ voila/api/shutdown/ static/ files/
view/ edit/ notebooks/ nbextensions/ kernelspecs/ custom/ lab/api/settings/ api/contents/ api/kernels/
api/sessions/ api/config/ terminals/websocket/ healthz/ metrics/ login/ logout/
""".split()  # noqa: SIM905 - read as a list of words
DOTS = """
../ ..%2f ..%5c %2e%2e/ %2e%2e%2f %252e%252e%252f ..%c0%af ..%ef%bc%8f .%2e/ ....// ..;/ ..%00/ ./.././ /../
""".split()  # noqa: SIM905 - read as a list of words
TAILS = """
{name} {name}%00.html {name}%0a {name}/ %2f{path} /{path} link.txt linked/{name} .env .env%20 .git/config
.ssh/id_rsa etc/passwd proc/self/environ shop-1/summary.json shop-1%2fmanifest.json SHOP-1 shop-1. shop-1%00
con {long} %ff%fe % %zz ~root * [a-z] serve.log segkit.py 05-dashboard.ipynb ? ;a=b @evil.example/
00000000-0000-0000-0000-000000000000 00000000-0000-0000-0000-000000000000/channels
""".split()  # noqa: SIM905 - read as a list of words
QUERIES = """
template=classic voila-template=classic theme=dark voila-theme=%2e%2e%2f{name} notebook_path={path}
kernel_name=bash token= token=wrong token[]=x next=//evil.example next={path} download=1 path={path}
type=file&format=text&content=1 output={path} like={path} segments=4&segments=5 segments=%00 names={path}
seed=99999999999999999999 a={long} =&=&&& %00=%00 query=select+1 interactive=false by=region&group=x
features=%5B%22a __proto__=1 locale=../..
""".split()  # noqa: SIM905 - read as a list of words
SOURCES = r"""
{path}
file://{path}
file:{path}
FILE://{path}
/./{path}
/{path}
../../../../../../../../..{path}
{path}%00
{path}.csv
{folder}/*
{folder}/**
{folder}
{folder}/reports/link.txt
{folder}/{{a,{name}}}
sqlite:///{path}
duckdb:///{path}
postgresql://127.0.0.1/{name}
http://127.0.0.1:1/{name}
https://evil.example/{name}
s3://bucket/{name}
ftp://evil.example/{name}
sample:{path}
sample:../{name}
sample:retail/../../{name}
sample:retail{path}
sample:RETAIL
 sample:retail
sample:
upload:{path}
upload:../{name}
upload:
~/{name}
~root/{name}
$HOME/{name}
${{HOME}}/{name}
`cat {path}`
$(cat {path})
; cat {path}
| cat {path}
\\host\share\{name}
C:\{name}
/proc/self/environ
/proc/self/fd/0
/dev/stdin
/dev/zero
-
--help
select * from '{path}'
read_text('{path}')
zip://{path}
{path}!a.csv
data:text/csv,a
javascript:alert(1)
<script>alert(1)</script>
{{{{7*7}}}}
%s%n
null
[]
["{path}"]
{{"$ref": "{path}"}}
""".strip("\n").splitlines()
ODD = (
    "{path}\0", "\N{RIGHT-TO-LEFT OVERRIDE}{path}", "..\N{DIVISION SLASH}{name}", "sample:retail\n{path}",
    "sample:retail ", "",
)  # fmt: skip


def sources(secret: Path, most: int = 200) -> list[str]:
    """Return hostile values of the parameter `source`."""
    known = {"path": secret, "name": secret.name, "folder": secret.parent}
    plain = [source.format(**known) for source in (*ODD, *SOURCES)]
    once = [quote(source, safe="") for source in plain]
    changed = [*once, *(quote(source, safe="") for source in once), *map(str.upper, plain)]
    return list(dict.fromkeys([*plain, *changed]))[:most]


def addresses(secret: Path, most: int = 1_000) -> list[str]:
    """Return as many addresses, without the first slash; 200 of them have a hostile source."""
    known = {"path": quote(str(secret)), "name": secret.name, "long": "a" * 3_000}
    tails = [tail.format(**known) for tail in TAILS]
    pages = ("", "open/05-dashboard", "report/shop-1", "login")
    queries = [f"{page}?{query.format(**known)}" for page, query in product(pages, QUERIES)]
    asked = [*(f"open/05-dashboard?source={quote(source)}" for source in sources(secret)), *queries]
    plain = [room + tail for room, tail in product(("", *ROOMS), tails)]
    walks = [room + dots * n + tail for room, dots, tail, n in product(("", *ROOMS), DOTS, tails, (1, 4))]
    pick, rest = random.Random(6), most - len(asked)
    return [*asked, *pick.sample(plain, rest // 3), *pick.sample(walks, rest - rest // 3)]
