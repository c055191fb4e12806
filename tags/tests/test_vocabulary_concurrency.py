"""Rules that are made at once, or while tags are linked and deleted: one after the other, whole."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connections

from images.models import Image
from taggedimages.factories import make_image, make_tag
from taggedimages.identity.authors import Author
from tags import curation, tagging, vocabulary
from tags.models import Closure, Tag

pytestmark = pytest.mark.django_db(transaction=True)
BY = Author(None, "v1")
ROUNDS = 8


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each gives or raises, each in a thread with its own connection."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait(timeout=30)
        try:
            return call()
        except (vocabulary.Cycle, Tag.DoesNotExist) as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def assert_closure_right() -> None:
    """It is what the rules say, told without it."""
    parents = {
        tag.pk: {parent.pk for parent in vocabulary.parents_of(tag)}
        for tag in Tag.objects.filter(alias_of=None)
    }
    wanted: set[tuple[int, int]] = set()
    for tag in parents:
        above: set[int] = set()
        new = {tag}
        while new:
            new = set().union(*(parents[one] for one in new)) - above
            above |= new
        members = [tag, *Tag.objects.filter(alias_of=tag).values_list("pk", flat=True)]
        wanted |= {(one, member) for one in (*above, tag) for member in members if one != member}
    assert set(Closure.objects.values_list("ancestor", "descendant")) == wanted


def test_of_two_that_alias_each_other_one_is_the_target():
    for _ in range(ROUNDS):
        one, two = make_tag(), make_tag()
        outcomes = at_once(
            partial(vocabulary.alias, one, two, BY),
            partial(vocabulary.alias, two, one, BY),
        )
        assert sorted(isinstance(outcome, vocabulary.Cycle) for outcome in outcomes) == [
            False,
            True,
        ]
        assert Tag.objects.filter(pk__in=[one.pk, two.pk], alias_of=None).count() == 1
    assert_closure_right()


def test_of_implications_that_close_a_cycle_at_once_one_is_refused():
    for _ in range(ROUNDS):
        one, two, three = make_tag(), make_tag(), make_tag()
        outcomes = at_once(
            partial(vocabulary.imply, one, [two], BY),
            partial(vocabulary.imply, two, [three], BY),
            partial(vocabulary.imply, three, [one], BY),
        )
        refused = [outcome for outcome in outcomes if isinstance(outcome, vocabulary.Cycle)]
        assert len(refused) == 1
        assert len(refused[0].path) == 4
    assert_closure_right()


def test_an_alias_of_what_is_deleted_meanwhile_is_refused_or_goes_with_it():
    for _ in range(ROUNDS):
        tag, target = make_tag(), make_tag()
        image = make_image(tag.name)
        aliased, deleted = at_once(
            partial(vocabulary.alias, tag, target, BY),
            partial(curation.delete, target, BY),
        )
        assert deleted is True
        assert Tag.objects.filter(pk=tag.pk).exists() is isinstance(aliased, Tag.DoesNotExist)
        assert image.tags.count() == Tag.objects.filter(pk=tag.pk).count()
    assert_closure_right()


def test_links_written_while_their_tag_becomes_an_alias_count_as_the_targets():
    for _ in range(ROUNDS):
        tag, target = make_tag(), make_tag()
        images = [make_image() for _ in range(3)]
        at_once(
            *(partial(tagging.tag, image, [tag.name], BY) for image in images),
            partial(vocabulary.alias, tag, target, BY),
        )
        for image in Image.objects.filter(pk__in=[image.pk for image in images]):
            assert vocabulary.targets(list(image.tags.all())) == [target]
    assert_closure_right()
