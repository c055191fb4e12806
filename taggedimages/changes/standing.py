"""How a change stands to others: what has undone it, and what it waits for."""

from django.db.models import OuterRef, Q, QuerySet, Subquery

from taggedimages.changes.models import Change, Kind, State


def with_standing(changes: QuerySet[Change]) -> QuerySet[Change]:
    """The changes with `undone_by`, the newest undo of each that has begun, and `waiting_for`, the
    change that is applied before it: None where there is none."""
    undos = Change.objects.filter(of=OuterRef("pk"), state__in=[State.APPLYING, State.APPLIED])
    first = (
        Change.objects.filter(project=OuterRef("project"), state=State.APPLYING)
        .exclude(kind=Kind.IMPORT)
        .order_by("queued_at", "id")
    )
    waits = first.filter(
        Q(queued_at__lt=OuterRef("queued_at"))
        | Q(queued_at=OuterRef("queued_at"), pk__lt=OuterRef("pk"))
    )
    return changes.annotate(
        undone_by=Subquery(undos.order_by("-id").values("pk")[:1]),
        waiting_for=Subquery(waits.values("pk")[:1]),
    )
