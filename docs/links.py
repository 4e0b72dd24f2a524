"""Ask every link of a built site that stays in the site whether its file, and its place there, exist."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, _: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in {"id", "name"} and value:
                self.places.add(value)
            elif name in {"href", "src"} and value:
                self.links.add(value)


def main(site: Path) -> int:
    """Print every link that leads nowhere; return how many there are."""
    pages = {file: Page(file) for file in sorted(site.resolve().rglob("*.html"))}
    lost = 0
    for file, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            places = pages[target].places if target in pages else set()
            if not target.exists() or (
                target in pages and parts.fragment and unquote(parts.fragment) not in places
            ):
                lost += 1
                print(f"{file.relative_to(site.resolve())}: {link} leads nowhere")
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links, {lost} lead nowhere")
    return lost


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])) > 0)
