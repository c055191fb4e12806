"""Whose members are withheld: what turned private since is shown to nobody who may not see it.

Deletion and ends withhold nothing. An image whose record is gone is withheld: nobody can say any
more who may see it. What was erased is withheld from everybody, in the lines themselves
(contract of releases, the digest).
"""

from collections.abc import Sequence
from typing import NamedTuple

from django.db.models import BooleanField, Max, Min
from django.db.models.expressions import RawSQL

from images.models import Image
from images.visibility import Viewer
from search.index.bits import block_of, is_set
from search.models import BLOCK
from taggedimages.datasets.models import MemberSet, Release, ReleaseState
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import compose
from taggedimages.postgresql.routing import read_connection

COLUMNS = (
    "pk",
    "key",
    "filename",
    "facts__format",
    "facts__media_type",
    "facts__problem",
    "deleted_at",
)
OF_IDS = "images_image.id = ANY(%s::bigint[])"
# Half a million ids, which are counted in a part of the time that a statement has.
BLOCKS_AT_A_TIME = 64
# Asks for open images, and for the number of a release.
OPEN_MEMBERS = compose(
    """
SELECT count(*) FROM ({{images}}) opened (id) JOIN datasets_set s ON s.block = {block}
WHERE s.release_id = %s AND {is_member}
""",
    block=block_of("opened.id"),
    is_member=is_set("s.bits", "opened.id"),
).text


class File(NamedTuple):
    """Where the file of a member is and as what it is handed out; `format` and `media_type` are
    None where it is only saved, never shown."""

    key: str
    name: str
    format: str | None
    media_type: str | None
    is_deleted: bool


def open_files(images: Sequence[int], viewer: Viewer) -> dict[int, File]:
    """The files of those of some images that a viewer may see, ended and deleted ones too, by id.
    One statement."""
    # Thousands of parameters would take longer to write than what they ask for.
    ids = RawSQL(OF_IDS, [array(images)], BooleanField())  # noqa: S611  written above
    found = Image.objects.filter(viewer.image_q(), ids).values_list(*COLUMNS)
    # As the driver has them: each value has its type already.
    with read_connection().cursor() as cursor:
        cursor.execute(*found.query.sql_with_params())
        rows = cursor.fetchall()
    return {
        image: File(key, name, None if fault else form, None if fault else kind, bool(deleted))
        for image, key, name, form, kind, fault, deleted in rows
    }


def count(release: Release, viewer: Viewer) -> int:
    """How many members are withheld from a viewer: erased ones, and what the viewer may not see.

    Counted by records, which are right at once, some hundred thousand in a statement.
    """
    if viewer.sees_all and release.state == ReleaseState.RELEASED:
        return release.erased
    blocks = MemberSet.objects.filter(release=release).aggregate(Min("block"), Max("block"))
    first, last = blocks["block__min"], blocks["block__max"]
    if first is None:
        return release.members
    parts = range(first, last + 1, BLOCKS_AT_A_TIME)
    return release.members - sum(_count_open(release, viewer, block) for block in parts)


def _count_open(release: Release, viewer: Viewer, block: int) -> int:
    """How many of the members from a block on are open to a viewer."""
    ids = {"pk__gte": block * BLOCK, "pk__lt": (block + BLOCKS_AT_A_TIME) * BLOCK}
    images = Image.objects.filter(viewer.image_q(), **ids).values("pk")
    text, parameters = images.query.sql_with_params()
    with read_connection().cursor() as cursor:
        cursor.execute(OPEN_MEMBERS.format(images=text), [*parameters, release.pk])
        (counted,) = cursor.fetchone()
    return int(counted)
