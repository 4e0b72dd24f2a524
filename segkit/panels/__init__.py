"""Panels: what a page shows of a study, one finding at a time, the same words in every face.

`build(study, name)` returns a frozen `Panel`; a page shows its `head_html()`, draws its `figure` and shows
its `foot_html()`, or shows `body_html` where there is no figure.
"""

from segkit.panels.builders import NAMES as NAMES
from segkit.panels.builders import build as build
from segkit.panels.panel import Panel as Panel
from segkit.panels.panel import TableView as TableView
