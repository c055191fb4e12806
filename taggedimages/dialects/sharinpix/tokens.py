"""JSON Web Tokens: verify a client's, sign what goes back (contract SharinPix, tokens)."""

import math
import time
from dataclasses import replace
from typing import Any

import jwt

from taggedimages.dialects.sharinpix.caller import Caller, caller_of
from taggedimages.http.parsers import MAX_DEPTH, is_deeper_than
from taggedimages.identity import sessions
from taggedimages.identity.credentials import signing_secret
from taggedimages.identity.models import SigningKey, User

JWT_ALGORITHM = "HS256"
# `aud`, `sub` and `jti` say nothing here, whatever their shape.
DECODE_OPTIONS: Any = {"verify_aud": False, "verify_sub": False, "verify_jti": False}
# What a token of any bytes at all can make the reader stumble over.
UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


def read(token: str) -> Caller | None:
    """The caller that a token speaks for; None when it is forged, past, early or malformed."""
    try:
        claimed = jwt.decode(token, options={"verify_signature": False})
        for user, secret in _signers(claimed):
            if claims := _verified(token, secret):
                caller = caller_of(user, claims, secret, session="iss" not in claims)
                return replace(caller, grant_ends_at=_grant_end(claims))
    except UNREADABLE:
        pass
    return None


def sign(claims: dict[str, Any], secret: str) -> str:
    """A token of these claims, in alphabetical order as the seed has them, `typ` first."""
    return jwt.encode(dict(sorted(claims.items())), secret, JWT_ALGORITHM, sort_headers=False)


def renewed(caller: Caller) -> str:
    """The same claims for as long as a session, but no longer than the first grant, whose end is
    kept as the claim `grant_exp`; signed with the same secret.

    From a grant without an end, `exp` is a float: such a token has the claims and the header that
    clients know, and is renewed again and again.
    """
    now = int(time.time())
    claims: dict[str, Any] = {**caller.claims, "iat": now}
    if caller.grant_ends_at is None:
        claims["exp"] = float(now + sessions.LIFETIME_SECONDS)
    else:
        claims["grant_exp"] = caller.grant_ends_at
        claims["exp"] = min(now + sessions.LIFETIME_SECONDS, caller.grant_ends_at)
    return sign(claims, caller.secret)


def _grant_end(claims: dict[str, Any]) -> int | None:
    """When the grant that a verified token began with ends, in epoch seconds; None: never.

    A first token says it as `exp`; a renewed one, whose own `exp` may be sooner, as `grant_exp`.
    """
    ends = [claims[name] for name in ("grant_exp", "exp") if _is_time(claims.get(name))]
    return None if not ends or _is_renewed_endlessly(claims) else int(ends[0])


def _is_renewed_endlessly(claims: dict[str, Any]) -> bool:
    end, issued = claims.get("exp"), claims.get("iat")
    return (
        "grant_exp" not in claims
        and isinstance(end, float)
        and isinstance(issued, int)
        and end == issued + sessions.LIFETIME_SECONDS
    )


def _is_time(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)  # type: ignore[arg-type]


def _signers(claims: dict[str, Any]) -> list[tuple[User, str]]:
    """Who may have signed: the secret that `iss` names, or else this service."""
    if "iss" in claims:
        issuer = claims["iss"]
        found = isinstance(issuer, str) and signing_secret(SigningKey.Kind.SHARINPIX, issuer)
        return [found] if found else []
    user = sessions.user_of(claims.get("user_id"))
    return [(user, secret) for secret in sessions.secrets()] if user else []


def _verified(token: str, secret: str) -> dict[str, Any] | None:
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=[JWT_ALGORITHM], options=DECODE_OPTIONS
        )
    except jwt.InvalidSignatureError:
        return None
    # Deeper claims could be read, but not signed again.
    return None if is_deeper_than(claims, MAX_DEPTH) else claims
