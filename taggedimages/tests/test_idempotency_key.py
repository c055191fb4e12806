"""What the header `Idempotency-Key` may be, and what of a request counts as the same."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from taggedimages.http.keys import key_in, keyed_request

VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
keys = st.text(VISIBLE, min_size=1, max_size=255)
ODD = ["", " ", "\t", '"', '""', '"a', "a b", '"a b"', '"a\\b"', '"a"b"', '"a";x', '"a", "b"', "é"]


def quoted(key: str) -> str:
    """A key as a string of structured fields (RFC 8941, 4.1.6)."""
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(keys)
def test_a_key_in_quotes_is_that_key(key):
    assert key_in(quoted(key)) == key


@given(keys.filter(lambda key: not key.startswith('"')), st.sampled_from(["", " ", "\t "]))
def test_a_key_without_quotes_is_itself(key, space):
    assert key_in(f"{space}{key}{space}") == key


@given(st.text(string.printable, max_size=300))
def test_anything_else_is_refused(header):
    text = header.strip(" \t")
    try:
        key = key_in(header)
    except ParseError:
        # It is no key as it stands; nor is it one that was quoted.
        assert not (text and set(text) <= set(VISIBLE) and len(text) <= 255 and text[0] != '"')
    else:
        assert set(key) <= set(VISIBLE)
        assert 1 <= len(key) <= 255
        assert text in (key, quoted(key))


@pytest.mark.parametrize("header", [*ODD, "a" * 256, quoted("a" * 256), "a\0", "a\x7f", "a\nb"])
def test_these_are_refused(header):
    with pytest.raises(ParseError):
        key_in(header)


def test_the_longest_fits():
    assert key_in("a" * 255) == key_in(quoted("a" * 255)) == "a" * 255
    assert key_in(quoted('"' * 255)) == '"' * 255


def asked(path="/v1/tags", key="k", body=b"{}", content_type="application/json", **meta):
    factory = APIRequestFactory()
    sent = factory.generic("POST", path, body, content_type, HTTP_IDEMPOTENCY_KEY=key, **meta)
    return keyed_request(APIView().initialize_request(sent))


def test_the_scope_is_caller_path_and_key():
    one = asked()
    assert asked(key='"k"') == one
    others = [asked(key="K"), asked("/v1/tag"), asked(REMOTE_ADDR="192.0.2.7")]
    assert len({one.scope, *(other.scope for other in others)}) == 4
    assert {other.fingerprint for other in others} == {one.fingerprint}


@pytest.mark.parametrize(
    "other",
    [
        {"body": b"{ }"},
        {"path": "/v1/tags?a=b"},
        {"path": "/v1/tags?a=b&a=c"},
        {"content_type": "text/plain"},
    ],
)
def test_the_fingerprint_is_query_content_type_and_body(other):
    one, two = asked(), asked(**other)
    assert one.scope == two.scope
    assert one.fingerprint != two.fingerprint


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_other_bodies_are_others(one, two):
    assert (asked(body=one) == asked(body=two)) == (one == two)
