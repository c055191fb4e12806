"""A running service tells how it goes: in numbers, and in lines that no secret is in."""

import json
import re
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import eventually, finish, start, without_engines
from taggedimages.monitoring.tests.traffic import Traffic, sent

DOCS = CHECKOUT / "docs" / "operating"
# Of an exposition: what is added to a histogram's name, and the labels of Prometheus's own.
SUFFIXES = re.compile(r"_(bucket|sum|count)$")
OWN_LABELS = {"job", "instance", "le"}


@pytest.fixture(scope="module")
def traffic(tmp_path_factory) -> Iterator[Traffic]:
    """A service with everything in its logs that it writes there, and what was sent to it."""
    told = {"TAGGEDIMAGES_LOG_FORMAT": "json", "TAGGEDIMAGES_LOG_LEVEL": "DEBUG"}
    up = start(tmp_path_factory.mktemp("up") / "data", without_engines() | told)
    try:
        yield sent(up)
    finally:
        finish(up)


def test_no_log_has_a_secret(traffic: Traffic):
    found = {
        (log, secret)
        for log, text in traffic.logs().items()
        for secret in traffic.secrets
        if secret in text
    }
    assert found == set()


def test_the_search_for_secrets_would_find_one(traffic: Traffic):
    """All logs are there, with lines of what was done; and there are secrets to look for."""
    logs = traffic.logs()
    assert set(logs) >= {"web.log", "work.log", "postgres.log", "seaweedfs.log", "terminal"}
    assert "GET /nothing 404" in logs["web.log"]
    assert "database system is ready to accept connections" in logs["postgres.log"]
    assert len(traffic.secrets) > 100


def test_a_request_is_a_line_with_all_that_is_known_of_it(traffic: Traffic):
    of_stream = [it for it in traffic.lines("web.log") if it.get("request_id") == "of-the-stream"]
    assert len(of_stream) == 1
    line = of_stream[0]
    assert line["ms"] > 0
    assert line["bytes"] > 0
    assert {name: line[name] for name in ("method", "path", "route", "status", "api")} == {
        "method": "GET",
        "path": "/v1/datasets/knees/releases/1/members",
        "route": "/v1/datasets/<str:name>/releases/<str:number>/members",
        "status": 200,
        "api": "v1",
    }
    assert line["user"]


def test_a_job_names_the_request_that_left_it(traffic: Traffic):
    jobs = {
        (line["job"], line.get("request_id"))
        for line in traffic.lines("work.log")
        if "job" in line and line["outcome"] == "done"
    }
    assert jobs >= set(traffic.request_ids.items())


def test_all_that_the_service_writes_is_json(traffic: Traffic):
    said = {"The worker runs.", "The worker has stopped."}
    for log in ("web.log", "work.log"):
        for line in traffic.logs()[log].splitlines():
            assert line in said or json.loads(line)["time"]


def test_a_scrape_counts_requests_by_their_routes(traffic: Traffic):
    samples = {
        (one.labels["api"], one.labels["route"], one.labels["method"], one.labels["status"])
        for family in text_string_to_metric_families(traffic.numbers())
        for one in family.samples
        if one.name == "taggedimages_http_requests_total"
    }
    assert samples >= {
        ("v1", "/v1/images", "POST", "201"),
        ("v1", "/v1/images/<str:id>", "GET", "200"),
        ("sharinpix", "/api/v1/tags", "GET", "200"),
        ("atmosphere", "/api/v2/images", "GET", "200"),
        ("ims", "/v2/images", "GET", "200"),
        ("ims", "/v3/auth/tokens", "POST", "201"),
        ("admin", "/admin/login/", "POST", "403"),
        ("v1", "unmatched", "GET", "404"),
        ("other", "preflight", "OPTIONS", "200"),
    }
    assert not any(re.search(r"/\d+|c4n4ry", route) for _, route, _, _ in samples)


def test_every_process_is_in_a_scrape_whichever_answers(traffic: Traffic):
    """The worker's jobs and both web processes' requests, and no number ever falls."""
    before = counted(traffic.numbers())
    assert before["taggedimages_jobs_total", "inspect", "done"] >= 1
    for _ in range(10):
        after = counted(traffic.numbers())
        assert {name for name, value in before.items() if after[name] < value} == set()
        before = after


def test_a_web_process_that_dies_takes_no_count_with_it(traffic: Traffic):
    before = counted(traffic.numbers())
    dead = traffic.up.part("web")[1]
    dead.kill()
    assert eventually(lambda: len(traffic.up.part("web")) == 3 and traffic.up.is_ready(), 60)
    text = traffic.numbers()
    after = counted(text)
    assert {name for name, value in before.items() if after[name] < value} == set()
    # The scrape itself is what is in progress.
    assert "taggedimages_http_requests_in_progress 1.0" in text


def counted(exposition: str) -> dict[tuple[str, ...], float]:
    """Every counter, by its name and what its labels are, these in the order of their names."""
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(exposition)
        if family.type == "counter"
        for one in family.samples
    }


@pytest.mark.parametrize("page", ["grafana.json", "alerts.yml", "monitoring.md"])
def test_every_series_and_label_that_is_written_about_exists(traffic: Traffic, page):
    there: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(traffic.numbers()):
        for one in family.samples:
            there.setdefault(one.name, set()).update(one.labels)
    named = series_in((DOCS / page).read_text())
    assert len(named) > 10
    unknown = {name for name in named if name not in there}
    assert unknown == set()
    wrong = {
        (name, label)
        for name, labels in named.items()
        for label in labels
        if label not in there[name] | OWN_LABELS
    }
    assert wrong == set()


def series_in(text: str) -> dict[str, set[str]]:
    """The series that a file names, with the labels that it matches them by."""
    found: dict[str, set[str]] = {}
    text = text.replace('\\"', '"')
    for name, matched in re.findall(r"\b(taggedimages_[a-z0-9_]+)(?:\{([^}]*)\})?", text):
        labels = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matched) or re.findall(r"\w+", matched)
        found.setdefault(name, set()).update(labels)
    return found


def test_every_series_is_on_a_page(traffic: Traffic):
    """What is told is explained, and shown on the dashboard or alerted by."""
    families = {
        SUFFIXES.sub("", one.name)
        for family in text_string_to_metric_families(traffic.numbers())
        for one in family.samples
    }
    explained = {SUFFIXES.sub("", it) for it in series_in((DOCS / "monitoring.md").read_text())}
    assert families - explained == set()
