"""Existing files become images with tags, a batch to a transaction, two batches at a time.

A file is known again by its key, so an import that was interrupted goes on where it was, and one
that is repeated changes nothing: neither a record nor the tags that people gave it since. Whatever
is wrong with one file is told of it, and the others are imported.
"""

import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from django.db import connection
from django.utils import timezone

from images import file_names, keys
from images.inserts import File, register
from images.models import Image
from images.sources import Found, PassedOver, Source, unreadable
from images.visibility import default_visibility
from taggedimages.identity.authors import Author
from taggedimages.identity.models import Project
from taggedimages.quoting import escaped
from taggedimages.transactions import retried
from tags import history, names, resolving, tagging
from tags.manifest_files import BadRow
from tags.manifests import Row
from tags.path_tags import TagsOf

FILES_PER_BATCH = 5_000
# Batches that are written at once, each by a connection of its own.
WRITERS = 2
# Files that travel at once.
TRANSFERS = 8
FILENAME_LENGTH = 255
KEY_BYTES = 1024

Known = Row | PassedOver | BadRow


@dataclass
class Import:
    """One import: from where, who does it, for which project, and how far it is."""

    source: Source
    by: Author
    project: Project
    change_id: uuid.UUID = field(default_factory=uuid.uuid4)
    # The change of many images that it is, and who is told, in the same transaction, of those made.
    bulk: int | None = None
    on_images: Callable[[Collection[int]], None] | None = None
    images: int = 0
    links: int = 0
    known: int = 0
    problems: int = 0
    # Of systems and programs, or no files.
    passed_over: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a batch."""

    images: int
    links: int
    known: int
    passed_over: list[str]
    problems: list[str]


def listed(source: Source, tags_of: TagsOf) -> Iterator[Known]:
    """All files of a source, with the tags that their paths tell."""
    for found in source.everything():
        yield found if isinstance(found, PassedOver) else _tagged(found, tags_of)


def _tagged(found: Found, tags_of: TagsOf) -> Row | BadRow:
    try:
        found.path.encode()
        return Row(found.path, tags_of(found.path), found=found)
    except UnicodeEncodeError:
        return BadRow(f"{escaped(found.path)}: the name is not UTF-8")
    except names.BadName as error:
        return BadRow(f"{escaped(found.path)}: a folder is no name of a tag: {error}")


def run(task: Import, rows: Iterable[Known]) -> Iterator[list[str]]:
    """Import batch by batch; yields after each, with what was not imported and why.

    Batches after one that fails may be imported all the same. Raises storage.StorageUnavailable.
    """
    rows = iter(rows)
    under_way: deque[Future[Outcome]] = deque()
    with ThreadPoolExecutor(TRANSFERS) as transfers, ThreadPoolExecutor(WRITERS) as writers:
        # The next batch is read here while those before it are written.
        while batch := list(islice(rows, FILES_PER_BATCH)):
            under_way.append(writers.submit(_written, task, batch, transfers))
            if len(under_way) > WRITERS:
                yield _counted(task, under_way.popleft().result())
        while under_way:
            yield _counted(task, under_way.popleft().result())


def _counted(task: Import, outcome: Outcome) -> list[str]:
    task.images += outcome.images
    task.links += outcome.links
    task.known += outcome.known
    task.problems += len(outcome.problems)
    task.passed_over += len(outcome.passed_over)
    return outcome.passed_over + outcome.problems


def _written(task: Import, batch: list[Known], transfers: Executor) -> Outcome:
    try:
        return _import(task, batch, transfers)
    finally:
        # Each thread has its own, which nobody else closes.
        connection.close()


def _import(task: Import, batch: list[Known], transfers: Executor) -> Outcome:
    over = [row for row in batch if isinstance(row, PassedOver)]
    told = [f"{escaped(row.path)}: {row.why}" for row in over if not row.is_usual]
    problems = [str(row) for row in batch if isinstance(row, BadRow)] + told
    rows = {task.source.key(row.path): row for row in batch if isinstance(row, Row)}
    fresh = _unknown(rows)
    brought = _brought(task.source, list(fresh.values()), transfers)
    files = []
    for (key, row), found in zip(fresh.items(), brought, strict=True):
        if isinstance(found, str):
            problems.append(f"{row}: {found}")
        else:
            files.append(_file(key, row, found))
    # New tags in transactions of their own: another batch that has one of them waits for its end.
    every = {name for file in files for name in fresh[file.key].tags}
    with history.signed(task.by, task.change_id):
        resolving.identified(every, task.by.user, exact=task.by.writes_exact_names)
    images, links = _register(task, files, fresh)
    # What another import has made meanwhile is known too.
    known = len(rows) - len(fresh) + len(files) - images
    usual = [f"{escaped(row.path)}: passed over, {row.why}" for row in over if row.is_usual]
    return Outcome(images, links, known, usual, problems)


def _unknown(rows: dict[str, Row]) -> dict[str, Row]:
    # An object may lie where an upload put it while its record has moved on.
    both = [*rows, *map(keys.archived, rows)]
    known = set(Image.objects.filter(key__in=both).values_list("key", flat=True))
    return {
        key: row
        for key, row in rows.items()
        if key not in known and keys.archived(key) not in known
    }


def _brought(source: Source, rows: list[Row], transfers: Executor) -> Iterator[Found | str]:
    waits = not source.stays or any(row.size is None for row in rows)
    return (transfers.map if waits else map)(partial(_bring, source), rows)


def _bring(source: Source, row: Row) -> Found | str:
    """The file, now in our bucket; or why it is not."""
    if len(_filename(row)) > FILENAME_LENGTH or len(source.key(row.path).encode()) > KEY_BYTES:
        return "the name is too long"
    if why := file_names.fault(_filename(row)):
        return why
    try:
        found = _looked_at(source, row)
        if found is None:
            return "there is no such file"
        if row.size is not None and row.size != found.size:
            return f"{row.size} bytes are stated and {found.size} are there"
        if not found.size:
            return "is empty"
        return found if source.bring(found) else "changed while it was copied"
    except OSError as error:
        return unreadable(error)


def _looked_at(source: Source, row: Row) -> Found | None:
    if row.size is not None and source.stays:
        # The manifest knows, and asking the store for each would take long.
        return Found(row.path, row.size, row.uploaded_at or row.created_at or timezone.now())
    return row.found or source.look(row.path)


@retried
def _register(task: Import, files: list[File], rows: dict[str, Row]) -> tuple[int, int]:
    """Make the records with their tags; the numbers of both."""
    # The worker looks at what they are.
    common = Image(created_by=task.by.user, project=task.project, check_at=timezone.now())
    with history.signed(task.by, task.change_id, task.bulk):
        made = register(files, common)
        links = tagging.link_new([(made[key], rows[key].tags) for key in made], task.by)
        if made and task.on_images:
            task.on_images(made.values())
    return len(made), links


def _file(key: str, row: Row, found: Found) -> File:
    return File(
        key=key,
        filename=_filename(row),
        description=row.description,
        size=found.size,
        visibility=default_visibility() if row.visibility is None else row.visibility,
        created_at=row.created_at or found.modified_at,
        uploaded_at=row.uploaded_at or found.modified_at,
    )


def _filename(row: Row) -> str:
    return row.path.rpartition("/")[2]
