"""Which origins a setting may list, and what becomes of them."""

import os
import re
import subprocess
import sys

import pytest

from taggedimages import origins
from taggedimages.engines.state import CHECKOUT


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.org",
        "http://localhost:5173",
        "http://[::1]:8080",
        "https://xn--mller-kva.example",
        "http://my_host:*",
        "capacitor://localhost",
    ],
)
def test_what_browsers_send_is_taken_as_it_is(origin):
    assert origins.parsed([f" {origin} ", "", origin]).listed == (origin,)


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.org/",
        "https://app.example.org/page",
        "https://app.example.org?query",
        "https://App.example.org",
        "HTTPS://app.example.org",
        "https://müller.example",
        "https://user@app.example.org",
        "https://*.example.org",
        "https://app.example.org:443",
        "http://app.example.org:80",
        "http://app.example.org:65536",
        "http://app.example.org:080",
        "http://app.example.org:",
        "app.example.org",
        "//app.example.org",
        "file://",
        "null",
        "https://app.example.org https://b.example.org",
    ],
)
def test_what_no_browser_sends_is_refused_and_named(origin):
    with pytest.raises(origins.BadOrigin, match=re.escape(repr(origin))):
        origins.parsed([origin])


def test_a_star_is_every_origin_whatever_else_is_listed():
    every = origins.parsed(["https://app.example.org", "*"])
    assert every.every
    assert every.rules(knows_ports=True) == ["*"]


def test_nothing_listed_is_nothing_at_all():
    assert not origins.parsed([])
    assert origins.parsed([]).rules(knows_ports=False) == []


@pytest.mark.parametrize(
    ("origin", "is_ours"),
    [
        ("http://localhost", True),
        ("http://localhost:5173", True),
        ("https://[::1]:5173", True),
        ("http://127.0.0.1:65535", True),
        ("http://localhost.evil.example", False),
        ("http://localhost:5173.evil.example", False),
        ("http://localhost:5173/", False),
        ("http://localhost:5173\n", False),
        ("http://127x0.0.1:5173", False),
        ("null", False),
    ],
)
def test_a_host_with_any_port_is_no_other_host(origin, is_ours):
    patterns = origins.parsed(origins.LOOPBACK).patterns
    assert any(re.match(pattern, origin) for pattern in patterns) == is_ours


def test_a_store_that_knows_no_ports_lets_in_all_who_may_come_from_any():
    some = origins.parsed(["https://app.example.org", "http://localhost:*"])
    local = ["http://localhost", "http://localhost:*"]
    assert some.rules(knows_ports=True) == ["https://app.example.org", *local]
    assert some.rules(knows_ports=False) == ["*"]


@pytest.mark.parametrize("command", ["check", "prepare", "up"])
def test_no_command_runs_with_a_malformed_origin(command, tmp_path):
    given = {
        "TAGGEDIMAGES_CORS_ORIGINS": "https://app.example.org/",
        "TAGGEDIMAGES_PURGE_SECONDS": "x",
    }
    checked = subprocess.run(
        [sys.executable, str(CHECKOUT / "manage.py"), command],
        env=os.environ | {"TAGGEDIMAGES_DATA": str(tmp_path)} | given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1
    assert "TAGGEDIMAGES_CORS_ORIGINS: 'https://app.example.org/' is no" in checked.stderr
    # Beside all else that is wrong.
    assert "TAGGEDIMAGES_PURGE_SECONDS" in checked.stderr
    assert "Traceback" not in checked.stderr
