"""The parts of a page are found where they are, and leave nothing behind."""

from pkgutil import resolve_name

import pytest
from django.core.management import call_command

from benchmarks import page
from search.executor import counts, pages
from taggedimages.factories import make_image

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tagged() -> None:
    for _ in range(3):
        make_image("knee", "left")
    call_command("tagindex", rebuild=True)


@pytest.mark.parametrize("name", [name for names in page.PARTS.values() for name in names])
def test_every_function_that_is_timed_is_where_it_is_named(name):
    assert callable(resolve_name(name))


def test_every_part_of_every_page_is_seen(tagged):
    found = page.measure(requests=2)["pages"]
    assert len(found) == 3
    for profile in found.values():
        assert set(profile["parts"]) == {page.OUTSIDE, *page.PARTS}
        # What has few links is counted by the statement of its page.
        assert all(taken > 0 for part, taken in profile["parts"].items() if part != "total")
    assert found["/v1/images"]["parts"]["total"] > 0


def test_parts_are_themselves_again_afterwards(tagged):
    before = counts.count, pages.page
    page.measure(requests=1)
    assert (counts.count, pages.page) == before


def test_a_part_does_not_count_what_another_part_took():
    watch = page.Profile()
    with watch.timing("outer"), watch.timing("inner"):
        sum(range(100_000))
    assert watch.taken["inner"] > watch.taken["outer"]
