"""What the worker does, round by round, so that the tag index is young."""

from django.db import connection

from search.index import project_terms
from search.index.merging import (
    fold,
    rebuild,
    unless_busy,
)
from search.models import Rebuild


def keep() -> int:
    """Build the index where there is none, else take in what has changed; how much that was."""
    if Rebuild.objects.exists():
        with unless_busy():
            rebuild()
    if project_terms.due():
        project_terms.adopt()
    replaced = []
    if folded := fold():
        replaced += ["search_unindexed", "search_tally", "search_fold"]
    if replaced and not connection.in_atomic_block:
        # Readers pass over what was taken in until its space is free again.
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM {', '.join(replaced)}")
    return folded
