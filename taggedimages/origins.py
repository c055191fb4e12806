"""Origins whose pages may use the service, as TAGGEDIMAGES_CORS_ORIGINS lists them.

An origin is what browsers send in `Origin` (RFC 6454, 6.2), such as `https://app.example.org` or
`http://localhost:5173`. Ours may also be `http://localhost:*`, any port of that host, and `*`, all.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

EVERY = "*"
ANY_PORT = ":*"
HOST = r"\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
ORIGIN = re.compile(rf"([a-z][a-z0-9+.-]*)://({HOST})(?::(\*|[1-9][0-9]{{0,4}}))?")
# Browsers leave these away, so that an origin that names them would never be met.
DEFAULT_PORTS = {"http": "80", "https": "443"}
MAX_PORT = 65_535
# Pages that this machine serves itself, at whatever port.
LOOPBACK = tuple(
    f"{scheme}://{host}{ANY_PORT}"
    for scheme in ("http", "https")
    for host in ("localhost", "127.0.0.1", "[::1]")
)


class BadOrigin(ValueError):
    """No browser would ever send this as its origin; the text says why."""


@dataclass(frozen=True)
class Origins:
    """Which pages may read the service's answers: all, or those that are listed."""

    listed: tuple[str, ...] = ()
    every: bool = False

    def __bool__(self) -> bool:
        return self.every or bool(self.listed)

    @property
    def exact(self) -> list[str]:
        """Those that are one origin each."""
        return [origin for origin in self.listed if not origin.endswith(ANY_PORT)]

    @property
    def patterns(self) -> list[str]:
        """Regular expressions of those with any port, the default one too."""
        return [rf"{re.escape(base)}(?::[0-9]{{1,5}})?\Z" for base in self._bases()]

    def rules(self, *, knows_ports: bool) -> list[str]:
        """The AllowedOrigins of an S3 bucket's rule.

        A store that does not know `*` in place of a port has to let in everybody for such a one.
        """
        if self.every or (self._bases() and not knows_ports):
            return [EVERY]
        return [*self.exact, *(one for base in self._bases() for one in (base, base + ANY_PORT))]

    def _bases(self) -> list[str]:
        return [
            origin.removesuffix(ANY_PORT) for origin in self.listed if origin.endswith(ANY_PORT)
        ]


def parsed(named: Iterable[str]) -> Origins:
    """The origins of a list. Raises BadOrigin."""
    origins = tuple(dict.fromkeys(origin.strip() for origin in named if origin.strip()))
    if EVERY in origins:
        return Origins(every=True)
    for origin in origins:
        _check(origin)
    return Origins(origins)


def _check(origin: str) -> None:
    match = ORIGIN.fullmatch(origin)
    if match is None:
        raise BadOrigin(
            f"{origin!r} is no origin as browsers send it: scheme://host or scheme://host:port, in"
            " lower case and ASCII, without a path or a slash at the end."
        )
    scheme, _, port = match.groups()
    if port is None or port == EVERY:
        return
    if port == DEFAULT_PORTS.get(scheme):
        raise BadOrigin(f"{origin!r}: browsers leave :{port} away for {scheme}; do so, too.")
    if int(port) > MAX_PORT:
        raise BadOrigin(f"{origin!r}: ports end at {MAX_PORT}.")
