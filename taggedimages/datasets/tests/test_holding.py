"""A release holds the files of its members: from before its snapshot until it is retired."""

from contextlib import closing
from datetime import timedelta

import psycopg2
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from images import deletion, holds, purging, storage
from images.models import Image
from taggedimages.datasets import building, holding
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.datasets.tests.releases import asked_for, ready_image, released
from taggedimages.engines.tests.conftest import eventually
from taggedimages.factories import make_image

pytestmark = pytest.mark.django_db


def delete_and_purge(*images):
    for image in images:
        deletion.delete(image)
    purging.purge()


def is_stored(image):
    return storage.head(image.key) is not None


def test_a_deleted_member_leaves_every_list_and_keeps_its_file():
    member = ready_image(stored=True)
    released()
    other = ready_image(stored=True)
    delete_and_purge(member, other)
    assert is_stored(member)
    assert not is_stored(other)
    assert not Image.objects.current().exists()


def test_retiring_lets_go_with_the_next_purge():
    member = ready_image(stored=True)
    release = released()
    delete_and_purge(member)
    holding.retire(release)
    purging.purge()
    assert not is_stored(member)


def test_a_file_is_held_until_the_last_release_lets_go():
    member = ready_image(stored=True)
    first, second = released(), released()
    delete_and_purge(member)
    holding.retire(second)
    purging.purge()
    assert is_stored(member)
    holding.retire(first)
    purging.purge()
    assert not is_stored(member)


def test_held_images_are_told_across_blocks_of_the_index():
    first, far = ready_image(), ready_image(id=3 * 8192)
    released()
    near = make_image()
    with transaction.atomic():
        assert holding.held([first.pk, far.pk, near.pk, far.pk + 8192]) == {first.pk, far.pk}


class TestRetiring:
    def test_twice_is_once(self):
        ready_image()
        release = holding.retire(released())
        assert release.state == ReleaseState.RETIRED
        assert holding.retire(release).retired_at == release.retired_at

    @pytest.mark.parametrize("state", [ReleaseState.BUILDING, ReleaseState.FAILED])
    def test_what_does_not_stand_has_nothing_to_let_go(self, state):
        ready_image()
        release = asked_for()
        Release.objects.filter(pk=release.pk).update(state=state)
        with pytest.raises(holding.NotReleased, match="nothing to retire"):
            holding.retire(release)


class TestRecords:
    """Plain SQL removes no record whose file is held."""

    def test_of_a_release_stay(self):
        member = ready_image()
        released()
        with pytest.raises(IntegrityError, match="holds the file"), transaction.atomic():
            Image.objects.filter(pk=member.pk).delete()

    def test_go_once_it_is_retired(self):
        member = ready_image()
        holding.retire(released())
        other = make_image()
        Image.objects.filter(pk__in=[member.pk, other.pk]).delete()
        assert not Image.objects.exists()


def is_free():
    """Whether nobody builds: the lock that it shares could be had alone."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(holding.TRY_ALONE, [holding.LOCK_SPACE])
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
class TestWhileOneIsBuilt:
    @pytest.fixture
    def elsewhere(self):
        """Another connection, in which a release is being built."""
        values = connection.get_connection_params()
        values.pop("cursor_factory", None)
        values.pop("context", None)
        with closing(psycopg2.connect(**values)) as other:
            other.autocommit = True
            other.cursor().execute(holding.SHARE, [holding.LOCK_SPACE])
            yield other
        # The next test must not find it, and a server notices late that a connection was closed.
        assert eventually(is_free)

    def test_nothing_is_removed_until_it_is_over(self, elsewhere):
        image = ready_image(stored=True)
        delete_and_purge(image)
        assert is_stored(image)
        elsewhere.cursor().execute(holding.LET_GO, [holding.LOCK_SPACE])
        purging.purge()
        assert not is_stored(image)

    def test_it_is_over_when_its_connection_is(self, elsewhere):
        image = ready_image(stored=True)
        deletion.delete(image)
        elsewhere.close()
        assert eventually(is_free)
        purging.purge()
        assert not is_stored(image)

    def test_another_may_be_built(self, elsewhere):
        ready_image()
        assert released().state == ReleaseState.RELEASED

    def test_no_record_goes(self, elsewhere):
        image = make_image()
        with pytest.raises(OperationalError, match="being built"), transaction.atomic():
            Image.objects.filter(pk=image.pk).delete()

    def test_nobody_is_told_who_holds_what(self, elsewhere):
        with pytest.raises(holds.NotNow), transaction.atomic():
            holding.held([1])

    def test_the_lock_is_given_back_whatever_happens(self):
        with pytest.raises(ZeroDivisionError), holding.building():
            _ = 1 / 0
        ready_image()
        asked_for()
        building.sweep()
        with transaction.atomic():
            holding.alone()


def test_a_release_of_what_ends_later_holds_it_beyond_its_end():
    member = ready_image(stored=True, ended_at=timezone.now() + timedelta(days=1))
    released()
    Image.objects.filter(pk=member.pk).update(ended_at=timezone.now())
    delete_and_purge(member)
    assert is_stored(member)
