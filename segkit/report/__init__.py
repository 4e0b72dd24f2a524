"""The batch face: a notebook run without a reader, and the one file that remains.

`page` makes the HTML file from an executed notebook, `runner` executes it and completes the run. The only
room that knows papermill and nbconvert.
"""
