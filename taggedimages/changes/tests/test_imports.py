"""An import is a change, however it ends."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError
from django.db import connection

from images import storage
from images.models import Image
from taggedimages.changes import recording, sets, worker
from taggedimages.changes.models import Change, Kind, Outcome, State
from taggedimages.factories import TESTS, make_png, make_user
from taggedimages.identity.models import Project
from taggedimages.tests.importing import run
from tags import importing
from tags.models import TagChange

# A batch has a connection of its own, which sees only what was committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three files in two folders, each a batch of its own."""
    monkeypatch.setattr(importing, "FILES_PER_BATCH", 1)
    for path in ("knee/left/1.png", "knee/right/2.png", "hip/left/3.png"):
        file = tmp_path / "pictures" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(make_png())
    return tmp_path / "pictures"


def begun() -> Change:
    """An import that runs, and has made something."""
    project, _ = Project.objects.get_or_create(id="default")
    change = recording.begin_import(TESTS, project, "s3://old/", uuid.uuid4())
    Change.objects.filter(pk=change.pk).update(images=1)
    return change


def ended_by_others() -> int:
    """How many imports another process finds that nobody is at."""

    def look() -> int:
        try:
            return recording.end_broken_imports()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as other:
        return other.submit(look).result()


def test_all_its_lines_and_images_belong_to_one_change(folder):
    user = make_user(project_id="clinic")
    run(folder, "--tags-from-path", "{tags}/{filename}", "--by", user.username)
    change = Change.objects.get()
    assert (change.kind, change.state, change.problem) == (Kind.IMPORT, State.APPLIED, "")
    assert (change.author, change.project_id, change.is_operator) == (user, "clinic", True)
    assert change.operation == {"import": {"source": str(folder)}}
    assert (change.images, change.done, change.outcomes) == (3, 3, {"changed": 3})
    assert TagChange.objects.filter(bulk=change.pk, change_id=change.uuid).count() == 6
    images = set(Image.objects.values_list("pk", flat=True))
    assert set(sets.of(change.pk)) == set(sets.of(change.pk, Outcome.CHANGED)) == images


def test_one_that_breaks_off_says_so_and_goes_on_as_another(folder, monkeypatch):
    real, calls = storage.put_file, []

    def fail_once(key, path):
        calls.append(path)
        if len(calls) == 2:
            raise storage.StorageUnavailable("The object store failed.")
        real(key, path)

    monkeypatch.setattr(storage, "put_file", fail_once)
    with pytest.raises(CommandError, match="it goes on from here"):
        run(folder, "--tags-from-path", "{tags}/{filename}")
    first = Change.objects.get()
    assert (first.state, first.images) == (State.FAILED, 2)
    assert first.problem == "The import broke off: The object store failed."
    run(folder, "--tags-from-path", "{tags}/{filename}")
    second = Change.objects.exclude(pk=first.pk).get()
    assert (second.state, second.images) == (State.APPLIED, 1)
    assert TagChange.objects.filter(bulk=None).count() == 0


def test_one_that_makes_nothing_is_no_change(folder):
    run(folder)
    run(folder)
    assert Change.objects.count() == 1


def test_one_that_is_stopped_ends_with_the_batch(folder, monkeypatch):
    real = recording.add_imported

    def stop_after(change_id, images):
        real(change_id, images)
        Change.objects.filter(pk=change_id).update(state=State.STOPPED)

    monkeypatch.setattr(recording, "add_imported", stop_after)
    monkeypatch.setattr(importing, "WRITERS", 1)
    with pytest.raises(CommandError, match="was stopped"):
        run(folder, "--tags-from-path", "{tags}/{filename}")
    change = Change.objects.get()
    assert (change.state, change.images) == (State.STOPPED, 1)
    assert Image.objects.count() == 1


def test_one_whose_command_is_gone_is_failed_and_a_running_one_is_not():
    change = begun()
    assert ended_by_others() == 0
    # As where it was killed.
    connection.close()
    until = time.monotonic() + 10
    while not ended_by_others() and time.monotonic() < until:
        time.sleep(0.1)
    change.refresh_from_db()
    assert (change.state, change.problem) == (State.FAILED, recording.BROKE_OFF)


def test_one_that_has_ended_stays_as_it_is():
    change = begun()
    recording.end_import(change.pk)
    assert ended_by_others() == 0
    change.refresh_from_db()
    assert change.state == State.APPLIED


def test_one_is_nothing_for_the_worker_to_apply():
    change = begun()
    assert worker.claim(uuid.uuid4()) is None
    recording.end_import(change.pk)
