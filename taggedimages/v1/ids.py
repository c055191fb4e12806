"""Integer ids in paths (contract TIM, errors)."""

import re

from rest_framework.exceptions import NotFound, ValidationError

from taggedimages.http.fields import MAX_INT64


def parse_id(text: str) -> int:
    """The id in a path. 400 unless it is a whole number, 404 where no record can have it."""
    if not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII):
        raise ValidationError({"id": ["A valid integer is required."]})
    if len(text) > 20 or not 0 < int(text) <= MAX_INT64:
        raise NotFound
    return int(text)
