"""The one door through which the links between images and tags change.

Every function locks the image first, so that concurrent edits of one image happen one after the
other, and signs the ledger. Images are told apart by id; names are made into tags when absent.
"""

from collections.abc import Iterable, Sequence

from django.db import connection

from images.models import Image
from taggedimages.identity.authors import Author
from taggedimages.transactions import retried
from tags import history, names
from tags.models import ImageTag, Tag

LINK = """
INSERT INTO tags_imagetag (uuid, user_id, image_id, tag_id, value)
SELECT gen_random_uuid(), %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::text[])
"""


def resolve(wanted: Iterable[str]) -> list[Tag]:
    """The tags of these exact names in this order, made where absent.

    Inserting in one sorted statement keeps concurrent requests from locking each other out.
    """
    wanted = names.distinct(list(wanted))
    found = {tag.name: tag for tag in Tag.objects.filter(name__in=wanted)}
    if missing := sorted(set(wanted) - found.keys()):
        new = [Tag(name=name, folded=names.folded(name)) for name in missing]
        Tag.objects.bulk_create(new, ignore_conflicts=True)
        found |= {tag.name: tag for tag in Tag.objects.filter(name__in=missing)}
    return [found[name] for name in wanted]


@retried
def tag(image: Image, wanted: Iterable[str], by: Author) -> list[Tag]:
    """Add tags by name; links that exist stay as they are. Returns the tags named."""
    with history.signed(by):
        _lock(image)
        tags = resolve(wanted)
        _link(image, tags, by)
        return tags


@retried
def retag(image: Image, wanted: Iterable[str], by: Author) -> None:
    """Make these names the image's tags: a diff, so that links that stay keep what they hold."""
    with history.signed(by):
        _lock(image)
        tags = resolve(wanted)
        links = ImageTag.objects.filter(image=image)
        links.exclude(tag__in=[tag.pk for tag in tags]).delete()
        _link(image, tags, by)


@retried
def untag(image: Image, tag_ids: Iterable[int], by: Author) -> int:
    """Remove links; returns how many there were."""
    with history.signed(by):
        _lock(image)
        removed, _ = ImageTag.objects.filter(image=image, tag_id__in=list(tag_ids)).delete()
        return removed


@retried
def set_values(image: Image, values: dict[str, str], by: Author) -> None:
    """Give the image these tags with these values; a tag it has gets the new value."""
    with history.signed(by):
        _lock(image)
        tags = resolve(values)
        ImageTag.objects.bulk_create(
            [ImageTag(image=image, tag=tag, value=values[tag.name], user=by.user) for tag in tags],
            update_conflicts=True,
            unique_fields=["image", "tag"],
            update_fields=["value"],
        )


def link_new(tagged: Sequence[tuple[int, dict[str, str]]], by: Author) -> int:
    """Give images that nobody knows yet, by id, their tags with values; returns the number.

    One statement however many they are, within the caller's `history.signed`: new images need no
    lock.
    """
    wanted = {name for _, tags in tagged for name in tags}
    ids = dict(Tag.objects.filter(name__in=wanted).values_list("name", "pk"))
    ids |= {tag.name: tag.pk for tag in resolve(wanted - ids.keys())}
    links = [(image, ids[name], value) for image, tags in tagged for name, value in tags.items()]
    if links:
        with connection.cursor() as cursor:
            columns = [list(column) for column in zip(*links, strict=True)]
            cursor.execute(LINK, [by.user.pk if by.user else None, *columns])
    return len(links)


def _lock(image: Image) -> None:
    # NO KEY: inserting a link must not wait for it.
    list(Image.objects.select_for_update(no_key=True).filter(pk=image.pk).values_list("pk"))


def _link(image: Image, tags: list[Tag], by: Author) -> None:
    ImageTag.objects.bulk_create(
        [ImageTag(image=image, tag=tag, user=by.user) for tag in tags], ignore_conflicts=True
    )
