"""A release is what its query finds in one state: lines, chunks, digest, statement, signature."""

import hashlib
import json
from datetime import datetime

import jwt
import pytest
from django.db import connection
from django.utils import timezone

from images import deletion
from images.models import Facts
from taggedimages.datasets import building, chunks, signing
from taggedimages.datasets.models import Chunk, MemberSet, Release, ReleaseState
from taggedimages.datasets.tests.releases import (
    asked_for,
    make_dataset,
    ready_image,
    ready_images,
    released,
)
from taggedimages.factories import TESTS, make_image, make_pending, make_tag, make_user
from tags import curation, tagging, vocabulary
from tags.models import ImageTag

pytestmark = pytest.mark.django_db


def lines_of(release):
    return [line for chunk in chunks.of(release.pk) for line in chunks.lines_in(chunk)]


def members_of(release):
    return [json.loads(line) for line in lines_of(release)]


def ids_of(release):
    return [member["id"] for member in members_of(release)]


def digest_by_hand(lines):
    """The digest as the contract has it, by nothing of ours."""
    leaves = [hashlib.sha256(b"\0" + line).digest() for line in lines]
    runs = [leaves[at : at + 10_000] for at in range(0, len(leaves), 10_000)]
    digests = [hashlib.sha256(b"\1" + b"".join(run)).digest() for run in runs]
    return "sha256:" + hashlib.sha256(b"\2" + b"".join(digests)).hexdigest()


class TestALine:
    def test_is_that_of_the_contract(self):
        image = ready_image("left", "knee", filename="knee.png")
        ImageTag.objects.filter(image=image, tag__name="left").update(value="certain")
        release = released()
        (member,) = members_of(release)
        assert member == {
            "bytes": image.size,
            "format": "png",
            "group": None,
            "height": 6,
            "id": image.pk,
            "name": "knee.png",
            "sha256": image.facts.sha256_hex,
            "split": None,
            "tags": ["knee", "left"],
            "uuid": str(image.uuid),
            "values": [["left", "certain"]],
            "width": 8,
        }
        assert lines_of(release) == [json.dumps(member, separators=(",", ":")).encode()]

    def test_has_an_alias_by_the_name_of_its_target_once(self):
        alias, both, by_alias = make_tag("Knie"), ready_image("knee"), ready_image()
        ImageTag.objects.create(image=both, tag=alias, value="left")
        ImageTag.objects.create(image=by_alias, tag=alias)
        vocabulary.alias(alias, make_tag("knee"), TESTS)
        told = [(member["tags"], member["values"]) for member in members_of(released())]
        assert told == [(["knee"], [["knee", "left"]]), (["knee"], [])]

    def test_has_tags_by_code_point_and_not_what_they_imply(self):
        ready_image("é", "z", "Z", "😀", "\uffee", "a")
        (member,) = members_of(released())
        assert member["tags"] == ["Z", "a", "z", "é", "\uffee", "😀"]


class TestMembers:
    def test_stand_by_id_and_the_digest_is_over_them(self):
        images = ready_images(3, "knee")
        release = released()
        assert ids_of(release) == [image.pk for image in images]
        assert release.digest == digest_by_hand(lines_of(release))
        assert (release.members, release.bytes) == (3, sum(image.size for image in images))

    def test_are_what_the_query_finds_for_whoever_asked(self):
        ours = make_user("ours", project_id="lab")
        seen, private = ready_image("knee"), ready_image("knee", by=ours, private=True)
        ready_image("knee", by=make_user("other", project_id="far"), private=True)
        ready_image("hip")
        release = released(query={"exact_tags": ["knee"]}, by=ours)
        assert ids_of(release) == [seen.pk, private.pk]

    def test_are_as_they_were_when_it_was_built_whatever_comes_later(self):
        image = ready_image("knee")
        release = released()
        tagging.retag(image, ["hip"], TESTS)
        ready_image("knee")
        release.refresh_from_db()
        assert [member["tags"] for member in members_of(release)] == [["knee"]]
        assert release.digest == digest_by_hand(lines_of(release))


class TestWhatIsNotReady:
    @pytest.fixture
    def unready(self):
        """An image in each state in which its file is none to be released."""
        never_read = ready_image()
        Facts.objects.filter(image=never_read).update(problem="damaged: it is cut off")
        too_large = ready_image()
        Facts.objects.filter(image=too_large).update(sha256=None)
        return [
            make_pending(),
            make_image(),
            make_pending(upload_error="too_large: it is"),
            ready_image(processed_at=None),
            never_read,
            too_large,
        ]

    def test_is_nothing_that_came_in_one_request(self):
        """Its upload URL takes the same bytes alone, so that it never was moved."""
        image = ready_image(key="2026/01/02/03-04-x/one-shot.png")
        assert ids_of(released()) == [image.pk]

    def test_is_left_out_where_that_was_asked_for_and_counted(self, unready):
        image = ready_image()
        release = released(unready="exclude")
        assert ids_of(release) == [image.pk]
        assert json.loads(release.statement)["excluded"] == len(unready)

    def test_refuses_the_release_otherwise(self, unready, api, settings):
        settings.ANONYMOUS = "open"
        ready_image()
        make_dataset("knees")
        answer = api.post("/v1/datasets/knees/releases", {"query": {"everything": True}})
        assert answer.status_code == 422
        assert answer.json()["unready"] == {
            "count": len(unready),
            "images": sorted(image.pk for image in unready),
        }


class TestTheStatement:
    def test_says_what_was_asked_and_what_came_of_it(self):
        ready_images(2, "knee")
        dataset = make_dataset("knees", license="CC0-1.0")
        release = released(dataset, {"exact_tags": ["knee"]})
        said = json.loads(release.statement)
        chunk = Chunk.objects.get(release=release)
        created = said.pop("created")
        assert abs(created - timezone.now().timestamp()) < 60
        assert said.pop("as_of") == created
        assert said == {
            "bytes": release.bytes,
            "chunks": [bytes(chunk.digest).hex()],
            "contracts": [],
            "dataset": "knees",
            "digest": release.digest,
            "excluded": 0,
            "group": None,
            "license": "CC0-1.0",
            "members": 2,
            "query": {"exact_tags": ["knee"]},
            "splits": None,
            "version": 1,
        }

    def test_is_signed_by_a_key_that_is_told(self, api):
        ready_image()
        release = released()
        keys = jwt.PyJWKSet.from_dict(api.get("/.well-known/jwks.json").json())
        kid = jwt.get_unverified_header(release.signature)["kid"]
        said = jwt.decode(release.signature, keys[kid].key, algorithms=["EdDSA"])
        assert said == json.loads(release.statement)
        assert signing.verified(release.signature) == release.statement.encode()


class TestBuilding:
    def test_refuses_what_finds_nothing(self):
        image = ready_image()
        release = asked_for()
        deletion.trash(image)
        assert building.sweep() == 1
        release.refresh_from_db()
        assert release.state == ReleaseState.FAILED
        assert release.refusal == {
            "code": 422,
            "message": "No image is found that could be released.",
            "found": 0,
        }
        assert not MemberSet.objects.exists()

    def test_leaves_nothing_where_the_worker_is_to_end_and_is_done_by_the_next(self):
        ready_images(3)
        release = asked_for()
        assert building.sweep(stopping=lambda: False) == 1
        other = asked_for()
        asked = iter([False, True])
        assert building.sweep(stopping=lambda: next(asked)) == 1
        other.refresh_from_db()
        assert (other.state, other.attempts) == (ReleaseState.BUILDING, 0)
        assert not Chunk.objects.filter(release=other).exists()
        building.sweep()
        other.refresh_from_db()
        release.refresh_from_db()
        assert other.digest == release.digest

    def test_fails_where_the_author_is_gone(self):
        user = make_user("mira", project_id="lab")
        ready_image()
        release = asked_for(by=user)
        user.delete()
        building.sweep()
        release.refresh_from_db()
        assert (release.state, release.problem) == (
            ReleaseState.FAILED,
            "There is no user 'mira' any more.",
        )

    def test_is_given_up_after_a_dozen_tries(self):
        ready_image()
        release = asked_for()
        type(release).objects.update(attempts=12, problem="The database failed: it went away.")
        building.sweep()
        release.refresh_from_db()
        assert release.state == ReleaseState.FAILED
        assert release.problem == (
            "It was tried 12 times and did not get on. The database failed: it went away."
        )


@pytest.mark.django_db(transaction=True)
class TestAsOf:
    def test_an_instant_has_the_tags_and_names_of_then(self):
        image = ready_image("knee")
        tagging.set_values(image, {"side": "left"}, TESTS)
        then = now()
        tagging.retag(image, ["hip"], TESTS)
        curation.rename(make_tag("knee"), "genu", TESTS)
        ready_image("knee")
        release = asked_for(query={"exact_tags": ["knee"]})
        # Younger than what may be asked for, and not of a whole second.
        Release.objects.update(as_of=then)
        building.sweep()
        release.refresh_from_db()
        (member,) = members_of(release)
        assert (member["tags"], member["values"]) == (["knee", "side"], [["side", "left"]])
        said = json.loads(release.statement)
        assert said["as_of"] == int(then.timestamp())


def now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0]
        return instant
