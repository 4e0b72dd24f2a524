"""Labels to meaning: tables and sentences about segments.

``profile`` and ``drivers`` make the numbers, ``actions`` proposes what to do, ``words`` writes the
sentences, each of whose numbers comes out of a table. Nothing here fits a segmentation, draws a picture or
reads a file of customers.
"""
