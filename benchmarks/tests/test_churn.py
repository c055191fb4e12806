"""A corpus is loaded with a ledger of years: its lines, in their order, lead to the links of today.

Two loads of the same corpus have the same lines, but for the hour of the load.
"""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from benchmarks.generating import generate
from benchmarks.loading import load
from images.models import Image
from tags.models import ImageTag, Tag, TagChange, VocabularyChange

pytestmark = pytest.mark.django_db(transaction=True)
LINES = 1.5


@pytest.fixture
def loaded(tmp_path) -> int:
    """How many links there are."""
    load(generate(3_000, tmp_path, files=1), say=lambda line: None, lines=LINES)
    return ImageTag.objects.count()


def test_each_line_follows_the_one_before_of_its_pair_and_the_last_is_true_today(loaded):
    state: dict[tuple[int, int], str | None] = {}
    for line in TagChange.objects.order_by("changed_at", "id"):
        pair = line.image_id, line.tag_id
        assert line.old_value == state.get(pair)
        assert line.old_value != line.new_value
        state[pair] = line.new_value
    links = ImageTag.objects.values_list("image_id", "tag_id", "value")
    assert {(*pair, value) for pair, value in state.items() if value is not None} == set(links)


def test_there_are_as_many_lines_as_wanted_and_images_lost_as_many_tags_as_were_redone(loaded):
    lines = Counter(TagChange.objects.values_list("image_id", "tag_id"))
    assert sum(lines.values()) / loaded == pytest.approx(1 + LINES, rel=0.05)
    today = set(ImageTag.objects.values_list("image_id", "tag_id"))
    redone = sum(lines[pair] - 1 for pair in today)
    gone = sum(count for pair, count in lines.items() if pair not in today)
    assert redone / loaded == pytest.approx(LINES / 2, rel=0.1)
    assert gone / loaded == pytest.approx(LINES / 2, rel=0.1)


def test_lines_come_in_the_order_of_their_times_which_are_of_images_that_were_there(loaded):
    times = list(TagChange.objects.order_by("id").values_list("changed_at", flat=True))
    assert times == sorted(times)
    assert times[-1] < timezone.now() - timedelta(minutes=59)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM tags_tagchange c JOIN images_image i ON i.id = c.image_id"
            " WHERE c.changed_at < i.registered_at OR i.registered_at <> i.created_at"
        )
        assert cursor.fetchone() == (0,)


def test_lines_have_the_names_of_their_time(loaded):
    renamed = VocabularyChange.objects.filter(kind="renamed")
    assert len(renamed) == Tag.objects.count() // 100
    for change in renamed:
        lines = TagChange.objects.filter(tag_id=change.tag_id)
        before = set(lines.filter(changed_at__lt=change.at).values_list("tag_name", flat=True))
        after = set(lines.filter(changed_at__gte=change.at).values_list("tag_name", flat=True))
        assert before <= {change.old_name}
        assert after <= {change.name}
    created = VocabularyChange.objects.filter(kind="created")
    assert created.count() == Tag.objects.count()
    first = Image.objects.order_by("created_at").first()
    assert first
    assert {line.at for line in created} == {first.created_at}
