"""The service's own programs: the web server, the background worker and manage.py's commands."""

import os
import sys
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from pathlib import Path

from django.conf import settings

from taggedimages import origins
from taggedimages.engines.process import Part
from taggedimages.engines.state import CHECKOUT

WEB_PROBE_SECONDS = 5
# Beyond what programs take at most by themselves to end.
MORE_SECONDS = 10


@dataclass(frozen=True)
class Address:
    """Where the web server listens, by IP address."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return ip_address(self.host).is_loopback

    @property
    def is_every(self) -> bool:
        return ip_address(self.host).is_unspecified

    @property
    def near(self) -> str:
        """An address at which this machine reaches it."""
        if not self.is_every:
            return self.host
        return "::1" if ":" in self.host else "127.0.0.1"

    @property
    def url(self) -> str:
        return f"http://{_bracketed(self.near)}:{self.port}"

    @property
    def allowed_hosts(self) -> str:
        """The Host headers to answer, in the form of TAGGEDIMAGES_ALLOWED_HOSTS."""
        if self.is_every:
            return "*"
        return ",".join(dict.fromkeys(("localhost", "127.0.0.1", "[::1]", _bracketed(self.host))))


def environment(folder: Path, address: Address) -> dict[str, str]:
    """What the service's programs are started with: the caller's variables count for more."""
    defaults = {
        "PYTHONUNBUFFERED": "1",
        "TAGGEDIMAGES_HTTPS": "false",
        "TAGGEDIMAGES_ANONYMOUS": "open" if address.is_loopback else "read-only",
        "TAGGEDIMAGES_ALLOWED_HOSTS": address.allowed_hosts,
    }
    named = os.environ.get("TAGGEDIMAGES_CORS_ORIGINS", "")
    always = {
        "TAGGEDIMAGES_DATA": str(folder),
        # Whoever builds a page on this machine may try it with the service.
        "TAGGEDIMAGES_CORS_ORIGINS": ",".join((*filter(None, [named]), *origins.LOOPBACK)),
    }
    return defaults | os.environ | always


def web(folder: Path, address: Address, env: dict[str, str]) -> Part:
    """The API behind its web front, whose processes come back when they end."""
    return Part(
        name="web",
        title="API",
        argv=[
            *(sys.executable, "-m", "taggedimages.serving"),
            *(f"--host={address.host}", f"--port={address.port}"),
        ],
        env=env,
        folder=folder,
        ready=partial(_serves, address),
        stop_seconds=settings.DRAIN_SECONDS + settings.STOP_SECONDS + MORE_SECONDS,
    )


def worker(folder: Path, env: dict[str, str]) -> Part:
    """The background worker; it has started once it has said so."""
    part = command(folder, env, "work")
    length = part.log.stat().st_size if part.log.exists() else 0
    return Part(
        name="work",
        title="Worker",
        argv=part.argv,
        env=env,
        folder=folder,
        ready=lambda: part.log.exists() and part.log.stat().st_size != length,
        stop_seconds=settings.STOP_SECONDS + MORE_SECONDS,
    )


def command(folder: Path, env: dict[str, str], name: str, *arguments: str) -> Part:
    """A command of manage.py."""
    argv = [sys.executable, str(CHECKOUT / "manage.py"), name, *arguments]
    return Part(name=name, title=f"manage.py {name}", argv=argv, env=env, folder=folder)


def _serves(address: Address) -> bool:
    connection = HTTPConnection(address.near, address.port, timeout=WEB_PROBE_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
