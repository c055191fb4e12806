"""The one door through which the links between images and tags change.

Every function locks the image first unless it is new, so that concurrent edits of one image happen
one after the other, and signs the ledger. Images are told apart by id; names become tags as
`tags.resolving` has it. All raise restriction.Restricted where a tag that would come or go is not
the author's to use, and restriction.Deprecated where none may get it any more.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

from django.db import connection
from django.db.models import Q, QuerySet

from images.models import Image
from taggedimages.identity.authors import Author
from taggedimages.postgresql.bulk import array, uuids
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.transactions import retried
from tags import history, resolving, restriction, spelling
from tags.models import ImageTag, Tag

# An image's links as every API lists them: their ids count up as they are made.
LINKS_OLDEST_FIRST = ImageTag.objects.select_related("tag").order_by("id")
TAGS_BY_ID = "SELECT id FROM tags_tag WHERE id = ANY(%s::bigint[]) FOR KEY SHARE"
# With what a trigger would look up for each link (migration 0003). The images come from their
# ids alone, so that the plan is the same however many others there are.
INSERT_LINKS = """
INSERT INTO tags_imagetag (uuid, user_id, image_id, tag_id, value, image_created_at, audience)
SELECT l.uuid, %s::bigint, i.id, l.tag_id, l.value, i.created_at, i.audience
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::text[]) WITH ORDINALITY
    AS l (uuid, image_id, tag_id, value, number)
JOIN (
    SELECT id, created_at,
           images_audience(visibility, ended_at, created_by_id, project_id) AS audience
    FROM images_image WHERE id = ANY(%s::bigint[])
) i ON i.id = l.image_id
ORDER BY l.number
"""


# Images, by id, with their tags by name and the values of these.
Tagged = Sequence[tuple[int, dict[str, str]]]


class TooManyTags(Exception):
    """The image would have more tags than the caller lets it have."""


@retried
def tag(image: Image, wanted: Iterable[str], by: Author, at_most: int | None = None) -> list[Tag]:
    """Add tags by name; links that exist stay as they are. Returns the tags named.

    Raises TooManyTags where a tag would be added and the image then had more than `at_most`.
    """
    wanted = spelling.names(wanted)
    _lock(image)
    found = resolving.look_up(wanted, exact=by.writes_exact_names)
    _check_new(image, found.values(), by)
    if at_most is not None:
        _check_room(_values(image), wanted, at_most)
    with history.signed(by):
        tags = resolving.each_once(resolving.made(found, by.user).values())
        _link(image, tags, by)
        return tags


@retried
def tag_new(image: Image, wanted: Iterable[str], by: Author) -> None:
    """Add tags by name to an image that was made in this transaction: nobody else knows it yet."""
    if tags := dict.fromkeys(wanted, ""):
        tagged = [(image.pk, tags)]
        found = _usable(tagged, by)
        with history.signed(by):
            _link_new(tagged, found, by)


@retried
def tag_each(images: Iterable[Image], tags: list[Tag], by: Author) -> None:
    """Add the same tags to many images in one change. Raises Tag.DoesNotExist where one is gone."""
    ids = sorted({image.pk for image in images})
    restriction.check_new(tags, by)
    # In the order of their ids, so that two such changes wait for each other in turn.
    locked = Image.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    there = list(locked.values_list("pk", flat=True))
    _hold(tags)
    with history.signed(by):
        links = [ImageTag(image_id=pk, tag=tag, user=by.user) for pk in there for tag in tags]
        ImageTag.objects.bulk_create(links, ignore_conflicts=True)


@retried
def retag(image: Image, wanted: Iterable[str], by: Author) -> None:
    """Make these names the image's tags: a diff, so that links that stay keep what they hold.

    A link stays too where it has an alias of a tag that is wanted.
    """
    _lock(image)
    found = resolving.look_up(wanted, exact=by.writes_exact_names)
    _check_new(image, found.values(), by)
    known = [tag for tag in found.values() if tag.pk is not None]
    gone = ImageTag.objects.filter(image=image).exclude(_is_one_of(known, by))
    _check_gone(gone, by)
    with history.signed(by):
        tags = resolving.each_once(resolving.made(found, by.user).values())
        gone.delete()
        _link(image, tags, by)


@retried
def link(image: Image, tag: Tag, by: Author) -> tuple[ImageTag, bool]:
    """The link of this pair, and whether it is new; one that exists stays as it is.

    Raises Tag.DoesNotExist where the tag is gone.
    """
    restriction.check_new([tag], by)
    with history.signed(by):
        _lock(image)
        _hold([tag])
        return ImageTag.objects.get_or_create(image=image, tag=tag, defaults={"user": by.user})


@retried
def untag(image: Image, tag_ids: Iterable[int], by: Author) -> int:
    """Remove links; returns how many there were."""
    links = ImageTag.objects.filter(image=image, tag_id__in=list(tag_ids))
    _lock(image)
    _check_gone(links, by)
    with history.signed(by):
        removed, _ = links.delete()
        return removed


@retried
def untag_named(image: Image, values: dict[str, str | None], by: Author) -> int:
    """Remove links by the names of their tags; returns how many there were.

    A value that is given must be the link's; None fits any.
    """
    spelt = spelling.settled(values)
    named = [
        Q(tag__name=spelt[name]) & (Q() if value is None else Q(value=value))
        for name, value in values.items()
    ]
    links = ImageTag.objects.filter(reduce(or_, named), image=image)
    _lock(image)
    _check_gone(links, by)
    with history.signed(by):
        removed, _ = links.delete()
        return removed


@retried
def set_values(
    image: Image, values: dict[str, str], by: Author, at_most: int | None = None
) -> None:
    """Give the image these tags, by their exact names, with these values; a tag it has gets the new
    value.

    Raises TooManyTags where a tag would be added and the image then had more than `at_most`.
    """
    spelt = spelling.settled(values)
    values = {spelt[name]: value for name, value in values.items()}
    _lock(image)
    held = _values(image)
    if at_most is not None:
        _check_room(held, values, at_most)
    changed = {name: value for name, value in values.items() if held.get(name) != value}
    found = resolving.look_up(changed, exact=True)
    restriction.check_new(found.values(), by)
    with history.signed(by):
        tags = resolving.made(found, by.user).values()
        ImageTag.objects.bulk_create(
            [ImageTag(image=image, tag=tag, value=changed[tag.name], user=by.user) for tag in tags],
            update_conflicts=True,
            unique_fields=["image", "tag"],
            update_fields=["value"],
        )


def link_new(tagged: Tagged, by: Author) -> int:
    """Give images that nobody knows yet, by id, their tags with values; returns the number.

    One statement however many they are, within the caller's `history.signed`: new images need no
    lock.
    """
    return _link_new(tagged, _usable(tagged, by), by)


def _usable(tagged: Tagged, by: Author) -> dict[str, resolving.FoundTag]:
    """The tags of all names, by their spellings. Raises Restricted and Deprecated."""
    every = {name for _, tags in tagged for name in tags}
    found = resolving.find(every, exact=by.writes_exact_names)
    restriction.check_new(found.values(), by)
    return found


def _link_new(tagged: Tagged, found: dict[str, resolving.FoundTag], by: Author) -> int:
    ids = resolving.ids_of(found, by.user)
    spelt = spelling.settled(name for _, tags in tagged for name in tags)
    # By id, since two names may be one.
    values = [(image, {ids[spelt[name]]: tags[name] for name in tags}) for image, tags in tagged]
    links = [(image, tag, value) for image, tags in values for tag, value in tags.items()]
    if links:
        images = [image for image, _ in tagged]
        columns = [uuids(len(links)), *zip(*links, strict=True), images]
        user_id = by.user.pk if by.user else None
        parameters = [user_id, *map(array, columns)]
        with connection.cursor() as cursor:
            if len(tagged) == 1:
                execute_prepared(cursor, INSERT_LINKS, parameters)
            else:
                # Very many are planned for as many as they are.
                cursor.execute(INSERT_LINKS, parameters)
    return len(links)


def _hold(tags: Iterable[Tag]) -> None:
    """Have nobody delete these before the transaction ends. Raises Tag.DoesNotExist."""
    wanted = {tag.pk for tag in tags}
    with connection.cursor() as cursor:
        cursor.execute(TAGS_BY_ID, [array(wanted)])
        if len(cursor.fetchall()) < len(wanted):
            raise Tag.DoesNotExist("The tag has been deleted.")


def _lock(image: Image) -> None:
    # NO KEY: what merely refers to the image, such as its upload in parts, does not wait for it.
    list(Image.objects.select_for_update(no_key=True).filter(pk=image.pk).values_list("pk"))


def _link(image: Image, tags: list[Tag], by: Author) -> None:
    """Link those that the image does not have, not even by an alias if these are gone by."""
    aliased = [] if by.writes_exact_names else resolving.with_aliases(tags)
    links = ImageTag.objects.filter(image=image, tag__alias_of__in=aliased)
    there = set(links.values_list("tag__alias_of", flat=True)) if aliased else set()
    new = [ImageTag(image=image, tag=tag, user=by.user) for tag in tags if tag.pk not in there]
    ImageTag.objects.bulk_create(new, ignore_conflicts=True)


def _is_one_of(tags: list[Tag], by: Author) -> Q:
    """Whether a link has one of some tags, or an alias of one if these are gone by."""
    those = Q(tag__in=[tag.pk for tag in tags])
    aliased = [] if by.writes_exact_names else resolving.with_aliases(tags)
    return those | Q(tag__alias_of__in=aliased) if aliased else those


def _check_new(image: Image, tags: Iterable[Tag], by: Author) -> None:
    """Raise Restricted or Deprecated where a tag that the image does not have yet is not to be
    added by the author."""
    if refused := restriction.refused_new(tags, by):
        known = [tag for tag in refused if tag.pk is not None]
        links = ImageTag.objects.filter(_is_one_of(known, by), image=image)
        held = {target or tag for tag, target in links.values_list("tag", "tag__alias_of")}
        restriction.check_new([tag for tag in refused if tag.pk not in held], by)


def _check_gone(links: QuerySet[ImageTag], by: Author) -> None:
    """Raise Restricted where one of some links is not the author's to remove."""
    if not (by.is_operator or restriction.may_use_all(by.user)):
        restricted = links.filter(restriction.of_staff("tag__"))
        restriction.refuse(restricted.values_list("tag__name", flat=True))


def _values(image: Image) -> dict[str, str]:
    return dict(ImageTag.objects.filter(image=image).values_list("tag__name", "value"))


def _check_room(held: dict[str, str], wanted: Iterable[str], at_most: int) -> None:
    # Read under the image's lock, so that of two that add at once one sees the other's tags.
    new = set(wanted) - held.keys()
    if new and len(held) + len(new) > at_most:
        raise TooManyTags(f"An image has at most {at_most} tags.")
