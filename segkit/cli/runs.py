"""``segkit runs``: find runs, check them, let them go. The index and the directories know; here is argv."""

from __future__ import annotations

import json
import sys
from itertools import chain
from typing import Any

from segkit.errors import ParameterError

from .parts import Options, Parser, command, lines, pair, tell, whole


def add(commands: Any) -> None:
    """Add ``segkit runs`` and its commands."""
    runs = command(commands, "runs", _list, "find, check and forget runs")
    runs.set_defaults(status="", name="", data="", since="", until="", parameter=None, limit=50, json=False)
    inner = runs.add_subparsers(metavar="COMMAND", parser_class=Parser)
    found = command(inner, "list", _list, "list runs, the latest first")
    states = ("queued", "running", "complete", "failed", "interrupted")
    found.add_argument("--status", default="", choices=states, metavar="STATE", help=", ".join(states))
    found.add_argument("--name", default="", metavar="NAME", help="name, or a pattern with *")
    found.add_argument("--data", default="", metavar="FILE", help="data file, or a pattern with *")
    found.add_argument("--since", default="", metavar="DATE", help="started on this day or later, 2026-01-31")
    found.add_argument("--until", default="", metavar="DATE", help="started on this day or earlier")
    found.add_argument(
        "--parameter", action="append", type=pair, metavar="NAME=VALUE", help="run with this parameter"
    )
    found.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many, 0 for all (50)")
    found.add_argument("--json", action="store_true", help="print one line of JSON for each run")
    show = command(inner, "show", _show, "say all that is known of a run")
    show.add_argument("run", help="name with its id, directory, or key")
    show.add_argument("--json", action="store_true", help="print JSON")
    verify = command(inner, "verify", _verify, "check every byte of runs")
    verify.add_argument("run", nargs="*", help="which; all complete ones when none is named")
    forget = command(inner, "forget", _forget, "remove runs, or one customer from all runs")
    forget.add_argument("run", nargs="*", help="which; with --customer: directories to look in as well")
    forget.add_argument("--customer", default="", metavar="ID", help="customer to take out of every run")
    prune = command(inner, "prune", _prune, "remove old runs")
    prune.add_argument("--older-than", default="", metavar="AGE", help="such as 90d, 12w, 6m or 2y")
    prune.add_argument("--keep", type=whole, default=0, metavar="N", help="the latest so many of each name")
    prune.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    rebuild = command(inner, "rebuild", _rebuild, "make the index again from the directories")
    rebuild.add_argument("directory", nargs="*", default=["reports"], help="where runs are (reports)")


def _list(options: Options) -> int:
    found = _index().find(
        status=options.status,
        name=options.name,
        source=options.data,
        since=options.since,
        until=options.until,
        parameters=dict(options.parameter or []),
        limit=options.limit,
    )
    if options.json:
        for entry in found:
            print(json.dumps(vars(entry), ensure_ascii=False))
        return 0
    told: list[tuple[str, ...]] = [
        (e.status, e.started[:16].replace("T", " "), e.run or e.key[:10], e.source, e.verdict or e.message)
        for e in found
    ]
    lines(told or [("There is no such run.",)])
    return 0


def _show(options: Options) -> int:
    entry = _index().one(options.run)
    told = {name: value for name, value in vars(entry).items() if value not in {"", 0}}
    if entry.status == "complete":
        from segkit import runs

        record = runs.manifest(entry.directory)
        told |= {"parameters": record["parameters"], "files": record["files"]}
    if options.json:
        print(json.dumps(told, ensure_ascii=False))
        return 0
    changed = told.pop("parameters", {})
    files = told.pop("files", {})
    lines([(name, str(value)) for name, value in told.items()])
    lines([(name, json.dumps(value, ensure_ascii=False)) for name, value in changed.items()])
    lines([(name, f"{known['bytes']:,} bytes") for name, known in files.items()])
    return 0


def _verify(options: Options) -> int:
    from segkit import runs

    index = _index()
    entries = [index.one(word) for word in options.run] if options.run else index.find(status="complete")
    wrong = 0
    for entry in entries:
        faults = [entry.message] if entry.status != "complete" else runs.verify(entry.directory)
        wrong += bool(faults)
        state = f"not complete: {'; '.join(faults)}" if faults else "complete"
        tell(f"{entry.directory or entry.key}: {state}", to=sys.stdout)
    tell(f"{len(entries) - wrong} of {len(entries)} runs are complete, byte for byte.", to=sys.stdout)
    return int(wrong > 0)


def _forget(options: Options) -> int:
    from segkit import retention

    if options.customer:
        return _forget_customer(options)
    if not options.run:
        raise ParameterError("Name the runs to forget, or one customer with --customer ID.")
    index = _index()
    entries = [index.one(word) for word in options.run]
    retention.remove(index, entries)
    tell(f"{len(entries)} runs are gone.", to=sys.stdout)
    return 0


def _forget_customer(options: Options) -> int:
    from segkit import retention
    from segkit.settings import hashed

    index, count = _index(), 0
    looked = retention.homes(index, *options.run)
    known = [options.customer, *hashed([options.customer])]  # some runs hold a hash in place of the id
    gone = (retention.forget_customer(index, who, *options.run) for who in known)
    for folder, rows in chain.from_iterable(gone):
        count += 1
        tell(f"{folder}: {rows} rows went", to=sys.stdout)
    places = ", ".join(map(str, looked)) or "nowhere: the index knows no run; name a directory"
    tell(f"The customer is gone from {count} runs. Looked in {places}.", to=sys.stdout)
    return 0


def _prune(options: Options) -> int:
    from segkit import retention

    older = retention.days(options.older_than) if options.older_than else 0
    if not older and not options.keep:
        raise ParameterError("Say what to prune: --older-than 90d, --keep N, or both.")
    index = _index()
    old = retention.outdated(index.find(), older_than=older, keep=options.keep, now=index.clock())
    for entry in old:
        tell(f"{entry.started[:10]} {entry.status} {entry.directory or entry.name}", to=sys.stdout)
    if not options.dry_run:
        retention.remove(index, old)
    tell(f"{len(old)} runs {'would go' if options.dry_run else 'are gone'}.", to=sys.stdout)
    return 0


def _rebuild(options: Options) -> int:
    index = _index()
    count, faults = index.rebuild(*options.directory)
    for fault in faults:
        tell(fault)
    tell(f"{count} complete runs are in the index.", to=sys.stdout)
    return int(len(faults) > 0)


def _index() -> Any:
    from segkit import settings
    from segkit.index import Index

    return Index(settings.load().index.get_secret_value())
