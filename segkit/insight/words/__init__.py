"""Every sentence segkit writes, and how it writes numbers and names.

Texts live here and nowhere else, so that one person can read and mend them all. Functions take tables, small
objects and a `Numbers`, and return plain text: nothing is escaped here and nothing is computed that a table
lacks.
"""
