"""What changes keep of names and values that are redacted (tags.redaction): the values of links
that they removed, and what was asked and planned, in words.

A change that is still to be applied is left as it is: it does what was asked of it, and is redacted
when it has ended.
"""

import json
from typing import Any

from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from taggedimages.changes.models import Change, RemovedLink, State
from tags.ledger import REDACTED
from tags.redaction import Texts, register

UNDER_WAY = (State.PLANNING, State.PLANNED, State.APPLYING)
WRITTEN = ("query", "question", "query_tags", "operation", "plan")


def register_places() -> None:
    """Have redactions blank what changes keep."""
    register("removed links", removed_links)
    register("changes", written_changes)


def removed_links(wanted: Texts, apply: bool) -> int:
    """How many links that an undo would bring back have the value, which it then does not."""
    if wanted.value is None:
        return 0
    links = RemovedLink.objects.filter(value__in=wanted.texts)
    if wanted.tag_id is not None:
        links = links.filter(tag_id=wanted.tag_id)
    if wanted.image_id is not None:
        links = links.filter(image_id=wanted.image_id)
    return links.update(value="") if apply else links.count()


def written_changes(wanted: Texts, apply: bool) -> int:
    """How many changes that have ended say the name or value, whatever tag or image it was of."""
    if not wanted.texts:
        return 0
    count = 0
    for pk in _saying(wanted.texts):
        with transaction.atomic():
            change = Change.objects.select_for_update(no_key=True).get(pk=pk)
            written = {name: getattr(change, name) for name in WRITTEN}
            redacted = {name: _without(said, wanted.texts) for name, said in written.items()}
            if redacted == written or change.state in UNDER_WAY:
                continue
            count += 1
            if apply:
                Change.objects.filter(pk=pk).update(**redacted)
    return count


def _saying(texts: list[str]) -> list[int]:
    """The ids of the changes in which one of some texts stands somewhere. Reads all changes."""
    says = Q()
    for text in texts:
        # As the database writes it within JSON.
        written = json.dumps(text, ensure_ascii=False)[1:-1]
        for name in WRITTEN:
            says |= Q(**{f"{name}_text__contains": written})
    said = {f"{name}_text": Cast(name, TextField()) for name in WRITTEN}
    return list(Change.objects.annotate(**said).filter(says).values_list("pk", flat=True))


def _without(said: Any, texts: list[str]) -> Any:
    """What was written, with a mark in place of each text and key that is one of some texts."""
    match said:
        case str():
            return REDACTED if said in texts else said
        case list():
            return [_without(one, texts) for one in said]
        case dict():
            return {_without(key, texts): _without(one, texts) for key, one in said.items()}
    return said
