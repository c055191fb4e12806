"""What a running `manage.py up` withstands; the tests share one."""

import os
import subprocess
import sys

import pytest
import requests

from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests import store
from taggedimages.engines.tests.conftest import Up, eventually, launch, status, without_engines


def test_the_whole_service_answers_when_the_banner_is_printed(up: Up) -> None:
    assert up.is_ready()
    assert status(f"{up.url}/docs") == 200
    assert status(f"{up.url}/v1/images") == 200


@pytest.mark.parametrize("name", ["postgres", "seaweedfs", "web", "work"])
def test_a_killed_part_comes_back_with_all_data(up: Up, name: str) -> None:
    store.write(up.state, f"before {name}")
    killed = up.part(name)[0]

    killed.kill()

    assert eventually(lambda: bool(up.part(name)) and killed not in up.part(name))
    assert eventually(up.is_ready)
    assert store.holds(up.state, f"before {name}")
    store.write(up.state, f"after {name}")


def test_a_killed_web_worker_comes_back(up: Up) -> None:
    workers = up.part("web")[1:]
    assert len(workers) == 2

    workers[0].kill()

    assert eventually(lambda: len(up.part("web")) == 3 and workers[0] not in up.part("web"))
    assert eventually(up.is_ready)


def test_a_second_up_on_the_same_data_is_refused(up: Up) -> None:
    before = [up.part(name)[0] for name in ("postgres", "seaweedfs", "web", "work")]

    second = subprocess.run(
        [sys.executable, str(CHECKOUT / "manage.py"), "up", "--port=0"],
        env=os.environ | {"TAGGEDIMAGES_DATA": str(up.data)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 1
    assert f"already running (pid {up.process.pid}, {up.url})" in second.stderr
    assert [up.part(name)[0] for name in ("postgres", "seaweedfs", "web", "work")] == before
    assert up.is_ready()


def test_a_taken_port_is_named_before_anything_starts(up: Up, tmp_path) -> None:
    port = up.url.rpartition(":")[2]

    second = launch(tmp_path / "data", f"--port={port}", env=without_engines())

    assert second.wait(30) == 1
    assert f"127.0.0.1:{port}" in (tmp_path / "output").read_text()
    assert not (tmp_path / "data" / "postgres").exists()


def test_another_command_finds_the_same_database(up: Up) -> None:
    outer = {"PATH": os.environ["PATH"], "TAGGEDIMAGES_DATA": str(up.data)}

    checked = subprocess.run(
        [sys.executable, str(CHECKOUT / "manage.py"), "migrate", "--check"],
        env=outer,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr


def test_what_holds_secrets_is_closed_to_other_users(up: Up) -> None:
    def mode(name: str) -> int:
        return (up.data / name).stat().st_mode & 0o777

    assert mode("state.json") == mode("seaweedfs/security.toml") == 0o600
    assert mode("seaweedfs/tls/key.pem") == mode("seaweedfs/s3.json") == 0o600
    assert mode("seaweedfs") == mode("postgres") == mode("logs") == 0o700
    # Others may pass through at most, so that PostgreSQL's own user reaches its folder.
    assert mode(".") & 0o066 == 0


@pytest.mark.parametrize("origin", ["http://localhost:5173", "https://[::1]", "http://127.0.0.1"])
def test_pages_of_this_machine_may_use_the_apis_and_the_store(up: Up, origin: str) -> None:
    bucket = f"{up.state.s3_endpoint_url}/{up.state.bucket}/incoming/x.png"
    for url in (f"{up.url}/v1/images", f"{up.url}/healthz", bucket):
        asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        answer = requests.options(url, headers=asked, timeout=10)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, origin)


def test_pages_of_other_machines_may_use_no_api(up: Up) -> None:
    for origin in ("https://app.example.org", "http://localhost.example.org:5173", "null"):
        answer = requests.get(f"{up.url}/v1/images", headers={"Origin": origin}, timeout=10)
        assert answer.status_code == 200
        assert "Access-Control-Allow-Origin" not in answer.headers
