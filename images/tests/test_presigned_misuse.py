"""Presigned URLs grant what they say and nothing else, as the store holds it."""

import hashlib
import time
import uuid
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from django.conf import settings

from images import storage
from images.storage import client, presigned
from images.storage.sigv4 import UrlSigner

BODY, SECRET = b"the file", b"somebody else's"
WEEK = 7 * 86_400


class Url(NamedTuple):
    """What was handed out, and what it must not reach."""

    key: str
    put: str
    get: str
    foreign: str


@pytest.fixture
def url(own_bucket):
    """URLs that write and read a key, bound to the length of BODY, beside another's object."""
    folder = f"misuse/{uuid.uuid4()}"
    key, foreign = f"{folder}/mine", f"{folder}/foreign"
    storage.put(foreign, SECRET)
    return Url(key, storage.presign_put(key, len(BODY)), storage.presign_get(key), foreign)


def ask(method: str, url: str, body: bytes | None = None, **headers: str) -> requests.Response:
    return requests.request(method, url, data=body, headers=headers, timeout=10)


def put(url: str, body: bytes = BODY, **headers: str) -> int:
    return ask("PUT", url, body, **headers).status_code


def changed(url: str, **query: str) -> str:
    """A URL with some parameters of its query replaced or added, its signature kept."""
    address = urlsplit(url)
    return address._replace(query=urlencode(dict(parse_qsl(address.query)) | query)).geturl()


def elsewhere(url: str, old: str, new: str) -> str:
    """A URL with another path, its signature kept."""
    address = urlsplit(url)
    assert old in address.path
    return address._replace(path=address.path.replace(old, new)).geturl()


def signer(**other: Any) -> UrlSigner:
    return replace(presigned._signer(1), **other)


@pytest.fixture(autouse=True)
def _unchanged(url):
    """Whatever was tried, nothing is there and nothing has changed."""
    yield
    assert storage.head(url.key) is None
    assert storage.read(url.foreign) == SECRET
    assert [key for key, _ in storage.objects()] == [url.foreign]
    assert list(storage.unfinished()) == []


class TestWhere:
    def test_another_key(self, url):
        for suffix in ("foreign", "other", "mine/", "mine/below", "../foreign", "%2e%2e/foreign"):
            assert put(elsewhere(url.put, "mine", suffix)) in (400, 403)

    def test_another_bucket(self, url):
        storage.check_bucket()
        assert put(elsewhere(url.put, settings.S3_BUCKET, "another-bucket")) in (403, 404)

    def test_another_host(self, url):
        assert put(url.put, Host="elsewhere.example") == 403

    def test_the_whole_bucket(self, url):
        for path in ("", "?list-type=2", "?uploads", "?acl", "?policy"):
            query = urlsplit(url.get).query
            address = urlsplit(url.get)._replace(path=f"/{settings.S3_BUCKET}", query="").geturl()
            assert ask("GET", f"{address}{path or '?'}&{query}").status_code == 403


class TestMethods:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST", "PATCH", "COPY"])
    def test_a_put_is_no_other(self, url, method):
        assert ask(method, url.put, BODY).status_code in (403, 405)

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH", "HEAD"])
    def test_a_read_is_no_other(self, url, method):
        foreign = storage.presign_get(url.foreign)
        assert ask(method, foreign, BODY).status_code in (403, 405)


class TestContent:
    @pytest.mark.parametrize("body", [BODY + b"!", BODY[:-1], b""])
    def test_another_length(self, url, body):
        assert put(url.put, body) == 403

    def test_no_length(self, url):
        answer = requests.put(url.put, data=iter([BODY]), timeout=10)
        assert answer.status_code == 403

    @pytest.mark.parametrize("size", [len(BODY), len(BODY) + 1])
    def test_a_length_that_a_header_tells_otherwise(self, url, size):
        told = {"x-amz-decoded-content-length": str(size), "Content-Encoding": "aws-chunked"}
        assert put(url.put, BODY, **told) == 403

    def test_another_type(self, url):
        bound = storage.presign_put(url.key, len(BODY), "image/png")
        assert put(bound) == 403
        assert put(bound, BODY, **{"Content-Type": "text/html"}) == 403

    def test_another_checksum(self, url):
        bound = storage.presign_put(url.key, len(BODY), "", hashlib.sha256(BODY).digest())
        told = storage.put_headers(sha256=hashlib.sha256(BODY).digest())
        assert put(bound) == 403
        assert put(bound, BODY[::-1], **told) == 400

    def test_a_wrong_md5(self, url):
        assert put(url.put, BODY, **{"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}) == 400

    def test_what_is_there_where_nothing_must_be(self, url):
        sha256 = hashlib.sha256(SECRET).digest()
        bound = storage.presign_put_back(url.foreign, len(SECRET), sha256)
        told = storage.put_headers(sha256=sha256)
        assert put(bound, SECRET, **told, **{"If-None-Match": "*"}) == 412
        assert put(bound, SECRET, **told, **{"If-None-Match": '"x"'}) == 403
        assert put(bound, SECRET, **told, **{"If-Match": "*"}) == 403


class TestTime:
    def test_after_its_end(self, url):
        short = signer(seconds=1).url(url.key, "PUT")
        time.sleep(2.1)
        assert put(short) == 403

    @pytest.mark.parametrize("seconds", ["604800", "999999", "-1", "", "abc"])
    def test_another_life(self, url, seconds):
        assert put(changed(url.put, **{"X-Amz-Expires": seconds})) in (400, 403)

    @pytest.mark.parametrize("seconds", [WEEK + 1, -1, 0])
    def test_a_life_that_none_may_have(self, url, seconds):
        assert put(signer(seconds=seconds).url(url.key, "PUT")) in (400, 403)


QUERIES = [
    "acl",
    "uploads",
    "versionId=null",
    "tagging",
    "retention",
    "legal-hold",
    "attributes",
    "partNumber=1&uploadId=x",
    "response-content-type=text/html",
    "x-id=PutObject",
    "X-Amz-Expires=604800",
    "x-amz-acl=public-read",
    "ttl=1m",
]


class TestMore:
    @pytest.mark.parametrize("query", QUERIES)
    @pytest.mark.parametrize("method", ["PUT", "GET", "DELETE", "POST"])
    def test_a_query_parameter(self, url, method, query):
        for signed in (url.put, url.get, storage.presign_get(url.foreign)):
            answer = ask(method, f"{signed}&{query}", BODY)
            assert answer.status_code in (400, 403, 405), answer.content

    @pytest.mark.parametrize(
        "header",
        [
            {"x-amz-copy-source": "/{bucket}/{foreign}"},
            {"x-amz-acl": "public-read"},
            {"x-amz-tagging": "a=b"},
            {"x-amz-storage-class": "GLACIER"},
            {"x-amz-meta-a": "b"},
            {"x-amz-website-redirect-location": "http://elsewhere.example/"},
            {"x-amz-object-lock-mode": "COMPLIANCE"},
            {"x-amz-server-side-encryption": "aws:kms"},
            {"x-amz-server-side-encryption-customer-algorithm": "AES256"},
            {"x-amz-security-token": "x"},
        ],
        ids=lambda header: next(iter(header)),
    )
    def test_a_header(self, url, header):
        names = {"bucket": settings.S3_BUCKET, "foreign": url.foreign}
        sent = {name: value.format(**names) for name, value in header.items()}
        assert put(url.put, **sent) == 403
        unbound = storage.presign_put(url.key)
        assert put(unbound, **sent) == 403
        assert put(unbound, b"", **sent) == 403

    def test_a_signature_of_version_2(self, url):
        found = client.credentials()
        request = AWSRequest("PUT", url.put.partition("?")[0])
        keys = Credentials(found.access_key, "no secret of the service's")
        HmacV1QueryAuth(keys).add_auth(request)
        assert put(str(request.prepare().url)) == 403

    def test_no_signature(self, url):
        assert put(url.put.partition("?")[0]) == 403
        assert put(url.put.partition("&X-Amz-Signature")[0]) in (400, 403)
        assert ask("GET", url.get.partition("?")[0]).status_code == 403


class TestParts:
    @pytest.fixture
    def part(self, url):
        upload_id = storage.begin_parts(url.key)
        yield storage.presign_parts(url.key, upload_id, {1: len(BODY)})[1]
        storage.abort_parts(url.key, upload_id)

    @pytest.mark.parametrize("body", [BODY + b"!", BODY[:-1]])
    def test_another_length(self, part, body):
        assert put(part, body) == 403

    def test_another_part(self, part):
        assert put(changed(part, partNumber="2")) == 403

    def test_another_upload(self, part):
        assert put(changed(part, uploadId="another")) == 403

    @pytest.mark.parametrize("method", ["POST", "DELETE", "GET"])
    def test_no_end_and_no_list_of_the_upload(self, part, method):
        assert ask(method, part, BODY).status_code in (403, 405)

    def test_a_copy_of_another_object(self, url, part):
        source = f"/{settings.S3_BUCKET}/{url.foreign}"
        assert put(part, b"", **{"x-amz-copy-source": source}) == 403


class TestForms:
    def post(self, form: tuple[str, dict[str, str]], body: bytes = BODY, **fields: str) -> int:
        files = {"file": ("x", body)}
        return requests.post(form[0], form[1] | fields, files=files, timeout=10).status_code

    @pytest.fixture
    def form(self, url):
        return storage.presign_post(url.key, "image/png", len(BODY))

    @pytest.mark.parametrize("body", [BODY + b"!", BODY[:-1], b""])
    def test_another_length(self, form, body):
        assert self.post(form, body) == 400

    @pytest.mark.parametrize(
        "field",
        [
            {"key": "misuse/other"},
            {"Content-Type": "text/html"},
            {"success_action_status": "200"},
            {"x-amz-meta-a": "b"},
            {"x-amz-acl": "public-read"},
            {"x-amz-tagging": "a=b"},
            {"x-amz-date": "20200101T000000Z"},
            {"policy": "e30="},
        ],
        ids=lambda field: next(iter(field)),
    )
    def test_another_field(self, form, field):
        assert self.post(form, BODY, **field) in (400, 403)

    def test_a_form_for_any_size_takes_no_empty_file(self, url):
        assert self.post(storage.presign_post(url.key, "image/png"), b"") == 400
