"""POST /token: claims signed for others, never wider than the caller's."""

import json
import time
from typing import Any

import jwt
import pytest

from taggedimages.factories import make_image, make_user
from taggedimages.identity import sessions

from .conftest import EDITOR, READER, client_of

pytestmark = pytest.mark.django_db
URL = "/api/v1/token"


def albums(access, album="mine", tags=None, **general):
    return {"abilities": {album: {"Access": access, "Tags": tags or {}}, "tags": general}}


@pytest.mark.parametrize("shape", ["json", "text", "form"])
def test_claims_are_signed_with_the_callers_secret(admin, org, ada, shape):
    make_image("a", by=ada, album_id="mine")
    claims = albums(READER) | {"path": "/x", "exp": int(time.time()) + 500}
    if shape == "form":
        form = "application/x-www-form-urlencoded"
        text = json.dumps(claims).replace('"', "%22")
        answer = admin.post(URL, f"permission={text}", content_type=form)
    else:
        permission = claims if shape == "json" else json.dumps(claims)
        answer = admin.post(URL, {"permission": permission})
    assert answer.status_code == 200
    assert answer.json() == {
        "token": answer.json()["token"],
        "endpoint": "http://testserver/api/v1",
    }
    signed = jwt.decode(answer.json()["token"], org.secret, ["HS256"])
    assert signed == claims | {"iss": org.secret_id, "iat": signed["iat"]}
    assert len(client_of(answer.json()["token"]).get("/api/v1/tag_images").json()) == 1


QUERY = {"q": "case"}
ALL = {"q": "*"}
TAGS: dict[str, Any] = {"knee": {}}


@pytest.mark.parametrize(
    ("own", "asked", "status"),
    [
        ({"admin": True}, {"admin": True}, 200),
        ({"admin": True}, albums(EDITOR), 200),
        ({"admin": True}, ALL | {"image_delete": True}, 200),
        (albums(EDITOR), {"admin": True}, 401),
        (albums(EDITOR), albums(READER), 200),
        (albums(EDITOR), albums(EDITOR), 200),
        (albums(READER), albums(EDITOR), 401),
        (albums({"see": True}), albums({"image_list": True}), 200),
        (albums(EDITOR), albums(READER, album="other"), 401),
        (albums(EDITOR), albums(EDITOR | {"share": True}), 401),
        (albums(EDITOR), ALL, 401),
        (albums(EDITOR), {}, 200),
        (albums(READER), albums(READER, create=True), 401),
        (albums(READER, create=True), albums(READER, create=True), 200),
        (albums(READER), albums(READER, tags=TAGS), 401),
        (albums(READER, tags=TAGS), albums(READER, tags=TAGS), 200),
        (albums(EDITOR), albums(READER, tags=TAGS), 200),
        (albums(READER | {"image_upload": True}), albums(READER, auto_tag="a"), 401),
        (albums(EDITOR), albums(READER, auto_tag="a"), 200),
        (albums(READER, auto_tag="a;b"), albums(READER, auto_tag="b"), 200),
        (QUERY, QUERY, 200),
        (QUERY, ALL, 401),
        (QUERY, {"q": "other"}, 401),
        (ALL, QUERY, 200),
        (QUERY, QUERY | {"image_delete": True}, 401),
        (QUERY | {"image_delete": True}, QUERY | {"image_delete": True}, 200),
        (QUERY | {"image_delete": True}, QUERY, 200),
        (QUERY, QUERY | {"thumbnail_tags": True}, 401),
        (ALL, albums(READER), 200),
        (ALL, albums(EDITOR), 401),
        (QUERY, albums(READER), 401),
        ({}, albums(READER), 401),
        ({}, {}, 200),
    ],
)
def test_no_claim_reaches_further_than_the_callers(client_with, own, asked, status):
    answer = client_with(**own).post(URL, {"permission": asked})
    assert answer.status_code == status
    if status == 401:
        assert answer["X-message"] == "Access denied"


def test_who_signs_and_for_whom_is_not_for_the_client_to_say(admin, org):
    other = make_user(project_id="elsewhere")
    asked = {"iss": "x", "user_id": other.pk, "iat": 1, "q": "*"}
    answer = admin.post(URL, {"permission": asked}).json()
    signed = jwt.decode(answer["token"], org.secret, ["HS256"])
    assert signed == {"iss": org.secret_id, "q": "*", "iat": signed["iat"]}
    assert signed["iat"] > 1


@pytest.mark.parametrize(("asked", "extra"), [(None, 100), (50, 50), (500, 100)])
def test_no_token_ends_after_the_callers(client_with, org, asked, extra):
    now = int(time.time())
    permission = {"q": "*"} | ({"exp": now + asked} if asked else {})
    answer = client_with(admin=True, exp=now + 100).post(URL, {"permission": permission}).json()
    assert jwt.decode(answer["token"], org.secret, ["HS256"])["exp"] == now + extra


def test_a_session_signs_what_narrows_it(session, ada):
    make_image("a", by=ada, album_id="mine")
    make_image("a", by=ada, album_id="other")
    hidden = make_user(project_id="org")
    make_image("a", by=hidden, album_id="mine", private=True)
    answer = session.post(URL, {"permission": albums(READER)}).json()
    claims = jwt.decode(answer["token"], sessions.secrets()[0], ["HS256"])
    assert claims["user_id"] == str(ada.uuid)
    narrowed = client_of(answer["token"])
    assert len(narrowed.get("/api/v1/tag_images").json()) == 1
    assert narrowed.post(URL, {"permission": {}}).status_code == 401
    assert narrowed.post(URL, {"permission": albums(EDITOR)}).status_code == 401
    assert session.post(URL, {"permission": {"admin": True}}).status_code == 401


@pytest.mark.parametrize(
    "permission",
    [
        None,
        "",
        "x",
        "[]",
        "7",
        [],
        7,
        {"exp": "soon"},
        {"exp": True},
        '{"exp": 1e999}',
        '{"exp": NaN}',
        "[" * 7000,
        '{"a": ' * 900 + "1" + "}" * 900,
        "x" * 9000,
    ],
)
def test_what_cannot_be_signed_is_a_400(admin, permission):
    answer = admin.post(URL, {"permission": permission})
    assert (answer.status_code, answer.content) == (400, b"")
    assert answer["X-message"].startswith("permission:")


def test_permission_must_be_sent(admin):
    assert admin.post(URL, {}).status_code == 400
