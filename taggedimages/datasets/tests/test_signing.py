"""Statements are signed by one key at a time, and verified by all that there ever were."""

import base64
import json

import jwt
import pytest
from django.core.management import call_command

from taggedimages.datasets import signing
from taggedimages.datasets.models import SigningKey

pytestmark = pytest.mark.django_db


def test_a_signature_names_its_key_and_verifies_by_what_is_told(api):
    signing.ensure_key()
    signature = signing.signed(b'{"members":1}')
    header = jwt.get_unverified_header(signature)
    (told,) = api.get("/.well-known/jwks.json").json()["keys"]
    assert header == {"alg": "EdDSA", "kid": told["kid"]}
    assert sorted(told) == ["alg", "crv", "kid", "kty", "use", "x"]
    assert (told["kty"], told["crv"], told["alg"], told["use"]) == (
        "OKP",
        "Ed25519",
        "EdDSA",
        "sig",
    )
    key = jwt.PyJWK(told).key
    assert jwt.PyJWS().decode(signature, key, algorithms=["EdDSA"]) == b'{"members":1}'


def test_the_kid_is_the_thumbprint_of_the_key():
    """Of RFC 8037, appendix A.3."""
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    public = base64.urlsafe_b64decode(x + "=")
    assert signing._thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_an_old_signature_verifies_after_the_key_was_rotated(api):
    signing.ensure_key()
    old = signing.signed(b"old")
    signing.rotate()
    new = signing.signed(b"new")
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    assert (signing.verified(old), signing.verified(new)) == (b"old", b"new")
    kids = [key["kid"] for key in api.get("/.well-known/jwks.json").json()["keys"]]
    assert kids == [jwt.get_unverified_header(one)["kid"] for one in (new, old)]


@pytest.mark.parametrize("change", ["statement", "signature", "kid", "algorithm", "text"])
def test_what_was_changed_does_not_verify(change):
    signing.ensure_key()
    header, said, proof = signing.signed(b"said").split(".")
    unknown = signing._text(b'{"alg":"EdDSA","kid":"another"}')
    other = signing._text(b'{"alg":"none","kid":"%s"}' % SigningKey.objects.get().kid.encode())
    changed = {
        "statement": f"{header}.{signing._text(b'said so')}.{proof}",
        "signature": f"{header}.{said}.{'A' * len(proof)}",
        "kid": f"{unknown}.{said}.{proof}",
        "algorithm": f"{other}.{said}.",
        "text": "no signature",
    }[change]
    with pytest.raises(signing.BadSignature):
        signing.verified(changed)


def test_there_is_one_key_however_often_it_is_asked_for():
    assert signing.ensure_key() == signing.ensure_key()
    assert SigningKey.objects.count() == 1


class TestTheSecretKeyOfTheService:
    def test_may_be_another_once_the_key_was_used_with_the_old_one_as_fallback(self, settings):
        first = settings.SECRET_KEY
        signing.ensure_key()
        old = signing.signed(b"old")
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [first]
        signing.ensure_key()
        settings.SECRET_KEY_FALLBACKS = []
        assert signing.verified(signing.signed(b"new")) == b"new"
        assert signing.verified(old) == b"old"

    def test_has_to_be_the_one_that_encrypted_the_key(self, settings):
        signing.ensure_key()
        old = signing.signed(b"old")
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, []
        assert signing.verified(old) == b"old"
        with pytest.raises(signing.KeyUnreadable):
            signing.ensure_key()
        with pytest.raises(signing.KeyUnreadable):
            signing.signed(b"new")
        signing.rotate()
        assert signing.verified(signing.signed(b"new")) == b"new"


class TestTheCommand:
    def test_lists_keys_and_makes_the_first(self, capsys):
        call_command("release_keys")
        assert capsys.readouterr().out == "No key yet: the first release makes one.\n"
        key = signing.ensure_key()
        call_command("release_keys")
        assert capsys.readouterr().out.startswith(f"{key.kid}  signs since ")

    def test_rotates(self, capsys):
        old = signing.ensure_key()
        call_command("release_keys", "--rotate")
        new, before = capsys.readouterr().out.splitlines()
        assert new.startswith(SigningKey.objects.get(retired_at=None).kid)
        assert before.startswith(f"{old.kid}  signed from ")
        assert json.dumps(signing.key_set()).count("kid") == 2
