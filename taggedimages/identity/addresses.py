"""Where a request comes from, as far as that can be believed."""

from collections.abc import Mapping
from ipaddress import IPv6Network, ip_address
from typing import Any

from django.conf import settings


def client_address(meta: Mapping[str, Any]) -> str:
    """The client's address by what a WSGI server tells of a request; IPv6 by its /64.

    Behind a proxy (BEHIND_PROXY) it is the last one that X-Forwarded-For names, which that proxy
    has put there itself; what stands before it, and the whole header elsewhere, is the client's
    word and not believed.
    """
    address = str(meta.get("REMOTE_ADDR") or "")
    if settings.BEHIND_PROXY:
        last = str(meta.get("HTTP_X_FORWARDED_FOR") or "").rpartition(",")[2].strip()
        address = _without_port(last) or address
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return str(ip)
    # One subscriber has at least a /64 to choose from (RFC 6177).
    return str(ip.ipv4_mapped or IPv6Network((int(ip), 64), strict=False))


def _without_port(address: str) -> str:
    """Some proxies add the port: `192.0.2.1:5000`, `[2001:db8::1]:5000`."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
