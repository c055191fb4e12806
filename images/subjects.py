"""Whose picture a file is, by a pseudonym: the same for all files of a patient, telling nobody who.

The process that reads a file makes a digest of issuer and patient id (images.inspection.dicom), and
only that leaves it. Whoever has a digest could try all ids there are; so what is stored is its HMAC
with a key of this installation, which only the worker uses. The key is in the database, and so in
every backup of it, encrypted as signing secrets are, and stays when SECRET_KEY is rotated: with
another key every patient would be another one from then on.
"""

import hashlib
import hmac
import logging
import secrets

from cryptography.fernet import InvalidToken

from images.models import SubjectKey
from taggedimages.identity.encryption import cipher, is_by_first_key

logger = logging.getLogger(__name__)

PURPOSE = "key of subjects"
ONLY_ROW = 1
KEY_BYTES = 32
SUBJECT_BYTES = 16


def pseudonym(digest: str) -> bytes | None:
    """The pseudonym, 16 bytes, of a patient whose digest a reader told; None where it told none.

    None too where the key cannot be read: another one would tear the patients of before from those
    of now. Made good by `reprocess` once SECRET_KEY, or the one of before, is there again.
    """
    if not digest:
        return None
    try:
        key = _key()
    except InvalidToken:
        logger.error("The key of subjects cannot be read with SECRET_KEY or its fallbacks.")
        return None
    return hmac.digest(key, bytes.fromhex(digest), hashlib.sha256)[:SUBJECT_BYTES]


def _key() -> bytes:
    """The key, made when it is first needed. Raises InvalidToken."""
    keys = cipher(PURPOSE)
    new = keys.encrypt(secrets.token_bytes(KEY_BYTES))
    row, is_new = SubjectKey.objects.get_or_create(pk=ONLY_ROW, defaults={"encrypted_key": new})
    encrypted = new if is_new else bytes(row.encrypted_key)
    key = keys.decrypt(encrypted)
    if not is_by_first_key(encrypted, PURPOSE):
        # So that SECRET_KEY_FALLBACKS can be emptied.
        row.encrypted_key = keys.rotate(encrypted)
        row.save(update_fields=["encrypted_key"])
    return key
