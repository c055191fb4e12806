"""Renaming where aliases are gone by: the old name may go on resolving, and be taken back.

In the APIs that know no aliases it is `tags.curation.rename`, by exact names.
"""

from django.db import connection, transaction

from images.models import Image
from images.visibility import EVERYBODY
from taggedimages.identity.authors import Author
from taggedimages.transactions import retried
from tags import curation, history, names
from tags.models import AudienceTag, ImageTag, Implication, Tag

# Links that move from an alias within a request; of more, a merge moves them.
MOVED_LINKS_MAX = 2_000

# Of an image that has both, the target's link stays; it takes a value where it has none.
TAKE_VALUES = """
UPDATE tags_imagetag k SET value = l.value FROM tags_imagetag l
WHERE l.tag_id = %(alias)s AND k.tag_id = %(tag)s AND k.image_id = l.image_id
AND k.value = '' AND l.value <> ''
"""
MOVE = """
UPDATE tags_imagetag l SET tag_id = %(tag)s WHERE tag_id = %(alias)s AND NOT EXISTS (
    SELECT FROM tags_imagetag k WHERE k.image_id = l.image_id AND k.tag_id = %(tag)s)
"""


class TooManyLinks(Exception):
    """An alias is on more images than links are moved of at once."""


@retried
def rename(tag: Tag, name: str, by: Author, *, keep_old: bool = False) -> Tag:
    """Give a tag another name on every image; with `keep_old` the one it had becomes an alias.

    An alias of its own gives its name back, and is gone: the links that others wrote under that
    name are the tag's from then on, as they are. Raises names.BadName, TooManyLinks,
    curation.TagNameTaken, Tag.DoesNotExist.
    """
    name = name if name == tag.name else names.entered(name)
    with transaction.atomic(), history.signed(by):
        alias = Tag.objects.filter(name=name, alias_of=tag.pk).first()
        if alias is not None:
            images = images_to_move(alias)
            # Before both tags, as whoever tags an image locks it.
            own = Image.objects.select_for_update(no_key=True).filter(pk__in=images)
            list(own.order_by("pk").values_list("pk"))
        both = [tag.pk] if alias is None else [tag.pk, alias.pk]
        locked = Tag.objects.select_for_update().filter(pk__in=both).order_by("pk")
        found = {one.pk: one for one in locked}
        if tag.pk not in found:
            raise Tag.DoesNotExist("The tag has been deleted.")
        held = found[tag.pk]
        if name == held.name:
            return held
        old = Tag(
            name=held.name,
            folded=held.folded,
            alias_of_id=held.pk if held.alias_of_id is None else held.alias_of_id,
            told=False,
            was_told=_is_told(held),
        )
        if alias is not None and alias.pk in found:
            _absorb(found[alias.pk], held)
        curation.rename(held, name, by)
        if keep_old:
            old.save(force_insert=True)
        return held


def images_to_move(alias: Tag) -> list[int]:
    """The ids of the images that have an alias itself. Raises TooManyLinks."""
    links = ImageTag.objects.filter(tag=alias.pk).values_list("image_id", flat=True)
    images = list(links[: MOVED_LINKS_MAX + 1])
    if len(images) > MOVED_LINKS_MAX:
        raise TooManyLinks(
            f"More than {MOVED_LINKS_MAX:,} images have {alias.name!r} itself: merge it first."
        )
    return images


def _is_told(tag: Tag) -> bool:
    """Whether everybody has been shown its name."""
    return tag.told or AudienceTag.objects.filter(audience=EVERYBODY, tag=tag.pk).exists()


def _absorb(alias: Tag, tag: Tag) -> None:
    """Give a tag all that one of its aliases has, and delete that."""
    if alias.alias_of_id != tag.pk:
        return
    with connection.cursor() as cursor:
        for statement in (TAKE_VALUES, MOVE):
            cursor.execute(statement, {"alias": alias.pk, "tag": tag.pk})
    _move_implications(alias, tag)
    Tag.objects.filter(pk=alias.pk).delete()


def _move_implications(alias: Tag, tag: Tag) -> None:
    pairs = [
        *((tag.pk, one.parent_id) for one in Implication.objects.filter(child=alias.pk)),
        *((one.child_id, tag.pk) for one in Implication.objects.filter(parent=alias.pk)),
    ]
    Implication.objects.bulk_create(
        [
            Implication(child_id=child, parent_id=parent)
            for child, parent in pairs
            if child != parent
        ],
        ignore_conflicts=True,
    )
