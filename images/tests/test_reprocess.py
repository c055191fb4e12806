"""manage.py reprocess."""

import io
from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from images.models import Facts, Image
from taggedimages.factories import make_image

pytestmark = pytest.mark.django_db


def processed(problem: str = "", at: datetime | None = None) -> Image:
    image = make_image(processed_at=at or timezone.now(), attempts=1)
    Facts.objects.create(image=image, problem=problem)
    return image


def run(*arguments: object) -> str:
    output = io.StringIO()
    call_command("reprocess", *map(str, arguments), stdout=output)
    return output.getvalue()


def due() -> set[int]:
    return set(Image.objects.filter(processed_at=None).values_list("pk", flat=True))


def test_by_id():
    first, _ = processed(), processed()
    assert "1 images will be processed again." in run(first.pk)
    assert due() == {first.pk}


def test_all_that_failed():
    failed, _ = processed("unreadable: x"), processed()
    run("--failed")
    assert due() == {failed.pk}


def test_all_that_were_read():
    _, ready = processed("unreadable: x"), processed()
    run("--ready")
    assert due() == {ready.pk}


def test_going_on_leaves_out_what_is_done():
    started = timezone.now() - timedelta(minutes=5)
    open_one = processed(at=started - timedelta(hours=1))
    processed()
    run("--ready", "--before", started.isoformat())
    assert due() == {open_one.pk}


@pytest.mark.parametrize("arguments", [[], ["--ready", "--before", "2026-01-01T00:00:00"]])
def test_what_is_meant_must_be_said(arguments):
    with pytest.raises(CommandError):
        run(*arguments)
