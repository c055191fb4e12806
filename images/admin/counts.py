"""How many images a list has: never by going through a million rows."""

from typing import Any

from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from rest_framework.exceptions import ValidationError

from images.admin import workplace
from images.admin.asking import asked
from images.visibility import CLOCK_TOLERANCE
from search.results import SearchResults
from taggedimages.identity.admin import viewer_of_staff

# Of what filters leave, as many are counted and can be paged to.
FILTERED_MAX = 10_000
CURRENT = {"state": "current"}


def count(request: HttpRequest, images: Any) -> int:
    """How many images there are in a list: all of them, but where filters narrow it FILTERED_MAX at
    most.

    The tag index says how many are current; the others are few, and have indexes.
    """
    filters = {name: request.GET.get(name) for name in workplace.filters(request)}
    if filters not in ({}, CURRENT):
        return int(images.order_by()[:FILTERED_MAX].count())
    try:
        query, _ = asked(request.GET.get("q", ""), viewer_of_staff(request))
    except ValidationError:
        return 0
    current = SearchResults(query, viewer_of_staff(request))
    if filters:
        return current.count()
    if current.path is None:
        return int(images.count())
    others = Q(ended_at__lte=Now()) | Q(created_at__gt=Now() + CLOCK_TOLERANCE)
    return current.count() + int(images.filter(others).count())
