"""Letting go of runs: by age, by number, one by one, or of one customer in all of them.

A run that goes is renamed first, so that nobody meets half of it. A customer who wants to be forgotten goes
out of the assignments, the tables and the figures that name single customers; those runs are written anew by
the same protocol as any run and say in their manifest that this was done. Models name no customer.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from . import export, runs
from .errors import OutputError, ParameterError
from .index import Entry, Index, utc
from .safe import html, plotly, script

GONE, TABLE = "(forgotten)", "segments.parquet"
UNUSUAL = "The most unusual customers"  # the one table of a page that names customers
PLOTLY = "application/vnd.plotly.v1+json"
FIGURES = re.compile(r'(<script type="application/json" id="sk-figures">)(.*?)(</script>)', re.DOTALL)
TEXTS = {".csv", ".html", ".ipynb", ".json", ".log"}
UNITS = {"d": 1, "w": 7, "m": 30, "y": 365}


def days(text: str) -> int:
    """Return an age such as ``90d``, ``12w``, ``6m`` or ``2y`` in days; months count 30, years 365.

    Examples
    --------
    >>> days("12w"), days("90d")
    (84, 90)
    """
    found = re.fullmatch(r"(\d{1,5})([dwmy])", text)
    if not found:
        raise ParameterError(f"An age is a number and d, w, m or y, such as 90d; got {text!r}.")
    return int(found[1]) * UNITS[found[2]]


def outdated(entries: Iterable[Entry], *, older_than: int = 0, keep: int = 0, now: datetime) -> list[Entry]:
    """Return the runs to prune: older than so many days, or beyond the latest `keep` of a name.

    Runs that are queued or running never are. When a run was made is asked of its own manifest: the index can
    be wrong, and what is pruned does not come back.
    """
    limit = (now.astimezone(UTC) - timedelta(days=older_than)).isoformat()
    seen: dict[str, int] = defaultdict(int)
    old = []
    for made, entry in sorted(((_made(entry), entry) for entry in entries), key=itemgetter(0), reverse=True):
        if entry.status in {"queued", "running"}:
            continue
        seen[entry.name] += entry.status == "complete"
        beyond = keep and (
            seen[entry.name] > keep or (entry.status != "complete" and seen[entry.name] >= keep)
        )
        if (older_than and made < limit) or beyond:
            old.append(entry)
    return old


def remove(index: Index, entries: Iterable[Entry]) -> None:
    """Remove runs, directory and index.

    Raises
    ------
    OutputError
        When a directory holds files that segkit did not write, or not the run of the index, or cannot be
        removed.
    """
    gone = []
    for entry in entries:
        folder = Path(entry.directory)
        if entry.directory and entry.status == "complete" and folder.is_dir():
            if _said(folder).get("run", entry.run) != entry.run:
                raise OutputError(f"{folder} is not the run {entry.run}. Run `segkit runs rebuild` first.")
            runs.remove(folder)
        gone.append(entry.key)
    index.drop(gone)


def _made(entry: Entry) -> str:
    """Return when a run was made: as it says itself, or as the index does where it is not there any more."""
    if entry.status != "complete" or not entry.directory:
        return entry.started
    return utc(str(_said(Path(entry.directory)).get("made", ""))) or entry.started


def _said(folder: Path) -> dict[str, Any]:
    """Return the manifest of a run, unverified; empty when it cannot be read."""
    try:
        record: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return record


def homes(index: Index, *outs: str | Path) -> list[Path]:
    """Return the directories that hold runs: those of the runs in the index, and `outs`, sorted.

    Raises
    ------
    OutputError
        When one of `outs` is no directory.
    """
    for out in outs:
        if not Path(out).is_dir():
            raise OutputError(f"{out} is no directory. Name one that holds runs, such as reports.")
    known = {Path(entry.directory).parent for entry in index.find(status="complete")}
    return sorted({*known, *(Path(out).resolve() for out in outs)})


def forget_customer(index: Index, customer: str, *outs: str | Path) -> Iterator[tuple[Path, int]]:
    """Take a customer out of every complete run that names them; yield each directory and the rows that went.

    Runs are looked for in the `homes`, for the index need not know them all: `sk.save` does not tell it, and
    it can be lost. Only the places where a run names customers are touched (assignments, unusual customers,
    points of figures), for an id such as 12 is also a count or a share elsewhere. A saved model names nobody
    and stays.

    Raises
    ------
    OutputError
        When a run cannot be rewritten, or still holds an id that is a word; the runs before it are done.
    """
    found = {Path(entry.directory) for entry in index.find(status="complete")}
    found |= {file.parent for home in homes(index, *outs) for file in home.glob("*/manifest.json")}
    for folder in sorted(each for each in found if not runs.is_partial(each)):
        if runs.verify(folder):
            raise OutputError(f"{folder} is not complete any more, so nobody was forgotten in it. Remove it.")
        with runs.begin(folder.parent, folder.name) as made:
            shutil.copytree(folder, made.path, dirs_exist_ok=True)
            (made.path / "manifest.json").unlink()
            about = _said(folder)
            safe = about["parameters"].get("formula_safe", True)
            rows, texts = _leave_table(made.path, customer, safe=safe), _leave_texts(made.path, customer)
            if not rows and not texts:
                continue
            if re.search("[^0-9.,-]", customer) and any(map(_names(customer), made.path.iterdir())):
                raise OutputError(
                    f"{folder} still names the customer outside its tables. Forget the whole run."
                )
            made.publish(folder.name, notebook=about["notebook"], forgotten=True)
        yield folder, rows


def _leave_table(folder: Path, customer: str, *, safe: bool) -> int:
    """Take a customer out of the assignments; return how many rows went. Row numbers are nobody's id."""
    if not (folder / TABLE).exists():
        return 0
    table = pd.read_parquet(folder / TABLE)
    theirs = (table.iloc[:, 0].astype(str) == customer) & (table.columns[0] != "row")
    if theirs.any():
        kept = table[~theirs]
        export.to_parquet(kept, folder / TABLE)
        if (folder / "segments.csv").exists():
            export.to_csv(kept, folder / "segments.csv", safe=safe)
    return int(theirs.sum())


def _leave_texts(folder: Path, customer: str) -> int:
    """Take an id out of the summary, the notebook and the page where they speak of single customers."""
    changed = 0
    summary = json.loads((folder / "summary.json").read_bytes())
    theirs = [row for row in summary.get("unusual", []) if str(row.get("id")) == customer]
    for row in theirs:
        row["id"] = GONE
    if theirs:
        (folder / "summary.json").write_text(export.to_json(summary), encoding="utf-8")
    file = folder / "report.ipynb"
    if file.exists():
        notebook = nbformat.read(file, as_version=4)
        outputs = [
            output.data for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output
        ]
        found = [_leave_output(data, customer) for data in outputs]
        changed += any(found)
        if any(found):
            nbformat.write(notebook, file)
    file = folder / "report.html"
    if file.exists():
        page = file.read_text(encoding="utf-8")
        clean = FIGURES.sub(lambda found: _in_figures(found, customer), _in_tables(page, customer), count=1)
        changed += clean != page
        if clean != page:
            file.write_text(clean, encoding="utf-8")
    return changed + len(theirs)


def _leave_output(data: dict[str, Any], customer: str) -> bool:
    """Take an id out of what a cell of a notebook shows; answer whether it was there."""
    page = data.get("text/html", "")
    clean = _in_tables(page, customer)
    if clean != page:
        data["text/html"] = clean
    return _leave_figure(data.get(PLOTLY, {}), customer) or clean != page


def _in_figures(found: re.Match[str], customer: str) -> str:
    """Return the figures of a page without an id."""
    figures = json.loads(found[2])
    for figure in figures.values() if isinstance(figures, dict) else figures:
        _leave_figure(figure, customer)
    return found[1] + script(json.dumps(figures, separators=(",", ":"))) + found[3]


def _leave_figure(figure: dict[str, Any], customer: str) -> bool:
    """Take an id out of what a figure says of single customers; answer whether it was there."""
    known, changed = {customer, plotly(customer)}, False
    for trace in figure.get("data", []):
        if str(trace.get("hovertemplate")).startswith("Customer %{customdata[0]}"):
            for row in trace["customdata"]:
                if str(row[0]) in known:
                    row[0], changed = GONE, True
        tips = trace.get("hovertext")
        for place, tip in enumerate(tips if isinstance(tips, list) else []):
            if str(tip).startswith(f"Customer {plotly(customer)}<br>"):
                tips[place] = str(tip).replace(plotly(customer), GONE, 1)
                changed = True
    return changed


def _in_tables(page: str, customer: str) -> str:
    """Return a page without an id in the list of unusual customers."""
    cell, gone = (f'<th scope="row" class="sk-l">{shown}</th>' for shown in (html(customer), GONE))
    caption = f"<caption>{UNUSUAL}</caption>"
    head, *tables = page.split(caption)
    for table in tables:
        inside, end, rest = table.partition("</table>")
        head += caption + inside.replace(cell, gone) + end + rest
    return head


def _names(customer: str) -> Callable[[Path], bool]:
    """Return what tells whether a text file holds an id, and not only inside a longer word."""
    plain = json.dumps(customer, ensure_ascii=False)[1:-1]
    shapes = "|".join(map(re.escape, {customer, html(customer), plain}))
    word = re.compile(rf"(?<![\w.@-])(?:{shapes})(?![\w@-]|\.\w)")
    return lambda file: file.suffix in TEXTS and bool(word.search(file.read_text(encoding="utf-8")))
