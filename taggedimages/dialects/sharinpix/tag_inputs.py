"""Tags read from paths, tokens and parameters: found by uuid or name, or drafted with labels."""

import json
import re
import unicodedata
from typing import Any
from urllib.parse import unquote

from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError

from taggedimages.dialects.sharinpix.caller import Caller, Labels
from taggedimages.dialects.sharinpix.conventions import SOURCE
from taggedimages.dialects.sharinpix.parameters import MAX_JSON, MAX_TEXT_CHARACTERS, Parameters
from taggedimages.dialects.sharinpix.text import uuid_in
from taggedimages.identity.authors import Author
from taggedimages.postgresql.text import is_storable
from tags import curation, spelling
from tags.models import Tag, TagQuerySet
from tags.names import MAX_LENGTH, BadName, entered, normal


def find(text: str, shown: TagQuerySet) -> Tag | None:
    """The tag of a path: by uuid if it is shown, else by name, else by the name decoded once more;
    a name that is given is known."""
    by_uuid = uuid_in(text)
    found = shown.filter(uuid=by_uuid).first() if by_uuid else None
    return found or _named(text, Tag.objects.all())


def get(text: str, shown: TagQuerySet) -> Tag:
    """The tag of a path, of those that are shown. Raises NotFound."""
    by_uuid = uuid_in(text)
    tag = shown.filter(uuid=by_uuid).first() if by_uuid else None
    tag = tag or _named(text, shown)
    if tag is None:
        raise NotFound
    return tag


def _named(text: str, tags: TagQuerySet) -> Tag | None:
    spelt = spelling.settled([name for name in (text, unquote(text)) if is_storable(name)])
    named = {tag.name: tag for tag in tags.filter(name__in=spelt.values())}
    return next((named[name] for name in spelt.values() if name in named), None)


def draft(text: str, caller: Caller) -> Tag:
    """A new tag, not saved, for a path that names none; labelled as the token says.

    Raises NotFound for a uuid and what no column holds, ValidationError for what is no name, and
    PermissionDenied where the caller adds no tags.
    """
    name = unquote(text)
    if uuid_in(text) or not is_storable(name) or len(normal(name)) > MAX_LENGTH:
        raise NotFound
    name = _entered(name)
    if not caller.may_create_tags:
        raise PermissionDenied
    labels = {normal(given): labels for given, labels in caller.named_tags.items()}
    return labelled(name, labels.get(name, Labels()))


def named_by(caller: Caller) -> list[Tag]:
    """The tags that the token names, in its order; the absent are made."""
    by = Author(caller.user, SOURCE)
    return curation.establish([labelled(*item) for item in caller.named_tags.items()], by)


def labelled(name: str, labels: Labels) -> Tag:
    """A tag, not saved, of which others learn when they are shown an image that has it."""
    return Tag(name=name, label_en=labels.en, label_fr=labels.fr, told=False)


def drafted_by(given: Parameters) -> Tag:
    """A new tag, not saved, as the parameters describe it.

    A public one has a name that fits a URL, and keeps the given text as its label.
    """
    name = given.required("name")
    changes = changes_in(given)
    _entered(name)
    if changes.get("public"):
        changes = {"label_en": name, "label_fr": name} | changes
        name = slug(name)
    return Tag(name=name, **changes)


def _entered(text: str) -> str:
    """The name that a text is. Raises ValidationError."""
    try:
        return entered(text)
    except BadName as error:
        raise ValidationError({"name": str(error)}) from error


def changes_in(given: Parameters) -> dict[str, Any]:
    """What the parameters say of a tag, besides its name. Raises ValidationError."""
    flags = {
        name: flag
        for name in ("public", "listed", "visible", "allow_download")
        if (flag := given.flag(name)) is not None
    }
    return flags | _labels_in(given)


def slug(text: str) -> str:
    """Lower case words joined by hyphens; letters without an ASCII form stay.

    >>> slug("Night Shift"), slug("Été à Paris!"), slug("膝")
    ('night-shift', 'ete-a-paris', '膝')
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9_]+", plain.lower()) or re.findall(r"\w+", text.casefold())
    return "-".join(words)[:MAX_LENGTH] or text


def _labels_in(given: Parameters) -> dict[str, str]:
    """`label` is one text for both languages, or `{en, fr}` as an object or as JSON text."""
    value = given.value("label")
    if isinstance(value, str):
        value = _json_in(value)
    if value is None or value == "":
        return {}
    labels = value if isinstance(value, dict) else {"en": value, "fr": value}
    found = {f"label_{key}": labels[key] for key in ("en", "fr") if labels.get(key) is not None}
    for text in found.values():
        if not isinstance(text, str) or not is_storable(text) or len(text) > MAX_TEXT_CHARACTERS:
            raise ValidationError({"label": "Not a text of at most 255 characters."})
    return found


def _json_in(text: str) -> Any:
    if len(text) > MAX_JSON:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text
