"""Contract Atmosphere, authentication."""

from datetime import timedelta

import pytest
from django.utils import timezone

from taggedimages.factories import make_credentials, make_image, make_user
from taggedimages.identity.credentials import issue_token

pytestmark = pytest.mark.django_db
MISSING = {"detail": "Authentication credentials were not provided."}


@pytest.mark.parametrize("scheme", ["TOKEN", "Token", "token", "tOkEn"])
def test_the_scheme_comes_in_any_case(api, scheme):
    credentials = make_credentials("ann")
    image = make_image(by=make_user("ann"), private=True)
    header = f"{scheme} {credentials.token}"
    answer = api.get(f"/api/v2/images/{image.pk}", headers={"Authorization": header})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header", ["", "TOKEN", "TOKEN unknown", "TOKEN a b", "TOKEN \xff", "Basic eDp5", "nonsense"]
)
def test_what_is_no_valid_token_counts_as_anonymous(api, header):
    make_image(by=make_user(), private=True)
    public = make_image()
    answer = api.get("/api/v2/images", headers={"Authorization": header})
    assert answer.status_code == 200
    assert [image["id"] for image in answer.data["results"]] == [public.pk]


def test_a_bearer_token_is_the_other_apis_login_and_none_here(api):
    credentials = make_credentials("ann")
    image = make_image(by=make_user("ann"), private=True)
    header = f"Bearer {credentials.token}"
    answer = api.get(f"/api/v2/images/{image.pk}", headers={"Authorization": header})
    assert answer.status_code == 404


def test_an_expired_token_is_anonymous(api):
    token = issue_token(make_user(), timezone.now() - timedelta(seconds=1))
    header = {"Authorization": f"TOKEN {token}"}
    assert api.get("/api/v2/images", headers=header).status_code == 200
    refused = api.post("/api/v2/tags", {"name": "x", "description": "y"}, headers=header)
    assert (refused.status_code, refused.json()) == (403, MISSING)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("patch", "images/{}"),
        ("put", "images/{}"),
        ("post", "image_tags"),
        ("delete", "image_tags/{}"),
        ("post", "tags"),
        ("put", "tags/{}"),
        ("patch", "tags/{}"),
        ("delete", "tags/{}"),
    ],
)
def test_a_write_without_login_is_403_and_not_401(api, method, path):
    image = make_image("knee")
    link = image.imagetag_set.get()
    ids = {"images": image.pk, "image_tags": link.pk, "tags": link.tag_id}
    path = path.format(ids[path.split("/")[0]])
    answer = getattr(api, method)(f"/api/v2/{path}", {})
    assert (answer.status_code, answer.json()) == (403, MISSING)
    assert "WWW-Authenticate" not in answer.headers


@pytest.mark.parametrize("policy", ["open", "read-only"])
def test_anonymous_callers_read_everything_public(api, settings, policy):
    settings.ANONYMOUS = policy
    image = make_image("knee")
    link = image.imagetag_set.get()
    for path in (
        "images",
        f"images/{image.pk}",
        "image_tags",
        f"image_tags/{link.pk}",
        "tags",
        f"tags/{link.tag_id}",
    ):
        assert api.get(f"/api/v2/{path}").status_code == 200


def test_a_closed_service_refuses_anonymous_reads_too(api, login, settings):
    settings.ANONYMOUS = "none"
    answer = api.get("/api/v2/images")
    assert (answer.status_code, answer.json()) == (403, MISSING)
    assert login()[0].get("/api/v2/images").status_code == 200


def test_open_to_anonymous_callers_still_means_no_writes_here(api, settings):
    settings.ANONYMOUS = "open"
    answer = api.post("/api/v2/tags", {"name": "knee", "description": "A joint"})
    assert (answer.status_code, answer.json()) == (403, MISSING)


def test_a_token_tells_whose_it_is(api):
    key = make_credentials("ann").token
    answer = api.get(f"/api/v2/tokens/{key}", headers={"Authorization": f"TOKEN {key}"})
    assert (answer.status_code, answer.json()) == (200, {"key": key, "user": {"username": "ann"}})


def test_tokens_of_others_and_unknown_ones_are_not_found(login):
    client, _ = login("ann")
    other = make_credentials("bob").token
    for key in (other, "unknown", "%00"):
        answer = client.get(f"/api/v2/tokens/{key}")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_tokens_are_not_told_to_anonymous_callers(api):
    token = make_credentials("ann").token
    answer = api.get(f"/api/v2/tokens/{token}")
    assert (answer.status_code, answer.json()) == (403, MISSING)
