"""The conditions of a search as JSON: what they find, and what is refused."""

import time
from urllib.parse import urlencode

import orjson
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.models import Facts
from search.ordering import ORDERS
from search.query import Query
from search.tests.test_query_model import QUESTIONS as EVERY_QUESTION
from search.v1.json_conditions import MAX_IDS, JsonConditions
from search.v1.parameters import QueryParameters
from taggedimages.changes import questions, sets
from taggedimages.factories import TESTS, make_image
from tags import curation, names, tagging
from tags.models import Tag
from tags.past.tests.ageing import let_pass

pytestmark = pytest.mark.django_db

NAMES = st.sampled_from(["knee", "left", "a|b", "\\", "é", "nowhere"])
LISTS = st.lists(NAMES, max_size=2)
# When what was made first had been made, and nothing had been changed yet.
BEGINNING, IN_BETWEEN = 1_000_000_000, 1_500_000_000
CONDITIONS = {
    "exact_tags": LISTS,
    "match_tags": st.lists(st.sampled_from(["k%", "%e%", "É", "a|b"]), max_size=2),
    "any_tags": LISTS,
    "not_tags": LISTS,
    "untagged": st.booleans(),
    "implied": st.booleans(),
    "as_of": st.sampled_from([0, IN_BETWEEN]),
    "vocabulary": st.sampled_from(["now", "then"]),
    "start_timestamp": st.sampled_from([0, 1, 2, -1]),
    "end_timestamp": st.sampled_from([0, 1, 2**62]),
    "uploaded_only": st.booleans(),
    "uploaded_start_timestamp": st.sampled_from([0, 1, 2**62]),
    "uploaded_end_timestamp": st.sampled_from([0, 1, 2**62]),
    "filename": st.sampled_from(["", "IMAGE", " ", "%", "one"]),
    "format": st.lists(st.sampled_from(["png", "JPG", "gif"]), max_size=2),
    "modality": st.lists(st.sampled_from(["mr", "CT"]), max_size=2),
    "body_part": st.lists(st.sampled_from(["knee", "HAND"]), max_size=2),
    **{
        f"{end}_{of}": st.integers(0, 3)
        for end in ("min", "max")
        for of in ("width", "height", "size")
    },
}
QUESTIONS = st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=3, unique=True).flatmap(
    lambda chosen: st.fixed_dictionaries(
        {name: CONDITIONS[name] for name in chosen if name != "vocabulary" or "as_of" in chosen}
    )
)


def in_url(conditions):
    """The same in a query string."""
    texts = {
        name: names.joined(asked)
        if isinstance(asked, list)
        else str(asked).lower()
        if isinstance(asked, bool)
        else asked
        for name, asked in conditions.items()
    }
    return urlencode(texts)


def found_by(api, parameters):
    """The ids of all that a search finds; of a mere window, which it refuses, a list."""
    searched = api.get(f"/v1/search/images.ndjson?{parameters}")
    if searched.status_code == 400:
        searched = api.get(f"/v1/images.ndjson?{parameters}")
    assert searched.status_code == 200
    return {orjson.loads(line)["id"] for line in b"".join(searched).splitlines()}


MOST = {"max_width", "max_height", "max_size"}


@pytest.fixture
def corpus():
    make_image("knee", "left", filename="one.png", size=1)
    make_image("knee", "a|b", filename="two.jpg", size=2)
    make_image("é", "\\", size=3, uploaded_at=None)
    known = make_image(size=3)
    Facts.objects.create(image=known, format="png", width=2, height=3)
    header = {"Modality": "MR", "BodyPartExamined": "KNEE"}
    Facts.objects.create(image=make_image("left"), width=3, height=1, dicom=header)
    make_image("knee", private=True)
    let_pass(int(time.time()) - BEGINNING)
    tagging.retag(known, ["knee"], TESTS)
    curation.rename(Tag.objects.get(name="left"), "right", TESTS)
    make_image("knee", "left")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conditions=QUESTIONS)
def test_a_plan_is_of_what_the_search_finds(corpus, api, settings, conditions):
    settings.ANONYMOUS = "open"
    with transaction.atomic():
        answer = api.post(
            "/v1/changes", {"query": conditions, "operation": {"add": ["new"]}}, format="json"
        )
        if answer.status_code == 400:
            assert "Give a condition" in answer.json()["message"]
            past = {"as_of": None, "vocabulary": None}
            assert not any({**conditions, "implied": False, **past}.values())
            assert not conditions.keys() & {"min_width", "min_height", *MOST}
        else:
            change = answer.json()
            found = found_by(api, in_url(conditions))
            assert set(sets.of(change["id"])) == found
            assert change["plan"]["images"] == len(found) == change["plan"]["links_added"]
        transaction.set_rollback(True)


def test_every_condition_of_searches_is_one_here_but_no_order():
    of_searches = QueryParameters().fields.keys() - {"order"}
    assert JsonConditions().fields.keys() == of_searches | {"ids", "everything"}
    # Of contracts, which have tests of their own.
    assert CONDITIONS.keys() == of_searches - {"failing"}
    assert ORDERS


@given(EVERY_QUESTION.filter(lambda asked: not {"ids", "tag_id", "uuid"} & asked.keys()))
def test_a_question_is_read_as_it_was_written(asked):
    query = Query(**asked)
    assert questions.read(orjson.loads(orjson.dumps(questions.written(query)))) == query


REFUSED = [
    ({"as_of": 5}, "Give a condition"),
    ({"as_of": 2**62, "untagged": True}, "as_of: Must be 10 seconds ago"),
    ({"as_of": "5", "untagged": True}, "as_of"),
    ({"as_of": -5, "untagged": True}, "as_of"),
    ({"as_of": True, "untagged": True}, "as_of"),
    ({"as_of": None, "untagged": True}, "as_of"),
    ({"as_of": 5, "untagged": True, "vocabulary": "mine"}, "vocabulary"),
    ({"untagged": True, "vocabulary": "now"}, "vocabulary: Goes with as_of"),
    ({}, "Give a condition"),
    ({"exact_tags": []}, "Give a condition"),
    ({"untagged": False, "filename": "", "start_timestamp": 0}, "Give a condition"),
    ({"min_size": 0}, "Give a condition"),
    ({"everything": False}, "Give a condition"),
    ({"everything": True, "untagged": True}, "goes with no condition"),
    ({"order": "newest", "untagged": True}, "order: Not known"),
    ({"page": 1, "untagged": True}, "page: Not known"),
    ({"exact_tags": "knee"}, "exact_tags"),
    ({"exact_tags": [1]}, "exact_tags"),
    ({"exact_tags": [""]}, "exact_tags"),
    ({"exact_tags": None}, "exact_tags"),
    ({"exact_tags": ["x"] * 101}, "At most 100"),
    ({"untagged": "true"}, "untagged"),
    ({"untagged": 1}, "untagged"),
    ({"min_width": "5"}, "min_width"),
    ({"min_width": -1}, "min_width"),
    ({"min_width": True}, "min_width"),
    ({"min_width": 2**63}, "min_width"),
    ({"filename": 5}, "filename"),
    ({"ids": []}, "ids"),
    ({"ids": [True]}, "ids"),
    ({"ids": ["1"]}, "ids"),
    ({"ids": [0]}, "ids"),
    ({"ids": [2**63]}, "ids"),
    ({"ids": list(range(1, MAX_IDS + 2))}, "more than 10000 items"),
    ([], "Invalid data"),
    ("untagged", "Invalid data"),
    (None, "query"),
]


@pytest.mark.parametrize(("query", "why"), REFUSED, ids=lambda one: str(one)[:40])
def test_what_is_no_question_is_refused(api, settings, query, why):
    settings.ANONYMOUS = "open"
    answer = api.post("/v1/changes", {"query": query, "operation": {"add": ["new"]}})
    assert answer.status_code == 400
    assert why in answer.json()["message"]


def test_ten_thousand_ids_are_taken_though_other_lists_are_shorter(api, settings):
    settings.ANONYMOUS = "open"
    image = make_image()
    ids = [image.pk, *range(10**9, 10**9 + MAX_IDS - 1)]
    answer = api.post("/v1/changes", {"query": {"ids": ids}, "operation": {"add": ["new"]}})
    assert answer.status_code == 202
    assert answer.json()["plan"]["images"] == 1
    assert answer.json()["query"] == {"ids": ids}


def test_all_images_are_asked_for_in_so_many_words(api, settings):
    settings.ANONYMOUS = "open"
    images = [make_image("knee").pk, make_image().pk]
    body = {"query": {"everything": True}, "operation": {"add": ["new"]}}
    change = api.post("/v1/changes", body).json()
    assert list(sets.of(change["id"])) == images
