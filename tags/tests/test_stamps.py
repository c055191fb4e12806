"""The stamps of the ledgers, while sixteen threads change the same images and tags: every line of a
transaction has one, an image's lines are stamped in their order, and what the lines up to a stamp
tell is what there was."""

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from django.db import Error, connection, connections

from images.models import Image
from taggedimages.factories import TESTS, make_image
from taggedimages.transactions import PASSING, retried, sqlstate
from tags import curation, history, tagging
from tags.models import ImageTag, Tag, TagChange, VocabularyChange

WRITERS, STEPS, IMAGES = 16, 15, 4
NAMES = ["a", "b", "c", "d", "e", "f"]
State = dict[str, str]
Line = tuple[str, str | None, str | None]


@dataclass
class Seen:
    """What committed transactions saw of their images before they ended, and their stamps."""

    stamps: set[datetime] = field(default_factory=set)
    states: dict[int, dict[datetime, State]] = field(default_factory=lambda: defaultdict(dict))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, stamp: datetime, states: dict[int, State]) -> None:
        with self.lock:
            self.stamps.add(stamp)
            for image, state in states.items():
                self.states[image][stamp] = state


def stamp_of_transaction() -> datetime | None:
    """That of the lines that this transaction has written; None before the first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nullif(current_setting('taggedimages.changed_at', true), '')::timestamptz"
        )
        stamp: datetime | None = cursor.fetchone()[0]
        return stamp


def links_of(images: list[int]) -> dict[int, State]:
    states: dict[int, State] = {image: {} for image in images}
    found = ImageTag.objects.filter(image__in=images)
    for image, tag, value in found.values_list("image", "tag", "value"):
        states[image][str(tag)] = value
    return states


class Writer:
    """One of those that change the same images and tags, each in a way of its own."""

    def __init__(self, seed: int, images: list[Image], seen: Seen) -> None:
        self.pick, self.images, self.seen = random.Random(seed), images, seen
        self.ways = [self.retag, self.retag, self.tag, self.untag, self.put_values, self.tag_each]
        self.ways += [self.establish, self.rename, self.delete_tag]

    def run(self) -> int:
        """Returns how many of its steps took effect."""
        try:
            return sum(self.step() for _ in range(STEPS))
        finally:
            connections.close_all()

    def step(self) -> bool:
        change = self.pick.choice(self.ways)
        try:
            self.seen.add(*self.observed(change))
        except (curation.TagNameTaken, Tag.DoesNotExist, NothingToDo):
            return False
        except Error as error:
            # Defeated by others four times.
            if sqlstate(error) not in PASSING:
                raise
            return False
        return True

    def observed(self, change: Callable[[], list[Image]]) -> tuple[datetime, dict[int, State]]:
        @retried
        def run() -> tuple[datetime, dict[int, State]]:
            changed = change()
            stamp = stamp_of_transaction()
            if stamp is None:
                raise NothingToDo
            return stamp, links_of([image.pk for image in changed])

        return run()

    def image(self) -> Image:
        return self.pick.choice(self.images)

    def names(self) -> list[str]:
        return self.pick.sample(NAMES, self.pick.randint(0, 4))

    def tag_there(self) -> Tag:
        tags = list(Tag.objects.order_by("pk"))
        if not tags:
            raise NothingToDo
        return self.pick.choice(tags)

    def retag(self) -> list[Image]:
        image = self.image()
        tagging.retag(image, self.names(), TESTS)
        return [image]

    def tag(self) -> list[Image]:
        image = self.image()
        tagging.tag(image, self.names(), TESTS)
        return [image]

    def untag(self) -> list[Image]:
        image = self.image()
        tagging.untag(image, [self.tag_there().pk, self.tag_there().pk], TESTS)
        return [image]

    def put_values(self) -> list[Image]:
        image, alone = self.image(), self.pick.random() < 0.5
        values = {name: self.pick.choice("xyz") for name in self.names()}
        tagging.set_values(image, values, TESTS, alone=alone)
        return [image]

    def tag_each(self) -> list[Image]:
        images = self.pick.sample(self.images, 3)
        tagging.tag_each(images, [self.tag_there()], TESTS)
        return images

    def establish(self) -> list[Image]:
        images = self.pick.sample(self.images, 2)
        curation.establish_on(images, [Tag(name=name) for name in self.names()], TESTS)
        return images

    def rename(self) -> list[Image]:
        curation.rename(self.tag_there(), self.pick.choice(NAMES), TESTS)
        return []

    def delete_tag(self) -> list[Image]:
        # What it takes along is on images that it has locked.
        curation.delete(self.tag_there(), TESTS)
        return []

    def rewrite(self) -> list[Image]:
        """Several changes of several images in one request."""
        images = self.pick.sample(self.images, 2)
        tagging.lock_each(images)
        with history.signed(TESTS):
            tagging.untag_named(images[0], dict.fromkeys(NAMES), TESTS)
            tagging.tag(images[1], self.names(), TESTS)
            tagging.retag(images[0], self.names(), TESTS)
        return images


class NothingToDo(Exception):
    """The step has changed nothing."""


def written(seed: int, several_changes: bool) -> Seen:
    """Let sixteen write at once; with `several_changes`, of several images in one transaction."""
    images = [make_image("a", "b") for _ in range(IMAGES)]
    seen = Seen()
    writers = [Writer(seed * WRITERS + number, images, seen) for number in range(WRITERS)]
    for writer in writers if several_changes else ():
        writer.ways.append(writer.rewrite)
    with ThreadPoolExecutor(WRITERS) as threads:
        assert sum(threads.map(Writer.run, writers))
    return seen


def lines_by_image() -> Iterator[tuple[int, list[TagChange]]]:
    lines: dict[int, list[TagChange]] = defaultdict(list)
    for line in TagChange.objects.order_by("id"):
        lines[line.image_id].append(line)
    yield from lines.items()


def replayed(lines: list[TagChange]) -> State:
    """The links that lines tell of; each has to fit those before it."""
    state: State = {}
    for line in lines:
        tag = str(line.tag_id)
        assert state.pop(tag, None) == line.old_value
        if line.new_value is not None:
            state[tag] = line.new_value
    return state


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(2))
def test_the_ledger_up_to_any_stamp_is_what_there_was(seed):
    seen = written(seed, several_changes=True)
    assert len(seen.stamps) > WRITERS * STEPS / 4

    for image, lines in lines_by_image():
        stamps = [line.changed_at for line in lines]
        assert stamps == sorted(stamps)
        for stamp, state in seen.states[image].items():
            assert replayed([line for line in lines if line.changed_at <= stamp]) == state
        assert replayed(lines) == links_of([image])[image]


@pytest.mark.django_db(transaction=True)
def test_the_vocabulary_up_to_any_stamp_has_each_name_once():
    written(2, several_changes=False)
    names: dict[int, str] = {}
    for line in VocabularyChange.objects.order_by("at", "id"):
        if line.kind == "created":
            assert line.tag_id not in names
        else:
            assert names.pop(line.tag_id) == (line.old_name or line.name)
        if line.kind != "deleted":
            assert line.name not in names.values()
            names[line.tag_id] = line.name
    assert names == dict(Tag.objects.values_list("pk", "name"))
