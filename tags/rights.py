"""Who may change the vocabulary: rename a tag, describe it, publish it or delete it.

A tag is on images of several projects, and a change of it changes them all. So apart from
superusers somebody changes it only while no image outside their project has it, or an alias of it;
each API may ask for more (docs/security.md). Rules between tags, aliases and implications, change
all the tags that they are between.
"""

from collections.abc import Sequence

from django.conf import settings
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from taggedimages.identity.authors import Author
from tags import restriction
from tags.models import ImageTag, Tag

OF_OTHERS = "Images of other projects have this tag."
# Up to the first image of another project, of a tag of a queryset.
ON_IMAGES_OF_OTHERS = """EXISTS (
    SELECT FROM (
        SELECT coalesce(tags_tag.alias_of_id, tags_tag.id) AS id
        UNION ALL
        SELECT a.id FROM tags_tag a
        WHERE a.alias_of_id = coalesce(tags_tag.alias_of_id, tags_tag.id)
    ) m JOIN tags_imagetag l ON l.tag_id = m.id JOIN images_image i ON i.id = l.image_id
    WHERE i.project_id <> %s
)"""


class OnImagesOfOthers(Exception):
    """Images outside the author's project have the tag."""


def check_change(tag: Tag, by: Author, new_name: str | None = None) -> None:
    """Raise OnImagesOfOthers, or restriction.Restricted, where the tag is not the author's to
    change; with `new_name`, to rename so.

    Two queries, of the aliases and of links up to the first that is of another project.
    """
    check_names(tag, by, new_name)
    if by.is_operator or (by.user is not None and by.user.is_superuser):
        return
    target = tag.pk if tag.alias_of_id is None else tag.alias_of_id
    every = [target, *Tag.objects.filter(alias_of=target).values_list("pk", flat=True)]
    if ImageTag.objects.filter(tag__in=every).exclude(image__project=by.project_id).exists():
        raise OnImagesOfOthers(OF_OTHERS)


def refused_changes(tags: Sequence[Tag], by: Author) -> dict[int, str]:
    """Those of some tags that are not the author's to change, by their ids, and why: as
    `check_change` has it. At most one query."""
    refused = {}
    for tag in tags:
        try:
            check_names(tag, by)
        except restriction.Restricted as error:
            refused[tag.pk] = str(error)
    if by.is_operator or (by.user is not None and by.user.is_superuser):
        return refused
    known = {tag.pk: getattr(tag, "is_of_others", None) for tag in tags}
    if None in known.values():
        asked = Tag.objects.filter(pk__in=list(known)).annotate(is_of_others=is_of_others(by))
        known = dict(asked.values_list("pk", "is_of_others"))
    return refused | {tag: OF_OTHERS for tag, is_of in known.items() if is_of}


def is_of_others(by: Author) -> RawSQL:
    """Whether images outside an author's project have a tag, or an alias of it: for querysets, as
    `is_of_others`."""
    return RawSQL(ON_IMAGES_OF_OTHERS, [by.project_id], BooleanField())  # noqa: S611


def check_change_in_v1(tag: Tag, by: Author, new_name: str | None = None) -> None:
    """The same as /v1 and changes have it: under `open`, everybody changes all tags but those that
    are staff's."""
    check = check_names if settings.ANONYMOUS == "open" else check_change
    check(tag, by, new_name)


def check_names(tag: Tag, by: Author, new_name: str | None = None) -> None:
    """Raise restriction.Restricted where a name that the tag has, or shall have, is staff's, or the
    tag is locked."""
    restriction.check([tag.name, *([] if new_name in (None, tag.name) else [new_name])], by)
    if tag.status == Tag.Status.LOCKED:
        check_lock(by)


def check_lock(by: Author) -> None:
    """Raise restriction.Restricted where an author may not lock a tag, nor change a locked one."""
    if not (by.is_operator or restriction.may_use_all(by.user)):
        raise restriction.Restricted("Only staff may lock a tag, and change a locked one.")
