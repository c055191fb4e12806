"""What bitmaps were found to match is remembered, and right whatever happens meanwhile."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from images import editing
from images.models import Image
from images.visibility import Viewer
from search import results
from search.executor import count_cache, counts
from search.executor.totals import Total
from search.index import merging
from search.index.verification import verify
from search.models import BLOCK, Bitmap, Fold
from search.planner.resolution import plan
from search.query import Query
from search.tests.answers import assert_right
from taggedimages.factories import make_image
from tags.models import Tag

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("corpus")]

BOTH = Query(exact_tags=("knee", "left"))
# Images far enough from each other to be in blocks of their own.
FIRST, BLOCKS = 1_000 * BLOCK, 5


@pytest.fixture
def corpus(bitmaps, monkeypatch) -> None:
    """Images in several blocks that the index has taken in; nothing is remembered of them."""
    for block in range(BLOCKS):
        for number in range(3):
            make_image("knee", "left", pk=FIRST + block * BLOCK + number)
        make_image("knee", pk=FIRST + block * BLOCK + 3)
    merging.fold_all()
    monkeypatch.setattr(count_cache, "_memory", count_cache._Memory())


def ask(query: Query = BOTH) -> Total:
    planned = plan(query, Viewer.of(None))
    assert planned
    return counts.total(planned)


@pytest.fixture
def combined(monkeypatch) -> list[int]:
    """How many blocks of bitmaps each look at them combines."""
    look, numbers = count_cache._look, []

    def noting(*asked):
        row = look(*asked)
        numbers.append(len(row.blocks or []))
        return row

    monkeypatch.setattr(count_cache, "_look", noting)
    return numbers


def change(block: int) -> None:
    """Have the index take in a change of a block that every search has to tell."""
    editing.edit(Image.objects.get(pk=FIRST + block * BLOCK), {"private": True})
    merging.fold_all()


def test_what_did_not_change_is_not_combined_again(combined):
    for _ in range(4):
        assert ask().images == 3 * BLOCKS
    # The second time tells which they are.
    assert combined == [BLOCKS, BLOCKS, 0, 0]


def test_of_what_changed_only_its_blocks_are_combined(combined):
    for _ in range(2):
        ask()
    change(2)
    assert ask().images == 3 * BLOCKS - 1
    assert combined[2:] == [1]
    assert_right(BOTH, None)


def test_a_change_that_the_index_has_not_taken_in_is_told_too():
    for _ in range(2):
        ask()
    editing.edit(Image.objects.get(pk=FIRST), {"private": True})
    make_image("left", "knee")
    assert ask().images == 3 * BLOCKS
    assert_right(BOTH, None)


def test_a_page_of_what_is_remembered_takes_no_search():
    for _ in range(2):
        results.page(BOTH, None, 4, 2)
    with CaptureQueriesContext(connection) as ran:
        page = results.page(BOTH, None, 4, 2)
    assert (page.total, len(page.records)) == (3 * BLOCKS, 4)
    # The tags that are named, the total, and the records of known ids.
    assert len(ran) == 3
    assert "tags_imagetag l WHERE l.tag_id" not in ran.captured_queries[-1]["sql"]


def test_what_is_hidden_between_total_and_page_is_not_shown(monkeypatch):
    for _ in range(2):
        results.page(BOTH, None, 4)
    total, hidden = counts.total, results.page(BOTH, None, 4).records[0].id

    def hide(planned):
        found = total(planned)
        editing.edit(Image.objects.get(pk=hidden), {"private": True})
        return found

    monkeypatch.setattr(counts, "total", hide)
    page = results.page(BOTH, None, 4)
    assert hidden not in [record.id for record in page.records]
    assert (len(page.records), page.last is not None) == (3, True)


def test_images_that_are_dated_anew_move():
    for _ in range(2):
        ask()
    oldest = Image.objects.get(pk=FIRST)
    oldest.created_at = Image.objects.latest("created_at").created_at
    oldest.save()
    for _ in range(2):
        assert_right(BOTH, None, limit=5, offset=0)
        merging.fold_all()


def test_more_than_a_few_are_only_counted(monkeypatch):
    monkeypatch.setattr(count_cache, "FEW", 3 * BLOCKS - 1)
    for _ in range(3):
        assert ask().newest is None
    assert_right(BOTH, None)


@pytest.mark.parametrize("folded", [True, False])
def test_many_more_at_once_are_only_counted(monkeypatch, folded):
    monkeypatch.setattr(count_cache, "FEW", 3 * BLOCKS)
    for _ in range(2):
        ask()
    for _ in range(3 * BLOCKS + 1):
        make_image("knee", "left")
    if folded:
        merging.fold_all()
    assert ask().newest is None
    assert_right(BOTH, None)


def test_several_queries_of_the_same_bitmaps_keep_apart():
    make_image("knee", "left", "rare")
    for query in (BOTH, Query(exact_tags=("knee", "left"), without_any=BOTH.with_any)) * 2:
        assert_right(query, None)
    for query in (BOTH, Query(exact_tags=("knee", "left", "rare"))) * 2:
        assert_right(query, None)


def test_what_was_remembered_of_a_wrong_index_goes_with_its_repair():
    knee = Tag.objects.get(name="knee").pk
    Bitmap.objects.filter(set=knee, block=FIRST // BLOCK).delete()
    for _ in range(2):
        assert ask().images == 3 * (BLOCKS - 1)
    verify(repair=True)
    assert ask().images == 3 * BLOCKS


@pytest.mark.parametrize("anew", [merging.rebuild, lambda: Fold.objects.latest("pk").delete()])
def test_what_is_of_no_fold_that_is_known_is_found_anew(anew):
    """As after a rebuild, or on a replica that was promoted before it had the last fold."""
    for _ in range(2):
        ask()
    anew()
    Bitmap.objects.filter(block=FIRST // BLOCK).delete()
    assert ask().images == 3 * (BLOCKS - 1)


def test_what_was_found_in_a_transaction_that_failed_is_forgotten():
    for _ in range(2):
        ask()
    with transaction.atomic():
        change(1)
        assert ask().images == 3 * BLOCKS - 1
        transaction.set_rollback(True)
    change(2)
    assert_right(BOTH, None)


def test_only_the_latest_folds_are_kept(monkeypatch):
    monkeypatch.setattr(merging, "NAMED", 3)
    for block in range(BLOCKS):
        change(block)
    assert [len(fold.blocks) for fold in Fold.objects.all()] == [1, 1, 1]
    assert_right(BOTH, None)


def test_memory_is_bounded(monkeypatch):
    for _ in range(2):
        ask()
    taken = count_cache._memory.bytes
    monkeypatch.setattr(count_cache, "MOST_BYTES", taken)
    for query in (Query(exact_tags=("knee",), uploaded_only=True), BOTH):
        ask(query)
        assert 0 < count_cache._memory.bytes <= taken
    assert len(count_cache._memory.found) == 1
