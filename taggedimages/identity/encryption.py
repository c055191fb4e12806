"""Encryption of what is stored and has to be read again, with keys made of SECRET_KEY."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def cipher(purpose: str) -> MultiFernet:
    """Encrypts and decrypts for one purpose; what another one's keys have made, it cannot read.

    The first key encrypts; older ones still decrypt after SECRET_KEY has been rotated.
    """
    return _cipher(purpose, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def is_by_first_key(encrypted: bytes, purpose: str) -> bool:
    """Whether SECRET_KEY itself decrypts this, and not only one of before."""
    try:
        _cipher(purpose, (settings.SECRET_KEY,)).decrypt(encrypted)
    except InvalidToken:
        return False
    return True


# Deriving a key takes longer than using it.
@lru_cache(maxsize=8)
def _cipher(purpose: str, secret_keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key, purpose)) for key in secret_keys])


def _derived(secret_key: str, purpose: str) -> bytes:
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"taggedimages {purpose}".encode())
    return base64.urlsafe_b64encode(hkdf.derive(secret_key.encode()))
