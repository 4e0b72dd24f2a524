"""The live page: controls, pictures that follow them, files in and out. The only room that knows ipywidgets."""
