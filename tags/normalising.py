"""Names of before they had one form: brought to it where no other tag has it, and told of else.

What would be one name with another tag's is not merged: which of the two is meant, and what becomes
of values that both have on an image, only people know.
"""

from collections.abc import Iterator
from typing import NamedTuple

from django.db import IntegrityError, transaction

from taggedimages.identity.authors import Author
from tags import history, names
from tags.models import Tag

# All that may be wrong: others are ASCII, printable, without a blank at either end.
DOUBTFUL = r"[^ -~]|^ | $"
CHUNK = 2_000


class OddName(NamedTuple):
    """A tag whose name nobody could give it now."""

    id: int
    name: str
    why: str


def odd_names() -> Iterator[OddName]:
    """Tags with names that are no names any more, or that another tag has in form NFC, by id."""
    for tag in _doubtful():
        if tag.name != names.normal(tag.name):
            twin = Tag.objects.filter(name=names.normal(tag.name)).first()
            said = f"looks like tag {twin.pk}" if twin else "is not in form NFC"
            yield OddName(tag.pk, tag.name, said)
        elif fault := names.fault(tag.name):
            yield OddName(tag.pk, tag.name, fault)
        elif tag.name != tag.name.strip():
            yield OddName(tag.pk, tag.name, "begins or ends with a blank")


def mend(by: Author) -> int:
    """Bring names to form NFC where no other tag has that name; returns how many it were."""
    mended = 0
    for tag in _doubtful():
        if tag.name != (name := names.normal(tag.name)):
            renamed = {"name": name, "folded": names.folded(name)}
            try:
                with transaction.atomic(), history.signed(by):
                    mended += Tag.objects.filter(pk=tag.pk, name=tag.name).update(**renamed)
            except IntegrityError:
                continue
    return mended


def _doubtful() -> Iterator[Tag]:
    """By id, a chunk at a time, so that a vocabulary of any size may be renamed meanwhile."""
    last = 0
    while True:
        tags = Tag.objects.filter(name__regex=DOUBTFUL, pk__gt=last).order_by("pk").only("name")
        found = list(tags[:CHUNK])
        yield from found
        if len(found) < CHUNK:
            return
        last = found[-1].pk
