"""`manage.py verify` of everything: nothing differs while all is well, and whatever is broken, by
hand and past all code, is named with what to do."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from images import deletion, keys, purging, storage
from images.models import Facts, SubjectKey
from images.tests.test_orphans import ago
from search.models import Bitmap
from taggedimages.datasets.tests.releases import make_dataset, ready_image, ready_images, released
from taggedimages.factories import make_credentials, make_pending, make_png
from taggedimages.identity.models import SigningKey
from taggedimages.management.commands.verify import CHECKS
from tags.models import ImageTag

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_bucket")]


@pytest.fixture
def images():
    return ready_images(3, stored=True)


def verify(*arguments):
    """What the command tells by check, each told once, and its exit code."""
    out, code = io.StringIO(), 0
    try:
        call_command("verify", "--json", *arguments, stdout=out)
    except CommandError as error:
        code = error.returncode
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    return {one["check"]: one for one in told}, code


def wrong(check, *arguments):
    """What is said of the one check that finds anything."""
    told, code = verify(*arguments)
    assert [name for name, one in told.items() if not one["ok"]] == [check]
    assert told[check]["do"]
    assert code == 1
    return told[check]


def test_nothing_differs_where_all_is_well(images):
    make_credentials()
    released(make_dataset("knees"))
    deletion.delete(images[0])
    purging.purge()
    told, code = verify("--deep")
    assert list(told) == [*list(CHECKS)[:-1], "bytes", "releases"]
    assert all(one["ok"] and not one["do"] for one in told.values()), told
    assert code == 0


def test_it_says_so_in_words_too(images):
    out = io.StringIO()
    call_command("verify", stdout=out)
    assert out.getvalue().splitlines() == [
        "keys: all that is encrypted can be read with SECRET_KEY and its fallbacks",
        "ledger: all links are as their last lines say",
        "vocabulary: tags, aliases and implications are as their last lines say",
        "index: as images and links are",
        f"objects: 3 objects of {sum(image.size for image in images):,} bytes, 3 records",
    ]


def test_links_that_differ_from_their_ledger():
    link = ImageTag.objects.get(image=ready_image("knee", stored=True))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE tags_imagetag SET value = 'other' WHERE id = %s", [link.pk])
        cursor.execute("SET session_replication_role = origin")
    said = wrong("ledger")
    assert f"1 other value ({link.image_id}/{link.tag_id})" in said["says"]
    assert said["first"] == {"other value": [[link.image_id, link.tag_id]]}


def test_an_index_that_differs_from_images(images):
    call_command("tagindex", "--rebuild", stdout=io.StringIO())
    Bitmap.objects.all().delete()
    assert "--repair" in wrong("index")["do"]
    call_command("tagindex", "--repair", stdout=io.StringIO())
    assert verify("--only", "index")[1] == 0


def test_objects_and_records_that_differ(images, settings):
    settings.ORPHAN_SECONDS = 0
    storage.delete(images[0].key)
    storage.put(images[1].key, b"shorter")
    orphan = keys.new_key("sun.png", ago(minutes=5))
    storage.put(orphan, b"?")
    said = wrong("objects")
    assert said["findings"] == {"lost": 1, "resized": 1, "orphan": 1}
    assert said["first"] == {
        "lost": [images[0].key],
        "resized": [images[1].key],
        "orphan": [orphan],
    }


def test_a_file_that_arrives_just_now_is_no_fault():
    pending = make_pending()
    storage.put(pending.key, make_png())
    told, code = verify()
    assert told["objects"]["findings"] == {"arrived": 1}
    assert code == 0


def test_bytes_that_differ_are_found_by_reading_all(images):
    """Of the same size, and the store says of them what it says of any."""
    storage.put(images[2].key, bytes(images[2].size))
    assert verify()[1] == 0
    said = wrong("bytes", "--deep")
    assert (said["read"], said["damaged"], said["first"]) == (3, 1, [images[2].pk])


def test_files_that_nobody_has_inspected_are_told_to_be_unread(images):
    Facts.objects.filter(image=images[0]).update(sha256=None)
    told, code = verify("--deep")
    assert (told["bytes"]["read"], told["bytes"]["unread"], code) == (2, 1, 0)


def test_what_was_encrypted_by_a_key_that_is_gone(settings):
    make_credentials()
    settings.SECRET_KEY, key = "another key of thirty-two characters", settings.SECRET_KEY
    said = wrong("keys")
    assert said["unreadable"] == {"signing secrets": 2}
    assert "SECRET_KEY_FALLBACKS" in said["do"]
    settings.SECRET_KEY_FALLBACKS = [key]
    assert verify("--only", "keys")[1] == 0


def test_what_was_revoked_need_not_be_readable(settings):
    make_credentials()
    SigningKey.objects.update(revoked_at=ago(minutes=1))
    settings.SECRET_KEY = "another key of thirty-two characters"
    assert verify("--only", "keys")[1] == 0
    SubjectKey.objects.create(pk=1, encrypted_key=b"?")
    assert wrong("keys")["unreadable"] == {"keys of subjects": 1}


def test_an_outage_of_the_store_keeps_nobody_from_looking_at_the_rest(images, outage):
    with outage():
        told, code = verify()
    assert [name for name, one in told.items() if not one["ok"]] == ["objects"]
    assert "not all was looked at" in told["objects"]["says"]
    assert told["index"]["ok"]
    assert code == 1


def test_checks_are_asked_for_by_name(images):
    assert list(verify("--only", "index,keys")[0]) == ["index", "keys"]


@pytest.mark.parametrize("arguments", [["--only", "everything"], ["knees@1", "--only", "keys"]])
def test_what_cannot_be_asked_for_is_a_misuse(arguments):
    assert verify(*arguments) == ({}, 2)
