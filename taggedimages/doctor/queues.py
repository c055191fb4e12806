"""What waits for the worker, what it gave up, and whether there is one.

Everything is counted to a bound, and found by an index: it costs the same with ten million images.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from images.models import Facts, Image
from search.models import PendingChange, Rebuild
from taggedimages.changes.models import Change
from taggedimages.changes.models import State as ChangeState
from taggedimages.datasets.models import Erasure, Release, ReleaseState
from taggedimages.doctor import heartbeats
from taggedimages.doctor.findings import Finding, fail, ok, span, warn

WORKER_DO = "See `workers`, and the worker's log: logs/work.log in the data folder under `up`."
MOST = 10_000
# A round of the worker may remove a hundred thousand files or make the index anew.
LONG_ROUND = timedelta(minutes=30)
# Until what is due counts as late, and as left lying.
LATE, LEFT = timedelta(minutes=5), timedelta(hours=1)
# Changes that the index does not know: each search looks at them one by one. A thousand double what
# a search of 40,000 images takes, ten thousand make it twenty times as much.
MANY_PENDING, TOO_MANY_PENDING = 1_000, 10_000
# How long the index may know nothing new before it is told of.
LOOK_AGAIN_SECONDS = 3
# Uploads of one day that were refused, beyond which it is no single client's mistake.
MANY_REFUSED = 100
# Why a file is of no use that was there, by the word that its reason begins with.
REASONS = {
    "lost": (
        "files are gone from the bucket",
        "`manage.py reconcile` lists them; put them back from a backup.",
    ),
    "missing": (
        "files were not in the bucket when they were to be read",
        "`manage.py reconcile` lists them; `manage.py reprocess --failed` looks again.",
    ),
    "damaged": (
        "files do not come as they were stored",
        "See the disk of the store; each is tried again by itself.",
    ),
}


def workers() -> Iterator[Finding]:
    """Whether a worker runs, and gets on."""
    living = list(heartbeats.living())
    wrong = []
    for worker in living:
        took = worker.beat_at - worker.round_began_at
        if took > LONG_ROUND:
            said = f"The {worker} is in one round of work since {span(took.total_seconds())}."
            do = "See its log; if that says nothing new, end it: another takes over what it has."
            wrong.append(warn(said, do))
    for worker in heartbeats.lost()[:5]:
        silent = span((timezone.now() - worker.beat_at).total_seconds())
        said = f"The {worker} was last heard of {silent} ago, and did not end as it was asked to."
        do = "See whether it was killed (for want of memory?), is stopped, or lost the database."
        wrong.append(warn(said, do))
    yield from wrong
    if not living:
        do = "Start `manage.py up`, or `manage.py work` where database and bucket are managed."
        yield fail("No worker runs: nothing is inspected, indexed or removed.", do)
    elif not wrong:
        yield ok(f"{len(living)} workers run." if len(living) > 1 else f"The {living[0]} runs.")


def index() -> Iterator[Finding]:
    """How much the tag index does not know yet, and whether that becomes less."""
    asked = Rebuild.objects.order_by("asked_at").first()
    if asked and (since := timezone.now() - asked.asked_at) > LATE:
        said = f"The tag index is to be made anew since {span(since.total_seconds())}."
        yield warn(said, f"{WORKER_DO} By hand: `manage.py tagindex --rebuild`.")
    pending = _count(PendingChange.objects.all(), TOO_MANY_PENDING)
    said = f"{_told(pending, TOO_MANY_PENDING)} changes wait to come into the tag index"
    if pending > TOO_MANY_PENDING:
        yield fail(f"{said}: searches are slow.", WORKER_DO)
    elif pending > MANY_PENDING:
        yield warn(f"{said}: searches become slow.", WORKER_DO)
    elif pending and not _gets_on():
        yield warn(f"{said}, and have not for {LOOK_AGAIN_SECONDS} seconds.", WORKER_DO)
    else:
        yield ok(f"{said}.")


def _gets_on() -> bool:
    """Whether the change that has waited longest is merged within some seconds."""
    oldest = PendingChange.objects.order_by("id").values_list("id", flat=True)[:1]
    first = list(oldest)
    until = time.monotonic() + LOOK_AGAIN_SECONDS
    while first and list(oldest) == first:
        if time.monotonic() > until:
            return False
        time.sleep(0.25)
    return True


def uploads() -> Iterator[Finding]:
    """Files that came and were not looked at, and records whose time has come."""
    due = Image.objects.filter(check_at__lt=timezone.now())
    oldest = due.order_by("check_at").values_list("check_at", flat=True).first()
    if oldest is None:
        yield ok("No file waits to be looked at.")
        return
    late = timezone.now() - oldest
    count = _told(_count(due, MOST), MOST)
    said = f"{count} images wait for the worker, the first since {span(late.total_seconds())}."
    if late > LEFT:
        yield fail(said, WORKER_DO)
    elif late > LATE:
        do = f"{WORKER_DO} Where it is only busy: `manage.py work --processes 4`."
        yield warn(said, do)
    else:
        yield ok(said)


def failed_uploads() -> Iterator[Finding]:
    """Files that are lost or damaged, and uploads that were refused of late."""
    refused = Image.objects.filter(upload_error__gt="", deleted_at=None)
    unreadable = Facts.objects.filter(problem__gt="", image__deleted_at=None)
    wrong = []
    for word, (says, do) in REASONS.items():
        found = _count(refused.filter(upload_error__startswith=f"{word}:"), MOST)
        found += _count(unreadable.filter(problem__startswith=f"{word}:"), MOST)
        if found:
            wrong.append(fail(f"{_told(found, MOST)} {says}.", do))
    day = timezone.now() - timedelta(days=1)
    count = _count(refused.filter(created_at__gt=day), MOST)
    said = f"{_told(count, MOST)} uploads of the last day were refused."
    if count > MANY_REFUSED:
        do = "The admin lists them with their reasons: images, upload: file was refused."
        wrong.append(warn(said, do))
    yield from wrong or [ok(said)]


def changes() -> Iterator[Finding]:
    """Bulk changes that do not get on, or wait for somebody."""
    now = timezone.now()
    under_way = Change.objects.filter(state__in=[ChangeState.PLANNING, ChangeState.APPLYING])
    stuck = under_way.filter(updated_at__lt=now - LATE).order_by("updated_at")
    wrong = [
        warn(
            f"Change {change.pk} is {change.state} and has not got on for "
            f"{span((now - change.updated_at).total_seconds())}.",
            f"{WORKER_DO} `manage.py changes show {change.pk}` says what holds it up.",
        )
        for change in stuck[:5]
    ]
    halted = Change.objects.filter(state__in=[ChangeState.STOPPED, ChangeState.FAILED])
    ids = list(halted.order_by("-id").values_list("id", flat=True)[:6])
    if ids:
        named = ", ".join(map(str, ids[:5])) + (", …" if len(ids) > 5 else "")
        do = "`manage.py changes show ID` says why; then `resume`, `undo` or `discard` it."
        wrong.append(warn(f"Changes failed or were stopped half-way: {named}.", do))
    yield from wrong or [ok(f"{_count(under_way, MOST)} changes are under way.")]


def releases() -> Iterator[Finding]:
    """Releases that are not built."""
    now = timezone.now()
    building = Release.objects.filter(state=ReleaseState.BUILDING)
    late = building.filter(Q(created_at__lt=now - LEFT) | Q(attempts__gt=3)).order_by("id")
    wrong = [
        warn(
            f"Release {release.number} of {release.dataset.name} is being built since "
            f"{span((now - release.created_at).total_seconds())}, in {release.attempts} attempts."
            f"{f' {release.problem}' if release.problem else ''}",
            WORKER_DO,
        )
        for release in late.select_related("dataset")[:5]
    ]
    yield from wrong or [ok(f"{_count(building, MOST)} releases are being built.")]


def removals() -> Iterator[Finding]:
    """Erasures that are not done, and trash that is not emptied."""
    now = timezone.now()
    wrong = []
    erasures = Erasure.objects.filter(done_at=None, last_at__lt=now - LEFT, due_at__lt=now - LEFT)
    if count := _count(erasures, MOST):
        said = f"{count} images are to be erased for good, and are not yet."
        wrong.append(fail(said, f"{WORKER_DO} The store may be away (`store`)."))
    kept_until = now - timedelta(seconds=settings.TRASH_SECONDS) - timedelta(days=1)
    trash = Image.objects.filter(trashed_at__lt=kept_until, deleted_at=None)
    if count := _count(trash, MOST):
        said = f"{count} images are in the trash for longer than TAGGEDIMAGES_TRASH_SECONDS."
        wrong.append(warn(said, f"{WORKER_DO} By hand: `manage.py purge --apply`."))
    yield from wrong or [ok("Nothing is left that should have been removed.")]


def _count(rows: QuerySet[Any, Any], most: int) -> int:
    """How many there are, to one more than `most`."""
    return rows.order_by()[: most + 1].count()


def _told(count: int, most: int) -> str:
    return f"more than {most:,}" if count > most else f"{count:,}"
