"""GET /trashed_images, DELETE /trashed_images/{id}."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from images.models import Image
from taggedimages.factories import make_image, make_user, unknown_uuid

from .conftest import EDITOR, READER, ids

pytestmark = pytest.mark.django_db
URL = "/api/v1/trashed_images"
MADE = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = datetime(2026, 1, 2, 3, 4, 5, 678_900, UTC)


def trashed(*tags: str, **fields) -> Image:
    return make_image(*tags, created_at=MADE, ended_at=ENDED, trashed_at=ENDED, **fields)


def test_the_trash_lists_what_was_deleted_latest_first(admin, ada):
    first, second = trashed(by=ada), trashed(by=ada)
    [_, row] = admin.get(URL).json()
    assert row["thumbnail_url"].startswith("http")
    assert row == {
        "id": str(first.uuid),
        "deleted_at": "2026-01-02T03:04:05.678+00:00",
        "thumbnail_url": row["thumbnail_url"],
    }
    Image.objects.filter(pk=first.pk).update(ended_at=ENDED.replace(day=3))
    assert ids(admin.get(URL)) == [str(first.uuid), str(second.uuid)]


def test_what_is_current_or_deleted_for_good_or_elsewhere_is_not_in_it(admin, ada):
    make_image(by=ada)
    trashed(by=ada, deleted_at=ENDED)
    trashed(by=make_user(project_id="elsewhere"))
    assert ids(admin.get(URL)) == []


def test_what_another_door_ended_is_in_it(admin, ada):
    ended = make_image(by=ada, created_at=MADE, ended_at=ENDED)
    assert ids(admin.get(URL)) == [str(ended.uuid)]


def test_restoring_answers_the_image_with_its_links(admin, ada):
    image = make_image("a", by=ada)
    before = admin.get("/api/v1/tag_images").json()[0]["id"]
    admin.delete(f"/api/v1/images/{image.uuid}")
    answer = admin.delete(f"{URL}/{image.uuid}")
    assert (answer.status_code, answer.json()["id"]) == (200, str(image.uuid))
    assert [row["id"] for row in admin.get("/api/v1/tag_images").json()] == [before]
    assert ids(admin.get(URL)) == []
    assert admin.delete(f"{URL}/{image.uuid}").status_code == 404


@pytest.mark.parametrize("id", [unknown_uuid(), "7", "%00"])
def test_restoring_what_is_not_there_is_404(admin, id):
    assert admin.delete(f"{URL}/{id}").status_code == 404


def test_the_trash_wants_trash(in_album, client_with, ada):
    image = trashed(by=ada, album_id="mine")
    reader, other = in_album("mine", READER), in_album("other", EDITOR)
    assert ids(reader.get(URL)) == ids(other.get(URL)) == ids(client_with(q="*").get(URL)) == []
    assert reader.delete(f"{URL}/{image.uuid}").status_code == 401
    assert other.delete(f"{URL}/{image.uuid}").status_code == 404
    assert ids(client_with(q="mine", trash=True).get(URL)) == [str(image.uuid)]
    assert in_album("mine", {"trash": True}).delete(f"{URL}/{image.uuid}").status_code == 200


def test_a_session_sees_no_private_images_of_others_in_it(session, ada):
    trashed(by=make_user(project_id="org"), private=True)
    mine = trashed(by=ada, private=True)
    assert ids(session.get(URL)) == [str(mine.uuid)]


def test_the_list_takes_as_many_statements_for_one_as_for_many(admin, ada):
    def statements() -> int:
        with CaptureQueriesContext(connection) as context:
            assert ids(admin.get(URL))
        return len(context)

    trashed(by=ada)
    few = statements()
    for _ in range(9):
        trashed(by=ada)
    assert statements() == few == 2
