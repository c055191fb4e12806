"""Databases that early commits made are brought to this version with all that is in them.

`upgrades/<commit>.sql.gz` and `.tar.gz` are database and bucket as that commit's own code left them
behind: three images of `demo`, and four that were made over HTTP. One of those was deleted, one was
given other tags, and of one no file came.
"""

import gzip
import json
import os
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from images import storage
from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import eventually
from taggedimages.tests.servers import serving

FOLDER = Path(__file__).parent / "upgrades"
# The first that had `up`, whose first migrations were edited later, and one that had the first form
# of the tag index.
COMMITS = ["30f9bf00", "6d6543d1"]
# As if it had been left behind just now, with the last deletion behind it: uploads that nobody
# finished would have ended since. No trigger writes that down.
NOW = """
SET session_replication_role = replica;
DO $$
DECLARE since interval := now() - (SELECT max(greatest(created_at, ended_at)) FROM images_image);
c record;
BEGIN
    FOR c IN SELECT t.relid::regclass AS told, a.attname AS at
             FROM pg_stat_user_tables t JOIN pg_attribute a ON a.attrelid = t.relid
             WHERE t.schemaname = 'public' AND a.atttypid = 'timestamptz'::regtype AND a.attnum > 0
             AND NOT a.attisdropped AND a.attgenerated = ''
    LOOP
        EXECUTE format('UPDATE %s SET %I = %I + $1', c.told, c.at, c.at) USING since;
    END LOOP;
END $$;
RESET session_replication_role;
"""
# What a worker has still to do.
LEFT = """
SELECT (SELECT count(*) FROM images_image WHERE check_at <= now())
     + (SELECT count(*) FROM images_image
        WHERE uploaded_at IS NOT NULL AND deleted_at IS NULL AND processed_at IS NULL)
     + (SELECT count(*) FROM search_rebuild) + (SELECT count(*) FROM search_unindexed)
"""


@dataclass
class Early:
    """A database and a bucket of an early commit, and programs of today on them."""

    environment: dict[str, str]

    def manage(self, *command: str) -> str:
        """What a command says, which has to succeed."""
        done = subprocess.run(
            [sys.executable, str(CHECKOUT / "manage.py"), *command],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert not done.returncode, done.stdout + done.stderr
        return done.stdout

    def rows(self, query: str) -> list[Any]:
        """What the database answers."""
        url = self.environment["DATABASE_URL"]
        with closing(psycopg2.connect(url)) as other, other.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()


@pytest.fixture(scope="module", params=COMMITS)
def early(request: pytest.FixtureRequest) -> Iterator[Early]:
    name = f"early_{request.param}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
    bucket = name.replace("_", "-")
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as server:
        server.autocommit = True
        server.cursor().execute(f"DROP DATABASE IF EXISTS {name}")
        server.cursor().execute(f"CREATE DATABASE {name}")
        with closing(psycopg2.connect(url)) as database, database:
            database.cursor().execute(
                gzip.decompress((FOLDER / f"{request.param}.sql.gz").read_bytes()).decode()
            )
            database.cursor().execute(NOW)
        fill(bucket, FOLDER / f"{request.param}.tar.gz")
        yield Early(
            os.environ
            | {"DATABASE_URL": url, "S3_BUCKET": bucket, "TAGGEDIMAGES_SERVES_REQUESTS": "false"}
        )
        server.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


def fill(bucket: str, files: Path) -> None:
    """Make a bucket with the files of an archive, by their names."""
    store = storage.client.store()
    store.create_bucket(Bucket=bucket)
    with tarfile.open(files) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content
            store.put_object(Bucket=bucket, Key=member.name, Body=content.read())


def ask(method: str, url: str, body: Any = None, **headers: str) -> Any:
    """The JSON of an answer, which has to be a success."""
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_a_database_of_an_early_commit_is_brought_to_this_version_and_serves(early: Early) -> None:
    links = early.rows("SELECT image_id, tag_id, value FROM tags_imagetag ORDER BY 1, 2")
    lines = early.rows("SELECT id, tag_name, new_value, change_id FROM tags_tagchange ORDER BY 1")
    users = early.rows("SELECT username, password FROM identity_user ORDER BY 1")

    assert "The schema is up to date." in early.manage("prepare")
    work_until_done(early)

    # Nothing of what was there is another than it was.
    assert early.rows("SELECT image_id, tag_id, value FROM tags_imagetag ORDER BY 1, 2") == links
    told = early.rows("SELECT id, tag_name, new_value, change_id FROM tags_tagchange ORDER BY 1")
    assert told == lines
    assert early.rows("SELECT username, password FROM identity_user ORDER BY 1") == users
    # All files were read, and index and releases are as they should be.
    assert early.rows(
        "SELECT count(*) FROM images_facts JOIN images_image i ON i.id = image_id"
        " WHERE length(sha256) = 32 AND has_previews AND problem = '' AND deleted_at IS NULL"
    ) == [(5,)]
    early.manage("verify")
    early.manage("tagindex")

    with serving(early.environment) as [url]:
        assert ask("GET", f"{url}/readyz")["database"] == "ok"
        names = [image["filename"] for image in ask("GET", f"{url}/v1/images")["results"]]
        assert names[:3] == ["never sent.png", "hand.png", "knee.png"]
        assert len(names) == 6
        [hand] = ask("GET", f"{url}/v1/search/images?exact_tags=hand|reviewed")["results"]
        assert [tag["name"] for tag in hand["tags"]] == ["hand", "reviewed"]
        with urllib.request.urlopen(hand["url"], timeout=60) as file:
            assert len(file.read()) == hand["size"]
        answer = ask("GET", f"{url}/v1/images/{hand['id']}/history")
        assert {(line["action"], line["tag"]["name"]) for line in answer["results"]} == {
            ("add", "hand"), ("add", "left"), ("add", "Straße"),
            ("remove", "left"), ("remove", "Straße"), ("add", "reviewed"),
        }  # fmt: skip
        assert ask("GET", f"{url}/api/v2/images?tag_name=hand")["count"] == 1
        known = json.loads(early.manage("credentials", "mira"))
        ims = ask("GET", f"{url}/v2/cloudimages", **{"X-Auth-Token": known["token"]})
        assert ims["images"]
        ask("PUT", f"{url}/v1/images/{hand['id']}", {"tags": ["hand", "today"]})
        assert (
            ask("GET", f"{url}/v1/search/images?match_tags=tod%25")["results"][0]["id"]
            == hand["id"]
        )
    assert "The schema is up to date." in early.manage("prepare")


def work_until_done(early: Early) -> None:
    """Have a worker read the files and make the index."""
    with subprocess.Popen(
        [sys.executable, str(CHECKOUT / "manage.py"), "work"],
        env=early.environment,
        stdout=subprocess.DEVNULL,
    ) as worker:
        try:
            assert eventually(lambda: early.rows(LEFT) == [(0,)], 240)
        finally:
            worker.terminate()
