"""What a run knows of the service: values that exist, and headers of callers who may log in."""

import asyncio
import json
from typing import Any
from urllib.parse import quote

from benchmarks.attacks.composing import Headers
from benchmarks.attacks.credentials import Caller
from benchmarks.attacks.wire import Connection, Service, request
from benchmarks.client import Client

CSRF = "a" * 32
FEW = [str(number) for number in range(1, 40)]
ADMIN_MODELS = ["image", "tag", "tagchange", "project", "user", "group", "signingkey", "token"]


def values(base: str, callers: list[Caller]) -> dict[str, list[str]]:
    """Ids, uuids and names that are there now, by the word before them in a path."""
    client = Client(base, callers[0].token if callers else "")
    images = _page(client, "/api/v2/images?page_size=200")
    links = _page(client, "/api/v2/image_tags?page_size=200")
    tags = _page(client, "/api/v2/tags?page_size=200")
    client.close()
    ids, uuids = [str(each["id"]) for each in images], [each["uuid"] for each in images]
    link_ids = [str(each["id"]) for each in links]
    tagged = [str(each[name]) for each in tags for name in ("id", "uuid", "name")]
    return {
        "images": ids + uuids,
        "cloudimages": uuids,
        "image_tags": link_ids,
        "tag_images": link_ids,
        "tags": tagged,
        "albums": ["example", "default"],
        "storages": ["default"],
        "storage_files": uuids,
        "trashed_images": uuids,
        "tokens": [caller.token for caller in callers] or ["none"],
        **dict.fromkeys(ADMIN_MODELS, ids[:40] + FEW),
    }


def _page(client: Client, path: str) -> list[Any]:
    answer = client.ask(path)
    found: list[Any] = json.loads(answer.body)["results"] if answer.status == 200 else []
    return found


def headers(callers: list[Caller], admin: Headers) -> dict[str, list[Headers]]:
    """Of several callers, by dialect."""
    found: dict[str, list[Headers]] = {"admin": [admin] if admin else []}
    for caller in callers:
        for dialect, told in caller.headers().items():
            found.setdefault(dialect, []).append(list(told.items()))
    return found


class NotLoggedIn(Exception):
    """The admin did not take name and password."""


def session(service: Service, name_and_password: str) -> Headers:
    """Headers of a session of the admin, of `name:password`. Raises NotLoggedIn."""
    name, _, password = name_and_password.partition(":")
    form = f"csrfmiddlewaretoken={CSRF}&username={quote(name)}&password={quote(password)}"
    kind = "application/x-www-form-urlencoded"
    cookie = f"csrftoken={CSRF}"
    login = request(
        service, "POST", "/admin/login/", form.encode(), Content_Type=kind, Cookie=cookie
    )
    answer = asyncio.run(Connection(service).ask(login))
    told = answer.headers.get("set-cookie", "")
    if answer.status != 302 or "sessionid=" not in told:
        raise NotLoggedIn(f"{answer.status}")
    key = told.partition("sessionid=")[2].partition(";")[0]
    return [("Cookie", f"csrftoken={CSRF}; sessionid={key}"), ("X-CSRFToken", CSRF)]
