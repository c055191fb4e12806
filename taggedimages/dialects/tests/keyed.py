"""A request of each POST route that takes an Idempotency-Key, and those that take none."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from images import storage
from images.models import Image
from taggedimages.changes.models import State
from taggedimages.changes.tests.corpora import make_change, refs
from taggedimages.datasets.tests.releases import make_dataset, ready_image, released
from taggedimages.dialects.tests.doors import (
    Atmosphere,
    Deployed,
    Door,
    Ims,
    SharinPix,
    Tim,
)
from taggedimages.factories import TESTS, make_pending, make_png, make_tag, send
from tags import tagging

# Routes that take no key, and why: a new one of POST is here, or takes one.
WITHOUT = {
    "POST /v3/auth/tokens": "it answers a token, which is kept nowhere in clear",
    "POST /api/v1/token": "it answers a token",
    "POST /v1/datasets/{}/releases/{}/urls": "it changes nothing, and signs URLs of this moment",
    "POST /v1/datasets/{}/releases/{}/verify": "it changes nothing, and asks what is there now",
    "POST /v1/hooks/s3": "events come twice by themselves, change nothing then, and have no keys",
}


@dataclass(frozen=True)
class Post:
    """One POST: at whose door, where, and what is sent; and something else that could be sent."""

    door: type[Door]
    path: str
    body: Any
    other: Any


def _arrived(image: Image) -> Post:
    pending = make_pending(by=image.created_by)
    assert send(storage.presign_put(pending.key), make_png()) == 200
    return Post(Tim, f"/v1/images/{pending.pk}/complete", {}, {"upload_id": "a", "parts": []})


def _tagged(image: Image, door: type[Door]) -> Post:
    tag, other = make_tag("keyed"), make_tag("other")
    path = f"{door.root}/image_tags"  # type: ignore[attr-defined]
    return Post(
        door, path, {"image": image.pk, "tag": tag.pk}, {"image": image.pk, "tag": other.pk}
    )


def _defined(door: type[Door]) -> Post:
    path = f"{door.root}/tags"  # type: ignore[attr-defined]
    return Post(door, path, {"name": "new", "description": "x"}, {"name": "newer"})


def _uploaded(image: Image) -> Post:
    data = base64.b64encode(make_png()).decode()
    body = {"filename": "new.png", "image_data": data, "tags": ["knee"]}
    return Post(Tim, "/v1/upload", body, body | {"tags": ["hip"]})


def _found(image: Image) -> Post:
    tagging.tag(image, ["knee"], TESTS)
    path = "/v2/lab/images/resource_instances/action"
    return Post(Ims, path, {"action": "filter"}, {"action": "count"})


def _of_change(image: Image, does: str, state: State, body: Any, other: Any) -> Post:
    digest = f"sha256:{'0' * 64}"
    change = make_change(
        {"add": refs("knee")}, [image], image.created_by, state=state, digest=digest
    )
    return Post(Tim, f"/v1/changes/{change.pk}/{does}", body, other)


def _of_dataset(image: Image, body: Any, other: Any) -> Post:
    ready_image(by=image.created_by)
    dataset = make_dataset(by=image.created_by)
    return Post(Tim, f"/v1/datasets/{dataset.name}/releases", body, other)


def _of_release(image: Image, does: str, body: Any, other: Any) -> Post:
    ready_image(by=image.created_by)
    release = released(by=image.created_by, unready="exclude")
    path = f"/v1/datasets/{release.dataset.name}/releases/{release.number}/{does}"
    return Post(Tim, path, body, other)


def _between_tags(does: str, names: str, listed: bool = True) -> Post:
    tag, one, other = make_tag("knee"), make_tag("joint"), make_tag("hip")
    first, second = ([one.pk], [other.pk]) if listed else (one.pk, other.pk)
    return Post(Tim, f"/v1/tags/{tag.pk}/{does}", {names: first}, {names: second})


UNTAGGED = {"query": {"untagged": True}, "operation": {"add": ["new"]}}
APPLY = {"digest": f"sha256:{'0' * 64}"}
RELEASE = {"query": {"everything": True}, "unready": "exclude"}
FILE = {"filename": "new.png", "tags": ["knee"]}
PARTS = FILE | {"size": 12 * 1024**2, "parts": 2, "part_size": 6 * 1024**2}
ONE = {"tag": {"key": "knee", "value": "left"}}
BATCH = {"action": "create", "tags": [{"key": "knee", "value": "left"}]}
# By route, and by what is asked of it.
POSTS: dict[str, Callable[[Image], Post]] = {
    "POST /v1/images": lambda image: Post(Tim, "/v1/images", FILE, FILE | {"tags": []}),
    "POST /v1/images in parts": lambda image: Post(Tim, "/v1/images", PARTS, FILE),
    "POST /v1/images/{}/complete": _arrived,
    "POST /v1/images/lookup": lambda image: Post(
        Tim, "/v1/images/lookup", {"sha256": ["00" * 32]}, {"sha256": ["01" * 32]}
    ),
    "POST /v1/upload": _uploaded,
    "POST /v1/tags": lambda image: Post(Tim, "/v1/tags", {"name": "new"}, {"name": "newer"}),
    "POST /v1/tags/{}/alias": lambda image: _between_tags("alias", "of", listed=False),
    "POST /v1/tags/{}/implications": lambda image: _between_tags("implications", "parents"),
    "POST /v1/tags/{}/merge": lambda image: _between_tags("merge", "from"),
    "POST /v1/changes": lambda image: Post(
        Tim, "/v1/changes", UNTAGGED, UNTAGGED | {"note": "other"}
    ),
    "POST /v1/changes/{}/apply": lambda image: _of_change(
        image, "apply", State.PLANNED, APPLY, APPLY | {"on_drift": "refuse"}
    ),
    "POST /v1/changes/{}/stop": lambda image: _of_change(
        image, "stop", State.APPLYING, None, {"why": "other"}
    ),
    "POST /v1/changes/{}/resume": lambda image: _of_change(
        image, "resume", State.STOPPED, None, {"why": "other"}
    ),
    "POST /v1/changes/{}/undo": lambda image: _of_change(
        image, "undo", State.APPLIED, {"note": "wrong side"}, {"note": "other"}
    ),
    "POST /v1/datasets": lambda image: Post(
        Tim, "/v1/datasets", {"name": "knees"}, {"name": "hips"}
    ),
    "POST /v1/datasets/{}/releases": lambda image: _of_dataset(
        image, RELEASE, RELEASE | {"query": {"format": ["png"]}}
    ),
    "POST /v1/datasets/{}/releases/{}/retire": lambda image: _of_release(
        image, "retire", None, {"why": "other"}
    ),
    "POST /api/v2/image_tags": lambda image: _tagged(image, Atmosphere),
    "POST /current/api/v2/image_tags": lambda image: _tagged(image, Deployed),
    "POST /api/v2/tags": lambda image: _defined(Atmosphere),
    "POST /current/api/v2/tags": lambda image: _defined(Deployed),
    "POST /api/v1/tags": lambda image: Post(
        SharinPix, "/api/v1/tags", {"name": "new"}, {"name": "newer"}
    ),
    "POST /api/v1/tags/{}/tag_images": lambda image: Post(
        SharinPix, "/api/v1/tags/new/tag_images", {"image_ids": [str(image.uuid)]}, {}
    ),
    "POST /api/v1/storages/{}/storage_files": lambda image: Post(
        SharinPix,
        "/api/v1/storages/any/storage_files",
        {"album_id": "case", "name": "new.png"},
        {"album_id": "other", "name": "new.png"},
    ),
    "POST /v2/{}/images/resource_instances/action": _found,
    "POST /v2/{}/images/{}/tags": lambda image: Post(
        Ims, f"/v2/lab/images/{image.uuid}/tags", ONE, BATCH
    ),
    "POST /v2/{}/images/{}/tags/action": lambda image: Post(
        Ims, f"/v2/lab/images/{image.uuid}/tags/action", BATCH, ONE
    ),
}
# Whose answers have presigned URLs.
WITH_URLS = {
    "POST /v1/images",
    "POST /v1/images in parts",
    "POST /v1/images/{}/complete",
    "POST /v1/upload",
    "POST /api/v1/tags/{}/tag_images",
    "POST /api/v1/storages/{}/storage_files",
}
