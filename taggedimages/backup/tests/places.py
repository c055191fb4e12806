"""Where a service keeps what it has, and everything that is there, to be compared."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import psycopg2
from botocore.client import Config

from taggedimages.engines import postgres
from taggedimages.engines.state import CHECKOUT, State

# What a backup says of itself comes after its dump.
AFTERWARDS = "taggedimages_backup"
TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"


@dataclass(frozen=True)
class Place:
    """A database and a bucket, by the variables that name them, and the keys of the service."""

    variables: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """What a command of `manage.py` is run with to work there."""
        return {"PATH": os.environ["PATH"], **self.variables}

    def tables(self) -> dict[str, list[str]]:
        """All rows of each table, as PostgreSQL writes them, in their order; and the sequences."""
        with closing(psycopg2.connect(self.variables["DATABASE_URL"])) as connection:
            cursor = connection.cursor()
            cursor.execute(TABLES)
            names = sorted(name for (name,) in cursor.fetchall())
            found = {name: self._rows(cursor, name) for name in names if name != AFTERWARDS}
            cursor.execute(SEQUENCES)
            numbers = sorted(f"{name} {last}" for name, last in cursor if AFTERWARDS not in name)
            return found | {"sequences": numbers}

    def _rows(self, cursor, table: str) -> list[str]:
        cursor.execute(f'SELECT t::text FROM "{table}" t')
        return sorted(text for (text,) in cursor.fetchall())

    def objects(self) -> dict[str, bytes]:
        """The bytes of every object, by its key."""
        return {key: self.read(key) for key in self.keys()}

    def keys(self) -> list[str]:
        """The keys of all objects."""
        pages = self.store.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def read(self, key: str) -> bytes:
        """The bytes of one."""
        body: bytes = self.store.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    @property
    def bucket(self) -> str:
        return self.variables["S3_BUCKET"]

    @property
    def store(self):
        """Its S3 store, as any client reaches it."""
        return boto3.client(
            "s3",
            endpoint_url=self.variables["AWS_ENDPOINT_URL_S3"],
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
            region_name=self.variables["AWS_REGION"],
            config=Config(request_checksum_calculation="when_required"),
        )

    def elsewhere(self, database: str, bucket: str) -> "Place":
        """Another database and bucket on the same servers."""
        url = urlsplit(self.variables["DATABASE_URL"])._replace(path=f"/{database}").geturl()
        return Place(self.variables | {"DATABASE_URL": url, "S3_BUCKET": bucket})


@contextmanager
def empty_place(beside: Place, name: str) -> Iterator[Place]:
    """An empty database on the same server, and a bucket that is not there yet."""
    place = beside.elsewhere(f"{name}_{os.getpid()}", f"{beside.bucket}-{name}")
    database = place.variables["DATABASE_URL"].rpartition("/")[2]
    with closing(psycopg2.connect(beside.variables["DATABASE_URL"])) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {database}")
        try:
            yield place
        finally:
            connection.cursor().execute(f"DROP DATABASE {database} WITH (FORCE)")


def of_folder(state: State, data: Path) -> Place:
    """What is in a data folder whose engines run."""
    return Place(
        {
            "DATABASE_URL": state.database_url,
            "S3_BUCKET": state.bucket,
            "AWS_ENDPOINT_URL_S3": state.s3_endpoint_url,
            "AWS_ACCESS_KEY_ID": state.s3_access_key,
            "AWS_SECRET_ACCESS_KEY": state.s3_secret_key,
            "AWS_REGION": state.region,
            "SECRET_KEY": state.secret_key,
            "TAGGEDIMAGES_DATA": str(data),
            "TAGGEDIMAGES_PG_BIN": str(postgres.binaries()),
        }
    )


def manage(*arguments: object, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """A command of `manage.py` in a process of its own, to its end."""
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "manage.py"), *map(str, arguments)],
        env=env,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=240,
    )
