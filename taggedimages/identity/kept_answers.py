"""What requests with an Idempotency-Key were answered: sent again, they get that, and nothing is
done twice (draft-ietf-httpapi-idempotency-key-header-07).

Nothing can stick when a process is killed. Where the work is all in the database, it is one
transaction: `held`, the work, `keep`; what is under way is told by an advisory lock, which
goes with the transaction, also behind a pooler that shares connections between transactions. Work
that asks the object store as well has no transaction around it: a row claims the key for
CLAIM_SECONDS, and the answer takes its place in the transaction that makes the record.

Answers may hold presigned URLs, and those are capabilities: they are encrypted.
"""

import json
import uuid
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from taggedimages.identity.encryption import cipher
from taggedimages.postgresql.prepared import execute_prepared

# A request is answered within some ten seconds; whoever takes longer has died or was stopped.
CLAIM_SECONDS = 60
PURPOSE = "kept answers"

FIND = """
SELECT fingerprint, status, answer, urls_until FROM identity_keptanswer
WHERE scope = %s AND expires_at > statement_timestamp()
"""
# Two statements, and sent as one: that which takes the lock does not see what was committed while
# it was asked for it.
HOLD = """
SELECT set_config('taggedimages.holds_key', pg_try_advisory_xact_lock(%s)::text, true);
SELECT current_setting('taggedimages.holds_key')::boolean, fingerprint, status, answer, urls_until
FROM (SELECT) AS once
LEFT JOIN identity_keptanswer ON scope = %s AND expires_at > statement_timestamp()
"""
# What has expired is as good as not there, whether or not it is swept. Nothing else is touched.
PUT = """
INSERT INTO identity_keptanswer AS kept
    (scope, fingerprint, status, claim, answer, urls_until, expires_at)
VALUES (%s, %s, %s, %s, %s, %s, statement_timestamp() + make_interval(secs => %s))
ON CONFLICT (scope) DO UPDATE SET
    fingerprint = EXCLUDED.fingerprint, status = EXCLUDED.status, claim = EXCLUDED.claim,
    answer = EXCLUDED.answer, urls_until = EXCLUDED.urls_until, expires_at = EXCLUDED.expires_at
WHERE kept.expires_at <= statement_timestamp()
"""
FINISH = """
UPDATE identity_keptanswer SET status = %s, claim = NULL, answer = %s, urls_until = %s,
    expires_at = statement_timestamp() + make_interval(secs => %s)
WHERE scope = %s AND claim = %s
"""
RELEASE = "DELETE FROM identity_keptanswer WHERE scope = %s AND claim = %s"


class InUse(Exception):
    """A request with the same key is being carried out."""

    def __init__(self) -> None:
        super().__init__("A request with this Idempotency-Key is being carried out.")


class Reused(Exception):
    """The key was sent with another request before."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was sent with another request.")


class Unreadable(Exception):
    """The request was carried out, and its answer was encrypted by a key that is gone."""

    def __init__(self) -> None:
        super().__init__("The request was carried out; its answer can no longer be read.")


@dataclass(frozen=True)
class Keyed:
    """A request with a key, as two SHA-256: whose it is and where, and what it asks for."""

    scope: bytes
    fingerprint: bytes

    @property
    def lock(self) -> int:
        """The number of its advisory lock."""
        return int.from_bytes(self.scope[:8], signed=True)


@dataclass(frozen=True)
class Answer:
    """What was answered, and what it takes to make it anew once its URLs have ended."""

    status: int
    headers: Mapping[str, str]
    # None: it is too large to be kept.
    body: bytes | None
    # JSON: what the request has made.
    made: Any = None
    # When the first presigned URL in it ends.
    urls_until: datetime | None = None


@dataclass(frozen=True)
class Claim:
    """The right to carry out a request, for CLAIM_SECONDS."""

    keyed: Keyed
    id: uuid.UUID


def held(keyed: Keyed) -> Answer | None:
    """What was answered before; None: this transaction carries the request out, and until it ends
    nobody else does.

    Raises Reused, InUse, Unreadable.
    """
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute(HOLD, [keyed.lock, keyed.scope])
        is_held, *row = cursor.fetchone()
    if not is_held:
        raise InUse
    return None if row[0] is None else _answer(keyed, row)


def find(keyed: Keyed) -> Answer | None:
    """What was answered before. Raises Reused, InUse, Unreadable."""
    with connection.cursor() as cursor:
        cursor.execute(FIND, [keyed.scope])
        row = cursor.fetchone()
    return _answer(keyed, row) if row else None


def _answer(keyed: Keyed, row: Sequence[Any]) -> Answer:
    fingerprint, status, sealed, urls_until = row
    if bytes(fingerprint) != keyed.fingerprint:
        raise Reused
    if not status:
        raise InUse
    headers, made, body = _opened(bytes(sealed))
    return Answer(status, headers, body, made, urls_until)


def keep(keyed: Keyed, answer: Answer) -> None:
    """Keep an answer in the transaction that has made it. Raises InUse."""
    sealed, seconds = _sealed(answer), settings.IDEMPOTENCY_SECONDS
    if not _put(keyed, answer.status, None, sealed, answer.urls_until, seconds):
        raise InUse


def claim(keyed: Keyed) -> Claim | Answer:
    """The right to carry the request out, or what was answered before; outside transactions.

    Raises Reused, InUse, Unreadable.
    """
    claimed = Claim(keyed, uuid.uuid4())
    if _put(keyed, 0, claimed.id, b"", None, CLAIM_SECONDS):
        return claimed
    answer = find(keyed)
    if answer is None:
        # It was there, and has expired or was released since: soon there is room.
        raise InUse
    return answer


def finish(claimed: Claim, answer: Answer) -> None:
    """Keep an answer in place of the claim, in the transaction that makes what it tells of.

    Raises InUse where the claim had ended, and somebody else carries the request out.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            FINISH,
            [
                answer.status,
                _sealed(answer),
                answer.urls_until,
                settings.IDEMPOTENCY_SECONDS,
                claimed.keyed.scope,
                claimed.id,
            ],
        )
        if not cursor.rowcount:
            raise InUse


def release(claimed: Claim) -> None:
    """Give up a claim whose request failed; one that cannot be given up now ends by itself."""
    with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
        cursor.execute(RELEASE, [claimed.keyed.scope, claimed.id])


def _put(
    keyed: Keyed,
    status: int,
    claim_id: uuid.UUID | None,
    sealed: bytes,
    urls_until: datetime | None,
    seconds: int,
) -> bool:
    row: list[Any] = [keyed.scope, keyed.fingerprint, status, claim_id, sealed, urls_until, seconds]
    with connection.cursor() as cursor:
        execute_prepared(cursor, PUT, row)
        return bool(cursor.rowcount)


def _sealed(answer: Answer) -> bytes:
    """Headers and body; first a line of JSON, then the body as it was sent."""
    told = [dict(answer.headers), answer.made, answer.body is not None]
    text = json.dumps(told).encode() + b"\n" + (answer.body or b"")
    # The token without its base64.
    return urlsafe_b64decode(cipher(PURPOSE).encrypt(zlib.compress(text, 1)))


def _opened(sealed: bytes) -> tuple[dict[str, str], Any, bytes | None]:
    try:
        text = zlib.decompress(cipher(PURPOSE).decrypt(urlsafe_b64encode(sealed)))
    except InvalidToken as error:
        raise Unreadable from error
    told, _, body = text.partition(b"\n")
    headers, made, has_body = json.loads(told)
    return headers, made, body if has_body else None
