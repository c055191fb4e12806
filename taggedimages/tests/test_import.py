"""`manage.py import_images`: folders and buckets; twice, and after an interruption."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError
from django.db import connection

from images import inserts, storage
from images.models import Image
from taggedimages.factories import TESTS, make_image, make_png, make_tag, make_user
from taggedimages.tests.importing import make_objects, run, tags_by_name, write
from tags import importing, tagging, vocabulary
from tags.models import Tag, TagChange
from tags.tests.test_replay import present, replayed

# A batch has a connection of its own, which sees only what was committed.
pytestmark = pytest.mark.django_db(transaction=True)


def committed_tags():
    """The names of tags as a connection of another thread sees them."""
    try:
        return set(Tag.objects.values_list("name", flat=True))
    finally:
        connection.close()


@pytest.fixture
def folder(tmp_path):
    """Three files in two folders."""
    for path in ("knee/left/1.png", "knee/right/2.png", "hip/left/3.png"):
        file = tmp_path / "pictures" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(make_png())
    return tmp_path / "pictures"


@pytest.fixture
def prefix():
    return make_objects()


class TestFolder:
    def test_its_files_are_uploaded_with_tags_from_their_paths(self, folder):
        assert run(folder, "--tags-from-path", "{tag}/{tag}/{filename}") == (
            "3 images with 6 tags imported, 0 known already, 0 not imported"
        )
        assert tags_by_name() == {
            "1.png": ["knee", "left"],
            "2.png": ["knee", "right"],
            "3.png": ["hip", "left"],
        }
        for image in Image.objects.all():
            assert storage.read(image.key) == make_png()
            assert image.is_archived
            assert image.uploaded_at

    def test_a_name_that_is_an_alias_gives_its_target(self, folder):
        tagged = make_tag("patella")
        vocabulary.alias(make_tag("knee"), tagged, TESTS)
        run(folder, "--tags-from-path", "{tag}/{tag}/{filename}")
        assert tags_by_name()["1.png"] == ["left", "patella"]

    def test_a_second_time_changes_nothing(self, folder):
        run(folder, "--tags-from-path", "{tags}/{filename}")
        knee = Image.objects.get(filename="1.png")
        tagging.retag(knee, ["mine"], TESTS)

        assert run(folder, "--tags-from-path", "{tags}/{filename}") == (
            "0 images with 0 tags imported, 3 known already, 0 not imported"
        )
        assert tags_by_name()["1.png"] == ["mine"]

    def test_new_files_are_added(self, folder):
        run(folder)
        (folder / "4.png").write_bytes(make_png())
        assert run(folder).startswith("1 images with 0 tags imported, 3 known already")

    def test_a_deleted_image_stays_deleted(self, api, folder):
        run(folder)
        api.delete(f"/v1/images/{Image.objects.get(filename='1.png').pk}")
        assert run(folder).startswith("0 images")

    def test_what_is_outside_is_not_read(self, folder, tmp_path):
        (tmp_path / "secret").write_text("secret")
        (folder / "link").symlink_to(tmp_path / "secret")
        manifest = write(tmp_path, "m.csv", "filename\n../secret\nlink\n")
        with pytest.raises(CommandError, match="2 files were not imported"):
            run(folder, "--manifest", manifest)
        assert not Image.objects.exists()


class TestOwnBucket:
    def test_objects_are_registered_where_they_are(self, prefix, settings):
        source = f"s3://{settings.S3_BUCKET}/{prefix}"
        assert run(source, "--tags-from-path", "{tag}/{filename}").startswith("2 images with 2")

        image = Image.objects.get(filename="1.png")
        assert image.key == f"{prefix}knee/1.png"
        assert image.size == len("knee/1.png")
        assert tags_by_name() == {"1.png": ["knee"], "2.png": ["hip"]}
        assert run(source).startswith("0 images with 0 tags imported, 2 known already")

    def test_what_has_a_record_is_known(self, prefix, settings):
        make_image(key=f"{prefix}knee/1.png")
        assert run(f"s3://{settings.S3_BUCKET}/{prefix}").startswith(
            "1 images with 0 tags imported, 1"
        )


class TestOtherBucket:
    def test_objects_are_copied(self, prefix, settings):
        theirs = settings.S3_BUCKET
        settings.S3_BUCKET = f"importing-{uuid.uuid4().hex[:8]}"
        storage.ensure_bucket()

        assert run(f"s3://{theirs}/{prefix}").startswith("2 images")
        assert run(f"s3://{theirs}/{prefix}").startswith("0 images with 0 tags imported, 2 known")
        copied = {storage.read(image.key) for image in Image.objects.all()}
        assert copied == {b"knee/1.png", b"hip/2.png"}
        for image in Image.objects.all():
            storage.delete(image.key)


def test_an_import_is_one_signed_change(folder, monkeypatch):
    monkeypatch.setattr(importing, "FILES_PER_BATCH", 2)
    user = make_user(project_id="clinic")
    run(folder, "--tags-from-path", "{tags}/{filename}", "--by", user.username)

    assert TagChange.objects.count() == 6
    signed = TagChange.objects.values_list("change_id", "user_id", "user_name", "through")
    assert signed.distinct().count() == 1
    assert signed[0][1:] == (user.pk, user.username, "command:import")
    assert {image.project_id for image in Image.objects.all()} == {"clinic"}
    assert {image.created_by for image in Image.objects.all()} == {user}


def test_no_batch_waits_for_the_new_tags_of_another(folder, monkeypatch):
    """They are committed before the records are made, which takes the time."""
    there = []

    def register(*arguments):
        with ThreadPoolExecutor(1) as other:
            there.append(other.submit(committed_tags).result())
        return inserts.register(*arguments)

    monkeypatch.setattr(importing, "register", register)
    run(folder, "--tags-from-path", "{tag}/{tag}/{filename}")
    assert there == [{"hip", "knee", "left", "right"}]


def test_an_import_that_was_interrupted_goes_on(folder, monkeypatch):
    monkeypatch.setattr(importing, "FILES_PER_BATCH", 1)
    real, calls = storage.put_file, []

    def fail_once(key, path):
        calls.append(path)
        if len(calls) == 2:
            raise storage.StorageUnavailable("The object store failed.")
        real(key, path)

    monkeypatch.setattr(storage, "put_file", fail_once)
    with pytest.raises(CommandError, match="it goes on from here"):
        run(folder, "--tags-from-path", "{tags}/{filename}")
    assert Image.objects.count() == 2

    assert run(folder, "--tags-from-path", "{tags}/{filename}") == (
        "1 images with 2 tags imported, 2 known already, 0 not imported"
    )
    assert len(tags_by_name()) == 3
    assert replayed() == present()


def test_two_imports_of_the_same_files_at_once_make_each_image_once(
    prefix, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(importing, "FILES_PER_BATCH", 7)
    numbers = range(100)
    lines = [f"{number}.png,a|b|{number % 9},9\n" for number in numbers]
    forwards = write(tmp_path, "forwards.csv", "filename,tags,size\n" + "".join(lines))
    backwards = write(tmp_path, "backwards.csv", "filename,tags,size\n" + "".join(lines[::-1]))

    def import_all(manifest):
        try:
            return run(f"s3://{settings.S3_BUCKET}/{prefix}", "--manifest", manifest)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        said = list(threads.map(import_all, (forwards, backwards)))
    # "N images with M tags imported, K known already, ..."
    counts = [(int(words[0]), int(words[6])) for words in map(str.split, said)]
    assert sum(images for images, _ in counts) == 100
    assert [sum(count) for count in counts] == [100, 100]
    assert tags_by_name() == {f"{n}.png": sorted(["a", "b", str(n % 9)]) for n in numbers}
    assert replayed() == present()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nowhere/at/all"], "is no folder"),
        (["s3://"], "needs the name of a bucket"),
        (["s3://no-such-bucket-anywhere/x"], "NoSuchBucket"),
        ([".", "--by", "nobody"], "There is no user nobody."),
        ([".", "--project", "none"], "There is no project none."),
        ([".", "--manifest", "absent.csv"], "cannot be read"),
        ([".", "--tags-from-path", "tag/filename"], r"has neither {tag} nor {tags}\."),
        ([".", "--tags-from-path", "{tag}/{Filename}"], "has a { of no {tag}, {tags}, {filename}"),
        ([".", "--manifest", "absent.xlsx"], "A manifest is a .csv, .json or .ndjson file."),
    ],
)
def test_what_cannot_be_is_said(arguments, message):
    with pytest.raises(CommandError, match=message):
        run(*arguments)
