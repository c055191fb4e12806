"""GET /tag_images, POST /tags/{tag}/tag_images, DELETE /tag_images/{id}."""

import json
import re
import uuid
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from images.models import Facts, Image
from taggedimages.factories import make_credentials, make_image, make_tag, make_user, unknown_uuid
from tags.models import ImageTag, Tag, TagChange

from .conftest import EDITOR, READER

pytestmark = pytest.mark.django_db
URL = "/api/v1/tag_images"
BASE = datetime(2026, 1, 2, 10, 0, 0, 250_000, UTC)


def link_of(image: Image) -> ImageTag:
    return ImageTag.objects.get(image=image)


def ids(response) -> list[str]:
    assert response.status_code == 200, response.headers
    return [row["id"] for row in response.json()]


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
    Image.objects.update(updated_at=BASE)
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
    assert (image["width"], image["height"]) == (0, 0)
    assert (image["color"], image["format"], image["taken_at"]) == ("#7D7D7D", "", None)
    assert image["infos"]["etag"] is None
    assert "location" not in image["infos"]


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


def test_at_most_1000_rows_come(admin, ada):
    image = make_image(by=ada)
    tags = Tag.objects.bulk_create([Tag(name=f"t{n}", folded=f"t{n}") for n in range(1001)])
    ImageTag.objects.bulk_create([ImageTag(image=image, tag=tag) for tag in tags])
    assert len(ids(admin.get(URL))) == 1000


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


# --- Linking -------------------------------------------------------------------------------------


def link(client, tag: str, *images: Image, **more):
    return client.post(
        f"/api/v1/tags/{tag}/tag_images", {"image_ids": [str(i.uuid) for i in images]}, **more
    )


def test_linking_answers_all_links_and_keeps_those_that_exist(admin, ada):
    old, new = make_image("knee", by=ada), make_image(by=ada)
    before = link_of(old)
    rows = link(admin, "knee", new, old).json()
    assert [row["image"]["id"] for row in rows] == [str(old.uuid), str(new.uuid)]
    assert rows[0]["id"] == str(before.uuid)
    assert rows[1]["user"] == str(ada.uuid)
    assert link(admin, "knee", new, old).json()[1]["id"] == rows[1]["id"]
    assert ImageTag.objects.count() == 2


def test_the_ledger_says_who_linked_and_through_what(admin, ada):
    link(admin, "knee", make_image(by=ada), make_image(by=ada))
    changes = TagChange.objects.values_list("tag_name", "user_name", "through", "old_value")
    assert set(changes) == {("knee", "ada", "sharinpix", None)}
    assert TagChange.objects.values("change_id").distinct().count() == 1


@pytest.mark.parametrize("format", ["json", "multipart"])
def test_linking_takes_json_and_multipart(admin, ada, format):
    assert len(link(admin, "a", make_image(by=ada), format=format).json()) == 1


def test_linking_takes_rails_forms(admin, ada):
    images = make_image(by=ada), make_image(by=ada)
    body = "&".join(f"image_ids[]={image.uuid}" for image in images)
    form = "application/x-www-form-urlencoded"
    rows = admin.post("/api/v1/tags/a/tag_images/", body, content_type=form).json()
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Night%20Shift", "Night Shift"),
        ("Night%2520Shift", "Night Shift"),
        ("100%2525", "100%"),
        ("a%2Fb", "a/b"),
        ("%C3%A9t%C3%A9", "été"),
        ("Knee", "Knee"),
    ],
)
def test_a_tag_in_a_path_is_found_by_name_also_doubly_encoded(admin, ada, path, name):
    tag = make_tag(name)
    [row] = link(admin, path, make_image(by=ada)).json()
    assert row["tag"]["id"] == str(tag.uuid)
    tag.delete()
    [row] = link(admin, path, make_image(by=ada)).json()
    assert row["tag"]["name"] == name


def test_the_name_as_it_stands_goes_before_the_decoded_one(admin, ada):
    make_tag("a b")
    literal = make_tag("a%20b")
    [row] = link(admin, "a%2520b", make_image(by=ada)).json()
    assert row["tag"]["id"] == str(literal.uuid)


def test_a_tag_in_a_path_is_found_by_uuid(admin, ada):
    tag = make_tag("knee")
    assert link(admin, str(tag.uuid), make_image(by=ada)).json()[0]["tag"]["name"] == "knee"
    assert link(admin, unknown_uuid(), make_image(by=ada)).status_code == 404
    assert Tag.objects.count() == 1


@pytest.mark.parametrize("path", ["%00", "a%2500b", "x" * 256])
def test_a_name_that_no_tag_can_have_is_unknown(admin, ada, path):
    answer = link(admin, path, make_image(by=ada))
    assert (answer.status_code, answer.content) == (404, b"")


def test_images_that_may_not_be_tagged_are_skipped_and_none_left_is_401(in_album, ada):
    client = in_album("mine", EDITOR)
    mine, other = make_image(by=ada, album_id="mine"), make_image(by=ada, album_id="other")
    [row] = link(client, "a", other, mine).json()
    assert row["image"]["id"] == str(mine.uuid)
    refused = link(client, "b", other)
    assert (refused.status_code, refused["X-message"]) == (401, "Access denied")
    assert link(in_album("mine", READER), "a", mine).status_code == 401
    assert not Tag.objects.filter(name="b").exists()


def test_a_search_token_tags_what_it_matches_with_image_tag(client_with, ada):
    image = make_image(by=ada, album_id="case-1")
    assert len(link(client_with(q="case-1", image_tag=True), "a", image).json()) == 1
    assert link(client_with(q="case-1"), "a", image).status_code == 401
    assert link(client_with(q="case-2", image_tag=True), "a", image).status_code == 401


def test_a_public_tag_wants_share_instead(in_album, ada):
    make_tag("open", public=True)
    image = make_image(by=ada, album_id="mine")
    assert link(in_album("mine", {"image_tag": True}), "open", image).status_code == 401
    assert len(link(in_album("mine", {"share": True}), "open", image).json()) == 1


def test_a_new_tag_gets_the_labels_that_the_token_lists(in_album, ada):
    tags = {"knee": {"en": "Knee", "fr": "Genou"}, "old": {"en": "New", "fr": "Neuf"}}
    make_tag("old")
    client, image = in_album("mine", EDITOR, tags), make_image(by=ada, album_id="mine")
    [row] = link(client, "knee", image).json()
    assert (row["tag"]["label_en"], row["tag"]["label_fr"]) == ("Knee", "Genou")
    assert json.loads(link(client, "old", image).json()[0]["tag"]["label"]) == {
        "en": "old",
        "fr": "old",
    }


@pytest.mark.parametrize("body", [{}, [], "text", {"image_ids": None}])
def test_linking_without_ids_links_nothing(admin, body):
    assert admin.post("/api/v1/tags/a/tag_images", body).status_code in (400, 401)
    assert Tag.objects.count() == 0


# --- Unlinking -----------------------------------------------------------------------------------


def test_unlinking_answers_204_and_then_404(admin, ada):
    image = make_image("a", "b", by=ada)
    url = f"{URL}/{ImageTag.objects.get(image=image, tag__name='a').uuid}"
    answer = admin.delete(url)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer
    assert [tag.name for tag in image.tags.all()] == ["b"]
    again = admin.delete(url)
    assert (again.status_code, again.content) == (404, b"")


def test_unlinking_wants_image_tag(in_album, ada):
    url = f"{URL}/{link_of(make_image('a', by=ada, album_id='mine')).uuid}"
    assert in_album("mine", READER).delete(url).status_code == 401
    assert in_album("other", EDITOR).delete(url).status_code == 404
    assert in_album("mine", {"image_tag": True}).delete(url).status_code == 204


@pytest.mark.parametrize("id", ["7", "nonsense", "%00", str(uuid.UUID(int=0))])
def test_unlinking_what_is_not_there_is_404(admin, id):
    assert admin.delete(f"{URL}/{id}").status_code == 404


def test_another_organisation_reaches_nothing(ada):
    from taggedimages.dialects.sharinpix import tokens

    from .conftest import client_of

    other = make_credentials(project_id="other")
    client = client_of(tokens.sign({"iss": other.secret_id, "admin": True}, other.secret))
    image = make_image("a", by=ada)
    assert ids(client.get(URL)) == []
    assert link(client, "b", image).status_code == 401
    assert client.delete(f"{URL}/{link_of(image).uuid}").status_code == 404
