"""A tag that only hidden images have is told of by no API, and no door is left to find it by."""

from typing import Any

import jwt
import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from images.models import Image
from taggedimages.dialects.tests.doors import DOORS, Atmosphere, Deployed, SharinPix, Tim
from taggedimages.factories import make_credentials, make_image, make_tag
from taggedimages.identity.models import User
from tags.models import Tag

HIDDEN = "Hidden name"


@pytest.fixture
def hidden(doors: Any, image: Image) -> Tag:
    """A tag of Ada's that one private image of hers has, beside one that everybody is shown."""
    Image.objects.filter(pk=image.pk).update(visibility=2)
    doors[Tim].replace(image, [HIDDEN, "shown"])
    make_image("shown")
    return Tag.objects.get(name=HIDDEN)


@pytest.fixture
def stranger() -> dict[type, Any]:
    """The clients of a member of another project, who has an image of their own."""
    who = make_credentials("eve", project_id="far")
    doors: dict[type, Any] = {door: door(who) for door in DOORS}
    make_image(by=User.objects.get(pk=who.user_id), filename="own.png")
    return doors


@pytest.fixture
def own() -> Image:
    """That image."""
    return Image.objects.get(filename="own.png")


def test_it_is_in_no_list_but_those_of_who_sees_the_image(hidden, doors, stranger):
    for door in (Tim, Atmosphere, Deployed, SharinPix):
        assert set(doors[door].vocabulary()) == {HIDDEN, "shown"}, door
        assert stranger[door].vocabulary() == ["shown"], door
    assert [stranger[door].vocabulary() for door in DOORS[4:]] == [[], []]
    assert stranger[Tim].get("/v1/tags")["meta"]["total_results"] == 1
    assert stranger[Atmosphere].get("/api/v2/tags")["count"] == 1
    assert stranger[SharinPix].get("/api/v1/tags/autocomplete", q="h") == [
        *stranger[SharinPix].get("/api/v1/tags/autocomplete", q="shown")
    ]


@pytest.mark.parametrize("root", [Atmosphere.root, Deployed.root])
def test_atmosphere_knows_no_such_id(hidden, stranger, own, root):
    http = stranger[Atmosphere].http
    assert http.get(f"{root}/tags/{hidden.pk}").status_code == 404
    assert http.get(f"{root}/tags/{hidden.uuid}").status_code == 404
    for known, unknown in ((hidden.pk, 999_999), (str(hidden.uuid), str(own.uuid))):
        asked = [
            http.post(f"{root}/image_tags", {"image": own.pk, "tag": one})
            for one in (known, unknown)
        ] + [
            http.patch(f"{root}/images/{own.pk}", {"tags": [{"id": one}]})
            for one in (known, unknown)
        ]
        assert {answer.status_code for answer in asked} == {400}
        told = [answer.content.decode().replace(str(known), str(unknown)) for answer in asked]
        assert (told[0], told[2]) == (told[1], told[3])
    assert not own.tags.exists()


def test_atmosphere_refuses_a_twin_without_telling_how_it_is_spelled(hidden, doors, stranger):
    asked = {"name": "HIDDEN NAME", "description": "d"}
    refused = [doors[Atmosphere].http.post("/api/v2/tags", asked)]
    refused.append(stranger[Atmosphere].http.post("/api/v2/tags", asked))
    assert [answer.json() for answer in refused] == [
        ["Another tag is named 'Hidden name'."],
        ["Another tag is named 'HIDDEN NAME'."],
    ]


def test_sharinpix_knows_no_such_uuid(hidden, stranger, own):
    http = stranger[SharinPix].http
    put = http.post(f"/api/v1/tags/{hidden.uuid}/tag_images", {"image_ids": [str(own.uuid)]})
    assert put.status_code == 404
    for name in (hidden.uuid, hidden.name):
        assert http.put(f"/api/v1/tags/{name}", {"visible": True}).status_code == 404
    # The name itself is known to whoever gives it.
    answer = stranger[SharinPix].add(own, HIDDEN)
    assert [link["tag"]["name"] for link in answer.json()] == [HIDDEN]
    assert set(stranger[SharinPix].vocabulary()) == {HIDDEN, "shown"}


def test_a_narrow_sharinpix_token_is_shown_what_is_in_its_reach_and_what_it_names(ada, owner):
    for album in ("case", "other"):
        image = make_image(f"of {album}", by=owner, private=True)
        Image.objects.filter(pk=image.pk).update(album_id=album)
    make_image("everybody's")
    tags = ["named by the token"]
    claims = {"iss": ada.secret_id, "abilities": {"case": {"Access": {"see": True}, "Tags": tags}}}
    token = jwt.encode(claims, ada.secret, "HS256")
    narrow = APIClient(HTTP_AUTHORIZATION=f'Token token="{token}"')
    listed = [tag["name"] for tag in narrow.get("/api/v1/tags").json()]
    assert listed == ["of case", "everybody's", "named by the token"]
    completed = narrow.get("/api/v1/tags/autocomplete", {"q": "of"}).json()
    assert [tag["name"] for tag in completed] == ["of case"]
    assert APIClient().get("/v1/tags").json()["meta"]["total_results"] == 1


def test_a_published_tag_without_an_image_to_see_has_no_page(doors, hidden):
    doors[SharinPix].http.put(f"/api/v1/tags/{hidden.uuid}", {"public": True})
    assert APIClient().get(f"/api/v1/tags/{hidden.uuid}/public_tags").status_code == 404
    unused = make_tag("unused", public=True)
    assert APIClient().get(f"/api/v1/tags/{unused.uuid}/public_tags").json() == []


def test_staff_of_another_project_find_it_nowhere_in_the_admin(hidden, doors):
    names = {}
    for who, project, superuser in (
        ("far", "far", False),
        ("near", "lab", False),
        ("boss", "", True),
    ):
        make_credentials(who, project_id=project or "far", staff=True)
        user = User.objects.get(username=who)
        if superuser:
            User.objects.filter(pk=user.pk).update(is_superuser=True)
        _let(user, "tags.view_tag", "tags.change_tag")
        client = Client()
        client.force_login(User.objects.get(pk=user.pk))
        page = client.get(reverse("admin:tags_tag_changelist"))
        shown = {tag.name for tag in page.context["cl"].result_list}
        single = client.get(reverse("admin:tags_tag_change", args=[hidden.pk]))
        names[who] = (shown, page.context["cl"].result_count, single.status_code)
    # What others are shown of another project is none of its staff's business.
    assert names == {
        "far": (set(), 0, 302),
        "near": ({HIDDEN, "shown"}, 2, 200),
        "boss": ({HIDDEN, "shown"}, 2, 200),
    }


def _let(user: User, *permissions: str) -> None:
    for name in permissions:
        app, _, codename = name.partition(".")
        of = Permission.objects.get(content_type__app_label=app, codename=codename)
        user.user_permissions.add(of)
