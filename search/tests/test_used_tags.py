"""Which tags and values are in use on what is found, told by the index."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from images.models import Image
from images.visibility import Viewer
from search.index import project_terms
from search.index.thresholds import DEFAULT
from search.query import Query, TagValues
from search.results import SearchResults
from search.tests.indexes import give_bitmaps, merge_all
from search.tests.pasts import sql
from search.tests.thresholds import SPARSE
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from tags import tagging
from tags.models import ImageTag
from tags.usage import names_and_values_of

pytestmark = pytest.mark.django_db

# One link is looked for of each tag; or all are read, as DEFAULT has it of so few images.
ONE_OF_EACH = replace(SPARSE, used_tags_by_links_max=0, page_of_tags_by_links_max=0)
DENSE = ("modality", "theirs", "reviewed", "gone")
QUERIES = [
    Query(),
    Query(exact_tags=("knee",)),
    Query(exact_tags=("reviewed",), uploaded_only=True),
    Query(with_any=((TagValues("knee"), TagValues("modality")),), without_any=(TagValues("left"),)),
    Query(untagged=True),
    Query(exact_tags=("nobody has it",)),
]


@pytest.fixture
def projects():
    """Two projects that share tags, dense and sparse, with and without values, of images that end,
    have ended, are yet to come, or are some members' alone; merged, and then changed again."""
    owners = [make_user("a", project_id="ours"), make_user("b", project_id="theirs")]
    project_terms.adopt()
    now = timezone.now()
    fields: list[dict[str, Any]] = [
        {},
        {},
        {"private": True},
        {"ended_at": now + timedelta(hours=1)},
        {"ended_at": now - timedelta(hours=1)},
        {"created_at": now + timedelta(hours=1)},
    ]
    for (of, owner), (number, some) in product(enumerate(owners), enumerate(fields)):
        image = make_image("knee", by=owner, **some)
        always = {"modality": f"{number}", "Ä": "b" if number else "a", "a": f"{of}"}
        sometimes = {"reviewed": "yes"} if number % 2 else {"reviewed": "", "left": ""}
        own = {"theirs": "z"} if of else {"gone": "", "ours": "y"}
        tagging.set_values(image, always | sometimes | own, TESTS)
    make_tag("unused")
    give_bitmaps(DENSE)
    for image in Image.objects.filter(created_by=owners[0], visibility=0).order_by("pk")[:2]:
        tagging.untag_named(image, {"gone": None, "modality": None}, TESTS)
        tagging.set_values(image, {"new": "", "reviewed": "no"}, TESTS)
    Image.objects.filter(created_by=owners[1], visibility=0).update(project_id="ours")
    return owners


def used(query: Query, viewer: Viewer, thresholds=DEFAULT, part=()) -> list[tuple[str, str]]:
    return SearchResults(query, viewer, thresholds=thresholds).names_and_values(*part)


def test_the_index_tells_the_tags_and_values_that_links_do(projects):
    viewers = [
        Viewer(audiences=None, project="ours"),
        Viewer(audiences=None, project="theirs"),
        Viewer(audiences=None, project="nobody's"),
        *map(Viewer.of, [None, *projects]),
        Viewer(audiences=None),
    ]

    def hold() -> None:
        for query, viewer in product(QUERIES, viewers):
            found = SearchResults(query, viewer)
            told = list(names_and_values_of(found.images))
            assert used(query, viewer) == told, (query, viewer)
            assert used(query, viewer, ONE_OF_EACH) == told, (query, viewer)
            for part in ((0, 3), (3, 6), (len(told) - 1, len(told) + 5)):
                if part[0] >= 0:
                    assert used(query, viewer, ONE_OF_EACH, part) == told[slice(*part)]

    ours = used(Query(), viewers[0], ONE_OF_EACH)
    assert {("reviewed", ""), ("reviewed", "no"), ("new", ""), ("theirs", "z")} <= set(ours)
    hold()
    merge_all(SPARSE)
    hold()


def test_of_a_tag_that_nearly_always_has_a_value_the_one_without_is_found(projects):
    """It is not among the first links, and so told by how many there are."""
    for number in range(110):
        tagging.set_values(make_image(), {"Ä": f"{number % 3}", "modality": "m"}, TESTS)
    viewer = Viewer.of(None)
    merge_all(SPARSE)
    for name in ("Ä", "modality"):
        assert (name, "") not in used(Query(), viewer, ONE_OF_EACH)
        links = ImageTag.objects.visible_to(None).filter(tag__name=name)
        tagging.set_values(links.earliest("image_id").image, {name: ""}, TESTS)
        assert (name, "") in used(Query(), viewer, ONE_OF_EACH)
        merge_all(SPARSE)
        assert (name, "") in used(Query(), viewer, ONE_OF_EACH)


def test_while_the_index_is_made_anew_links_tell(projects):
    viewer = Viewer(audiences=None, project="ours")
    told = used(Query(), viewer)
    sql("INSERT INTO search_rebuild (asked_at) VALUES (now())")
    assert used(Query(), viewer, ONE_OF_EACH) == told
