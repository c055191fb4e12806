"""Releases: their lines with digest and signature, and their files."""

from collections.abc import Iterator

from taggedimages.datasets import verifying
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.datasets.v1.verify_view import told
from taggedimages.datasets.verifying import Named, Verified
from taggedimages.verification.outcomes import Outcome

RESTORE = "What was released is in a backup of then (docs/holding.md)."


def releases(deep: bool) -> Iterator[Outcome]:
    """All releases that stand, and those that are retired. Raises storage.StorageUnavailable."""
    states = [ReleaseState.RELEASED, ReleaseState.RETIRED]
    found = Release.objects.filter(state__in=states).select_related("dataset")
    for release in found.order_by("dataset__name", "number").iterator(chunk_size=100):
        yield verified(release, deep)


def verified(release: Release, deep: bool) -> Outcome:
    """A look at all of a release. Raises storage.StorageUnavailable."""
    found = verifying.verify(release, deep=deep)
    name = f"{release.dataset.name}@{release.number}"
    do = "" if found.ok else RESTORE
    return Outcome("releases", found.ok, f"{name}: {sentence(found)}", do, told(release, found))


def sentence(found: Verified) -> str:
    """What was found, on a line."""
    parts = [f"{found.members:,} members"]
    parts += [f"{found.erased:,} erased"] if found.erased else []
    parts += [listed("gone since it was retired", found.gone)] if found.gone.count else []
    parts += [listed("missing", found.missing)] if found.missing.count else []
    parts += [listed("changed", found.changed)] if found.changed.count else []
    return f"{', '.join(parts)}; {' '.join(found.problems) or 'its lines are as signed'}"


def listed(kind: str, images: Named) -> str:
    """How many images there are of a kind, and which."""
    ids = ", ".join(map(str, images.images))
    return f"{images.count:,} {kind} ({ids}{', …' if images.count > len(images.images) else ''})"
