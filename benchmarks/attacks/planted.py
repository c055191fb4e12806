"""Holes made on purpose: a tool that does not find these would find none in the service either."""

import html
import http.server
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

PAGE = """<html><body>{said}<a href="/item?id=1">item</a>
<form action="/say"><input name="q" type="text"><input type="submit"></form></body></html>"""
# What bandit should find.
CODE = "import subprocess\n\n\ndef run(word):\n    subprocess.call(f'ls {word}', shell=True)\n"
# What pip-audit should find.
REQUIREMENT = "jinja2==2.4.1\n"


class Holes(http.server.BaseHTTPRequestHandler):
    """SQL of what was sent, and HTML of what was sent."""

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        given = dict(parse_qsl(where.query))
        status, said = 200, ""
        if where.path == "/item":
            status, said = _item(given.get("id", "0"))
        elif where.path == "/say":
            said = given.get("q", "")
        body = PAGE.format(said=said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def _item(given: str) -> tuple[int, str]:
    database = sqlite3.connect(":memory:")
    try:
        database.executescript("CREATE TABLE item (id, name); INSERT INTO item VALUES (1, 'one')")
        rows = database.execute(f"SELECT name FROM item WHERE id = {given}").fetchall()  # noqa: S608
        return 200, html.escape(str(rows))
    except sqlite3.Error as error:
        return 500, f"sqlite3.OperationalError: {error}"
    finally:
        database.close()


@contextmanager
def service() -> Iterator[str]:
    """A URL with holes behind it, for a while."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Holes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
