"""What signed writes were answered: whoever sends one again gets that, and nothing is done twice.

A signature holds for minutes, and whoever has seen a request can send it again meanwhile; so can a
client that got no answer. All is in one transaction with the write itself: `claim`, the write,
`keep`. A crash before the commit leaves neither a write nor an answer, and the request may be sent
again; one after it leaves both, and the answer is given again. Of two at once the second waits for
the first one's transaction.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, connection

from taggedimages.identity.models import SignedAnswer
from taggedimages.transactions import LOCK_NOT_AVAILABLE, sqlstate

CLAIM = """
INSERT INTO identity_signedanswer (key, expires_at, status, headers, body)
VALUES (%s, %s, 0, '{}', '') ON CONFLICT (key) DO NOTHING
"""
KEEP = "UPDATE identity_signedanswer SET status = %s, headers = %s, body = %s WHERE key = %s"


@dataclass(frozen=True)
class Signature:
    """A signature that fits its request: its SHA-256, and until when it does."""

    digest: bytes
    expires_at: datetime


class UnderWay(Exception):
    """Another request with the same signature is still being carried out."""


def claim(signature: Signature) -> SignedAnswer | None:
    """What was answered before; None: this transaction carries the write out.

    Waits as long as for any lock for one that is being carried out. Raises UnderWay.
    """
    assert connection.in_atomic_block
    try:
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, [signature.digest, signature.expires_at])
            if cursor.rowcount:
                return None
    except OperationalError as error:
        if sqlstate(error) == LOCK_NOT_AVAILABLE:
            raise UnderWay("The same request is being carried out.") from error
        raise
    return SignedAnswer.objects.get(key=signature.digest)


def keep(signature: Signature, status: int, headers: dict[str, str], body: str) -> None:
    """Keep what the write is answered, in the transaction that claimed it."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [status, json.dumps(headers), body, signature.digest])
