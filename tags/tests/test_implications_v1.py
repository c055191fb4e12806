"""POST /v1/tags/{id}/implications: which tags a tag implies."""

from itertools import pairwise

import pytest

from taggedimages.factories import make_credentials, make_image, make_tag
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db


def imply(api, child: str, *parents: str):
    """The answer to saying what a tag implies, by names."""
    ids = [make_tag(name).pk for name in parents]
    return api.post(f"/v1/tags/{make_tag(child).pk}/implications", {"parents": ids})


def names(answer, field: str) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [tag["name"] for tag in answer.json()[field]]


def detail(api, name: str):
    return api.get(f"/v1/tags/{make_tag(name).pk}")


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_tag_is_answered_with_its_parents_and_they_have_it_as_a_child(api, slash):
    knee, joint = make_tag("knee"), make_tag("joint")
    answer = api.post(f"/v1/tags/{knee.pk}/implications{slash}", {"parents": [joint.pk]})
    assert answer.json()["parents"] == [{"id": joint.pk, "name": "joint"}]
    assert answer.json() == detail(api, "knee").json()
    assert detail(api, "joint").json()["children"] == [{"id": knee.pk, "name": "knee"}]


def test_the_list_replaces_the_parents_and_an_empty_one_removes_them(api):
    imply(api, "knee", "joint", "leg")
    assert names(imply(api, "knee", "leg", "body"), "parents") == ["body", "leg"]
    assert names(imply(api, "knee"), "parents") == []
    assert names(detail(api, "leg"), "children") == []


def test_sent_again_or_doubled_it_is_answered_alike(api):
    first, again = imply(api, "knee", "joint"), imply(api, "knee", "joint", "joint")
    assert first.json() == again.json()


def test_only_what_is_one_step_away_is_told(api):
    imply(api, "knee", "joint")
    imply(api, "joint", "body")
    assert names(detail(api, "knee"), "parents") == ["joint"]
    assert names(detail(api, "body"), "children") == ["joint"]


def test_a_cycle_is_a_conflict_that_names_the_path(api):
    imply(api, "joint", "knee")
    answer = imply(api, "knee", "joint")
    assert answer.json() == {"code": 409, "message": "knee → joint → knee"}
    assert imply(api, "knee", "knee").json() == {"code": 409, "message": "knee → knee"}
    assert names(detail(api, "knee"), "parents") == []


def test_a_path_does_not_tell_of_a_tag_that_the_caller_is_not_shown(api, api_as):
    mira = api_as(make_credentials("mira"))
    make_image("secret", by=User.objects.get(username="mira"), private=True)
    imply(mira, "secret", "knee")
    imply(mira, "joint", "secret")
    assert imply(api, "knee", "joint").json()["message"] == "knee → joint → … → knee"
    assert imply(mira, "knee", "joint").json()["message"] == "knee → joint → secret → knee"


def test_too_many_steps_are_a_conflict(api):
    steps = [f"step {number:02}" for number in range(18)]
    told = [imply(api, child, parent).status_code for child, parent in pairwise(steps)]
    assert told == [200] * 16 + [409]


@pytest.mark.parametrize("parents", [None, "joint", 3, {}, [None], ["3"], [1.5], [True], [2**63]])
def test_what_is_no_list_of_ids_is_400(api, parents):
    path = f"/v1/tags/{make_tag().pk}/implications"
    assert api.post(path, {"parents": parents}).status_code == 400
    assert api.post(path, {}).status_code == 400


def test_a_list_has_its_bounds(api, settings):
    settings.MAX_LIST_ITEMS = 3
    path = f"/v1/tags/{make_tag().pk}/implications"
    assert api.post(path, {"parents": [1, 2, 3, 4]}).status_code == 400


def test_a_parent_that_is_not_there_is_400_and_a_tag_404(api):
    knee, joint = make_tag("knee"), make_tag("joint")
    answer = api.post(f"/v1/tags/{knee.pk}/implications", {"parents": [joint.pk, 999_999_999]})
    assert answer.status_code == 400
    assert answer.json()["message"] == "parents: There is no tag 999999999."
    assert names(detail(api, "knee"), "parents") == []
    assert api.post("/v1/tags/999999999/implications", {"parents": []}).status_code == 404


def test_an_alias_among_the_parents_is_its_target(api):
    old, joint = make_tag("articulation"), make_tag("joint")
    api.post(f"/v1/tags/{old.pk}/alias", {"of": joint.pk})
    assert names(imply(api, "knee", "articulation"), "parents") == ["joint"]


def test_parents_that_the_caller_is_not_shown_are_not_told_and_stay(api, api_as):
    mira = api_as(make_credentials("mira"))
    make_image("secret", by=User.objects.get(username="mira"), private=True)
    imply(mira, "knee", "secret", "joint")
    assert names(detail(api, "knee"), "parents") == ["joint"]
    assert names(imply(api, "knee"), "parents") == []
    assert names(detail(mira, "knee"), "parents") == ["secret"]
    assert detail(api, "knee")["ETag"] != detail(mira, "knee")["ETag"]


def test_images_counts_what_has_the_tag_itself(api):
    make_image("knee")
    imply(api, "knee", "joint")
    assert detail(api, "joint").json()["images"] == 0
    assert detail(api, "knee").json()["images"] == 1
