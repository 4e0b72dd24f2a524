"""The command line: ``segkit run|check|score|runs|params|settings|init|serve``.

Flags are made from the parameters, so that a field has one name and one help everywhere. There is no logic
here: each command calls one room, which is imported when the command needs it, so that help is quick.
Whatever happens, the user gets one message: of an error that segkit foresaw, its own words; of any other,
an id and where the trace is.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, NoReturn

from . import logs
from .errors import ParameterError, SegkitError, nearest

Options = argparse.Namespace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code: 0 done, 1 failed, 2 could not start, 130 or 143 stopped."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        parser = _parser()
        options, unknown = parser.parse_known_args(arguments)
        if unknown:
            _unknown(unknown[0], options.flags)
        with logs.to_terminal(options.log_level):
            return int(options.command(options))
    except SegkitError as error:
        _tell(str(error))
        return error.exit_code
    except _Stopped as stopped:
        logging.getLogger("asyncio").disabled = True  # the cells that were interrupted are no news
        _tell("Stopped. Nothing unfinished was kept.")
        return 128 + stopped.signal
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the promise of this function
        _tell(logs.unforeseen(error))
        return 1


class _Stopped(KeyboardInterrupt):
    """Somebody pressed Ctrl-C, or a scheduler ended the process."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.signal = number


def _stop(number: int, _frame: object) -> NoReturn:
    """Stop once; further signals must not interrupt the cleaning up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stopped(number)


# -------------------------------------------------------------------------------------------- the commands
def _run(options: Options) -> int:
    # nbformat's schema checker builds a grammar of addresses that costs a second and that no notebook needs.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from . import settings
    from .report import batch, overview

    order = batch.Order(
        index=settings.load().index.get_secret_value(),
        out=options.out,
        notebook=options.notebook,
        timeout=options.timeout,
        skip_complete=options.skip_complete,
        progress=sys.stderr.isatty() and not options.json,
        level="debug" if options.log_level == "debug" else "info",
        flags=_given(options),
    )
    outcomes = []
    for outcome in batch.carry_out(options.target, order, options.jobs):
        outcomes.append(outcome)
        if options.json:
            print(outcome.json, flush=True)
        else:
            _tell(outcome.line, to=sys.stderr if outcome.exit_code else sys.stdout)
    if len(outcomes) > 1:
        if page := overview.write(options.out, outcomes):
            _tell(f"All of them: {page}")
        _tell(batch.total(outcomes))
    return batch.exit_code(outcomes)


def _check(options: Options) -> int:
    from . import study
    from .export import plain, records
    from .params import Params

    seen = study.check(params=Params.from_text({"source": options.source, **_given(options)}))
    if options.json:
        tables = {"quality": records(seen.quality), "columns": records(seen.columns)}
        print(json.dumps(plain({"reading": seen.reading.as_dict(), **tables}), ensure_ascii=False))
    else:
        _tell(
            f"{seen.reading.source}: {seen.reading.rows:,} rows, {seen.reading.columns} columns",
            to=sys.stdout,
        )
        for note in seen.reading.notes:
            _tell(f"- {note}", to=sys.stdout)
        _table(seen.quality[["status", "check", "found", "reason"]])
        _table(seen.columns[["use", "column", "role", "reason"]])
    if not (seen.columns["use"] == "feature").any():
        return 2
    return int(len(seen.failed) > 0)


def _score(options: Options) -> int:
    from . import export
    from .data.source import load
    from .segments.model import read_model

    model = read_model(options.model)
    frame, _ = load(options.source)
    learnt = model.training.get("customer_id")
    scored = model.score(frame, options.customer_id or (learnt if learnt in frame.columns else None))
    export.to_file(scored, options.out)
    _tell(f"{len(scored):,} customers scored. {options.out}", to=sys.stdout)
    return 0


def _export(options: Options) -> int:
    from .delivery import deliver

    where = deliver(
        options.run, options.to, safe=not options.exact, dialect=options.dialect, rules=options.rules
    )
    _tell(f"Written to {where}", to=sys.stdout)
    return 0


def _compare(options: Options) -> int:
    import pandas as pd

    from . import runs
    from .export import plain, records
    from .insight.compare import compare

    folders = [run for run in (options.before, options.after) if runs.manifest(run)]
    found = compare(*(pd.read_parquet(f"{folder}/segments.parquet") for folder in folders))
    if options.json:
        told = {"shared": found.shared, "only_before": found.only_before, "only_after": found.only_after}
        tables = {name: records(getattr(found, name)) for name in ("segments", "moves")}
        print(json.dumps(plain({**told, **tables}), ensure_ascii=False))
        return 0
    share = len(found.moves) / max(1, found.shared)
    left, new = f"{found.only_before:,} are no longer there", f"{found.only_after:,} are new"
    _tell(f"{found.shared:,} customers are in both runs; {left}, {new}.", to=sys.stdout)
    _tell(f"{len(found.moves):,} of them ({share:.1%}) did not go on with their segment.", to=sys.stdout)
    print("\nbefore  after  what became of it  customers that went on")
    for row in found.segments.itertuples():
        line = (str(row.before or "-").rjust(6), str(row.after or "-").rjust(5), str(row.fate).ljust(17))
        _tell("  ".join((*line, str(row.shared))), to=sys.stdout)
    return 0


def _params(options: Options) -> int:
    from .params import KINDS, Params

    if options.schema:
        print(json.dumps(Params.model_json_schema(), indent=1))
    elif options.cell:
        if options.cell not in KINDS:
            raise ParameterError(f'There is no notebook "{options.cell}"; there are: {", ".join(KINDS)}.')
        print(KINDS[options.cell].cell())
    elif options.markdown:
        print(Params.markdown(), end="")
    else:
        for field in Params.fields():
            print(f"{field.name:14}{json.dumps(field.default):16}{field.help}{_choices(field.choices)}")
    return 0


def _runs_list(options: Options) -> int:
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
    _lines(told or [("There is no such run.",)])
    return 0


def _runs_show(options: Options) -> int:
    entry = _index().one(options.run)
    told = {name: value for name, value in vars(entry).items() if value not in {"", 0}}
    if entry.status == "complete":
        from . import runs

        record = runs.manifest(entry.directory)
        told |= {"parameters": record["parameters"], "files": record["files"]}
    if options.json:
        print(json.dumps(told, ensure_ascii=False))
        return 0
    changed = told.pop("parameters", {})
    files = told.pop("files", {})
    _lines([(name, str(value)) for name, value in told.items()])
    _lines([(name, json.dumps(value, ensure_ascii=False)) for name, value in changed.items()])
    _lines([(name, f"{known['bytes']:,} bytes") for name, known in files.items()])
    return 0


def _runs_verify(options: Options) -> int:
    from . import runs

    index = _index()
    entries = [index.one(word) for word in options.run] if options.run else index.find(status="complete")
    wrong = 0
    for entry in entries:
        faults = [entry.message] if entry.status != "complete" else runs.verify(entry.directory)
        wrong += bool(faults)
        state = f"not complete: {'; '.join(faults)}" if faults else "complete"
        _tell(f"{entry.directory or entry.key}: {state}", to=sys.stdout)
    _tell(f"{len(entries) - wrong} of {len(entries)} runs are complete, byte for byte.", to=sys.stdout)
    return int(wrong > 0)


def _runs_forget(options: Options) -> int:
    from . import retention

    if bool(options.run) == bool(options.customer):
        raise ParameterError("Name the runs to forget, or one customer with --customer ID.")
    index = _index()
    if options.customer:
        count = 0
        for folder, rows in retention.forget_customer(index, options.customer):
            count += 1
            _tell(f"{folder}: {rows} rows went", to=sys.stdout)
        _tell(f"The customer is gone from {count} runs.", to=sys.stdout)
        return 0
    entries = [index.one(word) for word in options.run]
    retention.remove(index, entries)
    _tell(f"{len(entries)} runs are gone.", to=sys.stdout)
    return 0


def _runs_prune(options: Options) -> int:
    from . import retention

    older = retention.days(options.older_than) if options.older_than else 0
    if not older and not options.keep:
        raise ParameterError("Say what to prune: --older-than 90d, --keep N, or both.")
    index = _index()
    old = retention.outdated(index.find(), older_than=older, keep=options.keep, now=index.clock())
    for entry in old:
        _tell(f"{entry.started[:10]} {entry.status} {entry.directory or entry.name}", to=sys.stdout)
    if not options.dry_run:
        retention.remove(index, old)
    _tell(f"{len(old)} runs {'would go' if options.dry_run else 'are gone'}.", to=sys.stdout)
    return 0


def _runs_rebuild(options: Options) -> int:
    index = _index()
    count, faults = index.rebuild(*options.directory)
    for fault in faults:
        _tell(fault)
    _tell(f"{count} complete runs are in the index.", to=sys.stdout)
    return int(len(faults) > 0)


def _index() -> Any:
    from . import settings
    from .index import Index

    return Index(settings.load().index.get_secret_value())


def _settings(options: Options) -> int:  # noqa: ARG001 - one signature for all
    from . import settings

    settings.load()
    print(settings.markdown(), end="")
    return 0


def _init(options: Options) -> int:
    from .places import lay_down

    for file, is_new in lay_down(options.directory):
        print(f"{'wrote' if is_new else 'kept '} {file}")
    return 0


def _serve(options: Options) -> int:
    from . import serve

    serve.serve(host=options.host, port=options.port, behind_proxy=options.behind_proxy)
    return 0


# -------------------------------------------------------------------------------------------- the flags
class _Parser(argparse.ArgumentParser):
    """argparse, but a wrong word is an error of ours that names the nearest right one."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        wrong, _, known = message.partition("invalid choice: ")[2].partition(" (choose from ")
        hint = nearest(wrong.strip("'"), [word.strip("' )") for word in known.split(",")]) if known else ""
        raise ParameterError(f"{message[:1].upper()}{message[1:]}.{hint} See {self.prog} --help.")


class _StudyParser(_Parser):
    """The flags of a command that takes the fields of a study, made when that command is named."""

    but: tuple[str, ...] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add a flag for each field, then parse."""
        if self.but is not None:
            _add_fields(self, but=self.but)
            self.but = None
        return super().parse_known_args(args, namespace)


def _parser() -> _Parser:
    parser = _Parser(prog="segkit", description="Customer segments you can trust.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"segkit {version('segkit')}")
    commands = parser.add_subparsers(
        title="commands", required=True, metavar="COMMAND", parser_class=_StudyParser
    )

    _add_run(_command(commands, "run", _run, "carry out studies, each to a report"))
    check = _command(commands, "check", _check, "say what a data file is like; make no study")
    check.add_argument("source", help="data file or sample:NAME")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.but = ("source",)

    score = _command(commands, "score", _score, "assign new rows with a saved model")
    score.add_argument("model", help="model.json of a run")
    score.add_argument("source", help="data file with the same columns")
    score.add_argument("--out", required=True, metavar="FILE", help="where to: .csv or .parquet")
    score.add_argument("--customer-id", default="", metavar="COLUMN", help="column that names the customer")

    _add_runs(commands)
    params = _command(commands, "params", _params, "print every parameter")
    form = params.add_mutually_exclusive_group()
    form.add_argument("--cell", metavar="NOTEBOOK", help="as the parameters cell of a notebook")
    form.add_argument("--schema", action="store_true", help="as a JSON schema")
    form.add_argument("--markdown", action="store_true", help="as a Markdown table")

    deliver = _command(commands, "export", _export, "write a finished run as a file or into a database")
    deliver.add_argument("run", help="directory of a complete run")
    deliver.add_argument(
        "--to", required=True, metavar="FILE|ADDRESS",
        help="ends in .csv .parquet .json .xlsx .md .sql .db .sqlite; or sqlite:/// or postgresql://",
    )  # fmt: skip
    deliver.add_argument(
        "--dialect", default="duckdb", metavar="NAME", help="of .sql (duckdb), such as postgres"
    )
    deliver.add_argument("--rules", action="store_true", help="of .sql: the rules in place of the model")
    deliver.add_argument(
        "--exact", action="store_true", help="leave text as it is, even where a sheet runs it"
    )
    compared = _command(commands, "compare", _compare, "what became of segments and customers between runs")
    compared.add_argument("before", help="directory of the earlier run")
    compared.add_argument("after", help="directory of the later run")
    compared.add_argument("--json", action="store_true", help="print JSON, everybody who moved included")
    _command(commands, "settings", _settings, "print every setting of a deployment")
    init = _command(commands, "init", _init, "lay notebooks and parameter files down, to be changed")
    init.add_argument("directory", nargs="?", default=".", help="where to (here)")

    serve = _command(commands, "serve", _serve, "open the dashboard in a browser")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, default=8866, help="port to listen on (8866)")
    serve.add_argument("--behind-proxy", action="store_true", help="trust a reverse proxy's headers")
    return parser


def _add_run(run: _StudyParser) -> None:
    run.add_argument(
        "target", nargs="+", metavar="FILE.yml|SOURCE", help="parameter files, data files or sample:NAME"
    )
    run.add_argument("--out", default="reports", metavar="DIR", help="directory of the runs (reports)")
    run.add_argument("--notebook", default="", metavar="NAME", help="notebook to run, by name or path")
    run.add_argument("--jobs", type=_whole, default=1, metavar="N", help="how many runs at once (1)")
    run.add_argument(
        "--timeout", type=_seconds, default=0.0, metavar="S", help="seconds after which to give up"
    )
    run.add_argument(
        "--skip-complete", action="store_true", help="leave out what is already there, unchanged"
    )
    run.add_argument("--json", action="store_true", help="print one line of JSON for each run")
    run.but = ()


def _add_runs(commands: Any) -> None:
    runs = _command(commands, "runs", _runs_list, "find, check and forget runs")
    runs.set_defaults(status="", name="", data="", since="", until="", parameter=None, limit=50, json=False)
    inner = runs.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    found = _command(inner, "list", _runs_list, "list runs, the latest first")
    states = ("queued", "running", "complete", "failed", "interrupted")
    found.add_argument("--status", default="", choices=states, metavar="STATE", help=", ".join(states))
    found.add_argument("--name", default="", metavar="NAME", help="name, or a pattern with *")
    found.add_argument("--data", default="", metavar="FILE", help="data file, or a pattern with *")
    found.add_argument("--since", default="", metavar="DATE", help="started on this day or later, 2026-01-31")
    found.add_argument("--until", default="", metavar="DATE", help="started on this day or earlier")
    found.add_argument(
        "--parameter", action="append", type=_pair, metavar="NAME=VALUE", help="run with this parameter"
    )
    found.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many, 0 for all (50)")
    found.add_argument("--json", action="store_true", help="print one line of JSON for each run")
    show = _command(inner, "show", _runs_show, "say all that is known of a run")
    show.add_argument("run", help="name with its id, directory, or key")
    show.add_argument("--json", action="store_true", help="print JSON")
    verify = _command(inner, "verify", _runs_verify, "check every byte of runs")
    verify.add_argument("run", nargs="*", help="which; all complete ones when none is named")
    forget = _command(inner, "forget", _runs_forget, "remove runs, or one customer from all runs")
    forget.add_argument("run", nargs="*", help="which")
    forget.add_argument("--customer", default="", metavar="ID", help="customer to take out of every run")
    prune = _command(inner, "prune", _runs_prune, "remove old runs")
    prune.add_argument("--older-than", default="", metavar="AGE", help="such as 90d, 12w, 6m or 2y")
    prune.add_argument("--keep", type=_whole, default=0, metavar="N", help="the latest so many of each name")
    prune.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    rebuild = _command(inner, "rebuild", _runs_rebuild, "make the index again from the directories")
    rebuild.add_argument("directory", nargs="*", default=["reports"], help="where runs are (reports)")


def _command(commands: Any, name: str, command: Callable[[Options], int], text: str) -> _StudyParser:
    parser: _StudyParser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    told = f"what is told on the terminal: {', '.join(logs.LEVELS)} (warning)"
    parser.add_argument("--log-level", choices=logs.LEVELS, default="warning", metavar="LEVEL", help=told)
    flags = parser._option_string_actions  # noqa: SLF001 - argparse has no other list of them
    parser.set_defaults(command=command, flags=flags)
    return parser


def _add_fields(parser: _Parser, *, but: tuple[str, ...]) -> None:
    """Give a command a flag for each field of a study."""
    from .params import KINDS

    groups: dict[str, Any] = {}
    known = {field.name: field for kind in reversed(KINDS.values()) for field in kind.fields()}
    for field in known.values():
        if field.run or field.name in but:
            continue
        if field.group not in groups:
            groups[field.group] = parser.add_argument_group(field.group.lower())
        groups[field.group].add_argument(
            f"--{field.name.replace('_', '-')}",
            dest=f"field_{field.name}",
            metavar="A,B" if field.type == "list[str]" else field.type.upper(),
            help=(field.help + _choices(field.choices)).replace("%", "%%"),
        )


def _given(options: Options) -> dict[str, str]:
    """Return the fields that were named, as they were typed."""
    fields = {
        name.removeprefix("field_"): text for name, text in vars(options).items() if name.startswith("field_")
    }
    return {name: text for name, text in fields.items() if text is not None}


def _unknown(word: str, flags: dict[str, Any]) -> NoReturn:
    name = word.partition("=")[0]
    kind = "flag" if name.startswith("-") else "argument"
    raise ParameterError(f'There is no {kind} "{name}" here.{nearest(name, flags)}')


def _choices(choices: tuple[str, ...]) -> str:
    return f" ({' '.join(choices)})" if choices else ""


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise argparse.ArgumentTypeError(f"must be a name and a value such as segments=4, got {text!r}")
    return name.replace("-", "_"), value


def _whole(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 10**7:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 for no limit, got {text!r}")
    return seconds


# -------------------------------------------------------------------------------------------- the terminal
def _tell(text: str, *, to: Any = None) -> None:
    """Print a line; what came from data cannot steer the terminal."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    print(shown, file=to or sys.stderr, flush=True)


def _table(table: Any) -> None:
    """Print the columns of a small table, aligned."""
    print()
    _lines([tuple(map(str, row)) for row in table.itertuples(index=False)])


def _lines(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of text, their columns aligned."""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        _tell(
            "  ".join(text.ljust(width) for text, width in zip(row, wide, strict=True)).rstrip(),
            to=sys.stdout,
        )


if __name__ == "__main__":
    sys.exit(main())
