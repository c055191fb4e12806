"""A process that is killed in the middle leaves the index right, and others go on."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.db import connection

from search.index import merging
from search.index.verification import verify
from search.models import Unindexed
from search.query import Query
from search.tests.answers import assert_right
from taggedimages.factories import make_image
from tags.models import ImageTag

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bitmaps")]


@pytest.fixture(autouse=True)
def corpus(bitmaps) -> None:
    """Some images that the index knows, and as many that it does not know yet."""
    for known in (True, False):
        for _ in range(4):
            make_image("knee", "left")
        if known:
            merging.fold_all()


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
        ("fold", "MERGE INTO search_bitmap"),
        ("fold", "SET heavy = true"),
        ("rebuild", "SELECT tag_id"),
    ],
)
def test_the_next_fold_goes_on_after_one_that_was_killed(what, before):
    waiting = Unindexed.objects.count()
    killed(what, before)
    assert Unindexed.objects.count() == waiting
    assert_all_right()
    ends_at = time.monotonic() + 30
    while not merging.fold():
        # The server may not have noticed yet that the process and its lock are gone.
        assert time.monotonic() < ends_at
    assert not Unindexed.objects.exists()
    assert_all_right()
    assert verify().right


def test_a_bulk_write_that_was_killed_left_nothing_to_count():
    killed("tag", "'two'")
    assert ImageTag.objects.filter(tag__name="one").count() == 0
    assert_all_right()
    assert verify().right
