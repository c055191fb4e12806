"""Rule 9: login follows the prefix; one user has one credential of each kind and is one user."""

import jwt
import pytest
from rest_framework.test import APIClient

from taggedimages.dialects.ims.tests.signer import HOST, send, signed
from taggedimages.dialects.tests.doors import (
    DOORS,
    Atmosphere,
    Deployed,
    Ims,
    OpenStack,
    SharinPix,
    Tim,
)
from taggedimages.factories import make_credentials, make_image
from taggedimages.identity import sessions
from taggedimages.identity.models import User
from tags.models import ImageTag, TagChange

# A read of each API that says whether the caller was taken for the owner of a private image.
READS = {
    "Tim": "/v1/images/{image.pk}",
    "Atmosphere": "/api/v2/images/{image.pk}",
    "Deployed": "/current/api/v2/images/{image.pk}",
    "SharinPix": "/api/v1/images/{image.uuid}",
    "Ims": "/v2/images/{image.uuid}",
}
# What each API answers to each credential; 404 is what an anonymous caller is told.
ANSWERS = """
            Tim  Atmosphere  Deployed  SharinPix  Ims
nothing     404  404         404       401        401
Bearer      200  404         404       401        401
TOKEN       401  200         200       401        401
JWT         401  404         404       200        401
bare JWT    401  404         404       200        401
session     401  404         404       200        401
X-Auth      404  404         404       401        200
AK/SK       401  404         404       401        200
wrong       401  404         404       401        401
"""


def headers(kind, who, path):
    claims = {"iss": who.secret_id, "admin": True}
    token = jwt.encode(claims, who.secret, "HS256")
    session = sessions.issue(User.objects.get(pk=who.user_id))
    return {
        "nothing": {},
        "Bearer": {"Authorization": f"Bearer {who.token}"},
        "TOKEN": {"Authorization": f"TOKEN {who.token}"},
        "JWT": {"Authorization": f'Token token="{token}"'},
        "bare JWT": {"Authorization": f"Bearer {token}"},
        "session": {"Authorization": f"Token {session}"},
        "X-Auth": {"X-Auth-Token": who.token},
        "AK/SK": signed(who, "GET", path),
        "wrong": {"Authorization": "Bearer wrong", "X-Auth-Token": "wrong"},
    }[kind]


def table():
    """Kind of credential, API and status, one by one."""
    head, *lines = ANSWERS.strip().splitlines()
    for line in lines:
        kind, cells = line[:12].strip(), line[12:].split()
        yield from ((kind, door, int(cell)) for door, cell in zip(head.split(), cells, strict=True))


@pytest.mark.parametrize(("kind", "door", "status"), list(table()))
def test_a_credential_opens_its_own_door_alone(ada, owner, settings, kind, door, status):
    settings.ALLOWED_HOSTS = ["testserver", HOST.split(":")[0]]
    ada = make_credentials("ann", project_id="lab")
    image = make_image(by=User.objects.get(pk=ada.user_id), private=True)
    path = READS[door].format(image=image)
    answer = send("GET", path, headers(kind, ada, path))
    assert answer.status_code == status
    if status != 200:
        assert str(image.uuid) not in answer.content.decode()


@pytest.mark.parametrize("root", ["/api/v2", "/current/api/v2"])
@pytest.mark.parametrize("kind", ["nothing", "Bearer", "JWT", "X-Auth", "wrong"])
def test_another_doors_credential_writes_nothing_to_atmosphere(ada, image, root, kind):
    answer = APIClient().patch(
        f"{root}/images/{image.pk}", {"name": "x"}, headers=headers(kind, ada, "/")
    )
    assert answer.status_code == 403
    image.refresh_from_db()
    assert image.name == "knee.png"


def test_one_credential_of_each_kind_is_the_same_user(doors, image, ada):
    for door in DOORS:
        assert doors[door].add(image, f"tag of {door.__name__}".replace(" ", "-")).status_code < 300
    assert set(ImageTag.objects.values_list("user", flat=True)) == {ada.user_id}
    lines = TagChange.objects.order_by("id").values_list("user_name", "through")
    through = ["v1", "atmosphere", "atmosphere", "sharinpix", "ims", "ims"]
    assert list(lines) == [("ada", one) for one in through]


def test_a_session_and_a_signature_are_that_user_too(image, ada, settings):
    settings.ALLOWED_HOSTS = ["testserver", HOST.split(":")[0]]
    session = headers("session", ada, "/")
    APIClient().post(
        "/api/v1/tags/one/tag_images", {"image_ids": [str(image.uuid)]}, headers=session
    )
    path = f"/v2/images/{image.uuid}/tags/two"
    assert send("PUT", path, signed(ada, "PUT", path)).status_code == 204
    assert set(ImageTag.objects.values_list("tag__name", "user")) == {
        ("one", ada.user_id),
        ("two", ada.user_id),
    }


def test_every_door_names_the_same_uploader(doors, image, ada, owner):
    assert doors[Tim].read(image).json()["created_by"] == "ada"
    assert doors[Atmosphere].read(image).json()["created_by"] == ada.user_id
    assert doors[Deployed].read(image).json()["created_by"]["username"] == "ada"
    uploader = doors[SharinPix].get(f"/api/v1/images/{image.uuid}/user")
    assert (uploader["id"], uploader["name"]) == (str(owner.uuid), "ada")
    assert doors[OpenStack].read(image).json()["owner"] == "ada"


@pytest.mark.parametrize("door", DOORS)
def test_revoking_closes_every_door(doors, ada, image, door):
    assert doors[door].read(image).status_code == 200
    make_credentials("ada", revoke=True)
    refusal = 200 if issubclass(door, Atmosphere) else 401
    assert doors[door].read(image).status_code == refusal
    image.visibility = 2
    image.save()
    assert doors[door].read(image).status_code == (404 if issubclass(door, Atmosphere) else 401)


def test_a_user_who_is_not_active_is_let_in_nowhere(doors, owner, image):
    image.visibility = 2
    image.save()
    owner.is_active = False
    owner.save()
    statuses = {door: doors[door].read(image).status_code for door in DOORS}
    assert statuses == {
        Tim: 401,
        Atmosphere: 404,
        Deployed: 404,
        SharinPix: 401,
        Ims: 401,
        OpenStack: 401,
    }
