"""URLs of members that are signed anew, once the first ones have expired."""

import pytest
import urllib3

from images import deletion
from images.models import Image
from images.visibility import Visibility
from taggedimages.datasets import chunks, erasing
from taggedimages.datasets.models import Release, ReleaseState
from taggedimages.datasets.tests.kept import kept_release, member_of
from taggedimages.datasets.tests.listed import path_of
from taggedimages.datasets.tests.releases import ready_image, ready_images

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_MEMBERS", 2)


def test_each_id_gets_a_url_in_its_place(api):
    images = ready_images(5, stored=True)
    release = kept_release(map(member_of, images))
    asked = [images[4].pk, images[0].pk, images[1].pk, images[4].pk]
    results = api.post(path_of(release, "urls"), {"ids": asked}).json()["results"]
    assert [one["id"] for one in results] == asked
    for one in results:
        assert urllib3.request("GET", one["url"], retries=False).status == 200
        assert set(one) == {"id", "url", "expires"}


def test_what_is_no_member_is_400_and_names_it(api):
    images = ready_images(5)
    release = kept_release(map(member_of, images[1:4]))
    for other in (images[0].pk, images[4].pk, 2**62):
        answer = api.post(path_of(release, "urls"), {"ids": [images[2].pk, other]})
        assert (answer.status_code, answer.json()["message"]) == (
            400,
            f"ids: {other} is no member.",
        )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": None},
        {"ids": "1"},
        {"ids": ["1"]},
        {"ids": [0]},
        {"ids": [True]},
        {"ids": [1.5]},
        {"ids": [2**63]},
        {"ids": list(range(1, 1002))},
        {"ids": [1], "all": True},
        [1],
    ],
)
def test_what_makes_no_sense_is_400(api, body):
    release = kept_release([member_of(ready_image())])
    assert api.post(path_of(release, "urls"), body, format="json").status_code == 400


def test_withheld_members_have_none(api, transactional_db):
    images = ready_images(3, stored=True)
    release = kept_release(map(member_of, images))
    Image.objects.filter(pk=images[0].pk).update(visibility=Visibility.PRIVATE)
    erasing.erase(images[1].pk, "asked for", "tests")
    results = api.post(path_of(release, "urls"), {"ids": [one.pk for one in images]}).json()
    told = [(one["id"], one.get("withheld"), "url" in one) for one in results["results"]]
    assert told == [
        (images[0].pk, "private", False),
        (images[1].pk, "erased", False),
        (images[2].pk, None, True),
    ]


def test_a_file_that_is_gone_has_none(api):
    image = ready_image()
    release = kept_release([member_of(image)])
    deletion.delete(image)
    Release.objects.filter(pk=release.pk).update(state=ReleaseState.RETIRED)
    answer = api.post(path_of(release, "urls"), {"ids": [image.pk]})
    assert answer.json() == {"results": [{"id": image.pk, "url": None, "expires": None}]}
