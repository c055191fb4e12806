"""The two places where this API is mounted, and the links and shapes that differ by them."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import get_script_prefix
from rest_framework.request import Request

DEPLOYED = "/current/"


@dataclass(frozen=True)
class Mount:
    """`/api/v2` answers as the seed documents say, `/current/api/v2` as the last server did."""

    # Absolute, such as http://host/api/v2.
    root: str
    deployed: bool

    def link(self, collection: str, id: int) -> str:
        """The URL of a record, under the mount that was asked."""
        return f"{self.root}/{collection}/{id}"


def mount_of(request: Request | HttpRequest) -> Mount:
    """Where a request came in."""
    deployed = request.path_info.startswith(DEPLOYED)
    path = "current/api/v2" if deployed else "api/v2"
    return Mount(request.build_absolute_uri(get_script_prefix() + path), deployed)
