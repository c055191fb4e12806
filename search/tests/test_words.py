"""Words are answered by clauses of tags and sets of images as they are row by row."""

from datetime import timedelta
from itertools import combinations

import pytest
from django.utils import timezone

from images.visibility import Viewer
from search.ordering import UNENDED_FIRST
from search.query import Query
from search.results import SearchResults
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import make_image, make_tag, make_user
from tags.models import Tag

pytestmark = pytest.mark.django_db
# In tags alone, in names alone, in both, in a creator, an id, a tag's description, a description,
# and nowhere.
WORDS = ["knee", "scan", "left", "ann", "7", "joint", "blurred", "nowhere"]


@pytest.fixture
def ann():
    user = make_user("ann")
    Tag.objects.filter(pk=make_tag("knee").pk).update(description="A Joint")
    for number in range(8):
        tags = [tag for place, tag in enumerate(["Knee", "left", "x"]) if number >> place & 1]
        make_image(
            *tags, name="LEFT scan" if number % 3 else "other", by=user if number > 5 else None
        )
    make_image("knee", by=user, private=True)
    make_image("knee", "left", description="Blurred", ended_at=timezone.now() + timedelta(hours=1))
    make_image("knee", ended_at=timezone.now() - timedelta(hours=1))
    merge_all(SMALL)
    return user


@pytest.mark.parametrize("is_pending", [False, True])
def test_words_and_what_is_asked_besides_find_what_rows_do(ann, is_pending):
    if is_pending:
        make_image("left", name="a scan of a knee")
        Tag.objects.filter(name="x").update(name="scans", folded="scans")
    for words in [*((word,) for word in WORDS), *combinations(WORDS, 2), ("knee", "left", "scan")]:
        for tags in ((), ("left",)):
            for user in (None, ann):
                query = Query(words=words, exact_tags=tags)
                found = SearchResults(query, Viewer.of(user), UNENDED_FIRST, thresholds=SMALL)
                wanted = list(found.images)
                assert found.path is not None
                assert found.count() == len(wanted)
                assert found[0:3] == wanted[:3]
                assert found[3:20] == wanted[3:]


def test_a_word_that_tags_alone_have_is_a_clause_like_their_names(ann):
    path = SearchResults(Query(words=("joint",)), Viewer.of(None), thresholds=SMALL).path
    assert path
    assert [clause.tag_ids for clause in path.resolved.clauses] == [[make_tag("knee").pk]]
    assert path.resolved.given is None
