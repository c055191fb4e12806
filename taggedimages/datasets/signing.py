"""Signatures over statements: a JWS (RFC 7515, compact) by Ed25519 (RFC 8037), and the keys.

The private key that signs is in the database, and so in every backup of it, encrypted as signing
secrets are. Public keys are told for ever, as a JWK Set (RFC 7517): what was signed with an old key
is still to be verified.
"""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from cryptography.fernet import InvalidToken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.db import connection
from django.db.models.functions import Now
from jwt import PyJWS
from jwt.exceptions import InvalidTokenError

from taggedimages.datasets.models import SigningKey
from taggedimages.identity.encryption import cipher, is_by_first_key
from taggedimages.transactions import retried

PURPOSE = "key of statements"
ALGORITHM = "EdDSA"
JWS = PyJWS(algorithms=[ALGORITHM])
# Sets this advisory lock apart from any others in the database.
LOCK_SPACE = 0x1391
PRESENT_SHARED = "SELECT * FROM datasets_signingkey WHERE retired_at IS NULL FOR SHARE"
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(%s, 0)"


class KeyUnreadable(Exception):
    """The key that signs was encrypted with another SECRET_KEY than those that are known."""


class BadSignature(Exception):
    """A signature is not one of ours over a statement; the text says why."""


def signed(statement: bytes) -> str:
    """The JWS over a statement by the present key, which there has to be (`ensure_key`).

    Within a transaction, the key stays the present one until that ends. Raises KeyUnreadable.
    """
    (key,) = SigningKey.objects.raw(PRESENT_SHARED)
    headers = {"kid": key.kid, "typ": ""}
    with _readable():
        private = Ed25519PrivateKey.from_private_bytes(cipher(PURPOSE).decrypt(_encrypted(key)))
    return JWS.encode(statement, private, algorithm=ALGORITHM, headers=headers)


def verified(signature: str) -> bytes:
    """The statement that a JWS of ours is over, by whichever of our keys. Raises BadSignature."""
    try:
        kid = JWS.get_unverified_header(signature)["kid"]
        key = SigningKey.objects.get(kid=kid)
        public = Ed25519PublicKey.from_public_bytes(bytes(key.public))
        return bytes(JWS.decode(signature, public, algorithms=[ALGORITHM]))
    except (InvalidTokenError, KeyError) as error:
        raise BadSignature(f"The signature does not verify: {error}") from error
    except SigningKey.DoesNotExist as error:
        raise BadSignature(f"There is no key {kid!r}.") from error


def key_set() -> dict[str, list[dict[str, str]]]:
    """All public keys as a JWK Set, the present one first."""
    keys = SigningKey.objects.order_by("-id")
    return {"keys": [_jwk(bytes(key.public)) | {"kid": key.kid} for key in keys]}


@retried
def ensure_key() -> SigningKey:
    """The present key, made where there is none, its private part encrypted by SECRET_KEY itself,
    so that SECRET_KEY_FALLBACKS can be emptied. Raises KeyUnreadable."""
    key = _present()
    if key is None:
        # Of two that find none, one makes it.
        _one_at_a_time()
        key = _present() or _made()
    elif not is_by_first_key(_encrypted(key), PURPOSE):
        with _readable():
            key.encrypted_private = cipher(PURPOSE).rotate(_encrypted(key))
        key.save(update_fields=["encrypted_private"])
    return key


@retried
def rotate() -> SigningKey:
    """A new key signs from now on; the one of before stays known."""
    _one_at_a_time()
    SigningKey.objects.filter(retired_at=None).update(retired_at=Now())
    return _made()


def _present() -> SigningKey | None:
    return SigningKey.objects.filter(retired_at=None).first()


def _made() -> SigningKey:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    secret = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    encrypted = cipher(PURPOSE).encrypt(secret)
    return SigningKey.objects.create(
        kid=_thumbprint(public), public=public, encrypted_private=encrypted
    )


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME, [LOCK_SPACE])


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except InvalidToken as error:
        raise KeyUnreadable(
            "The key that signs releases cannot be read with SECRET_KEY or its fallbacks; set the"
            " one of before, or make a new key: manage.py release_keys --rotate"
        ) from error


def _encrypted(key: SigningKey) -> bytes:
    return bytes(key.encrypted_private)


def _jwk(public: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _text(public), "alg": ALGORITHM, "use": "sig"}


def _thumbprint(public: bytes) -> str:
    """The thumbprint of a key (RFC 7638), which is its `kid`."""
    needed = {name: value for name, value in _jwk(public).items() if name in {"crv", "kty", "x"}}
    return _text(hashlib.sha256(orjson.dumps(needed, option=orjson.OPT_SORT_KEYS)).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
