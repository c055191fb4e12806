"""Ids of requests: on every answer, in the lines of a request, and with what the worker is left."""

import logging
import uuid

import pytest
from rest_framework.test import APIClient

from images import deletion, processing, uploads
from images.models import Image
from images.storage import put
from taggedimages.changes.models import Change
from taggedimages.factories import make_credentials, make_image, make_pending, make_png
from taggedimages.identity.models import User
from taggedimages.monitoring import jobs, request_ids, series

pytestmark = pytest.mark.django_db
MINE = {"HTTP_X_REQUEST_ID": "mine-1"}


@pytest.fixture
def api():
    return APIClient(raise_request_exception=False)


@pytest.fixture
def job_lines(caplog):
    """What is said of jobs."""
    caplog.set_level(logging.INFO, "taggedimages.jobs")
    return lambda: [it.about for it in caplog.records if it.name == jobs.logger.name]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/v1/images"),
        ("get", "/v1/images/0"),
        ("get", "/nothing"),
        ("post", "/v1/tags"),
        ("get", "/api/v1/tags"),
        ("get", "/api/v2/images"),
        ("get", "/v2/images"),
        ("get", "/admin/"),
        ("get", "/healthz"),
        ("get", "/docs"),
        ("get", "/static/nothing.css"),
        ("get", "/v1/tags.ndjson"),
    ],
)
def test_every_answer_has_the_id_that_was_given_or_a_new_one(api, method, path):
    assert getattr(api, method)(path, **MINE)["X-Request-Id"] == "mine-1"
    made = getattr(api, method)(path)["X-Request-Id"]
    assert str(uuid.UUID(made)) == made


def test_an_id_that_does_not_fit_is_not_given_back(api):
    assert api.get("/v1/images", HTTP_X_REQUEST_ID="a b")["X-Request-Id"] != "a b"


def test_an_id_is_nobodys_after_its_request(api):
    api.get("/v1/images", **MINE)
    assert request_ids.current() is None


def test_a_path_stays_within_its_line_and_a_query_is_not_told(api, caplog):
    caplog.set_level(logging.INFO, "taggedimages.requests")
    api.get("/a%0Ab c?token=c4n4ry")
    (line,) = [it for it in caplog.records if it.name == "taggedimages.requests"]
    assert line.about["path"] == "/a%0Ab%20c"
    assert "c4n4ry" not in str(line.__dict__)


def test_probes_have_lines_only_where_they_are_not_well(api, caplog, settings):
    caplog.set_level(logging.INFO, "taggedimages.requests")
    api.get("/healthz")
    api.get("/readyz")
    assert not caplog.records
    settings.S3_BUCKET = "there-is-none-of-this-name"
    api.get("/readyz")
    assert [it.about["status"] for it in caplog.records if it.name == "taggedimages.requests"] == [
        503
    ]


def test_methods_that_nobody_knows_are_counted_as_one(api):
    before = counted("v1", "unmatched", "other", "404")
    for method in ("BREW", "PROPFIND"):
        api.generic(method, "/nothing")
    assert counted("v1", "unmatched", "other", "404") == before + 2


def counted(*labels: str) -> float:
    return float(series.REQUESTS.labels(*labels)._value.get())


def test_an_inspection_names_the_request_that_completed_the_upload(api, job_lines):
    image = make_pending(filename="knee.png")
    put(image.key, make_png())
    with request_ids.within("completed"):
        uploads.confirm(image)
    assert processing.sweep() >= 1
    told = [line for line in job_lines() if line["image"] == image.pk]
    assert [(line["job"], line["outcome"]) for line in told] == [("inspect", "done")]
    # What is done has nobody waiting for it.
    assert Image.objects.get(pk=image.pk).request_id is None


def test_a_removal_names_the_request_that_deleted_the_image(caplog):
    image = make_image("knee", body=make_png())
    with request_ids.within("deleted"):
        deletion.delete(image)
    assert Image.objects.get(pk=image.pk).request_id == "deleted"


def test_a_change_names_the_request_that_asked_last():
    of_mira = make_credentials("mira")
    mira = APIClient(HTTP_AUTHORIZATION=f"Bearer {of_mira.token}")
    mira.default_format = "json"
    make_image("knee", by=User.objects.get(username="mira"))
    asked = {"query": {"any_tags": ["knee"]}, "operation": {"add": ["left"]}}
    change = mira.post("/v1/changes", asked, HTTP_X_REQUEST_ID="proposed").json()
    assert Change.objects.get().request_id == "proposed"
    url, body = f"/v1/changes/{change['id']}/apply", {"digest": change["plan"]["digest"]}
    assert mira.post(url, body, HTTP_X_REQUEST_ID="applied").status_code == 202
    assert Change.objects.get().request_id == "applied"


def test_a_job_that_fails_is_told_as_one(job_lines):
    with pytest.raises(ZeroDivisionError), jobs.job("inspect", "mine", image=7):
        raise ZeroDivisionError
    (line,) = job_lines()
    assert (line["job"], line["outcome"], line["image"]) == ("inspect", "failed", 7)
