"""Every page of the admin by its routes, and a project that has something of all kinds to show."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse
from django.utils import timezone

import taggedimages.urls  # noqa: F401 - with it come the pages of the admin
from images import deletion, inserts, processing, uploads
from images.models import Image
from taggedimages.changes import worker
from taggedimages.changes.models import Change, State
from taggedimages.changes.tests.corpora import make_change, refs
from taggedimages.factories import make_image, make_pending, make_png
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags import tagging

TEXT = "text/html; charset=utf-8"


def make_workplace(by: User, *names: str, prefix: str = "") -> Image:
    """Images in every state, tags, and changes in several states, of somebody's project.

    Answers an image with previews, tags and a history.
    """
    tags, author = list(names or ("knee", "left")), Author(by, "tests")
    image = make_inspected(f"{prefix}seen.png", tags, by)
    twin = make_inspected(f"{prefix}twin.png", tags[:1], by)
    tagging.untag(twin, [tag["id"] for tag in refs(tags[0])], author)
    make_image(*tags, by=by, filename=f"{prefix}hidden.png", private=True)
    make_pending(by=by, filename=f"{prefix}waits.png")
    make_pending(by=by, filename=f"{prefix}bad.png", upload_error="size: There are other bytes.")
    make_image(by=by, filename=f"{prefix}ended.png", ended_at=timezone.now())
    deletion.trash(make_image(by=by, filename=f"{prefix}trashed.png"))
    adding = {"add": refs(tags[0])}
    for state in State:
        if state not in (State.APPLYING, State.PLANNING):
            make_change(adding, [image, twin], by=by, state=state)
    change = make_change(adding, [twin], by=by)
    settle(lambda: worker.sweep(), Change.objects.filter(pk=change.pk, state=State.APPLYING))
    return image


def make_inspected(filename: str, tags: list[str], by: User) -> Image:
    """An image whose file was looked at, with previews."""
    image = uploads.receive(filename, make_png(), Author(by, "tests"))
    inserts.insert(image)
    tagging.tag_new(image, tags, Author(by, "tests"))
    settle(lambda: processing.sweep(), Image.objects.filter(pk=image.pk, processed_at=None))
    return image


def settle(sweep: Callable[[], int], left: Any) -> None:
    """Sweep until nothing is left, which a worker beside may have taken."""
    until = time.monotonic() + 30
    while left.exists():
        assert time.monotonic() < until
        if not sweep():
            time.sleep(0.05)


def routes() -> Iterator[tuple[str, Any, type[Model] | None]]:
    """Name, pattern and kind of record of each route of the admin."""
    for model, options in admin.site._registry.items():
        for pattern in options.get_urls():
            if isinstance(pattern, URLPattern) and pattern.name:
                yield pattern.name, pattern.pattern, model
    for own in admin.site.get_urls():
        if isinstance(own, URLPattern) and own.name:
            yield own.name, own.pattern, None


def addresses(client: Client) -> list[str]:
    """The address of every page that somebody is shown, for the first record of each kind."""
    return [address for address in all_addresses(client) if is_page(client, address)]


def all_addresses(client: Client) -> list[str]:
    """The address of every route, for the first record of each kind that somebody is shown."""
    found = set()
    for name, pattern, model in routes():
        given = [record_of(model, client)] if pattern.regex.groups else []
        try:
            found.add(reverse(f"admin:{name}", args=given))
        except NoReverseMatch:
            continue
    # Which ends the session.
    return sorted(found - {reverse("admin:logout")})


def record_of(model: type[Model] | None, client: Client) -> Any:
    """The id of a record of a kind that somebody is shown; without a kind, the name of an app."""
    if model is None:
        return "images"
    keys = model._default_manager.order_by("pk").values_list("pk", flat=True)[:50]
    for key in keys:
        address = reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[key]
        )
        if is_page(client, address):
            return key
    return 0


def is_page(client: Client, address: str) -> bool:
    """Whether somebody is shown a page there."""
    answer = client.get(address)
    return (answer.status_code, answer.get("Content-Type")) == (200, TEXT)


def make_log(by: User, record: Model) -> None:
    """Something that the admin remembers of a record."""
    kind = ContentType.objects.get_for_model(record)
    LogEntry.objects.create(
        user=by, content_type=kind, object_id=str(record.pk), object_repr="x", action_flag=CHANGE
    )
