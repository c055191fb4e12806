"""POST /token: sign narrower claims for somebody else (contract SharinPix, endpoints)."""

import time
from typing import Any

from rest_framework.exceptions import PermissionDenied, ValidationError

from taggedimages.dialects.sharinpix import tokens
from taggedimages.dialects.sharinpix.caller import READ_RIGHT, Caller, caller_of

# Who signs and for whom is not for the client to say.
SIGNERS_CLAIMS = ("iss", "user_id", "iat", "grant_exp")
# In epoch seconds: 64 bits hold no later one.
LAST_MOMENT = 2**63


def token(caller: Caller, permission: dict[str, Any]) -> str:
    """A token of these claims. Raises PermissionDenied if they reach further than the caller's."""
    claims = {name: value for name, value in permission.items() if name not in SIGNERS_CLAIMS}
    identity = {name: caller.claims[name] for name in ("iss", "user_id") if name in caller.claims}
    claims |= identity | {"iat": int(time.time())} | _end(caller, claims)
    asked = caller_of(caller.user, claims, caller.secret, session=caller.session)
    if not _within(asked, caller):
        raise PermissionDenied
    try:
        return tokens.sign(claims, caller.secret)
    except (ValueError, RecursionError) as error:
        raise ValidationError({"permission": "Cannot be signed."}) from error


def _end(caller: Caller, claims: dict[str, Any]) -> dict[str, int]:
    """No later than the caller's own end, which each answer puts off by as much."""
    asked, own = claims.get("exp"), caller.claims.get("exp")
    if asked is not None and not _is_moment(asked):
        raise ValidationError({"permission": "exp is not a number of seconds."})
    ends = [int(end) for end in (asked, own) if end is not None]
    return {"exp": min(ends)} if ends else {}


def _is_moment(exp: Any) -> bool:
    """Whether it is a number of seconds: not infinite, and not thousands of digits."""
    return isinstance(exp, int | float) and not isinstance(exp, bool) and abs(exp) < LAST_MOMENT


def _within(asked: Caller, caller: Caller) -> bool:
    """Whether every right that is asked for is one that the caller has."""
    if caller.unrestricted:
        # A session stays what its user may see, whatever is asked; admin is not for it.
        return caller.admin or asked.claims.get("admin") is not True
    return (
        not asked.unrestricted
        and asked.claims.get("admin") is not True
        and _query_within(asked, caller)
        and all(_album_within(album, asked, caller) for album in asked.albums or {})
        and (caller.may_create_tags or not asked.creates_tags)
        and (caller.may_create_tags or asked.named_tags.keys() <= caller.named_tags.keys())
        and _auto_tags_within(asked, caller)
    )


def _query_within(asked: Caller, caller: Caller) -> bool:
    if asked.query is None:
        return True
    return caller.query in ("*", asked.query) and asked.rights <= caller.rights


def _album_within(album_id: str, asked: Caller, caller: Caller) -> bool:
    rights = (asked.albums or {})[album_id].rights
    needed = {READ_RIGHT if right in ("see", "image_list") else right for right in rights}
    return all(caller.may_in(right, album_id) for right in needed)


def _auto_tags_within(asked: Caller, caller: Caller) -> bool:
    added = set(asked.auto_tags) - set(caller.auto_tags)
    return not added or all(caller.may_in("image_tag", album) for album in asked.albums or {})
