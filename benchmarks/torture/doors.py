"""How each of the four APIs is asked, by one user who holds credentials for all of them."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from benchmarks.torture.asking import Request
from benchmarks.torture.service import Service

PROJECT = "torture"


@dataclass(frozen=True)
class Door:
    """One API, with the login that it knows."""

    headers: dict[str, str]

    def __call__(
        self,
        op: str,
        method: str,
        path: str,
        good: int | Iterable[int],
        body: Any = None,
        *,
        also: tuple[int, ...] = (),
        must: Callable[[Any], bool] = bool,
        **about: Any,
    ) -> Request:
        """A request at this door; `must` judges an answer that has a body."""
        goods = (good,) if isinstance(good, int) else tuple(good)
        judged = (lambda answer: True) if goods == (204,) else must
        return Request(op, method, path, goods, also, self.headers, body, None, about, judged)


@dataclass(frozen=True)
class Doors:
    """All of them."""

    tim: Door
    atmosphere: Door
    sharinpix: Door
    ims: Door


def open_doors(service: Service) -> Doors:
    """Credentials of a new user, who is staff of the project and so may change its vocabulary."""
    made = service.manage("credentials", "torturer", "--project", PROJECT, "--staff")
    if made.returncode:
        raise RuntimeError(f"credentials failed: {made.stderr}")
    mine: dict[str, Any] = json.loads(made.stdout)
    token = jwt.encode({"iss": mine["secret_id"], "admin": True}, mine["secret"], "HS256")
    return Doors(
        tim=Door({"Authorization": f"Bearer {mine['token']}"}),
        atmosphere=Door({"Authorization": f"TOKEN {mine['token']}"}),
        sharinpix=Door({"Authorization": f'Token token="{token}"'}),
        ims=Door({"X-Auth-Token": mine["token"]}),
    )
