"""Settings and versions: what this process was started with."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from platform import machine, python_version, system

from django.conf import settings
from django.core.checks import Tags, run_checks

from taggedimages import checks
from taggedimages.doctor.findings import Finding, fail, ok, warn
from taggedimages.engines.state import CHECKOUT
from taggedimages.platforms import NEWEST_PYTHON, OLDEST_PYTHON

SETTINGS_PAGE = "docs/operating/settings.md"
# Of HSTS, redirects and cookies, all by TAGGEDIMAGES_HTTPS; and DEBUG.
TOLD_OTHERWISE = {f"security.W{number:03}" for number in (4, 5, 8, 12, 16, 18, 21)}
PINS = CHECKOUT / "requirements" / "service.txt"
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;\\]+)([^\n]*)", re.MULTILINE)


def told() -> Iterator[Finding]:
    """Settings that cannot be, and those that are not for the world outside."""
    faults = checks.faults()
    for fault in faults:
        yield fail(fault, f"Set it as {SETTINGS_PAGE} says, and start the service again.")
    if settings.DEBUG:
        do = "Unset TAGGEDIMAGES_DEBUG: its pages of errors show settings and code to anybody."
        yield fail("TAGGEDIMAGES_DEBUG is on.", do)
    # `up` serves this machine by settings of its own; who asks it from elsewhere, `service` tells.
    if not settings.DATABASE_IS_EMBEDDED:
        if not settings.HTTPS:
            do = "Put a proxy with TLS before it (docs/operating.md), and unset TAGGEDIMAGES_HTTPS."
            yield warn("TAGGEDIMAGES_HTTPS is off: passwords and tokens travel unencrypted.", do)
        for message in run_checks(tags=[Tags.security], include_deployment_checks=True):
            if message.id in TOLD_OTHERWISE:
                continue
            said = " ".join(message.msg.split())
            yield warn(f"{said} ({message.id})", message.hint or f"See {SETTINGS_PAGE}.")
    if not faults:
        kind = "embedded" if settings.DATABASE_IS_EMBEDDED else "managed"
        yield ok(f"All settings can be; the database is {kind}.")


def versions() -> Iterator[Finding]:
    """Python and its packages, against what was tested."""
    python = f"Python {python_version()} on {system()} {machine()}"
    if not OLDEST_PYTHON <= sys.version_info[:2] <= NEWEST_PYTHON:
        known = " to ".join(".".join(map(str, one)) for one in (OLDEST_PYTHON, NEWEST_PYTHON))
        yield warn(f"{python} was not tried.", f"Run the service with Python {known}.")
    others = list(_others())
    if others:
        do = "Install the pins again: `pip install -r requirements.txt`, or a new image."
        yield warn(f"Packages are not those that were tested: {', '.join(others)}.", do)
    else:
        yield ok(f"{python}; commit {_commit()}; all packages are those that were tested.")


def _others() -> Iterator[str]:
    """Packages that are missing or of another version, such as `boto3 1.2 for 1.3`."""
    for name, pinned, rest in PIN.findall(PINS.read_text() if PINS.exists() else ""):
        try:
            installed = version(name)
        except PackageNotFoundError:
            # With a marker, it may be of another system.
            if ";" not in rest:
                yield f"no {name}"
            continue
        if installed != pinned:
            yield f"{name} {installed} for {pinned}"


def _commit() -> str:
    """What is checked out here; `unknown` in an image, which has no repository."""
    asked = ["git", "-C", str(CHECKOUT), "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip()
