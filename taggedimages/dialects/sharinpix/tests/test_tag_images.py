"""GET /tag_images: links of tags with their whole images."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from images.models import Facts, Image
from taggedimages.factories import make_image, make_pending, make_tag, make_user, unknown_uuid
from tags.models import ImageTag, Tag

from .conftest import READER, ids, link_of

pytestmark = pytest.mark.django_db
URL = "/api/v1/tag_images"
BASE = datetime(2026, 1, 2, 10, 0, 0, 250_000, UTC)


def test_a_row_is_a_link_with_its_whole_image_and_tag(admin, ada):
    image = make_image(
        "knee",
        by=ada,
        filename="Left Knee.PNG",
        album_id="case-17",
        size=3604,
        created_at=BASE,
        private=True,
    )
    tag = Tag.objects.get(name="knee")
    Tag.objects.filter(pk=tag.pk).update(color="#009688", label_fr="genou", created_at=BASE)
    ImageTag.objects.update(created_at=BASE)
    Image.objects.update(updated_at=BASE, processed_at=BASE)
    Facts.objects.create(
        image=image,
        format="png",
        width=48,
        height=32,
        color="#336699",
        sha256=b"0" * 32,
        md5=bytes(range(16)),
        exif={"Make": "Nikon"},
        latitude=48.5,
        longitude=2.25,
        taken_at=BASE,
    )
    [row] = admin.get(URL).json()
    url = row["image"]["original_url"]
    assert url.startswith("http")
    assert "Signature" in url
    at = "2026-01-02T10:00:00.250+00:00"
    assert row == {
        "id": str(link_of(image).uuid),
        "created_at": at,
        "user": str(ada.uuid),
        "image": {
            "id": str(image.uuid),
            "public_id": str(image.uuid),
            "infos": {
                "bytes": 3604,
                "created_at": "2026-01-02T10:00:00Z",
                "etag": "000102030405060708090a0b0c0d0e0f",
                "format": "png",
                "height": 32,
                "resource_type": "image",
                "tags": ["case-17"],
                "type": "authenticated",
                "width": 48,
                "original_filename": "Left Knee",
                "location": {"accuracy": None, "latitude": 48.5, "longitude": 2.25},
            },
            "exifs": {"Make": "Nikon"},
            "gps": [48.5, 2.25],
            "gps_ip": None,
            "gps_exifs": [48.5, 2.25],
            "gps_html": None,
            "created_at": at,
            "updated_at": at,
            "taken_at": at,
            "width": 48,
            "height": 32,
            "rotation": 0,
            "crop_x": 0.0,
            "crop_y": 0.0,
            "crop_w": 0.0,
            "crop_h": 0.0,
            "metadatas": {},
            "original_url": url,
            "original_width": 48,
            "original_height": 32,
            "external_urls": dict.fromkeys(("fill100", "fit2000", "mini", "large", "full"), url),
            "filename": "Left Knee",
            "format": "png",
            "title": None,
            "description": None,
            "page": 1,
            "group_id": None,
            "color": "#336699",
            "size": 3604,
            "processed": True,
            "processing_error": None,
            "album_id": "case-17",
            "thumbnails": dict.fromkeys(
                ("original", "full_no_sharinpix", "full", "large", "mini"), url
            ),
        },
        "tag": {
            "id": str(tag.uuid),
            "created_at": at,
            "name": "knee",
            "label": '{"en":"knee","fr":"genou"}',
            "url": f"/public_tags/{tag.uuid}",
            "public": False,
            "listed": True,
            "action": {"actions": []},
            "visible": False,
            "color": "#009688",
            "color_contrast": "#ffffff",
            "allow_download": False,
            "label_en": "knee",
            "label_fr": "genou",
        },
    }


def test_keys_and_their_order_are_those_of_the_published_sample(admin, ada, seed):
    make_image("a", by=ada)
    [row] = admin.get(URL).json()
    [sample] = seed
    assert list(row) == list(sample)
    assert list(row["image"]) == list(sample["image"])
    assert len(row["image"]) == 35
    assert list(row["tag"]) == list(sample["tag"])
    assert len(row["tag"]) == 14
    located = [key for key in sample["image"]["infos"] if key != "location"]
    assert list(row["image"]["infos"]) == located
    for name in ("external_urls", "thumbnails"):
        assert list(row["image"][name]) == list(sample["image"][name])


def test_times_have_three_decimals_even_when_they_are_zero(admin, ada):
    make_image("a", by=ada, created_at=datetime(2026, 1, 2, tzinfo=UTC))
    image = admin.get(URL).json()[0]["image"]
    assert image["created_at"] == "2026-01-02T00:00:00.000+00:00"
    assert re.fullmatch(r"\d{4}(-\d\d){2}T(\d\d:){2}\d\d\.\d{3}\+00:00", image["updated_at"])


def test_an_image_that_was_not_inspected_yet_has_defaults(admin, ada):
    make_image("a", by=ada, filename="scan")
    image = admin.get(URL).json()[0]["image"]
    assert (image["width"], image["height"], image["processed"]) == (0, 0, False)
    assert (image["color"], image["format"], image["taken_at"]) == ("#7D7D7D", "", None)
    assert image["infos"]["etag"] is None
    assert "location" not in image["infos"]


def test_what_never_can_be_inspected_is_processed_with_an_error(admin, ada):
    lost, broken = make_image("a", by=ada), make_image("a", by=ada)
    Image.objects.filter(pk=lost.pk).update(uploaded_at=None, upload_error="expired: Too late.")
    Image.objects.filter(pk=broken.pk).update(processed_at=BASE)
    Facts.objects.create(image=broken, sha256=b"0" * 32, md5=b"0" * 16, problem="corrupt: No.")
    images = [row["image"] for row in admin.get(URL).json()]
    assert [image["processed"] for image in images] == [True, True]
    assert [image["processing_error"] for image in images] == ["expired: Too late.", "corrupt: No."]
    assert images[1]["infos"]["etag"] == (b"0" * 16).hex()


def test_while_a_file_is_inspected_anew_nothing_is_final(admin, ada):
    image = make_image("a", by=ada)
    Facts.objects.create(image=image, sha256=b"0" * 32, md5=b"0" * 16, problem="corrupt: No.")
    shown = admin.get(URL).json()[0]["image"]
    assert (shown["processed"], shown["processing_error"]) == (False, None)


def test_before_the_upload_every_url_is_null(admin, ada):
    make_image("a", by=ada, uploaded_at=None)
    image = admin.get(URL).json()[0]["image"]
    assert image["processed"] is False
    assert image["original_url"] is None
    assert set(image["thumbnails"].values()) == set(image["external_urls"].values()) == {None}


def test_the_user_is_null_for_anonymous_tagging(admin, ada):
    image = make_image(by=ada)
    ImageTag.objects.create(image=image, tag=make_tag("a"))
    assert admin.get(URL).json()[0]["user"] is None


def test_the_seed_asks_for_three_images_and_gets_the_one_that_is_tagged(client_with, ada):
    client = client_with(q="*", thumbnail_tags=True)
    tagged, bare, other = make_image("MyTag", by=ada), make_image(by=ada), make_image("x", by=ada)
    asked = "&".join(f"image_ids[]={image}" for image in (tagged.uuid, bare.uuid, unknown_uuid()))
    assert ids(client.get(f"{URL}?{asked}")) == [str(link_of(tagged).uuid)]
    assert other.tags.count() == 1


@pytest.mark.parametrize(
    "query",
    [
        "image_ids[]={0}&image_ids[]={1}",
        "image_ids%5B%5D={0}&image_ids%5B%5D={1}",
        "image_ids[0]={0}&image_ids[1]={1}",
        "image_ids={0}&image_ids={1}",
        "image_ids={0},{1}",
        "image_ids[]={1}&image_ids[]={0}&image_ids[]={1}",
        "image_ids[]={1}&image_ids[]=nonsense&image_ids[]=%00&image_ids[]={0}",
    ],
)
def test_ids_come_in_many_shapes_and_rows_in_the_order_of_tagging(admin, ada, query):
    first, second = make_image("a", by=ada), make_image("b", by=ada)
    make_image("c", by=ada)
    found = ids(admin.get(f"{URL}?{query.format(first.uuid, second.uuid)}"))
    assert found == [str(link_of(first).uuid), str(link_of(second).uuid)]


@pytest.mark.parametrize(
    "query",
    [
        "image_ids[]=nonsense",
        "image_ids[]=",
        "image_id=%00",
        "tag_name=%00",
        "album_id=%00",
        "tag_name=A",
        "image_id=7",
    ],
)
def test_nothing_left_is_an_empty_list(admin, ada, query):
    make_image("a", by=ada)
    assert ids(admin.get(f"{URL}?{query}")) == []


def test_filters_narrow_each_other(admin, ada):
    image = make_image("a", "b", by=ada, album_id="one")
    make_image("a", by=ada, album_id="two")
    wanted = ImageTag.objects.get(image=image, tag__name="a")
    assert ids(admin.get(URL, {"tag_name": "a", "album_id": "one"})) == [str(wanted.uuid)]
    assert len(ids(admin.get(URL, {"album_id": "one"}))) == 2
    assert len(ids(admin.get(URL, {"tag_name": "a"}))) == 2
    assert len(ids(admin.get(URL, {"image_id": str(image.uuid)}))) == 2
    assert ids(admin.get(URL, {"image_id": str(image.uuid), "album_id": "two"})) == []


def test_rows_come_by_time_of_tagging_then_id(admin, ada):
    images = [make_image("a", by=ada) for _ in range(3)]
    links = [link_of(image) for image in images]
    ImageTag.objects.update(created_at=BASE)
    ImageTag.objects.filter(pk=links[2].pk).update(created_at=BASE.replace(year=2025))
    expected = [str(links[number].uuid) for number in (2, 0, 1)]
    assert ids(admin.get(URL)) == expected


def test_images_that_ended_and_other_organisations_are_left_out(admin, ada):
    make_image("a", by=ada, ended_at=BASE, created_at=BASE)
    make_image("b", by=ada, ended_at=BASE, trashed_at=BASE.replace(hour=11), created_at=BASE)
    make_image("c", by=make_user(project_id="elsewhere"))
    kept = make_image("d", by=ada, private=True)
    assert ids(admin.get(URL)) == [str(link_of(kept).uuid)]


def test_a_search_token_sees_links_only_with_thumbnail_tags(client_with, ada):
    make_image("a", by=ada)
    assert ids(client_with(q="*").get(URL)) == []
    assert len(ids(client_with(q="*", thumbnail_tags=True).get(URL))) == 1
    assert ids(client_with(q="other", thumbnail_tags=True).get(URL)) == []


def test_an_album_token_sees_the_links_of_its_albums(in_album, ada):
    mine = make_image("a", by=ada, album_id="mine")
    make_image("a", by=ada, album_id="yours")
    assert ids(in_album("mine", READER).get(URL)) == [str(link_of(mine).uuid)]
    assert ids(in_album("mine", {"image_list": False}).get(URL)) == []


def test_500_ids_are_taken_and_501_are_not(admin):
    many = [str(UUID(int=n)) for n in range(501)]
    assert ids(admin.get(URL, {"image_ids[]": many[:500]})) == []
    refused = admin.get(URL, {"image_ids[]": many})
    assert (refused.status_code, refused.content) == (400, b"")
    assert refused["X-message"] == "image_ids: At most 500 ids."


@pytest.mark.parametrize(("make", "rows"), [(make_pending, 1000), (make_image, 562)])
def test_at_most_1000_rows_come_and_4_mb(admin, ada, make, rows):
    image = make(by=ada, filename="image.png")
    tags = Tag.objects.bulk_create([Tag(name=f"t{n}", folded=f"t{n}") for n in range(1001)])
    ImageTag.objects.bulk_create([ImageTag(image=image, tag=tag) for tag in tags])
    answer = admin.get(URL)
    assert len(answer.content) <= 4_000_000
    assert abs(len(answer.json()) - rows) < 30


@pytest.mark.parametrize(
    ("token", "expected"), [({"admin": True}, 3), ({"q": "a", "thumbnail_tags": True}, 5)]
)
def test_a_list_takes_as_many_statements_for_one_row_as_for_many(client_with, ada, token, expected):
    client = client_with(**token)

    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as context:
            assert ids(client.get(URL))
        return len(context)

    make_image("a", by=ada)
    few = statements()
    for _ in range(9):
        make_image("a", "b", by=ada)
    assert statements() == few == expected
