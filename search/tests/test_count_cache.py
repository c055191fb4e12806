"""The count cache is right whatever happens meanwhile, and combines only blocks that changed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from images import editing
from images.models import Facts, Image
from images.visibility import Viewer
from search.executor import count_cache, counts
from search.executor.count_cache import CountCache
from search.executor.matches import MatchCount
from search.index.building import rebuild
from search.index.verification import verify
from search.models import BLOCK, Bitmap, MergeLog
from search.query import Query, TagValues
from search.results import SearchResults
from search.tests.answers import assert_right, path_of
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import make_image
from taggedimages.postgresql import history
from tags.models import Tag

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("corpus")]

BOTH = Query(exact_tags=("knee", "left"))
# Images far enough from each other to be in blocks of their own.
FIRST, BLOCKS = 1_000 * BLOCK, 5
MATCHES = 3 * BLOCKS


@pytest.fixture
def corpus() -> None:
    """Images in several blocks that the index has merged; nothing is cached of them."""
    for block in range(BLOCKS):
        for number in range(3):
            make_image("knee", "left", pk=FIRST + block * BLOCK + number)
        make_image("knee", pk=FIRST + block * BLOCK + 3)
    merge_all(SMALL)
    count_cache.cache.clear()


def count(query: Query = BOTH, thresholds=SMALL) -> MatchCount:
    return counts.count(path_of(query, thresholds=thresholds))


def page(limit: int, offset: int = 0):
    return SearchResults(BOTH, Viewer.of(None), thresholds=SMALL).page(limit, offset)


def change(block: int, thresholds=SMALL) -> None:
    """Have the index merge a change of a block that every search has to tell."""
    editing.edit(Image.objects.get(pk=FIRST + block * BLOCK), {"visibility": 2})
    merge_all(thresholds)


def spoil_bitmaps(block: int) -> None:
    """Without a word in the merge log: a count that reads the block again comes out lower."""
    Bitmap.objects.filter(block=FIRST // BLOCK + block).delete()


def test_cached_counts_read_no_block_that_did_not_change():
    for _ in range(2):
        assert count().images == MATCHES
    for block in range(BLOCKS):
        spoil_bitmaps(block)
    for _ in range(2):
        assert count().images == MATCHES


def test_cached_counts_read_just_the_blocks_that_were_merged_into():
    for _ in range(2):
        count()
    for block in range(BLOCKS):
        if block != 2:
            spoil_bitmaps(block)
    change(2)
    assert count().images == MATCHES - 1


def test_cached_counts_are_right_after_a_merge():
    for _ in range(2):
        count()
    change(2)
    assert count().images == MATCHES - 1
    assert_right(BOTH, None)


def test_cached_counts_tell_pending_changes_too():
    for _ in range(2):
        count()
    editing.edit(Image.objects.get(pk=FIRST), {"visibility": 2})
    make_image("left", "knee")
    assert count().images == MATCHES
    assert_right(BOTH, None)


def test_ids_are_not_those_of_another_history_that_has_the_same_merge():
    """There an image was dated anew, and its date remembered, before the database was put back."""
    for _ in range(2):
        page(4)
    newest = page(1).records[0].id
    redated = Image.objects.get(pk=newest).created_at - timedelta(days=1)
    count_cache.cache.clear()
    with transaction.atomic():
        Image.objects.filter(pk=newest).update(created_at=redated)
        for _ in range(2):
            page(4)
        assert page(1).records[0].id != newest
        transaction.set_rollback(True)
    history.renew()
    assert page(1).records[0].id == newest


def test_a_page_of_cached_ids_takes_no_scan():
    for _ in range(2):
        page(4, 2)
    with CaptureQueriesContext(connection) as ran:
        found = page(4, 2)
    assert (found.total, len(found.records)) == (MATCHES, 4)
    # The tags that are named, the total, and the records of known ids.
    assert len(ran) == 3
    assert "tags_imagetag l WHERE l.tag_id" not in ran.captured_queries[-1]["sql"]


def test_cached_ids_of_what_is_hidden_between_total_and_page_are_not_shown():
    for _ in range(2):
        page(4)
    hidden = page(4).records[0].id

    def hide(execute, statement, *more):
        # After the total was read, and before the records are.
        if "fresh AS MATERIALIZED" in statement or "EXECUTE" in statement:
            answer = execute(statement, *more)
            Image.objects.filter(pk=hidden).update(visibility=2)
            return answer
        return execute(statement, *more)

    found = SearchResults(BOTH, Viewer.of(None), thresholds=SMALL)
    assert found.path
    with connection.execute_wrapper(once(hide)):
        found_page = found.page(4)
    assert found_page.total == MATCHES
    assert hidden not in [record.id for record in found_page.records]
    assert (len(found_page.records), found_page.last is not None) == (3, True)


def once(wrapper):
    """A wrapper of statements that is used for the first of them alone."""
    used: list[bool] = []

    def wrapped(execute, *asked):
        if used:
            return execute(*asked)
        used.append(True)
        return wrapper(execute, *asked)

    return wrapped


def test_cached_ids_of_images_that_are_dated_anew_move():
    for _ in range(2):
        count()
    oldest = Image.objects.get(pk=FIRST)
    oldest.created_at = Image.objects.latest("created_at").created_at
    oldest.save()
    for _ in range(2):
        assert_right(BOTH, None, limit=5, offset=0)
        merge_all(SMALL)


def test_ids_of_more_than_the_threshold_are_not_cached():
    few = replace(SMALL, cached_ids_max=MATCHES - 1)
    for _ in range(3):
        assert count(thresholds=few).ids is None
    assert_right(BOTH, None, thresholds=few)


@pytest.mark.parametrize("merged", [True, False])
def test_ids_are_no_longer_cached_once_they_are_more_than_the_threshold(merged):
    few = replace(SMALL, cached_ids_max=MATCHES)
    for _ in range(2):
        count(thresholds=few)
    assert count(thresholds=few).ids is not None
    for _ in range(MATCHES + 1):
        make_image("knee", "left")
    if merged:
        merge_all(SMALL)
    assert count(thresholds=few).ids is None
    assert_right(BOTH, None, thresholds=few)


def test_cached_counts_of_queries_of_the_same_bitmaps_keep_apart():
    make_image("knee", "left", "rare")
    rare = (TagValues("rare"),)
    for query in (BOTH, replace(BOTH, without_any=rare)) * 2:
        assert_right(query, None)
    for query in (BOTH, Query(exact_tags=("knee", "left", "rare"))) * 2:
        assert_right(query, None)


def test_a_value_that_nothing_had_is_counted_once_a_merge_has_given_it_a_term():
    png = Query(formats=("png",), min_width=7)
    for _ in range(2):
        assert count(png).images == 0
    Facts.objects.create(image_id=FIRST, format="png", width=7)
    for _ in range(2):
        assert_right(png, None)
        merge_all(SMALL)
    assert count(png).images == 1


def test_counts_cached_of_a_wrong_index_go_with_its_repair():
    knee = Tag.objects.get(name="knee").pk
    Bitmap.objects.filter(term=knee, block=FIRST // BLOCK).delete()
    for _ in range(2):
        assert count().images == 3 * (BLOCKS - 1)
    verify(repair=True)
    assert count().images == MATCHES


@pytest.mark.parametrize("anew", [rebuild, lambda: MergeLog.objects.latest("pk").delete()])
def test_stale_counts_of_a_merge_that_the_log_does_not_know_are_counted_anew(anew):
    """As after a rebuild, or on a replica that was promoted before it had the last merge."""
    for _ in range(2):
        count()
    anew()
    spoil_bitmaps(0)
    assert count().images == 3 * (BLOCKS - 1)


def test_a_merge_has_another_number_in_another_history():
    """Also where the clock tells nothing, since it was ahead once, or was put back."""
    ahead = MergeLog.objects.create(id=2**62, blocks=[]).pk
    numbers = []
    for _ in range(2):
        with transaction.atomic():
            change(1)
            numbers.append(MergeLog.objects.latest("pk").pk)
            transaction.set_rollback(True)
    assert numbers[0] != numbers[1]
    assert min(numbers) > ahead


def test_counts_cached_in_a_transaction_that_failed_are_stale():
    for _ in range(2):
        count()
    with transaction.atomic():
        change(1)
        assert count().images == MATCHES - 1
        transaction.set_rollback(True)
    change(2)
    assert_right(BOTH, None)


def test_the_merge_log_keeps_only_the_latest():
    for block in range(BLOCKS):
        change(block, replace(SMALL, merge_log_blocks=3))
    assert [len(merged.blocks) for merged in MergeLog.objects.all()] == [1, 1, 1]
    assert_right(BOTH, None)


def test_the_count_cache_is_bounded_and_drops_the_least_recently_used():
    for _ in range(2):
        count()
    kept, *others = count_cache.cache.cached.values()
    assert not others
    cache = CountCache(bytes_max=2 * kept.bytes)
    for name in (b"first", b"second"):
        cache.put(name, kept)
    assert cache.get(b"first") == kept
    cache.put(b"third", kept)
    assert list(cache.cached) == [b"first", b"third"]
    assert cache.bytes == 2 * kept.bytes
    cache.put(b"first", None)
    assert (list(cache.cached), cache.bytes) == ([b"third"], kept.bytes)
