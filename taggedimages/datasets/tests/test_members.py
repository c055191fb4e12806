"""The members of a release as /v1 lists them: lines that verify, and where their files are."""

import hashlib
import json
import time
from datetime import timedelta
from typing import Any

import pytest
import urllib3
from django.utils import timezone

from images import deletion
from images.models import Image
from images.visibility import Visibility
from search.v1 import streams
from taggedimages.datasets import chunks, listing
from taggedimages.datasets.models import Chunk, Release, ReleaseState
from taggedimages.datasets.tests.kept import kept_release, member_of
from taggedimages.datasets.tests.listed import canonical, digest_of, ids, path_of, read
from taggedimages.datasets.tests.releases import (
    asked_for,
    make_dataset,
    ready_image,
    ready_images,
    released,
)
from taggedimages.factories import make_credentials, make_user
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_MEMBERS", 3)
    monkeypatch.setattr(listing, "BATCH", 2)


@pytest.fixture
def member() -> User:
    return make_user("mira", project_id="lab")


@pytest.fixture
def mira(member, api_as) -> Any:
    return api_as(make_credentials("mira"))


def test_each_line_is_the_canonical_one_with_a_url_that_reads_the_file(api):
    images = ready_images(3, "knee", "größe|1\u2028", stored=True)
    release = released()
    members = read(api, release)
    assert ids(members) == [image.pk for image in images]
    assert digest_of(members) == release.digest
    for member in members:
        answer = urllib3.request("GET", member["url"], retries=False)
        assert hashlib.sha256(answer.data).hexdigest() == member["sha256"]
        assert len(answer.data) == member["bytes"]
        assert time.time() < member["expires"] <= time.time() + 3600


def test_url_and_expires_stand_behind_what_was_hashed(api):
    ready_images(1)
    answer = api.get(path_of(released()))
    line = answer.getvalue().rstrip(b"\n")
    assert line[: line.index(b',"expires"')] + b"}" == canonical(json.loads(line))
    assert answer["Content-Type"] == "application/x-ndjson"


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6, 7, 8])
def test_whoever_has_a_part_goes_on_after_its_last_id(api, small_chunks, limit):
    images = ready_images(7)
    release = released()
    found: list[dict[str, Any]] = []
    url = f"{path_of(release)}?limit={limit}"
    while url:
        answer = api.get(url)
        part = [json.loads(line) for line in answer.getvalue().splitlines()]
        assert len(part) == min(limit, 7 - len(found))
        found += part
        url = answer.headers.get("Link", "").removesuffix('>; rel="next"')[1:]
    assert ids(found) == [image.pk for image in images]
    assert digest_of(found) == release.digest


def test_beyond_the_last_one_there_is_nothing(api, small_chunks):
    release = kept_release(map(member_of, ready_images(4)))
    last = read(api, release)[-1]["id"]
    assert read(api, release, f"after={last}") == []
    assert read(api, release, f"after={2**63 - 1}") == []


def test_a_split_has_its_members_alone_and_nothing_that_is_withheld(api, small_chunks):
    images = ready_images(7)
    # What looks like another key is a text.
    tags = ['"split":"test"', 'split":"test', '\\"split\\":\\"test\\"']
    splits = ["train", "test", "train", "test", "validation", "test", "train"]
    release = kept_release(
        member_of(image, split=split, tags=tags)
        for image, split in zip(images, splits, strict=True)
    )
    Image.objects.filter(pk=images[3].pk).update(visibility=Visibility.PRIVATE)
    assert ids(read(api, release, "split=test")) == [images[1].pk, images[5].pk]
    assert ids(read(api, release, "split=test&limit=2")) == [images[1].pk, images[5].pk]
    assert ids(read(api, release, f"split=test&limit=1&after={images[1].pk}")) == [images[5].pk]
    assert ids(read(api, release, "split=validation")) == [images[4].pk]
    assert "Link" not in api.head(f"{path_of(release)}?split=test&limit=1").headers
    assert read(api, kept_release([member_of(images[0])]), "split=train") == []


def test_what_turned_private_is_a_leaf_for_whoever_may_not_see_it(api, api_as, member, mira):
    """The creator and staff go on reading it, deleted or not; the release verifies for all."""
    lena = make_credentials("lena", project_id="lab")
    images = ready_images(3, "knee", by=member)
    release = released(make_dataset(by=member), by=member)
    Image.objects.filter(pk=images[1].pk).update(visibility=Visibility.PRIVATE)
    whole, cut = read(mira, release), read(api_as(lena), release)
    assert [list(one) for one in cut][1] == ["id", "leaf", "withheld"]
    assert cut[1] | {"leaf": ""} == {"id": images[1].pk, "leaf": "", "withheld": "private"}
    assert not any("withheld" in one for one in whole)
    assert digest_of(whole) == digest_of(cut) == release.digest
    url = path_of(release, "").rstrip("/")
    assert [client.get(url).json()["withheld"] for client in (mira, api_as(lena))] == [0, 1]


def test_deletion_and_ends_withhold_nothing(mira, member):
    images = ready_images(3, by=member)
    release = released(make_dataset(by=member), by=member)
    deletion.delete(images[0])
    Image.objects.filter(pk=images[1].pk).update(ended_at=timezone.now() - timedelta(hours=1))
    members = read(mira, release)
    assert all(one["url"] for one in members)
    assert digest_of(members) == release.digest
    assert mira.get(path_of(release, "").rstrip("/")).json()["withheld"] == 0


def test_a_record_that_is_gone_is_withheld(api):
    image, other = ready_images(2)
    gone = member_of(image)._replace(id=other.pk + 1000)
    release = kept_release([gone, member_of(other)])
    assert [one.get("withheld") for one in read(api, release)] == [None, "private"]


def test_of_a_retired_release_a_deleted_file_has_no_url(api):
    images = ready_images(2)
    release = released()
    deletion.delete(images[0])
    Release.objects.filter(pk=release.pk).update(state=ReleaseState.RETIRED)
    gone, there = read(api, release)
    assert (gone["url"], gone["expires"]) == (None, None)
    assert there["url"]
    assert digest_of([gone, there]) == release.digest


def test_of_what_is_not_built_there_are_none(api):
    ready_images(1)
    release = asked_for()
    Release.objects.filter(pk=release.pk).update(state=ReleaseState.BUILDING)
    for what in ("members", "croissant", f"diff?with={release.number}"):
        assert api.get(path_of(release, what)).status_code == 409
    assert api.post(path_of(release, "urls"), {"ids": [1]}).status_code == 409


def test_others_learn_nothing_of_it(api, api_as, member):
    ready_images(1, by=member)
    release = released(make_dataset(by=member), by=member)
    far = api_as(make_credentials("far", project_id="far"))
    for client in (api, far):
        for what in ("members", "croissant", "diff?with=1"):
            assert client.get(path_of(release, what)).status_code == 404
        assert client.post(path_of(release, "urls"), {"ids": [1]}).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=100001",
        "limit=many",
        "after=-1",
        f"after={2**63}",
        "after=",
        "split=dev",
        "split=",
        "format=xml",
        "format=",
    ],
)
def test_what_makes_no_sense_is_400(api, query):
    answer = api.get(f"{path_of(kept_release([member_of(ready_image())]))}?{query}")
    assert (answer.status_code, set(answer.json())) == (400, {"code", "message", "errors"})


def test_as_many_are_sent_at_a_time_as_may(api, monkeypatch):
    release = kept_release([member_of(ready_image())])
    held = [streams.slots.acquire(blocking=False) for _ in range(1000)]
    try:
        answer = api.get(path_of(release))
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    finally:
        for _ in filter(None, held):
            streams.slots.release()
    before = streams.slots._value
    assert len(read(api, release)) == 1
    assert api.head(path_of(release)).status_code == 200
    assert streams.slots._value == before


def test_a_list_that_breaks_off_says_so_in_its_last_line(api, small_chunks):
    release = kept_release(map(member_of, ready_images(6)))
    Chunk.objects.filter(release=release, number=1).update(lines=b"no zlib")
    answer = api.get(path_of(release))
    sent = []
    with pytest.raises(Exception, match="decompress"):
        sent.extend(answer.streaming_content)
    told = [json.loads(line) for line in b"".join(sent).splitlines()]
    assert (len(told), told[-1]["code"]) == (3, 500)
