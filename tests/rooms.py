"""Print the lines of Python per room, as ``make check`` shows them: all lines, and those that hold code.

Code leaves out blank lines, comments and docstrings. Small is a feature; this is where its growth is seen.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from pathlib import Path

BESIDE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
TEXTUAL = (ast.Module, ast.ClassDef, ast.FunctionDef)


def code_lines(text: str) -> int:
    """Count the lines that hold code."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    rows = [range(token.start[0], token.end[0] + 1) for token in tokens if token.type not in BESIDE]
    said = [
        node.body[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, TEXTUAL) and ast.get_docstring(node)
    ]
    words = {line for node in said for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    return len({line for row in rows for line in row} - words)


def main() -> None:
    package = Path(__file__).parent.parent / "segkit"
    lines: Counter[str] = Counter()
    code: Counter[str] = Counter()
    for file in package.rglob("*.py"):
        room, text = file.relative_to(package).parts[0].removesuffix(".py"), file.read_text(encoding="utf-8")
        lines[room] += text.count("\n")
        code[room] += code_lines(text)
    print(f"{'room':10} {'lines':>7} {'code':>7}")
    for room, count in lines.most_common():
        print(f"{room:10} {count:7,} {code[room]:7,}")
    print(f"{'all':10} {lines.total():7,} {code.total():7,}")


if __name__ == "__main__":
    main()
