"""The database put back to an earlier state under running processes: nothing of what they remember
is shown of the other history, in any API, from the first request on.

A server process that lives on, on a cluster of its own. In either history more tags are made than
before, so that ids are given out twice.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import closing
from copy import copy

import jwt
import psycopg2
import pytest
import requests
from django.conf import settings

from taggedimages.engines import postgres
from taggedimages.engines.state import DATABASE, ROLE
from taggedimages.tests import clusters
from taggedimages.tests.servers import serving

SOON = 8
DOORS = ("v1", "v1 tags", "atmosphere", "sharinpix", "ims")
TAGS = [f"tag-{number}" for number in range(12)]


class Service:
    """One server process, its database, and whoever is known there."""

    def __init__(self, database, url, credentials, manage, fresh):
        self.database, self.url, self.credentials = database, url, credentials
        # Runs a command of manage.py; starts a process that remembers nothing.
        self.manage, self.fresh = manage, fresh
        claims = {"iss": credentials["secret_id"], "admin": True}
        signed = jwt.encode(claims, credentials["secret"], "HS256")
        token = credentials["token"]
        self.logins = {
            "v1": {"Authorization": f"Bearer {token}"},
            "atmosphere": {"Authorization": f"TOKEN {token}"},
            "sharinpix": {"Authorization": f'Token token="{signed}"'},
            "ims": {"X-Auth-Token": token},
        }

    def call(self, door, method, path, **options):
        headers = self.logins[door] | options.pop("headers", {})
        return requests.request(method, self.url + path, timeout=SOON, headers=headers, **options)

    def get(self, door, path):
        """What a door shows; whoever meets a connection that was cut asks again."""
        until = time.monotonic() + SOON
        while not (answer := self.call(door, "GET", path)).ok:
            assert answer.status_code == 503, answer.text
            assert time.monotonic() < until
            time.sleep(0.2)
        return answer.json()

    def create(self, *tags):
        asked, until = {"filename": "a.png", "tags": tags}, time.monotonic() + SOON
        while not (answer := self.call("v1", "POST", "/v1/images", json=asked)).ok:
            assert time.monotonic() < until, answer.text
            time.sleep(0.2)
        return answer.json()["id"]

    def shown(self):
        """The names that each door shows in its lists."""
        v1 = self.get("v1", "/v1/images?limit=100")["results"]
        atmosphere = self.get("atmosphere", "/api/v2/images?page_size=100")["results"]
        sharinpix = self.get("sharinpix", "/api/v1/tags")
        ims = self.get("ims", "/v2/images?limit=100")["images"]
        return {
            "v1": sorted(tag["name"] for image in v1 for tag in image["tags"]),
            "v1 tags": sorted(
                tag["name"] for tag in self.get("v1", "/v1/tags?limit=100")["results"]
            ),
            "atmosphere": sorted(name for image in atmosphere for name in image["tags"]),
            "sharinpix": sorted({tag["name"] for tag in sharinpix}),
            "ims": sorted(tag for image in ims for tag in image["tags"]),
        }

    def there(self):
        """The names that there are."""
        return sorted(
            name
            for (name,) in self.database.sql(
                "SELECT t.name FROM tags_imagetag l JOIN tags_tag t ON t.id = l.tag_id"
            )
        )

    def rename(self, old, new):
        [(tag,)] = self.database.sql("SELECT id FROM tags_tag WHERE name = %s", old)
        until = time.monotonic() + SOON
        while not (answer := self.call("v1", "PUT", f"/v1/tags/{tag}", json={"name": new})).ok:
            assert time.monotonic() < until, answer.text
            time.sleep(0.2)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    database = clusters.primary(folder / "primary")
    try:
        environment = os.environ | {
            "DATABASE_URL": database.url,
            "TAGGEDIMAGES_DATABASE_CONNECT_SECONDS": "1",
        }

        def manage(*command):
            return subprocess.check_output(
                [sys.executable, "manage.py", *command], env=environment, cwd=settings.BASE_DIR
            )

        def fresh():
            return serving(environment)

        manage("migrate", "-v0")
        credentials = json.loads(manage("credentials", "mira", "--project", "clinic", "--staff"))
        with serving(environment) as [url]:
            yield Service(database, url, credentials, manage, fresh)
    finally:
        database.kill()


class Dump:
    """Puts the database back to what a dump has, in one of several ways."""

    def __init__(self, database, folder, how):
        self.database, self.path, self.how = database, folder / "dump", how

    def remember(self):
        url = self.database.state.superuser_url(DATABASE)
        run("pg_dump", "-Fc", f"--file={self.path}", url)

    def restore(self, *options):
        url = self.database.state.superuser_url(DATABASE)
        run("pg_restore", f"--dbname={url}", *options, str(self.path))

    def __call__(self):
        if self.how == "restored":
            self.restore("--clean", "--if-exists")
        elif self.how == "filled anew":
            [(tables,)] = self.database.sql(
                "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
                " WHERE schemaname = 'public'"
            )
            with self.database.cursor() as cursor:
                cursor.execute("SET taggedimages.may_truncate = on")
                cursor.execute(f"TRUNCATE {tables}")
            self.restore("--data-only", "--disable-triggers")
        else:
            with closing(psycopg2.connect(self.database.state.superuser_url("postgres"))) as other:
                other.autocommit = True
                other.cursor().execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
                other.cursor().execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
            self.restore()


class Copy:
    """Puts the folder of the data back, while the server stands still."""

    def __init__(self, database, folder):
        self.database, self.folder = database, folder
        self.data = database.folder / "postgres" / "data"

    def remember(self):
        self.database.kill()
        copy_folder(self.data, self.folder / "data")
        self.database.start()

    def __call__(self):
        self.database.kill()
        shutil.rmtree(self.data)
        copy_folder(self.folder / "data", self.data)
        self.database.start()


def copy_folder(source, target):
    """With owners and modes, which the server minds."""
    subprocess.run(["cp", "-a", source, target], check=True)


def run(program, *arguments):
    subprocess.run([postgres.binaries() / program, *arguments], check=True)


@pytest.fixture(params=["restored", "made anew", "filled anew", "rewound"])
def put_back(request, service, tmp_path):
    """What puts the database back to what it was, in one of the ways in which that is done."""
    if request.param == "rewound":
        return Copy(service.database, tmp_path)
    return Dump(service.database, tmp_path, request.param)


def test_lists_show_the_names_of_tags_that_have_the_ids_of_others(service, put_back):
    began = f"{time.time()}"
    service.create(began)
    put_back.remember()
    for name in TAGS:
        service.create(f"{began} {name}")
    assert_right(service)
    put_back()
    for name in TAGS:
        service.create(f"{began} other {name}")
    assert_right(service)


def test_lists_show_the_names_of_tags_that_were_renamed_otherwise(service, put_back):
    """As often as in the first history, so that versions which count are the same."""
    began = f"{time.time()}"
    service.create(*(f"{began} {name}" for name in TAGS))
    put_back.remember()
    service.rename(f"{began} tag-0", f"{began} renamed")
    assert_right(service)
    put_back()
    service.rename(f"{began} tag-1", f"{began} renamed otherwise")
    assert_right(service)


def assert_right(service):
    there = tuple(service.there())
    assert {door: tuple(names) for door, names in service.shown().items()} == dict.fromkeys(
        DOORS, there
    )


QUESTIONS = {
    "v1": [
        *("/v1/images?limit=100", "/v1/images?limit=100&tag=common", "/v1/tags?limit=100"),
        *("/v1/images?q=common&limit=2", "/v1/images?limit=3&order=oldest"),
        "/v1/changes",
    ],
    "atmosphere": ["/api/v2/images?page_size=100", "/api/v2/tags?page_size=100"],
    "sharinpix": ["/api/v1/tags"],
    "ims": ["/v2/images?limit=100", "/v2/images?limit=100&tag=common"],
}


def answers(service):
    """To all questions, twice, since the second may be from memory; without what is signed anew."""
    told = {
        (door, path): service.get(door, path)
        for _ in range(2)
        for door, paths in QUESTIONS.items()
        for path in paths
    }
    text = json.dumps(list(told.values()), sort_keys=True).replace(service.url, "")
    return re.sub(r'X-Amz-[^"]*"', '"', text)


@pytest.mark.parametrize("put_back", ["restored", "rewound"], indirect=True)
def test_every_answer_is_that_of_a_process_which_remembers_nothing(service, put_back):
    """In both histories tags and images come, are renamed, and are taken into the index."""
    began = f"{time.time()}"
    service.create("common", began)
    put_back.remember()
    for word in ("left", "right"):
        for number in range(3):
            service.create("common", f"{began} {word} {number}")
        service.rename(f"{began} {word} 0", f"{began} {word} other")
        service.manage("tagindex")
        answers(service)
        if word == "left":
            put_back()
        with service.fresh() as [url]:
            assert answers(service) == answers(copy_of(service, url))


def copy_of(service, url):
    """The same service by another process."""
    other = copy(service)
    other.url = url
    return other


def test_no_entity_tag_stands_for_what_another_history_has(service, put_back):
    """304 says that the record is as it was, and it is another one under the same id."""
    began = f"{time.time()}"
    service.create(began)
    put_back.remember()
    image = f"/v1/images/{service.create(f'{began} left')}"
    held = {"If-None-Match": service.call("v1", "GET", image).headers["ETag"]}
    assert service.call("v1", "GET", image, headers=held).status_code == 304
    put_back()
    assert service.get("v1", "/v1/images?limit=1")["results"]
    assert f"/v1/images/{service.create(f'{began} right')}" == image
    answer = service.call("v1", "GET", image, headers=held)
    assert answer.status_code == 200
    assert [tag["name"] for tag in answer.json()["tags"]] == [f"{began} right"]
