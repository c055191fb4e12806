"""What is kept so that searches are quick: terms, bitmaps and statistics, as of the last merge.

Pending changes, which triggers write down, come in; bitmaps, term statistics and the merge log go
out. Nothing here is a source of truth.
"""
