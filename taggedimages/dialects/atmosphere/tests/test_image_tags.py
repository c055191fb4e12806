"""Contract Atmosphere, image_tags."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group

from images.models import Image
from taggedimages.factories import make_image, make_tag, make_user
from tags.models import ImageTag, Tag, TagChange

pytestmark = pytest.mark.django_db
NOBODYS = "f85e84e6-0851-57a5-a2dc-fb702e5a66a4"
BORN = datetime(2026, 1, 2, 10, tzinfo=UTC)


@pytest.fixture
def own(login):
    """A client and an image of its user, and a tag."""
    client, user = login("ann")
    return client, make_image(by=user), make_tag("knee")


def link(client, image, tag, **options):
    return client.post("/api/v2/image_tags", {"image": image, "tag": tag}, **options)


def names(image):
    return list(image.tags.order_by("imagetag__id").values_list("name", flat=True))


@pytest.mark.parametrize("root", ["/api/v2", "/current/api/v2"])
def test_a_link_shows_its_image_and_its_tag(api, root):
    user = make_user("ann")
    image = make_image("knee", by=user, name="knee.dcm", created_at=BORN)
    tag, row = image.tags.get(), image.imagetag_set.get()
    url = f"http://testserver{root}"
    shown = {
        "id": tag.pk,
        "uuid": str(tag.uuid),
        "url": f"{url}/tags/{tag.pk}",
        "name": "knee",
        "description": "",
        "allow_access": True,
    }
    expected = {
        "id": row.pk,
        "url": f"{url}/image_tags/{row.pk}",
        "image": {
            "id": image.pk,
            "url": f"{url}/images/{image.pk}",
            "uuid": str(image.uuid),
            "name": "knee.dcm",
            "description": "",
            "icon": None,
            "start_date": "2026-01-02T10:00:00Z",
            "end_date": None,
            "user": user.pk,
            "tags": [shown],
        },
        "tag": shown | {"user": None},
    }
    page = {"count": 1, "next": None, "previous": None, "results": [expected]}
    assert api.get(f"{root}/image_tags/{row.pk}").json() == expected
    assert api.get(f"{root}/image_tags/{row.uuid}").json() == expected
    assert api.get(f"{root}/image_tags").json() == page


def test_a_tag_that_somebody_made_names_them_and_an_anonymous_image_nobody(api):
    user = make_user("ann")
    make_tag("knee", user=user)
    make_image("knee")
    shown = api.get("/api/v2/image_tags").json()["results"][0]
    assert shown["image"]["user"] is None
    assert shown["tag"]["user"] == {
        "id": user.pk,
        "uuid": str(user.uuid),
        "url": f"http://testserver/api/v2/users/{user.pk}",
        "username": "ann",
    }


def test_a_new_link_is_201_and_one_that_exists_200(own):
    client, image, tag = own
    first = link(client, image.pk, tag.pk)
    again = link(client, str(image.uuid), str(tag.uuid))
    row = ImageTag.objects.get()
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == client.get(f"/api/v2/image_tags/{row.pk}").json()
    assert (row.image_id, row.tag_id, row.value, row.user_id) == (
        image.pk,
        tag.pk,
        "",
        image.created_by_id,
    )


def test_linking_again_keeps_the_value_of_the_link(own):
    client, image, tag = own
    link(client, image.pk, tag.pk)
    ImageTag.objects.update(value="3")
    assert link(client, image.pk, tag.pk).status_code == 200
    assert ImageTag.objects.get().value == "3"


@pytest.mark.parametrize("format", ["json", "multipart"])
def test_links_come_as_json_or_as_a_form(own, format):
    client, image, tag = own
    assert link(client, str(image.pk), str(tag.pk), format=format).status_code == 201
    form = f"image={image.pk}&tag={tag.uuid}"
    kind = "application/x-www-form-urlencoded"
    assert client.post("/api/v2/image_tags/", form, content_type=kind).status_code == 200


def test_the_ledger_says_who_linked_and_unlinked(own):
    client, image, tag = own
    row = link(client, image.pk, tag.pk).json()["id"]
    client.delete(f"/api/v2/image_tags/{row}")
    changes = TagChange.objects.order_by("id").values_list("user_name", "through", "new_value")
    assert list(changes) == [("ann", "atmosphere", ""), ("ann", "atmosphere", None)]


def test_what_is_missing_or_null_is_told_by_field(own):
    required, null = ["This field is required."], ["This field may not be null."]
    answer = own[0].post("/api/v2/image_tags", {})
    assert (answer.status_code, answer.json()) == (400, {"image": required, "tag": required})
    answer = link(own[0], None, None)
    assert (answer.status_code, answer.json()) == (400, {"image": null, "tag": null})


@pytest.mark.parametrize("id", [99999999, 0, -1, "null", "1.5", NOBODYS, "", "a\0b"])
def test_unknown_records_are_told_by_field(own, id):
    client, image, tag = own
    message = [f'Invalid pk "{id}" - object does not exist.']
    answer = link(client, id, tag.pk)
    assert (answer.status_code, answer.json()) == (400, {"image": message})
    answer = link(client, image.pk, id)
    assert (answer.status_code, answer.json()) == (400, {"tag": message})


@pytest.mark.parametrize("id", [True, 1.5, [], {}, [1], {"id": 1}])
def test_ids_are_numbers_or_strings(own, id):
    answer = link(own[0], id, own[2].pk)
    message = f"Incorrect type. Expected pk value, received {type(id).__name__}."
    assert (answer.status_code, answer.json()) == (400, {"image": [message]})


def test_a_huge_number_is_unknown(own):
    answer = link(own[0], 10**30, own[2].pk)
    message = [f'Invalid pk "{10**30}" - object does not exist.']
    assert (answer.status_code, answer.json()) == (400, {"image": message})


def test_an_image_that_the_caller_cannot_see_does_not_exist(own, login):
    client, image, tag = own
    Image.objects.update(visibility=2)
    answer = link(login()[0], image.pk, tag.pk)
    message = [f'Invalid pk "{image.pk}" - object does not exist.']
    assert (answer.status_code, answer.json()) == (400, {"image": message})
    assert link(client, image.pk, tag.pk).status_code == 201


def test_who_may_edit_the_image_links_and_unlinks(own, login):
    client, image, tag = own
    editor, user = login()
    user.groups.add(Group.objects.create(name="editors"))
    for who in (client, editor, login(staff=True)[0]):
        created = link(who, image.pk, tag.pk)
        assert created.status_code == 201
        assert who.delete(f"/api/v2/image_tags/{created.json()['id']}").status_code == 204
    refusal = {"detail": "You do not have permission to perform this action."}
    other = login()[0]
    answer = link(other, image.pk, tag.pk)
    assert (answer.status_code, answer.json()) == (403, refusal)
    row = link(client, image.pk, tag.pk).json()["id"]
    answer = other.delete(f"/api/v2/image_tags/{row}")
    assert (answer.status_code, answer.json()) == (403, refusal)
    assert names(image) == ["knee"]


@pytest.mark.parametrize("kind", ["pk", "uuid"])
def test_unlinking_answers_nothing_and_then_404(own, kind):
    client, image, tag = own
    link(client, image.pk, tag.pk)
    path = f"/current/api/v2/image_tags/{getattr(ImageTag.objects.get(), kind)}"
    answer = client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.delete(path).status_code == 404
    assert Tag.objects.filter(pk=tag.pk).exists()


def test_a_link_of_a_hidden_image_cannot_be_removed(own, login):
    client, image, tag = own
    row = link(client, image.pk, tag.pk).json()["id"]
    Image.objects.update(visibility=2)
    assert login()[0].delete(f"/api/v2/image_tags/{row}").status_code == 404


@pytest.mark.parametrize("method", ["put", "patch"])
def test_links_are_not_edited(own, method):
    client, image, tag = own
    row = link(client, image.pk, tag.pk).json()["id"]
    answer = getattr(client, method)(f"/api/v2/image_tags/{row}", {})
    assert answer.status_code == 405
    assert answer.json() == {"detail": f'Method "{method.upper()}" not allowed.'}
