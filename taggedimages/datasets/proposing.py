"""A release is asked for: judged at once where few images are found, and built by the worker."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max

from search.query import Query
from search.query.conditions import settled
from taggedimages.changes import questions
from taggedimages.changes.rights import viewer_of
from taggedimages.datasets.collecting import Collector, results
from taggedimages.datasets.contracts import gate
from taggedimages.datasets.models import Dataset, Release, ReleaseState, Unready
from taggedimages.datasets.refusals import TooManyBuilding
from taggedimages.datasets.snapshots import one_state
from taggedimages.identity.authors import Author
from taggedimages.transactions import retried

# Images that are judged while the caller waits.
AT_ONCE_MOST = 20_000
# Releases of one project that may wait for the worker.
BUILDING_MOST = 20


@dataclass(frozen=True)
class Proposal:
    """What is asked of a release; `sent` are the conditions of the query as they came."""

    query: Query
    sent: dict[str, Any]
    as_of: datetime | None = None
    splits: dict[str, Any] | None = None
    contracts: list[str] = field(default_factory=list)
    waive: dict[str, str] = field(default_factory=dict)
    unready: str = Unready.REFUSE


def propose(dataset: Dataset, asked: Proposal, by: Author) -> Release:
    """A release that waits for the worker; what is refused takes no number.

    Raises Refused, TooManyBuilding, BadContract, search.query.conditions.Unknown.
    """
    release = Release(
        dataset=dataset,
        query=asked.sent,
        question=questions.written(settled(asked.query, viewer_of(by))),
        as_of=asked.as_of,
        splits=asked.splits,
        contracts=asked.contracts,
        waive=asked.waive,
        unready=asked.unready,
        author=by.user,
        author_name=by.name,
        is_operator=by.is_operator,
        through=by.through,
    )
    gate.known(release.contracts, release.waive, dataset.project_id)
    if results(release, by).count() <= AT_ONCE_MOST:
        _judge(release, by)
    return _numbered(release)


def _judge(release: Release, by: Author) -> None:
    """Raise Refused where the worker would refuse it now."""
    with one_state(read_only=True):
        collector = Collector(release, by)
        for _ in collector.lots():
            pass
        collector.finish()


@retried
def _numbered(release: Release) -> Release:
    """The release with the number that follows, which no other gets meanwhile."""
    dataset = Dataset.objects.select_for_update(no_key=True).get(pk=release.dataset_id)
    building = Release.objects.filter(
        state=ReleaseState.BUILDING, dataset__project=dataset.project_id
    )
    if building.count() >= BUILDING_MOST:
        raise TooManyBuilding(f"{BUILDING_MOST} releases of the project wait to be built.")
    before = dataset.releases.aggregate(last=Max("number"))["last"] or 0
    release.pk, release.number = None, before + 1
    release.save(force_insert=True)
    return release
