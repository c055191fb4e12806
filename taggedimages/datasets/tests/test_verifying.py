"""`manage.py verify` and `POST …/verify`: what is no longer as it was released is named."""

import io
import json
import zlib

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from images import deletion, processing, purging, storage
from images.models import Facts, Image
from taggedimages.datasets import chunks, erasing, files, holding, signing, verifying
from taggedimages.datasets.lines import chunk_digest, leaf
from taggedimages.datasets.models import Chunk, Erasure, MemberSet, Release, SigningKey
from taggedimages.datasets.tests.releases import asked_for, make_dataset, ready_images, released
from taggedimages.datasets.v1 import verify_view
from taggedimages.factories import make_credentials

pytestmark = pytest.mark.django_db
FIRST, SECOND, THIRD = range(3)


@pytest.fixture
def images():
    return ready_images(3, stored=True)


@pytest.fixture
def release(images):
    return released(make_dataset("knees"))


def verify(*arguments):
    """What the command prints, and its exit code."""
    out = io.StringIO()
    try:
        call_command("verify", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), error.returncode
    return out.getvalue(), 0


def found(release, **options):
    return verifying.verify(Release.objects.get(pk=release.pk), **options)


def test_what_is_as_it_was_released_is_said_to_be(release):
    assert verify("knees@1") == ("releases: knees@1: 3 members; its lines are as signed\n", 0)
    assert verify("knees@1", "--deep")[1] == 0


def test_without_arguments_every_release_is_looked_at(release, images):
    second, other = released(release.dataset), released(make_dataset("hips"))
    holding.retire(second)
    asked_for(make_dataset("waiting"))
    storage.delete(images[FIRST].key)
    lines, code = verify("--only", "releases")
    assert [line.split(":")[1].strip() for line in lines.splitlines()] == [
        "hips@1",
        "knees@1",
        "knees@2",
    ]
    assert lines.count(f"1 missing ({images[FIRST].pk})") == 3
    assert code == 1
    assert other.digest


def test_there_may_be_nothing_to_verify():
    assert verify("--only", "releases") == ("", 0)


@pytest.mark.parametrize("name", ["knees", "knees@", "knees@x", "@1", "knees@²"])
def test_a_release_is_called_by_its_number(release, name):
    with pytest.raises(CommandError):
        call_command("verify", name)


@pytest.mark.parametrize("name", ["hips@1", "knees@2", f"knees@{10**30}"])
def test_one_that_is_not_there_is_said_not_to_be(release, name):
    with pytest.raises(CommandError, match="There is no release"):
        call_command("verify", name)


def test_one_that_was_never_released_has_nothing_to_verify(images):
    asked_for(make_dataset("knees"))
    with pytest.raises(CommandError, match="building"):
        call_command("verify", "knees@1")


def test_what_could_not_be_looked_at_is_said_not_to_have_been(release, outage):
    with outage():
        said, code = verify("knees@1")
    assert said.startswith("releases: not all was looked at: ")
    assert code == 1


class TestFiles:
    def test_that_are_gone_are_missing(self, release, images):
        storage.delete(images[SECOND].key)
        assert found(release).missing.images == [images[SECOND].pk]
        text, code = verify("knees@1")
        assert f"1 missing ({images[SECOND].pk})" in text
        assert code == 1

    def test_of_another_size_are_changed(self, release, images):
        storage.put(images[FIRST].key, b"short")
        assert found(release).changed.images == [images[FIRST].pk]

    def test_of_the_same_size_are_told_by_their_entity_tag(self, release, images):
        storage.put(images[FIRST].key, bytes(images[FIRST].size))
        assert found(release).changed.images == [images[FIRST].pk]

    def test_where_tags_tell_nothing_only_their_bytes_do(self, release, images, settings):
        settings.S3_ETAGS_ARE_MD5 = False
        storage.put(images[FIRST].key, bytes(images[FIRST].size))
        assert found(release).ok
        assert found(release, deep=True).changed.images == [images[FIRST].pk]

    def test_that_were_inspected_since_with_other_bytes_are_changed(self, release, images):
        Facts.objects.filter(image=images[THIRD]).update(sha256=b"x" * 32)
        assert found(release).changed.images == [images[THIRD].pk]

    def test_that_are_inspected_again_are_the_same(self, release, images):
        processing.reprocess(Image.objects.all())
        assert found(release).ok

    def test_of_deleted_members_are_there(self, release, images):
        deletion.delete(images[FIRST])
        purging.purge()
        assert found(release, deep=True).ok

    def test_of_deleted_members_may_be_gone_once_it_is_retired(self, release, images):
        deletion.delete(images[FIRST])
        holding.retire(release)
        purging.purge()
        looked = found(release)
        assert looked.ok
        assert looked.gone.images == [images[FIRST].pk]
        assert "1 gone since it was retired" in verify("knees@1")[0]

    def test_of_others_may_not(self, release, images):
        holding.retire(release)
        storage.delete(images[FIRST].key)
        assert found(release).missing.images == [images[FIRST].pk]

    def test_only_so_many_are_named(self, release, images, monkeypatch):
        monkeypatch.setattr(verifying, "NAMED_MOST", 2)
        for image in images:
            storage.delete(image.key)
        looked = found(release)
        assert (looked.missing.count, len(looked.missing.images)) == (3, 2)
        assert "3 missing" in verify("knees@1")[0]

    def test_that_come_damaged_are_changed(self, release, images, monkeypatch):
        def damaged(key, content):
            raise storage.Damaged("On its way, each time.")

        monkeypatch.setattr(storage, "download", damaged)
        assert found(release, deep=True).changed.count == 3


class TestLines:
    """Somebody has written into the database."""

    def test_that_were_changed_are_named(self, release, images):
        chunk = Chunk.objects.get()
        lines = chunks.lines_in(chunk)
        lines[SECOND] = lines[SECOND].replace(b'"tags":[]', b'"tags":["forged"]')
        Chunk.objects.update(lines=chunks.compressed(lines))
        (problem,) = found(release).problems
        assert problem == (
            f"The line of image {images[SECOND].pk} is not the one that was released."
        )

    def test_with_their_leaves(self, release):
        chunk = Chunk.objects.get()
        lines = [
            line.replace(b'"tags":[]', b'"tags":["forged"]') for line in chunks.lines_in(chunk)
        ]
        leaves = b"".join(map(leaf, lines))
        digest = chunk_digest(leaves)
        Chunk.objects.update(lines=chunks.compressed(lines), leaves=leaves, digest=digest)
        assert found(release).problems == ["Chunk 0 has other leaves than are signed."]

    @pytest.mark.parametrize(
        ("lines", "problem"),
        [
            (b"nothing that was compressed", "cannot be read"),
            (zlib.compress(b"no JSON\n[]\n{}\n"), "A line cannot be read: no JSON"),
            (zlib.compress(b'{"id":"x","sha256":1}\n'), "other lines than leaves"),
        ],
    )
    def test_that_are_none_are_told(self, release, lines, problem):
        Chunk.objects.update(lines=lines)
        assert problem in " ".join(found(release).problems)

    def test_in_another_order(self, release):
        chunk = Chunk.objects.get()
        Chunk.objects.update(lines=chunks.compressed(reversed(chunks.lines_in(chunk))))
        assert "The members of chunk 0 are not in their order." in found(release).problems

    def test_that_lack_with_their_chunk(self, images, monkeypatch):
        monkeypatch.setattr(chunks, "CHUNK_MEMBERS", 2)
        release = released(make_dataset("knees"))
        assert found(release).ok
        Chunk.objects.filter(number=1).delete()
        assert found(release).problems == [
            "It has 1 chunks, and 2 are signed.",
            "It has 2 lines for 3 members.",
            f"Its files have {images[0].size * 2} bytes, and {release.bytes} are signed.",
        ]

    def test_that_are_withheld_though_nobody_has_erased_them(self, release, images):
        erasing.erase(images[SECOND].pk, "wrong")
        Erasure.objects.all().delete()
        (problem,) = found(release).problems
        assert "which nobody has erased" in problem

    def test_whose_files_nobody_holds(self, release, images):
        MemberSet.objects.all().delete()
        (problem,) = found(release).problems
        assert problem == f"3 files are not held, that of image {images[FIRST].pk} first."


class TestSignature:
    def test_by_a_key_of_before_verifies(self, release):
        signing.rotate()
        later = released(release.dataset)
        assert later.signature.split(".")[0] != release.signature.split(".")[0]
        assert verify()[1] == 0

    def test_by_a_key_that_is_no_longer_known_does_not(self, release):
        SigningKey.objects.all().delete()
        (problem,) = found(release).problems
        assert problem.startswith("There is no key")

    def test_of_another_statement_does_not(self, release):
        forged = json.loads(release.statement) | {"license": "another"}
        Release.objects.update(statement=json.dumps(forged))
        assert found(release).problems == ["The statement is not the one that is signed."]

    @pytest.mark.parametrize("signature", ["", "a.b.c", "nothing of that"])
    def test_that_is_none_does_not(self, release, signature):
        Release.objects.update(signature=signature)
        assert not found(release).ok

    @pytest.mark.parametrize(
        ("shown", "name"),
        [
            ({"digest": "sha256:other"}, "digest"),
            ({"members": 4}, "members"),
            ({"bytes": 1}, "bytes"),
        ],
    )
    def test_what_is_shown_besides_is_what_is_signed(self, release, shown, name):
        Release.objects.update(**shown)
        assert f"Its {name} is shown as" in found(release).problems[0]


class TestErased:
    def test_it_still_verifies_and_says_so(self, release, images):
        erasing.erase(images[SECOND].pk, "asked for")
        looked = found(release, deep=True)
        assert (looked.ok, looked.members, looked.erased) == (True, 3, 1)
        said = "releases: knees@1: 3 members, 1 erased; its lines are as signed\n"
        assert verify("knees@1") == (said, 0)

    def test_all_of_them(self, release, images):
        for image in images:
            erasing.erase(image.pk, "asked for")
        assert found(release).ok

    def test_a_line_that_was_put_back_is_told(self, release, images):
        lines = bytes(Chunk.objects.get().lines)
        erasing.erase(images[SECOND].pk, "asked for")
        Chunk.objects.update(lines=lines)
        assert not found(release).ok

    def test_while_it_is_looked_at(self, release, images, monkeypatch):
        look = files.wrong

        def erased_meanwhile(listed, **options):
            erasing.erase(images[SECOND].pk, "asked for")
            return look(listed, **options)

        monkeypatch.setattr(files, "wrong", erased_meanwhile)
        assert found(release).ok


class TestRequests:
    @pytest.fixture
    def url(self, release):
        return "/v1/datasets/knees/releases/1/verify"

    def test_answer_what_was_found(self, api, url, images):
        storage.delete(images[FIRST].key)
        answer = api.post(url, {})
        assert answer.status_code == 200
        none = {"count": 0, "images": []}
        assert answer.json() == {
            "dataset": "knees",
            "version": 1,
            "ok": False,
            "complete": True,
            "after": None,
            "members": 3,
            "erased": 0,
            "gone": none,
            "missing": {"count": 1, "images": [images[FIRST].pk]},
            "changed": none,
            "problems": [],
        }

    def test_read_bytes_where_asked_to(self, api, url, images, settings):
        settings.S3_ETAGS_ARE_MD5 = False
        storage.put(images[FIRST].key, bytes(images[FIRST].size))
        assert api.post(url, {"deep": False}).json()["ok"]
        assert not api.post(url, {"deep": True}).json()["ok"]

    def test_do_what_they_have_time_for(self, api, url, images, monkeypatch):
        monkeypatch.setattr(verify_view, "SECONDS", 0)
        monkeypatch.setattr(verifying, "SHORT_LOT", 1)
        storage.delete(images[THIRD].key)
        first = api.post(url, {}).json()
        assert (first["complete"], first["after"]) == (False, images[FIRST].pk)
        assert (first["members"], first["ok"]) == (1, True)
        second = api.post(url, {"after": first["after"]}).json()
        assert (second["complete"], second["after"]) == (False, images[SECOND].pk)
        third = api.post(url, {"after": second["after"]}).json()
        assert (third["complete"], third["after"], third["ok"]) == (True, None, False)
        assert third["missing"]["images"] == [images[THIRD].pk]

    @pytest.mark.parametrize(
        "body",
        [{"deep": "perhaps"}, {"after": -1}, {"after": 2**63}, {"deeper": True}, {"deep": None}],
    )
    def test_that_make_no_sense_are_refused(self, api, url, body):
        answer = api.post(url, body)
        assert answer.status_code == 400
        assert {"code", "message"} <= answer.json().keys()

    def test_of_what_is_not_released_yet(self, api, images):
        asked_for(make_dataset("waiting"))
        assert api.post("/v1/datasets/waiting/releases/1/verify", {}).status_code == 409

    def test_of_what_others_have(self, api, api_as, images):
        mira = make_credentials("mira", project_id="lab")
        release = released(make_dataset("theirs", by=None))
        assert api_as(mira).post("/v1/datasets/theirs/releases/1/verify", {}).status_code == 200
        release.dataset.author_name = "somebody"
        release.dataset.save()
        assert api.post("/v1/datasets/theirs/releases/1/verify", {}).status_code == 404

    def test_while_the_store_is_away(self, api, url, outage):
        with outage():
            assert api.post(url, {}).status_code == 503

    def test_do_not_write(self, api, url):
        with connection.execute_wrapper(no_writes):
            assert api.post(url, {}).status_code == 200


def no_writes(execute, statement, parameters, many, context):
    assert not statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE")), statement
    return execute(statement, parameters, many, context)
