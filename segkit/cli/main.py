"""argv to the command that was named, and one message whatever happens.

There is no logic here: each command calls one room, which is imported when the command needs it, so that
help is quick. Of an error that segkit foresaw the user gets its own words; of any other, an id and where the
trace is.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from segkit import logs
from segkit.errors import OUT_OF_MEMORY, ParameterError, SegkitError, StepError

from . import runs, studies
from .parts import Options, Parser, StudyParser, choices, command, tell, unknown_word

LEAST_MEMORY = 1_500_000_000  # bytes of address space; measured: the sample wants 1.9 GB on two cores


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit code: 0 done, 1 failed, 2 could not start, 130 or 143 stopped."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        parser = make_parser()
        options, unknown = parser.parse_known_args(arguments)
        if unknown:
            unknown_word(unknown[0], options.flags)
        _enough_memory()
        with logs.to_terminal(options.log_level):
            return int(options.command(options))
    except SegkitError as error:
        tell(str(error))
        return error.exit_code
    except _Stopped as stopped:
        logging.getLogger("asyncio").disabled = True  # the cells that were interrupted are no news
        tell("Stopped. Nothing unfinished was kept.")
        return 128 + stopped.signal
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the promise of this function
        tell(logs.unforeseen(error))
        return 1


def _enough_memory() -> None:
    """Refuse an address space in which OpenBLAS ends the process, or asks for ever, while it is loaded."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < LEAST_MEMORY:
        least = f"{LEAST_MEMORY / 1e9:g} GB (see `ulimit -v`)"
        raise StepError(
            f"Here are {allowed / 1e9:.1f} GB of addresses; segkit needs {least}. {OUT_OF_MEMORY}"
        )


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


def make_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="segkit", description="Customer segments you can trust.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"segkit {version('segkit')}")
    commands = parser.add_subparsers(
        title="commands", required=True, metavar="COMMAND", parser_class=StudyParser
    )
    studies.add(commands)
    runs.add(commands)
    params = command(commands, "params", _params, "print every parameter")
    form = params.add_mutually_exclusive_group()
    form.add_argument("--cell", metavar="NOTEBOOK", help="as the parameters cell of a notebook")
    form.add_argument("--schema", action="store_true", help="as a JSON schema")
    form.add_argument("--markdown", action="store_true", help="as a Markdown table")

    command(commands, "settings", _settings, "print every setting of a deployment")
    init = command(commands, "init", _init, "lay notebooks and parameter files down, to be changed")
    init.add_argument("directory", nargs="?", default=".", help="where to (here)")

    serve = command(commands, "serve", _serve, "open the dashboard in a browser")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, default=8866, help="port to listen on (8866)")
    serve.add_argument("--behind-proxy", action="store_true", help="trust a reverse proxy's headers")
    serve.add_argument("--base-url", default="/", metavar="PATH", help="where a proxy offers it (/)")
    return parser


def _params(options: Options) -> int:
    from segkit.params import KINDS, Params

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
            print(f"{field.name:14}{json.dumps(field.default):16}{field.help}{choices(field.choices)}")
    return 0


def _settings(options: Options) -> int:  # noqa: ARG001 - one signature for all
    from segkit import settings

    settings.load()
    print(settings.markdown(), end="")
    return 0


def _init(options: Options) -> int:
    from segkit.places import lay_down

    for file, is_new in lay_down(options.directory):
        print(f"{'wrote' if is_new else 'kept '} {file}")
    return 0


def _serve(options: Options) -> int:
    from segkit import serve

    where = {"host": options.host, "port": options.port, "base_url": options.base_url}
    serve.serve(**where, behind_proxy=options.behind_proxy)
    return 0
