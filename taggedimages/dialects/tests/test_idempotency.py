"""A POST with an Idempotency-Key is carried out once, in every API, and answered again."""

import base64
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from images.models import Image
from taggedimages.dialects.tests.doors import Atmosphere, Ims, SharinPix, Tim
from taggedimages.dialects.tests.keyed import POSTS, WITH_URLS, WITHOUT
from taggedimages.factories import make_image, make_png
from taggedimages.identity.credentials import revoke_all
from taggedimages.identity.forgetting import forget_callers
from taggedimages.identity.models import KeptAnswer, Token, User
from taggedimages.tests.access import routes
from tags.models import ImageTag, Tag

# What each answer has its own of.
OWN = {"X-Request-Id", "X-Runtime", "X-token", "Idempotency-Replayed", "Content-Length"}
PAST = timezone.now() - timedelta(days=2)


def post(door, path, body, key="k-1", **headers):
    named = {} if key is None else {"Idempotency-Key": key}
    return door.http.post(path, body, headers=named | headers)


def counted():
    return Image.objects.count(), Tag.objects.count(), ImageTag.objects.count()


def told(answer):
    headers = {name: value for name, value in answer.items() if name not in OWN}
    return answer.status_code, answer.content, headers


def test_every_route_takes_a_key_or_says_why_not():
    takes = {"POST " + route.split(" ")[1] for route in POSTS}
    assert {route for route in routes() if route.startswith("POST ")} == takes | WITHOUT.keys()


@pytest.mark.parametrize("route", POSTS)
def test_it_is_carried_out_once_and_answered_again(doors, image, route):
    asked = POSTS[route](image)
    door = doors[asked.door]
    first = post(door, asked.path, asked.body)
    assert 200 <= first.status_code < 300, first.content
    assert "Idempotency-Replayed" not in first
    done = counted()
    for key in ("k-1", '"k-1"', " k-1 "):
        again = post(door, asked.path, asked.body, key)
        assert told(again) == told(first)
        assert again["Idempotency-Replayed"] == "true"
    assert counted() == done
    (kept,) = KeptAnswer.objects.all()
    assert (kept.urls_until is not None) == (route in WITH_URLS)
    assert kept.expires_at > timezone.now() + timedelta(hours=23)


@pytest.mark.parametrize("route", POSTS)
def test_without_a_key_nothing_changes(doors, image, route):
    asked = POSTS[route](image)
    plain = post(doors[asked.door], asked.path, asked.body, None)
    assert 200 <= plain.status_code < 300
    assert not KeptAnswer.objects.exists()
    assert "Idempotency-Replayed" not in plain


@pytest.mark.parametrize("route", POSTS)
def test_with_another_body_it_is_refused(doors, image, route):
    asked = POSTS[route](image)
    door = doors[asked.door]
    first = post(door, asked.path, asked.body)
    done = counted()
    assert post(door, asked.path, asked.other).status_code == 422
    assert post(door, f"{asked.path}?a=b", asked.body).status_code == 422
    assert counted() == done
    assert post(door, asked.path, asked.body).content == first.content


@pytest.mark.parametrize("route", sorted(WITH_URLS))
def test_new_urls_come_when_the_old_ones_have_ended(doors, image, route):
    asked = POSTS[route](image)
    door = doors[asked.door]
    first = post(door, asked.path, asked.body)
    done = counted()
    KeptAnswer.objects.update(urls_until=timezone.now())
    again = post(door, asked.path, asked.body)
    assert again["Idempotency-Replayed"] == "resigned"
    assert again.status_code == first.status_code
    assert shape(again.json()) == shape(first.json())
    assert counted() == done


def shape(told):
    """What is told, but for what differs between URLs of the same."""
    if isinstance(told, dict):
        secrets = {"policy", "x-amz-date", "x-amz-signature"}
        return {name: shape(value) for name, value in told.items() if name not in secrets}
    if isinstance(told, list):
        return [shape(value) for value in told]
    if isinstance(told, str) and "X-Amz-Signature=" in told:
        return told.partition("X-Amz-Algorithm")[0]
    return told


def test_a_new_upload_url_lives_no_longer_than_its_record_waits(doors, settings):
    tim = doors[Tim]
    first = post(tim, "/v1/images", {"filename": "a.png"}).json()
    KeptAnswer.objects.update(urls_until=timezone.now())
    waits = settings.PRESIGNED_SECONDS + settings.UPLOAD_GRACE_SECONDS
    born = timezone.now() - timedelta(seconds=waits - 100)
    Image.objects.filter(pk=first["id"]).update(created_at=born)
    again = post(tim, "/v1/images", {"filename": "a.png"}).json()
    (seconds,) = (one for one in again["upload_url"].split("&") if "Expires" in one)
    assert 90 <= int(seconds.partition("=")[2]) <= 100
    Image.objects.filter(pk=first["id"]).update(created_at=born - timedelta(seconds=100))
    assert post(tim, "/v1/images", {"filename": "a.png"}).status_code == 404


def test_of_a_file_that_has_come_no_upload_url_is_told_again(doors):
    tim = doors[Tim]
    first = post(tim, "/v1/images", {"filename": "a.png"}).json()
    Image.objects.filter(pk=first["id"]).update(uploaded_at=timezone.now())
    KeptAnswer.objects.update(urls_until=timezone.now())
    again = post(tim, "/v1/images", {"filename": "a.png"})
    assert (again.status_code, again.json()) == (201, {"id": first["id"], "upload_url": None})


@pytest.mark.parametrize("route", sorted(WITH_URLS))
def test_what_is_gone_is_gone_once_its_urls_have_ended(doors, image, route):
    asked = POSTS[route](image)
    door = doors[asked.door]
    first = post(door, asked.path, asked.body)
    Image.objects.update(ended_at=timezone.now(), deleted_at=timezone.now())
    assert post(door, asked.path, asked.body).content == first.content
    KeptAnswer.objects.update(urls_until=timezone.now())
    assert post(door, asked.path, asked.body).status_code == 404


def test_a_very_long_answer_is_not_kept_but_made_again(doors):
    tim = doors[Tim]
    body = {"filename": "a.png", "size": 5 * 1024**4 - 1, "parts": 10_000}
    first, again = (post(tim, "/v1/images", body) for _ in range(2))
    assert len(first.content) > 1024**2
    assert len(bytes(KeptAnswer.objects.get().answer)) < 1024
    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "resigned")
    assert shape(again.json()) == shape(first.json())
    assert Image.objects.count() == 1


# --- Whose a key is ------------------------------------------------------------------------------


@pytest.mark.parametrize("route", POSTS)
def test_others_have_the_same_key_to_themselves(doors, bobs, image, route):
    asked = POSTS[route](image)
    post(doors[asked.door], asked.path, asked.body)
    others = post(bobs[asked.door], asked.path, asked.other)
    assert others.status_code != 422
    assert "Idempotency-Replayed" not in others


def test_each_path_has_the_same_key_to_itself(doors):
    tim = doors[Tim]
    tag = post(tim, "/v1/tags", {"name": "new"})
    image = post(tim, "/v1/images", {"filename": "new"})
    assert (tag.status_code, image.status_code) == (201, 201)
    # These two are one path.
    again = post(tim, "/v1/tags/", {"name": "new"})
    assert (again.content, again["Idempotency-Replayed"]) == (tag.content, "true")


def test_whoever_is_not_let_in_is_not_answered_again(doors, ada):
    tim = doors[Tim]
    assert post(tim, "/v1/tags", {"name": "new"}).status_code == 201
    revoke_all(User.objects.get(pk=ada.user_id))
    refused = post(tim, "/v1/tags", {"name": "new"})
    assert (refused.status_code, "Idempotency-Replayed" in refused) == (401, False)
    assert b"new" not in refused.content
    Token.objects.update(revoked_at=None, expires_at=timezone.now())
    assert post(tim, "/v1/tags", {"name": "new"}).status_code == 401


def test_strangers_are_told_apart_by_their_address():
    def ask(address):
        client = APIClient(REMOTE_ADDR=address)
        headers = {"Idempotency-Key": "k"}
        return client.post("/v1/tags", {"name": "a b"}, format="json", headers=headers)

    first, again, other = ask("192.0.2.1"), ask("192.0.2.1"), ask("192.0.2.2")
    assert first.status_code == again.status_code == other.status_code == 201
    assert "Idempotency-Replayed" in again
    assert "Idempotency-Replayed" not in other


def test_tokens_of_one_secret_that_may_differently_are_others(ada, image):
    """Of SharinPix: many people act for the one user whose secret signs."""

    def ask(at=0, **claims):
        told = {"iss": ada.secret_id, "exp": timezone.now().timestamp() + 900 + at, **claims}
        login = f'Token token="{jwt.encode(told, ada.secret, "HS256")}"'
        client = APIClient(raise_request_exception=False, HTTP_AUTHORIZATION=login)
        headers = {"Idempotency-Key": "k"}
        return client.post("/api/v1/tags", {"name": "new"}, format="json", headers=headers)

    first, renewed = ask(admin=True), ask(5, admin=True)
    assert first.content == renewed.content
    assert renewed["Idempotency-Replayed"] == "true"
    assert renewed["X-token"]
    assert ask(abilities={}).status_code == 401


def test_a_token_in_the_query_is_not_what_is_asked(ada):
    def ask(at):
        told = {"iss": ada.secret_id, "admin": True, "exp": timezone.now().timestamp() + at}
        token = jwt.encode(told, ada.secret, "HS256")
        return APIClient().post(
            f"/api/v1/tags?token={token}",
            {"name": "new"},
            format="json",
            headers={"Idempotency-Key": "k"},
        )

    assert ask(900).content == ask(905).content


def test_a_read_with_a_key_counts_as_a_write_of_strangers(settings):
    """Its answer is written down, and strangers may write nothing here without a limit."""
    settings.ANONYMOUS, settings.RATE_ANONYMOUS_WRITES = "read-only", 1

    def ask(**headers):
        body = {"sha256": ["00" * 32]}
        return APIClient().post("/v1/images/lookup", body, format="json", headers=headers)

    statuses = [ask(**{"Idempotency-Key": key}).status_code for key in ("a", "b")]
    assert statuses == [200, 429]
    assert [ask().status_code for _ in range(3)] == [200] * 3


# --- What is kept --------------------------------------------------------------------------------


REFUSED = {
    Tim: ("/v1/tags", {"name": "x"}),
    Atmosphere: ("/api/v2/tags", {}),
    SharinPix: ("/api/v1/tags", {}),
    Ims: ("/v2/lab/images/{}/tags", {"tag": {}}),
}


@pytest.mark.parametrize("door", REFUSED)
def test_a_refusal_is_not_kept(doors, image, door):
    path, body = REFUSED[door]
    path = path.format(image.uuid)
    for _ in range(2):
        refused = post(doors[door], path, body)
        assert refused.status_code == 400
        assert "Idempotency-Replayed" not in refused
    assert not KeptAnswer.objects.exists()


def test_a_failed_claim_is_given_up(doors, image):
    pending = f"/v1/images/{make_image(uploaded_at=None, key='none').pk}/complete"
    for _ in range(2):
        assert post(doors[Tim], pending, {}).status_code == 409
    assert not KeptAnswer.objects.exists()


def test_what_has_expired_is_as_good_as_gone_swept_or_not(doors):
    tim = doors[Tim]
    first = post(tim, "/v1/images", {"filename": "a.png"}).json()
    KeptAnswer.objects.update(expires_at=timezone.now())
    second = post(tim, "/v1/images", {"filename": "b.png"})
    assert (second.status_code, second.json()["id"] == first["id"]) == (201, False)
    assert post(tim, "/v1/images", {"filename": "b.png"}).content == second.content
    KeptAnswer.objects.update(expires_at=timezone.now())
    assert forget_callers() == 1
    assert not KeptAnswer.objects.exists()


def test_what_is_valid_is_not_swept(doors):
    post(doors[Tim], "/v1/tags", {"name": "new"})
    assert forget_callers() == 0
    assert KeptAnswer.objects.count() == 1


def test_nothing_of_it_can_be_read_in_the_database(doors):
    answer = post(doors[Tim], "/v1/images", {"filename": "canary.png"}, "secret-key")
    kept = KeptAnswer.objects.get()
    stored = b"".join(bytes(one) for one in (kept.scope, kept.fingerprint, kept.answer))
    told = (b"upload_url", b"canary", b"X-Amz", b"secret-key")
    assert not any(text in stored for text in told)
    assert b"X-Amz-Signature" in answer.content


def test_secret_keys_may_be_rotated(doors, settings):
    tim = doors[Tim]
    first = post(tim, "/v1/tags", {"name": "new"})
    old, settings.SECRET_KEY = settings.SECRET_KEY, "n" * 50
    lost = post(tim, "/v1/tags", {"name": "new"})
    assert (lost.status_code, "Retry-After" in lost) == (409, False)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert post(tim, "/v1/tags", {"name": "new"}).content == first.content


# --- What is the same ----------------------------------------------------------------------------


def test_a_form_is_the_same_whatever_stands_between_its_parts(doors):
    def ask(boundary, name="new"):
        body = f'--{boundary}\r\nContent-Disposition: form-data; name="name"\r\n\r\n{name}\r\n'
        return doors[SharinPix].http.generic(
            "POST",
            "/api/v1/tags",
            f"{body}--{boundary}--\r\n",
            f"multipart/form-data; boundary={boundary}",
            headers={"Idempotency-Key": "k"},
        )

    first, again = ask("one"), ask("another")
    assert (first.status_code, first.content) == (200, again.content)
    assert again["Idempotency-Replayed"] == "true"
    assert ask("third", "newer").status_code == 422


def test_another_content_type_is_another_request(doors):
    tim = doors[Tim].http
    headers = {"Idempotency-Key": "k"}

    def ask(content_type):
        return tim.generic("POST", "/v1/tags", '{"name": "new"}', content_type, headers=headers)

    assert ask("application/json").status_code == 201
    assert ask("Application/JSON").status_code == 201
    assert ask("application/json; charset=latin-1").status_code == 422


# --- How each API says it ------------------------------------------------------------------------

MESSAGES = {
    400: "Idempotency-Key is 1 to 255 visible characters of ASCII, in double quotes or without.",
    409: "A request with this Idempotency-Key is being carried out.",
    422: "This Idempotency-Key was sent with another request.",
}
TAGS: dict[Any, tuple[str, dict[str, Any]]] = {
    Tim: ("/v1/tags", {"name": "new"}),
    Atmosphere: ("/api/v2/tags", {"name": "new", "description": "x"}),
    SharinPix: ("/api/v1/tags", {"name": "new"}),
    Ims: ("/v2/lab/images/{}/tags", {"tag": {"key": "knee", "value": ""}}),
}


def in_use():
    """Have the key of the last answer claimed by a request that goes on."""
    KeptAnswer.objects.update(
        status=0, claim="00000000-0000-4000-8000-000000000000", answer=b"", urls_until=None
    )


@pytest.mark.parametrize("status", MESSAGES)
@pytest.mark.parametrize("door", TAGS)
def test_each_api_says_it_in_its_own_shape(doors, image, door, status):
    path, body = TAGS[door]
    path = path.format(image.uuid)
    assert post(doors[door], path, body).status_code < 300
    if status == 409:
        in_use()
    key = "not a key" if status == 400 else "k-1"
    refused = post(doors[door], path, body if status == 409 else body | {"a": 1}, key)
    message = MESSAGES[status]
    assert refused.status_code == status
    assert refused.headers.get("Retry-After") == ("1" if status == 409 else None)
    if door is SharinPix:
        assert (refused.content, refused["X-message"]) == (b"", message)
    elif door is Ims:
        assert refused.json() == {"error": {"code": "IMG.0001", "message": message}}
    elif door is Atmosphere:
        assert refused.json() == {"detail": message}
    else:
        assert {"code": status, "message": message}.items() <= refused.json().items()


@pytest.mark.parametrize("key", ["", " ", '"', '""', '"a', "a b", '"a";b=1', '"a", "b"', "a" * 256])
@pytest.mark.parametrize("door", TAGS)
def test_what_is_no_key_is_refused_and_nothing_is_done(doors, image, door, key):
    path, body = TAGS[door]
    before = counted()
    assert post(doors[door], path.format(image.uuid), body, key).status_code == 400
    assert counted() == before


def test_what_takes_no_key_passes_it_over(ada):
    """Even one that is none: what answers a token, or only reads, is always carried out."""
    for route in WITHOUT:
        path = route.removeprefix("POST ")
        answer = APIClient().post(path, {}, format="json", headers={"Idempotency-Key": ""})
        assert answer.status_code in (400, 401, 404)
    assert not KeptAnswer.objects.exists()


def test_on_what_may_be_sent_twice_anyway_a_key_says_nothing(doors, image):
    tim = doors[Tim].http
    for method in (tim.get, tim.put):
        answer = method(f"/v1/images/{image.pk}", {"tags": ["a"]}, headers={"Idempotency-Key": ""})
        assert answer.status_code == 200


def test_an_upload_is_stored_once(doors):
    data = base64.b64encode(make_png()).decode()
    body = {"filename": "a.png", "image_data": data}
    first, again = (post(doors[Tim], "/v1/upload", body) for _ in range(2))
    assert first.content == again.content
    assert Image.objects.count() == 1
