"""Images with groups, and releases that are divided, for the tests of splits."""

import hashlib
import itertools
import json
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from images import keys
from images.models import Facts, Image
from taggedimages.datasets import chunks
from taggedimages.datasets.models import Dataset, Release
from taggedimages.datasets.tests.releases import make_dataset
from taggedimages.identity.models import default_project_id

numbers = itertools.count(1)
BY_PATIENT = {"filename": "^([^_]+)_"}
EIGHTY = {"train": 80, "validation": 10, "test": 10}


def patients(names: Iterable[str], **facts: Any) -> list[Image]:
    """A ready image for each name of a patient, in whose filename it is; very many at once."""
    now, project = timezone.now(), default_project_id()
    times = {"created_at": now, "uploaded_at": now, "processed_at": now}
    made = []
    for name in names:
        filename = f"{name}_{next(numbers)}.png"
        key = keys.archived(keys.new_key(filename, now))
        values = {"filename": filename, "name": filename, "key": key, "size": 9}
        made.append(Image(project_id=project, **values, **times))
    images = Image.objects.bulk_create(made)
    seen = {"format": "png", "media_type": "image/png", "width": 8, "height": 6} | facts
    Facts.objects.bulk_create(
        Facts(image=image, **{"sha256": hashlib.sha256(str(image.pk).encode()).digest()} | seen)
        for image in images
    )
    return images


def grouped(salt: int = 1, group: dict[str, Any] | None = BY_PATIENT) -> Dataset:
    """A data set with a salt that is the same each time: who is where is no accident."""
    dataset = make_dataset(group=group)
    dataset.salt = bytes([salt]) * 32
    dataset.save()
    return dataset


def members_of(release: Release) -> list[dict[str, Any]]:
    """What the lines of a release say."""
    assert release.state == "released", (release.problem, release.refusal)
    return [json.loads(line) for chunk in chunks.of(release.pk) for line in chunks.lines_in(chunk)]


def splits_of(release: Release) -> dict[int, str]:
    """The split of each member by its id."""
    return {member["id"]: member["split"] for member in members_of(release)}


def patients_in(release: Release) -> dict[str, str]:
    """The split of each patient by name."""
    return {member["name"].split("_")[0]: member["split"] for member in members_of(release)}
