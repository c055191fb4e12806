"""Presigned URLs that are signed here are boto3's to the byte."""

import base64
import urllib.request
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.client import Config
from django.conf import settings
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from images import storage
from images.storage.client import public
from images.storage.presigned import host_of
from images.storage.sigv4 import UrlSigner

HOUR, QUARTER = 3600, 900
KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
WORLDS = {
    "path style": ("http://127.0.0.1:9000", "us-east-1", None),
    "default port": ("http://store.example:80", "us-east-1", None),
    "default port of TLS": ("https://store.example:443", "us-east-1", None),
    "another port of TLS": ("https://store.example:80", "us-east-1", None),
    "upper case": ("http://Store.Example:9000", "us-east-1", None),
    "upper case, default port": ("http://Store.Example", "us-east-1", None),
    "a dot at its end": ("http://store.example.", "us-east-1", None),
    "a path": ("https://store.example/s3/", "us-east-1", None),
    "IPv6": ("http://[::1]", "us-east-1", None),
    "IPv6, default port": ("http://[2001:DB8::1]:80", "us-east-1", None),
    "IPv6, another port": ("https://[::1]:9000", "us-east-1", None),
    "AWS": (None, "eu-central-1", None),
    "AWS, first region": (None, "us-east-1", None),
    "a role's credentials": (None, "eu-west-3", "token/with+signs=="),
}


@cache
def client(world: str) -> Any:
    endpoint_url, region, token = WORLDS[world]
    session = boto3.session.Session("AKIA", "se/cr+et", token)
    style = "path" if endpoint_url else "auto"
    config = Config(signature_version="s3v4", s3={"addressing_style": style})
    return session.client("s3", endpoint_url=endpoint_url, region_name=region, config=config)


def instant_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["X-Amz-Date"][0]


def signed_by_boto3(world: str, key: str) -> str:
    params = {"Bucket": "pictures", "Key": key, "ResponseContentDisposition": "attachment"}
    url = client(world).generate_presigned_url("get_object", Params=params, ExpiresIn=900)
    return str(url)


def signed_here(world: str, like: str, key: str) -> str:
    _, region, token = WORLDS[world]
    address, instant = urlsplit(like), instant_of(like)
    before, bucket, _ = address.path.partition("/pictures/")
    path = before + bucket if bucket else "/"
    base = f"{address.scheme}://{address.netloc}{path}"
    signer = UrlSigner(base, host_of(base), region, "AKIA", "se/cr+et", token, instant, 900)
    return signer.url(key, **{"response-content-disposition": "attachment"})


@pytest.mark.parametrize("world", WORLDS)
def test_every_byte_is_boto3s(world: str) -> None:
    key = "archive/2026/01/02/03-04-0b0c/Ünï cödé (1)+~&=%41.png"
    expected = signed_by_boto3(world, key)
    assert signed_here(world, expected, key) == expected


@given(key=KEYS)
def test_for_any_key(key: str) -> None:
    expected = signed_by_boto3("path style", "a/" + key)
    assert signed_here("path style", expected, "a/" + key) == expected


TYPE, DIGEST = "image/svg+xml", b"\xfb" * 32


@override_settings(PRESIGNED_SECONDS=HOUR)
@pytest.mark.parametrize("size", [None, 5])
@pytest.mark.parametrize("media_type", ["", TYPE])
@pytest.mark.parametrize("sha256", [b"", DIGEST])
def test_so_are_puts_whatever_they_are_bound_to(
    size: int | None, media_type: str, sha256: bytes
) -> None:
    bound = {
        "ContentLength": size,
        "ContentType": media_type,
        "ChecksumSHA256": base64.b64encode(sha256).decode(),
    }
    params: dict[str, Any] = {"Bucket": settings.S3_BUCKET, "Key": "a/ü b.png"}
    params |= {name: value for name, value in bound.items() if value}
    here = expected = ""
    # Until both were signed within the same second.
    while not here or instant_of(here) != instant_of(expected):
        expected = public().generate_presigned_url("put_object", params, ExpiresIn=HOUR)
        here = storage.presign_put("a/ü b.png", size, media_type, sha256)
    assert here == expected


@override_settings(PRESIGNED_STABLE_SECONDS=10**9)
def test_a_put_is_signed_when_it_is_asked_for() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    assert datetime.strptime(instant_of(storage.presign_put("a")), "%Y%m%dT%H%M%S%z") >= before


def test_the_store_takes_it() -> None:
    key = "presigning/Ünï cödé (1)+~&=%41.png"
    storage.put(key, b"bytes")
    with urllib.request.urlopen(storage.presign_get(key)) as answer:
        assert answer.read() == b"bytes"
        assert answer.headers["Content-Disposition"] == "attachment"


MOMENTS = st.integers(1_600_000_000, 1_900_000_000)


def signed_at(moment: int, key: str = "a", access_key: str = "AKIA", **query: str) -> str:
    instant = f"{datetime.fromtimestamp(moment, UTC):%Y%m%dT%H%M%SZ}"
    base, host = "https://store.example/pictures/", "store.example"
    return UrlSigner(base, host, "eu-west-3", access_key, "se", None, instant, HOUR).url(
        key, **query
    )


@given(first=MOMENTS, later=st.integers(0, HOUR))
@override_settings(PRESIGNED_SECONDS=HOUR, PRESIGNED_STABLE_SECONDS=0)
def test_urls_are_worth_the_same_for_a_quarter_of_their_life(first: int, later: int) -> None:
    same = storage.worth(signed_at(first)) == storage.worth(signed_at(first + later))
    assert same == (first % QUARTER + later < QUARTER)


@given(first=MOMENTS, later=st.integers(1, HOUR), stable=st.integers(1, HOUR))
def test_stable_urls_that_differ_are_worth_different(first: int, later: int, stable: int) -> None:
    early, late = (signed_at(at // stable * stable) for at in (first, first + later))
    with override_settings(PRESIGNED_STABLE_SECONDS=stable):
        assert (storage.worth(early) == storage.worth(late)) == (early == late)


@given(keys=st.lists(KEYS, min_size=2, max_size=2, unique=True))
def test_what_a_url_reads_and_whose_key_signs_it_count(keys: list[str]) -> None:
    one, other = (storage.worth(signed_at(0, key)) for key in keys)
    assert one != other
    assert one != storage.worth(signed_at(0, keys[0], access_key="REPLACED"))
    query = {"response-content-type": keys[0]}
    assert one != storage.worth(signed_at(0, keys[0], **query))


@override_settings(PRESIGNED_STABLE_SECONDS=10**9)
def test_urls_can_stay_the_same_for_a_while() -> None:
    assert storage.presign_get("a") == storage.presign_get("a")
