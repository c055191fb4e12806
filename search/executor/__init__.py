"""An AccessPath carried out: totals, places in the order, records and facets come out.

`predicates` and `bitmaps` are the pieces of SQL that the statements are composed of.
"""
