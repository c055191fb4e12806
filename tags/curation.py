"""Looking after the vocabulary: tags made, described, renamed and deleted, apart from any image.

Whoever makes, renames or deletes one signs the ledger of the vocabulary. Names are told apart
exactly, but for `define` and `redefine`: whoever gives a tag a definition hardly wants it beside a
twin that differs by case alone.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef

from images.models import Image
from images.visibility import Viewer
from taggedimages.identity.authors import Author
from taggedimages.transactions import TRIES, retried
from tags import history, names, resolving, shown, spelling, tagging
from tags.models import AudienceTag, ImageTag, Tag, TagQuerySet

DESCRIBING = ("label_en", "label_fr", "public", "listed", "visible", "allow_download")
# Counted, since there may be very many.
LOCK_IMAGES = """
SELECT count(*) FROM (
    SELECT FROM images_image WHERE id IN (
        SELECT image_id FROM tags_imagetag
        WHERE tag_id = ANY(%(tag)s || ARRAY(SELECT id FROM tags_tag WHERE alias_of_id = %(tag)s))
    ) ORDER BY id FOR NO KEY UPDATE
) locked
"""


class TagNameTaken(Exception):
    """Another tag has that name already."""


@retried
def create(name: str, by: Author) -> Tag:
    """The tag of this name, made for itself if absent; of the name of an alias, its target. Raises
    names.BadName."""
    with history.signed(by):
        (tag,) = resolving.resolve([name])
        shown.declare([tag.name], by.user)
        tag.told = True
        return tag


@retried
def establish(drafts: Sequence[Tag], by: Author) -> list[Tag]:
    """The tags of the drafts' names in this order; the absent are made as drafted.

    What exists stays as it is. A draft that is `told` is a tag made for itself. Raises
    names.BadName.
    """
    spelt = spelling.settled([draft.name for draft in drafts])
    found = {tag.name: tag for tag in Tag.objects.filter(name__in=set(spelt.values()))}
    for draft in drafts:
        name = spelt[draft.name]
        draft.name = name if name in found else names.entered(name)
    wanted = names.distinct([draft.name for draft in drafts])
    if len(found) < len(wanted):
        # None of the others goes before those that are made are recorded.
        found = resolving.held_by_name(wanted)
    missing = {draft.name: draft for draft in drafts if draft.name not in found}
    # Those of names that others have too: the user means them no less.
    if declared := [draft.name for draft in drafts if draft.told and draft.name in found]:
        shown.declare(declared, by.user)
    # More than once only where a tag goes between the insert that met it and the reading.
    while missing:
        for draft in missing.values():
            draft.folded = names.folded(draft.name)
        # Sorted, so that concurrent requests cannot lock each other out.
        new = [missing[name] for name in sorted(missing)]
        with history.signed(by):
            Tag.objects.bulk_create(new, ignore_conflicts=True)
        shown.made_by(by.user, missing)
        found |= resolving.held_by_name(missing)
        missing = {name: draft for name, draft in missing.items() if name not in found}
    return [found[name] for name in wanted]


@retried
def establish_on(images: Sequence[Image], drafts: Sequence[Tag], by: Author) -> list[Tag]:
    """Put the tags of the drafts' names on images; those that are absent are made as drafted.

    Raises Tag.DoesNotExist where one is deleted as often as it is made.
    """
    tagging.lock_each(images)
    for _ in range(TRIES):
        tags = establish(drafts, by)
        with suppress(Tag.DoesNotExist):
            tagging.tag_each(images, tags, by)
            return tags
    raise Tag.DoesNotExist("The tag has been deleted.")


def define(name: str, description: str, by: Author) -> Tag:
    """A new tag with a description, the author's. Raises names.BadName, and TagNameTaken, where
    names differ only by case too.

    An alias that nobody is shown is as good as absent where exact names are written: it is what
    they get, and stays an alias for everybody else.
    """
    name = names.entered(name)
    if by.writes_exact_names and (alias := _unshown_aliases().filter(name=name).first()):
        with transaction.atomic(), history.signed(by):
            Tag.objects.filter(pk=alias.pk).update(description=description, user=by.user)
            shown.declare([name], by.user)
        alias.refresh_from_db()
        return alias
    _refuse_twin(name, None, Viewer.of(by.user))
    try:
        with transaction.atomic(), history.signed(by):
            tag = Tag.objects.create(name=name, description=description, user=by.user)
            shown.made_by(by.user, [name])
            return tag
    except IntegrityError as error:
        raise TagNameTaken(f"Another tag is named {name!r}.") from error


@retried
def rename(tag: Tag, name: str, by: Author) -> Tag:
    """Give a tag another name on every image.

    Raises names.BadName, TagNameTaken, and Tag.DoesNotExist.
    """
    name = name if name == tag.name else names.entered(name)
    new = {"name": name, "folded": names.folded(name)}
    try:
        with transaction.atomic(), history.signed(by):
            renamed = Tag.objects.filter(pk=tag.pk).update(**new)
    except IntegrityError as error:
        raise TagNameTaken(f"Another tag is named {name!r}.") from error
    if not renamed:
        raise Tag.DoesNotExist("The tag has been deleted.")
    tag.name, tag.folded = new["name"], new["folded"]
    return tag


@transaction.atomic
def describe(tag: Tag, name: str | None, changes: dict[str, Any], by: Author) -> Tag:
    """Rename a tag unless `name` is None, and set some of DESCRIBING. Raises as `rename` does."""
    if name is not None and name != tag.name:
        rename(tag, name, by)
    for field in DESCRIBING:
        if field in changes:
            setattr(tag, field, changes[field])
    if changes:
        _save(tag, *changes)
    return tag


@transaction.atomic
def redefine(tag: Tag, by: Author, name: str | None = None, description: str | None = None) -> Tag:
    """Another name on every image, another description, or both.

    Raises TagNameTaken, where names differ only by case too, and Tag.DoesNotExist.
    """
    if name is not None and name != tag.name:
        _refuse_twin(name, tag, Viewer.of(by.user))
        rename(tag, name, by)
    if description is not None:
        tag.description = description
        _save(tag, "description")
    return tag


def lock_images(tag_id: int) -> None:
    """Have others who tag the images with a tag or an alias of it wait until the transaction ends.

    Whoever deletes the tag does so before locking it: as whoever tags an image with it, first the
    one, then the other.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_IMAGES, {"tag": tag_id})


def classify(
    tag: Tag,
    status: str | None = None,
    category: str | None = None,
    color: str | None = None,
) -> Tag:
    """Say how a tag may be used (Tag.Status), what kind of thing it names, which colour it has, or
    some of these.

    Raises Tag.DoesNotExist.
    """
    given = {"status": status, "category": category, "color": color}
    changes = {field: value for field, value in given.items() if value is not None}
    for field, value in changes.items():
        setattr(tag, field, value)
    if changes:
        _save(tag, *changes)
    return tag


@retried
def delete(tag: Tag, by: Author) -> bool:
    """Remove a tag with its aliases and all their links, never images; False when it was gone
    already."""
    with history.signed(by):
        # Images that get the tag in between are locked with its deletion (docs/triggers.md).
        lock_images(tag.pk)
        # Before its links are looked for: who would make another waits, and finds it gone.
        list(Tag.objects.select_for_update().filter(pk=tag.pk).values_list("pk"))
        deleted, _ = Tag.objects.filter(pk=tag.pk).delete()
        return bool(deleted)


def _unshown_aliases() -> TagQuerySet:
    """Aliases that no image has, and that nobody has made by themselves since."""
    return Tag.objects.filter(
        ~Exists(ImageTag.objects.filter(tag=OuterRef("pk"))),
        ~Exists(AudienceTag.objects.filter(tag=OuterRef("pk"))),
        alias_of__isnull=False,
    )


def _save(tag: Tag, *fields: str) -> None:
    """Write some fields. Raises Tag.DoesNotExist."""
    values = {field: getattr(tag, field) for field in fields}
    if not Tag.objects.filter(pk=tag.pk).update(**values):
        raise Tag.DoesNotExist("The tag has been deleted.")


def _refuse_twin(name: str, tag: Tag | None, viewer: Viewer) -> None:
    twins = Tag.objects.filter(folded=names.folded(name)).exclude(pk__in=_unshown_aliases())
    if tag is not None:
        twins = twins.exclude(pk=tag.pk)
    if twins.exists():
        # Of a tag that the viewer is not shown, nothing is told but what was asked.
        twin = twins.shown_to(viewer).first()
        raise TagNameTaken(f"Another tag is named {twin.name if twin else name!r}.")
