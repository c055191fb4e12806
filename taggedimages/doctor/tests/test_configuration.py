"""Settings and versions that are not as they should be."""

import pytest

from taggedimages.doctor import configuration, exposure
from taggedimages.doctor.findings import Status
from taggedimages.doctor.tests.told import one


@pytest.fixture
def production(settings):
    """As somebody sets it who has read the page."""
    settings.HTTPS = settings.SECURE_SSL_REDIRECT = True
    settings.SECRET_KEY = "x7" * 15 + "abcdefghijklmnopqrstuvwxyz0123456789"
    settings.ALLOWED_HOSTS = ["images.example.org"]
    settings.DEBUG = False
    settings.ANONYMOUS = "read-only"
    return settings


def test_production_is_well(production):
    assert one(configuration.told()).status == Status.OK


def test_without_https_that_is_told_once(production):
    production.HTTPS = False
    https, all_else = configuration.told()
    assert (https.status, all_else.status) == (Status.WARN, Status.OK)
    assert https.says.startswith("TAGGEDIMAGES_HTTPS is off")


def test_debug_fails(production):
    production.DEBUG = True
    debug, _ = configuration.told()
    assert (debug.status, debug.says) == (Status.FAIL, "TAGGEDIMAGES_DEBUG is on.")


def test_a_weak_key_is_told(production):
    production.SECRET_KEY = "a" * 40
    key, _ = configuration.told()
    assert key.status == Status.WARN
    assert "security.W009" in key.says


def test_each_value_that_cannot_be_is_a_finding(production):
    production.FAULTS = ["TAGGEDIMAGES_MAX_PIXELS is a whole number.", "Another."]
    first, second = configuration.told()
    assert first.says == "TAGGEDIMAGES_MAX_PIXELS is a whole number."
    assert (first.status, second.status) == (Status.FAIL, Status.FAIL)


def test_packages_that_are_not_the_pins_are_named(monkeypatch, tmp_path):
    pins = tmp_path / "service.txt"
    pins.write_text(
        "django==1.0 \\\n    --hash=sha256:0\n"
        "no-such-package==2.0\n"
        'only-elsewhere==3.0 ; sys_platform == "plan9"\n'
    )
    monkeypatch.setattr(configuration, "PINS", pins)
    found = one(configuration.versions())
    assert found.status == Status.WARN
    assert " for 1.0, no no-such-package." in found.says
    assert "only-elsewhere" not in found.says


@pytest.mark.parametrize(
    ("url", "status", "told"),
    [
        ("http://127.0.0.1:8000", 400, [Status.OK]),
        ("http://localhost:8000", 401, [Status.OK]),
        ("https://images.example.org", 401, [Status.OK]),
        ("https://images.example.org", 400, [Status.FAIL]),
        ("http://10.0.0.7:8000", 400, [Status.FAIL, Status.WARN]),
        ("http://10.0.0.7:8000", 401, [Status.OK, Status.WARN]),
        ("https://images.example.org", 302, [Status.WARN]),
    ],
)
def test_what_strangers_may_do_depends_on_where_they_are(url, status, told):
    assert [found.status for found in exposure._strangers(url, status)] == told


def test_where_no_address_is_known_an_open_service_is_told(production):
    assert one(exposure.service("")).status == Status.OK
    production.ANONYMOUS = "open"
    assert one(exposure.service("")).status == Status.WARN
