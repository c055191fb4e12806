"""Contract Atmosphere, PATCH and PUT of images."""

import uuid
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group

from images import deletion
from images.models import Image
from taggedimages.factories import make_image, make_tag, unknown_uuid
from tags.models import ImageTag, Tag, TagChange

pytestmark = pytest.mark.django_db


@pytest.fixture
def own(login):
    """A client and an image of its user."""
    client, user = login("ann")
    return client, make_image("knee", by=user)


def patch(client, image, body, query=""):
    return client.patch(f"/api/v2/images/{image.pk}{query}", body)


def test_an_edit_answers_the_image_as_it_now_is(own):
    client, image = own
    before = client.get(f"/api/v2/images/{image.pk}").json()
    edit = {
        "name": "Left knee",
        "description": "After surgery",
        "end_date": "2999-01-02T03:04:05.678Z",
        "private": True,
    }
    answer = patch(client, image, edit)
    assert answer.status_code == 200
    assert answer.json() == before | edit | {"is_public": False}
    assert client.get(f"/api/v2/images/{image.pk}").json() == answer.json()


@pytest.mark.parametrize(
    ("private", "before", "after"),
    [(True, 0, 2), (True, 1, 1), (True, 2, 2), (False, 0, 0), (False, 1, 0), (False, 2, 0)],
)
def test_private_is_what_is_not_public_and_leaves_a_project_its_image(own, private, before, after):
    client, image = own
    Image.objects.update(visibility=before)
    path = f"/api/v2/images/{image.pk}"
    assert client.get(path).json()["private"] == (before != 0)
    assert patch(client, image, {"private": private}).json()["private"] == private
    assert Image.objects.get().visibility == after


def test_the_deployed_mount_answers_its_shape(own):
    client, image = own
    answer = client.patch(f"/current/api/v2/images/{image.uuid}/", {"name": "x"})
    assert answer.status_code == 200
    assert answer.json()["created_by"]["username"] == "ann"
    assert answer.json()["url"] == f"http://testserver/current/api/v2/images/{image.pk}"


def test_the_filename_stays_when_the_name_changes(own):
    client, image = own
    patch(client, image, {"name": "other"})
    renamed = Image.objects.get(pk=image.pk)
    assert (renamed.name, renamed.filename) == ("other", image.filename)
    assert renamed.updated_at > image.updated_at


def test_fields_that_cannot_be_written_are_ignored(own):
    client, image = own
    before = client.get(f"/api/v2/images/{image.pk}").json()
    edit = {"id": 1, "uuid": unknown_uuid(), "created_by": None, "start_date": "x", "icon": 5}
    answer = patch(client, image, edit | {"provider_images": "?", "unknown": []})
    assert (answer.status_code, answer.json()) == (200, before)


def test_an_empty_edit_changes_nothing(own):
    client, image = own
    assert patch(client, image, {}).status_code == 200
    assert Image.objects.get(pk=image.pk).updated_at == image.updated_at


def test_no_description_is_an_empty_one(own):
    client, image = own
    patch(client, image, {"description": "x"})
    for empty in (None, ""):
        assert patch(client, image, {"description": empty}).json()["description"] == ""


@pytest.mark.parametrize(
    ("edit", "private"),
    [
        ({"private": True}, True),
        ({"is_public": False}, True),
        ({"is_public": True}, False),
        ({"private": True, "is_public": False}, True),
        ({"private": False, "is_public": True}, False),
    ],
)
def test_private_is_the_opposite_of_is_public(own, edit, private):
    client, image = own
    Image.objects.update(visibility=0 if private else 2)
    body = patch(client, image, edit).json()
    assert (body["private"], body["is_public"]) == (private, not private)


@pytest.mark.parametrize("both", [True, False])
def test_contradicting_flags_are_refused(own, both):
    client, image = own
    answer = patch(client, image, {"private": both, "is_public": both, "name": "x"})
    assert answer.status_code == 400
    assert answer.json() == {"is_public": ["This contradicts what is sent as private."]}
    assert Image.objects.get(pk=image.pk).name == image.name


@pytest.mark.parametrize(
    ("edit", "field", "message"),
    [
        ({"name": ""}, "name", "This field may not be blank."),
        ({"name": None}, "name", "This field may not be null."),
        ({"name": "x" * 257}, "name", "Ensure this field has no more than 256 characters."),
        ({"name": ["x"]}, "name", "Not a valid string."),
        ({"name": "a\0b"}, "name", "Null characters are not allowed."),
        ({"description": {}}, "description", "Not a valid string."),
        (
            {"description": "x" * 10_001},
            "description",
            "Ensure this field has no more than 10000 characters.",
        ),
        ({"private": "perhaps"}, "private", "Must be a valid boolean."),
        ({"private": None}, "private", "This field may not be null."),
        ({"is_public": []}, "is_public", "Must be a valid boolean."),
        ({"tags": "knee"}, "tags", 'Expected a list of items but got type "str".'),
        ({"tags": None}, "tags", "This field may not be null."),
        ({"tags": ["a/b"]}, "tags", "Use letters, digits, spaces, hyphens and underscores only."),
        ({"tags": ["x" * 129]}, "tags", "Ensure this field has no more than 128 characters."),
        ({"tags": [""]}, "tags", "This field may not be blank."),
        ({"tags": ["a\0b"]}, "tags", "Null characters are not allowed."),
        ({"tags": [99999999]}, "tags", 'Invalid pk "99999999" - object does not exist.'),
        ({"tags": [-5]}, "tags", 'Invalid pk "-5" - object does not exist.'),
        ({"tags": [10**30]}, "tags", f'Invalid pk "{10**30}" - object does not exist.'),
        ({"tags": [{"id": "x"}]}, "tags", 'Invalid pk "x" - object does not exist.'),
        ({"tags": [True]}, "tags", "Give names, ids, or objects with an id or a name."),
        ({"tags": [{}]}, "tags", "Give names, ids, or objects with an id or a name."),
        ({"tags": [[]]}, "tags", "Give names, ids, or objects with an id or a name."),
        ({"tags": ["x"] * 1001}, "tags", "At most 1000 tags."),
    ],
)
def test_bad_input_is_refused_by_field_and_changes_nothing(own, edit, field, message):
    client, image = own
    answer = patch(client, image, edit)
    assert (answer.status_code, answer.json()) == (400, {field: [message]})
    assert list(image.tags.values_list("name", flat=True)) == ["knee"]


@pytest.mark.parametrize("field", ["name", "description", "tags"])
def test_lone_surrogates_are_refused(own, field):
    client, image = own
    value = '["\\ud800"]' if field == "tags" else '"\\ud800"'
    answer = client.patch(
        f"/api/v2/images/{image.pk}", f'{{"{field}": {value}}}', content_type="application/json"
    )
    message = "Surrogate characters are not allowed: U+D800."
    assert (answer.status_code, answer.json()) == (400, {field: [message]})


@pytest.mark.parametrize(
    "end", ["soon", 5, {}, "", "2014-13-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2014"]
)
def test_an_end_that_is_no_time_is_refused(own, end):
    client, image = own
    answer = patch(client, image, {"end_date": end})
    assert answer.status_code == 400
    assert list(answer.json()) == ["end_date"]


def test_put_needs_the_name_and_keeps_what_is_not_sent(own):
    client, image = own
    path = f"/api/v2/images/{image.pk}"
    Image.objects.update(visibility=2, description="kept")
    refused = client.put(path, {"description": "x"})
    assert (refused.status_code, refused.json()) == (400, {"name": ["This field is required."]})
    for kind in ("json", "multipart"):
        answer = client.put(path, {"name": kind}, format=kind)
        assert answer.status_code == 200
        body = answer.json()
        kept = (body["name"], body["description"], body["private"], body["tags"])
        assert kept == (kind, "kept", True, ["knee"])


def test_put_takes_back_what_get_answered(own):
    client, image = own
    for root in ("/api/v2", "/current/api/v2"):
        before = client.get(f"{root}/images/{image.pk}").json()
        answer = client.put(f"{root}/images/{image.pk}", before)
        assert (answer.status_code, answer.json()) == (200, before)


def test_forms_edit_too(own):
    client, image = own
    form = "name=New&is_public=false&tags=knee&tags=left+leg&end_date="
    answer = client.patch(
        f"/api/v2/images/{image.pk}", form, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 200
    body = answer.json()
    assert (body["name"], body["private"], body["tags"]) == ("New", True, ["knee", "left leg"])


def test_tags_are_replaced_by_names_ids_and_objects(own):
    client, image = own
    one, two, three, four = (make_tag(name) for name in ("one", "two", "three", "four"))
    wanted = [
        "new name",
        one.pk,
        {"id": two.pk, "name": "ignored"},
        {"id": str(three.uuid).upper()},
        {"name": "four"},
        "four",
    ]
    answer = patch(client, image, {"tags": wanted})
    assert answer.status_code == 200
    assert sorted(answer.json()["tags"]) == ["four", "new name", "one", "three", "two"]
    assert patch(client, image, {"tags": []}).json()["tags"] == []
    assert Tag.objects.filter(pk=four.pk).exists()


def test_names_of_tags_are_told_apart_by_case(own):
    client, image = own
    assert patch(client, image, {"tags": ["knee", "Knee"]}).json()["tags"] == ["knee", "Knee"]


def test_tags_of_the_other_apis_may_stay_whatever_their_names(own):
    client, image = own
    odd = ["a/b: 100%", "x" * 200, " spaced "]
    make_tag(odd[0])
    make_image(*odd)
    assert sorted(patch(client, image, {"tags": odd}).json()["tags"]) == sorted(odd)


def test_links_that_stay_keep_all_they_have(own):
    client, image = own
    ImageTag.objects.update(value="3")
    kept = ImageTag.objects.values().get()
    patch(client, image, {"tags": ["left", "knee"]})
    assert ImageTag.objects.values().get(tag__name="knee") == kept


def test_the_ledger_says_who_changed_the_tags_and_how(own):
    client, image = own
    patch(client, image, {"tags": ["left"]})
    changes = TagChange.objects.filter(image_id=image.pk).order_by("-id")[:2]
    assert {(change.tag_name, change.user_name, change.through) for change in changes} == {
        ("left", "ann", "atmosphere"),
        ("knee", "ann", "atmosphere"),
    }


def test_creator_staff_and_editors_may_edit(own, login):
    client, image = own
    editor, user = login()
    user.groups.add(Group.objects.create(name="editors"))
    for who in (client, login(staff=True)[0], editor):
        name = uuid.uuid4().hex
        assert patch(who, image, {"name": name}).json()["name"] == name


def test_the_editor_group_is_named_by_a_setting(own, login, settings):
    settings.EDITOR_GROUP = "curators"
    editor, user = login()
    user.groups.add(Group.objects.create(name="editors"))
    assert patch(editor, own[1], {"name": "x"}).status_code == 403


@pytest.mark.parametrize("method", ["patch", "put"])
def test_others_may_see_and_not_edit(own, login, method):
    answer = getattr(login()[0], method)(f"/api/v2/images/{own[1].pk}", {"name": ""})
    refusal = {"detail": "You do not have permission to perform this action."}
    assert (answer.status_code, answer.json()) == (403, refusal)


def test_an_anonymous_upload_is_edited_by_staff_only(login):
    image = make_image()
    assert patch(login()[0], image, {"name": "x"}).status_code == 403
    assert patch(login(staff=True)[0], image, {"name": "x"}).status_code == 200


def test_a_hidden_image_is_not_found(own, login):
    client, image = own
    editor, user = login()
    user.groups.add(Group.objects.create(name="editors"))
    Image.objects.update(visibility=2)
    for who in (login()[0], editor):
        assert patch(who, image, {"name": "x"}).status_code == 404
    Image.objects.update(ended_at=datetime(2020, 1, 1, tzinfo=UTC))
    for who in (client, login(staff=True)[0]):
        answer = patch(who, image, {"end_date": None})
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_what_was_deleted_for_good_cannot_be_brought_back(own, login):
    client, image = own
    deletion.delete(image)
    for who in (client, login(staff=True)[0]):
        answer = patch(who, image, {"end_date": None}, "?include_ended=true")
        assert answer.status_code == 404
