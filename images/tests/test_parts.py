"""Large files in parts: begun, resumed, completed, aborted, and refused by S3's rules."""

import hashlib
import os

import pytest
import requests

from images import deletion, storage, uploads
from images.models import Image, PartedUpload
from taggedimages.factories import make_credentials, make_pending

pytestmark = pytest.mark.django_db

MIB = 1024**2
FIRST, SECOND, REST = os.urandom(5 * MIB), os.urandom(5 * MIB), b"the rest"
BODIES = {1: FIRST, 2: SECOND, 3: REST}
SIZE = 10 * MIB + len(REST)


@pytest.fixture(autouse=True)
def _open(settings):
    settings.ANONYMOUS = "open"


@pytest.fixture
def begun(api):
    answer = api.post("/v1/images", {"filename": "slide.tiff", "size": SIZE, "parts": 3})
    assert answer.status_code == 201
    return answer.json()


def send(parts, numbers=(1, 2, 3)):
    """PUT these parts; returns what `complete` wants to know of them."""
    urls = {part["number"]: part["url"] for part in parts}
    sent = []
    for number in numbers:
        answer = requests.put(urls[number], data=BODIES[number], timeout=10)
        assert answer.status_code == 200
        sent.append({"number": number, "etag": answer.headers["ETag"]})
    return sent


def complete(api, begun, parts, upload_id=None):
    body = {"upload_id": upload_id or begun["upload_id"], "parts": parts}
    return api.post(f"/v1/images/{begun['id']}/complete", body)


def size_of(key):
    stored = storage.head(key)
    return stored and stored.size


def test_a_file_in_parts_becomes_one_object(api, begun):
    assert begun.keys() == {"id", "upload_id", "parts"}
    assert [part.keys() for part in begun["parts"]] == [{"number", "url"}] * 3

    answer = complete(api, begun, send(begun["parts"]))

    assert answer.status_code == 200
    assert answer.json()["size"] == SIZE
    stored = requests.get(answer.json()["url"], timeout=10).content
    assert hashlib.sha256(stored).digest() == hashlib.sha256(FIRST + SECOND + REST).digest()


def test_the_object_lies_where_no_url_of_the_upload_reaches_it(api, begun):
    complete(api, begun, send(begun["parts"]))

    image = Image.objects.get(pk=begun["id"])
    assert image.is_archived
    late = requests.put(begun["parts"][0]["url"], data=b"late", timeout=10)
    assert late.status_code == 404
    assert size_of(image.key) == SIZE


def test_a_lost_connection_is_resumed(api, begun):
    send(begun["parts"], [2])

    answer = api.get(f"/v1/images/{begun['id']}/parts").json()

    arrived = {"number": 2, "size": 5 * MIB, "etag": answer["parts"][1]["etag"], "url": None}
    assert answer["upload_id"] == begun["upload_id"]
    assert answer["parts"][1] == arrived
    assert [part["number"] for part in answer["parts"] if part["url"]] == [1, 3]
    sent = [*send(answer["parts"], [1, 3]), {"number": 2, "etag": arrived["etag"]}]
    assert complete(api, begun, sent).status_code == 200


def test_completing_twice_changes_nothing(api, begun):
    sent = send(begun["parts"])
    first, second = (complete(api, begun, sent).json() for _ in range(2))

    assert first | {"url": ""} == second | {"url": ""}
    assert first["uploaded_timestamp"]
    assert not PartedUpload.objects.exists()


def test_completion_without_a_body_stays_what_it_was(api, begun):
    assert api.post(f"/v1/images/{begun['id']}/complete").status_code == 409
    complete(api, begun, send(begun["parts"]))
    assert api.post(f"/v1/images/{begun['id']}/complete").status_code == 200


def test_a_completion_whose_answer_was_lost_is_seen_by_anybody_who_looks(api, begun):
    sent = send(begun["parts"])
    upload = PartedUpload.objects.select_related("image").get(image=begun["id"])
    pairs = [(part["number"], part["etag"]) for part in sent]
    assert storage.complete_parts(upload.image.key, upload.upload_id, pairs)

    assert complete(api, begun, sent).status_code == 200


def test_a_wrong_etag_is_refused_and_can_be_mended(api, begun):
    sent = send(begun["parts"])
    answer = complete(api, begun, [*sent[:2], {"number": 3, "etag": '"' + "0" * 32 + '"'}])

    assert answer.status_code == 409
    assert answer.json()["code"] == 409
    assert complete(api, begun, sent).status_code == 200


def test_a_part_that_has_not_arrived_is_refused(api, begun):
    sent = send(begun["parts"], [1, 2])
    assert complete(api, begun, [*sent, {"number": 3, "etag": "x"}]).status_code == 409


def test_a_part_that_was_left_out_shows_in_the_size(api, begun):
    sent = send(begun["parts"], [1, 2])
    answer = complete(api, begun, sent)

    assert answer.status_code == 409
    assert answer.json()["message"] == (
        f"size_mismatch: {SIZE} bytes were declared and {10 * MIB} arrived"
    )


def test_a_wrong_upload_id_is_refused(api, begun):
    sent = send(begun["parts"], [3])
    assert complete(api, begun, sent, upload_id="another").status_code == 409


def test_aborting_frees_what_has_arrived(api, begun):
    send(begun["parts"], [3])
    path = f"/v1/images/{begun['id']}/parts"

    assert [api.delete(path).status_code for _ in range(2)] == [204, 204]

    assert api.get(path).status_code == 409
    late = requests.put(begun["parts"][0]["url"], data=b"late", timeout=10)
    assert late.status_code == 404


def test_deleting_the_image_aborts_its_upload(api, begun):
    api.delete(f"/v1/images/{begun['id']}")
    upload = PartedUpload.objects.select_related("image").get(image=begun["id"])
    deletion.purge(upload.image)

    assert storage.parts(upload.image.key, upload.upload_id) is None


def test_an_image_without_parts_has_none(api):
    image = make_pending()
    assert api.get(f"/v1/images/{image.pk}/parts").status_code == 409
    assert api.delete(f"/v1/images/{image.pk}/parts").status_code == 204


class TestSomebodyElse:
    """Only who began may go on; whoever may not see the image learns nothing."""

    @pytest.fixture
    def theirs(self, api_as):
        client = api_as(make_credentials())
        return client.post("/v1/images", {"filename": "a.tiff", "size": 9, "parts": 1}).json()

    @pytest.mark.parametrize(("private", "status"), [(False, 403), (True, 404)])
    def test_is_refused(self, api, api_as, theirs, private, status):
        Image.objects.filter(pk=theirs["id"]).update(visibility=2 if private else 0)
        for client in (api, api_as(make_credentials())):
            path = f"/v1/images/{theirs['id']}/parts"
            assert client.get(path).status_code == status
            assert client.delete(path).status_code == status
            assert complete(client, theirs, [{"number": 1, "etag": "x"}]).status_code == status

    def test_who_may_only_read_gets_no_urls_to_write_to(self, api, begun, settings):
        settings.ANONYMOUS = "read-only"
        assert api.get(f"/v1/images/{begun['id']}/parts").status_code == 401


@pytest.mark.parametrize(
    ("size", "parts", "message"),
    [
        (None, 2, "size: Needed where there are parts."),
        (10 * MIB, 0, "parts: Ensure this value is greater than or equal to 1."),
        (2**50, 10_001, "parts: Ensure this value is less than or equal to 10000."),
        (5 * MIB, 2, "parts: Each part but the last has at least 5242880 bytes (5 MiB): use fewer"),
        (5 * 1024**3 + 1, 1, "parts: A part has at most 5368709120 bytes (5 GiB): use more parts."),
        (5 * 1024**4 + 1, 10_000, "parts: A file has at most 5497558138880 bytes (5 TiB)."),
        (10 * MIB, "2", "parts: A valid integer is required."),
        (10 * MIB, True, "parts: A valid integer is required."),
        (10 * MIB, [2], "parts: A valid integer is required."),
    ],
)
def test_a_plan_that_no_store_takes_is_a_bad_request(api, size, parts, message):
    body = {"filename": "slide.tiff", "parts": parts} | ({"size": size} if size else {})
    answer = api.post("/v1/images", body)

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(message)


def test_ten_thousand_parts_have_ten_thousand_urls(api):
    body = {"filename": "scan.tiff", "size": 5 * 1024**4, "parts": 10_000}
    parts = api.post("/v1/images", body).json()["parts"]

    assert [part["number"] for part in parts] == list(range(1, 10_001))
    assert requests.put(parts[-1]["url"], data=b"last", timeout=10).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"upload_id": "x"},
        {"parts": [{"number": 1, "etag": "x"}]},
        {"upload_id": "x", "parts": []},
        {"upload_id": "x", "parts": "1"},
        {"upload_id": "x", "parts": [1]},
        {"upload_id": "x", "parts": [{"number": 0, "etag": "x"}]},
        {"upload_id": "x", "parts": [{"number": 10_001, "etag": "x"}]},
        {"upload_id": "x", "parts": [{"number": 1, "etag": "x"}] * 2},
        {"upload_id": "x\0", "parts": [{"number": 1, "etag": "x"}]},
        {"upload_id": 1, "parts": [{"number": 1, "etag": 1}]},
        [1],
        [],
    ],
)
def test_a_bad_body_is_a_bad_request_even_where_there_is_no_image(api, body):
    assert api.post("/v1/images/987654321/complete", body).status_code == 400


def test_a_surrogate_is_a_bad_request(api):
    body = r'{"upload_id": "\ud800", "parts": [{"number": 1, "etag": "x"}]}'
    answer = api.post("/v1/images/1/complete", body, content_type="application/json")
    assert answer.status_code == 400


def test_the_worker_takes_what_was_completed_by_a_process_that_died(api, begun):
    upload = PartedUpload.objects.select_related("image").get(image=begun["id"])
    pairs = [(part["number"], part["etag"]) for part in send(begun["parts"])]
    storage.complete_parts(upload.image.key, upload.upload_id, pairs)

    uploads.confirm(upload.image)

    image = Image.objects.get(pk=begun["id"])
    assert image.uploaded_at
    assert size_of(image.key) == SIZE


class TestLengths:
    """Where the length of a part is known, its URL takes no other."""

    @pytest.fixture
    def bound(self, api):
        body = {"filename": "slide.tiff", "size": SIZE, "parts": 3, "part_size": 5 * MIB}
        answer = api.post("/v1/images", body)
        assert answer.status_code == 201
        return answer.json()

    def test_of_all_parts(self, api, bound):
        for part, body in zip(bound["parts"], (FIRST, SECOND, REST), strict=True):
            for other in (body + b"!", body[:-1]):
                assert requests.put(part["url"], data=other, timeout=10).status_code == 403
        assert complete(api, bound, send(bound["parts"])).json()["size"] == SIZE

    def test_of_urls_that_are_given_again(self, api, bound):
        parts = api.get(f"/v1/images/{bound['id']}/parts").json()["parts"]
        assert requests.put(parts[1]["url"], data=b"short", timeout=10).status_code == 403
        assert complete(api, bound, send(parts)).status_code == 200

    def test_of_an_only_part(self, api):
        body = {"filename": "slide.tiff", "size": len(REST), "parts": 1}
        url = api.post("/v1/images", body).json()["parts"][0]["url"]
        assert requests.put(url, data=REST + b"!", timeout=10).status_code == 403
        assert requests.put(url, data=REST, timeout=10).status_code == 200

    @pytest.mark.parametrize(
        ("parts", "part_size", "why"),
        [
            (2, 5 * MIB, "parts: 2 parts of 5242880 bytes, the last of fewer, are not 10485768."),
            (2, 11 * MIB, "parts: 2 parts of 11534336 bytes, the last of fewer, are not 10485768."),
            (None, 5 * MIB, "part_size: Needs parts."),
            (3, 0, "part_size: Ensure this value is greater than or equal to 1."),
            (3, "5242880", "part_size: A valid integer is required."),
        ],
    )
    def test_that_are_no_plan(self, api, parts, part_size, why):
        body = {"filename": "slide.tiff", "size": SIZE, "part_size": part_size}
        answer = api.post("/v1/images", body | ({"parts": parts} if parts else {}))
        assert (answer.status_code, answer.json()["message"]) == (400, why)
