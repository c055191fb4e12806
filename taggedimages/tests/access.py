"""The cast of the access matrix: who calls, images in every state, and the routes there are."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import jwt
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from images import deletion, keys, staged_uploads
from images.models import Facts, Image
from images.visibility import Viewer, Visibility
from search.executor.blocks import Blocks
from search.query import Query
from taggedimages.changes import lifecycle, operations
from taggedimages.changes.models import Change
from taggedimages.datasets import catalogue, signing
from taggedimages.datasets.building import released
from taggedimages.datasets.chunks import Writer
from taggedimages.datasets.contracts import keeping
from taggedimages.datasets.contracts.keeping import Content
from taggedimages.datasets.contracts.models import Contract
from taggedimages.datasets.contracts.rights import Asker
from taggedimages.datasets.members import Member
from taggedimages.datasets.models import Release
from taggedimages.dialects.ims.patches import V21
from taggedimages.factories import make_credentials, make_image, make_pending, make_tag
from taggedimages.identity import sessions
from taggedimages.identity.authors import Author
from taggedimages.identity.credentials import CredentialSet
from taggedimages.identity.models import User
from tags import resolving, tagging
from tags.models import ImageTag, Tag

# One letter for each state that an image can be in.
STATES = {
    "p": "public",
    "n": "not uploaded",
    # Of its project.
    "m": "members'",
    "v": "private",
    "e": "ended",
    "t": "trashed",
    # Private, and then trashed.
    "w": "withdrawn",
    "u": "unclaimed",
    "d": "deleted",
}
NO_REPORT: dict[str, Any] = {"splits": None, "contracts": [], "excluded": 0}
RIGHTS = (
    "see image_list image_tag image_upload image_delete image_caption image_rotate image_crop trash"
)


@dataclass(frozen=True)
class Subject:
    """An image in some state, and what would give it away in an answer."""

    image: Image
    tag: Tag
    link: ImageTag
    # Of everybody to see, and looking the same.
    twin: Image
    # On all images of the project, and on no other.
    shared: Tag
    # On those and on the twin, which is of another project.
    common: Tag
    # The owner's, planned, of all images that the owner sees.
    change: Change
    # The owner's, of images in every state, which were all shown when it was made.
    release: Release
    # The owner's, which the image alone breaks.
    contract: Contract

    def marks_in(self, body: str) -> str:
        """`+` where the image itself is told, `#` where only its tag is, else nothing."""
        found_by_checksum = f"[{self.image.pk}]"
        named = (str(self.image.uuid), self.image.filename.removesuffix(".png"), found_by_checksum)
        if any(name in body for name in named):
            return "+"
        return "#" if self.tag.name in body else ""

    def fill(self, text: str) -> str:
        """A route or a body of the table, with what it says in braces."""
        return re.sub(r"\{(\w+)\}", lambda found: str(self.values[found[1]]), text)

    @cached_property
    def values(self) -> dict[str, Any]:
        """What may stand in braces."""
        return {
            "lab": "lab",
            "far": "far",
            "album": "case",
            "shared": "shared",
            "any": "any",
            "image": self.image.pk,
            "twin": self.twin.pk,
            "uuid": self.image.uuid,
            "tag": self.tag.pk,
            "shared_id": self.shared.pk,
            "shared_link": self.image.imagetag_set.get(tag=self.shared).pk,
            "shared_link_uuid": self.image.imagetag_set.get(tag=self.shared).uuid,
            "common": self.common.pk,
            "common_uuid": self.common.uuid,
            "tag_uuid": self.tag.uuid,
            "name": self.tag.name,
            "link": self.link.pk,
            "link_uuid": self.link.uuid,
            "sha256": self.image.facts.sha256_hex,
            "action": Tag.objects.get(name="action").pk,
            "change": self.change.pk,
            "digest": self.change.digest,
            "dataset": self.release.dataset.name,
            "number": self.release.number,
            "contract": self.contract.name,
            "key": keys.upload_key(self.image.key),
        }


def make_subjects(owner: User) -> dict[str, Subject]:
    """One image of the owner in each state, all in the album `case`."""
    now = timezone.now()
    images = {
        "p": make_image(by=owner, filename="canary-public.png"),
        "n": make_pending(by=owner, filename="canary-pending.png"),
        "m": make_image(by=owner, filename="canary-members.png", visibility=Visibility.PROJECT),
        "v": make_image(by=owner, filename="canary-private.png", private=True),
        "e": make_image(by=owner, filename="canary-ended.png", ended_at=now - timedelta(minutes=1)),
        "t": make_image(by=owner, filename="canary-trashed.png"),
        "w": make_image(by=owner, filename="canary-withdrawn.png", private=True),
        "u": staged_uploads.announce("canary-unclaimed.png", None, "case", Author(owner, "tests")),
        "d": make_image(by=owner, filename="canary-deleted.png"),
    }
    Image.objects.filter(pk__in=[image.pk for image in images.values()]).update(album_id="case")
    shared = make_tag("shared", public=True)
    twin = make_image("common", filename="twin.png")
    _describe(twin, "x")
    tagged = {state: _tagged(state, image, shared) for state, image in images.items()}
    change = _change(Author(owner, "tests"))
    release = _release(Author(owner, "tests"), images.values())
    return {
        state: Subject(
            image,
            *tagged[state],
            twin,
            shared,
            make_tag("common"),
            change,
            release,
            _contract(Author(owner, "tests"), state, tagged[state][0]),
        )
        for state, image in images.items()
    }


def _change(by: Author) -> Change:
    operation = operations.proposed({"add": ["changed"]}, Viewer.of(by.user))
    return lifecycle.propose(operation, Query(filename_contains="canary"), by)


def _contract(by: Author, state: str, tag: Tag) -> Contract:
    when = {"exact_tags": [tag.name]}
    content = Content(when, Query(exact_tags=(tag.name,)), [{"at_most": 0}])
    asker = Asker.of_user(by.user)
    return keeping.put(f"rule-{state}", by.project_id, content, by, asker).version.contract


def _release(by: Author, images: Iterable[Image]) -> Release:
    dataset = catalogue.create("canaries", by)
    release = Release(dataset=dataset, number=1, query={}, question={}, through="tests")
    release.author, release.author_name = by.user, by.name
    release.save()
    held = Image.objects.filter(pk__in=[one.pk for one in images]).order_by("pk")
    members = [_member(image) for image in held]
    writer = Writer(release.pk)
    writer.add(members)
    signing.ensure_key()
    released(
        release, writer.finish(Blocks.of(one.id for one in members)), NO_REPORT, timezone.now()
    )
    release.refresh_from_db()
    return release


def _member(image: Image) -> Member:
    facts = image.facts
    tags = sorted(image.imagetag_set.values_list("tag__name", flat=True))
    return Member(
        image.pk,
        str(image.uuid),
        image.filename,
        image.size,
        facts.format,
        facts.width,
        facts.height,
        facts.sha256_hex or "",
        tags,
        [],
        image.key,
    )


def _tagged(state: str, image: Image, shared: Tag) -> tuple[Tag, ImageTag]:
    by = Author(image.created_by, "tests", is_operator=True)
    tag, common = resolving.resolve([f"mark-{re.sub('[^a-z]', '-', STATES[state])}", "common"])
    link, _ = tagging.link(image, tag, by)
    tagging.link(image, shared, by)
    tagging.link(image, common, by)
    # A key that is a route of IMS, too.
    tagging.tag(image, ["action"], by)
    _describe(image, state)
    if state in "tw":
        deletion.trash(image)
    if state == "d":
        deletion.delete(image)
    return tag, link


def _describe(image: Image, state: str) -> None:
    """Facts as of files that differ in their bytes and all look alike."""
    facts, _ = Facts.objects.get_or_create(image=image)
    facts.sha256, facts.md5 = state.encode() * 32, state.encode() * 16
    facts.fingerprint = 0x0F0F_3C3C_55AA
    facts.save()


def make_callers() -> dict[str, dict[str, str]]:
    """The headers of everybody who calls, by what the columns of the table say of them."""
    owner = make_credentials("owner", project_id="lab")
    foreign = make_credentials("foreign", project_id="far")
    users = {
        "owner": owner,
        "other": make_credentials("other", project_id="lab"),
        "foreign": foreign,
        "editor": make_credentials("editor", project_id="lab"),
        "staff": make_credentials("staff", project_id="lab", staff=True),
        "far-editor": make_credentials("far-editor", project_id="far"),
        "far-staff": make_credentials("far-staff", project_id="far", staff=True),
        "super": make_credentials("super", project_id="far"),
    }
    editors = Group.objects.create(name=settings.EDITOR_GROUP)
    editors.user_set.add(users["editor"].user_id, users["far-editor"].user_id)
    User.objects.filter(username="super").update(is_superuser=True)
    callers = {"anonymous": {}, "store": {"X-Hook-Secret": settings.HOOK_SECRET}}
    for name, one in users.items():
        session = sessions.issue(User.objects.get(pk=one.user_id))
        callers |= {
            f"Bearer {name}": {"Authorization": f"Bearer {one.token}"},
            f"TOKEN {name}": {"Authorization": f"TOKEN {one.token}"},
            f"X-Auth {name}": {"X-Auth-Token": one.token},
            f"session {name}": {"Authorization": f"Token {session}"},
        }
    return callers | {
        "admin": _jwt(owner, admin=True),
        "far-admin": _jwt(foreign, admin=True),
        "album": _jwt(owner, abilities=_abilities("case", RIGHTS)),
        "viewer": _jwt(owner, abilities=_abilities("case", "see")),
        "other-album": _jwt(owner, abilities=_abilities("other", RIGHTS)),
        "query": _jwt(owner, q="shared"),
    }


def _abilities(album: str, rights: str) -> dict[str, Any]:
    return {album: {"Access": dict.fromkeys(rights.split(), True)}}


def _jwt(who: CredentialSet, **claims: Any) -> dict[str, str]:
    token = jwt.encode({"iss": who.secret_id} | claims, who.secret, "HS256")
    return {"Authorization": f'Token token="{token}"'}


@dataclass(frozen=True)
class Answer:
    """What somebody was told."""

    status: int
    body: str


# One for all: a new one would set the whole service up again.
CLIENT = APIClient(raise_request_exception=False)


def ask(method: str, url: str, body: str, headers: dict[str, str]) -> Answer:
    """One request, all of whose effects are undone."""
    with transaction.atomic():
        answer: Any = CLIENT.generic(method, url, body, _media_type(method, url), headers=headers)
        transaction.set_rollback(True)
    return Answer(answer.status_code, answer.getvalue().decode())


def _media_type(method: str, url: str) -> str:
    """What a body is sent as: patches of IMS have a type of their own."""
    is_patch = method == "PATCH" and url.startswith("/v2/")
    return V21 if is_patch else "application/json"


def routes() -> set[str]:
    """Every method of every route of the service, such as `GET /v1/images/{}`; admin as one."""
    found = {"GET /healthz", "GET /readyz"}
    for path, callback in _patterns(get_resolver().url_patterns, ""):
        found |= {f"{method} {anonymised(path)}" for method in _methods(callback)}
    return found


def anonymised(path: str) -> str:
    """A path whose variable parts have no name: of a pattern, or of the table."""
    return re.sub(r"<[^>]*>|\{[^}]*\}", "{}", path.partition("?")[0])


def _patterns(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            if pattern.app_name == "admin":
                yield f"/{path}", None
            else:
                yield from _patterns(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern):
            yield f"/{path}", pattern.callback


def _methods(callback: Any) -> list[str]:
    if hasattr(callback, "actions"):
        return [method.upper() for method in callback.actions if method != "head"]
    if hasattr(callback, "cls"):
        return [method.upper() for method in callback.cls().allowed_methods if method != "OPTIONS"]
    return ["GET"]
