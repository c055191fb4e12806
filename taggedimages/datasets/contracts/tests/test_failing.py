"""The condition `failing`: wherever images are searched for, and whichever way they are found."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from images.visibility import Viewer
from search.query import Named, Query
from search.query.conditions import Unknown, settled
from search.results import SearchResults
from search.tests.answers import assert_path_right, assert_right, path_of
from search.tests.indexes import give_bitmaps, merge_all
from search.tests.thresholds import SMALL
from taggedimages.changes.models import Change
from taggedimages.changes.tests.corpora import applied
from taggedimages.datasets.contracts import keeping
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.factories import TESTS, make_credentials, make_image
from taggedimages.identity.models import User
from tags import tagging

pytestmark = pytest.mark.django_db

SEARCH = "/v1/search/images"


@pytest.fixture
def owner(api):
    made = make_credentials("owner", project_id="lab")
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {made.token}")
    return User.objects.get(username="owner")


@pytest.fixture
def corpus(owner):
    """A contract that the images `bad` fail, and others."""
    keep({"none_of": ["todo"]}, {"exactly_one_of": ["left", "right"]}, name="sides", by=owner)
    make_image("left", "knee"), make_image("right")
    return [
        make_image("left", "todo", "knee"),
        make_image("left", "right", filename="b.png"),
        make_image(by=owner, private=True),
    ]


def ids(images):
    return [image.pk for image in images]


def failing(**more):
    return Query(failing=Named("sides"), aliased=True, **more)


def found(api, path=SEARCH, **more):
    answer = api.get(path, {"failing": "sides"} | more)
    assert answer.status_code == 200, answer.json()
    return sorted(record["id"] for record in answer.json()["results"])


def test_a_search_finds_what_breaks_a_rule_and_is_shown(api, corpus):
    assert found(api) == ids(corpus)
    assert found(api, exact_tags="knee") == ids(corpus[:1])
    assert found(api, filename="b.png") == ids(corpus[1:2])
    assert found(api, not_tags="knee", order="largest") == ids(corpus[1:])
    assert found(api, "/v1/images") == ids(corpus)


def test_nobody_else_is_shown_it(api, corpus):
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {make_credentials(project_id='lab').token}")
    assert found(api) == ids(corpus[:2])
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {make_credentials(project_id='far').token}")
    answer = api.get(SEARCH, {"failing": "sides"})
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "failing: There is no contract 'sides'.",
    )
    assert api.get(SEARCH, {"failing": "lab/sides"}).status_code == 400


def test_lines_are_as_pages(api, corpus):
    answer = api.get(f"{SEARCH}.ndjson", {"failing": "sides"})
    lines = b"".join(answer.streaming_content).splitlines()
    assert sorted(json.loads(line)["id"] for line in lines) == ids(corpus)


def test_facets_are_of_what_fails(api, corpus):
    answer = api.get(SEARCH, {"failing": "sides", "facets": "tags"}).json()
    counts = {tag["name"]: tag["count"] for tag in answer["facets"]["tags"]}
    assert counts == {"left": 2, "right": 1, "todo": 1, "knee": 1}


@pytest.mark.parametrize("tags", [[], ["knee"], ["left", "right", "todo"]], ids=str)
@pytest.mark.parametrize("asked", ["exact_tags", "match_tags", "created_by", "untagged"])
def test_every_way_finds_the_same(owner, corpus, tags, asked, monkeypatch):
    """Whatever has bitmaps, and whatever has changed since they were made."""
    monkeypatch.setattr("search.executor.tag_sets.FEW", -1)
    merge_all()
    give_bitmaps(tags)
    tagging.tag(corpus[1], ["todo"], TESTS)
    corpus.append(make_image("knee", "left", "todo"))
    tagging.untag_named(corpus[0], {"todo": None}, TESTS)
    query = {
        "exact_tags": failing(exact_tags=("left",)),
        "match_tags": failing(match_tags=("%t%",)),
        "created_by": failing(created_by="owner"),
        "untagged": failing(untagged=True),
    }[asked]
    assert_right(query, owner, offset=0)
    assert_right(failing(), owner)


def test_a_path_counts_and_pages_what_fails(owner, corpus):
    viewer = Viewer.of(owner)
    merge_all(SMALL)
    query = settled(failing(), viewer)
    assert_path_right(path_of(query, viewer), ids(corpus)[::-1], 2, 1)
    nothing = replace(query, exact_tags=("right", "knee"))
    assert SearchResults(nothing, viewer, thresholds=SMALL).count() == 0


def test_a_contract_is_what_it_says_now(api, owner, corpus):
    keep({"none_of": ["todo"]}, name="sides", by=owner)
    assert found(api) == ids(corpus[:1])


def test_one_that_is_gone_is_refused_and_fails_nothing(owner, corpus):
    viewer = Viewer.of(owner)
    query = settled(failing(), viewer)
    keeping.delete(keep({"at_most": 9}, name="sides", by=owner).contract)
    with pytest.raises(Unknown):
        settled(failing(), viewer)
    assert SearchResults(query, viewer).count() == 0


def test_a_change_is_of_what_failed_and_still_does(api, owner, corpus):
    body = {"query": {"failing": "sides"}, "operation": {"add": ["broken"]}}
    change = api.post("/v1/changes", body).json()
    assert (change["plan"]["images"], change["query"]) == (3, {"failing": "sides"})
    tagging.untag_named(corpus[0], {"todo": None}, TESTS)
    digest = change["plan"]["digest"]
    assert api.post(f"/v1/changes/{change['id']}/apply", {"digest": digest}).status_code == 202
    done = applied(Change.objects.get(pk=change["id"]))
    assert {k: n for k, n in done.outcomes.items() if n} == {"changed": 2, "changed_since": 1}


def test_the_commands_take_it(owner, corpus):
    out = StringIO()
    call_command("find", "failing=sides", "--count", "--user", "owner", stdout=out)
    # An operator sees all contracts, and needs no project for one that there is once.
    call_command("find", "failing=lab/sides", "--count", stdout=out)
    call_command("find", "failing=sides&exact_tags=knee", "--count", stdout=out)
    assert out.getvalue().split() == ["3", "3", "1"]
    with pytest.raises(CommandError, match="no contract 'hands'"):
        call_command("find", "failing=hands")
    with pytest.raises(CommandError, match="no contract 'hands'"):
        call_command("retag", "failing=hands", "--add", "x")


def test_the_search_box_of_images_takes_it(client, owner, corpus):
    User.objects.filter(pk=owner.pk).update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get(pk=owner.pk))
    page = client.get("/admin/images/image/", {"q": "failing=sides", "view": "grid"})
    assert [cell.id for cell, _ in page.context["cells"]] == ids(corpus)[::-1]
    assert "that break the contract sides" in page.content.decode()
    assert (
        "There is no contract"
        in client.get(
            "/admin/images/image/", {"q": "failing=hands", "view": "grid"}
        ).content.decode()
    )
