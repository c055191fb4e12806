"""A web server process that a test can talk to over HTTP, with an environment of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.db import connection

from images.storage import client
from taggedimages.engines.state import CHECKOUT

# One thread, so that the connection to the database is a kept one.
SERVER = """
from wsgiref.simple_server import make_server
from taggedimages.wsgi import application

server = make_server("127.0.0.1", 0, application)
print(server.server_port, flush=True)
server.serve_forever()
"""


def reaching(database_port: int, store_port: int) -> dict[str, str]:
    """The environment of a process that has the test's database and bucket, at ports of this
    machine."""
    account = connection.settings_dict
    credentials = client.credentials()
    password = f":{account['PASSWORD']}" if account["PASSWORD"] else ""
    return os.environ | {
        "DATABASE_URL": (
            f"postgres://{account['USER']}{password}@127.0.0.1:{database_port}/{account['NAME']}"
        ),
        "S3_BUCKET": settings.S3_BUCKET,
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{store_port}",
        "AWS_ACCESS_KEY_ID": settings.S3_ACCESS_KEY or credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": settings.S3_SECRET_KEY or credentials.secret_key,
        "SECRET_KEY": settings.SECRET_KEY,
        # Whatever this process has imported: the application says otherwise as it is loaded.
        "TAGGEDIMAGES_SERVES_REQUESTS": "false",
    }


@contextmanager
def serving(environment: Mapping[str, str], count: int = 1) -> Iterator[list[str]]:
    """The base URLs of so many server processes, ended with the context."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_launched(environment)) for _ in range(count)]
        for process in processes:
            stack.callback(process.terminate)
        yield [f"http://127.0.0.1:{_port(process)}" for process in processes]


def _launched(environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", SERVER],
        env={**environment, "TAGGEDIMAGES_SERVES_REQUESTS": "true"},
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout
    return int(process.stdout.readline())
