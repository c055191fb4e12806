"""/metrics: who may read it, and what is told of a database that is away."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from images.models import Image
from search.models import PendingChange
from taggedimages.engines.state import CHECKOUT, free_port
from taggedimages.engines.tests.conftest import eventually
from taggedimages.factories import make_image, make_pending
from taggedimages.monitoring import exposition, state
from taggedimages.monitoring.state import ServiceState
from taggedimages.serving.tests.conftest import opened_gates, running, through

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-sixteen-and-more"


def asked(host="localhost", address="127.0.0.1", **headers):
    return Client(REMOTE_ADDR=address).get("/metrics", headers={"host": host} | headers)


def numbers(text):
    """Every sample, by its name and labels."""
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000"])
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_reads_them(host, address):
    answer = asked(host, address)
    assert (answer.status_code, answer["Content-Type"]) == (200, exposition.CONTENT_TYPE)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "address", "headers"),
    [
        ("localhost", "192.0.2.1", {}),
        ("localhost", "2001:db8::1", {}),
        ("localhost", "", {}),
        ("localhost", "127.0.0.1", {"x-forwarded-for": "127.0.0.1"}),
        ("localhost", "127.0.0.1", {"forwarded": "for=192.0.2.1"}),
        ("localhost", "127.0.0.1", {"via": "1.1 proxy"}),
        ("localhost", "127.0.0.1", {"x-real-ip": "192.0.2.1"}),
        # A name of somebody's that leads to this machine, as pages make it (DNS rebinding).
        ("images.example", "127.0.0.1", {}),
        ("localhost.example", "127.0.0.1", {}),
    ],
)
def test_strangers_do_not_learn_that_there_are_any(host, address, headers):
    assert asked(host, address, **headers).status_code == 404


def test_behind_a_proxy_nobody_is_of_this_machine(settings):
    settings.BEHIND_PROXY = True
    assert asked().status_code == 404


def test_who_has_the_token_reads_them_from_anywhere(settings):
    settings.METRICS_TOKEN, settings.BEHIND_PROXY = TOKEN, True
    for scheme in ("Bearer", "bearer"):
        answer = asked("any.example", "192.0.2.1", authorization=f"{scheme} {TOKEN}")
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "given", ["", f"Bearer {TOKEN}x", f"Token {TOKEN}", TOKEN, "Bearer", "Bearer \xe4"]
)
def test_another_token_is_refused(settings, given):
    settings.METRICS_TOKEN = TOKEN
    answer = asked("any.example", "192.0.2.1", authorization=given)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_without_a_token_none_is_right(settings):
    settings.METRICS_TOKEN = ""
    assert asked("any.example", "192.0.2.1", authorization="Bearer ").status_code == 404


def test_they_are_read_and_nothing_else():
    assert Client().post("/metrics", headers={"host": "localhost"}).status_code == 405


def test_queues_are_told_with_their_depth_and_age(django_capture_on_commit_callbacks):
    make_image("knee")
    waiting = make_pending()
    since = timezone.now() - timedelta(minutes=5)
    Image.objects.filter(pk=waiting.pk).update(check_at=since)
    PendingChange.objects.create(image_id=waiting.pk)
    told = numbers(exposition.exposition(ServiceState()).decode())
    assert told["taggedimages_queue_depth", "files"] >= 1
    assert 299 <= told["taggedimages_queue_oldest_age_seconds", "files"] <= 400
    assert told["taggedimages_queue_depth", "index"] >= 1
    assert told["taggedimages_uploads", "waiting"] == 1
    assert told["taggedimages_queue_oldest_age_seconds", "changes"] == 0


def test_files_in_the_bucket_are_added_up():
    for size in (1_000, 500):
        make_image(size=size)
    make_pending()
    told = numbers(exposition.exposition(ServiceState()).decode())
    assert told["taggedimages_stored_bytes",] == 1_500


def test_what_was_asked_is_kept_for_a_while(django_assert_num_queries):
    asked_once = ServiceState()
    list(asked_once.collect())
    with django_assert_num_queries(0):
        list(asked_once.collect())


def test_a_scrape_asks_few_statements(django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        list(state.ServiceState().collect())


def test_a_database_that_is_away_is_one_of_the_numbers(django_db_setup):
    with opened_gates() as gates, running(through(gates)) as front:
        assert "taggedimages_database_up 1.0" in front.get("/metrics").text
        gates[0].close()
        time.sleep(state.KEPT_SECONDS + 0.1)
        answer = front.get("/metrics")
        assert answer.status_code == 200
        assert "taggedimages_database_up 0.0" in answer.text
        assert "taggedimages_queue_depth" not in answer.text
        assert 'route="/metrics"' in answer.text


def test_a_worker_tells_its_own_at_a_port(django_db_setup):
    port = free_port()
    with opened_gates() as gates:
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "work", "--processes=2", f"--metrics-port={port}"],
            cwd=CHECKOUT,
            env=through(gates) | {"TAGGEDIMAGES_SWEEP_SECONDS": "0.1"},
            stdout=subprocess.DEVNULL,
        )
        try:
            assert eventually(lambda: selects_told_at(port) > 0, 60)
            assert told_at(port, "/other") == "404"
            assert told_at(port, "/metrics", {"Host": "images.example"}) == "401"
        finally:
            worker.terminate()
            worker.wait(60)


def selects_told_at(port) -> float:
    """How often the workers who tell it there have read from the database."""
    return float(numbers(told_at(port)).get(("taggedimages_sql_seconds_count", "select"), 0))


def told_at(port, path="/metrics", headers=()):
    """What is answered there, or the status where it is none of 200; empty before it is open."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError:
        return ""


def test_a_worker_tells_others_nothing_without_a_token():
    with pytest.raises(CommandError, match="TAGGEDIMAGES_METRICS_TOKEN"):
        call_command("work", metrics_port=1, metrics_host="0.0.0.0")


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"127.0.0.1:{port}: Address already in use"):
            call_command("work", metrics_port=port)
