"""Pages of tags by number are right at any depth, whatever comes and goes."""

import pytest
from django.db import connection

from images.visibility import Viewer
from search.index import maintenance
from search.models import Rebuild
from search.tests.indexes import merge_all
from taggedimages.factories import TESTS, make_spare_tags, make_tag
from taggedimages.tests.explaining import explained
from tags import alphabet, curation
from tags.models import Tag

pytestmark = pytest.mark.django_db

NAMES = [f"{letter}{number}" for letter in "bMdßzé%_" for number in range(4)]


# Everybody is shown all of these tags, superusers by another statement.
VIEWERS = (Viewer.of(None), Viewer(audiences=None))


def assert_pages_right() -> None:
    """Pages of any length from anywhere are those of the table itself."""
    for viewer in VIEWERS:
        assert_pages_right_for(viewer)


def assert_pages_right_for(viewer: Viewer) -> None:
    wanted = list(Tag.objects.alphabetical().values("id", "name"))
    for offset in (*range(len(wanted) + 2), 2**63 * 100):
        for limit in (1, 4, 100):
            page = alphabet.page(viewer, limit, offset)
            assert page.tags == wanted[offset : offset + limit]
            assert page.total == len(wanted)
            assert bool(page.last) == (offset + limit < len(wanted))
            if page.last:
                assert page.last.name == page.tags[-1]["name"]


@pytest.mark.parametrize("compacted", [False, True])
def test_pages_by_number_are_right_whatever_comes_and_goes(compacted):
    def changes():
        yield lambda: None
        yield lambda: [make_tag(name) for name in NAMES]
        yield lambda: [make_tag(name) for name in ("a", "A", "c", "D0", "zz", "\U0001f600")]
        yield lambda: [curation.delete(tag, TESTS) for tag in Tag.objects.filter(name__gt="b2")[:5]]
        yield lambda: curation.rename(make_tag("a"), "x", TESTS)
        yield lambda: curation.rename(make_tag("b0"), "B0", TESTS)
        yield lambda: Tag.objects.filter(name__startswith="d").delete()
        yield lambda: Tag.objects.all().delete()
        yield lambda: make_tag("knee")

    for change in changes():
        change()
        if compacted:
            merge_all()
        assert_pages_right()


def test_pages_by_number_are_right_while_a_rebuild_is_due_and_after():
    for name in NAMES:
        make_tag(name)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        make_tag("a")
        cursor.execute("SET LOCAL session_replication_role = origin")
    Rebuild.objects.create()
    assert_pages_right()
    maintenance.run_once()
    assert_pages_right()


@pytest.mark.parametrize(("number", "tags"), [(0, 101), (49, 5_001), (150, 5_000), (199, 100)])
def test_a_page_by_number_passes_over_tags_up_to_the_nearer_end_in_the_index(api, number, tags):
    make_spare_tags(20_000)
    (read,) = explained(lambda: api.get("/v1/tags", {"page": number, "limit": 100}))
    # Without a vacuum, which no transaction has, the table is asked whether each is still there.
    assert read.rows({"tags_audiencetag"}) == tags
    assert not {"tags_tag", "tags_audiencetag"} & read.scanned
    assert read.indexes >= {"audiencetag_by_name"}
