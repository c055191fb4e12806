"""Existing files become images with tags, a batch to a transaction.

A file is known again by its key, so an import that was interrupted goes on where it was, and one
that is repeated changes nothing: neither a record nor the tags that people gave it since.
"""

import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from django.utils import timezone

from images import keys
from images.models import Image
from images.sources import Found, Source
from taggedimages.identity.authors import Author
from taggedimages.identity.models import Project
from taggedimages.transactions import retried
from tags import history, tagging
from tags.manifests import BadRow, Known, Row, TagsOf

BATCH = 2_000
# Files that travel at once.
TRANSFERS = 8
FILENAME_LENGTH = 255
KEY_BYTES = 1024


@dataclass
class Import:
    """One import: from where, who does it, for which project, and how far it is."""

    source: Source
    by: Author
    project: Project
    change_id: uuid.UUID = field(default_factory=uuid.uuid4)
    images: int = 0
    links: int = 0
    known: int = 0
    problems: int = 0


@dataclass(frozen=True)
class Candidate:
    """A file and what is known of it."""

    key: str
    row: Row
    found: Found


def listed(source: Source, tags_of: TagsOf) -> Iterator[Row]:
    """All files of a source, with the tags that their paths tell."""
    for found in source.everything():
        yield Row(found.path, tags_of(found.path), found=found)


def run(task: Import, rows: Iterable[Known]) -> Iterator[list[str]]:
    """Import batch by batch; yields after each, with what could not be imported.

    Raises storage.StorageUnavailable.
    """
    rows = iter(rows)
    with ThreadPoolExecutor(TRANSFERS + 1) as pool:
        # The next batch is read while the database works on this one.
        coming = pool.submit(_next, rows)
        while batch := coming.result():
            coming = pool.submit(_next, rows)
            problems = _import(task, batch, pool)
            task.problems += len(problems)
            yield problems


def _next(rows: Iterator[Known]) -> list[Known]:
    return list(islice(rows, BATCH))


def _import(task: Import, batch: list[Known], pool: Executor) -> list[str]:
    problems = [str(row) for row in batch if isinstance(row, BadRow)]
    rows = {task.source.key(row.path): row for row in batch if isinstance(row, Row)}
    fresh = _unknown(rows)
    task.known += len(rows) - len(fresh)
    candidates = []
    for key, found in zip(
        fresh, pool.map(partial(_bring, task.source), fresh.values()), strict=True
    ):
        if isinstance(found, str):
            problems.append(f"{fresh[key].path}: {found}")
        else:
            candidates.append(Candidate(key, fresh[key], found))
    links = _register(task, candidates)
    task.images += len(candidates)
    task.links += links
    return problems


def _unknown(rows: dict[str, Row]) -> dict[str, Row]:
    # An object may lie where an upload put it while its record has moved on.
    both = [*rows, *map(keys.archived, rows)]
    known = set(Image.objects.filter(key__in=both).values_list("key", flat=True))
    return {
        key: row
        for key, row in rows.items()
        if key not in known and keys.archived(key) not in known
    }


def _bring(source: Source, row: Row) -> Found | str:
    """The file, now in our bucket; or why it is not."""
    if len(_filename(row)) > FILENAME_LENGTH or len(source.key(row.path).encode()) > KEY_BYTES:
        return "the name is too long"
    if row.size is not None and source.stays:
        # The manifest knows, and asking the store for each would take long.
        return Found(row.path, row.size, row.uploaded_at or row.created_at or timezone.now())
    found = row.found or source.look(row.path)
    if found is None:
        return "there is no such file"
    if row.size is not None and row.size != found.size:
        return f"{row.size} bytes are stated and {found.size} are there"
    return found if source.bring(found) else "changed while it was copied"


@retried
def _register(task: Import, candidates: list[Candidate]) -> int:
    with history.signed(task.by, task.change_id):
        images = [_image(task, candidate) for candidate in candidates]
        Image.objects.bulk_create(images)
        tagged = zip(images, (candidate.row.tags for candidate in candidates), strict=True)
        return tagging.link_new([(image.pk, tags) for image, tags in tagged], task.by)


def _image(task: Import, candidate: Candidate) -> Image:
    row, found = candidate.row, candidate.found
    filename = _filename(row)
    return Image(
        filename=filename,
        name=filename,
        description=row.description,
        key=candidate.key,
        size=found.size,
        private=row.private,
        created_by=task.by.user,
        project=task.project,
        created_at=row.created_at or found.modified_at,
        uploaded_at=row.uploaded_at or found.modified_at,
        # The worker looks at what it is.
        check_at=timezone.now(),
    )


def _filename(row: Row) -> str:
    return row.path.rpartition("/")[2]
