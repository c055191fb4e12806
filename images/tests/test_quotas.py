"""A project's files take no more bytes than its quota, whatever comes in whichever way at once."""

import base64
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import requests
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from images import deletion, keys, processing, purging, quotas, staged_uploads, storage, uploads
from images.models import Image, UsageDelta
from taggedimages.factories import TESTS, make_credentials, make_image, make_pending
from taggedimages.identity.models import Project

pytestmark = pytest.mark.django_db

QUOTA = 1000
REFUSED = {"code": 413, "message": f"quota: the files of a project take {QUOTA} bytes at most."}


@pytest.fixture(autouse=True)
def _quota(settings, own_bucket):
    settings.ANONYMOUS = "open"
    settings.PROJECT_QUOTA_BYTES = QUOTA


def create(api, **body):
    return api.post("/v1/images", {"filename": "sun.png"} | body)


def sent(api, body: bytes, **asked):
    """The answer to the completion of a file."""
    created = create(api, **asked).json()
    assert requests.put(created["upload_url"], data=body, timeout=10).status_code == 200
    return api.post(f"/v1/images/{created['id']}/complete")


def counted(project_id: str = "default") -> int:
    """What is counted by deltas, which has to be what records say."""
    with transaction.atomic():
        found = quotas.usage(project_id)
    kept = Image.objects.filter(project_id=project_id, deleted_at=None)
    assert found == (kept.aggregate(Sum("size"))["size__sum"] or 0)
    return found


# --- what was declared ----------------------------------------------------------------------------


def test_what_is_announced_counts_as_declared(api):
    assert create(api, size=600).status_code == 201
    assert create(api, size=400).status_code == 201
    answer = create(api, size=1, tags=["sun"])
    assert (answer.status_code, answer.json()) == (413, REFUSED)
    assert Image.objects.count() == 2
    assert counted() == QUOTA


def test_a_file_that_arrives_as_declared_counts_once(api):
    assert sent(api, b"x" * 600, size=600).status_code == 200
    assert counted() == 600
    assert create(api, size=401).status_code == 413
    assert create(api, size=400).status_code == 201


def test_another_project_has_room_of_its_own(api, api_as):
    assert create(api, size=QUOTA).status_code == 201
    mira = api_as(make_credentials("mira", project_id="clinic"))
    assert create(mira, size=QUOTA).status_code == 201
    assert create(mira, size=1).status_code == 413


def test_a_deleted_image_makes_room_and_a_trashed_one_does_not(api):
    image = Image.objects.get(pk=create(api, size=QUOTA).json()["id"])
    deletion.trash(image)
    assert create(api, size=1).status_code == 413
    deletion.delete(image)
    assert create(api, size=1).status_code == 201


def test_one_that_never_comes_makes_room(api):
    create(api, size=QUOTA)
    Image.objects.update(created_at=timezone.now() - timedelta(days=1))
    purging.purge()
    assert counted() == 0


# --- in every way ---------------------------------------------------------------------------------


def test_in_one_request(api):
    def upload(length):
        data = base64.b64encode(b"x" * length).decode()
        return api.post("/v1/upload", {"filename": "sun.png", "image_data": data})

    assert upload(QUOTA).status_code == 201
    answer = upload(1)
    assert (answer.status_code, answer.json()) == (413, REFUSED)
    assert [seen.size for _, seen in storage.objects()] == [QUOTA]


def test_in_parts(api):
    answer = create(api, size=QUOTA + 1, parts=1)
    assert (answer.status_code, answer.json()) == (413, REFUSED)
    assert list(storage.unfinished()) == []


def test_by_a_form():
    staged_uploads.announce("sun.png", QUOTA, "mine", TESTS)
    with pytest.raises(quotas.QuotaExceeded), transaction.atomic():
        staged_uploads.announce("sun.png", 1, "mine", TESTS)


# --- what was not declared ------------------------------------------------------------------------


def test_what_was_not_declared_is_judged_when_it_arrives(api):
    create(api, size=400)
    answer = sent(api, b"x" * 601)
    assert (answer.status_code, answer.json()) == (409, REFUSED | {"code": 409})
    image = Image.objects.latest("id")
    assert (image.upload_error, image.uploaded_at) == (REFUSED["message"], None)
    assert list(storage.objects()) == []
    assert counted() == 400


def test_a_smaller_one_can_be_sent_instead(api):
    created = create(api).json()
    path = f"/v1/images/{created['id']}/complete"
    requests.put(created["upload_url"], data=b"x" * (QUOTA + 1), timeout=10)
    assert api.post(path).status_code == 409
    requests.put(created["upload_url"], data=b"x" * QUOTA, timeout=10)
    assert api.post(path).json()["size"] == QUOTA
    assert counted() == QUOTA


def test_where_nothing_is_left_no_url_is_given(api):
    create(api, size=QUOTA)
    assert create(api).status_code == 413


def test_the_worker_refuses_it_too(api):
    created = create(api).json()
    requests.put(created["upload_url"], data=b"x" * (QUOTA + 1), timeout=10)
    Image.objects.update(check_at=timezone.now())
    assert processing.sweep() == 1
    assert Image.objects.get().upload_error == REFUSED["message"]


# --- at once --------------------------------------------------------------------------------------


def at_once(number: int, do: Callable[[int], object]) -> list[bool]:
    """Whether each of so many calls at once was let through."""
    start = Barrier(number)

    def run(which: int) -> bool:
        try:
            start.wait()
            with transaction.atomic():
                do(which)
        except quotas.QuotaExceeded:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(run, range(number)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [True, False])
def test_of_many_that_are_announced_at_once_as_many_as_fit_are_taken(known):
    Project.objects.get_or_create(id="default")
    make_image(size=100)
    if known:
        counted()
    taken = at_once(8, lambda _: uploads.begin("sun.png", 300, TESTS))
    assert taken.count(True) == 3
    assert counted() == QUOTA


@pytest.mark.django_db(transaction=True)
def test_of_many_that_arrive_at_once_as_many_as_fit_are_taken():
    images = [make_pending(project_id="default") for _ in range(4)]
    for image in images:
        storage.put(image.key, b"x" * 600)
    at_once(4, lambda number: uploads.confirm(images[number]))
    assert Image.objects.uploaded().count() == 1
    assert Image.objects.filter(upload_error=REFUSED["message"]).count() == 3
    assert len(list(storage.objects(keys.ARCHIVE))) == 1
    assert counted() == 600


# --- counting -------------------------------------------------------------------------------------


def test_whatever_happens_to_records_is_counted(monkeypatch):
    monkeypatch.setattr(quotas, "DELTAS_MAX", 3)
    Project.objects.get_or_create(id="other")
    projects, chance = ["default", "other"], random.Random(7)
    for _ in range(60):
        images = Image.objects.order_by("?")[:3]
        some = Image.objects.filter(pk__in=[image.pk for image in images])
        match chance.choice(["add", "add", "resize", "move", "delete", "remove"]):
            case "add":
                make_image(size=chance.randrange(100), project_id=chance.choice(projects))
            case "resize":
                some.update(size=chance.randrange(100))
            case "move":
                some.update(project_id=chance.choice(projects))
            case "delete":
                deletion.delete_all(some)
            case "remove":
                some.delete()
        assert [counted(project) for project in projects]
        assert UsageDelta.objects.count() <= 20


def test_without_a_quota_nothing_is_counted(api, settings):
    settings.PROJECT_QUOTA_BYTES = 0
    assert create(api, size=10**12).status_code == 201
    assert not UsageDelta.objects.exists()


def test_a_quota_that_is_lifted_is_forgotten(api, settings):
    create(api, size=QUOTA)
    assert UsageDelta.objects.exists()
    settings.PROJECT_QUOTA_BYTES = 0
    purging.PeriodicPurge()()
    assert not UsageDelta.objects.exists()
    settings.PROJECT_QUOTA_BYTES = QUOTA
    assert create(api, size=1).status_code == 413
