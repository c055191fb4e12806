"""`manage.py import_images`: folders, buckets, manifests; twice, and after an interruption."""

import io
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from images import registering, storage
from images.models import Image
from taggedimages.factories import TESTS, make_image, make_png, make_user
from tags import importing, tagging
from tags.models import ImageTag, Tag, TagChange
from tags.tests.test_replay import present, replayed

# A batch has a connection of its own, which sees only what was committed.
pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments):
    """What the command says at the end, without its change id."""
    out = io.StringIO()
    call_command("import_images", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue().rpartition(";")[0].splitlines()[-1]


def tags_by_name():
    return {
        image.filename: sorted(tag.name for tag in image.tags.all())
        for image in Image.objects.all()
    }


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
    """Objects of the service's own bucket that no record knows."""
    prefix = f"old-{uuid.uuid4()}/"
    for path in ("knee/1.png", "hip/2.png"):
        storage.put(prefix + path, path.encode())
    return prefix


def write(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return tmp_path / name


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


MANIFESTS = {
    "m.csv": (
        "filename,tags,created,uploaded,size,private,description\n"
        "knee/1.png,knee|left side,1767000000,2025-12-29T10:00:00Z,10,true,A knee\n"
        "hip/2.png,,,,,,\n"
    ),
    "m.ndjson": (
        '{"filename": "knee/1.png", "tags": ["knee", "left side"], "created": 1767000000,'
        ' "uploaded": "2025-12-29T10:00:00Z", "size": 10, "private": true,'
        ' "description": "A knee"}\n\n{"key": "hip/2.png"}\n'
    ),
    "m.json": json.dumps(
        [
            {
                "filename": "knee/1.png",
                "tags": {"knee": "", "left side": ""},
                "created": "2025-12-29T09:20:00+00:00",
                "uploaded": "2025-12-29T10:00:00",
                "size": "10",
                "private": True,
                "description": "A knee",
            },
            {"filename": "hip/2.png"},
        ]
    ),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_says_what_is_known_of_each_file(prefix, settings, tmp_path, name):
    manifest = write(tmp_path, name, MANIFESTS[name])
    run(f"s3://{settings.S3_BUCKET}/{prefix}", "--manifest", manifest)

    knee, hip = Image.objects.order_by("filename")
    assert (knee.filename, knee.size, knee.private) == ("1.png", 10, True)
    assert knee.description == "A knee"
    assert knee.created_at == datetime(2025, 12, 29, 9, 20, tzinfo=UTC)
    assert knee.uploaded_at == datetime(2025, 12, 29, 10, tzinfo=UTC)
    assert hip.size == len("hip/2.png")
    assert tags_by_name() == {"1.png": ["knee", "left side"], "2.png": []}


def test_values_of_tags_are_kept(prefix, settings, tmp_path):
    line = json.dumps({"filename": "hip/2.png", "tags": {"modality": "mri"}})
    run(f"s3://{settings.S3_BUCKET}/{prefix}", "--manifest", write(tmp_path, "m.ndjson", line))

    link = Image.objects.get().imagetag_set.get()
    assert (link.tag.name, link.value) == ("modality", "mri")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({}, "row 1: filename or key is missing or no text"),
        ({"filename": "absent.png"}, "absent.png: there is no such file"),
        ({"filename": "x" * 256, "size": 1}, "x" * 256 + ": the name is too long"),
        ({"filename": "a\0.png"}, "row 1: null characters and surrogates cannot be stored"),
        ({"filename": "a", "tags": ["x" * 256]}, "row 1: a tag is longer than 255 characters"),
        ({"filename": "a", "tags": [1]}, "row 1: a tag is missing or no text"),
        ({"filename": "a", "created": "yesterday"}, "row 1: Invalid isoformat string: 'yesterday'"),
        ({"filename": "a", "size": -1}, "row 1: a size is 0 or more"),
        ([], "row 1: 'list' object has no attribute 'get'"),
    ],
)
def test_a_bad_row_is_told_and_the_others_are_imported(prefix, settings, tmp_path, row, problem):
    lines = "\n".join(map(json.dumps, [row, {"filename": "hip/2.png"}]))
    manifest = write(tmp_path, "m.ndjson", lines)
    err = io.StringIO()
    with pytest.raises(CommandError, match="1 files were not imported"):
        call_command(
            "import_images",
            f"s3://{settings.S3_BUCKET}/{prefix}",
            manifest=manifest,
            stderr=err,
            stdout=err,
        )
    assert err.getvalue().splitlines()[0] == problem
    assert Image.objects.get().filename == "2.png"


def test_an_import_is_one_signed_change(folder, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 2)
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
        return registering.register(*arguments)

    monkeypatch.setattr(importing, "register", register)
    run(folder, "--tags-from-path", "{tag}/{tag}/{filename}")
    assert there == [{"hip", "knee", "left", "right"}]


def test_an_import_that_was_interrupted_goes_on(folder, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 1)
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


def test_a_file_that_a_manifest_names_again_is_known(prefix, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "BATCH", 1)
    manifest = write(tmp_path, "m.csv", "filename,tags,size\n" + "hip/2.png,hip,9\n" * 6)
    assert run(f"s3://{settings.S3_BUCKET}/{prefix}", "--manifest", manifest) == (
        "1 images with 1 tags imported, 5 known already, 0 not imported"
    )


def test_two_imports_of_the_same_files_at_once_make_each_image_once(
    prefix, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(importing, "BATCH", 7)
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


def test_links_of_an_import_are_described_as_their_images_are(prefix, settings, tmp_path):
    user = make_user()
    manifest = write(
        tmp_path,
        "m.csv",
        "filename,tags,size,private,created\n"
        "1.png,b|a,9,true,1767000000\n2.png,c|a,9,false,1767000001\n3.png,,9,,\n",
    )
    source = f"s3://{settings.S3_BUCKET}/{prefix}"
    run(source, "--manifest", manifest, "--by", user.username)

    one, two, _ = Image.objects.order_by("filename")
    links = ImageTag.objects.order_by("id").select_related("tag")
    assert [
        (link.image, link.tag.name, link.image_created_at, link.audience, link.user)
        for link in links
    ] == [
        (one, "b", one.created_at, user.pk, user),
        (one, "a", one.created_at, user.pk, user),
        (two, "c", two.created_at, 0, user),
        (two, "a", two.created_at, 0, user),
    ]


def test_names_and_values_may_be_any_text(prefix, settings, tmp_path):
    texts = ['"', "\\", "a,b", "{}", "NULL", "%s", "'", "{{x}}", '\\"', " ", "\n", "ä☃"]
    rows = [
        {
            "filename": f"{n}{text}.png",
            "tags": {f"tag {text}": text},
            "description": text,
            "size": 9,
        }
        for n, text in enumerate(texts)
    ]
    manifest = write(tmp_path, "m.ndjson", "\n".join(map(json.dumps, rows)))
    run(f"s3://{settings.S3_BUCKET}/{prefix}", "--manifest", manifest)

    links = ImageTag.objects.order_by("id").select_related("tag", "image")
    assert [(link.image.filename, link.image.description, link.value) for link in links] == [
        (f"{n}{text}.png", text, text) for n, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nowhere/at/all"], "is no folder"),
        (["s3://"], "needs the name of a bucket"),
        (["s3://no-such-bucket-anywhere/x"], "NoSuchBucket"),
        ([".", "--by", "nobody"], "There is no user nobody."),
        ([".", "--project", "none"], "There is no project none."),
        ([".", "--manifest", "absent.csv"], "cannot be read"),
        ([".", "--manifest", "absent.xlsx"], "A manifest is a .csv, .json or .ndjson file."),
    ],
)
def test_what_cannot_be_is_said(arguments, message):
    with pytest.raises(CommandError, match=message):
        run(*arguments)
