"""The two places where this API is mounted, and the links and shapes that differ by them."""

from functools import cached_property

from django.urls import get_script_prefix
from rest_framework.request import Request

DEPLOYED = "/current/"


class Mount:
    """`/api/v2` answers as the seed documents say, `/current/api/v2` as the last server did."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.deployed = request.path_info.startswith(DEPLOYED)

    @cached_property
    def root(self) -> str:
        """What all links start with, such as `http://host/api/v2`."""
        path = "current/api/v2" if self.deployed else "api/v2"
        return self.request.build_absolute_uri(get_script_prefix() + path)

    def link(self, collection: str, id: int) -> str:
        """The URL of a record, under the mount that was asked."""
        return f"{self.root}/{collection}/{id}"
