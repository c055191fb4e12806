"""A single record is read again at the price of a 304, and written only as it was read."""

import pytest

from images.models import Image
from taggedimages.dialects.tests.doors import Atmosphere, Deployed, Ims, SharinPix, Tim
from tags.models import ImageTag, Tag

# Whose single records have entity tags; not SharinPix's, whose contract lets nobody store answers.
RECORDS = [
    (Tim, "/v1/images/{image.pk}"),
    (Tim, "/v1/tags/{tag.pk}"),
    (Atmosphere, "/api/v2/images/{image.pk}"),
    (Atmosphere, "/api/v2/tags/{tag.pk}"),
    (Atmosphere, "/api/v2/image_tags/{link.pk}"),
    (Deployed, "/current/api/v2/images/{image.pk}"),
    (Deployed, "/current/api/v2/tags/{tag.pk}"),
    (Deployed, "/current/api/v2/image_tags/{link.pk}"),
    (Ims, "/v2/images/{image.uuid}"),
]
WRITES = [
    (Tim, "put", "/v1/images/{image.pk}", {"tags": ["mine"]}),
    (Tim, "delete", "/v1/images/{image.pk}", None),
    (Tim, "put", "/v1/tags/{tag.pk}", {"name": "mine"}),
    (Tim, "delete", "/v1/tags/{tag.pk}", None),
    (Atmosphere, "patch", "/api/v2/images/{image.pk}", {"tags": ["mine"]}),
    (Atmosphere, "put", "/api/v2/images/{image.pk}", {"name": "mine"}),
    (Atmosphere, "patch", "/api/v2/tags/{tag.pk}", {"name": "mine"}),
    (Atmosphere, "put", "/api/v2/tags/{tag.pk}", {"name": "mine", "description": "m"}),
    (Atmosphere, "delete", "/api/v2/tags/{tag.pk}", None),
    (Atmosphere, "delete", "/api/v2/image_tags/{link.pk}", None),
]
OTHER = '"00000000000000000000000000000000"'


@pytest.fixture(autouse=True)
def _no_window_ends(settings):
    """URLs stay the same for years: else a test would fail where one window meets the next."""
    settings.PRESIGNED_STABLE_SECONDS = 10**9


@pytest.fixture
def corpus(doors, image):
    """An image with a tag, and the link between them."""
    doors[Tim].add(image, "knee")
    return {"image": image, "tag": Tag.objects.get(), "link": ImageTag.objects.get()}


@pytest.fixture(params=RECORDS, ids=lambda record: record[1])
def read(request, doors, corpus):
    """Reads one record."""
    door, path = request.param
    return lambda **headers: doors[door].http.get(path.format(**corpus), headers=headers)


@pytest.fixture(params=WRITES, ids=lambda write: " ".join(write[1:3]))
def record(request, doors, corpus):
    """One record: how it is read, and how it is written."""
    door, method, path, body = request.param
    http, path = doors[door].http, path.format(**corpus)
    send = getattr(http, method)
    return (
        lambda: http.get(path)["ETag"],
        lambda **headers: send(path, body, headers=headers).status_code,
    )


def change_everything():
    """Change all of RECORDS."""
    Tag.objects.update(name="elbow")
    Image.objects.update(name="elbow")


# --- reading -------------------------------------------------------------------------------------


def test_who_has_a_record_is_told_so_in_short(read):
    whole = read()
    for held in ("{}", "W/{}", '"x", {}', "*", 'W/{}  ,\t"y, z"'):
        again = read(**{"If-None-Match": held.format(whole["ETag"])})
        assert (again.status_code, again.content) == (304, b"")
        assert not {"Content-Type", "Content-Length"} & set(again.headers)
        for name in ("ETag", "Cache-Control", "Vary"):
            assert again[name] == whole[name]


def test_who_has_something_else_gets_it_whole(read):
    whole = read()
    for held in (OTHER, f"W/{OTHER}", "x", "", '"'):
        assert read(**{"If-None-Match": held}).content == whole.content


def test_the_tag_is_strong_and_changes_with_the_record(read):
    before = read()["ETag"]
    assert before == read()["ETag"]
    assert before.startswith('"')
    change_everything()
    changed = read(**{"If-None-Match": before})
    assert changed.status_code == 200
    assert changed["ETag"] != before


def test_a_head_is_answered_alike(doors, image):
    for door, path in ((Tim, f"/v1/images/{image.pk}"), (Ims, f"/v2/images/{image.uuid}")):
        http = doors[door].http
        whole = http.head(path)
        assert (whole.status_code, whole.content) == (200, b"")
        assert whole["ETag"] == http.get(path)["ETag"]
        assert http.head(path, headers={"If-None-Match": whole["ETag"]}).status_code == 304


def test_reading_for_another_state_is_refused(read):
    assert read(**{"If-Match": read()["ETag"]}).status_code == 200
    assert read(**{"If-Match": OTHER}).status_code == 412


def test_what_is_gone_is_not_there_whatever_is_held(doors, image):
    path = f"/v1/images/{image.pk}"
    held = doors[Tim].http.get(path)["ETag"]
    doors[Tim].delete(image)
    answer = doors[Tim].http.get(path, headers={"If-None-Match": held})
    assert (answer.status_code, answer["Cache-Control"]) == (404, "no-store")


def test_new_signatures_make_a_new_tag_of_the_same_state(doors, image, settings):
    http, path = doors[Tim].http, f"/v1/images/{image.pk}"
    old = http.get(path)
    settings.PRESIGNED_STABLE_SECONDS = 10**8
    new = http.get(path, headers={"If-None-Match": old["ETag"]})
    assert new.status_code == 200
    assert new.json()["url"] != old.json()["url"]
    # A writer need not care.
    held = {"If-Match": old["ETag"]}
    assert http.put(path, {"tags": ["mine"]}, headers=held).status_code == 200


def test_sharinpix_keeps_to_its_contract(doors, image):
    answer = doors[SharinPix].read(image)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-cache, no-store")
    assert "ETag" not in answer


# --- writing -------------------------------------------------------------------------------------


def test_a_record_that_is_as_it_was_read_can_be_written(record):
    tag, write = record
    assert write(**{"If-Match": f"{OTHER}, {tag()}"}) in (200, 204)


def test_one_that_has_changed_since_cannot(record):
    tag, write = record
    held = tag()
    change_everything()
    assert write(**{"If-Match": held}) == 412
    assert list(Tag.objects.values_list("name", "images__name")) == [("elbow", "elbow")]


def test_whatever_is_there_can_be_written_when_that_is_asked_for(record):
    assert record[1](**{"If-Match": "*"}) in (200, 204)


def test_weak_and_broken_tags_fit_nothing(record):
    tag, write = record
    for wanted in (f"W/{tag()}", tag().strip('"'), "x", ""):
        assert write(**{"If-Match": wanted}) == 412


def test_a_write_that_wants_nothing_to_be_there_is_refused(record):
    tag, write = record
    assert write(**{"If-None-Match": "*"}) == 412
    assert write(**{"If-None-Match": tag()}) == 412
    assert write(**{"If-None-Match": OTHER}) in (200, 204)


def test_the_refusal_has_the_shape_of_its_api(doors, image):
    held = {"If-Match": OTHER}
    message = "The record has changed; read it again."
    answer = doors[Tim].http.put(f"/v1/images/{image.pk}", {"tags": []}, headers=held)
    assert answer.json() == {"code": 412, "message": message}
    answer = doors[Atmosphere].http.patch(f"/api/v2/images/{image.pk}", {}, headers=held)
    assert answer.json() == {"detail": message}
    answer = doors[Ims].http.get(f"/v2/images/{image.uuid}", headers=held)
    assert answer.json() == {"error": {"code": "IMG.0001", "message": message}}


def test_what_is_not_there_is_so_whatever_state_is_wanted(doors):
    put = doors[Tim].http.put("/v1/images/999999", {"tags": []}, headers={"If-Match": OTHER})
    assert put.status_code == 404
