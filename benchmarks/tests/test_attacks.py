"""What the attacks conclude from answers, and that what they send is what they say."""

import random
from typing import Any

import jwt
import pytest

from benchmarks.attacks import forgeries, judging
from benchmarks.attacks.composing import Composer
from benchmarks.attacks.credentials import Caller
from benchmarks.attacks.reading import Readings
from benchmarks.attacks.routes import Route
from benchmarks.attacks.wire import Answer

CALLER = Caller("mira", "clinic", "t" * 40, "id-of-mira", "k" * 40)
OTHER = Caller("far", "far", "u" * 40, "id-of-far", "l" * 40)


@pytest.mark.parametrize(
    "body", [b"Traceback (most recent", b"in django.db.utils", b'"/usr/lib/site-packages/x"']
)
def test_what_is_of_the_inside_is_a_leak(body):
    assert judging.leaks(Answer(500, {}, body), b"GET / HTTP/1.1")


def test_what_the_request_said_may_be_repeated():
    answer = Answer(400, {}, b'"SELECT 1" is not a number')
    assert not judging.leaks(answer, b"GET /v1/images?limit=SELECT%201 HTTP/1.1")
    assert judging.leaks(answer, b"GET /v1/images?limit=x HTTP/1.1")


def test_a_signature_belongs_into_a_url():
    url = b'{"url": "http://store/a?X-Amz-Signature=1f"}'
    assert not judging.leaks(Answer(200, {}, url), b"")
    assert judging.leaks(Answer(400, {}, b"X-Amz-Signature=1f"), b"")


@pytest.mark.parametrize(
    ("dialect", "good", "bad"),
    [
        ("v1", b'{"code": 400, "message": "a"}', b'{"detail": "a"}'),
        ("atmosphere", b'{"detail": "a"}', b"<html>"),
        ("ims", b'{"error": {"code": "IMG.0001", "message": "a"}}', b'{"error": "a"}'),
        ("sharinpix", b"", b'{"detail": "a"}'),
    ],
)
def test_each_api_has_its_shape_of_errors(dialect, good, bad):
    told = {"x-message": "a"}
    assert not judging.misshapen(dialect, Answer(400, told, good))
    assert judging.misshapen(dialect, Answer(400, told, bad))
    assert not judging.misshapen(dialect, Answer(200, told, bad))


def test_none_of_the_forgeries_is_a_good_token():
    options: Any = {"verify_aud": False}
    taken = set()
    for name, token in forgeries.jwts(CALLER, OTHER).items():
        try:
            claims = jwt.decode(token, CALLER.secret, ["HS256"], options=options)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            continue
        if claims.get("iss") == CALLER.secret_id:
            taken.add(name)
    assert taken <= {"deep", "end infinite", "end not a number"}


def test_a_seed_gives_the_same_requests():
    route = Route("POST", "/v1/images/{}/complete", ("limit",), {"parts": "[]"})

    def sent(seed):
        chance = random.Random(seed)
        composer = Composer(chance, [route], {"images": ["1"]}, {}, ["default"], "localhost")
        return [composer.compose().data for _ in range(200)]

    assert sent(1) == sent(1) != sent(2)


def test_a_quantile_is_a_time_that_was_taken():
    readings = Readings([float(number) for number in range(100)])
    assert [readings.quantile(share) for share in (0, 0.5, 0.99, 1)] == [0, 50, 99, 99]
