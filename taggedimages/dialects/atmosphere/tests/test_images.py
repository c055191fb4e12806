"""Contract Atmosphere, image body and the two shapes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from images.models import Facts, Image
from taggedimages.factories import make_image, make_pending, make_png, make_user

pytestmark = pytest.mark.django_db
NO_IDS = [
    *("null", "None", "{}", "1.234", "1e3", "1-2-3-4", "0", "-1", "1%20"),
    *("9" * 18, "9" * 19, "9" * 500, "%00", "%F0%9F", "%ED%A0%80", "\u0661"),
    *("f85e84e6-0851-57a5-a2dc-fb702e5a66a4", "f85e84e6-0851-57a5-a2dc-fb702e5a66a"),
]
BORN = datetime(2014, 2, 5, 1, 3, 27, 903456, tzinfo=UTC)


def test_the_seed_shape(api):
    user = make_user("ann")
    image = make_image(
        "Ubuntu", "Featured", by=user, name="Ubuntu 12.04", filename="u.PNG", created_at=BORN
    )
    answer = api.get(f"/api/v2/images/{image.pk}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {
        "id": image.pk,
        "uuid": str(image.uuid),
        "url": f"http://testserver/api/v2/images/{image.pk}",
        "name": "Ubuntu 12.04",
        "description": "",
        "icon": None,
        "created_by": user.pk,
        "tags": ["Ubuntu", "Featured"],
        "start_date": "2014-02-05T01:03:27.903Z",
        "end_date": None,
        "private": False,
        "is_public": True,
        "provider_images": [
            {
                "id": image.pk,
                "provider": "s3",
                "format": "png",
                "size": 1000,
                "start_date": "2014-02-05T01:03:27.903Z",
            }
        ],
        "metrics_url": None,
        "access_list": [],
        "versions": [],
    }


def test_the_deployed_shape_differs_in_creator_tags_and_links(api):
    user = make_user("ann")
    image = make_image("knee", by=user, created_at=BORN)
    tag = image.tags.get()
    seed = api.get(f"/api/v2/images/{image.pk}").json()
    deployed = api.get(f"/current/api/v2/images/{image.pk}").json()
    root = "http://testserver/current/api/v2"
    assert deployed == seed | {
        "url": f"{root}/images/{image.pk}",
        "created_by": {
            "id": user.pk,
            "uuid": str(user.uuid),
            "url": f"{root}/users/{user.pk}",
            "username": "ann",
        },
        "tags": [
            {
                "id": tag.pk,
                "uuid": str(tag.uuid),
                "url": f"{root}/tags/{tag.pk}",
                "name": "knee",
                "description": "",
                "allow_access": True,
            }
        ],
    }


def test_the_creator_of_an_anonymous_upload(api):
    image = make_image()
    assert api.get(f"/api/v2/images/{image.pk}").json()["created_by"] is None
    assert api.get(f"/current/api/v2/images/{image.pk}").json()["created_by"] == {
        "id": None,
        "uuid": None,
        "url": None,
        "username": "anonymous",
    }


@pytest.mark.parametrize("root", ["/api/v2", "/current/api/v2"])
def test_lists_show_what_retrieving_shows(api, root):
    image = make_image("b", "a", by=make_user())
    one = api.get(f"{root}/images/{image.pk}").json()
    page = {"count": 1, "next": None, "previous": None, "results": [one]}
    assert api.get(f"{root}/images").json() == page


def test_a_whole_second_has_no_fraction(api):
    image = make_image(created_at=BORN.replace(microsecond=0))
    assert api.get(f"/api/v2/images/{image.pk}").json()["start_date"] == "2014-02-05T01:03:27Z"


def test_tags_come_in_the_order_of_their_links(api):
    image = make_image("zebra", "ant", "Bee")
    assert api.get(f"/api/v2/images/{image.pk}").json()["tags"] == ["zebra", "ant", "Bee"]


def test_before_its_upload_an_image_has_no_stored_file(api):
    image = make_pending()
    assert api.get("/api/v2/images").json()["results"][0]["provider_images"] == []
    assert api.get(f"/api/v2/images/{image.pk}").json()["provider_images"] == []


def test_reading_a_pending_image_notices_its_file(api):
    from images import storage

    image = make_pending("knee")
    storage.put(image.key, make_png())
    stored = api.get(f"/api/v2/images/{image.pk}").json()["provider_images"]
    assert [file["size"] for file in stored] == [len(make_png())]


def test_the_format_is_what_the_file_is_once_that_is_known(api):
    image = make_image(filename="scan.dcm")
    path = f"/api/v2/images/{image.pk}"
    assert api.get(path).json()["provider_images"][0]["format"] == "dcm"
    Facts.objects.create(image=image, format="dicom", sha256=b"", md5=b"")
    assert api.get(path).json()["provider_images"][0]["format"] == "dicom"
    assert api.get("/api/v2/images").json()["results"][0]["provider_images"][0]["format"] == "dicom"


@pytest.mark.parametrize("collection", ["images", "image_tags", "tags"])
@pytest.mark.parametrize("root", ["/api/v2", "/current/api/v2"])
def test_the_id_is_the_integer_or_the_uuid_with_or_without_slash(api, root, collection):
    image = make_image("knee")
    link = image.imagetag_set.get()
    records: dict[str, Any] = {"images": image, "image_tags": link, "tags": link.tag}
    record = records[collection]
    by_id = api.get(f"{root}/{collection}/{record.pk}")
    assert by_id.status_code == 200
    for name in (record.uuid, str(record.uuid).upper(), f"{record.pk}/", f"{record.uuid}/"):
        assert api.get(f"{root}/{collection}/{name}").json() == by_id.json()


@pytest.mark.parametrize("collection", ["images", "image_tags", "tags"])
@pytest.mark.parametrize("id", NO_IDS)
def test_any_other_id_is_not_found(api, collection, id):
    answer = api.get(f"/api/v2/{collection}/{id}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize(
    ("method", "path"), [("post", ""), ("put", ""), ("patch", ""), ("delete", ""), ("delete", "/1")]
)
def test_images_are_neither_made_nor_deleted_here(api, login, method, path):
    for client in (api, login(staff=True)[0]):
        answer = getattr(client, method)(f"/api/v2/images{path}", {})
        assert answer.status_code == 405
        assert answer.json() == {"detail": f'Method "{method.upper()}" not allowed.'}
        assert "GET" in answer.headers["Allow"]
    assert not Image.objects.exists()
