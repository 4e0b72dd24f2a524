"""Print the lines of Python per room, as ``make check`` shows them; past the bound the check fails."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

BOUND = 4_500  # DESIGN: the whole library stays under about this many lines

package = Path(__file__).parent.parent / "segkit"
lines: Counter[str] = Counter()
for file in package.rglob("*.py"):
    lines[file.relative_to(package).parts[0].removesuffix(".py")] += len(file.read_text().splitlines())
for room, count in sorted(lines.items(), key=lambda item: -item[1]):
    print(f"{count:6,}  {room}")
print(f"{lines.total():6,}  in all, of {BOUND:,}")
sys.exit(lines.total() > BOUND)
