"""A process that is killed in the middle leaves the index right, and others go on."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.db import connection

from search.index.merging import merge
from search.index.verification import verify
from search.models import PendingChange
from search.query import Query
from search.tests.answers import assert_right
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import make_image
from tags.models import ImageTag

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def corpus() -> None:
    """Some images that the index knows, and as many that it does not know yet."""
    for known in (True, False):
        for _ in range(4):
            make_image("knee", "left")
        if known:
            merge_all(SMALL)


def killed(what: str, before: str) -> None:
    """Have another process do something and be killed before a statement with this text."""
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    command = [sys.executable, "-m", "search.tests.killed", what, before]
    ended = subprocess.run(
        command, env=os.environ | {"DATABASE_URL": url}, cwd=settings.BASE_DIR, check=False
    )
    assert ended.returncode == -signal.SIGKILL


def assert_all_right() -> None:
    for names in ((), ("knee",), ("knee", "left"), ("one",)):
        assert_right(Query(exact_tags=names), None, limit=9, offset=0)


@pytest.mark.parametrize(
    ("what", "before"),
    [
        ("merge", "MERGE INTO search_bitmap"),
        ("merge", "SET heavy = true"),
        ("rebuild", "SELECT tag_id"),
    ],
)
def test_the_next_merge_goes_on_after_one_or_a_rebuild_that_was_killed(what, before):
    waiting = PendingChange.objects.count()
    killed(what, before)
    assert PendingChange.objects.count() == waiting
    assert_all_right()
    ends_at = time.monotonic() + 30
    while not merge(thresholds=SMALL):
        # The server may not have noticed yet that the process and its lock are gone.
        assert time.monotonic() < ends_at
    assert not PendingChange.objects.exists()
    assert_all_right()
    assert verify().right


def test_a_bulk_write_that_was_killed_left_nothing_to_count():
    killed("tag", "'two'")
    assert ImageTag.objects.filter(tag__name="one").count() == 0
    assert_all_right()
    assert verify().right
