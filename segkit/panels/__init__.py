"""Panels: what a page shows of a study, one finding at a time, the same words in every face.

`builders.build(study, name)` returns a frozen `Panel`; a page shows its `head_html()`, draws its `figure` and
shows its `foot_html()`, or shows `body_html` where there is no figure.
"""
