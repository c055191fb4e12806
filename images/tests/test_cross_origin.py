"""Which pages may speak to the bucket, asked as browsers ask it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import requests
from botocore.stub import Stubber
from django.conf import settings as configured
from django.core.management import call_command

from images import storage
from images.storage import client

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CORSRuleTypeDef

pytestmark = pytest.mark.django_db

PAGE, OTHER, THEIRS = "https://app.example.org", "https://evil.example", "https://b.example.org"
ALLOW = "Access-Control-Allow-Origin"


@pytest.fixture(autouse=True)
def no_rules() -> Iterator[None]:
    """A bucket whose rules nobody has set, before and after."""
    client.store().delete_bucket_cors(Bucket=configured.S3_BUCKET)
    yield
    client.store().delete_bucket_cors(Bucket=configured.S3_BUCKET)


def rules() -> list[tuple[str, list[str]]]:
    """Name and origins of each rule, in order."""
    found = client.store().get_bucket_cors(Bucket=configured.S3_BUCKET)["CORSRules"]
    return [(rule.get("ID", ""), rule["AllowedOrigins"]) for rule in found]


def set_theirs() -> None:
    """A rule of somebody else's."""
    theirs: CORSRuleTypeDef = {
        "ID": "theirs",
        "AllowedOrigins": [THEIRS],
        "AllowedMethods": ["GET"],
    }
    client.store().put_bucket_cors(
        Bucket=configured.S3_BUCKET,
        CORSConfiguration={"CORSRules": [theirs]},
    )


def prepared(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """What `prepare` says, and what it warns of."""
    call_command("prepare")
    said = capsys.readouterr()
    return said.out, said.err


def asked(url: str, origin: str, method: str, headers: str = "") -> requests.Response:
    """The answer to a preflight."""
    named = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        named["Access-Control-Request-Headers"] = headers
    return requests.options(url, headers=named, timeout=10)


def test_a_page_uploads_by_put_and_by_post_and_reads_both_back(settings, capsys):
    settings.S3_CORS_ORIGINS = [PAGE]
    out, err = prepared(capsys)
    assert "Pages of other origins may use the bucket." in out
    assert err == ""
    put = storage.presign_put("incoming/cross/put.png", size=3)
    headers = storage.put_headers()
    page = {"Origin": PAGE}

    before = asked(put, PAGE, "PUT", "content-type,x-amz-checksum-sha256")
    sent = requests.put(put, b"abc", headers={**headers, **page}, timeout=10)
    read = requests.get(storage.presign_get("incoming/cross/put.png"), headers=page, timeout=10)

    url, fields = storage.presign_post("incoming/cross/post.png", "image/png", 3)
    posted = requests.post(
        url, data=fields, files={"file": ("post.png", b"abc")}, headers=page, timeout=10
    )

    assert before.status_code == 200
    assert {"PUT", "POST", "GET", "HEAD"} == set(
        before.headers["Access-Control-Allow-Methods"].split(", ")
    )
    for answer in (before, sent, read, posted):
        assert answer.ok
        assert answer.headers[ALLOW] == PAGE
        assert answer.headers["Access-Control-Expose-Headers"] == "ETag"
        assert "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_page_of_another_origin_is_not_let_in(settings, capsys):
    settings.S3_CORS_ORIGINS = [PAGE]
    prepared(capsys)
    put = storage.presign_put("incoming/cross/other.png", size=3)
    assert ALLOW not in asked(put, OTHER, "PUT").headers
    assert ALLOW not in asked(put, "null", "PUT").headers


def test_what_others_have_put_stays_beside_ours(settings, capsys):
    set_theirs()
    settings.S3_CORS_ORIGINS = [PAGE]
    prepared(capsys)
    assert rules() == [("taggedimages", [PAGE]), ("theirs", [THEIRS])]

    settings.S3_CORS_ORIGINS = ["https://new.example.org"]
    prepared(capsys)
    assert rules() == [("taggedimages", ["https://new.example.org"]), ("theirs", [THEIRS])]
    assert storage.allow_origins(["https://new.example.org"]) is False


def test_without_origins_the_rules_are_left_alone(settings, capsys):
    set_theirs()
    settings.S3_CORS_ORIGINS = []
    out, err = prepared(capsys)
    assert "origins" not in out + err
    assert rules() == [("theirs", [THEIRS])]


def test_a_bucket_whose_rules_are_not_ours_to_set_is_a_warning(settings, capsys):
    settings.S3_CORS_ORIGINS = [PAGE]
    # As AWS says it: the embedded store refuses nothing to the one identity that it has.
    with Stubber(client.store()) as stub:
        stub.add_response("head_bucket", {})
        stub.add_client_error("get_bucket_cors", "AccessDenied", http_status_code=403)
        out, err = prepared(capsys)
    assert "Pages" not in out
    assert err.startswith("Warning: the CORS rules of the bucket could not be set.")
    assert "AccessDenied" in err
    assert PAGE in err
