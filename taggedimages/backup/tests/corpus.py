"""A service with something of every kind, made by the code that makes it in earnest."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from images import deletion, inspection_jobs, keys, storage
from images.models import Image
from images.storage import client
from images.tests.files import dicom, encoded, photo
from taggedimages.datasets.tests.releases import ready_image, released
from taggedimages.factories import (
    TESTS,
    make_credentials,
    make_image,
    make_pending,
    make_png,
    make_tag,
    make_user,
)
from tags import vocabulary

# More than is held in memory (storage.QUICK_BYTES).
LARGE_BYTES, PART_BYTES = 9 * 1024**2, 5 * 1024**2
ODD_NAMES = ["knee ünder %2F + & ?.png", "a" * 251 + ".png", "кот 🐈.jpg", "..png", "-r.png"]


def inspected(body: bytes, *tags: str, **fields: Any) -> Image:
    """An image whose file was really looked into, and has previews where it is a picture."""
    image = make_image(*tags, body=body, **fields)
    inspection_jobs.inspect(image)
    image.refresh_from_db()
    return image


def in_parts(body: bytes) -> Image:
    """An image whose file came in parts, so that its entity tag is no MD5 of it."""
    image = make_image("large", size=len(body), filename="large.bin")
    upload_id = storage.begin_parts(image.key)
    starts = range(0, len(body), PART_BYTES)
    chosen = [
        (number, _sent(image.key, upload_id, number, body[start : start + PART_BYTES]))
        for number, start in enumerate(starts, 1)
    ]
    assert storage.complete_parts(image.key, upload_id, chosen)
    return image


def _sent(key: str, upload_id: str, number: int, piece: bytes) -> str:
    """The entity tag of a part that was sent."""
    sent = client.store().upload_part(
        Bucket=settings.S3_BUCKET, Key=key, UploadId=upload_id, PartNumber=number, Body=piece
    )
    return sent["ETag"]


def fill() -> dict[str, Image]:
    """Images, tags, rules, links, ledgers, releases, users; some of the images by what they are."""
    mira = make_user("mira", project_id="lab", staff=True)
    make_credentials("theo", project_id="lab")
    make_tag("knee"), make_tag("leg")
    vocabulary.alias(make_tag("genou"), make_tag("knee"), TESTS)
    vocabulary.imply(make_tag("knee"), [make_tag("leg")], TESTS)
    for number, name in enumerate(ODD_NAMES):
        inspected(encoded(photo(seed=number), "PNG"), "knee", filename=name)
    inspected(encoded(photo(seed=20), "JPEG"), "hand=left", by=mira, private=True)
    inspected(dicom(), "hand=right", filename="ct.dcm")
    inspected(b"no picture at all", filename="broken.png")
    # The same bytes under two keys.
    inspected(make_png(9, 9, "#00ff00")), inspected(make_png(9, 9, "#00ff00"))
    in_parts(bytes(range(256)) * (LARGE_BYTES // 256))
    member = ready_image("released", stored=True)
    trashed = inspected(encoded(photo(seed=30), "PNG"), "old")
    deleted = inspected(encoded(photo(seed=31), "PNG"), "older")
    pending, arrived = (
        make_pending("to come"),
        make_pending("unnoticed", size=6, check_at=timezone.now()),
    )
    storage.put(arrived.key, b"noticed later"[:6])
    assert released(query={"exact_tags": ["released"]}).members == 1
    deletion.delete(member)
    deletion.trash(trashed)
    deletion.delete(deleted)
    # As if it was deleted with a retention that has not passed.
    Image.objects.filter(pk=deleted.pk).update(check_at=timezone.now() + timedelta(days=3))
    # As the worker does; otherwise the `verify` of a restore would be the first to do it.
    call_command("verify")
    return {
        "member": member,
        "trashed": trashed,
        "deleted": deleted,
        "pending": pending,
        "arrived": arrived,
    }


def put_orphan() -> str:
    """An object that no record knows; its key."""
    key = keys.new_key("orphan.png", timezone.now())
    storage.put(key, b"nobody's")
    return key
