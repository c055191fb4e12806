"""How much tags are used: what the worker keeps is what a recount says, whatever has happened."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, F, Max

from images import deletion
from search.index import maintenance
from search.index.building import rebuild
from taggedimages.factories import TESTS, make_image, make_tag
from tags import curation, statistics, tagging
from tags.models import ImageTag, Tag, TagChange
from tags.statistics_models import StatisticsProgress, TagStatistics

pytestmark = pytest.mark.django_db


def kept() -> dict[str, tuple[int, Any]]:
    """Links and last use of each tag, as they are kept."""
    rows = TagStatistics.objects.values_list("tag__name", "links", "last_used_at")
    return {name: (links, at) for name, links, at in rows}


def recounted() -> dict[str, tuple[int, Any]]:
    """The same of each tag, counted by its links and lines."""
    uses = TagChange.objects.filter(new_value__isnull=False).values("tag_id")
    lines = dict(uses.annotate(at=Max("changed_at")).values_list("tag_id", "at"))
    counted = Tag.objects.annotate(n=Count("imagetag")).values_list("pk", "name", "n")
    return {name: (links, lines.get(pk)) for pk, name, links in counted}


def settle(piece: int = statistics.PIECE) -> None:
    """What the worker does until there is nothing to do."""
    while maintenance.run_once():
        pass
    while statistics.keep(piece):
        pass


def test_a_first_pass_takes_in_what_there_is_in_small_pieces():
    for number in range(7):
        make_image("knee", f"tag {number % 3}")
    make_tag("spare")
    settle(piece=2)
    assert kept() == recounted()
    assert kept()["spare"] == (0, None)
    assert statistics.checked_at()


@pytest.mark.parametrize("seed", range(4))
def test_after_a_quiet_moment_it_is_what_a_recount_says(seed):
    """Whatever is tagged, untagged, merged, renamed, made and deleted, in any order."""
    chosen = random.Random(seed)
    settle()
    images = [make_image() for _ in range(4)]
    names = ["knee", "hand", "left", "right", "old"]

    def one_step() -> None:
        image, name = chosen.choice(images), chosen.choice(names)
        tag = Tag.objects.filter(name=name).first()
        step = chosen.randrange(6)
        if step < 2:
            tagging.tag(image, [name], TESTS)
        elif step == 2 and tag:
            tagging.untag(image, [tag.pk], TESTS)
        elif step == 3 and tag:
            curation.delete(tag, TESTS)
        elif step == 4:
            make_tag(name)
        elif tag and not Tag.objects.filter(name="new").exists():
            curation.rename(tag, "new", TESTS)

    for _ in range(40):
        one_step()
        if chosen.random() < 0.3:
            statistics.keep()
        if chosen.random() < 0.2:
            maintenance.run_once()
    settle(piece=chosen.choice([3, 1_000]))
    assert kept() == recounted()


def test_what_comes_after_the_first_pass_needs_no_other():
    settle()
    make_tag("spare")
    image = make_image("knee")
    settle()
    assert StatisticsProgress.objects.get().step is None
    assert kept() == recounted() != {}
    deletion.delete(image)
    settle()
    assert kept() == recounted()


def test_lines_of_the_last_seconds_are_read_again():
    """One that is numbered before another may become visible after it."""
    settle()
    make_image("knee")
    statistics.keep()
    line = TagChange.objects.get()
    assert StatisticsProgress.objects.get().line < line.pk
    # As after half a minute.
    TagStatistics.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tags_tagchange DISABLE TRIGGER USER")
        cursor.execute("UPDATE tags_tagchange SET changed_at = changed_at - interval '30 s'")
        cursor.execute("ALTER TABLE tags_tagchange ENABLE TRIGGER USER")
    statistics.keep()
    assert StatisticsProgress.objects.get().line == line.pk
    assert kept()["knee"][1] == line.changed_at - timedelta(seconds=30)


def test_a_pass_puts_right_what_was_written_past_it():
    knee = make_image("knee").tags.get()
    settle()
    right = kept()
    TagStatistics.objects.filter(tag=knee).update(links=77, last_used_at=None)
    TagStatistics.objects.create(tag_id=999_999, links=3)
    settle()
    assert kept() != right
    statistics.check_again()
    settle()
    assert kept() == right == recounted()


def test_a_pass_is_due_a_day_after_the_last():
    settle()
    assert statistics.keep() == 0
    StatisticsProgress.objects.update(checked_at=F("checked_at") - timedelta(days=1))
    assert statistics.keep() == 1
    assert StatisticsProgress.objects.get().step == 1


def test_a_rebuild_of_the_index_has_all_numbers_copied():
    make_image("knee")
    settle()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE search_setsize SET links = 5 WHERE set > 0")
    statistics.check_again()
    settle()
    assert kept()["knee"][0] == 5
    rebuild()
    settle()
    assert kept() == recounted()


def test_links_older_than_the_ledger_are_a_use():
    make_image("knee")
    link = ImageTag.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tags_tagchange DISABLE TRIGGER USER")
        cursor.execute("DELETE FROM tags_tagchange")
        cursor.execute("ALTER TABLE tags_tagchange ENABLE TRIGGER USER")
    settle()
    assert kept()["knee"] == (1, link.created_at)


def test_a_quiet_round_writes_nothing():
    settle()
    make_image("knee")
    settle()
    before = StatisticsProgress.objects.values().get()
    statement = "SELECT xmin::text FROM tags_statistics ORDER BY tag_id"
    with connection.cursor() as cursor:
        cursor.execute(statement)
        versions = cursor.fetchall()
        assert statistics.keep() == 0
        cursor.execute(statement)
        assert cursor.fetchall() == versions
    assert StatisticsProgress.objects.values().get() == before
