"""What a change does to each of its images: tags that come, tags that go, values, a merge, or
something to the record itself.

Names are looked up once, when a change is proposed, and kept as ids: a tag that is renamed later is
still the one that was meant. A tag that there is not yet has no id; applying makes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from images.visibility import Viewer
from taggedimages.changes.models import Kind
from taggedimages.changes.record_edits import Action, RecordEdit
from taggedimages.changes.refusals import BadOperation
from tags import names, spelling
from tags.models import Tag


class TagRef(NamedTuple):
    """A tag of an operation: its id, None while it is to be made, and the name it had."""

    id: int | None
    name: str

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name}


class Merge(NamedTuple):
    """Tags whose links become those of another."""

    sources: tuple[TagRef, ...]
    into: TagRef


@dataclass(frozen=True)
class Operation:
    """Tags that come and go; `replace`, where it is not None, is all that an image keeps, with what
    comes besides. Tags of `values` come where an image lacks them. A merge stands alone, and so
    does what is done to records."""

    add: tuple[TagRef, ...] = ()
    remove: tuple[TagRef, ...] = ()
    replace: tuple[TagRef, ...] | None = None
    values: Mapping[TagRef, str] = field(default_factory=dict)
    merge: Merge | None = None
    images: RecordEdit | None = None

    @property
    def kind(self) -> Kind:
        """The kind of a change that does it."""
        if self.images:
            return Kind.RECORDS
        return Kind.MERGE if self.merge else Kind.RETAG

    @property
    def wanted(self) -> tuple[TagRef, ...]:
        """All tags that an image has afterwards, each once."""
        return tuple(dict.fromkeys((*(self.replace or ()), *self.add, *self.values)))

    @property
    def named(self) -> tuple[TagRef, ...]:
        """All tags that it names, each once."""
        if self.merge:
            return (*self.merge.sources, self.merge.into)
        return (*self.wanted, *self.remove)

    def with_tags(self, made: Mapping[str, Tag]) -> "Operation":
        """The same with tags, by name, that were made meanwhile."""

        def given(tags: Iterable[TagRef]) -> tuple[TagRef, ...]:
            return tuple(
                TagRef(made[one.name].pk, one.name) if one.id is None else one for one in tags
            )

        return replace(
            self,
            add=given(self.add),
            replace=None if self.replace is None else given(self.replace),
            values=dict(zip(given(self.values), self.values.values(), strict=True)),
        )

    def to_json(self) -> dict[str, Any]:
        """As it is kept, and as /v1 shows it."""
        if self.images:
            return self.images.to_json()
        if self.merge:
            sources = [tag.to_json() for tag in self.merge.sources]
            return {"merge": {"from": sources, "into": self.merge.into.to_json()}}
        written: dict[str, Any] = {
            "add": [tag.to_json() for tag in self.add],
            "remove": [tag.to_json() for tag in self.remove],
        }
        if self.replace is not None:
            written["replace"] = [tag.to_json() for tag in self.replace]
        values = self.values.items()
        return written | {"values": [tag.to_json() | {"value": value} for tag, value in values]}

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> "Operation":
        """What `to_json` wrote."""
        if images := RecordEdit.from_json(written):
            return cls(images=images)
        if merge := written.get("merge"):
            return cls(merge=Merge(_refs(merge["from"]), _ref(merge["into"])))
        return cls(
            add=_refs(written.get("add", ())),
            remove=_refs(written.get("remove", ())),
            replace=_refs(written["replace"]) if "replace" in written else None,
            values={_ref(tag): tag["value"] for tag in written.get("values", ())},
        )


def proposed(given: Mapping[str, Any], viewer: Viewer) -> Operation:
    """The operation that names say: lists `add`, `remove`, `replace`, a mapping `values`, `merge`
    with `from` and `into`, or `images` with a word of record_edits.Action. Up to two statements.

    Raises BadOperation, and names.BadName for what can be no tag.
    """
    if not any(_has(given, key) for key in KEYS):
        raise BadOperation(f"Say what is to be done: {', '.join(KEYS[:-1])} or {KEYS[-1]}.")
    for alone in ALONE:
        if given.get(alone) and any(_has(given, key) for key in KEYS if key != alone):
            raise BadOperation(f"{alone} stands alone.")
    if given.get("images"):
        return Operation(images=RecordEdit.proposed(Action(given["images"])))
    if "merge" in given:
        return _merge(given, viewer)
    known = _known(
        [
            *given.get("add", ()),
            *given.get("remove", ()),
            *given.get("replace", ()),
            *given.get("values", ()),
        ]
    )

    def refs(key: str) -> tuple[TagRef, ...]:
        return tuple(dict.fromkeys(known[name] for name in given.get(key, ())))

    values: dict[TagRef, str] = {}
    for name, value in given.get("values", {}).items():
        if values.setdefault(known[name], value) != value:
            raise BadOperation(f"Two values for the tag {known[name].name!r}.")
    operation = Operation(
        refs("add"), refs("remove"), refs("replace") if "replace" in given else None, values
    )
    _check(operation)
    return operation


KEYS = ("add", "remove", "replace", "values", "merge", "images")
ALONE = ("merge", "images")


def _has(given: Mapping[str, Any], key: str) -> bool:
    return bool(given.get(key) or (key == "replace" and key in given))


def _check(operation: Operation) -> None:
    if operation.replace is not None and operation.remove:
        raise BadOperation("replace says all that stays, and does not go with remove.")
    if both := set(operation.wanted) & set(operation.remove):
        raise BadOperation(f"The tag {min(tag.name for tag in both)!r} cannot both come and go.")
    for tag in operation.wanted:
        if tag.id is None:
            names.entered(tag.name)


def _merge(given: Mapping[str, Any], viewer: Viewer) -> Operation:
    from_names, into_name = given["merge"]["from"], given["merge"]["into"]
    # What an alias stands for is the question here, so that it is taken as it is.
    shown = Tag.objects.shown_to(viewer)
    spelt = spelling.settled([*from_names, into_name])
    known = {tag.name: tag for tag in shown.filter(name__in=set(spelt.values()))}
    if missing := [name for name in (*from_names, into_name) if spelt[name] not in known]:
        raise BadOperation(f"There is no tag {missing[0]!r}.")
    sources = {known[spelt[name]].pk: known[spelt[name]] for name in from_names}
    return merging(sources.values(), known[spelt[into_name]])


def merging(sources: Iterable[Tag], into: Tag) -> Operation:
    """The merge of tags into another. Raises BadOperation."""
    target = meant(into)
    refs = tuple(TagRef(tag.pk, tag.name) for tag in sources)
    if not refs:
        raise BadOperation("Say which tags are to be merged.")
    if any(tag.id == target.pk for tag in refs):
        raise BadOperation("A tag cannot be merged into itself.")
    return Operation(merge=Merge(refs, TagRef(target.pk, target.name)))


def _known(given: Iterable[str]) -> dict[str, TagRef]:
    """The tags of some names, by the name that was given."""
    spelt = spelling.settled(given)
    wanted = set(spelt.values())
    found = {
        tag.name: meant(tag)
        for tag in Tag.objects.filter(name__in=wanted).select_related("alias_of")
    }
    refs = {name: TagRef(tag.pk, tag.name) for name, tag in found.items()}
    return {name: refs.get(spelling_, TagRef(None, spelling_)) for name, spelling_ in spelt.items()}


def meant(tag: Tag) -> Tag:
    """The tag that one stands for: an alias for its target."""
    return tag.alias_of or tag


def _refs(written: Iterable[dict[str, Any]]) -> tuple[TagRef, ...]:
    return tuple(map(_ref, written))


def _ref(written: dict[str, Any]) -> TagRef:
    return TagRef(written["id"], written["name"])
