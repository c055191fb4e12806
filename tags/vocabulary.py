"""Tags with all that describes them: labels and flags, given when made and changed later."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from taggedimages.transactions import retried
from tags import curation, names
from tags.models import Tag

DESCRIBING = ("label_en", "label_fr", "public", "listed", "visible", "allow_download")


@retried
def establish(drafts: Sequence[Tag]) -> list[Tag]:
    """The tags of the drafts' names in this order; the absent are made as drafted.

    What exists stays as it is.
    """
    wanted = names.distinct([draft.name for draft in drafts])
    found = {tag.name: tag for tag in Tag.objects.filter(name__in=wanted)}
    missing = {draft.name: draft for draft in drafts if draft.name not in found}
    if missing:
        for draft in missing.values():
            draft.folded = names.folded(draft.name)
        # Sorted, so that concurrent requests cannot lock each other out.
        Tag.objects.bulk_create([missing[name] for name in sorted(missing)], ignore_conflicts=True)
        found |= {tag.name: tag for tag in Tag.objects.filter(name__in=list(missing))}
    return [found[name] for name in wanted]


@transaction.atomic
def describe(tag: Tag, name: str | None, changes: dict[str, Any]) -> Tag:
    """Rename a tag unless `name` is None, and set some of DESCRIBING.

    Raises curation.TagNameTaken.
    """
    if name is not None and name != tag.name:
        curation.rename(tag, name)
    for field in DESCRIBING:
        if field in changes:
            setattr(tag, field, changes[field])
    if changes:
        tag.save(update_fields=list(changes))
    return tag
