"""The condition `failing` of searches: images that break at least one rule of a contract."""

from search.executor.blocks import Blocks
from search.query import Query
from search.query.conditions import Condition
from taggedimages.datasets.contracts import reports, rights
from taggedimages.datasets.contracts.keeping import latest_of
from taggedimages.datasets.contracts.models import Contract
from taggedimages.datasets.contracts.reports import When


def failing(contract_id: int, query: Query, among: Blocks | None) -> Blocks:
    """Those of some images, or of all that are current, that a contract's latest version fails, by
    the tags that a query goes by; none where the contract is no longer there."""
    if not Contract.objects.filter(pk=contract_id, deleted_at=None).exists():
        return Blocks()
    version = latest_of([contract_id])[contract_id]
    return reports.failing(version, among, When.of_query(query))


FAILING = Condition(rights.number, failing)
