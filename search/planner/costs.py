"""What each step of a search costs, in microseconds: the only place that says so.

Measured on a machine of two processors with a million images and twelve million links, all in
memory (PostgreSQL 18, jit off). `python -m benchmarks costs` measures them again on the database
of a running service. Only their ratios matter for what is chosen.
"""

# Reading a link in the index of a tag.
LINK_READ_COST_US = 0.2
# Reading a row in the order of an index, for a page.
ROW_READ_COST_US = 0.25
# Reading a record that lies far from the one before: the order of a size is no order of the table,
# as those of times nearly are.
SCATTERED_ROW_COST_US = 5.0
# Looking up whether an image has a tag.
PROBE_COST_US = 2.0
# Counting by bitmaps at all, and more for each clause.
BITMAP_COUNT_COST_US = 250.0
BITMAP_CLAUSE_COST_US = 150.0
# Looking up the image of a sparse tag's link in the bitmaps of the other clauses.
BIT_LOOKUP_COST_US = 0.6
# Combining a block of one bitmap with another's, and reading the ones out of it.
BLOCK_AND_COST_US = 1.5
BLOCK_READ_COST_US = 40.0
# Reading the time of a match and sorting it.
MATCH_SORT_COST_US = 4.0

# Of the images that are probed for one clause, those that pass and are probed for the next: tags
# go together, so this is more than their shares multiplied.
PROBE_PASS_RATIO = 0.3
# Links that are walked over in the time in which a match is read, and a usual page.
LINKS_PER_MATCH = 2
USUAL_PAGE_IMAGES = 100

# What reading all links may cost where the same statement then finds the page among them.
COUNT_WITH_PAGE_MAX_US = 700.0
