"""GET /v1/images/{id}/facts and /similar, POST /v1/images/lookup."""

import hashlib
import time
import urllib.request
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from images import inspection_jobs, likeness
from images.models import Facts, Image
from images.tests.files import dicom, encoded, photo
from taggedimages.factories import make_credentials, make_image, make_pending, make_user

pytestmark = pytest.mark.django_db

PHOTO = encoded(photo(), "PNG")
NOTHING: dict[str, Any] = {
    "reason": None,
    "format": None,
    "media_type": None,
    "width": None,
    "height": None,
    "orientation": None,
    "color": None,
    "sha256": None,
    "md5": None,
    "taken_at": None,
    "exif": {},
    "gps": None,
    "dicom": None,
    "thumbhash": None,
    "previews": {"mini": None, "large": None, "full": None},
    "duplicates": [],
    "attempts": 0,
    "processed_at": None,
}


def inspected(body: bytes = PHOTO, **fields) -> Image:
    image = make_image(body=body, **fields)
    inspection_jobs.inspect(image)
    return image


def known(fingerprint: int | None = None, sha256: bytes | None = None, **fields) -> Image:
    """An image of which only these facts matter."""
    image = make_image(processed_at=timezone.now(), **fields)
    Facts.objects.create(image=image, fingerprint=fingerprint, sha256=sha256)
    return image


def fetched(url: str):
    with urllib.request.urlopen(url) as answer:
        return answer.headers, answer.read()


def test_facts_of_a_ready_image(api):
    image = inspected()
    facts = api.get(f"/v1/images/{image.pk}/facts").json()
    urls, thumbhash, color = facts.pop("previews"), facts.pop("thumbhash"), facts.pop("color")
    age = time.time() - facts.pop("processed_at")
    assert facts == {
        "state": "ready",
        "reason": None,
        "format": "png",
        "media_type": "image/png",
        "width": 120,
        "height": 80,
        "orientation": 1,
        "sha256": hashlib.sha256(PHOTO).hexdigest(),
        "md5": hashlib.md5(PHOTO).hexdigest(),
        "size": len(PHOTO),
        "taken_at": None,
        "exif": {},
        "gps": None,
        "dicom": None,
        "duplicates": [],
        "attempts": 1,
    }
    assert len(thumbhash) > 20
    assert color[0] == "#"
    assert -2 < age < 60
    for name in ("mini", "large", "full"):
        headers, body = fetched(urls[name])
        assert headers["Content-Type"] == "image/webp"
        assert body[8:12] == b"WEBP"


def test_facts_of_images_that_are_not_inspected_yet(api):
    pending, uploaded = make_pending(), make_image()
    assert api.get(f"/v1/images/{pending.pk}/facts").json() == NOTHING | {
        "state": "pending",
        "size": 0,
    }
    assert api.get(f"/v1/images/{uploaded.pk}/facts").json() == NOTHING | {
        "state": "uploaded",
        "size": 1000,
    }


def test_facts_of_a_failed_image(api):
    image = inspected(b"no image")
    facts = api.get(f"/v1/images/{image.pk}/facts").json()
    assert (facts["state"], facts["format"], facts["width"]) == ("failed", None, None)
    assert facts["reason"] == "not_an_image: the content is of no known image format"
    assert facts["sha256"] == hashlib.sha256(b"no image").hexdigest()
    assert facts["previews"] == {"mini": None, "large": None, "full": None}


def test_a_file_that_was_refused_has_failed(api):
    image = make_pending(upload_error="size_mismatch: 1 bytes were declared and 2 arrived")
    facts = api.get(f"/v1/images/{image.pk}/facts").json()
    assert (facts["state"], facts["reason"]) == (
        "failed",
        "size_mismatch: 1 bytes were declared and 2 arrived",
    )


@pytest.mark.parametrize(
    ("body", "media_type", "kind"),
    [
        (PHOTO, "image/png", "inline"),
        (b"<html><script>alert(1)</script>", "application/octet-stream", "attachment"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "application/octet-stream", "attachment"),
        (PHOTO[:60], "application/octet-stream", "attachment"),
        (dicom(), "application/dicom", "attachment"),
    ],
    ids=["png", "html", "svg", "truncated", "dicom"],
)
def test_files_are_served_as_what_they_are(api, body, media_type, kind):
    image = inspected(body, filename="é.png")
    headers, content = fetched(api.get(f"/v1/images/{image.pk}").json()["url"])
    assert content == body
    assert headers["Content-Type"] == media_type
    assert headers["Content-Disposition"] == f"{kind}; filename*=UTF-8''%C3%A9.png"


def test_what_is_not_inspected_yet_is_only_saved(api):
    image = make_image(body=PHOTO, filename="a.png")
    headers, _ = fetched(api.get(f"/v1/images/{image.pk}").json()["url"])
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''a.png"


def test_duplicates_have_the_same_bytes_and_may_be_seen(api):
    first, second = inspected(), inspected()
    inspected(private=True, by=make_user())
    assert api.get(f"/v1/images/{first.pk}/facts").json()["duplicates"] == [second.pk]


def test_lookup_finds_images_by_checksum(api, api_as):
    mine = make_credentials("owner")
    sums = [bytes([n]) * 32 for n in range(3)]
    public = known(sha256=sums[0])
    secret = known(sha256=sums[0], private=True, by=make_user("owner"))
    asked = {"sha256": [sums[0].hex().upper(), sums[1].hex()]}
    answer = api.post("/v1/images/lookup", asked)
    assert (answer.status_code, answer.json()) == (
        200,
        {"results": {sums[0].hex().upper(): [public.pk], sums[1].hex(): []}},
    )
    assert api_as(mine).post("/v1/images/lookup", asked).json()["results"] == {
        sums[0].hex().upper(): [public.pk, secret.pk],
        sums[1].hex(): [],
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"sha256": "ab" * 32},
        {"sha256": ["ab"]},
        {"sha256": ["zz" * 32]},
        {"sha256": [1]},
        {"sha256": ["\0" * 64]},
        {"sha256": None},
        {"sha256": ["ab" * 32] * 1001},
    ],
)
def test_lookup_refuses_anything_but_checksums(api, body):
    assert api.post("/v1/images/lookup", body).status_code == 400


def test_lookup_takes_a_thousand_sums_in_one_statement(api, django_assert_max_num_queries):
    sums = [hashlib.sha256(b"%d" % n).hexdigest() for n in range(1000)]
    with django_assert_max_num_queries(3):
        answer = api.post("/v1/images/lookup", {"sha256": sums})
    assert len(answer.json()["results"]) == 1000


def test_similar_images_come_nearest_first(api):
    fingerprint = 0x0123456789ABCDEF
    given = known(fingerprint)
    at_7, at_2, at_0 = (known(fingerprint ^ bits) for bits in (0x7F, 0x10001, 0))
    known(fingerprint ^ 0xFF)
    known(-1)
    known(None)
    answer = api.get(f"/v1/images/{given.pk}/similar").json()
    assert [(line["distance"], line["image"]["id"]) for line in answer["results"]] == [
        (0, at_0.pk),
        (2, at_2.pk),
        (7, at_7.pk),
    ]
    shown, alone = answer["results"][0]["image"], api.get(f"/v1/images/{at_0.pk}").json()
    # Signed in another second, perhaps.
    assert shown.pop("url").partition("?")[0] == alone.pop("url").partition("?")[0]
    assert shown == alone
    assert len(api.get(f"/v1/images/{given.pk}/similar?limit=1").json()["results"]) == 1


def test_bits_may_differ_anywhere(api):
    given = known(-(2**63))
    spread = known(-(2**63) ^ 0x0003_0003_0003_0001)
    assert list(likeness.similar(given, None)) == [spread.pk]


def test_hidden_images_are_similar_to_none(api):
    given = known(5)
    known(5, private=True, by=make_user())
    assert api.get(f"/v1/images/{given.pk}/similar").json() == {"results": []}


def test_nothing_is_similar_to_an_image_of_one_colour(api):
    blank, _ = known(None), known(None)
    assert api.get(f"/v1/images/{blank.pk}/similar").json() == {"results": []}
    assert api.get(f"/v1/images/{make_image().pk}/similar").json() == {"results": []}


def test_recoded_photographs_find_each_other(api):
    large = inspected(encoded(photo(600, 400), "PNG"))
    small = inspected(encoded(photo(600, 400).resize((300, 200)), "JPEG"))
    inspected(encoded(photo(600, 400, seed=3), "PNG"))
    results = api.get(f"/v1/images/{large.pk}/similar").json()["results"]
    assert [line["image"]["id"] for line in results] == [small.pk]


@pytest.mark.parametrize("path", ["facts", "similar"])
def test_hidden_and_unknown_images_are_not_found(api, path):
    hidden = known(5, private=True, by=make_user())
    for unseen in (hidden.pk, 2**62, 0):
        answer = api.get(f"/v1/images/{unseen}/{path}")
        assert (answer.status_code, answer.json()) == (404, api.get("/v1/images/0").json())
    assert api.get(f"/v1/images/x/{path}").status_code == 400


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "\0", "9" * 30])
def test_the_limit_is_1_to_100(api, limit):
    assert api.get(f"/v1/images/{known(5).pk}/similar", {"limit": limit}).status_code == 400


def test_the_statements_for_similar_images_do_not_grow(api, django_assert_num_queries):
    given = known(5)
    for _ in range(2):
        known(5)
    with django_assert_num_queries(5):
        api.get(f"/v1/images/{given.pk}/similar")
    for _ in range(5):
        known(5)
    with django_assert_num_queries(5):
        api.get(f"/v1/images/{given.pk}/similar")


def test_the_routes_are_documented(api):
    paths = api.get("/v1/openapi.json").json()["paths"]
    assert {
        "/v1/images/{id}/facts",
        "/v1/images/{id}/similar",
        "/v1/images/lookup",
    } <= set(paths)


def test_times_before_1970_are_rounded_down_as_searches_round_them(api):
    image = known()
    at = datetime(1969, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC)
    Facts.objects.filter(image=image).update(taken_at=at)
    assert api.get(f"/v1/images/{image.pk}/facts").json()["taken_at"] == -2
