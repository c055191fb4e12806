"""Who cannot run the service is told so, before anything fails that makes no sense to them."""

import subprocess
import sys

import pytest

from taggedimages import platforms
from taggedimages.engines.state import CHECKOUT


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13), (3, 14)])
@pytest.mark.parametrize(
    ("system", "machine"),
    [("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64"), ("Darwin", "arm64")],
)
def test_what_the_pins_have_wheels_for_is_supported(version, system, machine):
    libc = "glibc" if system == "Linux" else "none"
    assert platforms.too_old(version) == platforms.unsupported(system, machine, libc) == ""


def test_a_python_that_is_too_old_is_told_which_it_needs():
    assert "This is Python 3.10, and the service needs 3.11" in platforms.too_old((3, 10, 13))


@pytest.mark.parametrize(
    ("where", "why"),
    [
        (("Windows", "AMD64", ""), "this is Windows"),
        (("Linux", "armv7l", "glibc"), "this is armv7l"),
        (("Linux", "x86_64", "libc"), "musl"),
    ],
)
def test_other_places_are_told_what_is_held_and_where_to_read_on(where, why):
    told = platforms.unsupported(*where)
    assert why in told
    assert told.endswith(f"See {platforms.PAGE}.")
    assert (CHECKOUT / platforms.PAGE).exists()


def test_without_the_pins_it_is_told_what_to_install():
    # Isolated, this Python finds nothing that was installed.
    ran = subprocess.run(
        [sys.executable, "-S", "manage.py", "up"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert "pip install -r requirements.txt" in ran.stderr
    assert "Traceback" not in ran.stderr
