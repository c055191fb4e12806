"""How the vocabulary spells a name that somebody gives: in form NFC.

Of tags that were made before names were brought to that form, some could not be, since another tag
had the name already. They are left as they are (`vocabulary`, the command, tells of them), and
whoever spells such a name exactly as it is means it: what a list shows can be named again.
"""

from collections.abc import Iterable

from tags.models import Tag
from tags.names import distinct, normal


def settled(given: Iterable[str]) -> dict[str, str]:
    """The spelling of each name, of a tag that is there or may be made. One statement at most,
    and none where all names are in form NFC."""
    spelt = {name: normal(name) for name in given}
    if odd := [name for name, spelling in spelt.items() if name != spelling]:
        kept = Tag.objects.filter(name__in=odd).values_list("name", flat=True)
        spelt |= {name: name for name in kept}
    return spelt


def names(given: Iterable[str]) -> list[str]:
    """The spellings of some names, each once, at its first place."""
    return distinct(settled(given).values())


def name(given: str) -> str:
    """The spelling of one name."""
    return settled([given])[given]
