"""Tags that are defined one by one, with a description, under names that differ by more than case.

Elsewhere names are told apart exactly; whoever describes a tag hardly wants it beside its twin.
"""

from django.db import IntegrityError, transaction

from taggedimages.identity.models import User
from tags import curation
from tags.curation import TagNameTaken
from tags.models import Tag
from tags.names import folded


def define(name: str, description: str, owner: User | None) -> Tag:
    """A new tag. Raises TagNameTaken."""
    _refuse_twin(name, None)
    try:
        with transaction.atomic():
            return Tag.objects.create(name=name, description=description, user=owner)
    except IntegrityError as error:
        raise TagNameTaken(f"Another tag is named {name!r}.") from error


@transaction.atomic
def redefine(tag: Tag, name: str | None = None, description: str | None = None) -> Tag:
    """Another name on every image, another description, or both. Raises TagNameTaken."""
    if name is not None and name != tag.name:
        _refuse_twin(name, tag)
        curation.rename(tag, name)
    if description is not None:
        tag.description = description
        tag.save(update_fields=["description"])
    return tag


def _refuse_twin(name: str, tag: Tag | None) -> None:
    twins = Tag.objects.filter(folded=folded(name))
    if tag is not None:
        twins = twins.exclude(pk=tag.pk)
    if twin := twins.first():
        raise TagNameTaken(f"Another tag is named {twin.name!r}.")
