"""Histories of images, tags and rules within one transaction, each step at an instant of its own,
and what there was after each, as plain Python remembers it."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from hypothesis import strategies as st

from images.models import Image
from search.query import Query, TagValues
from search.tests.indexes import merge_all
from search.tests.test_search import matches
from search.tests.thresholds import SMALL
from taggedimages.factories import TESTS, make_image, make_tag
from taggedimages.identity.authors import Author
from tags import curation, resolving, tagging, vocabulary
from tags.models import ImageTag, Implication, Tag, TagChange, VocabularyChange
from tags.names import normal

EXACT = Author(None, "ims", is_operator=True)
NAMES = ["a", "b", "A"]
IMAGES = 3
# Of the first step; each has one of the next seconds, ahead of all clocks.
FIRST = datetime(2990, 1, 1, tzinfo=UTC)
SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)
BEFORE_ALL = FIRST - SECOND

Links = dict[tuple[int, int], str]


@dataclass(frozen=True)
class State:
    """What there was."""

    links: Links
    names: dict[str, int]
    # By id: what is an alias of what, and pairs of what implies what.
    aliases: dict[int, int]
    implications: frozenset[tuple[int, int]]

    def meant(self, tag: int, query: Query) -> set[int]:
        """What a tag stood for by the rules that a query goes by."""
        if not (query.aliased or query.implied):
            return {tag}
        of = self.aliases.get
        found = {of(tag, tag)}
        while query.implied:
            edges = [(of(child, child), of(parent, parent)) for child, parent in self.implications]
            if not (new := {child for child, parent in edges if parent in found} - found):
                break
            found |= new
        return found | {alias for alias, target in self.aliases.items() if target in found}


def present() -> State:
    """What there is."""
    links = ImageTag.objects.values_list("image", "tag", "value")
    tags = Tag.objects.values_list("name", "pk", "alias_of")
    return State(
        {(image, tag): value for image, tag, value in links},
        {name: tag for name, tag, _ in tags},
        {tag: target for _, tag, target in tags if target is not None},
        frozenset(Implication.objects.values_list("child", "parent")),
    )


@dataclass
class History:
    """What there was from each of some instants on, the earliest first."""

    states: list[tuple[datetime, State]]

    def at(self, instant: datetime) -> State:
        """What there was at an instant."""
        return [state for since, state in self.states if since <= instant][-1]

    def found(self, query: Query, images: Iterable[Image]) -> set[int]:
        """The ids of those of some images that a query of tags finds."""
        assert query.as_of is not None
        then, named = (
            self.at(query.as_of),
            self.at(query.names_at or datetime.max.replace(tzinfo=UTC)),
        )
        return {
            image.pk
            for image in images
            if (image.registered_at is None or image.registered_at <= query.as_of)
            and matches_then(image.pk, query, then, named)
        }


def matches_then(image: int, query: Query, then: State, named: State) -> bool:
    """Whether an image had the tags that a query asks for, by the names and rules of a state."""
    had = {tag: value for (it, tag), value in then.links.items() if it == image}

    def one(tag: int, values: tuple[str, ...] = ()) -> bool:
        return any(
            meant in had and (not values or had[meant] in values)
            for meant in named.meant(tag, query)
        )

    def has(wanted: TagValues) -> bool:
        tag = named.names.get(wanted.name, named.names.get(normal(wanted.name)))
        return tag is not None and one(tag, wanted.values)

    patterns = [
        [tag for name, tag in named.names.items() if matches(name, pattern)]
        for pattern in query.match_tags
    ]
    return (
        all(has(TagValues(name)) for name in query.exact_tags)
        and all(any(map(one, tags)) for tags in patterns)
        and (query.tag_id is None or one(query.tag_id))
        and all(map(has, query.with_all))
        and all(any(map(has, group)) for group in query.with_any)
        and not any(map(has, query.without_any))
        and not (query.without_all and all(map(has, query.without_all)))
        and not (query.untagged and had)
    )


# --- What happens ---------------------------------------------------------------------------------


def image(number: int) -> Image:
    """The image of that number, made where it is not there."""
    name = f"{number}.png"
    return Image.objects.filter(filename=name).first() or make_image(filename=name)


def tag_of(name: str) -> Tag:
    return resolving.resolve([name])[0]


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def tag(number: int, names: list[str]) -> None:
    tagging.tag(image(number), names, TESTS)


def retag(number: int, names: list[str]) -> None:
    tagging.retag(image(number), names, TESTS)


def set_values(number: int, values: dict[str, str]) -> None:
    tagging.set_values(image(number), values, EXACT)


def tag_everything(names: list[str]) -> None:
    tagging.tag_each(Image.objects.all(), resolving.resolve(names), TESTS)


def untag_everything(name: str) -> None:
    ImageTag.objects.filter(tag__name=name).delete()


def revalue(name: str, value: str) -> None:
    ImageTag.objects.filter(tag__name=name).update(value=value)


def move(name: str, other: str) -> None:
    sql(
        "UPDATE tags_imagetag l SET tag_id = %s WHERE tag_id = %s AND NOT EXISTS"
        " (SELECT FROM tags_imagetag o WHERE o.image_id = l.image_id AND o.tag_id = %s)",
        make_tag(other).pk,
        make_tag(name).pk,
        make_tag(other).pk,
    )


def rename(name: str, other: str) -> None:
    with suppress(curation.TagNameTaken):
        curation.rename(make_tag(name), other, TESTS)


def delete_tag(name: str) -> None:
    curation.delete(make_tag(name), TESTS)


def alias(name: str, other: str) -> None:
    with suppress(vocabulary.Cycle):
        vocabulary.alias(make_tag(name), make_tag(other), TESTS)


def unalias(name: str) -> None:
    if (found := make_tag(name)).alias_of_id:
        vocabulary.unalias(found, TESTS)


def imply(name: str, others: list[str]) -> None:
    with suppress(vocabulary.Cycle):
        vocabulary.imply(make_tag(name), list(map(make_tag, others)), TESTS)


def delete_image(number: int) -> None:
    sql("DELETE FROM images_image WHERE filename = %s", f"{number}.png")


def hide(number: int) -> None:
    Image.objects.filter(pk=image(number).pk).update(visibility=2)


def merge() -> None:
    merge_all(SMALL)


NUMBER, NAME = st.integers(0, IMAGES - 1), st.sampled_from(NAMES)
SOME, VALUE = st.lists(NAME, max_size=3), st.sampled_from(["", "1", "2"])
WAYS: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]] = {
    tag: (NUMBER, SOME),
    retag: (NUMBER, SOME),
    set_values: (NUMBER, st.dictionaries(NAME, VALUE, max_size=3)),
    tag_everything: (SOME,),
    untag_everything: (NAME,),
    revalue: (NAME, VALUE),
    move: (NAME, NAME),
    rename: (NAME, NAME),
    delete_tag: (NAME,),
    alias: (NAME, NAME),
    unalias: (NAME,),
    imply: (NAME, SOME),
    delete_image: (NUMBER,),
    hide: (NUMBER,),
    merge: (),
}
# How many seconds later than the one before, what, and of what.
STEPS = st.lists(
    st.one_of(
        [
            st.tuples(st.integers(0, 2), st.just(way), *drawn)
            # Links come and go more often than anything else, so that some do so again.
            for way, drawn in [*WAYS.items(), *list(WAYS.items())[:5] * 3]
        ]
    ),
    min_size=4,
    max_size=16,
)
# Of each image, the tags that it has from the beginning, and the second that it comes in.
BEGINNINGS = st.lists(
    st.tuples(SOME, st.sampled_from([None, None, -5, 3])), min_size=IMAGES, max_size=IMAGES
)


def begin(images: list[tuple[list[str], int | None]]) -> None:
    """Images with tags that nobody recorded; when the oldest came is not known."""
    for number, (names, second) in enumerate(images):
        came = None if second is None else FIRST + second * SECOND
        made = make_image(filename=f"{number}.png", registered_at=came)
        tagging.tag(made, names, TESTS)
    sql("SET LOCAL session_replication_role = replica")
    for ledger in (TagChange, VocabularyChange):
        ledger.objects.all().delete()
    sql("SET LOCAL session_replication_role = origin")


def happened(steps: list[tuple[Any, ...]]) -> History:
    """What there was before and after each of some steps, of which some are of one instant."""
    states, second = [(datetime.min.replace(tzinfo=UTC), present())], 0
    for wait, way, *arguments in steps:
        second += wait
        stamp = FIRST + second * SECOND
        sql("SELECT set_config('taggedimages.changed_at', %s, true)", stamp.isoformat())
        way(*arguments)
        states.append((stamp, present()))
    return History(states)
