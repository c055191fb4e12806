"""Every Query finds what a few lines of plain Python say, in the order that they say."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.models import Facts
from images.querysets import UPLOAD_STATES
from images.visibility import Viewer
from search.lookups import LOOKUPS
from search.ordering import ORDERS
from search.query import AnyOf, Named, Query, TagValues
from search.results import SearchResults
from search.tests.test_search import matches
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.factories import TESTS, make_image, make_tag
from taggedimages.identity.authors import Author
from taggedimages.identity.models import Project, User
from tags import tagging, vocabulary
from tags.models import Tag

pytestmark = pytest.mark.django_db

EXACT = Author(None, "ims", is_operator=True)

# --- Corpora -------------------------------------------------------------------------------------

# Few of everything, so that questions and images often meet, and so do images with each other.
TAGS = st.sampled_from(["a", "A", "b", "a%", "é"])
VALUES = st.sampled_from(["", "1", "2"])
TEXTS = st.text("aAé%_\\.", max_size=3)
FORMATS = st.sampled_from(["", "png", "jpeg"])
ALBUMS, PROJECTS = st.sampled_from(["default", "Ward", "ward"]), st.sampled_from(["default", "org"])
MODALITIES, BODY_PARTS = st.sampled_from(["MR", "cr"]), st.sampled_from(["Knee", "HAND"])
HEADERS = st.none() | st.fixed_dictionaries(
    {}, optional={"Modality": MODALITIES, "BodyPartExamined": BODY_PARTS}
)
NUMBERS = st.integers(0, 3)
# Before there was anything, and after all of it; what lies between is in test_as_of.
ERAS = st.sampled_from([datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)])
INSTANTS = NUMBERS.map(lambda n: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(milliseconds=n))


# By name: what is an alias of what, and what implies what.
ALIASES = st.dictionaries(TAGS, TAGS, max_size=2)
IMPLICATIONS = st.lists(st.tuples(TAGS, TAGS), max_size=3)


@dataclass(frozen=True)
class Vocabulary:
    """Rules that there are, by name."""

    aliases: dict[str, str]
    implications: tuple[tuple[str, str], ...]

    def target(self, name: str) -> str:
        return self.aliases.get(name, name)

    def meant(self, name: str, asked: dict[str, Any]) -> set[str]:
        """What a name stands for by what is asked."""
        if not (asked.get("aliased") or asked.get("implied")):
            return {name}
        targets = {self.target(name)}
        while asked.get("implied"):
            edges = [
                (self.target(child), self.target(parent)) for child, parent in self.implications
            ]
            new = {child for child, parent in edges if parent in targets} - targets
            if not new:
                break
            targets |= new
        return targets | {alias for alias, target in self.aliases.items() if target in targets}


def write(aliases: dict[str, str], implications: list[tuple[str, str]]) -> Vocabulary:
    """Make those rules that may be made, and say which these are."""
    made = []
    for child, parent in implications:
        with suppress(vocabulary.Cycle):
            child_tag, parent_tag = make_tag(child), make_tag(parent)
            vocabulary.imply(child_tag, [*vocabulary.parents_of(child_tag), parent_tag], TESTS)
            made.append((child, parent))
    for name, target in aliases.items():
        with suppress(vocabulary.Cycle):
            vocabulary.alias(make_tag(name), make_tag(target), TESTS)
    rows = Tag.objects.exclude(alias_of=None).values_list("name", "alias_of__name")
    return Vocabulary(dict(rows), tuple(made))


@dataclass(frozen=True)
class Known:
    """What a file was found to be."""

    format: str
    width: int
    height: int
    dicom: dict[str, str] | None


@dataclass(frozen=True)
class Row:
    """An image, as the model sees it."""

    tags: dict[str, str]
    name: str
    filename: str
    size: int
    created_at: datetime
    uploaded_at: datetime | None
    upload_error: str
    creator: str | None
    known: Known | None
    album: str
    project: str
    number: int = 0
    # The names that there are, and what each stands for by what is asked.
    vocabulary: frozenset[str] = frozenset()
    meant: Callable[[str], set[str]] = lambda name: {name}


ROWS = st.builds(
    Row,
    tags=st.dictionaries(TAGS, VALUES, max_size=3),
    name=TEXTS,
    filename=TEXTS.filter(bool),
    size=NUMBERS,
    created_at=INSTANTS,
    uploaded_at=st.none() | INSTANTS,
    upload_error=st.sampled_from(["", "", "too large"]),
    creator=st.sampled_from([None, "mira"]),
    known=st.none() | st.builds(Known, FORMATS, NUMBERS, NUMBERS, HEADERS),
    album=ALBUMS,
    project=PROJECTS,
    number=st.just(0),
)
CORPORA = st.lists(ROWS, min_size=1, max_size=6).map(
    lambda rows: [replace(row, number=number) for number, row in enumerate(rows)]
)


def make(row):
    image = make_image(
        name=row.name,
        filename=row.filename,
        size=row.size,
        created_at=row.created_at,
        uploaded_at=row.uploaded_at,
        upload_error="" if row.uploaded_at else row.upload_error,
        by=User.objects.get_or_create(username=row.creator)[0] if row.creator else None,
        album_id=row.album,
        project=Project.objects.get_or_create(pk=row.project)[0],
    )
    tagging.set_values(image, row.tags, EXACT)
    if row.known:
        Facts.objects.create(image=image, **vars(row.known))
    return image


# --- Questions -----------------------------------------------------------------------------------

LISTS = st.lists(TAGS, min_size=1, max_size=2).map(tuple)
WITH_VALUES = st.lists(
    st.builds(TagValues, TAGS, st.lists(VALUES, max_size=2).map(tuple)), min_size=1, max_size=2
).map(tuple)
PATTERNS = st.lists(st.sampled_from(["a", "%", "É", "%%a%", "b%"]), min_size=1, max_size=2)
# Of no image.
MAX_ID = 2**63 - 1
RANGES = ("width", "height", "size")
FEW_ALBUMS = st.lists(ALBUMS, max_size=1).map(tuple)
ANY_OF = st.builds(
    AnyOf,
    albums=FEW_ALBUMS,
    albums_any_case=FEW_ALBUMS,
    filename_words=st.lists(st.sampled_from(["a", "é", "%", "."]), max_size=2).map(tuple),
    tag_ids=st.lists(TAGS, max_size=2).map(tuple),  # by name here
)
ASKED: dict[str, st.SearchStrategy[Any]] = {
    "ids": st.sets(NUMBERS).map(tuple),  # by number here
    "exact_tags": LISTS,
    "match_tags": PATTERNS.map(tuple),
    "tag_id": TAGS,  # by name here, and so
    "uuid": NUMBERS,  # by number here: neither is known before the images are there
    "with_all": WITH_VALUES,
    "with_any": st.lists(WITH_VALUES, min_size=1, max_size=2).map(tuple),
    "words": st.lists(st.sampled_from(["a", "É", "mira"]), min_size=1, max_size=2).map(tuple),
    "created_by": st.sampled_from(["mira", "Mira"]),
    "upload_states": st.sets(st.sampled_from(sorted(UPLOAD_STATES))).map(tuple),
    "without_all": WITH_VALUES,
    "without_any": WITH_VALUES,
    "aliased": st.booleans(),
    "implied": st.booleans(),
    "untagged": st.booleans(),
    "as_of": ERAS,
    "vocabulary_now": st.booleans(),
    "name": TEXTS,
    "name_contains": TEXTS,
    "filename_contains": TEXTS,
    "called": st.lists(TEXTS.filter(bool), min_size=1, max_size=2).map(tuple),
    "formats": st.lists(FORMATS, min_size=1, max_size=2).map(tuple),
    "modalities": st.lists(MODALITIES.map(str.upper), min_size=1, max_size=2).map(tuple),
    "body_parts": st.lists(BODY_PARTS.map(str.upper), min_size=1, max_size=2).map(tuple),
    **{f"{end}_{what}": NUMBERS for what in RANGES for end in ("min", "max")},
    **{f"{what}_{end}": INSTANTS for what in ("created", "uploaded") for end in ("from", "before")},
    "uploaded_only": st.booleans(),
    "failing": st.just(Named("untagged")),
    "any_of": st.lists(ANY_OF, min_size=1, max_size=2).map(tuple),
    "project": PROJECTS,
}
# More often than not in an order of their own, and with few conditions, so that much is found.
RULES = ("aliased", "implied")
QUESTIONS = st.lists(
    st.sampled_from(sorted(ASKED.keys() - set(RULES))), max_size=3, unique=True
).flatmap(lambda names: st.fixed_dictionaries({name: ASKED[name] for name in (*names, *RULES)}))


# --- The model -----------------------------------------------------------------------------------


def has(row, wanted):
    """Whether it has one of what a tag stands for, with one of the values."""
    return any(
        name in row.tags and (not wanted.values or row.tags[name] in wanted.values)
        for name in row.meant(wanted.name)
    )


def has_match(row, pattern):
    """Whether it has one of what the tags that match stand for."""
    there = [name for name in row.vocabulary if matches(name, pattern)]
    return any(has(row, TagValues(name)) for name in there)


def has_word(row, word):
    """Within its name, the names of its tags or its creator's."""
    texts = [row.name, *row.tags, row.creator or ""]
    return any(word.casefold() in text.casefold() for text in texts)


def has_any(row, asked):
    """One of the tags themselves, or albums, or of the words with no letter or number beside it."""
    words = [rf"(?<![^\W_]){re.escape(word.casefold())}(?![^\W_])" for word in asked.filename_words]
    return (
        row.album in asked.albums
        or row.album.casefold() in map(str.casefold, asked.albums_any_case)
        or any(re.search(word, row.filename.casefold()) for word in words)
        or not row.tags.keys().isdisjoint(asked.tag_ids)
    )


def upload_state(row):
    if row.uploaded_at is not None:
        return "arrived"
    return "failed" if row.upload_error else "awaited"


def pixels(row, what):
    """Width or height, where it is known."""
    return (getattr(row.known, what) or None) if row.known else None


def says(row, keyword, values):
    """Whether the header of the file, where there is one, says one of these in any case."""
    header = (row.known and row.known.dicom) or {}
    return header.get(keyword, "").upper() in values


def least(number, end):
    return number is not None and number >= end


def most(number, end):
    return number is not None and number <= end


def earlier(instant, end):
    return instant is not None and instant < end


MODEL = {
    "ids": lambda row, numbers: row.number in numbers,
    "exact_tags": lambda row, names: all(has(row, TagValues(name)) for name in names),
    "match_tags": lambda row, patterns: all(has_match(row, pattern) for pattern in patterns),
    "tag_id": lambda row, name: has(row, TagValues(name)),
    "uuid": lambda row, number: row.number == number,
    "with_all": lambda row, tags: all(has(row, tag) for tag in tags),
    "with_any": lambda row, groups: all(any(has(row, tag) for tag in tags) for tags in groups),
    "words": lambda row, words: all(has_word(row, word) for word in words),
    "created_by": lambda row, name: name == row.creator,
    "upload_states": lambda row, states: upload_state(row) in states,
    "without_all": lambda row, tags: not all(has(row, tag) for tag in tags),
    "without_any": lambda row, tags: not any(has(row, tag) for tag in tags),
    "aliased": lambda *_: True,
    "implied": lambda *_: True,
    "untagged": lambda row, asked: not (asked and row.tags),
    "as_of": lambda row, instant: instant.year > 2026,
    "vocabulary_now": lambda *_: True,
    "name": lambda row, name: row.name == name,
    "name_contains": lambda row, part: part.upper() in row.name.upper(),
    "filename_contains": lambda row, part: part.upper() in row.filename.upper(),
    "called": lambda row, words: all(word.upper() in row.filename.upper() for word in words),
    "formats": lambda row, names: row.known is not None and row.known.format in names,
    "modalities": lambda row, values: says(row, "Modality", values),
    "body_parts": lambda row, values: says(row, "BodyPartExamined", values),
    "min_width": lambda row, end: least(pixels(row, "width"), end),
    "max_width": lambda row, end: most(pixels(row, "width"), end),
    "min_height": lambda row, end: least(pixels(row, "height"), end),
    "max_height": lambda row, end: most(pixels(row, "height"), end),
    "min_size": lambda row, end: least(row.size, end),
    "max_size": lambda row, end: most(row.size, end),
    "created_from": lambda row, end: least(row.created_at, end),
    "created_before": lambda row, end: earlier(row.created_at, end),
    "uploaded_from": lambda row, end: least(row.uploaded_at, end),
    "uploaded_before": lambda row, end: earlier(row.uploaded_at, end),
    "uploaded_only": lambda row, asked: row.uploaded_at is not None or not asked,
    "any_of": lambda row, groups: all(has_any(row, asked) for asked in groups),
    "project": lambda row, project: row.project == project,
    # The contract is that an image has no tag.
    "failing": lambda row, _: bool(row.tags),
}
# What is compared, and whether the greatest comes first; ids count up as numbers do.
SORTING = {
    "newest": (lambda row: (row.created_at, row.number), True),
    "oldest": (lambda row: (row.created_at, row.number), False),
    "uploaded": (
        lambda row: (row.uploaded_at or datetime.min.replace(tzinfo=UTC), row.number),
        True,
    ),
    "largest": (lambda row: (row.size, row.number), True),
    "smallest": (lambda row: (row.size, row.number), False),
    "filename": (lambda row: (row.filename.upper(), row.number), False),
}


def expected(corpus, asked, order):
    key, reverse = SORTING[order]
    found = [row for row in corpus if all(MODEL[name](row, value) for name, value in asked.items())]
    return [row.number for row in sorted(found, key=key, reverse=reverse)]


def id_of(name):
    """Of a tag, which is made where there is none."""
    return Tag.objects.get_or_create(name=name, defaults={"folded": name})[0].pk


def query_of(asked, images):
    """The Query, now that ids are known."""
    known = dict(asked)
    if "tag_id" in known:
        known["tag_id"] = id_of(known["tag_id"])
    if "any_of" in known:
        known["any_of"] = tuple(
            asked._replace(tag_ids=tuple(map(id_of, asked.tag_ids))) for asked in known["any_of"]
        )
    if "ids" in known:
        known["ids"] = tuple(images[n].pk if n < len(images) else MAX_ID for n in known["ids"])
    if "uuid" in known:
        known["uuid"] = str(images[known["uuid"]].uuid) if known["uuid"] < len(images) else "none"
    return Query(**known)


# --- The tests -----------------------------------------------------------------------------------


def test_the_model_knows_every_field_and_every_order():
    assert MODEL.keys() == ASKED.keys() == LOOKUPS.keys() == {field.name for field in fields(Query)}
    assert SORTING.keys() == ORDERS.keys()


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CORPORA, ALIASES, IMPLICATIONS, QUESTIONS, st.sampled_from(sorted(ORDERS)))
def test_search_results_are_what_the_model_finds_in_every_form(
    db, corpus, aliases, implications, asked, order
):
    with transaction.atomic():
        images = [make(row) for row in corpus]
        rules = write(aliases, implications)
        keep({"at_most": 0}, name="untagged")
        query_of(asked, images)
        there = frozenset(Tag.objects.values_list("name", flat=True))
        meant = partial(rules.meant, asked=asked)
        corpus = [replace(row, vocabulary=there, meant=meant) for row in corpus]
        numbers = {image.pk: number for number, image in enumerate(images)}
        found = SearchResults(query_of(asked, images), Viewer.of(None), order)
        wanted = expected(corpus, asked, order)
        assert [numbers[image.pk] for image in found.images] == wanted
        assert found.count() == len(wanted)
        assert list(found.all_images()) == sorted(images[number].pk for number in wanted)
        assert [numbers[image.pk] for image in found[1:3]] == wanted[1:3]
        assert [numbers[record.id] for record in found.page(2, 1).records] == wanted[1:3]
        streamed = [record for chunk in found.stream() for record in chunk]
        assert [numbers[record.id] for record in streamed] == wanted
        scanned = ORDERS[order].scan(found.images, chunk=2)
        assert [numbers[image.pk] for image in scanned] == wanted
        transaction.set_rollback(True)
