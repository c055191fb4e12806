"""Releases that are written as they are to be, without a search or a worker."""

import itertools
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from images.models import Image
from search.executor.blocks import Blocks
from taggedimages.datasets import chunks
from taggedimages.datasets.lines import release_digest
from taggedimages.datasets.members import Member
from taggedimages.datasets.models import Dataset, Release, ReleaseState
from taggedimages.datasets.tests.releases import make_dataset

numbers = itertools.count(1)


def member_of(image: Image, **said: Any) -> Member:
    """What a release says of an image, unless it says something else."""
    facts = image.facts
    values: dict[str, Any] = {
        "id": image.pk,
        "uuid": str(image.uuid),
        "name": image.filename,
        "bytes": image.size,
        "format": facts.format,
        "width": facts.width,
        "height": facts.height,
        "sha256": facts.sha256_hex,
        "tags": [],
        "values": [],
        "key": image.key,
    }
    return Member(**values | said)


def kept_release(
    members: Iterable[Member], dataset: Dataset | None = None, **fields: Any
) -> Release:
    """A release of these members."""
    members = sorted(members)
    values: dict[str, Any] = {
        "dataset": dataset or make_dataset(),
        "number": next(numbers),
        "state": ReleaseState.RELEASED,
        "query": {},
        "question": {},
        "author_name": "tests",
        "through": "tests",
        "released_at": timezone.now(),
    }
    release = Release.objects.create(**values | fields)
    writer = chunks.Writer(release.pk)
    writer.add(members)
    written = writer.finish(Blocks.of(member.id for member in members))
    release.members, release.bytes = written.members, written.bytes
    release.digest = release_digest(written.digests)
    release.save()
    return release
