"""A signed write that comes again is answered again, and not carried out again."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from rest_framework.test import APIClient

from images.models import Image
from taggedimages.dialects.ims import views
from taggedimages.dialects.ims.tests.requests import error, held, tags_url
from taggedimages.dialects.ims.tests.signer import send, signed
from taggedimages.factories import TESTS
from taggedimages.identity.credentials import CredentialSet
from taggedimages.identity.forgetting import forget_callers
from taggedimages.identity.models import SignedAnswer
from tags import tagging
from tags.models import TagChange

ONE = {"tag": {"key": "knee", "value": "left"}}
BATCH: dict[str, Any] = {"action": "create", "tags": [{"key": "knee", "value": "left"}]}


class Signed:
    """A signed request that can be sent again and again."""

    def __init__(self, by: CredentialSet, method: str, url: str, body: Any = None, **more: Any):
        self.method, self.url = method, url
        self.body = b"" if body is None else json.dumps(body).encode()
        self.headers = signed(by, method, url, body=self.body, **more)

    def send(self, **other: Any) -> Any:
        return send(self.method, self.url, self.headers, **({"body": self.body} | other))


def writes(image: Image) -> dict[str, tuple[str, str, Any]]:
    """Every signed write of this API, to an image with the tag `knee`."""
    url = tags_url(image)
    return {
        "add": ("POST", url, ONE),
        "batch create": ("POST", f"{url}/action", BATCH),
        "batch delete": ("POST", f"{url}/action", BATCH | {"action": "delete"}),
        "delete": ("DELETE", f"{url}/knee", None),
        "delete the tag action": ("DELETE", f"{url}/action", None),
        "add to cloudimages": (
            "PUT",
            "/v1/cloudimages/tags",
            {"image_id": str(image.uuid), "tag": "knee.left"},
        ),
        "delete several": (
            "DELETE",
            f"/v1/lab/cloudimages/{image.uuid}/tags/delete",
            {"tags": [{"key": "knee"}]},
        ),
        "add a key": ("PUT", f"/v2/images/{image.uuid}/tags/knee", None),
        "delete a key": ("DELETE", f"/v2/images/{image.uuid}/tags/knee", None),
    }


KINDS = list(writes(Image()))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_write_is_carried_out_once(ada: CredentialSet, image: Image, kind: str):
    starts_with_tags = "delete" in kind
    if starts_with_tags:
        tagging.tag(image, ["knee", "action"], TESTS)
        tagging.set_values(image, {"knee": "left"}, TESTS)
    write = Signed(ada, *writes(image)[kind])
    assert write.send().status_code == 204
    # What somebody does meanwhile is not undone.
    if starts_with_tags:
        tagging.tag(image, ["knee", "action"], TESTS)
        tagging.set_values(image, {"knee": "left"}, TESTS)
    else:
        tagging.untag_named(image, {"knee": None}, TESTS)
    then, lines = held(image), TagChange.objects.count()
    for _ in range(2):
        again = write.send()
        assert (again.status_code, again.content) == (204, b"")
        assert "Content-Type" not in again
        assert again.headers["X-Request-Id"]
    assert (held(image), TagChange.objects.count()) == (then, lines)


def test_all_kinds_of_writes_are_tried():
    """Against the methods that routes of views of tags have."""
    routed = {
        (name, method)
        for view in (views.ImageTagViewSet, views.OpenStackTagViewSet, views.CloudTagViewSet)
        for name, method in vars(view).items()
        if callable(method) and name != "index"
    }
    assert len(routed) == 7
    # A tag that is called `action` has a route of its own, and `batch` does two things.
    assert len(KINDS) == len(routed) + 2


def test_a_write_that_is_signed_anew_is_known_by_its_key(ada: CredentialSet, image: Image):
    now = datetime.now(UTC)

    def write(seconds: int, body: Any, key: str) -> Any:
        at = now - timedelta(seconds=seconds)
        write = Signed(ada, "POST", tags_url(image), body, at=at)
        write.headers["Idempotency-Key"] = key
        return write.send()

    assert write(1, ONE, "a").status_code == 204
    again = write(2, ONE, "a")
    assert (again.status_code, again["Idempotency-Replayed"]) == (204, "true")
    assert write(3, {"tag": {"key": "hip", "value": ""}}, "a").status_code == 422
    assert held(image) == [("knee", "left")]


def test_a_refusal_is_answered_again(ada: CredentialSet, image: Image):
    missing = Signed(ada, "DELETE", tags_url(image, "knee"))
    first = missing.send()
    assert (first.status_code, first.json()) == (404, error("IMG.0115", first))
    tagging.tag(image, ["knee"], TESTS)
    again = missing.send()
    assert (again.status_code, again.content) == (404, first.content)
    assert again["Content-Type"] == first["Content-Type"]
    assert held(image) == [("knee", "")]


def test_a_bad_body_is_answered_again(ada: CredentialSet, image: Image):
    bad = Signed(ada, "POST", tags_url(image), {"tag": {"key": "a b"}})
    first, again = bad.send(), bad.send()
    assert first.status_code == again.status_code == 400
    assert first.content == again.content


def test_another_body_under_the_same_signature_is_not_written(ada: CredentialSet, image: Image):
    unsigned = {"X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}
    write = Signed(ada, "POST", tags_url(image), ONE, headers=unsigned)
    assert write.send().status_code == 204
    other = json.dumps({"tag": {"key": "foot", "value": ""}}).encode()
    assert write.send(body=other).status_code == 204
    assert held(image) == [("knee", "left")]


def test_a_write_of_another_second_is_another(ada: CredentialSet, image: Image):
    now = datetime.now(UTC)
    for seconds in (0, 1):
        write = Signed(ada, "POST", tags_url(image), ONE, at=now - timedelta(seconds=seconds))
        assert write.send().status_code == 204
        assert held(image) == [("knee", "left")]
        tagging.untag_named(image, {"knee": None}, TESTS)


def test_reads_may_be_repeated(ada: CredentialSet, image: Image):
    action = {"action": "count", "tags": [{"key": "knee", "values": []}]}
    count = Signed(ada, "POST", "/v2/lab/images/resource_instances/action", action)
    read = Signed(ada, "GET", tags_url(image))
    assert (count.send().json(), read.send().json()) == ({"total_count": 0}, {"tags": []})
    tagging.tag(image, ["knee"], TESTS)
    assert count.send().json() == {"total_count": 1}
    assert read.send().json() == {"tags": [{"key": "knee", "value": ""}]}
    assert not SignedAnswer.objects.exists()


def test_writes_by_token_are_not_kept(ims: APIClient, image: Image):
    for _ in range(2):
        assert ims.post(tags_url(image), ONE).status_code == 204
    assert not SignedAnswer.objects.exists()


def test_who_may_not_is_refused_anew_each_time(ada: CredentialSet, eve: CredentialSet):
    write = Signed(eve, "POST", "/v2/lab/images/x/tags", ONE)
    assert [write.send().status_code for _ in range(2)] == [403, 403]
    assert not SignedAnswer.objects.exists()
    wrong = Signed(ada, "PUT", "/v2/lab/images/x/tags", ONE)
    assert [wrong.send().status_code for _ in range(2)] == [405, 405]


@pytest.mark.django_db(transaction=True)
def test_a_failure_may_be_tried_again(ada: CredentialSet, image: Image, monkeypatch: Any):
    write = Signed(ada, "POST", tags_url(image), ONE)
    with monkeypatch.context() as patch:
        patch.setattr(tagging, "set_values", _fails)
        assert write.send().status_code == 503
    assert not SignedAnswer.objects.exists()
    assert write.send().status_code == 204
    assert held(image) == [("knee", "left")]


def _fails(*args: Any, **options: Any) -> None:
    raise OperationalError("away")


def test_answers_are_kept_as_long_as_signatures_hold(ada: CredentialSet, image: Image):
    at = datetime.now(UTC).replace(microsecond=0)
    assert Signed(ada, "POST", tags_url(image), ONE, at=at).send().status_code == 204
    kept = SignedAnswer.objects.get()
    assert kept.expires_at == at + timedelta(minutes=15)
    assert forget_callers() == 0
    SignedAnswer.objects.update(expires_at=at - timedelta(seconds=1))
    assert forget_callers() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_carried_out(ada: CredentialSet, image: Image):
    tagging.tag(image, ["knee"], TESTS)
    delete = Signed(ada, "DELETE", tags_url(image, "knee"))

    def send_it(_: int) -> int:
        try:
            return int(delete.send().status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        # Carried out a second time it would be 404.
        assert set(threads.map(send_it, range(8))) == {204}
    assert TagChange.objects.filter(new_value=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_waits_too_long_for_the_first_is_told_to_come_again(
    ada: CredentialSet, image: Image, monkeypatch: Any
):
    write, began, goes_on = (
        Signed(ada, "POST", tags_url(image), ONE),
        threading.Event(),
        threading.Event(),
    )
    carried_out = tagging.set_values

    def slowly(*args: Any, **options: Any) -> Any:
        began.set()
        goes_on.wait(30)
        return carried_out(*args, **options)

    monkeypatch.setattr(tagging, "set_values", slowly)

    def first() -> int:
        try:
            return int(write.send().status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(first)
        assert began.wait(30)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 50")
            try:
                second = write.send()
            finally:
                cursor.execute("SET lock_timeout = DEFAULT")
        goes_on.set()
        assert answer.result() == 204
    assert (second.status_code, second["Retry-After"]) == (409, "2")
    assert second.json() == error("IMG.0001", second)
    assert write.send().status_code == 204
