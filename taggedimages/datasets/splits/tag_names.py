"""The name by which lines of a release know a tag, whatever it was called when the data set was
made."""

from datetime import datetime

from tags.models import Tag
from tags.past import vocabulary


def name_in_lines(name: str, as_of: datetime | None) -> str:
    """The name of a tag, of its target where it is an alias; as of an instant if one is given.

    A name that no tag had then is looked up among those of now. What is nobody's stays as it is.
    """
    if as_of is not None:
        return _name_then(name, as_of)
    tag = Tag.objects.filter(name=name).values_list("name", "alias_of__name").first()
    return (tag[1] or tag[0]) if tag else name


def _name_then(name: str, as_of: datetime) -> str:
    tag = vocabulary.ids_named([name], as_of).get(name)
    if tag is None:
        tag = Tag.objects.filter(name=name).values_list("pk", flat=True).first()
    if tag is None:
        return name
    target = vocabulary.targets([tag], as_of).get(tag, tag)
    return vocabulary.names_of([target], as_of).get(target, name)
