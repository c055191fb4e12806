"""A program that is not the service, and what the engines' sockets tell it."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import psutil

from taggedimages.engines import certificates

Address = tuple[str, int] | str
WAIT_SECONDS = 5
# RFC 9113, 3.4: how a client of gRPC begins, with an empty SETTINGS frame.
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def listening(processes: list[psutil.Process]) -> Iterator[Address]:
    """Every TCP address and every named Unix socket at which the processes can be reached."""
    connections = [c for p in processes for c in p.net_connections("all")]
    yield from sorted({tuple(c.laddr) for c in connections if c.status == psutil.CONN_LISTEN})
    yield from sorted({c.laddr for c in connections if c.family == socket.AF_UNIX and c.laddr})


def tls(folder: Path | None = None) -> ssl.SSLContext:
    """A client that believes every server, with the certificate in `folder` or none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    if folder:
        context.load_cert_chain(folder / certificates.CERTIFICATE, folder / certificates.KEY)
    return context


def answer(address: Address, said: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """The beginning of what comes back; empty where the connection is refused or cut."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as connection:
        connection.settimeout(WAIT_SECONDS)
        connection.connect(address)
        try:
            if context is None:
                connection.sendall(said)
                return connection.recv(1000)
            with context.wrap_socket(connection) as wrapped:
                wrapped.sendall(said)
                return wrapped.recv(1000)
        except (ssl.SSLError, ConnectionError):
            return b""


def http(method: str, path: str) -> bytes:
    """A request as a page in a browser could have it sent."""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: text/plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()
