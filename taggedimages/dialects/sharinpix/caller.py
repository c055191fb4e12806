"""Who calls and what the token lets them do, read from its claims (contract SharinPix, tokens)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from taggedimages.identity.models import User
from taggedimages.postgresql.text import is_storable
from tags import names

# Rights that are implied or go by several names; the others are spelled as in the claims.
READ_RIGHT, LINKS_RIGHT = "(read)", "(links)"
IN_ALBUM = {READ_RIGHT: {"see", "image_list"}, LINKS_RIGHT: {"see", "image_list"}}
BY_QUERY = {LINKS_RIGHT: "thumbnail_tags"}
# Claims that a renewed token has others of.
OF_ONE_TOKEN = {"iat", "exp", "nbf", "jti", "grant_exp"}


@dataclass(frozen=True)
class Labels:
    """What a tag is called in the two languages; empty is the name itself."""

    en: str = ""
    fr: str = ""


@dataclass(frozen=True)
class Album:
    """What a token says of one album."""

    rights: frozenset[str] = frozenset()
    tags: Mapping[str, Labels] = field(default_factory=dict)

    def allows(self, right: str) -> bool:
        """Whether this right holds in the album."""
        return bool(self.rights & IN_ALBUM.get(right, {right}))


@dataclass(frozen=True)
class Caller:
    """A verified token: for whom it speaks, and how far that reaches."""

    user: User
    claims: Mapping[str, Any]
    secret: str = field(repr=False)
    # Signed by this service for the user, rather than by the organisation's own secret.
    session: bool = False
    admin: bool = False
    query: str | None = None
    rights: frozenset[str] = frozenset()
    albums: Mapping[str, Album] | None = None
    creates_tags: bool = False
    auto_tags: tuple[str, ...] = ()
    # In epoch seconds; None where the first grant has no end.
    grant_ends_at: int | None = None

    @property
    def speaks_for(self) -> str:
        """What is alike in all tokens of one caller, and not in those of others."""
        lasting = {name: told for name, told in self.claims.items() if name not in OF_ONE_TOKEN}
        return json.dumps(lasting, sort_keys=True)

    @property
    def project_id(self) -> str:
        """The organisation."""
        return str(self.user.project_id)

    @property
    def unrestricted(self) -> bool:
        """All rights: the organisation's admin, or a session that was not narrowed."""
        return self.admin or (self.session and self.query is None and self.albums is None)

    def query_allows(self, right: str) -> bool:
        """Whether this right holds for the images that the token's query matches."""
        if self.query is None:
            return False
        return right == READ_RIGHT or BY_QUERY.get(right, right) in self.rights

    def may_in(self, right: str, album_id: str) -> bool:
        """Whether this right holds in the whole of an album, whatever is in it."""
        album = (self.albums or {}).get(album_id)
        everywhere = self.query == "*" and self.query_allows(right)
        return self.unrestricted or everywhere or (album is not None and album.allows(right))

    def may_somewhere(self, right: str) -> bool:
        """Whether this right holds for any image at all."""
        albums = (self.albums or {}).values()
        anywhere = self.query_allows(right) or any(album.allows(right) for album in albums)
        return self.unrestricted or anywhere

    @property
    def may_create_tags(self) -> bool:
        """Whether the caller may add to the vocabulary."""
        return self.creates_tags or self.may_somewhere("image_tag")

    @property
    def named_tags(self) -> dict[str, Labels]:
        """The tags that the token names, with their labels; of two labels the first counts."""
        named: dict[str, Labels] = {}
        for album in (self.albums or {}).values():
            named |= {name: label for name, label in album.tags.items() if name not in named}
        return named


def caller_of(user: User, claims: dict[str, Any], secret: str, *, session: bool) -> Caller:
    """Read verified claims; what has an unknown shape grants nothing."""
    abilities = claims.get("abilities")
    general = _dict(_dict(abilities).get("tags"))
    query = claims.get("q")
    return Caller(
        user=user,
        claims=claims,
        secret=secret,
        session=session,
        admin=claims.get("admin") is True and not session,
        query=query if isinstance(query, str) and is_storable(query) else None,
        rights=_granted(claims),
        albums=None if abilities is None else _albums(_dict(abilities)),
        creates_tags=general.get("create") is True,
        auto_tags=tag_names(general.get("auto_tag")),
    )


def tag_names(value: Any) -> tuple[str, ...]:
    r"""The names of an `auto_tag` claim: separated by `;`, which `\;` is not, or a list."""
    items = names.split(value, ";") if isinstance(value, str) else value
    if not isinstance(items, list):
        return ()
    given = [item.strip() for item in items if isinstance(item, str)]
    return tuple(dict.fromkeys(name for name in given if _is_name(name)))


def _albums(abilities: dict[str, Any]) -> dict[str, Album]:
    return {
        album_id: Album(_granted(_dict(album.get("Access"))), _labelled(album.get("Tags")))
        for album_id, album in abilities.items()
        if isinstance(album, dict) and is_storable(album_id) and {"Access", "Tags"} & album.keys()
    }


def _granted(claims: dict[str, Any]) -> frozenset[str]:
    return frozenset(name for name, value in claims.items() if value is True)


def _labelled(value: Any) -> dict[str, Labels]:
    named = dict.fromkeys(value) if _is_list_of_text(value) else _dict(value)
    given = {name.strip(): label for name, label in named.items()}
    return {name: _labels(label) for name, label in given.items() if _is_name(name)}


def _labels(value: Any) -> Labels:
    if isinstance(value, str):
        value = {"en": value, "fr": value}
    given = {
        language: text
        for language, text in _dict(value).items()
        if language in ("en", "fr") and isinstance(text, str) and is_storable(text)
    }
    return Labels(**{language: text[: names.MAX_LENGTH] for language, text in given.items()})


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_name(name: str) -> bool:
    return len(names.normal(name)) <= names.MAX_LENGTH and not names.fault(name)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
