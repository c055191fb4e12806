"""Whom a tag is shown to stays right when many change that at once."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from images.models import Image
from images.visibility import Viewer
from taggedimages.factories import TESTS, make_image, make_tag
from taggedimages.transactions import retried
from tags import curation, shown, shown_rows, tagging
from tags.models import AudienceTag, ImageTag, Tag

pytestmark = pytest.mark.django_db(transaction=True)

# How long somebody who has to wait is watched.
WATCHED_SECONDS = 0.3


def closing(change: Callable[[], object]) -> Callable[[], None]:
    """The change, by a connection that is closed after it."""

    def run() -> None:
        try:
            change()
        finally:
            connection.close()

    return run


def assert_waits(other: Callable[[], object], *, for_: Callable[[], object]) -> None:
    """The other change is not through before the transaction of the first has ended."""
    made, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            for_()
            made.set()
            over.wait(30)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(closing(hold))
        try:
            assert made.wait(30)
            second = pool.submit(closing(other))
            with pytest.raises(TimeoutError):
                second.result(WATCHED_SECONDS)
        finally:
            over.set()
        first.result(30)
        second.result(30)


def untagged(image: Image) -> Callable[[], object]:
    return lambda: ImageTag.objects.filter(image=image).delete()


def assert_right(*names: str) -> None:
    """The rows are what links say, and nobody in particular is shown these tags."""
    assert shown_rows.verify() == 0
    everybody = Tag.objects.shown_to(Viewer.of(None)).alphabetical()
    assert [tag.name for tag in everybody] == list(names)
    assert shown.count(shown.shown_to(Viewer.of(None))) == len(names)


def tagged(image: Image) -> Callable[[], object]:
    return lambda: tagging.tag(image, ["knee"], TESTS)


def test_a_tag_that_leaves_its_last_image_while_another_gets_it_stays_shown():
    first, second = make_image("knee"), make_image()
    assert_waits(untagged(first), for_=tagged(second))
    assert_right("knee")


def test_a_tag_that_an_image_gets_while_it_leaves_its_last_one_stays_shown():
    first, second = make_image("knee"), make_image()
    assert_waits(tagged(second), for_=untagged(first))
    assert_right("knee")


def test_a_tag_that_leaves_both_its_images_at_once_is_not_shown_for_them():
    first, second = (make_image("knee", private=True) for _ in range(2))
    assert_waits(untagged(second), for_=untagged(first))
    assert not AudienceTag.objects.exists()
    assert_right()


def test_an_unused_tag_that_a_hidden_and_a_public_image_get_at_once_is_shown():
    make_tag("knee")
    hidden, public = make_image(private=True), make_image()
    assert_waits(tagged(public), for_=tagged(hidden))
    assert_right("knee")


def test_rows_are_right_after_very_many_changes_at_once():
    images = [make_image() for _ in range(4)]
    for name in ("knee", "left", "right"):
        make_tag(name)
    names = ["knee", "left", "right", "new"]

    @retried
    def change(chance: random.Random) -> None:
        image, wanted = chance.choice(images), chance.sample(names, chance.randint(0, 2))
        what = chance.randrange(5)
        with transaction.atomic():
            if what < 2:
                tagging.retag(image, wanted, TESTS)
            elif what == 2:
                one = Image.objects.select_for_update().get(pk=image.pk)
                one.visibility = chance.randrange(3)
                one.save()
            elif what == 3:
                tagging.tag(image, wanted, TESTS)
            else:
                ImageTag.objects.filter(image=image).delete()

    def run(seed: int) -> None:
        chance = random.Random(seed)
        try:
            for number in range(60):
                change(chance)
                if number % 20 == 19 and (tag := Tag.objects.order_by("?").first()):
                    curation.delete(tag, TESTS)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, range(6)))
    assert shown_rows.verify() == 0
