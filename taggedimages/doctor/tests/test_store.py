"""The bucket and its clock: on the real store, and through a proxy that changes something of it."""

import json
import uuid
from datetime import timedelta

import boto3
import pytest

from images import keys, storage
from images.storage import client
from taggedimages import origins
from taggedimages.doctor import store
from taggedimages.doctor.clocks import ahead
from taggedimages.doctor.findings import Status
from taggedimages.doctor.tests.told import examined, one, statuses
from taggedimages.tests.store_proxy import proxied

STORE = ("store", "bucket_rights", "bucket_strangers", "bucket_cors", "bucket_versions")


@pytest.fixture
def own_bucket(settings):
    """A bucket of this test's own."""
    settings.S3_BUCKET = f"doctor-{uuid.uuid4()}"
    storage.ensure_bucket()
    yield settings.S3_BUCKET
    for key, _ in storage.objects():
        storage.delete(key)
    client.store().delete_bucket(Bucket=settings.S3_BUCKET)


def test_a_bucket_as_it_should_be(own_bucket):
    assert statuses(*STORE, "store_clock") == dict.fromkeys(
        ("store", "store_clock", *STORE[1:]), Status.OK
    )


def test_nothing_of_what_was_tried_stays(own_bucket):
    examined(*STORE)
    assert list(storage.objects(keys.PROBES)) == []
    assert list(storage.unfinished()) == []


def test_a_store_that_is_away_fails_and_nothing_more_is_asked_of_it(settings):
    settings.S3_ENDPOINT_URL = "http://127.0.0.1:1"
    assert statuses(*STORE, "store_clock") == {
        "store": Status.FAIL,
        "store_clock": Status.FAIL,
        **dict.fromkeys(STORE[1:], Status.WARN),
    }


def test_a_bucket_that_is_not_there_fails(settings):
    settings.S3_BUCKET = "no-such-bucket"
    line = examined("store")[0]
    assert line.status == Status.FAIL
    assert "The bucket does not exist." in line.says


def test_keys_that_are_not_taken_fail(settings, monkeypatch):
    other = boto3.session.Session("another", "secret")
    monkeypatch.setattr(client, "_session", lambda: other)
    client._connect.cache_clear()
    try:
        assert examined("store")[0].status == Status.FAIL
    finally:
        client._connect.cache_clear()


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("PUT", "store objects"),
        ("DELETE", "remove objects"),
        ("POST", "take uploads in parts"),
    ],
)
def test_what_the_store_refuses_is_named(own_bucket, settings, method, words):
    address = settings.S3_ENDPOINT_URL
    with proxied(address, refused={method: 403}) as refusing:
        settings.S3_ENDPOINT_URL = refusing
        line = examined("bucket_rights")[0]
        settings.S3_ENDPOINT_URL = address
    assert line.status == Status.FAIL
    assert words in line.says
    assert "s3:PutObject" in line.do


def test_urls_that_lead_elsewhere_are_told(own_bucket, settings):
    settings.S3_PUBLIC_ENDPOINT_URL = "http://127.0.0.1:1"
    ours, clients = examined("bucket_rights")
    assert (ours.status, clients.status) == (Status.OK, Status.WARN)
    assert "S3_PUBLIC_ENDPOINT_URL" in clients.do


def test_urls_that_are_refused_fail(own_bucket, settings):
    with proxied(settings.S3_ENDPOINT_URL, refused={"PUT": 403}) as refusing:
        settings.S3_PUBLIC_ENDPOINT_URL = refusing
        ours, clients = examined("bucket_rights")
    assert (ours.status, clients.status) == (Status.OK, Status.FAIL)
    assert "PUT 403" in clients.says


@pytest.mark.parametrize(
    ("minutes", "status", "says"),
    [
        (3, Status.FAIL, "The clock of the store is 3 min ahead."),
        (-20, Status.FAIL, "The clock of the store is 20 min behind."),
        (0.2, Status.WARN, "ahead."),
        (0, Status.OK, "to within 5 s."),
    ],
)
def test_the_clock_of_the_store_is_told_by_its_answers(settings, minutes, status, says):
    with proxied(settings.S3_ENDPOINT_URL, ahead=timedelta(minutes=minutes)) as skewed:
        settings.S3_ENDPOINT_URL = skewed
        line = examined("store_clock")[0]
    assert line.status == status
    assert says in line.says


def test_a_store_that_refuses_tells_its_time_all_the_same(settings):
    address = settings.S3_ENDPOINT_URL
    with proxied(address, ahead=timedelta(hours=1), refused={"HEAD": 403}) as skewed:
        settings.S3_ENDPOINT_URL = skewed
        line = examined("store_clock")[0]
    assert line.says == "The clock of the store is 60 min ahead."


def test_what_a_clock_shows_between_two_looks_at_ours_is_no_difference():
    assert ahead(100, 104, 105, 110) == 0


def test_a_bucket_that_lets_anybody_read_fails(own_bucket):
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{own_bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    client.store().put_bucket_policy(Bucket=own_bucket, Policy=json.dumps(policy))
    found = one(store.strangers())
    assert found.status == Status.FAIL
    assert "read objects" in found.says
    assert "store objects" not in found.says


def test_pages_that_the_bucket_does_not_know_are_told(own_bucket, settings):
    settings.S3_CORS_ORIGINS = ["https://app.example.org"]
    found = one(store.cross_origin())
    assert found.status == Status.FAIL
    assert "https://app.example.org" in found.says
    storage.allow_origins(["https://app.example.org"])
    assert one(store.cross_origin()).status == Status.OK


def test_up_lets_pages_of_this_machine_use_its_bucket(own_bucket, settings):
    settings.S3_IS_EMBEDDED, settings.CORS_ORIGINS = True, origins.parsed([])
    assert one(store.cross_origin()).status == Status.FAIL
    storage.allow_origins(["*"])
    assert one(store.cross_origin()).status == Status.OK


def test_a_bucket_that_keeps_what_is_deleted_is_told(own_bucket):
    assert one(store.versions()).status == Status.OK
    client.store().put_bucket_versioning(
        Bucket=own_bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    assert one(store.versions()).status == Status.WARN
