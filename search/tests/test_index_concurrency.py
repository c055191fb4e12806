"""Totals are those of one moment, whatever is written and folded meanwhile."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

import pytest
from django.db import connections, transaction

from images import editing
from images.models import Image
from images.visibility import Viewer
from search.executor import counts, pages
from search.index import maintenance, merging, project_terms
from search.index.verification import verify
from search.planner.resolution import plan
from search.query import Query
from search.tests.limits import lowered
from taggedimages.factories import TESTS, make_image, make_tag
from tags import tagging
from tags.models import Tag

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bitmaps")]

READINGS = 40
IMAGES, MOVING = 12, 3


@pytest.fixture
def moved() -> list[Image]:
    """Images for everybody, of which three have a tag that will move among them."""
    images = [make_image("still") for _ in range(IMAGES)]
    tagging.tag_each(images[:MOVING], [make_tag("moving")], TESTS)
    return images


@pytest.fixture
def turned() -> list[Image]:
    """Images of which one of two is private, by turns."""
    return [make_image("turning", "still", private=bool(n % 2)) for n in range(6)]


def move(images: list[Image]) -> Callable[[], None]:
    """Take a tag off one image and put it on another, in one transaction."""
    tag = Tag.objects.get(name="moving")
    places = cycle(range(IMAGES))

    def run() -> None:
        place = next(places)
        with transaction.atomic():
            tagging.untag(images[place], [tag.pk], TESTS)
            tagging.link(images[(place + MOVING) % IMAGES], tag, TESTS)

    return run


def turn(images: list[Image]) -> Callable[[], None]:
    """Hide one image of a pair and show the other, in one transaction."""
    pairs = cycle(zip(images[::2], images[1::2], strict=True))
    states = cycle([True] * 3 + [False] * 3)

    def run() -> None:
        one, other = next(pairs)
        private = next(states)
        with transaction.atomic():
            editing.edit(one, {"private": private})
            editing.edit(other, {"private": not private})

    return run


def meanwhile(*writers: Callable[[], Any], reader: Callable[[], Any], readers: int = 2) -> None:
    """Writers go on until all readers have read their fill. Raises what any of them raises."""
    done = threading.Event()

    def write(writer: Callable[[], Any]) -> None:
        try:
            writer()
            while not done.is_set():
                writer()
        finally:
            connections.close_all()

    def read(_: int) -> None:
        try:
            for _ in range(READINGS):
                reader()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(writers) + readers) as threads:
        writing = [threads.submit(write, writer) for writer in writers]
        try:
            list(threads.map(read, range(readers)))
        finally:
            done.set()
        for writer in writing:
            writer.result()


def total_and_page(query: Query) -> tuple[int, int]:
    """How many are counted, and how many are on a page that has room for all."""
    planned = plan(query, Viewer.of(None))
    assert planned
    counted = counts.total(planned)
    return counted.images, len(pages.page(planned, counted, 100))


@pytest.mark.parametrize("few_links", [0, 1000], ids=["by bitmaps", "by rows"])
def test_readers_see_the_one_true_total_whatever_is_written_and_folded(moved, turned, few_links):
    shown = IMAGES + len(turned) // 2
    truths = {
        Query(): shown,
        Query(exact_tags=("moving",)): MOVING,
        Query(exact_tags=("turning",)): len(turned) // 2,
        Query(exact_tags=("still",)): shown,
        Query(exact_tags=("still", "moving")): MOVING,
        Query(untagged=True): 0,
    }

    def read() -> None:
        for query, truth in truths.items():
            assert total_and_page(query) == (truth, truth), query

    merging.fold_all()
    with lowered(few_links=few_links):
        meanwhile(move(moved), turn(turned), merging.fold, reader=read)
    assert verify().right
    read()


def test_readers_see_the_one_true_total_while_the_index_is_made_anew(moved):
    def read() -> None:
        assert total_and_page(Query(exact_tags=("moving",))) == (MOVING, MOVING)

    meanwhile(move(moved), merging.rebuild, reader=read)
    assert verify().right


def test_of_two_folds_at_once_one_leaves_it_to_the_other(moved, turned):
    def read() -> None:
        assert total_and_page(Query(exact_tags=("moving",))) == (MOVING, MOVING)

    meanwhile(move(moved), *[merging.fold] * 3, reader=read, readers=1)
    assert verify().right


def test_what_another_worker_is_at_is_left_to_it(moved):
    def keep_up() -> tuple[int, bool]:
        try:
            return maintenance.keep(), project_terms.due()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as other:
        with merging.one_state():
            assert other.submit(keep_up).result() == (0, True)
        folded, due = other.submit(keep_up).result()
    assert folded
    assert not due
