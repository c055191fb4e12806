"""Records of files as an inspection leaves them: whoever measures what is done with many files puts
the bytes of each where its record says. They are no pictures, for nobody looks into them."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from images import keys
from images.models import Facts, Image
from taggedimages.identity.models import Project, default_project_id


def make_records(came: Iterable[tuple[int, datetime]], size: int) -> list[Image]:
    """A record for each number and the time at which its file came, of so many bytes."""
    Project.objects.get_or_create(pk=default_project_id())
    return Image.objects.bulk_create(_record(number, at, size) for number, at in came)


def make_facts(images: list[Image], bodies: list[bytes], *, has_previews: bool) -> None:
    """What was found in the file of each."""
    Facts.objects.bulk_create(
        Facts(
            image=image,
            format="png",
            width=8,
            height=6,
            sha256=hashlib.sha256(body).digest(),
            md5=hashlib.md5(body, usedforsecurity=False).digest(),
            has_previews=has_previews,
        )
        for image, body in zip(images, bodies, strict=True)
    )


def _record(number: int, at: datetime, size: int) -> Image:
    name = f"file{number}.png"
    return Image(
        filename=name,
        name=name,
        size=size,
        key=keys.archived(keys.new_key(name, at)),
        created_at=at,
        uploaded_at=at,
        processed_at=at,
    )
