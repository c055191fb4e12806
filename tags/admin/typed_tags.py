"""Boxes in which tags are named, in forms of the admin."""

from collections import defaultdict
from typing import Any

from django import forms
from django.urls import reverse_lazy

from images.visibility import Viewer
from tags import names, spelling
from tags.admin.plans import Refused
from tags.admin.typed import typed_names
from tags.models import Tag

MOST_NAMES = 100


class TagBox(forms.Textarea):
    """A box that suggests tags; without scripts, a text."""

    def __init__(self) -> None:
        suggest = reverse_lazy("admin:tags_tag_suggest")
        super().__init__({"rows": 1, "cols": 40, "data-tagbox": "", "data-suggest": suggest})


class TagsField(forms.CharField):
    """The names of some tags."""

    widget = TagBox

    def clean(self, value: Any) -> list[str]:
        try:
            given = typed_names(super().clean(value))
        except names.BadName as error:
            raise forms.ValidationError(str(error)) from error
        if len(given) > MOST_NAMES:
            raise forms.ValidationError(f"At most {MOST_NAMES} tags.")
        if not given and self.required:
            raise forms.ValidationError("Name a tag.")
        return given


class TagField(TagsField):
    """The name of one tag."""

    def clean(self, value: Any) -> Any:
        given = super().clean(value)
        if len(given) > 1:
            raise forms.ValidationError("Name one tag alone.")
        return given[0]


def tag_named(name: str, viewer: Viewer) -> Tag:
    """The tag of this name that somebody is shown, spelt as the vocabulary has it. Raises
    Refused."""
    return tags_named([name], viewer)[0]


def tags_named(given: list[str], viewer: Viewer) -> list[Tag]:
    """The tags of some names in their order; in another case, where just one tag has that name.

    Two statements. Raises Refused for the first that there is not.
    """
    spelt = spelling.settled(given)
    folded = {names.folded(name) for name in spelt.values()}
    known: dict[str, Tag] = {}
    alike: defaultdict[str, list[Tag]] = defaultdict(list)
    for tag in Tag.objects.shown_to(viewer).filter(folded__in=folded):
        known[tag.name] = tag
        alike[tag.folded].append(tag)
    found = []
    for name in given:
        same = alike[names.folded(spelt[name])]
        met = known.get(spelt[name]) or (same[0] if len(same) == 1 else None)
        if met is None:
            raise Refused(f"There is no tag “{name}”.")
        found.append(met)
    return found
