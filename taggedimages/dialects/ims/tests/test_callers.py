"""Who may do what: 401, 403 and 404 (contract IMS)."""

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from images import deletion
from taggedimages.dialects.ims.tests.requests import held, tags_url
from taggedimages.dialects.ims.tests.signer import send, signed
from taggedimages.factories import TESTS, make_credentials, make_image, make_user
from taggedimages.identity.credentials import issue_token
from taggedimages.identity.models import User
from tags import tagging

BATCH = {"action": "create", "tags": [{"key": "new", "value": ""}]}
REMOVAL = {"tags": [{"key": "knee"}]}


def readings(image, project):
    """Every way to read one image."""
    return [
        ("get", tags_url(image, project=project), None),
        ("get", f"/v2/images/{image.uuid}", None),
    ]


def writings(image, project):
    """Every way to change one image."""
    cloud = {"image_id": str(image.uuid), "tag": "new"}
    return [
        ("post", tags_url(image, project=project), {"tag": {"key": "new", "value": ""}}),
        ("post", tags_url(image, "action", project=project), BATCH),
        ("delete", tags_url(image, "knee", project=project), None),
        ("delete", f"/v1/{project}/cloudimages/{image.uuid}/tags/delete", REMOVAL),
        ("put", "/v1/cloudimages/tags", cloud),
        ("put", f"/v2/images/{image.uuid}/tags/new", None),
        ("delete", f"/v2/images/{image.uuid}/tags/knee", None),
    ]


def listings(project):
    """Every route that concerns no single image."""
    return [
        ("get", f"/v2/{project}/images/tags", None),
        ("post", f"/v2/{project}/images/resource_instances/action", {"action": "count"}),
        ("get", "/v1/cloudimages/tags", None),
        ("get", "/v2/images", None),
        ("get", "/v2/cloudimages", None),
    ]


def answers(client, requests):
    """The statuses and codes that some requests get."""
    found = set()
    for method, url, body in requests:
        response = (
            getattr(client, method)(url, body, format="json")
            if body
            else getattr(client, method)(url)
        )
        code = response.json().get("error", {}).get("code") if response.content else None
        found.add((response.status_code, code))
    return found


def test_no_credentials(settings, image):
    everything = readings(image, "lab") + writings(image, "lab") + listings("lab")
    for policy in ("open", "read-only", "none"):
        settings.ANONYMOUS = policy
        assert answers(APIClient(), everything) == {(401, "IMG.0087")}


@pytest.mark.parametrize("token", ["", "wrong", "é", "\0", "x" * 5000])
def test_a_bad_token(image, token):
    client = APIClient(HTTP_X_AUTH_TOKEN=token)
    assert answers(client, listings("lab")) == {(401, "IMG.0087")}


def test_the_challenge_names_where_tokens_are(image):
    response = APIClient().get("/v2/images")
    assert response.headers["WWW-Authenticate"] == 'Keystone uri="http://testserver/v3"'


def test_an_expired_token(ada, image):
    token = issue_token(User.objects.get(pk=ada.user_id), expires_at=timezone.now())
    assert answers(APIClient(HTTP_X_AUTH_TOKEN=token), listings("lab")) == {(401, "IMG.0087")}


def test_credentials_of_other_dialects(ada, image):
    for scheme in ("Bearer", "TOKEN", "Token"):
        client = APIClient(HTTP_AUTHORIZATION=f"{scheme} {ada.token}")
        assert answers(client, listings("lab")) == {(401, "IMG.0087")}


def test_a_bad_token_counts_even_beside_a_good_signature(ada):
    headers = signed(ada, "GET", "/v2/images") | {"X-Auth-Token": "wrong"}
    assert send("GET", "/v2/images", headers).status_code == 401


def test_the_project_of_another_in_the_path(ims, image):
    requests = [
        one
        for one in readings(image, "other") + writings(image, "other") + listings("other")
        if "/other/" in one[1]
    ]
    assert len(requests) == 7
    assert answers(ims, requests) == {(403, "IMG.0026")}


def test_the_project_of_another_in_the_header(ada, image):
    client = APIClient(HTTP_X_AUTH_TOKEN=ada.token, HTTP_X_PROJECT_ID="other")
    everything = readings(image, "lab") + writings(image, "lab") + listings("lab")
    assert answers(client, everything) == {(403, "IMG.0026")}


def test_the_own_project_in_the_header(ada, image):
    client = APIClient(HTTP_X_AUTH_TOKEN=ada.token, HTTP_X_PROJECT_ID="lab")
    assert answers(client, readings(image, "lab") + listings("lab")) == {(200, None)}


def test_staff_stay_in_their_project_too(ims_as, image):
    boss = ims_as(make_credentials("boss", project_id="office", staff=True))
    assert answers(boss, listings("lab")[:2]) == {(403, "IMG.0026")}


@pytest.mark.parametrize("private", [True, False])
def test_all_of_a_project_read_and_write(ims_as, owner, private):
    colleague = ims_as(make_credentials("col", project_id="lab"))
    image = make_image(by=owner, private=private)
    tagging.tag(image, ["knee"], TESTS)
    assert answers(colleague, readings(image, "lab")) == {(200, None)}
    for method, url, body in writings(image, "lab"):
        tagging.tag(image, ["knee"], TESTS)
        assert answers(colleague, [(method, url, body)]) == {(204, None)}


def test_a_public_image_of_another_project_is_read_only(ims_as, eve, image):
    tagging.tag(image, ["knee"], TESTS)
    client = ims_as(eve)
    assert answers(client, readings(image, "other")) == {(200, None)}
    assert answers(client, writings(image, "other")) == {(403, "IMG.0026")}
    assert held(image) == [("knee", "")]


def test_a_private_image_of_another_project_is_unknown(ims_as, eve, owner):
    image = make_image("knee", by=owner, private=True)
    client = ims_as(eve)
    assert answers(client, readings(image, "other") + writings(image, "other")) == {
        (404, "IMG.0027")
    }
    assert held(image) == [("knee", "")]


def test_public_images_of_others_are_in_no_list(ims_as, eve, image):
    tagging.tag(image, ["knee"], TESTS)
    client = ims_as(eve)
    assert client.get("/v2/images").json() == {"images": []}
    assert client.get("/v2/other/images/tags").json() == {"tags": []}
    assert client.get("/v1/cloudimages/tags").json() == {"tags": []}
    count = client.post("/v2/other/images/resource_instances/action", {"action": "count"})
    assert count.json() == {"total_count": 0}


def ended(image):
    image.ended_at = timezone.now()
    image.save()


def trashed(image):
    image.ended_at = image.trashed_at = timezone.now()
    image.save()


@pytest.mark.parametrize("end", [ended, trashed, deletion.delete])
def test_an_image_that_is_over(ims, image, end):
    end(image)
    everything = readings(image, "lab") + writings(image, "lab")
    assert answers(ims, everything) == {(404, "IMG.0027")}


def test_images_of_anonymous_callers_belong_to_the_default_project(ims, ims_as):
    image = make_image("knee")
    member = ims_as(make_credentials("member", project_id="default"))
    assert member.delete(tags_url(image, "knee", project="default")).status_code == 204
    assert ims.delete(tags_url(image, "knee")).status_code == 403


def test_a_project_named_like_a_route(ims_as):
    project = make_credentials("odd", project_id="images")
    image = make_image("knee", by=make_user("odd"))
    client = ims_as(project)
    expected = {"tags": [{"key": "knee", "value": ""}]}
    assert client.get(tags_url(image, project="images")).json() == expected
    assert client.get("/v2/images/images/tags").json() == {
        "tags": [{"key": "knee", "values": [""]}]
    }
