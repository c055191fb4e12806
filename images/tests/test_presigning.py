"""Presigned GETs that are signed here are boto3's to the byte."""

import urllib.request
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.client import Config
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from images import storage
from images.presigning import UrlSigner

KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)
WORLDS = {
    "path style": ("http://127.0.0.1:9000", "us-east-1", None),
    "default port": ("http://store.example:80", "us-east-1", None),
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


def signed_by_boto3(world: str, key: str) -> str:
    params = {"Bucket": "pictures", "Key": key, "ResponseContentDisposition": "attachment"}
    url = client(world).generate_presigned_url("get_object", Params=params, ExpiresIn=900)
    return str(url)


def signed_here(world: str, like: str, key: str) -> str:
    _, region, token = WORLDS[world]
    address, instant = urlsplit(like), parse_qs(urlsplit(like).query)["X-Amz-Date"][0]
    path = "/pictures/" if address.path.startswith("/pictures/") else "/"
    default = {"http": 80, "https": 443}[address.scheme]
    host = address.hostname if address.port in (None, default) else address.netloc
    base = f"{address.scheme}://{address.netloc}{path}"
    signer = UrlSigner(base, str(host), region, "AKIA", "se/cr+et", token, instant, 900)
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


def test_the_store_takes_it() -> None:
    key = "presigning/Ünï cödé (1)+~&=%41.png"
    storage.put(key, b"bytes")
    with urllib.request.urlopen(storage.presign_get(key)) as answer:
        assert answer.read() == b"bytes"
        assert answer.headers["Content-Disposition"] == "attachment"


@override_settings(PRESIGNED_STABLE_SECONDS=10**9)
def test_urls_can_stay_the_same_for_a_while() -> None:
    assert storage.presign_get("a") == storage.presign_get("a")
