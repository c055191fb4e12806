"""The rules that hold across the published APIs, between Atmosphere and TIM."""

import base64

import pytest

from taggedimages.factories import make_credentials, make_image, make_png, make_tag, make_user
from taggedimages.identity.authors import Author
from tags import tagging
from tags.models import ImageTag

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(api_as, login):
    """Clients of Atmosphere and of TIM for one user, and an image of theirs."""
    client, user = login("ann", staff=True)
    return client, api_as(make_credentials("ann")), make_image("knee", by=user)


def test_an_image_made_there_is_edited_here(both):
    client, tim, _ = both
    made = tim.post("/v1/images", {"filename": "scan.png", "tags": ["left"]}).json()["id"]
    shown = client.get(f"/api/v2/images/{made}").json()
    assert (shown["name"], shown["tags"]) == ("scan.png", ["left"])
    client.patch(f"/api/v2/images/{made}", {"name": "Scan", "tags": ["right", "left"]})
    record = tim.get(f"/v1/images/{made}").json()
    assert record["filename"] == "scan.png"
    assert [tag["name"] for tag in record["tags"]] == ["left", "right"]


def test_an_upload_there_is_a_stored_file_here(both):
    client, tim, _ = both
    body = {"filename": "scan.png", "image_data": base64.b64encode(make_png()).decode()}
    made = tim.post("/v1/upload", body | {"tags": []}).json()["id"]
    (stored,) = client.get(f"/api/v2/images/{made}").json()["provider_images"]
    assert (stored["size"], stored["format"]) == (len(make_png()), "png")


def test_a_link_made_here_is_there_and_the_other_way_round(both):
    client, tim, image = both
    client.post("/api/v2/image_tags", {"image": image.pk, "tag": make_tag("left").pk})
    record = tim.get(f"/v1/images/{image.pk}").json()
    assert [tag["name"] for tag in record["tags"]] == ["knee", "left"]
    tim.put(f"/v1/images/{image.pk}", {"tags": ["left"]})
    links = client.get("/api/v2/image_tags").json()["results"]
    assert [link["tag"]["name"] for link in links] == ["left"]


def test_an_end_here_is_a_404_there(both):
    client, tim, image = both
    client.patch(f"/api/v2/images/{image.pk}", {"end_date": "2020-01-01T00:00:00Z"})
    assert tim.get(f"/v1/images/{image.pk}").status_code == 404
    assert tim.get("/v1/search/images?exact_tags=knee").json()["meta"]["total_results"] == 0
    client.patch(f"/api/v2/images/{image.pk}?include_ended=true", {"end_date": None})
    assert tim.get(f"/v1/images/{image.pk}").status_code == 200


def test_a_deletion_there_is_for_good_here(both):
    client, tim, image = both
    assert tim.delete(f"/v1/images/{image.pk}").status_code == 204
    for query in ("", "?include_ended=true"):
        assert client.get(f"/api/v2/images/{image.pk}{query}").status_code == 404
        assert client.get(f"/api/v2/images{query}").json()["count"] == 0


def test_what_is_private_here_is_hidden_there(both, api_as):
    client, tim, image = both
    client.patch(f"/api/v2/images/{image.pk}", {"private": True})
    assert api_as(make_credentials()).get(f"/v1/images/{image.pk}").status_code == 404
    assert tim.get(f"/v1/images/{image.pk}").status_code == 200


def test_names_that_this_api_would_not_take_are_listed_and_removed(both):
    client, tim, image = both
    tim.put(f"/v1/images/{image.pk}", {"tags": ["a/b: 1%", "Knee", "knee"]})
    assert sorted(client.get(f"/api/v2/images/{image.pk}").json()["tags"]) == [
        "Knee",
        "a/b: 1%",
        "knee",
    ]
    for tag in client.get("/api/v2/tags").json()["results"]:
        assert client.delete(f"/api/v2/tags/{tag['id']}").status_code == 204
    assert tim.get(f"/v1/images/{image.pk}").json()["tags"] == []


def test_values_of_keys_survive_what_is_done_here(both):
    client, _, image = both
    tagging.set_values(image, {"side": "left"}, Author(make_user(), "tests"))
    client.patch(f"/api/v2/images/{image.pk}", {"tags": ["side", "new"]})
    values = dict(ImageTag.objects.values_list("tag__name", "value"))
    assert values == {"side": "left", "new": ""}
