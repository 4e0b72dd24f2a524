"""The live page: controls, panels that follow them, files in and out; knows ipywidgets, computes nothing."""
