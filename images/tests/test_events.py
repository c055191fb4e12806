"""POST /v1/hooks/s3: news from the object store, in the shapes that stores send."""

import json
from urllib.parse import quote, quote_plus

import pytest
from django.conf import settings

from images import deletion, keys, storage, uploads
from images.models import Image
from taggedimages.factories import TESTS, make_image

pytestmark = pytest.mark.django_db

SECRET = "a shared secret"
REFUSED = {"code": 401, "message": "The shared secret is missing or wrong."}
BAD_EVENT = {"code": 400, "message": "Not an event of a known object store."}


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.HOOK_SECRET = SECRET


@pytest.fixture
def arrived():
    """A pending record whose file is in the store already."""
    return pending("sun.png")


def pending(filename: str, body: bytes = b"the file") -> Image:
    image = uploads.begin(filename, None, TESTS)
    storage.put(image.key, body)
    return image


def post(api, event, query=None, **headers):
    body = event if isinstance(event, str | bytes) else json.dumps(event)
    headers = headers or {"HTTP_X_HOOK_SECRET": SECRET}
    return api.post(
        "/v1/hooks/s3",
        body,
        content_type="application/json",
        query_params=query,
        **headers,
    )


def taken(image: Image) -> bool:
    """Whether the file of a record has been found."""
    return Image.objects.get(pk=image.pk).uploaded_at is not None


def record(key: str, bucket: str = "", name: str = "ObjectCreated:Put"):
    """One of S3's `Records`, abridged; keys are form-encoded."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-02T03:04:05.000Z",
        "eventName": name,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": bucket or settings.S3_BUCKET, "arn": "arn:aws:s3:::bucket"},
            "object": {"key": quote_plus(key, safe="/"), "size": 8, "eTag": "e", "sequencer": "1"},
        },
    }


def s3(key: str, **more):
    return {"Records": [record(key, **more)]}


def sns(key: str):
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-east-1:123456789012:images",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(s3(key)),
        "Signature": "EXAMPLE",
    }


def minio(key: str):
    # MinIO escapes a space as %20 and the slashes too.
    event = s3(key, name="s3:ObjectCreated:Put")
    event["Records"][0]["s3"]["object"]["key"] = quote(key, safe="")
    return {
        "EventName": "s3:ObjectCreated:Put",
        "Key": f"{settings.S3_BUCKET}/{key}",
        "Records": event["Records"],
    }


def seaweedfs(key: str, event_type: str = "create"):
    path = f"/buckets/{settings.S3_BUCKET}/{key}"
    return {"key": path, "event_type": event_type, "message": {"new_entry": {"name": "sun.png"}}}


SHAPES = pytest.mark.parametrize("shape", [s3, sns, minio, seaweedfs])


# --- shapes --------------------------------------------------------------------------------------


@SHAPES
def test_the_event_of_each_store_completes_the_record(api, arrived, shape):
    answer = post(api, shape(arrived.key))
    assert (answer.status_code, answer.content) == (204, b"")
    assert taken(arrived)


@SHAPES
@pytest.mark.parametrize("filename", ["a b + c.png", "été 100%.png", "🦴&=?#.png", "%2f%41.png"])
def test_keys_are_read_as_each_store_encodes_them(api, shape, filename):
    image = pending(filename)
    post(api, shape(image.key))
    assert taken(image)


def test_sns_sends_its_json_as_plain_text(api, arrived):
    answer = api.post(
        "/v1/hooks/s3/",
        json.dumps(sns(arrived.key)),
        content_type="text/plain; charset=UTF-8",
        HTTP_X_HOOK_SECRET=SECRET,
    )
    assert answer.status_code == 204
    assert taken(arrived)


def test_one_event_may_tell_of_several_objects(api):
    images = [pending("a.png".rjust(5)), pending("bbb.png")]
    post(api, {"Records": [record(image.key) for image in images]})
    assert all(taken(image) for image in images)


@pytest.mark.parametrize("name", ["CompleteMultipartUpload", "Post", "Copy"])
def test_every_way_of_creating_an_object_counts(api, arrived, name):
    post(api, s3(arrived.key, name=f"ObjectCreated:{name}"))
    assert taken(arrived)


@pytest.mark.parametrize(
    "event",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "images"},
        {"Type": "SubscriptionConfirmation", "SubscribeURL": "http://127.0.0.1:1/confirm"},
        {"Type": "UnsubscribeConfirmation", "Message": "..."},
        {"Type": "Notification", "Message": '{"Event": "s3:TestEvent"}'},
        {"Records": []},
    ],
)
def test_events_without_an_object_are_taken_in_silence(api, event):
    assert post(api, event).status_code == 204


# --- what changes nothing ------------------------------------------------------------------------


def raw(key: str):
    """An S3 event whose key is not encoded, as it must be."""
    event = s3("")
    event["Records"][0]["s3"]["object"]["key"] = key
    return event


@pytest.mark.parametrize(
    "event",
    [
        lambda key: s3(key, bucket="another"),
        lambda key: s3(key, bucket="\ud800"),
        lambda key: s3(key, name="ObjectRemoved:Delete"),
        lambda key: s3(f"{key}x"),
        lambda key: s3(f"/{key}"),
        lambda key: s3(f"{key}\0"),
        lambda key: s3("x" * 5000),
        lambda key: s3(""),
        lambda key: raw("\0"),
        lambda key: raw("\ud800"),
        lambda key: raw("%ff%"),
        lambda key: seaweedfs(key, "delete"),
        lambda key: seaweedfs(f"{key}\0"),
        lambda key: {"key": f"/elsewhere/{key}", "event_type": "create"},
        lambda key: {"key": f"/buckets/another/{key}", "event_type": "create"},
        lambda key: {"key": "/buckets/", "event_type": "create"},
    ],
)
def test_events_of_unknown_objects_change_nothing(api, arrived, event):
    answer = post(api, event(arrived.key))
    assert (answer.status_code, answer.content) == (204, b"")
    assert not taken(arrived)


def test_an_event_is_not_believed_where_the_store_has_nothing(api):
    image = uploads.begin("sun.png", None, TESTS)
    assert post(api, s3(image.key)).status_code == 204
    assert not taken(image)


def test_a_repeated_event_changes_nothing(api, arrived):
    post(api, s3(arrived.key))
    before = Image.objects.values().get()
    assert post(api, s3(arrived.key)).status_code == 204
    assert Image.objects.values().get() == before
    assert storage.read(before["key"]) == b"the file"


def test_the_event_of_the_move_itself_changes_nothing(api, arrived):
    post(api, s3(arrived.key))
    assert post(api, s3(keys.archived(arrived.key))).status_code == 204
    assert storage.read(keys.archived(arrived.key)) == b"the file"


def test_a_late_write_is_discarded(api, arrived):
    post(api, s3(arrived.key))
    storage.put(arrived.key, b"another file")
    post(api, s3(arrived.key))
    assert storage.head(arrived.key) is None
    assert storage.read(keys.archived(arrived.key)) == b"the file"


def test_the_event_of_a_deleted_image_does_not_bring_it_back(api, arrived):
    deletion.delete(arrived)
    assert post(api, s3(arrived.key)).status_code == 204
    assert not taken(arrived)


def test_an_event_of_a_one_shot_object_leaves_it(api):
    image = make_image(body=b"the file", key=keys.upload_key(make_image().key) + "2")
    assert post(api, s3(image.key)).status_code == 204
    assert storage.read(image.key) == b"the file"


# --- the shared secret ---------------------------------------------------------------------------

EVENT: dict[str, list[str]] = {"Records": []}


def test_the_secret_comes_in_a_header_a_bearer_or_the_query(api):
    assert post(api, EVENT, HTTP_X_HOOK_SECRET=SECRET).status_code == 204
    assert post(api, EVENT, HTTP_AUTHORIZATION=f"Bearer {SECRET}").status_code == 204
    assert post(api, EVENT, {"secret": SECRET}, HTTP_X_OTHER="").status_code == 204


@pytest.mark.parametrize("wrong", ["", "wrong", SECRET[:-1], "é", f"{SECRET}x"])
def test_a_wrong_secret_is_401_wherever_it_comes(api, wrong):
    answers = [
        post(api, EVENT, HTTP_X_HOOK_SECRET=wrong),
        post(api, EVENT, HTTP_AUTHORIZATION=f"Bearer {wrong}"),
        post(api, EVENT, HTTP_AUTHORIZATION=wrong),
        post(api, EVENT, {"secret": wrong}, HTTP_X_OTHER=""),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(401, REFUSED)] * 4


def test_a_missing_secret_is_401_before_the_body_is_looked_at(api):
    answer = post(api, "not JSON", HTTP_X_OTHER="")
    assert (answer.status_code, answer.json()) == (401, REFUSED)


def test_without_a_configured_secret_nobody_gets_in(api, settings):
    settings.HOOK_SECRET = ""
    assert post(api, EVENT, HTTP_X_HOOK_SECRET="").status_code == 401


def test_the_hook_asks_for_no_login(api, settings):
    settings.ANONYMOUS = "none"
    assert post(api, EVENT).status_code == 204


# --- malformed -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "null",
        "[]",
        "5",
        '"text"',
        "{}",
        b"\xff\xfe\xfa",
        "[" * 100_000,
        "1" * 5_000,
        '{"Records": {}}',
        '{"Records": [1]}',
        '{"Records": [null]}',
        '{"Records": [[]]}',
        '{"Records": [{}]}',
        '{"Records": [{"s3": null}]}',
        '{"Records": [{"s3": {"bucket": "b", "object": "o"}}]}',
        '{"Records": [{"s3": {"bucket": {"name": 1}, "object": {"key": 2}}}]}',
        '{"Records": [{"eventName": 5, "s3": {"bucket": {"name": ""}, "object": {"key": ""}}}]}',
        '{"Type": "Notification"}',
        '{"Type": "Notification", "Message": {}}',
        '{"Type": "Notification", "Message": "no JSON"}',
        '{"Type": "Notification", "Message": "5"}',
        '{"Type": "Notification", "Message": "{\\"Type\\": \\"Notification\\"}"}',
        '{"key": 5, "event_type": "create"}',
        '{"key": "/buckets/a/b"}',
    ],
)
def test_a_malformed_event_is_400(api, body):
    answer = post(api, body)
    assert (answer.status_code, answer.json()) == (400, BAD_EVENT)


def test_only_post_is_answered(api):
    answer = api.get("/v1/hooks/s3")
    assert (answer.status_code, answer.json()["code"]) == (405, 405)
