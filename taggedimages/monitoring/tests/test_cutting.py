"""What is cut out of every line of the log, and what is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taggedimages.monitoring import cutting
from taggedimages.monitoring.cutting import CUT, without_secrets

CANARY = "c4n4ry-0f-th3-m1n3"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c4n4ryc4n4ryc4n4ry"


@pytest.mark.parametrize(
    "line",
    [
        f"http://s3.example/bucket/key?X-Amz-Algorithm=A&X-Amz-Signature={CANARY}",
        f'Could not connect to the endpoint URL: "http://s3/b/k?uploadId={CANARY}&partNumber=1"',
        f"/v1/images?token={CANARY}",
        f"X-Amz-Security-Token={CANARY}",
        f"AWSAccessKeyId=AKIA&Signature={CANARY}&Expires=1",
        f"postgres://taggedimages:{CANARY}@127.0.0.1:5432/taggedimages",
        f"Authorization: Bearer {CANARY}",
        f"Authorization: Token {CANARY}",
        f"'HTTP_AUTHORIZATION': 'TOKEN {CANARY}', 'HTTP_HOST': 'localhost'",
        f"AWS4-HMAC-SHA256 Credential=AKIA/1/s3, SignedHeaders=host, Signature={CANARY}",
        f"SDK-HMAC-SHA256 Access=AKIA, SignedHeaders=host, Signature={CANARY}",
        f'{{"user": {{"name": "mira", "password": "{CANARY}"}}}}',
        f"{{'password': '{CANARY} with words'}}",
        f"x-auth-token: {CANARY}",
        f"X-Subject-Token={CANARY}",
        f"X-Hook-Secret: {CANARY}",
        f"Cookie: sessionid={CANARY}; csrftoken={CANARY}",
        f"session_key={CANARY}",
        f"Admin: user admin, password: {CANARY}",
        f"took basic {CANARY}",
        f"a token {JWT} was refused",
        f'DETAIL:  Failing row contains (1, {CANARY}, "(nested)", null).\nCONTEXT: x',
        f"DETAIL:  Key (digest)=({CANARY}) already exists.",
        f"LINE 1: INSERT INTO t VALUES ('{CANARY}')",
    ],
)
def test_no_form_of_secret_is_left(line):
    assert CANARY not in without_secrets(line)
    assert JWT not in without_secrets(line)
    assert CUT in without_secrets(line)


@pytest.mark.parametrize(
    "line",
    [
        "GET /v1/images/12 200 3.1 ms",
        "Image 7: unreadable: it says what the database cannot hold",
        "The token is unknown, expired or revoked.",
        "Is the store there? It is.",
        "The object store answered AccessDenied.",
        "Change 12 leaves an image as it is: value too long",
        "postgres://127.0.0.1:5432/taggedimages",
        "2026-11-27 11:36:40,436 INFO images: 10:20 [c81b9a9f-8db6-412e-8c48-8cff0949d0ae]",
    ],
)
def test_what_is_no_secret_stays(line):
    assert without_secrets(line) == line


def test_what_stands_around_a_secret_stays():
    line = f"PUT http://s3/b/k?X-Amz-Signature={CANARY} failed after 3 tries"
    assert without_secrets(line) == f"PUT http://s3/b/k?{CUT} failed after 3 tries"


@given(before=st.text(max_size=40), after=st.text(max_size=40))
def test_what_this_process_keeps_is_cut_wherever_it_stands(before, after, secrets_of_ours):
    for secret in secrets_of_ours:
        assert secret not in without_secrets(f"{before}{secret}{after}")


@pytest.fixture(scope="module")
def secrets_of_ours():
    from django.conf import settings

    assert len(settings.SECRET_KEY) >= cutting.LEAST_KNOWN
    return [settings.SECRET_KEY, *filter(None, [settings.S3_SECRET_KEY, settings.HOOK_SECRET])]


@given(text=st.text())
def test_any_text_can_be_looked_at(text):
    assert isinstance(without_secrets(text), str)
