"""All that is stored encrypted by keys made of SECRET_KEY: where it is, and whether it can be read.

Each column belongs to the part of the domain that made it; here they are listed for what is done to
all of them: a look at whether they can be read, and encrypting them anew once the key is another.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import InvalidToken
from django.db.models import Model, Q

from images import subjects
from images.models import SubjectKey
from taggedimages.datasets import signing
from taggedimages.datasets.models import SigningKey as ReleaseKey
from taggedimages.identity import credentials, kept_answers
from taggedimages.identity.encryption import cipher, is_by_first_key
from taggedimages.identity.models import KeptAnswer, SigningKey

# Rows that are in memory at a time: kept answers may be large.
ROWS = 100


@dataclass(frozen=True)
class Column:
    """A column of encrypted bytes: what is in it, in the plural, and for which purpose its keys are
    made. Those of `needed` have to be readable; others only ever were of use."""

    name: str
    model: type[Model]
    column: str
    purpose: str
    needed: Q
    # Kept without the base64 that a token of Fernet is written in.
    is_bare: bool = False

    def rows(self) -> Iterator[tuple[Any, bytes]]:
        """All that is encrypted, as tokens, by the primary keys of their rows."""
        rows = self.model._default_manager.order_by("pk").values_list("pk", self.column)
        for key, stored in rows.iterator(chunk_size=ROWS):
            # A claim of a key has no answer yet.
            if stored:
                yield key, urlsafe_b64encode(bytes(stored)) if self.is_bare else bytes(stored)

    def is_needed(self, key: Any) -> bool:
        """Whether the row is there still, and has to be readable."""
        return self.model._default_manager.filter(self.needed, pk=key).exists()

    def unreadable(self) -> int:
        """How many rows that have to be readable are not."""
        return sum(
            not is_readable(token, self.purpose) and self.is_needed(key)
            for key, token in self.rows()
        )

    def by_older_keys(self) -> int:
        """How many rows can be read by a key of before alone, SECRET_KEY itself not being it."""
        return sum(is_by_older_key(token, self.purpose) for _, token in self.rows())

    def encrypt_anew(self) -> int:
        """Encrypt by SECRET_KEY itself what a key of before has encrypted; returns how many rows
        that were. Interrupted, it has been done as far as it got; done again, it goes on."""
        done = 0
        for key, token in self.rows():
            if is_by_older_key(token, self.purpose):
                # Only in place of what was read: somebody else may write the row meanwhile.
                old = self.model._default_manager.filter(
                    pk=key, **{self.column: self._stored(token)}
                )
                new = cipher(self.purpose).rotate(token)
                done += old.update(**{self.column: self._stored(new)})
        return done

    def _stored(self, token: bytes) -> bytes:
        return urlsafe_b64decode(token) if self.is_bare else token


def is_readable(token: bytes, purpose: str) -> bool:
    """Whether SECRET_KEY or one of its fallbacks decrypts this."""
    try:
        cipher(purpose).decrypt(token)
    except InvalidToken:
        return False
    return True


def is_by_older_key(token: bytes, purpose: str) -> bool:
    """Whether one of the fallbacks decrypts this, and not SECRET_KEY itself."""
    return not is_by_first_key(token, purpose) and is_readable(token, purpose)


COLUMNS = (
    Column(
        "signing secrets",
        SigningKey,
        "encrypted_secret",
        credentials.SIGNING,
        needed=Q(revoked_at=None),
    ),
    Column(
        "keys of releases",
        ReleaseKey,
        "encrypted_private",
        signing.PURPOSE,
        needed=Q(retired_at=None),
    ),
    Column("keys of subjects", SubjectKey, "encrypted_key", subjects.PURPOSE, needed=Q()),
    # They end by themselves, and who sends such a request again is told so.
    Column(
        "kept answers",
        KeptAnswer,
        "answer",
        kept_answers.PURPOSE,
        needed=Q(pk__in=[]),
        is_bare=True,
    ),
)
