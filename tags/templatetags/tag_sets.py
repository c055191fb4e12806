"""The sets of tags of whoever looks, as buttons of a form and for the keys 1 to 9."""

from typing import Any

from django import template

from tags import tag_sets as sets
from tags.admin.typed import written

register = template.Library()


@register.inclusion_tag("admin/tags/tag_sets.html", name="tag_sets", takes_context=True)
def tag_sets(context: Any, form: str = "images") -> dict[str, Any]:
    """A list `#tag-sets` of the sets of the user who looks, if they may tag; one statement.

    Without JavaScript, each is a submit button of the form with this id: it posts the boxes that
    are ticked there, or the form's `ids`, to where tags are given at once (images.admin.retagging).
    """
    request = context["request"]
    may_tag = request.user.has_perm("images.change_image")
    own = sets.of(request.user) if may_tag else {}
    return {
        "form": form,
        "may_tag": may_tag,
        "here": request.get_full_path(),
        "sets": [{"number": number, "typed": written(own[number])} for number in own],
    }
