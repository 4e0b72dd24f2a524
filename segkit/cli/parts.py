"""What every command is made of: a parser with errors of ours, flags from parameters, lines on the terminal.

Flags are made from the fields of the studies, so that a field has one name and one help everywhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from segkit import logs
from segkit.errors import ParameterError, nearest

Options = argparse.Namespace


class Parser(argparse.ArgumentParser):
    """argparse, but a wrong word is an error of ours that names the nearest right one."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        wrong, _, known = message.partition("invalid choice: ")[2].partition(" (choose from ")
        hint = nearest(wrong.strip("'"), [word.strip("' )") for word in known.split(",")]) if known else ""
        raise ParameterError(f"{message[:1].upper()}{message[1:]}.{hint} See {self.prog} --help.")


class StudyParser(Parser):
    """The flags of a command that takes the fields of a study, made when that command is named."""

    but: tuple[str, ...] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add a flag for each field, then parse."""
        if self.but is not None:
            add_fields(self, but=self.but)
            self.but = None
        return super().parse_known_args(args, namespace)


def command(commands: Any, name: str, carry_out: Callable[[Options], int], text: str) -> StudyParser:
    """Add a command, with the flags that all have, and return its parser."""
    parser: StudyParser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    told = f"what is told on the terminal: {', '.join(logs.LEVELS)} (warning)"
    parser.add_argument("--log-level", choices=logs.LEVELS, default="warning", metavar="LEVEL", help=told)
    flags = parser._option_string_actions  # noqa: SLF001 - argparse has no other list of them
    parser.set_defaults(command=carry_out, flags=flags)
    return parser


def add_fields(parser: Parser, *, but: tuple[str, ...]) -> None:
    """Give a command a flag for each field of a study."""
    from segkit.params import KINDS

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
            help=(field.help + choices(field.choices)).replace("%", "%%"),
        )


def given(options: Options) -> dict[str, str]:
    """Return the fields that were named, as they were typed."""
    fields = {
        name.removeprefix("field_"): text for name, text in vars(options).items() if name.startswith("field_")
    }
    return {name: text for name, text in fields.items() if text is not None}


def unknown_word(word: str, flags: dict[str, Any]) -> NoReturn:
    """Refuse a word that a command does not know, naming the nearest that it does."""
    name = word.partition("=")[0]
    kind = "flag" if name.startswith("-") else "argument"
    raise ParameterError(f'There is no {kind} "{name}" here.{nearest(name, flags)}')


def choices(known: tuple[str, ...]) -> str:
    """Return the choices of a field as help ends with them."""
    return f" ({' '.join(known)})" if known else ""


def pair(text: str) -> tuple[str, str]:
    """Read ``name=value``."""
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise argparse.ArgumentTypeError(f"must be a name and a value such as segments=4, got {text!r}")
    return name.replace("-", "_"), value


def whole(text: str) -> int:
    """Read a whole number from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)


def seconds(text: str) -> float:
    """Read a limit in seconds."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 10**7:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 for no limit, got {text!r}")
    return found


# -------------------------------------------------------------------------------------------- the terminal
def tell(text: str, *, to: Any = None) -> None:
    """Print a line; what came from data cannot steer the terminal."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    print(shown, file=to or sys.stderr, flush=True)


def table(table: Any) -> None:
    """Print the columns of a small table, aligned."""
    print()
    lines([tuple(map(str, row)) for row in table.itertuples(index=False)])


def lines(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows of text, their columns aligned."""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        tell(
            "  ".join(text.ljust(width) for text, width in zip(row, wide, strict=True)).rstrip(),
            to=sys.stdout,
        )
