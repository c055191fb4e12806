"""GET /v1/images/{id}/history: the ledger of an image, to be read."""

import pytest

from taggedimages.factories import make_credentials, make_image, make_pending
from taggedimages.identity.models import User
from tags.models import TagChange

pytestmark = pytest.mark.django_db


def test_history_shows_every_change_newest_first(api, api_as):
    mira = make_credentials("mira")
    image = make_pending()
    assert api.put(f"/v1/images/{image.pk}", {"tags": ["knee"]}).status_code == 200
    assert api_as(mira).put(f"/v1/images/{image.pk}", {"tags": []}).status_code == 200
    added, removed = TagChange.objects.order_by("id")
    knee = {"id": added.tag_id, "name": "knee"}

    answer = api.get(f"/v1/images/{image.pk}/history")

    assert answer.status_code == 200
    assert answer.json() == {
        "results": [
            {
                "id": removed.pk,
                "change_id": str(removed.change_id),
                "change": None,
                "image_id": image.pk,
                "tag": knee,
                "action": "remove",
                "old_value": "",
                "new_value": None,
                "created_by": "mira",
                "created_timestamp": int(removed.changed_at.timestamp()),
                "through": "v1",
            },
            {
                "id": added.pk,
                "change_id": str(added.change_id),
                "change": None,
                "image_id": image.pk,
                "tag": knee,
                "action": "add",
                "old_value": None,
                "new_value": "",
                "created_by": "anonymous",
                "created_timestamp": int(added.changed_at.timestamp()),
                "through": "v1",
            },
        ],
        "meta": {"current_page": 0, "has_more_pages": False, "total_results": 2},
    }


def test_history_comes_in_pages(api):
    image = make_image("a", "b", "c")
    pages = [api.get(f"/v1/images/{image.pk}/history/?limit=2&page={page}") for page in (0, 1, 2)]
    bodies = [page.json() for page in pages]
    assert [[line["tag"]["name"] for line in body["results"]] for body in bodies] == [
        ["c", "b"],
        ["a"],
        [],
    ]
    assert [body["meta"]["has_more_pages"] for body in bodies] == [True, False, False]
    assert {body["meta"]["total_results"] for body in bodies} == {3}


def test_history_of_an_image_without_changes_is_empty(api):
    assert api.get(f"/v1/images/{make_image().pk}/history").json()["results"] == []


def test_history_of_an_image_that_the_caller_may_not_see_is_404(api, api_as):
    owner = make_credentials("owner")
    private = make_image("knee", by=User.objects.get(username="owner"), private=True)
    path = f"/v1/images/{private.pk}/history"
    assert api_as(owner).get(path).status_code == 200
    for client in (api, api_as(make_credentials("stranger"))):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (404, {"code": 404, "message": "Not found."})


def test_history_of_a_deleted_image_is_404(api):
    image = make_image("knee")
    assert api.delete(f"/v1/images/{image.pk}").status_code == 204
    assert api.get(f"/v1/images/{image.pk}/history").status_code == 404


@pytest.mark.parametrize(("query", "status"), [("limit=0", 400), ("page=-1", 400)])
def test_history_checks_its_parameters(api, query, status):
    assert api.get(f"/v1/images/{make_image().pk}/history?{query}").status_code == status
