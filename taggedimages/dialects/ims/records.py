"""Images and their tags as IMS shows them (contract IMS, responses)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone

from images.models import Image
from images.querysets import ImageQuerySet
from taggedimages.dialects.ims.rules import joined
from tags import page_links
from tags.tagging import LINKS_OLDEST_FIRST

Tags = list[dict[str, str]]

# Each as states of the upload (search.query). A current image is never deleted, and none is kept
# waiting between arriving and being there.
STATUSES: dict[str, tuple[str, ...]] = {
    "queued": ("awaited",),
    "saving": (),
    "active": ("arrived",),
    "killed": ("failed",),
    "deleted": (),
}
# What Glance has besides; no image is ever in these.
FOREIGN_STATUSES = {"uploading", "importing", "pending_delete", "deactivated"}
# What Glance tells of disks and virtual machines, which an image here is not.
NOT_OF_PICTURES: dict[str, Any] = {
    "min_disk": 0,
    "min_ram": 0,
    "protected": False,
    "os_hidden": False,
    "disk_format": None,
    "container_format": None,
    "virtual_size": None,
}


def with_creator(images: ImageQuerySet) -> ImageQuerySet:
    """The images of a list, whose links `tags_of_page` has."""
    return images.select_related("created_by", "facts").defer("facts__exif", "facts__dicom")


def with_tags(images: ImageQuerySet) -> ImageQuerySet:
    """The images with all that is shown of them, in as many statements for one as for many."""
    return with_creator(images).prefetch_related(Prefetch("imagetag_set", LINKS_OLDEST_FIRST))


def status_of(image: Image) -> str:
    """How far an image has come."""
    if image.ended_at and image.ended_at <= timezone.now():
        return "deleted"
    if image.uploaded_at:
        return "active"
    return "killed" if image.upload_error else "queued"


def tags_of(image: Image) -> Tags:
    """`[{key, value}]` in the order in which the tags were added. Wants `with_tags`."""
    return [{"key": link.tag.name, "value": link.value} for link in image.imagetag_set.all()]


def tags_of_page(images: Sequence[Image]) -> list[Tags]:
    """The same of each image of a page: as many as it has room for."""
    held = page_links.names_and_values([image.pk for image in images])
    return [[{"key": key, "value": value} for key, value in held[image.pk]] for image in images]


def resource(image: Image, tags: Tags) -> dict[str, Any]:
    """An image as a resource that was found by its tags."""
    return {
        "resource_id": str(image.uuid),
        "resource_name": image.name,
        "resource_detail": {"status": status_of(image)},
        "tags": tags,
    }


def record(image: Image, tags: Tags) -> dict[str, Any]:
    """An image as OpenStack shows it.

    The hashes are null until the file has been inspected, and where it was too large to be read.
    """
    facts, path = image.known_facts, f"/v2/images/{image.uuid}"
    sha256 = facts.sha256_hex if facts else None
    return {
        "id": str(image.uuid),
        "name": image.name,
        "status": status_of(image),
        "tags": [joined(**tag) for tag in tags],
        "size": image.size,
        "created_at": moment(image.created_at),
        "updated_at": moment(image.updated_at),
        "visibility": "private" if image.visibility else "public",
        "owner": image.created_by.username if image.created_by else None,
        "checksum": facts.md5_hex if facts else None,
        "os_hash_algo": "sha256" if sha256 else None,
        "os_hash_value": sha256,
        **NOT_OF_PICTURES,
        "self": path,
        "file": f"{path}/file",
        "schema": "/v2/schemas/image",
    }


def moment(instant: datetime) -> str:
    """A time in UTC to the second, such as 2026-01-02T03:04:05Z."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
