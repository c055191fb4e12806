"""A running `up`, and callers of all four APIs who bring a secret wherever there can be one."""

import base64
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import jwt
import psycopg2
import requests

from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import Up, eventually
from taggedimages.factories import make_png


@dataclass
class Traffic:
    """What was sent to a service, with all that its logs must not have."""

    up: Up
    secrets: set[str] = field(default_factory=set)
    # Of the requests that left the worker something to do, by what that is.
    request_ids: dict[str, str] = field(default_factory=dict)

    def canary(self, name: str) -> str:
        """A new secret."""
        made = f"c4n4ry{len(self.secrets)}{name}".ljust(24, "z")
        self.secrets.add(made)
        return made

    def ask(self, method: str, path: str, request_id: str = "", **options: Any) -> Any:
        """An answer, whatever its status, which has an id in any case."""
        headers = {"X-Request-Id": request_id} if request_id else {}
        headers |= options.pop("headers", {})
        answer = requests.request(
            method,
            self.up.url + path,
            timeout=60,
            allow_redirects=False,
            headers=headers,
            **options,
        )
        assert answer.headers["X-Request-Id"] == (request_id or answer.headers["X-Request-Id"])
        return answer

    def manage(self, *command: str) -> str:
        """What a command says, run as an operator does."""
        return subprocess.run(
            [sys.executable, str(CHECKOUT / "manage.py"), *command],
            env={"PATH": os.environ["PATH"], "TAGGEDIMAGES_DATA": str(self.up.data)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def numbers(self) -> str:
        """A scrape."""
        answer = self.ask("GET", "/metrics")
        assert answer.status_code == 200
        return str(answer.text)

    def logs(self) -> dict[str, str]:
        """Everything that was written: the files of the logs' folder, and what `up` printed but
        for the password that it shows on the terminal."""
        files = (self.up.data / "logs").iterdir()
        found = {file.name: file.read_text(errors="replace") for file in files}
        printed = self.up.output.splitlines()
        return found | {"terminal": "\n".join(line for line in printed if "password" not in line)}

    def lines(self, log: str) -> list[dict[str, Any]]:
        """The objects in a log of the service's own processes."""
        text = self.logs()[log]
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def sent(up: Up) -> Traffic:
    """All of it, and what the worker made of it."""
    traffic = Traffic(up)
    state = up.state
    traffic.secrets |= {
        *(state.secret_key, state.hook_secret, state.postgres_password, state.service_password),
        *(state.s3_secret_key, state.s3_internal_key),
        next(line for line in up.output.splitlines() if "password" in line).split()[4],
    }
    mira = json.loads(traffic.manage("credentials", "mira", "--password", "--staff"))
    traffic.secrets |= {mira[it] for it in ("token", "secret_key", "secret", "password")}
    bearer = {"Authorization": f"Bearer {mira['token']}"}
    work(traffic, bearer)
    dialects(traffic, mira)
    credentials(traffic)
    bodies(traffic, bearer)
    broken(traffic, bearer)
    engines(traffic)
    return traffic


def work(traffic: Traffic, bearer: dict[str, str]) -> None:
    """Uploads, a change and a release, by requests whose ids the worker should tell."""
    ids = traffic.request_ids
    ids |= {"inspect": "of-the-file", "apply": "of-the-change", "build": "of-the-release"}
    body = {"filename": "knee.png", "tags": ["knee"]}
    # The worker may be there before its client says that the file has come.
    made = traffic.ask("POST", "/v1/images", ids["inspect"], headers=bearer, json=body).json()
    traffic.secrets |= signatures(made["upload_url"])
    assert requests.put(made["upload_url"], data=make_png(), timeout=30).status_code == 200
    url = f"/v1/images/{made['id']}"
    done = traffic.ask("POST", f"{url}/complete", ids["inspect"], headers=bearer)
    assert done.status_code == 200, done.text
    assert eventually(
        lambda: traffic.ask("GET", f"{url}/facts", headers=bearer).json()["state"] == "ready", 60
    )
    shown = traffic.ask("GET", url, headers=bearer).json()
    traffic.secrets |= signatures(shown["url"])
    asked = {"query": {"any_tags": ["knee"]}, "operation": {"add": ["left"]}}
    change = traffic.ask("POST", "/v1/changes", headers=bearer, json=asked).json()
    apply = {"digest": change["plan"]["digest"]}
    url = f"/v1/changes/{change['id']}"
    assert traffic.ask("POST", f"{url}/apply", ids["apply"], headers=bearer, json=apply).ok
    assert eventually(
        lambda: traffic.ask("GET", url, headers=bearer).json()["state"] == "applied", 60
    )
    assert traffic.ask(
        "POST", "/v1/datasets", headers=bearer, json={"name": "knees"}
    ).status_code in (201, 409)
    release = {"query": {"any_tags": ["left"]}}
    url = "/v1/datasets/knees/releases"
    asked_for = traffic.ask("POST", url, ids["build"], headers=bearer, json=release)
    assert asked_for.ok, asked_for.text
    assert eventually(
        lambda: traffic.ask("GET", f"{url}/1", headers=bearer).json()["state"] == "released", 60
    )
    members = traffic.ask("GET", f"{url}/1/members", "of-the-stream", headers=bearer | NDJSON)
    assert members.ok, members.text


NDJSON = {"Accept": "application/x-ndjson"}


def signatures(url: str) -> set[str]:
    """What makes a presigned URL a permission."""
    query = urlsplit(url).query
    return {query, *(it.partition("=")[2] for it in query.split("&") if "Signature" in it)}


def dialects(traffic: Traffic, mira: dict[str, Any]) -> None:
    """The same caller through the other APIs, by each kind of credential."""
    token = jwt.encode({"iss": mira["secret_id"], "admin": True}, mira["secret"], "HS256")
    traffic.secrets.add(token)
    sharinpix = {"Authorization": f'Token token="{token}"'}
    assert traffic.ask("GET", "/api/v1/tags", headers=sharinpix).status_code == 200
    assert traffic.ask("GET", f"/api/v1/tags?token={token}").status_code in (200, 401)
    atmosphere = {"Authorization": f"TOKEN {mira['token']}"}
    assert traffic.ask("GET", "/api/v2/images", headers=atmosphere).status_code == 200
    user = {"name": "mira", "password": mira["password"], "domain": {"name": "default"}}
    login = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    issued = traffic.ask("POST", "/v3/auth/tokens", json=login)
    assert issued.status_code == 201, issued.text
    traffic.secrets.add(issued.headers["X-Subject-Token"])
    keystone = {"X-Auth-Token": issued.headers["X-Subject-Token"]}
    assert traffic.ask("GET", "/v2/images", headers=keystone).status_code == 200


def credentials(traffic: Traffic) -> None:
    """Wrong ones, at every place, all of which are refused or ignored."""
    canary = traffic.canary
    basic = base64.b64encode(f"mira:{canary('basic')}".encode()).decode()
    traffic.secrets.add(basic)
    for path in ("/v1/tags", "/api/v1/tags", "/api/v2/tags", "/v2/images", "/admin/", "/nothing"):
        for headers in (
            {"Authorization": f"Bearer {canary('bearer')}"},
            {"Authorization": f"TOKEN {canary('TOKEN')}"},
            {"Authorization": f'Token token="{canary("quoted")}"'},
            {"Authorization": f"Basic {basic}"},
            {"Authorization": f"SDK-HMAC-SHA256 Access=A, Signature={canary('sdk')}"},
            {"X-Auth-Token": canary("keystone"), "X-Hook-Secret": canary("hook")},
            {"Cookie": f"sessionid={canary('session')}; csrftoken={canary('csrf')}"},
        ):
            query = f"?token={canary('query')}&X-Amz-Signature={canary('amz')}&q=a"
            traffic.ask("GET", path + query, headers=headers)
    form = {"username": "mira", "password": canary("form"), "csrfmiddlewaretoken": canary("csrf")}
    traffic.ask("POST", "/admin/login/", data=form)
    for number in range(12):
        user = {"name": "nobody", "password": canary("wrong"), "domain": {"name": "default"}}
        login = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
        status = traffic.ask("POST", "/v3/auth/tokens", json=login).status_code
        assert status == (401 if number < 10 else 429)
    hook = {"X-Hook-Secret": traffic.up.state.hook_secret}
    traffic.ask("POST", "/v1/hooks/s3", headers=hook, json={"Records": []})
    traffic.ask("POST", f"/v1/hooks/s3?secret={canary('hook')}", json={"Records": [{}]})
    traffic.ask("OPTIONS", f"/v1/tags?token={canary('preflight')}", headers=PREFLIGHT)


PREFLIGHT = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "GET"}


def bodies(traffic: Traffic, bearer: dict[str, str]) -> None:
    """What no API can read or keep, with a secret in it."""
    canary = traffic.canary
    for path in ("/v1/tags", "/api/v1/tags", "/api/v2/tags", "/v3/auth/tokens", "/v1/images"):
        for body in (
            f'{{"password": "{canary("torn")}"',
            json.dumps({"name": f"nul\0 password={canary('nul')}", "token": canary("field")}),
            json.dumps({"auth": {"password": canary("auth")}}),
            f'{{"half": "\\ud800 token={canary("half")}"}}',
        ):
            headers = bearer | {"Content-Type": "application/json"}
            traffic.ask("POST", path, headers=headers, data=body.encode())
    traffic.ask("POST", "/v1/tags", headers=bearer, data=b"x" * 2_000_000)
    # What is no HTTP at all is refused by the server that stands before the service.
    address = urlsplit(traffic.up.url)
    for raw in (f"GET /{canary('raw')} NONSENSE\r\n\r\n", f"\0\0{canary('bytes')}\r\n\r\n"):
        with socket.create_connection((address.hostname or "", address.port or 0), 10) as peer:
            peer.sendall(raw.encode())
            peer.recv(1000)


def broken(traffic: Traffic, bearer: dict[str, str]) -> None:
    """Requests that need the store while it is away, as it is killed; `up` brings it back."""
    made = traffic.ask("POST", "/v1/images", headers=bearer, json={"filename": "a.png"}).json()
    traffic.secrets |= signatures(made["upload_url"])
    data = base64.b64encode(make_png()).decode()
    body = {"filename": "b.png", "image_data": data, "tags": []}
    traffic.up.part("seaweedfs")[0].kill()
    answers = [
        traffic.ask("POST", f"/v1/images/{made['id']}/complete", headers=bearer),
        traffic.ask("POST", "/v1/upload", headers=bearer, json=body),
    ]
    assert {answer.status_code for answer in answers} <= {503, 409, 201}
    assert eventually(traffic.up.is_ready, 60)


def engines(traffic: Traffic) -> None:
    """Both engines are asked what they refuse, with a secret in it."""
    canary, state = traffic.canary, traffic.up.state
    for statement in (
        f"ALTER ROLE postgres PASSWORD '{canary('role')}'",
        f"INSERT INTO django_session VALUES ('{canary('key')}', '{canary('data')}', NULL)",
        f"SELECT '{canary('cast')}'::int",
        f"SELECT '{canary('syntax')}' FROM nowhere WHERE",
    ):
        database = psycopg2.connect(state.database_url)
        try:
            database.cursor().execute(statement)
        except psycopg2.Error:
            pass
        finally:
            database.close()
    store = f"{state.s3_endpoint_url}/{state.bucket}"
    signed = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A/1/us-east-1/s3/aws4_request"
    for query in (
        f"{signed}&X-Amz-Signature={canary('s3')}",
        f"Signature={canary('v2')}&Expires=1",
    ):
        for method in ("GET", "PUT", "DELETE"):
            requests.request(method, f"{store}/key?{query}", data=canary("object"), timeout=30)
    wrong = {"Authorization": f"AWS4-HMAC-SHA256 Credential=A/1, Signature={canary('header')}"}
    assert requests.get(f"{store}/key", headers=wrong, timeout=30).status_code in (400, 403)
