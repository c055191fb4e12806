"""Whatever happens to images while a release is built, before any of its statements: what the
release lists is there afterwards, and what it does not list goes as ever.

RELEASE_RACES says how many builds are made; with 200, something happens before every statement.
"""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, connection, connections, transaction

from images import deletion, purging, storage
from images.models import Image
from images.visibility import Visibility
from taggedimages.datasets import building, chunks, erasing, holding, verifying
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.datasets.tests.releases import asked_for, make_dataset, ready_images

pytestmark = pytest.mark.django_db(transaction=True)
RUNS = int(os.environ.get("RELEASE_RACES", "24"))
IS_WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"


def delete(image: Image) -> None:
    deletion.delete(image)


def delete_and_purge(image: Image) -> None:
    deletion.delete(image)
    purging.remove_deleted()


def purge(image: Image) -> None:
    purging.remove_deleted()


def make_private(image: Image) -> None:
    Image.objects.filter(pk=image.pk).update(visibility=Visibility.PRIVATE)


def erase(image: Image) -> None:
    erasing.erase(image.pk, "asked for")


def remove_record(image: Image) -> None:
    try:
        with transaction.atomic():
            Image.objects.filter(pk=image.pk).delete()
    except DatabaseError as error:
        # Refused, for it is held, or may be.
        assert "a release" in str(error)  # noqa: PT017


DEEDS = [delete, delete_and_purge, purge, make_private, erase, remove_record]
# After which nothing is left of a file that no release holds. That of a record which is removed as
# no service does it is an orphan.
FOR_GOOD = (delete, delete_and_purge, purge, erase)


class Meanwhile:
    """Has something done in another session before the statement of some number, commits counted
    along, and lets the build go on once that is done, or waits for a lock."""

    def __init__(self, asking: Any, do: Callable[[], None], number: int = 0) -> None:
        self.asking, self.do, self.left = asking, do, number
        self.statements = 0
        self.threads = ThreadPoolExecutor(1)
        self.doing: Future[None] | None = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        wrapper: Any = connection
        commit = wrapper._commit

        def before(run: Callable[..., Any], *given: Any) -> Any:
            self.count()
            return run(*given)

        wrapper._commit = lambda: before(commit)
        try:
            with connection.execute_wrapper(before):
                yield
        finally:
            # The method of its class again, for others to patch.
            del wrapper._commit
            if self.doing is None:
                self.begin()
            self.threads.shutdown()
        assert self.doing
        self.doing.result()

    def count(self) -> None:
        self.statements += 1
        if self.statements == self.left:
            self.begin()

    def begin(self) -> None:
        self.doing = self.threads.submit(self.done)
        while not wait([self.doing], 0.005).done and not self.waits():
            pass

    def done(self) -> None:
        try:
            self.do()
        finally:
            connections.close_all()

    def waits(self) -> bool:
        self.asking.execute(IS_WAITING)
        return bool(self.asking.fetchone()[0])


@pytest.fixture
def asking() -> Iterator[Any]:
    """A cursor of a session that looks on."""
    values = connection.get_connection_params()
    with closing(
        psycopg2.connect(**{name: values[name] for name in values if name in KNOWN})
    ) as on:
        on.autocommit = True
        yield on.cursor()


KNOWN = {"dbname", "user", "password", "host", "port"}


def is_stored(image: Image) -> bool:
    return storage.head(image.key) is not None


def lines_of(release: Release) -> dict[int, dict[str, Any]]:
    kept = [line for chunk in chunks.of(release.pk) for line in chunks.lines_in(chunk)]
    return {line["id"]: line for line in map(json.loads, kept)}


def check(deed: Callable[[Image], None], release: Release, image: Image, other: Image) -> None:
    """What has to be so whenever it happened."""
    release.refresh_from_db()
    assert release.state == ReleaseState.RELEASED, release.problem
    purging.purge()
    lines = lines_of(release)
    assert "withheld" not in lines[other.pk]
    verified = verifying.verify(release, deep=True)
    assert verified.ok, verified
    line = lines.get(image.pk)
    if deed is erase:
        assert line is None or line["withheld"] == "erased"
        assert not is_stored(image)
    elif line:
        assert is_stored(image)
    assert is_stored(image) is ((bool(line) and deed is not erase) or deed not in FOR_GOOD)
    holding.retire(release)
    purging.purge()
    assert is_stored(image) is (deed not in FOR_GOOD)
    assert is_stored(other)


def raced(asking: Any, deed: Callable[[Image], None], number: int) -> int:
    """Build a release with a deed before the statement of this number; how many there were."""
    image, other = ready_images(2, "raced", stored=True)
    release = asked_for(make_dataset("raced"), {"exact_tags": ["raced"]})
    if deed is purge:
        deletion.delete(image)
    meanwhile = Meanwhile(asking, lambda: deed(image), number)
    with meanwhile():
        assert building.sweep() == 1
    check(deed, release, image, other)
    Image.objects.all().delete()
    return meanwhile.statements


@pytest.mark.parametrize("deed", DEEDS)
def test_what_a_release_lists_is_there_whenever_it_happens(asking, deed):
    # The first build has more statements, since it makes a key; the second tells how many.
    raced(asking, deed, 0)
    statements = raced(asking, deed, 0)
    runs = RUNS // len(DEEDS)
    for run in range(runs):
        raced(asking, deed, 1 + run * statements // runs)
