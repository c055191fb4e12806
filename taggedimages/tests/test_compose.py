"""compose.yaml and the Dockerfile: held against what they name, and each line of them run here.

There is no docker: the programs run on this machine, on ports of their own, with the commands and
the environment that the file gives them.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from django.conf import settings
from django.core.management import get_commands

from images.tests.files import encoded, photo
from taggedimages.doctor.checks import checks as doctor_checks
from taggedimages.engines import postgres
from taggedimages.engines.seaweedfs import program
from taggedimages.engines.service import MORE_SECONDS
from taggedimages.engines.state import CHECKOUT, free_port
from taggedimages.engines.tests.conftest import eventually, status
from taggedimages.environment import Environment
from taggedimages.tests.clusters import primary

COMPOSE = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("prepare", "web", "worker")
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
IMAGE = DOCKERFILE.rpartition("\nFROM ")[2]
# What compose puts in: `${NAME:?why}`, `${NAME:-default}`.
VARIABLE = re.compile(r"\$\{(\w+):([?-])([^}]*)\}")
SECRETS = {"SECRET_KEY", "HOOK_SECRET", "POSTGRES_PASSWORD", "DATABASE_PASSWORD", "S3_SECRET_KEY"}


def command_of(image: str) -> list[str]:
    """The CMD of the Dockerfile, in exec form."""
    (line,) = re.findall(r"^CMD (\[.*\])$", image, re.MULTILINE)
    command: list[str] = json.loads(line)
    return command


def seconds(text: str) -> int:
    assert text.endswith("s"), text
    return int(text[:-1])


def env_for_compose(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a copy of it in a folder."""
    script = shutil.copy(CHECKOUT / "env-for-compose", folder)
    return subprocess.run([script, *arguments], capture_output=True, text=True)


@pytest.fixture(scope="module")
def dotenv(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What .env says, as it is made."""
    folder = tmp_path_factory.mktemp("env")
    made = env_for_compose(folder, "images.example.org", "https://files.example.org")
    assert made.returncode == 0, made.stderr
    lines = (folder / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def filled(value: Any, dotenv: dict[str, str]) -> Any:
    """With what compose puts in."""
    if isinstance(value, dict):
        return {name: filled(inner, dotenv) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, dotenv) for inner in value]
    if not isinstance(value, str):
        return value

    def put(found: re.Match[str]) -> str:
        name, kind, default = found.groups()
        return dotenv[name] if kind == "?" else dotenv.get(name, default)

    return VARIABLE.sub(put, value).replace("$$", "$")


class TestWhatIsWritten:
    @pytest.mark.parametrize("name", SERVICES)
    def test_each_part_may_do_as_little_as_it_can(self, name: str) -> None:
        part = SERVICES[name]
        assert part["read_only"] is True
        assert part["cap_drop"] == ["ALL"]
        assert part["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in part
        assert part["user"] not in {"root", "0"}
        # Logs are bounded, since nobody watches the disk.
        assert {"max-size", "max-file"} <= part["logging"]["options"].keys()

    @pytest.mark.parametrize("name", SERVICES)
    def test_nothing_is_reached_from_other_machines_but_through_a_proxy(self, name: str) -> None:
        published = SERVICES[name].get("ports", [])
        assert all(port.startswith("127.0.0.1:") for port in published)
        assert bool(published) == (name in {"web", "store"})
        assert ("without" in SERVICES[name]["networks"]) == bool(published)
        assert COMPOSE["networks"]["within"]["internal"] is True

    @pytest.mark.parametrize("name", OURS)
    def test_the_image_is_one_and_runs_as_its_user(self, name: str) -> None:
        assert SERVICES[name]["image"] == SERVICES["web"]["image"]
        (user,) = re.findall(r"^USER (\S+)$", IMAGE, re.MULTILINE)
        assert SERVICES[name]["user"] == user
        assert f"--uid {user.partition(':')[0]} " in IMAGE

    @pytest.mark.parametrize("name", ["prepare", "worker"])
    def test_commands_exist(self, name: str) -> None:
        python, manage, command, *_ = SERVICES[name]["command"]
        assert (python, manage) == ("python", "manage.py")
        assert command in get_commands()

    def test_a_worker_is_well_as_long_as_doctor_hears_of_one(self) -> None:
        test = SERVICES["worker"]["healthcheck"]["test"]
        assert test[:5] == ["CMD", "python", "manage.py", "doctor", "--only"]
        assert test[5] in {check.name for check in doctor_checks()}

    def test_the_image_ends_with_one_command_that_listens_to_all(self) -> None:
        assert "ENTRYPOINT" not in DOCKERFILE
        assert "command" not in SERVICES["web"]
        command = command_of(IMAGE)
        assert command[:3] == ["python", "-m", "taggedimages.serving"]
        assert {"0.0.0.0", "8000"} <= set(command)
        assert SERVICES["web"]["ports"] == ["127.0.0.1:8000:8000"]
        assert "http://127.0.0.1:8000/readyz" in IMAGE

    @pytest.mark.parametrize("name", OURS)
    def test_the_service_has_the_time_that_it_may_take_to_end(self, name: str) -> None:
        part = SERVICES[name]
        grace = seconds(part["stop_grace_period"])
        bound = int(part["environment"]["TAGGEDIMAGES_STOP_SECONDS"])
        assert grace >= settings.DRAIN_SECONDS + bound + MORE_SECONDS

    def test_who_waits_for_whom(self) -> None:
        engines = {"condition": "service_healthy"}
        assert SERVICES["prepare"]["depends_on"] == {"database": engines, "store": engines}
        for name in ("web", "worker"):
            condition = {"condition": "service_completed_successfully"}
            assert SERVICES[name]["depends_on"] == {"prepare": condition}
        for name in ("database", "store"):
            assert "healthcheck" in SERVICES[name]
        assert SERVICES["prepare"]["restart"] == "no"

    def test_no_secret_is_written_there(self) -> None:
        for part in SERVICES.values():
            for name, value in part.get("environment", {}).items():
                if re.search("PASSWORD|SECRET", name) or "@" in value:
                    assert VARIABLE.search(value), name

    def test_the_store_has_every_option_that_it_is_given(self) -> None:
        helped = subprocess.run([program(), "server", "-h"], capture_output=True, text=True)
        known = set(re.findall(r"^  -([\w.]+)", helped.stdout + helped.stderr, re.MULTILINE))
        _, server, *options = SERVICES["store"]["command"]
        assert server == "server"
        assert {option[1:].partition("=")[0] for option in options} - known == set()

    def test_the_settings_are_such_as_there_are(
        self, dotenv: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        table = (CHECKOUT / "docs" / "operating" / "settings.md").read_text()
        given = filled(SERVICES["web"]["environment"], dotenv)
        assert [name for name in given if f"`{name}`" not in table] == []
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        env = Environment()
        for name in ("TAGGEDIMAGES_HTTPS", "TAGGEDIMAGES_BEHIND_PROXY"):
            assert env.bool(name) is True
        assert env.str("S3_PUBLIC_ENDPOINT_URL") == "https://files.example.org"
        assert env.faults == []


class TestSecrets:
    def test_each_is_made_by_chance_for_nobody_else_to_read(
        self, tmp_path: Path, dotenv: dict[str, str]
    ) -> None:
        env_for_compose(tmp_path, "images.example.org", "https://files.example.org")
        assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
        again = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())
        assert again.keys() == dotenv.keys() == SECRETS | {"HOST_NAME", "FILES_URL"}
        values = [dotenv[name] for name in SECRETS] + [again[name] for name in SECRETS]
        assert len(set(values)) == 2 * len(SECRETS)
        assert all(re.fullmatch("[0-9a-f]{64}", value) for value in values)

    def test_all_that_compose_asks_for_is_there(self, dotenv: dict[str, str]) -> None:
        asked = VARIABLE.findall((CHECKOUT / "compose.yaml").read_text())
        assert {name for name, kind, _ in asked if kind == "?"} == dotenv.keys()

    def test_one_that_is_there_is_left(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("SECRET_KEY=kept\n")
        again = env_for_compose(tmp_path, "images.example.org", "https://files.example.org")
        assert again.returncode == 1
        assert (tmp_path / ".env").read_text() == "SECRET_KEY=kept\n"

    def test_what_it_is_called_with_is_said(self, tmp_path: Path) -> None:
        assert env_for_compose(tmp_path).returncode == 2
        assert not (tmp_path / ".env").exists()

    def test_none_gets_into_git_or_the_image(self) -> None:
        for ignoring in (".gitignore", ".dockerignore"):
            assert {".env", ".env.new", "settings.env"} <= set(
                (CHECKOUT / ignoring).read_text().splitlines()
            )


@dataclass
class Stack:
    """All parts of the file, running here."""

    url: str
    store_url: str
    environment: dict[str, str]
    web: "subprocess.Popen[str]"
    worker: "subprocess.Popen[str]"

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """What `docker compose run --rm prepare python manage.py …` runs."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.environment,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
        )


@contextmanager
def launched(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A program, ended with the context if the test has not."""
    process = subprocess.Popen(
        command, env=environment, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, dotenv: dict[str, str]) -> Iterator[Stack]:
    """Database and store as the file starts them, then `prepare`, web and worker."""
    folder = tmp_path_factory.mktemp("compose")
    parts = filled(COMPOSE, dotenv)
    services = parts["services"]
    with ExitStack() as ends:
        cluster = primary(folder / "database")
        ends.callback(cluster.kill)
        server = make_role(cluster, parts["configs"]["role"]["content"], services["database"])

        ports = {name: free_port() for name in ("s3", "master", "volume", "filer")}
        command = [part.replace("/data", str(folder)) for part in services["store"]["command"]]
        command += [f"-{name}.port={port}" for name, port in ports.items()]
        command += [f"-{name}.port.grpc={free_port()}" for name in ports]
        ends.enter_context(
            launched([program(), *command], os.environ | services["store"]["environment"])
        )
        store = f"http://127.0.0.1:{ports['s3']}"
        assert eventually(lambda: status(f"{store}/healthz") == 200)

        outside = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment = outside | services["web"]["environment"]
        environment["DATABASE_URL"] = environment["DATABASE_URL"].replace("database:5432", server)
        environment["AWS_ENDPOINT_URL_S3"] = store
        # Clients of the test come without the proxies that have TLS.
        environment |= {"S3_PUBLIC_ENDPOINT_URL": store, "TAGGEDIMAGES_HTTPS": "false"}
        environment["TAGGEDIMAGES_SWEEP_SECONDS"] = "0.1"
        prepared = subprocess.run(
            [sys.executable, *services["prepare"]["command"][1:]],
            env=environment,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
        )
        assert prepared.returncode == 0, prepared.stderr

        port = free_port()
        serve = [sys.executable, *command_of(IMAGE)[1:]]
        serve = [str(port) if part == "8000" else part for part in serve]
        web = ends.enter_context(launched(serve, environment))
        work = [sys.executable, *services["worker"]["command"][1:]]
        worker = ends.enter_context(launched(work, environment))
        url = f"http://127.0.0.1:{port}"
        assert eventually(lambda: status(f"{url}/readyz") == 200)
        yield Stack(url, store, environment, web, worker)


def make_role(cluster: Any, script: str, database: dict[str, Any]) -> str:
    """Have the script make the service's role and database, as when the volume is new."""
    known = cluster.state
    server = f"127.0.0.1:{known.ports['postgres']}"
    environment = database["environment"] | {
        "PATH": f"{postgres.binaries()}:{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": server.partition(":")[2],
        "PGPASSWORD": known.postgres_password,
    }
    # Those that the embedded server has made for itself make room.
    make_room = "DROP DATABASE taggedimages WITH (FORCE); DROP ROLE taggedimages"
    for statement in make_room.split("; "):
        subprocess.run(
            ["psql", "-qU", "postgres", "-c", statement], env=environment, check=True, timeout=30
        )
    subprocess.run(["bash", "-euc", script], env=environment, check=True, timeout=30)
    return server


def test_the_parts_run_together_and_end_well(stack: Stack) -> None:
    token = json.loads(stack.manage("credentials", "mira").stdout)["token"]
    asking = {
        "Authorization": f"Bearer {token}",
        "Host": stack.environment["TAGGEDIMAGES_ALLOWED_HOSTS"],
        "X-Forwarded-Proto": "https",
    }
    created = requests.post(
        f"{stack.url}/v1/images", json={"filename": "knee.png"}, headers=asking, timeout=20
    )
    assert created.status_code == 201, created.text
    upload_url = created.json()["upload_url"]
    assert upload_url.startswith(stack.store_url)
    body = encoded(photo(), "PNG")
    assert requests.put(upload_url, data=body, timeout=20).status_code == 200

    def image() -> Any:
        path = f"{stack.url}/v1/images/{created.json()['id']}"
        return requests.get(path, headers=asking, timeout=20).json()

    # The worker has taken and inspected it.
    assert eventually(lambda: bool(image().get("format")) or "size" in image())
    assert requests.get(image()["url"], timeout=20).content == body
    # Neither strangers nor other host names come in.
    assert requests.get(f"{stack.url}/v1/images", timeout=20).status_code == 400
    assert requests.get(f"{stack.store_url}/taggedimages", timeout=20).status_code == 403

    for process in (stack.web, stack.worker):
        process.terminate()
    assert (stack.web.wait(40), stack.worker.wait(40)) == (0, 0)


def test_the_service_is_no_superuser(stack: Stack) -> None:
    asked = "from django.db import connection as c; u = c.cursor(); u.execute('SHOW is_superuser')"
    said = stack.manage("shell", "-c", f"{asked}; print(u.fetchone())")
    assert "('off',)" in said.stdout, said.stderr
