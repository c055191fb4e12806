"""GET, PUT, DELETE /images/{id}, DELETE /images, /albums/{album}/images, /images/{id}/user."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from images.models import Facts, Image
from taggedimages.factories import make_image, make_user, unknown_uuid

from .conftest import EDITOR, READER

pytestmark = pytest.mark.django_db
URL = "/api/v1/images"
PAST = datetime(2026, 1, 1, tzinfo=UTC)


def found(answer) -> list[str]:
    assert answer.status_code == 200, answer.headers
    return [image["filename"] for image in answer.json()]


def named(name: str, **fields) -> Image:
    return make_image(filename=f"{name}.png", **fields)


# --- Reading -------------------------------------------------------------------------------------


def test_an_image_is_the_same_alone_and_in_lists(admin, ada):
    image = make_image("a", by=ada, album_id="mine")
    alone = admin.get(f"{URL}/{image.uuid}/").json()
    for other in (
        admin.get("/api/v1/albums/mine/images").json()[0],
        admin.get("/api/v1/search").json()[0],
        admin.get("/api/v1/tag_images").json()[0]["image"],
    ):
        assert other.keys() == alone.keys()
        assert other["id"] == alone["id"] == str(image.uuid)


@pytest.mark.parametrize("id", [unknown_uuid(), "7", "nonsense", "%00", "{}", "\u00e9"])
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_an_unknown_image_is_an_empty_404(admin, method, id):
    answer = getattr(admin, method)(f"{URL}/{id}")
    assert (answer.status_code, answer.content) == (404, b"")


def test_what_ended_or_is_not_ones_own_is_404(admin, ada):
    ended = make_image(by=ada, created_at=PAST, ended_at=PAST)
    deleted = make_image(by=ada, created_at=PAST, ended_at=PAST, deleted_at=PAST)
    elsewhere = make_image(by=make_user(project_id="elsewhere"))
    later = make_image(by=ada, ended_at=timezone.now() + timedelta(days=1))
    for image, status in ((ended, 404), (deleted, 404), (elsewhere, 404), (later, 200)):
        assert admin.get(f"{URL}/{image.uuid}").status_code == status


@pytest.mark.parametrize("access", [{"see": True}, {"image_list": True}])
def test_see_or_image_list_reads(in_album, ada, access):
    mine, other = make_image(by=ada, album_id="mine"), make_image(by=ada, album_id="other")
    client = in_album("mine", access)
    assert client.get(f"{URL}/{mine.uuid}").status_code == 200
    assert client.get(f"{URL}/{other.uuid}").status_code == 404


def test_private_images_are_a_matter_of_the_album_alone(in_album, ada):
    image = make_image(by=ada, album_id="mine", private=True)
    assert in_album("mine", READER).get(f"{URL}/{image.uuid}").status_code == 200


def test_an_album_lists_its_images_newest_first(admin, ada):
    for name in ("one", "two", "three"):
        named(name, by=ada, album_id="case/17")
    named("other", by=ada, album_id="case")
    named("gone", by=ada, album_id="case/17", created_at=PAST, ended_at=PAST)
    Image.objects.filter(ended_at=None).update(created_at=PAST)
    assert found(admin.get("/api/v1/albums/case/17/images")) == ["three", "two", "one"]


def test_an_album_without_a_right_is_empty_and_no_refusal(in_album, client_with, ada):
    named("a", by=ada, album_id="other")
    for client in (
        in_album("mine", READER),
        in_album("other", {"see": False, "image_upload": True}),
        client_with(),
        client_with(q="case"),
    ):
        assert found(client.get("/api/v1/albums/other/images")) == []


@pytest.mark.parametrize("album", ["nothing", "%00", "x" * 300])
def test_an_unknown_album_is_empty(admin, album):
    assert found(admin.get(f"/api/v1/albums/{album}/images")) == []


def test_a_list_takes_as_many_statements_for_one_as_for_many(admin, ada):
    def statements(path: str) -> int:
        with CaptureQueriesContext(connection) as context:
            assert found(admin.get(path))
        return len(context)

    paths = ("/api/v1/albums/mine/images", "/api/v1/search?q=mine")
    make_image("a", by=ada, album_id="mine")
    few = [statements(path) for path in paths]
    for _ in range(9):
        make_image("a", "b", by=ada, album_id="mine")
    assert [statements(path) for path in paths] == few == [2, 4]


def test_the_uploader_is_told(admin, ada):
    image, anonymous = make_image(by=ada), make_image(project=ada.project)
    answer = admin.get(f"{URL}/{image.uuid}/user").json()
    assert answer == {"id": str(ada.uuid), "name": "ada", "email": None}
    assert admin.get(f"{URL}/{anonymous.uuid}/user").status_code == 404


# --- Changing ------------------------------------------------------------------------------------


def test_an_image_is_captioned_turned_and_cropped(admin, ada):
    image = make_image(by=ada)
    Facts.objects.create(image=image, width=400, height=300, sha256=b"", md5=b"")
    before = image.updated_at
    changes = {
        "title": "Knee",
        "description": "Left",
        "rotation": 90,
        "crop_x": 0.25,
        "crop_y": 0.5,
        "crop_w": 0.5,
        "crop_h": 100.0,
    }
    answer = admin.put(f"{URL}/{image.uuid}", changes).json()
    assert {name: answer[name] for name in changes} == changes
    assert (answer["width"], answer["height"]) == (200, 100)
    assert (answer["original_width"], answer["original_height"]) == (400, 300)
    image.refresh_from_db()
    assert (image.title, image.description, image.rotation) == ("Knee", "Left", 90)
    assert image.updated_at > before


def test_changes_come_as_forms_too(admin, ada):
    image = make_image(by=ada)
    body, form = "title=Knee&rotation=180&crop_w=0.5", "application/x-www-form-urlencoded"
    answer = admin.put(f"{URL}/{image.uuid}", body, content_type=form).json()
    assert (answer["title"], answer["rotation"], answer["crop_w"]) == ("Knee", 180, 0.5)


def test_what_is_not_sent_stays_and_null_empties(admin, ada):
    image = make_image(by=ada, title="T", description="D", rotation=90)
    url = f"{URL}/{image.uuid}"
    answer = admin.put(url, {"id": "x", "album_id": "x", "rotation": None}).json()
    assert (answer["title"], answer["description"], answer["rotation"]) == ("T", "D", 90)
    answer = admin.put(url, {"title": None, "description": None}).json()
    assert (answer["title"], answer["description"]) == (None, None)


@pytest.mark.parametrize(
    "change",
    [
        {"rotation": 45},
        {"rotation": -90},
        {"rotation": 360},
        {"rotation": "left"},
        {"rotation": True},
        {"rotation": []},
        {"crop_x": -0.1},
        {"crop_x": "NaN"},
        {"crop_x": 1e300},
        {"crop_x": "Infinity"},
        {"crop_x": 10**400},
        {"title": "x" * 256},
        {"title": 7},
        {"title": "a\0"},
        {"title": ["a"]},
        {"description": "x" * 10_001},
    ],
)
def test_what_cannot_be_is_a_400_that_names_the_fault(admin, ada, change):
    image = make_image(by=ada)
    answer = admin.put(f"{URL}/{image.uuid}", change)
    assert (answer.status_code, answer.content) == (400, b"")
    assert answer["X-message"].split(":")[0] in change


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({"title": "T"}, "image_caption"),
        ({"description": "D"}, "image_caption"),
        ({"rotation": 90}, "image_rotate"),
        ({"crop_w": 0.5}, "image_crop"),
    ],
)
def test_each_change_wants_its_right(in_album, ada, change, right):
    image = make_image(by=ada, album_id="mine")
    url = f"{URL}/{image.uuid}"
    without = EDITOR | {right: False}
    assert in_album("mine", without).put(url, change).status_code == 401
    assert in_album("mine", {right: True}).put(url, change).status_code == 200
    assert in_album("other", EDITOR).put(url, change).status_code == 404
    assert in_album("mine", without).put(url, {}).status_code == 200


def test_one_missing_right_keeps_every_change_out(in_album, ada):
    image = make_image(by=ada, album_id="mine")
    client = in_album("mine", EDITOR | {"image_rotate": False})
    assert client.put(f"{URL}/{image.uuid}", {"title": "T", "rotation": 90}).status_code == 401
    image.refresh_from_db()
    assert image.title is None


# --- Deleting ------------------------------------------------------------------------------------


def test_deleting_moves_to_the_trash(admin, ada):
    image = make_image("a", by=ada)
    answer = admin.delete(f"{URL}/{image.uuid}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert admin.delete(f"{URL}/{image.uuid}").status_code == 404
    assert admin.get("/api/v1/tag_images").json() == []
    image.refresh_from_db()
    assert image.ended_at == image.trashed_at is not None
    assert image.deleted_at is None
    assert image.tags.count() == 1


def test_deleting_wants_image_delete(in_album, client_with, ada):
    url = f"{URL}/{make_image(by=ada, album_id='mine').uuid}"
    assert in_album("mine", EDITOR | {"image_delete": False}).delete(url).status_code == 401
    assert in_album("other", EDITOR).delete(url).status_code == 404
    assert client_with(q="mine").delete(url).status_code == 401
    assert client_with(q="mine", image_delete=True).delete(url).status_code == 204


@pytest.mark.parametrize("shape", ["json", "form", "query"])
def test_many_are_deleted_at_once(in_album, ada, shape):
    mine = [make_image(by=ada, album_id="mine") for _ in range(2)]
    other = make_image(by=ada, album_id="other")
    client = in_album("mine", EDITOR)
    asked = [str(mine[1].uuid), str(other.uuid), unknown_uuid(), "x", str(mine[0].uuid)]
    query = "&".join(f"image_ids[]={uuid}" for uuid in asked)
    if shape == "json":
        answer = client.delete(URL, {"image_ids": asked})
    elif shape == "form":
        answer = client.delete(URL, query, content_type="application/x-www-form-urlencoded")
    else:
        answer = client.delete(f"{URL}?{query}")
    assert (answer.status_code, answer.json()) == (200, [str(mine[1].uuid), str(mine[0].uuid)])
    assert list(Image.objects.current()) == [other]


def test_deleting_many_without_a_right_is_401_and_without_ids_400(in_album, admin, ada):
    image = make_image(by=ada, album_id="mine")
    answer = in_album("mine", READER).delete(URL, {"image_ids": [str(image.uuid)]})
    assert answer.status_code == 401
    assert admin.delete(URL, {}).status_code == 400
    assert admin.delete(URL, {"image_ids": []}).json() == []
    assert (
        admin.delete(URL, {"image_ids": [str(UUID(int=n)) for n in range(501)]}).status_code == 400
    )
