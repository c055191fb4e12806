"""`manage.py rotate_keys` on a data folder, beside a running `up` and without: keys and passwords
of before let nobody in any longer, data and log-ins stay, and no kill loses anything."""

import json
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import boto3
import psycopg2
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from taggedimages.engines import rotation, state
from taggedimages.engines.state import CHECKOUT, State
from taggedimages.engines.tests.conftest import Up, eventually, finish, start, without_engines
from taggedimages.factories import make_png


def rotate_keys(data: Path, *arguments: str) -> list[dict[str, object]]:
    """What the command tells, as JSON."""
    done = subprocess.run(
        [sys.executable, "manage.py", "rotate_keys", "--json", *arguments],
        cwd=CHECKOUT,
        env=without_engines() | {"TAGGEDIMAGES_DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def manage(up: Up, *command: str) -> str:
    environment = without_engines() | {"TAGGEDIMAGES_DATA": str(up.data)}
    return subprocess.check_output(
        [sys.executable, "manage.py", *command], cwd=CHECKOUT, env=environment, text=True
    )


def lets_in(url: str) -> bool:
    """Whether PostgreSQL does."""
    try:
        with closing(psycopg2.connect(url, connect_timeout=5)):
            return True
    except psycopg2.OperationalError:
        return False


def stores(known: State) -> bool:
    """Whether the store takes these keys."""
    store = boto3.client(
        "s3",
        endpoint_url=known.s3_endpoint_url,
        aws_access_key_id=known.s3_access_key,
        aws_secret_access_key=known.s3_secret_key,
        region_name=known.region,
        config=Config(retries={"total_max_attempts": 1}),
    )
    try:
        store.list_objects_v2(Bucket=known.bucket, MaxKeys=1)
    except ClientError:
        return False
    finally:
        store.close()
    return True


class Client:
    """Somebody with credentials, an image and a session of the admin, all of before."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.credentials = json.loads(manage(up, "credentials", "mira", "--staff", "--password"))
        self.token = {"Authorization": f"Bearer {self.credentials['token']}"}
        self.png = make_png()
        body = {"filename": "sun.png", "image_data": b64encode(self.png).decode()}
        sent = requests.post(f"{up.url}/v1/upload", json=body, headers=self.token)
        assert sent.status_code == 201, sent.text
        self.image = sent.json()["id"]
        # The second is not used until keys of before are forgotten.
        self.admin, self.idle = self.logged_in(), self.logged_in()

    def logged_in(self) -> requests.Session:
        session = requests.Session()
        page = session.get(f"{self.up.url}/admin/login/")
        login = {
            "username": "mira",
            "password": self.credentials["password"],
            "csrfmiddlewaretoken": page.cookies["csrftoken"],
        }
        session.post(f"{self.up.url}/admin/login/", data=login, headers={"Referer": page.url})
        return session

    def get(self, path: str) -> requests.Response:
        return requests.get(self.up.url + path, headers=self.token, timeout=20)

    def lets_in(self, session: requests.Session) -> bool:
        page = session.get(f"{self.up.url}/admin/", allow_redirects=False)
        return page.status_code == 200

    def reads_its_file(self) -> bool:
        url = self.get(f"/v1/images/{self.image}").json()["url"]
        return requests.get(url, timeout=20).content == self.png

    def signs(self) -> bool:
        """Whether a signing secret of before is known: it is stored encrypted."""
        said = manage(self.up, "verify", "--only", "keys", "--json")
        return bool(json.loads(said)["ok"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    up = start(tmp_path_factory.mktemp("rotation") / "data")
    yield up
    finish(up)


@pytest.fixture(scope="module")
def client(running: Up) -> Client:
    return Client(running)


@pytest.fixture(scope="module")
def rotated(running: Up, client: Client) -> tuple[State, State]:
    """The keys before and after they were rotated beside the running service."""
    before = running.state
    rotate_keys(running.data, "--apply")
    assert eventually(running.is_ready)
    return before, running.state


def test_without_apply_nothing_is_done(running: Up, client: Client) -> None:
    before = running.state
    told = rotate_keys(running.data)
    assert [line["part"] for line in told] == list(rotation.PARTS)
    assert all(line["embedded"] for line in told)
    assert running.state == before


def test_beside_a_running_service_it_starts_again_with_new_ones(
    running: Up, client: Client, rotated: tuple[State, State]
) -> None:
    before, after = rotated
    assert after.renewed == ()
    assert after.secret_key_fallbacks == (before.secret_key,)
    # All others are others, and none of before lets anybody in.
    assert after.hook_secret != before.hook_secret
    assert (lets_in(before.database_url), lets_in(after.database_url)) == (False, True)
    superuser = [known.superuser_url("postgres") for known in (before, after)]
    assert list(map(lets_in, superuser)) == [False, True]
    assert (stores(before), stores(after)) == (False, True)
    # And nothing is lost.
    assert client.reads_its_file()
    assert client.lets_in(client.admin)
    assert client.signs()
    assert manage(running, "rotate_keys", "--encrypt", "--json").count('"rows": 0') == 4


def test_keys_of_before_hold_until_they_are_to_be_forgotten(
    running: Up, client: Client, rotated: tuple[State, State]
) -> None:
    assert client.lets_in(client.admin)
    rotate_keys(running.data, "--forget", "--apply")
    assert running.state.secret_key_fallbacks == ()
    # A session that was used since is by the new key.
    assert client.lets_in(client.admin)
    assert not client.lets_in(client.idle)
    assert client.signs()
    assert client.reads_its_file()


def test_a_service_that_is_killed_amid_takes_them_when_it_starts_next(
    running: Up, client: Client, tmp_path: Path
) -> None:
    """At whatever point: the state of all but the last steps is that of one of these."""
    before = running.state
    running.process.kill()
    running.process.wait()
    rotation.renew(running.data, rotation.PARTS)
    # Asked for once more, what is not in use yet stays.
    assert rotation.renew(running.data, rotation.PARTS) == running.state
    again = start(running.data)
    try:
        after = again.state
        assert after.renewed == ()
        assert after.former_postgres_password == ""
        assert lets_in(after.superuser_url("postgres"))
        client.up = again
        assert client.reads_its_file()
        assert client.signs()
        assert after.secret_key != before.secret_key
    finally:
        again.process.send_signal(signal.SIGTERM)
        assert again.process.wait(60) == 0
        assert eventually(lambda: not again.processes())


def test_ones_that_are_made_while_it_starts_are_still_to_come(tmp_path: Path) -> None:
    used = state.load_or_create(tmp_path)
    rotation.renew(tmp_path, [rotation.S3])
    rotation.finish(tmp_path, used)
    assert rotation.is_asked_for(tmp_path)
    rotation.finish(tmp_path, state.load_or_create(tmp_path))
    assert not rotation.is_asked_for(tmp_path)


def test_what_only_some_are_made_anew_of_leaves_all_others(tmp_path: Path) -> None:
    before = state.load_or_create(tmp_path)
    after = rotation.renew(tmp_path, [rotation.S3])
    changed = {name for name, value in asdict(after).items() if value != getattr(before, name)}
    assert changed == {"s3_access_key", "s3_secret_key", "s3_internal_key", "renewed"}


def test_a_state_without_new_fields_is_as_earlier_versions_have_it(tmp_path: Path) -> None:
    """They know no others, and would take the file for lost."""
    state.load_or_create(tmp_path)
    kept = json.loads((tmp_path / "state.json").read_text())
    assert not {"secret_key_fallbacks", "former_postgres_password", "renewed"} & kept.keys()
