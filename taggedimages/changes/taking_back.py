"""One line of an image's history taken back: its inverse, as a change of its own.

Unlike an undo of the change that the line belongs to, of which it is a part. It is taken back only
while the link is as the line left it: what others have made of the image since stays.
"""

from collections.abc import Mapping

from search.query import Query, TagValues
from taggedimages.changes import immediate
from taggedimages.changes.models import Change
from taggedimages.changes.operations import Operation, TagRef, meant
from taggedimages.changes.refusals import BadOperation
from taggedimages.identity.authors import Author
from tags.models import ImageTag, Tag, TagChange


class MovedOn(Exception):
    """The link is not as the line left it any more."""


def take_back(line: TagChange, by: Author) -> Change:
    """Make the link of a line what it was before, at once.

    Raises MovedOn, BadOperation where the tag is gone, and what immediate.at_once does.
    """
    links = ImageTag.objects.filter(image=line.image_id, tag=line.tag_id)
    value = links.values_list("value", flat=True).first()
    if value != line.new_value:
        raise MovedOn(_what_it_is_now(line, value))
    tag = Tag.objects.select_related("alias_of").filter(pk=line.tag_id).first()
    if tag is None:
        raise BadOperation(f"The tag “{line.shown_name}” is gone, and so cannot be given again.")
    note = f"Takes back line {line.pk} of the history of image {line.image_id}"
    # Looked at again under the image's lock: somebody may change it right now.
    return immediate.at_once(
        inverse(line, meant(tag)), [line.image_id], by, note=note, within=as_left(line, tag)
    )


def inverse(line: TagChange, tag: Tag) -> Operation:
    """What makes undone what a line tells, of its tag or what that stands for by now."""
    ref = TagRef(tag.pk, tag.name)
    if line.old_value is None:
        return Operation(remove=(ref,))
    if line.old_value or line.new_value is not None:
        return Operation(values={ref: line.old_value})
    return Operation(add=(ref,))


def as_left(line: TagChange, tag: Tag) -> Query:
    """What finds the image of a line while its link with this tag is as the line left it."""
    if line.new_value is None:
        return Query(without_any=(TagValues(tag.name),))
    return Query(with_all=(TagValues(tag.name, (line.new_value,)),))


def is_as_left(line: TagChange, held: Mapping[int, str]) -> bool:
    """Whether the link of a line is as that left it, where an image has these tags: values by their
    ids."""
    return held.get(line.tag_id) == line.new_value


def _what_it_is_now(line: TagChange, value: str | None) -> str:
    if value is None:
        return f"The image has “{line.shown_name}” no longer: there is nothing to be taken back."
    if line.new_value is None:
        return f"The image has “{line.shown_name}” again: there is nothing to be taken back."
    now = f"has the value “{value}” by now" if value else "has no value any more"
    return f"“{line.shown_name}” {now}: it was changed again since, and stays as it is."
