"""The commands that make something of data: ``segkit run``, ``check``, ``score``, ``compare``, ``export``."""

from __future__ import annotations

import json
import sys
from typing import Any

from .parts import Options, StudyParser, command, given, seconds, table, tell, whole


def add(commands: Any) -> None:
    """Add the commands of this module."""
    _add_run(command(commands, "run", _run, "carry out studies, each to a report"))
    check = command(commands, "check", _check, "say what a data file is like; make no study")
    check.add_argument("source", help="data file or sample:NAME")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.but = ("source",)

    score = command(commands, "score", _score, "place new customers with the model of a run")
    score.add_argument("model", help="directory of a run, or its model.json")
    score.add_argument("source", help="data file with the same columns")
    score.add_argument("--out", required=True, metavar="FILE", help="where to: .csv or .parquet")
    score.add_argument(
        "--customer-id", default="auto", metavar="COLUMN", help="column that names the customer"
    )
    deliver = command(commands, "export", _export, "write a finished run as a file or into a database")
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
    compared = command(commands, "compare", _compare, "what became of segments and customers between runs")
    compared.add_argument("before", help="directory of the earlier run, or a data file")
    compared.add_argument("after", help="directory of the later run, or a data file")
    compared.add_argument("--json", action="store_true", help="print JSON, everybody who moved included")


def _add_run(run: StudyParser) -> None:
    run.add_argument(
        "target", nargs="+", metavar="FILE.yml|SOURCE", help="parameter files, data files or sample:NAME"
    )
    run.add_argument("--out", default="reports", metavar="DIR", help="directory of the runs (reports)")
    run.add_argument("--notebook", default="", metavar="NAME", help="notebook to run, by name or path")
    run.add_argument("--jobs", type=whole, default=1, metavar="N", help="how many runs at once (1)")
    run.add_argument(
        "--timeout", type=seconds, default=0.0, metavar="S", help="seconds after which to give up"
    )
    run.add_argument(
        "--skip-complete", action="store_true", help="leave out what is already there, unchanged"
    )
    run.add_argument("--json", action="store_true", help="print one line of JSON for each run")
    run.but = ()


def _run(options: Options) -> int:
    # nbformat's schema checker builds a grammar of addresses that costs a second and that no notebook needs.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from segkit import settings
    from segkit.report import batch, overview

    order = batch.Order(
        index=settings.load().index.get_secret_value(),
        out=options.out,
        notebook=options.notebook,
        timeout=options.timeout,
        skip_complete=options.skip_complete,
        progress=sys.stderr.isatty() and not options.json,
        level="debug" if options.log_level == "debug" else "info",
        flags=given(options),
    )
    outcomes = []
    for outcome in batch.carry_out(options.target, order, options.jobs):
        outcomes.append(outcome)
        if options.json:
            print(outcome.json, flush=True)
        else:
            tell(outcome.line, to=sys.stderr if outcome.exit_code else sys.stdout)
    if len(outcomes) > 1:
        if page := overview.write(options.out, outcomes):
            tell(f"All of them: {page}")
        tell(batch.total(outcomes))
    return batch.exit_code(outcomes)


def _check(options: Options) -> int:
    from segkit import checks
    from segkit.export import plain, records
    from segkit.params import Params

    seen = checks.check(params=Params.from_text({"source": options.source, **given(options)}))
    if options.json:
        tables = {"quality": records(seen.quality), "columns": records(seen.columns)}
        print(json.dumps(plain({"reading": seen.reading.as_dict(), **tables}), ensure_ascii=False))
    else:
        tell(
            f"{seen.reading.source}: {seen.reading.rows:,} rows, {seen.reading.columns} columns",
            to=sys.stdout,
        )
        for note in seen.reading.notes:
            tell(f"- {note}", to=sys.stdout)
        table(seen.quality[["status", "check", "found", "reason"]])
        table(seen.columns[["use", "column", "role", "reason"]])
    if not (seen.columns["use"] == "feature").any():
        return 2
    return int(len(seen.failed) > 0)


def _score(options: Options) -> int:
    from segkit import export
    from segkit.scoring import score

    made = score(options.source, model=options.model, customer_id=options.customer_id)
    export.to_file(made.assignments, options.out)
    for line in (*made.text.values(), f"{len(made.assignments):,} customers scored. {options.out}"):
        tell(line, to=sys.stdout)
    return 0


def _export(options: Options) -> int:
    from segkit.delivery import deliver

    where = deliver(
        options.run, options.to, safe=not options.exact, dialect=options.dialect, rules=options.rules
    )
    tell(f"Written to {where}", to=sys.stdout)
    return 0


def _compare(options: Options) -> int:
    from segkit.change import compare
    from segkit.export import plain, records, summary

    found = compare(options.after, before=options.before)
    if options.json:
        print(
            json.dumps(plain({**summary(found), "moves": records(found.compared.moves)}), ensure_ascii=False)
        )
        return 0
    for line in found.text.values():
        tell(line, to=sys.stdout)
    table(found.segments[["before", "after", "fate", "customers_before", "customers", "shared"]])
    return 0
