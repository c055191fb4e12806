"""POST /tags/{tag}/tag_images, DELETE /tag_images/{id}."""

import json
import uuid
from datetime import UTC, datetime

import pytest

from images.models import Image
from taggedimages.factories import make_credentials, make_image, make_tag, unknown_uuid
from tags.models import ImageTag, Tag, TagChange

from .conftest import EDITOR, READER, ids, link_of

pytestmark = pytest.mark.django_db
URL = "/api/v1/tag_images"
BASE = datetime(2026, 1, 2, 10, 0, 0, 250_000, UTC)


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
