"""JSON Web Tokens: verify a client's, sign what goes back (contract SharinPix, tokens)."""

import time
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
                return caller_of(user, claims, secret, session="iss" not in claims)
    except UNREADABLE:
        pass
    return None


def sign(claims: dict[str, Any], secret: str) -> str:
    """A token of these claims, in alphabetical order as the seed has them, `typ` first."""
    return jwt.encode(dict(sorted(claims.items())), secret, JWT_ALGORITHM, sort_headers=False)


def renewed(caller: Caller) -> str:
    """The same claims for as long as a session, signed with the same secret."""
    now = int(time.time())
    times = {"iat": now, "exp": now + sessions.LIFETIME_SECONDS}
    return sign({**caller.claims, **times}, caller.secret)


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
