"""What the worker does, round by round, so that the index is young.

Whatever is due is asked for again once the index is held: another worker may have done it.
"""

from django.db import connection

from search.index import building, field_terms, project_terms
from search.index.locking import index_transaction, unless_busy
from search.index.merging import merge
from search.index.thresholds import DEFAULT, Thresholds
from search.models import Rebuild
from tags import counters, shown_rows, statistics

# Readers pass over what was merged until its space is free again.
VACUUM = "VACUUM (SKIP_LOCKED) search_unindexed, search_tally, search_fold"


def run_once(thresholds: Thresholds = DEFAULT) -> int:
    """Build the index where that is due, else merge a batch; how many changes were merged.

    Waits for nobody: what another process is at is left to it.
    """
    if Rebuild.objects.exists():
        shown_rows.verify(repair=True)
        with unless_busy(), index_transaction(nowait=True) as cursor:
            if Rebuild.objects.exists():
                building.rebuild_within(cursor, thresholds)
        statistics.check_again()
    if project_terms.are_due():
        project_terms.adopt()
    if field_terms.are_due():
        building.adopt_fields(thresholds)
    if counters.are_without_blocks():
        with unless_busy(), index_transaction(nowait=True) as cursor:
            counters.compact(cursor)
    merged = merge(thresholds=thresholds)
    if merged and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(VACUUM)
    return merged
