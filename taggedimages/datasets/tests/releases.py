"""Data sets, images that are ready to be released, and releases as the worker makes them."""

import hashlib
import itertools
from typing import Any

from django.utils import timezone

from images.models import Facts, Image
from taggedimages.datasets import building, catalogue, proposing
from taggedimages.datasets.models import Dataset, Release
from taggedimages.datasets.v1.asking import proposal
from taggedimages.factories import make_image, make_png
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User

numbers = itertools.count(1)


def ready_image(*tags: str, by: User | None = None, stored: bool = False, **fields: Any) -> Image:
    """An inspected image with tags, whose bytes are like no other's; `stored` puts them into the
    store. Fields named `facts__…` are those of its Facts."""
    number = next(numbers)
    facts = {name[7:]: fields.pop(name) for name in list(fields) if name.startswith("facts__")}
    body = fields.pop("body", None) or make_png(8, 6, f"#{number % 0x1000000:06x}")
    fields = {"processed_at": timezone.now(), "size": len(body)} | fields
    image = make_image(*tags, by=by, body=body if stored else None, **fields)
    values = {
        "format": "png",
        "media_type": "image/png",
        "width": 8,
        "height": 6,
        "sha256": hashlib.sha256(body).digest(),
        "md5": hashlib.md5(body, usedforsecurity=False).digest(),
    }
    Facts.objects.create(image=image, **values | facts)
    return image


def ready_images(
    count: int, *tags: str, by: User | None = None, stored: bool = False, **fields: Any
) -> list[Image]:
    """So many of them, by their ids."""
    return [ready_image(*tags, by=by, stored=stored, **fields) for _ in range(count)]


def make_dataset(name: str = "", by: User | None = None, **fields: Any) -> Dataset:
    """A data set of a user, or one of nobody's; new unless its name exists."""
    name = name or f"set{next(numbers)}"
    found = Dataset.objects.filter(name=name).first()
    return found or catalogue.create(name, Author(by, "tests"), **fields)


def asked_for(
    dataset: Dataset | None = None,
    query: dict[str, Any] | None = None,
    by: User | None = None,
    **asked: Any,
) -> Release:
    """A release that waits for the worker: of all images that its author is shown, unless a
    `query` says which, as /v1 takes it. `asked`: `as_of`, `splits`, `contracts`, `waive`,
    `unready`, as a body of /v1 has them."""
    dataset = dataset or make_dataset(by=by)
    body = {"query": query or {"everything": True}, **asked}
    return proposing.propose(dataset, proposal(body), Author(by, "tests"))


def released(
    dataset: Dataset | None = None,
    query: dict[str, Any] | None = None,
    by: User | None = None,
    **asked: Any,
) -> Release:
    """The same after the worker was at it: released, or failed."""
    release = asked_for(dataset, query, by, **asked)
    while building.sweep():
        pass
    release.refresh_from_db()
    return release
