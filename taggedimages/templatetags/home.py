"""What the admin's first page has besides Django's."""

from typing import Any

from django import template

from taggedimages import disk
from taggedimages.admin import home
from taggedimages.identity.admin import project_of_staff

register = template.Library()


@register.inclusion_tag("admin/needs_a_look.html", takes_context=True)
def needs_a_look(context: dict[str, Any]) -> dict[str, Any]:
    """`{% needs_a_look %}`: what there is to be looked at; to superusers, the disk of the engines,
    which holds every project's."""
    request = context["request"]
    is_all = project_of_staff(request) is None
    return {"found": home.found(request), "disk": disk.of_engines() if is_all else None}
