"""Figures: one tidy table in, one plotly figure out.

A figure holds no title, note or alternative text (`insight.words.captions` has those), no width, and no
statistic that its table lacks except the outline of a half-violin. All take ``dark`` and ``numbers``.
"""

from segkit.plots.columns import correlation as correlation
from segkit.plots.columns import drivers as drivers
from segkit.plots.columns import missing as missing
from segkit.plots.columns import profiles as profiles
from segkit.plots.segments import choice as choice
from segkit.plots.segments import customer_map as customer_map
from segkit.plots.segments import sizes as sizes
from segkit.plots.segments import unusual as unusual
from segkit.plots.spread import composition as composition
from segkit.plots.spread import distribution as distribution
