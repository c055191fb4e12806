"""Who may change the vocabulary: rename a tag, describe it, publish it or delete it.

A tag is on images of several projects, and a change of it changes them all. So apart from
superusers somebody changes it only while no image outside their project has it; each API may ask
for more (docs/security.md).
"""

from taggedimages.identity.authors import Author
from tags import restriction
from tags.models import ImageTag, Tag


class OnImagesOfOthers(Exception):
    """Images outside the author's project have the tag."""


def check_change(tag: Tag, by: Author, new_name: str | None = None) -> None:
    """Raise OnImagesOfOthers, or restriction.Restricted, where the tag is not the author's to
    change; with `new_name`, to rename so.

    One query, of the links of one tag up to the first that is of another project.
    """
    check_names(tag, by, new_name)
    if by.user is not None and by.user.is_superuser:
        return
    if ImageTag.objects.filter(tag=tag).exclude(image__project=by.project_id).exists():
        raise OnImagesOfOthers("Images of other projects have this tag.")


def check_names(tag: Tag, by: Author, new_name: str | None = None) -> None:
    """Raise restriction.Restricted where a name that the tag has, or shall have, is staff's."""
    restriction.check([tag.name, *([] if new_name in (None, tag.name) else [new_name])], by)
