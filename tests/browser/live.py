"""What a live page shows, read from the page, and what it should show, made from the study."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segkit.panels import builders
from segkit.study import Study

# Every panel on the page: its text, the alternative text of its picture, and what plotly drew.
READ = """() => {
  const own = ([key]) => !key.startsWith("_");
  const inner = (value) =>
    Object.fromEntries(Object.entries(value).filter(own).map(([key, one]) => [key, plain(one)]));
  const plain = (value) => ArrayBuffer.isView(value) ? Array.from(value)
    : Array.isArray(value) ? value.map(plain) : value && typeof value === "object" ? inner(value) : value;
  const panels = {};
  for (const part of document.querySelectorAll("[data-sk-panel]")) {
    const panel = panels[part.dataset.skPanel] ??= { text: "", alt: null, data: null };
    panel.text += part.textContent;
    const plot = part.closest(".sk-panel")?.querySelector(".js-plotly-plot");
    if (!plot) continue;
    panel.alt = plot.closest("[role=img]").getAttribute("aria-label");
    panel.data = plain(plot.data);
  }
  return panels;
}"""
PATIENCE = 240_000
# Panels that say nothing about the segments: a change of k need not change them.
STEADY = {"quality", "missing", "correlation", "columns", "preparations", "method", "glossary"}
EMPTY = {"unused", "fairness", "existing"}  # of the sample: nothing is left unused or named


GRAVE = {"serious", "critical"}
# Upstream: lumino's tabs and accordions, DataTables' scrolling head (a copy of it is hidden from readers).
UPSTREAM = (".lm-TabBar", ".jupyter-widget-Collapse", ".dt-scroll")


def findings(page: Any, within: Any = None) -> list[str]:
    """Return what axe-core finds grave on a page, or in a part of it, and is ours, as rule and place."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(Axe().axe_script)
    run = """(within) => axe.run({include: within ?? document, exclude: ".scatterlayer .points"})
        .then((found) => JSON.stringify(found.violations))"""  # 10,000 points of a picture take a minute
    found = json.loads(page.evaluate(run, within))  # as a text: Playwright is slow with large objects
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
        if not any(part in json.dumps(node["target"]) + node["html"] for part in UPSTREAM)
    ]


def squeeze(text: str) -> str:
    """Return a text without any white space: a page breaks lines where it likes."""
    return re.sub(r"\s+", "", text)


def expected(study: Study, name: str) -> dict[str, Any]:
    """Return what the page should show of one panel."""
    panel = builders.build(study, name)
    drawn = panel.figure is not None
    marked = panel.head_html() + panel.foot_html(open=False) if drawn else panel.body_html
    data = decode(json.loads(panel.figure.to_json())["data"]) if drawn else None
    return {"text": said(marked), "alt": panel.alt if drawn else None, "data": data}


def said(marked: str) -> str:
    """Return the text of a piece of HTML, squeezed."""
    return squeeze(html.unescape(re.sub(r"<[^>]*>", "", marked)))


def decode(value: Any) -> Any:
    """Turn plotly's packed arrays into lists."""
    if isinstance(value, dict) and "bdata" in value:
        flat = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
        shape = [int(size) for size in str(value.get("shape", len(flat))).split(",")]
        return flat.reshape(shape).tolist()
    if isinstance(value, dict):
        return {key: decode(inner) for key, inner in value.items()}
    return [decode(inner) for inner in value] if isinstance(value, list) else value


def read(page: Any) -> dict[str, dict[str, Any]]:
    """Return every panel on the page."""
    panels = page.evaluate(READ)
    return {
        name: {"text": squeeze(panel["text"]), "alt": panel["alt"], "data": decode(panel["data"])}
        for name, panel in panels.items()
    }


def title(page: Any) -> str:
    """Return the answer the page gives, or nothing while there is none."""
    return squeeze(page.evaluate("document.querySelector('[data-sk-panel=verdict]')?.textContent ?? ''"))


def differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Return what of a panel is not as it should be."""
    wrong = [key for key in ("text", "alt") if found[key] != wanted[key]]
    traces = wanted["data"] or []
    if len(found["data"] or []) != len(traces):
        return [*wrong, "number of traces"]
    for i, trace in enumerate(traces):
        wrong += [f"trace {i} {key}" for key in trace if not close(found["data"][i].get(key), trace[key])]
    return wrong


def close(one: Any, other: Any) -> bool:
    """Answer whether two plain values are equal; numbers may have been through 32 bits."""
    if isinstance(other, dict):
        return isinstance(one, dict) and all(close(one.get(key), inner) for key, inner in other.items())
    if isinstance(other, list):
        return isinstance(one, list) and len(one) == len(other) and all(map(close, one, other))
    if isinstance(other, int | float) and isinstance(one, int | float):
        return bool(np.isclose(one, other, rtol=1e-6))
    return one == other


def wait_for(page: Any, study: Study, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Wait until the page shows this study in every panel; fail saying which panel does not, and how."""
    wanted = {name: expected(study, name) for name in names}
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end and title(page) != wanted["verdict"]["text"]:
        page.wait_for_timeout(300)  # reading everything is dear, and the kernel needs the processor too
    while True:
        found = read(page)
        wrong = {
            name: differences(found[name], wanted[name]) if name in found else ["absent"] for name in names
        }
        wrong = {name: what for name, what in wrong.items() if what}
        if not wrong:
            return found
        if time.monotonic() > end:
            name = next(iter(wrong))
            shown = found.get(name, {}).get("text", "")[:400]
            raise AssertionError(f"{wrong}\n{name} shows {shown}\nand should {wanted[name]['text'][:400]}")
        page.wait_for_timeout(500)


def slide(page: Any, segments: int) -> None:
    """Move the slider of the number of segments by keyboard, to 0 (auto) or 2 to 20."""
    handle = page.locator(".sk-field-segments .noUi-handle")
    handle.wait_for(timeout=PATIENCE)
    handle.focus()
    handle.press("Home")
    for _ in range(max(0, segments - 1)):
        handle.press("ArrowRight")
    page.locator(".sk-field-segments .widget-readout").get_by_text(
        str(segments or "Auto"), exact=True
    ).wait_for()


def settled(page: Any) -> None:
    """Wait until the status line says that all is up to date."""
    page.get_by_role("status").get_by_text("Up to date").first.wait_for(timeout=PATIENCE)


def offer(page: Any, file: Path) -> None:
    """Choose a file as a reader does."""
    with page.expect_file_chooser() as chooser:
        page.locator("button", has_text="Upload a file").click()
    chooser.value.set_files(file)


def panels_of(notebook: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the panels a notebook shows."""
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    return tuple(name for name in re.findall(r"view\.(\w+)\(", code) if name in builders.NAMES)


def run_all(page: Any) -> None:
    """Run every cell; the menu is deaf until the kernel has been idle for a while, so look and ask again."""
    page.locator(".jp-Notebook").wait_for()
    for _ in range(10):
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        page.wait_for_timeout(1_500)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_timeout(3_000)
        if page.locator(".jp-InputPrompt").filter(has_text="[*]").count() or page.locator(".sk-form").count():
            return
    pytest.fail("JupyterLab does not run the cells")
