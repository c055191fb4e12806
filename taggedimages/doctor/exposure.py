"""Who reaches what: the ports of embedded engines, and the API, asked as a stranger would."""

import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from cryptography import x509
from django.conf import settings

from taggedimages.doctor.findings import Finding, fail, ok, span, warn
from taggedimages.doctor.folders import is_embedded
from taggedimages.engines import certificates, state
from taggedimages.http import health

SECONDS = 5
# At a service that says that it is not ready.
LOOKS = 3
# A certificate that ends sooner is renewed too late, or not at all.
SOON_SECONDS = 14 * 86_400
# What /readyz tells of.
PARTS = (health.DATABASE, health.BUCKET, health.DISK, health.WORKER, health.THREADS)
# What is asked of a stranger: to make an image of nothing, which is refused in any case.
WRITE = "/v1/images"


def ports() -> Iterator[Finding]:
    """Whether the embedded engines listen on this machine's own addresses alone."""
    if not is_embedded():
        yield ok("No engine is embedded: none of their ports is open.")
        return
    # Only where engines are embedded are the packages there that look at processes.
    from taggedimages.engines import process

    known = state.load(settings.DATA_FOLDER)
    assert known
    open_ports = {
        f"{name} ({address}:{port})"
        for name, port in known.ports.items()
        for address in process.addresses_of(port)
        if not ip_address(address).is_loopback
    }
    if open_ports:
        said = f"Engines listen beyond this machine: {', '.join(sorted(open_ports))}."
        do = "End what listens there if that is no engine; else stop `up`, and start it again."
        yield fail(said, do)
    else:
        yield ok("The embedded engines listen on this machine's own addresses alone.")


def service(url: str) -> Iterator[Finding]:
    """Whether the API serves, and what it lets somebody do who has no token."""
    held_by = state.held_by(settings.DATA_FOLDER) if is_embedded() else ""
    url = url or held_by.partition(", ")[2]
    if not url:
        yield _without_address(held_by)
        return
    try:
        readiness = _readiness(url)
        answer = _sent("POST", f"{url}{WRITE}")
    except urllib3.exceptions.HTTPError as error:
        do = "See that it runs (`manage.py up`, or the web processes), and its log, logs/web.log."
        yield fail(f"The API at {url} does not answer: {type(error).__name__}.", do)
        return
    yield _health(url, readiness)
    yield from _strangers(url, answer.status)


def _without_address(held_by: str) -> Finding:
    if held_by:
        return warn("`manage.py up` is just starting.", "Ask again in a minute.")
    if is_embedded():
        return fail(f"No `up` runs on {settings.DATA_FOLDER}.", "Start it: `manage.py up`.")
    if settings.ANONYMOUS == "open":
        return warn("TAGGEDIMAGES_ANONYMOUS is `open`: anybody may change everything.", CLOSE)
    return ok("The API was not asked: `--url` says where it is.")


CLOSE = "Set TAGGEDIMAGES_ANONYMOUS to `read-only` or `none`, and start the service again."


def _readiness(url: str) -> urllib3.BaseHTTPResponse:
    """What /readyz says, asked again where it may be a moment's trouble: probes have a second."""
    for _ in range(LOOKS - 1):
        answer = _sent("GET", f"{url}/readyz")
        if answer.status == 200:
            return answer
        time.sleep(1)
    return _sent("GET", f"{url}/readyz")


def _health(url: str, answer: urllib3.BaseHTTPResponse) -> Finding:
    """By what /readyz says."""
    try:
        told = answer.json()
        wrong = [f"{part} {told[part]}" for part in PARTS if told.get(part, health.OK) != health.OK]
        status = told["status"]
    except (ValueError, TypeError, KeyError, AttributeError):
        do = "See what answers at this address, and what is between."
        return fail(f"{url}/readyz answers {answer.status}, and not as this service does.", do)
    if status == health.OK:
        return ok(f"The API at {url} is ready.")
    said = f"The API at {url} is {status}: {', '.join(wrong)}."
    do = (
        "The lines about what it names say what to do; docs/serving.md, Health, says what it means."
    )
    return warn(said, do) if answer.status == 200 else fail(said, do)


def _strangers(url: str, status: int) -> Iterator[Finding]:
    """By what they are told who send an image of nothing."""
    address = urlsplit(url)
    name = address.hostname or ""
    is_near = name == "localhost" or (_is_address(name) and ip_address(name).is_loopback)
    if status == 400 and not is_near:
        yield fail(f"Anybody who reaches {url} may change everything.", CLOSE)
    elif status not in (400, 401, 403, 429):
        said = f"A write without a token is answered {status} at {url}: 401 was expected."
        yield warn(said, "See what is between; `--url` takes the address that clients use.")
    else:
        may = "may write: only this machine reaches it" if status == 400 else "may not write"
        yield ok(f"Who comes to {url} without a token {may}.")
    if address.scheme == "http" and not is_near:
        said = f"{url} is not encrypted: passwords and tokens can be read on their way."
        yield warn(said, "Put a proxy with TLS before it (docs/operating.md).")


def certificates_end() -> Iterator[Finding]:
    """When certificates end: of the embedded store's inner ports, and of HTTPS to a managed one."""
    found = dict(_certificates())
    for whose, end in found.items():
        left = (end - datetime.now(UTC)).total_seconds()
        if left < SOON_SECONDS:
            said = f"The certificate of {whose} ends in {span(left)}." if left > 0 else ""
            said = said or f"The certificate of {whose} has ended."
            yield (warn if left > 0 else fail)(said, "Renew it; an embedded one: start `up` again.")
        else:
            yield ok(f"The certificate of {whose} is good for {span(left)}.")
    if not found:
        yield ok("There is no certificate to look at.")


def _certificates() -> Iterator[tuple[str, datetime]]:
    embedded = Path(settings.DATA_FOLDER) / "seaweedfs" / "tls" / certificates.CERTIFICATE
    if settings.S3_IS_EMBEDDED and embedded.exists():
        yield "the embedded store", _end(embedded.read_bytes())
    for url in {settings.S3_ENDPOINT_URL, settings.S3_PUBLIC_ENDPOINT_URL}:
        address = urlsplit(url)
        if address.scheme == "https" and address.hostname:
            where = (address.hostname, address.port or 443)
            pem = ssl.get_server_certificate(where, timeout=SECONDS)
            yield address.netloc, _end(pem.encode())


def _end(pem: bytes) -> datetime:
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _sent(method: str, url: str) -> urllib3.BaseHTTPResponse:
    body = b"{}" if method == "POST" else None
    headers = {"Content-Type": "application/json"} if body else {}
    return urllib3.request(
        method, url, body=body, headers=headers, timeout=SECONDS, retries=False, redirect=False
    )
